//! What the server binary serves: a folder, and routes to learn and measure with.
//!
//! [`lab`]: `/echo`, `/sleep/{ms}`, `/bytes/{n}`, `/-/health`. A program of your own has routes of
//! its own, and needs nothing from here.

pub mod lab;

use crate::server::router::RouteErrors;
use crate::server::{Files, Router, Routes};

/// All routes of the binary: the lab, and below everything else the files.
///
/// # Errors
/// When two routes contradict each other.
pub fn routes(files: Files) -> Result<Routes, RouteErrors> {
    lab::add_to(Router::new()).get("/{path...}", files).build()
}
