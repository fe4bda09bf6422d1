//! PUT of a file (RFC 9110, 9.3.4).

use super::change::{Existing, Stored};
use super::new_file::NewFile;
use super::refused::{self, not_for_this};
use super::target::{Named, Target};
use super::{Uploads, receive_kept};
use crate::proto::http::head::RequestHead;
use crate::proto::http::status::Status;
use crate::server::body_receiver::{AnnouncedBody, BodyReceiver};
use crate::server::request::Request;
use crate::server::respond::error_response::ErrorResponse;
use crate::server::response::Response;

/// A file that arrives.
struct Arriving {
    new: NewFile,
    /// Its name, for a page or the log.
    shown: String,
}

impl BodyReceiver for Arriving {
    fn receive(&mut self, piece: &[u8]) -> Result<(), ErrorResponse> {
        self.new.write(piece).map_err(|error| refused::failed(&error, &self.shown))
    }
}

/// Checks the head of a PUT.
///
/// # Errors
/// A 400 for a part of a file (RFC 9110, 14.4), which would replace the whole; a 411 for a body of unknown length
/// without chunks: a client of HTTP/1.0 may send one all the same, and an empty file would replace what there is.
pub(super) fn admit(head: &RequestHead) -> Result<(), ErrorResponse> {
    if head.headers.has("content-range") {
        return Err(ErrorResponse::new(
            Status::BAD_REQUEST,
            "RFC 9110, 14.4",
            "the PUT has a Content-Range: a part of a file cannot be put, as it would replace the whole",
            "the whole file, without Content-Range",
        ));
    }
    if !head.headers.has("content-length") && !head.headers.has("transfer-encoding") {
        return Err(ErrorResponse::new(
            Status::LENGTH_REQUIRED,
            "RFC 9110, 15.5.12",
            "the PUT has neither a Content-Length nor a Transfer-Encoding",
            "Content-Length: 0 for an empty file",
        ));
    }
    Ok(())
}

/// Begins to take a file.
pub(super) fn receiver(
    uploads: &Uploads,
    body: &AnnouncedBody<'_>,
) -> Result<Box<dyn BodyReceiver>, ErrorResponse> {
    let target = target(body.rest_of_path())?;
    let new = uploads.tree.begin(&target, Existing::Conditional(body.head), body.length)?;
    Ok(Box::new(Arriving { new, shown: target.shown() }))
}

/// Stores a file that is complete.
pub(super) fn handle(uploads: &Uploads, request: &mut Request) -> Result<Response, ErrorResponse> {
    let target = target(request.split_path().1)?;
    let new = match request.body.take_receiver::<Arriving>() {
        Some(arrived) => arrived.new,
        None => {
            let length = request.body.length();
            let new = uploads.tree.begin(&target, Existing::Conditional(&request.head), length)?;
            let mut arriving = Arriving { new, shown: target.shown() };
            receive_kept(&mut request.body, &mut arriving)?;
            arriving.new
        }
    };
    let stored = uploads.tree.store(new, &target, Existing::Conditional(&request.head))?;
    let (status, etag) = match stored {
        Stored::New { etag } => (Status::CREATED, etag),
        Stored::Replaced { etag } => (Status::NO_CONTENT, etag),
    };
    Ok(Response::new(status).field("ETag", etag))
}

fn target(path: &str) -> Result<Target, ErrorResponse> {
    match Named::parse(path)? {
        Named::File(target) => Ok(target),
        Named::Folder(_) => Err(not_for_this(
            "a path that ends with a slash is a folder, and a folder cannot be put",
            "PUT of a file, such as /notes.txt; its folder must exist",
        )),
    }
}
