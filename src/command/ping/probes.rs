//! What the sockets of all kinds of probes can do, and what is heard on them.

use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use crate::net::poller::{Events, Poller};
use crate::proto::http::status::Status;

/// The sockets of one kind of probe. No call waits.
pub(super) trait Probes {
    /// Sends the probe with this number. An error of the call itself is heard at once.
    fn send(&mut self, number: usize, peer: SocketAddr, poller: &Poller, heard: &mut Vec<Heard>);

    /// Takes what has come.
    fn receive(&mut self, events: &Events, poller: &Poller, heard: &mut Vec<Heard>);
}

/// What was heard, and when.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) at: Instant,
    pub(super) what: HeardWhat,
}

#[derive(Debug)]
pub(super) enum HeardWhat {
    /// An answer to this probe, with a status if it is a response.
    Answer(usize, Option<Status>),
    /// This probe has failed.
    Error(usize, io::Error),
    /// A probe to this address has failed, and no earlier one that is still waiting.
    ErrorOf(SocketAddr, io::Error),
    /// A datagram that answers no probe.
    Stranger,
}

impl Heard {
    pub(super) fn now(what: HeardWhat) -> Heard {
        Heard { at: Instant::now(), what }
    }
}
