//! The processor time of a thread, and whether it waits (clock_gettime(2), getrusage(2), proc(5)).

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::time::{ClockId, clock_gettime};

/// Returns the processor time of the calling thread, in its own code and in the kernel; zero if the system
/// does not report it.
pub fn of_this_thread() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from).unwrap_or_default()
}

/// Measures how long the calling thread waits and how long it computes.
#[derive(Debug, Clone, Copy)]
pub struct Meter {
    begun: Instant,
    used: Duration,
    preemptions: i64,
}

/// The result of a [`Meter`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// The time waited, for a timer, a lock or a disk. Zero, because unknown, if the kernel gave the core to
    /// another thread meanwhile.
    pub waited: Duration,
    /// Processor time.
    pub computed: Duration,
}

impl Meter {
    /// Begins to measure. Costs two system calls, as [`Meter::stop`] does.
    pub fn start() -> Meter {
        let (used, preemptions) = (of_this_thread(), preemptions_of_this_thread());
        Meter { begun: Instant::now(), used, preemptions }
    }

    /// Returns what was measured since the start.
    pub fn stop(self) -> Measured {
        let by_clock = self.begun.elapsed();
        let computed = of_this_thread().saturating_sub(self.used);
        let was_preempted = preemptions_of_this_thread() != self.preemptions;
        let waited = if was_preempted { Duration::ZERO } else { by_clock.saturating_sub(computed) };
        Measured { waited, computed }
    }
}

/// Returns how often the kernel has taken the core from the calling thread; 0 if the system does not
/// report it.
fn preemptions_of_this_thread() -> i64 {
    getrusage(UsageWho::RUSAGE_THREAD).map_or(0, |usage| usage.involuntary_context_switches())
}

/// A thread of this process, by its path in `/proc`.
#[derive(Debug)]
pub struct ThreadId {
    /// `/proc/[pid]/task/[tid]` (proc(5)).
    folder: Option<PathBuf>,
}

impl ThreadId {
    /// Returns the calling thread.
    pub fn current() -> ThreadId {
        let link = fs::read_link("/proc/thread-self").ok();
        ThreadId { folder: link.map(|link| Path::new("/proc").join(link)) }
    }

    /// Returns true if the thread waits for a timer, a lock or a disk. A thread that runs, or is ready to
    /// run, does not wait. Costs about 10 µs; false if the system does not report it.
    pub fn is_waiting(&self) -> bool {
        let stat = self.read("stat");
        // The state follows the name of the thread, which may contain any character.
        let state = stat.iter().rposition(|&byte| byte == b')').and_then(|end| stat.get(end + 2));
        matches!(state, Some(b'S' | b'D'))
    }

    /// Returns the processor time of the thread; zero if the system does not report it.
    pub fn used(&self) -> Duration {
        let schedstat = self.read("schedstat");
        let first = schedstat.split(|&byte| byte == b' ').next().unwrap_or_default();
        let nanoseconds = std::str::from_utf8(first).ok().and_then(|text| text.parse().ok());
        Duration::from_nanos(nanoseconds.unwrap_or_default())
    }

    fn read(&self, name: &str) -> Vec<u8> {
        let folder = self.folder.as_ref();
        folder.and_then(|folder| fs::read(folder.join(name)).ok()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn computing_is_counted_and_waiting_is_not() {
        let (begun, before) = (Instant::now(), of_this_thread());
        while of_this_thread() - before < Duration::from_millis(2) {
            std::hint::black_box(vec![0; 1 << 10]);
        }
        std::thread::sleep(Duration::from_millis(20));
        let cost = of_this_thread() - before;
        assert!(cost + Duration::from_millis(10) < begun.elapsed(), "{cost:?}");
    }

    #[test]
    fn a_thread_that_sleeps_waits_and_one_that_computes_does_not() {
        let (send, receive) = std::sync::mpsc::channel();
        let (compute, computed) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::Builder::new().name("a) S (b".to_owned()).spawn(move || {
            send.send(ThreadId::current()).unwrap();
            computed.recv().unwrap_err(); // waits for the other end to be dropped
            send.send(ThreadId::current()).unwrap();
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_millis(200) {}
        });
        let id = receive.recv().unwrap();
        std::thread::sleep(Duration::from_millis(50));
        assert!(id.is_waiting());
        drop(compute);
        receive.recv().unwrap();
        let used = id.used();
        std::thread::sleep(Duration::from_millis(50));
        assert!(!id.is_waiting() && id.used() > used);
        thread.unwrap().join().unwrap();
        assert!(!id.is_waiting(), "it has ended");
    }

    #[test]
    fn a_meter_tells_waiting_from_computing() {
        let measure = |work: &dyn Fn()| {
            let meter = Meter::start();
            work();
            meter.stop()
        };
        let compute = || {
            let before = of_this_thread();
            while of_this_thread() - before < Duration::from_millis(3) {}
        };
        assert!(measure(&compute).computed >= Duration::from_millis(3));
        let sleep = || std::thread::sleep(Duration::from_millis(3));
        // Ten times, as the kernel may take the core away at any moment.
        let slept: Vec<Measured> = (0..10).map(|_| measure(&sleep)).collect();
        assert!(slept.iter().all(|slept| slept.computed < Duration::from_millis(3)), "{slept:?}");
        assert!(slept.iter().any(|slept| slept.waited > Duration::from_millis(2)), "{slept:?}");
    }
}
