//! A folder as a tar archive, made while it is sent.
//!
//! The walk is lazy: of each folder on the way down only the [names](Entries) are kept, and nothing is open between
//! two pieces, so that a client that reads slowly holds no descriptor. A file that is larger than a piece is opened
//! anew for each; when it has been removed or replaced, or has shrunk, the response is broken off, as the header that
//! announced it has been sent. Of one that has grown, as many bytes are sent as were announced.
//!
//! What is not listed is not in the archive; nor is what the server may not read, which the log is told of. A
//! symbolic link is in it as a link if it leads to a place in the archive. A link to a file elsewhere in the document
//! root is in it as that file; one to a folder elsewhere is left out, as it may lead back to where it came from.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::entries::{Entries, Kind, ListedFolder};
use super::tar::{self, end, header, padding};
use crate::server::files::document_root::{DocumentRoot, is_absent};
use crate::server::files::path::{Dotfiles, is_served};
use crate::server::quota::Quota;
use crate::text::escape_bytes;

/// A tar archive of a folder, as a reader.
#[derive(Debug)]
pub struct Archive {
    root: Arc<DocumentRoot>,
    memory: Arc<Quota>,
    /// How many names the path of the folder has that is archived.
    depth: usize,
    /// The name that it has in the archive.
    name: OsString,
    /// The folders that are being walked, each in the one before it.
    levels: Vec<Level>,
    file: Option<SentFile>,
    /// Bytes that are to be sent before anything else.
    ready: VecDeque<u8>,
    /// Why the archive breaks off after the bytes that were read last.
    broken: Option<io::Error>,
    is_complete: bool,
}

/// A folder that is being walked.
#[derive(Debug)]
struct Level {
    /// Below the document root.
    path: PathBuf,
    entries: Entries,
    next: usize,
}

/// A file whose header has been sent.
#[derive(Debug)]
struct SentFile {
    path: PathBuf,
    /// `None` between two pieces.
    open: Option<File>,
    /// Device and inode.
    identity: (u64, u64),
    at: u64,
    size: u64,
}

impl Archive {
    /// Begins the archive of the folder at `path`, which gets this name in it.
    ///
    /// # Errors
    /// Those of [`ListedFolder::open`] and [`ListedFolder::entries`].
    pub(crate) fn new(
        root: Arc<DocumentRoot>,
        memory: Arc<Quota>,
        path: &Path,
        name: OsString,
    ) -> io::Result<Archive> {
        let mut archive = Archive {
            root,
            memory,
            depth: path.iter().count(),
            name,
            levels: Vec::new(),
            file: None,
            ready: VecDeque::new(),
            broken: None,
            is_complete: false,
        };
        archive.enter(path)?;
        Ok(archive)
    }

    /// Puts the header of a folder into the archive, and goes on with what is in it.
    fn enter(&mut self, path: &Path) -> io::Result<()> {
        let root = Arc::clone(&self.root);
        let folder = ListedFolder::open(root.open()?, path)?;
        let entries = folder.sorted_by_name(&self.memory)?;
        self.add(path, tar::Kind::Folder, folder.modified()?);
        self.levels.push(Level { path: path.to_owned(), entries, next: 0 });
        Ok(())
    }

    /// Adds the next entry of the walk.
    fn advance(&mut self) -> io::Result<()> {
        let Some(level) = self.levels.last_mut() else {
            end_of(&mut self.ready);
            self.is_complete = true;
            return Ok(());
        };
        let Some(entry) = level.entries.get(level.next) else {
            self.levels.pop();
            return Ok(());
        };
        let (name, kind, is_link) = (entry.name.to_owned(), entry.kind, entry.is_link);
        level.next += 1;
        let path = level.path.join(&name);
        let added = match (is_link, kind) {
            (true, kind) => self.add_link(&path, &name, kind),
            (false, Kind::Folder) => self.enter(&path),
            (false, Kind::File) => self.add_file(path.clone()),
        };
        match added {
            // It was removed, or is not ours to read.
            Err(error) if is_absent(&error) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                let path = escape_bytes(path.as_os_str().as_encoded_bytes());
                log::warn!("{path}: {error}; it is not in the archive; check its owner and mode");
                Ok(())
            }
            outcome => outcome,
        }
    }

    fn add_file(&mut self, path: PathBuf) -> io::Result<()> {
        let (file, metadata) = self.root.open()?.open_quietly(&path)?;
        if !metadata.is_file() {
            return Ok(()); // it has become something else
        }
        let (size, is_executable) = (metadata.len(), metadata.mode() & 0o111 != 0);
        self.add(&path, tar::Kind::File { size, is_executable }, metadata.mtime());
        let identity = identity(&metadata);
        self.file = Some(SentFile { path, open: Some(file), identity, at: 0, size });
        Ok(())
    }

    fn add_link(&mut self, path: &Path, name: &OsStr, kind: Kind) -> io::Result<()> {
        let parent = path.parent().unwrap_or(Path::new(""));
        let root = Arc::clone(&self.root);
        let folder = ListedFolder::open(root.open()?, parent)?;
        let (target, modified) = folder.link(name)?;
        if stays_within(&target, parent, self.depth, self.root.dotfiles) {
            let target = tar::Kind::Link(target.as_os_str().as_bytes());
            self.add(path, target, modified);
            return Ok(());
        }
        match kind {
            Kind::File => self.add_file(path.to_owned()),
            Kind::Folder => Ok(()),
        }
    }

    /// Puts a header into the archive.
    fn add(&mut self, path: &Path, kind: tar::Kind<'_>, modified: i64) {
        let below: PathBuf = path.iter().skip(self.depth).collect();
        let mut name = self.name.as_bytes().to_vec();
        if !below.as_os_str().is_empty() {
            name.push(b'/');
            name.extend_from_slice(below.as_os_str().as_bytes());
        }
        let mut bytes = Vec::new();
        header(&tar::Entry { path: &name, kind, modified }, &mut bytes);
        self.ready.extend(bytes);
    }

    /// Reads what comes next: at most as much as there is room for, and 0 at the end alone.
    fn step(&mut self, room: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.ready.is_empty() {
                return self.ready.read(room);
            }
            let Some(file) = &mut self.file else {
                if self.is_complete {
                    return Ok(0);
                }
                self.advance()?;
                continue;
            };
            if file.at < file.size {
                return file.read(&self.root, room);
            }
            self.ready.resize(padding(file.size), 0);
            self.file = None;
        }
    }
}

impl Read for Archive {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if let Some(error) = self.broken.take() {
            return Err(error);
        }
        let mut count = 0;
        while let Some(rest) = room.get_mut(count..).filter(|rest| !rest.is_empty()) {
            match self.step(rest) {
                Ok(0) => break,
                Ok(more) => count += more,
                Err(error) if count == 0 => return Err(error),
                Err(error) => {
                    self.broken = Some(error);
                    break;
                }
            }
        }
        if let Some(file) = &mut self.file {
            file.open = None;
        }
        Ok(count)
    }
}

impl SentFile {
    fn read(&mut self, root: &DocumentRoot, room: &mut [u8]) -> io::Result<usize> {
        let file = match self.open.take() {
            Some(file) => file,
            None => self.reopen(root)?,
        };
        let left = usize::try_from(self.size - self.at).unwrap_or(usize::MAX);
        let most = room.len().min(left);
        match file.read_at(room.get_mut(..most).unwrap_or_default(), self.at)? {
            0 => Err(self.changed("became shorter")),
            count => {
                self.at += count as u64;
                self.open = Some(file);
                Ok(count)
            }
        }
    }

    fn reopen(&self, root: &DocumentRoot) -> io::Result<File> {
        match root.open()?.open_quietly(&self.path) {
            Ok((file, metadata)) if identity(&metadata) == self.identity => Ok(file),
            Ok(_) => Err(self.changed("was replaced")),
            Err(error) if is_absent(&error) => Err(self.changed("was removed")),
            Err(error) => Err(error),
        }
    }

    fn changed(&self, how: &str) -> io::Error {
        let path = escape_bytes(self.path.as_os_str().as_encoded_bytes());
        io::Error::other(format!("{path} {how} while an archive with it was sent"))
    }
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

fn end_of(ready: &mut VecDeque<u8>) {
    let mut bytes = Vec::new();
    end(&mut bytes);
    ready.extend(bytes);
}

/// Returns true if the target of a link in `folder` is a place in the archive of the folder that has the first `depth`
/// names of it, also on the machine where the archive is unpacked. Steps up are right at its start only: behind
/// another name, which may be a link itself, nothing is known of where they lead.
fn stays_within(target: &Path, folder: &Path, depth: usize, dotfiles: Dotfiles) -> bool {
    let mut ups = folder.iter().count() - depth;
    let mut is_down = false;
    for part in target.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if is_down || ups == 0 => return false,
            Component::ParentDir => ups -= 1,
            // At the top of the document root other names are served than below it.
            Component::Normal(name) if !is_served(false, name.as_bytes(), dotfiles) => {
                return false;
            }
            Component::Normal(_) => is_down = true,
            Component::RootDir | Component::Prefix(_) => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_stay_in_the_archive() {
        for (target, folder, depth, want) in [
            ("b", "", 0, true),
            ("./b/c", "", 0, true),
            ("..", "", 0, false),
            ("../x", "a", 0, true),
            ("../x", "a", 1, false),
            ("../../x", "a/b", 0, true),
            ("../../x", "a/b", 1, false),
            ("b/../c", "a", 0, false),
            ("/etc/passwd", "a", 0, false),
            (".hidden", "a", 0, false),
            ("b/.git/config", "a", 0, false),
            (".", "a", 1, true),
        ] {
            assert_eq!(
                stays_within(target.as_ref(), folder.as_ref(), depth, Dotfiles::Hide),
                want,
                "{target} in {folder}, {depth}"
            );
        }
    }
}
