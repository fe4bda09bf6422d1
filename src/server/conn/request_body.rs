//! The body of a request: collected until it is complete, or streamed to its handler as it arrives.
//!
//! A small body is kept in memory while the memory for all bodies lasts; any other in a temporary file
//! without a name, which the kernel removes when it is closed, even after kill -9. A handler that has a
//! [receiver](BodyReceiver) of its own gets it piece by piece.

use std::any::Any;
use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Cursor, Read, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

#[cfg(target_os = "linux")]
use nix::errno::Errno;

use super::streamed_body::BodyHandle;
use crate::proto::http::headers::Headers;
use crate::server::body_receiver::BodyReceiver;
use crate::server::quota::{Quota, Share};
use crate::server::respond::error_response::ErrorResponse;

/// The body of a request, without its transfer coding: a [reader](Read), read once from front to back.
///
/// A short body is in memory, a longer one in a file without a name; a [streamed](crate::server::Streaming) one
/// is still arriving, and reading waits for the client. [`Request`](crate::server::Request) has methods that read
/// it as text, bytes, JSON or a form. Its default is empty, so that it can be taken out of its request:
///
/// ```
/// use threadbare::server::{Request, Response};
///
/// fn echo(request: &mut Request) -> Response {
///     Response::stream(std::mem::take(&mut request.body))
/// }
/// ```
#[derive(Default)]
pub struct RequestBody {
    source: Source,
    /// Few bodies have trailers.
    trailers: Option<Box<Headers>>,
}

#[derive(Default)]
enum Source {
    /// No body, as most requests.
    #[default]
    Nothing,
    /// The share is given back with the memory.
    Memory {
        bytes: Cursor<Vec<u8>>,
        _share: Share,
    },
    /// The shares are given back when it is closed.
    File {
        file: io::Take<File>,
        _shares: FileShares,
    },
    /// The handler's own receiver has it all.
    Received {
        receiver: Box<dyn BodyReceiver>,
        _descriptor: Share,
    },
    Stream(BodyHandle),
}

impl RequestBody {
    /// Returns how many bytes are left to be read; `None` for a [streamed](crate::server::Handler::streams)
    /// body that arrives in chunks.
    pub fn length(&self) -> Option<u64> {
        match &self.source {
            Source::Nothing | Source::Received { .. } => Some(0),
            Source::Memory { bytes, .. } => {
                Some((bytes.get_ref().len() as u64).saturating_sub(bytes.position()))
            }
            Source::File { file, .. } => Some(file.limit()),
            Source::Stream(handle) => handle.length(),
        }
    }

    /// Reads all that is left into memory; for small bodies.
    ///
    /// # Errors
    /// When there are more than `most` bytes ([`io::ErrorKind::FileTooLarge`]), and those of reading.
    pub fn read_all(&mut self, most: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > most { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes) }
    }

    /// Returns the fields that followed a chunked body (RFC 9110, 6.5); they are never among those of the
    /// head. A [streamed](crate::server::Handler::streams) body has them once it has been read to its end.
    pub fn trailers(&self) -> Headers {
        match &self.source {
            Source::Stream(handle) => handle.trailers(),
            _ => self.trailers.as_deref().cloned().unwrap_or_default(),
        }
    }

    /// Returns the [receiver](crate::server::Handler::receiver) that has taken the body; `None` if the handler has made
    /// none, or one of another type, and then the body can be read.
    pub fn take_receiver<R: BodyReceiver>(&mut self) -> Option<Box<R>> {
        match std::mem::take(&mut self.source) {
            Source::Received { receiver, .. } => (receiver as Box<dyn Any>).downcast().ok(),
            other => {
                self.source = other;
                None
            }
        }
    }

    pub(crate) fn with_trailers(self, trailers: Option<&Headers>) -> RequestBody {
        let trailers = trailers.filter(|fields| !fields.is_empty()).cloned().map(Box::new);
        RequestBody { trailers, ..self }
    }

    pub(crate) fn streamed(handle: BodyHandle) -> RequestBody {
        RequestBody { source: Source::Stream(handle), trailers: None }
    }
}

impl Read for RequestBody {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match &mut self.source {
            Source::Nothing | Source::Received { .. } => Ok(0),
            Source::Memory { bytes, .. } => bytes.read(room),
            Source::File { file, .. } => file.read(room),
            Source::Stream(handle) => handle.read(room),
        }
    }
}

/// Shows the length, not the content.
impl std::fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.length() {
            Some(length) => write!(f, "RequestBody({length} bytes)"),
            None => f.write_str("RequestBody(length unknown)"),
        }
    }
}

/// The limits for the bodies of all requests together, and for each of them.
#[derive(Debug)]
pub(crate) struct BodyRoom {
    /// The most bytes of one body that are kept in memory.
    pub(crate) memory_of_one: u64,
    /// Memory for all, in bytes.
    pub(crate) memory: Arc<Quota>,
    /// Disk for all, in bytes.
    pub(crate) disk: Arc<Quota>,
    /// Descriptors for temporary files, and for the files that responses hold.
    pub(crate) files: Arc<Quota>,
}

/// Why a body cannot be kept.
#[derive(Debug)]
pub(crate) enum StorageError {
    /// The limit of open files is reached.
    NoDescriptor,
    /// The limit of disk space for all bodies is reached.
    NoDisk,
    /// The temporary file cannot be created or written.
    Failed(io::Error),
    /// The handler's own receiver does not take it.
    Refused(Box<ErrorResponse>),
}

impl From<io::Error> for StorageError {
    fn from(error: io::Error) -> StorageError {
        StorageError::Failed(error)
    }
}

/// The shares of descriptors and disk space that a body in a temporary file holds.
#[derive(Debug)]
pub(crate) struct FileShares {
    _descriptor: Share,
    disk: Share,
}

/// A body that is being collected.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    kept: Kept,
    /// The descriptor for its file, if the length says from the beginning that one is needed.
    descriptor: Option<Share>,
}

/// Where a body is kept.
#[derive(Debug, Default)]
enum Kept {
    #[default]
    Nothing,
    Memory(Vec<u8>, Share),
    File(File, u64, FileShares),
    Received(Box<dyn BodyReceiver>, Share),
}

impl Collector {
    /// Begins to collect a body of this length, if it is known, with the handler's own receiver, if it has one. One
    /// that will not be kept in memory gets its descriptor now, so that a client is rejected before it sends the body.
    ///
    /// # Errors
    /// When no descriptor is left, or not enough room on the disk.
    pub(crate) fn begin(
        length: Option<u64>,
        receiver: Option<Box<dyn BodyReceiver>>,
        room: &BodyRoom,
    ) -> Result<Collector, StorageError> {
        if let Some(receiver) = receiver {
            // It has a file open, most probably.
            let descriptor = room.files.take(1).ok_or(StorageError::NoDescriptor)?;
            return Ok(Collector { kept: Kept::Received(receiver, descriptor), descriptor: None });
        }
        let Some(length) = length.filter(|&length| length > room.memory_of_one) else {
            return Ok(Collector::default());
        };
        if !room.disk.has_room_for(length) {
            return Err(StorageError::NoDisk);
        }
        let descriptor = room.files.take(1).ok_or(StorageError::NoDescriptor)?;
        Ok(Collector { kept: Kept::Nothing, descriptor: Some(descriptor) })
    }

    /// Keeps more of the body: in memory while there is room, else in a file.
    ///
    /// # Errors
    /// When no descriptor or no room on the disk is left; errors of creating and writing the file.
    pub(crate) fn push(&mut self, data: &[u8], room: &BodyRoom) -> Result<(), StorageError> {
        let more = data.len() as u64;
        if let Kept::Nothing = self.kept {
            self.kept = Kept::Memory(Vec::new(), room.memory.share());
        }
        match &mut self.kept {
            Kept::Memory(bytes, share) => {
                if bytes.len() as u64 + more <= room.memory_of_one && share.grow(more) {
                    bytes.extend_from_slice(data);
                    return Ok(());
                }
                let length = bytes.len() as u64 + more;
                let shares = file_shares(self.descriptor.take(), length, room)?;
                let mut file = unnamed_file(&std::env::temp_dir())?;
                file.write_all(bytes)?;
                file.write_all(data)?;
                self.kept = Kept::File(file, length, shares);
            }
            Kept::File(file, length, shares) => {
                if !shares.disk.grow(more) {
                    return Err(StorageError::NoDisk);
                }
                file.write_all(data)?;
                *length += more;
            }
            Kept::Received(receiver, _) => {
                receiver.receive(data).map_err(|error| StorageError::Refused(Box::new(error)))?;
            }
            Kept::Nothing => {}
        }
        Ok(())
    }

    /// Returns the complete body, to be read from its beginning.
    ///
    /// # Errors
    /// Those of seeking in the file.
    pub(crate) fn finish(self) -> io::Result<RequestBody> {
        let source = match self.kept {
            Kept::Nothing => Source::Nothing,
            Kept::Memory(bytes, share) => {
                Source::Memory { bytes: Cursor::new(bytes), _share: share }
            }
            Kept::File(mut file, length, shares) => {
                file.rewind()?;
                Source::File { file: file.take(length), _shares: shares }
            }
            Kept::Received(receiver, descriptor) => {
                Source::Received { receiver, _descriptor: descriptor }
            }
        };
        Ok(RequestBody { source, trailers: None })
    }
}

/// Takes the shares that a file of this length needs; `descriptor` is its descriptor if it has one.
fn file_shares(
    descriptor: Option<Share>,
    length: u64,
    room: &BodyRoom,
) -> Result<FileShares, StorageError> {
    let descriptor = descriptor.or_else(|| room.files.take(1)).ok_or(StorageError::NoDescriptor)?;
    let disk = room.disk.take(length).ok_or(StorageError::NoDisk)?;
    Ok(FileShares { _descriptor: descriptor, disk })
}

/// Creates a file without a name (O_TMPFILE, open(2)), or removes its name.
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
        // The errors of a file system that does not support O_TMPFILE (open(2)).
        if !matches!(errno, Some(Errno::EOPNOTSUPP | Errno::EISDIR)) {
            return opened;
        }
    }
    loop {
        // Random: process numbers are not unique when two containers share the folder.
        let random = RandomState::new().hash_one(folder);
        let path = folder.join(format!("threadbare-{random:016x}"));
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

    /// Limits of bytes in memory, bytes on the disk, and files.
    fn room(memory: u64, disk: u64, files: u64) -> BodyRoom {
        let [memory, disk, files] = [memory, disk, files].map(Quota::new);
        BodyRoom { memory_of_one: 10, memory, disk, files }
    }

    fn try_collect(pieces: &[&[u8]], room: &BodyRoom) -> Result<RequestBody, StorageError> {
        let mut collector = Collector::default();
        for piece in pieces {
            collector.push(piece, room)?;
        }
        Ok(collector.finish()?)
    }

    fn collected(pieces: &[&[u8]], room: &BodyRoom) -> RequestBody {
        try_collect(pieces, room).unwrap()
    }

    fn is_in_memory(body: &RequestBody) -> bool {
        matches!(body.source, Source::Nothing | Source::Memory { .. })
    }

    #[test]
    fn a_small_body_is_in_memory_and_a_larger_one_in_a_file() {
        let room = room(25, 100, 1);
        for (pieces, in_memory) in [
            (&[][..], true),
            (&[&b"0123456789"[..]], true),
            (&[b"01234", b"56789"], true),
            (&[b"0123456789", b"a"], false),
            (&[b"0123456789a", b"b", b"c"], false),
        ] {
            let mut body = collected(pieces, &room);
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
        let room = room(25, 100, 1);
        let mut held: Vec<_> = (0..3).map(|_| collected(&[b"0123456789"], &room)).collect();
        assert_eq!(held.iter().filter(|body| is_in_memory(body)).count(), 2);
        assert_eq!(held[2].read_all(10).unwrap(), b"0123456789");
        held.remove(0);
        assert!(is_in_memory(&collected(&[b"0123456789"], &room)), "its memory is free again");
    }

    #[test]
    fn files_have_their_number_and_their_room_on_the_disk() {
        let no_disk = |outcome| matches!(outcome, Err(StorageError::NoDisk));
        let no_descriptor = |outcome| matches!(outcome, Err(StorageError::NoDescriptor));
        let room = room(100, 50, 2);
        let first = collected(&[&[b'x'; 20]], &room);
        assert!(no_disk(try_collect(&[&[b'x'; 20], &[b'x'; 11]], &room)), "30 bytes are left");
        let second = collected(&[&[b'x'; 20], &[b'x'; 10]], &room);
        assert!(no_descriptor(try_collect(&[&[b'x'; 11]], &room)));
        assert!(is_in_memory(&collected(&[b"0123456789"], &room)), "a small one needs neither");
        drop((first, second));
        collected(&[&[b'x'; 50]], &room);
    }

    #[test]
    fn a_body_whose_length_is_known_is_refused_before_it_comes() {
        let room = room(100, 50, 1);
        let begin = |length| Collector::begin(length, None, &room);
        let held = begin(Some(11)).unwrap();
        assert!(matches!(begin(Some(11)), Err(StorageError::NoDescriptor)));
        assert!(matches!(begin(Some(51)), Err(StorageError::NoDisk)));
        assert!(begin(Some(10)).is_ok() && begin(None).is_ok());
        drop(held);
        let mut again = begin(Some(50)).unwrap();
        again.push(&[b'x'; 50], &room).unwrap();
        assert_eq!(again.finish().unwrap().length(), Some(50), "it uses the one that it has");
    }

    #[test]
    fn more_than_is_wanted_is_an_error() {
        let mut body = collected(&[b"01234"], &room(5, 0, 0));
        assert_eq!(body.read_all(4).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
