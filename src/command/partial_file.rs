//! `-o FILE`, `-O`: a file appears under its name when it is complete; until then its bytes are in
//! another.
//!
//! A body is written to `FILE.part` and renamed once it is complete, so no incomplete file appears
//! under its name. A body that is cut short stays in `FILE.part`, for `-C -`, with the validator of the
//! response beside it in `FILE.part.validator`: see [`resume`](super::resume). A device or a pipe is
//! written to directly. Rejected: two clients that write the same file.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::resume::{AtHand, validator};
use crate::proto::http::headers::Headers;

/// A file that is being written.
#[derive(Debug)]
pub struct PartialFile(Backing);

#[derive(Debug)]
enum Backing {
    /// Not a regular file: nothing is renamed.
    Direct(File),
    Beside {
        file: File,
        part: PathBuf,
        target: PathBuf,
    },
}

impl PartialFile {
    /// Begins a new file.
    ///
    /// # Errors
    /// Those of the file system; [`ErrorKind::WouldBlock`] when another process writes to it.
    pub fn create(target: &Path, head: &Headers) -> io::Result<PartialFile> {
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
        // The target of a symbolic link is replaced, not the link.
        let target = about.as_ref().map_or(Ok(target.to_owned()), |_| target.canonicalize())?;
        let output = PartialFile::open(&target, &beside(&target, ".part"))?;
        if let (Some(about), Backing::Beside { file, .. }) = (about, &output.0) {
            file.set_permissions(about.permissions())?;
        }
        output.begin(head)
    }

    /// Continues after the bytes that are there.
    ///
    /// # Errors
    /// As [`PartialFile::create`]; [`ErrorKind::InvalidData`] when its length has changed.
    pub fn go_on(target: &Path, at_hand: &AtHand) -> io::Result<PartialFile> {
        let part = beside(target, ".part");
        if at_hand.path() != part {
            fs::rename(at_hand.path(), &part)?;
        }
        let mut output = PartialFile::open(target, &part)?;
        if let Backing::Beside { file, .. } = &mut output.0
            && file.seek(SeekFrom::End(0))? != at_hand.rest.from
        {
            return Err(io::Error::new(ErrorKind::InvalidData, "it has grown meanwhile"));
        }
        Ok(output)
    }

    fn open(target: &Path, part: &Path) -> io::Result<PartialFile> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(part)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::new(ErrorKind::WouldBlock, "another client writes to it"));
            }
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
        Ok(PartialFile(Backing::Beside { file, part: part.to_owned(), target: target.to_owned() }))
    }

    fn begin(self, head: &Headers) -> io::Result<PartialFile> {
        if let Backing::Beside { file, part, .. } = &self.0 {
            file.set_len(0)?;
            let beside = beside(part, ".validator");
            match validator(head) {
                Some(validator) => fs::write(beside, validator + "\n")?,
                None => remove(&beside)?,
            }
        }
        Ok(self)
    }

    /// Completes the file: it appears under its name.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn finish(self) -> io::Result<()> {
        match self.0 {
            Backing::Direct(mut file) => file.flush(),
            Backing::Beside { part, target, .. } => {
                fs::rename(&part, &target)?;
                remove(&beside(&part, ".validator"))
            }
        }
    }

    /// Gives up the file. Returns the name of the part that is kept, if any byte was received.
    pub fn give_up(self) -> Option<PathBuf> {
        let Backing::Beside { file, part, .. } = self.0 else { return None };
        if file.metadata().is_ok_and(|about| about.len() > 0) {
            return Some(part);
        }
        let gone = remove(&part).and_then(|()| remove(&beside(&part, ".validator")));
        gone.err().map(|_| part) // what cannot be removed is still there
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

/// Returns the last segment of a URL's path, for `-O`; never a name that leads to another folder.
pub fn remote_name(path: &str) -> Option<&str> {
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    Some(name).filter(|name| !["", ".", ".."].contains(name) && !name.contains(['\\', '\0']))
}

pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
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
