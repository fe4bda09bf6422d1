//! Any of the jobs, each as likely as the others: drop-random. No client can foresee which one is dropped.

use std::hash::{BuildHasher as _, RandomState};

use super::Pick;

/// Picks a job by chance.
#[derive(Debug)]
pub struct Random;

impl Pick for Random {
    fn pick(&self, count: usize, _size_of: &mut dyn FnMut(usize) -> u64) -> usize {
        // Its keys are new for each value, so the hash of nothing is a random number.
        let random = RandomState::new().hash_one(());
        usize::try_from(random % count as u64).unwrap_or_default()
    }
}
