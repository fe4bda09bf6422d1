//! A thread for each job, in place of a pool: what a pool is compared with.
//!
//! A thread costs its start and a stack, and without a limit their number is chosen by the clients. Here the limit is
//! fixed: when `most` jobs run, the caller gets the next one back, as from a full queue.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::bounded;

use super::job_count::JobCount;
use super::start_thread::start_thread;
use super::{Backlog, CURRENT_WORKER, Report};
use crate::sync::lock;

/// What a thread does with its job.
type Run<Job> = dyn Fn(Job, &Backlog<'_>) + Send + Sync;

/// Runs each job on a thread of its own.
pub struct ThreadPerJob<Job> {
    name: &'static str,
    run: Arc<Run<Job>>,
    /// The numbers of the threads that run, from 1: `true` at index 0 is thread 1.
    running: Arc<Mutex<Vec<bool>>>,
    most: usize,
    count: Arc<JobCount>,
    panics: Arc<AtomicU64>,
}

/// The time between two looks for threads that still run, at a stop.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

impl<Job: Send + 'static> ThreadPerJob<Job> {
    /// Prepares to run at most `most` jobs at once, each with `run` on a thread `name-N`. N is the least number
    /// that is free.
    pub fn new<R>(name: &'static str, most: usize, run: R) -> ThreadPerJob<Job>
    where
        R: Fn(Job, &Backlog<'_>) + Send + Sync + 'static,
    {
        ThreadPerJob {
            name,
            run: Arc::new(run),
            running: Arc::default(),
            most: most.max(1),
            count: Arc::new(JobCount::new(usize::MAX)), // no job waits
            panics: Arc::default(),
        }
    }

    /// Starts a thread for a job.
    ///
    /// # Errors
    /// Returns the job when as many run as may, or the operating system refuses a thread.
    pub fn try_run(&self, job: Job) -> Result<(), Job> {
        let Some(index) = self.take_number() else { return Err(job) };
        let (run, count) = (Arc::clone(&self.run), Arc::clone(&self.count));
        let (running, panics) = (Arc::clone(&self.running), Arc::clone(&self.panics));
        // The job is sent once the thread runs, so that it is not lost when there is none.
        let (give, take) = bounded(1);
        let name = format!("{}-{}", self.name, index + 1);
        let started = start_thread(&name, &name, move || {
            CURRENT_WORKER.set(Some(index + 1));
            let Ok(job) = take.recv() else { return };
            let outcome = catch_unwind(AssertUnwindSafe(|| run(job, &Backlog { count: &count })));
            count.remove();
            if outcome.is_err() {
                panics.fetch_add(1, Ordering::Relaxed);
                log::error!("a job panicked, and its thread ends");
            }
            lock(&running)[index] = false;
        });
        match started {
            Ok(_) => {
                self.count.add();
                give.send(job).map_err(|error| error.0)
            }
            Err(error) => {
                log::debug!("{error}"); // the caller says once a second that it refuses
                lock(&self.running)[index] = false;
                Err(job)
            }
        }
    }

    /// Returns the number of jobs that run.
    pub fn running(&self) -> impl Fn() -> usize + Send + Sync + use<Job> {
        let count = Arc::clone(&self.count);
        move || count.busy()
    }

    /// Takes no more jobs, and waits for those that run until `deadline`.
    pub fn stop(self, deadline: Instant) -> Report {
        let ThreadPerJob { name, running, panics, .. } = self;
        let numbers = || -> Vec<usize> {
            let running = lock(&running);
            (0..running.len()).filter(|&index| running[index]).map(|index| index + 1).collect()
        };
        let at_first = numbers().len();
        while !numbers().is_empty() && Instant::now() < deadline {
            thread::sleep(LOOK_AGAIN);
        }
        let stuck: Vec<String> =
            numbers().into_iter().map(|number| format!("{name}-{number}")).collect();
        let panics = panics.load(Ordering::Relaxed);
        Report { finished: at_first.saturating_sub(stuck.len()), stuck, panics }
    }

    /// Returns the least index that is free, and takes it.
    fn take_number(&self) -> Option<usize> {
        let mut running = lock(&self.running);
        let free = running.iter().position(|is_running| !is_running).unwrap_or(running.len());
        if free >= self.most {
            return None;
        }
        match running.get_mut(free) {
            Some(is_running) => *is_running = true,
            None => running.push(true),
        }
        Some(free)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::current_worker;
    use crossbeam_channel::unbounded;

    #[test]
    fn each_job_has_a_thread_and_their_number_is_limited() {
        let (hold, held) = bounded::<()>(0);
        let (tell, told) = unbounded();
        let threads = ThreadPerJob::new("test", 2, move |job: u32, _: &Backlog<'_>| {
            tell.send((job, current_worker())).unwrap();
            let _ = held.recv();
            assert!(job < 3, "a panic on purpose");
        });
        let running = threads.running();
        assert_eq!(
            (threads.try_run(1), threads.try_run(2), threads.try_run(3)),
            (Ok(()), Ok(()), Err(3))
        );
        assert_eq!(running(), 2);
        let mut jobs = [told.recv().unwrap(), told.recv().unwrap()];
        jobs.sort_unstable();
        assert_eq!(jobs, [(1, Some(1)), (2, Some(2))]);
        hold.send(()).unwrap();
        while threads.try_run(3).is_err() {
            thread::yield_now();
        }
        assert!(matches!(told.recv().unwrap(), (3, Some(1 | 2))));
        drop(hold);
        let report = threads.stop(Instant::now() + Duration::from_secs(10));
        assert_eq!((report.stuck.len(), report.panics), (0, 1));
    }

    #[test]
    fn a_stop_names_what_still_runs() {
        let (hold, held) = bounded::<()>(0);
        let threads = ThreadPerJob::new("test", 9, move |(), _: &Backlog<'_>| {
            let _ = held.recv();
        });
        threads.try_run(()).unwrap();
        let report = threads.stop(Instant::now() + Duration::from_millis(50));
        assert_eq!(report, Report { finished: 0, stuck: vec!["test-1".to_owned()], panics: 0 });
        drop(hold);
    }
}
