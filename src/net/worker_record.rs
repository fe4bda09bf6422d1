//! What each worker has served, and is doing: written by the worker alone, and read by others.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// The number of a kind of work that has none of its own: to receive a request, for one.
pub const UNNAMED: u32 = 0;

/// The number of sending a long body, as a kind of work.
pub const SENDING: u32 = u32::MAX - 1;

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
        /// The kind of work.
        work: u32,
        /// How long, from the beginning of its turn; in the textbook, of the connection.
        since: Duration,
    },
}

impl WorkerRecord {
    /// Records that this work begins: a handler, the reply to a datagram, to receive, to send. What comes next
    /// replaces it; the microseconds in which a short response is sent count as its handler's.
    pub fn begin(&self, work: u32) {
        self.work.store(work, Ordering::Relaxed);
    }

    /// Counts work that has ended. To receive and to send is a part of other work, and not counted.
    pub fn end(&self, work: u32) {
        // No other thread writes, so this need not be one step.
        let counts = !matches!(work, UNNAMED | SENDING);
        let served = self.served.load(Ordering::Relaxed) + u64::from(counts);
        self.served.store(served, Ordering::Relaxed);
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
        for work in [7, UNNAMED, SENDING, DATAGRAM] {
            record.end(work);
        }
        assert_eq!((read().served, record.read(|_| Doing::Idle).doing), (2, Doing::Idle));
    }
}
