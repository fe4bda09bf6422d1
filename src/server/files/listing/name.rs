//! A name of a file in a listing: as a link, and as text.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use super::entries::Kind;
use crate::proto::http::chars::{UNRESERVED, percent_encode};
use crate::text::{escape_for_terminal, escape_html};

/// Returns true if a name is its own link and its own text: most are.
pub fn is_plain(name: &OsStr) -> bool {
    UNRESERVED.has_all(name.as_bytes())
}

/// Returns the relative reference that leads to an entry of the same folder (RFC 3986, 4.2). Every byte that is not
/// unreserved is percent-encoded, so that no name can be read as a scheme (`a:b`), a query, or a fragment; one that
/// is not UTF-8 is there with all its bytes.
pub fn link(name: &OsStr, kind: Kind) -> String {
    let mut link = percent_encode(name.as_bytes(), &UNRESERVED);
    if kind == Kind::Folder {
        link.push('/');
    }
    link
}

/// Returns the name as text for people, escaped for HTML. What cannot be seen, or would move the text beside it (line
/// ends and other controls, marks of direction, bytes that are not UTF-8) is shown as `\xHH`.
pub fn shown(name: &OsStr) -> String {
    escape_html(&escape_for_terminal(name.as_bytes()).replace('\t', "\\x09"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_texts() {
        for (name, want_link, want_text) in [
            (&b"plain.txt"[..], "plain.txt", "plain.txt"),
            (b"a b", "a%20b", "a b"),
            (b"100%", "100%25", "100%"),
            (b"a%20b", "a%2520b", "a%20b"),
            (b"a#b?c=d&e", "a%23b%3Fc%3Dd%26e", "a#b?c=d&amp;e"),
            (b"a+b", "a%2Bb", "a+b"),
            (b"<b>\"'", "%3Cb%3E%22%27", "&lt;b&gt;&quot;&#39;"),
            (b"javascript:alert(1)", "javascript%3Aalert%281%29", "javascript:alert(1)"),
            (b"-rf", "-rf", "-rf"),
            (b"~x", "~x", "~x"),
            ("gr\u{fc}n \u{5e9}".as_bytes(), "gr%C3%BCn%20%D7%A9", "gr\u{fc}n \u{5e9}"),
            (b"a\nb\tc\x1b", "a%0Ab%09c%1B", "a\\x0Ab\\x09c\\x1B"),
            (b"caf\xe9", "caf%E9", "caf\\xE9"),
            ("exe\u{202e}txt".as_bytes(), "exe%E2%80%AEtxt", "exe\\xE2\\x80\\xAEtxt"),
        ] {
            let name = OsStr::from_bytes(name);
            assert_eq!(
                (link(name, Kind::File).as_str(), shown(name).as_str()),
                (want_link, want_text)
            );
            assert_eq!(is_plain(name), want_link == want_text);
            assert_eq!(link(name, Kind::Folder), format!("{want_link}/"));
        }
    }
}
