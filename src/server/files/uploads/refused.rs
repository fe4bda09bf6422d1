//! Why a change is not made, in words: what stands in the way, and what is right. No state of the folder makes a
//! change a 500, except a disk that is broken.

use std::fs::Metadata;
use std::io;
use std::path::Path;

use nix::errno::Errno;

use super::target::{Target, shown_path};
use crate::net::errors::out_of_descriptors;
use crate::proto::http::status::Status;
use crate::server::files::writable_folder::NotOpened;
use crate::server::respond::error_response::{ErrorResponse, is_full};
use crate::server::respond::failure::log_failure;

/// Returns a 409: the state of the folder does not allow the change.
pub(super) fn conflict(what: impl Into<String>, right: impl Into<String>) -> ErrorResponse {
    ErrorResponse::new(Status::CONFLICT, "RFC 9110, 15.5.10", what, right)
}

/// Returns a 403: the change is not allowed here.
pub(super) fn forbidden(what: impl Into<String>, right: impl Into<String>) -> ErrorResponse {
    ErrorResponse::new(Status::FORBIDDEN, "RFC 9110, 15.5.4", what, right)
}

/// Returns a 405: the method is not for what this path names. The server adds `Allow`.
pub(super) fn not_for_this(what: impl Into<String>, right: impl Into<String>) -> ErrorResponse {
    ErrorResponse::new(Status::METHOD_NOT_ALLOWED, "RFC 9110, 15.5.6", what, right)
}

/// Returns the response to a change through a symbolic link.
pub(super) fn is_a_link(path: &Path) -> ErrorResponse {
    let path = shown_path(path);
    let what = format!(
        "{path} is a symbolic link, and nothing is changed through a link, nor the link itself"
    );
    forbidden(what, "the path that the link leads to, if that is in the same folder tree")
}

/// Returns the response when the folder of a file that is put cannot be opened.
pub(super) fn no_folder(error: NotOpened) -> ErrorResponse {
    match error {
        NotOpened::Missing(path) => {
            let path = shown_path(&path);
            conflict(format!("the folder {path} does not exist"), "a folder that exists, such as /")
        }
        NotOpened::Link(path) => is_a_link(&path),
        NotOpened::NotAFolder(path) => {
            let path = shown_path(&path);
            conflict(format!("{path} is not a folder"), "a folder that exists, such as /")
        }
        NotOpened::Failed(error) => failed(&error, "the folder"),
    }
}

/// Checks that what has the name of a file can be changed as one.
///
/// # Errors
/// A 409 for a folder or a device, a 403 for a link.
pub(super) fn check_is_file(found: &Metadata, target: &Target) -> Result<(), ErrorResponse> {
    let path = target.shown();
    if found.is_file() {
        Ok(())
    } else if found.is_symlink() {
        Err(is_a_link(&target.path()))
    } else if found.is_dir() {
        Err(conflict(
            format!("{path} is a folder"),
            "the name of a file; a folder's ends with a slash",
        ))
    } else {
        let what = format!("{path} is neither a file nor a folder");
        Err(conflict(what, "the name of a regular file"))
    }
}

/// Returns the response to a change that failed with this error of the file system; `what` it was done to.
pub(super) fn failed(error: &io::Error, what: &str) -> ErrorResponse {
    use Errno::*;
    if is_full(error) {
        log_failure(format_args!("{what} cannot be stored"), error);
        return ErrorResponse::cannot_keep(error);
    }
    if out_of_descriptors(error) {
        log_failure(format_args!("{what} cannot be changed"), error);
        return ErrorResponse::too_many_files();
    }
    match error.raw_os_error().map(Errno::from_raw) {
        Some(EACCES | EPERM | EROFS) => {
            log::warn!("{what} cannot be changed: {error}; check owners and modes");
            forbidden(
                format!("the server has no permission to change {what}"),
                "a folder that the server's user may write",
            )
        }
        Some(ENAMETOOLONG) => ErrorResponse::new(
            Status::URI_TOO_LONG,
            "RFC 9110, 15.5.15",
            format!("the file system has no names as long as {what}"),
            "a shorter name",
        ),
        Some(EINVAL | EILSEQ) => ErrorResponse::new(
            Status::BAD_REQUEST,
            "RFC 9110, 15.5.1",
            format!("the file system does not take the name of {what}"),
            "a name of letters and digits",
        ),
        Some(EISDIR) => conflict(format!("{what} is a folder"), "the name of a file"),
        Some(EEXIST | ENOTEMPTY) => conflict(
            format!("the folder {what} is not empty; files whose names begin with a dot count"),
            "first a DELETE of all that is in it",
        ),
        Some(ENOENT | ENOTDIR | ELOOP | ESTALE | EXDEV | EBUSY | ETXTBSY | ENXIO) => {
            let what = format!("{what} was changed by others at the same time, or is in use");
            conflict(what, "the same request later")
        }
        _ => {
            log_failure(format_args!("{what} cannot be changed"), error);
            ErrorResponse::internal_error()
        }
    }
}
