//! A body that its handler reads as it comes.
//!
//! For the length of its turn the handler has the connection's input: what has arrived and is not
//! read, where the body ends, and the socket, which it waits for (poll(2), so it doesn't matter
//! whether the driver's sockets block). The connection lends all this, and takes it back when the
//! handler returns, whatever the handler has done with its end.
//!
//! When the server stops, a body may go on as long as the stop allows; then reading fails.

use std::io;
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::connection_io::Wire;
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

/// The longest that a handler waits without looking up, to see whether the server stops.
const LOOK_UP: Duration = Duration::from_millis(100);

/// What is lent.
#[derive(Debug)]
pub(crate) struct Stream {
    socket: TcpStream,
    pub(crate) wire: Wire,
    pub(crate) recv: RecvBody,
    limits: Limits,
    /// The longest body that the route takes.
    most: u64,
    stop: StopSignal,
    progress: Progress,
    broken: Option<Broken>,
}

/// How the transfer goes.
#[derive(Debug, Default)]
struct Progress {
    received: u64,
    /// What was spent waiting for the client. The time that the handler takes is not its fault.
    waited: Duration,
}

/// Why there is no more of it.
#[derive(Debug)]
pub(crate) enum Broken {
    /// The client broke a rule, or was too slow.
    Fault(Fault),
    /// The time to stop had run out.
    Stopped,
    /// The connection broke.
    Connection(io::Error),
}

impl Stream {
    pub(crate) fn new(
        socket: TcpStream,
        wire: Wire,
        recv: RecvBody,
        limits: Limits,
        most: u64,
        stop: StopSignal,
    ) -> Stream {
        let progress = Progress::default();
        Stream { socket, wire, recv, limits, most, stop, progress, broken: None }
    }

    /// Reads some of the body, and waits for it when none is there.
    fn read(&mut self, room: &mut [u8]) -> Result<usize, Broken> {
        // The client may be waiting to hear that somebody wants it (RFC 9110, 10.1.1).
        self.recv.send_continue(&self.wire.input, &mut self.wire.output.bytes);
        loop {
            let piece = self.recv.receive_some(&mut self.wire.input, &self.limits, room.len());
            match piece.map_err(Broken::Fault)? {
                Piece::Data(data) => {
                    room[..data.len()].copy_from_slice(data);
                    self.progress.received += data.len() as u64;
                    if self.progress.received > self.most {
                        let fault = Fault { rule: Rule::BodyTooLarge, offset: self.most };
                        return Err(Broken::Fault(fault));
                    }
                    return Ok(data.len());
                }
                Piece::End => return Ok(0),
                Piece::More => self.wait_for_more()?,
            }
        }
    }

    /// Waits as long as the minimum rate allows. What is still to be sent leaves meanwhile: a 100
    /// Continue, and the answers to earlier requests.
    fn wait_for_more(&mut self) -> Result<(), Broken> {
        let begun = Instant::now();
        let Limits { transfer_grace: grace, transfer_rate: rate, .. } = self.limits;
        let Progress { received, waited } = self.progress;
        let since = begun.checked_sub(waited).unwrap_or(begun);
        let deadline = Deadline::at_rate(since, grace, received, rate, Phase::Body);
        loop {
            self.wire.flush(&self.socket, &self.limits).map_err(Broken::Connection)?;
            match self.wire.read(&self.socket) {
                Ok(_) => break,
                Err(error) if nothing_yet(&error) || error.kind() == io::ErrorKind::Interrupted => {
                }
                Err(error) => return Err(Broken::Connection(error)),
            }
            let Some(left) = deadline.remaining(Instant::now()) else {
                let fault = Fault { rule: Rule::BodyTimeout, offset: received };
                return Err(Broken::Fault(fault));
            };
            if self.stop.deadline().is_some_and(|end| Instant::now() >= end) {
                return Err(Broken::Stopped);
            }
            let to_send = !self.wire.output.bytes.is_empty();
            socket::wait(&self.socket, to_send, left.min(LOOK_UP)).map_err(Broken::Connection)?;
        }
        self.progress.waited += begun.elapsed();
        Ok(())
    }

    /// Why the handler could not read on, if it could not.
    pub(crate) fn broken(&mut self) -> Option<Broken> {
        self.broken.take()
    }
}

/// A [`Stream`] that has been lent: the handler reads from it, the connection takes it back.
#[derive(Debug, Clone)]
pub(crate) struct Loan(Arc<Mutex<Option<Stream>>>);

impl Loan {
    pub(crate) fn new(stream: Stream) -> Loan {
        Loan(Arc::new(Mutex::new(Some(stream))))
    }

    pub(crate) fn read(&self, room: &mut [u8]) -> io::Result<usize> {
        let mut lent = self.lent();
        let Some(stream) = &mut *lent else {
            return Err(io::Error::other("a streamed body can be read while its handler runs"));
        };
        if room.is_empty() {
            return Ok(0);
        }
        if stream.broken.is_some() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        stream.read(room).map_err(|broken| {
            let error = match &broken {
                Broken::Fault(fault) => io::Error::new(io::ErrorKind::InvalidData, *fault),
                Broken::Stopped => {
                    io::Error::new(io::ErrorKind::TimedOut, "the server has stopped")
                }
                Broken::Connection(error) => error.kind().into(),
            };
            stream.broken = Some(broken);
            error
        })
    }

    pub(crate) fn length(&self) -> Option<u64> {
        self.lent().as_ref().and_then(|stream| stream.recv.remaining())
    }

    /// The trailers, once the end has been read.
    pub(crate) fn trailers(&self) -> Headers {
        let trailers = self.lent().as_ref().and_then(|stream| stream.recv.trailers().cloned());
        trailers.unwrap_or_default()
    }

    /// Ends the loan.
    pub(crate) fn take_back(&self) -> Option<Stream> {
        self.lent().take()
    }

    fn lent(&self) -> MutexGuard<'_, Option<Stream>> {
        lock(&self.0)
    }
}
