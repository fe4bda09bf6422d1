//! The figures of several measurements of the same: median, minimum, maximum, and how far the median is to be
//! trusted.

use crate::random::Random;

/// The spread of some values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spread {
    /// How many there are.
    pub(super) count: usize,
    pub(super) median: f64,
    pub(super) min: f64,
    pub(super) max: f64,
    /// The 95% confidence interval of the median, by the percentile bootstrap (Efron 1979). It is wide for
    /// few values: five give the minimum and the maximum, or nearly so.
    pub(super) interval: (f64, f64),
}

/// The number of samples that the bootstrap draws.
const SAMPLES: usize = 2000;

impl Spread {
    /// Returns the spread of these values; `None` if there are none.
    pub(super) fn of(mut values: Vec<f64>) -> Option<Spread> {
        values.sort_by(f64::total_cmp);
        let (&min, &max) = (values.first()?, values.last()?);
        let mut random = Random::new(1);
        let mut medians: Vec<f64> = (0..SAMPLES)
            .map(|_| {
                let mut sample: Vec<f64> =
                    values.iter().map(|_| values[random.below(values.len())]).collect();
                sample.sort_by(f64::total_cmp);
                median(&sample)
            })
            .collect();
        medians.sort_by(f64::total_cmp);
        let interval = (medians[SAMPLES / 40], medians[SAMPLES - 1 - SAMPLES / 40]);
        Some(Spread { count: values.len(), median: median(&values), min, max, interval })
    }
}

/// Returns the median of sorted values, at least one.
fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len().is_multiple_of(2) {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    } else {
        sorted[middle]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreads() {
        let of = |values: &[f64]| Spread::of(values.to_vec());
        assert_eq!(of(&[]), None);
        let one = of(&[7.0]).unwrap();
        assert_eq!((one.median, one.min, one.max, one.interval), (7.0, 7.0, 7.0, (7.0, 7.0)));
        assert_eq!(of(&[4.0, 1.0, 3.0, 2.0]).unwrap().median, 2.5);
        let many: Vec<f64> = (0..101).map(f64::from).collect();
        let Spread { median, interval: (low, high), count, .. } = of(&many).unwrap();
        // The exact interval, by the order statistics of the binomial distribution, is 40 to 60.
        assert_eq!((median, count), (50.0, 101));
        assert!((38.0..43.0).contains(&low) && (57.0..63.0).contains(&high), "{low} {high}");
    }
}
