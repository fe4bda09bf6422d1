//! What the first bytes of a text say about its character encoding.
//!
//! A charset in `Content-Type` overrides what a page or an XML document declares about itself (WHATWG
//! HTML, "determining the character encoding"; RFC 7303, 3). So a text is labelled as UTF-8 only if it is
//! UTF-8 as far as it is looked at, and declares no encoding there.

/// The `charset` that `Content-Type` names for a text: [`Files::charset`](super::Files::charset).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Charset {
    /// `utf-8` for a text that begins as UTF-8 and declares no encoding itself; else none.
    #[default]
    Detect,
    /// None.
    Off,
    /// This one, whatever is in the file.
    Named(String),
}

/// How many bytes are looked at: where a browser looks for `<meta charset>`.
pub const LOOKED_AT: usize = 1024;

/// Returns true if a text of this media type, which begins with `start` (the first [`LOOKED_AT`] bytes, or
/// all if there are fewer), is sent as UTF-8.
pub fn is_utf8(media_type: &str, start: &[u8]) -> bool {
    let valid = match std::str::from_utf8(start) {
        Ok(_) => true,
        // The last character may go on behind what is looked at.
        Err(error) => error.error_len().is_none() && start.len() == LOOKED_AT,
    };
    // UTF-16 without a byte order mark can look like UTF-8 with NUL bytes.
    if !valid || start.contains(&0) {
        return false;
    }
    let text = start.strip_prefix("\u{feff}".as_bytes()).unwrap_or(start).to_ascii_lowercase();
    match media_type {
        "text/html" => !xml_declares(&text) && !meta_declares(&text),
        "text/xml" => !xml_declares(&text),
        "text/css" => !text.starts_with(b"@charset"),
        _ => true,
    }
}

/// Returns true if there is an XML declaration with an encoding (XML 1.0, 4.3.3).
fn xml_declares(text: &[u8]) -> bool {
    let declaration = text.strip_prefix(b"<?xml").and_then(|rest| until(rest, b"?>"));
    declaration.is_some_and(|declaration| is_set(declaration, b"encoding"))
}

/// Returns true if a `<meta>` outside of comments sets the charset, by an attribute of its own or with
/// `http-equiv`.
fn meta_declares(mut text: &[u8]) -> bool {
    while let Some(tag) = text.iter().position(|&byte| byte == b'<') {
        text = &text[tag + 1..];
        if text.starts_with(b"!--") {
            let Some(comment) = until(text, b"-->") else { return false };
            text = &text[comment.len()..];
        } else if let Some(rest) = text.strip_prefix(b"meta")
            && rest.first().is_some_and(|&byte| byte == b'/' || byte.is_ascii_whitespace())
        {
            let (attributes, values) = attributes(rest);
            let equivalent = is_set(&attributes, b"http-equiv") && is_set(&values, b"charset");
            if equivalent || is_set(&attributes, b"charset") {
                return true;
            }
        }
    }
    false
}

/// Returns the attributes of a tag, up to its `>`, without and with only the text in quotes.
fn attributes(tag: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (mut outside, mut inside, mut quote) = (Vec::new(), Vec::new(), None);
    for &byte in tag {
        match (byte, quote) {
            (b'>', None) => break,
            (b'"' | b'\'', None) => quote = Some(byte),
            (_, Some(open)) if byte == open => quote = None,
            (_, None) => outside.push(byte),
            (_, Some(_)) => inside.push(byte),
        }
    }
    (outside, inside)
}

/// Returns true if `name`, then `=`, is in the text, with white space between them or not.
fn is_set(text: &[u8], name: &[u8]) -> bool {
    let is_equals = |rest: &[u8]| rest.trim_ascii_start().starts_with(b"=");
    text.windows(name.len())
        .enumerate()
        .any(|(at, word)| word == name && is_equals(&text[at + name.len()..]))
}

/// Returns what comes before `end`, if that is there.
fn until<'a>(text: &'a [u8], end: &[u8]) -> Option<&'a [u8]> {
    let at = text.windows(end.len()).position(|word| word == end)?;
    Some(&text[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_utf8_if_it_is_and_declares_nothing() {
        let long = |before: usize, bytes: &[u8]| [&vec![b'x'; before], bytes].concat();
        let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        let rows: &[(&str, &str, Vec<u8>, bool)] = &[
            ("nothing", "text/html", vec![], true),
            ("ASCII", "text/html", b"<p>hello".into(), true),
            ("UTF-8", "text/html", "<p>gr\u{fc}n".into(), true),
            ("with a byte order mark", "text/html", "\u{feff}<p>gr\u{fc}n".into(), true),
            ("ISO-8859-1", "text/html", b"<p>gr\xfcn".into(), false),
            ("ISO-8859-1 as text", "text/plain", b"gr\xfcn".into(), false),
            ("UTF-16 with its mark", "text/plain", utf16("\u{feff}hello"), false),
            ("UTF-16 without", "text/xml", utf16("<?xml version='1.0'?>"), false),
            ("cut at the end", "text/plain", long(LOOKED_AT - 1, b"\xc3"), true),
            ("four bytes cut at the end", "text/plain", long(LOOKED_AT - 3, b"\xf0\x9f\x98"), true),
            ("broken before the end", "text/plain", long(LOOKED_AT - 2, b"\xc3x"), false),
            ("a whole file that is cut", "text/plain", long(9, b"\xc3"), false),
            ("meta", "text/html", b"<html><META CHARSET=iso-8859-1>".into(), false),
            ("meta, quoted", "text/html", b"<meta\ncharset = \"utf-8\">".into(), false),
            (
                "http-equiv",
                "text/html",
                b"<meta http-equiv=\"Content-Type\" content='text/html; charset=koi8-r'>".into(),
                false,
            ),
            ("other meta", "text/html", b"<meta name=viewport content='a'>".into(), true),
            ("a meta about it", "text/html", b"<meta name=a content='charset=x'>".into(), true),
            ("metadata", "text/html", b"<metadata charset=x>".into(), true),
            ("in a comment", "text/html", b"<!-- <meta charset=x> --><p>".into(), true),
            ("behind a comment", "text/html", b"<!-- a --><meta charset=x>".into(), false),
            ("meta in a text", "text/plain", b"<meta charset=iso-8859-1>".into(), true),
            ("XML", "text/xml", b"<?xml version=\"1.0\"?><a/>".into(), true),
            ("XML, no declaration", "text/xml", b"<a encoding='x'/>".into(), true),
            (
                "XML that declares",
                "text/xml",
                b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>".into(),
                false,
            ),
            ("XHTML", "text/html", b"<?xml version='1.0' encoding = 'utf-8'?><html>".into(), false),
            ("CSS", "text/css", b"a { content: 'charset=x' }".into(), true),
            ("CSS that declares", "text/css", b"@charset \"iso-8859-1\";".into(), false),
        ];
        for (name, media_type, start, want) in rows {
            assert_eq!(is_utf8(media_type, start), *want, "{name}");
        }
    }
}
