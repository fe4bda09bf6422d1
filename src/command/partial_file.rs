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
//!
//! With `--no-clobber`, and for a name that the server suggests, no file is replaced. Whether one is there is looked at
//! before the body arrives; in the end the name is claimed by creating it, which fails if another program was faster, and
//! the complete part takes the place of that empty file of our own.

use std::fs::{self, File, FileTimes, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Seek as _, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::part_name::PartName;
use super::resume::{AtHand, validator};
use crate::cli::client::Existing;
use crate::proto::http::headers::Headers;

/// The number of names that `--no-clobber` tries after the first.
const NUMBERS: u8 = 100;

/// A file that is being written.
#[derive(Debug)]
pub struct PartialFile {
    backing: Backing,
    /// The path, as the user wrote it.
    path: PathBuf,
}

#[derive(Debug)]
enum Backing {
    /// It is written under its own name.
    Direct(File),
    /// It is written beside its name, and replaces what is there.
    Beside { file: File, name: PartName, target: PathBuf },
    /// It is written beside its name, and replaces nothing: the names that it may get are this one and those with a
    /// number after it, as [`Existing`] says.
    New { file: File, name: PartName, first: PathBuf, existing: Existing },
}

impl PartialFile {
    /// Begins a new file.
    ///
    /// # Errors
    /// Those of the file system; [`ErrorKind::WouldBlock`] when another process writes to it;
    /// [`ErrorKind::AlreadyExists`] if it is there and is not to be replaced.
    pub fn create(target: &Path, existing: Existing, head: &Headers) -> io::Result<PartialFile> {
        if target.as_os_str().as_bytes().ends_with(b"/") {
            return Err(ErrorKind::IsADirectory.into());
        }
        let backing = match existing {
            Existing::Replace => PartialFile::replacement(target, head),
            Existing::Refuse | Existing::Number => {
                PartialFile::under_free_name(target, existing, head)
            }
        };
        Ok(PartialFile { backing: backing?, path: target.to_owned() })
    }

    /// Begins a file under a name that is free.
    fn under_free_name(first: &Path, existing: Existing, head: &Headers) -> io::Result<Backing> {
        // What is no file, such as /dev/null, loses nothing.
        if let Ok(about) = fs::metadata(first)
            && !about.is_file()
            && !about.is_dir()
            && existing == Existing::Number
        {
            return Ok(Backing::Direct(OpenOptions::new().write(true).open(first)?));
        }
        for target in names(first, existing) {
            if is_taken(&target)? {
                continue;
            }
            match open(&target) {
                // Another client is about to give this name to its file.
                Err(error)
                    if error.kind() == ErrorKind::WouldBlock && existing == Existing::Number =>
                {
                    continue;
                }
                opened => {
                    let (file, name) = opened?;
                    file.set_len(0)?;
                    name.keep_validator(validator(head).as_deref())?;
                    return Ok(Backing::New { file, name, first: first.to_owned(), existing });
                }
            }
        }
        Err(all_taken(existing))
    }

    /// Begins a file that replaces what is there.
    fn replacement(target: &Path, head: &Headers) -> io::Result<Backing> {
        let about = match fs::metadata(target) {
            Ok(about) => Some(about),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        if about.as_ref().is_some_and(|about| !about.is_file()) {
            return Ok(Backing::Direct(OpenOptions::new().write(true).open(target)?));
        }
        if about.as_ref().is_some_and(|about| about.permissions().readonly()) {
            return Err(ErrorKind::PermissionDenied.into());
        }
        let target = resolved(target);
        let (file, name) = match open(&target) {
            Err(error) if about.is_some() && must_stay(&error) => {
                let file = lock(OpenOptions::new().write(true).open(&target)?)?;
                file.set_len(0)?;
                return Ok(Backing::Direct(file));
            }
            opened => opened?,
        };
        if let Some(about) = about {
            file.set_permissions(about.permissions())?;
        }
        file.set_len(0)?;
        name.keep_validator(validator(head).as_deref())?;
        Ok(Backing::Beside { file, name, target })
    }

    /// Continues after the bytes that are there.
    ///
    /// # Errors
    /// As [`PartialFile::create`]; [`ErrorKind::InvalidData`] when its length has changed.
    pub fn go_on(path: &Path, at_hand: &AtHand, head: &Headers) -> io::Result<PartialFile> {
        let target = resolved(path);
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
        let backing = match part {
            Ok(name) => Backing::Beside { file, name, target },
            Err(error) if must_stay(&error) => Backing::Direct(file),
            Err(error) => return Err(error),
        };
        Ok(PartialFile { backing, path: path.to_owned() })
    }

    /// Completes the file, with this time of modification if there is one: it appears under its name, which is
    /// returned.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn finish(mut self, modified: Option<SystemTime>) -> io::Result<PathBuf> {
        self.flush()?;
        if let Some(time) = modified {
            set_time(self.file(), time)?;
        }
        match self.backing {
            Backing::Direct(_) => Ok(self.path),
            Backing::Beside { file, name, target } => {
                replace(&file, &name, &target, modified)?;
                Ok(self.path)
            }
            Backing::New { name, first, existing, .. } => {
                for target in names(&first, existing) {
                    match OpenOptions::new().write(true).create_new(true).open(&target) {
                        Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                        claimed => claimed?,
                    };
                    let renamed = fs::rename(&name.part, &target);
                    renamed.inspect_err(|_| drop(fs::remove_file(&target)))?;
                    name.remove_validator()?;
                    return Ok(target);
                }
                Err(all_taken(existing))
            }
        }
    }

    /// Gives up the file. Returns the name of the part that is kept, if any byte was received.
    pub fn give_up(self) -> Option<PathBuf> {
        let is_begun = self.file().metadata().is_ok_and(|about| about.len() > 0);
        match self.backing {
            Backing::Beside { name, .. } | Backing::New { name, .. } if is_begun => Some(name.part),
            backing => PartialFile { backing, path: self.path }.remove(),
        }
    }

    /// Removes what was written beside the name of the file. Returns the name of what cannot be removed.
    pub fn remove(self) -> Option<PathBuf> {
        match self.backing {
            Backing::Direct(_) => None,
            Backing::Beside { name, .. } | Backing::New { name, .. } => {
                name.remove().is_err().then_some(name.part)
            }
        }
    }

    fn file(&self) -> &File {
        match &self.backing {
            Backing::Direct(file) | Backing::Beside { file, .. } | Backing::New { file, .. } => {
                file
            }
        }
    }
}

impl Write for PartialFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut file = self.file();
        file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(()) // nothing is held back here
    }
}

/// Puts the complete part in the place of a file.
fn replace(
    file: &File,
    name: &PartName,
    target: &Path,
    modified: Option<SystemTime>,
) -> io::Result<()> {
    let before = fs::metadata(target).ok();
    let renamed = match before.as_ref().is_none_or(|it| can_replace(file, it)) {
        true => fs::rename(&name.part, target),
        false => Err(ErrorKind::ResourceBusy.into()),
    };
    match renamed {
        Ok(()) => name.remove_validator(),
        Err(error) if before.is_none() || !must_stay(&error) => Err(error),
        Err(_) => {
            let mut whole = File::open(&name.part)?;
            let mut place = OpenOptions::new().write(true).truncate(true).open(target)?;
            io::copy(&mut whole, &mut place)?;
            if let Some(time) = modified {
                set_time(&place, time)?;
            }
            name.remove()
        }
    }
}

/// Sets the times of a file. A device has none of its own, and that of another user's file cannot be set
/// (utimensat(2): EPERM); its content is right all the same.
fn set_time(file: &File, time: SystemTime) -> io::Result<()> {
    if !file.metadata()?.is_file() {
        return Ok(());
    }
    match file.set_times(FileTimes::new().set_modified(time).set_accessed(time)) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
        set => set,
    }
}

/// Returns the names that a file may get which replaces nothing.
fn names(first: &Path, existing: Existing) -> impl Iterator<Item = PathBuf> {
    let numbers = if existing == Existing::Number { NUMBERS } else { 0 };
    let numbered = |number: u8| {
        let mut name = first.as_os_str().to_owned();
        name.push(format!(".{number}"));
        PathBuf::from(name)
    };
    std::iter::once(first.to_owned()).chain((1..=numbers).map(numbered))
}

/// Returns true if something has this name, be it a link that leads nowhere.
fn is_taken(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn all_taken(existing: Existing) -> io::Error {
    let what = match existing {
        Existing::Number => "it is there, and so are .1 to .100; right: another -o FILE",
        _ => "it is there; right: --clobber to replace it, or --no-clobber for another name",
    };
    io::Error::new(ErrorKind::AlreadyExists, what)
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
