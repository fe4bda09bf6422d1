//! Which pages of other sites may read responses, and send requests that change something (WHATWG Fetch, 3.3: CORS).
//!
//! A browser lets a page read a response of another site only if the response says so, and asks before it sends a
//! request that a form could not send: that is the preflight, an OPTIONS with `Access-Control-Request-Method`. The
//! server answers it before a handler, and so before a password is asked for.

use crate::proto::http::chars::TCHAR;
use crate::proto::http::head::RequestHead;
use crate::proto::http::headers::Headers;
use crate::proto::http::status::Status;
use crate::proto::http::target::Authority;
use crate::server::response::Response;
use crate::text::escape_bytes;

/// What a page may read of a response besides its body and the fields that it always may (WHATWG Fetch, 2.2.2).
const EXPOSED: &str = "Accept-Ranges, Content-Disposition, Content-Encoding, Content-Range, ETag, \
                       Link, Location, Retry-After";

/// How long a browser may remember the answer to a preflight: an hour.
const MAX_AGE: &str = "3600";

/// The sites whose pages may use this server from scripts in a browser (CORS), for [`Config::cors`]: none, unless some
/// are [allowed](Cors::allow).
///
/// Their pages may read every response, errors included, and may send requests that change something, which
/// [`AllowedHosts`](crate::server::AllowedHosts) would refuse. For a site that is named, the browser may send cookies
/// and passwords of its user; not so where [any](Cors::any) site is allowed.
///
/// ```
/// use threadbare::server::{Config, Cors};
///
/// let mut config = Config::default();
/// config.cors.allow("https://app.example.org")?;
/// # Ok::<(), threadbare::server::InvalidOrigin>(())
/// ```
///
/// A route for OPTIONS, and a handler that sets `Access-Control-Allow-Origin`, speak for themselves.
///
/// [`Config::cors`]: crate::server::Config::cors
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cors(Origins);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Origins {
    Any,
    /// As browsers write them: in lower case, without the usual port.
    Named(Vec<String>),
}

impl Default for Cors {
    fn default() -> Cors {
        Cors(Origins::Named(Vec::new()))
    }
}

/// The error of an origin that is not `http://` or `https://`, a host, and perhaps a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidOrigin(
    /// What was given.
    String,
);

impl std::fmt::Display for InvalidOrigin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let given = escape_bytes(self.0.as_bytes());
        write!(
            f,
            "{given} is not an origin (RFC 6454, 4): a scheme, a host, and a port if it is not the usual one; right: \
             https://app.example.org"
        )
    }
}

impl std::error::Error for InvalidOrigin {}

impl Cors {
    /// Returns one that allows the pages of all sites, and those without a site (`Origin: null`).
    pub fn any() -> Cors {
        Cors(Origins::Any)
    }

    /// Allows the pages of one more site: `https://app.example.org`, or `http://localhost:3000`. Does nothing if
    /// [any](Cors::any) is allowed.
    ///
    /// # Errors
    /// When it is not an origin: it has another scheme, a path, or no host.
    pub fn allow(&mut self, origin: &str) -> Result<(), InvalidOrigin> {
        let normal = normal_form(origin).ok_or_else(|| InvalidOrigin(origin.to_owned()))?;
        if let Origins::Named(origins) = &mut self.0 {
            origins.push(normal);
        }
        Ok(())
    }

    /// Returns true if no site is allowed.
    pub fn is_empty(&self) -> bool {
        self.0 == Origins::Named(Vec::new())
    }

    /// Returns true if the pages of all sites are allowed.
    pub fn is_any(&self) -> bool {
        self.0 == Origins::Any
    }

    /// Returns true if this request is one of a page that is allowed.
    pub(super) fn admits(&self, head: &RequestHead) -> bool {
        match (&self.0, head.headers.first("origin")) {
            (Origins::Any, _) => true,
            (Origins::Named(origins), Some(origin)) => {
                origins.iter().any(|held| held.as_bytes() == origin)
            }
            (Origins::Named(_), None) => false,
        }
    }

    /// Returns the answer to a preflight of a page that is allowed: the path has these methods. `add_to` completes it.
    pub(super) fn preflight(&self, head: &RequestHead, methods: &str) -> Option<Response> {
        if !is_preflight(head) || !self.admits(head) {
            return None;
        }
        let response = Response::new(Status::NO_CONTENT)
            .field("Access-Control-Allow-Methods", methods)
            .field("Access-Control-Max-Age", MAX_AGE)
            .field("Vary", "Access-Control-Request-Method, Access-Control-Request-Headers");
        let asked = head.headers.list("access-control-request-headers");
        let names: Vec<&[u8]> = asked.filter(|name| TCHAR.first_outside(name).is_none()).collect();
        let response = match names.is_empty() {
            true => response,
            false => response.field("Access-Control-Allow-Headers", names.join(&b", "[..])),
        };
        // A page of the Internet asks whether it may reach a private network: one that is named may.
        let is_named = matches!(self.0, Origins::Named(_));
        Some(match head.headers.text("access-control-request-private-network") {
            Some("true") if is_named => {
                response.field("Access-Control-Allow-Private-Network", "true")
            }
            _ => response,
        })
    }

    /// Adds the fields by which a browser lets a page read a response.
    pub(super) fn add_to(&self, fields: &mut Headers, head: Option<&RequestHead>) {
        if self.is_empty() || fields.has("access-control-allow-origin") {
            return;
        }
        let mut add = |name, value: &[u8]| fields.append(name, value).is_ok();
        match &self.0 {
            Origins::Any => {
                add("Access-Control-Allow-Origin", b"*");
            }
            Origins::Named(_) => {
                // A cache must not send a response for one site to another.
                add("Vary", b"Origin");
                let Some(head) = head.filter(|head| self.admits(head)) else { return };
                add(
                    "Access-Control-Allow-Origin",
                    head.headers.first("origin").unwrap_or_default(),
                );
                add("Access-Control-Allow-Credentials", b"true");
            }
        }
        if !head.is_some_and(is_preflight) {
            add("Access-Control-Expose-Headers", EXPOSED.as_bytes());
        }
    }
}

/// Returns true if a browser asks whether a page may send a request.
pub(super) fn is_preflight(head: &RequestHead) -> bool {
    let headers = &head.headers;
    head.method.as_str() == "OPTIONS"
        && headers.has("origin")
        && headers.has("access-control-request-method")
}

/// Returns an origin as browsers write it.
fn normal_form(origin: &str) -> Option<String> {
    let origin = origin.to_ascii_lowercase();
    let (scheme, rest) = origin.split_once("://")?;
    let usual = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let Authority { host, port } = Authority::parse(rest.as_bytes())?;
    let port = port.filter(|&port| port != usual).map(|port| format!(":{port}"));
    Some(format!("{scheme}://{host}{}", port.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::http::method::Method;
    use crate::proto::http::target::Target;

    fn head(method: Method, fields: &[(&str, &str)]) -> RequestHead {
        let target = Target::parse(&method, b"/a").unwrap();
        let mut head = RequestHead::new(method, target);
        for (name, value) in fields {
            head.headers.append(name, value).unwrap();
        }
        head
    }

    #[test]
    fn origins() {
        let mut cors = Cors::default();
        for right in
            ["https://Example.org", "http://localhost:3000", "http://a.b:80", "http://[::1]:1"]
        {
            cors.allow(right).unwrap();
        }
        for wrong in [
            "",
            "*",
            "null",
            "example.org",
            "https://",
            "https://a/",
            "https://a/b",
            "ftp://a",
            "https://a b",
        ] {
            assert!(cors.allow(wrong).is_err(), "{wrong}");
        }
        for (origin, want) in [
            ("https://example.org", true),
            ("http://a.b", true),
            ("http://[::1]:1", true),
            ("http://localhost:3000", true),
            ("http://example.org", false),
            ("https://example.org:8443", false),
            ("https://example.org.evil.example", false),
            ("https://sub.example.org", false),
            ("http://localhost", false),
            ("null", false),
        ] {
            let head = head(Method::Get, &[("Origin", origin)]);
            assert_eq!(cors.admits(&head), want, "{origin}");
            assert!(Cors::any().admits(&head));
        }
        assert!(!cors.admits(&head(Method::Get, &[])));
    }

    #[test]
    fn a_preflight_repeats_only_tokens() {
        let asked = [
            ("Origin", "http://a"),
            ("Access-Control-Request-Method", "PUT"),
            ("Access-Control-Request-Headers", "x-a, b c, if-match"),
        ];
        let response = Cors::any().preflight(&head(Method::Options, &asked), "GET, PUT").unwrap();
        assert_eq!(response.header("Access-Control-Allow-Headers"), Some("x-a, if-match"));
        assert_eq!(response.header("Access-Control-Allow-Methods"), Some("GET, PUT"));
        assert!(Cors::default().preflight(&head(Method::Options, &asked), "GET").is_none());
        assert!(Cors::any().preflight(&head(Method::Get, &asked), "GET").is_none());
    }
}
