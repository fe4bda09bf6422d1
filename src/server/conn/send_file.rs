//! The descriptor of a file that an answer holds for itself: it is counted until the answer has left.
//!
//! A file that the file cache keeps open is counted there, once for all answers that share it. A small
//! file is read into the output and closed before the head leaves, so it takes no share. What a
//! [`Body::Read`] has open cannot be known; it is the handler's to limit.

use std::net::SocketAddr;

use super::Http;
use super::send::READ;
use crate::proto::http::head::RequestHead;
use crate::server::handler::{Body, Response};
use crate::server::quota::Share;
use crate::server::respond::error_response::ErrorResponse;
use crate::server::respond::failure::log_no_descriptor;

/// A response, and the share of the descriptors that its file has, if it needs one.
pub(super) struct Counted {
    pub(super) response: Response,
    pub(super) file: Option<Share>,
    /// It is a refusal, as no descriptor is left: the connection closes after it, and gives back its own.
    pub(super) refused: bool,
}

impl Http {
    /// Counts the file of a response, or makes a 503 of it.
    pub(super) fn count_file(
        &self,
        response: Response,
        head: &RequestHead,
        peer: SocketAddr,
    ) -> Counted {
        if !holds_a_file(&response.body, head) {
            return Counted { response, file: None, refused: false };
        }
        let file = self.bodies.files.take(1);
        if file.is_some() {
            return Counted { response, file, refused: false };
        }
        log_no_descriptor(peer);
        let response =
            ErrorResponse::too_many_files().response(Some(head)).field("Retry-After", "1");
        Counted { response, file: None, refused: true }
    }
}

/// Returns whether a descriptor stays open for this body alone, until the client has taken it.
fn holds_a_file(body: &Body, head: &RequestHead) -> bool {
    match body {
        Body::File(..) => true,
        // Several ranges are read from the file as they are sent, however short they are.
        Body::Part(part) => part.is_own() && (part.length() > READ || head.headers.has("range")),
        Body::Bytes(_) | Body::Read(..) | Body::Trailed(..) => false,
    }
}
