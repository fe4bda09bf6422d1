//! The receive buffer: what has arrived and has not been understood yet.
//!
//! Bytes are appended at the back, by copying ([`Buf::extend`]) or by reading straight into the
//! spare room ([`Buf::spare`], [`Buf::filled`]), and consumed from the front. A search for a line
//! end goes on where the last one stopped, so a peer that sends one byte at a time costs no more
//! than one that sends a line at a time. End of stream is data, too: [`Buf::close`].

/// Bytes received and not yet consumed.
#[derive(Debug, Default)]
pub struct Buf {
    bytes: Vec<u8>,
    /// Where the unconsumed bytes start.
    start: usize,
    /// Where the received bytes end; behind it is spare room, already zeroed.
    end: usize,
    /// How far the search for a line end has come.
    searched: usize,
    closed: bool,
}

/// A line grew past its limit before it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineTooLong;

impl Buf {
    /// An empty buffer; it allocates when the first byte arrives.
    pub fn new() -> Buf {
        Buf::default()
    }

    /// What has arrived and is not consumed.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// How many bytes are at hand.
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    /// Is nothing at hand?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends a copy of `more`.
    pub fn extend(&mut self, more: &[u8]) {
        self.spare(more.len())[..more.len()].copy_from_slice(more);
        self.filled(more.len());
    }

    /// Room for at least `wanted` bytes behind what is at hand, to be read into.
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

    /// Moves what is at hand into `other`, which is empty: to a large buffer for reading, to one
    /// that is just large enough for waiting.
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

    /// Says that `count` bytes of the [spare room](Buf::spare) have been filled.
    ///
    /// # Panics
    /// When `count` is more than the spare room: a caller's mistake, never a peer's.
    pub fn filled(&mut self, count: usize) {
        assert!(count <= self.bytes.len() - self.end, "filled more than there was room for");
        self.end += count;
    }

    /// Takes up to `most` bytes from the front.
    pub fn take(&mut self, most: usize) -> &[u8] {
        let from = self.start;
        self.start += most.min(self.len());
        self.searched = self.searched.max(self.start);
        &self.bytes[from..self.start]
    }

    /// Takes one line from the front, its LF (or CRLF) included, or `None` when it is not complete.
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

    /// What is at hand, unless some of it has been searched for the line end that it lacked: whoever
    /// reads lines in here looks at no byte more often than [`Buf::take_line`] does, but once.
    pub fn not_searched(&self) -> &[u8] {
        if self.searched == self.start { self.bytes() } else { &[] }
    }

    /// Says that the peer will send nothing more.
    pub fn close(&mut self) {
        self.closed = true;
    }

    /// Has the peer said that it will send nothing more? What is at hand may still be read.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Has it memory of its own?
    pub fn is_allocated(&self) -> bool {
        self.bytes.capacity() > 0
    }
}

/// Where `wanted` stands first. Eight bytes are looked at in one go.
pub fn position(wanted: u8, bytes: &[u8]) -> Option<usize> {
    const EACH: u64 = u64::from_le_bytes([1; 8]);
    let (words, rest) = bytes.as_chunks::<8>();
    for (number, word) in words.iter().enumerate() {
        // A byte that is wanted is 0 now. The lowest that is told of is one; above it a borrow may lie.
        let word = u64::from_le_bytes(*word) ^ (EACH * u64::from(wanted));
        let found = word.wrapping_sub(EACH) & !word & (EACH << 7);
        if found != 0 {
            return Some(number * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    let at = rest.iter().position(|&byte| byte == wanted)?;
    Some(words.len() * 8 + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_is_found_wherever_it_stands() {
        for length in 0..40 {
            for at in 0..length {
                for around in [0x00, 0x09, 0x0B, 0x0A ^ 0x80, 0x7F, 0xFF] {
                    let mut bytes = vec![around; length];
                    assert_eq!(position(b'\n', &bytes), None);
                    bytes[at..].fill(b'\n');
                    assert_eq!(position(b'\n', &bytes), Some(at), "{around} x {length}");
                }
            }
        }
    }

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
