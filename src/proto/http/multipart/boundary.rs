//! The boundary of a form: from its Content-Type (RFC 2046, 5.1.1), and in its body.

use super::fault::{MultipartFault, MultipartRule};
use crate::proto::http::accept::split_unquoted;
use crate::proto::http::chars::{BCHARS, trim_ows};
use crate::proto::http::parameter::parameter;
use crate::proto::scan::position;

/// The longest boundary, in bytes (RFC 2046, 5.1.1).
const LONGEST: usize = 70;

/// The text that separates the parts of one form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boundary {
    /// `delimiter = CRLF "--" boundary`.
    delimiter: Vec<u8>,
}

/// What stands at the start of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ahead {
    /// A delimiter of this length.
    Delimiter(usize),
    /// This number of bytes that belong to no delimiter: at least 1.
    Other(usize),
    /// More bytes are needed to know.
    Unknown,
}

impl Boundary {
    /// Reads the value of a Content-Type: `multipart/form-data; boundary=xyz`. The boundary may stand in
    /// quotes; without them it may have characters for which the grammar asks for them, such as `=` and
    /// `/`, as some programs send it.
    ///
    /// # Errors
    /// [`MultipartRule::NotForm`] for another type, [`MultipartRule::Boundary`] for a boundary that is
    /// missing, not valid, or there twice.
    pub fn parse(content_type: &[u8]) -> Result<Boundary, MultipartFault> {
        let kind = split_unquoted(content_type, b';').next().map(trim_ows).unwrap_or_default();
        if !kind.eq_ignore_ascii_case(b"multipart/form-data") {
            return Err(MultipartFault::outside(MultipartRule::NotForm));
        }
        let boundary = parameter(content_type, "boundary").ok().flatten().filter(|text| {
            (1..=LONGEST).contains(&text.len()) && BCHARS.has_all(text) && !text.ends_with(b" ")
        });
        let boundary = boundary.ok_or(MultipartFault::outside(MultipartRule::Boundary))?;
        Ok(Boundary { delimiter: [b"\r\n--", &boundary[..]].concat() })
    }

    /// Looks at the start of `bytes`.
    pub(super) fn next(&self, bytes: &[u8]) -> Ahead {
        let mut from = 0;
        while let Some(at) = position(b'\r', &bytes[from..]).map(|at| from + at) {
            match begins(&bytes[at..], &self.delimiter) {
                Some(next) if at == 0 => return next,
                Some(_) => return Ahead::Other(at),
                None => from = at + 1,
            }
        }
        if bytes.is_empty() { Ahead::Unknown } else { Ahead::Other(bytes.len()) }
    }

    /// Does the same at the start of a body or of a part's content, where a delimiter may stand without its
    /// CR LF: the line before has ended.
    pub(super) fn next_at_start(&self, bytes: &[u8]) -> Ahead {
        let without_line_end = &self.delimiter[b"\r\n".len()..];
        begins(bytes, without_line_end).unwrap_or_else(|| self.next(bytes))
    }
}

/// Returns whether `bytes` begin with the delimiter; `None` if not.
fn begins(bytes: &[u8], delimiter: &[u8]) -> Option<Ahead> {
    if bytes.starts_with(delimiter) {
        Some(Ahead::Delimiter(delimiter.len()))
    } else {
        delimiter.starts_with(bytes).then_some(Ahead::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types() {
        use MultipartRule::{Boundary as Wrong, NotForm};
        let of = |boundary: &str| Ok(format!("\r\n--{boundary}").into_bytes());
        let (longest, long) = ("x".repeat(LONGEST), "x".repeat(LONGEST + 1));
        for (text, want) in [
            ("multipart/form-data; boundary=xyz", of("xyz")),
            ("Multipart/Form-Data;BOUNDARY=xYz", of("xYz")),
            ("multipart/form-data; boundary=\"x y\"", of("x y")),
            ("multipart/form-data; charset=utf-8; boundary = xyz ;", of("xyz")),
            ("multipart/form-data; boundary=----=_Part_1/2:3", of("----=_Part_1/2:3")),
            ("multipart/form-data; a=\"; boundary=b\"; boundary=c", of("c")),
            (&format!("multipart/form-data; boundary={longest}"), of(&longest)),
            ("multipart/form-data; boundary='()+_,-./:=?", of("'()+_,-./:=?")),
            ("", Err(NotForm)),
            ("multipart/mixed; boundary=xyz", Err(NotForm)),
            ("application/x-www-form-urlencoded", Err(NotForm)),
            ("multipart/form-data, boundary=xyz", Err(NotForm)),
            ("multipart/form-data", Err(Wrong)),
            ("multipart/form-data; boundary", Err(Wrong)),
            ("multipart/form-data; boundary=", Err(Wrong)),
            ("multipart/form-data; boundary=\"\"", Err(Wrong)),
            ("multipart/form-data; boundary=\"x", Err(Wrong)),
            ("multipart/form-data; boundary=\"x \"", Err(Wrong)),
            ("multipart/form-data; boundary=\"x\"y", Err(Wrong)),
            ("multipart/form-data; boundary=x*y", Err(Wrong)),
            ("multipart/form-data; boundary=\u{e9}", Err(Wrong)),
            ("multipart/form-data; boundary=a; boundary=a", Err(Wrong)),
            (&format!("multipart/form-data; boundary={long}"), Err(Wrong)),
        ] {
            let got = Boundary::parse(text.as_bytes()).map(|boundary| boundary.delimiter);
            assert_eq!(got.map_err(|fault| fault.rule), want, "{text}");
        }
    }

    #[test]
    fn what_stands_at_the_start() {
        use Ahead::*;
        let boundary = Boundary::parse(b"multipart/form-data; boundary=xy").unwrap();
        for (bytes, within, at_start) in [
            ("", Unknown, Unknown),
            ("a", Other(1), Other(1)),
            ("a\r", Other(1), Other(1)),
            ("\r", Unknown, Unknown),
            ("\r\n--x", Unknown, Unknown),
            ("\r\n--xy", Delimiter(6), Delimiter(6)),
            ("\r\n--xz", Other(6), Other(6)),
            ("\r\n--x\r\n--x", Other(5), Other(5)),
            ("\r\r\n--xy", Other(1), Other(1)),
            ("a\r\nb\r\n--xyc", Other(4), Other(4)),
            ("\n--xy", Other(5), Other(5)),
            ("-", Other(1), Unknown),
            ("--xy--", Other(6), Delimiter(4)),
            ("--xz", Other(4), Other(4)),
        ] {
            assert_eq!(boundary.next(bytes.as_bytes()), within, "{bytes:?}");
            assert_eq!(boundary.next_at_start(bytes.as_bytes()), at_start, "{bytes:?}");
        }
    }
}
