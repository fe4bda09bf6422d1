//! Cookies on the side of the client (RFC 6265bis, 5.6 to 5.8): which of them a `Set-Cookie` makes, which are kept, and
//! which are sent with a request.
//!
//! A cookie is for the host that has set it, or for a domain that this host is in. Which domains belong to everyone, as
//! `co.uk` does, only a list of thousands of public suffixes tells, and there is none here: a domain without a dot, such
//! as `uk`, is refused, and so is one that is an address. Ports make no difference (RFC 6265bis, 8.5). A cookie with
//! `Secure` is set and sent over https only, or to this machine, as curl and browsers do.

mod date;
mod file;
mod set_cookie;

use std::net::IpAddr;
use std::time::SystemTime;

use self::set_cookie::SetCookieField;
use super::url::Url;

/// The most cookies that are kept, and that are kept of one domain; browsers have 3,000 and 180.
const MOST: usize = 3_000;
const MOST_OF_DOMAIN: usize = 180;
/// The most cookies in a request, and bytes of its field, as with curl.
const MOST_SENT: usize = 150;
const LONGEST_FIELD: usize = 8_190;

/// The cookies of a client.
#[derive(Debug, Clone, Default)]
pub struct Jar {
    /// In the order in which they were made.
    cookies: Vec<Cookie>,
}

/// A cookie as it is kept. Its value is a secret.
#[derive(Clone, PartialEq, Eq)]
struct Cookie {
    name: Vec<u8>,
    value: Vec<u8>,
    /// A host, or a domain without the dot before it.
    domain: Box<str>,
    /// Whether it is for this host only.
    host_only: bool,
    path: Vec<u8>,
    secure: bool,
    http_only: bool,
    /// `None`: at the end of the session.
    expires: Option<SystemTime>,
}

impl std::fmt::Debug for Cookie {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = String::from_utf8_lossy(&self.name);
        write!(f, "{name}=*** of {}{}", self.domain, String::from_utf8_lossy(&self.path))
    }
}

/// Why a `Set-Cookie` makes no cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Neither a name nor a value.
    Empty,
    /// A control byte is in it.
    Control,
    /// Name and value together have more than 4,096 bytes.
    TooLong,
    /// The host that sets it is not in its domain, or the domain belongs to everyone.
    Domain,
    /// It is `Secure`, and did not come over https.
    Insecure,
    /// It would replace a `Secure` one, and did not come over https.
    Overlay,
    /// Its name begins with `__Secure-`, and it is not `Secure`.
    SecurePrefix,
    /// Its name begins with `__Host-`, and it is not `Secure`, has a domain, or is not for all paths.
    HostPrefix,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Refused::Empty => "it has neither a name nor a value",
            Refused::Control => "it has a control character in it",
            Refused::TooLong => "its name and value have more than 4,096 bytes",
            Refused::Domain => "its domain is not one of this host",
            Refused::Insecure => "it is Secure, and this is not https",
            Refused::Overlay => "it would replace one that is Secure, and this is not https",
            Refused::SecurePrefix => "a name with __Secure- needs Secure",
            Refused::HostPrefix => "a name with __Host- needs Secure and Path=/, and no Domain",
        })
    }
}

impl Jar {
    /// Returns the number of cookies.
    pub fn len(&self) -> usize {
        self.cookies.len()
    }

    /// Returns true if there are no cookies.
    pub fn is_empty(&self) -> bool {
        self.cookies.is_empty()
    }

    /// Takes the value of a `Set-Cookie` field of the response to a request for `url`.
    ///
    /// # Errors
    /// Why it makes no cookie.
    pub fn store(&mut self, url: &Url, field: &[u8], now: SystemTime) -> Result<(), Refused> {
        let cookie = SetCookieField::parse(field)?.cookie(url, now)?;
        self.keep(cookie, is_secure(url), now)
    }

    /// Keeps a cookie in the place of one of the same name, domain and path (RFC 6265bis, 5.7).
    fn keep(&mut self, cookie: Cookie, is_secure: bool, now: SystemTime) -> Result<(), Refused> {
        let covers = |held: &Cookie| {
            held.secure
                && held.name == cookie.name
                && (matches_domain(&held.domain, &cookie.domain)
                    || matches_domain(&cookie.domain, &held.domain))
                && matches_path(&cookie.path, &held.path)
        };
        if !is_secure && self.cookies.iter().any(covers) {
            return Err(Refused::Overlay);
        }
        let same = |held: &Cookie| {
            (&held.name, &held.domain, held.host_only, &held.path)
                == (&cookie.name, &cookie.domain, cookie.host_only, &cookie.path)
        };
        let place = self.cookies.iter().position(same);
        match (place, cookie.is_expired(now)) {
            (Some(at), true) => drop(self.cookies.remove(at)),
            (None, true) => {}
            (Some(at), false) => self.cookies[at] = cookie, // it keeps its place in the order
            (None, false) => {
                self.make_room(&cookie.domain, now);
                self.cookies.push(cookie);
            }
        }
        Ok(())
    }

    /// Removes what has expired, and the oldest cookies where there are too many.
    fn make_room(&mut self, domain: &str, now: SystemTime) {
        self.cookies.retain(|held| !held.is_expired(now));
        let of_domain = |held: &Cookie| *held.domain == *domain;
        if self.cookies.iter().filter(|held| of_domain(held)).count() >= MOST_OF_DOMAIN
            && let Some(oldest) = self.cookies.iter().position(of_domain)
        {
            self.cookies.remove(oldest);
        }
        if self.cookies.len() >= MOST {
            self.cookies.remove(0);
        }
    }

    /// Returns the value of the `Cookie` field of a request for `url`; `None` if there are no cookies for it. Longer paths
    /// come first, and older cookies before newer ones.
    pub fn field(&self, url: &Url, now: SystemTime) -> Option<Vec<u8>> {
        let path = request_path(url);
        let fits = |cookie: &&Cookie| {
            !cookie.is_expired(now)
                && (if cookie.host_only {
                    url.host() == &*cookie.domain
                } else {
                    matches_domain(url.host(), &cookie.domain)
                })
                && matches_path(path, &cookie.path)
                && (!cookie.secure || is_secure(url))
        };
        let mut sent: Vec<&Cookie> = self.cookies.iter().filter(fits).collect();
        sent.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let mut field = Vec::new();
        for cookie in sent.iter().take(MOST_SENT) {
            let length = cookie.name.len() + cookie.value.len() + 3;
            if field.len() + length > LONGEST_FIELD {
                break;
            }
            if !field.is_empty() {
                field.extend_from_slice(b"; ");
            }
            if !cookie.name.is_empty() {
                field.extend_from_slice(&cookie.name);
                field.push(b'=');
            }
            field.extend_from_slice(&cookie.value);
        }
        (!field.is_empty()).then_some(field)
    }
}

impl Cookie {
    fn is_expired(&self, now: SystemTime) -> bool {
        self.expires.is_some_and(|end| end <= now)
    }
}

/// Returns true if what is sent to this URL is not readable on the way: to this machine. There is no https yet.
fn is_secure(url: &Url) -> bool {
    let host = url.host();
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn is_address(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok()
}

/// Returns true if a host is in a domain (RFC 6265bis, 5.1.3). An address is in no domain.
fn matches_domain(host: &str, domain: &str) -> bool {
    let below = || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
    host == domain || !is_address(host) && below()
}

/// Returns true if a path is below that of a cookie (RFC 6265bis, 5.1.4).
fn matches_path(path: &[u8], cookie: &[u8]) -> bool {
    path.strip_prefix(cookie)
        .is_some_and(|rest| rest.is_empty() || cookie.ends_with(b"/") || rest.starts_with(b"/"))
}

/// Returns the path of a URL without its query.
fn request_path(url: &Url) -> &[u8] {
    url.path.path().as_bytes()
}

#[cfg(test)]
mod tests;
