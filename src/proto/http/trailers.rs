//! Which fields may come behind a body (RFC 9110, 6.5.1).
//!
//! A trailer comes when the body has been read, and whoever reads it may have acted by then. So
//! nothing may stand there that says where the message ends, whom it is for, who sends it, under
//! which conditions, or how its content is to be read. A request that has one of these there is
//! refused; in an answer of ours they are left out. Trailers are never merged into the head's fields.

/// Framing, routing, request modifiers, authentication, response control, content.
const NOT_BEHIND_A_BODY: &[&str] = &[
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

/// May a field of this name be a trailer field? Of names that are not known it is taken to be so.
pub fn may_trail(name: &str) -> bool {
    !NOT_BEHIND_A_BODY.iter().any(|held| held.eq_ignore_ascii_case(name))
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
