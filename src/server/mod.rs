//! An HTTP/1.1 server: routes, and what their handlers get and return.
//!
//! ```
//! use threadbare::server::{ErrorResponse, Request, Router, Server, Status};
//!
//! fn double(request: &mut Request) -> Result<String, ErrorResponse> {
//!     let number: u32 = request.param_as("number")?; // a 400 that says what is wrong
//!     Ok(format!("{}\n", u64::from(number) * 2))
//! }
//!
//! let routes = Router::new()
//!     .get("/double/{number}", double)
//!     .post("/notes", |_| (Status::CREATED, "noted\n"))
//!     .build()?;
//! let running = Server::bind("127.0.0.1:0", routes)?.start()?;
//! println!("{}", running.url());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | a program wants to | it uses |
//! |---|---|
//! | say which handler gets which request | [`Router`], [`RouterWithState`], [`Files`], [`Links`], [`Dotfiles`], [`Precompressed`], [`MediaTypes`], [`Charset`], [`Listing`], [`Uploads`], [`VirtualHosts`], [`Handler`], [`Immediate`], [`Next`] |
//! | read a request | [`Request`], [`RequestHead`], [`RequestBody`], [`Form`], [`Multipart`], [`Streaming`], [`BodyReceiver`] |
//! | respond | [`IntoResponse`], [`Response`], [`Body`], [`Status`], [`SetCookie`], [`Validators`] |
//! | report an error | [`ErrorResponse`], [`HandlerError`], [`ErrorPage`] |
//! | serve other protocols, over TCP or UDP | [`protocol`] |
//! | start and stop the server | [`Server`], [`Running`], [`StopSignal`], [`Report`] |
//! | change a setting or a limit | [`Config`], [`Limits`], [`AllowedHosts`], [`Cors`], [`FieldRules`], [`Networks`], [`ProxyProtocol`] |
//! | test how clients bear faults | [`Faults`], [`FaultKind`] |
//! | see what happens | [`AccessLog`], [`LogFormat`], [`Stats`], [`PoolStatus`], [`ServerTiming`], [`Arrival`], [`WireLog`] |
//!
//! A handler is called by a worker thread when the request is complete, body included, and may block: with
//! [`Config::workers`] threads, that many handlers run at once. A handler that panics costs its own request a 500.
//! What is wrong with a request, the server says itself, before a handler is called: 400, 404, 405, 413 and
//! others.
//!
//! # For readers of the source
//! The server is built on `net/` (sockets, waiting) and `pool.rs` (workers).
//! The same steps, in `conn/`, are taken by two drivers. The call tree of each, with the file of each
//! function:
//!
//! ```text
//! Server::run                            mod.rs, run.rs
//!   Listeners::accept_until              net/accept.rs: every connection goes to a crossbeam channel
//!
//! the textbook: a worker keeps its connection
//!   textbook::serve                      textbook.rs
//!     serve_requests                     the loop
//!       receive_request
//!         Http::receive_head             conn/receive.rs
//!         TextbookConnection::read                   blocking.rs
//!       Http::route                      conn/route.rs
//!         Routes::find                   router.rs
//!       handle
//!         Http::receive_body             conn/receive.rs
//!         Http::handle                   conn/handle.rs
//!           Handler::handle              your code
//!           apply_conditions_and_ranges  respond/range_response.rs
//!       send_response
//!         Http::begin_response           conn/send.rs
//!         Http::send_piece               conn/send.rs
//!     linger                             net/linger.rs
//!
//! the lobby: a worker has a connection only while there is work at hand
//!   Lobby::admit ... Service::turn       net/lobby/mod.rs has this half of the tree
//!     Http::take_turn                    conn/turn.rs
//!       Http::advance                    the same steps, until one needs the client
//!         receive_head, route, receive_body, handle, begin_response, send_piece
//!       ConnectionIo::flush              conn/connection_io.rs
//!       Http::decide_next                conn/turn.rs
//! ```
//! In reading order: `textbook.rs` and `conn/`; `router.rs`, `handler.rs`, `request.rs` and `response.rs`;
//! `running.rs`; `topic.rs` and `pushed.rs` (what clients receive from each other); `form.rs` and `multipart.rs` (what browsers send); `respond/` (errors, conditions, ranges);
//! `files/`; `log/` (access log, statistics, bytes).

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

#[doc(hidden)]
pub mod allowed_hosts;
mod blocking;
mod blocking_turns;
#[doc(hidden)]
pub mod body_receiver;
mod config;
#[doc(hidden)]
pub mod conn;
mod cors;
mod descriptors;
mod faults;
mod field_rules;
#[doc(hidden)]
pub mod files;
#[doc(hidden)]
pub mod form;
#[doc(hidden)]
pub mod handler;
mod handshake;
mod heartbeat;
#[doc(hidden)]
pub mod into_response;
// Not public under this name: `use threadbare::server::*` would hide the crate `log`.
pub(crate) mod log;
#[doc(hidden)]
pub mod middleware;
#[doc(hidden)]
pub mod multipart;
#[cfg(feature = "auth")]
mod passwords;
mod policy_queue;
pub mod protocol;
mod protocols;
mod proxies;
#[doc(hidden)]
pub mod pushed;
mod quota;
#[doc(hidden)]
pub mod request;
#[doc(hidden)]
pub mod respond;
#[doc(hidden)]
pub mod response;
#[doc(hidden)]
pub mod router;
mod run;
#[doc(hidden)]
pub mod running;
#[doc(hidden)]
pub mod textbook;
mod textbook_job;
#[doc(hidden)]
pub mod topic;
mod virtual_hosts;

#[doc(inline)]
pub use self::allowed_hosts::AllowedHosts;
#[doc(inline)]
pub use self::body_receiver::{AnnouncedBody, BodyReceiver};
#[doc(inline)]
pub use self::config::{Config, Driver};
#[doc(inline)]
pub use self::conn::request_body::RequestBody;
#[doc(inline)]
pub use self::conn::timing::ServerTiming;
#[doc(inline)]
pub use self::cors::{Cors, InvalidOrigin};
#[doc(inline)]
pub use self::faults::{FaultKind, Faults};
#[doc(inline)]
pub use self::field_rules::{FieldRules, RefusedField};
#[doc(inline)]
pub use self::files::Files;
#[doc(inline)]
pub use self::files::charset::Charset;
#[doc(inline)]
pub use self::files::document_root::Links;
#[doc(inline)]
pub use self::files::file_part::FilePart;
#[doc(inline)]
pub use self::files::listing::Listing;
#[doc(inline)]
pub use self::files::mime::{InvalidMediaType, MediaTypes};
#[doc(inline)]
pub use self::files::path::Dotfiles;
#[doc(inline)]
pub use self::files::precompressed::Precompressed;
#[doc(inline)]
pub use self::files::uploads::Uploads;
#[doc(inline)]
pub use self::form::Form;
#[doc(inline)]
pub use self::handler::{AnyCoding, Handler, Immediate, Streaming};
#[doc(inline)]
pub use self::into_response::{HandlerError, IntoResponse};
#[doc(inline)]
pub use self::log::access_log::{AccessLog, LogFormat};
#[doc(inline)]
pub use self::log::log_writer::LogWriter;
#[doc(inline)]
pub use self::log::pool_status::{PoolStatus, WorkerActivity, WorkerStatus};
#[doc(inline)]
pub use self::log::stats::Stats;
#[doc(inline)]
pub use self::log::wire_log::WireLog;
#[doc(inline)]
pub use self::middleware::Next;
#[doc(inline)]
pub use self::multipart::{Multipart, MultipartError, Part};
#[cfg(feature = "auth")]
#[doc(inline)]
pub use self::passwords::Passwords;
#[doc(inline)]
pub use self::proxies::ProxyProtocol;
#[doc(inline)]
pub use self::pushed::PushedBody;
#[doc(inline)]
pub use self::request::{Arrival, Request};
#[doc(inline)]
pub use self::respond::custom_error_page::ErrorPage;
#[doc(inline)]
pub use self::respond::error_response::{ErrorResponse, Place};
#[doc(inline)]
pub use self::response::{Body, Response, Trailed};
#[doc(inline)]
pub use self::router::build::Router;
#[doc(inline)]
pub use self::router::with_state::RouterWithState;
#[doc(inline)]
pub use self::router::{IntoRoutes, RouteErrors, Routes};
#[doc(inline)]
pub use self::running::Running;
#[doc(inline)]
pub use self::topic::{Keep, Message, Subscription, Topic};
#[doc(inline)]
pub use self::virtual_hosts::{InvalidHost, VirtualHosts};
#[doc(inline)]
pub use crate::net::address_rate::AddressRate;
#[doc(inline)]
pub use crate::net::admission::{Overload, PerAddress};
#[doc(inline)]
pub use crate::net::handover::{HandedOver, Inherited, request_sockets};
#[doc(inline)]
pub use crate::net::listen::BindError;
#[doc(inline)]
pub use crate::net::listening_socket::ListeningSocket;
#[doc(inline)]
pub use crate::net::networks::{InvalidNetwork, Networks};
#[doc(inline)]
pub use crate::net::peer_address::PeerAddress;
#[doc(inline)]
pub use crate::net::stop_signal::StopSignal;
#[doc(inline)]
pub use crate::pool::Report as WorkersReport;
#[doc(inline)]
pub use crate::pool::pick::Schedule;
#[doc(inline)]
pub use crate::proto::http::conditional::Validators;
#[doc(inline)]
pub use crate::proto::http::cookie::{InvalidCookie, SameSite, SetCookie};
#[doc(inline)]
pub use crate::proto::http::etag::EntityTag;
#[doc(inline)]
pub use crate::proto::http::head::RequestHead;
#[doc(inline)]
pub use crate::proto::http::headers::{Headers, InvalidField};
#[doc(inline)]
pub use crate::proto::http::limits::Limits;
#[doc(inline)]
pub use crate::proto::http::method::Method;
#[doc(inline)]
pub use crate::proto::http::status::{IntoStatus, InvalidStatus, Status};
#[doc(inline)]
pub use crate::proto::http::target::{Authority, Target};
#[doc(inline)]
pub use crate::proto::http::version::Version;
#[doc(inline)]
pub use crate::text::escape_html;

use self::heartbeat::Heartbeat;
use crate::net::datagram::DatagramService;
use crate::net::listen::Listeners;
use crate::net::service::{Protocol, Speaks};

/// How long open requests may take when the server stops because a listener is broken.
const GRACE: Duration = Duration::from_secs(10);

/// How a server ended: what [`Server::run`] and [`Running::stop`] return.
#[derive(Debug, PartialEq, Eq)]
pub struct Report {
    /// The number of requests that were open when the stop began, and have got their responses.
    pub finished: u64,
    /// The number of connections that were closed because the time to stop had run out.
    pub cut: usize,
    /// How the workers ended: which of them are still in a handler. A panic of a handler is not among its panics.
    pub workers: WorkersReport,
}

/// A server that listens. It serves when it [runs](Server::run), or when it is [started](Server::start) on a
/// thread of its own.
///
/// Clients can connect as soon as it listens; they wait until it serves.
///
/// ```no_run
/// use threadbare::server::{Config, Router, Server};
///
/// let routes = Router::new().get("/", |_| "hello\n").build()?;
/// let config = Config { workers: 8, ..Config::default() };
/// let server = Server::with_config(["127.0.0.1:8080", "[::1]:8080"], routes, config)?;
/// server.run()?; // until the process ends, or its stop signal is given
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Server {
    listeners: Listeners,
    config: Config,
    routes: Routes,
    stop: StopSignal,
    heartbeat: Heartbeat,
}

impl Server {
    /// Listens on `address` (`host:port`; port 0 is a free one) with the default [`Config`]. A name such as
    /// `localhost` stands for all its addresses; `unix:PATH` is a socket in the file system, removed when the
    /// server ends.
    ///
    /// # Errors
    /// When it cannot listen on the address; [`BindError`] says why, and what to do.
    pub fn bind(address: &str, routes: impl IntoRoutes) -> Result<Server, BindError> {
        Server::with_config([address], routes, Config::default())
    }

    /// Listens on several addresses, as [`Server::bind`] does on one, with settings of the program's own.
    ///
    /// # Errors
    /// The first address that it cannot listen on; then it listens on none.
    pub fn with_config<A: AsRef<str>>(
        addresses: impl IntoIterator<Item = A>,
        routes: impl IntoRoutes,
        config: Config,
    ) -> Result<Server, BindError> {
        Server::with_inherited(addresses, Inherited::default(), routes, config)
    }

    /// Listens as [`Server::with_config`] does, but takes the inherited socket wherever there is one of the
    /// address. The server that has handed them over stops when this one is ready.
    ///
    /// # Errors
    /// As [`Server::with_config`]; then the other server goes on.
    pub fn with_inherited<A: AsRef<str>>(
        addresses: impl IntoIterator<Item = A>,
        inherited: Inherited,
        routes: impl IntoRoutes,
        config: Config,
    ) -> Result<Server, BindError> {
        let listeners = Listeners::bind_or_take(addresses, config.bind_mode, inherited)?;
        let stop = StopSignal::new()
            .map_err(|source| BindError::new("a socket pair to wake the server", source))?;
        let (routes, heartbeat) = (routes.into_routes(), Heartbeat::default());
        Ok(Server { listeners, config, routes, stop, heartbeat })
    }

    /// Returns the addresses that it listens on for HTTP, with real ports.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.addresses()
    }

    /// Returns where other machines reach it, for sockets that are bound to all addresses of this machine (`0.0.0.0`,
    /// `[::]`): its addresses in its networks, without loopback.
    pub fn reachable_addresses(&self) -> Vec<SocketAddr> {
        self.listeners.reachable_addresses()
    }

    /// Returns the paths of the sockets in the file system that it listens on for HTTP.
    pub fn unix_paths(&self) -> Vec<PathBuf> {
        self.listeners.unix_paths()
    }

    /// Serves the connections of a socket that another program has made and listens: a
    /// [`TcpListener`](std::net::TcpListener) or a [`UnixListener`](std::os::unix::net::UnixListener). A server
    /// may have no others ([`Server::with_config`] with no address).
    ///
    /// # Errors
    /// When it is not a socket that listens.
    pub fn serve_listener(
        &mut self,
        listener: impl Into<ListeningSocket>,
    ) -> Result<(), BindError> {
        self.listeners.adopt(listener.into())
    }

    /// Listens on `address` (as [`Server::bind`] takes it) for connections of another protocol than HTTP,
    /// which the same workers serve. Returns the addresses, with real ports.
    ///
    /// # Errors
    /// When it cannot listen on the address.
    pub fn serve_protocol(
        &mut self,
        address: &str,
        protocol: Arc<dyn Protocol>,
    ) -> Result<Vec<SocketAddr>, BindError> {
        self.listeners.bind_speaking(address, Speaks::Other(protocol))
    }

    /// Listens on `address` (as [`Server::bind`] takes it) for HTTP over TLS, with the certificates of
    /// [`Config::tls`](Config::tls). Returns the addresses, with real ports.
    ///
    /// # Errors
    /// When it cannot listen on the address.
    pub fn serve_encrypted(&mut self, address: &str) -> Result<Vec<SocketAddr>, BindError> {
        self.listeners.bind_speaking(address, Speaks::OwnEncrypted)
    }

    /// Receives datagrams (UDP) at `address`, each of which is a job for a worker. Returns the addresses,
    /// with real ports.
    ///
    /// # Errors
    /// When no socket can be bound to the address.
    pub fn serve_datagrams(
        &mut self,
        address: &str,
        service: Arc<dyn DatagramService>,
    ) -> Result<Vec<SocketAddr>, BindError> {
        self.listeners.bind_datagrams(address, &service)
    }

    /// Lets a process of the same user take the sockets over: it asks for them at the control socket `path`, which
    /// this call makes, by [`request_sockets`]. This server then stops, as by [`StopSignal::request`].
    ///
    /// # Errors
    /// When the control socket cannot be made.
    pub fn hand_over_at(&mut self, path: &Path, grace: Duration) -> Result<(), BindError> {
        self.listeners.bind_control(path, grace)
    }

    /// Returns the signal that stops the server, for another thread or the handler of Ctrl-C.
    pub fn stop_signal(&self) -> StopSignal {
        self.stop.clone()
    }

    /// Serves on the calling thread until a stop is requested; [`Server::start`] serves on another one.
    ///
    /// After the request no new connections are accepted, idle ones are closed, and every request of which a
    /// byte has been read gets its response, with `Connection: close`, within the grace period of
    /// [`StopSignal::request`]. A handler that has not returned by then is left running; the report names its
    /// worker.
    ///
    /// # Errors
    /// When threads cannot be started, or a listener breaks (then requests in progress have ten seconds to
    /// finish).
    pub fn run(self) -> io::Result<Report> {
        self.run_with(|| {})
    }
}
