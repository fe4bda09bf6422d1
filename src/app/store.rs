//! Stores users on disk: one JSON file for each, which `cat` can show.
//!
//! ```text
//! data/users/7.json         a user
//! data/users/last-id        the highest id ever given to a user; also the lock between servers
//! data/users/.8.tmp         a new user that is being written; the name reserves its id
//! data/users/.7-….tmp       a change that is being written
//! ```
//! A change is written to a temporary file, flushed to the disk, and then renamed to its final name; then
//! the folder is flushed. So a reader sees the old file or the new one and never half of one, and an
//! acknowledged change survives `kill -9` and, as far as fsync(2) goes, a power cut. An id is reserved by
//! the exclusive creation of its temporary file (O_EXCL, open(2)), so two servers on one folder never use
//! the same id twice. Ids only grow.
//!
//! Nothing is cached: two servers on one folder see each other's changes at once. Readers take no lock.

mod folder;
mod locked;
mod temporary;

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use self::folder::Folder;
use self::locked::{Locked, StoreLock};
use self::temporary::Temporary;

/// The highest id: a number in JSON is exact up to here in all programs (RFC 8259, 6).
pub const HIGHEST_ID: u64 = (1 << 53) - 1;

/// After so many missing ids in a row the folder is listed: that costs about as much as looking for them.
const LONGEST_GAP: usize = 64;

/// The most ids that one page looks at, if there are many files that are no users.
const MOST_LOOKED_AT: usize = 1_000;

/// The users in one folder.
#[derive(Debug)]
pub struct Store {
    folder: Folder,
    lock: StoreLock,
    /// The folder has been created, and what a killed server left has been removed.
    prepared: AtomicBool,
}

/// Why the store did not do what it was asked for.
#[derive(Debug)]
pub enum StoreError {
    /// Another server or another request has the store's lock for too long.
    Busy,
    /// The file with this name is not one that the store has written, and why.
    NotAUser(String),
    /// An error of the file system.
    Disk(io::Error),
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> StoreError {
        StoreError::Disk(error)
    }
}

impl std::fmt::Display for StoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            StoreError::Busy => f.write_str(
                "an earlier change of the users does not end: its server hangs or is stopped",
            ),
            StoreError::NotAUser(what) => f.write_str(what),
            StoreError::Disk(error) => error.fmt(f),
        }
    }
}

type Result<T> = std::result::Result<T, StoreError>;

/// The precondition of a change: returns true if it may be made to what is stored now.
pub type Precondition<'a> = &'a dyn Fn(&[u8]) -> bool;

/// The result of a change.
#[derive(Debug, PartialEq, Eq)]
pub enum Change {
    /// It is on the disk.
    Done,
    /// The user does not exist.
    Missing,
    /// The precondition did not hold.
    Refused,
}

/// Some users, in the order of their ids.
#[derive(Debug, Default)]
pub struct Page {
    /// Ids and files.
    pub users: Vec<(u64, Vec<u8>)>,
    /// The id after which the next page begins, if there may be one.
    pub next_after: Option<u64>,
}

impl Store {
    /// Returns the store in the folder `data`, without a look at it.
    pub fn at(data: &Path) -> Store {
        Store {
            folder: Folder::at(data.join("users")),
            lock: StoreLock::default(),
            prepared: AtomicBool::new(false),
        }
    }

    /// Creates the folder if it does not exist, and removes the temporary files of a server that was
    /// killed. If that fails, the next change tries it again.
    ///
    /// # Errors
    /// When the folder cannot be created, read or written, or another server holds the lock.
    pub fn prepare(&self) -> Result<()> {
        if self.prepared.load(Ordering::Relaxed) {
            return Ok(());
        }
        fs::create_dir_all(self.folder.path())?;
        let locked = self.lock()?;
        temporary::clear_abandoned(self.folder.path())?;
        locked.raise(self.folder.highest()?)?;
        drop(locked);
        self.folder.flush()?;
        self.prepared.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Returns true if the folder has not been created yet: then there are no users.
    fn is_new(&self) -> bool {
        !self.prepared.load(Ordering::Relaxed)
            && matches!(fs::exists(self.folder.path()), Ok(false))
    }

    /// Stores a new user. `file` makes its content from its id.
    ///
    /// # Errors
    /// Those of the file system; then nothing is stored, and the next user gets the id.
    pub fn create(&self, file: impl Fn(u64) -> Vec<u8>) -> Result<(u64, Vec<u8>)> {
        self.prepare()?;
        let (id, mut temporary) = self.reserve()?;
        let content = file(id);
        // Without the lock: others wait for a name, not for the disk.
        temporary.write(&content)?;
        let locked = self.lock()?;
        if fs::exists(self.folder.of(id))? {
            return Err(io::Error::from(io::ErrorKind::AlreadyExists).into());
        }
        locked.raise(id)?;
        temporary.rename_to(&self.folder.of(id))?;
        drop(locked);
        self.folder.flush()?;
        Ok((id, content))
    }

    /// Returns the file of a user, `None` if there is no such user.
    ///
    /// # Errors
    /// Those of the file system, also when the folder itself has been removed; and when the file does not
    /// hold a user.
    pub fn read(&self, id: u64) -> Result<Option<Vec<u8>>> {
        if self.is_new() { Ok(None) } else { self.folder.or_gone(self.folder.user(id)?) }
    }

    /// Returns true if the user has a file, whatever is in it.
    ///
    /// # Errors
    /// As those of [`Store::read`], but for what the file holds.
    pub fn has(&self, id: u64) -> Result<bool> {
        Ok(!self.is_new() && self.folder.or_gone(self.folder.find(id)?)?.is_some())
    }

    /// Replaces the file of a user, also one that does not hold a user.
    ///
    /// # Errors
    /// Those of the file system; then the old file is still there.
    pub fn replace(&self, id: u64, content: &[u8], may: Precondition<'_>) -> Result<Change> {
        self.prepare()?;
        let mut temporary = Temporary::of_change(self.folder.path(), id)?;
        temporary.write(content)?;
        let locked = self.lock()?;
        let change = self.judge(id, may)?;
        if change == Change::Done {
            temporary.rename_to(&self.folder.of(id))?;
        }
        drop(locked);
        if change == Change::Done {
            self.folder.flush()?;
        }
        Ok(change)
    }

    /// Deletes a user. Its id is not used again.
    ///
    /// # Errors
    /// Those of the file system; then the user may still be there.
    pub fn delete(&self, id: u64, may: Precondition<'_>) -> Result<Change> {
        self.prepare()?;
        if self.judge(id, may)? == Change::Done {
            // So far the file kept its id from being used again; now last-id must do so.
            self.lock()?.raise(id)?;
            File::open(self.folder.path().join("last-id"))?.sync_all()?;
        }
        let locked = self.lock()?;
        let change = self.judge(id, may)?;
        if change == Change::Done {
            fs::remove_file(self.folder.of(id))?;
        }
        drop(locked);
        if change == Change::Done {
            self.folder.flush()?;
        }
        Ok(change)
    }

    /// Returns up to `limit` users with ids above `after`. Ids are given in order, so a page is found by
    /// reading one after the other, and behind a long gap by a list of the folder. Files that are no
    /// users are left out, and named once in the log.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn page(&self, after: u64, limit: usize) -> Result<Page> {
        if self.is_new() {
            return Ok(Page::default());
        }
        let last = self.folder.last_id()?;
        let mut ids: Box<dyn Iterator<Item = u64>> = Box::new(after.saturating_add(1)..=last);
        let mut page = Page::default();
        let (mut missing, mut looked_at) = (0, 0);
        while let Some(id) = ids.next() {
            looked_at += 1;
            match self.folder.user(id) {
                Ok(Some(content)) => {
                    missing = 0;
                    page.users.push((id, content));
                }
                Ok(None) => missing += 1,
                Err(StoreError::NotAUser(_)) => {}
                Err(error) => return Err(error),
            }
            if page.users.len() == limit || looked_at == MOST_LOOKED_AT {
                page.next_after = ids.next().map(|_| id);
                break;
            }
            if missing == LONGEST_GAP {
                let mut above = self.folder.ids()?;
                above.retain(|&other| other > id);
                above.sort_unstable();
                ids = Box::new(above.into_iter());
            }
        }
        Ok(page)
    }

    fn judge(&self, id: u64, may: Precondition<'_>) -> Result<Change> {
        Ok(match self.folder.or_gone(self.folder.find(id)?)? {
            None => Change::Missing,
            Some(current) if may(&current) => Change::Done,
            Some(_) => Change::Refused,
        })
    }

    /// Reserves the next id: the name of its temporary file cannot be created twice.
    fn reserve(&self) -> Result<(u64, Temporary)> {
        let locked = self.lock()?;
        let mut last = locked.last_id()?;
        if last == 0 || fs::exists(self.folder.of(last + 1))? {
            // last-id is new, or was not flushed before a power cut: the files show the highest id.
            last = last.max(self.folder.highest()?);
        }
        for id in last + 1..=HIGHEST_ID {
            if let Some(temporary) = Temporary::of_new(self.folder.path(), id)? {
                return Ok((id, temporary));
            }
        }
        Err(io::Error::other("there are no more ids").into())
    }

    fn lock(&self) -> Result<Locked<'_>> {
        match self.lock.take(&self.folder.path().join("last-id")) {
            Err(StoreError::Disk(error)) if error.kind() == io::ErrorKind::NotFound => {
                Err(self.folder.gone().into())
            }
            outcome => outcome,
        }
    }
}

#[cfg(test)]
mod tests;
