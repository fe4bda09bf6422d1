//! The target of a request, in its four forms (RFC 9112, 3.2).
//!
//! ```text
//! GET /where?q=now HTTP/1.1                origin-form: a path and a query
//! GET http://example.org/where HTTP/1.1    absolute-form: as to a proxy; a server accepts it too
//! CONNECT example.org:443 HTTP/1.1         authority-form: CONNECT only
//! OPTIONS * HTTP/1.1                       asterisk-form: OPTIONS only, the server itself
//! ```
//! The server has its own meaning for a path: the [normal form](PathAndQuery::normal_path). A query means
//! nothing here and stays as it came.
//!
//! Refused: bytes that mean something else in a request (controls, a space, a backslash in a path), bytes that
//! are no UTF-8, a `%` without two digits in a path, a fragment, user information, a form that does not go with
//! the method.

use std::borrow::Cow;
use std::net::Ipv6Addr;

use super::chars::{
    FORM, QUERY_ACCEPTED, REG_NAME, decimal, first_bad_percent, percent_decode, percent_encode,
};
use super::error::{Fault, Rule};
use super::method::Method;
use super::path::{normal_form, scan};
use crate::proto::scan::position;

/// The target of a request, in one of its four forms (RFC 9112, 3.2).
///
/// [`Target::path`] and [`Target::query`] are the same for all forms. A server gets the second one as a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// `/path?query`
    Origin(PathAndQuery),
    /// `http://host:port/path?query`
    Absolute(Authority, PathAndQuery),
    /// `host:port`
    Authority(Authority),
    /// `*`
    Asterisk,
}

impl Target {
    /// Reads a target; its form must go with the method. Offsets count from the target's start.
    ///
    /// # Errors
    /// [`Rule::TargetForm`], [`Rule::TargetByte`] or [`Rule::Percent`].
    pub fn parse(method: &Method, text: &[u8]) -> Result<Target, Fault> {
        Target::parse_into(String::new(), method, text)
    }

    /// Does the same, in the memory of a text that is not needed any more.
    #[inline(always)]
    pub(super) fn parse_into(
        recycled: String,
        method: &Method,
        text: &[u8],
    ) -> Result<Target, Fault> {
        match (method, text) {
            (Method::Connect, _) => match Authority::parse(text) {
                Some(authority) if authority.port.is_some() => Ok(Target::Authority(authority)),
                _ => Err(Fault::new(Rule::TargetForm, 0)),
            },
            (_, [b'/', ..]) => PathAndQuery::parse_into(recycled, text).map(Target::Origin),
            (Method::Options, b"*") => Ok(Target::Asterisk),
            _ => Target::parse_absolute(text),
        }
    }

    fn parse_absolute(text: &[u8]) -> Result<Target, Fault> {
        const SCHEME: &[u8] = b"http://"; // https would mean that someone else ended the TLS
        let scheme = text.get(..SCHEME.len());
        if !scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(SCHEME)) {
            return Err(Fault::new(Rule::TargetForm, 0));
        }
        let rest = &text[SCHEME.len()..];
        let end = rest.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(rest.len());
        let authority =
            Authority::parse(&rest[..end]).ok_or(Fault::new(Rule::TargetForm, SCHEME.len()))?;
        // An empty path is the path "/" (RFC 9110, 4.2.3).
        let base = SCHEME.len() + end;
        let path = match &rest[end..] {
            tail @ [b'/', ..] => PathAndQuery::parse(tail).map_err(|fault| fault.after(base)),
            tail => {
                PathAndQuery::parse(&[b"/", tail].concat()).map_err(|fault| fault.after(base - 1))
            }
        }?;
        Ok(Target::Absolute(authority, path))
    }

    /// Takes its text, to reuse the memory.
    pub(super) fn take_text(&mut self) -> String {
        match self {
            Target::Origin(path) | Target::Absolute(_, path) => std::mem::take(&mut path.text),
            Target::Authority(_) | Target::Asterisk => String::new(),
        }
    }

    /// Returns the path in its [normal form](PathAndQuery::normal_path), still percent-encoded: `*` for the
    /// asterisk, empty for an authority.
    #[inline]
    pub fn path(&self) -> &str {
        match self {
            Target::Origin(path) | Target::Absolute(_, path) => path.normal_path(),
            Target::Authority(_) => "",
            Target::Asterisk => "*",
        }
    }

    /// Returns the query, still encoded, without its `?`.
    pub fn query(&self) -> Option<&str> {
        match self {
            Target::Origin(path) | Target::Absolute(_, path) => path.query(),
            Target::Authority(_) | Target::Asterisk => None,
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Target::Origin(path) => path.fmt(f),
            Target::Absolute(authority, path) => write!(f, "http://{authority}{path}"),
            Target::Authority(authority) => authority.fmt(f),
            Target::Asterisk => f.write_str("*"),
        }
    }
}

/// `absolute-path [ "?" query ]`, checked, still percent-encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathAndQuery {
    /// The path and the query as they came; behind them the normal form of the path, if it is another text.
    text: String,
    path_length: usize,
    whole_length: usize,
}

impl PathAndQuery {
    /// Reads it. Offsets count from its start.
    ///
    /// # Errors
    /// [`Rule::TargetForm`] if it does not begin with `/`, [`Rule::TargetByte`], [`Rule::Percent`].
    pub fn parse(text: &[u8]) -> Result<PathAndQuery, Fault> {
        PathAndQuery::parse_into(String::new(), text)
    }

    #[inline(always)]
    fn parse_into(recycled: String, text: &[u8]) -> Result<PathAndQuery, Fault> {
        if !text.starts_with(b"/") {
            return Err(Fault::new(Rule::TargetForm, 0));
        }
        let (path_length, is_plain) = scan(text);
        let query = &text[path_length..];
        let query_length = if query.starts_with(b"?") { QUERY_ACCEPTED.prefix(query) } else { 0 };
        if query_length < query.len() {
            return Err(Fault::new(Rule::TargetByte, path_length + query_length));
        }
        if !is_plain && let Some(at) = first_bad_percent(&text[..path_length]) {
            return Err(Fault::new(Rule::Percent, at));
        }
        let mut memory = recycled.into_bytes();
        if memory.capacity() < text.len() {
            memory = Vec::with_capacity(text.len()); // what it holds is not wanted
        }
        memory.clear();
        memory.extend_from_slice(text);
        let mut text = String::from_utf8(memory)
            .map_err(|error| Fault::new(Rule::TargetByte, error.utf8_error().valid_up_to()))?;
        let whole_length = text.len();
        if !is_plain {
            let path = text.split_at(path_length).0;
            let normal = normal_form(path);
            if normal != path {
                text.push_str(&normal);
            }
        }
        Ok(PathAndQuery { text, path_length, whole_length })
    }

    /// Returns path and query as they came.
    fn whole(&self) -> &str {
        self.text.split_at(self.whole_length).0
    }

    /// Returns the path as it was written, which begins with `/`, still encoded.
    pub fn path(&self) -> &str {
        self.text.split_at(self.path_length).0
    }

    /// Returns the path, still encoded, without dot segments and runs of slashes. A path that leads beyond
    /// the root begins with the segment `..`; no other one has such a segment.
    #[inline]
    pub fn normal_path(&self) -> &str {
        match self.text.len() == self.whole_length {
            true => self.path(),
            false => self.text.split_at(self.whole_length).1,
        }
    }

    /// Returns what follows the `?`, as it came.
    pub fn query(&self) -> Option<&str> {
        self.whole().split_at(self.path_length).1.strip_prefix('?')
    }
}

impl std::fmt::Display for PathAndQuery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.whole())
    }
}

/// Returns the segments of a path, each decoded after the split, so `%2F` is not a separator.
pub fn segments(path: &str) -> impl Iterator<Item = Cow<'_, [u8]>> {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.as_bytes().split(|&byte| byte == b'/').map(percent_decode)
}

/// Returns the names and values of an `application/x-www-form-urlencoded` text (WHATWG URL, 5.1): a query,
/// or a form's body. `+` is a space.
pub fn form_pairs(text: &str) -> impl Iterator<Item = (String, String)> {
    text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decode = |part: &str| {
            String::from_utf8_lossy(&percent_decode(&part.replace('+', " "))).into_owned()
        };
        (decode(name), decode(value))
    })
}

/// Returns such a text for these names and values: all but letters, digits and `*-._` is percent-encoded, and
/// a space is `+`.
pub fn form_text<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let encode = |text: &str| percent_encode(text.as_bytes(), &FORM).replace("%20", "+");
    let pairs = pairs.into_iter().map(|(name, value)| encode(name) + "=" + &encode(value));
    pairs.collect::<Vec<_>>().join("&")
}

/// A host and perhaps its port, `host [ ":" port ]`: without user information (RFC 3986, 3.2; RFC 9110, 4.2.4).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Authority {
    /// A name, an IPv4 address, or an IPv6 address in brackets; in lower case.
    pub host: Box<str>,
    /// The port, if there is one.
    pub port: Option<u16>,
}

impl Authority {
    /// Reads it, or `None` when it is not of that form. The host may not be empty.
    pub fn parse(text: &[u8]) -> Option<Authority> {
        let (host, port) = Authority::split(text)?;
        let host = str::from_utf8(host).ok()?; // of ASCII only
        Some(Authority { host: host.to_ascii_lowercase().into(), port })
    }

    /// Returns the normal form: without the port, if it is the one of http (RFC 9110, 4.2.3).
    pub fn without_default_port(&self) -> Authority {
        Authority { port: self.port.filter(|&port| port != 80), ..self.clone() }
    }

    /// Returns true if the text is of that form.
    pub fn is_one(text: &[u8]) -> bool {
        Authority::split(text).is_some()
    }

    fn split(text: &[u8]) -> Option<(&[u8], Option<u16>)> {
        let (host, port) = match text {
            [b'[', rest @ ..] => {
                let end = position(b']', rest)?;
                str::from_utf8(&rest[..end]).ok()?.parse::<Ipv6Addr>().ok()?;
                text.split_at(end + 2)
            }
            _ => {
                let (name, port) = text.split_at(REG_NAME.prefix(text));
                if name.is_empty() || first_bad_percent(name).is_some() {
                    return None;
                }
                (name, port)
            }
        };
        let port = match port {
            [] | [b':'] => None, // "example.org:" is allowed, and means the usual port
            [b':', digits @ ..] => Some(u16::try_from(decimal(digits)?).ok()?),
            _ => return None,
        };
        Some((host, port))
    }
}

impl std::fmt::Display for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(method: Method, text: &str) -> Result<String, (Rule, u64)> {
        let target = Target::parse(&method, text.as_bytes());
        target.map(|target| target.to_string()).map_err(|fault| (fault.rule, fault.offset))
    }

    #[test]
    fn each_form_goes_with_its_methods() {
        use Method::*;
        for (method, text, want) in [
            (Get, "/", Ok("/")),
            (Get, "//host/./x", Ok("//host/./x")),
            (Get, "/hello.txt?q=100%", Ok("/hello.txt?q=100%")),
            (Get, "/é?ü=\"<a>\"&b=%zz", Ok("/é?ü=\"<a>\"&b=%zz")),
            (Get, "/a/b?c=d?e/%20", Ok("/a/b?c=d?e/%20")),
            (Get, "/a[1]|b?x={y}\\", Ok("/a[1]|b?x={y}\\")),
            (Get, "HTTP://EXAMPLE.org:80/a?b", Ok("http://example.org:80/a?b")),
            (Get, "http://example.org", Ok("http://example.org/")),
            (Get, "http://[::1]:8080?q", Ok("http://[::1]:8080/?q")),
            (Connect, "example.org:443", Ok("example.org:443")),
            (Options, "*", Ok("*")),
            (Get, "*", Err((Rule::TargetForm, 0))),
            (Get, "", Err((Rule::TargetForm, 0))),
            (Get, "index.html", Err((Rule::TargetForm, 0))),
            (Get, "example.org:443", Err((Rule::TargetForm, 0))),
            (Get, "https://example.org/", Err((Rule::TargetForm, 0))),
            (Get, "http://", Err((Rule::TargetForm, 7))),
            (Get, "http://user@host/", Err((Rule::TargetForm, 7))),
            (Get, "http://host:65536/", Err((Rule::TargetForm, 7))),
            (Get, "http://host/a b", Err((Rule::TargetByte, 13))),
            (Get, "http://host#a", Err((Rule::TargetByte, 11))),
            (Get, "http://host?a%", Ok("http://host/?a%")),
            (Get, "http://host/a%?b", Err((Rule::Percent, 13))),
            (Connect, "/", Err((Rule::TargetForm, 0))),
            (Connect, "example.org", Err((Rule::TargetForm, 0))),
            (Options, "**", Err((Rule::TargetForm, 0))),
            (Get, "/a#b", Err((Rule::TargetByte, 2))),
            (Get, "/a\"b", Err((Rule::TargetByte, 2))),
            (Get, "/a\\b", Err((Rule::TargetByte, 2))),
            (Get, "/a<b", Err((Rule::TargetByte, 2))),
            (Get, "/a?b#c", Err((Rule::TargetByte, 4))),
            (Get, "/a?b\x7f", Err((Rule::TargetByte, 4))),
            (Get, "/a\0", Err((Rule::TargetByte, 2))),
            (Get, "/%zz", Err((Rule::Percent, 1))),
        ] {
            let name = format!("{method} {text}");
            assert_eq!(parse(method, text), want.map(str::to_owned), "{name}");
        }
    }

    #[test]
    fn bytes_that_are_no_utf8_are_refused() {
        for (text, at) in [(&b"/a\xFF"[..], 2), (b"/a?b=\xE9", 5), (b"/\xC0\xAE\xC0\xAE/", 1)] {
            let fault = Target::parse(&Method::Get, text).unwrap_err();
            assert_eq!((fault.rule, fault.offset), (Rule::TargetByte, at), "{text:?}");
        }
    }

    #[test]
    fn segments_are_decoded_after_the_split() {
        let parts: Vec<_> = segments("/a%2Fb//c%20d/").map(|part| part.into_owned()).collect();
        assert_eq!(parts, [&b"a/b"[..], b"", b"c d", b""]);
    }

    #[test]
    fn forms_are_decoded() {
        let pairs: Vec<_> = form_pairs("name=First+Last&e=a%40b.c&&flag").collect();
        let want = [("name", "First Last"), ("e", "a@b.c"), ("flag", "")];
        assert_eq!(pairs, want.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let odd = [("a b", "ü&=+%"), ("*-._~", ""), ("", "c")];
        let text = form_text(odd);
        assert_eq!(text, "a+b=%C3%BC%26%3D%2B%25&*-._%7E=&=c");
        assert!(
            form_pairs(&text)
                .map(|(name, value)| name + &value)
                .eq(odd.map(|(name, value)| name.to_owned() + value))
        );
    }

    #[test]
    fn authorities() {
        for text in ["a", "a:80", "127.0.0.1", "[::1]", "[::1]:80", "a:", "x_y.z"] {
            assert!(Authority::parse(text.as_bytes()).is_some(), "{text}");
        }
        for text in [
            "", ":80", "a:b", "a:+80", "a:80:90", "[::1", "[zz]", "[::1]x", "a b", "u@a", "a/b",
            "%zz", "::1",
        ] {
            assert!(Authority::parse(text.as_bytes()).is_none(), "{text}");
        }
    }
}
