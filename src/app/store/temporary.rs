//! Files that are being written: what is not complete has a temporary name.

use std::fs::{self, File, TryLockError};
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// A file with a temporary name, which is removed when this is dropped, unless it was renamed. While it is
/// open it is locked: that shows other servers that its writer lives.
#[derive(Debug)]
pub(super) struct Temporary {
    /// `None` after it was renamed: the old name may be somebody else's by now.
    path: Option<PathBuf>,
    file: File,
}

impl Temporary {
    /// Creates the file for the new user `id`; the name reserves the id. Returns `None` if a file for it
    /// exists. The caller has the lock of the store, so that no server takes it for an abandoned one.
    pub(super) fn of_new(folder: &Path, id: u64) -> io::Result<Option<Temporary>> {
        if fs::exists(folder.join(super::folder::file_name(id)))? {
            return Ok(None);
        }
        Temporary::create(folder.join(format!(".{id}.tmp")))
    }

    /// Creates a file for a change of the user `id`. Its name is random: process numbers are not unique
    /// when servers in two containers share a folder.
    pub(super) fn of_change(folder: &Path, id: u64) -> io::Result<Temporary> {
        loop {
            let random = RandomState::new().hash_one(id);
            let path = folder.join(format!(".{id}-{random:016x}.tmp"));
            if let Some(temporary) = Temporary::create(path)? {
                return Ok(temporary);
            }
        }
    }

    /// Returns `None` if the name exists, or another server took the file for an abandoned one before it
    /// was locked.
    fn create(path: PathBuf) -> io::Result<Option<Temporary>> {
        let file = match File::create_new(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(None),
            outcome => outcome?,
        };
        match file.try_lock() {
            Ok(()) if file.metadata()?.nlink() > 0 => {
                Ok(Some(Temporary { path: Some(path), file }))
            }
            Ok(()) | Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => {
                let _ = fs::remove_file(&path); // the first error says more
                Err(error)
            }
        }
    }

    /// Writes the content and flushes it to the disk.
    pub(super) fn write(&mut self, content: &[u8]) -> io::Result<()> {
        self.file.write_all(content)?;
        self.file.sync_all()
    }

    /// Gives the file its final name.
    pub(super) fn rename_to(mut self, name: &Path) -> io::Result<()> {
        if let Some(path) = &self.path {
            fs::rename(path, name)?;
        }
        self.path = None;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = fs::remove_file(path);
        }
    }
}

/// Removes the files whose writers have died: their locks are free. The caller has the lock of the store.
pub(super) fn clear_abandoned(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_ours =
            name.to_str().is_some_and(|name| name.starts_with('.') && name.ends_with(".tmp"));
        if !is_ours || !entry.file_type()?.is_file() {
            continue;
        }
        let path = entry.path();
        let removed = match File::open(&path).map(|file| file.try_lock().map(|()| file)) {
            // Open, and so locked, until it is removed.
            Ok(Ok(_locked)) => fs::remove_file(&path),
            Ok(Err(TryLockError::WouldBlock)) => Ok(()),
            Ok(Err(TryLockError::Error(error))) | Err(error) => Err(error),
        };
        if let Err(error) = removed
            && error.kind() != ErrorKind::NotFound
        {
            log::warn!("{} cannot be removed: {error}", path.display());
        }
    }
    Ok(())
}
