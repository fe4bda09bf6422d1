//! Once a second, however often there is something to say.

use crate::sync::lock;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// When it was said last.
#[derive(Debug, Default)]
pub struct LogThrottle(Mutex<Option<Instant>>);

impl LogThrottle {
    /// It has not been said yet.
    pub const fn new() -> LogThrottle {
        LogThrottle(Mutex::new(None))
    }

    /// Has nothing been said for a second? Then something is being said now.
    pub fn allow(&self, now: Instant) -> bool {
        let mut spoke = lock(&self.0);
        let lately = |spoke| now.saturating_duration_since(spoke) < Duration::from_secs(1);
        if spoke.is_some_and(lately) {
            return false;
        }
        *spoke = Some(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_a_second() {
        let (rarely, start) = (LogThrottle::new(), Instant::now());
        for (after, may) in [(0, true), (1, false), (999, false), (1000, true), (1900, false)] {
            assert_eq!(rarely.allow(start + Duration::from_millis(after)), may, "{after} ms");
        }
    }
}
