//! Dates (RFC 9110, 5.6.7): written as IMF-fixdate, read in the two obsolete forms as well; and the
//! access log's common format.

use std::time::SystemTime;

/// Returns `Sun, 06 Nov 1994 08:49:37 GMT`. A time before 1970 or after 9999 is shown as 1970.
pub fn imf_fixdate(time: SystemTime) -> String {
    const LAST: u64 = 253_402_300_799; // 9999-12-31T23:59:59Z
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let time =
        if seconds > LAST { SystemTime::UNIX_EPOCH } else { time.max(SystemTime::UNIX_EPOCH) };
    httpdate::fmt_http_date(time)
}

/// Reads a date in any of its three forms; `None` if it is not one. A year of two digits from 70 on is
/// read as 19xx, so no date is read as more than 50 years ahead, as the RFC requires.
pub fn parse_http_date(text: &[u8]) -> Option<SystemTime> {
    httpdate::parse_http_date(str::from_utf8(text).ok()?).ok()
}

/// Returns `06/Nov/1994:08:49:37 +0000`, as the common log format writes it.
pub fn common_log_date(time: SystemTime) -> String {
    let date = imf_fixdate(time);
    let part = |range| date.get(range).unwrap_or_default();
    format!("{}/{}/{}:{} +0000", part(5..7), part(8..11), part(12..16), part(17..25))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn both_forms() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(imf_fixdate(time), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(common_log_date(time), "06/Nov/1994:08:49:37 +0000");
    }

    #[test]
    fn all_three_forms_are_read_and_nothing_else() {
        let seconds = |text: &str| {
            let time = parse_http_date(text.as_bytes())?;
            Some(time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs())
        };
        for (text, want) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777)),
            ("Sun Nov  6 08:49:37 1994", Some(784_111_777)),
            ("Friday, 01-Nov-69 00:00:00 GMT", Some(3_150_489_600)),
            ("Thursday, 01-Jan-70 00:00:00 GMT", Some(0)),
            ("Mon, 06 Nov 1994 08:49:37 GMT", None), // it was a Sunday
            ("Sun, 06 Nov 1994 08:49:37 UTC", None),
            ("Sun, 06 Nov 1994 08:49:37 +0000", None),
            ("Sun, 6 Nov 1994 08:49:37 GMT", None),
            ("sun, 06 nov 1994 08:49:37 gmt", None),
            ("Sun, 06 Nov 1994 24:00:00 GMT", None),
            ("Sun, 31 Nov 1994 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT", None),
            ("784111777", None),
            ("", None),
        ] {
            assert_eq!(seconds(text), want, "{text}");
        }
        assert_eq!(parse_http_date(b"Sun, 06 Nov 1994 08:49:37 GM\xff"), None);
    }

    #[test]
    fn a_clock_that_is_far_off_does_no_harm() {
        let epoch = "Thu, 01 Jan 1970 00:00:00 GMT";
        assert_eq!(imf_fixdate(SystemTime::UNIX_EPOCH - Duration::from_secs(1)), epoch);
        assert_eq!(
            imf_fixdate(SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_800)),
            epoch
        );
    }
}
