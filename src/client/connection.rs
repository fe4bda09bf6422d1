//! One socket and its buffers. Each read and each write ends within the time that is left.

use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use super::budget::{Budget, TimedOut};
use super::event::{Event, Notifier};
use super::exchange_error::ExchangeError;
use crate::net::stream::Stream;
use crate::proto::buf::Buf;

/// A connection to a server, for one exchange.
#[derive(Debug)]
pub(super) struct Connection {
    /// Its number, for observers.
    pub(super) id: usize,
    /// The bytes that have arrived.
    pub(super) input: Buf,
    /// The bytes to be sent.
    pub(super) output: Vec<u8>,
    /// The observer of its bytes, in this exchange.
    pub(super) notifier: Notifier,
    stream: Stream,
    /// Why the server accepts no more of the request.
    write_error: Option<io::Error>,
    /// The read timeout that is set on the socket.
    read_timeout: Option<Duration>,
    reused: bool,
    /// Whether a byte has arrived in this exchange.
    has_received: bool,
}

/// The outcome of [`Connection::flush`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flushed {
    /// Everything is sent, or the server accepts no more.
    All,
    /// The server has accepted nothing for a second; it may have sent a response that says why.
    Stalled,
}

/// The size of one read in bytes. Below 64 KB a large body costs noticeably more system calls.
const READ: usize = 64 << 10;
/// After this time a write that makes no progress is interrupted, to look for a response.
const WRITE_STALL: Duration = Duration::from_secs(1);

impl Connection {
    pub(super) fn new(id: usize, stream: Stream) -> Connection {
        Connection {
            id,
            input: Buf::new(),
            output: Vec::new(),
            notifier: Notifier::default(),
            stream,
            write_error: None,
            read_timeout: None,
            reused: false,
            has_received: false,
        }
    }

    /// Returns the same connection, for another exchange.
    pub(super) fn for_reuse(self) -> Connection {
        Connection { reused: true, has_received: false, ..self }
    }

    /// Returns whether a byte of the response has arrived.
    pub(super) fn has_received(&self) -> bool {
        self.has_received
    }

    /// Returns whether every write so far succeeded.
    pub(super) fn is_writable(&self) -> bool {
        self.write_error.is_none()
    }

    /// Returns whether it was reused, and no byte of a response arrived.
    pub(super) fn was_stale(&self) -> bool {
        self.reused && !self.has_received
    }

    /// Returns whether the server has neither closed the connection nor sent anything, as it should
    /// between two exchanges. Bytes that arrive now, a 408 for example, belong to no request.
    pub(super) fn is_idle(&self) -> bool {
        let nonblocking = self.stream.set_nonblocking(true);
        let peeked = nonblocking.and_then(|()| self.stream.peek(&mut [0]));
        let silent = peeked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
        self.stream.set_nonblocking(false).is_ok() && silent && self.input.is_empty()
    }

    /// Sends the output. A failed write is not an error yet: the server may have sent a response, a 413
    /// for example, before it closed. That response is read first.
    ///
    /// # Errors
    /// [`TimedOut`].
    pub(super) fn flush(&mut self, budget: &mut Budget) -> Result<Flushed, TimedOut> {
        let mut sent = 0;
        while sent < self.output.len() && self.is_writable() {
            let left = budget.remaining(Instant::now())?.unwrap_or(WRITE_STALL).min(WRITE_STALL);
            let armed = self.stream.set_write_timeout(Some(left));
            match armed.and_then(|()| self.stream.write(&self.output[sent..])) {
                Ok(count) => {
                    self.notifier.notify(&Event::Wrote(self.id, &self.output[sent..sent + count]));
                    sent += count;
                    budget.sent(count, Instant::now());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_timeout(&error) => {
                    self.output.drain(..sent);
                    return Ok(Flushed::Stalled);
                }
                Err(error) => self.write_error = Some(error),
            }
        }
        self.output.clear();
        Ok(Flushed::All)
    }

    /// Reads what has arrived already, without waiting.
    pub(super) fn read_available(&mut self) {
        let nonblocking = self.stream.set_nonblocking(true);
        let read = nonblocking.and_then(|()| self.stream.read(self.input.spare(READ)));
        let blocking = self.stream.set_nonblocking(false);
        match blocking.and(read) {
            Ok(0) => self.ended(),
            Ok(count) => self.arrived(count),
            Err(error) if is_timeout(&error) || error.kind() == ErrorKind::Interrupted => {}
            Err(error) => self.write_error = Some(error),
        }
    }

    /// Reads once, and waits at most `patience` for it. Returns whether bytes, or the end, arrived.
    ///
    /// # Errors
    /// As [`Connection::fill`].
    pub(super) fn fill_within(
        &mut self,
        patience: Duration,
        budget: &mut Budget,
    ) -> Result<bool, ExchangeError> {
        let begun = Instant::now();
        loop {
            let now = Instant::now();
            let patience = patience.saturating_sub(now - begun);
            if patience.is_zero() {
                return Ok(false);
            }
            let left = budget.remaining(now)?.unwrap_or(patience).min(patience);
            if self.read(Some(left), budget)? {
                return Ok(true);
            }
        }
    }

    /// Waits for bytes, or the end, and reads them.
    ///
    /// # Errors
    /// [`ExchangeError::TimedOut`], or [`ExchangeError::Receive`] when the connection broke.
    pub(super) fn fill(&mut self, budget: &mut Budget) -> Result<(), ExchangeError> {
        // The timeout is set anew for each read, so a byte now and then does not extend the limit.
        while !self.read(budget.remaining(Instant::now())?, budget)? {}
        Ok(())
    }

    /// Reads once. Returns whether bytes, or the end, arrived.
    fn read(
        &mut self,
        limit: Option<Duration>,
        budget: &mut Budget,
    ) -> Result<bool, ExchangeError> {
        let armed = self.set_read_timeout(limit);
        match armed.and_then(|()| self.stream.read(self.input.spare(READ))) {
            Ok(0) => self.ended(),
            Ok(count) => {
                self.arrived(count);
                budget.received(count, Instant::now());
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(false),
            Err(error) if limit.is_some() && is_timeout(&error) => return Ok(false),
            Err(error) => return Err(ExchangeError::Receive(error)),
        }
        Ok(true)
    }

    fn arrived(&mut self, count: usize) {
        self.input.filled(count);
        self.has_received = true;
        let unread = self.input.bytes();
        self.notifier.notify(&Event::Read(self.id, &unread[unread.len() - count..]));
    }

    fn ended(&mut self) {
        self.input.close();
        self.notifier.notify(&Event::Read(self.id, b""));
    }

    /// Skips the system call when the limit is unchanged: a third of all calls in a large body.
    fn set_read_timeout(&mut self, left: Option<Duration>) -> io::Result<()> {
        if left != self.read_timeout {
            self.stream.set_read_timeout(left)?;
            self.read_timeout = left;
        }
        Ok(())
    }

    /// Returns the error of an exchange without a response: the failed write where there was one, or
    /// `error`, the outcome of reading.
    pub(super) fn no_response(&mut self, error: ExchangeError) -> ExchangeError {
        match self.write_error.take() {
            Some(cause) if !self.has_received => ExchangeError::Send(cause),
            _ => error,
        }
    }
}

/// Recognizes a socket timeout: `WouldBlock` on Unix, `TimedOut` on Windows.
fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
