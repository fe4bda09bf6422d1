//! Why one exchange on one connection failed. [`ErrorKind`](super::ErrorKind) has the same variants for the
//! caller; this smaller type holds no response, so that the files below [`super::call`] need not know it.

use std::io;

use super::budget::TimedOut;
use crate::proto::http::close::CloseReason;
#[cfg(feature = "inflate")]
use crate::proto::http::content_coding::CodingFault;
use crate::proto::http::error::Rule;
use crate::proto::http::rejected::ParseError;

/// Why an exchange failed.
#[derive(Debug)]
pub(super) enum ExchangeError {
    /// A time limit has passed.
    TimedOut(TimedOut),
    /// The request could not be sent, and no response came.
    Send(io::Error),
    /// The reader of the request's body failed, or ended too early.
    Upload(io::Error),
    /// The server closed the connection without a byte of a response.
    NoResponse,
    /// The bytes that came are not a complete and valid response head.
    Head(ParseError),
    /// The connection broke.
    Receive(io::Error),
    /// The connection ended before the end of the body.
    CutShort { received: u64, missing: Option<u64> },
    /// The framing of the body is invalid.
    Body(ParseError),
    /// The content coding of the body is broken.
    #[cfg(feature = "inflate")]
    ContentCoding(CodingFault),
}

impl ExchangeError {
    /// Returns why the connection is closed after this error.
    pub(super) fn close_reason(&self) -> CloseReason {
        match self {
            ExchangeError::TimedOut(_) => CloseReason::OutOfTime,
            ExchangeError::Upload(_) => CloseReason::BodyShort,
            ExchangeError::Head(error) | ExchangeError::Body(error) => match error.fault.rule {
                Rule::HeadIncomplete => CloseReason::PeerLeft,
                rule => CloseReason::Fault(rule),
            },
            #[cfg(feature = "inflate")]
            ExchangeError::ContentCoding(_) => CloseReason::ResponseUnread,
            ExchangeError::Send(_)
            | ExchangeError::NoResponse
            | ExchangeError::Receive(_)
            | ExchangeError::CutShort { .. } => CloseReason::PeerLeft,
        }
    }
}

impl From<TimedOut> for ExchangeError {
    fn from(limit: TimedOut) -> ExchangeError {
        ExchangeError::TimedOut(limit)
    }
}
