//! The settings of a server, and their defaults.

use std::sync::Arc;
use std::thread;

use super::allowed_hosts::AllowedHosts;
use super::conn::timing::ServerTiming;
use super::cors::Cors;
use super::faults::Faults;
use super::field_rules::FieldRules;
use super::log::access_log::AccessLog;
use super::log::stats::Stats;
use super::log::wire_log::WireLog;
use super::proxies::ProxyProtocol;
use super::respond::custom_error_page::ErrorPage;
use crate::net::admission::{Overload, PerAddress};
use crate::net::networks::Networks;
use crate::pool::pick::Schedule;
use crate::proto::http::limits::Limits;
use crate::tls::Acceptor;

/// The settings of a server; [`Config::default`] has a value for each.
///
/// ```
/// use std::time::Duration;
/// use threadbare::server::{AccessLog, Config, Limits};
///
/// let config = Config {
///     limits: Limits { body: 1 << 20, idle_time: Duration::from_secs(15), ..Limits::default() },
///     access_log: AccessLog::stderr()?,
///     ..Config::default()
/// };
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Config {
    /// How connections get workers; [`Driver::Lobby`].
    pub driver: Driver,
    /// Which of the waiting connections is served next; [`Schedule::Fifo`].
    pub schedule: Schedule,
    /// The permissions of a socket in the file system (`unix:PATH`): 0660, its user and its group.
    pub bind_mode: u32,
    /// The number of worker threads, and so of handlers that run at once: 16 for each core, at least 32.
    /// Sleeping workers cost little.
    pub workers: usize,
    /// The most open connections; `None`: 10,000, or as many as the limit of open files (`ulimit -n`) allows.
    pub connections: Option<usize>,
    /// The most open connections of one address: 1,000; no limit for clients on this machine.
    pub per_address: PerAddress,
    /// The most connections that wait for a worker: 1,024 new ones, and 1,024 that have a next request.
    pub queue: usize,
    /// What happens to connections beyond these limits: [`Overload::Reject`], they get a 503.
    pub overload: Overload,
    /// The limits of sizes and times, such as the longest body (16 MB).
    pub limits: Limits,
    /// The hosts whose pages may send requests with an `Origin`, as browsers do with POST, PUT and DELETE;
    /// others get a 403. By default this server under an address or `localhost`.
    pub allowed_hosts: AllowedHosts,
    /// The sites whose pages may use this server from scripts (CORS): none.
    pub cors: Cors,
    /// Fields that are set in responses: none.
    pub fields: FieldRules,
    /// The proxies in front of the server, whose fields `X-Forwarded-For` and `Forwarded` (RFC 7239) are believed: none.
    /// The right-most address there that is not a proxy's own is the client's, for [`Request::peer`], the access log
    /// and limits for each address. Of anyone else these fields are without effect, except that a client on this
    /// machine that sends them counts as a proxy that is not known: its clients are not [on this
    /// machine](crate::server::PeerAddress::is_loopback).
    ///
    /// ```
    /// use threadbare::server::Config;
    ///
    /// let trusted_proxies = "127.0.0.1, 10.0.0.0/8, unix".parse()?;
    /// let config = Config { trusted_proxies, ..Config::default() };
    /// # Ok::<(), threadbare::server::InvalidNetwork>(())
    /// ```
    ///
    /// [`Request::peer`]: crate::server::Request::peer
    pub trusted_proxies: Networks,
    /// Whether these proxies name the client of each connection by the PROXY protocol: [`ProxyProtocol::Off`].
    pub proxy_protocol: ProxyProtocol,
    /// The certificates of [`Server::serve_encrypted`](crate::server::Server::serve_encrypted), which closes each
    /// connection without them: none. With the feature `tls`.
    pub tls: Option<Acceptor>,
    /// The value of the `Server` field: `threadbare/` and the version; `None`: no such field.
    pub server_name: Option<String>,
    /// Shows errors, the server's own among them; `None`: as text, HTML or JSON, as the client prefers.
    pub error_page: Option<ErrorPage>,
    /// What goes wrong on purpose, to test clients; `None`: nothing.
    pub faults: Option<Faults>,
    /// Which clients get the `Server-Timing` field: those on this machine.
    pub server_timing: ServerTiming,
    /// Where one line for each request is written: nowhere.
    pub access_log: AccessLog,
    /// Where the bytes of each connection are shown; `None`: nowhere.
    pub wire_log: Option<WireLog>,
    /// The statistics; a program keeps a clone to read them.
    pub stats: Arc<Stats>,
}

impl Default for Config {
    fn default() -> Config {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Config {
            driver: Driver::Lobby,
            schedule: Schedule::default(),
            bind_mode: 0o660,
            connections: None,
            per_address: PerAddress::Remote(1_000),
            overload: Overload::Reject,
            workers: (16 * cores).max(32),
            queue: 1024,
            limits: Limits::default(),
            allowed_hosts: AllowedHosts::default(),
            cors: Cors::default(),
            fields: FieldRules::default(),
            trusted_proxies: Networks::default(),
            proxy_protocol: ProxyProtocol::default(),
            tls: None,
            server_name: Some(concat!("threadbare/", env!("CARGO_PKG_VERSION")).to_owned()),
            error_page: None,
            faults: None,
            server_timing: ServerTiming::default(),
            access_log: AccessLog::off(),
            wire_log: None,
            stats: Arc::default(),
        }
    }
}

/// How connections get workers. Clients see the same responses from both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Driver {
    /// A worker has a connection only while there is work at hand: idle and slow clients hold none.
    Lobby,
    /// A worker keeps its connection until it ends, so that as many idle clients as there are workers keep all
    /// others waiting. It is there to be read and to compare with (`src/server/textbook.rs`).
    Textbook,
    /// Each connection has a thread of its own, which is started for it: as many as [`Config::connections`], whatever
    /// [`Config::workers`] says. It is there to be compared with: a thread costs its start and its stack, and nothing
    /// waits in a queue.
    PerConnection,
}
