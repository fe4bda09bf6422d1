//! A request body that its handler reads while it arrives.
//!
//! While the handler runs it holds the connection's input, the state of the body, and the socket, which
//! it waits for by poll(2), whether the driver's sockets block or not. The connection takes all this back
//! when the handler returns, even if the handler has kept its [`BodyHandle`].
//!
//! When the server stops, a body may go on until the stop's deadline; then reading fails.

use std::io;
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::connection_io::ConnectionIo;
use crate::net::deadline::{Deadline, Phase};
use crate::net::errors::nothing_yet;
use crate::net::socket;
use crate::net::stop_signal::StopSignal;
use crate::proto::http::body::Piece;
use crate::proto::http::error::{Fault, Rule};
use crate::proto::http::headers::Headers;
use crate::proto::http::limits::Limits;
use crate::proto::http::server::RecvBody;
use crate::sync::lock;

/// The longest that a handler waits before it checks whether the server stops.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// The state of a body that is being streamed.
#[derive(Debug)]
pub(crate) struct StreamedBody {
    socket: TcpStream,
    pub(crate) io: ConnectionIo,
    pub(crate) recv: RecvBody,
    rules: BodyRules,
    progress: BodyProgress,
    error: Option<BodyError>,
}

/// The limits of a body, and the signal that ends it early.
#[derive(Debug)]
pub(crate) struct BodyRules {
    pub(crate) limits: Limits,
    /// The longest body in bytes that the route takes.
    pub(crate) most: u64,
    pub(crate) stop: StopSignal,
}

/// The progress of the transfer.
#[derive(Debug, Default)]
struct BodyProgress {
    received: u64,
    /// Time spent waiting for the client. The time that the handler takes does not count against it.
    waited: Duration,
}

/// Why a body cannot be read further.
#[derive(Debug)]
pub(crate) enum BodyError {
    /// The client broke a rule, or was too slow.
    Fault(Fault),
    /// The stop's deadline has passed.
    Stopped,
    /// The connection broke.
    Connection(io::Error),
}

/// Why a handler cannot read on: the connection responds to the client, and logs it.
#[derive(Debug)]
pub(crate) struct ClientFailed(String);

impl std::fmt::Display for ClientFailed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ClientFailed {}

impl StreamedBody {
    /// Begins to stream; `lent` is the connection, which gets it back at the end.
    pub(crate) fn new(
        socket: TcpStream,
        lent: ConnectionIo,
        recv: RecvBody,
        rules: BodyRules,
    ) -> Self {
        let progress = BodyProgress::default();
        StreamedBody { socket, io: lent, recv, rules, progress, error: None }
    }

    /// Reads some of the body; waits for it if necessary.
    fn read(&mut self, room: &mut [u8]) -> Result<usize, BodyError> {
        // The client may be waiting for 100 Continue (RFC 9110, 10.1.1).
        self.recv.send_continue(&self.io.input, &mut self.io.output.bytes);
        loop {
            let piece = self.recv.receive_some(&mut self.io.input, &self.rules.limits, room.len());
            match piece.map_err(BodyError::Fault)? {
                Piece::Data(data) => {
                    room[..data.len()].copy_from_slice(data);
                    self.progress.received += data.len() as u64;
                    if self.progress.received > self.rules.most {
                        let fault = Fault { rule: Rule::BodyTooLarge, offset: self.rules.most };
                        return Err(BodyError::Fault(fault));
                    }
                    return Ok(data.len());
                }
                Piece::End => return Ok(0),
                Piece::More => self.wait_for_more()?,
            }
        }
    }

    /// Waits as long as the minimum rate allows, and meanwhile sends what is in the output: a 100
    /// Continue, and the responses to earlier requests.
    fn wait_for_more(&mut self) -> Result<(), BodyError> {
        let begun = Instant::now();
        let Limits { transfer_grace: grace, transfer_rate: rate, .. } = self.rules.limits;
        let BodyProgress { received, waited } = self.progress;
        let since = begun.checked_sub(waited).unwrap_or(begun);
        let deadline = Deadline::at_rate(since, grace, received, rate, Phase::Body);
        let timed_out = || {
            let fault = Fault { rule: Rule::BodyTimeout, offset: received };
            BodyError::Fault(fault)
        };
        // A blocking read that always brings a byte would never come to the look below.
        if deadline.has_passed(begun) {
            return Err(timed_out());
        }
        loop {
            self.io.flush(&self.socket, &self.rules.limits).map_err(BodyError::Connection)?;
            match self.io.read(&self.socket) {
                Ok(_) => break,
                Err(error) if nothing_yet(&error) || error.kind() == io::ErrorKind::Interrupted => {
                }
                Err(error) => return Err(BodyError::Connection(error)),
            }
            let left = deadline.remaining(Instant::now()).ok_or_else(timed_out)?;
            if self.rules.stop.deadline().is_some_and(|end| Instant::now() >= end) {
                return Err(BodyError::Stopped);
            }
            let to_send = !self.io.output.bytes.is_empty();
            socket::wait(&self.socket, to_send, left.min(CHECK_INTERVAL))
                .map_err(BodyError::Connection)?;
        }
        self.progress.waited += begun.elapsed();
        Ok(())
    }

    /// Returns why the handler could not read on, if it could not.
    pub(crate) fn take_error(&mut self) -> Option<BodyError> {
        self.error.take()
    }
}

/// A handle to a [`StreamedBody`]: the handler reads from it, the connection takes the body back.
#[derive(Debug, Clone)]
pub(crate) struct BodyHandle(Arc<Mutex<Option<StreamedBody>>>);

impl BodyHandle {
    pub(crate) fn new(body: StreamedBody) -> BodyHandle {
        BodyHandle(Arc::new(Mutex::new(Some(body))))
    }

    pub(crate) fn read(&self, room: &mut [u8]) -> io::Result<usize> {
        let mut lent = self.lent();
        let Some(body) = &mut *lent else {
            return Err(io::Error::other("a streamed body can be read while its handler runs"));
        };
        if room.is_empty() {
            return Ok(0);
        }
        if body.error.is_some() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        body.read(room).map_err(|reason| {
            let (kind, why) = match &reason {
                BodyError::Fault(fault) => (io::ErrorKind::InvalidData, fault.to_string()),
                BodyError::Stopped => {
                    (io::ErrorKind::TimedOut, "the server has stopped".to_owned())
                }
                BodyError::Connection(error) => (error.kind(), error.to_string()),
            };
            body.error = Some(reason);
            io::Error::new(kind, ClientFailed(why))
        })
    }

    pub(crate) fn length(&self) -> Option<u64> {
        self.lent().as_ref().and_then(|body| body.recv.remaining())
    }

    /// Returns the trailers, once the body has been read to its end.
    pub(crate) fn trailers(&self) -> Headers {
        let trailers = self.lent().as_ref().and_then(|body| body.recv.trailers().cloned());
        trailers.unwrap_or_default()
    }

    /// Takes the body back; reading from the handle fails from now on.
    pub(crate) fn take_back(&self) -> Option<StreamedBody> {
        self.lent().take()
    }

    fn lent(&self) -> MutexGuard<'_, Option<StreamedBody>> {
        lock(&self.0)
    }
}
