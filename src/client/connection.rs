//! One socket and its buffers; each read and each write within the time that is left.

use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use super::budget::Budget;
use super::error::Error;
use super::event::{Event, Watcher};
use crate::net::stream::Stream;
use crate::proto::buf::Buf;

/// A connection to a server, for one exchange.
#[derive(Debug)]
pub(super) struct Connection {
    /// Its number, for those who watch.
    pub(super) id: usize,
    /// What has arrived.
    pub(super) input: Buf,
    /// What is to be sent.
    pub(super) output: Vec<u8>,
    /// Who is told of its bytes, in this exchange.
    pub(super) watcher: Watcher,
    stream: Stream,
    /// Why the server takes no more of the request.
    broken: Option<io::Error>,
    /// The time limit that the socket has for reading.
    limit: Option<Duration>,
    reused: bool,
    /// Has a byte come, in this exchange?
    heard: bool,
}

/// What [`Connection::flush`] came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flushed {
    /// All is sent, or can never be.
    All,
    /// The server has taken nothing for a second; it may have its reasons, and have said so.
    Stalled,
}

/// How much is read at once. Below 64 KB a large body costs noticeably more system calls.
const READ: usize = 64 << 10;
/// After how long a write that makes no progress is interrupted, to see whether an answer has come.
const GLANCE: Duration = Duration::from_secs(1);

impl Connection {
    pub(super) fn new(id: usize, stream: Stream) -> Connection {
        Connection {
            id,
            input: Buf::new(),
            output: Vec::new(),
            watcher: Watcher::default(),
            stream,
            broken: None,
            limit: None,
            reused: false,
            heard: false,
        }
    }

    /// The same connection, for another exchange.
    pub(super) fn again(self) -> Connection {
        Connection { reused: true, heard: false, ..self }
    }

    /// Has a byte of the answer come?
    pub(super) fn has_heard(&self) -> bool {
        self.heard
    }

    /// Can more of the request be sent, or could all of it?
    pub(super) fn is_intact(&self) -> bool {
        self.broken.is_none()
    }

    /// Was it used again, and given up by the server before it had anything to say?
    pub(super) fn was_stale(&self) -> bool {
        self.reused && !self.heard
    }

    /// Is the server still there, and silent, as it should be between two exchanges? What it might
    /// say now (a 408, say) answers no request of ours.
    pub(super) fn is_alive(&self) -> bool {
        let nonblocking = self.stream.set_nonblocking(true);
        let looked = nonblocking.and_then(|()| self.stream.peek(&mut [0]));
        let silent = looked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
        self.stream.set_nonblocking(false).is_ok() && silent && self.input.is_empty()
    }

    /// Sends what is to be sent. A server that takes no more is no error yet: it may have answered
    /// already, a 413 perhaps, and closed behind it. What it said is read first.
    ///
    /// # Errors
    /// [`Error::Timeout`], [`Error::TooSlow`].
    pub(super) fn flush(&mut self, budget: &mut Budget) -> Result<Flushed, Error> {
        let mut sent = 0;
        while sent < self.output.len() && self.is_intact() {
            let left = budget.left(Instant::now())?.unwrap_or(GLANCE).min(GLANCE);
            let armed = self.stream.set_write_timeout(Some(left));
            match armed.and_then(|()| self.stream.write(&self.output[sent..])) {
                Ok(count) => {
                    self.watcher.tell(&Event::Wrote(self.id, &self.output[sent..sent + count]));
                    sent += count;
                    budget.sent(count, Instant::now());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_timeout(&error) => {
                    self.output.drain(..sent);
                    return Ok(Flushed::Stalled);
                }
                Err(error) => self.broken = Some(error),
            }
        }
        self.output.clear();
        Ok(Flushed::All)
    }

    /// Takes in what has come already, without waiting. Nothing may have come.
    pub(super) fn glean(&mut self) {
        let nonblocking = self.stream.set_nonblocking(true);
        let read = nonblocking.and_then(|()| self.stream.read(self.input.spare(READ)));
        let blocking = self.stream.set_nonblocking(false);
        match blocking.and(read) {
            Ok(0) => self.ended(),
            Ok(count) => self.arrived(count),
            Err(error) if is_timeout(&error) || error.kind() == ErrorKind::Interrupted => {}
            Err(error) => self.broken = Some(error),
        }
    }

    /// Waits for more, but no longer than this, and takes it in. Says whether anything came, if only
    /// the end.
    ///
    /// # Errors
    /// As [`Connection::fill`].
    pub(super) fn fill_within(
        &mut self,
        patience: Duration,
        budget: &mut Budget,
    ) -> Result<bool, Error> {
        let begun = Instant::now();
        loop {
            let now = Instant::now();
            let patience = patience.saturating_sub(now - begun);
            if patience.is_zero() {
                return Ok(false);
            }
            let left = budget.left(now)?.unwrap_or(patience).min(patience);
            if self.read(Some(left), budget)? {
                return Ok(true);
            }
        }
    }

    /// Waits for more and takes it in.
    ///
    /// # Errors
    /// [`Error::Timeout`], [`Error::TooSlow`], or [`Error::Receive`] when the connection broke.
    pub(super) fn fill(&mut self, budget: &mut Budget) -> Result<(), Error> {
        // Armed anew for each read: a server that sends a byte now and then gains nothing.
        while !self.read(budget.left(Instant::now())?, budget)? {}
        Ok(())
    }

    /// One read: did it bring anything, if only the end?
    fn read(&mut self, limit: Option<Duration>, budget: &mut Budget) -> Result<bool, Error> {
        let armed = self.limit_reading(limit);
        match armed.and_then(|()| self.stream.read(self.input.spare(READ))) {
            Ok(0) => self.ended(),
            Ok(count) => {
                self.arrived(count);
                budget.received(count, Instant::now());
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(false),
            Err(error) if limit.is_some() && is_timeout(&error) => return Ok(false),
            Err(error) => return Err(Error::Receive(error)),
        }
        Ok(true)
    }

    fn arrived(&mut self, count: usize) {
        self.input.filled(count);
        self.heard = true;
        self.watcher.tell(&Event::Read(self.id, self.input.last(count)));
    }

    fn ended(&mut self) {
        self.input.close();
        self.watcher.tell(&Event::Read(self.id, b""));
    }

    /// Where the limit is the one before, the system call is saved: a third of all in a large body.
    fn limit_reading(&mut self, left: Option<Duration>) -> io::Result<()> {
        if left != self.limit {
            self.stream.set_read_timeout(left)?;
            self.limit = left;
        }
        Ok(())
    }

    /// The error of an exchange in which the server said nothing; `error` is what reading came to.
    pub(super) fn no_answer(&mut self, error: Error) -> Error {
        match self.broken.take() {
            Some(cause) if !self.heard => Error::Send(cause),
            _ => error,
        }
    }
}

/// A socket timeout: `WouldBlock` on Unix, `TimedOut` on Windows.
fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
