//! The name that a server suggests for a body: Content-Disposition (RFC 6266).
//!
//! ```text
//! attachment; filename="EURO rates.txt"; filename*=UTF-8''%e2%82%ac%20rates.txt
//!             └ token, or text in quotes    └ charset, language, percent-encoded (RFC 8187)
//! ```
//! The name is text from a server and nothing else: it may be a path, empty, or hold control characters. A caller that
//! makes a file of it has to make it harmless first.

use super::chars::{first_bad_percent, percent_decode};
use super::parameter::parameter;
use crate::proto::scan::position;

/// Returns the suggested name, if there is one that can be read.
///
/// "If both forms are present, recipients SHOULD pick filename* and ignore filename" (RFC 6266, 4.3); a `filename*`
/// that cannot be decoded is ignored, too (RFC 8187, 3.2.1). `None` for a parameter that stands there twice, or with
/// quotes that do not end: "Recipients SHOULD treat these values as invalid" (RFC 6266, 4.1). The type makes no
/// difference, and may be missing, as some servers send it.
///
/// Other encodings are not decoded, because the RFC has none: `=?UTF-8?B?…?=` and `%41` in a `filename` are what they
/// are, and continuations (`filename*0`) are other parameters.
pub fn filename(field: &[u8]) -> Option<String> {
    // A type of its own, so that a parameter may stand first.
    let field = [b";", field].concat();
    if let Ok(Some(extended)) = parameter(&field, "filename*")
        && let Some(name) = extended_value(&extended)
    {
        return Some(name);
    }
    parameter(&field, "filename").ok().flatten().map(|name| text(&name))
}

/// Decodes `ext-value = charset "'" [ language ] "'" value-chars` (RFC 8187, 3.2.1), in UTF-8, which every recipient
/// has to know, or in ISO-8859-1, which older senders use (RFC 5987, 3.2).
fn extended_value(value: &[u8]) -> Option<String> {
    let first = position(b'\'', value)?;
    let (charset, rest) = (&value[..first], &value[first + 1..]);
    let encoded = &rest[position(b'\'', rest)? + 1..];
    if first_bad_percent(encoded).is_some() {
        return None;
    }
    let decoded = percent_decode(encoded);
    match () {
        () if charset.eq_ignore_ascii_case(b"utf-8") => {
            String::from_utf8(decoded.into_owned()).ok()
        }
        () if charset.eq_ignore_ascii_case(b"iso-8859-1") => Some(latin1(&decoded)),
        () => None,
    }
}

/// Returns bytes as text: UTF-8, which servers send today, or else ISO-8859-1, which is what the field has "historically"
/// (RFC 9110, 5.5).
fn text(bytes: &[u8]) -> String {
    str::from_utf8(bytes).map_or_else(|_| latin1(bytes), str::to_owned)
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_servers_suggest() {
        for (field, want) in [
            // RFC 6266, 5.
            ("Attachment; filename=example.html", Some("example.html")),
            ("INLINE; FILENAME= \"an example.html\"", Some("an example.html")),
            ("attachment; filename*= UTF-8''%e2%82%ac%20rates", Some("€ rates")),
            (
                "attachment; filename=\"EURO rates\"; filename*=utf-8''%e2%82%ac%20rates",
                Some("€ rates"),
            ),
            ("attachment; filename*=UTF-8'en'a; filename=b", Some("a")),
            // No name.
            ("", None),
            ("attachment", None),
            ("inline; name=\"a\"", None),
            ("attachment; filename", None),
            ("filename", None),
            // Servers that leave the type out, or put spaces anywhere.
            ("filename=a", Some("a")),
            ("filename*=UTF-8''a", Some("a")),
            ("attachment ;filename = a ; size=1", Some("a")),
            (";;filename=a;", Some("a")),
            ("attachment; filename=a b.txt", Some("a b.txt")),
            ("attachment; filename=", Some("")),
            ("attachment; filename=\"\"", Some("")),
            ("attachment; filename='a'", Some("'a'")),
            // Quotes, and what is in them.
            ("attachment; filename=\"a;b,c=d\"", Some("a;b,c=d")),
            ("attachment; filename=\"a\\\"b\\\\c\"", Some("a\"b\\c")),
            ("attachment; filename=\"C:\\dir\\a.txt\"", Some("C:\\dir\\a.txt")),
            ("attachment; name=\"; filename=a\"", None),
            ("attachment; name=\"; filename=a\"; filename=b", Some("b")),
            ("attachment; filename=\"a", None),
            ("attachment; filename=a\"", None),
            ("attachment; filename=\"a\"b", None),
            ("attachment; filename=\"a\\\"", None),
            // Twice is never, whichever comes first.
            ("attachment; filename=a; filename=b", None),
            ("attachment; filename=a; FileName=a", None),
            ("attachment; filename*=UTF-8''a; filename*=UTF-8''b; filename=c", Some("c")),
            // Broken: the other form counts.
            ("attachment; filename*=UTF-8''%e2%82; filename=a", Some("a")),
            ("attachment; filename*=UTF-8''%f; filename=a", Some("a")),
            ("attachment; filename*=UTF-8''%zz; filename=a", Some("a")),
            ("attachment; filename*=UTF-8'a; filename=b", Some("b")),
            ("attachment; filename*=a; filename=b", Some("b")),
            ("attachment; filename*=UTF-16''%00a; filename=b", Some("b")),
            ("attachment; filename*=''a; filename=b", Some("b")),
            ("attachment; filename*=UTF-8''%e2%82", None),
            ("attachment; filename*=", None),
            // Charsets.
            ("attachment; filename*=iso-8859-1''%a3%20rates", Some("£ rates")),
            ("attachment; filename*=ISO-8859-1'en'%80", Some("\u{80}")),
            ("attachment; filename*=UTF-8''a'b", Some("a'b")),
            ("attachment; filename*=UTF-8''a b", Some("a b")),
            ("attachment; filename*=\"UTF-8''%c3%bc\"", Some("ü")),
            ("attachment; filename*=UTF-8''%00%2f..%5c", Some("\0/..\\")),
            ("attachment; filename=\"ü\"", Some("ü")),
            // What no RFC decodes here.
            ("attachment; filename=%c3%bc%2f", Some("%c3%bc%2f")),
            ("attachment; filename=\"=?UTF-8?B?w7w=?=\"", Some("=?UTF-8?B?w7w=?=")),
            ("attachment; filename*0=\"a\"; filename*1=\"b\"", None),
            ("attachment; filename*0*=UTF-8''a; filename=b", Some("b")),
            ("attachment; xfilename=a; filename.=b", None),
        ] {
            assert_eq!(filename(field.as_bytes()).as_deref(), want, "{field}");
        }
        // Bytes that are no UTF-8 are of ISO-8859-1.
        assert_eq!(filename(b"attachment; filename=\"\xfc.txt\"").as_deref(), Some("ü.txt"));
        assert_eq!(filename(b"attachment; filename=\xff\xfe").as_deref(), Some("ÿþ"));
    }

    mod property {
        use super::super::*;
        use proptest::prelude::*;

        proptest! {
            #[test]
            fn no_field_panics_and_utf_8_comes_back(bytes: Vec<u8>, name: String) {
                let _ = filename(&bytes);
                let _ = filename(&[b"attachment; filename=", &bytes[..]].concat());
                let _ = filename(&[b"attachment; filename*=UTF-8''", &bytes[..]].concat());
                let encoded: String = name.bytes().map(|byte| format!("%{byte:02x}")).collect();
                let field = format!("attachment; filename*=UTF-8''{encoded}");
                prop_assert_eq!(filename(field.as_bytes()), Some(name));
            }
        }
    }
}
