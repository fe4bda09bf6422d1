//! May the connection be used again (RFC 9112, 9.3), and if not, why not.

use super::error::Rule;
use super::headers::Headers;
use super::version::Version;

/// Why a connection was closed. Logged once, counted, asserted in tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// The peer said `Connection: close`.
    PeerAsked,
    /// One side speaks HTTP/1.0 and did not ask to keep the connection.
    Http10,
    /// We said `Connection: close`: to a client, as we are stopping or others are waiting; to a
    /// server, as this was all.
    WeAsked,
    /// The end of the connection was the end of the body.
    EndOfBody,
    /// The answer went out before the whole request had come in.
    RequestUnread,
    /// The answer was not read to its end.
    AnswerUnread,
    /// More bytes came than the answer has: they answer nothing (RFC 9112, 6.3).
    TooMuch,
    /// A CONNECT: what follows a 2xx is a tunnel, and there are none here; what follows any other
    /// answer may have been meant for one.
    Tunnel,
    /// The body that we sent came out shorter than was said.
    BodyShort,
    /// The peer broke this rule.
    Fault(Rule),
    /// The peer closed between two exchanges, as it may at any time.
    PeerClosed,
    /// The peer closed, or reset, in the middle of an exchange.
    PeerLeft,
    /// No request came within the idle time.
    Idle,
    /// The peer took our answer too slowly.
    SlowReader,
    /// The time set for the exchange had passed.
    OutOfTime,
    /// We are stopping and nothing was under way.
    Stopping,
}

impl std::fmt::Display for CloseReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            CloseReason::PeerAsked => "the peer asked for it",
            CloseReason::Http10 => "HTTP/1.0 without keep-alive",
            CloseReason::WeAsked => "we asked for it",
            CloseReason::EndOfBody => "the end of the body",
            CloseReason::RequestUnread => "answered before the whole request was read",
            CloseReason::AnswerUnread => "the answer was not read to its end",
            CloseReason::TooMuch => "more came than the answer",
            CloseReason::Tunnel => "a tunnel was asked for",
            CloseReason::BodyShort => "the body came out short",
            CloseReason::Fault(rule) => rule.what(),
            CloseReason::PeerClosed => "closed by the peer between exchanges",
            CloseReason::PeerLeft => "left by the peer during an exchange",
            CloseReason::Idle => "idle too long",
            CloseReason::SlowReader => "the answer was taken too slowly",
            CloseReason::OutOfTime => "out of time",
            CloseReason::Stopping => "stopping",
        })
    }
}

/// Does the sender of a head want the connection kept? `close` wins over anything; 1.1 stays
/// unless told otherwise; 1.0 stays only when told so.
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
    fn who_stays() {
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
