//! What the path of a request names, as the place of a change.
//!
//! Stricter than for reading ([`path`](crate::server::files::path)): no name that begins with a dot can be written,
//! not even `/.well-known`, whose files prove to others whom a site belongs to (RFC 8555, 8.3).

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use crate::proto::http::status::Status;
use crate::proto::http::target::segments;
use crate::server::respond::error_response::{ErrorResponse, shown};
use crate::text::escape_bytes;

/// The longest name in bytes, as on all usual file systems of Linux (NAME_MAX, limits.h).
const LONGEST: usize = 255;

/// A name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// The folder below the root; empty for the root itself.
    pub(super) folder: PathBuf,
    pub(super) name: OsString,
}

/// What a path names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Named {
    File(Target),
    /// The name ends with a slash; `None` for the root.
    Folder(Option<Target>),
}

impl Named {
    /// Reads the rest of a request's path, from its first slash on, still encoded.
    ///
    /// # Errors
    /// A 403 that says which name cannot be written, and why.
    pub(super) fn parse(path: &str) -> Result<Named, ErrorResponse> {
        let mut names: Vec<Vec<u8>> = segments(path).map(|name| name.into_owned()).collect();
        let is_folder = names.last().is_some_and(Vec::is_empty);
        if is_folder {
            names.pop();
        }
        for name in &names {
            check(name)?;
        }
        let Some(name) = names.pop() else { return Ok(Named::Folder(None)) };
        let folder = names.into_iter().map(OsString::from_vec).collect();
        let target = Target { folder, name: OsString::from_vec(name) };
        Ok(if is_folder { Named::Folder(Some(target)) } else { Named::File(target) })
    }
}

impl Target {
    /// Returns the path of the folder and the name.
    pub(super) fn path(&self) -> PathBuf {
        self.folder.join(&self.name)
    }

    /// Returns it as a text for a page or the log.
    pub(super) fn shown(&self) -> String {
        shown_path(&self.path())
    }
}

/// Returns a path below the root as a text for a page or the log, as a client writes it: with a slash before it.
pub(super) fn shown_path(path: &Path) -> String {
    format!("/{}", shown_name(path.as_os_str()))
}

/// Returns a name of a file as a text for a page or the log.
fn shown_name(name: &OsStr) -> String {
    shown(&escape_bytes(name.as_bytes()))
}

/// Checks one name of a path.
///
/// # Errors
/// A 403, or a 414 for one that is too long.
pub(super) fn check(name: &[u8]) -> Result<(), ErrorResponse> {
    let why = match name {
        [] => "has an empty name",
        [b'.', ..] => "begins with a dot, and such names are not for clients",
        _ if name.contains(&0) => "has a NUL",
        _ if name.contains(&b'/') => "has a slash that is encoded",
        _ if name.contains(&b'\\') => "has a backslash",
        _ if name.len() > LONGEST => {
            let what = format!("a name of {} bytes is too long for a file", name.len());
            let right = format!("a name of at most {LONGEST} bytes");
            return Err(ErrorResponse::new(Status::URI_TOO_LONG, "RFC 9110, 15.5.15", what, right));
        }
        _ => return Ok(()),
    };
    let name = shown_name(OsStr::from_bytes(name));
    Err(ErrorResponse::new(
        Status::FORBIDDEN,
        "RFC 9110, 15.5.4",
        format!("nothing is changed under the name \"{name}\": it {why}"),
        "a name such as notes.txt",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::nth;

    #[test]
    fn what_can_be_changed() {
        let target = |folder: &str, name: &str| Target { folder: folder.into(), name: name.into() };
        let long = "x".repeat(LONGEST);
        for (path, want) in [
            ("/a", Ok(Named::File(target("", "a")))),
            ("/a/b/c%20d", Ok(Named::File(target("a/b", "c d")))),
            ("/a..b", Ok(Named::File(target("", "a..b")))),
            (&format!("/{long}"), Ok(Named::File(target("", &long)))),
            ("/", Ok(Named::Folder(None))),
            ("/a/", Ok(Named::Folder(Some(target("", "a"))))),
            ("/a/b/", Ok(Named::Folder(Some(target("a", "b"))))),
            ("//a", Err(403)),
            ("/a//", Err(403)),
            ("/.a", Err(403)),
            ("/%2ea", Err(403)),
            ("/.", Err(403)),
            ("/..", Err(403)),
            ("/../a", Err(403)),
            ("/a/../b", Err(403)),
            ("/%2e%2e/a", Err(403)),
            ("/.well-known/acme-challenge/token", Err(403)),
            ("/.threadbare-0123456789abcdef.part", Err(403)),
            ("/a%2fb", Err(403)),
            ("/..%2fb", Err(403)),
            ("/a%5cb", Err(403)),
            ("/a%00", Err(403)),
            (&format!("/{long}x"), Err(414)),
        ] {
            let got = Named::parse(path).map_err(|error| error.status.code());
            assert_eq!(got, want, "{path}");
        }
    }

    /// Whatever is typed: no name leads anywhere else, and none is hidden.
    #[test]
    fn every_name_stays_in_its_folder() {
        let letters: Vec<char> = "/.%2eEfF05cC\\ax\u{fc}~".chars().collect();
        let letter = |seed: u64, at: u64| {
            let random = nth(seed, at) % letters.len() as u64;
            letters[usize::try_from(random).unwrap()]
        };
        for seed in 0..100_000 {
            let length = nth(seed, 0) % 24;
            let path: String = (1..=length).map(|at| letter(seed, at)).collect();
            let path = format!("/{path}");
            let (Ok(Named::File(target)) | Ok(Named::Folder(Some(target)))) = Named::parse(&path)
            else {
                continue;
            };
            for part in target.path().components() {
                let std::path::Component::Normal(name) = part else { panic!("{path}: {target:?}") };
                let name = name.as_bytes();
                assert!(!name.starts_with(b".") && !name.contains(&b'\\'), "{path}: {target:?}");
            }
            let slashes = path.matches('/').count();
            assert!(target.path().components().count() <= slashes, "{path}: {target:?}");
        }
    }
}
