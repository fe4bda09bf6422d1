//! Any of the jobs, each as likely as the others: drop-random. No client can foresee which one is dropped.

use super::Pick;
use crate::random::any_seed;

/// Picks a job by chance.
#[derive(Debug)]
pub struct Random;

impl Pick for Random {
    fn pick(&self, count: usize, _size_of: &mut dyn FnMut(usize) -> u64) -> usize {
        usize::try_from(any_seed() % count as u64).unwrap_or_default()
    }
}
