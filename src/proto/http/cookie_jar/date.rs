//! The dates of cookies (RFC 6265, 5.1.1): any order of day, month, year and time, as servers have written them.

use std::time::{Duration, SystemTime};

/// Parses the value of `Expires`; a date before 1970 is its beginning.
pub(super) fn cookie_date(text: &[u8]) -> Option<SystemTime> {
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    for token in text.split(|&byte| is_delimiter(byte)).filter(|token| !token.is_empty()) {
        if time.is_none() && time_of_day(token).is_some() {
            time = time_of_day(token);
        } else if day.is_none() && number(token, 1, 2).is_some() {
            day = number(token, 1, 2);
        } else if month.is_none() && month_of(token).is_some() {
            month = month_of(token);
        } else if year.is_none() {
            year = number(token, 2, 4);
        }
    }
    let year = match year? {
        year @ 70..=99 => year + 1900,
        year @ 0..=69 => year + 2000,
        year => year,
    };
    let (seconds, day, month) = (time?, day?, month?);
    if !(1..=31).contains(&day) || year < 1601 {
        return None;
    }
    let days = days_since_1970(i64::from(year), i64::from(month), i64::from(day));
    let since = u64::try_from(days * 86_400 + i64::from(seconds)).unwrap_or(0);
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(since))
}

fn is_delimiter(byte: u8) -> bool {
    matches!(byte, 0x09 | 0x20..=0x2f | 0x3b..=0x40 | 0x5b..=0x60 | 0x7b..=0x7e)
}

/// Parses the digits at the beginning, if there are so many, and no more follow.
fn number(token: &[u8], least: usize, most: usize) -> Option<u32> {
    let digits = token.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let digits = token.get(..digits).filter(|digits| (least..=most).contains(&digits.len()))?;
    str::from_utf8(digits).ok()?.parse().ok()
}

/// Parses `08:49:37`, in seconds.
fn time_of_day(token: &[u8]) -> Option<u32> {
    let mut parts = token.splitn(3, |&byte| byte == b':');
    let mut exact = |last: bool| {
        let part = parts.next()?;
        let value = number(part, 1, 2)?;
        (last || part.iter().all(u8::is_ascii_digit)).then_some(value)
    };
    let (hours, minutes, seconds) = (exact(false)?, exact(false)?, exact(true)?);
    (hours < 24 && minutes < 60 && seconds < 60).then_some(hours * 3600 + minutes * 60 + seconds)
}

/// Returns the number of a month, from 1, by its first three letters.
fn month_of(token: &[u8]) -> Option<u32> {
    let months = [
        b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov",
        b"dec",
    ];
    let start = token.get(..3)?.to_ascii_lowercase();
    (1..).zip(months).find(|(_, name)| name.as_slice() == start).map(|(number, _)| number)
}

/// Returns the days from 1970-01-01 in the Gregorian calendar: years begin in March, so that the leap day is the last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let months = (month + 9) % 12;
    let days = (153 * months + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + days - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_as_servers_write_them() {
        for (text, want) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777)),
            ("Sun Nov  6 08:49:37 1994", Some(784_111_777)),
            ("6 nOvember 1994 8:49:37", Some(784_111_777)),
            ("08:49:37 6-Nov-1994", Some(784_111_777)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Thu, 01-Jan-1960 00:00:00 GMT", Some(0)),
            ("Tue, 29 Feb 2000 12:00:00 GMT", Some(951_825_600)),
            ("Fri, 01 Mar 2024 00:00:00", Some(1_709_251_200)),
            ("31 Dec 69 23:59:59", Some(3_155_759_999)),
            ("01 Jan 1600 00:00:00", None),
            ("32 Jan 2000 00:00:00", None),
            ("01 Jan 2000 24:00:00", None),
            ("01 Jan 2000", None),
            ("Jan 2000 00:00:00", None),
            ("01 Foo 2000 00:00:00", None),
            ("", None),
            ("99999999999999999999", None),
        ] {
            let got = cookie_date(text.as_bytes());
            let got =
                got.map(|date| date.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs());
            assert_eq!(got, want, "{text}");
        }
    }
}
