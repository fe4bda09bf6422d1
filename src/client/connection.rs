//! One socket and its buffers; each read and each write within the time that is left.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::budget::{Budget, Phase};
use super::error::Error;
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
    stream: TcpStream,
    sending: Sending,
    /// Has the socket a time limit for reading?
    limited: bool,
    reused: bool,
    /// Has a byte come, in this exchange?
    heard: bool,
}

/// Can the rest of the request still be sent?
#[derive(Debug)]
enum Sending {
    Open,
    /// The server takes no more of it.
    Broken(io::Error),
    /// The answer is here, and the server takes no more of the request.
    Pointless,
}

/// How much is read at once. Below 64 KB a large body costs noticeably more system calls.
const READ: usize = 64 << 10;
/// After how long a write that makes no progress looks whether an answer has come.
const GLANCE: Duration = Duration::from_secs(1);

impl Connection {
    pub(super) fn new(id: usize, stream: TcpStream) -> Connection {
        Connection {
            id,
            input: Buf::new(),
            output: Vec::new(),
            stream,
            sending: Sending::Open,
            limited: false,
            reused: false,
            heard: false,
        }
    }

    /// The same connection, for another exchange.
    pub(super) fn again(self) -> Connection {
        Connection { reused: true, heard: false, ..self }
    }

    /// Could all of the request be sent, so that another one may follow?
    pub(super) fn is_intact(&self) -> bool {
        matches!(self.sending, Sending::Open)
    }

    /// Was it used again, and given up by the server before it had anything to say?
    pub(super) fn was_stale(&self) -> bool {
        self.reused && !self.heard
    }

    /// Is the server still there, and silent, as it should be between two exchanges? What it might
    /// say now (a 408, say) answers no request of ours.
    pub(super) fn is_alive(&self) -> bool {
        self.input.is_empty() && self.glance(&mut [0]).is_none()
    }

    /// Sends what is to be sent. A server that takes no more is no error yet: it may have answered
    /// already, a 413 perhaps, and closed behind it. What it said is read first.
    ///
    /// # Errors
    /// [`Error::Timeout`].
    pub(super) fn flush(&mut self, budget: &Budget) -> Result<(), Error> {
        let mut sent = 0;
        while sent < self.output.len() && self.is_intact() {
            let left = budget.left(Phase::Send, Instant::now())?.unwrap_or(GLANCE).min(GLANCE);
            let armed = self.stream.set_write_timeout(Some(left));
            match armed.and_then(|()| self.stream.write(&self.output[sent..])) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_timeout(&error) => {
                    if self.final_answer().is_some() {
                        self.sending = Sending::Pointless;
                    }
                }
                Err(error) => self.sending = Sending::Broken(error),
            }
        }
        self.output.clear();
        Ok(())
    }

    /// Has the server refused, so that the rest of the request is of no use? "If the client sees a
    /// response that indicates the server does not wish to receive the message body […], the
    /// client SHOULD immediately cease transmitting the body" (RFC 9112, 9.5).
    pub(super) fn is_refused(&mut self) -> bool {
        if self.is_intact() && matches!(self.final_answer(), Some(b'4' | b'5')) {
            self.sending = Sending::Pointless;
        }
        !self.is_intact()
    }

    /// Waits for more and takes it in.
    ///
    /// # Errors
    /// [`Error::Timeout`], or [`Error::Receive`] when the connection broke.
    pub(super) fn fill(&mut self, budget: &Budget, phase: Phase) -> Result<(), Error> {
        loop {
            // Armed anew for each read: a server that sends a byte now and then gains nothing.
            let left = budget.left(phase, Instant::now())?;
            let armed = self.limit_reading(left);
            match armed.and_then(|()| self.stream.read(self.input.spare(READ))) {
                Ok(0) => self.input.close(),
                Ok(count) => {
                    self.input.filled(count);
                    self.heard = true;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if left.is_some() && is_timeout(&error) => continue,
                Err(error) => return Err(Error::Receive(error)),
            }
            return Ok(());
        }
    }

    /// Without a limit, now and before, the system call is saved: a third of all in a large body.
    fn limit_reading(&mut self, left: Option<Duration>) -> io::Result<()> {
        if left.is_some() || self.limited {
            self.stream.set_read_timeout(left)?;
        }
        self.limited = left.is_some();
        Ok(())
    }

    /// The error of an exchange in which the server said nothing; `error` is what reading came to.
    pub(super) fn no_answer(&mut self, error: Error) -> Error {
        match std::mem::replace(&mut self.sending, Sending::Pointless) {
            Sending::Broken(cause) if !self.heard => Error::Send(cause),
            Sending::Broken(_) | Sending::Open | Sending::Pointless => error,
        }
    }

    /// The first digit of the status of a final answer that is waiting to be read.
    fn final_answer(&self) -> Option<u8> {
        let mut start = *b"HTTP/1.1 200";
        let waiting = self.glance(&mut start)?;
        let digit = start[9];
        (waiting == start.len() && start.starts_with(b"HTTP/1.") && digit != b'1').then_some(digit)
    }

    /// Looks at what is waiting to be read, without waiting and without taking it: how many bytes
    /// there are (0 at the end of the stream, or when the connection is broken), or `None`.
    fn glance(&self, bytes: &mut [u8]) -> Option<usize> {
        let looked = self.stream.set_nonblocking(true).and_then(|()| self.stream.peek(bytes));
        match (looked, self.stream.set_nonblocking(false)) {
            (Ok(count), Ok(())) => Some(count),
            (Err(error), Ok(())) if error.kind() == ErrorKind::WouldBlock => None,
            _ => Some(0),
        }
    }
}

/// A socket timeout: `WouldBlock` on Unix, `TimedOut` on Windows.
fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
