//! The exit code of each error of the client library: curl's, so that scripts need not learn another list.

use crate::client::{Error, ErrorKind, ProxyError, RedirectError, UrlError};
use crate::net::resolve::ResolveError;
use crate::proto::http::error::Rule;

/// Returns curl's exit code for this error. Codes that curl lacks have the nearest meaning in its list.
pub fn exit_code(error: &Error) -> u8 {
    match error.kind() {
        ErrorKind::Url(UrlError::Scheme(_)) => 1,
        ErrorKind::NoLength => 25,
        ErrorKind::Method(_)
        | ErrorKind::Field(_)
        | ErrorKind::Length { .. }
        | ErrorKind::Trace
        | ErrorKind::Credentials
        | ErrorKind::Pipeline(_) => 2,
        ErrorKind::Url(_) => 3,
        ErrorKind::Proxy(ProxyError::Tunnel(_)) => 1, // curl would build the tunnel
        ErrorKind::Proxy(ProxyError::Address | ProxyError::Credentials) => 5,
        ErrorKind::Proxy(ProxyError::Scheme(_)) => 7,
        ErrorKind::Connect(_, _, error) if error.is_local() => 45,
        ErrorKind::Connect(..) | ErrorKind::ConnectUnix(..) => 7,
        // No name was looked up, so curl reports a failed connection.
        ErrorKind::Resolve(_, ResolveError::NotOf(_))
        | ErrorKind::ResolveProxy(_, ResolveError::NotOf(_)) => 7,
        ErrorKind::ResolveProxy(..) => 5,
        ErrorKind::Resolve(..) => 6,
        ErrorKind::Head(error) => match error.fault.rule {
            Rule::NoStatusLine | Rule::MajorVersion => 1,
            Rule::HeadIncomplete => 18,
            _ => 8,
        },
        ErrorKind::CutShort { .. } => 18,
        ErrorKind::Status(_) => 22,
        ErrorKind::Upload(_) => 26,
        ErrorKind::Timeout { .. } | ErrorKind::TooSlow { .. } => 28,
        ErrorKind::Redirect(RedirectError::Location(UrlError::Scheme(_)), _) => 1,
        ErrorKind::Redirect(RedirectError::Location(_), _) => 3,
        ErrorKind::Redirect(RedirectError::ConflictingLocations, _) => 8,
        ErrorKind::Redirect(RedirectError::TooMany(_) | RedirectError::Loop(_), _) => 47,
        ErrorKind::Redirect(RedirectError::BodyConsumed, _) => 65,
        ErrorKind::NoResponse => 52,
        ErrorKind::Send(_) => 55,
        #[cfg(feature = "inflate")]
        ErrorKind::ContentCoding(_) => 61,
        ErrorKind::TooLarge { .. } => 63,
        ErrorKind::Receive(_) | ErrorKind::Body(_) | ErrorKind::Json(_) => 56,
    }
}
