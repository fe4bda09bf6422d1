//! Refusals that teach: what was wrong, where, which rule says so, and how a right one looks.
//!
//! HTML for those who would rather have it (RFC 9110, 12.5.1), plain text for everybody else; how
//! each looks is in `refusal/page.rs`. The texts are constants of ours; where a peer's bytes are
//! shown they are few and escaped, and none of them is a credential.

use std::io::ErrorKind;
use std::net::SocketAddr;

use super::error_page;
use crate::net::admission::RejectReason;
use crate::proto::http::accept::prefers_html;
use crate::proto::http::error::{Fault, Rule};
use crate::proto::http::excerpt::Excerpt;
use crate::proto::http::head::RequestHead;
use crate::proto::http::status::Status;
use crate::server::handler::{Body, Request, Response};
use crate::text::escape_bytes;

/// Why a request is refused, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorResponse {
    /// What is answered.
    pub status: Status,
    /// What was wrong, or is missing: the beginning of a sentence, without its capital.
    pub what: String,
    /// Where, if it is at one place.
    pub place: Option<Box<Place>>,
    /// The RFC section that says so: `RFC 9110, 15.5.1`.
    pub section: &'static str,
    /// What a right one looks like.
    pub right: String,
}

/// Where a rule was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The byte, counted from the start of the head or body.
    pub offset: u64,
    /// The line that it stands in.
    pub excerpt: Option<Excerpt>,
}

impl From<Fault> for ErrorResponse {
    fn from(fault: Fault) -> ErrorResponse {
        ErrorResponse::of(fault, None)
    }
}

impl ErrorResponse {
    /// For a reason that is not a place in the bytes.
    pub fn new(
        status: Status,
        section: &'static str,
        what: impl Into<String>,
        right: impl Into<String>,
    ) -> ErrorResponse {
        ErrorResponse { status, what: what.into(), place: None, section, right: right.into() }
    }

    /// A rule of the protocol was broken, by this line if it is known.
    pub fn of(fault: Fault, excerpt: Option<&Excerpt>) -> ErrorResponse {
        let place = Place { offset: fault.offset, excerpt: excerpt.cloned() };
        ErrorResponse {
            place: Some(Box::new(place)),
            ..ErrorResponse::by(fault.rule, fault.rule.what())
        }
    }

    fn by(rule: Rule, what: impl Into<String>) -> ErrorResponse {
        ErrorResponse::new(rule.status(), rule.section(), what, rule.right())
    }

    /// 404: nothing here by that name.
    pub fn not_found(head: &RequestHead) -> ErrorResponse {
        ErrorResponse::new(
            Status::NOT_FOUND,
            "RFC 9110, 15.5.5",
            format!("there is nothing at {}", shown(head.target.path())),
            "a path that is there, such as /",
        )
    }

    /// 403: it is there, and is not to be read.
    pub fn forbidden(head: &RequestHead) -> ErrorResponse {
        ErrorResponse::new(
            Status::FORBIDDEN,
            "RFC 9110, 15.5.4",
            format!("the server may not read {}", shown(head.target.path())),
            "a file that the server's user may read",
        )
    }

    /// 405: the path is there, the method is not.
    pub fn not_allowed(head: &RequestHead, allow: &str) -> ErrorResponse {
        let (method, path) = (shown(head.method.as_str()), shown(head.target.path()));
        ErrorResponse::new(
            Status::METHOD_NOT_ALLOWED,
            "RFC 9110, 15.5.6",
            format!("{method} is not among the methods of {path}"),
            allow,
        )
    }

    /// 413: a body of more than `limit` bytes.
    pub fn too_large(limit: u64) -> ErrorResponse {
        let rule = Rule::BodyTooLarge;
        ErrorResponse::by(rule, format!("{}: {limit} bytes at most", rule.what()))
    }

    /// 500: a handler panicked, or a file could not be read; what exactly is for the log.
    pub fn internal_error() -> ErrorResponse {
        ErrorResponse::new(
            Status::INTERNAL_SERVER_ERROR,
            "RFC 9110, 15.6.1",
            "the request was right, and the server failed; its log says more",
            "the same request, when the server is mended",
        )
    }

    /// 503: as many workers wait for bodies as may.
    pub fn too_many_streams() -> ErrorResponse {
        ErrorResponse::new(
            Status::SERVICE_UNAVAILABLE,
            "RFC 9110, 15.6.4",
            "as many bodies are being streamed as may be at once",
            "the same request a little later",
        )
    }

    /// 503: as many files are open for uploads and answers as may be.
    pub fn too_many_files() -> ErrorResponse {
        ErrorResponse::new(
            Status::SERVICE_UNAVAILABLE,
            "RFC 9110, 15.6.4",
            "the server has as many files open for uploads and answers as it may",
            "the same request a little later",
        )
    }

    /// 507: all bodies that are kept on the disk may take `most` bytes of it, and with this one they
    /// would take more. It is the status for a disk that is full, which is the same to the client.
    pub fn too_much_on_disk(most: u64) -> ErrorResponse {
        ErrorResponse::new(
            Status::INSUFFICIENT_STORAGE,
            "RFC 4918, 11.5",
            format!("the server keeps {most} bytes of uploads at most, and this one does not fit"),
            "a smaller body, or the same one later",
        )
    }

    /// A body of this size has to be kept in a file, and that failed. 507: the disk is full; 503:
    /// anything else.
    pub fn cannot_keep(error: &std::io::Error) -> ErrorResponse {
        let (status, section) = match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                (Status::INSUFFICIENT_STORAGE, "RFC 4918, 11.5")
            }
            _ => (Status::SERVICE_UNAVAILABLE, "RFC 9110, 15.6.4"),
        };
        let what = "the server has no room for this body";
        ErrorResponse::new(status, section, what, "a smaller body, or the same one later")
    }

    /// 408: so much came in time.
    pub fn head_timeout(came: u64) -> ErrorResponse {
        let what =
            format!("the head took too long: {came} bytes came, and not the blank line at its end");
        ErrorResponse::by(Rule::HeadTimeout, what)
    }

    /// 408: so much came in time, and so much is missing, as far as that can be known.
    pub fn body_timeout(came: u64, missing: Option<u64>) -> ErrorResponse {
        let rule = Rule::BodyTimeout;
        let missing = match missing {
            Some(missing) => format!("{missing} are missing"),
            None => "the last chunk is missing".to_owned(),
        };
        ErrorResponse::by(rule, format!("{}: {came} bytes came, {missing}", rule.what()))
    }

    /// 501: nobody here knows the method.
    pub fn not_implemented(head: &RequestHead) -> ErrorResponse {
        let method = shown(head.method.as_str());
        ErrorResponse::new(
            Status::NOT_IMPLEMENTED,
            "RFC 9110, 9.1",
            format!("nothing here knows the method {method} (case matters)"),
            "GET, HEAD, POST, PUT, DELETE or OPTIONS",
        )
    }

    /// The answer to a request that a handler refuses. The log has the same words, at level debug:
    /// what was asked and answered is in the access log.
    pub fn to(&self, request: &Request) -> Response {
        self.answer(&request.head, request.peer)
    }

    pub(crate) fn answer(&self, head: &RequestHead, peer: SocketAddr) -> Response {
        log::debug!("{peer}: refused: {self}");
        self.response(Some(head))
    }

    /// The answer, in HTML when `head` (if there was one) asks for it.
    pub fn response(&self, head: Option<&RequestHead>) -> Response {
        let response = if head.is_some_and(|head| prefers_html(&head.headers)) {
            Response::html(error_page::html(self))
        } else {
            Response::text(error_page::text(self))
        };
        response.status(self.status).field("Vary", "Accept")
    }

    pub(super) fn excerpt(&self) -> Option<&Excerpt> {
        self.place.as_ref().and_then(|place| place.excerpt.as_ref())
    }
}

/// For the log: one line.
impl std::fmt::Display for ErrorResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&error_page::line(self))
    }
}

/// 503 on a connection that no worker will see: one text for all, and small, as it is written
/// without waiting.
pub fn overload(why: RejectReason) -> Response {
    let refusal = ErrorResponse::new(
        Status::SERVICE_UNAVAILABLE,
        "RFC 9110, 15.6.4",
        why.what(),
        "the same request a second later",
    );
    Response::new(refusal.status)
        .field("Retry-After", "1")
        .field("Content-Type", "text/plain; charset=utf-8")
        .body(Body::Bytes(error_page::text(&refusal).into_bytes().into()))
}

/// A peer's word in a sentence of ours: visible, and not too long.
fn shown(text: &str) -> String {
    const LONGEST: usize = 200;
    match text.as_bytes().get(..LONGEST) {
        Some(start) if text.len() > LONGEST => format!("{}...", escape_bytes(start)),
        _ => escape_bytes(text.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_has_a_status_of_its_own() {
        for (kind, status) in [
            (ErrorKind::StorageFull, Status::INSUFFICIENT_STORAGE),
            (ErrorKind::QuotaExceeded, Status::INSUFFICIENT_STORAGE),
            (ErrorKind::NotFound, Status::SERVICE_UNAVAILABLE),
        ] {
            assert_eq!(ErrorResponse::cannot_keep(&kind.into()).status, status);
        }
    }

    #[test]
    fn no_word_of_a_peer_is_long() {
        assert_eq!(shown("/a"), "/a");
        assert_eq!(shown(&"x".repeat(201)), format!("{}...", "x".repeat(200)));
    }

    #[test]
    fn the_refusal_at_the_door_is_small() {
        for why in RejectReason::ALL {
            let Body::Bytes(text) = overload(why).body else { panic!("it is at hand") };
            assert!(text.len() < 200, "{}", String::from_utf8_lossy(&text));
        }
    }
}
