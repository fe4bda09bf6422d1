//! May the connection be used again (RFC 9112, 9.3), and if not, why not.

use super::error::Rule;
use super::headers::Headers;
use super::version::Version;

/// Why a connection was closed. Logged once, counted, asserted in tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Close {
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

impl std::fmt::Display for Close {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Close::PeerAsked => "the peer asked for it",
            Close::Http10 => "HTTP/1.0 without keep-alive",
            Close::WeAsked => "we asked for it",
            Close::EndOfBody => "the end of the body",
            Close::RequestUnread => "answered before the whole request was read",
            Close::AnswerUnread => "the answer was not read to its end",
            Close::TooMuch => "more came than the answer",
            Close::Tunnel => "a tunnel was asked for",
            Close::BodyShort => "the body came out short",
            Close::Fault(rule) => rule.what(),
            Close::PeerClosed => "closed by the peer between exchanges",
            Close::PeerLeft => "left by the peer during an exchange",
            Close::Idle => "idle too long",
            Close::SlowReader => "the answer was taken too slowly",
            Close::OutOfTime => "out of time",
            Close::Stopping => "stopping",
        })
    }
}

/// Does the sender of a head want the connection kept? `close` wins over anything; 1.1 stays
/// unless told otherwise; 1.0 stays only when told so.
///
/// # Errors
/// The reason to close.
pub fn wants_to_stay(version: Version, headers: &Headers) -> Result<(), Close> {
    if headers.list_has("connection", "close") {
        Err(Close::PeerAsked)
    } else if version == Version::Http11 || headers.list_has("connection", "keep-alive") {
        Ok(())
    } else {
        Err(Close::Http10)
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
            (Http11, Some("Upgrade, Close"), Err(Close::PeerAsked)),
            (Http11, Some("closed"), Ok(())),
            (Http10, None, Err(Close::Http10)),
            (Http10, Some("Keep-Alive"), Ok(())),
            (Http10, Some("keep-alive, close"), Err(Close::PeerAsked)),
        ] {
            let mut headers = Headers::new();
            if let Some(value) = connection {
                headers.append("Connection", value).unwrap();
            }
            assert_eq!(wants_to_stay(version, &headers), want, "{version} {connection:?}");
        }
    }
}
