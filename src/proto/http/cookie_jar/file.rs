//! The file of cookies that Netscape had, and that curl, wget, Python and browsers' extensions read and write: seven
//! columns with tabs between them. `#HttpOnly_` before the domain is curl's; other lines with `#` are comments.
//!
//! ```text
//! .example.org  TRUE  /  FALSE  1700000000  name  value
//! ```
//! The second column says whether the cookie is for all hosts of the domain, the fourth whether it is `Secure`; 0 is the
//! end of the session.

use std::time::{Duration, SystemTime};

use super::{Cookie, Jar, is_address};

const HTTP_ONLY: &[u8] = b"#HttpOnly_";

impl Jar {
    /// Adds the cookies of a file. Lines that are wrong, and cookies that have expired, are left out.
    pub fn read(&mut self, text: &[u8], now: SystemTime) {
        for line in text.split(|&byte| byte == b'\n') {
            if let Some(cookie) = cookie(line.strip_suffix(b"\r").unwrap_or(line)) {
                // The file is the user's own: nothing in it is less trusted than the rest.
                let _ = self.keep(cookie, true, now);
            }
        }
    }

    /// Removes the cookies that end with their session.
    pub fn end_session(&mut self) {
        self.cookies.retain(|cookie| cookie.expires.is_some());
    }

    /// Returns the file, with all cookies that have not expired.
    pub fn to_file(&self, now: SystemTime) -> Vec<u8> {
        let mut text =
            b"# Netscape HTTP Cookie File\n# Written by threadbare. The values are secrets.\n\n"
                .to_vec();
        for cookie in self.cookies.iter().filter(|cookie| !cookie.is_expired(now)) {
            if cookie.http_only {
                text.extend_from_slice(HTTP_ONLY);
            }
            let flag = |is: bool| if is { "TRUE" } else { "FALSE" };
            let dot = if cookie.host_only { "" } else { "." };
            let since =
                cookie.expires.and_then(|end| end.duration_since(SystemTime::UNIX_EPOCH).ok());
            let head = format!("{dot}{}\t{}\t", cookie.domain, flag(!cookie.host_only));
            let middle = format!(
                "\t{}\t{}\t",
                flag(cookie.secure),
                since.map_or(0, |since| since.as_secs())
            );
            for part in [
                head.as_bytes(),
                &cookie.path,
                middle.as_bytes(),
                &cookie.name,
                b"\t",
                &cookie.value,
                b"\n",
            ] {
                text.extend_from_slice(part);
            }
        }
        text
    }
}

fn cookie(line: &[u8]) -> Option<Cookie> {
    let (http_only, line) = match line.strip_prefix(HTTP_ONLY) {
        Some(rest) => (true, rest),
        None if line.starts_with(b"#") => return None,
        None => (false, line),
    };
    let columns: Vec<&[u8]> = line.splitn(7, |&byte| byte == b'\t').collect();
    // An empty value may be missing together with its tab.
    let (&[domain, all, path, secure, end, name], value) = columns.split_first_chunk::<6>()?;
    let is_true = |text: &[u8]| text.eq_ignore_ascii_case(b"TRUE");
    let domain = str::from_utf8(domain).ok()?.to_ascii_lowercase();
    let domain = domain.strip_prefix('.').unwrap_or(&domain);
    let seconds: u64 = str::from_utf8(end).ok()?.parse().ok()?;
    let end = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
    let value = value.first().copied().unwrap_or_default();
    let pair = [name, value].concat();
    let is_unfit = domain.is_empty()
        || !path.starts_with(b"/")
        || pair.is_empty()
        || pair.iter().any(u8::is_ascii_control);
    (!is_unfit).then(|| Cookie {
        name: name.to_vec(),
        value: value.to_vec(),
        domain: domain.into(),
        host_only: !is_true(all) || is_address(domain),
        path: path.to_vec(),
        secure: is_true(secure),
        http_only,
        expires: end.filter(|_| seconds > 0),
    })
}
