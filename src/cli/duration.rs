//! Lengths of time as people type them: `10`, `0.5`, `10s`, `500ms`, `2m`, `1h`.

use std::time::Duration;

/// The units, the longest name first where one ends with another.
const UNITS: [(&str, f64); 4] = [("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];

/// Parses a number with one of these units; seconds without one.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let unit = UNITS.iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)));
    let (number, seconds) = unit.unwrap_or((text, &1.0));
    let is_plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number: f64 = number.parse().ok().filter(|_| is_plain)?;
    Duration::try_from_secs_f64(number * seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_unit() {
        let ms = Duration::from_millis;
        for (text, want) in [
            ("10", Some(ms(10_000))),
            ("0.5", Some(ms(500))),
            (".5", Some(ms(500))),
            ("10s", Some(ms(10_000))),
            ("500ms", Some(ms(500))),
            ("1.5s", Some(ms(1500))),
            ("2m", Some(ms(120_000))),
            ("1h", Some(ms(3_600_000))),
            ("0", Some(ms(0))),
            ("", None),
            ("s", None),
            ("ms", None),
            ("-1s", None),
            ("+1s", None),
            ("1 s", None),
            ("1d", None),
            ("1us", None),
            ("1sm", None),
            ("1e3", None),
            ("inf", None),
            ("NaNs", None),
            ("1,5", None),
            (".", None),
            ("1..5", None),
        ] {
            assert_eq!(duration(text), want, "{text:?}");
        }
    }
}
