//! What the server binary serves: a folder, users, and routes for learning and measuring.
//!
//! [`users`]: a REST resource, stored by [`store`]. [`lab`]: `/echo`, `/sleep/{ms}`, `/spin/{ms}`,
//! `/bytes/{n}`, `/chunks/{n}`, `/count`. [`status`]: `/-/health`, `/-/metrics`, `/-/status`.
//! [`rooms`]: `/rooms/{name}`. A program that uses the library has its own routes and needs nothing from here. [`udp_echo`] and
//! [`name_server`] answer datagrams.

mod json;
pub mod lab;
pub mod name_server;
mod pages;
mod pool_page;
mod pool_words;
pub mod rooms;
mod stat_fields;
pub mod status;
pub mod store;
pub mod udp_echo;
mod user;
pub mod users;

use self::rooms::RoomLimits;
use self::status::Status;
use self::store::Store;
use crate::server::router::RouteErrors;
use crate::server::{
    ErrorResponse, Files, InvalidHost, Method, RequestHead, Router, Routes, Uploads, VirtualHosts,
};

/// What the routes of the binary need.
#[derive(Debug)]
pub struct App {
    /// The folder that is served.
    pub files: Files,
    /// The sites that have a name and a folder of their own.
    pub hosts: Vec<Site>,
    /// From where to where requests are redirected.
    pub redirects: Vec<(String, String)>,
    /// Changes the files, if clients may.
    pub uploads: Option<Uploads>,
    /// The users; `None`: there is no `/users`.
    pub store: Option<Store>,
    /// What is shown to operators.
    pub status: Status,
    /// The limits of the rooms.
    pub rooms: RoomLimits,
    /// Whether responses have the fields `Stat-*`.
    pub stat_fields: bool,
}

/// A site with a name of its own.
#[derive(Debug)]
pub struct Site {
    /// Its name.
    pub name: String,
    /// Its folder.
    pub files: Files,
    /// Changes its files, if clients may.
    pub uploads: Option<Uploads>,
}

impl App {
    /// Returns all routes of the binary: the lab, the status, the users, the rooms, and the files for all
    /// other paths.
    ///
    /// # Errors
    /// When two routes contradict each other.
    pub fn routes(self) -> Result<Routes, RouteErrors> {
        status::health(&self.status).merge(self.router()?).build()
    }

    /// Returns the same routes behind a check of each request, but for `/-/health`, which is open to load balancers.
    ///
    /// # Errors
    /// When two routes contradict each other.
    pub fn routes_behind(
        self,
        check: impl Fn(&RequestHead) -> Result<(), ErrorResponse> + Send + Sync + 'static,
    ) -> Result<Routes, RouteErrors> {
        status::health(&self.status).merge(self.router()?.check(check)).build()
    }

    /// Returns all routes but `/-/health`.
    fn router(self) -> Result<Router, RouteErrors> {
        let App { files, hosts, redirects, uploads, store, status, rooms, stat_fields } = self;
        let router = status::add_to(lab::add_to(Router::new()), status);
        let router = rooms::add_to(router, rooms);
        let router = match store {
            Some(store) => users::add_to(router, store),
            None => router,
        };
        let redirect = |router: Router, (from, to): &(String, String)| router.redirect(from, to);
        let router = redirects.iter().fold(router, redirect);
        if !hosts.is_empty() {
            return with_hosts(router, files, uploads, hosts, stat_fields);
        }
        let files = with_form(files, uploads.as_ref());
        let router = router.route(Method::Get, "/{...}", files);
        let router = if stat_fields { stat_fields::add_to(router) } else { router };
        Ok(match uploads {
            // Not wrapped, as they are written while they arrive.
            Some(uploads) => Router::new().uploads("/", uploads).merge(router),
            None => router,
        })
    }
}

/// Returns the files with a form in their listings, if clients may change them.
fn with_form(files: Files, uploads: Option<&Uploads>) -> Files {
    match uploads {
        Some(uploads) => files.upload_form(uploads),
        None => files,
    }
}

/// Adds the files of several sites.
fn with_hosts(
    router: Router,
    files: Files,
    uploads: Option<Uploads>,
    hosts: Vec<Site>,
    stat_fields: bool,
) -> Result<Router, RouteErrors> {
    let invalid = |error: InvalidHost| RouteErrors(vec![error.to_string()]);
    let mut all = VirtualHosts::new(with_form(files, uploads.as_ref()));
    let mut writable = uploads.map(VirtualHosts::new);
    for Site { name, files, uploads } in hosts {
        all = all.host(&name, with_form(files, uploads.as_ref())).map_err(invalid)?;
        if let Some((others, uploads)) = writable.take().zip(uploads) {
            writable = Some(others.host(&name, uploads).map_err(invalid)?);
        }
    }
    let router = router.route(Method::Get, "/{...}", all);
    let router = if stat_fields { stat_fields::add_to(router) } else { router };
    Ok(match writable {
        Some(uploads) => Router::new().uploads("/", uploads).merge(router),
        None => router,
    })
}
