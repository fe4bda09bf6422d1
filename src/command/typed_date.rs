//! A date as people type it for `-z`, in the forms of curl, and of ISO 8601: `6 Nov 1994 08:49:37 GMT`, `Nov 6 1994`,
//! `19941106`, `1994-11-06T08:49:37Z`, `20040911 08:00 EST`, `06-Nov-94`. Without a zone it is UTC, without a time
//! midnight.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// The zones that have names, in hours from UTC.
const ZONES: &[(&str, i64)] = &[
    ("gmt", 0),
    ("utc", 0),
    ("ut", 0),
    ("z", 0),
    ("wet", 0),
    ("bst", 1),
    ("cet", 1),
    ("met", 1),
    ("cest", 2),
    ("mest", 2),
    ("eet", 2),
    ("jst", 9),
    ("est", -5),
    ("edt", -4),
    ("cst", -6),
    ("cdt", -5),
    ("mst", -7),
    ("mdt", -6),
    ("pst", -8),
    ("pdt", -7),
    ("ast", -4),
    ("adt", -3),
    ("hst", -10),
];

#[derive(Default)]
struct Parts {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    /// In seconds.
    time: Option<i64>,
    /// In seconds, to be subtracted.
    zone: Option<i64>,
}

/// Reads a date; `None` if it is none, or before 1970.
pub(super) fn parse_typed_date(text: &str) -> Option<SystemTime> {
    let mut parts = Parts::default();
    let text = iso(text.trim(), &mut parts)?;
    let mut rest = text;
    let mut before = ' ';
    while let Some(char) = rest.chars().next() {
        let is_same = |other: char| match char.is_ascii_digit() {
            true => other.is_ascii_digit() || other == ':',
            false => other.is_ascii_alphabetic(),
        };
        if !char.is_ascii_alphanumeric() {
            rest = rest.get(char.len_utf8()..)?;
            before = char;
            continue;
        }
        let (token, behind) =
            rest.split_at(rest.find(|other| !is_same(other)).unwrap_or(rest.len()));
        match char.is_ascii_digit() {
            true => parts.number(token, before)?,
            false => parts.word(&token.to_ascii_lowercase())?,
        }
        (rest, before) = (behind, ' ');
    }
    parts.seconds().map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds))
}

/// Takes `1994-11-06`, and the `T` behind it. Returns what follows.
fn iso<'t>(text: &'t str, parts: &mut Parts) -> Option<&'t str> {
    let Some((date, rest)) = text.split_at_checked(10) else { return Some(text) };
    let fields: Vec<&str> = date.split('-').collect();
    let [year, month, day] = &fields[..] else { return Some(text) };
    if [year.len(), month.len(), day.len()] != [4, 2, 2] {
        return Some(text);
    }
    let Some(month) = number(month) else { return Some(text) };
    (parts.year, parts.month, parts.day) = (Some(number(year)?), Some(month), Some(number(day)?));
    Some(rest.strip_prefix(['T', 't']).unwrap_or(rest))
}

fn number(digits: &str) -> Option<i64> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

/// Sets a part that is not set yet.
fn set(part: &mut Option<i64>, value: i64) -> Option<()> {
    part.replace(value).is_none().then_some(())
}

impl Parts {
    fn word(&mut self, word: &str) -> Option<()> {
        let index_of = |names: &[&str]| names.iter().position(|name| *name == word);
        if index_of(&WEEKDAYS).is_some() || WEEKDAYS.iter().any(|day| day.get(..3) == Some(word)) {
            return Some(());
        }
        let start = word.get(..3).filter(|_| word.len() == 3 || is_month(word));
        if let Some(at) = MONTHS.iter().position(|month| Some(*month) == start) {
            return set(&mut self.month, i64::try_from(at).ok()? + 1);
        }
        self.zone_named(word)
    }

    fn zone_named(&mut self, word: &str) -> Option<()> {
        let (_, hours) = ZONES.iter().find(|(name, _)| *name == word)?;
        set(&mut self.zone, hours * 3600)
    }

    /// `before` is the character in front of it.
    fn number(&mut self, token: &str, before: char) -> Option<()> {
        if token.contains(':') {
            let is_zone = self.time.is_some() && matches!(before, '+' | '-');
            return match is_zone {
                true => self.offset(&token.replace(':', ""), before),
                false => self.clock(token),
            };
        }
        let value = number(token)?;
        let has_time = self.time.is_some() || self.day.is_some();
        if token.len() == 4
            && matches!(before, '+' | '-')
            && value <= 1400
            && has_time
            && self.zone.is_none()
        {
            return self.offset(token, before);
        }
        if token.len() == 8 && self.year.is_none() && self.month.is_none() && self.day.is_none() {
            set(&mut self.year, value / 10_000)?;
            set(&mut self.month, value / 100 % 100)?;
            return set(&mut self.day, value % 100);
        }
        match value {
            1..=31 if self.day.is_none() && token.len() <= 2 => set(&mut self.day, value),
            0..100 => set(&mut self.year, if value > 70 { 1900 + value } else { 2000 + value }),
            _ => set(&mut self.year, value),
        }
    }

    fn offset(&mut self, token: &str, before: char) -> Option<()> {
        let value = number(token).filter(|_| token.len() == 4)?;
        let seconds = (value / 100 * 60 + value % 100) * 60;
        set(&mut self.zone, if before == '-' { -seconds } else { seconds })
    }

    fn clock(&mut self, token: &str) -> Option<()> {
        let fields: Option<Vec<i64>> = token.split(':').map(number).collect();
        let (hour, minute, second) = match fields?[..] {
            [hour, minute] => (hour, minute, 0),
            [hour, minute, second] => (hour, minute, second),
            _ => return None,
        };
        let is_time = hour < 24 && minute < 60 && second <= 60;
        set(&mut self.time, hour * 3600 + minute * 60 + second).filter(|()| is_time)
    }

    /// Returns the seconds since 1970.
    fn seconds(&self) -> Option<u64> {
        let (year, month, day) = (self.year?, self.month?, self.day?);
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) || year > 9999 {
            return None;
        }
        // The days since 1970, of years that begin in March.
        let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        let days =
            year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 719_469;
        let seconds = days * 86_400 + self.time.unwrap_or(0) - self.zone.unwrap_or(0);
        u64::try_from(seconds).ok()
    }
}

/// Returns true for the full name of a month.
fn is_month(word: &str) -> bool {
    [
        "january",
        "february",
        "march",
        "april",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ]
    .contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::http::date::imf_fixdate;

    #[test]
    fn dates_as_they_are_typed() {
        const EXACT: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
        const DAY: &str = "Sun, 06 Nov 1994 00:00:00 GMT";
        for (typed, want) in [
            (EXACT, EXACT),
            ("Sunday, 06-Nov-94 08:49:37 GMT", EXACT),
            ("Sun Nov  6 08:49:37 1994", EXACT),
            ("06 Nov 1994 08:49:37 GMT", EXACT),
            ("06-Nov-94 08:49:37", EXACT),
            ("Nov 6 08:49:37 1994", EXACT),
            ("1994 Nov 6 08:49:37", EXACT),
            ("Sun, 06 Nov 1994 09:49:37 +0100", EXACT),
            ("Sun, 06 Nov 1994 03:49:37 -0500", EXACT),
            ("1994-11-06T08:49:37Z", EXACT),
            ("1994-11-06 08:49:37", EXACT),
            ("1994-11-06T09:49:37+01:00", EXACT),
            ("19941106 08:49:37", EXACT),
            ("6 November 1994", DAY),
            ("1994-11-06", DAY),
            ("19941106", DAY),
            ("06-Nov-94", DAY),
            ("Nov 6 1994", DAY),
            ("20040911 08:00 EST", "Sat, 11 Sep 2004 13:00:00 GMT"),
            ("29 Feb 2024", "Thu, 29 Feb 2024 00:00:00 GMT"),
            ("1 Jan 1970", "Thu, 01 Jan 1970 00:00:00 GMT"),
            ("1 Jan 2040", "Sun, 01 Jan 2040 00:00:00 GMT"),
            ("31 Dec 9999", "Fri, 31 Dec 9999 00:00:00 GMT"),
        ] {
            let got = parse_typed_date(typed).map(imf_fixdate);
            assert_eq!(got.as_deref(), Some(want), "{typed}");
        }
    }

    #[test]
    fn what_is_no_date() {
        for typed in [
            "",
            "12",
            "tomorrow",
            "file.txt",
            "Nov 1994",
            "32 Nov 1994 5",
            "6 Nov 1994 25:00",
            "6 Nov 1994 1:2:3:4",
            "6 Nov Dec 1994",
            "6 Nov 1994 1995",
            "1 Jan 1969",
            "1994-13-01",
            "99999999999999999999",
            "6 Nov 99999",
            "\u{fc}",
            "1994-11-\u{fc}6",
            "::",
            "2024",
            "Sun",
        ] {
            assert_eq!(parse_typed_date(typed), None, "{typed}");
        }
    }
}
