//! A file that is being written, and has no name, or only a temporary one.
//!
//! On Linux it has no name until it is complete (O_TMPFILE), so a process that is killed leaves nothing. A name that
//! is new is then given by linkat(2), which fails if the name exists. Linux has no such call that replaces a file: the
//! new one gets a temporary name and is renamed, so a process that is killed in between, within microseconds, leaves
//! that name. Where files always have names, they have the temporary one from the beginning.
//!
//! A temporary name lies in the root, where the next start removes it; or in the folder of the file if the root cannot
//! be written, or is another mount: there it is removed before the next such use. It is never
//! served or listed. While it is in use the file is locked (flock(2)), which shows other servers that its writer lives.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::{File, Permissions, TryLockError};
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Seek as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Mutex;

use nix::dir::Dir;
use nix::errno::Errno;

use crate::server::files::document_root::DocumentRoot;
use crate::server::files::writable_folder::{NotOpened, WritableFolder};
use crate::sync::lock;

/// What temporary names begin and end with; between them are 16 hexadecimal digits.
const PREFIX: &str = ".threadbare-";
const SUFFIX: &str = ".part";

/// The most folders besides the root that are remembered as tidied.
const REMEMBERED: usize = 1000;

/// Where temporary names are, and what is known of the system.
#[derive(Debug)]
pub(super) struct TemporaryNames {
    root: DocumentRoot,
    /// Whether files without a name can be made, and be given one.
    unnamed: bool,
    /// The folders besides the root in which no abandoned name is left.
    tidied: Mutex<HashSet<(u64, u64)>>,
}

/// A file that is being written. Dropped before it has its name, it is gone.
#[derive(Debug)]
pub(super) struct NewFile {
    file: File,
    length: u64,
    temporary: Option<TemporaryName>,
}

/// A temporary name, which is removed when this is dropped.
#[derive(Debug)]
struct TemporaryName {
    folder: WritableFolder,
    name: OsString,
}

impl Drop for TemporaryName {
    fn drop(&mut self) {
        // It is gone if it was renamed.
        let _ = self.folder.remove(&self.name);
    }
}

impl TemporaryNames {
    /// Removes the temporary names that a killed server has left in the root.
    pub(super) fn new(root: DocumentRoot) -> TemporaryNames {
        let unnamed = Path::new("/proc/self/fd").exists();
        let names = TemporaryNames { root, unnamed, tidied: Mutex::default() };
        if let Ok(root) = names.open(Path::new("")) {
            clear_abandoned(&root);
        }
        names
    }

    /// Opens a folder below the root for a change.
    pub(super) fn open(&self, relative: &Path) -> Result<WritableFolder, NotOpened> {
        WritableFolder::open(&self.root, relative)
    }

    /// Creates a file that can be given a name in this folder.
    pub(super) fn create(&self, folder: &WritableFolder) -> io::Result<NewFile> {
        if self.unnamed {
            match folder.create_unnamed() {
                Err(error) if error.kind() == io::ErrorKind::Unsupported => {}
                outcome => return Ok(NewFile { file: outcome?, length: 0, temporary: None }),
            }
        }
        let device = folder.id()?.0;
        let in_this = |place: &WritableFolder| place.id().is_ok_and(|(other, _)| other == device);
        let (file, temporary) = self.with_temporary_name(folder, |place, name| {
            if !in_this(place) {
                return Err(Errno::EXDEV.into());
            }
            let file = place.create(name)?;
            match file.try_lock() {
                Ok(()) if file.metadata()?.nlink() > 0 => Ok(file),
                // Another server has taken it for an abandoned one before it was locked.
                Ok(()) | Err(TryLockError::WouldBlock) => Err(io::ErrorKind::AlreadyExists.into()),
                // A file system without locks: nothing in it is taken for abandoned.
                Err(TryLockError::Error(_)) => Ok(file),
            }
        })?;
        Ok(NewFile { file, length: 0, temporary: Some(temporary) })
    }

    /// Calls `make` with a place and a new name in it: in the root, or else in `folder`.
    fn with_temporary_name<T>(
        &self,
        folder: &WritableFolder,
        make: impl Fn(&WritableFolder, &OsStr) -> io::Result<T>,
    ) -> io::Result<(T, TemporaryName)> {
        let random = RandomState::new();
        let try_in = |place: WritableFolder| {
            let mut number = 0_u64;
            loop {
                let name =
                    OsString::from(format!("{PREFIX}{:016x}{SUFFIX}", random.hash_one(number)));
                match make(&place, &name) {
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                    outcome => return Ok((outcome?, TemporaryName { folder: place, name })),
                }
            }
        };
        let in_root = match self.open(Path::new("")) {
            Ok(root) => try_in(root),
            Err(NotOpened::Failed(error)) => Err(error),
            Err(_) => Err(io::ErrorKind::NotFound.into()),
        };
        let errno = in_root.as_ref().err().and_then(io::Error::raw_os_error).map(Errno::from_raw);
        match errno {
            Some(Errno::EXDEV | Errno::EACCES | Errno::EPERM | Errno::EROFS) => {
                let place = folder.reopen()?;
                self.tidy(&place)?;
                try_in(place)
            }
            _ => in_root,
        }
    }

    /// Removes what a killed server has left in a folder besides the root, once.
    fn tidy(&self, folder: &WritableFolder) -> io::Result<()> {
        let mut tidied = lock(&self.tidied);
        if tidied.len() < REMEMBERED && tidied.insert(folder.id()?) {
            drop(tidied);
            clear_abandoned(folder);
        }
        Ok(())
    }
}

impl NewFile {
    /// Appends to the file.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Checks that a file of this length has room, if the length is known, before its content is sent. Nothing is
    /// reserved: a client that announces much and sends little must not take the room of others.
    ///
    /// # Errors
    /// `StorageFull`.
    pub(super) fn check_room(&self, length: Option<u64>) -> io::Result<()> {
        let room = nix::sys::statvfs::fstatvfs(&self.file)?;
        let free = u128::from(room.blocks_free()) * u128::from(room.fragment_size());
        // Some file systems do not say how much room they have.
        let is_known = room.blocks() > 0;
        match length {
            Some(length) if is_known && u128::from(length) > free => {
                Err(io::ErrorKind::StorageFull.into())
            }
            _ => Ok(()),
        }
    }

    /// Returns the file.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Returns its length in bytes.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Gives it a name that must not exist.
    ///
    /// # Errors
    /// `AlreadyExists`, and others of the file system; then it may be tried again.
    pub(super) fn publish_new(
        &mut self,
        names: &TemporaryNames,
        folder: &WritableFolder,
        name: &OsStr,
    ) -> io::Result<()> {
        self.publish(names, folder, |file, temporary| match temporary {
            None => folder.link(file, name),
            Some(temporary) => folder.rename_new(&temporary.folder, &temporary.name, name),
        })
    }

    /// Gives it a name, in place of the file that has it. Readers of that one keep it.
    ///
    /// # Errors
    /// Those of the file system; then the old file still has its name.
    pub(super) fn publish_over(
        &mut self,
        old: u32,
        names: &TemporaryNames,
        folder: &WritableFolder,
        name: &OsStr,
    ) -> io::Result<()> {
        // Whom the old one was hidden from, the new one is hidden from as well.
        self.file.set_permissions(Permissions::from_mode(old & 0o777))?;
        self.publish(names, folder, |file, temporary| {
            if let Some(temporary) = temporary {
                return folder.rename(&temporary.folder, &temporary.name, name);
            }
            // Where there are no locks, nothing is taken for abandoned.
            let _ = file.try_lock();
            let link = |place: &WritableFolder, name: &OsStr| place.link(file, name);
            let ((), temporary) = names.with_temporary_name(folder, link)?;
            folder.rename(&temporary.folder, &temporary.name, name)
        })
    }

    /// Gives it a name by `call`. If its folder is on another mount than when it was created, it is copied first.
    fn publish(
        &mut self,
        names: &TemporaryNames,
        folder: &WritableFolder,
        call: impl Fn(&File, Option<&TemporaryName>) -> io::Result<()>,
    ) -> io::Result<()> {
        let outcome = call(&self.file, self.temporary.as_ref());
        let errno = outcome.as_ref().err().and_then(io::Error::raw_os_error).map(Errno::from_raw);
        if errno != Some(Errno::EXDEV) {
            return outcome;
        }
        let metadata = self.file.metadata()?;
        let mut copy = names.create(folder)?;
        self.file.rewind()?;
        copy.length = io::copy(&mut self.file, &mut copy.file)?;
        copy.file.set_permissions(metadata.permissions())?;
        copy.file.set_modified(metadata.modified()?)?;
        copy.file.sync_all()?;
        *self = copy;
        call(&self.file, self.temporary.as_ref())
    }
}

/// Removes the temporary names in a folder whose writers have died: their locks are free.
fn clear_abandoned(folder: &WritableFolder) {
    let listed = folder.to_read().and_then(|fd| Ok(Dir::from_fd(fd)?));
    let mut listed = match listed {
        Ok(listed) => listed,
        Err(error) => return log::debug!("a folder cannot be looked through: {error}"),
    };
    for entry in listed.iter().flatten() {
        let name = entry.file_name().to_bytes();
        if !is_temporary(name) {
            continue;
        }
        let name = OsStr::from_bytes(name);
        // Open, and so locked, until it is removed.
        let removed = match folder.open_file(name).map(|file| file.try_lock().map(|()| file)) {
            Ok(Ok(file)) if file.metadata().is_ok_and(|found| found.is_file()) => {
                folder.remove(name)
            }
            Ok(Err(TryLockError::Error(error))) | Err(error) => Err(error),
            Ok(_) => Ok(()),
        };
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                log::warn!("{} cannot be removed: {error}", name.display());
            }
            _ => {}
        }
    }
}

/// Returns true for the temporary name of a file that is being written.
pub(in crate::server::files) fn is_temporary(name: &[u8]) -> bool {
    name.len() == PREFIX.len() + 16 + SUFFIX.len()
        && name.starts_with(PREFIX.as_bytes())
        && name.ends_with(SUFFIX.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::ErrorKind;

    fn names_in(folder: &Path) -> Vec<OsString> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    }

    /// As on a file system without files that have no names, or without /proc.
    #[test]
    fn a_file_has_its_name_when_it_is_complete_and_no_other_then() {
        for unnamed in [true, false] {
            let path = std::env::temp_dir()
                .join(format!("threadbare-new-file-{}-{unnamed}", std::process::id()));
            fs::create_dir_all(path.join("in")).unwrap();
            let names = TemporaryNames::new(DocumentRoot::new(&path).unwrap());
            let names = TemporaryNames { unnamed, ..names };
            let folder = names.open(Path::new("in")).unwrap();
            let name = OsStr::new("a");
            let written = |text: &str| {
                let mut new = names.create(&folder).unwrap();
                new.write(text.as_bytes()).unwrap();
                new
            };
            drop(written("dropped"));
            let mut new = written("one");
            assert!(!path.join("in/a").exists());
            let hidden =
                names_in(&path).iter().filter(|name| is_temporary(name.as_bytes())).count();
            assert_eq!(hidden == 0, unnamed);
            // Another server that starts leaves it alone.
            drop(TemporaryNames::new(DocumentRoot::new(&path).unwrap()));
            new.publish_new(&names, &folder, name).unwrap();
            drop(new);
            assert_eq!(fs::read_to_string(path.join("in/a")).unwrap(), "one");
            let error = written("two").publish_new(&names, &folder, name).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AlreadyExists);
            written("three").publish_over(0o640, &names, &folder, name).unwrap();
            assert_eq!(fs::read_to_string(path.join("in/a")).unwrap(), "three");
            assert_eq!(fs::metadata(path.join("in/a")).unwrap().mode() & 0o777, 0o640);
            assert_eq!(names_in(&path), ["in"]);
            assert_eq!(names_in(&path.join("in")), ["a"]);
            fs::remove_dir_all(path).unwrap();
        }
    }
}
