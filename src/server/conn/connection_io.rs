//! The input and output of a connection, and the buffers that a worker lends to it for a turn.

use std::io::{self, Read as _};
use std::net::TcpStream;
use std::time::Instant;

use super::client_address::Hop;
use super::date_cache::CommonFields;
use super::output::Output;
use super::send_window::SendWindow;
use super::timing::Timing;
use crate::net::admission::AddressPermit;
use crate::net::errors::nothing_yet;
use crate::net::peer_address::PeerAddress;
use crate::proto::buf::Buf;
use crate::proto::http::head::RequestHead;
use crate::proto::http::limits::Limits;
use crate::server::log::wire_log::ConnectionLog;
use crate::server::quota::Share;
use crate::tls::{Received, Session};

/// How much is read at once: 16 KB.
const READ: usize = 16 << 10;

/// How much is read at once of a long body that is collected: 128 KB. An upload of 100 MB takes a third less CPU time
/// than with 16 KB.
const READ_OF_BODY: usize = 128 << 10;

/// An incomplete input up to this size is kept in a buffer of its own size: 4 KB.
pub(super) const SMALL: usize = 4 << 10;

/// The input that has not been parsed, the output that has not been sent, and what both ends know.
#[derive(Debug)]
pub(crate) struct ConnectionIo {
    /// The client whose request this is.
    pub(crate) peer: PeerAddress,
    /// What has passed the request on, and named its client; `None` if the client has sent it itself.
    pub(crate) via: Option<PeerAddress>,
    /// What is at the other end of the connection.
    pub(crate) hop: Hop,
    pub(crate) input: Buf,
    /// How much is read at once.
    pub(super) most_read: usize,
    pub(crate) output: Output,
    pub(crate) window: SendWindow,
    /// The last request's head; the next one reuses its memory.
    pub(crate) recycled: Option<Box<RequestHead>>,
    /// The fields that all responses of this second have in common.
    pub(crate) common_fields: Option<Box<CommonFields>>,
    /// Bytes received since the counters were last updated.
    pub(crate) received: usize,
    /// The times of the last request.
    pub(crate) timing: Timing,
    /// The share of the descriptors for the file of the current response.
    pub(crate) file: Option<Share>,
    /// Encrypts what passes, if it is encrypted.
    pub(crate) session: Option<Session>,
    /// Shows the bytes of this connection, with `--wire`.
    pub(crate) wire_log: Option<Box<ConnectionLog>>,
    /// How many responses are complete.
    pub(crate) answered: u64,
    /// When the connection was opened, or its last response was complete.
    pub(crate) waiting_since: Instant,
    /// Its place among the connections of its address, if a proxy has named it.
    pub(crate) _permit: Option<AddressPermit>,
}

/// The buffers that a worker lends to a connection for a turn. A connection that waits with nothing half
/// read or half written holds none: 10,000 idle ones take 5 MB instead of 160.
#[derive(Debug, Default)]
pub struct Scratch {
    input: Buf,
    output: Vec<u8>,
    recycled: Option<Box<RequestHead>>,
    common_fields: Option<Box<CommonFields>>,
}

/// How much a read has brought.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Read {
    AllThereWas,
    AllThatFits,
}

impl ConnectionIo {
    pub(crate) fn new(peer: PeerAddress) -> ConnectionIo {
        ConnectionIo {
            peer,
            via: None,
            hop: Hop::Client,
            input: Buf::new(),
            most_read: READ,
            output: Output::default(),
            window: SendWindow::default(),
            recycled: None,
            common_fields: None,
            received: 0,
            answered: 0,
            waiting_since: Instant::now(),
            timing: Timing::default(),
            file: None,
            session: None,
            wire_log: None,
            _permit: None,
        }
    }

    /// Takes notice that this many bytes of a body are still to come; `None` if it arrives in chunks.
    pub(crate) fn expect_body(&mut self, remaining: Option<u64>) {
        let remaining =
            remaining.map_or(READ, |count| usize::try_from(count).unwrap_or(usize::MAX));
        self.most_read = remaining.clamp(READ, READ_OF_BODY);
    }

    /// Reads once. At the end of the stream the input is closed.
    pub(crate) fn read(&mut self, mut stream: &TcpStream) -> io::Result<Read> {
        let room = self.input.spare(self.most_read);
        let (count, may_have_more) = match &mut self.session {
            None => {
                let most = room.len();
                let count = stream.read(room)?;
                (count, count == most)
            }
            Some(session) => read_decrypted(session, stream, room)?,
        };
        if count == 0 {
            self.input.close();
        }
        self.input.filled(count);
        self.received += count;
        if let Some(log) = &mut self.wire_log {
            log.received(&self.input.bytes()[self.input.len() - count..]);
        }
        Ok(if may_have_more { Read::AllThatFits } else { Read::AllThereWas })
    }

    /// Reads what the client sends while a pushed body waits. Returns false if the client has left, or sends
    /// more requests than fit behind that body.
    pub(crate) fn listen(&mut self, stream: &TcpStream) -> io::Result<bool> {
        loop {
            match self.read(stream) {
                Ok(Read::AllThatFits) if self.input.len() <= READ => {}
                Ok(_) => return Ok(!self.input.is_closed() && self.input.len() <= READ),
                Err(error) if nothing_yet(&error) => return Ok(true),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Writes once, as [`Output::flush`].
    pub(crate) fn flush(&mut self, stream: &TcpStream, limits: &Limits) -> io::Result<usize> {
        let Some(log) = &mut self.wire_log else {
            return self.output.flush(stream, self.session.as_mut(), limits);
        };
        let bytes = self.output.bytes.clone();
        let taken = self.output.flush(stream, self.session.as_mut(), limits)?;
        if taken > 0 {
            log.sent(&bytes[..taken]);
        }
        Ok(taken)
    }

    /// Tells the client of an encrypted connection that nothing more will come (RFC 8446, 6.1).
    #[inline]
    pub(crate) fn end_session(&mut self, stream: &TcpStream) {
        if let Some(session) = &mut self.session {
            session.close(stream);
        }
    }

    /// Forgets what belongs to the request whose response is complete.
    #[inline(always)]
    pub(crate) fn forget_request(&mut self) {
        self.file = None;
        if let Some(sender) = self.via.take() {
            self.peer = sender;
        }
    }

    pub(crate) fn borrow(&mut self, scratch: &mut Scratch) {
        if self.input.len() <= SMALL && !self.input.is_closed() {
            self.input.move_into(&mut scratch.input);
            self.input = std::mem::take(&mut scratch.input);
        }
        self.output.borrow(&mut scratch.output);
        self.recycled = scratch.recycled.take();
        self.common_fields = scratch.common_fields.take();
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
        scratch.common_fields = self.common_fields.take();
        let recycled = self.recycled.take();
        scratch.recycled = recycled.filter(|head| head.headers.source().len() <= SMALL);
    }
}

/// Reads from an encrypted connection. One that ends without a word is at its end all the same: whether what has
/// arrived of a request is complete, its framing says.
fn read_decrypted(
    session: &mut Session,
    stream: &TcpStream,
    room: &mut [u8],
) -> io::Result<(usize, bool)> {
    match session.read(stream, room) {
        Ok(Received { count, may_have_more }) => Ok((count, may_have_more)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok((0, false)),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::http::method::Method;
    use crate::proto::http::target::Target;

    /// A large one is freed.
    #[test]
    fn the_memory_of_a_small_head_is_reused() {
        for (length, kept) in [(1, true), (SMALL, false)] {
            let mut head = RequestHead::new(Method::Get, Target::Asterisk);
            head.headers.append("A", vec![b'x'; length]).unwrap();
            let mut io = ConnectionIo::new(PeerAddress::Unix);
            io.recycled = Some(Box::new(head));
            let mut scratch = Scratch::default();
            io.give_back(&mut scratch);
            assert_eq!(
                (io.recycled.is_none(), scratch.recycled.is_some()),
                (true, kept),
                "{length}"
            );
            io.borrow(&mut scratch);
            assert_eq!(
                (io.recycled.is_some(), scratch.recycled.is_none()),
                (kept, true),
                "{length}"
            );
        }
    }
}
