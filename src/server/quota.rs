//! So much of something for everybody together: memory for bodies, workers for streams.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How much there is, and how much is in use.
#[derive(Debug)]
pub(super) struct Quota {
    most: u64,
    used: AtomicU64,
}

/// What one user has of it. It is given back when this is dropped, however that comes about, so the
/// sum cannot drift.
#[derive(Debug)]
pub(super) struct Share {
    of: Arc<Quota>,
    held: u64,
}

impl Quota {
    pub(super) fn new(most: u64) -> Arc<Quota> {
        Arc::new(Quota { most, used: AtomicU64::new(0) })
    }

    /// A share of nothing yet.
    pub(super) fn share(self: &Arc<Self>) -> Share {
        Share { of: Arc::clone(self), held: 0 }
    }
}

impl Share {
    /// Takes so much more, if there is so much left.
    pub(super) fn grow(&mut self, by: u64) -> bool {
        let sum = |used: u64| used.checked_add(by).filter(|&sum| sum <= self.of.most);
        let granted = self.of.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, sum).is_ok();
        if granted {
            self.held += by;
        }
        granted
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.of.used.fetch_sub(self.held, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_there_is_and_all_of_it_comes_back() {
        let quota = Quota::new(10);
        let (mut one, mut other) = (quota.share(), quota.share());
        assert!(one.grow(6) && !other.grow(5) && other.grow(4));
        assert!(!one.grow(1) && one.grow(0) && !one.grow(u64::MAX));
        drop(one);
        assert!(other.grow(6) && !other.grow(1));
        drop(other);
        assert_eq!(quota.used.load(Ordering::Relaxed), 0);
    }
}
