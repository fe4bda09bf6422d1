//! Reads a `Set-Cookie` field as browsers do (RFC 6265bis, 5.6): what cannot be understood is left out.

use std::time::{Duration, SystemTime};

use super::date::cookie_date;
use super::{Cookie, Refused, is_address, is_secure, matches_domain, request_path};
use crate::proto::http::url::Url;

/// The longest name and value together, and the longest attribute, in bytes.
const LONGEST: usize = 4_096;
const LONGEST_ATTRIBUTE: usize = 1_024;
/// No cookie lives longer: 400 days (RFC 6265bis, 5.5).
const LONGEST_LIFE: Duration = Duration::from_secs(400 * 86_400);

/// The parts of the field.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct SetCookieField<'f> {
    pub(super) name: &'f [u8],
    pub(super) value: &'f [u8],
    /// In lower case, without a dot before it.
    pub(super) domain: Option<String>,
    pub(super) path: Option<&'f [u8]>,
    pub(super) secure: bool,
    pub(super) http_only: bool,
    pub(super) max_age: Option<i64>,
    pub(super) expires: Option<SystemTime>,
}

impl<'f> SetCookieField<'f> {
    /// Reads the value of the field.
    ///
    /// # Errors
    /// When it makes no cookie, whoever sends it.
    pub(super) fn parse(field: &'f [u8]) -> Result<SetCookieField<'f>, Refused> {
        if field.iter().any(|&byte| byte.is_ascii_control() && byte != b'\t') {
            return Err(Refused::Control);
        }
        let mut parts = field.split(|&byte| byte == b';');
        let pair = parts.next().unwrap_or_default();
        let (name, value) = split(pair).unwrap_or((b"", trim(pair)));
        if name.is_empty() && value.is_empty() {
            return Err(Refused::Empty);
        }
        if name.len() + value.len() > LONGEST {
            return Err(Refused::TooLong);
        }
        let mut read = SetCookieField { name, value, ..SetCookieField::default() };
        for part in parts {
            let (attribute, value) = split(part).unwrap_or((trim(part), b""));
            if value.len() <= LONGEST_ATTRIBUTE {
                read.attribute(&attribute.to_ascii_lowercase(), value);
            }
        }
        Ok(read)
    }

    fn attribute(&mut self, name: &[u8], value: &'f [u8]) {
        match name {
            b"expires" => self.expires = cookie_date(value).or(self.expires),
            b"max-age" => self.max_age = seconds(value).or(self.max_age),
            b"domain" => {
                let domain = String::from_utf8_lossy(value).to_ascii_lowercase();
                self.domain = Some(domain.strip_prefix('.').unwrap_or(&domain).to_owned());
            }
            b"path" => self.path = value.starts_with(b"/").then_some(value),
            b"secure" => self.secure = true,
            b"httponly" => self.http_only = true,
            _ => {} // SameSite is for pages
        }
    }

    /// Returns the cookie that this makes in the response to a request for `url`.
    ///
    /// # Errors
    /// When this host may not set it.
    pub(super) fn cookie(self, url: &Url, now: SystemTime) -> Result<Cookie, Refused> {
        let host = url.host();
        let (domain, host_only) = match self.domain.as_deref().filter(|domain| !domain.is_empty()) {
            None => (host, true),
            Some(domain) if domain == host => (host, is_address(host) || !host.contains('.')),
            Some(domain) if domain.contains('.') && matches_domain(host, domain) => (domain, false),
            Some(_) => return Err(Refused::Domain),
        };
        if self.secure && !is_secure(url) {
            return Err(Refused::Insecure);
        }
        let path = self.path.unwrap_or_else(|| default_path(request_path(url)));
        let name = self.name.to_ascii_lowercase();
        if name.starts_with(b"__secure-") && !self.secure {
            return Err(Refused::SecurePrefix);
        }
        let is_for_host = self.secure && self.domain.is_none() && path == b"/";
        if name.starts_with(b"__host-") && !is_for_host {
            return Err(Refused::HostPrefix);
        }
        Ok(Cookie {
            name: self.name.to_owned(),
            value: self.value.to_owned(),
            domain: domain.into(),
            host_only,
            path: path.to_owned(),
            secure: self.secure,
            http_only: self.http_only,
            expires: self.end(now),
        })
    }

    /// Returns when it ends: by `Max-Age`, or else by `Expires`.
    fn end(&self, now: SystemTime) -> Option<SystemTime> {
        let end = match (self.max_age, self.expires) {
            (Some(seconds), _) => match u64::try_from(seconds) {
                Ok(seconds) if seconds > 0 => {
                    now.checked_add(Duration::from_secs(seconds)).or(Some(now + LONGEST_LIFE))
                }
                _ => Some(SystemTime::UNIX_EPOCH),
            },
            (None, expires) => expires,
        };
        end.map(|end| end.min(now + LONGEST_LIFE))
    }
}

/// Splits at the first `=`, and trims both parts.
fn split(part: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = part.iter().position(|&byte| byte == b'=')?;
    Some((trim(&part[..at]), trim(&part[at + 1..])))
}

fn trim(text: &[u8]) -> &[u8] {
    crate::proto::http::chars::trim_ows(text)
}

/// Parses `Max-Age`: digits, perhaps with a sign; a number that is too large is the largest.
fn seconds(value: &[u8]) -> Option<i64> {
    let (sign, digits) = match value.strip_prefix(b"-") {
        Some(digits) => (-1, digits),
        None => (1, value),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = str::from_utf8(digits).ok()?.parse::<i64>().unwrap_or(i64::MAX);
    Some(sign * number)
}

/// Returns the folder of a path (RFC 6265bis, 5.1.4).
fn default_path(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|&byte| byte == b'/') {
        Some(at) if at > 0 && path.starts_with(b"/") => &path[..at],
        _ => b"/",
    }
}
