//! What is known of a server: its page, what the flags say, and the files of its folder. The names in the requests
//! of the checks are filled in from it; a check that needs what is not known is skipped, and says so.

use std::borrow::Cow;
use std::io;
use std::time::{Duration, SystemTime};

use super::heard::Heard;
use super::origin::Origin;
use super::root::Root;
use super::table::{Stop, skip};
use crate::cli::client::check::CheckOptions;
use crate::client::Url;
use crate::proto::http::date::{imf_fixdate, parse_http_date};

/// What is known of a server.
#[derive(Debug, Default)]
pub struct Facts {
    /// The host and the port, as the field `Host` has them.
    pub host: String,
    /// The path and the query of the page.
    pub target: String,
    /// A path that is not there.
    pub missing: String,
    /// A path that takes a POST.
    pub post: Option<String>,
    /// A path that takes a while.
    pub slow: Option<String>,
    /// The page.
    pub page: Page,
    /// The status of the page that is not there; 0 if there was none.
    pub missing_status: u16,
    /// The files of the server's folder.
    pub root: Option<Root>,
    /// The time limit of an answer.
    pub max_time: Duration,
    /// The server behind the proxy that is checked.
    pub origin: Option<Origin>,
}

/// What a first GET of the page showed.
#[derive(Debug, Default)]
pub struct Page {
    /// The status; 0 if there was none.
    pub status: u16,
    /// Whether the server answers as HTTP/1.0.
    pub is_http10: bool,
    /// Its entity tag.
    pub etag: Option<String>,
    /// When it was changed.
    pub modified: Option<SystemTime>,
    /// Its `Content-Length`, if that is right.
    pub length: Option<String>,
    /// Its content.
    pub content: Vec<u8>,
    /// How long the answer took.
    pub time: Duration,
}

/// What a request is glued to, to see whether it is answered by mistake.
const GLUED: &str = "GET {target} HTTP/1.1\r\nHost: {host}\r\nX-Glued: 1\r\n\r\n";

impl Facts {
    /// Returns what the command line says; the page is not known yet.
    pub fn new(options: &CheckOptions, url: &Url, root: Option<Root>) -> Facts {
        let invented = "/no-such-page-4f1c".to_owned();
        Facts {
            host: url.authority.to_string(),
            target: url.path.to_string(),
            missing: options.missing.clone().unwrap_or(invented),
            post: options.post.clone(),
            slow: options.slow.clone(),
            page: Page::default(),
            missing_status: 0,
            root,
            max_time: options.max_time,
            origin: None,
        }
    }

    /// Puts an origin server behind the server, which is a proxy: its page is asked for by its whole URL.
    ///
    /// # Errors
    /// When there is no origin server.
    pub fn through_a_proxy(&mut self) -> io::Result<()> {
        let origin = Origin::start()?;
        self.host = origin.host();
        self.target = format!("http://{}{}", self.host, origin.path("page"));
        self.missing = format!("http://{}{}", self.host, origin.path("missing"));
        self.origin = Some(origin);
        Ok(())
    }

    /// Returns the path of the page without its query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// Returns the bytes of a request: the names in it filled in, each character as one byte.
    ///
    /// # Errors
    /// A check that needs something that is not known is skipped.
    pub fn fill(&self, request: &str) -> Result<Vec<u8>, Stop> {
        let (mut text, mut rest) = (String::new(), request);
        while let Some(begin) = rest.find('{') {
            let (before, behind) = rest.split_at(begin);
            text.push_str(before);
            let end = behind.find('}').unwrap_or(behind.len() - 1);
            text.push_str(&self.word(behind.get(1..end).unwrap_or_default())?);
            rest = behind.get(end + 1..).unwrap_or_default();
        }
        text.push_str(rest);
        Ok(text.chars().map(|char| u8::try_from(u32::from(char)).unwrap_or(b'?')).collect())
    }

    /// Returns what stands for `{name}`.
    fn word(&self, name: &str) -> Result<Cow<'_, str>, Stop> {
        let known = |value: &'_ Option<String>, why: &str| match value {
            Some(value) => Ok(Cow::Owned(value.clone())),
            None => skip(why),
        };
        let modified =
            || self.page.modified.map_or_else(|| skip("the page has no Last-Modified"), Ok);
        Ok(match name {
            "host" => Cow::Borrowed(&self.host),
            "target" => Cow::Borrowed(&self.target),
            "path" => Cow::Borrowed(self.path()),
            "missing" => Cow::Borrowed(&self.missing),
            "post" => known(&self.post, "no --post")?,
            "slow" => known(&self.slow, "no --slow")?,
            "etag" => known(&self.page.etag, "the page has no ETag")?,
            "modified" => imf_fixdate(modified()?).into(),
            "rfc850" => rfc850(modified()?).into(),
            "asctime" => asctime(modified()?).into(),
            "glued" => String::from_utf8_lossy(&self.fill(GLUED)?).into_owned().into(),
            "glued-length" => self.fill(GLUED)?.len().to_string().into(),
            "7900" => "a".repeat(7900).into(),
            "70000" => "a".repeat(70_000).into(),
            "30-digits" => "9".repeat(30).into(),
            "64-fields" => {
                (0..64).map(|at| format!("X-Field-{at}: {at}\r\n")).collect::<String>().into()
            }
            "100-lines" => "\r\n".repeat(100).into(),
            other => match &self.root {
                Some(root) => known(&root.target(other), &format!("--root has no {other}"))?,
                None => skip("no --root")?,
            },
        })
    }

    /// Learns what the answer to a GET of the page shows.
    pub fn learn(&mut self, heard: &Heard) {
        let Some(answer) = heard.first() else { return };
        let text = |name: &str| {
            let (_, value) = heard.field(answer, name)?;
            Some(String::from_utf8_lossy(value).into_owned())
        };
        let content = heard.content(answer);
        let length = content.len().to_string();
        self.page = Page {
            status: answer.status.unwrap_or_default(),
            is_http10: heard.bytes[answer.head.clone()].starts_with(b"HTTP/1.0"),
            etag: text("ETag").filter(|tag| tag.is_ascii()),
            modified: text("Last-Modified").and_then(|date| parse_http_date(date.as_bytes())),
            length: text("Content-Length")
                .filter(|said| *said == length && heard.extra().is_none()),
            content,
            time: heard.time,
        };
    }
}

/// Returns the path and the query of a URL, or of what begins with the path.
pub(super) fn path_of(url: &str) -> &str {
    let Some((_, rest)) = url.split_once("://").filter(|_| !url.starts_with('/')) else {
        return url;
    };
    rest.find('/').map_or("/", |at| rest.split_at(at).1)
}

/// Returns `Sunday, 06-Nov-94 08:49:37 GMT` (RFC 9110, 5.6.7).
fn rfc850(time: SystemTime) -> String {
    const DAYS: [&str; 7] =
        ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
    let date = imf_fixdate(time);
    let part = |range| date.get(range).unwrap_or_default();
    let day = DAYS.iter().find(|day| day.starts_with(part(0..3))).unwrap_or(&"");
    format!("{day}, {}-{}-{} {} GMT", part(5..7), part(8..11), part(14..16), part(17..25))
}

/// Returns `Sun Nov  6 08:49:37 1994` (RFC 9110, 5.6.7).
fn asctime(time: SystemTime) -> String {
    let date = imf_fixdate(time);
    let part = |range| date.get(range).unwrap_or_default();
    let day =
        part(5..7).strip_prefix('0').map_or(part(5..7).to_owned(), |digit| format!(" {digit}"));
    format!("{} {} {day} {} {}", part(0..3), part(8..11), part(17..25), part(12..16))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_or_a_path_has_a_path() {
        for (url, path) in [
            ("/a?b", "/a?b"),
            ("http://h:1/a?b", "/a?b"),
            ("http://h", "/"),
            ("/a?u=http://h/x", "/a?u=http://h/x"),
        ] {
            assert_eq!(path_of(url), path, "{url}");
        }
    }

    #[test]
    fn names_are_filled_in() {
        let page =
            Page { modified: parse_http_date(b"Sun, 06 Nov 1994 08:49:37 GMT"), ..Page::default() };
        let facts = Facts { host: "a:1".into(), target: "/x?y".into(), page, ..Facts::default() };
        let filled = facts.fill("{path}\u{e9} {host} {rfc850}|{asctime}|").unwrap();
        assert_eq!(filled, b"/x\xe9 a:1 Sunday, 06-Nov-94 08:49:37 GMT|Sun Nov  6 08:49:37 1994|");
        assert_eq!(facts.fill("{etag}"), Err(Stop::Skip("the page has no ETag".to_owned())));
        assert_eq!(facts.fill("{empty-file}"), Err(Stop::Skip("no --root".to_owned())));
    }
}
