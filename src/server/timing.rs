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
use crate::proto::http::headers::Headers;
use crate::proto::http::server_timing::{FIELD, Writer, is_wanted};

/// Who is told where the server's time went. It tells of the load, and of what a handler does with a
/// secret: nothing for strangers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ServerTiming {
    /// Nobody.
    Off,
    /// Who connects from this machine, and asks for it.
    #[default]
    Asked,
    /// Who connects from this machine.
    Loopback,
    /// Everyone.
    On,
}

impl ServerTiming {
    /// Is this one told?
    pub(super) fn tells(self, peer: SocketAddr, asked: &Headers) -> bool {
        let is_near = || peer.ip().to_canonical().is_loopback();
        match self {
            ServerTiming::Off => false,
            ServerTiming::Asked => is_near() && is_wanted(asked),
            ServerTiming::Loopback => is_near(),
            ServerTiming::On => true,
        }
    }
}

/// What the clock said about the request that came last. Where nobody is told, it is not asked.
#[derive(Debug, Default)]
pub(super) struct Timing {
    queued: Duration,
    parsed: Duration,
    body: Option<Duration>,
    /// Since when it is handled; `None` where nobody is told.
    handling: Option<Instant>,
}

impl Timing {
    /// Its first byte has been read; so long it had waited for that.
    pub(super) fn begins(&mut self, queued: Duration) {
        self.queued = queued;
    }

    /// Its head is complete, which began to arrive at `since`.
    pub(super) fn head_is_complete(&mut self, since: Instant, is_told: bool) {
        (self.body, self.handling) = (None, None);
        if is_told {
            let now = Instant::now();
            self.parsed = now.saturating_duration_since(since);
            self.handling = Some(now);
        }
    }

    /// And its body.
    pub(super) fn body_is_complete(&mut self) {
        if let Some(since) = &mut self.handling {
            let now = Instant::now();
            self.body = Some(now.saturating_duration_since(*since));
            *since = now;
        }
    }

    /// Its answer begins now; it is the connection's first, second …
    pub(super) fn tell(&mut self, now: Instant, number: u64, fields: &mut Headers) {
        let Some(since) = self.handling.take() else { return };
        let mut told = Writer::default().took("queue", self.queued).took("parse", self.parsed);
        if let Some(body) = self.body {
            told = told.took("receive", body);
        }
        told = told.took("handle", now.saturating_duration_since(since));
        if let Some(worker) = pool::number() {
            told = told.is("worker", worker as u64);
        }
        told = told.is("request", number);
        fields.append(FIELD, told.value()).expect("tokens and digits are a field value");
    }
}
