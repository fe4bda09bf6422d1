//! What the server binary serves: a folder, users, and routes for learning and measuring.
//!
//! [`users`]: a REST resource, stored by [`store`]. [`lab`]: `/echo`, `/sleep/{ms}`, `/spin/{ms}`,
//! `/bytes/{n}`, `/chunks/{n}`, `/count`. [`status`]: `/-/health`, `/-/metrics`. [`rooms`]: `/rooms/{name}`.
//! A program that uses the library has its own routes and needs nothing from here. [`udp_echo`] answers
//! datagrams.

mod json;
pub mod lab;
mod pages;
pub mod rooms;
pub mod status;
pub mod store;
pub mod udp_echo;
mod user;
pub mod users;

use std::sync::Arc;

use self::rooms::RoomLimits;
use self::status::Audience;
use self::store::Store;
use crate::server::router::RouteErrors;
use crate::server::{AllowedHosts, Files, Method, Router, Routes, Stats};

/// What the routes of the binary need.
#[derive(Debug)]
pub struct App<'a> {
    /// The folder that is served.
    pub files: Files,
    /// The users.
    pub store: Store,
    /// The counters that `/-/metrics` shows.
    pub stats: &'a Arc<Stats>,
    /// Which clients may see them.
    pub metrics: Audience,
    /// The names of the server.
    pub hosts: &'a AllowedHosts,
    /// The limits of the rooms.
    pub rooms: RoomLimits,
}

impl App<'_> {
    /// Returns all routes of the binary: the lab, the status, the users, the rooms, and the files for all
    /// other paths.
    ///
    /// # Errors
    /// When two routes contradict each other.
    pub fn routes(self) -> Result<Routes, RouteErrors> {
        let App { files, store, stats, metrics, hosts, rooms } = self;
        let router = status::add_to(lab::add_to(Router::new()), stats, metrics, hosts);
        let router = users::add_to(rooms::add_to(router, rooms), store);
        router.route(Method::Get, "/{...}", files).build()
    }
}
