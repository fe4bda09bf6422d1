//! The names beside a file that is being downloaded: `FILE.part` for its bytes, and `FILE.part.validator`
//! for the version that they are from.
//!
//! A part is this client's only if the file of its validator says so: it has one line, a validator or
//! `none`. What else stands under one of the two names belongs to somebody else and is never touched; the
//! next pair is used then: `FILE.part.1`, `FILE.part.2`, and so on.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

use crate::proto::http::date::parse_http_date;
use crate::proto::http::etag::EntityTag;

/// The longest name of a file, in bytes: that of Linux (NAME_MAX), macOS and the BSDs.
const LONGEST_NAME: usize = 255;
/// The number of pairs that are tried.
const TRIES: usize = 100;
/// The longest name of which the last pair is not longer than [`LONGEST_NAME`].
const LONGEST_STEM: usize = LONGEST_NAME - ".part.99.validator".len();
/// The longest file of a validator that is read, in bytes: the longest field that the client takes.
const LONGEST_NOTE: u64 = 100 << 10;

/// The line of a response without a validator.
const NONE: &str = "none";

/// A pair of names.
#[derive(Debug)]
pub(super) struct PartName {
    /// The name of the bytes.
    pub(super) part: PathBuf,
    /// The name of the validator.
    note: PathBuf,
}

/// What stands under a pair of names.
#[derive(Debug)]
pub(super) enum Found {
    /// Nothing.
    Free,
    /// A part that this client began, with its validator; the bytes may be missing yet.
    Ours(Option<String>),
    /// Something that this client did not make.
    Others,
}

impl PartName {
    /// Returns the pair of names for a download of this file: the first that is not somebody else's.
    ///
    /// # Errors
    /// Those of the file system; [`ErrorKind::AlreadyExists`] if all names are taken.
    pub(super) fn of(target: &Path) -> io::Result<(PartName, Found)> {
        for number in 0..TRIES {
            let name = PartName::numbered(target, number);
            match name.look()? {
                Found::Others => {}
                found => return Ok((name, found)),
            }
        }
        let taken =
            "all names beside it, from .part to .part.99, are taken; right: another -o FILE";
        Err(io::Error::new(ErrorKind::AlreadyExists, taken))
    }

    fn numbered(target: &Path, number: usize) -> PartName {
        let mut part = stem(target.file_name().unwrap_or_default());
        part.push(".part");
        if number > 0 {
            part.push(format!(".{number}"));
        }
        let mut note = part.clone();
        note.push(".validator");
        PartName { part: target.with_file_name(part), note: target.with_file_name(note) }
    }

    fn look(&self) -> io::Result<Found> {
        let part = kind(&self.part)?;
        match (kind(&self.note)?, part) {
            (None, None) => Ok(Found::Free),
            (Some(Kind::File), None | Some(Kind::File)) => match self.read_note() {
                // Another user's: the folder may take new files all the same.
                Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(Found::Others),
                found => found,
            },
            _ => Ok(Found::Others),
        }
    }

    fn read_note(&self) -> io::Result<Found> {
        let mut note = Vec::new();
        File::open(&self.note)?.take(LONGEST_NOTE + 1).read_to_end(&mut note)?;
        let begun = match OpenOptions::new().write(true).open(&self.part) {
            Ok(part) => part.metadata()?.len() > 0,
            Err(error) if error.kind() == ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        };
        // Another client is about to write an empty note, or was killed before it did.
        let is_begun_note = note.is_empty() && !begun;
        let validator = if is_begun_note { Some(None) } else { validator_of(&note) };
        Ok(validator.map_or(Found::Others, Found::Ours))
    }

    /// Returns true if this file has the name of the part.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn is_of(&self, file: &File) -> io::Result<bool> {
        let file = file.metadata()?;
        let named = fs::symlink_metadata(&self.part);
        Ok(named.is_ok_and(|named| (named.dev(), named.ino()) == (file.dev(), file.ino())))
    }

    /// Opens the part. The file of the validator comes first, so that no part is without it.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn open(&self, found: &Found) -> io::Result<File> {
        if matches!(found, Found::Free) {
            let mut note = OpenOptions::new().write(true).create_new(true).open(&self.note)?;
            if let Err(error) = note.write_all(format!("{NONE}\n").as_bytes()) {
                remove(&self.note)?;
                return Err(error);
            }
        }
        let no_link = OFlag::O_NOFOLLOW.bits();
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .custom_flags(no_link)
            .open(&self.part)
    }

    /// Keeps the validator of the part.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn keep_validator(&self, validator: Option<&str>) -> io::Result<()> {
        fs::write(&self.note, format!("{}\n", validator.unwrap_or(NONE)))
    }

    /// Removes the file of the validator, after the part has got its final name.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn remove_validator(&self) -> io::Result<()> {
        remove(&self.note)
    }

    /// Removes both.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn remove(&self) -> io::Result<()> {
        remove(&self.part)?;
        remove(&self.note)
    }
}

enum Kind {
    File,
    /// A folder, a link, a device.
    Other,
}

/// Returns what stands under this name, if anything; a link is not followed.
fn kind(path: &Path) -> io::Result<Option<Kind>> {
    match fs::symlink_metadata(path) {
        Ok(about) => Ok(Some(if about.is_file() { Kind::File } else { Kind::Other })),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the validator that this client wrote down, `Some(None)` for [`NONE`]; `None` if it did not
/// write this.
fn validator_of(note: &[u8]) -> Option<Option<String>> {
    let line = str::from_utf8(note).ok()?.strip_suffix('\n')?;
    let is_tag = EntityTag::parse(line.as_bytes()).is_some_and(|tag| !tag.is_weak());
    let is_date = || parse_http_date(line.as_bytes()).is_some();
    match line {
        NONE => Some(None),
        line => (is_tag || is_date()).then(|| Some(line.to_owned())),
    }
}

/// Returns the beginning of the names beside a file: its name, or, if that is too long, the beginning of
/// it and a hash of the whole, so that another long name has another part.
fn stem(name: &OsStr) -> OsString {
    let bytes = name.as_bytes();
    if bytes.len() <= LONGEST_STEM {
        return name.to_owned();
    }
    let hash = format!("~{:016x}", fnv_1a(bytes));
    let mut end = LONGEST_STEM - hash.len();
    while bytes[end] & 0xC0 == 0x80 && end > 0 {
        end -= 1; // no character of UTF-8 is cut in two
    }
    OsString::from_vec([&bytes[..end], hash.as_bytes()].concat())
}

/// FNV-1a with 64 bits. The hashes of `std` may change with its version, but names have to stay.
fn fnv_1a(bytes: &[u8]) -> u64 {
    let step = |hash: u64, &byte: &u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_never_too_long() {
        for name in ["x".repeat(255), "é".repeat(127), "x".repeat(237), "x".repeat(238)] {
            let names = PartName::numbered(Path::new("/d").join(&name).as_path(), TRIES - 1);
            for path in [&names.part, &names.note] {
                let long = path.file_name().unwrap();
                assert!(long.len() <= LONGEST_NAME && long.to_str().is_some(), "{path:?}");
                assert_eq!(path.parent(), Some(Path::new("/d")));
            }
        }
        let (one, two) = ("x".repeat(254) + "1", "x".repeat(254) + "2");
        assert_ne!(stem(one.as_ref()), stem(two.as_ref()));
        let short = PartName::numbered(Path::new("x"), 0);
        assert_eq!((short.part, short.note), ("x.part".into(), "x.part.validator".into()));
        assert_eq!(PartName::numbered(Path::new("d/x"), 1).part, Path::new("d/x.part.1"));
        assert_eq!(fnv_1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn what_this_client_wrote_down() {
        for (note, want) in [
            ("none\n", Some(None)),
            ("\"one\"\n", Some(Some("\"one\""))),
            ("Sun, 06 Nov 1994 08:49:36 GMT\n", Some(Some("Sun, 06 Nov 1994 08:49:36 GMT"))),
            ("", None),
            ("none", None),
            ("W/\"one\"\n", None),
            ("precious\n", None),
            ("none\nnone\n", None),
        ] {
            let want = want.map(|line: Option<&str>| line.map(str::to_owned));
            assert_eq!(validator_of(note.as_bytes()), want, "{note:?}");
        }
    }
}
