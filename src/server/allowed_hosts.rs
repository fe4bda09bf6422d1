//! Which pages of the web may act here through a visitor's browser.
//!
//! A browser sends a form of any site to any server that its machine can reach, also to one on
//! `127.0.0.1`. Two fields say what is going on, and a page cannot set either of them:
//!
//! - `Origin` names the site of the page, in every request that may change something (WHATWG Fetch, 3.2). It must be
//!   this server;
//! - `Host` names the server as the page does. A site can point its own name at `127.0.0.1` (DNS rebinding) and is
//!   then of the same origin as this server. So a name counts only if it is known: addresses and
//!   `localhost` are, and the names that the configuration gives.
//!
//! People who type requests, and programs, send no `Origin`: nothing changes for them. A GET is answered
//! under any name: what is for this machine only asks [`AllowedHosts::admits_host`] itself.

use std::net::Ipv4Addr;

use crate::proto::http::head::RequestHead;
use crate::proto::http::target::Authority;

/// The hosts whose pages may send requests to this server through a browser, for [`Config::allowed_hosts`].
///
/// A request with an `Origin` that is not one of them gets a 403. Browsers send that field with POST, PUT and
/// DELETE, so that a page of another site cannot change anything here through its visitor's browser. By default
/// these hosts are addresses and `localhost`; a site with a name needs [`AllowedHosts::allow`]. Clients that are
/// no browsers send no `Origin`, and nothing changes for them.
///
/// ```
/// use threadbare::server::{AllowedHosts, Config};
///
/// let mut config = Config::default();
/// config.allowed_hosts.allow("www.example.org");
/// ```
///
/// [`Config::allowed_hosts`]: crate::server::Config::allowed_hosts
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedHosts {
    /// Any host and any origin, for a program that has checks of its own.
    Any,
    /// Addresses, `localhost`, and these names in lower case, without a port.
    Named(Vec<String>),
}

impl Default for AllowedHosts {
    fn default() -> AllowedHosts {
        AllowedHosts::Named(Vec::new())
    }
}

impl AllowedHosts {
    /// Adds a name, without a port, for any port and scheme: also the one that a proxy in front of this server
    /// has. Does nothing if [any](AllowedHosts::Any) host is allowed.
    pub fn allow(&mut self, name: &str) {
        if let AllowedHosts::Named(names) = self {
            names.push(name.to_ascii_lowercase());
        }
    }

    /// Returns true if a page may send this request: it comes from no page, or from one of this server.
    pub(crate) fn admits_origin(&self, head: &RequestHead) -> bool {
        let Some(origin) = head.headers.first("origin") else { return true };
        if matches!(self, AllowedHosts::Any) {
            return true;
        }
        let (is_http, rest) =
            match (origin.strip_prefix(b"http://"), origin.strip_prefix(b"https://")) {
                (Some(rest), _) => (true, rest),
                (_, Some(rest)) => (false, rest),
                _ => return false, // `null`: a file, or a page in a sandbox
            };
        let Some(origin) = Authority::parse(rest) else { return false };
        let is_here = || {
            let host = head.host().map(|host| host.without_default_port());
            is_http && is_own(&origin.host) && host == Some(origin.without_default_port())
        };
        self.names(&origin.host) || is_here()
    }

    /// Returns true if the `Host` of the request is an address, `localhost` or an allowed name, or if it has
    /// none. The server checks only `Origin`; a handler for users of this machine calls this as well, because a
    /// site can point its own name at 127.0.0.1 (DNS rebinding).
    pub fn admits_host(&self, head: &RequestHead) -> bool {
        matches!(self, AllowedHosts::Any)
            || head.host().is_none_or(|host| is_own(&host.host) || self.names(&host.host))
    }

    fn names(&self, host: &str) -> bool {
        matches!(self, AllowedHosts::Named(names) if names.iter().any(|name| name == host))
    }
}

/// Returns true for an address, which no site can point elsewhere, and for `localhost`, which is this machine
/// everywhere (RFC 6761, 6.3).
fn is_own(host: &str) -> bool {
    host == "localhost" || host.starts_with('[') || host.parse::<Ipv4Addr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::http::method::Method;
    use crate::proto::http::target::Target;

    fn request(host: &str, origin: &str) -> RequestHead {
        let target = Target::parse(&Method::Post, b"/users").unwrap();
        let mut head = RequestHead::new(Method::Post, target);
        for (name, value) in [("Host", host), ("Origin", origin)] {
            if !value.is_empty() {
                head.headers.append(name, value).unwrap();
            }
        }
        head
    }

    #[test]
    fn origins() {
        let mut named = AllowedHosts::default();
        named.allow("Example.org");
        for (host, origin, want) in [
            ("a", "", true),
            ("127.0.0.1:8080", "http://127.0.0.1:8080", true),
            ("10.0.0.5", "http://10.0.0.5", true),
            ("10.0.0.5:80", "http://10.0.0.5", true),
            ("[::1]:8080", "http://[::1]:8080", true),
            ("LOCALHOST:8080", "http://localhost:8080", true),
            ("example.org", "http://example.org", true),
            ("127.0.0.1:8080", "https://example.org", true),
            ("127.0.0.1:8080", "http://example.org:3000", true),
            ("127.0.0.1:8080", "http://evil.example", false),
            ("127.0.0.1:8080", "http://1.2.3.4", false),
            ("127.0.0.1:8080", "http://127.0.0.1:9090", false),
            ("127.0.0.1", "https://127.0.0.1", false),
            ("127.0.0.1:8080", "http://localhost:8080", false),
            ("evil.example:8080", "http://evil.example:8080", false),
            ("127.0.0.1.evil.example", "http://127.0.0.1.evil.example", false),
            ("sub.example.org", "http://sub.example.org", false),
            ("127.0.0.1:8080", "null", false),
            ("127.0.0.1:8080", "http://", false),
            ("127.0.0.1:8080", "http://127.0.0.1:8080/", false),
            ("", "http://127.0.0.1:8080", false),
            ("127.0.0.1:8080", "moz-extension://127.0.0.1:8080", false),
        ] {
            let head = request(host, origin);
            assert_eq!(named.admits_origin(&head), want, "{host}, {origin}");
            assert!(AllowedHosts::Any.admits_origin(&head), "{host}, {origin}");
        }
    }

    #[test]
    fn hosts() {
        let mut named = AllowedHosts::default();
        named.allow("example.org");
        for (host, want) in [
            ("", true),
            ("127.0.0.1:8080", true),
            ("[::1]", true),
            ("localhost", true),
            ("EXAMPLE.org:80", true),
            ("evil.example", false),
            ("localhost.evil.example", false),
            ("127.1", false),
        ] {
            assert_eq!(named.admits_host(&request(host, "")), want, "{host}");
        }
    }
}
