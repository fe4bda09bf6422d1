//! `-D FILE`: the heads of all responses, byte for byte as they were received: interim ones, those of redirects, and
//! the trailer fields after a body.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::destination::make_folders;
use super::error::{CommandError, print_stderr, print_stdout};
use crate::cli::client::ClientOptions;
use crate::sync::lock;

/// Where heads go.
pub(super) enum HeadDump {
    Stdout,
    Stderr,
    File(Mutex<File>, PathBuf),
}

impl HeadDump {
    /// Opens the file of `-D`, which begins empty; `None` without that flag. Operations that name the same file share it
    /// with those `before`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn open<'d>(
        options: &ClientOptions,
        mut before: impl Iterator<Item = &'d Arc<HeadDump>>,
    ) -> Result<Option<Arc<HeadDump>>, CommandError> {
        let Some(path) = &options.files.heads else { return Ok(None) };
        let is_same =
            |other: &&Arc<HeadDump>| matches!(&***other, HeadDump::File(_, its) if its == path);
        if let Some(other) = before.find(is_same) {
            return Ok(Some(Arc::clone(other)));
        }
        Ok(Some(Arc::new(match path.to_str() {
            Some("-") => HeadDump::Stdout,
            Some("%") => HeadDump::Stderr,
            _ => {
                let file = create(path, options.files.makes_folders);
                HeadDump::File(
                    Mutex::new(file.map_err(|error| not_written(path, error))?),
                    path.clone(),
                )
            }
        })))
    }

    /// Returns true if the heads go to stdout.
    pub(super) fn is_stdout(&self) -> bool {
        matches!(self, HeadDump::Stdout)
    }

    /// Writes heads.
    ///
    /// # Errors
    /// When they cannot be written.
    pub(super) fn write(&self, heads: &[u8]) -> Result<(), CommandError> {
        match self {
            HeadDump::Stdout => print_stdout(heads),
            HeadDump::Stderr => {
                print_stderr(heads);
                Ok(())
            }
            HeadDump::File(file, path) => {
                lock(file).write_all(heads).map_err(|error| not_written(path, error))
            }
        }
    }
}

fn create(path: &Path, makes_folders: bool) -> io::Result<File> {
    if makes_folders {
        make_folders(path)?;
    }
    File::create(path)
}

fn not_written(path: &Path, error: io::Error) -> CommandError {
    CommandError::Write(path.display().to_string(), error)
}
