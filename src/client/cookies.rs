//! The cookies that a client keeps: [`Jar`] behind a lock, for all its threads.

use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use crate::proto::http::cookie_jar::Jar;
use crate::proto::http::head::{RequestHead, ResponseHead};
use crate::proto::http::url::Url;
use crate::sync::lock;

/// Cookies that are kept and sent again (RFC 6265bis), for [`Config::cookies`](super::Config::cookies). A client keeps
/// none by default. Clones share them, and so do clones of the client.
///
/// ```
/// use threadbare::client::{Client, Cookies};
///
/// let cookies = Cookies::new();
/// let client = Client::new().cookies(&cookies);
/// // client.post("http://127.0.0.1:8080/login").form(&[("name", "Ada")]).send()?;
/// // client.get("http://127.0.0.1:8080/").send()?; // with the cookie of the session
/// std::fs::write("/dev/null", cookies.to_file())?;
/// # Ok::<(), std::io::Error>(())
/// ```
/// A cookie goes to the host that set it, or to the hosts of its domain; a domain without a dot is refused, as it may
/// belong to everyone. There is no list of the other domains that do (`co.uk`): a server in one of them could set a cookie
/// for its neighbours.
#[derive(Debug, Clone, Default)]
pub struct Cookies(Arc<Mutex<Jar>>);

impl Cookies {
    /// Returns an empty store.
    pub fn new() -> Cookies {
        Cookies::default()
    }

    /// Adds the cookies of a file in the form that Netscape had, which curl, wget and Python write, too. Lines that are
    /// wrong, and cookies that have expired, are left out.
    pub fn read(&self, file: impl AsRef<[u8]>) {
        lock(&self.0).read(file.as_ref(), SystemTime::now());
    }

    /// Returns such a file, with all cookies. Their values are secrets: it is for its owner's eyes only.
    pub fn to_file(&self) -> Vec<u8> {
        lock(&self.0).to_file(SystemTime::now())
    }

    /// Removes the cookies that have no time to live, as a browser does when it is closed.
    pub fn end_session(&self) {
        lock(&self.0).end_session();
    }

    /// Returns the number of cookies.
    pub fn len(&self) -> usize {
        lock(&self.0).len()
    }

    /// Returns true if there are no cookies.
    pub fn is_empty(&self) -> bool {
        lock(&self.0).is_empty()
    }

    /// Adds the cookies for this URL to a head, before those that the caller has put there: there is one `Cookie` field
    /// (RFC 6265, 5.4).
    pub(super) fn add_to(&self, head: &mut RequestHead, url: &Url) {
        let Some(mut field) = lock(&self.0).field(url, SystemTime::now()) else { return };
        for own in head.headers.all("cookie") {
            field.extend_from_slice(b"; ");
            field.extend_from_slice(own);
        }
        head.headers.set("Cookie", field).expect("cookies have no control bytes");
    }

    /// Takes the cookies of a response.
    pub(super) fn take_from(&self, head: &ResponseHead, url: &Url) {
        for field in head.headers.all("set-cookie") {
            if let Err(refused) = lock(&self.0).store(url, field, SystemTime::now()) {
                log::debug!("{}: a cookie is refused: {refused}", url.authority);
            }
        }
    }
}
