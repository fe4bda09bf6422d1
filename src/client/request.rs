//! A request: method, URL, fields, and a body in memory.

mod redirected;

use std::sync::Arc;

use super::error::Error;
use super::error_kind::ErrorKind;
use super::outgoing::{BodySize, Framed, Outgoing};
use super::route::Route;
#[cfg(feature = "cli")]
use crate::proto::http::client::RecvHead;
use crate::proto::http::error::Rule;
use crate::proto::http::framing::{Framing, Message, framing};
use crate::proto::http::head::RequestHead;
use crate::proto::http::headers::{Headers, InvalidField};
use crate::proto::http::method::Method;
use crate::proto::http::target::{Authority, PathAndQuery, Target, form_text};
use crate::proto::http::url::{Url, UrlError};
use crate::proto::http::version::Version;

/// A request, which [`Client::send`](super::Client::send) can send any number of times.
///
/// Most programs build and send one in a single expression: [`Client::get`](super::Client::get) and the methods
/// beside it, which keep the first error until they send. Here each step returns its own error.
///
/// ```no_run
/// use threadbare::client::{Client, Request};
///
/// let request = Request::get("http://127.0.0.1:8080/users/1")?.with_header("Accept", "application/json")?;
/// let client = Client::new();
/// let (first, second) = (client.send(&request)?, client.send(&request)?);
/// # Ok::<(), threadbare::client::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Request {
    url: Url,
    method: Method,
    version: Version,
    /// The fields that are sent unless the caller sets them. An `Authorization` among them is a secret of
    /// the origin, as one that the caller set.
    defaults: Headers,
    fields: Headers,
    body: Option<Arc<Vec<u8>>>,
    /// The target, if it is not that of the URL.
    target: Option<Target>,
}

/// A body of more bytes waits for a 100 (Continue), as with curl: 1 MB.
const CONTINUE_ABOVE: u64 = 1 << 20;

impl Request {
    /// Returns a GET request for a URL, which may be as short as `:8080/path`.
    ///
    /// # Errors
    /// [`ErrorKind::Url`] when the URL cannot be fetched.
    pub fn get(url: &str) -> Result<Request, Error> {
        let url = Url::parse(url).map_err(|error| Error::of_url(error, url))?;
        let mut defaults = Headers::new();
        for (name, value) in [
            ("Host", host(&url).as_str()),
            ("User-Agent", concat!("threadbare/", env!("CARGO_PKG_VERSION"))),
            ("Accept", "*/*"),
            ("Expect", CONTINUE), // sent with a large body only
        ] {
            defaults
                .append(name, value)
                .expect("neither a host nor our own text has control bytes");
        }
        Ok(Request {
            url,
            method: Method::Get,
            version: Version::Http11,
            defaults,
            fields: Headers::new(),
            body: None,
            target: None,
        })
    }

    /// Sets the method.
    ///
    /// # Errors
    /// [`ErrorKind::Method`] when it is not a token.
    pub fn with_method(self, name: &str) -> Result<Request, Error> {
        match Method::parse(name.as_bytes()) {
            Some(method) => Ok(Request { method, ..self }),
            None => Err(ErrorKind::Method(name.to_owned()).at(&self.url)),
        }
    }

    /// Adds a field, which replaces a default of the same name. The client adds the Content-Length of a
    /// body itself, unless `Transfer-Encoding: chunked` is set here; a field that contradicts the body, or
    /// a second Host, is refused by [`Client::send`](super::Client::send).
    ///
    /// # Errors
    /// [`ErrorKind::Field`] when the name is not a token, or the value has a control byte.
    pub fn with_header(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Request, Error> {
        self.fields.append(name, value).map_err(|error| ErrorKind::Field(error).at(&self.url))?;
        Ok(self.without_default(name))
    }

    /// Sets a default field, which an added field of the same name replaces. The defaults are sent in the
    /// order in which curl sends them (`Host`, `Authorization`, `Range`, `User-Agent`, `Accept`, `Accept-Encoding`,
    /// `Referer`). A default `Proxy-Connection` is sent to a proxy only.
    ///
    /// # Errors
    /// [`ErrorKind::Field`], as [`Request::with_header`].
    pub fn with_default(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Request, Error> {
        self.defaults.set(name, value).map_err(|error| ErrorKind::Field(error).at(&self.url))?;
        let rank = |name: &str| {
            ORDER.iter().position(|other| other.eq_ignore_ascii_case(name)).unwrap_or(ORDER.len())
        };
        let mut fields: Vec<_> = self.defaults.iter().collect();
        fields.sort_by_key(|(name, _)| rank(name));
        let mut defaults = Headers::new();
        for (name, value) in fields {
            defaults.append(name, value).expect("it was a field before");
        }
        Ok(Request { defaults, ..self })
    }

    /// Sets `Authorization`, in place of one that was set before. As a default it is the origin's only.
    pub(super) fn with_authorization(mut self, value: &str) -> Result<Request, Error> {
        self.fields.remove("authorization");
        self.with_default("Authorization", value)
    }

    /// Adds a pair to the query.
    pub(super) fn with_query(mut self, name: &str, value: &str) -> Result<Request, Error> {
        let before = self.url.path.query().filter(|query| !query.is_empty());
        let before = before.map_or(String::new(), |query| format!("{query}&"));
        let pair = form_text([(name, value)]);
        let text = format!("{}?{before}{pair}", self.url.path.path());
        self.url.path = PathAndQuery::parse(text.as_bytes())
            .map_err(|_| ErrorKind::Url(UrlError::Path(text)).at(&self.url))?;
        Ok(self)
    }

    /// Removes a default field: `Host`, `User-Agent`, `Accept`, or the `Expect: 100-continue` of a body of
    /// more than 1 MB.
    pub fn without_default(mut self, name: &str) -> Request {
        self.defaults.remove(name);
        self
    }

    /// Sets the target of the request line, in place of the path of the URL: `*` for OPTIONS, a path, or a whole URL
    /// (RFC 9112, 3.2). A redirect does not take it along.
    ///
    /// # Errors
    /// [`ErrorKind::Url`] when it is none of these.
    pub fn with_target(self, text: &str) -> Result<Request, Error> {
        let target = match text {
            "*" => Ok(Target::Asterisk),
            text => Target::parse(&self.method, text.as_bytes()),
        };
        match target {
            Ok(target) => Ok(Request { target: Some(target), ..self }),
            Err(_) => Err(ErrorKind::Url(UrlError::Path(text.to_owned())).at(&self.url)),
        }
    }

    /// Sets the HTTP version.
    pub fn with_version(self, version: Version) -> Request {
        Request { version, ..self }
    }

    /// Sets the body.
    pub fn with_body(self, body: impl Into<Vec<u8>>) -> Request {
        Request { body: Some(Arc::new(body.into())), ..self }
    }

    /// Returns whether the caller added this field.
    pub fn has_header(&self, name: &str) -> bool {
        self.fields.has(name)
    }

    /// Returns the target of the request line, if it is not that of the URL.
    #[cfg(feature = "cli")]
    pub(crate) fn own_target(&self) -> Option<&Target> {
        self.target.as_ref()
    }

    /// Returns true if the request says who asks.
    pub(super) fn has_authorization(&self) -> bool {
        self.fields.has("authorization") || self.defaults.has("authorization")
    }

    /// Returns the method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Returns the URL.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Returns the HTTP version.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Returns the body; it is empty where there is none.
    pub fn body(&self) -> &[u8] {
        self.body.as_ref().map_or(&[][..], |body| body.as_slice())
    }

    /// Returns the size of the body.
    pub(crate) fn body_size(&self) -> BodySize {
        self.body.as_ref().map_or(BodySize::None, |body| BodySize::Known(body.len() as u64))
    }

    /// Returns the head as it is sent on this route, with a body of this size, which may come from a reader.
    ///
    /// # Errors
    /// [`ErrorKind::Field`], [`ErrorKind::Length`], [`ErrorKind::NoLength`] or [`ErrorKind::Trace`] when two
    /// recipients could disagree about the end of the request, or about its host.
    #[cfg(feature = "cli")]
    pub(crate) fn head(&self, route: Route<'_>, body: BodySize) -> Result<RequestHead, Error> {
        let framed = self.framed(body).map_err(|kind| kind.at(&self.url))?;
        Ok(self.outgoing(route, framed).complete_head())
    }

    /// Appends the request as it is sent on this route, head and body, to `out`. Returns the state that
    /// receives the response.
    ///
    /// # Errors
    /// As [`Request::head`].
    #[cfg(feature = "cli")]
    pub(crate) fn encode(&self, route: Route<'_>, out: &mut Vec<u8>) -> Result<RecvHead, Error> {
        let framed = self.framed(self.body_size()).map_err(|kind| kind.at(&self.url))?;
        Ok(self.outgoing(route, framed).encode(out))
    }

    /// Returns how a body of this size is framed. A method that usually has a body announces an empty one
    /// (RFC 9110, 8.6: "a user agent SHOULD send Content-Length … when the method defines a meaning for
    /// enclosed content").
    ///
    /// # Errors
    /// As [`Request::head`].
    pub(super) fn framed(&self, size: BodySize) -> Result<Framed, ErrorKind> {
        if self.method == Method::Trace && !matches!(size, BodySize::None) {
            return Err(ErrorKind::Trace);
        }
        if self.fields.all("host").count() > 1 {
            let (name, rule) = ("Host".to_owned(), Rule::HostRepeated);
            return Err(ErrorKind::Field(InvalidField { name, rule }));
        }
        let usual = matches!(self.method, Method::Post | Method::Put | Method::Patch);
        let framing = match (self.requested_framing()?, size) {
            (Framing::Length(declared), BodySize::Known(actual)) if declared != actual => {
                return Err(ErrorKind::Length { declared, actual });
            }
            (Framing::Length(declared @ 1..), BodySize::None) => {
                return Err(ErrorKind::Length { declared, actual: 0 });
            }
            (Framing::None, BodySize::Unknown) if self.version == Version::Http10 => {
                return Err(ErrorKind::NoLength);
            }
            (Framing::None, BodySize::Unknown) => Framing::Chunked,
            (Framing::None, BodySize::Known(length)) => Framing::Length(length),
            (Framing::None, BodySize::None) if usual => Framing::Length(0),
            (requested, _) => requested,
        };
        let large = match size {
            BodySize::None => false,
            BodySize::Known(length) => length > CONTINUE_ABOVE,
            BodySize::Unknown => true,
        };
        let default = large && self.version == Version::Http11 && self.defaults.has("expect");
        let waits = self.fields.list_has("expect", CONTINUE) || default;
        let is_empty = matches!(size, BodySize::None | BodySize::Known(0));
        Ok(Framed { framing, expects_continue: waits && !is_empty })
    }

    /// Returns the framing that the caller's own fields request, by the rules of a server.
    fn requested_framing(&self) -> Result<Framing, ErrorKind> {
        if !self.fields.has("content-length") && !self.fields.has("transfer-encoding") {
            return Ok(Framing::None);
        }
        let mut head = RequestHead::new(self.method.clone(), self.target());
        head.version = self.version;
        head.headers = self.fields.clone();
        framing(Message::Request(&head)).map_err(|fault| {
            let has_coding = self.fields.has("transfer-encoding");
            let name = if has_coding { "Transfer-Encoding" } else { "Content-Length" };
            ErrorKind::Field(InvalidField { name: name.to_owned(), rule: fault.rule })
        })
    }

    fn target(&self) -> Target {
        if let Some(target) = &self.target {
            return target.clone();
        }
        match self.method {
            Method::Connect => {
                let port = Some(self.url.port());
                Target::Authority(Authority { port, ..self.url.authority.clone() })
            }
            _ => Target::Origin(self.url.path.clone()),
        }
    }

    /// Returns the request for this route and this framing. An expectation without a body that waits for it
    /// is dropped, as RFC 9110, 10.1.1 requires.
    pub(super) fn outgoing(&self, route: Route<'_>, framed: Framed) -> Outgoing<'_> {
        let is = |wanted: &'static str| {
            move |(name, _): &(&str, &[u8])| name.eq_ignore_ascii_case(wanted)
        };
        let is_needless = |&(name, value): &(&str, &[u8])| {
            !framed.expects_continue
                && is("expect")(&(name, value))
                && value.eq_ignore_ascii_case(CONTINUE.as_bytes())
        };
        let proxy = route.proxy();
        // "A user agent that generates a Host header field SHOULD send it as the first" (RFC 9110, 7.2).
        let hosts = self.fields.iter().filter(is("host"));
        let defaults = self.defaults.iter().filter(|field| !is("expect")(field));
        let defaults = defaults.filter(|field| proxy.is_some() || !is("proxy-connection")(field));
        let others = self.fields.iter().filter(|field| !is("host")(field));
        let expects = self.defaults.iter().filter(is("expect"));
        let mut headers = Headers::new();
        let all = hosts.chain(defaults).chain(others).chain(expects);
        for (name, value) in all.filter(|field| !is_needless(field)) {
            headers.append(name, value).expect("it was a field before");
        }
        let head = RequestHead {
            method: self.method.clone(),
            target: self.target(),
            version: self.version,
            headers,
        };
        let head = match proxy {
            Some(proxy) => {
                let head = proxy.rewrite(head, &self.url);
                let target = self.target.clone().unwrap_or(head.target);
                RequestHead { target, ..head }
            }
            None => head,
        };
        Outgoing { head, framed, body: self.body() }
    }
}

/// Shows method and URL.
impl std::fmt::Display for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Url { authority, path, .. } = &self.url;
        write!(f, "{} http://{authority}{path}", self.method)
    }
}

/// The order of the default fields, as with curl.
const ORDER: &[&str] = &[
    "Host",
    "Authorization",
    "Range",
    "Content-Range",
    "If-Range",
    "User-Agent",
    "Accept",
    "Accept-Encoding",
    "Referer",
];

/// The only expectation that exists.
const CONTINUE: &str = "100-continue";

/// Returns the value of Host, without the usual port, which is "the normal form" (RFC 9110, 4.2.3).
fn host(url: &Url) -> String {
    url.authority.without_default_port().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::redirect::NextRequest;

    fn wire(request: &Request) -> String {
        let mut out = Vec::new();
        let framed = request.framed(request.body_size()).unwrap();
        request.outgoing(Route::direct(request.url()), framed).head.encode(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn defaults_are_there_until_they_are_replaced_or_removed() {
        let request = Request::get(":8080/a b").unwrap();
        let agent = concat!("User-Agent: threadbare/", env!("CARGO_PKG_VERSION"));
        assert_eq!(
            wire(&request),
            format!(
                "GET /a%20b HTTP/1.1\r\nHost: localhost:8080\r\n{agent}\r\nAccept: */*\r\n\r\n"
            )
        );
        let request =
            request.with_header("accept", "a/b").unwrap().with_header("Accept", "").unwrap();
        let request = request.without_default("user-agent").with_version(Version::Http10);
        let request = request.with_method("DELETE").unwrap().with_header("host", "b").unwrap();
        assert_eq!(
            wire(&request),
            "DELETE /a%20b HTTP/1.0\r\nhost: b\r\naccept: a/b\r\nAccept: \r\n\r\n"
        );
    }

    #[test]
    fn no_text_can_end_a_line_early() {
        let request = Request::get("a/").unwrap();
        assert!(matches!(
            request.clone().with_method("GET / HTTP/1.1\r\nX:").unwrap_err().kind(),
            ErrorKind::Method(_)
        ));
        assert!(matches!(
            request.clone().with_header("X", "a\r\nb: c").unwrap_err().kind(),
            ErrorKind::Field(_)
        ));
        assert!(matches!(
            request.with_header("X\r\nY", "a").unwrap_err().kind(),
            ErrorKind::Field(_)
        ));
        assert!(matches!(Request::get("a\r\nb/").unwrap_err().kind(), ErrorKind::Url(_)));
        assert!(matches!(Request::get("a/b\r\nc").unwrap_err().kind(), ErrorKind::Url(_)));
    }

    #[test]
    fn connect_names_a_host_and_a_port() {
        let request = Request::get("example.org").unwrap().with_method("CONNECT").unwrap();
        assert!(wire(&request).starts_with("CONNECT example.org:80 HTTP/1.1\r\n"));
    }

    #[test]
    fn how_bodies_are_framed() {
        use Framing::*;
        let framing = |method: &str, fields: &[(&str, &str)], body: Option<&str>| {
            let request = Request::get("a/").unwrap().with_method(method).unwrap();
            let request = fields
                .iter()
                .fold(request, |request, (name, value)| request.with_header(name, value).unwrap());
            let request = body.map_or(request.clone(), |body| request.with_body(body));
            request
                .framed(request.body_size())
                .map(|framed| framed.framing)
                .map_err(|error| error.to_string())
        };
        let (length, coding) = ("Content-Length", "transfer-encoding");
        for (method, fields, body, want) in [
            ("GET", &[][..], Option::None, Some(None)),
            ("POST", &[], Option::None, Some(Length(0))),
            ("GET", &[], Some(""), Some(Length(0))),
            ("POST", &[], Some("abc"), Some(Length(3))),
            ("POST", &[(length, "3")], Some("abc"), Some(Length(3))),
            ("GET", &[(length, "0")], Option::None, Some(Length(0))),
            ("POST", &[(coding, "Chunked")], Some("abc"), Some(Chunked)),
            ("GET", &[(coding, "chunked")], Option::None, Some(Chunked)),
            ("GET", &[(length, "3")], Option::None, Option::None),
            ("POST", &[(length, "4")], Some("abc"), Option::None),
            ("POST", &[(length, "+3")], Some("abc"), Option::None),
            ("POST", &[(length, "3"), (length, "3")], Some("abc"), Option::None),
            ("POST", &[(length, "3"), (coding, "chunked")], Some("abc"), Option::None),
            ("POST", &[(coding, "gzip")], Some("abc"), Option::None),
            ("POST", &[(coding, "gzip, chunked")], Some("abc"), Option::None),
            ("TRACE", &[], Some("abc"), Option::None),
            ("GET", &[("Host", "a"), ("host", "b")], Option::None, Option::None),
        ] {
            assert_eq!(framing(method, fields, body).ok(), want, "{method} {fields:?} {body:?}");
        }
    }

    #[test]
    fn large_bodies_wait_for_a_100() {
        let large = Request::get("a/").unwrap().with_body(vec![b'x'; (1 << 20) + 1]);
        let waits = |request: &Request| {
            let framed = request.framed(request.body_size()).unwrap();
            let sent = request
                .outgoing(Route::direct(request.url()), framed)
                .head
                .headers
                .list_has("expect", CONTINUE);
            assert_eq!(sent, framed.expects_continue);
            sent
        };
        let expecting = |request: Request| request.with_header("expect", "100-Continue").unwrap();
        assert!(waits(&large));
        assert!(!waits(&large.clone().without_default("expect")));
        assert!(!waits(&large.clone().with_version(Version::Http10)));
        assert!(!waits(&large.with_body(vec![b'x'; 1 << 20])));
        assert!(waits(&expecting(Request::get("a/").unwrap().with_body("x"))));
        assert!(!waits(&expecting(Request::get("a/").unwrap())), "RFC 9110, 10.1.1");
    }

    #[test]
    fn fields_that_a_redirect_drops() {
        let request = Request::get("a/x").unwrap().with_method("POST").unwrap().with_body("abc");
        let secret = ["Authorization", "cookie", "X-Mine", "Content-Type"];
        let request =
            secret.iter().fold(request, |request, name| request.with_header(name, "s").unwrap());
        let names = |leaves_origin: bool, keeps_body, trusted| {
            let url = Url::parse("b:81/y").unwrap();
            let (method, keeps_credentials) = (Method::Put, !leaves_origin || trusted);
            let hop = NextRequest {
                method,
                url,
                keeps_body,
                leaves_origin,
                keeps_credentials,
                referer: None,
            };
            wire(&request.clone().with_header("Host", "c").unwrap().redirected(hop))
        };
        let agent =
            concat!("User-Agent: threadbare/", env!("CARGO_PKG_VERSION"), "\r\nAccept: */*\r\n");
        let first = "PUT /y HTTP/1.1\r\nHost: ";
        let kept = "Authorization: s\r\ncookie: s\r\nX-Mine: s\r\n";
        assert_eq!(
            names(false, true, false),
            format!("{first}c\r\n{agent}{kept}Content-Type: s\r\n\r\n")
        );
        assert_eq!(names(false, false, false), format!("{first}c\r\n{agent}{kept}\r\n"));
        assert_eq!(names(true, false, false), format!("{first}b:81\r\n{agent}X-Mine: s\r\n\r\n"));
        assert_eq!(names(true, false, true), format!("{first}b:81\r\n{agent}{kept}\r\n"));
    }

    #[test]
    fn a_body_of_unknown_length_goes_in_chunks() {
        let put = Request::get("a/").unwrap().with_method("PUT").unwrap();
        let framed = put.framed(BodySize::Unknown).unwrap();
        assert_eq!((framed.framing, framed.expects_continue), (Framing::Chunked, true));
        let said = put.clone().with_header("Content-Length", "3").unwrap();
        assert_eq!(said.framed(BodySize::Unknown).unwrap().framing, Framing::Length(3));
        assert!(said.framed(BodySize::Known(4)).is_err());
        assert!(put.with_version(Version::Http10).framed(BodySize::Unknown).is_err());
    }

    #[test]
    fn the_default_port_is_omitted() {
        for (url, host) in
            [("a:80", "a"), ("a:8080", "a:8080"), ("[::1]:80/", "[::1]"), ("a:", "a")]
        {
            assert!(wire(&Request::get(url).unwrap()).contains(&format!("\r\nHost: {host}\r\n")));
        }
    }
}
