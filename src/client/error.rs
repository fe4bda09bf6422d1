//! The error of a call: what went wrong, and with which URL. [`in_one_line`] shows any error with its causes.

use std::io;

use super::error_kind::ErrorKind;
use super::response::Response;
use crate::proto::http::url::{UrlError, without_user};
use crate::text::{causes, escape_controls};

/// Why a request could not be sent, or its response not be received.
///
/// `{}` shows the URL, what went wrong, and the first cause of it, in one line; `{:#}` shows all causes, which
/// are also the [`source`](std::error::Error::source)s. Neither shows a password.
///
/// ```
/// use threadbare::client::{Client, ErrorKind};
///
/// let error = Client::new().get("http://127.0.0.1:1/").send().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "http://127.0.0.1:1/: could not connect to 127.0.0.1 port 1: Connection refused"
/// );
/// match error.kind() {
///     ErrorKind::Url(_) => println!("a mistake of the program"),
///     ErrorKind::Resolve(host, _) => println!("is {host} the right name?"),
///     ErrorKind::Connect(host, port, _) => println!("is a server running at {host}, port {port}?"),
///     ErrorKind::Timeout { phase, after } => println!("{phase} took more than {after:?}"),
///     ErrorKind::Status(response) => println!("the server says {}", response.status().code()),
///     _ => println!("{error}"),
/// }
/// ```
pub struct Error(Box<Failure>);

#[derive(Debug)]
struct Failure {
    kind: ErrorKind,
    /// Without a user and a password.
    url: Option<String>,
}

impl Error {
    pub(super) fn new(kind: ErrorKind, url: Option<String>) -> Error {
        Error(Box::new(Failure { kind, url }))
    }

    /// Returns the error of a text that is not a URL.
    pub(super) fn of_url(error: UrlError, typed: &str) -> Error {
        Error::new(ErrorKind::Url(error), Some(without_user(typed).into_owned()))
    }

    /// Returns what went wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// Returns what went wrong, to keep a part of it.
    pub fn into_kind(self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the URL of the request that failed: after redirects, the last one. A text that is not a URL
    /// is returned as it was given, but without what may be a user and a password. `None` for an error that
    /// belongs to no request, as a wrong proxy.
    pub fn url(&self) -> Option<&str> {
        self.0.url.as_deref()
    }

    /// Returns the response, where one came in spite of the error: with an error status
    /// ([`Response::error_for_status`]), or a redirect that is not followed.
    pub fn response(&self) -> Option<&Response> {
        self.kind().response()
    }

    /// As [`Error::response`], to read its body.
    pub fn into_response(self) -> Option<Response> {
        self.into_kind().into_response()
    }

    /// Returns a hint about the likely cause, for some errors.
    pub fn advice(&self) -> Option<&'static str> {
        self.kind().advice()
    }
}

/// An error without a URL.
impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Error {
        Error::new(kind, None)
    }
}

/// As `Display`: a program whose `main` returns the error prints it in this form.
impl std::fmt::Debug for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Failure { kind, url } = &*self.0;
        if let Some(url) = url {
            write!(f, "{}: ", escape_controls(url))?;
        }
        match (kind, url) {
            // The host is missing, which the cause would call a wrong one.
            (ErrorKind::Url(UrlError::Host(host)), Some(typed)) if host.is_empty() => {
                let path =
                    if typed.starts_with('/') { escape_controls(typed) } else { "/".to_owned() };
                write!(f, "a URL needs a host; right: http://example.org{path}")
            }
            _ if f.alternate() => f.write_str(&in_one_line(kind)),
            _ => {
                let first = causes(kind).skip(1).last();
                let first = first.map_or(String::new(), |cause| format!(": {cause}"));
                f.write_str(&without_numbers(&format!("{kind}{first}")))
            }
        }
    }
}

/// The sources are those of the kind.
impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.kind().source()
    }
}

/// Returns an error and its causes in one line.
pub fn in_one_line(error: &(dyn std::error::Error + 'static)) -> String {
    let mut line = without_numbers(&error.to_string());
    for cause in causes(error).skip(1) {
        let cause = without_numbers(&format!(": {cause}"));
        // An error may show its cause itself, as [`Error`] does.
        if !line.ends_with(&cause) {
            line += &cause;
        }
    }
    line
}

/// Removes the numbers from the system's own messages: "Connection refused (os error 111)" says it twice.
fn without_numbers(line: &str) -> String {
    let mut parts = line.split(" (os error ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |line, part| line + part.split_once(')').map_or(part, |(_, rest)| rest))
}

/// For callers that read a body through [`io::Read`]; [`io::Error::get_ref`] returns this error.
impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        let kind = match error.kind() {
            ErrorKind::Timeout { .. } | ErrorKind::TooSlow { .. } => io::ErrorKind::TimedOut,
            ErrorKind::Send(error) | ErrorKind::Receive(error) => error.kind(),
            ErrorKind::CutShort { .. } => io::ErrorKind::UnexpectedEof,
            ErrorKind::Head(_) | ErrorKind::Body(_) => io::ErrorKind::InvalidData,
            #[cfg(feature = "inflate")]
            ErrorKind::ContentCoding(_) => io::ErrorKind::InvalidData,
            _ => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::connect::ConnectError;

    #[test]
    fn one_line_has_all_causes_and_no_error_numbers() {
        let refused = || io::Error::from_raw_os_error(111);
        let address = "127.0.0.1:1".parse().unwrap();
        let tried = vec![(address, refused()), (address, refused())];
        let error = ErrorKind::Connect("h".into(), 1, ConnectError { tried, timed_out: false });
        let line = in_one_line(&error);
        assert!(line.starts_with("could not connect to h port 1: 127.0.0.1:1: "), "{line}");
        assert!(!line.contains("os error"), "{line}");
        assert_eq!(without_numbers("a (os error 1); b (os error 2)."), "a; b.");
        assert_eq!(without_numbers("a (os error 1"), "a1");
    }

    #[test]
    fn the_cause_is_kept() {
        let error = ErrorKind::Receive(io::ErrorKind::ConnectionReset.into());
        let error = io::Error::from(Error::from(error));
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        let inner = error.get_ref().and_then(|error| error.downcast_ref::<Error>());
        assert!(matches!(inner.map(Error::kind), Some(ErrorKind::Receive(_))));
    }
}
