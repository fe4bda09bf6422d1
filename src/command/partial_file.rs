//! `-o FILE`, `-O`: a file appears under its name when it is complete; until then its bytes are in
//! another.
//!
//! A body is written to `FILE.part` and renamed once it is complete, so no incomplete file appears
//! under its name. A body that is cut short stays in `FILE.part`, for `-C -`, with the validator of the
//! response beside it: see `part_name`, [`resume`](super::resume).
//!
//! Renaming replaces what `FILE` is. If that would lose something (another owner, other names of the same
//! file) or cannot be done (`FILE` is a mount point), the complete part is copied into `FILE`. In a folder
//! that cannot be written, a `FILE` that is there is written directly; and so is a device or a pipe.
//! Rejected: two clients that write the same file.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Seek as _, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::part_name::PartName;
use super::resume::{AtHand, validator};
use crate::proto::http::headers::Headers;

/// A file that is being written.
#[derive(Debug)]
pub struct PartialFile(Backing);

#[derive(Debug)]
enum Backing {
    /// It is written under its own name.
    Direct(File),
    /// It is written beside its name.
    Beside { file: File, name: PartName, target: PathBuf },
}

impl PartialFile {
    /// Begins a new file.
    ///
    /// # Errors
    /// Those of the file system; [`ErrorKind::WouldBlock`] when another process writes to it.
    pub fn create(target: &Path, head: &Headers) -> io::Result<PartialFile> {
        if target.as_os_str().as_bytes().ends_with(b"/") {
            return Err(ErrorKind::IsADirectory.into());
        }
        let about = match fs::metadata(target) {
            Ok(about) => Some(about),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        if about.as_ref().is_some_and(|about| !about.is_file()) {
            return Ok(PartialFile(Backing::Direct(OpenOptions::new().write(true).open(target)?)));
        }
        if about.as_ref().is_some_and(|about| about.permissions().readonly()) {
            return Err(ErrorKind::PermissionDenied.into());
        }
        let target = resolved(target);
        let (file, name) = match open(&target) {
            Err(error) if about.is_some() && must_stay(&error) => {
                let file = lock(OpenOptions::new().write(true).open(&target)?)?;
                file.set_len(0)?;
                return Ok(PartialFile(Backing::Direct(file)));
            }
            opened => opened?,
        };
        if let Some(about) = about {
            file.set_permissions(about.permissions())?;
        }
        file.set_len(0)?;
        name.keep_validator(validator(head).as_deref())?;
        Ok(PartialFile(Backing::Beside { file, name, target }))
    }

    /// Continues after the bytes that are there.
    ///
    /// # Errors
    /// As [`PartialFile::create`]; [`ErrorKind::InvalidData`] when its length has changed.
    pub fn go_on(target: &Path, at_hand: &AtHand, head: &Headers) -> io::Result<PartialFile> {
        let target = resolved(target);
        let is_part = at_hand.path() != target;
        let (mut file, part) = match is_part {
            true => open(&target).map(|(file, name)| (file, Some(name)))?,
            false => (lock(OpenOptions::new().write(true).open(&target)?)?, None),
        };
        if file.seek(SeekFrom::End(0))? != at_hand.rest.from {
            let changed = "its length has changed meanwhile";
            return Err(io::Error::new(ErrorKind::InvalidData, changed));
        }
        let part = match part {
            Some(name) => Ok(name),
            None => move_aside(&target, head),
        };
        Ok(PartialFile(match part {
            Ok(name) => Backing::Beside { file, name, target },
            Err(error) if must_stay(&error) => Backing::Direct(file),
            Err(error) => return Err(error),
        }))
    }

    /// Completes the file: it appears under its name.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn finish(self) -> io::Result<()> {
        match self.0 {
            Backing::Direct(mut file) => file.flush(),
            Backing::Beside { file, name, target } => {
                let before = fs::metadata(&target).ok();
                let renamed = match before.as_ref().is_none_or(|it| can_replace(&file, it)) {
                    true => fs::rename(&name.part, &target),
                    false => Err(ErrorKind::ResourceBusy.into()),
                };
                match renamed {
                    Ok(()) => name.remove_validator(),
                    Err(error) if before.is_none() || !must_stay(&error) => Err(error),
                    Err(_) => {
                        let mut whole = File::open(&name.part)?;
                        let mut place =
                            OpenOptions::new().write(true).truncate(true).open(&target)?;
                        io::copy(&mut whole, &mut place)?;
                        name.remove()
                    }
                }
            }
        }
    }

    /// Gives up the file. Returns the name of the part that is kept, if any byte was received.
    pub fn give_up(self) -> Option<PathBuf> {
        let Backing::Beside { file, name, .. } = self.0 else { return None };
        if file.metadata().is_ok_and(|about| about.len() > 0) {
            return Some(name.part);
        }
        let gone = name.remove();
        gone.err().map(|_| name.part) // what cannot be removed is still there
    }
}

impl Write for PartialFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Backing::Direct(file) | Backing::Beside { file, .. } => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(()) // nothing is held back here
    }
}

/// Opens the part of this file, which no other client writes to.
fn open(target: &Path) -> io::Result<(File, PartName)> {
    let (name, found) = PartName::of(target)?;
    let file = lock(name.open(&found)?)?;
    // Another client may have renamed it before the lock was free.
    match name.is_of(&file)? {
        true => Ok((file, name)),
        false => Err(in_use()),
    }
}

/// Locks a file against other clients, where the file system has locks.
fn lock(file: File) -> io::Result<File> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(in_use()),
        Err(TryLockError::Error(error)) if error.kind() != ErrorKind::Unsupported => Err(error),
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
    }
}

fn in_use() -> io::Error {
    io::Error::new(ErrorKind::WouldBlock, "another client writes to it")
}

/// Makes the file itself its part, and returns the names of that.
fn move_aside(target: &Path, head: &Headers) -> io::Result<PartName> {
    let (_reserved, name) = open(target)?;
    if let Err(error) = fs::rename(target, &name.part) {
        name.remove()?;
        return Err(error);
    }
    name.keep_validator(validator(head).as_deref())?;
    Ok(name)
}

/// Returns the file that this name leads to, through symbolic links, whether it is there or not: the
/// link is kept, not replaced. A link that leads nowhere in 40 steps (Linux: ELOOP) is no file.
pub(super) fn resolved(path: &Path) -> PathBuf {
    let mut at = path.to_owned();
    for _ in 0..40 {
        match fs::read_link(&at) {
            Ok(to) => at = at.parent().unwrap_or(Path::new("")).join(to),
            Err(_) => break,
        }
    }
    at
}

/// Returns true if the folder takes no new file, or the name is a mount point: the file is then written under
/// its own name.
fn must_stay(error: &io::Error) -> bool {
    use ErrorKind::{PermissionDenied, ReadOnlyFilesystem, ResourceBusy};
    matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem | ResourceBusy)
}

/// Returns true if this part can take the place of a file, and nothing but the content changes: it has
/// the same owner, and the file no other name (a hard link).
fn can_replace(part: &File, before: &fs::Metadata) -> bool {
    part.metadata().is_ok_and(|part| {
        before.nlink() == 1 && (part.uid(), part.gid()) == (before.uid(), before.gid())
    })
}

/// Returns the last segment of a URL's path, for `-O`; never a name that leads to another folder.
pub fn remote_name(path: &str) -> Option<&str> {
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    Some(name).filter(|name| !["", ".", ".."].contains(name) && !name.contains(['\\', '\0']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_urls() {
        for (path, want) in [
            ("/a/b.txt", Some("b.txt")),
            ("/b?x=/y", Some("b")),
            ("/a%2Fb", Some("a%2Fb")),
            ("/", None),
            ("/a/", None),
            ("/..", None),
            ("/.?x", None),
            ("/a\\b", None),
        ] {
            assert_eq!(remote_name(path), want, "{path}");
        }
    }
}
