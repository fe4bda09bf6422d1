//! How much of a handler's answer is sent: all of it; nothing, as the client has it (304) or wants
//! another state (412); one part or several (206); none, as there is none (416).
//!
//! Done here for every 200 to a GET or HEAD, whoever made it, with the validators that it carries
//! (RFC 9110, 13 and 14). Ranges are served of bytes and files that have a validator, unless
//! `Accept-Ranges` says `none`; not of what can be read once only.

use std::collections::hash_map::RandomState;
use std::fs::File;
use std::hash::{BuildHasher as _, Hasher as _};
use std::io::{self, Cursor, Seek as _, SeekFrom};
use std::ops::Range;

use super::error_response::ErrorResponse;
use super::multipart_ranges::Parts;
use crate::proto::http::conditional::{Outcome, Validators, evaluate, if_range};
use crate::proto::http::etag::EntityTag;
use crate::proto::http::head::RequestHead;
use crate::proto::http::headers::Headers;
use crate::proto::http::limits::Limits;
use crate::proto::http::method::Method;
use crate::proto::http::range::{
    self, Multipart, Selection, Spec, content_range, unsatisfied_range,
};
use crate::proto::http::status::Status;
use crate::server::handler::{Body, Response};

/// What a 304 leaves out: representation metadata that is neither a validator nor asked for by RFC
/// 9110, 15.4.5.
const NOT_IN_304: &[&str] = &[
    "accept-ranges",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-length",
    "content-range",
    "content-type",
];

/// What the answer to an `If-Range` leaves out: the client has it (RFC 9110, 15.3.7).
const NOT_IN_206: &[&str] = &[
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "last-modified",
];

/// Makes of a handler's response what was asked for.
pub(crate) fn select(response: Response, head: &RequestHead, limits: &Limits) -> Response {
    if response.status != Status::OK || !matches!(head.method, Method::Get | Method::Head) {
        return response;
    }
    if !asks_for_less(&head.headers) {
        // As most: nothing to judge, and nothing to cut.
        let may_say_so = !response.headers.has("accept-ranges");
        return match may_say_so && has_validator(&response.headers) && can_be_cut(&response) {
            true => with_ranges(response),
            false => response,
        };
    }
    let validators = Validators::of(&response.headers);
    match evaluate(&head.method, &head.headers, Some(&validators)) {
        Outcome::NotModified => not_modified(response),
        Outcome::Failed(field) => precondition_failed(field).response(Some(head)),
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

/// The same, that says so if it says nothing of ranges yet.
fn with_ranges(response: Response) -> Response {
    match response.headers.has("accept-ranges") {
        true => response,
        false => response.field("Accept-Ranges", "bytes"),
    }
}

/// Is there a condition, or a range (RFC 9110, 13.1 and 14.2)? Asked one by one, by names that are
/// known beforehand, as most have none.
fn asks_for_less(fields: &Headers) -> bool {
    fields.has("if-none-match")
        || fields.has("if-modified-since")
        || fields.has("if-match")
        || fields.has("if-unmodified-since")
        || fields.has("range")
        || fields.has("if-range")
}

/// Is there any? To read a date takes longer than to read a tag.
fn has_validator(fields: &Headers) -> bool {
    let has_etag = fields.first("etag").and_then(EntityTag::parse).is_some();
    has_etag || fields.has("last-modified") && !Validators::of(fields).is_empty()
}

/// 412: the field of this name does not hold.
pub(crate) fn precondition_failed(field: &str) -> ErrorResponse {
    ErrorResponse::new(
        Status::PRECONDITION_FAILED,
        "RFC 9110, 13.1",
        format!("{field} does not hold for the state that there is"),
        "GET it again, and send If-Match with the ETag that comes with it",
    )
}

fn not_modified(mut response: Response) -> Response {
    for name in NOT_IN_304 {
        response.headers.remove(name);
    }
    response.status(Status::NOT_MODIFIED).body(Body::EMPTY)
}

/// Bytes and files can be, but for pipes, if the handler has nothing against it.
fn can_be_cut(response: &Response) -> bool {
    let seekable = match &response.body {
        Body::Bytes(_) | Body::Part(_) => true,
        Body::File(file, _) => (&*file).stream_position().is_ok(),
        Body::Read(..) | Body::Trailed(..) => false,
    };
    seekable && !response.headers.list_has("accept-ranges", "none")
}

/// The ranges that are asked for: by GET only (RFC 9110, 14.2), in one line.
fn specs(head: &RequestHead, limits: &Limits) -> Option<Vec<Spec>> {
    let mut lines = head.headers.all("range").filter(|_| head.method == Method::Get);
    let specs = range::parse(lines.next()?, limits.ranges)?;
    lines.next().is_none().then_some(specs)
}

/// Sends of a body what was asked for.
fn cut(mut response: Response, specs: &[Spec], head: &RequestHead) -> Response {
    let Some(length) = response.body.length() else { return response };
    let content_type = response.headers.first("content-type").map(<[u8]>::to_vec);
    let frame = Multipart { boundary: boundary(), content_type, length };
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
    let refusal = ErrorResponse::new(
        Status::RANGE_NOT_SATISFIABLE,
        "RFC 9110, 15.5.17",
        format!("there are {length} bytes, and none of them is in the range asked for"),
        "Range: bytes=0-",
    );
    let response = refusal.response(Some(head)).field("Content-Range", unsatisfied_range(length));
    // Of which state that is the length.
    match headers.first("etag") {
        Some(etag) => response.field("ETag", etag),
        None => response,
    }
}

/// 206 with what `cut` makes of the body.
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
        body @ (Body::Read(..) | Body::Trailed(..)) => body,
    })
}

fn several(body: Body, frame: Multipart, parts: Vec<Range<u64>>) -> io::Result<Body> {
    let length = Some(frame.body_length(&parts));
    Ok(match body {
        Body::Bytes(bytes) => {
            let parts = Parts::new(Cursor::new(bytes), frame, parts)?;
            Body::Read(Box::new(parts), length)
        }
        Body::File(file, _) => Body::Read(Box::new(Parts::new(file, frame, parts)?), length),
        Body::Part(whole) => Body::Read(Box::new(Parts::new(whole, frame, parts)?), length),
        body @ (Body::Read(..) | Body::Trailed(..)) => body,
    })
}

/// A file's body begins where the file stands.
fn skip(file: &mut File, count: u64) -> io::Result<u64> {
    let start = file.stream_position()?;
    file.seek(SeekFrom::Start(start.saturating_add(count)))
}

/// What nobody can foresee, and so nobody can have put into a file: 128 bits of the keys that the
/// hash maps of this process are protected by.
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
