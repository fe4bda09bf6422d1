//! The smallest job: smallest file first (SFF) of the OSTEP lab, which is shortest job first (SJF) for files.

use super::Pick;

/// Picks the smallest job; of several, the one that came first.
#[derive(Debug)]
pub struct Smallest;

impl Pick for Smallest {
    fn pick(&self, count: usize, size_of: &mut dyn FnMut(usize) -> u64) -> usize {
        (0..count).min_by_key(|&index| size_of(index)).unwrap_or_default()
    }
}
