//! In which order several requests are sent: each as often as its weight says, and evenly spread. Pure.

use std::sync::Arc;

/// The most turns until the order repeats itself.
const MOST: u64 = 1_000_000;

/// The indexes of the requests in their order, which is repeated.
#[derive(Debug, Clone)]
pub(super) struct Turns {
    order: Arc<[u32]>,
    next: usize,
}

/// Returns the order for these weights.
///
/// # Errors
/// When the order would be too long: what is wrong, and what is right.
pub fn order(weights: &[u32]) -> Result<Arc<[u32]>, String> {
    let divisor = weights.iter().copied().fold(0, common_divisor).max(1);
    let weights: Vec<u32> = weights.iter().map(|weight| (weight / divisor).max(1)).collect();
    let all: u64 = weights.iter().copied().map(u64::from).sum();
    if all > MOST {
        return Err(format!(
            "the weights add up to {all}; right: at most {MOST}, as 1 and 10 for 99 and 990"
        ));
    }
    // The n-th of w turns comes after (n + 1/2) / w of all turns.
    let indexes = (0_u32..).zip(&weights);
    let mut turns: Vec<(f64, u32)> = indexes
        .flat_map(|(index, &weight)| {
            (0..weight).map(move |n| ((f64::from(n) + 0.5) / f64::from(weight), index))
        })
        .collect();
    turns.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
    Ok(turns.into_iter().map(|(_, index)| index).collect())
}

fn common_divisor(one: u32, other: u32) -> u32 {
    match other {
        0 => one,
        other => common_divisor(other, one % other),
    }
}

impl Turns {
    /// Returns the turns of thread `thread` of `threads`. Each begins elsewhere in the order, so that a short measurement
    /// has its share of all.
    pub(super) fn new(order: &Arc<[u32]>, thread: usize, threads: usize) -> Turns {
        Turns { next: order.len() * thread / threads.max(1), order: Arc::clone(order) }
    }

    /// Returns the index of the next request.
    pub(super) fn next(&mut self) -> usize {
        let index = self.order.get(self.next).copied().unwrap_or_default();
        self.next += 1;
        if self.next >= self.order.len() {
            self.next = 0;
        }
        index as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_as_often_as_its_weight_and_evenly_spread() {
        for (weights, want) in [
            (&[1][..], &[0][..]),
            (&[7], &[0]),
            (&[1, 1, 1], &[0, 1, 2]),
            (&[4, 4], &[0, 1]),
            (&[3, 1], &[0, 0, 1, 0]),
            (&[1, 3], &[1, 0, 1, 1]),
            (&[20, 10, 10], &[0, 1, 2, 0]),
        ] {
            let order = order(weights).unwrap();
            assert_eq!(&*order, want, "{weights:?}");
            let mut turns = Turns::new(&order, 0, 1);
            let twice: Vec<usize> = (0..2 * want.len()).map(|_| turns.next()).collect();
            let want: Vec<usize> = want.iter().map(|&index| index as usize).collect();
            assert_eq!(twice, want.repeat(2));
        }
        assert!(order(&[999_999, 1]).is_ok());
        assert!(order(&[1_000_000, 999_999]).unwrap_err().contains("add up to 1999999"));
    }

    #[test]
    fn threads_begin_at_different_places() {
        let order = order(&[1; 6]).unwrap();
        let first: Vec<usize> = (0..3).map(|thread| Turns::new(&order, thread, 3).next()).collect();
        assert_eq!(first, [0, 2, 4]);
    }
}
