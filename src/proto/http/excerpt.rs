//! The line that broke a rule, made safe to be shown: to its sender, and in a log.
//!
//! ```text
//! Host : localhost\r\n
//!     ^
//! ```
//! A part of the line, around the wrong byte. The text is always printable ASCII on one line, in the
//! notation of C and `printf`: `\r`, `\n`, `\t`, `\\`, `\xE9`. The values of credentials
//! (`Authorization`, `Cookie` and the like) are never kept, because refusals are shown on screens and
//! in logs.

use super::chars::{TCHAR, trim_ows};
use super::field_line::strip_ending;
use super::headers::Headers;

/// The number of bytes that are shown of a longer line.
const WIDTH: usize = 60;

/// The number of bytes that are kept of a first line, for the log.
const FIRST_LINE: usize = 1000;

const CUT: &str = "...";
const SECRET: &str = " (not shown)";

/// A field name with one of these in it is treated as the name of a credential.
const SECRETS: &[&str] = &["auth", "cookie", "token", "secret", "passw", "-key"];

/// A line, or part of one, and a place in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    before: &'static str,
    bytes: Vec<u8>,
    after: &'static str,
    /// At most the number of bytes.
    mark: usize,
}

impl Excerpt {
    /// Shows the first line in `text`, with its ending; `at` is the wrong byte.
    pub fn new(text: &[u8], at: usize) -> Excerpt {
        let line = first_line(text);
        let secret = value_of_secret(line);
        let line = secret.map_or(line, |from| &line[..from]);
        let at = at.min(line.len());
        let start = at.saturating_sub(WIDTH / 2).min(line.len().saturating_sub(WIDTH));
        let end = line.len().min(start + WIDTH);
        Excerpt {
            before: if start > 0 { CUT } else { "" },
            bytes: line[start..end].to_vec(),
            after: match secret {
                _ if end < line.len() => CUT,
                Some(_) => SECRET,
                None => "",
            },
            mark: at - start,
        }
    }

    /// Shows the line with byte `offset` of a whole head.
    pub fn within(head: &[u8], offset: usize) -> Excerpt {
        let offset = offset.min(head.len());
        let start = head[..offset].iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        Excerpt::new(&head[start..], offset - start)
    }

    /// Shows the line after these fields. One that begins with a space continues the last value.
    pub(super) fn after_fields(fields: &Headers, text: &[u8], at: usize) -> Excerpt {
        match (text, fields.iter().last()) {
            ([b' ' | b'\t', ..], Some((name, _))) if is_secret(name.as_bytes()) => {
                Excerpt { before: "", bytes: Vec::new(), after: SECRET.trim_ascii_start(), mark: 0 }
            }
            _ => Excerpt::new(text, at),
        }
    }

    /// Returns the first line in `text`, however long, safe to be shown.
    pub fn whole(text: &[u8]) -> String {
        let line = first_line(text);
        match value_of_secret(line) {
            Some(from) => escaped(&line[..from]) + SECRET,
            None => escaped(line),
        }
    }

    /// Returns the line, safe to be shown.
    pub fn line(&self) -> String {
        format!("{}{}{}", self.before, escaped(&self.bytes), self.after)
    }

    /// Returns the line below it: a caret under each column of the wrong byte.
    pub fn marker(&self) -> String {
        let column = self.before.len() + escaped(&self.bytes[..self.mark]).len();
        let marked = self.bytes.get(self.mark).map_or(1, |&byte| escaped(&[byte]).len());
        format!("{}{}", " ".repeat(column), "^".repeat(marked))
    }

    /// Returns true if it contains these bytes.
    pub fn has(&self, wanted: &[u8]) -> bool {
        self.bytes.windows(wanted.len()).any(|bytes| bytes == wanted)
    }
}

impl std::fmt::Display for Excerpt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.line())
    }
}

/// Returns the first line in `text`, without its ending, for a log that escapes what it writes.
pub(super) fn first_line_kept(text: &[u8]) -> Vec<u8> {
    let line = strip_ending(first_line(text));
    match value_of_secret(line) {
        Some(from) => [&line[..from.min(FIRST_LINE)], SECRET.as_bytes()].concat(),
        None if line.len() > FIRST_LINE => [&line[..FIRST_LINE], CUT.as_bytes()].concat(),
        None => line.to_vec(),
    }
}

fn first_line(text: &[u8]) -> &[u8] {
    text.split_inclusive(|&byte| byte == b'\n').next().unwrap_or_default()
}

/// Returns where the value begins, if this is a field line, right or wrong, with a credential.
fn value_of_secret(line: &[u8]) -> Option<usize> {
    let colon = line.iter().position(|&byte| byte == b':').map(|at| (at, at + 1));
    let word = || TCHAR.first_outside(line).map(|at| (at, at));
    let (end, value) = colon.filter(|&(end, _)| is_name(&line[..end])).or_else(word)?;
    is_secret(&line[..end]).then_some(value)
}

/// Returns true for a name, or one with spaces around it.
fn is_name(bytes: &[u8]) -> bool {
    TCHAR.first_outside(trim_ows(bytes)).is_none()
}

fn is_secret(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    SECRETS.iter().any(|word| name.windows(word.len()).any(|part| part == word.as_bytes()))
}

fn escaped(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'\r' => out.push_str("\\r"),
            b'\n' => out.push_str("\\n"),
            b'\t' => out.push_str("\\t"),
            b'\\' => out.push_str("\\\\"),
            b' '..=b'~' => out.push(char::from(byte)),
            other => out.push_str(&format!("\\x{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_and_a_mark_below() {
        let long = |count| "x".repeat(count);
        for (text, at, line, marker) in [
            ("Host : a\r\nB: c\r\n", 4, "Host : a\\r\\n", "    ^"),
            ("A: b\rc\r\n", 4, "A: b\\rc\\r\\n", "    ^^"),
            ("A: \0\u{e9}<\"\\\t\n", 3, "A: \\x00\\xC3\\xA9<\"\\\\\\t\\n", "   ^^^^"),
            ("\r\n", 0, "\\r\\n", "^^"),
            ("GET", 3, "GET", "   ^"),
            ("", 9, "", "^"),
            (&long(61), 0, &format!("{}...", long(60)), "^"),
            (&long(61), 61, &format!("...{}", long(60)), &format!("{}^", " ".repeat(63))),
            (&long(500), 250, &format!("...{}...", long(60)), &format!("{}^", " ".repeat(33))),
        ] {
            let excerpt = Excerpt::new(text.as_bytes(), at);
            assert_eq!((&*excerpt.line(), &*excerpt.marker()), (line, marker), "{text:?}");
        }
    }

    #[test]
    fn the_line_of_a_head() {
        let head = b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n";
        for (offset, line, marker) in [
            (0, "GET / HTTP/1.1\\r\\n", "^"),
            (25, "Host: b\\r\\n", "^"),
            (31, "Host: b\\r\\n", "      ^"),
            (34, "\\r\\n", "^^"),
            (999, "", "^"),
        ] {
            let excerpt = Excerpt::within(head, offset);
            assert_eq!((&*excerpt.line(), &*excerpt.marker()), (line, marker), "{offset}");
        }
    }

    #[test]
    fn credentials_are_not_kept() {
        for text in [
            "Authorization: Basic c2VzYW1l",
            "Authorization : Basic c2VzYW1l",
            "  authorization:\x01c2VzYW1l",
            "Authorization Basic c2VzYW1l",
            "COOKIE: c2VzYW1l\r\n",
            "Cookie\tc2VzYW1l\r\n",
            "Proxy-Authorization:c2VzYW1l",
            "Set-Cookie: c2VzYW1l",
            "X-Api-Key: c2VzYW1l",
            "X-Auth-Token: c2VzYW1l",
        ] {
            for at in [0, 5, 20, 99] {
                let excerpt = Excerpt::new(text.as_bytes(), at);
                assert!(!format!("{excerpt:?}").contains("c2"), "{excerpt:?}");
                assert!(excerpt.line().ends_with(" (not shown)"), "{excerpt}");
                assert!(excerpt.marker().len() <= excerpt.line().len(), "{excerpt}");
            }
            let kept = first_line_kept(text.as_bytes());
            assert!(kept.ends_with(b" (not shown)"), "{}", String::from_utf8_lossy(&kept));
        }
        for (name, line) in [("cookie", "(not shown)"), ("A", " c2VzYW1l\\r\\n")] {
            let mut fields = Headers::new();
            fields.append(name, "b").unwrap();
            assert_eq!(Excerpt::after_fields(&fields, b" c2VzYW1l\r\n", 3).line(), line);
        }
        for open in ["Host: auth", "GET /token?cookie=:1 HTTP/1.1", "GET http://cookie:1/ x"] {
            assert_eq!(Excerpt::new(open.as_bytes(), 0).line(), open);
        }
    }

    #[test]
    fn a_first_line_is_bounded() {
        assert_eq!(first_line_kept(b"GET /\x07\r\nA: b\r\n"), b"GET /\x07");
        assert_eq!(first_line_kept(&[b'x'; 5000]).len(), 1003);
    }
}
