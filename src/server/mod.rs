//! An HTTP server on [`net`](crate::net) and [`pool`].
//!
//! ```text
//! Listeners::accept_until ──> a crossbeam channel ──> N workers: lobby, or textbook::serve
//!                                                                   │ turns
//!                                                             conn (HTTP as a Service)
//!                                                                   │ router
//!                                                             your Handler
//! ```
//! In reading order: [`textbook`] (a worker and its connection), [`conn`] (a turn),
//! [`router`] and [`handler`] (who answers), [`body`] (what they are sent), [`files`] with [`path`],
//! [`root`], [`variants`], [`known`] and [`mime`], `select.rs` with `parts.rs` (how much of the answer is sent),
//! [`refusal`], [`failure`], [`access_log`] with [`lines`], [`stats`], `timing.rs`.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

pub mod conn;
mod descriptors;
pub mod files;
pub mod handler;
pub mod log;
mod quota;
pub mod respond;
pub mod router;
pub mod textbook;

pub use self::conn::request_body::RequestBody;
pub use self::conn::timing::ServerTiming;
pub use self::files::Files;
pub use self::files::file_part::FilePart;
pub use self::handler::{Body, Handler, Request, Response, Streaming, Trailed};
pub use self::log::access_log::AccessLog;
pub use self::log::stats::Stats;
pub use self::log::wire_log::WireLog;
pub use self::router::{Router, Routes};
pub use crate::net::accept::BindError;
pub use crate::net::admission::{Overload, PerAddress};
pub use crate::net::stop_signal::StopSignal;
pub use crate::proto::http::conditional::Validators;
pub use crate::proto::http::dump::text::Form as WireForm;
pub use crate::proto::http::headers::Headers;
pub use crate::proto::http::limits::Limits;
pub use crate::proto::http::method::Method;
pub use crate::proto::http::status::Status;

use self::conn::Http;
use self::descriptors::Descriptors;
use crate::net::accept::Listeners;
use crate::net::admission::ConnectionLimiter;
use crate::net::lobby::Lobby;
use crate::net::service::{Load, Service as _};
use crate::net::socket::{descriptors, make_room_for};
use crate::pool::{self, ThreadPool};

/// How a server is set up. [`Config::default`] is a good start.
#[derive(Debug)]
pub struct Config {
    /// Who waits for the clients: the lobby, or each worker for its own.
    pub driver: Driver,
    /// Threads that serve: 16 for each core, at least 32. Sleeping workers cost little.
    pub workers: usize,
    /// Connections that may be open; `None`: 10,000, or as many as there are descriptors for.
    pub connections: Option<usize>,
    /// Connections that one address may have: 1,000, but for this machine's own.
    pub per_address: PerAddress,
    /// Connections that may wait for a worker when all are busy, new ones and others: 1,024 of each.
    pub queue: usize,
    /// What becomes of those that do not fit: they are answered 503.
    pub overload: Overload,
    /// What is too much of a request, and too long.
    pub limits: Limits,
    /// The `Server` field; `None` leaves it out.
    pub server_name: Option<String>,
    /// Who is told where the server's time went, in `Server-Timing`.
    pub server_timing: ServerTiming,
    /// One line a request.
    pub access_log: AccessLog,
    /// The bytes of each connection, for people; `None`: nobody looks on.
    pub wire_log: Option<WireLog>,
    /// What is counted; hold it, too, to ask.
    pub stats: Arc<Stats>,
}

impl Default for Config {
    fn default() -> Config {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Config {
            driver: Driver::Lobby,
            connections: None,
            per_address: PerAddress::Remote(1_000),
            overload: Overload::Reject,
            workers: (16 * cores).max(32),
            queue: 1024,
            limits: Limits::default(),
            server_name: Some(concat!("threadbare/", env!("CARGO_PKG_VERSION")).to_owned()),
            server_timing: ServerTiming::default(),
            access_log: AccessLog::Off,
            wire_log: None,
            stats: Arc::default(),
        }
    }
}

/// Who waits for the clients. Both take the same turns with the same connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Driver {
    /// The [`lobby`](crate::net::lobby): a worker has a connection only while there is work at hand.
    Lobby,
    /// The [`textbook`]: a worker keeps its connection. It starves by nature.
    Textbook,
}

/// How long requests that are under way may take when nobody asked for the stop: a listener broke.
const GRACE: Duration = Duration::from_secs(10);

/// How long what is left of the access log may take in the end.
const LAST_LINES: Duration = Duration::from_secs(1);

/// How a server ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Report {
    /// Requests that were under way, and have been answered.
    pub finished: u64,
    /// Connections that were cut, as the time to stop had run out.
    pub cut: usize,
    /// What became of the workers.
    pub workers: pool::Report,
}

/// A server that listens, and serves once it [runs](Server::run).
#[derive(Debug)]
pub struct Server {
    listeners: Listeners,
    config: Config,
    routes: Routes,
    stop: StopSignal,
}

impl Server {
    /// Listens on `address` (`host:port`; port 0 is a free one) with the default [`Config`].
    ///
    /// # Errors
    /// When the address cannot be had.
    pub fn bind(address: &str, routes: Routes) -> Result<Server, BindError> {
        Server::with_config([address], routes, Config::default())
    }

    /// Listens on every address given.
    ///
    /// # Errors
    /// The first address that cannot be had.
    pub fn with_config<A: AsRef<str>>(
        addresses: impl IntoIterator<Item = A>,
        routes: Routes,
        config: Config,
    ) -> Result<Server, BindError> {
        let listeners = Listeners::bind(addresses)?;
        let stop = StopSignal::new()
            .map_err(|source| BindError::new("a socket pair to wake the server", source))?;
        Ok(Server { listeners, config, routes, stop })
    }

    /// Where it listens, with real ports.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.addresses()
    }

    /// A way to stop it, from anywhere.
    pub fn stop(&self) -> StopSignal {
        self.stop.clone()
    }

    /// Serves until it is asked to stop. Then: no new connections, idle ones closed, every request
    /// of which a byte has been read is answered, with `Connection: close`, within the grace that
    /// [`StopSignal::request`] was given. A handler that does not come back by then is left to itself; the
    /// report names its worker.
    ///
    /// # Errors
    /// When threads cannot be started, or a listener breaks.
    pub fn run(self) -> io::Result<Report> {
        let Server { listeners, config, routes, stop } = self;
        let Config { driver, workers, queue, limits, server_name, access_log, stats, .. } = config;
        let divided = Descriptors::divide_as_configured(descriptors(), config.connections, workers);
        let (connections, listeners) =
            (divided.connections, listeners.with_refused(divided.refused));
        // It takes a moment, for which nobody has to wait; without it the table grows as it would have.
        let _ = thread::Builder::new()
            .name("descriptors".to_owned())
            .spawn(move || make_room_for(connections));
        let door = ConnectionLimiter::new(connections, config.per_address, config.overload);
        // Handlers that stream wait for their clients: at least half the workers are left for others,
        // and a single worker streams nothing.
        let streams = workers / 2;
        let (counting, lines_lost) = (Arc::clone(&stats), access_log.lost());
        let stopping = stop.clone();
        let mut http =
            Http::new(routes, limits, streams, server_name, access_log, counting, stopping);
        (http.server_timing, http.wire_log) = (config.server_timing, config.wire_log);
        http.limit_files(divided.transfers);
        let http = Arc::new(http);
        let refusal = |why, peer| http.refusal(why, peer);

        let (accepting, answered, workers) = match driver {
            Driver::Lobby => {
                let service = Arc::clone(&http);
                let lobby = Lobby::open(service, stop.clone(), connections, queue, workers)?;
                stats.runs(stop.clone(), Arc::clone(&door), lines_lost, lobby.load());
                let accepting =
                    listeners.accept_until(&stop, &door, |new| lobby.admit(new), refusal);
                stop.request(GRACE);
                (accepting, stats.answers(), lobby.close())
            }
            Driver::Textbook => {
                let (service, stopping) = (Arc::clone(&http), stop.clone());
                let pool =
                    ThreadPool::start("worker", workers, queue, move |accepted, waiting| {
                        textbook::serve(&*service, accepted, waiting, &stopping);
                    })?;
                let (queue, gauge) = (pool.queue(), pool.gauge());
                stats.runs(stop.clone(), Arc::clone(&door), lines_lost, move || Load {
                    new: gauge.queued(),
                    workers: gauge.workers(),
                    busy: gauge.busy(),
                    ..Load::default()
                });
                let accepting =
                    listeners.accept_until(&stop, &door, |new| queue.try_send(new), refusal);
                drop(queue);
                stop.request(GRACE);
                // Workers look up a little after the deadline and cut what is left.
                let end = stop.deadline().unwrap_or_else(Instant::now) + Duration::from_millis(500);
                (accepting, stats.answers(), pool.stop(end))
            }
        };
        let finished = stats.answers() - answered;
        http.access_log.drain(LAST_LINES);
        accepting.map(|()| Report { finished, cut: http.cut(), workers })
    }
}
