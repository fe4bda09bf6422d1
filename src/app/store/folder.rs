//! The folder of the users, read without a lock: which of its files are users, and what they hold.
//!
//! Anything may lie in a folder: an empty file, a FIFO, a folder with the name of a user. Such a file is
//! left out and named once in the log; the users beside it are served.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::locked::parse_id;
use super::{HIGHEST_ID, Result, StoreError};
use crate::app::user::User;
use crate::proto::http::chars::decimal;
use crate::sync::lock;
use crate::text::escape_bytes;

/// The largest file that is read, in bytes: a user needs a few hundred.
const LARGEST_FILE: u64 = 64 << 10;

/// The most files whose names are remembered, in order to log each of them once.
const MOST_NAMED: usize = 1_000;

/// The folder of the users.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// The files that are no users and have been named in the log.
    named: Mutex<BTreeSet<String>>,
}

impl Folder {
    pub(super) fn at(path: PathBuf) -> Folder {
        Folder { path, named: Mutex::default() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the highest id, for readers, which take no lock: a server that is stopped while it has the
    /// lock stops no reader. Two equal readings show that none was made during a change.
    pub(super) fn last_id(&self) -> Result<u64> {
        let path = self.path.join("last-id");
        let mut text = fs::read(&path);
        loop {
            let again = fs::read(&path);
            match (text, again) {
                (Ok(text), Ok(again)) if text == again => return Ok(parse_id(&text)),
                (Ok(_), again) => text = again,
                (Err(error), _) if error.kind() == io::ErrorKind::NotFound => break,
                (Err(error), _) => return Err(error.into()),
            }
        }
        // A folder without it has been made by hand; the next change writes it.
        self.or_gone(None::<u64>)?;
        self.highest()
    }

    /// Returns the path of the file of a user.
    pub(super) fn of(&self, id: u64) -> PathBuf {
        self.path.join(file_name(id))
    }

    /// Returns the file of a user, if it holds one.
    pub(super) fn user(&self, id: u64) -> Result<Option<Vec<u8>>> {
        let found = self.find(id)?;
        if found.as_ref().is_some_and(|content| User::from_file(content).is_none()) {
            return Err(self.not_a_user(&file_name(id), "does not hold a user"));
        }
        Ok(found)
    }

    /// Returns the file of a user, whatever is in it.
    pub(super) fn find(&self, id: u64) -> Result<Option<Vec<u8>>> {
        let (name, path) = (file_name(id), self.of(id));
        // Before it is opened: the open of a FIFO waits for a writer.
        match fs::metadata(&path) {
            Ok(metadata) if !metadata.is_file() => {
                return Err(self.not_a_user(&name, "is not a regular file"));
            }
            Ok(metadata) if metadata.len() > LARGEST_FILE => {
                let what = format!("is larger than {LARGEST_FILE} bytes");
                return Err(self.not_a_user(&name, &what));
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.not_a_user(&name, &format!("cannot be read: {error}"))),
        }
        let mut content = Vec::new();
        match File::open(&path) {
            Ok(file) => file.take(LARGEST_FILE).read_to_end(&mut content)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Err(self.not_a_user(&name, &format!("cannot be read: {error}")));
            }
            Err(error) => return Err(error.into()),
        };
        Ok(Some(content))
    }

    /// Returns the ids that files have, in no order.
    pub(super) fn ids(&self) -> Result<Vec<u64>> {
        let mut ids = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            let Some(digits) = name.to_str().and_then(|name| name.strip_suffix(".json")) else {
                continue;
            };
            match decimal(digits.as_bytes()) {
                Some(id @ 1..=HIGHEST_ID) if id.to_string() == digits => ids.push(id),
                _ => {
                    let what = format!("is not named by a number from 1 to {HIGHEST_ID}");
                    self.not_a_user(&format!("{digits}.json"), &what);
                }
            }
        }
        Ok(ids)
    }

    /// Returns the highest id that a file has.
    pub(super) fn highest(&self) -> Result<u64> {
        Ok(self.ids()?.into_iter().max().unwrap_or(0))
    }

    /// Returns the error for a file, and logs it if it is the first one.
    fn not_a_user(&self, name: &str, what: &str) -> StoreError {
        let mut named = lock(&self.named);
        if named.len() < MOST_NAMED && named.insert(name.to_owned()) {
            let name = escape_bytes(name.as_bytes());
            log::error!("{}/{name} {what}; it is left out", self.path.display());
        }
        StoreError::NotAUser(format!("{name} {what}"))
    }

    /// Returns what was found; nothing in a folder that has been removed is an error.
    pub(super) fn or_gone<T>(&self, found: Option<T>) -> Result<Option<T>> {
        match found {
            None if !fs::exists(&self.path)? => Err(self.gone().into()),
            found => Ok(found),
        }
    }

    /// Returns the error for a folder that has been removed.
    pub(super) fn gone(&self) -> io::Error {
        let what = format!("{} is not there any more", self.path.display());
        io::Error::new(io::ErrorKind::NotFound, what)
    }

    /// Flushes the folder: a name is on the disk once its folder is.
    pub(super) fn flush(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

pub(super) fn file_name(id: u64) -> String {
    format!("{id}.json")
}
