//! One HTTP connection: the steps of an exchange, which both drivers take.
//!
//! | file | step |
//! |---|---|
//! | `receive` | receives the head of a request, and a body that is collected |
//! | `client_address` | finds out whose request it is, if a proxy passes it on |
//! | `route` | decides by the head which handler gets the request, and how it takes the body (`body_mode`) |
//! | `handle` | calls the handler |
//! | `reject` | responses to requests that no handler gets, or that broke off |
//! | `additions` | answers preflights, and adds the fields that the configuration names |
//! | `complete` | gives an error its form, and sets the fields that follow from the rest |
//! | `send` | sends the response: its head, its body piece by piece (`push_piece`: a pushed one) |
//! | `logging` | counts the response, and logs it |
//! | `faulty` | responses that are wrong on purpose |
//! | `next_request` | what is known of a request before a worker takes it |
//! | `turn` | takes these steps without waiting, for the lobby; its state is in `connection` |
//!
//! No step waits for the client, except that a handler that streams a body does. The
//! [`textbook`](super::textbook) takes the same steps and waits between them. Responses are gathered in a
//! buffer and sent in one write: a head with its small body, and several pipelined responses.

mod additions;
mod body_mode;
mod body_pieces;
mod client_address;
mod complete;
pub(crate) mod connection;
pub(crate) mod connection_io;
pub(crate) mod date_cache;
pub(crate) mod faulty;
mod file_share;
pub(crate) mod handle;
mod logging;
mod next_request;
pub(crate) mod output;
mod push_piece;
pub(crate) mod receive;
mod reject;
pub mod request_body;
pub(crate) mod route;
pub(crate) mod send;
mod send_window;
pub(crate) mod streamed_body;
#[cfg(test)]
mod tests;
pub mod timing;
mod turn;

use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use self::additions::Additions;
use self::connection_io::ConnectionIo;
use self::faulty::FaultInjector;
use self::request_body::BodyRoom;
use self::timing::{ServerTiming, Timing};
use super::allowed_hosts::AllowedHosts;
use super::cors::Cors;
use super::faults::Faults;
use super::field_rules::FieldRules;
use super::log::access_log::AccessLog;
use super::log::stats::Stats;
use super::log::wire_log::WireLog;
use super::proxies::Proxies;
use super::quota::Quota;
use super::respond::custom_error_page::ErrorPage;
use super::router::Routes;
use crate::net::peer_address::PeerAddress;
use crate::net::service::{Driver, EndReason};
use crate::net::stop_signal::StopSignal;
use crate::proto::http::close::CloseReason;
use crate::proto::http::headers::Headers;
use crate::proto::http::limits::Limits;
use crate::text::plural;
use crate::tls::Session;

/// How HTTP is served: what [`Http::new`] needs.
#[derive(Debug)]
pub struct HttpConfig {
    /// The handlers.
    pub routes: Routes,
    /// The limits of requests, bodies and times.
    pub limits: Limits,
    /// The hosts whose pages may send what changes something.
    pub allowed_hosts: AllowedHosts,
    /// The sites whose pages may use this server.
    pub cors: Cors,
    /// Fields that responses have besides.
    pub fields: FieldRules,
    /// How many handlers may stream their bodies at once; with 0, all bodies are collected.
    pub streams: usize,
    /// How many files may be open at once for bodies and for responses.
    pub files: u64,
    /// The value of the `Server` field; `None` leaves it out.
    pub server_name: Option<String>,
    /// Shows errors; `None`: in the built-in forms.
    pub error_page: Option<ErrorPage>,
    /// What goes wrong on purpose.
    pub faults: Option<Faults>,
    /// Which clients get `Server-Timing`.
    pub server_timing: ServerTiming,
    /// One line for each request.
    pub access_log: AccessLog,
    /// Shows the bytes of each connection.
    pub wire_log: Option<WireLog>,
    /// The proxies that are known.
    pub proxies: Proxies,
    /// The counters.
    pub stats: Arc<Stats>,
    /// Tells handlers that wait for a body when to give up.
    pub stop: StopSignal,
}

impl HttpConfig {
    /// Returns a configuration with default limits, one streaming handler and no logs.
    pub fn new(routes: Routes, stop: StopSignal) -> HttpConfig {
        HttpConfig {
            routes,
            limits: Limits::default(),
            allowed_hosts: AllowedHosts::default(),
            cors: Cors::default(),
            fields: FieldRules::default(),
            streams: 1,
            files: u64::MAX,
            server_name: None,
            error_page: None,
            faults: None,
            server_timing: ServerTiming::Off,
            access_log: AccessLog::off(),
            wire_log: None,
            proxies: Proxies::default(),
            stats: Arc::default(),
            stop,
        }
    }
}

/// What all connections of a server share.
#[derive(Debug)]
pub struct Http {
    pub(crate) routes: Routes,
    pub(crate) limits: Limits,
    allowed_hosts: AllowedHosts,
    /// What is added to responses; mostly nothing.
    additions: Option<Box<Additions>>,
    /// The `Server` field, or no field.
    server_name: Headers,
    error_page: Option<ErrorPage>,
    faults: Option<FaultInjector>,
    server_timing: ServerTiming,
    pub(crate) access_log: AccessLog,
    /// Memory for large heads that are not complete.
    heads: Arc<Quota>,
    /// Memory, disk and descriptors for bodies that are kept; descriptors for files that are sent.
    bodies: BodyRoom,
    /// Handlers that may stream at once.
    streams: Arc<Quota>,
    /// The kernel's memory for clients that read much, and fast.
    unsent: Arc<Quota>,
    wire_log: Option<WireLog>,
    pub(crate) proxies: Proxies,
    pub(crate) stats: Arc<Stats>,
    stop: StopSignal,
    cut: AtomicUsize,
}

/// What a worker brings to the steps of an exchange.
#[derive(Clone, Copy)]
pub(crate) struct Context<'c> {
    pub(crate) stream: &'c TcpStream,
    pub(crate) driver: &'c dyn Driver,
    /// When the worker began this piece of work.
    pub(crate) start: Instant,
}

impl Http {
    /// Prepares to serve; a `Server` field that is not valid is logged and left out.
    pub fn new(config: HttpConfig) -> Http {
        let limits = config.limits;
        let bodies = BodyRoom {
            memory_of_one: limits.body_memory,
            memory: Quota::new(limits.bodies_memory),
            disk: Quota::new(limits.bodies_disk),
            files: Quota::new(config.files),
        };
        let mut server_name = Headers::new();
        if let Some(Err(error)) = config.server_name.map(|name| server_name.set("Server", name)) {
            log::error!("{error}");
        }
        Http {
            routes: config.routes,
            server_name,
            error_page: config.error_page,
            faults: config.faults.map(FaultInjector::new),
            server_timing: config.server_timing,
            access_log: config.access_log,
            heads: Quota::new(limits.heads_memory),
            bodies,
            streams: Quota::new(config.streams as u64),
            unsent: Quota::new(limits.unsent_memory),
            limits,
            allowed_hosts: config.allowed_hosts,
            additions: Additions::of(config.cors, config.fields),
            wire_log: config.wire_log,
            proxies: config.proxies,
            stats: config.stats,
            stop: config.stop,
            cut: AtomicUsize::new(0),
        }
    }

    /// Returns the two directions of a connection that has just been accepted.
    pub(crate) fn open_io(&self, peer: PeerAddress, session: Option<Session>) -> ConnectionIo {
        let wire_log = self.wire_log.as_ref().map(|log| log.open(peer, &self.limits));
        let io = ConnectionIo::new(peer);
        let is_measured = self.server_timing.includes(peer) || self.access_log.tells_queue();
        let timing = Timing::new(is_measured, io.waiting_since);
        ConnectionIo { wire_log, timing, session, hop: self.hop(peer), ..io }
    }

    /// Adds the bytes that have passed since the last call to the counters.
    pub(crate) fn count_bytes(&self, io: &mut ConnectionIo) {
        self.stats.count_in(std::mem::take(&mut io.received));
        self.stats.count_out(std::mem::take(&mut io.output.counted));
    }

    /// Counts the end of a connection that has not become one of HTTP, perhaps because it was refused. Returns why it
    /// ended.
    pub(in crate::server) fn count_early_end(
        &self,
        ended: EndReason,
        is_refused: bool,
    ) -> CloseReason {
        let why = match ended {
            EndReason::ByService if is_refused => CloseReason::WeAsked,
            EndReason::ByService => CloseReason::PeerLeft,
            EndReason::Stopping | EndReason::Cut => CloseReason::Stopping,
            EndReason::Dropped => CloseReason::Dropped,
        };
        if ended == EndReason::Cut {
            self.count_cut();
        }
        self.stats.count_close(why);
        why
    }

    /// Counts and logs the end of a connection.
    pub(crate) fn closed(&self, io: &mut ConnectionIo, why: CloseReason) {
        self.stats.count_close(why);
        if let Some(log) = &mut io.wire_log {
            log.closed(why);
        }
        log::debug!("{}: closed after {}: {why}", io.peer, plural(io.answered, "response"));
    }

    /// Counts a connection that was closed because the time to stop had run out.
    pub(crate) fn count_cut(&self) {
        self.cut.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns how many connections were closed because the time to stop had run out.
    pub fn cut(&self) -> usize {
        self.cut.load(Ordering::Relaxed)
    }
}
