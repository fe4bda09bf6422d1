//! The body of a request on its way out: bytes at hand, or what a reader gives, piece by piece.
//!
//! What has been read of a reader is gone, unless it can go back (a file): a request with such a body is
//! sent again (retry, redirect, 417) only while nothing has been. One that gives less than was announced
//! breaks the request off; what it has beyond that is left in it. Waiting for the reader is the
//! caller's own time, and only the total limit looks at it, between two pieces.

use std::io::{self, ErrorKind, Read, Seek};
use std::slice::Chunks;

/// How much of a body is written at once; between two pieces we look whether the server has had
/// enough.
const PIECE: usize = 64 << 10;

/// A reader that is a body.
pub(super) struct Stream<'s> {
    reader: Reader<'s>,
    /// How long it is, where that is known.
    length: Option<u64>,
    taken: u64,
    piece: Vec<u8>,
}

enum Reader<'s> {
    Once(Box<dyn Read + 's>),
    /// It can go back to where it was.
    Again(Box<dyn ReadSeek + 's>),
}

trait ReadSeek: Read + Seek {}

impl<R: Read + Seek> ReadSeek for R {}

impl<'s> Stream<'s> {
    pub(super) fn once(reader: impl Read + 's, length: Option<u64>) -> Stream<'s> {
        Stream::new(Reader::Once(Box::new(reader)), length)
    }

    pub(super) fn again(reader: impl Read + Seek + 's, length: Option<u64>) -> Stream<'s> {
        Stream::new(Reader::Again(Box::new(reader)), length)
    }

    fn new(reader: Reader<'s>, length: Option<u64>) -> Stream<'s> {
        Stream { reader, length, taken: 0, piece: Vec::new() }
    }

    pub(super) fn length(&self) -> Option<u64> {
        self.length
    }

    /// No more than this is read of it.
    pub(super) fn limit(&mut self, length: u64) {
        self.length = Some(length);
    }

    /// Goes back to its beginning. `false`: what has been read of it is gone.
    pub(super) fn begin_again(&mut self) -> bool {
        if self.taken > 0
            && let Reader::Again(reader) = &mut self.reader
            && reader.rewind().is_ok()
        {
            self.taken = 0;
        }
        self.taken == 0
    }

    /// The next piece; none is empty.
    fn next(&mut self) -> io::Result<Option<&[u8]>> {
        let missing = self.length.map(|length| length - self.taken);
        let most = missing.and_then(|missing| usize::try_from(missing).ok());
        self.piece.resize(most.map_or(PIECE, |most| most.min(PIECE)), 0);
        let count = loop {
            let read = match &mut self.reader {
                Reader::Once(reader) => reader.read(&mut self.piece),
                Reader::Again(reader) => reader.read(&mut self.piece),
            };
            match read {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                outcome => break outcome?,
            }
        };
        if let (0, Some(missing @ 1..)) = (count, missing) {
            let said = format!("it ended {missing} bytes before the length that was given for it");
            return Err(io::Error::new(ErrorKind::UnexpectedEof, said));
        }
        self.taken += count as u64;
        Ok(self.piece.get(..count).filter(|piece| !piece.is_empty()))
    }
}

impl std::fmt::Debug for Stream<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream").field("length", &self.length).finish_non_exhaustive()
    }
}

/// The body of one request, as it is sent once.
pub(super) enum Upload<'u, 's> {
    Bytes(Chunks<'u, u8>),
    Stream(&'u mut Stream<'s>),
}

impl<'u, 's> Upload<'u, 's> {
    pub(super) fn new(bytes: &'u [u8], stream: Option<&'u mut Stream<'s>>) -> Upload<'u, 's> {
        stream.map_or_else(|| Upload::Bytes(bytes.chunks(PIECE)), Upload::Stream)
    }

    /// The next piece; `None` is the end.
    ///
    /// # Errors
    /// Those of the reader; and that it ended too early.
    pub(super) fn next(&mut self) -> io::Result<Option<&[u8]>> {
        match self {
            Upload::Bytes(pieces) => Ok(pieces.next()),
            Upload::Stream(stream) => stream.next(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let mut stream = Stream::once(text.as_bytes(), length);
            let (mut upload, mut sent) = (Upload::new(b"", Some(&mut stream)), 0);
            let ended = loop {
                match upload.next() {
                    Ok(Some(piece)) => sent += piece.len(),
                    Ok(None) => break Some(sent),
                    Err(error) => {
                        assert!(error.to_string().starts_with("it ended 1 bytes before"));
                        break None;
                    }
                }
            };
            assert_eq!(ended, want, "{length:?}");
            assert_eq!(stream.begin_again(), want == Some(0));
            let mut stream = Stream::again(io::Cursor::new(&text), length);
            let first = Upload::new(b"", Some(&mut stream)).next().unwrap().map(<[u8]>::to_vec);
            assert!(stream.begin_again());
            let again = Upload::new(b"", Some(&mut stream)).next().unwrap().map(<[u8]>::to_vec);
            assert_eq!(first, again);
        }
    }
}
