//! The lock of the store, and `last-id`, the file that it guards.
//!
//! One thread of one process has the lock at a time: a turn excludes the threads of this process, and
//! flock(2) on `last-id` the other processes. Both waits end: a server that is stopped, or hangs on its
//! disk, costs the others one waiting worker at a time, not all of them.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::{HIGHEST_ID, Result, StoreError};
use crate::proto::http::chars::decimal;
use crate::sync::lock;

/// The longest wait for the lock. It is held for some file names, never for a flush: far below 1 ms.
const PATIENCE: Duration = Duration::from_secs(3);

/// The longest that a thread waits for the same turn of another one. When that takes longer, it hangs: on a
/// machine with six times more work than processors, turns of 200 ms were seen.
const LONGEST_TURN: Duration = Duration::from_secs(1);

/// The time between two attempts to lock the file.
const RETRY: Duration = Duration::from_millis(1);

/// Since when a thread of this process has its turn, if one has.
#[derive(Debug, Default)]
pub(super) struct StoreLock {
    since: Mutex<Option<Instant>>,
    ended: Condvar,
}

impl StoreLock {
    /// Waits for the lock on `last-id`, which is created if its folder has none.
    ///
    /// # Errors
    /// [`StoreError::Busy`] after the longest wait; errors of the file system.
    pub(super) fn take(&self, last_id: &Path) -> Result<Locked<'_>> {
        let end = Instant::now() + PATIENCE;
        let turn = self.turn(end)?;
        loop {
            // Opened each time: the folder may have been made anew.
            let file = File::options()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(last_id)?;
            match file.try_lock() {
                Ok(()) if file.metadata()?.nlink() > 0 => return Ok(Locked { file, _turn: turn }),
                Ok(()) | Err(TryLockError::WouldBlock) if Instant::now() >= end => {
                    return Err(StoreError::Busy);
                }
                Ok(()) | Err(TryLockError::WouldBlock) => thread::sleep(RETRY),
                Err(TryLockError::Error(error)) => return Err(error.into()),
            }
        }
    }

    fn turn(&self, end: Instant) -> Result<Turn<'_>> {
        let mut since = lock(&self.since);
        while let Some(begun) = *since {
            let end = end.min(begun + LONGEST_TURN);
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(StoreError::Busy);
            }
            since = self.ended.wait_timeout(since, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        *since = Some(Instant::now());
        Ok(Turn(self))
    }
}

/// The turn of one thread.
struct Turn<'a>(&'a StoreLock);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *lock(&self.0.since) = None;
        self.0.ended.notify_one();
    }
}

/// The right to change the store. The file is closed, which unlocks it, before the turn ends.
pub(super) struct Locked<'a> {
    file: File,
    _turn: Turn<'a>,
}

impl Locked<'_> {
    /// Returns the highest id ever given to a user.
    pub(super) fn last_id(&self) -> io::Result<u64> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))?;
        let mut text = Vec::new();
        file.take(32).read_to_end(&mut text)?;
        Ok(parse_id(&text))
    }

    /// Sets the highest id to this one if it is lower. Writes the same number of bytes each time, in one
    /// write.
    pub(super) fn raise(&self, id: u64) -> io::Result<()> {
        if self.last_id()? >= id {
            return Ok(());
        }
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(format!("{id:020}\n").as_bytes())
    }
}

/// Returns the id in `last-id`: 0 if it was never set or is not an id; then the files decide.
pub(super) fn parse_id(text: &[u8]) -> u64 {
    decimal(text.trim_ascii()).filter(|&id| id <= HIGHEST_ID).unwrap_or(0)
}
