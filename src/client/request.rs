//! What is asked.

use std::sync::Arc;

use super::error::Error;
use super::proxy::Proxy;
use super::redirect::Hop;
use crate::proto::http::error::Rule;
use crate::proto::http::framing::{Framing, Message, framing};
use crate::proto::http::head::RequestHead;
use crate::proto::http::headers::{Headers, InvalidField};
use crate::proto::http::method::Method;
use crate::proto::http::target::{Authority, Target};
use crate::proto::http::url::Url;
use crate::proto::http::version::Version;

/// A request; it may be sent as often as one likes.
#[derive(Debug, Clone)]
pub struct Request {
    url: Url,
    method: Method,
    version: Version,
    /// What is sent unless the caller says otherwise; `Authorization` may be among it (`-u`), and is a
    /// secret of the origin here, too.
    defaults: Headers,
    fields: Headers,
    body: Option<Arc<Vec<u8>>>,
}

/// How long a body is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Size {
    /// There is none.
    None,
    Known(u64),
    Unknown,
}

/// The body of a request, and how it is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Content<'r> {
    pub(crate) body: &'r [u8],
    pub(crate) framing: Framing,
    /// Does it wait for a 100 (Continue)?
    pub(crate) expects_continue: bool,
}

/// A body of more bytes waits for a 100 (Continue), as curl's does: 1 MB.
const WAITS: u64 = 1 << 20;

impl Request {
    /// GET of an address, which may be as short as `:8080/path`.
    ///
    /// # Errors
    /// [`Error::Url`] when it is not one that can be fetched.
    pub fn get(url: &str) -> Result<Request, Error> {
        let url = Url::parse(url).map_err(Error::Url)?;
        let mut defaults = Headers::new();
        for (name, value) in [
            ("Host", host(&url).as_str()),
            ("User-Agent", concat!("threadbare/", env!("CARGO_PKG_VERSION"))),
            ("Accept", "*/*"),
            ("Expect", CONTINUE), // with a large body only
        ] {
            defaults.append(name, value).expect("a host has no control bytes, and we none either");
        }
        let fields = Headers::new();
        Ok(Request {
            url,
            method: Method::Get,
            version: Version::Http11,
            defaults,
            fields,
            body: None,
        })
    }

    /// Another method.
    ///
    /// # Errors
    /// [`Error::Method`] when it is not a token.
    pub fn method(self, name: &str) -> Result<Request, Error> {
        let method = Method::parse(name.as_bytes());
        Ok(Request { method: method.ok_or_else(|| Error::Method(name.to_owned()))?, ..self })
    }

    /// Adds a field; a default of the same name goes. A body is sent with its Content-Length unless
    /// `Transfer-Encoding: chunked` is set here; what contradicts the body is refused by
    /// [`Client::send`](super::Client::send), as is a second Host.
    ///
    /// # Errors
    /// [`Error::Field`] when its name is not a token, or a control byte stands in its value.
    pub fn field(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Request, Error> {
        self.fields.append(name, value).map_err(Error::Field)?;
        Ok(self.without(name))
    }

    /// Sets a default field, which one of the same name that is added replaces: where curl has a flag
    /// for a field, it stands there too (`Host`, `Authorization`, `Range`, `User-Agent`, `Accept`,
    /// `Referer`). A default `Proxy-Connection` is sent to a proxy only.
    ///
    /// # Errors
    /// [`Error::Field`], as [`Request::field`].
    pub fn default_field(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Request, Error> {
        self.defaults.set(name, value).map_err(Error::Field)?;
        let rank = |name: &str| {
            ORDER.iter().position(|other| other.eq_ignore_ascii_case(name)).unwrap_or(ORDER.len())
        };
        let mut fields: Vec<_> = self.defaults.iter().collect();
        fields.sort_by_key(|(name, _)| rank(name));
        let mut defaults = Headers::new();
        for (name, value) in fields {
            defaults.append(name, value).map_err(Error::Field)?;
        }
        Ok(Request { defaults, ..self })
    }

    /// Takes a default field away: `Host`, `User-Agent`, `Accept`, or the `Expect: 100-continue` that
    /// a body of more than 1 MB is sent with.
    pub fn without(mut self, name: &str) -> Request {
        self.defaults.remove(name);
        self
    }

    /// Speaks this version.
    pub fn version(self, version: Version) -> Request {
        Request { version, ..self }
    }

    /// Sends a body.
    pub fn body(self, body: impl Into<Vec<u8>>) -> Request {
        Request { body: Some(Arc::new(body.into())), ..self }
    }

    /// Does the caller set this field?
    pub fn has_field(&self, name: &str) -> bool {
        self.fields.has(name)
    }

    /// Is this the version that it speaks?
    pub(crate) fn is_version(&self, version: Version) -> bool {
        self.version == version
    }

    /// What is asked for.
    pub fn url(&self) -> &Url {
        &self.url
    }

    pub(crate) fn verb(&self) -> &Method {
        &self.method
    }

    pub(crate) fn is_idempotent(&self) -> bool {
        self.method.is_idempotent()
    }

    /// The request that a redirect asks for. What describes the body goes with it, and what is meant
    /// for one server only does not reach another (RFC 9110, 15.4).
    pub(crate) fn redirected(&self, hop: Hop) -> Request {
        let Request { url: _, method: _, version, defaults, fields, body } = self;
        let mut fields = fields.clone();
        let stays = |name: &str| {
            hop.leaves_origin && name.eq_ignore_ascii_case("host")
                || !hop.keeps_secrets && is_one_of(name, SECRETS)
        };
        fields.retain(|name| !stays(name));
        if !hop.keeps_body {
            fields.retain(|name| !is_one_of(name, OF_THE_BODY));
        }
        let mut fresh = Headers::new();
        if !fields.has("host") && (defaults.has("host") || hop.leaves_origin) {
            fresh.append("Host", host(&hop.url)).expect("a host has no control bytes");
        }
        // `-u` is a default, too, and as much a secret as what was given as a field.
        let ours = |name: &str| !stays(name) && !name.eq_ignore_ascii_case("host");
        for (name, value) in defaults.iter().filter(|(name, _)| ours(name)) {
            fresh.append(name, value).expect("it was a field before");
        }
        let body = body.clone().filter(|_| hop.keeps_body);
        let (url, method, version) = (hop.url, hop.method, *version);
        Request { url, method, version, defaults: fresh, fields, body }
    }

    /// The body, and how it is framed. A method that usually has a body says that it has none (RFC
    /// 9110, 8.6: "a user agent SHOULD send Content-Length … when the method defines a meaning for
    /// enclosed content").
    ///
    /// # Errors
    /// [`Error::Field`], [`Error::Length`] or [`Error::Trace`], when two readers of the request could
    /// disagree about its end, or about its host.
    pub(crate) fn content(&self) -> Result<Content<'_>, Error> {
        let body = self.body.as_ref().map_or(&[][..], |body| body.as_slice());
        let size = self.body.as_ref().map_or(Size::None, |body| Size::Known(body.len() as u64));
        Ok(Content { body, ..self.content_of(size)? })
    }

    /// As [`Request::content`], for a body of this size, which is elsewhere.
    ///
    /// # Errors
    /// As [`Request::content`]; and [`Error::NoLength`].
    pub(crate) fn content_of(&self, size: Size) -> Result<Content<'static>, Error> {
        if self.method == Method::Trace && !matches!(size, Size::None) {
            return Err(Error::Trace);
        }
        if self.fields.all("host").count() > 1 {
            let (name, rule) = ("Host".to_owned(), Rule::HostRepeated);
            return Err(Error::Field(InvalidField { name, rule }));
        }
        let usual = matches!(self.method, Method::Post | Method::Put | Method::Patch);
        let framing = match (self.asked_framing()?, size) {
            (Framing::Length(said), Size::Known(body)) if said != body => {
                return Err(Error::Length { said, body });
            }
            (Framing::Length(said @ 1..), Size::None) => {
                return Err(Error::Length { said, body: 0 });
            }
            (Framing::None, Size::Unknown) if self.version == Version::Http10 => {
                return Err(Error::NoLength);
            }
            (Framing::None, Size::Unknown) => Framing::Chunked,
            (Framing::None, Size::Known(length)) => Framing::Length(length),
            (Framing::None, Size::None) if usual => Framing::Length(0),
            (asked, _) => asked,
        };
        let large = match size {
            Size::None => false,
            Size::Known(length) => length > WAITS,
            Size::Unknown => true,
        };
        let default = large && self.version == Version::Http11 && self.defaults.has("expect");
        let waits = self.fields.list_has("expect", CONTINUE) || default;
        let is_empty = matches!(size, Size::None | Size::Known(0));
        Ok(Content { body: &[], framing, expects_continue: waits && !is_empty })
    }

    /// What the caller's own fields say about the framing, judged as a server would.
    fn asked_framing(&self) -> Result<Framing, Error> {
        let mut head = RequestHead::new(self.method.clone(), self.target());
        head.version = self.version;
        head.headers = self.fields.clone();
        framing(Message::Request(&head)).map_err(|fault| {
            let has_coding = self.fields.has("transfer-encoding");
            let name = if has_coding { "Transfer-Encoding" } else { "Content-Length" };
            Error::Field(InvalidField { name: name.to_owned(), rule: fault.rule })
        })
    }

    fn target(&self) -> Target {
        match self.method {
            Method::Connect => {
                let port = Some(self.url.port());
                Target::Authority(Authority { port, ..self.url.authority.clone() })
            }
            _ => Target::Origin(self.url.path.clone()),
        }
    }

    /// As [`Request::head_to`], for the server itself.
    #[cfg(any(test, feature = "cli"))] // the command looks at it, the load generator sends it
    pub(crate) fn head(&self, content: &Content<'_>) -> RequestHead {
        self.head_to(None, content)
    }

    /// The head, but for its framing fields, for this proxy, or the server itself. An expectation without a body to wait for is left out,
    /// as RFC 9110, 10.1.1 demands.
    pub(crate) fn head_to(&self, proxy: Option<&Proxy>, content: &Content<'_>) -> RequestHead {
        let is = |wanted: &'static str| {
            move |(name, _): &(&str, &[u8])| name.eq_ignore_ascii_case(wanted)
        };
        let waits_in_vain = |&(name, value): &(&str, &[u8])| {
            !content.expects_continue
                && is("expect")(&(name, value))
                && value.eq_ignore_ascii_case(CONTINUE.as_bytes())
        };
        // "A user agent that generates a Host header field SHOULD send it as the first" (RFC 9110, 7.2).
        let hosts = self.fields.iter().filter(is("host"));
        let to_proxy = |field: &_| is("proxy-connection")(field);
        let defaults = self.defaults.iter().filter(|field| !is("expect")(field));
        let defaults = defaults.filter(|field| proxy.is_some() || !to_proxy(field));
        let others = self.fields.iter().filter(|field| !is("host")(field));
        let expects = self.defaults.iter().filter(is("expect"));
        let mut headers = Headers::new();
        let all = hosts.chain(defaults).chain(others).chain(expects);
        for (name, value) in all.filter(|field| !waits_in_vain(field)) {
            headers.append(name, value).expect("it was a field before");
        }
        let head = RequestHead {
            method: self.method.clone(),
            target: self.target(),
            version: self.version,
            headers,
        };
        match proxy {
            Some(proxy) => proxy.address(head, &self.url),
            None => head,
        }
    }
}

/// Method and URL, for people.
impl std::fmt::Display for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Url { authority, path, .. } = &self.url;
        write!(f, "{} http://{authority}{path}", self.method)
    }
}

/// Where default fields stand, as with curl.
const ORDER: &[&str] =
    &["Host", "Authorization", "Range", "If-Range", "User-Agent", "Accept", "Referer"];

/// The only expectation there is.
const CONTINUE: &str = "100-continue";

/// What is meant for one server only.
const SECRETS: &[&str] = &["authorization", "cookie", "proxy-authorization"];

/// What is said about a body, or waits for it.
const OF_THE_BODY: &[&str] = &[
    "content-type",
    "content-length",
    "content-encoding",
    "content-language",
    "content-location",
    "content-range",
    "content-digest",
    "digest",
    "transfer-encoding",
    "trailer",
    "expect",
];

fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|one| one.eq_ignore_ascii_case(name))
}

/// What Host says. The usual port is left out, as "the normal form" has it (RFC 9110, 4.2.3).
fn host(url: &Url) -> String {
    let port = url.authority.port.filter(|&port| port != 80);
    Authority { port, ..url.authority.clone() }.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(request: &Request) -> String {
        let mut out = Vec::new();
        request.head(&request.content().unwrap()).encode(&mut out);
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
        let request = request.field("accept", "a/b").unwrap().field("Accept", "").unwrap();
        let request = request.without("user-agent").version(Version::Http10);
        let request = request.method("DELETE").unwrap().field("host", "b").unwrap();
        assert_eq!(
            wire(&request),
            "DELETE /a%20b HTTP/1.0\r\nhost: b\r\naccept: a/b\r\nAccept: \r\n\r\n"
        );
    }

    #[test]
    fn nothing_ends_a_line_early() {
        let request = Request::get("a/").unwrap();
        assert!(matches!(request.clone().method("GET / HTTP/1.1\r\nX:"), Err(Error::Method(_))));
        assert!(matches!(request.clone().field("X", "a\r\nb: c"), Err(Error::Field(_))));
        assert!(matches!(request.field("X\r\nY", "a"), Err(Error::Field(_))));
        assert!(matches!(Request::get("a\r\nb/"), Err(Error::Url(_))));
        assert!(matches!(Request::get("a/b\r\nc"), Err(Error::Url(_))));
    }

    #[test]
    fn connect_names_a_host_and_a_port() {
        let request = Request::get("example.org").unwrap().method("CONNECT").unwrap();
        assert!(wire(&request).starts_with("CONNECT example.org:80 HTTP/1.1\r\n"));
    }

    #[test]
    fn who_says_a_length() {
        use Framing::*;
        let framing = |method: &str, fields: &[(&str, &str)], body: Option<&str>| {
            let request = Request::get("a/").unwrap().method(method).unwrap();
            let request = fields
                .iter()
                .fold(request, |request, (name, value)| request.field(name, value).unwrap());
            let request = body.map_or(request.clone(), |body| request.body(body));
            request.content().map(|content| content.framing).map_err(|error| error.to_string())
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
    fn who_waits_for_a_100() {
        let large = Request::get("a/").unwrap().body(vec![b'x'; (1 << 20) + 1]);
        let waits = |request: &Request| {
            let content = request.content().unwrap();
            let sent = request.head(&content).headers.list_has("expect", CONTINUE);
            assert_eq!(sent, content.expects_continue);
            sent
        };
        let asked = |request: Request| request.field("expect", "100-Continue").unwrap();
        assert!(waits(&large));
        assert!(!waits(&large.clone().without("expect")));
        assert!(!waits(&large.clone().version(Version::Http10)));
        assert!(!waits(&large.body(vec![b'x'; 1 << 20])));
        assert!(waits(&asked(Request::get("a/").unwrap().body("x"))));
        assert!(!waits(&asked(Request::get("a/").unwrap())), "RFC 9110, 10.1.1");
    }

    #[test]
    fn what_a_redirect_leaves_behind() {
        let request = Request::get("a/x").unwrap().method("POST").unwrap().body("abc");
        let secret = ["Authorization", "cookie", "X-Mine", "Content-Type"];
        let request =
            secret.iter().fold(request, |request, name| request.field(name, "s").unwrap());
        let names = |leaves_origin: bool, keeps_body, trusted| {
            let url = Url::parse("b:81/y").unwrap();
            let (method, keeps_secrets) = (Method::Put, !leaves_origin || trusted);
            let hop = Hop { method, url, keeps_body, leaves_origin, keeps_secrets };
            wire(&request.clone().field("Host", "c").unwrap().redirected(hop))
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
        let put = Request::get("a/").unwrap().method("PUT").unwrap();
        let content = put.content_of(Size::Unknown).unwrap();
        assert_eq!((content.framing, content.expects_continue), (Framing::Chunked, true));
        let said = put.clone().field("Content-Length", "3").unwrap();
        assert_eq!(said.content_of(Size::Unknown).unwrap().framing, Framing::Length(3));
        assert!(said.content_of(Size::Known(4)).is_err());
        assert!(put.version(Version::Http10).content_of(Size::Unknown).is_err());
    }

    #[test]
    fn the_usual_port_is_left_out() {
        for (url, host) in
            [("a:80", "a"), ("a:8080", "a:8080"), ("[::1]:80/", "[::1]"), ("a:", "a")]
        {
            assert!(wire(&Request::get(url).unwrap()).contains(&format!("\r\nHost: {host}\r\n")));
        }
    }
}
