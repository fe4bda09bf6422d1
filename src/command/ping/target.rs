//! Where the probes go, and what they are: from what was typed.

use crate::cli::ping::PingMode;
use crate::client::{ErrorKind, Url};
use crate::command::error::CommandError;
use crate::proto::http::url::split_scheme;

/// A host, a port, and what is sent there.
#[derive(Debug)]
pub(super) struct Target {
    /// For UDP and TCP the path is not used.
    pub(super) url: Url,
    pub(super) mode: PingMode,
}

impl Target {
    /// Reads `HOST:PORT`, with a scheme in front of it or not, and with a path for HTTP.
    ///
    /// # Errors
    /// Says what is wrong, and what a right one looks like.
    pub(super) fn parse(typed: &str, flag: Option<PingMode>) -> Result<Target, CommandError> {
        let (scheme, rest) = match split_scheme(typed) {
            Some((scheme, rest)) => match scheme.to_ascii_lowercase().as_str() {
                "udp" => (Some(PingMode::Udp), rest),
                "tcp" => (Some(PingMode::Tcp), rest),
                "http" => (Some(PingMode::Http), typed),
                _ => (None, typed), // which is an error of the URL
            },
            None => (None, typed),
        };
        let url =
            Url::parse(rest).map_err(|error| CommandError::Fetch(ErrorKind::Url(error).into()))?;
        let wrong = |what: &str| Err(CommandError::Usage(format!("{typed}: {what}")));
        let mode = match (scheme, flag) {
            (Some(scheme), Some(flag)) if scheme != flag => {
                return wrong("its scheme is not that of the flag; right: one of them");
            }
            (scheme, flag) => scheme.or(flag).unwrap_or(PingMode::Tcp),
        };
        if mode != PingMode::Http && url.path.to_string() != "/" {
            return wrong("only --http has a use for a path; right: HOST:PORT");
        }
        if mode != PingMode::Http && url.authority.port.is_none() {
            return wrong("no port; right: HOST:PORT, such as 127.0.0.1:8080");
        }
        Ok(Target { url, mode })
    }
}

/// Writes it as the lines and the figures name it.
impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.mode {
            PingMode::Udp => write!(f, "udp://{}", self.url.authority),
            PingMode::Tcp => write!(f, "tcp://{}", self.url.authority),
            PingMode::Http => self.url.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed() {
        use PingMode::{Http, Tcp, Udp};
        for (typed, flag, want) in [
            ("a:7", None, "tcp://a:7"),
            ("a:7", Some(Udp), "udp://a:7"),
            ("A:7/", Some(Tcp), "tcp://a:7"),
            ("[::1]:7", Some(Udp), "udp://[::1]:7"),
            (":8080", Some(Http), "http://localhost:8080/"),
            ("a", Some(Http), "http://a/"),
            ("a/b?c", Some(Http), "http://a/b?c"),
            ("udp://a:7", None, "udp://a:7"),
            ("UDP://a:7", Some(Udp), "udp://a:7"),
            ("tcp://a:7", None, "tcp://a:7"),
            ("http://a:7/", None, "http://a:7/"),
        ] {
            let target = Target::parse(typed, flag);
            assert_eq!(target.map(|it| it.to_string()).unwrap_or_default(), want, "{typed}");
        }
        for (typed, flag, code) in [
            ("a", None, 2),
            ("a:7/b", Some(Udp), 2),
            ("udp://a:7", Some(Tcp), 2),
            ("http://a:7/", Some(Udp), 2),
            ("a:0", None, 3),
            ("a:x", None, 3),
            ("::1:7", None, 3),
            ("u@a:7", None, 3),
            ("dns://a:53", None, 1),
        ] {
            let code_of = |it: Result<Target, CommandError>| it.map_err(|error| error.exit_code());
            assert_eq!(code_of(Target::parse(typed, flag)).err(), Some(code), "{typed}");
        }
    }
}
