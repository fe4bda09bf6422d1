//! Several ranges of a body as one: `multipart/byteranges` (RFC 9110, 14.6), read while it is sent.
//!
//! Only the frame of one part is in memory, however many parts there are and however long.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use crate::proto::http::range::ByteRanges;

/// Reads ranges of a source, each in its frame.
#[derive(Debug)]
pub(crate) struct MultipartRanges<S> {
    source: S,
    /// The position in the source where the body begins.
    start: u64,
    frame: ByteRanges,
    parts: std::vec::IntoIter<Range<u64>>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// This much of the frame before this part has been read.
    Head(Vec<u8>, usize, Range<u64>),
    /// This many bytes of the part are still to be read.
    Part(u64),
    /// This much of the frame's end has been read.
    Tail(Vec<u8>, usize),
}

impl<S: Read + Seek> MultipartRanges<S> {
    /// Takes ranges of a body that begins at the current position of the source.
    ///
    /// # Errors
    /// When the source has no position.
    pub(crate) fn new(
        mut source: S,
        frame: ByteRanges,
        parts: Vec<Range<u64>>,
    ) -> io::Result<Self> {
        let start = source.stream_position()?;
        Ok(MultipartRanges {
            source,
            start,
            frame,
            parts: parts.into_iter(),
            state: State::Part(0),
        })
    }
}

impl<S: Read + Seek> Read for MultipartRanges<S> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if room.is_empty() {
            return Ok(0);
        }
        loop {
            match &mut self.state {
                State::Head(head, sent, part) => {
                    let count = copy(&head[*sent..], room);
                    if count > 0 {
                        *sent += count;
                        return Ok(count);
                    }
                    self.source.seek(SeekFrom::Start(self.start.saturating_add(part.start)))?;
                    self.state = State::Part(part.end - part.start);
                }
                State::Part(0) => {
                    self.state = match self.parts.next() {
                        Some(part) => State::Head(self.frame.head(&part), 0, part),
                        None => State::Tail(self.frame.tail(), 0),
                    };
                }
                State::Part(left) => {
                    let most =
                        usize::try_from(*left).map_or(room.len(), |left| left.min(room.len()));
                    let count = self.source.read(&mut room[..most])?;
                    if count == 0 {
                        // The client would take the next frame for the rest of this part.
                        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it has shrunk"));
                    }
                    *left -= count as u64;
                    return Ok(count);
                }
                State::Tail(tail, sent) => {
                    let count = copy(&tail[*sent..], room);
                    *sent += count;
                    return Ok(count);
                }
            }
        }
    }
}

fn copy(from: &[u8], to: &mut [u8]) -> usize {
    let count = from.len().min(to.len());
    to[..count].copy_from_slice(&from[..count]);
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn frame() -> ByteRanges {
        ByteRanges { boundary: "X".to_owned(), content_type: None, length: 10 }
    }

    #[test]
    fn parts_are_framed_however_they_are_read() {
        let ranges = vec![6..9, 0..2];
        let want = "\r\n--X\r\nContent-Range: bytes 6-8/10\r\n\r\n678\
                    \r\n--X\r\nContent-Range: bytes 0-1/10\r\n\r\n01\r\n--X--\r\n";
        assert_eq!(frame().body_length(&ranges), want.len() as u64);
        for room in 1..=want.len() + 1 {
            let mut source = Cursor::new(b"before0123456789");
            source.set_position(6);
            let mut parts = MultipartRanges::new(source, frame(), ranges.clone()).unwrap();
            let (mut got, mut piece) = (Vec::new(), vec![0; room]);
            loop {
                match parts.read(&mut piece).unwrap() {
                    0 => break,
                    count => got.extend_from_slice(&piece[..count]),
                }
            }
            assert_eq!(str::from_utf8(&got), Ok(want), "{room} at a time");
        }
    }

    #[test]
    fn a_part_that_is_not_there_any_more_breaks_off() {
        let mut parts =
            MultipartRanges::new(Cursor::new(b"0123456"), frame(), vec![6..9, 0..2]).unwrap();
        let mut got = Vec::new();
        let error = parts.read_to_end(&mut got).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert!(got.ends_with(b"\r\n\r\n6"), "{got:?}");
    }
}
