//! `--fail-if 'p99>50ms,errors>0.1%'`: conditions under which a measurement has failed.
//!
//! Strict: a condition that is ambiguous or can never hold is rejected; a misspelled one must not pass
//! unnoticed.

use std::time::Duration;

use super::{QUANTILES, Summary, text::percent};
use crate::text::{number, time_without_space};

/// A condition.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Condition {
    what: What,
    /// True if the bound is an upper one.
    above: bool,
}

/// The figure, and its bound.
#[derive(Debug, Clone, Copy, PartialEq)]
enum What {
    /// One of [`QUANTILES`]; at a rate the corrected one.
    Latency(usize, Duration),
    /// The share of errors, from 0 to 1.
    ErrorShare(f64),
    Errors(f64),
    PerSecond(f64),
}

/// An example for error messages.
const RIGHT: &str = "p99>50ms, max>2s, errors>0.1%, errors>0 or rps<1000; several with commas; p50 p75 p90 p95 \
                     p99 p99.9 p99.99 max take us, ms or s";

/// Parses conditions, separated by commas.
///
/// # Errors
/// One line: the wrong condition, and a valid one.
pub fn parse(text: &str) -> Result<Vec<Condition>, String> {
    text.split(',')
        .map(|one| condition(one.trim()).ok_or(one.trim()))
        .collect::<Result<_, _>>()
        .map_err(|wrong| format!("--fail-if: {wrong:?} is not a condition; right: {RIGHT}"))
}

fn condition(text: &str) -> Option<Condition> {
    let (name, above, bound) = parts(text)?;
    let what = match name {
        "errors" => match bound.strip_suffix('%') {
            Some(percent) => What::ErrorShare(positive(percent)? / 100.0),
            None => What::Errors(positive(bound)?),
        },
        "rps" => What::PerSecond(positive(bound)?),
        _ => {
            let index = QUANTILES.iter().position(|(known, _)| *known == name)?;
            What::Latency(index, duration(bound)?)
        }
    };
    Some(Condition { what, above })
}

/// Returns the figure, whether the bound is an upper one, and the bound.
pub fn parts(text: &str) -> Option<(&str, bool, &str)> {
    let at = text.find(['<', '>'])?;
    let (name, bound) = (text.get(..at)?.trim(), text.get(at + 1..)?.trim());
    Some((name, text.get(at..=at)? == ">", bound))
}

/// Parses digits with an optional point and more digits.
pub fn positive(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let whole = text.starts_with(|char: char| char.is_ascii_digit()) && !text.ends_with('.');
    text.parse().ok().filter(|number: &f64| plain && whole && number.is_finite())
}

/// Parses a number and its unit, which is required: 50 alone is ambiguous.
fn duration(text: &str) -> Option<Duration> {
    let units = [("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0)];
    let (number, unit) =
        units.iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit)))?;
    Duration::try_from_secs_f64(positive(number)? * unit).ok()
}

impl Condition {
    /// Returns why the measurement fails by this condition, if it does. Without a single response times
    /// are unknown, and the measurement fails.
    pub fn holds(&self, summary: &Summary) -> Option<String> {
        let (value, bound, words) = match self.what {
            What::Latency(index, bound) => {
                let name = QUANTILES[index].0;
                let Some(latency) = &summary.latency else {
                    return Some(format!("{name} is not known: nothing was answered"));
                };
                let value = latency.quantiles[index];
                let words = (name, time_without_space(value), time_without_space(bound));
                (value.as_secs_f64(), bound.as_secs_f64(), words)
            }
            What::ErrorShare(bound) => {
                let value = summary.error_share();
                (value, bound, ("the share of errors", percent(value), percent(bound)))
            }
            What::Errors(bound) => {
                let value = summary.errors() as f64;
                (value, bound, ("the number of errors", number(value), number(bound)))
            }
            What::PerSecond(bound) => {
                let value = summary.per_second();
                (value, bound, ("rps", number(value), number(bound)))
            }
        };
        let holds = if self.above { value > bound } else { value < bound };
        let (name, value, bound) = words;
        let side = if self.above { "above" } else { "below" };
        holds.then(|| format!("{name} is {value}, {side} {bound}"))
    }

    /// Returns true if the condition limits errors.
    pub fn is_about_errors(&self) -> bool {
        matches!(self.what, What::ErrorShare(_) | What::Errors(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn right_ones() {
        let ms = Duration::from_millis;
        for (text, what, above) in [
            ("p99>50ms", What::Latency(4, ms(50)), true),
            ("p50>1.5s", What::Latency(0, ms(1500)), true),
            ("p99.99 > 100us", What::Latency(6, Duration::from_micros(100)), true),
            ("p99.9>100µs", What::Latency(5, Duration::from_micros(100)), true),
            ("max<1s", What::Latency(7, ms(1000)), false),
            ("errors>0.1%", What::ErrorShare(0.001), true),
            ("errors>0", What::Errors(0.0), true),
            ("rps<1000", What::PerSecond(1000.0), false),
        ] {
            assert_eq!(parse(text), Ok(vec![Condition { what, above }]), "{text}");
        }
        assert_eq!(parse("p99>50ms,errors>0.1%").unwrap().len(), 2);
    }

    #[test]
    fn wrong_ones_are_named_and_taught() {
        for text in [
            "",
            "p99",
            "p99>",
            ">50ms",
            "p99>50",
            "p99>50 m",
            "p99>-1ms",
            "p99>+1ms",
            "p99>1e3ms",
            "p99>.5ms",
            "p99>5.ms",
            "p99>infs",
            "p99>NaNs",
            "p98>50ms",
            "P99>50ms",
            "p99>=50ms",
            "p99=50ms",
            "errors>5ms",
            "errors>%",
            "rps<10%",
            "error>1",
            "p99>50ms;errors>1",
            "p99>50ms,",
            "p99<<1s",
        ] {
            let said = parse(text).expect_err(text);
            assert!(said.contains("; right: p99>50ms") && said.lines().count() == 1, "{said}");
        }
    }
}
