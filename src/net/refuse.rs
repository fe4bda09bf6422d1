//! Refuses connections: sends the refusal and sees that it arrives ([`linger`]). Never waits.

use std::io::Write as _;
use std::net::TcpStream;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::time::{Duration, Instant};

use super::linger::{self, Discarded};

/// The time that a refused client has to close its side.
const LINGER: Duration = Duration::from_secs(1);

/// Refused connections that have not closed yet.
#[derive(Debug)]
pub(super) struct Refused {
    lingering: Vec<(TcpStream, Instant)>,
    capacity: usize,
}

impl Refused {
    /// Keeps at most `capacity` connections, beyond which the oldest is closed. Each has a descriptor
    /// that no connection limit counts.
    pub(super) fn new(capacity: usize) -> Refused {
        Refused { lingering: Vec::new(), capacity }
    }

    /// Sends `response` and begins to linger.
    pub(super) fn refuse(&mut self, stream: TcpStream, response: &[u8], now: Instant) {
        let sent = stream.set_nonblocking(true).and_then(|()| (&stream).write(response));
        // A client without room for a few hundred bytes, or that has left, is not reading.
        if sent.is_ok_and(|length| length == response.len()) && linger::begin(&stream) {
            if self.lingering.len() >= self.capacity {
                self.lingering.remove(0);
            }
            self.lingering.push((stream, now + LINGER));
        }
    }

    /// Returns the descriptors to wait for.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.lingering.iter().map(|(stream, _)| stream.as_fd())
    }

    /// Returns the earliest deadline of all connections.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.lingering.iter().map(|&(_, until)| until).min()
    }

    /// Discards what has arrived, and closes the connections that have ended or are past their deadline.
    pub(super) fn drain(&mut self, now: Instant) {
        self.lingering
            .retain(|(stream, until)| linger::discard(stream) != Discarded::End && now < *until);
    }
}
