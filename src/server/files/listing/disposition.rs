//! The name under which a client is asked to keep a response: `Content-Disposition` (RFC 6266).

use std::ffi::OsStr;

use crate::proto::http::chars::{UNRESERVED, percent_encode};

/// Returns the value that asks to keep a response as `name.extension`: in ASCII for old clients, where any other byte
/// and what could end or leave the name is a `_`, and in UTF-8 if that says more (RFC 8187).
pub fn attachment(name: &OsStr, extension: &str) -> String {
    let name = format!("{}.{extension}", name.to_string_lossy());
    let plain = |char: char| match char {
        ' '..='~' if !matches!(char, '"' | '\\' | '/' | '%') => char,
        _ => '_',
    };
    let ascii: String = name.chars().map(plain).collect();
    let mut value = format!("attachment; filename=\"{ascii}\"");
    if ascii != name {
        value.push_str("; filename*=UTF-8''");
        value.push_str(&percent_encode(name.as_bytes(), &UNRESERVED));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt as _;

    #[test]
    fn names() {
        for (name, want) in [
            (&b"docs"[..], "filename=\"docs.tar\""),
            (b"a b", "filename=\"a b.tar\""),
            (b"a\"b\\c", "filename=\"a_b_c.tar\"; filename*=UTF-8''a%22b%5Cc.tar"),
            (b"50%41", "filename=\"50_41.tar\"; filename*=UTF-8''50%2541.tar"),
            ("gr\u{fc}n".as_bytes(), "filename=\"gr_n.tar\"; filename*=UTF-8''gr%C3%BCn.tar"),
            (b"a\r\nb", "filename=\"a__b.tar\"; filename*=UTF-8''a%0D%0Ab.tar"),
            (b"caf\xe9", "filename=\"caf_.tar\"; filename*=UTF-8''caf%EF%BF%BD.tar"),
        ] {
            assert_eq!(attachment(OsStr::from_bytes(name), "tar"), format!("attachment; {want}"));
        }
    }
}
