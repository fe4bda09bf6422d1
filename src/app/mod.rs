//! What the server binary serves: a folder, users, and routes to learn and measure with.
//!
//! [`users`]: a REST resource, kept by [`store`]. [`lab`]: `/echo`, `/sleep/{ms}`, `/spin/{ms}`,
//! `/bytes/{n}`, `/chunks/{n}`, `/count`. [`status`]: `/-/health`, `/-/metrics`. A program of your own has routes of its
//! own, and needs nothing from here.

mod json;
pub mod lab;
mod pages;
pub mod status;
pub mod store;
pub mod users;

use std::sync::Arc;

use self::status::Audience;
use self::store::Store;
use crate::server::router::RouteErrors;
use crate::server::{Files, Router, Routes, Stats};

/// All routes of the binary: the lab, the server's own, the users, and below everything else the files.
///
/// # Errors
/// When two routes contradict each other.
pub fn routes(
    files: Files,
    store: Store,
    stats: &Arc<Stats>,
    audience: Audience,
) -> Result<Routes, RouteErrors> {
    let router = status::add_to(lab::add_to(Router::new()), stats, audience);
    users::add_to(router, store).get("/{...}", files).build()
}
