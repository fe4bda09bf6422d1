//! Random numbers that are the same for the same seed (SplitMix64, Steele, Lea and Flood 2014).

/// A sequence of random numbers.
pub(super) struct Random(u64);

impl Random {
    /// Returns the sequence of this seed.
    pub(super) fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// Returns a number below `bound`, which is not 0. A bias of less than one in 2^40 does not matter here.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let (random, bound) = (u128::from(mixed ^ (mixed >> 31)), bound as u128);
        usize::try_from((random * bound) >> 64).unwrap_or_default()
    }

    /// Puts these into a random order (Fisher and Yates).
    pub(super) fn shuffle<T>(&mut self, values: &mut [T]) {
        for last in (1..values.len()).rev() {
            values.swap(last, self.below(last + 1));
        }
    }
}
