//! The server's half of a trace: where the time of a request went, told in `Server-Timing`.
//!
//! | metric | from … to |
//! |---|---|
//! | `queue` | there is something to read (for a new connection: it is accepted) … a worker turns to it |
//! | `parse` | its first byte is read … its head is complete. Who sends the head in pieces is waited for here |
//! | `receive` | … its body is complete, where it has one and the handler does not read it itself |
//! | `handle` | … its answer begins: the route, and the handler |
//! | `worker`, `request` | which worker that was; which request of its connection, from 1 |
//!
//! What is told of a pipelined request is its own: while those before it were answered, it was queued.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::pool;
use crate::proto::http::server_timing::Told;

/// Who is told where the server's time went. It tells of the load, and of what a handler does with a
/// secret: nothing for strangers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ServerTiming {
    /// Nobody.
    Off,
    /// Who connects from this machine.
    #[default]
    Loopback,
    /// Everyone.
    On,
}

impl ServerTiming {
    /// For a connection from there, which has just been opened.
    pub(crate) fn of(self, peer: SocketAddr, opened: Instant) -> Timing {
        let is_told = match self {
            ServerTiming::Off => false,
            ServerTiming::Loopback => peer.ip().to_canonical().is_loopback(),
            ServerTiming::On => true,
        };
        if is_told { Timing::Head { came: opened, queued: Duration::ZERO } } else { Timing::Off }
    }
}

/// What the clock said about the request that came last.
#[derive(Debug, Default)]
pub(crate) enum Timing {
    /// Nobody is told.
    #[default]
    Off,
    /// Its head is arriving, or still to come. What was read last was there to be read since `came`.
    Head { came: Instant, queued: Duration },
    /// Its body is arriving, or it is handled, since then.
    Handling {
        came: Instant,
        queued: Duration,
        parsed: Duration,
        received: Option<Duration>,
        since: Instant,
    },
}

impl Timing {
    /// Something has been read, which was there at `at`.
    pub(crate) fn reads(&mut self, at: Instant) {
        match self {
            Timing::Off => {}
            Timing::Head { came, .. } | Timing::Handling { came, .. } => *came = at,
        }
    }

    /// A worker has turned to its first byte.
    pub(crate) fn begins(&mut self, now: Instant) {
        if let Timing::Head { came, queued } = self {
            *queued = now.saturating_duration_since(*came);
        }
    }

    /// Its head is complete, which began to arrive at `began`.
    pub(crate) fn head_is_complete(&mut self, began: Instant) {
        if let Timing::Head { came, queued } = *self {
            let since = Instant::now();
            let parsed = since.saturating_duration_since(began);
            *self = Timing::Handling { came, queued, parsed, received: None, since };
        }
    }

    /// And its body.
    pub(crate) fn body_is_complete(&mut self) {
        if let Timing::Handling { received, since, .. } = self {
            let now = Instant::now();
            *received = Some(now.saturating_duration_since(*since));
            *since = now;
        }
    }

    /// It is none, as its body shows.
    pub(crate) fn forget(&mut self) {
        if let Timing::Handling { came, queued, .. } = *self {
            *self = Timing::Head { came, queued };
        }
    }

    /// Its answer begins now; it is the connection's first, second … Of what could not be read as a
    /// request there is nothing to tell.
    pub(crate) fn tell(&mut self, now: Instant, request: u64) -> Option<Told> {
        let Timing::Handling { came, queued, parsed, received, since } = *self else { return None };
        *self = Timing::Head { came, queued };
        Some(Told {
            queue: queued,
            parse: parsed,
            receive: received,
            handle: now.saturating_duration_since(since),
            worker: pool::current_worker(),
            request,
        })
    }
}
