//! Addresses as people type them: `http://host:port/path?query` (RFC 3986; RFC 9110, 4.2.1), and
//! the short forms `host/path` and `:8080/path`.
//!
//! Lenient, because people type them: spaces and other bytes that a target may not have are
//! percent-encoded, a fragment stays here and is never sent. Strict where it matters: the host, and
//! control bytes anywhere.

use std::borrow::Cow;

use super::chars::{PATH, QUERY, first_bad_percent, percent_encode};
use super::target::{Authority, PathAndQuery};

/// The URL of a request: where to connect, and what to request there.
///
/// ```
/// use threadbare::client::Url;
///
/// let url = Url::parse("http://example.org:8080/notes?limit=10")?;
/// assert_eq!((url.host(), url.port()), ("example.org", 8080));
/// assert_eq!(url.path.query(), Some("limit=10"));
/// # Ok::<(), threadbare::client::UrlError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// The host and port as written; what the `Host` field says.
    pub authority: Authority,
    /// What to request.
    pub path: PathAndQuery,
    /// What follows the `#`, as written. It is never sent: it names a part of the response
    /// (RFC 3986, 3.5).
    pub fragment: Option<Box<str>>,
    /// The host with its zone, `fe80::1%eth0`, if it has one.
    scoped_host: Option<Box<str>>,
}

/// Why a text is not a URL that can be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "Display says it")]
pub enum UrlError {
    /// A control byte (CR, LF, NUL and the like), at this byte of the text.
    Control(usize),
    Scheme(String),
    /// With a port that is not a number left out: it may be part of a password.
    Host(String),
    UserInfo,
    Path(String),
}

impl std::fmt::Display for UrlError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            UrlError::Control(at) => write!(
                f,
                "the URL contains a control byte, such as a line end, at byte {at} (RFC 3986, 2); right: \
                 the byte percent-encoded, such as %0A"
            ),
            UrlError::Scheme(scheme) => {
                write!(f, "{scheme:?} is not a supported protocol; right: http://example.org/")
            }
            UrlError::Host(host) if !host.is_ascii() => write!(
                f,
                "{host:?} is not an ASCII host name; right: its xn-- form (RFC 5891)"
            ),
            UrlError::Host(host) => {
                write!(f, "{host:?} is not a host and port; right: example.org, 127.0.0.1:8080, [::1]:8080")
            }
            UrlError::UserInfo => f.write_str(
                "user:password@ in a URL is not supported here (RFC 9110, 4.2.4); right: the login apart from it",
            ),
            UrlError::Path(path) => write!(f, "{path:?} is not a path; right: /path?query"),
        }
    }
}

impl std::error::Error for UrlError {}

impl Url {
    /// Reads a URL. Without a scheme it is http; without a host it is localhost.
    ///
    /// # Errors
    /// [`UrlError`] says which part is wrong.
    pub fn parse(text: &str) -> Result<Url, UrlError> {
        // A control byte is a mistake: encoded, it names a resource that the user did not mean; sent as
        // it is, it ends the request line (curl: exit 3).
        if let Some(at) = text.bytes().position(|byte| byte.is_ascii_control()) {
            return Err(UrlError::Control(at));
        }
        let rest = match split_scheme(text) {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
            Some((scheme, _)) => return Err(UrlError::Scheme(scheme.to_owned())),
            None => text,
        };
        let (rest, fragment) = match rest.split_once('#') {
            Some((before, fragment)) => (before, Some(fragment.into())),
            None => (rest, None),
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.contains('@') {
            return Err(UrlError::UserInfo);
        }
        let (spelled, scoped_host) = match authority {
            port if port.starts_with(':') => (format!("localhost{port}"), None),
            _ => without_zone(authority),
        };
        let authority = Authority::parse(spelled.as_bytes())
            .filter(|authority| authority.port != Some(0))
            .ok_or_else(|| UrlError::Host(without_secret(authority, text)))?;
        Ok(Url { authority, path: encode_path(path)?, fragment, scoped_host })
    }

    /// Returns the port to connect to: the written one, or 80.
    pub fn port(&self) -> u16 {
        self.authority.port.unwrap_or(80)
    }

    /// Returns true if both have the same host and port (RFC 9110, 4.3.1).
    pub fn has_origin_of(&self, other: &Url) -> bool {
        self.authority.host == other.authority.host
            && self.port() == other.port()
            && self.scoped_host == other.scoped_host
    }

    /// Returns the host to connect to: as [`Url::host`], with the zone of an IPv6 address behind a `%`.
    pub fn host_with_zone(&self) -> &str {
        self.scoped_host.as_deref().unwrap_or_else(|| self.host())
    }

    /// Keeps the zone of a page for a link to the same host.
    pub(super) fn keep_zone_of(&mut self, page: &Url) {
        if self.authority.host == page.authority.host {
            self.scoped_host = page.scoped_host.clone();
        }
    }

    /// Returns the host to look up, without the brackets of an IPv6 address.
    pub fn host(&self) -> &str {
        let host = &self.authority.host;
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
    }
}

/// Takes the zone out of an IPv6 address: `[fe80::1%25eth0]` (RFC 6874), or `[fe80::1%eth0]` as people type it. It is
/// for this machine only. Returns the rest, and the address with its zone.
fn without_zone(authority: &str) -> (String, Option<Box<str>>) {
    let is_zone = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let split = || {
        let (inside, behind) = authority.strip_prefix('[')?.split_once(']')?;
        let (address, zone) = inside.split_once('%')?;
        let zone = zone.strip_prefix("25").filter(|zone| !zone.is_empty()).unwrap_or(zone);
        let is_right = !zone.is_empty() && zone.bytes().all(is_zone);
        is_right.then(|| (format!("[{address}]{behind}"), Some(format!("{address}%{zone}").into())))
    };
    split().unwrap_or_else(|| (authority.to_owned(), None))
}

/// Returns where the user and password stand in the authority of a URL, without their `@` (RFC 3986, 3.2.1).
/// The URL may be of any scheme.
pub fn userinfo(typed: &[u8]) -> Option<std::ops::Range<usize>> {
    // One slash is enough, as in [`split_scheme`].
    let begin = typed.windows(2).position(|bytes| bytes == b":/").map_or(0, |at| at + 2);
    let begin = begin + usize::from(begin > 0 && typed[begin..].starts_with(b"/"));
    let authority = typed[begin..].split(|byte| b"/?#".contains(byte)).next()?;
    authority.iter().rposition(|&byte| byte == b'@').map(|end| begin..begin + end)
}

impl std::fmt::Display for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "http://{}{}", self.authority, self.path)?;
        self.fragment.as_ref().map_or(Ok(()), |fragment| write!(f, "#{fragment}"))
    }
}

/// Percent-encodes what may not stand in a target; encodings that are there already stay.
fn encode_path(typed: &str) -> Result<PathAndQuery, UrlError> {
    let (path, query) =
        typed.split_once('?').map_or((typed, None), |(path, query)| (path, Some(query)));
    let keep_encoded = |part: &str, class| {
        let encoded: Vec<String> =
            part.split('%').map(|piece| percent_encode(piece.as_bytes(), class)).collect();
        let joined = encoded.join("%");
        if first_bad_percent(joined.as_bytes()).is_none() {
            joined
        } else {
            percent_encode(part.as_bytes(), class)
        }
    };
    let mut text = if path.is_empty() { "/".to_owned() } else { keep_encoded(path, &PATH) };
    if let Some(query) = query {
        text.push('?');
        text.push_str(&keep_encoded(query, &QUERY));
    }
    PathAndQuery::parse(text.as_bytes()).map_err(|_| UrlError::Path(typed.to_owned()))
}

/// Returns true for `scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )` (RFC 3986, 3.1).
pub fn is_scheme(text: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.bytes().all(letters)
}

/// Returns the scheme of an address as people type it, and what follows its slashes. One slash is enough, as
/// with curl: a host called `http`, with an empty port, is not what `http:/example.org/` means.
pub fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(":/")?;
    is_scheme(scheme).then_some((scheme, rest.strip_prefix('/').unwrap_or(rest)))
}

/// Returns a wrong host and port of the address `text`, to be shown. In `http://user:secret/x@host` they are
/// a user and a part of a password.
fn without_secret(authority: &str, text: &str) -> String {
    match authority.split_once(':') {
        Some((host, port))
            if text.contains('@') || !port.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            format!("{host}:...")
        }
        _ => authority.to_owned(),
    }
}

/// Returns an address that [`Url::parse`] may have refused, without the user and the password that may be in
/// it: without all that is before its last `@`, except the scheme; without a port that is no number.
pub fn without_user(text: &str) -> Cow<'_, str> {
    let (scheme, rest) = match split_scheme(text) {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), text),
    };
    if Url::parse(text).is_ok() {
        return Cow::Borrowed(text);
    }
    match rest.rsplit_once('@') {
        Some((_, host)) => Cow::Owned(scheme + host),
        None => {
            let (place, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
            Cow::Owned(scheme + &without_secret(place, text) + path)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type() {
        for (typed, want) in [
            ("http://example.org", "http://example.org/"),
            ("HTTP://Example.ORG:8080/A?b=c#frag", "http://example.org:8080/A?b=c#frag"),
            ("http:/example.org/x", "http://example.org/x"),
            ("HTTP:/a:81", "http://a:81/"),
            ("http:8080/x", "http://http:8080/x"),
            ("127.0.0.1:/x", "http://127.0.0.1/x"),
            ("example.org/x", "http://example.org/x"),
            ("127.0.0.1:8080", "http://127.0.0.1:8080/"),
            (":8080/x", "http://localhost:8080/x"),
            ("[::1]:8080/x", "http://[::1]:8080/x"),
            ("host?q=1", "http://host/?q=1"),
            ("host/a b/ü?q=ü %", "http://host/a%20b/%C3%BC?q=%C3%BC%20%25"),
            ("host/100%", "http://host/100%25"),
            ("host/a%20b", "http://host/a%20b"),
            ("host/x?next=http://other/", "http://host/x?next=http://other/"),
        ] {
            assert_eq!(
                Url::parse(typed).map(|url| url.to_string()),
                Ok(want.to_owned()),
                "{typed}"
            );
        }
        assert_eq!(Url::parse("[::1]:8080").unwrap().host(), "::1");
        assert_eq!(Url::parse("a:").unwrap().port(), 80);
    }

    #[test]
    fn zones_are_for_this_machine_only() {
        for (typed, host, with_zone) in [
            ("http://[fe80::1%25eth0]:81/x", "fe80::1", "fe80::1%eth0"),
            ("[fe80::1%lo]", "fe80::1", "fe80::1%lo"),
            ("[FE80::1%252]", "fe80::1", "FE80::1%2"),
            ("[fe80::1%25]", "fe80::1", "fe80::1%25"),
            ("[::1]", "::1", "::1"),
        ] {
            let url = Url::parse(typed).unwrap();
            assert_eq!((url.host(), url.host_with_zone()), (host, with_zone), "{typed}");
            assert!(!url.to_string().contains('%'), "{url}");
        }
        for wrong in ["[fe80::1%]", "[fe80::1%a/b]", "[fe80::1%a%b]", "[x%lo]", "127.0.0.1%lo"] {
            assert!(Url::parse(wrong).is_err(), "{wrong}");
        }
        let page = Url::parse("[fe80::1%lo]:81/x").unwrap();
        assert_eq!(page.resolve(b"/y").unwrap().host_with_zone(), "fe80::1%lo");
        assert_eq!(page.resolve(b"http://[fe80::2]/").unwrap().host_with_zone(), "fe80::2");
        assert!(
            page.resolve(b"http://[fe80::2%lo]/").unwrap().host_with_zone().contains("fe80::2")
        );
    }

    #[test]
    fn where_a_password_stands() {
        for (typed, want) in [
            ("http://ada:secret@h/", Some("ada:secret")),
            ("ada:secret@h:80?q", Some("ada:secret")),
            ("https://a:b@c@h#f", Some("a:b@c")),
            ("http://h/a@b", None),
            ("h?a@b", None),
            ("", None),
        ] {
            let found = userinfo(typed.as_bytes()).map(|at| typed.get(at).unwrap());
            assert_eq!(found, want, "{typed}");
        }
    }

    #[test]
    fn what_cannot_be_fetched() {
        assert_eq!(Url::parse("ftp://a/"), Err(UrlError::Scheme("ftp".to_owned())));
        assert_eq!(Url::parse("https://a/"), Err(UrlError::Scheme("https".to_owned())));
        assert_eq!(Url::parse("https:/a/"), Err(UrlError::Scheme("https".to_owned())));
        assert_eq!(Url::parse("http://u:p@a/"), Err(UrlError::UserInfo));
        assert_eq!(Url::parse("http:/u:p@a/"), Err(UrlError::UserInfo));
        for (typed, at) in [("a\r\nb", 1), ("a/\0", 2), ("http://a/b?\tc", 11), ("a/#\x7f", 3)] {
            assert_eq!(Url::parse(typed), Err(UrlError::Control(at)), "{typed:?}");
        }
        assert!(Url::parse("ü").unwrap_err().to_string().contains("xn--"));
        for typed in [
            "",
            "http://",
            "http:/",
            "http:///x",
            "a b",
            ":x",
            ":0",
            "a:99999",
            "ü",
            "[fe80::1%25]x",
        ] {
            assert!(matches!(Url::parse(typed), Err(UrlError::Host(_))), "{typed:?}");
        }
        for (typed, shown) in [
            ("a:99999", "a:99999"),
            ("a b", "a b"),
            ("u:secret", "u:..."),
            ("http://u:secret#w@h/", "u:..."),
            ("http://u:secret/w@h/", "u:..."),
            ("http://u:123456#w@h/", "u:..."),
            ("u:secret://h", "u:..."),
        ] {
            assert_eq!(Url::parse(typed), Err(UrlError::Host(shown.to_owned())), "{typed:?}");
        }
    }

    #[test]
    fn an_address_is_shown_without_its_password() {
        for (typed, shown) in [
            ("http://u:secret@h:1/x", "http://h:1/x"),
            ("u:secret@h", "h"),
            ("https://u:secret@h/", "https://h/"),
            ("http://u:secret/w@h/", "http://h/"),
            ("http://h/@x", "http://h/@x"),
            ("http://h:99999/x", "http://h:99999/x"),
            ("u:secret", "u:..."),
            ("u:secret://h", "u:...//h"),
            ("http://u:secret/x", "http://u:.../x"),
        ] {
            assert_eq!(without_user(typed), shown);
        }
    }
}
