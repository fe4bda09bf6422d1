//! Stores users on disk: one JSON file for each, which `cat` can show.
//!
//! ```text
//! data/users/7.json     a user
//! data/users/last-id    the highest id ever given to a user; also the lock between servers
//! data/users/.….tmp     a change that is being written
//! ```
//! A change is written to a temporary file, flushed to the disk, and then linked (a new user) or renamed
//! (a changed one) to its final name; then the folder is flushed. So a reader sees the old file or the new
//! one and never half of one, and an acknowledged change survives `kill -9` and, as far as fsync(2) goes,
//! a power cut. link(2) fails when the name exists, so two servers on one folder never use the same id
//! twice. Ids only grow.
//!
//! Nothing is cached: two servers on one folder see each other's changes at once.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use crate::proto::http::chars::decimal;
use crate::sync::lock;

/// The most ids that one page looks at: after a hundred thousand deletions the next page is found in
/// several steps instead of one long one.
const MOST_LOOKED_AT: u64 = 10_000;

/// The users in one folder.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    /// The open file `last-id`. A change or deletion holds the mutex against the threads of this process,
    /// and the file's lock against other processes.
    last_id: Mutex<File>,
    /// The highest id that is known to be on the disk in `last-id`.
    flushed: AtomicU64,
}

/// Numbers the temporary files of this process.
static TEMPORARIES: AtomicU64 = AtomicU64::new(0);

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
    /// Opens the store in `data`, creates it if it does not exist, and removes the temporary files of a
    /// server that was killed.
    ///
    /// # Errors
    /// When the folder cannot be created, read or written.
    pub fn open(data: &Path) -> io::Result<Store> {
        let folder = data.join("users");
        fs::create_dir_all(&folder)?;
        let last_id = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(folder.join("last-id"))?;
        let store = Store { folder, last_id: Mutex::new(last_id), flushed: AtomicU64::new(0) };
        store.clear_abandoned()?;
        let locked = store.lock()?;
        let highest = store.highest_in_folder()?;
        if highest > locked.last_id()? {
            locked.set_last_id(highest)?;
        }
        drop(locked);
        store.flush_folder()?;
        Ok(store)
    }

    /// Stores a new user. `file` makes its content from its id.
    ///
    /// # Errors
    /// Those of the file system; then nothing is stored.
    pub fn create(&self, file: impl Fn(u64) -> Vec<u8>) -> io::Result<(u64, Vec<u8>)> {
        // The id has to be known to write the file: it is taken first, and is lost if this fails.
        let id = self.next_id()?;
        let content = file(id);
        let temporary = self.write_temporary(&content)?;
        fs::hard_link(&temporary.path, self.path(id))?;
        drop(temporary);
        self.flush_folder()?;
        Ok((id, content))
    }

    /// Returns the file of a user, `None` if there is no such user.
    ///
    /// # Errors
    /// Those of the file system; also when the folder itself has been removed.
    pub fn read(&self, id: u64) -> io::Result<Option<Vec<u8>>> {
        let found = self.find(id)?;
        if found.is_none() && !fs::exists(&self.folder)? {
            return Err(self.gone());
        }
        Ok(found)
    }

    fn gone(&self) -> io::Error {
        let what = format!("{}, or its last-id, is not there any more", self.folder.display());
        io::Error::new(io::ErrorKind::NotFound, what)
    }

    fn find(&self, id: u64) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.path(id)) {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Replaces the file of a user.
    ///
    /// # Errors
    /// Those of the file system; then the old file is still there.
    pub fn replace(&self, id: u64, content: &[u8], may: Precondition<'_>) -> io::Result<Change> {
        // Written before the lock is taken: others wait for a rename, not for the disk.
        let temporary = self.write_temporary(content)?;
        let locked = self.lock()?;
        let change = self.judge(id, may)?;
        if change == Change::Done {
            fs::rename(&temporary.path, self.path(id))?;
        }
        drop(locked);
        if change == Change::Done {
            self.flush_folder()?;
        }
        Ok(change)
    }

    /// Deletes a user. Its id is not used again.
    ///
    /// # Errors
    /// Those of the file system; then the user may still be there.
    pub fn delete(&self, id: u64, may: Precondition<'_>) -> io::Result<Change> {
        let locked = self.lock()?;
        let change = self.judge(id, may)?;
        if change == Change::Done {
            // The file kept its id from being used again; now last-id must do so.
            if id > self.flushed.load(Ordering::Relaxed) {
                let last = locked.last_id()?;
                locked.file.sync_all()?;
                self.flushed.store(last, Ordering::Relaxed);
            }
            fs::remove_file(self.path(id))?;
        }
        drop(locked);
        if change == Change::Done {
            self.flush_folder()?;
        }
        Ok(change)
    }

    /// Returns up to `limit` users with ids above `after`. Ids are given in order, so a page is found by
    /// reading one after the other.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn page(&self, after: u64, limit: usize) -> io::Result<Page> {
        let last = self.last_id()?;
        let end = last.min(after.saturating_add(MOST_LOOKED_AT));
        let mut users = Vec::new();
        for id in after.saturating_add(1)..=end {
            users.extend(self.find(id)?.map(|content| (id, content)));
            if users.len() == limit {
                return Ok(Page { users, next_after: Some(id).filter(|&id| id < last) });
            }
        }
        Ok(Page { users, next_after: Some(end).filter(|&end| end < last) })
    }

    /// Returns the highest id, for readers. The file is opened again: a lock belongs to an open file, so
    /// readers exclude changes, also those of this process, but not each other; and the removal of the
    /// folder is noticed.
    fn last_id(&self) -> io::Result<u64> {
        let file = match File::open(self.folder.join("last-id")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(self.gone()),
            opened => opened?,
        };
        file.lock_shared()?;
        read_id(&file)
    }

    fn judge(&self, id: u64, may: Precondition<'_>) -> io::Result<Change> {
        Ok(match self.read(id)? {
            None => Change::Missing,
            Some(current) if may(&current) => Change::Done,
            Some(_) => Change::Refused,
        })
    }

    fn next_id(&self) -> io::Result<u64> {
        let locked = self.lock()?;
        let mut last = locked.last_id()?;
        if fs::exists(self.path(last.saturating_add(1)))? {
            // last-id was not flushed before a power cut: the files show the highest id.
            last = self.highest_in_folder()?;
        }
        let id = last.checked_add(1).ok_or(io::Error::other("there are no more ids"))?;
        locked.set_last_id(id)?;
        Ok(id)
    }

    fn lock(&self) -> io::Result<Locked<'_>> {
        let file = lock(&self.last_id);
        file.lock()?;
        Ok(Locked { file })
    }

    fn path(&self, id: u64) -> PathBuf {
        self.folder.join(format!("{id}.json"))
    }

    /// Writes a file under a temporary name, and flushes it.
    fn write_temporary(&self, content: &[u8]) -> io::Result<Temporary> {
        let (path, mut file) = loop {
            let number = TEMPORARIES.fetch_add(1, Ordering::Relaxed);
            let path = self.folder.join(format!(".{}-{number}.tmp", std::process::id()));
            match File::create_new(&path) {
                Ok(file) => break (path, file),
                // A process with the same number, in another container, has made it.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        };
        // The lock shows that the file is in use, as long as this process lives.
        file.lock()?;
        let mut temporary = Temporary { path, _file: None };
        file.write_all(content)?;
        file.sync_all()?;
        temporary._file = Some(file);
        Ok(temporary)
    }

    /// Removes temporary files whose writers have died: their locks are free.
    fn clear_abandoned(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path.extension().is_none_or(|extension| extension != "tmp") {
                continue;
            }
            match File::open(&path).map(|file| file.try_lock()) {
                Ok(Ok(())) => fs::remove_file(&path)?,
                Ok(Err(TryLockError::WouldBlock)) => {}
                Ok(Err(TryLockError::Error(error))) => return Err(error),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn highest_in_folder(&self) -> io::Result<u64> {
        let mut highest = 0;
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            let digits = name.to_str().and_then(|name| name.strip_suffix(".json"));
            highest =
                highest.max(digits.and_then(|digits| decimal(digits.as_bytes())).unwrap_or(0));
        }
        Ok(highest)
    }

    /// Flushes the folder: a name is on the disk once its folder is.
    fn flush_folder(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }
}

/// The right to change the store: one thread of one process holds it at a time.
struct Locked<'a> {
    file: MutexGuard<'a, File>,
}

impl Locked<'_> {
    fn last_id(&self) -> io::Result<u64> {
        (&*self.file).seek(SeekFrom::Start(0))?;
        read_id(&self.file)
    }

    /// Writes the same number of bytes each time, in one write: a reader never sees half of it.
    fn set_last_id(&self, id: u64) -> io::Result<()> {
        let mut file = &*self.file;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(format!("{id:020}\n").as_bytes())
    }
}

/// Returns the id in `last-id`: 0 if it was never set or is not a number; then the files decide.
fn read_id(file: &File) -> io::Result<u64> {
    let mut text = Vec::new();
    file.take(32).read_to_end(&mut text)?;
    Ok(decimal(text.trim_ascii()).unwrap_or(0))
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        // Closing the file would release it as well; there is nothing to do about a failure here.
        let _ = self.file.unlock();
    }
}

/// A temporary file, removed when this is dropped, if it has not been renamed.
struct Temporary {
    path: PathBuf,
    _file: Option<File>,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::thread;

    /// A folder that goes when the test does.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Folder {
            let path = std::env::temp_dir()
                .join(format!("threadbare-store-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            Folder(path)
        }

        fn names(&self) -> Vec<String> {
            let entries = fs::read_dir(self.0.join("users")).unwrap();
            let mut names: Vec<_> =
                entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn text(id: u64) -> Vec<u8> {
        format!("user {id}").into_bytes()
    }

    #[test]
    fn what_is_stored_can_be_read_replaced_and_deleted() {
        let folder = Folder::new("crud");
        let store = Store::open(&folder.0).unwrap();
        assert_eq!(store.create(text).unwrap(), (1, b"user 1".to_vec()));
        assert_eq!(store.read(1).unwrap().unwrap(), b"user 1");
        let unchanged = |current: &[u8]| current == b"user 1";
        assert_eq!(store.replace(1, b"new", &unchanged).unwrap(), Change::Done);
        assert_eq!(store.replace(1, b"newer", &unchanged).unwrap(), Change::Refused);
        assert_eq!(store.delete(1, &unchanged).unwrap(), Change::Refused);
        assert_eq!(store.read(1).unwrap().unwrap(), b"new");
        assert_eq!(store.delete(1, &|_| true).unwrap(), Change::Done);
        assert_eq!(store.delete(1, &|_| true).unwrap(), Change::Missing);
        assert_eq!(store.replace(1, b"x", &|_| true).unwrap(), Change::Missing);
        assert_eq!(store.read(1).unwrap(), None);
        assert_eq!(folder.names(), ["last-id"]);
    }

    #[test]
    fn ids_are_never_handed_out_twice() {
        let folder = Folder::new("ids");
        let store = Store::open(&folder.0).unwrap();
        let other = Store::open(&folder.0).unwrap();
        assert_eq!(store.create(text).unwrap().0, 1);
        assert_eq!(other.create(text).unwrap().0, 2);
        other.delete(2, &|_| true).unwrap();
        assert_eq!(store.create(text).unwrap().0, 3, "not 2, though another server deleted it");
        store.delete(3, &|_| true).unwrap();
        drop((store, other));
        assert_eq!(Store::open(&folder.0).unwrap().create(text).unwrap().0, 4);
        fs::remove_file(folder.0.join("users/last-id")).unwrap();
        assert_eq!(Store::open(&folder.0).unwrap().create(text).unwrap().0, 5);
    }

    #[test]
    fn ids_end_and_do_not_begin_again() {
        let folder = Folder::new("end");
        drop(Store::open(&folder.0).unwrap());
        fs::write(folder.0.join(format!("users/{}.json", u64::MAX - 1)), "by hand").unwrap();
        let store = Store::open(&folder.0).unwrap();
        assert_eq!(store.create(text).unwrap().0, u64::MAX);
        assert!(store.create(text).is_err());
        assert!(store.create(text).is_err());
    }

    #[test]
    fn two_servers_and_many_threads_lose_nothing() {
        let folder = Folder::new("many");
        let stores =
            [Store::open(&folder.0).unwrap(), Store::open(&folder.0).unwrap()].map(Arc::new);
        let threads: Vec<_> = (0..8)
            .map(|number| {
                let store = Arc::clone(&stores[number % 2]);
                thread::spawn(move || {
                    (0..25).map(|_| store.create(text).unwrap().0).collect::<Vec<_>>()
                })
            })
            .collect();
        let mut ids: Vec<u64> =
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        ids.sort_unstable();
        assert_eq!(ids, (1..=200).collect::<Vec<_>>());
        assert!(ids.iter().all(|&id| stores[0].read(id).unwrap().unwrap() == text(id)));
    }

    #[test]
    fn readers_wait_for_changes_and_not_for_each_other() {
        let folder = Folder::new("shared");
        let store = Arc::new(Store::open(&folder.0).unwrap());
        store.create(text).unwrap();
        let page = |store: &Arc<Store>| {
            let (store, (sender, done)) = (Arc::clone(store), std::sync::mpsc::channel());
            thread::spawn(move || sender.send(store.page(0, 9).unwrap().users.len()));
            done
        };
        let patience = std::time::Duration::from_millis(200);
        let reader = File::open(folder.0.join("users/last-id")).unwrap();
        reader.lock_shared().unwrap();
        assert_eq!(page(&store).recv_timeout(patience * 10), Ok(1));
        drop(reader);
        let changing = store.lock().unwrap();
        let waits = page(&store);
        assert!(waits.recv_timeout(patience).is_err());
        drop(changing);
        assert_eq!(waits.recv_timeout(patience * 10), Ok(1));
    }

    #[test]
    fn pages_go_over_gaps() {
        let folder = Folder::new("pages");
        let store = Store::open(&folder.0).unwrap();
        for _ in 0..10 {
            store.create(text).unwrap();
        }
        for id in [2, 3, 9, 10] {
            store.delete(id, &|_| true).unwrap();
        }
        let ids = |page: &Page| page.users.iter().map(|(id, _)| *id).collect::<Vec<_>>();
        let page = store.page(0, 3).unwrap();
        assert_eq!((ids(&page), page.next_after), (vec![1, 4, 5], Some(5)));
        let page = store.page(5, 3).unwrap();
        assert_eq!((ids(&page), page.next_after), (vec![6, 7, 8], Some(8)));
        let page = store.page(8, 3).unwrap();
        assert_eq!((ids(&page), page.next_after), (vec![], None));
        assert_eq!(store.page(u64::MAX, 3).unwrap().users.len(), 0);
    }

    #[test]
    fn what_the_dead_left_is_cleared_and_what_the_living_write_is_not() {
        let folder = Folder::new("abandoned");
        let store = Store::open(&folder.0).unwrap();
        let living = store.write_temporary(b"half").unwrap();
        fs::write(folder.0.join("users/.1-1.tmp"), "left by a dead one").unwrap();
        let other = Store::open(&folder.0).unwrap();
        assert_eq!(folder.names().len(), 2, "{:?}", folder.names());
        assert!(living.path.exists());
        drop((living, other));
        assert_eq!(folder.names(), ["last-id"]);
    }
}
