//! The fields that all answers have: `Date` (RFC 9110, 6.6.1) and `Server` (10.2.4).
//!
//! They are written once a second, and lent to each answer of that second.

use std::time::{Duration, Instant, SystemTime};

use crate::proto::http::date::imf_fixdate;
use crate::proto::http::headers::Headers;

/// The fields of this second; each thread has its own.
#[derive(Debug)]
pub(crate) struct Standing {
    until: Instant,
    fields: Headers,
}

impl Standing {
    /// The fields of an answer that is made now. The system's clock is asked for the date when a second
    /// of it is over, and not before.
    pub(crate) fn of<'s>(
        held: &'s mut Option<Box<Standing>>,
        now: Instant,
        server: &Headers,
    ) -> &'s Headers {
        if held.as_ref().is_some_and(|held| now >= held.until) {
            *held = None;
        }
        &held.get_or_insert_with(|| Box::new(Standing::new(now, server))).fields
    }

    fn new(now: Instant, server: &Headers) -> Standing {
        let time = SystemTime::now();
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let left = Duration::from_secs(1) - Duration::from_nanos(since.subsec_nanos().into());
        let mut fields = Headers::new();
        fields.append("Date", imf_fixdate(time)).expect("a date is a field value");
        fields.set_all(server);
        Standing { until: now + left, fields }
    }
}
