//! What was found at a path, kept for as long as the disk says the same.
//!
//! The disk is asked before each use: the root, each folder on the way and each file are looked up by
//! name, and have to be the inodes that they were, last changed (ctime) when they were. The ctime of a
//! file follows its bytes, its owner and its mode, that of a folder also each name in it that comes,
//! goes or is replaced; and nobody can set it back. So what was not there is still not there.
//!
//! Not kept: what has changed a moment ago; what a link leads to; what lies on another file system
//! than the root, or on one that others change behind this kernel's back (NFS, FUSE); large files,
//! whose room on the disk would not be free when they are removed.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};
use std::time::{Duration, SystemTime};

use super::document_root::Folder;
use super::precompressed::{Variant, Variants, names};
use crate::server::quota::Quota;

/// How long an inode must have been left alone: within one tick of the file system's clock it could
/// change once more and keep its ctime. Linux ticks every 1 to 10 ms.
const TICK: Duration = Duration::from_millis(100);

/// The same for a file system that knows whole seconds only, or, as FAT, every other one.
const COARSE_TICK: Duration = Duration::from_secs(2);

/// Will whatever is done to this inode from `now` on show in its ctime?
pub fn is_settled(metadata: &Metadata, now: SystemTime) -> bool {
    let (seconds, nanos) = (metadata.ctime(), metadata.ctime_nsec());
    let changed = Duration::new(
        u64::try_from(seconds).unwrap_or_default(),
        u32::try_from(nanos).unwrap_or_default(),
    );
    let tick = if nanos == 0 { COARSE_TICK } else { TICK };
    SystemTime::UNIX_EPOCH.checked_add(changed + tick).is_some_and(|settled| settled <= now)
}

/// Files larger than this are not kept: sending them takes long enough to look for them anew.
const LARGE: u64 = 256 << 10;

/// Finds, by their paths from the root.
#[derive(Debug)]
pub struct Known {
    finds: RwLock<Finds>,
    /// Descriptors of the files that are kept, and of those that were kept and are still being sent.
    descriptors: Arc<Quota>,
}

#[derive(Debug, Default)]
struct Finds {
    by_path: HashMap<OsString, Arc<Find>>,
}

/// What was found.
#[derive(Debug)]
pub struct Find {
    /// The file and its siblings.
    pub variants: Variants,
    /// It was looked for no earlier.
    pub since: SystemTime,
    /// What has to be as it was: the root, then folders and files. Empty when this is not kept.
    way: Vec<(PathBuf, Stamp)>,
}

/// Which inode, in which state.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    changed: (i64, i64),
}

impl Known {
    /// Keeps so many files open at most.
    pub fn new(most: usize) -> Known {
        Known { finds: RwLock::default(), descriptors: Quota::new(most as u64) }
    }

    /// What was found at `path`, if it would be found now. If not, it is forgotten.
    pub fn get(&self, path: &Path) -> Option<Arc<Find>> {
        let finds = self.finds.read().unwrap_or_else(PoisonError::into_inner);
        let find = Arc::clone(finds.by_path.get(path.as_os_str())?);
        drop(finds); // the disk may be slow
        if find.stands() {
            return Some(find);
        }
        self.change().forget(path);
        None
    }

    /// Takes what was found at `path`, looked for no earlier than `since`, and keeps it if any change
    /// of it would show.
    pub fn keep(
        &self,
        folder: &Folder<'_>,
        path: &Path,
        variants: Variants,
        since: SystemTime,
    ) -> Arc<Find> {
        let way = way(folder, path, &variants, since).filter(|_| self.count(path, &variants));
        let way = way.unwrap_or_default();
        let find = Arc::new(Find { variants, since, way });
        if !find.way.is_empty() {
            self.change().by_path.insert(path.into(), Arc::clone(&find));
        }
        find
    }

    /// Counts the descriptors of these files, if there are so many left. If there are not, all that is
    /// kept is forgotten: what is asked for will be back soon.
    fn count(&self, path: &Path, variants: &Variants) -> bool {
        self.change().forget(path);
        let files = variants.all().count() as u64;
        if !self.descriptors.has_room_for(files) {
            *self.change() = Finds::default();
        }
        // Two threads may count at once, and one of them find too little: what it has counted stays
        // counted until it is closed.
        variants.all().all(|variant| match self.descriptors.take(1) {
            Some(share) => {
                variant.file.count(share);
                true
            }
            None => false,
        })
    }

    fn change(&self) -> RwLockWriteGuard<'_, Finds> {
        self.finds.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Finds {
    fn forget(&mut self, path: &Path) {
        self.by_path.remove(path.as_os_str());
    }
}

impl Find {
    fn stands(&self) -> bool {
        let mut way = self.way.iter();
        // The root's name may be a link, or lead over some.
        way.next().is_some_and(|(path, stamp)| stamp.is_of(fs::metadata(path)))
            && way.all(|(path, stamp)| stamp.is_of(fs::symlink_metadata(path)))
    }
}

impl Stamp {
    fn new(metadata: &Metadata) -> Stamp {
        let changed = (metadata.ctime(), metadata.ctime_nsec());
        Stamp { device: metadata.dev(), inode: metadata.ino(), changed }
    }

    fn is_of(&self, found: io::Result<Metadata>) -> bool {
        found.is_ok_and(|metadata| *self == Stamp::new(&metadata))
    }
}

/// All that must stay as it is for the same to be found, if no change of it can go unnoticed.
///
/// It is looked at behind the search: what changed in between has not settled by `since`.
fn way(
    folder: &Folder<'_>,
    path: &Path,
    variants: &Variants,
    since: SystemTime,
) -> Option<Vec<(PathBuf, Stamp)>> {
    let large = |variant: &Variant| variant.metadata.len() > LARGE;
    if variants.all().any(large) || !folder.tells_of_changes() {
        return None;
    }
    let root = fs::metadata(folder.path()).ok()?;
    let device = root.dev();
    let stamp = |metadata: &Metadata| {
        (metadata.dev() == device && is_settled(metadata, since)).then(|| Stamp::new(metadata))
    };
    let mut way = vec![(folder.path().to_owned(), stamp(&root)?)];
    for parent in path.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty()) {
        let name = folder.path().join(parent);
        let metadata = fs::symlink_metadata(&name).ok().filter(Metadata::is_dir)?;
        way.push((name, stamp(&metadata)?));
    }
    for (coding, name) in names(path) {
        let name = folder.path().join(name);
        let variant = variants.all().find(|variant| variant.coding == coding);
        match (fs::symlink_metadata(&name), variant) {
            (Err(error), None) if error.kind() == io::ErrorKind::NotFound => {}
            // There to be found again, by this name, without a link.
            (Ok(metadata), Some(variant)) => {
                let stamp = stamp(&metadata)
                    .filter(|_| metadata.modified().is_ok_and(|modified| modified <= since));
                way.push((name, stamp.filter(|stamp| *stamp == Stamp::new(&variant.metadata))?));
            }
            // What was passed over may become a variant, and the folder stay as it is.
            _ => return None,
        }
    }
    Some(way)
}
