//! Random numbers that are the same for the same seed (SplitMix64, Steele, Lea and Flood 2014): for what is
//! random on purpose, and must be repeatable. They are not for secrets.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;

/// The distance of two states: 2^64 divided by the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Returns the `nth` number of the sequence of this seed.
pub(crate) fn nth(seed: u64, nth: u64) -> u64 {
    let state = seed.wrapping_add(nth.wrapping_add(1).wrapping_mul(STEP));
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Returns the `nth` number of the sequence of this seed as a share: at least 0, less than 1.
pub(crate) fn nth_share(seed: u64, number: u64) -> f64 {
    // The upper half, so that the conversion is exact.
    f64::from(u32::try_from(nth(seed, number) >> 32).unwrap_or_default()) / 2f64.powi(32)
}

/// Returns a seed for a program that was given none: at most six digits, to be typed.
pub(crate) fn any_seed() -> u64 {
    // The keys of a `RandomState` come from the system.
    RandomState::new().hash_one(0) % 1_000_000
}

/// The sequence of a seed, from its first number on.
#[cfg(feature = "cli")]
pub(crate) struct Random {
    seed: u64,
    next: u64,
}

#[cfg(feature = "cli")]
impl Random {
    /// Returns the sequence of this seed.
    pub(crate) fn new(seed: u64) -> Random {
        Random { seed, next: 0 }
    }

    /// Returns a number below `bound`, which is not 0. A bias of less than one in 2^40 does not matter here.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let (random, bound) = (u128::from(nth(self.seed, self.next)), bound as u128);
        self.next += 1;
        usize::try_from((random * bound) >> 64).unwrap_or_default()
    }

    /// Puts these into a random order (Fisher and Yates).
    pub(crate) fn shuffle<T>(&mut self, values: &mut [T]) {
        for last in (1..values.len()).rev() {
            values.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first numbers of the seed 1234567, as the authors' program prints them.
    #[test]
    fn the_sequence_is_that_of_its_authors() {
        let first: Vec<u64> = (0..3).map(|number| nth(1_234_567, number)).collect();
        assert_eq!(
            first,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }
}
