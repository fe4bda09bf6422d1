//! Connections that cannot be served are told so, and the telling arrives.
//!
//! A refusal is written, the sending side is shut down, and what the peer still sends is read and
//! thrown away for a moment: a plain close would answer it with a reset, and the reset would
//! destroy the refusal before it was read (RFC 9112, 9.6). None of this ever waits.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::time::{Duration, Instant};

/// How long a refused peer is listened to, at most.
const PATIENCE: Duration = Duration::from_secs(1);

/// Refused connections that are on their way out.
#[derive(Debug)]
pub(super) struct Refused {
    leaving: Vec<(TcpStream, Instant)>,
    /// How many are listened to at once; beyond that the oldest is closed.
    most: usize,
}

impl Refused {
    /// Listens to so many at once: each has a descriptor that no limit of connections counts.
    pub(super) fn new(most: usize) -> Refused {
        Refused { leaving: Vec::new(), most }
    }

    /// Says `words`, and keeps the connection for a moment.
    pub(super) fn refuse(&mut self, stream: TcpStream, words: &[u8], now: Instant) {
        let said = stream.set_nonblocking(true).and_then(|()| (&stream).write(words));
        // Whoever left, or has no room for a few hundred bytes, is not listening.
        if said.is_ok_and(|length| length == words.len())
            && stream.shutdown(Shutdown::Write).is_ok()
        {
            if self.leaving.len() >= self.most {
                self.leaving.remove(0);
            }
            self.leaving.push((stream, now + PATIENCE));
        }
    }

    /// What to wait for.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.leaving.iter().map(|(stream, _)| stream.as_fd())
    }

    /// Until when to wait at most.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.leaving.iter().map(|&(_, until)| until).min()
    }

    /// Throws away what has come in, and closes those that are done or out of time.
    pub(super) fn drain(&mut self, now: Instant) {
        let mut waste = [0; 16 << 10];
        self.leaving.retain(|(stream, until)| {
            let open = match (&mut &*stream).read(&mut waste) {
                Ok(count) => count > 0,
                Err(error) => super::errors::nothing_yet(&error),
            };
            open && now < *until
        });
    }
}
