//! Which fields may follow a body, as trailers (RFC 9110, 6.5.1).
//!
//! A trailer arrives after the body, when the recipient may have acted already. So no trailer may say
//! where the message ends, where it goes, who sends it, under which conditions it applies, or how its
//! content is read. A request with such a trailer is refused; the server leaves them out of its own
//! responses. Trailers are never merged into the fields of the head.

/// Framing, routing, request modifiers, authentication, response control, content.
const NEVER_TRAILERS: &[&str] = &[
    "age",
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-location",
    "content-range",
    "content-type",
    "cookie",
    "date",
    "expect",
    "expires",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "keep-alive",
    "location",
    "max-forwards",
    "pragma",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "retry-after",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "vary",
    "warning",
    "www-authenticate",
];

/// Returns true if a field of this name may be a trailer. Unknown names may.
pub fn may_trail(name: &str) -> bool {
    !NEVER_TRAILERS.iter().any(|held| held.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_trail() {
        for name in ["Checksum", "Content-Digest", "ETag", "Server-Timing", "Date2", ""] {
            assert!(may_trail(name), "{name}");
        }
        for name in ["Content-Length", "TRANSFER-ENCODING", "host", "Authorization", "Trailer"] {
            assert!(!may_trail(name), "{name}");
        }
    }
}
