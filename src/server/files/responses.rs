//! What a client gets in place of a file: a redirect to a folder, or a refusal of what is there.

use std::path::Path;

use crate::proto::http::chars::{QUERY, UNRESERVED, percent_encode};
use crate::proto::http::status::Status;
use crate::server::request::Request;
use crate::server::respond::error_response::ErrorResponse;
use crate::server::response::Response;

/// Returns a 503: the names in a folder need more memory than the listings that are being sent leave.
pub(super) fn too_large(request: &Request) -> Response {
    let refusal = ErrorResponse::new(
        Status::SERVICE_UNAVAILABLE,
        "RFC 9110, 15.6.4",
        "this listing needs more memory than the server keeps for listings, or has left at the moment",
        "the same request later; a folder with fewer files; or a higher --max-listings-memory",
    );
    refusal.log_policy_and_respond(&request.head, request.peer).field("Retry-After", "1")
}

/// Returns a 406: the client accepts neither the file as it is nor any of its siblings.
pub(super) fn not_acceptable(request: &Request) -> Response {
    let refusal = ErrorResponse::new(
        Status::NOT_ACCEPTABLE,
        "RFC 9110, 12.5.3",
        "Accept-Encoding excludes every coding in which this file exists",
        "Accept-Encoding: gzip, identity",
    );
    refusal.to(request).field("Vary", "Accept, Accept-Encoding")
}

/// Returns a 301 to the same path with a slash at its end, so that relative links in the page are right.
/// The path is in its normal form and built from its checked names: it never begins with two slashes, which
/// would lead to another host.
pub(super) fn redirect_to_folder(request: &Request, path: &Path) -> Response {
    let (before, _) = request.split_path();
    let mut location = before.to_owned();
    for name in path {
        location.push('/');
        location.push_str(&percent_encode(name.as_encoded_bytes(), &UNRESERVED));
    }
    location.push('/');
    if let Some(query) = request.head.target.query() {
        location.push('?');
        // What a URI may not have, and the client sent all the same, is encoded; a % is kept.
        let parts = query.split('%').map(|part| percent_encode(part.as_bytes(), &QUERY));
        location.push_str(&parts.collect::<Vec<_>>().join("%"));
    }
    Response::text(format!(
        "301 Moved Permanently\n\nA folder's path ends with a slash: {location}\n"
    ))
    .status(Status::MOVED_PERMANENTLY)
    .field("Location", location)
}
