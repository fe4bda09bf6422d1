//! What a thread has cost so far, and what it had to wait for (clock_gettime(2), getrusage(2)).

use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::time::{ClockId, clock_gettime};

/// The processor time of the calling thread, in its own code and in the kernel; none where the
/// system does not say.
pub fn of_this_thread() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from).unwrap_or_default()
}

/// How often the calling thread has been taken off its core while it had more to do; never where the
/// system does not say.
pub fn preemptions_of_this_thread() -> i64 {
    getrusage(UsageWho::RUSAGE_THREAD).map_or(0, |usage| usage.involuntary_context_switches())
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
}
