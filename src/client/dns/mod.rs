//! Looks names up without the C library: in `/etc/hosts`, and by queries to name servers (a stub resolver,
//! RFC 1034, 5.3.1).
//!
//! ```text
//! resolve                       for the addresses of a host
//!   hosts::addresses            /etc/hosts
//!   ResolvConf::candidates      the names to ask for: search, ndots
//!   ResolvConf::ask             one question (a thread each for A and AAAA), to the servers in turn
//!     exchange                  one query, and the message that is its answer: UDP, then TCP
//!   Chain::of                   through the aliases to the addresses
//! ```
//!
//! | file | what it does |
//! |---|---|
//! | [`mod@resolve`] | a host to addresses, both families at once |
//! | `resolv_conf`, `hosts` | the files of the system: pure functions |
//! | [`exchange`] | one question, and which server is asked next; one query and its answer |
//! | `chain` | the records of an answer that belong to the question: pure |
//!
//! The messages are those of [`proto::dns`](crate::proto::dns).

mod chain;
pub mod exchange;
mod hosts;
mod resolv_conf;
pub mod resolve;

use std::fmt;
use std::net::{IpAddr, SocketAddr};

pub use self::exchange::ask;
use self::exchange::{Answer, Server};
use crate::proto::dns::{Message, ResponseCode};

/// What looks up the addresses of hosts, for [`ConnectOptions::resolver`](super::ConnectOptions::resolver).
///
/// Names within `localhost`, and addresses, are not looked up (RFC 6761, 6.3).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Resolver {
    /// The C library (`getaddrinfo`). It asks for both families; if only one is wanted and the C library
    /// would do nothing but read `/etc/hosts` and ask name servers, the client asks as [`Resolver::Files`].
    #[default]
    System,
    /// The client, by the system's files: `/etc/hosts`, then the servers of `/etc/resolv.conf`, by its rules.
    Files,
    /// The client: `/etc/hosts`, then these servers; all else is as `/etc/resolv.conf` says. As curl does
    /// it that is built with c-ares.
    Servers(Vec<SocketAddr>),
}

impl Resolver {
    /// Parses `system` ([`Resolver::Files`]), or addresses with a comma between them: `127.0.0.1`,
    /// `127.0.0.1:5353`, `[::1]:5353`. Without a port it is 53. `None` for other texts.
    pub fn parse(text: &str) -> Option<Resolver> {
        if text == "system" {
            return Some(Resolver::Files);
        }
        let server = |text: &str| {
            let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
            let address = bare.unwrap_or(text).parse::<IpAddr>();
            let usual = address.map(|address| SocketAddr::new(address, resolv_conf::PORT));
            usual.ok().or_else(|| text.parse().ok()).filter(|server| server.port() != 0)
        };
        text.split(',').map(server).collect::<Option<_>>().map(Resolver::Servers)
    }
}

/// A step of a look-up, for [`Event::Lookup`](super::Event::Lookup).
#[derive(Debug)]
#[non_exhaustive]
pub enum LookupStep {
    /// The C library is asked.
    System,
    /// `/etc/hosts` has the host.
    HostsFile,
    /// This query was sent.
    Asked(Server, Message),
    /// The answer arrived.
    Answered(Answer),
    /// A message arrived that is not the answer. It is dropped.
    Dropped(Server, String),
    /// A server gave no answer, and why; the next one is asked.
    Failed(String),
}

/// Why a name was not looked up. It is the [`io::Error`](std::io::Error) within
/// [`ResolveError::Failed`](super::ResolveError::Failed).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LookupError {
    /// A server responded this code, and no address of the name.
    NoAddress(ResponseCode, String),
    /// There is no answer that can be used.
    Failed(String),
    /// The deadline has passed.
    TimedOut,
}

impl fmt::Display for LookupStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LookupStep::System => f.write_str("Asking the C library"),
            LookupStep::HostsFile => f.write_str("Found in /etc/hosts"),
            LookupStep::Asked(server, query) => {
                write!(f, "Asking {server}: {}", query.questions[0])
            }
            LookupStep::Answered(Answer { server, message, .. }) => {
                let (code, count) = (message.code(), message.answers.len());
                write!(f, "{server} answered {code}, {count} records")?;
                message.questions.iter().try_for_each(|question| write!(f, ": {question}"))
            }
            LookupStep::Dropped(from, why) => write!(f, "Dropped a message from {from}: {why}"),
            LookupStep::Failed(why) => f.write_str(why),
        }
    }
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LookupError::NoAddress(_, why) | LookupError::Failed(why) => why,
            LookupError::TimedOut => "the name servers did not respond in time",
        })
    }
}

/// `Display` shows the cause, too.
impl std::error::Error for LookupError {}
