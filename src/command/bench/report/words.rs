//! Numbers and times as people read them, and pictures made of characters.

use std::time::Duration;

use crate::command::bench::load::Progress;

/// `1,234,567`
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number that may have fractions: three digits at least.
pub(super) fn number(number: f64) -> String {
    match number {
        _ if number < 10.0 => format!("{number:.2}"),
        _ if number < 100.0 => format!("{number:.1}"),
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is positive"
        )]
        _ => count(number.round() as u64),
    }
}

/// `312us`, `3.12ms`, `2.00s`: three digits, at most 7 characters below 28 hours.
pub(super) fn time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    let (value, unit) = match seconds {
        _ if seconds < 0.000_999_5 => (seconds * 1e6, "us"),
        _ if seconds < 0.999_5 => (seconds * 1e3, "ms"),
        _ => (seconds, "s"),
    };
    match value {
        _ if value < 9.995 => format!("{value:.2}{unit}"),
        _ if value < 99.95 => format!("{value:.1}{unit}"),
        _ => format!("{value:.0}{unit}"),
    }
}

/// `1.23 MB`
pub(super) fn bytes(bytes: f64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"];
    let mut value = bytes;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{} {}", number(value), units[unit])
}

/// The upper bounds of the picture's rows, in nanoseconds: 1, 2, 5, 10 µs and so on, to an hour.
pub(super) fn bounds() -> impl Iterator<Item = u64> {
    let powers = (0..).map_while(|power| 1_000_u64.checked_mul(10_u64.checked_pow(power)?));
    powers.flat_map(|power| [power, 2 * power, 5 * power]).take_while(|&at| at < 5_000_000_000_000)
}

/// A bar that is `share` of `width` characters long, to an eighth; what is not nothing is seen.
pub(super) fn bar(share: f64, width: usize) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to a width")]
    let eighths = (share.clamp(0.0, 1.0) * width as f64 * 8.0).round() as usize;
    let eighths = if share > 0.0 { eighths.max(1) } else { 0 };
    let part = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8];
    "█".repeat(eighths / 8) + part
}

/// A row of bars beside each other, each from 0 to 1; nothing at all is a blank.
pub(super) fn sparkline(values: impl Iterator<Item = Option<f64>>) -> String {
    let blocks = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 7")]
    let block = |value: f64| blocks[(value.clamp(0.0, 1.0) * 7.0).round() as usize];
    values.map(|value| value.map_or(' ', block)).collect()
}

/// Breaks a text between words, at 80 columns; lines behind the first are indented.
pub(super) fn wrapped(text: &str, indent: usize) -> String {
    let mut width = text.len() - text.trim_start().len();
    let mut lines = " ".repeat(width);
    for (at, word) in text.trim_start().split(' ').enumerate() {
        let length = word.chars().count();
        if at > 0 && width + 1 + length > 80 {
            lines.push('\n');
            lines.push_str(&" ".repeat(indent));
            width = indent;
        } else if at > 0 {
            lines.push(' ');
            width += 1;
        }
        lines.push_str(word);
        width += length;
    }
    lines
}

/// One line that says how far it is.
pub fn progress(after: Duration, progress: &Progress) -> String {
    let rate = progress.answers() as f64 / after.as_secs_f64().max(1e-9);
    format!(
        "{:.1} s: {} answers, {}/s, {} failed",
        after.as_secs_f64(),
        count(progress.answers()),
        number(rate),
        count(progress.failures()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_people_read_them() {
        for (nanos, want) in [
            (0, "0.00us"),
            (1_234, "1.23us"),
            (312_400, "312us"),
            (999_400, "999us"),
            (999_600, "1.00ms"),
            (31_240_000, "31.2ms"),
            (999_600_000, "1.00s"),
            (2_000_000_000, "2.00s"),
            (3_600_000_000_000, "3600s"),
        ] {
            assert_eq!(time(Duration::from_nanos(nanos)), want, "{nanos}");
        }
        for (number, want) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(number), want);
        }
        assert_eq!([bytes(0.0), bytes(999_600.0), bytes(1.5e9)], ["0.00 B", "1.00 MB", "1.50 GB"]);
        assert_eq!(bounds().take(5).collect::<Vec<_>>(), [1000, 2000, 5000, 10_000, 20_000]);
    }

    #[test]
    fn little_is_seen_and_nothing_is_not() {
        assert_eq!([bar(0.0, 10), bar(1e-9, 10), bar(0.5, 3)], ["", "▏", "█▌"]);
        let line = [Some(0.0), None, Some(0.5), Some(1.0)];
        assert_eq!(sparkline(line.into_iter()), "▁ ▅█");
        let long = format!("   {}word", "word ".repeat(19));
        let wrapped = wrapped(&long, 2);
        assert!(wrapped.starts_with("   word") && wrapped.contains("\n  word"), "{wrapped:?}");
    }
}
