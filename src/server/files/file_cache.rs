//! A cache of open files, each checked against the disk before it is used.
//!
//! The check looks up the root, each folder on the way and each file by name (stat(2)): they must be the
//! same inodes with the same time of last change (ctime). The ctime of a file changes with its content,
//! owner and mode, that of a folder with each name that is added, removed or replaced; it cannot be set
//! back. So a file that was absent is known to be still absent.
//!
//! A file that has not been requested for 2 to 4 seconds is closed. Until then a file that is deleted uses
//! its space, and its file system cannot be unmounted.
//!
//! Not cached: files that have just changed; files behind a link, on another file system than the root,
//! or on one that others can change (NFS, FUSE); large files.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};
use std::time::SystemTime;

use super::document_root::Folder;
use super::precompressed::{Variant, Variants};
use super::ticks::{is_settled, may_change_unseen};
use crate::server::quota::{Quota, Share};

/// Larger files are not cached: 256 KB. Compared with sending them, opening them again is cheap.
const LARGE: u64 = 256 << 10;

/// The most space that all cached files may take, because they keep it when they are deleted: 256 MB.
const ALL: u64 = 256 << 20;

/// Open files by their paths below the root.
#[derive(Debug)]
pub struct FileCache {
    entries: RwLock<Entries>,
    /// Descriptors of the cached files, and of files that were cached and are still being sent.
    descriptors: Arc<Quota>,
    /// The bytes of the cached files.
    space: Arc<Quota>,
}

#[derive(Debug, Default)]
struct Entries {
    by_path: HashMap<OsString, Arc<CachedFile>>,
}

/// A file that has been opened, and what its cache entry depends on.
#[derive(Debug)]
pub struct CachedFile {
    /// The file and its compressed siblings.
    pub variants: Variants,
    /// When the search for it began.
    pub since: SystemTime,
    /// What must be unchanged: the root, then folders and files. Empty when this is not cached.
    dependencies: Vec<(PathBuf, InodeStamp)>,
    /// Its part of the space of the cache.
    space: Option<Share>,
    /// True if it has been requested since the cache was last tidied.
    requested: AtomicBool,
}

/// An inode in a certain state.
#[derive(Debug, PartialEq, Eq)]
struct InodeStamp {
    device: u64,
    inode: u64,
    changed: (i64, i64),
}

impl FileCache {
    /// Creates a cache of `most` open files at most.
    pub fn new(most: usize) -> FileCache {
        FileCache::with_space(most, ALL)
    }

    fn with_space(most: usize, space: u64) -> FileCache {
        let descriptors = Quota::new(most as u64);
        FileCache { entries: RwLock::default(), descriptors, space: Quota::new(space) }
    }

    /// Closes the files that have not been requested since the last call.
    pub fn close_unused(&self) {
        let unused: Vec<_> = {
            let mut entries = self.change();
            let is_unused = |file: &CachedFile| !file.requested.swap(false, Ordering::Relaxed);
            entries.by_path.extract_if(|_, file| is_unused(file)).collect()
        };
        drop(unused); // without the lock: the disk may be slow
    }

    /// Returns the file at `path`, if it is cached and unchanged. A changed one is removed.
    pub fn get(&self, path: &Path) -> Option<Arc<CachedFile>> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let found = Arc::clone(entries.by_path.get(path.as_os_str())?);
        drop(entries); // the disk may be slow
        if found.is_fresh() {
            // Written once only, as other threads read beside it.
            if !found.requested.load(Ordering::Relaxed) {
                found.requested.store(true, Ordering::Relaxed);
            }
            return Some(found);
        }
        self.change().remove(path);
        None
    }

    /// Takes what was found at `path` by a search that began at `since`; caches it if any change of it
    /// will be noticed.
    pub fn keep(
        &self,
        folder: &Folder<'_>,
        path: &Path,
        variants: Variants,
        since: SystemTime,
    ) -> Arc<CachedFile> {
        let kept = dependencies(folder, path, &variants, since).and_then(|dependencies| {
            self.change().remove(path);
            Some((dependencies, self.count(&variants)?))
        });
        let (dependencies, space) =
            kept.map_or_else(Default::default, |(all, space)| (all, Some(space)));
        let requested = AtomicBool::new(true);
        let found = Arc::new(CachedFile { variants, since, dependencies, space, requested });
        if found.space.is_some() {
            self.change().by_path.insert(path.into(), Arc::clone(&found));
        }
        found
    }

    /// Counts the descriptors and the space of these files, if enough are left. If not, the cache is
    /// emptied: files that are requested will be back soon.
    fn count(&self, variants: &Variants) -> Option<Share> {
        let files = variants.all().count() as u64;
        let bytes = variants.all().map(|variant| variant.metadata.len()).sum();
        if !self.descriptors.has_room_for(files) || !self.space.has_room_for(bytes) {
            *self.change() = Entries::default();
        }
        // Two threads may count at once, and one of them found too few: what it has counted stays
        // counted until it is closed.
        for variant in variants.all() {
            variant.file.count(self.descriptors.take(1)?);
        }
        self.space.take(bytes)
    }

    fn change(&self) -> RwLockWriteGuard<'_, Entries> {
        self.entries.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn remove(&mut self, path: &Path) {
        self.by_path.remove(path.as_os_str());
    }
}

impl CachedFile {
    fn is_fresh(&self) -> bool {
        let mut dependencies = self.dependencies.iter();
        // The root's name may contain links.
        dependencies.next().is_some_and(|(path, stamp)| stamp.is_of(fs::metadata(path)))
            && dependencies.all(|(path, stamp)| stamp.is_of(fs::symlink_metadata(path)))
    }
}

impl InodeStamp {
    fn new(metadata: &Metadata) -> InodeStamp {
        let changed = (metadata.ctime(), metadata.ctime_nsec());
        InodeStamp { device: metadata.dev(), inode: metadata.ino(), changed }
    }

    fn is_of(&self, metadata: io::Result<Metadata>) -> bool {
        metadata.is_ok_and(|metadata| *self == InodeStamp::new(&metadata))
    }
}

/// Returns all that must stay unchanged for the same file to be found; `None` if a change could go
/// unnoticed. Called after the search: what changed in between had not settled at `since`.
fn dependencies(
    folder: &Folder<'_>,
    path: &Path,
    variants: &Variants,
    since: SystemTime,
) -> Option<Vec<(PathBuf, InodeStamp)>> {
    let large = |variant: &Variant| variant.metadata.len() > LARGE;
    if variants.all().any(large) || !folder.tells_of_changes() {
        return None;
    }
    let root = fs::metadata(folder.path()).ok()?;
    let device = root.dev();
    let stamp = |metadata: &Metadata| {
        (metadata.dev() == device && is_settled(metadata, since)).then(|| InodeStamp::new(metadata))
    };
    let mut dependencies = vec![(folder.path().to_owned(), stamp(&root)?)];
    for parent in path.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty()) {
        let name = folder.path().join(parent);
        let metadata = fs::symlink_metadata(&name).ok().filter(Metadata::is_dir)?;
        dependencies.push((name, stamp(&metadata)?));
    }
    for (coding, name) in variants.names(path) {
        let name = folder.path().join(name);
        match (fs::symlink_metadata(&name), variants.metadata(coding)) {
            (Err(error), None) if error.kind() == io::ErrorKind::NotFound => {}
            // It will be found again by this name, without a link, and in the same state.
            (Ok(metadata), Some(found)) => {
                let stamp = stamp(&metadata).filter(|stamp| *stamp == InodeStamp::new(found))?;
                let modified = metadata.modified().ok()?;
                if modified > since || may_change_unseen(&metadata, since) {
                    return None; // its Last-Modified, or its weak tag, is for this moment only
                }
                dependencies.push((name, stamp));
            }
            // What was ignored may become a variant while the folder stays unchanged.
            _ => return None,
        }
    }
    Some(dependencies)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::files::document_root::DocumentRoot;
    use crate::server::files::precompressed::Precompressed;
    use std::fs::File;
    use std::time::Duration;

    /// A cache for three descriptors and 250 bytes, and files of 100 bytes.
    #[test]
    fn descriptors_and_space_are_limited_and_what_is_unused_is_closed() {
        let path = std::env::temp_dir().join(format!("threadbare-kept-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        let root = DocumentRoot::new(&path).unwrap();
        let folder = root.open().unwrap();
        let names = ["a", "b", "c"].map(Path::new);
        for name in names {
            fs::write(path.join(name), [b'x'; 100]).unwrap();
        }
        std::thread::sleep(Duration::from_millis(120)); // then they are settled
        let cache = FileCache::with_space(3, 250);
        let keep = |name: &Path| {
            let now = SystemTime::now();
            let variants = Variants::of(
                &folder,
                name,
                folder.open_file(name).unwrap(),
                Precompressed::On,
                now,
            );
            cache.keep(&folder, name, variants.unwrap(), now)
        };
        let are_kept = || names.map(|name| cache.get(name).is_some());
        if keep(names[0]).space.is_none() {
            return; // this file system is not one whose files are kept
        }
        keep(names[1]);
        assert_eq!(are_kept(), [true, true, false]);
        let sent =
            keep(names[2]).variants.best(&crate::proto::http::accept::Codings::default()).body();
        assert_eq!(are_kept(), [false, false, true], "there was no space for a third");
        cache.close_unused();
        assert_eq!(are_kept(), [false, false, true], "it has been requested");
        cache.close_unused();
        cache.close_unused();
        assert_eq!(are_kept(), [false; 3]);
        assert!(cache.space.has_room_for(250));
        assert!(cache.descriptors.has_room_for(2) && !cache.descriptors.has_room_for(3));
        drop(sent);
        assert!(cache.descriptors.has_room_for(3), "it was still being sent");
        let large = File::create(path.join("a")).unwrap();
        large.set_len(251).unwrap();
        std::thread::sleep(Duration::from_millis(120));
        assert!(keep(names[0]).space.is_none() && cache.space.has_room_for(250));
        fs::remove_dir_all(path).unwrap();
    }
}
