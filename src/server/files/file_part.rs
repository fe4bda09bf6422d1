//! Part of a file as a body.
//!
//! It is read at an offset (pread(2)), so that any number of responses share one descriptor. A file that
//! has shrunk ends early; of one that has grown no more is read.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, OnceLock};

use crate::server::quota::Share;

/// Part of a file, as [`Body::Part`](crate::server::Body::Part): any number of responses share one descriptor.
///
/// ```
/// use std::{fs::File, sync::Arc};
/// use threadbare::server::{Body, FilePart, Response, Status};
///
/// # fn record(file: &Arc<File>, number: u64) -> Response {
/// let start = number * 64; // records of 64 bytes
/// let part = FilePart::new(Arc::clone(file), start..start + 64);
/// Response::new(Status::OK).body(Body::Part(part))
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct FilePart {
    file: Arc<OpenFile>,
    range: Range<u64>,
}

/// An open file, and the share that its descriptor has been counted with.
#[derive(Debug)]
pub(crate) struct OpenFile {
    file: Arc<File>,
    counted: OnceLock<Share>,
}

impl OpenFile {
    /// Takes a file whose descriptor has not been counted.
    pub(crate) fn new(file: Arc<File>) -> Arc<OpenFile> {
        Arc::new(OpenFile { file, counted: OnceLock::new() })
    }

    /// Returns the first `count` bytes, or all if there are fewer; none if they cannot be read.
    pub(crate) fn start(&self, count: usize) -> Vec<u8> {
        let mut start = vec![0; count];
        let read = self.file.read_at(&mut start, 0).unwrap_or_default();
        start.truncate(read);
        start
    }

    /// Holds the share of its descriptor until the file is closed, which is when the last response that
    /// uses it has been sent.
    pub(crate) fn count(&self, share: Share) {
        let _ = self.counted.set(share); // counted twice, the second share comes back at once
    }
}

impl FilePart {
    /// Takes these bytes of a file that can be read at any offset (not a pipe). The range must be in the file:
    /// a response whose file is shorter is cut, and the client notices.
    pub fn new(file: Arc<File>, range: Range<u64>) -> FilePart {
        FilePart::of(OpenFile::new(file), range)
    }

    /// Makes a part of a file that may have been counted.
    pub(crate) fn of(file: Arc<OpenFile>, range: Range<u64>) -> FilePart {
        FilePart { file, range }
    }

    /// Returns true if the file is open for this part alone and its descriptor has not been counted.
    /// Takes no lock and changes no shared memory.
    pub(crate) fn is_own(&self) -> bool {
        let OpenFile { file, counted } = &*self.file;
        counted.get().is_none()
            && Arc::strong_count(&self.file) == 1
            && Arc::strong_count(file) == 1
    }

    /// Returns how many bytes are left to be read.
    pub fn length(&self) -> u64 {
        self.range.end.saturating_sub(self.range.start)
    }

    /// Returns a range of this part, cut to its end.
    pub(crate) fn within(self, part: &Range<u64>) -> FilePart {
        let at = |place: u64| self.range.start.saturating_add(place).min(self.range.end);
        FilePart { range: at(part.start)..at(part.end), ..self }
    }

    /// Returns the file and the offset of the next byte.
    pub(crate) fn place(&self) -> (&File, u64) {
        (&self.file.file, self.range.start)
    }

    /// Records that `count` bytes have been sent.
    pub(crate) fn advance(&mut self, count: u64) {
        self.range.start += count;
    }

    /// Appends what one read gets to `out`; usually that is all. An error is left to the next read.
    pub(crate) fn append_to(&mut self, out: &mut Vec<u8>) -> usize {
        let start = out.len();
        out.resize(start.saturating_add(usize::try_from(self.length()).unwrap_or(usize::MAX)), 0);
        let count = self.read(&mut out[start..]).unwrap_or_default();
        out.truncate(start + count);
        count
    }
}

impl Read for FilePart {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.length()).map_or(room.len(), |left| left.min(room.len()));
        if most == 0 {
            return Ok(0);
        }
        let count = self.file.file.read_at(&mut room[..most], self.range.start)?;
        self.advance(count as u64);
        Ok(count)
    }
}

/// Positions are offsets in the file.
impl Seek for FilePart {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::Current(by) => self.range.start.checked_add_signed(by),
            SeekFrom::End(by) => self.range.end.checked_add_signed(by),
        };
        self.range.start = place.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.range.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each has a place of its own, and none sees more than its range.
    #[test]
    fn parts_of_one_file_do_not_disturb_each_other() {
        let path = std::env::temp_dir().join(format!("threadbare-part-{}", std::process::id()));
        std::fs::write(&path, "0123456789").unwrap();
        let file = Arc::new(File::open(&path).unwrap());
        std::fs::remove_file(&path).unwrap();
        for (range, within, want) in [
            (0..10, 0..10, "0123456789"),
            (2..8, 0..6, "234567"),
            (2..8, 1..3, "34"),
            (2..8, 4..9, "67"),
            (2..8, 7..9, ""),
            (2..8, 1..u64::MAX, "34567"),
            (8..12, 0..4, "89"),
            (20..30, 0..10, ""),
        ] {
            let part = FilePart::new(Arc::clone(&file), range.clone()).within(&within);
            let mut read = String::new();
            part.clone().read_to_string(&mut read).unwrap();
            assert_eq!(read, want, "{range:?} {within:?}");
            let (mut appended, mut rest) = (b"head".to_vec(), part.clone());
            assert_eq!(rest.append_to(&mut appended), want.len());
            assert_eq!(appended, format!("head{want}").into_bytes(), "{range:?} {within:?}");
            assert_eq!(rest.length(), part.length() - want.len() as u64, "what it lacks");
        }
    }

    #[test]
    fn a_file_that_others_hold_or_that_is_counted_is_not_the_parts_own() {
        let file = Arc::new(File::open("Cargo.toml").unwrap());
        let part = FilePart::new(Arc::clone(&file), 0..8);
        assert!(!part.is_own(), "the handler holds it");
        drop(file);
        assert!(part.is_own());
        let other = part.clone();
        assert!(!part.is_own() && !other.is_own(), "one template for several answers");
        drop(part);
        assert!(other.is_own());
        let quota = crate::server::quota::Quota::new(1);
        other.file.count(quota.take(1).unwrap());
        assert!(!other.is_own() && !quota.has_room_for(1));
        drop(other);
        assert!(quota.has_room_for(1), "it comes back with the file");
    }

    #[test]
    fn places_are_those_in_the_file() {
        let file = Arc::new(File::open("Cargo.toml").unwrap());
        let mut part = FilePart::new(file, 2..8);
        for (to, want) in [
            (SeekFrom::Current(0), Some(2)),
            (SeekFrom::Start(5), Some(5)),
            (SeekFrom::Current(-1), Some(4)),
            (SeekFrom::End(-1), Some(7)),
            (SeekFrom::End(-9), None),
        ] {
            assert_eq!(part.seek(to).ok(), want, "{to:?}");
        }
        assert_eq!(part.length(), 1);
    }
}
