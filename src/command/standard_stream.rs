//! stdin, stdout and stderr, in three cases in which those of `std` hide a loss.
//!
//! One was closed when the program started (`>&-`): before `main`, Rust opens `/dev/null` in its place, so
//! what is written is lost without an error. Here it is an error (EBADF). One cannot be written (`1<file`):
//! `std` ignores that. One is non-blocking, because another program that shares it made it so (O_NONBLOCK
//! belongs to the open file, fcntl(2)): here the program waits, instead of an error in the midst of the
//! output (EAGAIN).

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::dup2_stderr;

/// A standard stream without a buffer.
#[derive(Debug)]
pub struct StandardStream(File);

/// Returns stdin, which may be able to seek.
///
/// # Errors
/// EBADF if it was closed when the program started.
pub fn stdin() -> io::Result<StandardStream> {
    open(io::stdin().as_fd(), &[&io::stdout(), &io::stderr()])
}

/// Returns stdout.
///
/// # Errors
/// As [`stdin`].
pub fn stdout() -> io::Result<StandardStream> {
    open(io::stdout().as_fd(), &[&io::stdin(), &io::stderr()])
}

/// Returns stderr, even if it was closed: then nothing is read there.
///
/// # Errors
/// If there is no descriptor left.
pub fn stderr() -> io::Result<StandardStream> {
    Ok(StandardStream(io::stderr().as_fd().try_clone_to_owned()?.into()))
}

/// Makes this file, or stdout for `-`, the stderr of the program: for all that is written from now on.
///
/// # Errors
/// Those of the file system.
pub(super) fn redirect_stderr(path: &Path) -> io::Result<()> {
    match path.to_str() {
        Some("-") => dup2_stderr(io::stdout())?,
        _ => dup2_stderr(File::create(path)?)?,
    }
    Ok(())
}

/// Opens a standard stream beside which there are these others.
fn open(stream: BorrowedFd<'_>, others: &[&dyn AsFd]) -> io::Result<StandardStream> {
    let file = File::from(stream.try_clone_to_owned()?);
    let may_be_closed = |fd: BorrowedFd<'_>| {
        let other = fd.try_clone_to_owned().map(File::from);
        other.is_ok_and(|other| may_replace_closed(&other).unwrap_or(false))
    };
    // Other programs that discard output (Python's DEVNULL) open `/dev/null` for both, too: usually not for
    // one stream alone, so beside another one it is meant.
    let was_closed =
        may_replace_closed(&file)? && !others.iter().any(|other| may_be_closed(other.as_fd()));
    if was_closed { Err(Errno::EBADF.into()) } else { Ok(StandardStream(file)) }
}

/// Returns true if Rust may have opened this in place of a closed stream: `/dev/null`, for reading and
/// writing. That of a shell (`</dev/null`, `>/dev/null`) is open for one of them.
fn may_replace_closed(file: &File) -> io::Result<bool> {
    let flags = OFlag::from_bits_retain(fcntl(file, FcntlArg::F_GETFL)?);
    Ok(flags & OFlag::O_ACCMODE == OFlag::O_RDWR && is_dev_null(&file.metadata()?))
}

fn is_dev_null(about: &Metadata) -> bool {
    about.file_type().is_char_device()
        && fs::metadata("/dev/null").is_ok_and(|null| null.rdev() == about.rdev())
}

impl StandardStream {
    /// Returns the file that the stream is.
    pub fn as_file(&self) -> &File {
        &self.0
    }

    /// Repeats this call whenever the stream is ready, until it does not fail with EAGAIN.
    fn when(
        &mut self,
        ready: PollFlags,
        mut call: impl FnMut(&mut File) -> io::Result<usize>,
    ) -> io::Result<usize> {
        loop {
            match call(&mut self.0) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    match poll(&mut [PollFd::new(self.0.as_fd(), ready)], PollTimeout::NONE) {
                        Ok(_) | Err(Errno::EINTR) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
                done => return done,
            }
        }
    }
}

impl Read for StandardStream {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.when(PollFlags::POLLIN, |file| file.read(out))
    }
}

impl Write for StandardStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.when(PollFlags::POLLOUT, |file| file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(()) // nothing is held back here
    }
}

impl Seek for StandardStream {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}
