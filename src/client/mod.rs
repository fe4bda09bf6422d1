//! The client: blocking code that does one thing after the other.
//!
//! ```no_run
//! use std::io::Read;
//! use threadbare::client::{Client, Request};
//!
//! let client = Client::new();
//! let mut response = client.send(&Request::get("http://127.0.0.1:8080/hello.txt")?)?;
//! let mut text = String::new();
//! response.read_to_string(&mut text)?;
//! assert!(response.head().status.code() == 200);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A [`Response`] reads its body from the socket as it is asked for, so its size costs no memory.
//! One that is read to its end gives its connection back, and the next request to the same host
//! and port uses it again. A body that is cut short is an error, never a shorter body.
//!
//! A request body of more than 1 MB waits up to a second for the server's 100 (Continue), and any
//! body stops when it is refused on its way (RFC 9110, 10.1.1; RFC 9112, 9.5). An answer whose framing
//! is in doubt is an error that shows the line ([`Misread`]), and so is a request of that kind.
//!
//! Every wait has a name ([`Phase`]) and, where one is set, a deadline: a moment, which a peer that
//! sends one byte at a time does not move.
//!
//! In reading order:
//!
//! | file | what it does |
//! |---|---|
//! | `request`, `response` | what is asked, what is answered |
//! | `call` | the main loop: resolve, connect, send, receive; one function each |
//! | `connection` | one socket, its buffers, its next read and write within a time |
//! | `budget` | how long each phase may take |
//! | `reuse` | connections that wait for their next request |
//! | `event` | what happens on the way, for those who watch |
//! | [`output`] | what `-i`, `-I` and `-v` print |
//! | `command` | what the command line does around a call: `-F`, `-o`, `-w` … (feature `cli`) |
//! | `load`, `report` | `client bench`: many requests, and what they felt like (feature `cli`) |
//! | `error`, `misread` | what can go wrong, in one line, and curl's exit codes |
//!
//! Not in here: https, proxies, redirects, cookies, content codings. The log has every event at
//! level trace, **heads and the secrets in them included**; above trace it is silent.

mod budget;
mod call;
#[cfg(feature = "cli")]
pub mod command;
mod connection;
mod error;
mod event;
#[cfg(feature = "cli")]
pub mod load;
mod misread;
pub mod output;
#[cfg(feature = "cli")]
pub mod report;
mod request;
mod response;
mod reuse;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub use self::budget::Phase;
pub use self::error::{Error, in_one_line};
pub use self::event::Event;
pub use self::misread::Misread;
pub use self::request::Request;
pub use self::response::Response;
pub use crate::proto::http::close::Close;
pub use crate::proto::http::head::ResponseHead;
pub use crate::proto::http::headers::{Headers, InvalidField};
pub use crate::proto::http::method::Method;
pub use crate::proto::http::status::Status;
pub use crate::proto::http::url::{Url, UrlError};
pub use crate::proto::http::version::Version;

use self::budget::Budget;
use self::reuse::Idle;
use crate::proto::http::limits::Limits;

/// Sends requests and keeps the connections. Clones share the connections, and may be used by
/// several threads at once.
#[derive(Clone)]
pub struct Client {
    idle: Arc<Idle>,
    limits: Limits,
    connect_timeout: Option<Duration>,
    max_time: Option<Duration>,
    observer: Option<Arc<Observer>>,
}

type Observer = dyn Fn(&Event<'_>) + Send + Sync;

impl Client {
    /// A client with 300 s for looking up and connecting, as curl, and no limit beyond that.
    pub fn new() -> Client {
        Client {
            idle: Arc::default(),
            limits: Limits::default(),
            connect_timeout: Some(Duration::from_secs(300)),
            max_time: None,
            observer: None,
        }
    }

    /// How long looking up the host and connecting to it may take, together.
    pub fn connect_timeout(self, limit: Duration) -> Client {
        Client { connect_timeout: Some(limit), ..self }
    }

    /// How long an exchange may take, from the call of [`Client::send`] to the end of the body.
    pub fn max_time(self, limit: Duration) -> Client {
        Client { max_time: Some(limit), ..self }
    }

    /// Is told of everything that happens on the way.
    pub fn observer(self, observer: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Client {
        Client { observer: Some(Arc::new(observer)), ..self }
    }

    /// Sends a request and waits for the head of its answer, whatever its status.
    ///
    /// # Errors
    /// [`Error`] says in which phase what went wrong.
    pub fn send(&self, request: &Request) -> Result<Response, Error> {
        call::call(self, request)
    }

    fn budget(&self) -> Budget {
        Budget::new(Instant::now(), self.connect_timeout, self.max_time)
    }

    fn tell(&self, event: &Event<'_>) {
        if log::log_enabled!(log::Level::Trace) {
            let mut words = Vec::new();
            output::tell(event, &mut words).expect("memory takes what is written");
            let words = String::from_utf8_lossy(&words);
            words.lines().for_each(|line| log::trace!("{line}"));
        }
        if let Some(observer) = &self.observer {
            observer(event);
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
        f.debug_struct("Client")
            .field("connect_timeout", &self.connect_timeout)
            .field("max_time", &self.max_time)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
