//! The body of a request as it is sent, piece by piece: bytes in memory, or a reader.
//!
//! What was read from a reader is gone, unless the reader can rewind (a file): without that, a request
//! with such a body is sent again (retry, redirect, 417) only while nothing was read. A reader that ends
//! before the announced length aborts the request. Bytes after a length that the caller gave for the reader
//! are not read; after a length that only the request's own Content-Length declares, they abort the request,
//! before its last piece is sent. The time that a reader takes is the caller's own: only the total limit is
//! checked, between two pieces.

use std::io::{self, ErrorKind, Read, Seek};
use std::slice::Chunks;

/// The size of one write in bytes. Between two pieces the client looks for a response.
const PIECE: usize = 64 << 10;

/// A reader as a body.
pub(super) struct BodyReader<'s> {
    source: Source<'s>,
    length: Length,
    taken: u64,
    piece: Vec<u8>,
}

/// The length of a body.
#[derive(Debug, Clone, Copy)]
enum Length {
    /// It is known at the end only.
    Unknown,
    /// The caller gave it for the reader, of which no byte after it is read.
    Given(u64),
    /// A field of the request declares it, and the reader may not have more.
    Declared(u64),
}

enum Source<'s> {
    OneShot(Box<dyn Read + 's>),
    Rewindable(Box<dyn ReadSeek + 's>),
}

trait ReadSeek: Read + Seek {}

impl<R: Read + Seek> ReadSeek for R {}

impl<'s> BodyReader<'s> {
    pub(super) fn one_shot(reader: impl Read + 's, length: Option<u64>) -> BodyReader<'s> {
        BodyReader::new(Source::OneShot(Box::new(reader)), length)
    }

    pub(super) fn rewindable(reader: impl Read + Seek + 's, length: Option<u64>) -> BodyReader<'s> {
        BodyReader::new(Source::Rewindable(Box::new(reader)), length)
    }

    fn new(source: Source<'s>, length: Option<u64>) -> BodyReader<'s> {
        let length = length.map_or(Length::Unknown, Length::Given);
        BodyReader { source, length, taken: 0, piece: Vec::new() }
    }

    pub(super) fn length(&self) -> Option<u64> {
        match self.length {
            Length::Unknown => None,
            Length::Given(length) | Length::Declared(length) => Some(length),
        }
    }

    /// Sets the length that the request declares, if none is known.
    pub(super) fn declare_length(&mut self, length: u64) {
        if let Length::Unknown = self.length {
            self.length = Length::Declared(length);
        }
    }

    /// Goes back to the beginning. Returns false if bytes were read and cannot be read again.
    pub(super) fn rewind(&mut self) -> bool {
        if self.taken > 0
            && let Source::Rewindable(reader) = &mut self.source
            && reader.rewind().is_ok()
        {
            self.taken = 0;
        }
        self.taken == 0
    }

    /// Returns the next piece, which is never empty.
    fn next(&mut self) -> io::Result<Option<&[u8]>> {
        let missing = self.length().map(|length| length - self.taken);
        let most = missing.and_then(|missing| usize::try_from(missing).ok());
        self.piece.resize(most.map_or(PIECE, |most| most.min(PIECE)), 0);
        let count = self.source.read(&mut self.piece)?;
        if let (0, Some(missing @ 1..)) = (count, missing) {
            let what = format!("it ended {missing} bytes before the length that was given for it");
            return Err(io::Error::new(ErrorKind::UnexpectedEof, what));
        }
        self.taken += count as u64;
        if let Length::Declared(length) = self.length
            && self.taken == length
            && (count > 0 || length == 0)
            && self.source.read(&mut [0])? > 0
        {
            let what = format!(
                "it goes on after the {length} bytes that Content-Length declares (RFC 9110, 8.6); \
                 right: its length, or no Content-Length"
            );
            return Err(io::Error::new(ErrorKind::InvalidData, what));
        }
        Ok(self.piece.get(..count).filter(|piece| !piece.is_empty()))
    }
}

impl Source<'_> {
    /// Reads once, also after a signal.
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = match self {
                Source::OneShot(reader) => reader.read(out),
                Source::Rewindable(reader) => reader.read(out),
            };
            match read {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                outcome => return outcome,
            }
        }
    }
}

impl std::fmt::Debug for BodyReader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BodyReader").field("length", &self.length).finish_non_exhaustive()
    }
}

/// The pieces of one request's body, to be sent once.
pub(super) enum BodyPieces<'u, 's> {
    Bytes(Chunks<'u, u8>),
    Reader(&'u mut BodyReader<'s>),
}

impl<'u, 's> BodyPieces<'u, 's> {
    pub(super) fn new(
        bytes: &'u [u8],
        reader: Option<&'u mut BodyReader<'s>>,
    ) -> BodyPieces<'u, 's> {
        reader.map_or_else(|| BodyPieces::Bytes(bytes.chunks(PIECE)), BodyPieces::Reader)
    }

    /// Returns the next piece; `None` at the end.
    ///
    /// # Errors
    /// Those of the reader, and [`ErrorKind::UnexpectedEof`] when it ended before its length.
    pub(super) fn next(&mut self) -> io::Result<Option<&[u8]>> {
        match self {
            BodyPieces::Bytes(pieces) => Ok(pieces.next()),
            BodyPieces::Reader(reader) => reader.next(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_has_no_more_than_the_request_declares() {
        for (text, declared, want) in [
            ("abc", 3, Some(3)),
            ("abc", 2, None),
            ("abc", 0, None),
            ("", 0, Some(0)),
            ("a", 2, None),
        ] {
            let mut reader = BodyReader::one_shot(text.as_bytes(), None);
            reader.declare_length(declared);
            let (mut pieces, mut sent) = (BodyPieces::new(b"", Some(&mut reader)), 0);
            let ended = loop {
                match pieces.next() {
                    Ok(Some(piece)) => sent += piece.len(),
                    Ok(None) => break Some(sent),
                    Err(_) => break None,
                }
            };
            assert_eq!(ended, want, "{text:?}, {declared}");
        }
    }

    #[test]
    fn a_reader_is_read_up_to_its_length() {
        let text = "x".repeat(PIECE + 1);
        let most = text.len() as u64;
        for (length, want) in [
            (None, Some(PIECE + 1)),
            (Some(0), Some(0)),
            (Some(1), Some(1)),
            (Some(most), Some(PIECE + 1)),
            (Some(most + 1), None),
        ] {
            let mut reader = BodyReader::one_shot(text.as_bytes(), length);
            let (mut pieces, mut sent) = (BodyPieces::new(b"", Some(&mut reader)), 0);
            let ended = loop {
                match pieces.next() {
                    Ok(Some(piece)) => sent += piece.len(),
                    Ok(None) => break Some(sent),
                    Err(error) => {
                        assert!(error.to_string().starts_with("it ended 1 bytes before"));
                        break None;
                    }
                }
            };
            assert_eq!(ended, want, "{length:?}");
            assert_eq!(reader.rewind(), want == Some(0));
            let mut reader = BodyReader::rewindable(io::Cursor::new(&text), length);
            let first = BodyPieces::new(b"", Some(&mut reader)).next().unwrap().map(<[u8]>::to_vec);
            assert!(reader.rewind());
            let again = BodyPieces::new(b"", Some(&mut reader)).next().unwrap().map(<[u8]>::to_vec);
            assert_eq!(first, again);
        }
    }
}
