//! DELETE of a file, or of an empty folder by its name with a slash (RFC 9110, 9.3.5).

use super::Uploads;
use super::refused::forbidden;
use super::target::Named;
use crate::proto::http::status::Status;
use crate::server::request::Request;
use crate::server::respond::error_response::ErrorResponse;
use crate::server::response::Response;

/// Removes what the path names.
pub(super) fn handle(uploads: &Uploads, request: &Request) -> Result<Response, ErrorResponse> {
    match Named::parse(request.split_path().1)? {
        Named::File(target) => uploads.tree.remove(&target, &request.head)?,
        Named::Folder(Some(target)) => uploads.tree.remove_folder(&target, &request.head)?,
        Named::Folder(None) => {
            return Err(forbidden(
                "this is the folder that is served, and it stays",
                "the name of a file, or of an empty folder with a slash",
            ));
        }
    }
    Ok(Response::new(Status::NO_CONTENT))
}
