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
//! | [`ask()`] | one question; which server is asked next |
//! | [`exchange`] | one query and its answer |
//! | `chain` | the records of an answer that belong to the question: pure |
//!
//! The messages are those of [`proto::dns`](crate::proto::dns).

mod ask;
mod chain;
pub mod exchange;
mod hosts;
mod resolv_conf;
pub mod resolve;

use std::fmt;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};

pub use self::ask::ask;
use self::exchange::{Answer, NoAnswer, Server};
use crate::proto::dns::{Ignored, InvalidName, Name, Query, ResponseCode};

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
    /// This query was sent, as these octets.
    Asked(Server, Query, Vec<u8>),
    /// The answer arrived.
    Answered(Answer),
    /// A message arrived that is not the answer. It is dropped.
    Dropped(Server, Ignored),
    /// The server gave no answer; the next one is asked.
    Failed(NoAnswer),
}

/// Why a name was not looked up. It is the [`io::Error`](std::io::Error) within
/// [`ResolveError::Failed`](super::ResolveError::Failed).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LookupError {
    /// The host is not a name that a server can be asked for.
    NotAName(InvalidName),
    /// The server responded this code, and no address of the name.
    NoAddress(Server, Name, ResponseCode),
    /// The aliases of the name have no end.
    Endless(Server, Name),
    /// No server answered.
    NoAnswer(Vec<NoAnswer>),
    /// The system has no thread for a question.
    NoThread(ErrorKind),
    /// The deadline has passed.
    TimedOut,
}

impl fmt::Display for LookupStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LookupStep::System => f.write_str("Asking the C library"),
            LookupStep::HostsFile => f.write_str("Found in /etc/hosts"),
            LookupStep::Asked(server, query, _) => write!(f, "Asking {server}: {}", query.question),
            LookupStep::Answered(Answer { server, message, .. }) => {
                let (code, count) = (message.code(), message.answers.len());
                write!(f, "{server} answered {code}, {count} records")?;
                message.questions.iter().try_for_each(|question| write!(f, ": {question}"))
            }
            LookupStep::Dropped(from, why) => write!(f, "Dropped a message from {from}: {why}"),
            LookupStep::Failed(why) => why.fmt(f),
        }
    }
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LookupError::NotAName(error) => error.fmt(f),
            LookupError::NoAddress(server, name, code @ ResponseCode::NO_SUCH_NAME) => {
                write!(f, "the name {name} does not exist ({code} from {server})")
            }
            LookupError::NoAddress(server, name, code @ ResponseCode::NO_ERROR) => {
                write!(f, "the name {name} has no address of this kind ({code} from {server})")
            }
            LookupError::NoAddress(server, name, code) => {
                write!(f, "the name server {server} responded {code} for {name}")
            }
            LookupError::Endless(server, name) => {
                write!(f, "the aliases of {name} have no end (CNAME records from {server})")
            }
            LookupError::NoAnswer(tried) => {
                f.write_str("no name server answered")?;
                tried.iter().try_for_each(|why| write!(f, "; {why}"))
            }
            LookupError::NoThread(kind) => write!(f, "no thread for the look-up: {kind}"),
            LookupError::TimedOut => f.write_str("the name servers did not respond in time"),
        }
    }
}

/// `Display` shows the cause, too.
impl std::error::Error for LookupError {}
