//! A sign of life: what a program lets the accept loop do again and again.

use std::time::Duration;

use super::Server;

/// How often the accept loop looks after the server if nothing else is asked for: every second.
const USUAL: Duration = Duration::from_secs(1);

/// What the accept loop does again and again, and how often.
pub(super) struct Heartbeat {
    pub(super) every: Duration,
    pub(super) beat: Box<dyn FnMut() + Send>,
}

impl Default for Heartbeat {
    fn default() -> Heartbeat {
        Heartbeat { every: USUAL, beat: Box::new(|| {}) }
    }
}

impl std::fmt::Debug for Heartbeat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Heartbeat").field("every", &self.every).finish_non_exhaustive()
    }
}

impl Server {
    /// Calls `beat` while connections are accepted, `every` time or more often, on the thread that accepts them:
    /// when that thread hangs, no sign of life comes. `beat` must not wait.
    pub fn on_heartbeat(&mut self, every: Duration, beat: impl FnMut() + Send + 'static) {
        // Not more often than a thousand times a second, whatever is asked for.
        let every = every.clamp(Duration::from_millis(1), USUAL);
        self.heartbeat = Heartbeat { every, beat: Box::new(beat) };
    }
}
