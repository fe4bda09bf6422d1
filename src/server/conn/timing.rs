//! Where the time of a request went, reported in the `Server-Timing` field.
//!
//! | metric | from … to |
//! |---|---|
//! | `queue` | there is something to read (a new connection: it is accepted) … a worker begins with it |
//! | `parse` | its first byte is read … its head is complete, however slowly the client sends it |
//! | `receive` | … its body is complete, if it has one that the handler does not stream |
//! | `handle` | … its response begins: the route, and the handler |
//! | `worker`, `request` | the number of the worker; the number of the request on its connection, from 1 |
//!
//! A pipelined request counts as queued while the requests before it are handled.

use std::time::{Duration, Instant};

use crate::net::peer_address::PeerAddress;
use crate::pool;
use crate::proto::http::server_timing::ServerTimings;
use crate::server::request::Arrival;

/// Which clients get the `Server-Timing` field, for [`Config::server_timing`].
///
/// Browsers and other clients show it: `queue`, `parse`, `receive` and `handle` in milliseconds, and the numbers
/// of the worker and of the request on its connection. It reveals the load, and how long a handler works on a
/// secret: it is not for everyone.
///
/// [`Config::server_timing`]: crate::server::Config::server_timing
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ServerTiming {
    /// No client.
    Off,
    /// Clients on this machine; the default.
    #[default]
    Loopback,
    /// All clients.
    On,
}

impl ServerTiming {
    /// Returns true if the client gets the field.
    pub(crate) fn includes(self, client: PeerAddress) -> bool {
        match self {
            ServerTiming::Off => false,
            ServerTiming::Loopback => client.is_loopback(),
            ServerTiming::On => true,
        }
    }
}

/// The times of the last request of a connection.
#[derive(Debug, Default)]
pub(crate) enum Timing {
    /// Not measured.
    #[default]
    Off,
    /// Its head is arriving, or has not begun to. What was read last had been there since `arrived`.
    Head { arrived: Instant, queued: Duration },
    /// Its body is arriving, or it is being handled, since `since`.
    Handling {
        arrived: Instant,
        queued: Duration,
        parsed: Duration,
        received: Option<Duration>,
        since: Instant,
    },
}

impl Timing {
    /// Returns the state for a connection that has just been opened.
    pub(crate) fn new(is_measured: bool, opened: Instant) -> Timing {
        match is_measured {
            true => Timing::Head { arrived: opened, queued: Duration::ZERO },
            false => Timing::Off,
        }
    }

    /// Returns how long the last request has waited for a worker.
    pub(crate) fn queued(&self) -> Option<Duration> {
        match *self {
            Timing::Head { queued, .. } | Timing::Handling { queued, .. } => Some(queued),
            Timing::Off => None,
        }
    }

    /// Records a read of bytes that had been there since `at`.
    pub(crate) fn reads(&mut self, at: Instant) {
        match self {
            Timing::Off => {}
            Timing::Head { arrived, .. } | Timing::Handling { arrived, .. } => *arrived = at,
        }
    }

    /// Records that a worker begins with the first byte of a request.
    pub(crate) fn begins(&mut self, now: Instant) {
        if let Timing::Head { arrived, queued } = self {
            *queued = now.saturating_duration_since(*arrived);
        }
    }

    /// Records that a head is complete, which began to arrive at `began`.
    pub(crate) fn head_is_complete(&mut self, began: Instant) {
        if let Timing::Head { arrived, queued } = *self {
            let since = Instant::now();
            let parsed = since.saturating_duration_since(began);
            *self = Timing::Handling { arrived, queued, parsed, received: None, since };
        }
    }

    /// Records that a body is complete.
    pub(crate) fn body_is_complete(&mut self) {
        if let Timing::Handling { received, since, .. } = self {
            let now = Instant::now();
            *received = Some(now.saturating_duration_since(*since));
            *since = now;
        }
    }

    /// Forgets a request that turned out to be invalid.
    pub(crate) fn forget(&mut self) {
        if let Timing::Handling { arrived, queued, .. } = *self {
            *self = Timing::Head { arrived, queued };
        }
    }

    /// Returns when the request arrived that is being handled.
    pub(crate) fn arrival(&self) -> Option<Arrival> {
        match *self {
            Timing::Handling { arrived: at, queued, .. } => Some(Arrival { at, queued }),
            Timing::Off | Timing::Head { .. } => None,
        }
    }

    /// Returns the times of a request whose response begins now, and its number on the connection;
    /// nothing for what was not a valid request, or for a client that does not get them.
    pub(crate) fn tell(
        &mut self,
        now: Instant,
        request: u64,
        is_told: impl FnOnce() -> bool,
    ) -> Option<ServerTimings> {
        let Timing::Handling { arrived, queued, parsed, received, since } = *self else {
            return None;
        };
        *self = Timing::Head { arrived, queued };
        is_told().then(|| ServerTimings {
            queue: queued,
            parse: parsed,
            receive: received,
            handle: now.saturating_duration_since(since),
            worker: pool::current_worker(),
            request,
        })
    }
}
