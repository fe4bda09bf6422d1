//! The request that a redirect leads to: which fields go along.

use super::{Request, host};
use crate::client::redirect::NextRequest;
use crate::proto::http::headers::Headers;

impl Request {
    /// Returns the request that a redirect leads to. The fields that describe the body are sent with it
    /// only, and the fields that are meant for one server reach no other (RFC 9110, 15.4).
    pub(in crate::client) fn redirected(&self, next: NextRequest) -> Request {
        let Request { url: _, method: _, version, defaults, fields, body, target: _ } = self;
        let mut fields = fields.clone();
        let is_dropped = |name: &str| {
            next.leaves_origin && name.eq_ignore_ascii_case("host")
                || !next.keeps_credentials && is_one_of(name, CREDENTIALS)
        };
        fields.retain(|name| !is_dropped(name));
        if !next.keeps_body {
            fields.retain(|name| !is_one_of(name, OF_THE_BODY));
        }
        let mut kept = Headers::new();
        if !fields.has("host") && (defaults.has("host") || next.leaves_origin) {
            kept.append("Host", host(&next.url)).expect("a host has no control bytes");
        }
        // A default can be a credential, too, or the type of the body.
        let is_kept = |name: &str| {
            !is_dropped(name)
                && !name.eq_ignore_ascii_case("host")
                && (next.keeps_body || !is_one_of(name, OF_THE_BODY))
        };
        for (name, value) in defaults.iter().filter(|(name, _)| is_kept(name)) {
            kept.append(name, value).expect("it was a field before");
        }
        let body = body.clone().filter(|_| next.keeps_body);
        let (url, method, version) = (next.url, next.method, *version);
        let request = Request { url, method, version, defaults: kept, fields, body, target: None };
        match next.referer.filter(|_| !request.fields.has("referer")) {
            Some(referer) => {
                request.with_default("Referer", referer).expect("a URL has no control bytes")
            }
            None => request,
        }
    }
}

/// The fields that are meant for one server only.
const CREDENTIALS: &[&str] = &["authorization", "cookie", "proxy-authorization"];

/// The fields that describe a body, or wait for it.
const OF_THE_BODY: &[&str] = &[
    "content-type",
    "content-length",
    "content-encoding",
    "content-language",
    "content-location",
    "content-range",
    "content-digest",
    "digest",
    "transfer-encoding",
    "trailer",
    "expect",
];

fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|one| one.eq_ignore_ascii_case(name))
}
