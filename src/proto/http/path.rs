//! The normal form of a path (RFC 3986, 6.2.2.3): without dot segments, and without empty ones.
//!
//! ```text
//! /a/./b//c    /a/b/c     apt sends /flat/./Packages; joined names give //
//! /a/../b      /b         whether there is an /a or not: only the text counts
//! /a/%2E%2e/b  /b         an encoded dot is a dot (6.2.2.2)
//! /a/..        /          what is left is a folder
//! /../a        /../a      beyond the root: it stays, and names nothing
//! ```
//! A run of slashes is one, as with nginx and Apache; an encoded slash does not separate anything.

use super::chars::{PATH_ACCEPTED, SEGMENT_PLAIN};

/// Returns how long the path is at the start of a target, and whether it is plain, as most are: nothing in
/// it is encoded, and no segment is empty or begins with a dot. A plain path is in its normal form.
#[inline]
pub(super) fn scan(target: &[u8]) -> (usize, bool) {
    for (at, &byte) in target.iter().enumerate() {
        if SEGMENT_PLAIN.has(byte) {
            continue;
        }
        match (byte, target.get(at + 1)) {
            (b'%', _) | (b'/', Some(b'/' | b'.')) => return (PATH_ACCEPTED.prefix(target), false),
            (b'/', _) => {}
            _ => return (at, true),
        }
    }
    (target.len(), true)
}

/// Returns the normal form of a path that begins with `/`.
#[cold]
pub(super) fn normal_form(path: &str) -> String {
    let mut kept = Vec::new();
    let mut is_folder = false;
    for segment in path.split('/').skip(1) {
        let dots = dots(segment);
        is_folder = segment.is_empty() || dots.is_some();
        match (dots, kept.last()) {
            (Some(2), None | Some(&"..")) => kept.push(".."),
            (Some(2), _) => {
                kept.pop();
            }
            _ if is_folder => {}
            _ => kept.push(segment),
        }
    }
    if is_folder && !kept.is_empty() {
        kept.push("");
    }
    format!("/{}", kept.join("/"))
}

/// Returns 1 or 2 for a dot segment (RFC 3986, 3.3).
fn dots(segment: &str) -> Option<usize> {
    let mut count = 0;
    let mut rest = segment.as_bytes();
    while let [b'.', after @ ..] | [b'%', b'2', b'e' | b'E', after @ ..] = rest {
        (count, rest) = (count + 1, after);
    }
    Some(count).filter(|count| rest.is_empty() && matches!(count, 1 | 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_segments_and_runs_of_slashes_are_resolved_in_the_text() {
        for (path, want) in [
            ("/", "/"),
            ("/a", "/a"),
            ("/a/", "/a/"),
            ("/a/b.c/..d/.e/...", "/a/b.c/..d/.e/..."),
            ("/%41/%2f/%2", "/%41/%2f/%2"),
            ("/flat/./Packages", "/flat/Packages"),
            ("/nosuch/../x", "/x"),
            ("/a/b/../../c", "/c"),
            ("/.", "/"),
            ("/./", "/"),
            ("/a/.", "/a/"),
            ("/a/..", "/"),
            ("/a/b/..", "/a/"),
            ("//", "/"),
            ("//a", "/a"),
            ("/a//b///", "/a/b/"),
            ("/a//../b", "/b"),
            ("/%2e/%2E%2e/a", "/../a"),
            ("/.%2e/a", "/../a"),
            ("/..", "/../"),
            ("/../a", "/../a"),
            ("/a/../../b", "/../b"),
            ("/../../a/../b", "/../../b"),
            ("/..;/a", "/..;/a"),
            ("/..%2fa", "/..%2fa"),
            ("/%252e%252e/a", "/%252e%252e/a"),
            ("/é/../a", "/a"),
        ] {
            assert_eq!(normal_form(path), want, "{path}");
            assert_eq!(normal_form(want), want, "{want}");
            let (length, is_plain) = scan(path.as_bytes());
            assert!(length == path.len() && (!is_plain || path == want), "{path}");
        }
    }

    #[test]
    fn a_path_ends_at_a_byte_that_is_not_its_own() {
        for (target, want) in [
            ("", (0, true)),
            ("/", (1, true)),
            ("/a/b.c/é?//", (9, true)),
            ("/a b", (2, true)),
            ("/a%20b?c", (6, false)),
            ("/a//b#c", (5, false)),
            ("/.a\\", (3, false)),
        ] {
            assert_eq!(scan(target.as_bytes()), want, "{target}");
        }
    }
}
