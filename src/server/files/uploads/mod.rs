//! Changes of the files below one folder, for PUT, DELETE, and POST of a form: [`Uploads`].
//!
//! In reading order: `put`, `delete` and `form`; `change`, which makes each change whole and one at a time;
//! `new_file`, a file before it has its name; `target`, what a path may name; `refused`, why not, in words; `page`, the
//! form in a listing.

mod change;
mod delete;
mod form;
mod new_file;
mod page;
mod put;
mod refused;
mod target;

use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use self::change::Tree;
pub(super) use self::new_file::is_temporary;
pub(super) use self::page::form as form_in_listing;
use super::Files;
use super::document_root::DocumentRoot;
use crate::proto::http::head::RequestHead;
use crate::proto::http::method::Method;
use crate::server::body_receiver::{AnnouncedBody, BodyReceiver};
use crate::server::conn::request_body::RequestBody;
use crate::server::handler::Handler;
use crate::server::request::Request;
use crate::server::respond::error_response::ErrorResponse;
use crate::server::response::Response;
use crate::server::router::build::Router;

/// The longest body if no other is given: 1 GB, as Apache's LimitRequestBody. nginx 1 MB, miniserve has no limit.
const MOST: u64 = 1 << 30;

/// Lets clients change the files below one folder: PUT of a file, DELETE of a file or of an empty folder, POST of a
/// form with files. [`Router::uploads`] adds the three routes.
///
/// ```
/// use threadbare::server::{Router, Uploads};
///
/// let uploads = Uploads::new("www")?.limit(100 << 20); // 100 MB for each request
/// let routes = Router::new().files("/", "www").uploads("/", uploads).build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// | request | what it does |
/// |---|---|
/// | `PUT /a/b` | stores the file `b` in the folder `a`, which must exist (409): 201, or 204 in place of another one |
/// | `DELETE /a/b` | removes the file: 204 |
/// | `DELETE /a/` | removes the folder, if it is empty (409): 204 |
/// | `POST /a/` | stores the files of a form (`multipart/form-data`) in the folder: 303 for a browser, else 201 |
///
/// A file has its name only when it is complete and on the disk (fsync(2)): a reader gets the old one or the new one,
/// and never a part. What is left of a killed process is removed by the next [`Uploads::new`]. `If-Match` and
/// `If-None-Match: *` guard a PUT and a DELETE against lost updates, among the changes of one `Uploads`. A form
/// replaces no file, unless it has a field named `replace` before the files.
///
/// Refused: names that begin with a dot, whatever leads through a symbolic link, and everything outside the folder.
/// Nothing is removed recursively. Everybody who reaches the server may do this: where that is not wanted,
/// [`Router::check`] lets in whom it knows, before a body arrives. ([`Router::wrap`] can refuse as well, but gets the
/// request with its whole body, which is then limited by [`Limits::body`](crate::server::Limits::body).) Pages of other sites cannot, see
/// [`Config::allowed_hosts`](crate::server::Config::allowed_hosts).
#[derive(Debug, Clone)]
pub struct Uploads {
    tree: Arc<Tree>,
    limit: u64,
}

impl Uploads {
    /// Changes what is below `root`, or below the folder that has this name later. Removes what a killed process has
    /// left of its uploads there.
    ///
    /// # Errors
    /// When `root` does not exist, is not a folder, or cannot be opened.
    pub fn new(root: impl AsRef<Path>) -> io::Result<Uploads> {
        let tree = Arc::new(Tree::new(DocumentRoot::new(root.as_ref())?));
        Ok(Uploads { tree, limit: MOST })
    }

    /// Sets the longest body in bytes, which gets a 413 beyond: a file, or a whole form. The default is 1 GB. The
    /// limits of the server for bodies that it keeps do not apply.
    pub fn limit(self, bytes: u64) -> Uploads {
        Uploads { limit: bytes, ..self }
    }
}

impl Files {
    /// Shows a form in each listing by which a browser can upload files there, for the routes that
    /// [`Router::uploads`] adds.
    ///
    /// ```
    /// use threadbare::server::{Files, Method, Router, Uploads};
    ///
    /// let uploads = Uploads::new("www")?;
    /// let files = Files::new("www")?.upload_form(&uploads);
    /// let routes = Router::new().route(Method::Get, "/{...}", files).uploads("/", uploads).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn upload_form(mut self, uploads: &Uploads) -> Files {
        self.before_listings = form_in_listing(uploads.limit);
        self
    }
}

impl Router {
    /// Lets clients change files below `prefix`: adds a route for PUT, for DELETE, and for POST of a form with files.
    /// They are for paths that no other pattern has, of any method: a PUT of `/users` stays a 405 where `/users` is a
    /// route for GET.
    ///
    /// [`Router::files`] serves the same folder, and [`Files::upload_form`] shows browsers a form.
    ///
    /// Several sites have [`VirtualHosts`](crate::server::VirtualHosts) of them.
    pub fn uploads(self, prefix: &str, uploads: impl Handler + Clone) -> Router {
        let pattern = format!("{}/{{...}}", prefix.strip_suffix('/').unwrap_or(prefix));
        [Method::Put, Method::Delete, Method::Post]
            .into_iter()
            .fold(self, |router, method| router.unclaimed(method, &pattern, uploads.clone()))
    }
}

/// Gives a receiver the body that the server has kept, as the route is wrapped.
fn receive_kept(
    body: &mut RequestBody,
    receiver: &mut dyn BodyReceiver,
) -> Result<(), ErrorResponse> {
    let mut piece = vec![0; 64 << 10];
    loop {
        match body.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(count) => receiver.receive(&piece[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(refused::failed(&error, "the body")),
        }
    }
}

impl Handler for Uploads {
    fn admit(&self, head: &RequestHead) -> Result<(), ErrorResponse> {
        if head.method == Method::Put { put::admit(head) } else { Ok(()) }
    }

    fn body_limit(&self) -> Option<u64> {
        Some(self.limit)
    }

    fn receiver(
        &self,
        body: &AnnouncedBody<'_>,
    ) -> Result<Option<Box<dyn BodyReceiver>>, ErrorResponse> {
        if body.length.is_some_and(|length| length > self.limit) {
            return Err(ErrorResponse::too_large(self.limit)); // before a look at the disk
        }
        match body.head.method {
            Method::Put => put::receiver(self, body).map(Some),
            Method::Post => form::receiver(self, body).map(Some),
            _ => Ok(None),
        }
    }

    /// The files are named by the rest of the path.
    fn params(&self) -> &'static [&'static str] {
        &["..."]
    }

    fn handle(&self, request: &mut Request) -> Response {
        let outcome = match request.head.method {
            Method::Put => put::handle(self, request),
            Method::Post => form::handle(self, request),
            _ => delete::handle(self, request),
        };
        outcome.unwrap_or_else(|error| error.to(request))
    }
}
