//! The two directions of a connection, how far they have come, and the buffers that are lent to it.

use std::io::{self, Read as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use super::date_cache::Standing;
use super::output::Output;
use super::timing::Timing;
use crate::proto::buf::Buf;
use crate::proto::http::head::RequestHead;
use crate::proto::http::limits::Limits;
use crate::server::log::wire_log::Tap;
use crate::server::quota::Share;

/// How much is read at once.
const READ: usize = 16 << 10;

/// What has been half read, and is no more than this, waits in a buffer of its own size.
const SMALL: usize = 4 << 10;

/// What has come and is not understood, what is to go and has not gone.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) peer: SocketAddr,
    pub(crate) input: Buf,
    pub(crate) output: Output,
    /// A head that has been answered: the next one takes its memory.
    pub(crate) spent: Option<Box<RequestHead>>,
    /// What all answers of this second have in common.
    pub(crate) standing: Option<Box<Standing>>,
    /// How many bytes have come since somebody last counted.
    pub(crate) received: usize,
    /// What the clock said about the request that came last.
    pub(crate) timing: Timing,
    /// What the file of the answer that is leaving has of the descriptors.
    pub(crate) file: Option<Share>,
    /// Somebody looks on.
    pub(crate) tap: Option<Box<Tap>>,
    /// How many answers are complete.
    pub(crate) answered: u64,
    /// When it was opened, or its last answer was complete.
    pub(crate) waiting_since: Instant,
}

/// What a thread lends to the connection it has a turn with: buffers, and the date. A connection that
/// waits with nothing half read or half written needs none.
#[derive(Debug, Default)]
pub struct Scratch {
    input: Buf,
    output: Vec<u8>,
    spent: Option<Box<RequestHead>>,
    standing: Option<Box<Standing>>,
}

/// What a read has brought.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Read {
    AllThereWas,
    AllThatFits,
}

impl Wire {
    pub(crate) fn new(peer: SocketAddr) -> Wire {
        Wire {
            peer,
            input: Buf::new(),
            output: Output::default(),
            spent: None,
            standing: None,
            received: 0,
            answered: 0,
            waiting_since: Instant::now(),
            timing: Timing::default(),
            file: None,
            tap: None,
        }
    }

    /// Reads once. The end of the stream is noted in the input.
    pub(crate) fn read(&mut self, mut stream: &TcpStream) -> io::Result<Read> {
        let room = self.input.spare(READ);
        let most = room.len();
        let count = stream.read(room)?;
        if count == 0 {
            self.input.close();
        }
        self.input.filled(count);
        self.received += count;
        if let Some(tap) = &mut self.tap {
            tap.came(self.input.last(count));
        }
        Ok(if count == most { Read::AllThatFits } else { Read::AllThereWas })
    }

    /// Writes once, as [`Output::flush`].
    pub(crate) fn flush(&mut self, stream: &TcpStream, limits: &Limits) -> io::Result<usize> {
        let Some(tap) = &mut self.tap else { return self.output.flush(stream, limits) };
        let bytes = self.output.bytes.clone();
        let taken = self.output.flush(stream, limits)?;
        if taken > 0 {
            tap.went(&bytes[..taken]);
        }
        Ok(taken)
    }

    pub(crate) fn borrow(&mut self, scratch: &mut Scratch) {
        if self.input.len() <= SMALL && !self.input.is_closed() {
            self.input.move_into(&mut scratch.input);
            self.input = std::mem::take(&mut scratch.input);
        }
        self.output.borrow(&mut scratch.output);
        self.spent = scratch.spent.take();
        self.standing = scratch.standing.take();
    }

    pub(crate) fn give_back(&mut self, scratch: &mut Scratch) {
        if self.input.len() <= SMALL && !self.input.is_closed() {
            let mut input = std::mem::take(&mut self.input);
            if !input.is_empty() {
                input.move_into(&mut self.input);
            }
            if !scratch.input.is_allocated() {
                scratch.input = input;
            }
        }
        self.output.give_back(&mut scratch.output);
        scratch.standing = self.standing.take();
        let spent = self.spent.take();
        scratch.spent = spent.filter(|head| head.headers.source().len() <= SMALL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::http::method::Method;
    use crate::proto::http::target::Target;

    /// What a head has had is lent to the next one, but not so much that it would be missed.
    #[test]
    fn a_desk_keeps_the_memory_of_a_small_head() {
        for (length, kept) in [(1, true), (SMALL, false)] {
            let mut head = RequestHead::new(Method::Get, Target::Asterisk);
            head.headers.append("A", vec![b'x'; length]).unwrap();
            let mut wire = Wire::new(([127, 0, 0, 1], 1).into());
            wire.spent = Some(Box::new(head));
            let mut scratch = Scratch::default();
            wire.give_back(&mut scratch);
            assert_eq!((wire.spent.is_none(), scratch.spent.is_some()), (true, kept), "{length}");
            wire.borrow(&mut scratch);
            assert_eq!((wire.spent.is_some(), scratch.spent.is_none()), (kept, true), "{length}");
        }
    }
}
