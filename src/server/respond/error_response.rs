//! Error responses that teach: what was wrong and where, which rule says so, and what is right.
//!
//! As HTML or JSON for clients that prefer it (RFC 9110, 12.5.1), else as plain text; [`error_page`] formats
//! them.
//! Where bytes of the client are shown they are few and escaped, and never credentials.

use std::io::ErrorKind;

use super::error_page;
use crate::net::admission::RejectReason;
use crate::net::peer_address::PeerAddress;
use crate::proto::http::accept::{TextFormat, preferred_format};
use crate::proto::http::error::{Fault, Rule};
use crate::proto::http::excerpt::Excerpt;
use crate::proto::http::head::RequestHead;
use crate::proto::http::status::{IntoStatus, Status};
use crate::server::request::Request;
use crate::server::response::{Body, Response, valid};
use crate::text::escape_bytes;

/// An error response: the status, and in words what was wrong.
///
/// A handler returns it as the error of its `Result`, or turns it into a [`Response`] by
/// [`to`](ErrorResponse::to). The client gets it as HTML, as JSON (`application/problem+json`, RFC 9457) or
/// as text, by its `Accept`; [`Config::error_page`](crate::server::Config::error_page) changes the form. The
/// server's own errors, such as its 404 and 413, are of this type as well.
///
/// ```
/// use threadbare::server::{ErrorResponse, Router};
///
/// let routes = Router::new().get("/notes/{id:u64}", |request| match request.param("id") {
///     "6" => Ok("buy thread\n"),
///     id => Err(ErrorResponse::of_status(404, format!("there is no note {id}"))),
/// });
/// # routes.build().unwrap();
/// ```
/// For `GET /notes/7`, curl shows this:
///
/// ```text
/// 404 Not Found
///
/// There is no note 7.
/// ```
/// With [`ErrorResponse::new`] the response also teaches: it names the rule, and what is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorResponse {
    /// The status of the response.
    pub status: Status,
    /// What was wrong or missing: a sentence without its capital and its full stop.
    pub what: String,
    /// Where it was wrong, if that is one place.
    pub place: Option<Box<Place>>,
    /// The RFC section that says so: `RFC 9110, 15.5.1`; it becomes a link. May be empty.
    pub section: &'static str,
    /// An example of what is right. May be empty.
    pub right: String,
    /// Fields that the response has besides: [`ErrorResponse::field`].
    pub(crate) fields: Vec<(&'static str, String)>,
}

/// Where a rule was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The byte, counted from the start of the head or body.
    pub offset: u64,
    /// The line that holds it.
    pub excerpt: Option<Excerpt>,
}

impl From<Fault> for ErrorResponse {
    fn from(fault: Fault) -> ErrorResponse {
        ErrorResponse::of(fault, None)
    }
}

impl ErrorResponse {
    /// Returns an error of this status (a [`Status`], or its number), and what was wrong: a sentence without
    /// its capital and its full stop.
    ///
    /// ```
    /// use threadbare::server::ErrorResponse;
    ///
    /// let error = ErrorResponse::of_status(409, "a note of this name exists");
    /// assert_eq!(error.to_string(), "409: a note of this name exists");
    /// ```
    pub fn of_status(status: impl IntoStatus, what: impl Into<String>) -> ErrorResponse {
        ErrorResponse::new(valid(status), "", what, "")
    }

    /// Returns an error that teaches: `section` is the rule that was broken, such as `RFC 9110, 15.5.1`, and
    /// `right` an example of what is right. An empty one is left out.
    ///
    /// ```
    /// use threadbare::server::{ErrorResponse, Status};
    ///
    /// let what = "the range is empty: it ends before it begins";
    /// let error = ErrorResponse::new(Status::BAD_REQUEST, "RFC 9110, 15.5.1", what, "/notes?from=2&to=7");
    /// # assert!(error.to_string().ends_with("; right: /notes?from=2&to=7"));
    /// ```
    pub fn new(
        status: Status,
        section: &'static str,
        what: impl Into<String>,
        right: impl Into<String>,
    ) -> ErrorResponse {
        let (what, right, fields) = (what.into(), right.into(), Vec::new());
        ErrorResponse { status, what, place: None, section, right, fields }
    }

    /// Adds a field to the response, such as `Retry-After`, or `WWW-Authenticate`, which a 401 must have (RFC 9110,
    /// 15.5.2).
    pub fn field(mut self, name: &'static str, value: impl Into<String>) -> ErrorResponse {
        self.fields.push((name, value.into()));
        self
    }

    /// Describes a broken rule of the protocol, with the line that broke it, if known.
    pub(crate) fn of(fault: Fault, excerpt: Option<&Excerpt>) -> ErrorResponse {
        let place = Place { offset: fault.offset, excerpt: excerpt.cloned() };
        ErrorResponse {
            place: Some(Box::new(place)),
            ..ErrorResponse::by(fault.rule, fault.rule.what())
        }
    }

    fn by(rule: Rule, what: impl Into<String>) -> ErrorResponse {
        ErrorResponse::new(rule.status(), rule.section(), what, rule.right())
    }

    /// Returns a 404: the path of this request does not exist.
    pub fn not_found(head: &RequestHead) -> ErrorResponse {
        ErrorResponse::new(
            Status::NOT_FOUND,
            "RFC 9110, 15.5.5",
            format!("nothing exists at {}", shown(head.target.path())),
            "a path that exists, such as /",
        )
    }

    /// Returns a 403: the file exists and may not be read.
    pub(crate) fn forbidden(head: &RequestHead) -> ErrorResponse {
        ErrorResponse::new(
            Status::FORBIDDEN,
            "RFC 9110, 15.5.4",
            format!("the server has no permission to read {}", shown(head.target.path())),
            "a file that the server's user may read",
        )
    }

    /// Returns a 403: a page of another site sent it, or one under a name that is not known.
    pub(crate) fn foreign_origin(head: &RequestHead) -> ErrorResponse {
        let origin = head.headers.text("origin").or_else(|| head.headers.text("referer"));
        let origin = origin.unwrap_or("another site");
        let (method, origin) = (shown(head.method.as_str()), shown(origin));
        ErrorResponse::new(
            Status::FORBIDDEN,
            "RFC 6454, 8.2",
            format!("a page of {origin} sent this {method}, and that is not this server"),
            "a page of this server, under an address, localhost, or a name given by --allow-host NAME",
        )
    }

    /// Returns a 405: the path exists, but not with this method.
    pub(crate) fn not_allowed(head: &RequestHead, allow: &str) -> ErrorResponse {
        let (method, path) = (shown(head.method.as_str()), shown(head.target.path()));
        ErrorResponse::new(
            Status::METHOD_NOT_ALLOWED,
            "RFC 9110, 15.5.6",
            format!("{method} is not allowed for {path}"),
            allow,
        )
    }

    /// Returns a 412: the precondition in this field does not hold.
    pub(crate) fn precondition_failed(field: &str) -> ErrorResponse {
        ErrorResponse::new(
            Status::PRECONDITION_FAILED,
            "RFC 9110, 13.1",
            format!("{field} is false for the current state"),
            "a new GET, and If-Match with the ETag of its response",
        )
    }

    /// Returns a 413: a body of more than `limit` bytes.
    pub(crate) fn too_large(limit: u64) -> ErrorResponse {
        let rule = Rule::BodyTooLarge;
        ErrorResponse::by(rule, format!("{}: the limit is {limit} bytes", rule.what()))
    }

    /// Returns a 415: the body is compressed, and the handler did not ask for such bodies.
    pub(crate) fn coded() -> ErrorResponse {
        ErrorResponse::new(
            Status::UNSUPPORTED_MEDIA_TYPE,
            "RFC 9110, 15.5.16",
            "the body has a Content-Encoding, and this resource takes a body without one only",
            "the same body, not compressed, without Content-Encoding",
        )
    }

    /// Returns a 500: a handler panicked, or a file could not be read; the log says what exactly.
    pub(crate) fn internal_error() -> ErrorResponse {
        ErrorResponse::new(
            Status::INTERNAL_SERVER_ERROR,
            "RFC 9110, 15.6.1",
            "the server failed to process a valid request; see its log",
            "the same request, after the server is fixed",
        )
    }

    /// Returns a 500: the server may not read or write what the request needs.
    pub(crate) fn no_permission() -> ErrorResponse {
        ErrorResponse::new(
            Status::INTERNAL_SERVER_ERROR,
            "RFC 9110, 15.6.1",
            "the server has no permission to store or read this; see its log",
            "the same request, after the server's user was given the permission",
        )
    }

    /// Returns a 503: the limit of workers that wait for bodies is reached.
    pub(crate) fn too_many_streams() -> ErrorResponse {
        ErrorResponse::new(
            Status::SERVICE_UNAVAILABLE,
            "RFC 9110, 15.6.4",
            "the server has reached its limit of bodies that are streamed at the same time",
            "the same request later",
        )
    }

    /// Returns a 503: with this head, all large ones that are not complete would take more than `most`
    /// bytes.
    pub(crate) fn too_many_large_heads(most: u64) -> ErrorResponse {
        ErrorResponse::new(
            Status::SERVICE_UNAVAILABLE,
            "RFC 9110, 15.6.4",
            format!(
                "the server keeps at most {most} bytes of large request heads that are not complete"
            ),
            "a head of less than 4 KB, or the same request later",
        )
    }

    /// Returns a 503: the limit of files that are open for uploads and responses is reached.
    pub(crate) fn too_many_files() -> ErrorResponse {
        ErrorResponse::new(
            Status::SERVICE_UNAVAILABLE,
            "RFC 9110, 15.6.4",
            "the server has reached its limit of open files for uploads and responses",
            "the same request later",
        )
    }

    /// Returns a 507: with this body, all bodies on the disk would take more than `most` bytes. The status
    /// is that for a full disk, which is the same to the client.
    pub(crate) fn too_much_on_disk(most: u64) -> ErrorResponse {
        ErrorResponse::new(
            Status::INSUFFICIENT_STORAGE,
            "RFC 4918, 11.5",
            format!("the server stores at most {most} bytes of uploads, and this one does not fit"),
            "a smaller body, or the same one later",
        )
    }

    /// Returns a 507 or 503: a body could not be kept in a file, as the disk is full, or for another reason.
    pub(crate) fn cannot_keep(error: &std::io::Error) -> ErrorResponse {
        let (status, section) = match is_full(error) {
            true => (Status::INSUFFICIENT_STORAGE, "RFC 4918, 11.5"),
            false => (Status::SERVICE_UNAVAILABLE, "RFC 9110, 15.6.4"),
        };
        let what = "the server cannot store this body";
        ErrorResponse::new(status, section, what, "a smaller body, or the same one later")
    }

    /// Returns a 408: only `came` bytes of a head arrived in time.
    pub(crate) fn head_timeout(came: u64) -> ErrorResponse {
        let what = format!(
            "the head was not complete within the time limit: {came} bytes were received, the empty line at its end is missing"
        );
        ErrorResponse::by(Rule::HeadTimeout, what)
    }

    /// Returns a 408: only `came` bytes of a body arrived in time, and `missing` are missing, if that is
    /// known.
    pub(crate) fn body_timeout(came: u64, missing: Option<u64>) -> ErrorResponse {
        let rule = Rule::BodyTimeout;
        let missing = match missing {
            Some(missing) => format!("{missing} are missing"),
            None => "the last chunk is missing".to_owned(),
        };
        ErrorResponse::by(rule, format!("{}: {came} bytes were received, {missing}", rule.what()))
    }

    /// Returns a 501: the method is unknown.
    pub(crate) fn not_implemented(head: &RequestHead) -> ErrorResponse {
        let method = shown(head.method.as_str());
        ErrorResponse::new(
            Status::NOT_IMPLEMENTED,
            "RFC 9110, 9.1",
            format!("the server does not know the method {method} (methods are case-sensitive)"),
            "GET, HEAD, POST, PUT, DELETE or OPTIONS",
        )
    }

    /// Returns the response to this request, and logs the same words at level debug. A handler that changes nothing in
    /// it returns the error itself.
    pub fn to(&self, request: &Request) -> Response {
        self.log_and_respond(&request.head, request.peer)
    }

    pub(crate) fn log_and_respond(&self, head: &RequestHead, peer: PeerAddress) -> Response {
        // What is forbidden is valid, and a matter of settings: the operator may want to change them.
        let is_policy = self.status == Status::FORBIDDEN;
        let level = if is_policy { log::Level::Info } else { log::Level::Debug };
        log::log!(level, "{peer}: refused: {self}");
        self.response(Some(head))
    }

    /// Returns the response to a request that is valid and that a setting forbids. Logs the same words at
    /// level info: the operator may want to change the setting.
    pub(crate) fn log_policy_and_respond(&self, head: &RequestHead, peer: PeerAddress) -> Response {
        log::info!("{peer}: refused: {self}");
        self.response(Some(head))
    }

    /// Returns the response: in HTML or as JSON (`application/problem+json`, RFC 9457) if `head` prefers that,
    /// else as text. Logs nothing.
    pub fn response(&self, head: Option<&RequestHead>) -> Response {
        let response = match head.map(|head| preferred_format(&head.headers)) {
            None | Some(TextFormat::Plain) => Response::text(error_page::text(self)),
            Some(TextFormat::Html) => Response::html(error_page::html(self)),
            Some(TextFormat::Json) => self.problem(),
        };
        let response = self
            .fields
            .iter()
            .fold(response, |response, (name, value)| response.field(name, value));
        let error = Some(Box::new(self.clone()));
        Response { error, ..response.status(self.status).field("Vary", "Accept") }
    }

    /// Returns the error as JSON, whatever the client prefers: `application/problem+json` (RFC 9457), with the
    /// members `rule`, `right`, `offset` and `line` besides those of the RFC.
    pub fn problem(&self) -> Response {
        let response = Response::bytes("application/problem+json", error_page::json(self));
        response.status(self.status)
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

/// Returns the 503 for a connection that no worker serves: always the same small text, as it is written
/// without waiting.
pub fn overload(why: RejectReason) -> Response {
    let error = ErrorResponse::new(
        Status::SERVICE_UNAVAILABLE,
        "RFC 9110, 15.6.4",
        why.what(),
        "the same request after one second",
    );
    Response::new(error.status)
        .field("Retry-After", "1")
        .field("Content-Type", "text/plain; charset=utf-8")
        .body(Body::Bytes(error_page::text(&error).into_bytes().into()))
}

/// Returns true if a file could not be written because the disk, the quota of the user or the file itself
/// (`ulimit -f`) is at its limit (write(2): ENOSPC, EDQUOT, EFBIG).
pub(crate) fn is_full(error: &std::io::Error) -> bool {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => true,
        // Without a number it is a limit of this library, such as that of a body in memory.
        ErrorKind::FileTooLarge => error.raw_os_error().is_some(),
        _ => false,
    }
}

/// Returns text of the client, for a page or the log: escaped, and cut to 200 bytes.
pub(crate) fn shown(text: &str) -> String {
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
        let too_large = std::io::Error::from_raw_os_error(nix::libc::EFBIG);
        assert_eq!(ErrorResponse::cannot_keep(&too_large).status.code(), 507);
        assert!(!is_full(&ErrorKind::FileTooLarge.into()), "a limit of the library");
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
