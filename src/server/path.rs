//! From the path of a request to a path below the root, or to nothing.
//!
//! The path is split at its slashes first and decoded then, so an encoded slash is no separator.
//! Refused, as if it were not there: empty segments (but the last), `.` and `..`, names that begin
//! with a dot, NUL, a slash or backslash inside a name. What is opened in the end, every symbolic
//! link followed, must lie below the root.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;

use crate::proto::http::target::segments;

/// What a path of a request names.
#[derive(Debug, PartialEq, Eq)]
pub enum Named {
    /// A file's name.
    File(PathBuf),
    /// A folder's name, with its slash.
    Folder(PathBuf),
}

/// Reads the path of a request as a relative path, or `None` when it may not be one.
pub fn relative(path: &str) -> Option<Named> {
    let parts: Vec<_> = segments(path).collect();
    let (last, folders) = parts.split_last()?;
    let mut relative = PathBuf::new();
    for part in folders.iter().chain(Some(last).filter(|last| !last.is_empty())) {
        let unfit = |byte: &u8| matches!(byte, 0 | b'/' | b'\\');
        if part.is_empty() || part.starts_with(b".") || part.iter().any(unfit) {
            return None;
        }
        relative.push(OsStr::from_bytes(part));
    }
    Some(if last.is_empty() { Named::Folder(relative) } else { Named::File(relative) })
}

/// Opens what lies at `relative` below `root` (a canonical path) for reading, whatever it is; a
/// FIFO or a device does not block.
///
/// # Errors
/// Those of the file system; `NotFound` for what lies outside the root.
pub fn open_below(root: &Path, relative: &Path) -> io::Result<(File, Metadata)> {
    let real = fs::canonicalize(root.join(relative))?;
    if !real.starts_with(root) {
        return Err(io::ErrorKind::NotFound.into());
    }
    let flags = OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW;
    let file = File::options().read(true).custom_flags(flags.bits()).open(&real)?;
    let metadata = file.metadata()?;
    Ok((file, metadata))
}

/// Is there nothing of that name? Too long a name, a file for a folder on the way, links that lead
/// round in a circle, and a socket (ENXIO), which cannot be opened, are as good as nothing.
pub fn is_absent(error: &io::Error) -> bool {
    use Errno::*;
    error.kind() == io::ErrorKind::NotFound
        || matches!(
            error.raw_os_error().map(Errno::from_raw),
            Some(ENOTDIR | ENAMETOOLONG | ELOOP | ENXIO)
        )
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
            ("/a/.hidden", None),
            ("/..%c0%af", None),
        ] {
            assert_eq!(relative(path), want, "{path}");
        }
    }
}
