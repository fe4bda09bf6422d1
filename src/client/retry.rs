//! When a request is sent once more, and after how long: a pure schedule.
//!
//! Only what is harmless: an idempotent request (RFC 9110, 9.2.2), or any request of which not a
//! byte was sent, as no connection came about. And only what may pass: no connection, a
//! connection that broke or stayed silent, and the statuses that curl's `--retry` has. The pause
//! doubles, up to a longest; a Retry-After in its place (RFC 9110, 10.2.3) is obeyed up to the longest.
//! What is not here: the one silent retry on a connection that was used before and had gone stale
//! (`call`), which is no sign of trouble and takes no pause.

use std::time::{Duration, SystemTime};

use crate::proto::http::chars::decimal;
use crate::proto::http::date::parse_http_date;
use crate::proto::http::head::ResponseHead;

/// How often, and with which pauses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// How often a request is sent once more.
    pub most: u32,
    /// The pause before the first time; it doubles with each.
    pub first_pause: Duration,
    /// No pause is longer, whatever a server asks for.
    pub longest_pause: Duration,
}

impl Default for Retries {
    /// None: that a request may be repeated is for its author to say. The pauses are curl's, but
    /// for the longest: 30 s (curl: 10 minutes).
    fn default() -> Retries {
        let second = Duration::from_secs(1);
        Retries { most: 0, first_pause: second, longest_pause: 30 * second }
    }
}

/// What came of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Setback<'a> {
    /// No connection: nothing was sent.
    Unsent,
    /// Something was sent, and no answer came.
    Unanswered,
    /// This came.
    Answer(&'a ResponseHead),
}

impl Retries {
    /// How long to wait before the request is sent once more; `None`: it is not. It has been `made`
    /// times once more already.
    pub(crate) fn pause(
        &self,
        made: u32,
        idempotent: bool,
        setback: Setback<'_>,
        now: SystemTime,
    ) -> Option<Duration> {
        let asked = match setback {
            Setback::Answer(head) if !may_pass(head) => return None,
            Setback::Answer(head) => retry_after(head, now),
            Setback::Unsent | Setback::Unanswered => None,
        };
        let harmless = idempotent || matches!(setback, Setback::Unsent);
        let doubled = self.first_pause.saturating_mul(1_u32.checked_shl(made).unwrap_or(u32::MAX));
        (made < self.most && harmless).then(|| asked.unwrap_or(doubled).min(self.longest_pause))
    }
}

/// Request Timeout, Too Many Requests, and the failures of servers and gateways: curl's list.
pub(crate) fn may_pass(head: &ResponseHead) -> bool {
    matches!(head.status.code(), 408 | 429 | 500 | 502 | 503 | 504)
}

/// `Retry-After = HTTP-date / delay-seconds`; a date that has passed is no time at all.
pub(crate) fn retry_after(head: &ResponseHead, now: SystemTime) -> Option<Duration> {
    let value = head.headers.first("retry-after")?;
    let date = || Some(parse_http_date(value)?.duration_since(now).unwrap_or_default());
    decimal(value).map(Duration::from_secs).or_else(date)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::http::date::imf_fixdate;
    use crate::proto::http::status::Status;

    fn answer(status: u16, after: &str) -> ResponseHead {
        let mut head = ResponseHead::new(Status::new(status).unwrap());
        if !after.is_empty() {
            head.headers.append("Retry-After", after).unwrap();
        }
        head
    }

    #[test]
    fn the_pauses() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let date = |seconds: i64| {
            let moment = SystemTime::UNIX_EPOCH
                + Duration::from_secs(u64::try_from(1_000_000_000 + seconds).unwrap());
            imf_fixdate(moment)
        };
        let retries = Retries { most: 40, ..Retries::default() };
        let [busy, gone, later] = [answer(503, ""), answer(404, ""), answer(429, "7")];
        let [never, odd] = [answer(503, "18446744073709551615"), answer(503, "soon")];
        let [date, past] = [answer(503, &date(9)), answer(503, &date(-9))];
        use Setback::*;
        for (name, made, idempotent, setback, want) in [
            ("first", 0, true, Unanswered, Some(1)),
            ("second", 1, true, Unanswered, Some(2)),
            ("fifth", 4, true, Unanswered, Some(16)),
            ("capped", 5, true, Unanswered, Some(30)),
            ("far behind the cap", 39, true, Unanswered, Some(30)),
            ("no more", 40, true, Unanswered, None),
            ("a POST that was sent", 0, false, Unanswered, None),
            ("a POST that was not", 0, false, Unsent, Some(1)),
            ("busy", 1, true, Answer(&busy), Some(2)),
            ("busy, a POST", 0, false, Answer(&busy), None),
            ("not there", 0, true, Answer(&gone), None),
            ("in seconds", 0, true, Answer(&later), Some(7)),
            ("never", 0, true, Answer(&never), Some(30)),
            ("no time", 2, true, Answer(&odd), Some(4)),
            ("a date", 0, true, Answer(&date), Some(9)),
            ("a date in the past", 0, true, Answer(&past), Some(0)),
        ] {
            let pause = retries.pause(made, idempotent, setback, now);
            assert_eq!(pause, want.map(Duration::from_secs), "{name}");
        }
        assert_eq!(Retries::default().pause(0, true, Unsent, now), None);
    }
}
