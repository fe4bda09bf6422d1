//! The receive buffer: bytes that have arrived and are not parsed yet.
//!
//! Bytes are appended at the end, by copying ([`Buf::extend`]) or by reading straight into the
//! spare room ([`Buf::spare`], [`Buf::filled`]), and taken from the start. A search for a line end
//! continues where the last one stopped, so a peer that sends one byte at a time costs no more than
//! one that sends whole lines. The end of the stream is recorded here too: [`Buf::close`].

use super::scan::position;

/// Bytes that were received and are not taken yet.
#[derive(Debug, Default)]
pub struct Buf {
    bytes: Vec<u8>,
    /// Where the bytes start that are not taken yet.
    start: usize,
    /// Where the received bytes end; after it is spare room, already zeroed.
    end: usize,
    /// Up to where the search for a line end has looked.
    searched: usize,
    closed: bool,
}

/// A line grew past its limit before it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineTooLong;

impl Buf {
    /// Returns an empty buffer. It allocates when the first byte arrives.
    pub fn new() -> Buf {
        Buf::default()
    }

    /// Returns the bytes that have arrived and are not taken yet.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Returns the number of bytes that are not taken yet.
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    /// Returns true if all bytes are taken.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends a copy of `more`.
    pub fn extend(&mut self, more: &[u8]) {
        self.spare(more.len())[..more.len()].copy_from_slice(more);
        self.filled(more.len());
    }

    /// Returns room for at least `wanted` bytes after the last one, to be read into.
    pub fn spare(&mut self, wanted: usize) -> &mut [u8] {
        if self.bytes.len() - self.end < wanted {
            self.bytes.copy_within(self.start..self.end, 0);
            self.searched -= self.start;
            self.end -= self.start;
            self.start = 0;
            if self.bytes.len() - self.end < wanted {
                self.bytes.resize(self.end + wanted, 0);
            }
        }
        &mut self.bytes[self.end..]
    }

    /// Moves the bytes that are not taken into `other`, which is empty: into a large buffer for
    /// reading, or into one that is just large enough, for a connection that waits.
    pub fn move_into(&mut self, other: &mut Buf) {
        debug_assert!(other.is_empty() && !other.closed, "it would be lost");
        (other.start, other.end, other.searched) = (0, 0, 0);
        if !self.is_empty() {
            other.extend(self.bytes());
            other.searched = self.searched - self.start;
        }
        other.closed = std::mem::take(&mut self.closed);
        (self.start, self.end, self.searched) = (0, 0, 0);
    }

    /// Records that `count` bytes were read into the [spare room](Buf::spare).
    ///
    /// # Panics
    /// When `count` is more than the spare room, which is an error of the caller.
    pub fn filled(&mut self, count: usize) {
        assert!(count <= self.bytes.len() - self.end, "filled more than there was room for");
        self.end += count;
    }

    /// Takes up to `most` bytes from the start.
    pub fn take(&mut self, most: usize) -> &[u8] {
        let from = self.start;
        self.start += most.min(self.len());
        self.searched = self.searched.max(self.start);
        &self.bytes[from..self.start]
    }

    /// Returns how far the buffer is taken, for [`Buf::taken_since`].
    pub(super) fn mark(&self) -> usize {
        self.start
    }

    /// Returns the bytes that were taken after this mark; until more are received.
    pub(super) fn taken_since(&self, mark: usize) -> &[u8] {
        &self.bytes[mark..self.start]
    }

    /// Takes one line from the start, with its LF or CRLF, or returns `None` if it is not complete.
    ///
    /// # Errors
    /// [`LineTooLong`] as soon as the line is known to have more than `limit` bytes, ending
    /// included, complete or not.
    #[inline]
    pub fn take_line(&mut self, limit: usize) -> Result<Option<&[u8]>, LineTooLong> {
        let end = position(b'\n', &self.bytes[self.searched..self.end]);
        let Some(end) = end.map(|at| self.searched + at + 1) else {
            self.searched = self.end;
            return if self.len() > limit { Err(LineTooLong) } else { Ok(None) };
        };
        if end - self.start > limit {
            self.searched = end - 1;
            return Err(LineTooLong);
        }
        let from = self.start;
        self.start = end;
        self.searched = end;
        Ok(Some(&self.bytes[from..end]))
    }

    /// Returns the bytes that are not taken, or nothing if some of them were already searched for a
    /// line end. A caller that scans lines in the result scans no byte more than once in vain.
    pub fn not_searched(&self) -> &[u8] {
        if self.searched == self.start { self.bytes() } else { &[] }
    }

    /// Records that the peer will send nothing more.
    pub fn close(&mut self) {
        self.closed = true;
    }

    /// Returns true if the peer will send nothing more. Bytes that are not taken can still be read.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Returns true if the buffer holds memory.
    pub fn is_allocated(&self) -> bool {
        self.bytes.capacity() > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(buf: &mut Buf, limit: usize) -> Result<Option<Vec<u8>>, LineTooLong> {
        buf.take_line(limit).map(|line| line.map(<[u8]>::to_vec))
    }

    #[test]
    fn lines_come_out_whole_however_they_came_in() {
        let text = b"GET / HTTP/1.1\r\nHost: a\n\r\nrest";
        for step in 1..text.len() {
            let mut buf = Buf::new();
            let mut lines = Vec::new();
            for piece in text.chunks(step) {
                buf.extend(piece);
                while let Some(found) = line(&mut buf, 100).unwrap() {
                    lines.push(found);
                }
            }
            assert_eq!(lines, [&b"GET / HTTP/1.1\r\n"[..], b"Host: a\n", b"\r\n"], "step {step}");
            assert_eq!(buf.bytes(), b"rest");
        }
    }

    #[test]
    fn a_line_over_its_limit_is_refused_complete_or_not() {
        let mut buf = Buf::new();
        buf.extend(b"12345");
        assert_eq!(line(&mut buf, 5), Ok(None));
        buf.extend(b"6");
        assert_eq!(line(&mut buf, 5), Err(LineTooLong));
        buf.extend(b"\n");
        assert_eq!(line(&mut buf, 6), Err(LineTooLong));
        assert_eq!(line(&mut buf, 7).unwrap().unwrap(), b"123456\n");
    }

    #[test]
    fn room_is_reused_and_the_search_survives_the_move() {
        let mut buf = Buf::new();
        buf.extend(b"ab\ncd");
        assert_eq!(line(&mut buf, 9).unwrap().unwrap(), b"ab\n");
        assert_eq!(line(&mut buf, 9), Ok(None));
        let room = buf.spare(64);
        room[..2].copy_from_slice(b"e\n");
        buf.filled(2);
        assert_eq!(line(&mut buf, 9).unwrap().unwrap(), b"cde\n");
        assert!(buf.is_empty());
    }

    #[test]
    fn what_waits_needs_no_more_room_than_it_has_bytes() {
        let (mut scratch, mut waiting) = (Buf::new(), Buf::new());
        scratch.spare(16 << 10)[..5].copy_from_slice(b"a\nbcd");
        scratch.filled(5);
        assert_eq!(line(&mut scratch, 9).unwrap().unwrap(), b"a\n");
        assert_eq!(line(&mut scratch, 9), Ok(None));
        scratch.move_into(&mut waiting);
        assert!(scratch.is_empty() && waiting.bytes.capacity() < 64);
        waiting.move_into(&mut scratch);
        assert_eq!((scratch.bytes(), scratch.searched), (&b"bcd"[..], 3));
        scratch.extend(b"\n");
        assert_eq!(line(&mut scratch, 9).unwrap().unwrap(), b"bcd\n");
    }

    #[test]
    fn dripping_costs_no_more_than_pouring() {
        // 2 MB in single bytes: moved at each byte, that were a million megabytes.
        let mut buf = Buf::new();
        for _ in 0..2 << 20 {
            buf.spare(512)[0] = b'x';
            buf.filled(1);
            assert_eq!(buf.take_line(usize::MAX), Ok(None));
        }
        assert!(buf.bytes.capacity() < 5 << 20, "no more than twice what is held");
    }

    #[test]
    fn take_gives_no_more_than_there_is() {
        let mut buf = Buf::new();
        buf.extend(b"abc");
        assert_eq!(buf.take(2), b"ab");
        assert_eq!(buf.take(9), b"c");
        assert_eq!(buf.take(9), b"");
    }
}
