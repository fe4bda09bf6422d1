//! When a request is sent again, and after which pause: a pure schedule.
//!
//! Only a harmless repetition: of an idempotent request (RFC 9110, 9.2.2), or of any request of which no
//! byte was sent, because no connection was made. And only after an error that may be temporary: no
//! connection, a connection that broke or stayed silent, and the statuses of curl's `--retry`. The pause
//! doubles, up to a maximum; a Retry-After field (RFC 9110, 10.2.3) replaces it, up to the same maximum.
//! Not here: the one silent retry after a stale connection ([`super::call`]), which needs no pause.

use std::time::{Duration, SystemTime};

use crate::proto::http::chars::decimal;
use crate::proto::http::date::parse_http_date;
use crate::proto::http::head::ResponseHead;

/// How many times a request is sent again after a temporary failure, and with which pauses.
///
/// A request is sent again when no connection was made, when the connection broke before the response, and when the
/// status is 408, 429, 500, 502, 503 or 504. If bytes of it were sent, its method must be idempotent (GET, PUT,
/// DELETE and others, not POST): the server may have done already what it asks for. A `Retry-After` of the server
/// sets the pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// The most retries of one request: 0.
    pub max: u32,
    /// The pause before the first retry: 1 s; it doubles with each.
    pub first_pause: Duration,
    /// The longest pause, whatever a server requests: 30 s.
    pub max_pause: Duration,
}

impl Default for Retries {
    /// No retries: only the author of a request knows that it may be repeated. The pauses are curl's,
    /// except for the longest, 30 s (curl: 10 minutes).
    fn default() -> Retries {
        let second = Duration::from_secs(1);
        Retries { max: 0, first_pause: second, max_pause: 30 * second }
    }
}

/// Why a request may be worth another try.
#[derive(Debug, Clone, Copy)]
pub(super) enum RetryCause<'a> {
    /// No connection was made, so no byte was sent.
    NotSent,
    /// Bytes were sent, and no response came.
    NoResponse,
    /// The response has this head.
    Response(&'a ResponseHead),
}

impl Retries {
    /// Returns the pause before the next try of a request that was retried `made` times already; `None`:
    /// it is not sent again.
    pub(super) fn pause(
        &self,
        made: u32,
        idempotent: bool,
        cause: RetryCause<'_>,
        now: SystemTime,
    ) -> Option<Duration> {
        let requested = match cause {
            RetryCause::Response(head) if !is_temporary(head) => return None,
            RetryCause::Response(head) => retry_after(head, now),
            RetryCause::NotSent | RetryCause::NoResponse => None,
        };
        let harmless = idempotent || matches!(cause, RetryCause::NotSent);
        let doubled = self.first_pause.saturating_mul(1_u32.checked_shl(made).unwrap_or(u32::MAX));
        (made < self.max && harmless).then(|| requested.unwrap_or(doubled).min(self.max_pause))
    }
}

/// Returns whether another try may get another status: Request Timeout, Too Many Requests, and the failures
/// of servers and gateways, which is curl's list.
pub(crate) fn is_temporary(head: &ResponseHead) -> bool {
    matches!(head.status.code(), 408 | 429 | 500 | 502 | 503 | 504)
}

/// Returns the pause that the server requests: `Retry-After = HTTP-date / delay-seconds` (RFC 9110, 10.2.3).
/// A date in the past is a pause of zero.
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

    fn response(status: u16, after: &str) -> ResponseHead {
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
        let retries = Retries { max: 40, ..Retries::default() };
        let [busy, gone, later] = [response(503, ""), response(404, ""), response(429, "7")];
        let [never, odd] = [response(503, "18446744073709551615"), response(503, "soon")];
        let [date, past] = [response(503, &date(9)), response(503, &date(-9))];
        use RetryCause::*;
        for (name, made, idempotent, cause, want) in [
            ("first", 0, true, NoResponse, Some(1)),
            ("second", 1, true, NoResponse, Some(2)),
            ("fifth", 4, true, NoResponse, Some(16)),
            ("capped", 5, true, NoResponse, Some(30)),
            ("far above the maximum", 39, true, NoResponse, Some(30)),
            ("no more", 40, true, NoResponse, None),
            ("a POST that was sent", 0, false, NoResponse, None),
            ("a POST that was not", 0, false, NotSent, Some(1)),
            ("busy", 1, true, Response(&busy), Some(2)),
            ("busy, a POST", 0, false, Response(&busy), None),
            ("not there", 0, true, Response(&gone), None),
            ("in seconds", 0, true, Response(&later), Some(7)),
            ("never", 0, true, Response(&never), Some(30)),
            ("no time", 2, true, Response(&odd), Some(4)),
            ("a date", 0, true, Response(&date), Some(9)),
            ("a date in the past", 0, true, Response(&past), Some(0)),
        ] {
            let pause = retries.pause(made, idempotent, cause, now);
            assert_eq!(pause, want.map(Duration::from_secs), "{name}");
        }
        assert_eq!(Retries::default().pause(0, true, NotSent, now), None);
    }
}
