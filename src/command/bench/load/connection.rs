//! One connection of the generator, and what is under way on it.

use std::collections::VecDeque;
use std::io::{ErrorKind, Write as _};
use std::net::TcpStream;
use std::time::Instant;

use super::encoded_request::{EncodedRequest, ResponseState};
use super::failure::{Cause, Failure};
use crate::proto::buf::Buf;

/// A connection, and the one after it.
#[derive(Default)]
pub(super) struct BenchConnection {
    pub(super) link: Link,
    /// What was sent and is not answered, in order.
    pub(super) outstanding: VecDeque<OutstandingRequest>,
    /// How many requests may still be sent.
    pub(super) left: u64,
    pub(super) reading: ResponseState,
    /// What has arrived of an answer that is not complete.
    pub(super) input: Buf,
    /// What the server has not taken yet.
    output: Vec<u8>,
    /// Is it among the free ones, and since when?
    pub(super) free: Option<Instant>,
}

#[derive(Default)]
pub(super) enum Link {
    #[default]
    Down,
    /// To be tried again then.
    Resting(Instant),
    /// Begun then; in a closed loop it is made for a request that was due then, too.
    Opening(TcpStream, Instant, Option<Instant>),
    Up(TcpStream),
}

#[derive(Clone, Copy)]
pub(super) struct OutstandingRequest {
    pub(super) due: Instant,
    pub(super) sent: Instant,
    pub(super) is_last: bool,
}

impl BenchConnection {
    /// Can another request be sent on it, with no more than `depth` under way?
    pub(super) fn has_room(&self, depth: usize) -> bool {
        matches!(self.link, Link::Up(_)) && self.left > 0 && self.outstanding.len() < depth
    }

    /// Is some of what was asked still to be sent?
    pub(super) fn has_output(&self) -> bool {
        !self.output.is_empty()
    }

    /// Puts a request behind those that are to be sent: of the second shape, if it is the last one.
    pub(super) fn ask(&mut self, due: Instant, now: Instant, shapes: &[EncodedRequest; 2]) {
        self.left -= 1;
        let is_last = self.left == 0;
        self.output.extend_from_slice(&shapes[usize::from(is_last)].wire);
        self.outstanding.push_back(OutstandingRequest { due, sent: now, is_last });
    }

    /// Sends what the server takes now.
    ///
    /// # Errors
    /// The connection is broken.
    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        let Link::Up(stream) = &mut self.link else { return Ok(()) };
        let mut sent = 0;
        while sent < self.output.len() {
            match stream.write(&self.output[sent..]) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // It may have answered before it left: that is read first, and then this comes up.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => break,
                Err(error) => return Err(Failure::Send(Cause::from(&error))),
            }
        }
        self.output.drain(..sent);
        Ok(())
    }

    /// Closes it, and gives what is not answered and never will be.
    pub(super) fn end(&mut self) -> VecDeque<OutstandingRequest> {
        std::mem::take(self).outstanding
    }
}
