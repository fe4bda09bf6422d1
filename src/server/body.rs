//! The body of a request: kept until it is complete, or streamed to its handler as it comes.
//!
//! A small body is kept in memory, as long as there is enough of that for all of them; any other in
//! a temporary file without a name, which is gone when nobody holds it any more, even after kill -9.

use std::fs::{File, OpenOptions};
use std::io::{self, Cursor, Read, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

#[cfg(target_os = "linux")]
use nix::errno::Errno;

use super::quota::{Quota, Share};
use super::stream::Loan;
use crate::proto::http::headers::Headers;

/// What a handler gets of a body: decoded, to be [read](Read) once from front to back. It is
/// `Default` (empty), so that it can be taken out of its request and become, say, a part of the
/// answer.
#[derive(Default)]
pub struct RequestBody {
    source: Source,
    /// Few bodies have any.
    trailers: Option<Box<Headers>>,
}

#[derive(Default)]
enum Source {
    /// As of most requests.
    #[default]
    Nothing,
    /// The share is given back with the memory.
    Memory {
        bytes: Cursor<Vec<u8>>,
        _share: Share,
    },
    File(io::Take<File>),
    Stream(Loan),
}

impl RequestBody {
    /// How many bytes are left to be read. Of a [stream](super::Handler::streams) that comes in
    /// chunks that is not known.
    pub fn length(&self) -> Option<u64> {
        match &self.source {
            Source::Nothing => Some(0),
            Source::Memory { bytes, .. } => {
                Some((bytes.get_ref().len() as u64).saturating_sub(bytes.position()))
            }
            Source::File(file) => Some(file.limit()),
            Source::Stream(loan) => loan.length(),
        }
    }

    /// Reads all that is left into memory: for bodies known to be small.
    ///
    /// # Errors
    /// When there are more than `most` bytes ([`io::ErrorKind::FileTooLarge`]), and those of reading.
    pub fn read_all(&mut self, most: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > most { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes) }
    }

    /// The fields that came behind a chunked body (RFC 9110, 6.5), never among those of the head. Of
    /// a [stream](super::Handler::streams) they are there when it has been read to its end.
    pub fn trailers(&self) -> Headers {
        match &self.source {
            Source::Stream(loan) => loan.trailers(),
            _ => self.trailers.as_deref().cloned().unwrap_or_default(),
        }
    }

    pub(super) fn with_trailers(self, trailers: Option<&Headers>) -> RequestBody {
        let trailers = trailers.filter(|fields| !fields.is_empty()).cloned().map(Box::new);
        RequestBody { trailers, ..self }
    }

    pub(super) fn streamed(loan: Loan) -> RequestBody {
        RequestBody { source: Source::Stream(loan), trailers: None }
    }
}

impl Read for RequestBody {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match &mut self.source {
            Source::Nothing => Ok(0),
            Source::Memory { bytes, .. } => bytes.read(room),
            Source::File(file) => file.read(room),
            Source::Stream(loan) => loan.read(room),
        }
    }
}

/// Its content is nobody's business but the handler's.
impl std::fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.length() {
            Some(length) => write!(f, "RequestBody({length} bytes)"),
            None => f.write_str("RequestBody(length unknown)"),
        }
    }
}

/// A body that is being kept.
#[derive(Debug, Default)]
pub(super) enum Collector {
    #[default]
    Nothing,
    Memory(Vec<u8>, Share),
    File(File, u64),
}

impl Collector {
    /// Keeps some more: in memory up to `most` bytes, while there is `memory` left.
    ///
    /// # Errors
    /// Those of making and writing a file.
    pub(super) fn push(&mut self, data: &[u8], most: u64, memory: &Arc<Quota>) -> io::Result<()> {
        let more = data.len() as u64;
        if let Collector::Nothing = self {
            *self = Collector::Memory(Vec::new(), memory.share());
        }
        match self {
            Collector::Memory(bytes, share) => {
                if bytes.len() as u64 + more <= most && share.grow(more) {
                    bytes.extend_from_slice(data);
                } else {
                    let mut file = unnamed_file(&std::env::temp_dir())?;
                    file.write_all(bytes)?;
                    file.write_all(data)?;
                    *self = Collector::File(file, bytes.len() as u64 + more);
                }
            }
            Collector::File(file, length) => {
                file.write_all(data)?;
                *length += more;
            }
            Collector::Nothing => {}
        }
        Ok(())
    }

    /// It is complete.
    ///
    /// # Errors
    /// When the file cannot be gone back in.
    pub(super) fn finish(self) -> io::Result<RequestBody> {
        let source = match self {
            Collector::Nothing => Source::Nothing,
            Collector::Memory(bytes, share) => {
                Source::Memory { bytes: Cursor::new(bytes), _share: share }
            }
            Collector::File(mut file, length) => {
                file.rewind()?;
                Source::File(file.take(length))
            }
        };
        Ok(RequestBody { source, trailers: None })
    }
}

/// A file that no name leads to: it never had one, or has it no longer.
fn unnamed_file(folder: &Path) -> io::Result<File> {
    let options = || {
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(0o600);
        options
    };
    #[cfg(target_os = "linux")]
    {
        let flags = nix::fcntl::OFlag::O_TMPFILE.bits();
        let opened = options().custom_flags(flags).open(folder);
        let errno = opened.as_ref().err().and_then(io::Error::raw_os_error).map(Errno::from_raw);
        // What a file system says that cannot do it (open(2)).
        if !matches!(errno, Some(Errno::EOPNOTSUPP | Errno::EISDIR)) {
            return opened;
        }
    }
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("threadbare-{}-{number}", std::process::id()));
        match options().create_new(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            outcome => {
                let file = outcome?;
                std::fs::remove_file(&path)?;
                return Ok(file);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collected(pieces: &[&[u8]], memory: &Arc<Quota>) -> RequestBody {
        let mut collector = Collector::default();
        for piece in pieces {
            collector.push(piece, 10, memory).unwrap();
        }
        collector.finish().unwrap()
    }

    fn is_in_memory(body: &RequestBody) -> bool {
        matches!(body.source, Source::Nothing | Source::Memory { .. })
    }

    #[test]
    fn a_small_body_is_in_memory_and_a_larger_one_in_a_file() {
        let memory = Quota::new(25);
        for (pieces, in_memory) in [
            (&[][..], true),
            (&[&b"0123456789"[..]], true),
            (&[b"01234", b"56789"], true),
            (&[b"0123456789", b"a"], false),
            (&[b"0123456789a", b"b", b"c"], false),
        ] {
            let mut body = collected(pieces, &memory);
            let want = pieces.concat();
            assert_eq!(is_in_memory(&body), in_memory, "{pieces:?}");
            assert_eq!(body.length(), Some(want.len() as u64));
            let mut first = [0];
            let count = body.read(&mut first).unwrap();
            assert_eq!(body.length(), Some((want.len() - count) as u64));
            assert_eq!([&first[..count], &body.read_all(100).unwrap()].concat(), want);
            assert_eq!(body.length(), Some(0));
        }
    }

    #[test]
    fn when_memory_is_used_up_small_ones_go_to_a_file_too() {
        let memory = Quota::new(25);
        let mut held: Vec<_> = (0..3).map(|_| collected(&[b"0123456789"], &memory)).collect();
        assert_eq!(held.iter().filter(|body| is_in_memory(body)).count(), 2);
        assert_eq!(held[2].read_all(10).unwrap(), b"0123456789");
        held.remove(0);
        assert!(is_in_memory(&collected(&[b"0123456789"], &memory)), "its memory is free again");
    }

    #[test]
    fn more_than_is_wanted_is_an_error() {
        let mut body = collected(&[b"01234"], &Quota::new(5));
        assert_eq!(body.read_all(4).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
