//! What a thread has cost so far (clock_gettime(2)), and whether it waits (proc(5)).

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// The processor time of the calling thread, in its own code and in the kernel; none where the
/// system does not say.
pub fn of_this_thread() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from).unwrap_or_default()
}

/// A thread of this process, as the system names it.
#[derive(Debug)]
pub struct ThreadId {
    /// Where the system says what it is doing (proc(5), `/proc/[pid]/task/[tid]/stat`).
    stat: Option<PathBuf>,
}

impl ThreadId {
    /// Returns the calling thread.
    pub fn current() -> ThreadId {
        let link = fs::read_link("/proc/thread-self").ok();
        ThreadId { stat: link.map(|link| Path::new("/proc").join(link).join("stat")) }
    }

    /// Returns true if the thread waits for something: a time, a lock, a disk. One that runs, or would if
    /// it had a core, does not. Costs some 10 µs; false where the system does not say.
    pub fn is_waiting(&self) -> bool {
        let stat = self.stat.as_ref().and_then(|stat| fs::read(stat).ok()).unwrap_or_default();
        // The state follows the name of the thread, which may have any characters in it.
        let state = stat.iter().rposition(|&byte| byte == b')').and_then(|end| stat.get(end + 2));
        matches!(state, Some(b'S' | b'D'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn work_is_counted_and_waiting_is_not() {
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
        std::thread::sleep(Duration::from_millis(50));
        assert!(!id.is_waiting());
        thread.unwrap().join().unwrap();
        assert!(!id.is_waiting(), "it has ended");
    }
}
