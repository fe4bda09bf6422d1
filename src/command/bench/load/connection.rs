//! One connection of the generator, and its outstanding requests.

use std::collections::VecDeque;
use std::io::{ErrorKind, Write as _};
use std::time::Instant;

use super::encoded_request::{ResponseState, ShapeId, Shapes};
use super::failure::{Cause, Failure};
use crate::net::stream::Stream;
use crate::proto::buf::Buf;

/// A connection, and those that follow it in its place.
#[derive(Default)]
pub(super) struct BenchConnection {
    pub(super) link: Link,
    /// Requests that were sent and have no complete response, in order.
    pub(super) outstanding: VecDeque<OutstandingRequest>,
    /// The number of requests that may still be sent.
    pub(super) left: u64,
    pub(super) reading: ResponseState,
    /// The part of an incomplete response that has arrived.
    pub(super) input: Buf,
    /// The bytes that the server has not accepted yet.
    output: Vec<u8>,
    /// Since when it is among the free connections, if it is.
    pub(super) free: Option<Instant>,
}

#[derive(Default)]
pub(super) enum Link {
    #[default]
    Down,
    /// Tried again at this time.
    Resting(Instant),
    /// When it was begun; in a closed loop also when the request was due for which it is made.
    Opening(Stream, Instant, Option<Instant>),
    Up(Stream),
}

#[derive(Clone, Copy)]
pub(super) struct OutstandingRequest {
    pub(super) due: Instant,
    pub(super) sent: Instant,
    pub(super) shape: ShapeId,
}

impl BenchConnection {
    /// Returns true if another request can be sent with at most `depth` outstanding.
    pub(super) fn has_room(&self, depth: usize) -> bool {
        matches!(self.link, Link::Up(_)) && self.left > 0 && self.outstanding.len() < depth
    }

    /// Returns true if bytes of a request are still to be sent.
    pub(super) fn has_output(&self) -> bool {
        !self.output.is_empty()
    }

    /// Adds the next request to the output.
    pub(super) fn enqueue(&mut self, due: Instant, now: Instant, shapes: &mut Shapes) {
        self.left -= 1;
        let shape = shapes.next(self.left == 0);
        self.output.extend_from_slice(&shapes.get(shape).wire);
        self.outstanding.push_back(OutstandingRequest { due, sent: now, shape });
    }

    /// Sends as much as the server accepts now.
    ///
    /// # Errors
    /// When the connection is broken.
    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        let Link::Up(stream) = &mut self.link else { return Ok(()) };
        let mut sent = 0;
        while sent < self.output.len() {
            match stream.write(&self.output[sent..]) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // The server may have responded before it closed: that is read first, and then the
                // error returns.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => break,
                Err(error) => return Err(Failure::Send(Cause::from(&error))),
            }
        }
        self.output.drain(..sent);
        Ok(())
    }

    /// Closes the connection, and returns the requests that will have no response.
    pub(super) fn end(&mut self) -> VecDeque<OutstandingRequest> {
        std::mem::take(self).outstanding
    }
}
