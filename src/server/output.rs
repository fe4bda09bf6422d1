//! Bytes on their way to a peer.

use std::io::{self, Write as _};
use std::net::TcpStream;
use std::time::Instant;

use crate::net::deadline::{Deadline, Phase};
use crate::net::errors::nothing_yet;
use crate::proto::http::limits::Limits;

/// When so much has been gathered it is sent before more is.
const LARGE: usize = 64 << 10;

/// What is to be sent, and has not been yet.
#[derive(Debug, Default)]
pub(super) struct Output {
    /// Append here.
    pub(super) bytes: Vec<u8>,
    /// So many of them have been sent.
    sent: usize,
    /// Since when the peer has had no room, and how much it has taken since.
    stalled: Option<(Instant, u64)>,
    /// How many bytes have been sent since somebody last counted.
    pub(super) counted: usize,
}

impl Output {
    /// Borrows a buffer to gather in, if it has none.
    pub(super) fn borrow(&mut self, buffer: &mut Vec<u8>) {
        if self.bytes.capacity() == 0 {
            self.bytes = std::mem::take(buffer);
        }
    }

    /// Gives the buffer back, if nothing is left in it.
    pub(super) fn give_back(&mut self, buffer: &mut Vec<u8>) {
        if self.bytes.is_empty() {
            let bytes = std::mem::take(&mut self.bytes);
            if buffer.capacity() == 0 {
                *buffer = bytes;
            }
        }
    }

    /// Has enough been gathered?
    pub(super) fn is_large(&self) -> bool {
        self.bytes.len() - self.sent >= LARGE
    }

    /// Writes once, if there is anything to write. How much the peer took; no room is no error.
    pub(super) fn flush(&mut self, mut stream: &TcpStream) -> io::Result<usize> {
        if self.bytes.is_empty() {
            return Ok(0);
        }
        let taken = match stream.write(&self.bytes[self.sent..]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(taken) => taken,
            Err(error) if nothing_yet(&error) || error.kind() == io::ErrorKind::Interrupted => 0,
            Err(error) => return Err(error),
        };
        self.sent += taken;
        self.counted += taken;
        if self.sent == self.bytes.len() {
            self.bytes.clear();
            self.sent = 0;
            self.stalled = None;
        } else {
            // What the kernel took before it was full has earned no time: nobody may have read it.
            self.stalled = Some(match self.stalled {
                None => (Instant::now(), 0),
                Some((since, before)) => (since, before + taken as u64),
            });
        }
        Ok(taken)
    }

    /// Until when the peer must have made room, when it has none.
    pub(super) fn deadline(&self, limits: &Limits) -> Option<Deadline> {
        let (since, taken) = self.stalled?;
        let Limits { transfer_grace: grace, transfer_rate: rate, .. } = *limits;
        Some(Deadline::at_rate(since, grace, taken, rate, Phase::Write))
    }
}
