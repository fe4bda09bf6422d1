//! What can go wrong, each as one line of text.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::budget::{Phase, Rate};
use super::misread::Misread;
use super::pipeline::Unfit;
use super::proxy::ProxyError;
use super::redirect::RedirectError;
use super::response::Response;
use crate::net::connect::ConnectError;
use crate::net::resolve::ResolveError;
use crate::proto::http::close::CloseReason;
use crate::proto::http::error::Rule;
use crate::proto::http::headers::InvalidField;
use crate::proto::http::url::UrlError;

/// Why a request could not be made, or its answer not be had.
#[derive(Debug)]
pub enum Error {
    /// Not an address that can be fetched.
    Url(UrlError),
    /// Not a method: this is no token.
    Method(String),
    /// Not a field, or one that contradicts the others.
    Field(InvalidField),
    /// The caller's Content-Length is not the body's: another request would begin where the server
    /// does not look for it (RFC 9110, 8.6).
    Length {
        /// What the field says.
        said: u64,
        /// How long the body is.
        body: u64,
    },
    /// A body of unknown length on HTTP/1.0, which has no chunks (RFC 9112, 7.1).
    NoLength,
    /// A TRACE with a body (RFC 9110, 9.3.8).
    Trace,
    /// Requests that cannot be sent at once.
    Unfit(Unfit),
    /// This host has no address.
    Resolve(String, ResolveError),
    /// Nor has this one, which is the proxy's.
    ResolveProxy(String, ResolveError),
    /// The proxy is of no use for this request.
    Proxy(ProxyError),
    /// No connection to this host and port.
    Connect(String, u16, ConnectError),
    /// No connection to this socket in the file system.
    ConnectUnix(PathBuf, io::Error),
    /// The time set for it had passed.
    Timeout {
        /// What was being waited for.
        phase: Phase,
        /// The limit that was set.
        after: Duration,
    },
    /// Fewer bytes moved than the rate that was set.
    TooSlow {
        /// What was being waited for in the end.
        phase: Phase,
        /// The rate.
        rate: Rate,
    },
    /// The request could not be sent, and no answer came all the same.
    Send(io::Error),
    /// The reader of the body that was to be sent failed, or ended too early.
    Upload(io::Error),
    /// The server closed the connection without a byte of an answer.
    NoAnswer,
    /// What came is not the head of an answer, or not all of one, or leaves the length of its body
    /// in doubt.
    Head(Misread),
    /// The connection broke while the answer was awaited or received.
    Receive(io::Error),
    /// The connection ended before the body did.
    CutShort {
        /// How many bytes of it came.
        received: u64,
        /// How many did not, where that is known.
        missing: Option<u64>,
    },
    /// The framing of the body is broken.
    Body(Misread),
    /// The answer is a redirect that is not followed. It is kept; its body can still be read.
    Redirect(RedirectError, Box<Response>),
    /// The answer's status is an error, where [`Response::successful`] was asked for. It is kept; its
    /// body can still be read.
    Status(Box<Response>),
}

impl Error {
    /// The answer, where one came in spite of the error.
    pub fn response(&self) -> Option<&Response> {
        match self {
            Error::Redirect(_, response) | Error::Status(response) => Some(response),
            _ => None,
        }
    }

    /// As [`Error::response`], to read its body.
    pub fn into_response(self) -> Option<Response> {
        match self {
            Error::Redirect(_, response) | Error::Status(response) => Some(*response),
            _ => None,
        }
    }

    /// What to do about it, where there is something to do.
    pub fn advice(&self) -> Option<&'static str> {
        let refused = |error: &io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
        match self {
            Error::Connect(.., error) if error.tried.iter().any(|(_, error)| refused(error)) => {
                Some("is a server running there?")
            }
            Error::ConnectUnix(_, error) if refused(error) => Some("is a server running there?"),
            Error::Head(misread) if misread.fault.rule == Rule::NoStatusLine => {
                Some("is it an HTTP server? https is not spoken here")
            }
            _ => None,
        }
    }

    /// Why the connection is closed, on which this happened.
    pub(crate) fn close(&self) -> CloseReason {
        match self {
            Error::Timeout { .. } | Error::TooSlow { .. } => CloseReason::OutOfTime,
            Error::Upload(_) => CloseReason::BodyShort,
            Error::Head(misread) | Error::Body(misread) => match misread.fault.rule {
                Rule::HeadIncomplete => CloseReason::PeerLeft,
                rule => CloseReason::Fault(rule),
            },
            _ => CloseReason::PeerLeft,
        }
    }
}

/// An error and its causes, for people, in one line.
pub fn in_one_line(error: &(dyn std::error::Error + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    let levels: Vec<String> = chain.map(ToString::to_string).collect();
    without_numbers(&levels.join(": "))
}

/// The system's own words without its numbers: "Connection refused (os error 111)" says it twice.
fn without_numbers(line: &str) -> String {
    let mut parts = line.split(" (os error ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |line, part| line + part.split_once(')').map_or(part, |(_, rest)| rest))
}

/// Says this level only; the cause is the source.
impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Url(_) => f.write_str("not a URL that can be fetched"),
            Error::Method(name) => write!(f, "{name:?} is not a method; right: one word, as GET"),
            Error::Field(_) => f.write_str("not a field that can be sent"),
            Error::Length { said, body } => write!(
                f,
                "Content-Length: {said} is not the length of the body, which is {body} (RFC 9110, \
                 8.6); right: leave it away"
            ),
            Error::NoLength => f.write_str(
                "HTTP/1.0 has no chunks, and the length of the body is not known; right: a \
                 Content-Length, or HTTP/1.1",
            ),
            Error::Trace => f.write_str(
                "a TRACE request has no body (RFC 9110, 9.3.8); right: TRACE without data",
            ),
            Error::Resolve(host, _) => write!(f, "could not find the address of {host}"),
            Error::ResolveProxy(host, _) => {
                write!(f, "could not find the address of the proxy {host}")
            }
            Error::Proxy(error) => error.fmt(f),
            Error::Unfit(why) => why.fmt(f),
            Error::Connect(host, port, _) => write!(f, "could not connect to {host} port {port}"),
            Error::ConnectUnix(path, _) => {
                write!(f, "could not connect to the socket {}", path.display())
            }
            Error::Timeout { phase, after } => {
                write!(f, "out of time after {after:?}, while {phase}")
            }
            Error::TooSlow { phase, rate: Rate { bytes, over } } => {
                write!(f, "less than {bytes} bytes a second for {over:?}, while {phase}")
            }
            Error::Send(_) => f.write_str("could not send the request"),
            Error::Upload(_) => f.write_str("could not read the body to be sent"),
            Error::NoAnswer => f.write_str("the server closed the connection without an answer"),
            Error::Head(misread) if misread.fault.rule == Rule::HeadIncomplete => {
                f.write_str("the answer was cut short")
            }
            Error::Head(_) => f.write_str("the server's answer cannot be understood"),
            Error::Receive(_) => f.write_str("could not receive the answer"),
            Error::CutShort { received, missing: Some(missing) } => {
                write!(f, "the body was cut short: {received} bytes came, {missing} are missing")
            }
            Error::CutShort { received, missing: None } => {
                write!(
                    f,
                    "the body was cut short after {received} bytes: its last chunk is missing"
                )
            }
            Error::Body(_) => f.write_str("the body of the server's answer cannot be understood"),
            Error::Redirect(why, _) => why.fmt(f),
            Error::Status(response) => {
                let status = response.head().status;
                write!(f, "the server answered {} {}", status.code(), status.reason())
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Url(error) => Some(error),
            Error::Field(error) => Some(error),
            Error::Resolve(_, error) | Error::ResolveProxy(_, error) => Some(error),
            Error::Proxy(error) => std::error::Error::source(error),
            Error::Connect(.., error) => Some(error),
            Error::ConnectUnix(_, error) => Some(error),
            Error::Send(error) | Error::Receive(error) | Error::Upload(error) => Some(error),
            Error::Redirect(why, _) => std::error::Error::source(why),
            Error::Head(misread) | Error::Body(misread) => Some(misread),
            Error::Method(_)
            | Error::Length { .. }
            | Error::NoLength
            | Error::Trace
            | Error::Unfit(_)
            | Error::Timeout { .. }
            | Error::TooSlow { .. }
            | Error::NoAnswer
            | Error::CutShort { .. }
            | Error::Status(_) => None,
        }
    }
}

/// For readers of a body, who know [`io::Error`] only; [`io::Error::get_ref`] gives ours back.
impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        let kind = match &error {
            Error::Timeout { .. } | Error::TooSlow { .. } => io::ErrorKind::TimedOut,
            Error::Send(error) | Error::Receive(error) => error.kind(),
            Error::CutShort { .. } => io::ErrorKind::UnexpectedEof,
            Error::Head(_) | Error::Body(_) => io::ErrorKind::InvalidData,
            _ => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_says_it_all_and_no_number_twice() {
        let refused = || io::Error::from_raw_os_error(111);
        let address = "127.0.0.1:1".parse().unwrap();
        let tried = vec![(address, refused()), (address, refused())];
        let error = Error::Connect("h".into(), 1, ConnectError { tried, timed_out: false });
        let line = in_one_line(&error);
        assert!(line.starts_with("could not connect to h port 1: 127.0.0.1:1: "), "{line}");
        assert!(!line.contains("os error"), "{line}");
        assert_eq!(without_numbers("a (os error 1); b (os error 2)."), "a; b.");
        assert_eq!(without_numbers("a (os error 1"), "a1");
    }

    #[test]
    fn the_cause_is_kept() {
        let error = Error::Receive(io::ErrorKind::ConnectionReset.into());
        let error = io::Error::from(error);
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        let inner = error.get_ref().and_then(|error| error.downcast_ref::<Error>());
        assert!(matches!(inner, Some(Error::Receive(_))));
    }
}
