//! Several sites on one server, by the name that a request is for (RFC 9112, 3.2.2).

use crate::proto::http::head::RequestHead;
use crate::proto::http::target::Authority;
use crate::server::body_receiver::{AnnouncedBody, BodyReceiver};
use crate::server::handler::Handler;
use crate::server::request::Request;
use crate::server::respond::error_response::ErrorResponse;
use crate::server::response::Response;
use crate::text::escape_bytes;

/// A handler of its own for each site, by the host that a request is for: that of an absolute target, else that of
/// `Host`. Any other name, and none, gets the handler for all others.
///
/// ```
/// use threadbare::server::{Files, Method, Router, VirtualHosts};
///
/// let sites = VirtualHosts::new(Files::new("www")?).host("docs.example.org", Files::new("www")?)?;
/// let routes = Router::new().route(Method::Get, "/{...}", sites).build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Case and port do not matter. A name with letters beyond ASCII is given as browsers send it (`xn--bcher-kva.example`).
#[derive(Debug, Clone)]
pub struct VirtualHosts<H> {
    others: H,
    named: Vec<(String, H)>,
}

/// The error of a name that no request can be for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidHost(
    /// What was given.
    String,
);

impl std::fmt::Display for InvalidHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let given = escape_bytes(self.0.as_bytes());
        write!(
            f,
            "{given} is not the name of a host without a port (RFC 3986, 3.2.2), in ASCII, or is there twice; right: \
             docs.example.org, or xn--bcher-kva.example for bücher.example"
        )
    }
}

impl std::error::Error for InvalidHost {}

impl<H> VirtualHosts<H> {
    /// Returns one with a handler for every name.
    pub fn new(others: H) -> VirtualHosts<H> {
        VirtualHosts { others, named: Vec::new() }
    }

    /// Gives the requests for this name a handler of their own.
    ///
    /// # Errors
    /// When it is not a host without a port, or has a handler already.
    pub fn host(mut self, name: &str, handler: H) -> Result<VirtualHosts<H>, InvalidHost> {
        let parsed = Authority::parse(name.as_bytes()).filter(|parsed| parsed.port.is_none());
        let parsed = parsed.filter(|_| !name.ends_with(':') && name.is_ascii());
        let invalid = || InvalidHost(name.to_owned());
        let host = without_dot(&parsed.ok_or_else(invalid)?.host).to_owned();
        if self.named.iter().any(|(held, _)| *held == host) {
            return Err(invalid());
        }
        self.named.push((host, handler));
        Ok(self)
    }

    fn of(&self, head: &RequestHead) -> &H {
        let found = head.host().and_then(|Authority { host, .. }| {
            let host = without_dot(&host);
            self.named.iter().find(|(name, _)| name == host)
        });
        found.map_or(&self.others, |(_, handler)| handler)
    }

    fn all(&self) -> impl Iterator<Item = &H> {
        std::iter::once(&self.others).chain(self.named.iter().map(|(_, handler)| handler))
    }
}

/// Returns a name without the dot of the root of the domain name system.
fn without_dot(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

impl<H: Handler> Handler for VirtualHosts<H> {
    fn admit(&self, head: &RequestHead) -> Result<(), ErrorResponse> {
        self.of(head).admit(head)
    }

    /// The greatest of all; a handler that takes less refuses more itself.
    fn body_limit(&self) -> Option<u64> {
        self.all().map(Handler::body_limit).max().flatten()
    }

    fn receiver(
        &self,
        body: &AnnouncedBody<'_>,
    ) -> Result<Option<Box<dyn BodyReceiver>>, ErrorResponse> {
        self.of(body.head).receiver(body)
    }

    fn streams(&self) -> bool {
        self.all().any(Handler::streams)
    }

    fn takes_coded(&self) -> bool {
        self.all().all(Handler::takes_coded)
    }

    fn size(&self, request: &Request) -> u64 {
        self.of(&request.head).size(request)
    }

    fn params(&self) -> &'static [&'static str] {
        self.others.params()
    }

    fn tidy(&self) {
        self.all().for_each(Handler::tidy);
    }

    fn handle(&self, request: &mut Request) -> Response {
        self.of(&request.head).handle(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::http::method::Method;
    use crate::proto::http::target::Target;

    #[test]
    fn names() {
        let sites = VirtualHosts::new(0).host("A.example", 1).unwrap().host("[::1]", 2).unwrap();
        for (target, host, want) in [
            ("/", "a.example", 1),
            ("/", "A.EXAMPLE:8080", 1),
            ("/", "a.example.", 1),
            ("/", "[::1]:8080", 2),
            ("/", "b.example", 0),
            ("/", "a.example.evil", 0),
            ("/", "", 0),
            ("http://a.example/", "b.example", 1),
            ("http://b.example/", "a.example", 0),
        ] {
            let target = Target::parse(&Method::Get, target.as_bytes()).unwrap();
            let mut head = RequestHead::new(Method::Get, target);
            head.headers.append("Host", host).unwrap();
            assert_eq!(*sites.of(&head), want, "{host}");
        }
        for wrong in ["", "a.example", "a.example.", "b:80", "b:", "b/c", "b c", "bücher.example"]
        {
            assert!(sites.clone().host(wrong, 3).is_err(), "{wrong}");
        }
    }
}
