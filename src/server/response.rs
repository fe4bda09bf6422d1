//! A response, as a handler returns it: status, fields, and a body that is bytes, a file or a reader.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;

use super::files::file_part::FilePart;
use crate::proto::http::headers::{Headers, StaticField};
use crate::proto::http::status::Status;

/// A response: status, fields, body. [`Response::field`] sets a field.
///
/// The server sets Content-Length, Transfer-Encoding, Connection, Date and Server.
#[derive(Debug)]
pub struct Response {
    /// The status code.
    pub status: Status,
    /// The fields.
    pub headers: Headers,
    /// What follows the head.
    pub body: Body,
}

/// The body of a response.
pub enum Body {
    /// In memory.
    Bytes(Cow<'static, [u8]>),
    /// This many bytes of a file, from its current position. While it is being sent its descriptor is
    /// counted; when no descriptor for files and bodies is left, the response is 503.
    File(File, u64),
    /// Part of a file that other responses may share. It is counted in the same way, unless something
    /// else has the file open as well.
    Part(FilePart),
    /// Any reader, and its length if that is known; without a length it is sent in chunks. What it has
    /// open is not counted: a handler that opens files for it has to limit them itself.
    Read(Box<dyn Read + Send>, Option<u64>),
    /// A reader that is sent in chunks, followed by trailer fields of these names.
    Trailed(Box<dyn Trailed>, &'static [&'static str]),
}

/// A body with trailer fields, known once all of it has been read: a checksum, a count, an outcome.
///
/// Their names are announced in `Trailer`. An HTTP/1.0 client gets no chunks and no trailers; others,
/// and proxies, may ignore them (RFC 9110, 6.5.1): nothing may depend on their arrival.
pub trait Trailed: Read + Send {
    /// Returns the trailer fields; called once, after the last byte. Those that were not announced, or
    /// [are not allowed as trailers](crate::proto::http::trailers::may_trail), are not sent.
    fn trailers(&mut self) -> Headers;
}

impl Body {
    /// No bytes.
    pub const EMPTY: Body = Body::Bytes(Cow::Borrowed(&[]));

    /// Returns true if code of the handler makes the body while it is sent.
    pub(super) fn is_produced(&self) -> bool {
        matches!(self, Body::Read(..) | Body::Trailed(..))
    }

    /// Returns the length in bytes, if it is known before the body is sent.
    pub fn length(&self) -> Option<u64> {
        match self {
            Body::Bytes(bytes) => Some(bytes.len() as u64),
            Body::File(_, length) => Some(*length),
            Body::Part(part) => Some(part.length()),
            Body::Read(_, length) => *length,
            Body::Trailed(..) => None,
        }
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.length() {
            Some(length) => write!(f, "Body({length} bytes)"),
            None => f.write_str("Body(length unknown)"),
        }
    }
}

impl Response {
    /// Returns a response with an empty body and no fields.
    pub fn new(status: Status) -> Response {
        Response { status, headers: Headers::new(), body: Body::EMPTY }
    }

    /// Returns 200 with plain text.
    pub fn text(text: impl Into<Cow<'static, str>>) -> Response {
        static PLAIN: StaticField =
            StaticField::new(b"Content-Type: text/plain; charset=utf-8\r\n");
        Response::of(&PLAIN, text.into())
    }

    /// Returns 200 with HTML.
    pub fn html(text: impl Into<Cow<'static, str>>) -> Response {
        static HTML: StaticField = StaticField::new(b"Content-Type: text/html; charset=utf-8\r\n");
        Response::of(&HTML, text.into())
    }

    fn of(content_type: &'static StaticField, text: Cow<'static, str>) -> Response {
        let bytes = match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        };
        let headers = Headers::from(content_type);
        Response { status: Status::OK, headers, body: Body::Bytes(bytes) }
    }

    /// Sets the status.
    pub fn status(mut self, status: Status) -> Response {
        self.status = status;
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: Body) -> Response {
        self.body = body;
        self
    }
}
