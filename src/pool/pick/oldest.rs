//! The job that came first: FIFO; drop-oldest, which the labs call drop head.

use super::Pick;

/// Picks the job that came first.
#[derive(Debug)]
pub struct Oldest;

impl Pick for Oldest {
    fn pick(&self, _count: usize, _size_of: &mut dyn FnMut(usize) -> u64) -> usize {
        0
    }
}
