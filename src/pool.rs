//! The thread pool: a fixed number of named workers that take jobs from one bounded channel.
//!
//! ```text
//! queue.try_send(job) ──> [ bounded channel ] ──> worker 1, worker 2, … worker N: run(job)
//! ```
//! It is the `ThreadPool` of the Rust Book (chapter 21) with three differences. The channel is bounded:
//! when it is full, the caller gets the job back at once and decides what to do with it. A job that
//! panics ends, and its worker goes on, so the number of workers never changes. And a stop has a
//! deadline: it reports the workers that are still busy then, and does not wait for them.
//!
//! A job is a value, and one function given to [`ThreadPool::start`] runs it. The pool knows nothing of
//! sockets or protocols.

mod job_count;
pub mod pick;
pub mod start_thread;
pub mod thread_per_job;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use std::{io, thread};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use self::job_count::JobCount;
use self::start_thread::start_thread;

/// The workers, and the channel that feeds them.
#[derive(Debug)]
pub struct ThreadPool<Job> {
    sender: Sender<Job>,
    receiver: Receiver<Job>,
    worker_names: Vec<String>,
    /// Each worker sends its index when it ends.
    ended: Receiver<usize>,
    count: Arc<JobCount>,
    panics: Arc<AtomicU64>,
}

thread_local! {
    /// The index of the worker, plus 1.
    static CURRENT_WORKER: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Returns the number of the worker that calls this, from 1; `None` on a thread that is not a worker.
pub fn current_worker() -> Option<usize> {
    CURRENT_WORKER.get()
}

/// The sending end of the channel.
#[derive(Debug)]
pub struct Queue<Job> {
    sender: Sender<Job>,
    count: Arc<JobCount>,
}

/// Reads how busy a pool is. A gauge that is still held does not keep the pool from stopping.
#[derive(Debug)]
pub struct Gauge<Job> {
    receiver: Receiver<Job>,
    count: Arc<JobCount>,
}

/// Tells a running job whether other jobs wait for a worker.
#[derive(Debug)]
pub struct Backlog<'a> {
    count: &'a JobCount,
}

/// How a pool of workers ended; for a server, a job is to serve a connection.
#[derive(Debug, PartialEq, Eq)]
pub struct Report {
    /// The number of workers that ended before the deadline.
    pub finished: usize,
    /// The names of the workers that were still running a job at the deadline. Their threads go on.
    pub stuck: Vec<String>,
    /// The number of jobs that panicked, over the pool's life.
    pub panics: u64,
}

impl<Job: Send + 'static> ThreadPool<Job> {
    /// Starts `workers` threads named `name-1`, `name-2` and so on, which run each job with `run`. The
    /// channel holds `capacity` jobs. Both numbers are raised to at least 1.
    ///
    /// # Errors
    /// When the operating system refuses a thread.
    pub fn start<R>(
        name: &str,
        workers: usize,
        capacity: usize,
        run: R,
    ) -> io::Result<ThreadPool<Job>>
    where
        R: Fn(Job, &Backlog<'_>) + Send + Sync + 'static,
    {
        let (sender, receiver) = bounded(capacity.max(1));
        let workers = workers.max(1);
        let (ending, ended) = bounded(workers);
        let panics = Arc::new(AtomicU64::new(0));
        let (run, count) = (Arc::new(run), Arc::new(JobCount::new(workers)));
        let worker_names: Vec<String> =
            (1..=workers).map(|number| format!("{name}-{number}")).collect();
        for (index, thread) in worker_names.iter().enumerate() {
            let (jobs, ending) = (receiver.clone(), ending.clone());
            let (run, panics) = (Arc::clone(&run), Arc::clone(&panics));
            let count = Arc::clone(&count);
            start_thread(thread, &format!("{name} {} of {workers}", index + 1), move || {
                CURRENT_WORKER.set(Some(index + 1));
                worker_loop(&jobs, &count, &*run, &panics);
                // Fails when the pool was dropped or its stop is over: then the report is not needed.
                let _ = ending.send(index);
            })?;
        }
        Ok(ThreadPool { sender, receiver, worker_names, ended, count, panics })
    }

    /// Returns a handle that sends jobs. The pool cannot stop while one is held.
    pub fn queue(&self) -> Queue<Job> {
        Queue { sender: self.sender.clone(), count: Arc::clone(&self.count) }
    }

    /// Returns a handle that reads how busy the pool is.
    pub fn gauge(&self) -> Gauge<Job> {
        Gauge { receiver: self.receiver.clone(), count: Arc::clone(&self.count) }
    }

    /// Takes no more jobs, lets the workers finish those that are queued and running, and waits for them
    /// until `deadline`.
    pub fn stop(self, deadline: Instant) -> Report {
        let ThreadPool { sender, worker_names, ended, panics, .. } = self;
        drop(sender); // disconnects the channel: each worker ends when it is empty
        let mut running: Vec<Option<String>> = worker_names.into_iter().map(Some).collect();
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

impl<Job> Queue<Job> {
    /// Sends a job to the workers without waiting.
    ///
    /// # Errors
    /// Returns the job when the channel is full.
    pub fn try_send(&self, job: Job) -> Result<(), Job> {
        self.count.add();
        self.sender.try_send(job).map_err(|error| {
            self.count.remove();
            match error {
                TrySendError::Full(job) | TrySendError::Disconnected(job) => job,
            }
        })
    }
}

impl<Job> Gauge<Job> {
    /// Returns the number of jobs in the channel.
    pub fn queued(&self) -> usize {
        self.receiver.len()
    }

    /// Returns the number of all workers.
    pub fn workers(&self) -> usize {
        self.count.workers()
    }

    /// Returns the number of workers that run a job, or are about to take one.
    pub fn busy(&self) -> usize {
        self.count.busy()
    }
}

impl Backlog<'_> {
    /// Returns true if at least one job waits that no idle worker is about to take.
    pub fn is_waiting(&self) -> bool {
        self.count.is_waiting()
    }
}

/// Runs jobs until the channel is empty and disconnected.
fn worker_loop<Job>(
    jobs: &Receiver<Job>,
    count: &JobCount,
    run: &impl Fn(Job, &Backlog<'_>),
    panics: &AtomicU64,
) {
    for job in jobs {
        // The job is moved in, so nothing that a panic leaves half changed is used again.
        let outcome = catch_unwind(AssertUnwindSafe(|| run(job, &Backlog { count })));
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
    fn a_named_worker_runs_each_job() {
        let (sender, results) = crossbeam_channel::unbounded();
        let pool = ThreadPool::start("test", 3, 100, move |job: u32, _: &Backlog<'_>| {
            let worker = (thread::current().name().map(str::to_owned), current_worker());
            sender.send((job, worker)).unwrap();
        });
        let pool = pool.unwrap();
        for job in 0..100 {
            pool.queue().try_send(job).unwrap();
        }
        assert_eq!(pool.stop(soon()), Report { finished: 3, stuck: vec![], panics: 0 });
        let mut jobs: Vec<u32> = results
            .iter()
            .map(|(job, (name, number))| {
                assert_eq!(name, number.map(|number| format!("test-{number}")));
                assert!((1..=3).contains(&number.unwrap()));
                job
            })
            .collect();
        jobs.sort_unstable();
        assert_eq!(jobs, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn a_panic_does_not_end_its_worker() {
        let barrier = Arc::new(Barrier::new(3));
        let workers_barrier = Arc::clone(&barrier);
        let pool = ThreadPool::start("test", 2, 100, move |job: bool, _: &Backlog<'_>| {
            assert!(job, "a panic on purpose");
            workers_barrier.wait();
        });
        let pool = pool.unwrap();
        for _ in 0..10 {
            pool.queue().try_send(false).unwrap();
        }
        // Both workers are still there, or the barrier would never open.
        pool.queue().try_send(true).unwrap();
        pool.queue().try_send(true).unwrap();
        barrier.wait();
        assert_eq!(pool.stop(soon()), Report { finished: 2, stuck: vec![], panics: 10 });
    }

    #[test]
    fn a_job_that_an_idle_worker_will_take_is_not_waiting() {
        let (question, questions) = bounded::<()>(0);
        let (response, responses) = bounded(0);
        let pool = ThreadPool::start("test", 2, 100, move |_: u32, backlog: &Backlog<'_>| {
            while questions.recv().is_ok() {
                response.send(backlog.is_waiting()).unwrap();
            }
        });
        let pool = pool.unwrap();
        let is_waiting = || {
            question.send(()).unwrap();
            responses.recv().unwrap()
        };
        pool.queue().try_send(1).unwrap();
        assert!(!is_waiting(), "there is no other job");
        pool.queue().try_send(2).unwrap();
        assert!((0..100).all(|_| !is_waiting()), "the second worker takes it");
        pool.queue().try_send(3).unwrap();
        while !is_waiting() {} // until both workers are busy
        drop(question);
        assert_eq!(pool.stop(soon()).finished, 2);
    }

    #[test]
    fn a_full_channel_returns_the_job_and_the_report_names_a_stuck_worker() {
        let (hold, held) = bounded::<()>(0);
        let pool = ThreadPool::start("test", 1, 1, move |_: u32, _: &Backlog<'_>| {
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
