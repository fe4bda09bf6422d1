//! What the accept loop does when the process is out of descriptors.

use std::io;
use std::time::{Duration, Instant};

use crate::net::log_throttle::LogThrottle;

/// A pause while the process is out of descriptors: clients wait in the backlog, and a log line says so
/// at most once a second.
#[derive(Debug, Default)]
pub(super) struct Exhausted {
    paused_until: Option<Instant>,
    log: LogThrottle,
}

impl Exhausted {
    const PAUSE: Duration = Duration::from_millis(50);

    /// Begins a pause because of `error`.
    pub(super) fn begin(&mut self, error: &io::Error, now: Instant) {
        self.paused_until = Some(now + Exhausted::PAUSE);
        if self.log.allow(now) {
            log::warn!(
                "cannot accept: {error}; new clients wait until connections are closed (see ulimit -n)"
            );
        }
    }

    /// Ends the pause: a connection could be accepted.
    pub(super) fn end(&mut self) {
        self.paused_until = None;
    }

    /// Returns what is left of the pause.
    pub(super) fn pause_left(&self, now: Instant) -> Option<Duration> {
        self.paused_until?.checked_duration_since(now)
    }
}
