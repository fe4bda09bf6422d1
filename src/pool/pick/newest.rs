//! The job that came last: LIFO; drop-newest, which the labs call drop tail.

use super::Pick;

/// Picks the job that came last.
#[derive(Debug)]
pub struct Newest;

impl Pick for Newest {
    fn pick(&self, count: usize, _size_of: &mut dyn FnMut(usize) -> u64) -> usize {
        count - 1
    }
}
