//! Counts the descriptor of a file that one response holds open, until that response has been sent.
//!
//! A file in the file cache is counted there, once for all responses that share it. A small file is
//! read into the output and closed before the head is sent, so it is not counted. What a [`Body::Read`]
//! has open is not known here; its handler limits it.

use super::Http;
use super::send::READ_LIMIT;
use crate::net::peer_address::PeerAddress;
use crate::proto::http::head::RequestHead;
use crate::server::quota::Share;
use crate::server::respond::error_response::ErrorResponse;
use crate::server::respond::failure::log_no_descriptor;
use crate::server::response::{Body, Response};

/// A response, and its file's share of the descriptors, if it needs one.
pub(super) struct Counted {
    pub(super) response: Response,
    pub(super) file: Option<Share>,
    /// No descriptor is left, so the response is a 503. The connection closes after it, which frees its
    /// own descriptor.
    pub(super) rejected: bool,
}

impl Http {
    /// Counts the file of a response; replaces the response by a 503 when no descriptor is left.
    pub(super) fn count_file(
        &self,
        response: Response,
        head: &RequestHead,
        peer: PeerAddress,
    ) -> Counted {
        if !holds_a_file(&response.body, head) {
            return Counted { response, file: None, rejected: false };
        }
        let file = self.bodies.files.take(1);
        if file.is_some() {
            return Counted { response, file, rejected: false };
        }
        log_no_descriptor(peer);
        let response =
            ErrorResponse::too_many_files().response(Some(head)).field("Retry-After", "1");
        Counted { response, file: None, rejected: true }
    }
}

/// Returns whether a descriptor stays open for this body alone, until the client has taken it.
fn holds_a_file(body: &Body, head: &RequestHead) -> bool {
    match body {
        Body::File(..) => true,
        // Several ranges are read from the file as they are sent, however short they are.
        Body::Part(part) => {
            part.is_own() && (part.length() > READ_LIMIT || head.headers.has("range"))
        }
        Body::Bytes(_) | Body::Read(..) | Body::Trailed(..) | Body::Pushed(_) => false,
    }
}
