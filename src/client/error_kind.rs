//! What can go wrong with a call: a kind for each mistake and each failure.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::budget::{Phase, Rate, TimedOut};
use super::error::Error;
use super::exchange_error::ExchangeError;
#[cfg(feature = "json")]
use super::json::JsonError;
use super::proxy::ProxyError;
use super::redirect::RedirectError;
use super::response::Response;
use crate::net::connect::ConnectError;
use crate::net::resolve::ResolveError;
#[cfg(feature = "inflate")]
use crate::proto::http::content_coding::CodingFault;
use crate::proto::http::error::Rule;
use crate::proto::http::headers::InvalidField;
use crate::proto::http::rejected::ParseError;
use crate::proto::http::url::{Url, UrlError};
use crate::text::rounded;

/// What went wrong: [`Error::kind`] returns it. More kinds may follow.
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The URL cannot be fetched.
    Url(UrlError),
    /// The method is not a token.
    Method(String),
    /// The field is invalid, or contradicts another one.
    Field(InvalidField),
    /// The caller's Content-Length is not the length of the body: the server would look for the next
    /// request in the wrong place (RFC 9110, 8.6).
    Length {
        /// The value of the field.
        declared: u64,
        /// The length of the body.
        actual: u64,
    },
    /// A body of unknown length on HTTP/1.0, which has no chunks (RFC 9112, 7.1); or for a server that
    /// responded with HTTP/1.0 before.
    NoLength,
    /// A TRACE with a body (RFC 9110, 9.3.8).
    Trace,
    /// A user or a password that Basic cannot carry (RFC 7617, 2).
    Credentials,
    /// The requests cannot be pipelined.
    Pipeline(PipelineError),
    /// The host has no address.
    Resolve(String, ResolveError),
    /// The proxy's host has no address.
    ResolveProxy(String, ResolveError),
    /// The proxy cannot be used for this request.
    Proxy(ProxyError),
    /// No connection to this host and port.
    Connect(String, u16, ConnectError),
    /// No connection to this Unix domain socket.
    ConnectUnix(PathBuf, io::Error),
    /// A time limit has passed.
    Timeout {
        /// The phase of the call.
        phase: Phase,
        /// The limit.
        after: Duration,
    },
    /// The transfer was slower than the minimum rate.
    TooSlow {
        /// The phase of the call.
        phase: Phase,
        /// The minimum rate.
        rate: Rate,
    },
    /// The request could not be sent, and no response came.
    Send(io::Error),
    /// The reader of the request's body failed, or ended too early.
    Upload(io::Error),
    /// The server closed the connection without a byte of a response.
    NoResponse,
    /// The bytes that came are not a response head, or not a complete one, or leave the length of the body
    /// in doubt.
    Head(ParseError),
    /// The connection broke before or during the response.
    Receive(io::Error),
    /// The connection ended before the end of the body.
    CutShort {
        /// How many bytes of the body came.
        received: u64,
        /// How many did not, where that is known.
        missing: Option<u64>,
    },
    /// The framing of the body is invalid.
    Body(ParseError),
    /// A content coding of the body is broken, or not one that the client decodes. The content that came before is
    /// right.
    #[cfg(feature = "inflate")]
    ContentCoding(CodingFault),
    /// The body is longer than the limit of [`Response::bytes`], or that of [`Response::text`] and
    /// [`Response::json`](Response#method.json).
    TooLarge {
        /// The most bytes.
        limit: u64,
    },
    /// The body is not the JSON that the caller wants, or a value cannot be sent as JSON.
    #[cfg(feature = "json")]
    Json(JsonError),
    /// The response is a redirect that is not followed. Its body can still be read.
    Redirect(RedirectError, Box<Response>),
    /// The status of the response is an error, and [`Response::error_for_status`] was called. The body can
    /// still be read.
    Status(Box<Response>),
}

/// Why requests are not pipelined.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PipelineError {
    /// This method is not idempotent.
    Method(String),
    /// A request has a body.
    Body,
    /// A request is of HTTP/1.0, which has no pipelining.
    Http10,
    /// The requests are for more than one server.
    SeveralServers,
    /// The heads are too long.
    TooLong {
        /// The bytes of the heads.
        bytes: usize,
        /// The most bytes that are sent at once.
        max: usize,
    },
}

impl ErrorKind {
    /// Returns the error of a request for this URL.
    pub(super) fn at(self, url: &Url) -> Error {
        Error::new(self, Some(url.to_string()))
    }

    /// Returns the response, where one came in spite of the error.
    pub(super) fn response(&self) -> Option<&Response> {
        match self {
            ErrorKind::Redirect(_, response) | ErrorKind::Status(response) => Some(response),
            _ => None,
        }
    }

    /// As [`Error::response`], to read its body.
    pub fn into_response(self) -> Option<Response> {
        match self {
            ErrorKind::Redirect(_, response) | ErrorKind::Status(response) => Some(*response),
            _ => None,
        }
    }

    /// Returns a hint about the likely cause, for some errors.
    pub(super) fn advice(&self) -> Option<&'static str> {
        let refused = |error: &io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
        match self {
            ErrorKind::Connect(.., error)
                if error.tried.iter().any(|(_, error)| refused(error)) =>
            {
                Some("check that a server is running there")
            }
            ErrorKind::ConnectUnix(_, error) if refused(error) => {
                Some("check that a server is running there")
            }
            ErrorKind::Head(error) if error.fault.rule == Rule::NoStatusLine => {
                Some("check that it is an HTTP server; https is not supported")
            }
            _ => None,
        }
    }
}

impl From<TimedOut> for ErrorKind {
    fn from(limit: TimedOut) -> ErrorKind {
        match limit {
            TimedOut::Time { phase, after } => ErrorKind::Timeout { phase, after },
            TimedOut::Rate { phase, rate } => ErrorKind::TooSlow { phase, rate },
        }
    }
}

impl From<ExchangeError> for ErrorKind {
    fn from(error: ExchangeError) -> ErrorKind {
        match error {
            ExchangeError::TimedOut(limit) => limit.into(),
            ExchangeError::Send(error) => ErrorKind::Send(error),
            ExchangeError::Upload(error) => ErrorKind::Upload(error),
            ExchangeError::NoResponse => ErrorKind::NoResponse,
            ExchangeError::Head(error) => ErrorKind::Head(error),
            ExchangeError::Receive(error) => ErrorKind::Receive(error),
            ExchangeError::CutShort { received, missing } => {
                ErrorKind::CutShort { received, missing }
            }
            ExchangeError::Body(error) => ErrorKind::Body(error),
            #[cfg(feature = "inflate")]
            ExchangeError::ContentCoding(fault) => ErrorKind::ContentCoding(fault),
        }
    }
}

/// Shows this level only; the cause is the source.
impl std::fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ErrorKind::Url(_) => f.write_str("the URL is not valid"),
            ErrorKind::Method(name) => {
                write!(f, "{name:?} is not a valid method name; right: one word, such as GET")
            }
            ErrorKind::Field(_) => f.write_str("the header field is not valid"),
            ErrorKind::Length { declared, actual } => write!(
                f,
                "Content-Length is {declared}, but the body has {actual} bytes (RFC 9110, 8.6); right: no \
                 Content-Length"
            ),
            ErrorKind::NoLength => f.write_str(
                "HTTP/1.0 has no chunked coding, so the length of the body must be known; right: a \
                 Content-Length, or HTTP/1.1 at both ends",
            ),
            ErrorKind::Trace => f.write_str(
                "a TRACE request must not have a body (RFC 9110, 9.3.8); right: TRACE without data",
            ),
            ErrorKind::Credentials => f.write_str(
                "the user contains a colon, or user or password a control byte (RFC 7617, 2); right: a user \
                 without a colon, and visible characters and spaces",
            ),
            ErrorKind::Resolve(host, _) => write!(f, "could not find the address of {host}"),
            ErrorKind::ResolveProxy(host, _) => {
                write!(f, "could not find the address of the proxy {host}")
            }
            ErrorKind::Proxy(error) => error.fmt(f),
            ErrorKind::Pipeline(error) => error.fmt(f),
            ErrorKind::Connect(host, port, _) => write!(f, "could not connect to {host} port {port}"),
            ErrorKind::ConnectUnix(path, _) => {
                write!(f, "could not connect to the socket {}", path.display())
            }
            ErrorKind::Timeout { phase, after } => {
                write!(f, "timed out after {:?} while {phase}", rounded(*after))
            }
            ErrorKind::TooSlow { phase, rate: Rate { bytes, over } } => {
                let over = rounded(*over);
                write!(f, "less than {bytes} bytes per second for {over:?} while {phase}")
            }
            ErrorKind::Send(_) => f.write_str("could not send the request"),
            ErrorKind::Upload(_) => f.write_str("could not read the body to be sent"),
            ErrorKind::NoResponse => f.write_str("the server closed the connection without a response"),
            ErrorKind::Head(error) if error.fault.rule == Rule::HeadIncomplete => {
                f.write_str("the response head is incomplete")
            }
            ErrorKind::Head(_) => f.write_str("the server's response is not valid HTTP"),
            ErrorKind::Receive(_) => f.write_str("could not receive the response"),
            ErrorKind::CutShort { received, missing: Some(missing) } => {
                write!(f, "the body is incomplete: {received} bytes received, {missing} missing")
            }
            ErrorKind::CutShort { received, missing: None } => {
                write!(
                    f,
                    "the body is incomplete: {received} bytes received, the last chunk is missing"
                )
            }
            ErrorKind::Body(_) => f.write_str("the body of the server's response is not valid HTTP"),
            #[cfg(feature = "inflate")]
            ErrorKind::ContentCoding(_) => f.write_str("the body cannot be decoded"),
            ErrorKind::TooLarge { limit } => write!(
                f,
                "the body has more than {limit} bytes, the limit; right: read it as a stream, or bytes(limit) \
                 with a higher limit"
            ),
            #[cfg(feature = "json")]
            ErrorKind::Json(error) => error.fmt(f),
            ErrorKind::Redirect(why, _) => why.fmt(f),
            ErrorKind::Status(response) => {
                let status = response.head().status;
                write!(f, "the server responded {} {}", status.code(), status.reason())
            }
        }
    }
}

impl std::fmt::Display for PipelineError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("these requests cannot be pipelined: ")?;
        match self {
            PipelineError::Method(method) => write!(
                f,
                "a request may have to be sent again, and {method} may \
                 have its effect twice (RFC 9112, 9.3.2); right: GET, HEAD, PUT or DELETE"
            ),
            PipelineError::Body => f.write_str(
                "a request has a body, so client and server could both wait for the other to read; \
                 right: requests without bodies",
            ),
            PipelineError::Http10 => f.write_str("HTTP/1.0 has no pipelining; right: HTTP/1.1"),
            PipelineError::SeveralServers => f.write_str(
                "the URLs have different servers, which cannot share a connection; right: one host and port",
            ),
            PipelineError::TooLong { bytes, max } => {
                write!(f, "the heads have {bytes} bytes in all; right: at most {max}")
            }
        }
    }
}

impl std::error::Error for PipelineError {}

impl std::error::Error for ErrorKind {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ErrorKind::Url(error) => Some(error),
            ErrorKind::Field(error) => Some(error),
            ErrorKind::Resolve(_, error) | ErrorKind::ResolveProxy(_, error) => Some(error),
            ErrorKind::Proxy(error) => std::error::Error::source(error),
            #[cfg(feature = "json")]
            ErrorKind::Json(error) => std::error::Error::source(error),
            ErrorKind::Connect(.., error) => Some(error),
            ErrorKind::ConnectUnix(_, error) => Some(error),
            ErrorKind::Send(error) | ErrorKind::Receive(error) | ErrorKind::Upload(error) => {
                Some(error)
            }
            ErrorKind::Redirect(why, _) => std::error::Error::source(why),
            ErrorKind::Head(error) | ErrorKind::Body(error) => Some(error),
            #[cfg(feature = "inflate")]
            ErrorKind::ContentCoding(fault) => Some(fault),
            ErrorKind::Method(_)
            | ErrorKind::Length { .. }
            | ErrorKind::NoLength
            | ErrorKind::Trace
            | ErrorKind::Credentials
            | ErrorKind::Pipeline(_)
            | ErrorKind::Timeout { .. }
            | ErrorKind::TooSlow { .. }
            | ErrorKind::NoResponse
            | ErrorKind::CutShort { .. }
            | ErrorKind::TooLarge { .. }
            | ErrorKind::Status(_) => None,
        }
    }
}
