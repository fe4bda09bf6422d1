//! The axis of a picture: from a value to its place, and where its numbers stand.

use super::table::number;
use crate::text::grouped;

/// An axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    from: f64,
    to: f64,
    is_log: bool,
}

impl Scale {
    /// Returns the axis for these values. One that is not logarithmic begins at 0; `is_round` lets it end at a
    /// round number. Values that are not above 0 have no place on a logarithmic one.
    pub(super) fn new(values: impl Iterator<Item = f64>, is_log: bool, is_round: bool) -> Scale {
        let values: Vec<f64> =
            values.filter(|value| value.is_finite() && (*value > 0.0 || !is_log)).collect();
        let most = values.iter().copied().reduce(f64::max).unwrap_or(1.0);
        if is_log {
            let least = values.iter().copied().reduce(f64::min).unwrap_or(1.0);
            let (least, most) =
                if least < most { (least, most) } else { (least / 2.0, most * 2.0) };
            // A little room at both ends.
            let room = (most / least).powf(0.04);
            return Scale { from: least / room, to: most * room, is_log };
        }
        let most = if most > 0.0 { most } else { 1.0 };
        let step = step(most);
        let to = if is_round { (most * 1.02 / step).ceil() * step } else { most * 1.04 };
        Scale { from: 0.0, to, is_log }
    }

    /// Returns the axis for so many words: half a place is free at both ends.
    pub(super) fn words(count: usize) -> Scale {
        Scale { from: -0.5, to: count as f64 - 0.5, is_log: false }
    }

    pub(super) fn begin(self) -> f64 {
        self.from
    }

    pub(super) fn end(self) -> f64 {
        self.to
    }

    /// Returns the place of a value: 0 at the beginning, 1 at the end, and nothing beyond.
    pub(super) fn share(self, value: f64) -> f64 {
        let share = match self.is_log {
            true => (value.max(self.from) / self.from).ln() / (self.to / self.from).ln(),
            false => (value - self.from) / (self.to - self.from),
        };
        share.clamp(0.0, 1.0)
    }

    /// Returns the values that are written at the axis, and how.
    pub(super) fn ticks(self) -> Vec<(f64, String)> {
        let values: Vec<f64> = if self.is_log { self.powers() } else { self.steps() };
        values.into_iter().map(|value| (value, said(value))).collect()
    }

    fn steps(self) -> Vec<f64> {
        let step = step(self.to);
        (0..)
            .map(|nth| f64::from(nth) * step)
            .take_while(|value| *value <= self.to * 1.0001)
            .collect()
    }

    /// Returns 1, 2, 5, 10 and so on; if these are many, powers of ten; if they are few, powers of two.
    fn powers(self) -> Vec<f64> {
        let (from, to) = (self.from, self.to);
        let is_inside = |value: &f64| (from..=to).contains(value);
        let decades = || (-9..=15).map(|power| 10f64.powi(power));
        if to / from > 1e4 {
            return decades().filter(is_inside).collect();
        }
        if to / from < 200.0 {
            return (-20..=40).map(|power| 2f64.powi(power)).filter(is_inside).collect();
        }
        decades().flat_map(|power| [power, 2.0 * power, 5.0 * power]).filter(is_inside).collect()
    }
}

/// Returns a round step, 1, 2 or 5 times a power of ten, of which 4 to 10 reach `most`.
fn step(most: f64) -> f64 {
    let power = 10f64.powf((most / 4.0).log10().floor());
    let fits = |factor: &f64| most / (factor * power) >= 4.0;
    [5.0, 2.0, 1.0].into_iter().find(fits).unwrap_or(1.0) * power
}

fn said(value: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at least 1,000, and whole"
    )]
    if value >= 1000.0 { grouped(value as u64) } else { number(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_axes_begin_at_zero_and_end_round() {
        for (most, end, ticks) in [
            (97.0, 100.0, &["0", "20", "40", "60", "80", "100"][..]),
            (9_000.0, 10_000.0, &["0", "2,000", "4,000", "6,000", "8,000", "10,000"]),
            (0.3, 0.35, &["0", "0.05", "0.1", "0.15", "0.2", "0.25", "0.3", "0.35"]),
            (0.0, 1.2, &["0", "0.2", "0.4", "0.6", "0.8", "1", "1.2"]),
        ] {
            let scale = Scale::new([most].into_iter(), false, true);
            let said: Vec<String> = scale.ticks().into_iter().map(|(_, said)| said).collect();
            assert!((scale.end() - end).abs() < 1e-9, "{most}: {scale:?}");
            assert_eq!(said, ticks, "{most}");
        }
        let scale = Scale::new([50.0, 100.0].into_iter(), false, false);
        assert!((scale.share(52.0) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn logarithmic_axes_have_powers() {
        let said = |values: &[f64]| {
            let ticks = Scale::new(values.iter().copied(), true, false).ticks();
            ticks.into_iter().map(|(_, said)| said).collect::<Vec<_>>()
        };
        assert_eq!(said(&[1.0, 32.0]), ["1", "2", "4", "8", "16", "32"]);
        assert_eq!(
            said(&[1.0, 1000.0]),
            ["1", "2", "5", "10", "20", "50", "100", "200", "500", "1,000"]
        );
        assert_eq!(said(&[1.0, 100_000.0]).len(), 6);
        assert!(!said(&[5.0, 5.0]).is_empty());
        let scale = Scale::new([1.0, 100.0].into_iter(), true, false);
        assert!((scale.share(10.0) - 0.5).abs() < 1e-9);
        assert_eq!((scale.share(0.0), scale.share(1e9)), (0.0, 1.0));
    }
}
