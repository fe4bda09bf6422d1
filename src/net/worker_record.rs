//! What each worker has served, and is doing: written by the worker alone, and read by others.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// The number of a kind of work that has none of its own.
pub const UNNAMED: u32 = 0;

/// The number of the reply to a datagram, as a kind of work.
pub const DATAGRAM: u32 = u32::MAX;

/// The record of one worker. A kind of work has a number, because an atomic word cannot hold its name.
#[derive(Debug, Default)]
pub struct WorkerRecord {
    served: AtomicU64,
    work: AtomicU32,
}

/// What one worker has served so far, and is doing now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkerLoad {
    /// The requests that it has given to handlers, and the datagrams.
    pub served: u64,
    /// What it is doing.
    pub doing: Doing,
}

/// What a worker is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// It waits for a job.
    Idle,
    /// It leads the lobby, and waits for events.
    Leads,
    /// It serves a connection or a datagram.
    Serves {
        /// The kind of work, or [`UNNAMED`].
        work: u32,
        /// How long.
        since: Duration,
    },
}

impl WorkerRecord {
    /// Records that a handler begins, or the reply to a datagram.
    pub fn begin(&self, work: u32) {
        self.work.store(work, Ordering::Relaxed);
    }

    /// Records that this work has ended. Work without a number is a part of other work, and not counted.
    pub fn end(&self, work: u32) {
        // No other thread writes, so this need not be one step.
        let served = self.served.load(Ordering::Relaxed) + u64::from(work != UNNAMED);
        self.served.store(served, Ordering::Relaxed);
        self.work.store(UNNAMED, Ordering::Relaxed);
    }

    /// Returns what has been recorded, of a worker that is idle, or leads, or has been busy for a time.
    pub fn read(&self, doing: impl FnOnce(u32) -> Doing) -> WorkerLoad {
        let served = self.served.load(Ordering::Relaxed);
        WorkerLoad { served, doing: doing(self.work.load(Ordering::Relaxed)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_work_with_a_number_counts() {
        let record = WorkerRecord::default();
        let read = || record.read(|work| Doing::Serves { work, since: Duration::ZERO });
        record.begin(7);
        assert_eq!(read().doing, Doing::Serves { work: 7, since: Duration::ZERO });
        for work in [7, UNNAMED, DATAGRAM] {
            record.end(work);
        }
        assert_eq!((read().served, record.read(|_| Doing::Idle).doing), (2, Doing::Idle));
    }
}
