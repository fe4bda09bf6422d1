//! Applies the client's conditions and ranges to a handler's response (RFC 9110, 13 and 14).
//!
//! Every 200 to a GET or HEAD, by its validators, is sent whole, or becomes a 304 (the client has it), a
//! 412 (the client wants another state), a 206 (one range or several) or a 416 (no such range). Ranges
//! apply to bytes and files that have a validator, unless `Accept-Ranges` is `none`; not to readers.

use std::collections::hash_map::RandomState;
use std::fs::File;
use std::hash::{BuildHasher as _, Hasher as _};
use std::io::{self, Cursor, Seek as _, SeekFrom};
use std::ops::Range;

use super::error_response::ErrorResponse;
use super::multipart_ranges::MultipartRanges;
use crate::proto::http::conditional::{Outcome, Validators, evaluate, if_range};
use crate::proto::http::etag::EntityTag;
use crate::proto::http::head::RequestHead;
use crate::proto::http::headers::Headers;
use crate::proto::http::limits::Limits;
use crate::proto::http::method::Method;
use crate::proto::http::range::{
    self, ByteRanges, Selection, Spec, content_range, unsatisfied_range,
};
use crate::proto::http::status::Status;
use crate::server::request::Request;
use crate::server::response::{Body, Response};

/// What a 304 leaves out: representation metadata that is neither a validator nor required by RFC 9110,
/// 15.4.5.
const NOT_IN_304: &[&str] = &[
    "accept-ranges",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-length",
    "content-range",
    "content-type",
];

/// What the response to an `If-Range` leaves out: the client has it (RFC 9110, 15.3.7).
const NOT_IN_206: &[&str] = &[
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "last-modified",
];

impl Request {
    /// Checks the client's conditions for a change (`If-Match`, `If-None-Match`, `If-Unmodified-Since`;
    /// RFC 9110, 13). `current` is the current state, `None` when there is nothing yet. The caller holds a
    /// lock on that state until the change is made: else an update can still be lost.
    ///
    /// ```
    /// use threadbare::server::{Request, Response, Status, Validators};
    ///
    /// fn replace(request: &mut Request) -> Response {
    ///     let current = Validators::tagged("\"v7\"");
    ///     if let Err(error) = request.precondition(Some(&current)) {
    ///         return error.response(Some(&request.head));
    ///     }
    ///     // … make the change …
    ///     Response::new(Status::NO_CONTENT).field("ETag", "\"v8\"")
    /// }
    /// # let _ = replace;
    /// ```
    ///
    /// # Errors
    /// 412, with the field that does not hold. A GET of a state that the client has already is not an
    /// error: the server makes a 304 of its response.
    pub fn precondition(&self, current: Option<&Validators<'_>>) -> Result<(), ErrorResponse> {
        let RequestHead { method, headers, .. } = &*self.head;
        match evaluate(method, headers, current) {
            Outcome::Failed(field) => Err(ErrorResponse::precondition_failed(field)),
            Outcome::Proceed | Outcome::NotModified => Ok(()),
        }
    }
}

/// Returns what the client gets of a handler's response.
pub(crate) fn apply_conditions_and_ranges(
    response: Response,
    head: &RequestHead,
    limits: &Limits,
) -> Response {
    if response.status != Status::OK || !matches!(head.method, Method::Get | Method::Head) {
        return response;
    }
    if !has_condition_or_range(&head.headers) {
        // Most requests have no condition and no range.
        let may_say_so = !response.headers.has("accept-ranges");
        return match may_say_so && has_validator(&response.headers) && can_be_cut(&response) {
            true => with_ranges(response),
            false => response,
        };
    }
    let validators = Validators::of(&response.headers);
    match evaluate(&head.method, &head.headers, Some(&validators)) {
        Outcome::NotModified => not_modified(response),
        Outcome::Failed(field) => ErrorResponse::precondition_failed(field).response(Some(head)),
        Outcome::Proceed if validators.is_empty() || !can_be_cut(&response) => response,
        Outcome::Proceed => {
            let specs = specs(head, limits).filter(|_| if_range(&head.headers, &validators));
            let response = with_ranges(response);
            match specs {
                Some(specs) => cut(response, &specs, head),
                None => response,
            }
        }
    }
}

/// Adds `Accept-Ranges`, unless the handler has set it.
fn with_ranges(response: Response) -> Response {
    match response.headers.has("accept-ranges") {
        true => response,
        false => response.field("Accept-Ranges", "bytes"),
    }
}

/// Returns true if there is a condition or a range (RFC 9110, 13.1 and 14.2). Most requests have none;
/// these six look-ups are cheaper than the full evaluation.
fn has_condition_or_range(fields: &Headers) -> bool {
    fields.has("if-none-match")
        || fields.has("if-modified-since")
        || fields.has("if-match")
        || fields.has("if-unmodified-since")
        || fields.has("range")
        || fields.has("if-range")
}

/// Returns true if there is a validator. Parsing a tag is cheaper than parsing a date.
fn has_validator(fields: &Headers) -> bool {
    let has_etag = fields.first("etag").and_then(EntityTag::parse).is_some();
    has_etag || fields.has("last-modified") && !Validators::of(fields).is_empty()
}

fn not_modified(mut response: Response) -> Response {
    for name in NOT_IN_304 {
        response.headers.remove(name);
    }
    response.status(Status::NOT_MODIFIED).body(Body::EMPTY)
}

/// Returns true if ranges can be taken of the body (bytes and files, but not pipes), and may be.
fn can_be_cut(response: &Response) -> bool {
    let seekable = match &response.body {
        Body::Bytes(_) | Body::Part(_) => true,
        Body::File(file, _) => (&*file).stream_position().is_ok(),
        Body::Read(..) | Body::Trailed(..) | Body::Pushed(_) => false,
    };
    seekable && !response.headers.list_has("accept-ranges", "none")
}

/// Returns the requested ranges: of a GET only (RFC 9110, 14.2), in one field line.
fn specs(head: &RequestHead, limits: &Limits) -> Option<Vec<Spec>> {
    let mut lines = head.headers.all("range").filter(|_| head.method == Method::Get);
    let specs = range::parse(lines.next()?, limits.ranges)?;
    lines.next().is_none().then_some(specs)
}

/// Returns the requested ranges of a response.
fn cut(mut response: Response, specs: &[Spec], head: &RequestHead) -> Response {
    let Some(length) = response.body.length() else { return response };
    let content_type = response.headers.first("content-type").map(<[u8]>::to_vec);
    let frame = ByteRanges { boundary: boundary(), content_type, length };
    let selection = range::select(specs, length, frame.overhead());
    if let Selection::Single(_) | Selection::Several(_) = selection
        && head.headers.has("if-range")
    {
        for name in NOT_IN_206 {
            response.headers.remove(name);
        }
    }
    match selection {
        Selection::Whole => response,
        Selection::Unsatisfiable => unsatisfiable(length, &response.headers, head),
        Selection::Single(part) => {
            let value = content_range(&part, length);
            with_body(response.field("Content-Range", value), head, |body| single(body, &part))
        }
        Selection::Several(parts) => {
            let response = response.field("Content-Type", frame.media_type());
            with_body(response, head, |body| several(body, frame, parts))
        }
    }
}

fn unsatisfiable(length: u64, headers: &Headers, head: &RequestHead) -> Response {
    let error = ErrorResponse::new(
        Status::RANGE_NOT_SATISFIABLE,
        "RFC 9110, 15.5.17",
        format!("none of the {length} bytes is in the requested range"),
        "Range: bytes=0-",
    );
    let response = error.response(Some(head)).field("Content-Range", unsatisfied_range(length));
    // The length belongs to this state.
    match headers.first("etag") {
        Some(etag) => response.field("ETag", etag),
        None => response,
    }
}

/// Returns a 206 with the body that `cut` makes.
fn with_body(
    mut response: Response,
    head: &RequestHead,
    cut: impl FnOnce(Body) -> io::Result<Body>,
) -> Response {
    let body = std::mem::replace(&mut response.body, Body::EMPTY);
    match cut(body) {
        Ok(body) => response.status(Status::PARTIAL_CONTENT).body(body),
        Err(error) => {
            log::error!("a body cannot be cut: {error}");
            ErrorResponse::internal_error().response(Some(head))
        }
    }
}

fn single(body: Body, part: &Range<u64>) -> io::Result<Body> {
    Ok(match body {
        Body::Bytes(bytes) => {
            let at = |position: u64| usize::try_from(position).unwrap_or(usize::MAX);
            let part = bytes.get(at(part.start)..at(part.end));
            Body::Bytes(part.unwrap_or_default().to_vec().into())
        }
        Body::File(mut file, _) => {
            skip(&mut file, part.start)?;
            Body::File(file, part.end - part.start)
        }
        Body::Part(whole) => Body::Part(whole.within(part)),
        body @ (Body::Read(..) | Body::Trailed(..) | Body::Pushed(_)) => body,
    })
}

fn several(body: Body, frame: ByteRanges, parts: Vec<Range<u64>>) -> io::Result<Body> {
    let length = Some(frame.body_length(&parts));
    Ok(match body {
        Body::Bytes(bytes) => {
            let parts = MultipartRanges::new(Cursor::new(bytes), frame, parts)?;
            Body::Read(Box::new(parts), length)
        }
        Body::File(file, _) => {
            Body::Read(Box::new(MultipartRanges::new(file, frame, parts)?), length)
        }
        Body::Part(whole) => {
            Body::Read(Box::new(MultipartRanges::new(whole, frame, parts)?), length)
        }
        body @ (Body::Read(..) | Body::Trailed(..) | Body::Pushed(_)) => body,
    })
}

/// Moves `count` bytes forward: a file's body begins at its current position.
fn skip(file: &mut File, count: u64) -> io::Result<u64> {
    let start = file.stream_position()?;
    file.seek(SeekFrom::Start(start.saturating_add(count)))
}

/// Returns a boundary that cannot be predicted, and so is not in any file: 128 bits derived from the
/// random keys of this process's hash maps.
fn boundary() -> String {
    let half = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", half(), half())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundaries_differ_and_fit() {
        let (one, other) = (boundary(), boundary());
        assert_ne!(one, other);
        assert!(one.len() == 32 && one.bytes().all(|byte| byte.is_ascii_hexdigit()), "{one}");
    }
}
