//! Fields and field names that are known when the program is built.

use std::borrow::Cow;

use super::Headers;
use super::index::{BloomFilter, Line};
use crate::proto::http::chars::TCHAR;

/// A field that is known when the program is built. A head that begins with it copies nothing.
///
/// ```
/// use threadbare::proto::http::headers::{Headers, StaticField};
///
/// static PLAIN: StaticField = StaticField::new(b"Content-Type: text/plain\r\n");
/// assert_eq!(Headers::from(&PLAIN).first("content-type"), Some(&b"text/plain"[..]));
/// ```
#[derive(Debug)]
pub struct StaticField {
    text: &'static [u8],
    lines: [Line; 1],
    filter: BloomFilter,
}

impl StaticField {
    /// Takes a line as it is sent: a name, a colon and a space, a value, CRLF.
    ///
    /// # Panics
    /// When it is not one. For a `static`, that is an error of the build.
    pub const fn new(line: &'static [u8]) -> StaticField {
        let Some((content, b"\r\n")) = line.split_last_chunk() else { panic!("it ends with CRLF") };
        let mut colon = 0;
        while TCHAR.has(content[colon]) {
            colon += 1;
        }
        let (name, value) = content.split_at(colon);
        assert!(colon > 0, "a name is a token");
        assert!(matches!(value, [b':', b' ', 0x21..=0x7E, ..]), "a colon, a space, a value");
        let mut at = 2;
        while at < value.len() {
            assert!(matches!(value[at], 0x20..=0x7E), "a value has no control bytes");
            at += 1;
        }
        let lines = [Line { name: 0..colon, value: colon + 2..content.len() }];
        StaticField { text: line, lines, filter: BloomFilter::of(name) }
    }
}

impl From<&'static StaticField> for Headers {
    fn from(field: &'static StaticField) -> Headers {
        Headers {
            text: Cow::Borrowed(field.text),
            lines: Cow::Borrowed(&field.lines),
            filter: field.filter,
            as_written: true,
        }
    }
}

/// Names that are known when the program is built, to be looked for all at once.
#[derive(Debug)]
pub(in crate::proto::http) struct Names {
    names: &'static [&'static str],
    pub(super) filter: BloomFilter,
}

impl Names {
    pub(in crate::proto::http) const fn of(names: &'static [&'static str]) -> Names {
        let (mut filter, mut at) = (BloomFilter::EMPTY, 0);
        while at < names.len() {
            filter = filter.union(BloomFilter::of(names[at].as_bytes()));
            at += 1;
        }
        Names { names, filter }
    }

    pub(super) fn each(&self) -> impl Iterator<Item = &'static str> {
        self.names.iter().copied()
    }

    pub(in crate::proto::http) fn has(&self, name: &str) -> bool {
        self.names.iter().any(|held| name.eq_ignore_ascii_case(held))
    }
}
