//! The changes themselves, one at a time: a name gets a new file, or is removed.
//!
//! The client's conditions are compared with the state of the file, and the change is made, under one lock: of two
//! clients that hold the same tag (`If-Match`), one wins. The lock excludes all changes by this server. Other programs
//! are not excluded: what they change between the comparison and the rename, a few microseconds, is replaced. Only
//! that a name is new (`If-None-Match: *`) is checked by the system call that gives it, and so holds against all.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use super::new_file::{NewFile, TemporaryNames};
use super::refused::{self, check_is_file, conflict, no_folder};
use super::target::Target;
use crate::proto::http::accept::Coding;
use crate::proto::http::conditional::{Outcome, Validators, evaluate};
use crate::proto::http::etag::EntityTag;
use crate::proto::http::head::RequestHead;
use crate::server::files::document_root::DocumentRoot;
use crate::server::files::ticks::settled_time;
use crate::server::files::validators;
use crate::server::files::writable_folder::{NotOpened, WritableFolder};
use crate::server::respond::error_response::ErrorResponse;
use crate::sync::lock;

/// A folder tree that can be changed.
#[derive(Debug)]
pub(super) struct Tree {
    names: TemporaryNames,
    /// Held from the comparison with the current state until the change.
    turn: Mutex<()>,
}

/// What becomes of a file that has the name already.
#[derive(Debug, Clone, Copy)]
pub(super) enum Existing<'h> {
    /// It is replaced, if the conditions of this request hold; they are about an absent file as well.
    Conditional(&'h RequestHead),
    /// It is replaced.
    Replace,
    /// It stays, and the new one is refused.
    Keep,
}

/// What a new file has become.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stored {
    /// A file of a new name.
    New {
        /// Its tag.
        etag: String,
    },
    /// A file in place of another one.
    Replaced {
        /// Its tag.
        etag: String,
    },
}

impl Tree {
    pub(super) fn new(root: DocumentRoot) -> Tree {
        Tree { names: TemporaryNames::new(root), turn: Mutex::default() }
    }

    /// Opens a folder for a change of what is in it.
    pub(super) fn folder(&self, relative: &Path) -> Result<WritableFolder, NotOpened> {
        self.names.open(relative)
    }

    /// Begins a file for this name. What stands in its way now is an error before the client sends the body; it is
    /// looked at again when the file is complete.
    pub(super) fn begin(
        &self,
        target: &Target,
        existing: Existing<'_>,
        length: Option<u64>,
    ) -> Result<NewFile, ErrorResponse> {
        let failed = |error: io::Error| refused::failed(&error, &target.shown());
        let folder = self.folder(&target.folder).map_err(no_folder)?;
        check(folder.look(&target.name).map_err(failed)?.as_ref(), target, existing)?;
        let new = self.names.create(&folder).map_err(failed)?;
        new.check_room(length).map_err(failed)?;
        Ok(new)
    }

    /// Flushes a file that is complete, gives it its name, and flushes the name. The time of its modification is set
    /// to one that no later change can leave ([`settled_time`]), so that its tag is strong from the beginning.
    pub(super) fn store(
        &self,
        mut new: NewFile,
        target: &Target,
        existing: Existing<'_>,
    ) -> Result<Stored, ErrorResponse> {
        let failed = |error: io::Error| refused::failed(&error, &target.shown());
        new.file().set_modified(settled_time(SystemTime::now())).map_err(failed)?;
        new.file().sync_all().map_err(failed)?;
        let folder = self.folder(&target.folder).map_err(no_folder)?;
        let turn = lock(&self.turn);
        let replaced = self.publish(&mut new, &folder, target, existing)?;
        drop(turn);
        folder.flush();
        let metadata = new.file().metadata().map_err(failed)?;
        let (etag, _) = validators(&metadata, Coding::Identity, SystemTime::now());
        Ok(if replaced { Stored::Replaced { etag } } else { Stored::New { etag } })
    }

    /// Gives the file its name. Returns true if another one had it.
    fn publish(
        &self,
        new: &mut NewFile,
        folder: &WritableFolder,
        target: &Target,
        existing: Existing<'_>,
    ) -> Result<bool, ErrorResponse> {
        /// How often another program may create and remove the name before this gives up.
        const ATTEMPTS: usize = 10;

        let failed = |error: io::Error| refused::failed(&error, &target.shown());
        for _ in 0..ATTEMPTS {
            let found = folder.look(&target.name).map_err(failed)?;
            check(found.as_ref(), target, existing)?;
            let Some(old) = found else {
                match new.publish_new(&self.names, folder, &target.name) {
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                    outcome => return outcome.map(|()| false).map_err(failed),
                }
            };
            tell_apart(new, &old).map_err(failed)?;
            new.publish_over(old.mode(), &self.names, folder, &target.name).map_err(failed)?;
            return Ok(true);
        }
        Err(conflict(format!("{} is changed all the time", target.shown()), "another name"))
    }

    /// Removes a file, and flushes that.
    ///
    /// # Errors
    /// A 404 when it does not exist, a 412 when a condition does not hold, a 409 or 403 for what is not a file.
    pub(super) fn remove(&self, target: &Target, head: &RequestHead) -> Result<(), ErrorResponse> {
        self.remove_by(target, head, |folder, found| match found {
            None => Err(ErrorResponse::not_found(head)),
            Some(found) => {
                check_is_file(found, target)?;
                check_conditions(found, head)?;
                folder.remove(&target.name).map_err(|error| or_absent(&error, target, head))
            }
        })
    }

    /// Removes a folder that is empty, and flushes that.
    ///
    /// # Errors
    /// A 404 when it does not exist, a 409 when it is not empty, a 403 for a link.
    pub(super) fn remove_folder(
        &self,
        target: &Target,
        head: &RequestHead,
    ) -> Result<(), ErrorResponse> {
        self.remove_by(target, head, |folder, found| match found {
            Some(found) if found.is_symlink() => Err(refused::is_a_link(&target.path())),
            Some(found) if found.is_dir() => {
                // A folder has no tag: any state is `*`, and none is another one.
                check_outcome(evaluate(&head.method, &head.headers, Some(&Validators::default())))?;
                folder.remove_folder(&target.name).map_err(|error| or_absent(&error, target, head))
            }
            _ => Err(ErrorResponse::not_found(head)),
        })
    }

    fn remove_by(
        &self,
        target: &Target,
        head: &RequestHead,
        remove: impl FnOnce(&WritableFolder, Option<&Metadata>) -> Result<(), ErrorResponse>,
    ) -> Result<(), ErrorResponse> {
        let folder = match self.folder(&target.folder) {
            Err(NotOpened::Missing(_) | NotOpened::NotAFolder(_)) => {
                return Err(ErrorResponse::not_found(head));
            }
            outcome => outcome.map_err(no_folder)?,
        };
        let turn = lock(&self.turn);
        let found = folder.look(&target.name);
        let found = found.map_err(|error| refused::failed(&error, &target.shown()))?;
        remove(&folder, found.as_ref())?;
        drop(turn);
        folder.flush();
        Ok(())
    }
}

/// Checks what has the name now, and the conditions of the request.
fn check(
    found: Option<&Metadata>,
    target: &Target,
    existing: Existing<'_>,
) -> Result<(), ErrorResponse> {
    if let Some(found) = found {
        check_is_file(found, target)?;
    }
    match (existing, found) {
        (Existing::Conditional(head), Some(found)) => check_conditions(found, head),
        (Existing::Conditional(head), None) => {
            check_outcome(evaluate(&head.method, &head.headers, None))
        }
        (Existing::Keep, Some(_)) => {
            let what = format!("{} exists", target.shown());
            Err(conflict(what, "another name, or \"replace\" ticked in the form"))
        }
        (Existing::Replace, _) | (Existing::Keep, None) => Ok(()),
    }
}

fn check_conditions(found: &Metadata, head: &RequestHead) -> Result<(), ErrorResponse> {
    let (etag, _) = validators(found, Coding::Identity, SystemTime::now());
    let state = Validators {
        etag: EntityTag::parse(etag.as_bytes()),
        last_modified: found.modified().ok(),
    };
    check_outcome(evaluate(&head.method, &head.headers, Some(&state)))
}

fn check_outcome(outcome: Outcome) -> Result<(), ErrorResponse> {
    match outcome {
        Outcome::Failed(field) => Err(ErrorResponse::precondition_failed(field)),
        Outcome::Proceed | Outcome::NotModified => Ok(()),
    }
}

/// Gives a new file another time than the old one has, if both have the same length, and so would have the same tag.
fn tell_apart(new: &NewFile, old: &Metadata) -> io::Result<()> {
    let modified = new.file().metadata()?.modified()?;
    if new.length() == old.len() && old.modified()? == modified {
        let earlier = modified.checked_sub(Duration::from_nanos(1)).unwrap_or(modified);
        new.file().set_modified(earlier)?;
    }
    Ok(())
}

/// Returns a 404 if the name is gone by now.
fn or_absent(error: &io::Error, target: &Target, head: &RequestHead) -> ErrorResponse {
    match error.kind() {
        io::ErrorKind::NotFound => ErrorResponse::not_found(head),
        _ => refused::failed(error, &target.shown()),
    }
}
