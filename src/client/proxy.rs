//! A proxy for http, and the hosts that are reached without it.
//!
//! A request to a proxy differs in three places: the target is the whole URL (absolute-form, RFC 9112,
//! 3.2.2), `Proxy-Authorization` carries the credentials (RFC 9110, 11.7.2), and a default field
//! `Proxy-Connection` is sent to proxies only. Host stays the server's. Not supported: tunnels (CONNECT),
//! which https would need, https to the proxy itself, SOCKS.

use std::net::IpAddr;

use crate::proto::http::basic::basic;
use crate::proto::http::chars::{UNRESERVED, percent_decode, percent_encode};
use crate::proto::http::head::RequestHead;
use crate::proto::http::headers::{Headers, InvalidField};
use crate::proto::http::target::{Authority, Target};
use crate::proto::http::url::{Url, split_scheme};

/// A proxy that forwards requests: its address, and perhaps a user and a password.
///
/// [`Client::proxy`](super::Client::proxy) sets one for all hosts; with [`NoProxy`] some are reached without it:
///
/// ```
/// use threadbare::client::{Client, Config, ConnectOptions, ConnectVia, NoProxy, Proxy};
///
/// let proxy = Proxy::parse("http://ada:secret@proxy.example:3128");
/// let via = ConnectVia::Proxy(proxy, NoProxy::parse("localhost, .example.org"));
/// let connect = ConnectOptions { via, ..ConnectOptions::default() };
/// let client = Client::with_config(Config { connect, ..Config::default() });
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    authority: Authority,
    /// The credentials, `user:password`.
    user: Option<Vec<u8>>,
    /// The fields that only the proxy gets.
    fields: Vec<(String, Vec<u8>)>,
    /// The names of default fields that it does not get.
    removed: Vec<String>,
}

/// The port of a proxy without one, as with curl.
const PORT: u16 = 1080;

/// Why a proxy cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProxyError {
    /// The text is not the address of a proxy. It is not kept here: a password can be in any part of it.
    Address,
    /// The credentials have a control byte, which Basic cannot carry (RFC 7617, 2).
    Credentials,
    /// The proxy speaks another protocol, `socks5` for example.
    Scheme(String),
    /// A [`ConnectTo`](super::ConnectTo) applies to this host, which through a proxy needs a tunnel.
    Tunnel(String),
}

impl Proxy {
    /// Reads `[http://][user[:password]@]host[:port]`, and ignores a path. User and password are
    /// percent-decoded. The default port is 1080, as with curl.
    ///
    /// # Errors
    /// [`ProxyError::Address`], [`ProxyError::Scheme`], [`ProxyError::Credentials`].
    pub fn parse(text: &str) -> Result<Proxy, ProxyError> {
        let rest = match split_scheme(text) {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
            Some((scheme, _)) => return Err(ProxyError::Scheme(scheme.to_owned())),
            None => text,
        };
        let (rest, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (user, place) = match rest.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, rest),
        };
        // An @ behind it: what looks like a host and a path is a user and a password.
        if path.contains('@') || user.is_some_and(|user| user.contains('@')) {
            return Err(ProxyError::Address);
        }
        let authority = Authority::parse(place.as_bytes());
        let authority = authority.filter(|it| it.port != Some(0)).ok_or(ProxyError::Address)?;
        let user = user.map(|user| decoded(user).ok_or(ProxyError::Credentials)).transpose()?;
        Ok(Proxy { authority, user, fields: Vec::new(), removed: Vec::new() })
    }

    /// Sets the credentials, a percent-encoded `user:password`, unless the proxy's address has some.
    ///
    /// # Errors
    /// [`ProxyError::Credentials`].
    pub fn with_user(self, user: &str) -> Result<Proxy, ProxyError> {
        let user = decoded(user).ok_or(ProxyError::Credentials)?;
        Ok(Proxy { user: Some(self.user.unwrap_or(user)), ..self })
    }

    /// Adds a field that is sent to the proxy only, in place of a field of the request with this name.
    ///
    /// # Errors
    /// [`InvalidField`] when the name is not a token, or the value has a control byte.
    pub fn with_header(
        mut self,
        name: &str,
        value: impl AsRef<[u8]>,
    ) -> Result<Proxy, InvalidField> {
        Headers::new().append(name, value.as_ref())?;
        self.fields.push((name.to_owned(), value.as_ref().to_vec()));
        Ok(self.without_default(name))
    }

    /// Sends no field of this name to the proxy, except those that were added for it.
    pub fn without_default(mut self, name: &str) -> Proxy {
        self.removed.push(name.to_owned());
        self
    }

    /// Returns its host, without the brackets of an IPv6 address.
    pub fn host(&self) -> &str {
        let host = &self.authority.host;
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
    }

    /// Returns its port.
    pub fn port(&self) -> u16 {
        self.authority.port.unwrap_or(PORT)
    }

    /// Returns the credentials in the form that [`Proxy::with_user`] reads.
    pub fn encoded_user(&self) -> Option<String> {
        let parts = self.user.as_deref()?.splitn(2, |&byte| byte == b':');
        let parts: Vec<_> = parts.map(|part| percent_encode(part, &UNRESERVED)).collect();
        Some(parts.join(":"))
    }

    /// Rewrites the head of a request for this URL's server into one for the proxy. The caller's own
    /// `Proxy-Authorization`, if there is one, is the only one.
    pub(super) fn rewrite(&self, head: RequestHead, url: &Url) -> RequestHead {
        let mut headers = Headers::new();
        let is_host = |(name, _): &(&str, _)| name.eq_ignore_ascii_case("host");
        let own = !head.headers.has("proxy-authorization")
            && !self
                .fields
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case("proxy-authorization"));
        let credentials = self.user.as_deref().filter(|_| own).map(basic);
        let credentials = credentials.as_deref().map(str::as_bytes);
        let credentials = credentials.map(|value| ("Proxy-Authorization", value));
        let hosts = head.headers.iter().filter(is_host);
        let is_kept =
            |(name, _): &(&str, _)| !self.removed.iter().any(|it| it.eq_ignore_ascii_case(name));
        let others = head.headers.iter().filter(|field| !is_host(field) && is_kept(field));
        let others =
            others.chain(self.fields.iter().map(|(name, value)| (name.as_str(), value.as_slice())));
        let others = others.filter(|field| !is_host(field));
        for (name, value) in hosts.chain(credentials).chain(others) {
            headers.append(name, value).expect("it was a field before, or is base64");
        }
        let target = match head.target {
            Target::Origin(path) => Target::Absolute(url.authority.without_default_port(), path),
            other => other,
        };
        RequestHead { target, headers, ..head }
    }
}

/// Decodes `user:password`, or a user without one. Returns `None` for a control byte in it.
fn decoded(user: &str) -> Option<Vec<u8>> {
    let mut user = percent_decode(user).into_owned();
    if !user.contains(&b':') {
        user.push(b':');
    }
    (!user.iter().any(u8::is_ascii_control)).then_some(user)
}

/// Shows host and port, without the credentials.
impl std::fmt::Display for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "http://{}:{}", self.authority.host, self.port())
    }
}

/// As [`Display`](std::fmt::Display).
impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Proxy({self})")
    }
}

impl std::fmt::Display for ProxyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ProxyError::Address => f.write_str(
                "the proxy's address is not valid; right: http://user:password@proxy.example:3128, with \
                 %23 for #, %2F for / and %40 for @ in user and password",
            ),
            ProxyError::Credentials => f.write_str(
                "the user or the password of the proxy has a control byte (RFC 7617, 2); right: visible \
                 characters and spaces",
            ),
            ProxyError::Scheme(scheme) => {
                write!(f, "a {scheme:?} proxy is not supported; right: an http:// proxy")
            }
            ProxyError::Tunnel(host) => write!(
                f,
                "--connect-to for {host} through a proxy needs a tunnel (CONNECT), which is not \
                 supported; right: no proxy for this host"
            ),
        }
    }
}

impl std::error::Error for ProxyError {}

/// The hosts that are reached without the proxy: a list as in the environment variable `no_proxy`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoProxy(Vec<HostPattern>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum HostPattern {
    All,
    /// This name and every name that ends in it, after a dot.
    Domain(String),
    /// The addresses whose first bits are these.
    Network(IpAddr, u8),
}

impl NoProxy {
    /// Reads a list that is separated by commas or spaces. `*`, alone, is every host. `example.org`, or
    /// `.example.org`, is that name and those that end in `.example.org`. An address, or a network
    /// as `10.0.0.0/8`, matches hosts that are addresses themselves; no name is looked up. An item of
    /// another form matches no host and is not an error, because other programs read the same list; an
    /// item with a port is of that kind, as with curl.
    pub fn parse(list: &str) -> NoProxy {
        if list.trim() == "*" {
            return NoProxy(vec![HostPattern::All]);
        }
        let items = list.split(|char: char| char == ',' || char.is_ascii_whitespace());
        NoProxy(items.filter_map(host_pattern).collect())
    }

    /// Returns whether the list contains this host, a name or an address without brackets.
    pub fn contains(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        let address = host.parse::<IpAddr>().ok();
        self.0.iter().any(|pattern| match (pattern, address) {
            (HostPattern::All, _) => true,
            (HostPattern::Network(network, bits), Some(address)) => {
                has_prefix(address, *network, *bits)
            }
            (HostPattern::Domain(domain), None) => {
                let (start, end) = host
                    .split_at_checked(host.len().wrapping_sub(domain.len()))
                    .unwrap_or(("-", ""));
                end.eq_ignore_ascii_case(domain) && (start.is_empty() || start.ends_with('.'))
            }
            _ => false,
        })
    }
}

fn host_pattern(item: &str) -> Option<HostPattern> {
    let (address, bits) = match item.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (item, None),
    };
    let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(address);
    if let Ok(address) = bare.parse::<IpAddr>() {
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= most)?,
            None => most,
        };
        return Some(HostPattern::Network(address, bits));
    }
    let domain = item.strip_prefix('.').unwrap_or(item);
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    (!domain.is_empty()).then(|| HostPattern::Domain(domain.to_owned()))
}

/// Returns whether both addresses have the same first `bits` bits.
fn has_prefix(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let (differs, width) = match (address, network) {
        (IpAddr::V4(one), IpAddr::V4(other)) => (u128::from(one.to_bits() ^ other.to_bits()), 32),
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits() ^ other.to_bits(), 128),
        _ => return false,
    };
    // Shifts the bits after the prefix out; a shift by the whole width is not defined, and leaves none.
    differs.checked_shr(width - u32::from(bits)).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_proxies() {
        for (text, place, user) in [
            ("p", "http://p:1080", None),
            ("P.Example:3128", "http://p.example:3128", None),
            ("HTTP://p:1/path?x", "http://p:1", None),
            ("http:/p:1/", "http://p:1", None),
            ("[::1]:8", "http://[::1]:8", None),
            ("u:p@p:1", "http://p:1", Some("u:p")),
            ("http://u@p:1", "http://p:1", Some("u:")),
            ("http://@p:1", "http://p:1", Some(":")),
            ("http://u%20x:p%3A@p:1", "http://p:1", Some("u x:p:")),
            ("http://u:p:q%zz@p:1", "http://p:1", Some("u:p:q%zz")),
        ] {
            let proxy = Proxy::parse(text).unwrap();
            let said = proxy.user.as_deref().map(|user| str::from_utf8(user).unwrap());
            assert_eq!((proxy.to_string().as_str(), said), (place, user), "{text}");
        }
        assert_eq!(Proxy::parse("[::1]:8").unwrap().host(), "::1");
        let user = |text: &str| Proxy::parse(text).unwrap().with_user("c:d").unwrap();
        assert_eq!(user("p").user.as_deref(), Some(&b"c:d"[..]));
        assert_eq!(user("u:p@p").user.as_deref(), Some(&b"u:p"[..]));
        assert!(!format!("{:?}", user("p")).contains("c:d"));
    }

    #[test]
    fn invalid_addresses_of_proxies() {
        for text in [
            "",
            "http://",
            "a b",
            "p:99999",
            "p:0",
            "u:p@q@p:1",
            ":1",
            "://p",
            "u:1#w@p:1",
            "u:1/w@p",
            "u:secret://p",
        ] {
            assert_eq!(Proxy::parse(text), Err(ProxyError::Address), "{text}");
        }
        for text in ["a%00b@p", "a%0d%0ab@p"] {
            assert_eq!(Proxy::parse(text), Err(ProxyError::Credentials), "{text}");
        }
        for text in ["https://p", "socks5://u:secret@p:1"] {
            let got = Proxy::parse(text);
            assert!(matches!(got, Err(ProxyError::Scheme(_))), "{text}: {got:?}");
        }
        assert!(Proxy::parse("p").unwrap().with_user("a%0ab:c").is_err());
    }

    /// The host, the lists that have it, and those that do not.
    #[test]
    fn hosts_that_no_proxy_contains() {
        for (host, having, others) in [
            (
                "a.example",
                &[
                    "a.example",
                    ".a.example",
                    "example",
                    ".example",
                    "a.example.",
                    "*",
                    " a.example ",
                ][..],
                &[
                    "",
                    "b.example",
                    "xa.example",
                    "ample",
                    "x,*",
                    "a.example:80",
                    "*.example",
                    "x.a.example",
                ][..],
            ),
            (
                "a.example",
                &["x a.example", "x, a.example ,y", "A.EXAMPLE", "x,,a.example"],
                &["/", ".", "a"],
            ),
            ("A.example.", &["example", "a.example.", "a.example"], &["b"]),
            ("ba.example", &["ba.example"], &["a.example"]),
            (
                "127.0.0.1",
                &["127.0.0.1", "127.0.0.0/8", "127.0.0.1/32", "10.0.0.0/0", "x 127.9.9.9/8", "*"],
                &[
                    "10.0.0.0/8",
                    "127.0.0.0/33",
                    "0.0.1",
                    ".0.0.1",
                    "127.0.0.1:80",
                    "127.1/8",
                    "127.0.0.0/",
                    "127.0.0.2/31",
                    "::/0",
                ],
            ),
            (
                "::1",
                &["::1", "[::1]", "::/0", "::1/128", "::/127", "0:0:0:0:0:0:0:1"],
                &["fe80::/10", "::/128", "::1/129", "0.0.0.0/0", "1"],
            ),
        ] {
            having
                .iter()
                .for_each(|list| assert!(NoProxy::parse(list).contains(host), "{host} in {list}"));
            others
                .iter()
                .for_each(|list| assert!(!NoProxy::parse(list).contains(host), "{host} in {list}"));
        }
    }
}
