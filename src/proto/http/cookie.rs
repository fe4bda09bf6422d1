//! Cookies (RFC 6265), on the side of the server: `Cookie` is read, `Set-Cookie` is written.
//!
//! ```text
//! Set-Cookie: session=31d4d96e407aad42; Path=/; HttpOnly; SameSite=Lax
//! Cookie: session=31d4d96e407aad42; theme=dark
//! ```
//! A server gets the name and the value back, and none of the attributes: it cannot see whether a cookie was
//! sent over TLS, or which host set it. A value is what the client says; one that must not be forged is
//! random, or signed.
//!
//! A `Cookie` is read as most servers read it, because other programs of the same site set cookies, too: each
//! pair that can be understood counts. A `Set-Cookie` is written only if browsers keep it: a browser drops a
//! cookie that breaks a rule, and the server does not learn about it.

use std::fmt::Write as _;
use std::time::Duration;

use super::chars::{COOKIE_OCTET, TCHAR, trim_ows};
use super::headers::Headers;

/// The longest name and value together that browsers keep, in bytes (RFC 6265bis, 5.7).
const LONGEST: usize = 4096;

/// The longest path or domain that browsers take, in bytes (RFC 6265bis, 5.6).
const LONGEST_ATTRIBUTE: usize = 1024;

/// Returns the names and values in a `Cookie` field, in order (RFC 6265, 4.2.1): the cookie with the longest
/// path is the first of its name.
///
/// Blanks around names and values are removed, and so are quotes around a whole value, as Go, Python and the
/// `cookie` package of Node do. A pair without `=`, without a name, or with bytes that are no UTF-8 is left
/// out. Nothing is decoded: a `%20` stays as it is.
///
/// ```
/// use threadbare::proto::http::cookie::cookies;
///
/// let pairs: Vec<_> = cookies("session=31d4; theme=\"dark\"; broken").collect();
/// assert_eq!(pairs, [("session", "31d4"), ("theme", "dark")]);
/// ```
pub fn cookies(field: &(impl AsRef<[u8]> + ?Sized)) -> impl Iterator<Item = (&str, &str)> {
    field.as_ref().split(|&byte| byte == b';').filter_map(|pair| {
        let (name, value) = str::from_utf8(trim_ows(pair)).ok()?.split_once('=')?;
        let (name, value) = (name.trim_end_matches(BLANKS), value.trim_start_matches(BLANKS));
        let unquoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
        (!name.is_empty()).then_some((name, unquoted.unwrap_or(value)))
    })
}

/// `OWS = *( SP / HTAB )` (RFC 9110, 5.6.3): other blanks of Unicode belong to the value.
const BLANKS: [char; 2] = [' ', '\t'];

/// Returns the value of the first cookie of this name, over all `Cookie` fields of a request. Names are
/// compared exactly: `Session` is not `session`.
pub fn cookie<'h>(headers: &'h Headers, name: &str) -> Option<&'h str> {
    let mut pairs = headers.all("cookie").flat_map(cookies);
    pairs.find(|&(held, _)| held == name).map(|(_, value)| value)
}

/// Which requests of other sites carry the cookie (RFC 6265bis, 4.1.2.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SameSite {
    /// None: not even a link from another site.
    Strict,
    /// Links from other sites, but no forms, images and scripts.
    Lax,
    /// All of them. Browsers keep such a cookie only if it is [`Secure`](SetCookie::secure).
    None,
}

impl SameSite {
    const fn name(self) -> &'static str {
        match self {
            SameSite::Strict => "Strict",
            SameSite::Lax => "Lax",
            SameSite::None => "None",
        }
    }
}

/// A cookie for a client: one `Set-Cookie` field (RFC 6265, 4.1).
///
/// By default the cookie is for the whole host (`Path=/`), not visible to scripts (`HttpOnly`), not sent with
/// forms and scripts of other sites (`SameSite=Lax`), and kept until the browser closes. It is not `Secure`,
/// because this server is often reached without TLS, and a browser drops a `Secure` cookie that comes over
/// plain HTTP; call [`SetCookie::secure`] behind a proxy with TLS.
///
/// ```
/// use std::time::Duration;
/// use threadbare::proto::http::cookie::SetCookie;
///
/// let day = Duration::from_secs(24 * 60 * 60);
/// let cookie = SetCookie::new("session", "31d4d96e").max_age(day).secure();
/// assert_eq!(
///     cookie.encode().unwrap(),
///     "session=31d4d96e; Path=/; Max-Age=86400; Secure; HttpOnly; SameSite=Lax"
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetCookie {
    name: String,
    value: String,
    path: String,
    domain: Option<String>,
    max_age: Option<Duration>,
    secure: bool,
    http_only: bool,
    same_site: SameSite,
}

impl SetCookie {
    /// Returns a cookie with the defaults. The name is a token, the value has no blank, quote, comma,
    /// semicolon, backslash, control or byte beyond ASCII: [`SetCookie::encode`] checks both. A text with
    /// such bytes has to be encoded, for example in Base64 or with `%20`.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> SetCookie {
        SetCookie {
            name: name.into(),
            value: value.into(),
            path: "/".to_owned(),
            domain: None,
            max_age: None,
            secure: false,
            http_only: true,
            same_site: SameSite::Lax,
        }
    }

    /// Returns the cookie that removes another one: empty, with `Max-Age=0`. Its path and domain must be those
    /// of the other.
    pub fn removal(name: impl Into<String>) -> SetCookie {
        SetCookie::new(name, "").max_age(Duration::ZERO)
    }

    /// Sets the path: the browser sends the cookie to it and to all below it. Not a protection: a page at
    /// another path of the same host can get at it.
    pub fn path(mut self, path: impl Into<String>) -> SetCookie {
        self.path = path.into();
        self
    }

    /// Sets the domain: the browser sends the cookie to that host and all its subdomains. Without a domain,
    /// it sends the cookie to the host that set it only.
    pub fn domain(mut self, domain: impl Into<String>) -> SetCookie {
        self.domain = Some(domain.into());
        self
    }

    /// Sets how long the browser keeps the cookie, in whole seconds, rounded up; zero removes it. Without
    /// this it keeps the cookie until it closes. Browsers keep none for more than 400 days.
    pub fn max_age(mut self, age: Duration) -> SetCookie {
        self.max_age = Some(age);
        self
    }

    /// Has the cookie sent over TLS only.
    pub fn secure(mut self) -> SetCookie {
        self.secure = true;
        self
    }

    /// Sets whether the cookie is hidden from scripts; true by default.
    pub fn http_only(mut self, hidden: bool) -> SetCookie {
        self.http_only = hidden;
        self
    }

    /// Sets which requests of other sites carry the cookie.
    pub fn same_site(mut self, same_site: SameSite) -> SetCookie {
        self.same_site = same_site;
        self
    }

    /// Returns the value of the field `Set-Cookie`.
    ///
    /// # Errors
    /// When a browser would drop the cookie, or take it for another one: the first rule that it breaks.
    pub fn encode(&self) -> Result<String, InvalidCookie> {
        if let Some(rule) = self.broken_rule() {
            return Err(InvalidCookie { name: self.name.clone(), rule });
        }
        let mut field = format!("{}={}; Path={}", self.name, self.value, self.path);
        if let Some(domain) = &self.domain {
            field += "; Domain=";
            field += domain;
        }
        if let Some(age) = self.max_age {
            let seconds = age.as_secs().saturating_add(u64::from(age.subsec_nanos() > 0));
            // Programs read it as a number of 64 bits with a sign.
            let seconds = seconds.min(i64::MAX.unsigned_abs());
            write!(field, "; Max-Age={seconds}").expect("a string takes all");
        }
        if self.secure {
            field += "; Secure";
        }
        if self.http_only {
            field += "; HttpOnly";
        }
        field += "; SameSite=";
        field += self.same_site.name();
        Ok(field)
    }

    fn broken_rule(&self) -> Option<CookieRule> {
        let has_prefix = |prefix: &str| {
            let start = self.name.get(..prefix.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        let for_one_host = self.secure && self.domain.is_none() && self.path == "/";
        let none_is_open = self.same_site == SameSite::None && !self.secure;
        let is_attribute = |text: &str| text.len() <= LONGEST_ATTRIBUTE;
        let is_path = self.path.starts_with('/')
            && is_attribute(&self.path)
            && self.path.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b';');
        let is_domain = |domain: &str| {
            let has = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
            is_attribute(domain)
                && domain.bytes().all(has)
                && domain.starts_with(|first: char| first != '.')
        };
        let broken = [
            (self.name.is_empty() || !TCHAR.has_all(&self.name), CookieRule::Name),
            (!COOKIE_OCTET.has_all(&self.value), CookieRule::Value),
            (self.name.len() + self.value.len() > LONGEST, CookieRule::TooLong),
            (!is_path, CookieRule::Path),
            (!self.domain.as_deref().is_none_or(is_domain), CookieRule::Domain),
            (has_prefix("__Secure-") && !self.secure, CookieRule::SecurePrefix),
            (has_prefix("__Host-") && !for_one_host, CookieRule::HostPrefix),
            (none_is_open, CookieRule::SameSiteNone),
        ];
        broken.into_iter().find_map(|(is_broken, rule)| is_broken.then_some(rule))
    }
}

/// The error of a cookie that a browser would drop, or take for another one.
///
/// It contains no value, which may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidCookie {
    /// The name as it was given.
    pub name: String,
    /// Which rule it breaks.
    pub rule: CookieRule,
}

/// A rule for cookies that are set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CookieRule {
    /// The name is a token.
    Name,
    /// The value has cookie-octets only.
    Value,
    /// The name and the value together have at most 4,096 bytes.
    TooLong,
    /// The path begins with a slash, has no semicolon and no control, and at most 1,024 bytes.
    Path,
    /// The domain is a host name of at most 1,024 bytes.
    Domain,
    /// A name that begins with `__Secure-` is for TLS only.
    SecurePrefix,
    /// A name that begins with `__Host-` is for TLS, one host, and all its paths.
    HostPrefix,
    /// `SameSite=None` is for TLS only.
    SameSiteNone,
}

impl CookieRule {
    /// Returns the section of the rule, what is wrong, and what is right.
    const fn texts(self) -> [&'static str; 3] {
        match self {
            CookieRule::Name => [
                "RFC 6265, 4.1.1",
                "the name is empty or has a character that is not allowed; allowed are letters, digits and !#$%&'*+-.^_`|~",
                "session",
            ],
            CookieRule::Value => [
                "RFC 6265, 4.1.1",
                "the value has a blank, a quote, a comma, a semicolon, a backslash, a control or a byte beyond ASCII",
                "31d4d96e407aad42; other text in Base64, or percent-encoded",
            ],
            CookieRule::TooLong => [
                "RFC 6265bis, 5.7",
                "the name and the value together have more than 4096 bytes, and browsers drop such a cookie",
                "a short key as the value, and the data on the server",
            ],
            CookieRule::Path => [
                "RFC 6265, 4.1.1",
                "the path does not begin with a slash, has a semicolon or a byte that is not visible ASCII, or more than 1024 bytes",
                "Path=/",
            ],
            CookieRule::Domain => [
                "RFC 6265, 4.1.1",
                "the domain is not a host name",
                "Domain=example.org, without a dot at its start, a scheme and a port",
            ],
            CookieRule::SecurePrefix => [
                "RFC 6265bis, 4.1.3.1",
                "the name begins with __Secure-, and the cookie is not Secure",
                "secure(), or another name",
            ],
            CookieRule::HostPrefix => [
                "RFC 6265bis, 4.1.3.2",
                "the name begins with __Host-, and the cookie is not Secure, has a Domain, or another Path than /",
                "secure(), Path=/ and no Domain, or another name",
            ],
            CookieRule::SameSiteNone => [
                "RFC 6265bis, 5.7",
                "SameSite=None without Secure, and browsers drop such a cookie",
                "secure(), or SameSite=Lax",
            ],
        }
    }
}

impl std::fmt::Display for InvalidCookie {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [section, what, right] = self.rule.texts();
        // A wrong name may be longer than a name, and have a value in it.
        let start = self.name.get(..TCHAR.prefix(self.name.as_bytes()).min(40)).unwrap_or_default();
        let more = if start.len() < self.name.len() { "..." } else { "" };
        write!(f, "cookie {start:?}{more}: {what} ({section}); right: {right}")
    }
}

impl std::error::Error for InvalidCookie {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_sends() {
        for (field, want) in [
            ("", &[][..]),
            ("a=b", &[("a", "b")]),
            ("a=b; c=d", &[("a", "b"), ("c", "d")]),
            ("a=b;c=d", &[("a", "b"), ("c", "d")]),
            (" a = b ;\tc\t=\td ", &[("a", "b"), ("c", "d")]),
            ("a=1; a=2", &[("a", "1"), ("a", "2")]),
            ("A=1; a=2", &[("A", "1"), ("a", "2")]),
            ("a=", &[("a", "")]),
            ("a==b=", &[("a", "=b=")]),
            ("a; =b; ;; c=d;", &[("c", "d")]),
            ("a=\"b c\"", &[("a", "b c")]),
            ("a=\"\"", &[("a", "")]),
            ("a=\"", &[("a", "\"")]),
            ("a=\"b", &[("a", "\"b")]),
            ("a=b\"c\"", &[("a", "b\"c\"")]),
            // A semicolon ends a pair, in quotes, too (RFC 6265, 4.2.1): a value cannot swallow the next one.
            ("a=\"b; c=d\"", &[("a", "\"b"), ("c", "d\"")]),
            ("a=b, c=d", &[("a", "b, c=d")]),
            ("a=%22%3B", &[("a", "%22%3B")]),
            ("$Version=1; a=b", &[("$Version", "1"), ("a", "b")]),
            ("a=\u{e9}; \u{a0}b=c", &[("a", "\u{e9}"), ("\u{a0}b", "c")]),
        ] {
            assert_eq!(cookies(field).collect::<Vec<_>>(), want, "{field:?}");
        }
        let bytes: &[u8] = b"a=\xFF; b=c";
        assert_eq!(cookies(bytes).collect::<Vec<_>>(), [("b", "c")], "the others count");
    }

    #[test]
    fn one_cookie_of_a_request() {
        let mut headers = Headers::new();
        headers.append("Cookie", "a=1; b=2").unwrap();
        headers.append("cookie", "b=3; c=4").unwrap();
        for (name, want) in [("a", Some("1")), ("b", Some("2")), ("c", Some("4")), ("C", None)] {
            assert_eq!(cookie(&headers, name), want, "{name}");
        }
        assert_eq!(cookie(&Headers::new(), "a"), None);
    }

    #[test]
    fn what_is_set() {
        let new = SetCookie::new;
        let day = Duration::from_secs(86_400);
        for (cookie, want) in [
            (new("a", "b"), "a=b; Path=/; HttpOnly; SameSite=Lax"),
            (new("a", ""), "a=; Path=/; HttpOnly; SameSite=Lax"),
            (
                new("a", "!#$%&'()*+-./:<=>?@[]^_`{|}~"),
                "a=!#$%&'()*+-./:<=>?@[]^_`{|}~; Path=/; HttpOnly; SameSite=Lax",
            ),
            (SetCookie::removal("a"), "a=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"),
            (new("a", "b").path("/x y"), "a=b; Path=/x y; HttpOnly; SameSite=Lax"),
            (
                new("a", "b").domain("example.org"),
                "a=b; Path=/; Domain=example.org; HttpOnly; SameSite=Lax",
            ),
            (new("a", "b").max_age(day), "a=b; Path=/; Max-Age=86400; HttpOnly; SameSite=Lax"),
            (
                new("a", "b").max_age(Duration::from_nanos(1)),
                "a=b; Path=/; Max-Age=1; HttpOnly; SameSite=Lax",
            ),
            (
                new("a", "b").max_age(Duration::MAX),
                "a=b; Path=/; Max-Age=9223372036854775807; HttpOnly; SameSite=Lax",
            ),
            (new("a", "b").http_only(false), "a=b; Path=/; SameSite=Lax"),
            (new("a", "b").same_site(SameSite::Strict), "a=b; Path=/; HttpOnly; SameSite=Strict"),
            (
                new("a", "b").same_site(SameSite::None).secure(),
                "a=b; Path=/; Secure; HttpOnly; SameSite=None",
            ),
            (
                new("__Secure-a", "b").path("/x").secure(),
                "__Secure-a=b; Path=/x; Secure; HttpOnly; SameSite=Lax",
            ),
            (new("__Host-a", "b").secure(), "__Host-a=b; Path=/; Secure; HttpOnly; SameSite=Lax"),
        ] {
            assert_eq!(cookie.encode().as_deref(), Ok(want));
            let mut headers = Headers::new();
            headers.append("Set-Cookie", want).unwrap();
        }
    }

    #[test]
    fn what_is_not_set() {
        use CookieRule::*;
        let new = SetCookie::new;
        let long = "x".repeat(LONGEST);
        for (cookie, want) in [
            (new("", "b"), Name),
            (new("a b", "c"), Name),
            (new("a=b", "c"), Name),
            (new("a;", "c"), Name),
            (new("\u{e9}", "c"), Name),
            (new("a", "b c"), Value),
            (new("a", "b;c"), Value),
            (new("a", "b,c"), Value),
            (new("a", "\"b\""), Value),
            (new("a", "b\\c"), Value),
            (new("a", "b\r\nX: c"), Value),
            (new("a", "\u{e9}"), Value),
            (new("a", "\x7F"), Value),
            (new("a", &long), TooLong),
            (new("a", "b").path(""), Path),
            (new("a", "b").path("x"), Path),
            (new("a", "b").path("/x;HttpOnly"), Path),
            (new("a", "b").path("/\r\n"), Path),
            (new("a", "b").path(format!("/{long}")), Path),
            (new("a", "b").domain(""), Domain),
            (new("a", "b").domain(".example.org"), Domain),
            (new("a", "b").domain("example.org:80"), Domain),
            (new("a", "b").domain("a; Secure"), Domain),
            (new("__Secure-a", "b"), SecurePrefix),
            (new("__secure-a", "b"), SecurePrefix),
            (new("__Host-a", "b"), HostPrefix),
            (new("__HOST-a", "b").secure().path("/x"), HostPrefix),
            (new("__Host-a", "b").secure().domain("example.org"), HostPrefix),
            (new("a", "b").same_site(SameSite::None), SameSiteNone),
        ] {
            let error = cookie.encode().unwrap_err();
            assert_eq!(error.rule, want, "{cookie:?}");
            let text = error.to_string();
            assert!(text.contains("(RFC 6265") && text.contains("; right: "), "{text}");
            assert!(text.len() < 300 && !text.chars().any(char::is_control), "{text}");
        }
        let longest = "x".repeat(LONGEST - 1);
        assert!(SetCookie::new("a", longest).encode().is_ok());
    }

    #[test]
    fn an_error_shows_no_value() {
        let error = SetCookie::new("session=31d4", "").encode().unwrap_err();
        assert!(error.to_string().starts_with("cookie \"session\"...: the name"), "{error}");
        let error = SetCookie::new("session", "hunter2 ").encode().unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn what_is_set_comes_back() {
        let value: String =
            (0..=255).filter(|&byte| COOKIE_OCTET.has(byte)).map(char::from).collect();
        let field = SetCookie::new("a", &*value).encode().unwrap();
        let (pair, _) = field.split_once("; ").unwrap();
        assert_eq!(cookies(pair).collect::<Vec<_>>(), [("a", &*value)]);
    }
}
