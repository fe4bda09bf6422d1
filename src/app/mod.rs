//! What the server binary serves: a folder, users, and routes to learn and measure with.
//!
//! [`users`]: a REST resource, kept by [`store`]. [`lab`]: `/echo`, `/sleep/{ms}`, `/bytes/{n}`,
//! `/count`, `/-/health`. A program of your own has routes of its own, and needs nothing from here.

pub mod lab;
mod pages;
pub mod store;
pub mod users;

use self::store::Store;
use crate::server::router::RouteErrors;
use crate::server::{Files, Router, Routes};

/// All routes of the binary: the lab, the users, and below everything else the files.
///
/// # Errors
/// When two routes contradict each other.
pub fn routes(files: Files, store: Store) -> Result<Routes, RouteErrors> {
    users::add_to(lab::add_to(Router::new()), store).get("/{path...}", files).build()
}
