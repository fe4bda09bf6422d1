//! Routes for operators of the server.
//!
//! | route | response |
//! |---|---|
//! | `/-/health` | `ok`; 503 as soon as the server is about to stop |
//! | `/-/metrics` | statistics in the Prometheus text format, for the clients that [`Audience`] includes |
//! | `/-/status` | what the workers are doing, for the same clients (`pool_page`) |
//!
//! `/-/health` and `/-/status` are answered when all workers are in handlers.

use std::sync::Arc;

use super::name_server;
use super::pool_page::PoolPage;
use crate::name::NameServer;
use crate::server::log::stats::Stats;
use crate::server::respond::error_response::ErrorResponse;
use crate::server::{
    self, AllowedHosts, Immediate, Method, PeerAddress, Request, Response, Router,
};

/// Which clients may see the statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// All clients.
    Everyone,
    /// Clients on this machine, but none whose requests a proxy passes on and says so.
    Loopback,
    /// No client.
    Nobody,
}

impl Audience {
    /// Returns true if the client may see them.
    pub(super) fn includes(self, peer: PeerAddress) -> bool {
        match self {
            Audience::Everyone => true,
            Audience::Loopback => peer.is_loopback(),
            Audience::Nobody => false,
        }
    }
}

/// What the routes show, and to whom.
#[derive(Debug)]
pub struct Status {
    /// The statistics.
    pub stats: Arc<Stats>,
    /// Which clients may see them.
    pub audience: Audience,
    /// The names under which this machine is known.
    pub hosts: AllowedHosts,
    /// The name server, if there is one.
    pub names: Option<Arc<NameServer>>,
}

impl Status {
    /// Returns a 403 to a client that may not see the statistics; also to a page of another site in a browser
    /// on this machine: one whose name was made to point here (DNS rebinding), and one that `--cors` lets in.
    pub(super) fn refusal(&self, request: &Request) -> Option<Response> {
        let Status { audience, hosts, .. } = self;
        let is_read_elsewhere =
            || request.head.headers.has("origin") && !hosts.admits_origin(&request.head);
        let (what, right) = if !audience.includes(request.peer) {
            (
                "metrics and status are available to clients on the server's machine only",
                "a request from that machine, not through a proxy, or a server that runs with --metrics everyone",
            )
        } else if *audience == Audience::Loopback && !hosts.admits_host(&request.head) {
            (
                "metrics and status are for this machine only, and Host is not a name of it that the server knows",
                "an address or localhost in the URL, or a server that runs with --allow-host NAME",
            )
        } else if *audience == Audience::Loopback && is_read_elsewhere() {
            (
                "metrics and status are for this machine only, and not for the pages of another site in its browser",
                "a page of this server, or a server that runs with --metrics everyone",
            )
        } else {
            return None;
        };
        let error = ErrorResponse::new(server::Status::FORBIDDEN, "RFC 9110, 15.5.4", what, right);
        Some(error.log_policy_and_respond(&request.head, request.peer))
    }
}

/// Returns a router with the route `/-/health`.
pub fn health(status: &Status) -> Router {
    let watched = Arc::clone(&status.stats);
    let health = Immediate(move |_: &mut Request| is_well(&watched));
    Router::new().route(Method::Get, "/-/health", health)
}

/// Adds the other routes.
pub fn add_to(router: Router, status: Status) -> Router {
    if status.audience == Audience::Nobody {
        return router;
    }
    let status = Arc::new(status);
    let pool = Immediate(PoolPage::new(Arc::clone(&status)));
    router.route(Method::Get, "/-/status", pool).get("/-/metrics", move |request| {
        status.refusal(request).unwrap_or_else(|| metrics(&status))
    })
}

fn is_well(stats: &Stats) -> (server::Status, &'static str) {
    match stats.is_stopping() {
        true => (server::Status::SERVICE_UNAVAILABLE, "stopping\n"),
        false => (server::Status::OK, "ok\n"),
    }
}

fn metrics(status: &Status) -> Response {
    let names = status.names.as_deref().map(name_server::prometheus).unwrap_or_default();
    Response::text(status.stats.prometheus() + &names)
        .field("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        .field("Cache-Control", "no-store")
}
