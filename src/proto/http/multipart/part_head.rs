//! The head of a part: its name, its file name, its fields (RFC 7578, 4.2).

use super::fault::{MultipartFault, MultipartRule};
use crate::proto::http::accept::split_unquoted;
use crate::proto::http::chars::trim_ows;
use crate::proto::http::excerpt::Excerpt;
use crate::proto::http::headers::Headers;
use crate::proto::http::parameter::parameter;

/// The head of a part.
#[derive(Debug, Clone, PartialEq)]
pub struct PartHead {
    /// The name of the form's field; it may be empty.
    ///
    /// What a browser writes instead of a quote and a line end (`%22`, `%0D%0A`; WHATWG HTML, 4.10.21.8) is
    /// decoded, here and in the file name; bytes that are no UTF-8 are replaced.
    pub name: String,
    /// The name of the file, as it was sent: with a path, or with `..`, if the client likes. For a path on the
    /// server use [`PartHead::file_name`]. A field of a form that is not a file has none; a file that was
    /// not chosen has an empty one.
    pub filename: Option<String>,
    /// All fields, as they came.
    pub headers: Headers,
}

impl PartHead {
    /// Reads the name from the only Content-Disposition. Offsets count from the start of the head.
    pub(super) fn read(headers: Headers) -> Result<PartHead, MultipartFault> {
        let mut places = headers.places("content-disposition");
        let (at, value) = places.next().unwrap_or_default();
        let names = names(value).filter(|_| places.next().is_none());
        drop(places);
        match names {
            Some((name, filename)) => Ok(PartHead { name, filename, headers }),
            // Only this field is shown: a line that is no field may be content, and content may be secret.
            None => Err(MultipartFault {
                excerpt: headers
                    .has("content-disposition")
                    .then(|| Excerpt::within(headers.source(), at)),
                ..MultipartFault::new(MultipartRule::Name, at as u64)
            }),
        }
    }

    /// Returns the last part of the file name, after any `/` or `\`, if it can be the name of a file: not
    /// empty, not `.` or `..`, without NUL. It may begin with a dot, as `.htaccess`, have any ending, and be
    /// the name of a file that exists.
    pub fn file_name(&self) -> Option<&str> {
        let last = self.filename.as_deref()?.rsplit(['/', '\\']).next()?;
        (!matches!(last, "" | "." | "..") && !last.contains('\0')).then_some(last)
    }

    /// Returns the media type of the content, as it was sent. Without one it is text (RFC 7578, 4.4).
    pub fn content_type(&self) -> Option<&str> {
        self.headers.text("content-type")
    }
}

/// Parses `form-data; name="…"`, perhaps with a file name.
fn names(disposition: &[u8]) -> Option<(String, Option<String>)> {
    let kind = split_unquoted(disposition, b';').next().map(trim_ows)?;
    let name = parameter(disposition, "name").ok()??;
    let filename = parameter(disposition, "filename").ok()?;
    kind.eq_ignore_ascii_case(b"form-data")
        .then(|| (unescaped(&name), filename.as_deref().map(unescaped)))
}

/// Decodes the three escapes of WHATWG HTML, 4.10.21.8. Browsers do not encode a `%`, so any other is one.
fn unescaped(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(disposition: &str) -> Result<PartHead, MultipartFault> {
        let mut headers = Headers::new();
        headers.append("content-disposition", disposition).unwrap();
        PartHead::read(headers)
    }

    #[test]
    fn names_of_parts() {
        for (disposition, name, filename) in [
            ("form-data; name=\"a\"", "a", None),
            ("Form-Data;NAME=a", "a", None),
            ("form-data; name=\"\"", "", None),
            ("form-data; name=\"a; filename=b\"", "a; filename=b", None),
            ("form-data; name=\"a\"; filename=\"b c.png\"", "a", Some("b c.png")),
            ("form-data; name=\"a\"; filename=\"\"", "a", Some("")),
            ("form-data; filename=b; name=a", "a", Some("b")),
            ("form-data; name=\"a\"; filename=\"b\"; filename*=UTF-8''c", "a", Some("b")),
            ("form-data; name=\"a\"; filename*=UTF-8''c", "a", None),
            ("form-data; name=\"%22a%22\"; filename=\"b%0D%0Ac\"", "\"a\"", Some("b\r\nc")),
            ("form-data; name=\"%20%25%0a\"", "%20%25%0a", None),
            ("form-data; name=\"\\\"a\\\"\"", "\"a\"", None),
            ("form-data; name=\"a\"; filename=\"C:\\b\\c.txt\"", "a", Some("C:\\b\\c.txt")),
            ("form-data; name=\"Übung\"; filename=\"日本.txt\"", "Übung", Some("日本.txt")),
        ] {
            let head = read(disposition).unwrap();
            assert_eq!((&*head.name, head.filename.as_deref()), (name, filename), "{disposition}");
        }
    }

    #[test]
    fn parts_without_a_name() {
        for disposition in [
            "",
            "form-data",
            "form-data; filename=\"a\"",
            "attachment; name=\"a\"",
            "form-data; name=\"a",
            "form-data; name=\"a\"; name=\"b\"",
            "form-data; name=\"a\"; filename=b; filename=c",
            "form-data name=\"a\"",
        ] {
            let fault = read(disposition).unwrap_err();
            assert_eq!(fault.rule, MultipartRule::Name, "{disposition}");
            assert!(fault.excerpt.is_some(), "{disposition}");
        }
        assert_eq!(PartHead::read(Headers::new()).unwrap_err().excerpt, None);
        let mut twice = Headers::new();
        twice.append("Content-Disposition", "form-data; name=a").unwrap();
        twice.append("Content-Disposition", "form-data; name=a").unwrap();
        assert_eq!(PartHead::read(twice).unwrap_err().rule, MultipartRule::Name);
    }

    #[test]
    fn a_name_for_the_file_system() {
        for (sent, want) in [
            ("a.png", Some("a.png")),
            ("/etc/passwd", Some("passwd")),
            ("../../a", Some("a")),
            ("C:\\b\\c.txt", Some("c.txt")),
            ("a/b\\c", Some("c")),
            (".htaccess", Some(".htaccess")),
            ("", None),
            (".", None),
            ("..", None),
            ("a/..", None),
            ("a\\..", None),
            ("a/", None),
            ("a\0.png", None),
        ] {
            let head = PartHead {
                name: String::new(),
                filename: Some(sent.to_owned()),
                headers: Headers::new(),
            };
            assert_eq!(head.file_name(), want, "{sent:?}");
        }
    }
}
