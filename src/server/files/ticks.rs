//! When the time of a file tells its states apart: a file that changes twice within one tick of the file
//! system's clock has the same time twice.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, SystemTime};

/// More than two ticks of a clock that counts fractions of a second: Linux ticks every 1 to 10 ms.
const TICK: Duration = Duration::from_millis(100);

/// The same for a file system, or a program, that stores whole seconds only, or even ones, as FAT.
const COARSE_TICK: Duration = Duration::from_secs(2);

/// Returns the latest mtime that no change from `now` on can leave: a file that gets it has a strong tag at once.
pub fn settled_time(now: SystemTime) -> SystemTime {
    now.checked_sub(TICK).unwrap_or(now)
}

/// Returns true if every change of this inode from `now` on will change its ctime.
pub fn is_settled(metadata: &Metadata, now: SystemTime) -> bool {
    let (changed, tick) = time(metadata.ctime(), metadata.ctime_nsec());
    changed.checked_add(tick).is_some_and(|settled| settled <= now)
}

/// Returns true if a change at `now` may leave the same mtime: it lies in the ticks around `now`. A time
/// farther in the future is as good as one in the past: the next change replaces it.
pub fn may_change_unseen(metadata: &Metadata, now: SystemTime) -> bool {
    let (modified, tick) = time(metadata.mtime(), metadata.mtime_nsec());
    is_within(modified, tick, now)
}

/// Returns true if the mtime lies within the ticks of the coarsest clock: whole seconds do not tell such
/// states apart.
pub fn has_just_changed(metadata: &Metadata, now: SystemTime) -> bool {
    let (modified, _) = time(metadata.mtime(), metadata.mtime_nsec());
    is_within(modified, COARSE_TICK, now)
}

fn is_within(modified: SystemTime, tick: Duration, now: SystemTime) -> bool {
    now.duration_since(modified).unwrap_or_else(|error| error.duration()) < tick
}

/// Returns a time of stat(2), and the ticks that it may have been cut to. A time before 1970 counts as 1970.
fn time(seconds: i64, nanos: i64) -> (SystemTime, Duration) {
    let since = Duration::new(
        u64::try_from(seconds).unwrap_or_default(),
        u32::try_from(nanos).unwrap_or_default(),
    );
    let tick = if nanos == 0 { COARSE_TICK } else { TICK };
    (SystemTime::UNIX_EPOCH + since, tick)
}
