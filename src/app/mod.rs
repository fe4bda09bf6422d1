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
use crate::server::{ErrorResponse, Files, Method, RequestHead, Router, Routes, Uploads};

/// What the routes of the binary need.
#[derive(Debug)]
pub struct App {
    /// The folder that is served.
    pub files: Files,
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

impl App {
    /// Returns all routes of the binary: the lab, the status, the users, the rooms, and the files for all
    /// other paths.
    ///
    /// # Errors
    /// When two routes contradict each other.
    pub fn routes(self) -> Result<Routes, RouteErrors> {
        status::health(&self.status).merge(self.router()).build()
    }

    /// Returns the same routes behind a check of each request, but for `/-/health`, which is open to load balancers.
    ///
    /// # Errors
    /// When two routes contradict each other.
    pub fn routes_behind(
        self,
        check: impl Fn(&RequestHead) -> Result<(), ErrorResponse> + Send + Sync + 'static,
    ) -> Result<Routes, RouteErrors> {
        status::health(&self.status).merge(self.router().check(check)).build()
    }

    /// Returns all routes but `/-/health`.
    fn router(self) -> Router {
        let App { files, uploads, store, status, rooms, stat_fields } = self;
        let router = status::add_to(lab::add_to(Router::new()), status);
        let router = rooms::add_to(router, rooms);
        let router = match store {
            Some(store) => users::add_to(router, store),
            None => router,
        };
        let files = match &uploads {
            Some(uploads) => files.upload_form(uploads),
            None => files,
        };
        let router = router.route(Method::Get, "/{...}", files);
        let router = if stat_fields { stat_fields::add_to(router) } else { router };
        match uploads {
            // Not wrapped, as they are written while they arrive.
            Some(uploads) => Router::new().uploads("/", uploads).merge(router),
            None => router,
        }
    }
}
