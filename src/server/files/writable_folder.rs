//! Changes in one folder below the document root.
//!
//! The folder is opened name by name, each in the one before, and no symbolic link is followed on the way: what
//! is linked into a site can be read, and not be changed. Each change is a system call on one name relative to the
//! open folder (linkat, renameat, unlinkat), and none of them follows a link in that name: whatever is moved or
//! swapped at the same moment, nothing outside of the root is changed.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{self, AT_FDCWD, AtFlags, OFlag};
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, linkat, unlinkat};

use super::document_root::{DocumentRoot, FOLDER};

/// How a name is looked at: neither followed, nor opened for reading.
#[cfg(target_os = "linux")]
const LOOK: OFlag = OFlag::O_PATH.union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);
#[cfg(not(target_os = "linux"))]
const LOOK: OFlag = OFlag::O_NONBLOCK.union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

/// How a new file is opened, beside the way in which it is created.
const NEW: OFlag = OFlag::O_RDWR.union(OFlag::O_CLOEXEC);

/// The mode of a new file, less the umask of the process.
const MODE: Mode = Mode::from_bits_truncate(0o666);

/// An open folder below the document root, or the root itself.
#[derive(Debug)]
pub(super) struct WritableFolder {
    descriptor: OwnedFd,
}

/// Why a folder cannot be opened for a change.
#[derive(Debug)]
pub(super) enum NotOpened {
    /// This name on the way does not exist.
    Missing(PathBuf),
    /// This name on the way is a symbolic link.
    Link(PathBuf),
    /// This name on the way is neither a folder nor a link.
    NotAFolder(PathBuf),
    /// An error of the file system.
    Failed(io::Error),
}

impl WritableFolder {
    /// Opens the folder `relative` below the root; an empty path is the root.
    pub(super) fn open(root: &DocumentRoot, relative: &Path) -> Result<WritableFolder, NotOpened> {
        let mut folder = WritableFolder {
            descriptor: root.open().map_err(NotOpened::Failed)?.into_descriptor(),
        };
        let mut passed = PathBuf::new();
        for name in relative {
            passed.push(name);
            folder = folder.enter(name, &passed)?;
        }
        Ok(folder)
    }

    /// Opens the same folder once more.
    pub(super) fn reopen(&self) -> io::Result<WritableFolder> {
        Ok(WritableFolder { descriptor: self.descriptor.try_clone()? })
    }

    fn enter(&self, name: &OsStr, passed: &Path) -> Result<WritableFolder, NotOpened> {
        let flags = FOLDER | OFlag::O_NOFOLLOW;
        match fcntl::openat(self, name, flags, Mode::empty()) {
            Ok(descriptor) => Ok(WritableFolder { descriptor }),
            Err(Errno::ENOENT) => Err(NotOpened::Missing(passed.to_owned())),
            // A link, or something else.
            Err(Errno::ENOTDIR | Errno::ELOOP) => match self.look(OsStr::new(name)) {
                Ok(Some(found)) if found.is_symlink() => Err(NotOpened::Link(passed.to_owned())),
                _ => Err(NotOpened::NotAFolder(passed.to_owned())),
            },
            Err(error) => Err(NotOpened::Failed(error.into())),
        }
    }

    /// Returns what has this name now, without following it; `None` if nothing has.
    pub(super) fn look(&self, name: &OsStr) -> io::Result<Option<Metadata>> {
        match fcntl::openat(self, name, LOOK, Mode::empty()) {
            Ok(descriptor) => File::from(descriptor).metadata().map(Some),
            Err(Errno::ENOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Creates a file without a name in the file system of this folder (O_TMPFILE, open(2)): whatever becomes of the
    /// process, nothing of it is left until it is [given a name](WritableFolder::link).
    ///
    /// # Errors
    /// `Unsupported` where the system or the file system has no such files.
    #[cfg(target_os = "linux")]
    pub(super) fn create_unnamed(&self) -> io::Result<File> {
        match fcntl::openat(self, ".", NEW | OFlag::O_TMPFILE, MODE) {
            // The errors of a file system that does not support O_TMPFILE (open(2)).
            Err(Errno::EOPNOTSUPP | Errno::EISDIR | Errno::EINVAL) => {
                Err(io::ErrorKind::Unsupported.into())
            }
            outcome => Ok(outcome?.into()),
        }
    }

    /// Not possible here.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn create_unnamed(&self) -> io::Result<File> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Creates a file with this name, which must not exist.
    pub(super) fn create(&self, name: &OsStr) -> io::Result<File> {
        let flags = NEW | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW;
        Ok(fcntl::openat(self, name, flags, MODE)?.into())
    }

    /// Opens the regular file of this name, to be locked.
    pub(super) fn open_file(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        Ok(fcntl::openat(self, name, flags, Mode::empty())?.into())
    }

    /// Gives a name to a file without one. The name must not exist: the system call checks it.
    pub(super) fn link(&self, file: &File, name: &OsStr) -> io::Result<()> {
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        Ok(linkat(AT_FDCWD, path.as_str(), self, name, AtFlags::AT_SYMLINK_FOLLOW)?)
    }

    /// Renames `from`, a name in the folder `of`, to `to` in this one, and replaces what has that name.
    pub(super) fn rename(&self, of: &WritableFolder, from: &OsStr, to: &OsStr) -> io::Result<()> {
        Ok(fcntl::renameat(of, from, self, to)?)
    }

    /// Renames `from`, a name in the folder `of`, to `to` in this one, which must not exist: the system call checks it.
    pub(super) fn rename_new(
        &self,
        of: &WritableFolder,
        from: &OsStr,
        to: &OsStr,
    ) -> io::Result<()> {
        #[cfg(all(target_os = "linux", target_env = "gnu"))]
        match fcntl::renameat2(of, from, self, to, fcntl::RenameFlags::RENAME_NOREPLACE) {
            // Not every file system has it: NFS has links instead.
            Err(Errno::EINVAL | Errno::ENOSYS) => {}
            outcome => return Ok(outcome?),
        }
        linkat(of, from, self, to, AtFlags::empty())?;
        of.remove(from)
    }

    /// Removes a name that is not a folder.
    pub(super) fn remove(&self, name: &OsStr) -> io::Result<()> {
        Ok(unlinkat(self, name, UnlinkatFlags::NoRemoveDir)?)
    }

    /// Removes an empty folder.
    pub(super) fn remove_folder(&self, name: &OsStr) -> io::Result<()> {
        Ok(unlinkat(self, name, UnlinkatFlags::RemoveDir)?)
    }

    /// Returns the device and the inode of the folder.
    pub(super) fn id(&self) -> io::Result<(u64, u64)> {
        let found = nix::sys::stat::fstat(self)?;
        Ok((found.st_dev, found.st_ino))
    }

    /// Returns the folder opened for reading, to be listed or flushed.
    pub(super) fn to_read(&self) -> io::Result<OwnedFd> {
        let flags = OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        Ok(fcntl::openat(self, ".", flags, Mode::empty())?)
    }

    /// Flushes the names of the folder to the disk. That is not possible without the right to read the folder, nor on
    /// every file system: then it is done when the system does it.
    pub(super) fn flush(&self) {
        let flushed = self.to_read().and_then(|folder| Ok(nix::unistd::fsync(folder)?));
        if let Err(error) = flushed {
            log::debug!("a folder cannot be flushed: {error}");
        }
    }
}

impl AsFd for WritableFolder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}
