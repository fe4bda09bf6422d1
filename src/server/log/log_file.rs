//! A log file that is opened anew when it was renamed or removed, as logrotate(8) does.
//!
//! Before each write, the file that the path names is compared with the open one (one stat(2), by the thread that
//! writes, at most 200 times a second). So no signal is needed, and a line that is logged after the file was renamed is
//! never written to the old one. A file that was truncated (`copytruncate`) goes on at its new end, because it is
//! open for appending.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// How long a missing file is waited for before it is created: logrotate(8) renames the file, then creates a new one
/// with an owner and permissions of its own, and takes a file that is there by then away.
const GAP: Duration = Duration::from_millis(50);

/// A file to which lines are appended.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    file: File,
    identity: Identity,
    /// Whether the last try to open it anew has failed, and that has been logged.
    is_stale: bool,
}

/// What tells two files apart: the numbers of the device and of the inode.
type Identity = (u64, u64);

impl LogFile {
    /// Opens a file for appending, and creates it if it does not exist.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(super) fn open(path: &Path) -> io::Result<LogFile> {
        let (file, identity) = open(path)?;
        Ok(LogFile { path: path.to_owned(), file, identity, is_stale: false })
    }

    /// Opens the file anew if its path names another one by now, or none. Goes on with the open one if that fails.
    fn follow_path(&mut self) {
        if self.is_current() {
            return;
        }
        match open(&self.path) {
            Ok((file, identity)) => {
                if self.is_stale {
                    log::warn!("the log {} is open again", self.path.display());
                }
                (self.file, self.identity, self.is_stale) = (file, identity, false);
            }
            Err(error) if !self.is_stale => {
                let path = self.path.display();
                log::warn!(
                    "the log {path} was renamed or removed, and cannot be opened: {error}; lines go to \
                     the old file until it can"
                );
                self.is_stale = true;
            }
            Err(_) => {}
        }
    }

    /// Returns true if the path names the open file. A path that names none is looked at twice.
    fn is_current(&self) -> bool {
        let mut found = fs::metadata(&self.path);
        let is_missing = |error: &io::Error| error.kind() == ErrorKind::NotFound;
        if !self.is_stale && found.as_ref().is_err_and(is_missing) {
            thread::sleep(GAP);
            found = fs::metadata(&self.path);
        }
        found.is_ok_and(|found| identity(&found) == self.identity)
    }
}

impl Write for LogFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.follow_path();
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<(File, Identity)> {
    let file = File::options().append(true).create(true).open(path)?;
    let identity = identity(&file.metadata()?);
    Ok((file, identity))
}

fn identity(found: &Metadata) -> Identity {
    (found.dev(), found.ino())
}
