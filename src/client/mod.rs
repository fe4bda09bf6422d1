//! The client library: blocking code that does one thing after the other.
//!
//! ```no_run
//! use threadbare::client::Client;
//!
//! let client = Client::new();
//! let text = client.get("http://127.0.0.1:8080/hello.txt").send()?.text()?;
//! # Ok::<(), threadbare::client::Error>(())
//! ```
//!
//! One [`Client`] is made for a program: it keeps connections for later requests, and threads share it. A call
//! ([`RequestBuilder`]) keeps its first error, a wrong URL for example, until [`RequestBuilder::send`]. A
//! [`Response`] is returned whatever its status; [`Response::error_for_status`] makes an [`Error`] of 400 and
//! above.
//!
//! # JSON
//!
//! With the feature `json`, which brings serde_json, for types that have serde's `Serialize` and `Deserialize`:
//!
//! ```no_run
//! # #[cfg(feature = "json")] {
//! # use threadbare::client::Client;
//! # let client = Client::new();
//! let ada = serde_json::json!({ "name": "Ada Lovelace", "email": "ada@example.org" });
//! let made = client.post("http://127.0.0.1:8080/users").json(&ada).send()?.error_for_status()?;
//! let user: serde_json::Value = made.json()?;
//! # }
//! # Ok::<(), threadbare::client::Error>(())
//! ```
//!
//! # Form, query
//!
//! ```no_run
//! # use threadbare::client::Client;
//! # let client = Client::new();
//! let users = client.get("http://127.0.0.1:8080/users").query("limit", 10).query("name", "Ada L");
//! let users = users.send()?.error_for_status()?.text()?;
//! let post = client.post("http://127.0.0.1:8080/users");
//! post.form(&[("name", "Ada Lovelace"), ("email", "ada@example.org")]).send()?.error_for_status()?;
//! # Ok::<(), threadbare::client::Error>(())
//! ```
//!
//! # Authentication
//!
//! [`RequestBuilder::basic_auth`] and [`RequestBuilder::bearer`]; another scheme is a field,
//! `header("Authorization", …)`. A redirect to another host or port does not take it along, nor a Cookie.
//!
//! # Cookies
//!
//! None are kept, unless [`Client::cookies`] says so.
//!
//! # Compressed bodies
//!
//! With the feature `inflate`, `Client::decode` asks for them (gzip and deflate), and removes the coding while the body is
//! read. Limits count what comes out, so that a small body that becomes a large one does no harm.
//!
//! # Proxy
//!
//! [`Client::proxy`]. [`ConnectOptions`] has more ways to reach servers: hosts without the proxy, given addresses,
//! one address family, a Unix domain socket. The library does not read the environment (`http_proxy` and the
//! like).
//!
//! # Timeouts
//!
//! Every wait has a name ([`Phase`]) and a limit ([`Timeouts`]), the host look-up included; the whole call has
//! none, unless it is set:
//!
//! ```no_run
//! # use std::time::Duration;
//! # use threadbare::client::Client;
//! let client = Client::new().connect_timeout(Duration::from_secs(5)).max_time(Duration::from_secs(60));
//! let slow = client.get("http://127.0.0.1:8080/report").timeout(Duration::from_secs(300)).send()?;
//! # Ok::<(), threadbare::client::Error>(())
//! ```
//!
//! # Retry
//!
//! A request is sent again only where that is harmless: once and silently, when an idle connection turns out to be
//! closed; after a temporary failure, if [`Retries`] allows it, with pauses that double or that the server asks
//! for.
//!
//! ```
//! # use threadbare::client::{Client, Retries};
//! let client = Client::new().retries(Retries { max: 3, ..Retries::default() });
//! ```
//!
//! # Download, upload
//!
//! A [`Response`] is a reader ([`Read`](std::io::Read)) of its body as it arrives, so a body of any size costs no
//! memory. A body that is cut short is an error, never a shorter body. An [`Observer`], which can be a closure,
//! receives every [`Event`], here to show the progress:
//!
//! ```no_run
//! use std::fs::File;
//! use threadbare::client::{Client, Event};
//!
//! let client = Client::new().observer(|event: &Event<'_>| {
//!     if let Event::Received(bytes) = event {
//!         eprint!("\r{bytes} bytes");
//!     }
//! });
//! let mut response = client.get("http://127.0.0.1:8080/large.iso").send()?.error_for_status()?;
//! std::io::copy(&mut response, &mut File::create("large.iso")?)?;
//!
//! client.put("http://127.0.0.1:8080/copy.iso").reader(File::open("large.iso")?).send()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A request body of more than 1 MB, or of unknown length, waits up to a second for the server's 100 (Continue),
//! and the client stops sending a body that the server refuses (RFC 9110, 10.1.1; RFC 9112, 9.5).
//!
//! # Errors
//!
//! [`Error`] shows the URL and the cause in one line. [`Error::kind`] tells one failure from another; the
//! example of [`Error`] has the usual ones.
//!
//! A response whose framing is in doubt is an error that shows the line ([`ParseError`]); a request of that kind is
//! not sent.
//!
//! # Not supported
//!
//! https, tunnels through proxies. The log has every event at level trace,
//! **heads and the secrets in them included**; above trace it is silent.
//!
//! # To read the source
//!
//! In this order:
//!
//! | file | what it does |
//! |---|---|
//! | `request`, `outgoing`, `response` | the messages: as the caller sees them, and as they are sent |
//! | `whole_body`, `json` | the body of a response in one piece |
//! | `builder` | a request that is built and sent in one expression |
//! | `config` | the settings and their defaults, with reasons |
//! | `cookies` | the cookies that are kept |
//! | `decoding` | the codings of a body are removed |
//! | `follow` | a call as the caller sees it: redirects, retries |
//! | `call` | one request: the main loop, on an idle connection or a fresh one |
//! | `connect_options`, `route`, `proxy` | the route to a server: pure functions |
//! | `dial` | a fresh connection: looks up, connects to all addresses of a host, a quarter of a second apart |
//! | [`dns`] | asks name servers, instead of the C library |
//! | `name_cache` | the addresses that were looked up before |
//! | `exchange` | sends the request and receives the head of the response; one function for each step |
//! | `redirect`, `retry` | where a response leads, when to try again: pure functions |
//! | `upload` | the body of a request, from memory or from a reader |
//! | `connection` | one socket, its buffers, its next read and write within a time limit |
//! | `budget` | the time limits of a call |
//! | `conn_pool` | idle connections |
//! | `event`, [`event_text`] | the events of a call, and their text |
//! | `pipeline` | several requests at once |
//! | `error`, `error_kind`, `exchange_error` | what can go wrong: for the caller, on one connection |

mod budget;
mod builder;
mod call;
mod config;
mod conn_pool;
mod connect_options;
mod connection;
mod cookies;
#[cfg(feature = "inflate")]
mod decoding;
mod dial;
pub mod dns;
mod error;
mod error_kind;
mod event;
pub mod event_text;
mod exchange;
mod exchange_error;
mod follow;
#[cfg(feature = "json")]
mod json;
mod name_cache;
mod outgoing;
mod pipeline;
mod proxy;
mod redirect;
mod request;
mod response;
mod retry;
mod route;
mod upload;
mod whole_body;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub use self::budget::{Phase, Rate, Timeouts};
pub use self::builder::RequestBuilder;
pub use self::config::{BodyForm, Config, PoolConfig};
pub use self::connect_options::{
    ConnectOptions, ConnectTo, ConnectVia, ResolveOverride, RouteError,
};
pub use self::cookies::Cookies;
pub use self::dns::{LookupError, LookupStep, Resolver};
pub use self::error::{Error, in_one_line};
pub use self::error_kind::{ErrorKind, PipelineError};
pub use self::event::{Event, Observer};
#[cfg(feature = "json")]
pub use self::json::JsonError;
#[cfg(feature = "cli")]
pub(crate) use self::outgoing::BodySize;
pub use self::pipeline::Pipeline;
pub use self::proxy::{NoProxy, Proxy, ProxyError};
pub use self::redirect::{
    CredentialScope, OnRepeat, RedirectError, RedirectRules, Redirects, RefererRule,
};
pub use self::request::Request;
pub use self::response::Response;
pub use self::retry::Retries;
#[cfg(feature = "cli")]
pub(crate) use self::retry::{is_temporary, retry_after};
#[cfg(feature = "cli")]
pub(crate) use self::route::Route;
#[doc(inline)]
pub use crate::net::connect::ConnectError;
#[doc(inline)]
pub use crate::net::local_end::LocalEnd;
#[doc(inline)]
pub use crate::net::resolve::{Family, ResolveError};
#[doc(inline)]
pub use crate::net::stream::Endpoints;
#[doc(inline)]
pub use crate::proto::http::close::CloseReason;
#[cfg(feature = "inflate")]
#[doc(inline)]
pub use crate::proto::http::content_coding::{
    ACCEPTED as ACCEPTED_CODINGS, Coding, CodingFault, CodingRule,
};
#[doc(inline)]
pub use crate::proto::http::head::ResponseHead;
#[doc(inline)]
pub use crate::proto::http::headers::{Headers, InvalidField};
#[doc(inline)]
pub use crate::proto::http::limits::Limits;
#[doc(inline)]
pub use crate::proto::http::method::Method;
#[doc(inline)]
pub use crate::proto::http::netrc::{Netrc, NetrcError};
#[doc(inline)]
pub use crate::proto::http::rejected::ParseError;
#[doc(inline)]
pub use crate::proto::http::status::Status;
#[doc(inline)]
pub use crate::proto::http::url::{Url, UrlError};
#[doc(inline)]
pub use crate::proto::http::version::Version;

use self::budget::Budget;
use self::conn_pool::ConnectionPool;
use self::event::Notifier;
use self::name_cache::NameCache;

/// Sends requests and keeps connections for later ones. A clone shares the connections and costs next to
/// nothing; several threads can use clones, or one client by reference, at the same time.
#[derive(Clone)]
pub struct Client {
    pool: Arc<ConnectionPool>,
    names: Arc<NameCache>,
    config: Config,
    notifier: Notifier,
}

impl Client {
    /// Returns a client with the default [`Config`].
    pub fn new() -> Client {
        Client::with_config(Config::default())
    }

    /// Returns a client with these settings.
    pub fn with_config(config: Config) -> Client {
        Client {
            pool: Arc::default(),
            names: Arc::default(),
            config,
            notifier: Notifier::default(),
        }
    }

    /// Returns a client with other settings. It shares the connections if it connects in the same way; in any case, no
    /// two connections have the same number.
    #[cfg(feature = "cli")]
    pub(crate) fn with_settings(&self, config: Config) -> Client {
        if config.connect == self.config.connect {
            return Client { config, ..self.clone() };
        }
        Client { pool: Arc::new(self.pool.beside()), ..Client::with_config(config) }
    }

    /// Returns the settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Limits the host look-up and the connection, together: 60 s by default.
    pub fn connect_timeout(mut self, limit: Duration) -> Client {
        self.config.timeouts.connect = Some(limit);
        self
    }

    /// Limits a whole call, from [`Client::send`] to the end of the body: no limit by default.
    pub fn max_time(mut self, limit: Duration) -> Client {
        self.config.timeouts.total = Some(limit);
        self
    }

    /// Sends every request through this proxy: `http://[user[:password]@]host[:port]`, where the default port
    /// is 1080, as with curl. [`ConnectOptions`] has hosts that are reached without it.
    ///
    /// ```
    /// # use threadbare::client::Client;
    /// let client = Client::new().proxy("http://proxy.example:3128")?;
    /// # Ok::<(), threadbare::client::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Proxy`], which never shows the user or the password.
    pub fn proxy(mut self, url: &str) -> Result<Client, Error> {
        let proxy = Proxy::parse(url).map_err(ErrorKind::Proxy)?;
        self.config.connect.via = ConnectVia::Proxy(Ok(proxy), NoProxy::default());
        Ok(self)
    }

    /// Sends the logins of this file to their hosts, in requests that have no Authorization, also after redirects.
    ///
    /// ```
    /// # use threadbare::client::{Client, Netrc};
    /// let netrc = Netrc::parse(b"machine www.example.org login ada password secret")?;
    /// let client = Client::new().netrc(netrc);
    /// # Ok::<(), threadbare::client::NetrcError>(())
    /// ```
    pub fn netrc(mut self, netrc: Netrc) -> Client {
        self.config.netrc = Some(Arc::new(netrc));
        self
    }

    /// Keeps cookies in this store, and sends them: none are kept by default.
    pub fn cookies(mut self, cookies: &Cookies) -> Client {
        self.config.cookies = Some(cookies.clone());
        self
    }

    /// Sets what the client does about redirects: it follows at most ten in a row by default.
    pub fn redirects(mut self, redirects: Redirects) -> Client {
        self.config.redirects = redirects;
        self
    }

    /// Sets when a request is sent again after a temporary failure: never by default.
    pub fn retries(mut self, retries: Retries) -> Client {
        self.config.retries = retries;
        self
    }

    /// Sets the observer of every event, which can be a closure.
    pub fn observer(self, observer: impl Observer + 'static) -> Client {
        Client { notifier: Notifier(Some(Arc::new(observer))), ..self }
    }

    /// Begins a GET. A URL that cannot be fetched is an error of [`RequestBuilder::send`], here and with the
    /// other methods.
    pub fn get(&self, url: &str) -> RequestBuilder<'_> {
        RequestBuilder::new(self, "GET", url)
    }

    /// Begins a HEAD.
    pub fn head(&self, url: &str) -> RequestBuilder<'_> {
        RequestBuilder::new(self, "HEAD", url)
    }

    /// Begins a POST.
    pub fn post(&self, url: &str) -> RequestBuilder<'_> {
        RequestBuilder::new(self, "POST", url)
    }

    /// Begins a PUT.
    pub fn put(&self, url: &str) -> RequestBuilder<'_> {
        RequestBuilder::new(self, "PUT", url)
    }

    /// Begins a PATCH.
    pub fn patch(&self, url: &str) -> RequestBuilder<'_> {
        RequestBuilder::new(self, "PATCH", url)
    }

    /// Begins a DELETE.
    pub fn delete(&self, url: &str) -> RequestBuilder<'_> {
        RequestBuilder::new(self, "DELETE", url)
    }

    /// Begins a request with any method. A method that is not a token is [`ErrorKind::Method`].
    pub fn request(&self, method: &str, url: &str) -> RequestBuilder<'_> {
        RequestBuilder::new(self, method, url)
    }

    /// Begins with an existing request, to send it with a reader as its body.
    pub fn build_from(&self, request: Request) -> RequestBuilder<'_> {
        RequestBuilder::of(self, request)
    }

    /// Sends a request and waits for the head of its response, whatever its status. Redirects are followed
    /// as [`Config::redirects`] says.
    ///
    /// # Errors
    /// [`Error`] says what went wrong, and in which phase.
    pub fn send(&self, request: &Request) -> Result<Response, Error> {
        follow::follow(self, request, None, self.config.timeouts)
    }

    /// Prepares requests that are sent in one write, with the first call of [`Pipeline::next_response`]; the
    /// responses come in the same order. Requests that the server leaves unanswered are sent again, one by
    /// one.
    ///
    /// # Errors
    /// [`ErrorKind::Pipeline`] when the requests cannot be pipelined: methods that are not idempotent, bodies,
    /// several servers, more than 64 KB of heads.
    pub fn pipeline<'r>(&self, requests: &'r [Request]) -> Result<Pipeline<'r>, Error> {
        Pipeline::new(self, requests)
    }

    /// Looks the host of `url` up, connects with the options and limits of the client, sends nothing, and
    /// closes the connection. Returns its two endpoints.
    ///
    /// # Errors
    /// Those of [`Client::send`] up to the connection.
    pub fn probe(&self, url: &Url) -> Result<Endpoints, Error> {
        let route =
            self.config.connect.route(url).map_err(|error| ErrorKind::Proxy(error).at(url))?;
        let dialled = dial::dial(self, route, &mut self.budget());
        let ends = dialled.and_then(|stream| stream.endpoints().map_err(ErrorKind::Receive));
        ends.map_err(|kind| kind.at(url))
    }

    /// Returns the addresses of the host of `url`, in the order in which they are tried.
    ///
    /// # Errors
    /// Those of [`Client::send`] up to the look-up.
    #[cfg(feature = "cli")]
    pub(crate) fn addresses(&self, url: &Url) -> Result<Vec<std::net::SocketAddr>, Error> {
        let route =
            self.config.connect.route(url).map_err(|error| ErrorKind::Proxy(error).at(url))?;
        dial::addresses(self, route, &mut self.budget()).map_err(|kind| kind.at(url))
    }

    fn budget(&self) -> Budget {
        Budget::new(Instant::now(), self.config.timeouts)
    }

    fn notify(&self, event: &Event<'_>) {
        if log::log_enabled!(log::Level::Trace) {
            let mut text = Vec::new();
            event_text::write_event(event, &mut text).expect("memory takes what is written");
            let text = String::from_utf8_lossy(&text);
            text.lines().for_each(|line| log::trace!("{line}"));
        }
        self.notifier.notify(event);
    }
}

impl Default for Client {
    fn default() -> Client {
        Client::new()
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("config", &self.config).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
