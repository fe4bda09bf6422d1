//! Why a request failed, as a value to be counted: few values, each with a name.

use std::io;

use crate::proto::http::error::Rule;

/// Why a request has no complete response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// No connection could be made for it.
    Connect(Cause),
    /// It could not be sent.
    Send(Cause),
    /// The connection broke before the response was complete.
    Receive(Cause),
    /// The connection was closed before the first byte of a response.
    NoResponse,
    /// The connection was closed within the response.
    CutShort,
    /// The response breaks this rule.
    BrokenRule(Rule),
    /// More bytes arrived than belong to responses, so responses can no longer be matched to requests.
    TooMuch,
    /// It was sent, and the response was not complete in time.
    OutOfTime,
    /// It was due, and no connection became free in time to send it.
    NeverSent,
}

/// The error code of the operating system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause(i32);

impl Cause {
    pub(super) const TIMED_OUT: Cause = Cause(0);
}

impl From<&io::Error> for Cause {
    fn from(error: &io::Error) -> Cause {
        Cause(error.raw_os_error().unwrap_or_default())
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let error = io::Error::from_raw_os_error(self.0);
        match error.kind() {
            _ if *self == Cause::TIMED_OUT => f.write_str("out of time"),
            io::ErrorKind::AddrNotAvailable => f.write_str(
                "no local port is free (those of closed connections rest for a minute); \
                 right: keep connections",
            ),
            _ => f.write_str(&crate::client::in_one_line(&error)),
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Connect(cause) => write!(f, "could not connect: {cause}"),
            Failure::Send(cause) => write!(f, "could not send: {cause}"),
            Failure::Receive(cause) => write!(f, "could not receive: {cause}"),
            Failure::NoResponse => f.write_str("closed without an answer"),
            Failure::CutShort => f.write_str("the answer was cut short"),
            Failure::BrokenRule(rule) => write!(f, "not understood: {}", rule.what()),
            Failure::TooMuch => f.write_str("more came than was asked for"),
            Failure::OutOfTime => f.write_str("not answered in time"),
            Failure::NeverSent => f.write_str("due, but no connection was free in time"),
        }
    }
}
