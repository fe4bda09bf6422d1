//! What is asked.

use super::error::Error;
use crate::proto::http::head::RequestHead;
use crate::proto::http::headers::Headers;
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
    /// What is sent unless the caller says otherwise.
    defaults: Headers,
    fields: Headers,
    body: Option<Vec<u8>>,
}

impl Request {
    /// GET of an address, which may be as short as `:8080/path`.
    ///
    /// # Errors
    /// [`Error::Url`] when it is not one that can be fetched.
    pub fn get(url: &str) -> Result<Request, Error> {
        let url = Url::parse(url).map_err(Error::Url)?;
        let mut defaults = Headers::new();
        for (name, value) in [
            ("Host", url.authority.to_string().as_str()),
            ("User-Agent", concat!("threadbare/", env!("CARGO_PKG_VERSION"))),
            ("Accept", "*/*"),
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

    /// Adds a field; a default of the same name goes. Content-Length and Transfer-Encoding are the
    /// client's own and follow from the body, whatever is set here.
    ///
    /// # Errors
    /// [`Error::Field`] when its name is not a token, or a control byte stands in its value.
    pub fn field(mut self, name: &str, value: impl AsRef<[u8]>) -> Result<Request, Error> {
        self.fields.append(name, value).map_err(Error::Field)?;
        Ok(self.without(name))
    }

    /// Takes a default field away: `Host`, `User-Agent` or `Accept`.
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
        Request { body: Some(body.into()), ..self }
    }

    /// Does the caller set this field?
    pub fn has_field(&self, name: &str) -> bool {
        self.fields.has(name)
    }

    /// What is asked for.
    pub fn url(&self) -> &Url {
        &self.url
    }

    pub(super) fn is_idempotent(&self) -> bool {
        self.method.is_idempotent()
    }

    /// The body and its length. A method that usually has a body says that it has none (RFC 9110,
    /// 8.6: "a user agent SHOULD send Content-Length … when the method defines a meaning for
    /// enclosed content").
    pub(super) fn content(&self) -> (&[u8], Option<u64>) {
        match &self.body {
            Some(body) => (body, Some(body.len() as u64)),
            None if matches!(self.method, Method::Post | Method::Put | Method::Patch) => {
                (&[], Some(0))
            }
            None => (&[], None),
        }
    }

    /// The head, but for its framing fields.
    pub(super) fn head(&self) -> RequestHead {
        let target = match self.method {
            Method::Connect => {
                let port = Some(self.url.port());
                Target::Authority(Authority { port, ..self.url.authority.clone() })
            }
            _ => Target::Origin(self.url.path.clone()),
        };
        // "A user agent that generates a Host header field SHOULD send it as the first" (RFC 9110, 7.2).
        let is_host = |(name, _): &(&str, &[u8])| name.eq_ignore_ascii_case("host");
        let hosts = self.fields.iter().filter(is_host);
        let others = self.fields.iter().filter(|field| !is_host(field));
        let mut headers = Headers::new();
        for (name, value) in hosts.chain(self.defaults.iter()).chain(others) {
            headers.append(name, value).expect("it was a field before");
        }
        RequestHead { method: self.method.clone(), target, version: self.version, headers }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(request: &Request) -> String {
        let mut out = Vec::new();
        request.head().encode(&mut out);
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
        assert_eq!(Request::get("a/b\r\nc").unwrap().url().to_string(), "http://a/b%0D%0Ac");
    }

    #[test]
    fn connect_names_a_host_and_a_port() {
        let request = Request::get("example.org").unwrap().method("CONNECT").unwrap();
        assert!(wire(&request).starts_with("CONNECT example.org:80 HTTP/1.1\r\n"));
    }

    #[test]
    fn who_says_a_length() {
        let content = |method: &str, body: Option<&str>| {
            let request = Request::get("a/").unwrap().method(method).unwrap();
            body.map_or(request.clone(), |body| request.body(body)).content().1
        };
        assert_eq!(content("GET", None), None);
        assert_eq!(content("POST", None), Some(0));
        assert_eq!(content("GET", Some("")), Some(0));
        assert_eq!(content("POST", Some("abc")), Some(3));
    }
}
