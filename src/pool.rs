//! A fixed number of named workers draining one bounded crossbeam channel.
//!
//! ```text
//! queue.try_send(job) ──> [ bounded channel ] ──> worker 1, worker 2, … worker N: work(job)
//! ```
//! The number of workers never changes: a job that panics costs its own result and nothing else.
//! A full channel is an answer (the job comes back), not a wait. Nothing in here knows what a job
//! is.

mod jobs;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use std::{io, thread};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use self::jobs::Jobs;

/// Workers, and the channel that feeds them.
#[derive(Debug)]
pub struct Pool<J> {
    jobs: Sender<J>,
    waiting: Receiver<J>,
    names: Vec<String>,
    ended: Receiver<usize>,
    count: Arc<Jobs>,
    panics: Arc<AtomicU64>,
}

thread_local! {
    static NUMBER: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Which worker of its pool this thread is, from 1; `None` if it is none.
pub fn number() -> Option<usize> {
    NUMBER.get()
}

/// Where jobs are put.
#[derive(Debug)]
pub struct Queue<J> {
    jobs: Sender<J>,
    count: Arc<Jobs>,
}

/// How full a pool is. Held by whoever likes; the pool stops all the same.
#[derive(Debug)]
pub struct Gauge<J> {
    queue: Receiver<J>,
    count: Arc<Jobs>,
}

/// What a job may know of the others: whether they wait.
#[derive(Debug)]
pub struct Waiting<'a> {
    count: &'a Jobs,
}

/// How a pool ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Report {
    /// Workers that finished what they had.
    pub finished: usize,
    /// Names of the workers that were still at a job when the deadline passed; their threads go on.
    pub stuck: Vec<String>,
    /// Jobs that panicked, over the pool's life.
    pub panics: u64,
}

impl<J: Send + 'static> Pool<J> {
    /// Starts `workers` threads named `name-1` and so on, and a channel that holds `capacity` jobs.
    /// Both are at least 1.
    ///
    /// # Errors
    /// When the operating system refuses a thread.
    pub fn start<W>(name: &str, workers: usize, capacity: usize, work: W) -> io::Result<Pool<J>>
    where
        W: Fn(J, &Waiting<'_>) + Send + Sync + 'static,
    {
        let (jobs, queue) = bounded(capacity.max(1));
        let workers = workers.max(1);
        let (ending, ended) = bounded(workers);
        let panics = Arc::new(AtomicU64::new(0));
        let (work, count) = (Arc::new(work), Arc::new(Jobs::new(workers)));
        let names: Vec<String> = (1..=workers).map(|number| format!("{name}-{number}")).collect();
        for (index, name) in names.iter().enumerate() {
            let (queue, ending) = (queue.clone(), ending.clone());
            let (work, panics) = (Arc::clone(&work), Arc::clone(&panics));
            let count = Arc::clone(&count);
            thread::Builder::new().name(name.clone()).spawn(move || {
                NUMBER.set(Some(index + 1));
                drain(&queue, &count, &*work, &panics);
                // Nobody may be listening any more, and then nobody needs to know.
                let _ = ending.send(index);
            })?;
        }
        Ok(Pool { jobs, waiting: queue, names, ended, count, panics })
    }

    /// A way to put jobs in. The pool cannot stop while one is held.
    pub fn queue(&self) -> Queue<J> {
        Queue { jobs: self.jobs.clone(), count: Arc::clone(&self.count) }
    }

    /// A way to see how full it is.
    pub fn gauge(&self) -> Gauge<J> {
        Gauge { queue: self.waiting.clone(), count: Arc::clone(&self.count) }
    }

    /// Takes no more jobs, lets the workers finish those that are queued and running, and waits
    /// for them until `deadline`. A worker that is still at a job then is left to it, and named.
    pub fn stop(self, deadline: Instant) -> Report {
        let Pool { jobs, names, ended, panics, .. } = self;
        drop(jobs); // the channel is disconnected: empty it, and that was it
        let mut running: Vec<Option<String>> = names.into_iter().map(Some).collect();
        while running.iter().any(Option::is_some) {
            match ended.recv_deadline(deadline) {
                Ok(index) => running[index] = None,
                Err(_) => break,
            }
        }
        let workers = running.len();
        let stuck: Vec<String> = running.into_iter().flatten().collect();
        Report { finished: workers - stuck.len(), stuck, panics: panics.load(Ordering::Relaxed) }
    }
}

impl<J> Gauge<J> {
    /// Jobs that wait.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// All workers.
    pub fn workers(&self) -> usize {
        self.count.workers()
    }

    /// Workers that are at a job, or about to take one.
    pub fn busy(&self) -> usize {
        self.count.busy()
    }
}

impl<J> Queue<J> {
    /// Puts a job in, or gives it back when the channel is full.
    ///
    /// # Errors
    /// The job.
    pub fn try_send(&self, job: J) -> Result<(), J> {
        self.count.add();
        self.jobs.try_send(job).map_err(|error| {
            self.count.remove();
            match error {
                TrySendError::Full(job) | TrySendError::Disconnected(job) => job,
            }
        })
    }
}

impl Waiting<'_> {
    /// Returns true if at least one job waits that no idle worker is about to take.
    pub fn any(&self) -> bool {
        self.count.are_waiting()
    }
}

/// The life of a worker.
fn drain<J>(
    queue: &Receiver<J>,
    count: &Jobs,
    work: &impl Fn(J, &Waiting<'_>),
    panics: &AtomicU64,
) {
    for job in queue {
        // A job is done with when it panics: whatever it left half changed was its own.
        let outcome = catch_unwind(AssertUnwindSafe(|| work(job, &Waiting { count })));
        count.remove();
        if outcome.is_err() {
            panics.fetch_add(1, Ordering::Relaxed);
            let thread = thread::current();
            log::error!(
                "{}: a job panicked; the worker goes on",
                thread.name().unwrap_or("worker")
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;
    use std::time::Duration;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(10)
    }

    #[test]
    fn every_job_is_done_by_a_named_worker() {
        let (sender, results) = crossbeam_channel::unbounded();
        let pool = Pool::start("test", 3, 100, move |job: u32, _: &Waiting<'_>| {
            let who = (thread::current().name().map(str::to_owned), number());
            sender.send((job, who)).unwrap();
        });
        let pool = pool.unwrap();
        for job in 0..100 {
            pool.queue().try_send(job).unwrap();
        }
        assert_eq!(pool.stop(soon()), Report { finished: 3, stuck: vec![], panics: 0 });
        let mut jobs: Vec<u32> = results
            .iter()
            .map(|(job, who)| {
                let (name, number) = who;
                assert_eq!(name, number.map(|number| format!("test-{number}")));
                assert!((1..=3).contains(&number.unwrap()));
                job
            })
            .collect();
        jobs.sort_unstable();
        assert_eq!(jobs, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn a_panic_neither_kills_a_worker_nor_shrinks_the_pool() {
        let together = Arc::new(Barrier::new(3));
        let meeting = Arc::clone(&together);
        let pool = Pool::start("test", 2, 100, move |job: bool, _: &Waiting<'_>| {
            assert!(job, "a panic on purpose");
            meeting.wait();
        });
        let pool = pool.unwrap();
        for _ in 0..10 {
            pool.queue().try_send(false).unwrap();
        }
        // Both workers are still there, or this would never meet.
        pool.queue().try_send(true).unwrap();
        pool.queue().try_send(true).unwrap();
        together.wait();
        assert_eq!(pool.stop(soon()), Report { finished: 2, stuck: vec![], panics: 10 });
    }

    #[test]
    fn a_job_that_an_idle_worker_will_take_does_not_wait() {
        let (ask, asked) = bounded::<()>(0);
        let (tell, told) = bounded(0);
        let pool = Pool::start("test", 2, 100, move |_: u32, waiting: &Waiting<'_>| {
            while asked.recv().is_ok() {
                tell.send(waiting.any()).unwrap();
            }
        });
        let pool = pool.unwrap();
        let any = || {
            ask.send(()).unwrap();
            told.recv().unwrap()
        };
        pool.queue().try_send(1).unwrap();
        assert!(!any(), "there is no other");
        pool.queue().try_send(2).unwrap();
        assert!((0..100).all(|_| !any()), "the second is taken in no time");
        pool.queue().try_send(3).unwrap();
        while !any() {} // until both are busy: then the third waits
        drop(ask);
        assert_eq!(pool.stop(soon()).finished, 2);
    }

    #[test]
    fn a_full_channel_gives_the_job_back_and_a_stuck_worker_is_named() {
        let (hold, held) = bounded::<()>(0);
        let pool = Pool::start("test", 1, 1, move |_: u32, _: &Waiting<'_>| {
            let _ = held.recv();
        });
        let pool = pool.unwrap();
        let queue = pool.queue();
        queue.try_send(1).unwrap();
        while queue.try_send(2).is_err() {
            thread::yield_now(); // until the worker has taken the first
        }
        assert_eq!(queue.try_send(3), Err(3));
        drop(queue);
        let report = pool.stop(Instant::now() + Duration::from_millis(50));
        assert_eq!(report.stuck, ["test-1"]);
        drop(hold);
    }
}
