//! `--fail-if must>0,points<80%,failed>3`: conditions under which a run fails.

use super::super::outcome::Sums;
use crate::command::bench::report::fail_if::{parts, positive};

/// A condition: a figure, on which side of its bound it is, and the bound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Condition {
    figure: Figure,
    above: bool,
    bound: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Figure {
    Failed,
    Must,
    Should,
    Asked,
    Skipped,
    Points,
    Percent,
}

/// The conditions without `--fail-if`.
pub const USUAL: &str = "must>0,asked>0";

/// Parses conditions, separated by commas.
///
/// # Errors
/// One line: the wrong condition, and a valid one.
pub fn parse(text: &str) -> Result<Vec<Condition>, String> {
    let wrong = |one: &str| {
        format!(
            "--fail-if: {one:?} is not a condition; right: must>0, points<80% or failed>3; several with commas; \
             failed must should asked skipped points"
        )
    };
    text.split(',').map(|one| condition(one.trim()).ok_or_else(|| wrong(one.trim()))).collect()
}

fn condition(text: &str) -> Option<Condition> {
    let (name, above, bound) = parts(text)?;
    let (figure, bound) = match (name, bound.strip_suffix('%')) {
        ("points", Some(percent)) => (Figure::Percent, percent),
        (_, Some(_)) => return None,
        ("failed", None) => (Figure::Failed, bound),
        ("must", None) => (Figure::Must, bound),
        ("should", None) => (Figure::Should, bound),
        ("asked", None) => (Figure::Asked, bound),
        ("skipped", None) => (Figure::Skipped, bound),
        ("points", None) => (Figure::Points, bound),
        _ => return None,
    };
    Some(Condition { figure, above, bound: positive(bound)? })
}

impl Condition {
    /// Returns why the run fails by this condition, if it does.
    pub fn holds(&self, sums: &Sums) -> Option<String> {
        let (value, name, unit) = match self.figure {
            Figure::Failed => (sums.failed as f64, "the number of failed checks", ""),
            Figure::Must => (sums.must as f64, "the number of failed MUST", ""),
            Figure::Should => (sums.should as f64, "the number of failed SHOULD", ""),
            Figure::Asked => (sums.asked as f64, "the number of failed ASKED", ""),
            Figure::Skipped => (sums.skipped as f64, "the number of skipped checks", ""),
            Figure::Points => (sums.points, "the number of points", ""),
            Figure::Percent if sums.of == 0.0 => return Some("no check was run".to_owned()),
            Figure::Percent => (sums.points / sums.of * 100.0, "the share of points", " %"),
        };
        let holds = if self.above { value > self.bound } else { value < self.bound };
        let side = if self.above { "above" } else { "below" };
        let (value, bound) = (super::text::points(value), super::text::points(self.bound));
        holds.then(|| format!("{name} is {value}{unit}, {side} {bound}{unit}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions() {
        let sums = Sums { failed: 3, must: 1, points: 8.0, of: 10.0, ..Sums::default() };
        for (text, holds) in [
            ("must>0", true),
            ("failed>3", false),
            ("points<80%", false),
            ("points<80.5%", true),
            ("points<9", true),
            (USUAL, true),
            ("should>0,asked>0", false),
        ] {
            let held =
                parse(text).unwrap().iter().any(|condition| condition.holds(&sums).is_some());
            assert_eq!(held, holds, "{text}");
        }
        for wrong in ["", "must", "must>0%", "musts>0", "must>=1", "points>-1", "must>0,"] {
            assert!(parse(wrong).unwrap_err().contains("; right: must>0"), "{wrong}");
        }
    }
}
