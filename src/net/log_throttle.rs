//! Limits a log line to once a second, however often its reason occurs.

use crate::sync::lock;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The time of the last line.
#[derive(Debug, Default)]
pub struct LogThrottle(Mutex<Option<Instant>>);

impl LogThrottle {
    /// Returns a throttle that allows the first line.
    pub const fn new() -> LogThrottle {
        LogThrottle(Mutex::new(None))
    }

    /// Returns true if no line was allowed within the last second; then the caller logs one at `now`.
    pub fn allow(&self, now: Instant) -> bool {
        let mut last = lock(&self.0);
        let is_recent = |last| now.saturating_duration_since(last) < Duration::from_secs(1);
        if last.is_some_and(is_recent) {
            return false;
        }
        *last = Some(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_second_is_allowed() {
        let (throttle, start) = (LogThrottle::new(), Instant::now());
        for (after, may) in [(0, true), (1, false), (999, false), (1000, true), (1900, false)] {
            assert_eq!(throttle.allow(start + Duration::from_millis(after)), may, "{after} ms");
        }
    }
}
