//! Which of the jobs that wait is next: to be served ([`Schedule`]), or to be dropped because the queue is full.
//!
//! One file for each rule. The usual queue, first in and first out, is a channel and needs none of them.

mod newest;
mod oldest;
mod random;
mod smallest;

pub use self::newest::Newest;
pub use self::oldest::Oldest;
pub use self::random::Random;
pub use self::smallest::Smallest;

/// A rule by which one of several jobs is picked.
pub trait Pick: std::fmt::Debug + Send + Sync {
    /// Returns the index of one of `count` jobs. There is at least one, and they are in the order of their
    /// arrival. `size_of` returns the size of the job at an index.
    fn pick(&self, count: usize, size_of: &mut dyn FnMut(usize) -> u64) -> usize;
}

/// The order in which connections are served that wait for a worker.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Schedule {
    /// First in, first out: the one that has waited longest. The default.
    #[default]
    Fifo,
    /// Last in, first out. Under overload most requests are answered at once, and a few wait very long.
    Lifo,
    /// The one with the smallest request first, as [`Handler::size`](crate::server::Handler::size) returns it. It has
    /// the shortest mean time of waiting; a large request may wait for as long as small ones come.
    SmallestFirst,
}

impl Schedule {
    /// Returns the rule; `None` for the order of a channel.
    pub(crate) fn rule(self) -> Option<&'static dyn Pick> {
        match self {
            Schedule::Fifo => None,
            Schedule::Lifo => Some(&Newest),
            Schedule::SmallestFirst => Some(&Smallest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_picks_its_job() {
        let sizes = [5, 3, 9, 3];
        let picked = |rule: &dyn Pick| rule.pick(sizes.len(), &mut |index| sizes[index]);
        assert_eq!([picked(&Oldest), picked(&Newest), picked(&Smallest)], [0, 3, 1]);
        let mut counts = [0; 4];
        (0..4_000).for_each(|_| counts[picked(&Random)] += 1);
        assert!(counts.iter().all(|&count| (800..1_200).contains(&count)), "{counts:?}");
        for rule in [&Oldest as &dyn Pick, &Newest, &Smallest, &Random] {
            assert_eq!(rule.pick(1, &mut |_| u64::MAX), 0, "{rule:?}");
        }
    }
}
