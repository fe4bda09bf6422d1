//! What a client does unless it is told otherwise: every limit and every habit in one place, with its
//! reason. None is endless but the total time and the size of a body, which is never held in memory.

use std::time::Duration;

use super::budget::Timeouts;
use super::redirect::Redirects;
use super::retry::Retries;
use super::route::Routes;
use crate::proto::http::limits::Limits;

/// The habits of a [`Client`](super::Client).
///
/// ```
/// use std::time::Duration;
/// use threadbare::client::{Client, Config, Redirects, Timeouts};
///
/// let client = Client::with(Config {
///     redirects: Redirects::Answer,
///     timeouts: Timeouts { total: Some(Duration::from_secs(10)), ..Timeouts::default() },
///     ..Config::default()
/// });
/// ```
#[derive(Debug, Clone)]
pub struct Config {
    /// How long each phase may take.
    pub timeouts: Timeouts,
    /// How servers are reached: by which addresses, through a proxy or not.
    pub routes: Routes,
    /// Which connections are kept for their next request.
    pub keep: Keep,
    /// What is done about redirects.
    pub redirects: Redirects,
    /// When a request is sent once more.
    pub retries: Retries,
    /// How much of an answer's head, and of what is around its chunks, is taken.
    pub limits: Limits,
}

impl Default for Config {
    /// Ten redirects (as Go's client; curl's `-L` has 30), and no retry but the silent one on a stale
    /// connection. The rest is said where it stands.
    fn default() -> Config {
        Config {
            timeouts: Timeouts::default(),
            routes: Routes::default(),
            keep: Keep::default(),
            redirects: Redirects::Follow(10),
            retries: Retries::default(),
            limits: Limits::default(),
        }
    }
}

/// Which connections wait for their next request, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// How many, in all; the one that has waited longest goes for one more. 0: none is kept.
    pub most: usize,
    /// How many to one host and port.
    pub most_per_origin: usize,
    /// How long one waits.
    pub age: Duration,
}

impl Default for Keep {
    /// 64, of which 32 to one place: as many threads can take turns there without connecting anew.
    /// 118 s, as curl: past that, servers and what is on the way have mostly forgotten them.
    fn default() -> Keep {
        Keep { most: 64, most_per_origin: 32, age: Duration::from_secs(118) }
    }
}
