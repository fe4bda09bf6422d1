//! A response body that is sent piece by piece: read, framed, and put into the output.

use std::fs::File;
use std::io::{self, Read};
use std::time::Instant;

use super::faulty::FaultyBody;
use super::handle::{Panicked, guarded};
use crate::net::service::Driver;
use crate::net::waker::Waker;
use crate::proto::http::headers::Headers;
use crate::proto::http::server::SendBody;
use crate::proto::http::trailers::may_trail;
use crate::server::files::file_part::FilePart;
use crate::server::pushed::{Pushed, PushedBody};
use crate::server::response::Trailed;

/// The largest piece of a body that is read at once: 64 KB.
pub(super) const PIECE: usize = 64 << 10;

/// A body that is sent piece by piece. A small one in memory is sent with its head.
pub(super) enum Pieces {
    File(File),
    Part(FilePart),
    Read(Box<dyn Read + Send>),
    Trailed(Box<dyn Trailed>, &'static [&'static str]),
    /// With what wakes the connection, once it has waited.
    Pushed(Box<PushedBody>, Option<Waker>),
    /// A body of any kind, with its head, that is wrong on purpose.
    Faulty(Box<FaultyBody>),
}

impl std::fmt::Debug for Pieces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pieces")
    }
}

impl Pieces {
    /// Returns true if the next piece is made of messages, without code of a handler.
    pub(super) fn is_of_events(&self) -> bool {
        matches!(self, Pieces::Pushed(body, _) if body.is_of_messages())
    }

    /// Reads the next piece into the output. Returns how many bytes of the body it has; 0 at its end.
    ///
    /// # Errors
    /// Those of reading, and a body that ends before its announced length.
    pub(super) fn gather(&mut self, send: &mut SendBody, out: &mut Vec<u8>) -> io::Result<usize> {
        match self {
            _ if send.room() == 0 => Ok(0),
            Pieces::File(file) => read_piece(file, send, out),
            Pieces::Part(part) => read_piece(part, send, out),
            Pieces::Read(reader) => read_piece(reader, send, out),
            Pieces::Trailed(reader, _) => read_piece(reader, send, out),
            Pieces::Pushed(..) | Pieces::Faulty(_) => Ok(0), // see `push_piece`
        }
    }

    /// Puts what there is of a pushed body into the output. Returns how many bytes that is, and what comes
    /// next. Another body has nothing to push.
    pub(super) fn push(
        &mut self,
        driver: &dyn Driver,
        send: &mut SendBody,
        out: &mut Vec<u8>,
    ) -> (usize, io::Result<Pushed>) {
        let Pieces::Pushed(body, waker) = self else { return (0, Ok(Pushed::End)) };
        let waker = waker.get_or_insert_with(|| driver.waker());
        let mut piece = Vec::new();
        let pushed = guarded(|| body.next(Instant::now(), waker, &mut piece));
        send.write(&piece, out);
        let panicked = |Panicked| io::Error::other("what makes it panicked");
        (piece.len(), pushed.map_err(panicked))
    }

    /// Returns the trailers of a body that has been read to its end.
    pub(super) fn trailers(&mut self, send: &SendBody) -> io::Result<Headers> {
        let Pieces::Trailed(reader, names) = self else { return Ok(Headers::new()) };
        if !send.takes_trailers() {
            return Ok(Headers::new());
        }
        let mut all = guarded(|| reader.trailers())
            .map_err(|Panicked| io::Error::other("its trailers panicked"))?;
        let unannounced = |name: &str| !names.iter().any(|held| held.eq_ignore_ascii_case(name));
        all.retain(|name| {
            let wrong = unannounced(name) || !may_trail(name);
            if wrong {
                log::error!(
                    "a handler set the trailer {name:?}, which it did not announce, or may not"
                );
            }
            !wrong
        });
        Ok(all)
    }
}

/// Reads one piece and frames it. Returns 0 at the end. A body that ends before its announced length is
/// an error (a file can shrink), and no more is read than was announced.
fn read_piece(reader: &mut impl Read, send: &mut SendBody, out: &mut Vec<u8>) -> io::Result<usize> {
    let room = send.room();
    let mut piece = vec![0; usize::try_from(room).map_or(PIECE, |room| room.min(PIECE))];
    loop {
        let outcome = guarded(|| reader.read(&mut piece));
        match outcome.unwrap_or_else(|Panicked| Err(io::Error::other("its reader panicked"))) {
            Ok(0) if room < u64::MAX => {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it ended too soon"));
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => {
                let count = outcome?;
                send.write(&piece[..count], out);
                return Ok(count);
            }
        }
    }
}
