//! Whether a connection may be used again (RFC 9112, 9.3), and the reason if not.

use super::error::Rule;
use super::headers::Headers;
use super::version::Version;

/// Why a connection was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// The peer said `Connection: close`.
    PeerAsked,
    /// One side speaks HTTP/1.0 and did not ask to keep the connection.
    Http10,
    /// This side said `Connection: close`: a server that stops or has other clients waiting, a client
    /// that has no more requests.
    WeAsked,
    /// The end of the connection was the end of the body.
    EndOfBody,
    /// The response was sent before the whole request had arrived.
    RequestUnread,
    /// The response was not read to its end.
    ResponseUnread,
    /// More bytes arrived than the response has; they belong to no request (RFC 9112, 6.3).
    TooMuch,
    /// A CONNECT: after a 2xx follows a tunnel, which is not supported; after any other response the
    /// client may have sent bytes for one.
    Tunnel,
    /// The body that this side sent was shorter than announced.
    BodyShort,
    /// The peer broke this rule.
    Fault(Rule),
    /// The peer closed between two exchanges, as it may at any time.
    PeerClosed,
    /// The peer closed, or reset, in the middle of an exchange.
    PeerLeft,
    /// No request arrived within the idle time.
    Idle,
    /// The peer read the response too slowly.
    SlowReader,
    /// The time set for the exchange had passed.
    OutOfTime,
    /// The server stops, and no exchange was in progress.
    Stopping,
    /// The server had too much to do, and dropped the connection without an answer.
    Dropped,
    /// A response was cut or reset on purpose, to test the client.
    OnPurpose,
}

impl std::fmt::Display for CloseReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            CloseReason::PeerAsked => "the peer asked for it",
            CloseReason::Http10 => "HTTP/1.0 without keep-alive",
            CloseReason::WeAsked => "we asked for it",
            CloseReason::EndOfBody => "the end of the body",
            CloseReason::RequestUnread => "the response was sent before the whole request was read",
            CloseReason::ResponseUnread => "the response was not read to its end",
            CloseReason::TooMuch => "more bytes arrived than the response has",
            CloseReason::Tunnel => "the client requested a tunnel",
            CloseReason::BodyShort => "the body was shorter than announced",
            CloseReason::Fault(rule) => rule.what(),
            CloseReason::PeerClosed => "closed by the peer between exchanges",
            CloseReason::PeerLeft => "closed by the peer during an exchange",
            CloseReason::Idle => "idle too long",
            CloseReason::SlowReader => "the peer read the response too slowly",
            CloseReason::OutOfTime => "timed out",
            CloseReason::Stopping => "stopping",
            CloseReason::Dropped => "dropped, because the queue was full",
            CloseReason::OnPurpose => "a fault on purpose",
        })
    }
}

/// Returns whether the sender of a head wants to keep the connection. `close` overrides the rest; by
/// default HTTP/1.1 keeps it and HTTP/1.0 does not.
///
/// # Errors
/// The reason to close.
pub fn wants_to_stay(version: Version, headers: &Headers) -> Result<(), CloseReason> {
    if headers.list_has("connection", "close") {
        Err(CloseReason::PeerAsked)
    } else if version == Version::Http11 || headers.list_has("connection", "keep-alive") {
        Ok(())
    } else {
        Err(CloseReason::Http10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_connections_are_kept() {
        use Version::*;
        for (version, connection, want) in [
            (Http11, None, Ok(())),
            (Http11, Some("keep-alive"), Ok(())),
            (Http11, Some("Upgrade, Close"), Err(CloseReason::PeerAsked)),
            (Http11, Some("closed"), Ok(())),
            (Http10, None, Err(CloseReason::Http10)),
            (Http10, Some("Keep-Alive"), Ok(())),
            (Http10, Some("keep-alive, close"), Err(CloseReason::PeerAsked)),
        ] {
            let mut headers = Headers::new();
            if let Some(value) = connection {
                headers.append("Connection", value).unwrap();
            }
            assert_eq!(wants_to_stay(version, &headers), want, "{version} {connection:?}");
        }
    }
}
