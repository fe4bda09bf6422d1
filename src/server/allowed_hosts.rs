//! Which pages of the web may act here through a visitor's browser.
//!
//! A browser sends a form of any site to any server that its machine can reach, also to one on
//! `127.0.0.1`. Two fields say what is going on, and a page cannot set either of them:
//!
//! - `Origin` names the site of the page, in every request that may change something (WHATWG Fetch, 3.2). It must be
//!   this server;
//!   Browsers before 2020 did not send it with a form. Then `Sec-Fetch-Site` (W3C Fetch Metadata, 2) or `Referer` (RFC
//!   9110, 10.1.3), if there is one, must name this server as well;
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
/// A request with an `Origin` that is not one of them gets a 403; so does one without it whose `Sec-Fetch-Site` or
/// `Referer` is of another site. Browsers send `Origin` with POST, PUT and DELETE, so that a page of another site
/// cannot change anything here through its visitor's browser. By default these hosts are addresses and `localhost`;
/// a site with a name needs [`AllowedHosts::allow`]. Clients that are no browsers send none of these fields, and
/// nothing changes for them.
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
        if matches!(self, AllowedHosts::Any) {
            return true;
        }
        let headers = &head.headers;
        match (headers.first("origin"), headers.first("sec-fetch-site"), headers.first("referer")) {
            (Some(origin), ..) => self.admits(head, origin),
            (None, Some(b"cross-site" | b"same-site"), _) => false,
            (None, Some(_), _) | (None, None, None) => true,
            (None, None, Some(referer)) => match origin_of(referer) {
                Some(origin) => self.admits(head, origin),
                None => true, // not of the web: an application
            },
        }
    }

    fn admits(&self, head: &RequestHead, origin: &[u8]) -> bool {
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

/// Returns the origin of the page with this URL: its scheme and its authority. `None` if it is not one of the web.
fn origin_of(url: &[u8]) -> Option<&[u8]> {
    let scheme =
        [&b"http://"[..], b"https://"].into_iter().find(|scheme| url.starts_with(scheme))?;
    let behind = url.get(scheme.len()..)?;
    let end = behind.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(behind.len());
    url.get(..scheme.len() + end)
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
    fn what_says_where_a_request_without_origin_comes_from() {
        let mut named = AllowedHosts::default();
        named.allow("example.org");
        for (name, value, want) in [
            ("Sec-Fetch-Site", "cross-site", false),
            ("Sec-Fetch-Site", "same-site", false),
            ("Sec-Fetch-Site", "same-origin", true),
            ("Sec-Fetch-Site", "none", true),
            ("Referer", "http://127.0.0.1:8080/a", true),
            ("Referer", "http://127.0.0.1:8080", true),
            ("Referer", "https://example.org?a", true),
            ("Referer", "http://evil.example/http://127.0.0.1:8080/", false),
            ("Referer", "http://127.0.0.1:8080@evil.example/", false),
            ("Referer", "http://127.0.0.1:8080.evil.example/", false),
            ("Referer", "http://", false),
            ("Referer", "android-app://org.example/", true),
        ] {
            let mut head = request("127.0.0.1:8080", "");
            head.headers.append(name, value).unwrap();
            assert_eq!(named.admits_origin(&head), want, "{name}: {value}");
            assert!(AllowedHosts::Any.admits_origin(&head), "{name}: {value}");
            head.headers.append("Origin", "http://127.0.0.1:8080").unwrap();
            assert!(named.admits_origin(&head), "the Origin decides");
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
