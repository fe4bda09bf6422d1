//! A time in UTC in the format of strftime(3), with the names of the POSIX locale, as `-w '%time{…}'` takes it.

use std::time::{SystemTime, UNIX_EPOCH};

use super::timestamp::date;

const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// The days of a year before each month, without that of a leap year.
const DAYS_BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/// A time, as people count.
struct Calendar {
    /// Seconds since 1970.
    seconds: i64,
    micros: u32,
    year: i64,
    /// From 1.
    month: i64,
    day: i64,
    /// From 0.
    of_year: i64,
    /// From 0, Sunday.
    of_week: i64,
    hour: i64,
    minute: i64,
    second: i64,
}

/// Returns the format, in which a conversion such as `%Y` is replaced; `%f` are microseconds, as with curl. What is no
/// conversion stays as it is.
pub fn strftime(format: &str, time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or_default();
    let time = Calendar::of(seconds, since.subsec_micros());
    let mut text = String::new();
    let mut rest = format.chars();
    while let Some(char) = rest.next() {
        let conversion = if char == '%' { rest.clone().next() } else { None };
        match conversion.and_then(|conversion| time.convert(conversion)) {
            Some(converted) => {
                text.push_str(&converted);
                rest.next();
            }
            None => text.push(char),
        }
    }
    text
}

impl Calendar {
    fn of(seconds: i64, micros: u32) -> Calendar {
        let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = date(days);
        let before = usize::try_from(month - 1).ok().and_then(|month| DAYS_BEFORE.get(month));
        let leap_day = i64::from(month > 2 && is_leap(year));
        Calendar {
            seconds,
            micros,
            year,
            month,
            day,
            of_year: before.copied().unwrap_or_default() + leap_day + day - 1,
            of_week: (days + 4).rem_euclid(7), // 1970 began on a Thursday
            hour: of_day / 3600,
            minute: of_day / 60 % 60,
            second: of_day % 60,
        }
    }

    /// Returns the text of a conversion; `None` for a letter that is none.
    fn convert(&self, conversion: char) -> Option<String> {
        let hour_of_12 = (self.hour + 11) % 12 + 1;
        let (iso_year, iso_week) = self.iso_week();
        let again = |format: &str| {
            let parts = format.split_inclusive(|char: char| char.is_ascii_alphabetic());
            parts.map(|part| self.expand(part)).collect::<String>()
        };
        let noon = if self.hour < 12 { "AM" } else { "PM" };
        Some(match conversion {
            'a' => name(&DAYS, self.of_week).get(..3)?.to_owned(),
            'A' => name(&DAYS, self.of_week).to_owned(),
            'b' | 'h' => name(&MONTHS, self.month - 1).get(..3)?.to_owned(),
            'B' => name(&MONTHS, self.month - 1).to_owned(),
            'c' => again("%a %b %e %H:%M:%S %Y"),
            'C' => format!("{:02}", self.year / 100),
            'd' => format!("{:02}", self.day),
            'D' | 'x' => again("%m/%d/%y"),
            'e' => format!("{:2}", self.day),
            'f' => format!("{:06}", self.micros),
            'F' => again("%Y-%m-%d"),
            'g' => format!("{:02}", iso_year % 100),
            'G' => iso_year.to_string(),
            'H' => format!("{:02}", self.hour),
            'I' => format!("{hour_of_12:02}"),
            'j' => format!("{:03}", self.of_year + 1),
            'k' => format!("{:2}", self.hour),
            'l' => format!("{hour_of_12:2}"),
            'm' => format!("{:02}", self.month),
            'M' => format!("{:02}", self.minute),
            'n' => "\n".to_owned(),
            'p' => noon.to_owned(),
            'P' => noon.to_ascii_lowercase(),
            'r' => again("%I:%M:%S %p"),
            'R' => again("%H:%M"),
            's' => self.seconds.to_string(),
            'S' => format!("{:02}", self.second),
            't' => "\t".to_owned(),
            'T' | 'X' => again("%H:%M:%S"),
            'u' => ((self.of_week + 6) % 7 + 1).to_string(),
            'U' => format!("{:02}", (self.of_year + 7 - self.of_week) / 7),
            'V' => format!("{iso_week:02}"),
            'w' => self.of_week.to_string(),
            'W' => format!("{:02}", (self.of_year + 7 - (self.of_week + 6) % 7) / 7),
            'y' => format!("{:02}", self.year % 100),
            'Y' => self.year.to_string(),
            'z' => "+0000".to_owned(),
            'Z' => "GMT".to_owned(),
            '%' => "%".to_owned(),
            _ => return None,
        })
    }

    /// Expands text that ends with one conversion.
    fn expand(&self, part: &str) -> String {
        let (before, conversion) = part.rsplit_once('%').unwrap_or((part, ""));
        let converted = conversion.chars().next().and_then(|char| self.convert(char));
        format!("{before}{}", converted.unwrap_or_default())
    }

    /// Returns the year and the week of ISO 8601: a week begins on Monday, and is of the year of its Thursday.
    fn iso_week(&self) -> (i64, i64) {
        let weekday = (self.of_week + 6) % 7 + 1;
        let week = (self.of_year + 1 - weekday + 10) / 7;
        match week {
            0 => (self.year - 1, weeks(self.year - 1)),
            53 if weeks(self.year) == 52 => (self.year + 1, 1),
            week => (self.year, week),
        }
    }
}

/// Returns the number of weeks of a year: 53, if it begins or ends on a Thursday.
fn weeks(year: i64) -> i64 {
    let ends_on = |year: i64| (year + year / 4 - year / 100 + year / 400) % 7;
    if ends_on(year) == 4 || ends_on(year - 1) == 3 { 53 } else { 52 }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn name(names: &'static [&'static str], at: i64) -> &'static str {
    usize::try_from(at).ok().and_then(|at| names.get(at)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// The right column is of date(1).
    #[test]
    fn conversions() {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_micros(42);
        for (seconds, format, want) in [
            (784_111_777, "%a %A %b %B %h", "Sun Sunday Nov November Nov"),
            (784_111_777, "%c|%D|%x|%F", "Sun Nov  6 08:49:37 1994|11/06/94|11/06/94|1994-11-06"),
            (784_111_777, "%T %X %R %r", "08:49:37 08:49:37 08:49 08:49:37 AM"),
            (784_111_777, "%C %y %Y %m %d %e %j", "19 94 1994 11 06  6 310"),
            (784_111_777, "%H %I %k %l %M %S %p %P", "08 08  8  8 49 37 AM am"),
            (784_111_777, "%s %f %z %Z %% %n%t", "784111777 000042 +0000 GMT % \n\t"),
            (784_111_777, "%u %w %U %V %W %G %g", "7 0 45 44 44 1994 94"),
            (0, "%I %l %p", "12 12 AM"),
            (43_200, "%I %p %P", "12 PM pm"),
            (86_399, "%I %k %T", "11 23 23:59:59"),
            (951_782_400, "%F %j", "2000-02-29 060"),
            (978_220_800, "%F %j", "2000-12-31 366"),
            (1_104_537_600, "%F %G-%V %g %U %W", "2005-01-01 2004-53 04 00 00"),
            (1_230_595_200, "%F %G-%V-%u", "2008-12-30 2009-01-2"),
            (1_262_304_000, "%F %G-%V", "2010-01-01 2009-53"),
            (1_609_459_200, "%F %G-%V", "2021-01-01 2020-53"),
            (0, "a%", "a%"),
            (0, "%q %é %", "%q %é %"),
        ] {
            assert_eq!(strftime(format, at(seconds)), want, "{format} at {seconds}");
        }
    }
}
