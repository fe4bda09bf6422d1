//! The exit code of each error of the client library: curl's, so that scripts need not learn another list.

use crate::client::{Error, ProxyError, RedirectError, UrlError};
use crate::net::resolve::ResolveError;
use crate::proto::http::error::Rule;

/// Returns curl's exit code for this error. Codes that curl lacks have the nearest meaning in its list.
pub fn exit_code(error: &Error) -> u8 {
    match error {
        Error::Url(UrlError::Scheme(_)) => 1,
        Error::NoLength => 25,
        Error::Method(_)
        | Error::Field(_)
        | Error::Length { .. }
        | Error::Trace
        | Error::Credentials
        | Error::Pipeline(_) => 2,
        Error::Url(_) => 3,
        Error::Proxy(ProxyError::Tunnel(_)) => 1, // curl would build the tunnel
        Error::Proxy(ProxyError::Address | ProxyError::Credentials) => 5,
        Error::Proxy(ProxyError::Scheme(_)) => 7,
        Error::Connect(..) | Error::ConnectUnix(..) => 7,
        // No name was looked up, so curl reports a failed connection.
        Error::Resolve(_, ResolveError::NotOf(_))
        | Error::ResolveProxy(_, ResolveError::NotOf(_)) => 7,
        Error::ResolveProxy(..) => 5,
        Error::Resolve(..) => 6,
        Error::Head(error) => match error.fault.rule {
            Rule::NoStatusLine | Rule::MajorVersion => 1,
            Rule::HeadIncomplete => 18,
            _ => 8,
        },
        Error::CutShort { .. } => 18,
        Error::Status(_) => 22,
        Error::Upload(_) => 26,
        Error::Timeout { .. } | Error::TooSlow { .. } => 28,
        Error::Redirect(RedirectError::Location(UrlError::Scheme(_)), _) => 1,
        Error::Redirect(RedirectError::Location(_), _) => 3,
        Error::Redirect(RedirectError::ConflictingLocations, _) => 8,
        Error::Redirect(RedirectError::TooMany(_) | RedirectError::Loop(_), _) => 47,
        Error::Redirect(RedirectError::BodyConsumed, _) => 65,
        Error::NoResponse => 52,
        Error::Send(_) => 55,
        Error::TooLarge { .. } => 63,
        Error::Receive(_) | Error::Body(_) | Error::Json(_) => 56,
    }
}
