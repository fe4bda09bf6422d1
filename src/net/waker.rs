//! Wakes a connection that waits for something else than its client, such as a message from another one.

use std::sync::Arc;

/// Gives a waiting connection another turn. It can be kept, cloned and called on any thread, also when the
/// connection is in a turn, or closed: then it does no harm.
#[derive(Clone)]
pub struct Waker(Arc<dyn Fn() + Send + Sync>);

impl Waker {
    /// Returns a waker that calls `wake`.
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> Waker {
        Waker(Arc::new(wake))
    }

    /// Wakes the connection.
    pub fn wake(&self) {
        (self.0)();
    }
}

impl std::fmt::Debug for Waker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Waker")
    }
}
