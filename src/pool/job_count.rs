//! Counts the unfinished jobs of a pool, in its channel and at its workers, in one atomic number.
//!
//! The sender adds a job before it sends it, and the worker removes it when the job is done. If the
//! worker added it instead, a job could have left the channel while its worker still counted as idle.
//! Model-checked: `make model`.

#[cfg(loom)]
use loom::sync::atomic::{AtomicUsize, Ordering};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicUsize, Ordering};

/// The number of unfinished jobs, and the number of workers that share them.
#[derive(Debug)]
pub(super) struct JobCount {
    unfinished: AtomicUsize,
    workers: usize,
}

impl JobCount {
    pub(super) fn new(workers: usize) -> JobCount {
        JobCount { unfinished: AtomicUsize::new(0), workers }
    }

    /// Adds a job that is about to be sent.
    pub(super) fn add(&self) {
        self.unfinished.fetch_add(1, Ordering::SeqCst);
    }

    /// Removes a job that is done, or that could not be sent.
    pub(super) fn remove(&self) {
        self.unfinished.fetch_sub(1, Ordering::SeqCst);
    }

    /// Returns the number of workers that run a job, or are about to take one from the channel.
    pub(super) fn busy(&self) -> usize {
        self.unfinished.load(Ordering::SeqCst).min(self.workers)
    }

    /// Returns the number of all workers.
    pub(super) fn workers(&self) -> usize {
        self.workers
    }

    /// Returns true if there are more jobs than workers, so that at least one waits.
    pub(super) fn is_waiting(&self) -> bool {
        self.unfinished.load(Ordering::SeqCst) > self.workers
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use loom::sync::Arc;
    use loom::thread;

    /// Two workers take a job each from a channel, modelled as a number. While neither is done, both
    /// count as busy and no job as waiting; with a third job, one is waiting, in every interleaving.
    #[test]
    fn a_job_that_has_left_the_channel_still_counts() {
        for (sent, waits) in [(2, false), (3, true)] {
            loom::model(move || {
                let (jobs, channel) = (Arc::new(JobCount::new(2)), Arc::new(AtomicUsize::new(0)));
                for _ in 0..sent {
                    jobs.add();
                    channel.fetch_add(1, Ordering::Release);
                }
                let workers: Vec<_> = (0..2)
                    .map(|_| {
                        let (jobs, channel) = (Arc::clone(&jobs), Arc::clone(&channel));
                        thread::spawn(move || {
                            channel.fetch_sub(1, Ordering::Acquire);
                            assert_eq!((jobs.busy(), jobs.is_waiting()), (2, waits));
                        })
                    })
                    .collect();
                workers.into_iter().for_each(|worker| worker.join().unwrap());
                (0..2).for_each(|_| jobs.remove());
                assert_eq!(jobs.busy(), sent - 2);
            });
        }
    }

    /// A sender whose channel is full removes its job: the count is as before.
    #[test]
    fn a_job_that_was_not_sent_does_not_count() {
        loom::model(|| {
            let jobs = Arc::new(JobCount::new(1));
            let sender = {
                let jobs = Arc::clone(&jobs);
                thread::spawn(move || {
                    jobs.add();
                    jobs.remove();
                })
            };
            jobs.add();
            assert_eq!(jobs.busy(), 1);
            sender.join().unwrap();
            assert!(!jobs.is_waiting());
        });
    }
}
