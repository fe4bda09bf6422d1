//! The fields that all responses have: `Date` (RFC 9110, 6.6.1) and `Server` (10.2.4).
//!
//! They are formatted once a second and shared by all responses of that second: formatting the date for
//! each response costs 0.2 µs, 5 % of a small one.

use std::time::{Duration, Instant, SystemTime};

use crate::proto::http::date::imf_fixdate;
use crate::proto::http::headers::Headers;

/// The fields of the current second; each worker has its own.
#[derive(Debug)]
pub(crate) struct CommonFields {
    until: Instant,
    fields: Headers,
}

impl CommonFields {
    /// Returns the fields of a response that begins now. Reads the system's clock once a second.
    #[inline]
    pub(crate) fn of<'s>(
        cached: &'s mut Option<Box<CommonFields>>,
        now: Instant,
        server: &Headers,
    ) -> &'s Headers {
        if cached.as_ref().is_some_and(|cached| now >= cached.until) {
            *cached = None;
        }
        &cached.get_or_insert_with(|| Box::new(CommonFields::new(now, server))).fields
    }

    #[cold]
    fn new(now: Instant, server: &Headers) -> CommonFields {
        let time = SystemTime::now();
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let left = Duration::from_secs(1) - Duration::from_nanos(since.subsec_nanos().into());
        let mut fields = Headers::new();
        fields.append("Date", imf_fixdate(time)).expect("a date is a field value");
        fields.set_all(server);
        CommonFields { until: now + left, fields }
    }
}
