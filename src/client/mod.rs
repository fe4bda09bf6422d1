//! The client: blocking code that does one thing after the other.
//!
//! ```no_run
//! use std::io::Read;
//! use threadbare::client::Client;
//!
//! let client = Client::new();
//! let mut text = String::new();
//! client.get("http://127.0.0.1:8080/hello.txt")?.send()?.read_to_string(&mut text)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! More of it: a field, a body that is read while it is sent, the status as an error, the answer
//! copied to a file as it comes.
//!
//! ```no_run
//! # use threadbare::client::Client;
//! # let client = Client::new();
//! let call = client.put("http://127.0.0.1:8080/users/1")?.header("Content-Type", "application/json")?;
//! let mut response = call.reader(std::fs::File::open("ada.json")?).send()?.successful()?;
//! std::io::copy(&mut response, &mut std::fs::File::create("answer.json")?)?;
//! let checksum = response.trailers().and_then(|trailers| trailers.first("Content-Digest"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A [`Response`] reads its body from the socket as it is asked for, so its size costs no memory.
//! One that is read to its end gives its connection back, and the next request to the same host
//! and port uses it again. A body that is cut short is an error, never a shorter body.
//!
//! A request body of more than 1 MB, or of unknown length, waits up to a second for the server's 100
//! (Continue), and any body stops when it is refused on its way (RFC 9110, 10.1.1; RFC 9112, 9.5). An answer
//! whose framing is in doubt is an error that shows the line ([`Misread`]), and so is a request of that
//! kind.
//!
//! What a client does unless it is told otherwise stands in [`Config`]. Every wait has a name ([`Phase`])
//! and a limit ([`Timeouts`]), the name server's silence included. All addresses of a host are tried,
//! a quarter of a second apart. Redirects are followed ([`redirect`], a pure function), without the secrets
//! that were for the first host. A request is sent again only where that is harmless: silently, once, when
//! a connection that was used before turns out to be closed; by wish ([`Retries`]), with pauses.
//! An [`Observer`] is told of each step.
//!
//! Servers are reached at the addresses of their names; [`Routes`] has other ways: known addresses, another
//! place to connect to, one family of addresses, a proxy, a socket in the file system. The environment
//! (`http_proxy` and the like) is the command's to read, not the library's.
//!
//! In reading order:
//!
//! | file | what it does |
//! |---|---|
//! | `request`, `response` | what is asked, what is answered |
//! | `builder` | a request on its way to being sent |
//! | `config` | the defaults, with their reasons |
//! | `follow` | a call as its caller sees it: redirects, retries |
//! | `call` | one request: the main loop, with a connection that waited, or a fresh one |
//! | `route`, `proxy` | the way to a server: pure functions; what a proxy is sent |
//! | `dial` | a fresh connection: looking up, connecting |
//! | `exchange` | the request out, the head of its answer in; one function for each step |
//! | `redirect`, `retry` | where an answer leads, when to ask again: pure functions |
//! | `upload` | the body of a request, from memory or from a reader |
//! | `connection` | one socket, its buffers, its next read and write within a time |
//! | [`credentials`] | user and password, for a server or a proxy |
//! | `budget` | how long each phase may take |
//! | `reuse` | connections that wait for their next request |
//! | `event` | what happens on the way, for those who watch |
//! | `pipeline` | several requests at once |
//! | [`output`] | what `-i`, `-I` and `-v` print |
//! | `command` | what the command line does around a call: `-F`, `-o`, `-w` … (feature `cli`) |
//! | `load`, `report` | `client bench`: many requests, and what they felt like (feature `cli`) |
//! | `error`, `misread` | what can go wrong, in one line, and curl's exit codes |
//!
//! Not in here: https, tunnels through proxies, cookies, content codings. The log has every event at
//! level trace, **heads and the secrets in them included**; above trace it is silent.

mod budget;
mod builder;
mod call;
mod config;
mod conn_pool;
mod connection;
pub mod credentials;
mod dial;
mod error;
mod event;
pub mod event_text;
mod exchange;
mod follow;
mod misread;
mod pipeline;
mod proxy;
mod redirect;
pub(crate) mod request;
mod response;
pub(crate) mod retry;
pub(crate) mod route;
mod upload;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub use self::budget::{Phase, Rate, Timeouts};
pub use self::builder::RequestBuilder;
pub use self::config::{Config, Keep};
pub use self::error::{Error, in_one_line};
pub use self::event::{Event, Observer};
pub use self::misread::Misread;
pub use self::pipeline::{Pipeline, Unfit};
pub use self::proxy::{Except, Proxy, ProxyError};
pub use self::redirect::{Again, Asked, Hop, RedirectError, Redirects, Rules, Secrets, redirect};
pub use self::request::Request;
pub use self::response::Response;
pub use self::retry::Retries;
pub use self::route::{Detour, Pin, RouteError, Routes, Via};
pub use crate::net::resolve::Family;
pub use crate::net::stream::Endpoints;
pub use crate::proto::http::close::CloseReason;
pub use crate::proto::http::head::ResponseHead;
pub use crate::proto::http::headers::{Headers, InvalidField};
pub use crate::proto::http::limits::Limits;
pub use crate::proto::http::method::Method;
pub use crate::proto::http::status::Status;
pub use crate::proto::http::url::{Url, UrlError};
pub use crate::proto::http::version::Version;

use self::budget::Budget;
use self::conn_pool::Idle;
use self::event::Watcher;

/// Sends requests and keeps the connections. Clones share the connections, cost next to nothing, and
/// may be used by several threads at once, as may one client by reference.
#[derive(Clone)]
pub struct Client {
    idle: Arc<Idle>,
    config: Config,
    observer: Option<Arc<dyn Observer>>,
}

impl Client {
    /// A client with the default [`Config`].
    pub fn new() -> Client {
        Client::with(Config::default())
    }

    /// A client with these habits.
    pub fn with(config: Config) -> Client {
        Client { idle: Arc::default(), config, observer: None }
    }

    /// How long looking up the host and connecting to it may take, together.
    pub fn connect_timeout(mut self, limit: Duration) -> Client {
        self.config.timeouts.connect = Some(limit);
        self
    }

    /// How long a call may take, from [`Client::send`] to the end of the body, with all that
    /// happens in between.
    pub fn max_time(mut self, limit: Duration) -> Client {
        self.config.timeouts.total = Some(limit);
        self
    }

    /// What is done about redirects.
    pub fn redirects(mut self, redirects: Redirects) -> Client {
        self.config.redirects = redirects;
        self
    }

    /// When a request is sent once more.
    pub fn retries(mut self, retries: Retries) -> Client {
        self.config.retries = retries;
        self
    }

    /// How servers are reached.
    pub fn routes(&self) -> &Routes {
        &self.config.routes
    }

    /// Is told of everything that happens on the way; a closure will do.
    pub fn observer(self, observer: impl Observer + 'static) -> Client {
        Client { observer: Some(Arc::new(observer)), ..self }
    }

    /// Begins a GET.
    ///
    /// # Errors
    /// [`Error::Url`] when it is not an address that can be fetched.
    pub fn get(&self, url: &str) -> Result<RequestBuilder<'_>, Error> {
        RequestBuilder::new(self, "GET", url)
    }

    /// Begins a HEAD.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn head(&self, url: &str) -> Result<RequestBuilder<'_>, Error> {
        RequestBuilder::new(self, "HEAD", url)
    }

    /// Begins a POST.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn post(&self, url: &str) -> Result<RequestBuilder<'_>, Error> {
        RequestBuilder::new(self, "POST", url)
    }

    /// Begins a PUT.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn put(&self, url: &str) -> Result<RequestBuilder<'_>, Error> {
        RequestBuilder::new(self, "PUT", url)
    }

    /// Begins a DELETE.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn delete(&self, url: &str) -> Result<RequestBuilder<'_>, Error> {
        RequestBuilder::new(self, "DELETE", url)
    }

    /// Begins a request with any method.
    ///
    /// # Errors
    /// As [`Client::get`]; and [`Error::Method`] when it is not a token.
    pub fn request(&self, method: &str, url: &str) -> Result<RequestBuilder<'_>, Error> {
        RequestBuilder::new(self, method, url)
    }

    /// Begins with a request that is there already, to send it with a body of another kind.
    pub fn begin(&self, request: Request) -> RequestBuilder<'_> {
        RequestBuilder::of(self, request)
    }

    /// Sends a request and waits for the head of its answer, whatever its status. Redirects are
    /// followed as [`Config::redirects`] has it.
    ///
    /// # Errors
    /// [`Error`] says in which phase what went wrong.
    pub fn send(&self, request: &Request) -> Result<Response, Error> {
        follow::follow(self, request, None)
    }

    /// Sends these requests in one write, when the first answer is asked for; the answers come in their
    /// order. What the server leaves unanswered is sent again, one by one.
    ///
    /// # Errors
    /// [`Error::Unfit`] says which rule they break: methods that are not idempotent, bodies, several
    /// servers, more than 64 KB of heads.
    pub fn pipeline<'r>(&self, requests: &'r [Request]) -> Result<Pipeline<'r>, Error> {
        Pipeline::new(self, requests)
    }

    /// Looks the host of `url` up and connects, in the way and the time that is set, sends nothing, and
    /// closes again. Who is at the two ends?
    ///
    /// # Errors
    /// As [`Client::send`], as far as that goes.
    pub fn reach(&self, url: &str) -> Result<Endpoints, Error> {
        self.reach_url(Request::get(url)?.url())
    }

    pub(crate) fn reach_url(&self, url: &Url) -> Result<Endpoints, Error> {
        let route = self.config.routes.to(url).map_err(Error::Proxy)?;
        dial::dial(self, route, &mut self.budget())?.ends().map_err(Error::Receive)
    }

    fn budget(&self) -> Budget {
        Budget::new(Instant::now(), self.config.timeouts)
    }

    /// For a connection that tells of its bytes.
    fn watcher(&self) -> Watcher {
        Watcher(self.observer.clone())
    }

    fn tell(&self, event: &Event<'_>) {
        if log::log_enabled!(log::Level::Trace) {
            let mut words = Vec::new();
            event_text::write_event(event, &mut words).expect("memory takes what is written");
            let words = String::from_utf8_lossy(&words);
            words.lines().for_each(|line| log::trace!("{line}"));
        }
        if let Some(observer) = &self.observer {
            observer.observe(event);
        }
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
