//! Maps the path of a request to a relative path below the document root.
//!
//! The path is split at its slashes first and then decoded, so an encoded slash is not a separator.
//! Rejected, as if the file did not exist: empty segments (except the last), `.` and `..` (a
//! [target](crate::proto::http::target) in its normal form has none), names that begin with a dot
//! (unless [`Dotfiles`] are shown), and
//! NUL, a slash or a backslash in a name. `/.well-known/` is for the public (RFC 8615).
//! [`super::document_root`] deals with symbolic links.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

use super::uploads::is_temporary;
use crate::proto::http::target::segments;

/// Whether names that begin with a dot are served: [`Files::dotfiles`](super::Files::dotfiles).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dotfiles {
    /// They do not exist for clients, except `/.well-known` (RFC 8615).
    #[default]
    Hide,
    /// They are served and listed as others are. `.` and `..` are no names of files.
    Show,
}

/// What the path of a request names.
#[derive(Debug, PartialEq, Eq)]
pub enum Named {
    /// A file's name.
    File(PathBuf),
    /// A folder's name, which ends with a slash.
    Folder(PathBuf),
}

/// Returns the relative path of a request's path; `None` if that is not allowed.
pub fn relative(path: &str, dotfiles: Dotfiles) -> Option<Named> {
    let mut relative = Vec::with_capacity(path.len());
    let mut parts = segments(path).peekable();
    while let Some(part) = parts.next() {
        if part.is_empty() && parts.peek().is_none() {
            return Some(Named::Folder(OsString::from_vec(relative).into()));
        }
        if !is_served(relative.is_empty(), &part, dotfiles) {
            return None;
        }
        if !relative.is_empty() {
            relative.push(b'/');
        }
        relative.extend_from_slice(&part);
    }
    Some(Named::File(OsString::from_vec(relative).into()))
}

/// Returns true if a file or folder of this name is served: `at_root` if it is in the document root itself, and
/// not in a folder below it. What is not served is not listed either.
pub fn is_served(at_root: bool, name: &[u8], dotfiles: Dotfiles) -> bool {
    let is_hidden = name.starts_with(b".") && !(at_root && name == b".well-known");
    let is_hidden = match dotfiles {
        Dotfiles::Hide => is_hidden,
        Dotfiles::Show => matches!(name, b"." | b".."),
    };
    let unfit = |byte: &u8| matches!(byte, 0 | b'/' | b'\\');
    !name.is_empty() && !is_hidden && !name.iter().any(unfit) && !is_temporary(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let file = |path: &str| Some(Named::File(path.into()));
        let folder = |path: &str| Some(Named::Folder(path.into()));
        for (path, want) in [
            ("/", folder("")),
            ("/a", file("a")),
            ("/a/", folder("a")),
            ("/a/b%20c", file("a/b c")),
            ("/a%2Fb", None),
            ("/a%5Cb", None),
            ("/a%00", None),
            ("//", None),
            ("//a", None),
            ("/a//b", None),
            ("/.", None),
            ("/..", None),
            ("/../a", None),
            ("/a/../b", None),
            ("/%2e%2e/a", None),
            ("/.%2e/a", None),
            ("/.git/config", None),
            ("/.well-known/acme-challenge/token", file(".well-known/acme-challenge/token")),
            ("/%2Ewell-known/", folder(".well-known")),
            ("/.well-known/.git/config", None),
            ("/a/.well-known/b", None),
            ("/.well-known2/b", None),
            ("/.Well-Known/b", None),
            ("/a/.hidden", None),
            ("/..%c0%af", None),
            ("/.threadbare-0123456789abcdef.part", None),
        ] {
            assert_eq!(relative(path, Dotfiles::Hide), want, "{path}");
        }
        for (path, want) in [
            ("/.git/config", file(".git/config")),
            ("/a/.well-known/b", file("a/.well-known/b")),
            ("/.../a", file(".../a")),
            ("/.", None),
            ("/..", None),
            ("/%2e%2e/a", None),
            ("/a/%2e%2e/b", None),
            ("/.%2Fa", None),
            ("/.threadbare-0123456789abcdef.part", None),
        ] {
            assert_eq!(relative(path, Dotfiles::Show), want, "{path}");
        }
    }
}
