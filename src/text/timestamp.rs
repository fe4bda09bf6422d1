//! Dates and times as RFC 3339 writes them.

/// The first second of the year 0, and the last one of the year 9999: RFC 3339 has four digits for a year.
const RANGE: (i64, i64) = (-62_167_219_200, 253_402_300_799);

const SECONDS_OF_DAY: i64 = 86_400;

/// Returns this number of seconds since 1970 in UTC: `2026-11-30T17:45:00Z`. A time outside of the years 0 to 9999
/// is shown as the nearest one inside.
pub fn rfc_3339(seconds: i64) -> String {
    String::from_utf8_lossy(&rfc_3339_bytes(seconds)).into_owned()
}

/// Returns the same as ASCII, for texts with many times.
pub fn rfc_3339_bytes(seconds: i64) -> [u8; 20] {
    let seconds = seconds.clamp(RANGE.0, RANGE.1);
    let (year, month, day) = date(seconds.div_euclid(SECONDS_OF_DAY));
    let of_day = seconds.rem_euclid(SECONDS_OF_DAY);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    let mut text = *b"YYYY-MM-DDThh:mm:ssZ";
    let numbers = [year / 100, year % 100, month, day, hour, minute, second];
    for (number, at) in numbers.into_iter().zip([0, 2, 5, 8, 11, 14, 17]) {
        for (digit, place) in [number / 10, number % 10].into_iter().zip(text.iter_mut().skip(at)) {
            let [digit, ..] = digit.to_le_bytes();
            *place = b'0' + digit;
        }
    }
    text
}

/// Returns year, month and day of this number of days since 1970, in the Gregorian calendar. A year is counted from
/// March, so that the day that leap years add is its last one (Howard Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms", `civil_from_days`).
fn date(days: i64) -> (i64, i64, i64) {
    const DAYS_OF_400_YEARS: i64 = 146_097;
    let days = days + 719_468; // since the 1st of March of the year 0
    let (era, day) = (days.div_euclid(DAYS_OF_400_YEARS), days.rem_euclid(DAYS_OF_400_YEARS));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153; // 0 is March
    let of_month = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (400 * era + year + next, month, of_month)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The right column is of date(1).
    #[test]
    fn dates_with_leap_days_and_centuries() {
        for (seconds, want) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_799, "2000-02-29T23:59:59Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (1_709_164_800, "2024-02-29T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (1_798_761_599, "2026-12-31T23:59:59Z"),
            (1_798_761_600, "2027-01-01T00:00:00Z"),
            (1_796_059_949, "2026-11-30T17:32:29Z"),
            (RANGE.0, "0000-01-01T00:00:00Z"),
            (i64::MIN, "0000-01-01T00:00:00Z"),
            (RANGE.1, "9999-12-31T23:59:59Z"),
            (i64::MAX, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc_3339(seconds), want);
        }
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut last = date(-800_000);
        for day in -799_999..800_000 {
            let next = date(day);
            let follows = next == (last.0, last.1, last.2 + 1)
                || next == (last.0, last.1 + 1, 1)
                || next == (last.0 + 1, 1, 1) && last.1 == 12;
            assert!(
                follows && (1..=31).contains(&next.2) && (1..=12).contains(&next.1),
                "{last:?} {next:?}"
            );
            last = next;
        }
    }
}
