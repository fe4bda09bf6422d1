//! A limit that all connections share: memory and disk for bodies, descriptors for files, workers that
//! stream. The same pattern as a semaphore with permits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A limit, and how much of it is in use.
#[derive(Debug)]
pub(crate) struct Quota {
    most: u64,
    used: AtomicU64,
}

/// What [`Share::grow_by_part`] takes of what is left: one sixteenth.
const PART: u64 = 16;

/// The part of a quota that one user holds. It is released when this is dropped, so the sum cannot
/// drift.
#[derive(Debug)]
pub(crate) struct Share {
    of: Arc<Quota>,
    held: u64,
}

impl Quota {
    pub(crate) fn new(most: u64) -> Arc<Quota> {
        Arc::new(Quota { most, used: AtomicU64::new(0) })
    }

    /// Returns true if the limit is 0.
    pub(crate) fn is_zero(&self) -> bool {
        self.most == 0
    }

    /// Returns true if this amount is left at the moment.
    pub(crate) fn has_room_for(&self, more: u64) -> bool {
        let used = self.used.load(Ordering::Relaxed);
        used.checked_add(more).is_some_and(|sum| sum <= self.most)
    }

    /// Takes this amount, if it is left.
    pub(crate) fn take(self: &Arc<Self>, amount: u64) -> Option<Share> {
        let mut share = self.share();
        share.grow(amount).then_some(share)
    }

    /// Returns an empty share.
    pub(crate) fn share(self: &Arc<Self>) -> Share {
        Share { of: Arc::clone(self), held: 0 }
    }
}

impl Share {
    /// Takes this amount more, if it is left; returns false if it is not.
    pub(crate) fn grow(&mut self, by: u64) -> bool {
        let sum = |used: u64| used.checked_add(by).filter(|&sum| sum <= self.of.most);
        let granted = self.of.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, sum).is_ok();
        if granted {
            self.held += by;
        }
        granted
    }

    /// Takes what is missing to this amount, if it is left; returns false if it is not.
    pub(crate) fn grow_to(&mut self, amount: u64) -> bool {
        amount <= self.held || self.grow(amount - self.held)
    }

    /// Takes a sixteenth of what is left, up to `most`, so that later users find some. Returns the amount.
    pub(crate) fn grow_by_part(&mut self, most: u64) -> u64 {
        let part = |used: u64| (self.of.most.saturating_sub(used) / PART).min(most);
        let sum = |used: u64| Some(used + part(used));
        let (Ok(before) | Err(before)) =
            self.of.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, sum);
        self.held += part(before);
        part(before)
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
    fn however_many_take_a_part_something_is_left() {
        let quota = Quota::new(64 << 20);
        let mut shares: Vec<Share> = (0..50).map(|_| quota.share()).collect();
        let parts: Vec<u64> = shares.iter_mut().map(|share| share.grow_by_part(4 << 20)).collect();
        assert_eq!(parts[..2], [4 << 20, (60 << 20) / 16]);
        assert!(parts.is_sorted_by(|one, next| one > next) && parts[42] > 256 << 10, "{parts:?}");
        assert_eq!(quota.used.load(Ordering::Relaxed), parts.iter().sum::<u64>());
        shares.clear();
        assert_eq!(quota.share().grow_by_part(1000), 1000);
        assert_eq!(quota.used.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn no_more_than_there_is_and_all_of_it_comes_back() {
        let quota = Quota::new(10);
        let (mut one, mut other) = (quota.share(), quota.share());
        assert!(one.grow(6) && !other.grow(5) && other.grow(4));
        assert!(!one.grow(1) && one.grow(0) && !one.grow(u64::MAX));
        assert!(one.grow_to(0) && one.grow_to(6) && !one.grow_to(7) && one.held == 6);
        drop(one);
        assert!(other.grow(6) && !other.grow(1));
        assert!(quota.has_room_for(0) && !quota.has_room_for(1) && quota.take(1).is_none());
        drop(other);
        assert_eq!(quota.used.load(Ordering::Relaxed), 0);
        assert!(quota.has_room_for(10) && !quota.has_room_for(11) && !quota.has_room_for(u64::MAX));
        assert!(quota.take(10).is_some_and(|_share| !quota.has_room_for(1)));
        assert!(Quota::new(0).is_zero() && !quota.is_zero());
    }
}
