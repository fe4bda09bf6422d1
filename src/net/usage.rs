//! What a thread has cost so far (getrusage(2)).

use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};

/// The processor time of the calling thread, in its own code and in the kernel; none where the
/// system does not say.
pub fn of_this_thread() -> Duration {
    let Ok(usage) = getrusage(UsageWho::RUSAGE_THREAD) else { return Duration::ZERO };
    let micros = |time: nix::sys::time::TimeVal| {
        let micros = time.tv_sec().saturating_mul(1_000_000).saturating_add(time.tv_usec());
        Duration::from_micros(u64::try_from(micros).unwrap_or_default())
    };
    micros(usage.user_time()) + micros(usage.system_time())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_counted_and_it_never_goes_back() {
        let before = of_this_thread();
        while of_this_thread() == before {
            std::hint::black_box(vec![0; 1 << 16]);
        }
        assert!(of_this_thread() > before);
    }
}
