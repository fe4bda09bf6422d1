//! Text for people: numbers and times, bars, word wrap, escapes, colour; in [`wire`], what passes on a
//! connection, and in [`dns_wire`] and [`dns_sections`] a DNS message. It uses only `proto`; every room above may use it.
//!
//! Refused: a control byte that reaches a terminal or a log. What a peer sent passes one of the escape
//! functions first. Colour is a caller's choice; [`wants_colour`] says what the environment wishes.

pub mod dns_sections;
pub mod dns_wire;
pub mod timestamp;
pub mod wire;

use std::env;
use std::time::Duration;

/// Returns `1,234,567` for 1234567.
pub fn grouped(number: u64) -> String {
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

/// Returns a number that is not below 0 with at least three digits: `1.23`, `12.3`, `1,234`.
pub fn number(number: f64) -> String {
    match number {
        _ if number < 99.95 => three_digits(number),
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not below 0")]
        _ => grouped(number.round() as u64),
    }
}

/// Returns a number of bytes in at most eight columns: `512 B`, `1.23 MB`.
pub fn size(bytes: f64) -> String {
    if bytes < 999.5 {
        return format!("{bytes:.0} B");
    }
    let mut value = bytes / 1000.0;
    let mut units = ["kB", "MB", "GB", "TB"].into_iter();
    while value >= 999.5
        && let Some(_) = units.next()
    {
        value /= 1000.0;
    }
    let unit = units.next().unwrap_or("PB");
    if value < 999.5 { format!("{} {unit}", number(value)) } else { format!("{value:.0} {unit}") }
}

/// Returns a time in at most eight columns: `12 µs`, `1.23 ms`, `50.1 ms`, `1.50 s`.
pub fn time(time: Duration) -> String {
    match time.as_micros() {
        micros @ 0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{} ms", three_digits(time.as_secs_f64() * 1e3)),
        _ => format!("{} s", three_digits(time.as_secs_f64())),
    }
}

/// Returns a time as the command line takes it, with fractions of a microsecond: `312us`, `3.12ms`, `2.00s`;
/// at most seven columns below 28 hours.
pub fn time_without_space(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds if seconds < 0.000_999_5 => format!("{}us", three_digits(seconds * 1e6)),
        seconds if seconds < 0.999_5 => format!("{}ms", three_digits(seconds * 1e3)),
        seconds => format!("{}s", three_digits(seconds)),
    }
}

/// Returns a time with three digits, or in whole seconds, so that `{:?}` shows it as people say it: `1.37s`,
/// not `1.372499108s`.
pub fn rounded(time: Duration) -> Duration {
    let (nanos, mut unit) = (time.as_nanos(), 1);
    while nanos / unit >= 1000 && unit < 1_000_000_000 {
        unit *= 10;
    }
    let rounded = (nanos + unit / 2) / unit * unit;
    u64::try_from(rounded).map_or(time, Duration::from_nanos)
}

fn three_digits(value: f64) -> String {
    let digits = if value < 9.995 { 2 } else { usize::from(value < 99.95) };
    format!("{value:.digits$}")
}

/// Returns a number of seconds as a clock shows it: `1:02`, `1:02:03`, and from 72 hours on `3 days`.
pub fn clock(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
    let seconds = seconds.round() as u64;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    match hours {
        0 => format!("{minutes}:{:02}", seconds % 60),
        1..72 => format!("{hours}:{minutes:02}:{:02}", seconds % 60),
        _ => format!("{} days", (hours / 24).min(999)),
    }
}

/// Returns a count with its noun: `1 response`, `1,234 responses`.
pub fn plural(number: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// Returns a bar of this length, in eighths of a column.
pub fn blocks(eighths: usize) -> String {
    "█".repeat(eighths / 8) + ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]
}

/// Returns a bar that covers a `share` (0 to 1) of `width` columns, to an eighth of a column. A share
/// above 0 is never an empty bar.
pub fn bar(share: f64, width: usize) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to a width")]
    let eighths = (share.clamp(0.0, 1.0) * width as f64 * 8.0).round() as usize;
    blocks(if share > 0.0 { eighths.max(1) } else { 0 })
}

/// Returns a row of columns, each as high as its value (0 to 1); `None` is a blank.
pub fn sparkline(values: impl Iterator<Item = Option<f64>>) -> String {
    let heights = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 7")]
    let height = |value: f64| heights[(value.clamp(0.0, 1.0) * 7.0).round() as usize];
    values.map(|value| value.map_or(' ', height)).collect()
}

/// Breaks a text between words, into a first line of at most `first` columns and others of at most `columns`.
/// A word that is longer than a line has a line to itself.
pub fn wrap(text: &str, first: usize, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut width = first;
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            last => {
                if last.is_some() {
                    width = columns;
                }
                lines.push(word.to_owned());
            }
        }
    }
    lines
}

/// Breaks a text at 80 columns. Its own indent stays; the lines after the first get `indent` spaces.
pub fn wrap_page(text: &str, indent: usize) -> String {
    let own = text.len() - text.trim_start().len();
    let lines = wrap(text, 80 - own, 80 - indent);
    " ".repeat(own) + &lines.join(&format!("\n{}", " ".repeat(indent)))
}

/// Returns the text with U+FFFD for each control character.
pub fn replace_controls(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { '\u{FFFD}' } else { char }).collect()
}

/// Returns the text on one line: control characters as Rust writes them, `\n` and `\u{1b}`.
pub fn escape_controls(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char.is_control() {
            true => out.extend(char.escape_default()),
            false => out.push(char),
        }
    }
    out
}

/// Returns bytes as text for a terminal, where they are looked at: the bytes of what is not visible (control
/// characters, the C1 ones included; marks of direction; what is not UTF-8) as `\xHH`. A tab stays.
pub fn escape_for_terminal(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            match char == '\t' || is_visible(char) {
                true => out.push(char),
                false => push_hex(char.encode_utf8(&mut [0; 4]).as_bytes(), &mut out),
            }
        }
        push_hex(chunk.invalid(), &mut out);
    }
    out
}

/// Returns JSON with `\u00HH` for the control characters that it may have in a string (DEL and C1).
pub fn escape_in_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for char in json.chars() {
        match char.is_control() {
            true => out.push_str(&format!("\\u{:04x}", u32::from(char))),
            false => out.push(char),
        }
    }
    out
}

/// Returns the text as a string of JSON, in its quotes (RFC 8259, 7).
pub fn quote_json(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{C}' => out.push_str("\\f"),
            '\0'..='\u{1F}' => out.push_str(&format!("\\u{:04x}", u32::from(char))),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// Returns a text as a string in JSON that is ASCII, and has no DEL: another character is escaped, in two parts where
/// RFC 8259, 7 says so.
pub fn quote_json_ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    for char in quote_json(text).chars() {
        match char {
            ' '..='~' => out.push(char),
            other => other
                .encode_utf16(&mut [0; 2])
                .iter()
                .for_each(|unit| out.push_str(&format!("\\u{unit:04x}"))),
        }
    }
    out
}

/// Appends each byte as `\xHH`.
fn push_hex(bytes: &[u8], out: &mut String) {
    bytes.iter().for_each(|byte| out.push_str(&format!("\\x{byte:02X}")));
}

/// Returns true if a character can be seen, and leaves what stands beside it where it is: it is no control
/// character, no mark of direction, and has a width.
fn is_visible(char: char) -> bool {
    let hidden = matches!(char, '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}'
        | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
        | '\u{E0000}'..='\u{E0FFF}');
    !char.is_control() && !hidden
}

/// Returns bytes as visible ASCII: anything else, quotes and backslashes as `\xHH`.
pub fn escape_bytes(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'"' | b'\\' | 0..=0x1F | 0x7F.. => push_hex(&[byte], &mut out),
            visible => out.push(char::from(visible)),
        }
    }
    out
}

/// Returns an error and its causes, the error itself first.
pub fn causes<'e>(
    error: &'e (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'e (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}

/// Escapes what has a meaning in HTML: `&`, `<`, `>` and quotes. The result can stand in the text of a page and
/// in the value of an attribute in quotes.
pub fn escape_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// Returns whether the environment allows colours: `NO_COLOR` is unset or empty (no-color.org), and `TERM` is
/// set, and not `dumb`. Whether the output is a terminal is the caller's question.
pub fn wants_colour() -> bool {
    env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && env::var_os("TERM").is_some_and(|term| term != "dumb")
}

/// Returns the text in a colour, if it is `wanted`. The colour is the number that terminals give it
/// (ECMA-48, 8.3.117).
pub fn paint(text: &str, colour: &str, wanted: bool) -> String {
    if wanted { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits() {
        for (number, want) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), want);
        }
        for (value, want) in [(1.234, "1.23"), (9.996, "10.0"), (99.96, "100"), (1234.5, "1,235")] {
            assert_eq!(number(value), want);
        }
        for (bytes, want) in [
            (0.0, "0 B"),
            (999.0, "999 B"),
            (999.9, "1.00 kB"),
            (99_960.0, "100 kB"),
            (999_600.0, "1.00 MB"),
            (1.5e9, "1.50 GB"),
            (999.4e12, "999 TB"),
            (u64::MAX as f64, "18447 PB"),
        ] {
            assert_eq!(size(bytes), want);
        }
        assert_eq!([plural(1, "answer"), plural(2000, "answer")], ["1 answer", "2,000 answers"]);
    }

    #[test]
    fn what_cannot_be_seen_is_escaped() {
        for (bytes, want) in [
            ("a\tb \\ \"é\" 漢".as_bytes(), "a\tb \\ \"é\" 漢"),
            (b"\x1b[2J\x7f\n", "\\x1B[2J\\x7F\\x0A"),
            ("\u{9b}2J".as_bytes(), "\\xC2\\x9B2J"),
            (b"\x9b2J\xe9", "\\x9B2J\\xE9"),
            ("a\u{202e}b".as_bytes(), "a\\xE2\\x80\\xAEb"),
        ] {
            assert_eq!(escape_for_terminal(bytes), want);
        }
        assert_eq!(escape_in_json("\"\u{9b}\u{7f}\\u001bé\""), "\"\\u009b\\u007f\\u001bé\"");
    }

    #[test]
    fn times_as_people_say_them() {
        for (nanos, want) in [
            (0, "0ns"),
            (1_372_499_108, "1.37s"),
            (999_600_000, "1s"),
            (500_000_000, "500ms"),
            (119_900_000_000, "120s"),
            (12_345_000_000_000, "12345s"),
        ] {
            assert_eq!(format!("{:?}", rounded(Duration::from_nanos(nanos))), want);
        }
    }

    #[test]
    fn times_have_three_digits() {
        for (micros, want) in [
            (0, "0 µs"),
            (999, "999 µs"),
            (1_000, "1.00 ms"),
            (9_994, "9.99 ms"),
            (9_995, "10.0 ms"),
            (99_949, "99.9 ms"),
            (99_950, "100 ms"),
            (999_999, "1000 ms"),
            (1_000_000, "1.00 s"),
            (3_600_000_000, "3600 s"),
        ] {
            assert_eq!(time(Duration::from_micros(micros)), want);
        }
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
            assert_eq!(time_without_space(Duration::from_nanos(nanos)), want, "{nanos}");
        }
        for (seconds, want) in [(1.4, "0:01"), (62.0, "1:02"), (3723.0, "1:02:03"), (3e5, "3 days")]
        {
            assert_eq!(clock(seconds), want);
        }
    }

    #[test]
    fn a_small_share_is_visible_and_none_is_not() {
        assert_eq!([bar(0.0, 10), bar(1e-9, 10), bar(0.5, 3)], ["", "▏", "█▌"]);
        let line = [Some(0.0), None, Some(0.5), Some(1.0)];
        assert_eq!(sparkline(line.into_iter()), "▁ ▅█");
    }

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("a bb  ccc\ndddddddd e", 4, 5), ["a bb", "ccc", "dddddddd", "e"]);
        assert!(wrap(" ", 4, 4).is_empty());
        let page = wrap_page(&format!("   {}word", "word ".repeat(19)), 2);
        assert!(page.starts_with("   word") && page.contains("\n  word"), "{page:?}");
        assert!(page.lines().all(|line| line.len() <= 80), "{page}");
    }

    #[test]
    fn no_control_byte_passes() {
        let text = "a\r\n\x1b[2J\u{9b}\x7f\u{e9}";
        assert_eq!(replace_controls(text), "a\u{FFFD}\u{FFFD}\u{FFFD}[2J\u{FFFD}\u{FFFD}\u{e9}");
        assert_eq!(escape_controls(text), "a\\r\\n\\u{1b}[2J\\u{9b}\\u{7f}\u{e9}");
        assert_eq!(escape_bytes(b"a\r\n\"\\\x7f\xe9 b"), r"a\x0D\x0A\x22\x5C\x7F\xE9 b");
        assert_eq!(escape_html("<a href='x'>&\""), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;");
        assert_eq!(paint("a", "31", true) + &paint("b", "31", false), "\x1b[31ma\x1b[0mb");
    }
}
