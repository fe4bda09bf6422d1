//! What is in a folder, in the order in which it is shown.
//!
//! Only names and kinds are kept: a folder of 100,000 files takes 4 MB. Sizes and times are looked up when they are
//! shown, or when the order depends on them. Left out are names that
//! are [not served](is_served), links that lead out of the document root or to nothing, and what is neither a file
//! nor a folder.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::dir::{Dir, Type};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, readlinkat};
use nix::sys::stat::{SFlag, fstatat};

use super::order::{Direction, Key, Order, by_name};
use crate::server::files::document_root::Folder;
use crate::server::files::path::is_served;
use crate::server::quota::{Quota, Share};

/// What an entry takes in memory besides its name.
const ENTRY: u64 = size_of::<Entry>() as u64;

/// What an entry is, or what it leads to if it is a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A folder.
    Folder,
    /// A regular file.
    File,
}

/// Names and kinds of what is in a folder.
#[derive(Debug)]
pub struct Entries {
    /// The names, one behind the other.
    names: Vec<u8>,
    entries: Vec<Entry>,
    /// Its part of the memory of all listings.
    memory: Share,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    /// Where its name begins.
    at: u32,
    /// How long its name is; at most 255 on Linux (`NAME_MAX`).
    length: u16,
    kind: Kind,
    is_link: bool,
    /// What it is sorted by, before its name.
    rank: i64,
}

/// An entry, as it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named<'a> {
    /// Its name.
    pub name: &'a OsStr,
    /// What it is, or leads to.
    pub kind: Kind,
    /// Whether it is a symbolic link.
    pub is_link: bool,
}

/// Size and time of modification of a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Bytes.
    pub size: u64,
    /// Seconds since 1970.
    pub modified: i64,
}

/// A folder that is being listed.
#[derive(Debug)]
pub struct ListedFolder<'f> {
    /// The document root.
    root: Folder<'f>,
    /// The folder, relative to it; empty for the root itself.
    path: &'f Path,
    /// The folder, open for reading.
    file: File,
}

impl<'f> ListedFolder<'f> {
    /// Opens the folder at `path` below `root`.
    ///
    /// # Errors
    /// As [`Folder::open_file`]; also when it is not a folder.
    pub fn open(root: Folder<'f>, path: &'f Path) -> io::Result<ListedFolder<'f>> {
        let name = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let (file, metadata) = root.open_quietly(name)?;
        if !metadata.is_dir() {
            return Err(Errno::ENOTDIR.into());
        }
        Ok(ListedFolder { root, path, file })
    }

    /// Reads what is in it, in no order.
    ///
    /// # Errors
    /// When it cannot be read; `OutOfMemory` when the listings that are being sent leave too little of `memory`.
    pub(crate) fn entries(&self, memory: &Arc<Quota>) -> io::Result<Entries> {
        let mut all = Entries::empty(memory);
        let mut folder = Dir::from_fd(self.file.try_clone()?.into())?;
        for found in folder.iter() {
            let found = found?;
            let name = found.file_name().to_bytes();
            if !is_served(self.path.as_os_str().is_empty(), name, self.root.dotfiles()) {
                continue;
            }
            if let Some((kind, is_link)) = self.kind(OsStr::from_bytes(name), found.file_type()) {
                all.push(name, kind, is_link)?;
            }
        }
        Ok(all)
    }

    /// Reads what is in it, sorted by name.
    ///
    /// # Errors
    /// As [`ListedFolder::entries`].
    pub(crate) fn sorted_by_name(&self, memory: &Arc<Quota>) -> io::Result<Entries> {
        let mut entries = self.entries(memory)?;
        entries.sort(Order { key: Key::Name, direction: Direction::Ascending }, self);
        Ok(entries)
    }

    /// Returns what a link in it says, and when that was last modified.
    ///
    /// # Errors
    /// When it is no link, or gone.
    pub fn link(&self, name: &OsStr) -> io::Result<(PathBuf, i64)> {
        let stat = fstatat(&self.file, name, AtFlags::AT_SYMLINK_NOFOLLOW)?;
        Ok((readlinkat(&self.file, name)?.into(), stat.st_mtime))
    }

    /// Returns when it was last modified, in seconds since 1970.
    ///
    /// # Errors
    /// Those of fstat(2).
    pub fn modified(&self) -> io::Result<i64> {
        Ok(self.file.metadata()?.mtime())
    }

    /// Returns what an entry is, and whether it is a link; `None` for what is not shown. Not every file system
    /// tells the type together with the name.
    fn kind(&self, name: &OsStr, told: Option<Type>) -> Option<(Kind, bool)> {
        match told {
            Some(Type::Directory) => Some((Kind::Folder, false)),
            Some(Type::File) => Some((Kind::File, false)),
            Some(Type::Symlink) => Some((kind_of(&self.target(name).ok()?)?, true)),
            Some(_) => None,
            None => {
                let stat = fstatat(&self.file, name, AtFlags::AT_SYMLINK_NOFOLLOW).ok()?;
                let told = match SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT {
                    SFlag::S_IFDIR => Type::Directory,
                    SFlag::S_IFREG => Type::File,
                    SFlag::S_IFLNK => Type::Symlink,
                    _ => return None,
                };
                self.kind(name, Some(told))
            }
        }
    }

    /// Returns the metadata of what a link leads to.
    fn target(&self, name: &OsStr) -> io::Result<Metadata> {
        Ok(self.root.open_quietly(&self.path.join(name))?.1)
    }

    /// Returns size and time of an entry as it is now; `None` if it is gone, or has become something else.
    pub fn facts(&self, entry: &Named<'_>) -> Option<Facts> {
        if entry.is_link {
            let target = self.target(entry.name).ok()?;
            let facts = Facts { size: target.len(), modified: target.mtime() };
            return (kind_of(&target)? == entry.kind).then_some(facts);
        }
        let stat = fstatat(&self.file, entry.name, AtFlags::AT_SYMLINK_NOFOLLOW).ok()?;
        let kind = match SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT {
            SFlag::S_IFDIR => Kind::Folder,
            SFlag::S_IFREG => Kind::File,
            _ => return None,
        };
        let facts = Facts { size: stat.st_size.try_into().ok()?, modified: stat.st_mtime };
        (kind == entry.kind).then_some(facts)
    }
}

fn kind_of(metadata: &Metadata) -> Option<Kind> {
    match metadata.file_type() {
        kind if kind.is_dir() => Some(Kind::Folder),
        kind if kind.is_file() => Some(Kind::File),
        _ => None,
    }
}

impl Entries {
    fn empty(memory: &Arc<Quota>) -> Entries {
        Entries { names: Vec::new(), entries: Vec::new(), memory: memory.share() }
    }

    fn push(&mut self, name: &[u8], kind: Kind, is_link: bool) -> io::Result<()> {
        let needed =
            (self.names.len() + name.len()) as u64 + ENTRY * (self.entries.len() as u64 + 1);
        let fits = u32::try_from(self.names.len()).ok().zip(name.len().try_into().ok());
        match fits {
            Some((at, length)) if self.memory.grow_to(needed) => {
                make_room(&mut self.names, name.len())?;
                make_room(&mut self.entries, 1)?;
                self.names.extend_from_slice(name);
                self.entries.push(Entry { at, length, kind, is_link, rank: 0 });
                Ok(())
            }
            _ => Err(io::ErrorKind::OutOfMemory.into()),
        }
    }
}

/// Makes room for `more` elements. A vector that becomes large gets far more than it needs: the allocator gives so
/// much memory back to the system as soon as it is free, and keeps less (up to 32 MB with glibc) for later, for each
/// thread. Only what is written to takes memory at all.
fn make_room<T>(vector: &mut Vec<T>, more: usize) -> io::Result<()> {
    const SMALL: usize = 64 << 10;
    const LARGE: usize = 33 << 20;
    if vector.capacity() - vector.len() >= more || vector.capacity() * size_of::<T>() < SMALL {
        return Ok(());
    }
    let reserved = vector.try_reserve_exact(LARGE / size_of::<T>());
    reserved.map_err(|_| io::ErrorKind::OutOfMemory.into())
}

impl Entries {
    /// Returns how many folders and files there are.
    pub fn counts(&self) -> (usize, usize) {
        let folders = self.entries.iter().filter(|entry| entry.kind == Kind::Folder).count();
        (folders, self.entries.len() - folders)
    }

    /// Returns the entry at this place in the order.
    pub fn get(&self, at: usize) -> Option<Named<'_>> {
        self.entries.get(at).map(|entry| entry.named(&self.names))
    }

    /// Sorts the entries, folders first. What is equal otherwise is sorted by name.
    pub fn sort(&mut self, order: Order, folder: &ListedFolder<'_>) {
        let names = &self.names;
        for entry in &mut self.entries {
            let facts = || folder.facts(&entry.named(names));
            let rank = match order.key {
                Key::Name => 0,
                Key::Size if entry.kind == Kind::Folder => 0,
                Key::Size => {
                    facts().map_or(0, |facts| i64::try_from(facts.size).unwrap_or(i64::MAX))
                }
                Key::Date => facts().map_or(0, |facts| facts.modified),
            };
            entry.rank = match order.direction {
                Direction::Ascending => rank,
                Direction::Descending => !rank,
            };
        }
        let in_order = |one: &Entry, other: &Entry| {
            let by_rank = (one.kind, one.rank).cmp(&(other.kind, other.rank));
            by_rank.then_with(|| by_name(one.name(names), other.name(names)))
        };
        match order {
            Order { key: Key::Name, direction: Direction::Descending } => {
                self.entries.sort_unstable_by(|one, other| {
                    one.kind.cmp(&other.kind).then_with(|| in_order(other, one))
                })
            }
            _ => self.entries.sort_unstable_by(in_order),
        }
    }
}

impl Entry {
    fn name<'n>(&self, names: &'n [u8]) -> &'n [u8] {
        let start = self.at as usize;
        names.get(start..start + usize::from(self.length)).unwrap_or_default()
    }

    fn named<'n>(&self, names: &'n [u8]) -> Named<'n> {
        let name = OsStr::from_bytes(self.name(names));
        Named { name, kind: self.kind, is_link: self.is_link }
    }
}
