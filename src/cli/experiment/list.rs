//! A list of values: `1,2,4`, `1..64x2` (each the one before times 2), `10..50+10` (each the one before and
//! 10), or words.

/// The most values of one list.
const MOST: usize = 1000;

/// Parses a list. Returns `None` if it is empty, longer than [`MOST`], or a range never reaches its end.
pub(super) fn list(typed: &str) -> Option<Vec<String>> {
    let mut values = Vec::new();
    for part in typed.split(',') {
        match part.split_once("..") {
            Some((from, rest)) => values.extend(range(from, rest)?),
            None if part.is_empty() => return None,
            None => values.push(part.to_owned()),
        }
    }
    Some(values).filter(|values| values.len() <= MOST)
}

/// Returns the values from `from` to the number before `x` or `+`, without those beyond it.
fn range(from: &str, rest: &str) -> Option<Vec<String>> {
    let at = rest.find(['x', '+'])?;
    let (to, step) = (rest.get(..at)?, rest.get(at + 1..)?);
    let [from, to, step] = [from, to, step].map(|text| text.parse::<f64>().ok());
    let (from, to, step) = (from?, to?, step?);
    let is_factor = rest.get(at..=at)? == "x";
    let grows = if is_factor { from > 0.0 && step > 1.0 } else { step > 0.0 };
    if !grows || from > to || !(from.is_finite() && to.is_finite() && step.is_finite()) {
        return None;
    }
    let mut values = Vec::new();
    let (mut value, mut nth) = (from, 0.0);
    // A little beyond the end, because 0.1 cannot be added ten times without an error.
    while value <= to * (1.0 + 1e-9) {
        values.push(short(value));
        nth += 1.0;
        value = if is_factor { value * step } else { from + nth * step };
        if values.len() > MOST {
            return None;
        }
    }
    Some(values)
}

/// Returns a number without the error of its last binary digits.
fn short(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_what_is_none() {
        for (typed, values) in [
            ("1", Some(&["1"][..])),
            ("1,2,4", Some(&["1", "2", "4"])),
            ("on,off", Some(&["on", "off"])),
            ("1..8x2", Some(&["1", "2", "4", "8"])),
            ("1..10x3", Some(&["1", "3", "9"])),
            ("10..50+20", Some(&["10", "30", "50"])),
            ("0.1..0.4+0.1", Some(&["0.1", "0.2", "0.3", "0.4"])),
            ("1..4x2,100", Some(&["1", "2", "4", "100"])),
            ("5..5+1", Some(&["5"])),
            ("", None),
            ("1,", None),
            ("1..", None),
            ("1..8", None),
            ("8..1x2", None),
            ("0..8x2", None),
            ("1..8x1", None),
            ("1..8+0", None),
            ("1..1e9+1", None),
            ("a..bx2", None),
        ] {
            let values =
                values.map(|values| values.iter().map(|&value| value.to_owned()).collect());
            assert_eq!(list(typed), values, "{typed}");
        }
    }
}
