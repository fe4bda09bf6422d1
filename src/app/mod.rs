//! What the server binary serves: a folder, users, and routes for learning and measuring.
//!
//! [`users`]: a REST resource, stored by [`store`]. [`lab`]: `/echo`, `/sleep/{ms}`, `/spin/{ms}`,
//! `/bytes/{n}`, `/chunks/{n}`, `/count`. [`status`]: `/-/health`, `/-/metrics`. A program that uses the
//! library has its own routes and needs nothing from here. [`udp_echo`] answers datagrams.

mod json;
pub mod lab;
mod pages;
pub mod status;
pub mod store;
pub mod udp_echo;
mod user;
pub mod users;

use std::sync::Arc;

use self::status::Audience;
use self::store::Store;
use crate::server::router::RouteErrors;
use crate::server::{AllowedHosts, Files, Method, Router, Routes, Stats};

/// Returns all routes of the binary: the lab, the status, the users, and the files for all other paths.
///
/// # Errors
/// When two routes contradict each other.
pub fn routes(
    files: Files,
    store: Store,
    stats: &Arc<Stats>,
    audience: Audience,
    hosts: &AllowedHosts,
) -> Result<Routes, RouteErrors> {
    let router = status::add_to(lab::add_to(Router::new()), stats, audience, hosts);
    users::add_to(router, store).route(Method::Get, "/{...}", files).build()
}
