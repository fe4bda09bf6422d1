//! The settings of a client, with their defaults and the reason for each. Everything has a limit but the
//! total time and the size of a body, which is never held in memory.

use std::sync::Arc;
use std::time::Duration;

use super::budget::Timeouts;
use super::connect_options::ConnectOptions;
use super::cookies::Cookies;
use super::redirect::Redirects;
use super::retry::Retries;
use crate::proto::http::limits::Limits;
use crate::proto::http::netrc::Netrc;

/// The settings of a [`Client`](super::Client); its methods, such as
/// [`max_time`](super::Client::max_time), set the usual ones.
///
/// ```
/// use std::time::Duration;
/// use threadbare::client::{Client, Config, Redirects, Timeouts};
///
/// let client = Client::with_config(Config {
///     redirects: Redirects::Return,
///     timeouts: Timeouts { total: Some(Duration::from_secs(10)), ..Timeouts::default() },
///     ..Config::default()
/// });
/// ```
#[derive(Debug, Clone)]
pub struct Config {
    /// The time limits of a call.
    pub timeouts: Timeouts,
    /// How the client connects to servers: to which addresses, and through which proxy.
    pub connect: ConnectOptions,
    /// How many idle connections are kept for later requests, and how long.
    pub pool: PoolConfig,
    /// Whether redirects are followed: at most ten in a row.
    pub redirects: Redirects,
    /// When a request is sent again after a temporary failure: never.
    pub retries: Retries,
    /// The cookies that are kept and sent; `None`: no cookie is kept.
    pub cookies: Option<Cookies>,
    /// The logins of hosts, for requests that have no Authorization; also of the hosts to which redirects lead. None by
    /// default.
    pub netrc: Option<Arc<Netrc>>,
    /// The longest response head (300 KB), the longest body that is read in one piece (10 MB), and the most
    /// framing around the chunks of a body (16 KB) that are accepted: [`Limits::of_responses`].
    pub limits: Limits,
    /// What of a body the caller gets: its content.
    pub body: BodyForm,
}

/// What of a response's body the caller gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BodyForm {
    /// Its content, in the content codings that it has.
    #[default]
    Content,
    /// Its content without content codings (curl: `--compressed`): [`Client::decode`](super::Client::decode).
    #[cfg(feature = "inflate")]
    Decoded,
    /// The bytes as they are received, with the framing of chunks and the trailers (curl: `--raw`).
    AsReceived,
}

impl Default for Config {
    /// Follows ten redirects, as Go's client does (curl's `-L` follows 30), and retries nothing but a
    /// request that failed on a stale connection. The other defaults are documented with their types.
    fn default() -> Config {
        Config {
            timeouts: Timeouts::default(),
            connect: ConnectOptions::default(),
            pool: PoolConfig::default(),
            redirects: Redirects::Follow(10),
            retries: Retries::default(),
            cookies: None,
            netrc: None,
            limits: Limits::of_responses(),
            body: BodyForm::Content,
        }
    }
}

/// How many idle connections a client keeps for later requests, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolConfig {
    /// The most idle connections in all: 64; one more closes the one that has been idle longest. 0 keeps none.
    pub max_idle: usize,
    /// The most idle connections to one host and port: 32.
    pub max_idle_per_host: usize,
    /// How long a connection may be idle before it is closed: 118 s.
    pub max_age: Duration,
}

impl Default for PoolConfig {
    /// 64 connections, of which 32 to one host and port: as many threads can send there without
    /// connecting anew. 118 s, as curl: after that, most servers and middleboxes have dropped them.
    fn default() -> PoolConfig {
        PoolConfig { max_idle: 64, max_idle_per_host: 32, max_age: Duration::from_secs(118) }
    }
}
