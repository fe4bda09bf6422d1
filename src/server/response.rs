//! A response, as a handler returns it: status, fields, and a body that is bytes, a file or a reader.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::files::file_part::FilePart;
use super::files::file_response;
use super::into_response::HandlerError;
use super::pushed::PushedBody;
use super::respond::error_response::ErrorResponse;
use crate::proto::http::cookie::SetCookie;
use crate::proto::http::headers::{Headers, InvalidField, StaticField};
use crate::proto::http::server::is_ours;
use crate::proto::http::status::{IntoStatus, Status};

/// A response, as a handler returns it: status, fields, body.
///
/// ```
/// use threadbare::server::{Response, Status};
///
/// let response = Response::text("created\n")
///     .status(Status::CREATED)
///     .field("Location", "/notes/7")
///     .field("Cache-Control", "no-store");
/// ```
///
/// The server adds `Content-Length` or `Transfer-Encoding`, `Connection`, `Date` and `Server`. It leaves the body
/// out for HEAD and for a status that has none (204, 304).
#[derive(Debug)]
pub struct Response {
    /// The status code.
    pub status: Status,
    /// The fields.
    pub headers: Headers,
    /// The body.
    pub body: Body,
    /// The error that the body shows, if it is an error response.
    pub(super) error: Option<Box<ErrorResponse>>,
}

/// The body of a response: bytes, a file or a reader, for [`Response::body`].
///
/// Most handlers need none of its variants: [`Response::text`], [`Response::bytes`], [`Response::file`] and
/// [`Response::stream`] make them.
pub enum Body {
    /// Bytes in memory.
    Bytes(Cow<'static, [u8]>),
    /// This many bytes of a file, from its current position. A file that is shorter cuts the response. While it
    /// is being sent its descriptor is counted; when no descriptor for files and bodies is left, the response
    /// is 503.
    File(File, u64),
    /// Part of a file that other responses may share. It is counted in the same way, unless something
    /// else has the file open as well.
    Part(FilePart),
    /// Any reader, and its length in bytes if that is known; without a length it is sent in chunks. A reader
    /// that is shorter or fails cuts the response. What it has open is not counted: a handler that opens files
    /// for it has to limit them itself.
    Read(Box<dyn Read + Send>, Option<u64>),
    /// A reader that is sent in chunks, followed by trailer fields of these names.
    Trailed(Box<dyn Trailed>, &'static [&'static str]),
    /// What is published while the response is being sent; [`Response::events`] makes it.
    Pushed(Box<PushedBody>),
}

/// A body with trailer fields, known once all of it has been read: a checksum, a count, an outcome; for
/// [`Body::Trailed`].
///
/// ```
/// use std::io::{self, Read};
/// use threadbare::server::{Body, Headers, Response, Status, Trailed};
///
/// struct Counted<R>(R, u64);
///
/// impl<R: Read> Read for Counted<R> {
///     fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
///         let count = self.0.read(room)?;
///         self.1 += count as u64;
///         Ok(count)
///     }
/// }
///
/// impl<R: Read + Send> Trailed for Counted<R> {
///     fn trailers(&mut self) -> Headers {
///         let mut fields = Headers::new();
///         fields.append("X-Bytes", self.1.to_string()).expect("digits are a valid value");
///         fields
///     }
/// }
///
/// let body = Body::Trailed(Box::new(Counted(io::empty(), 0)), &["X-Bytes"]);
/// let response = Response::new(Status::OK).body(body);
/// ```
///
/// Their names are announced in `Trailer`. An HTTP/1.0 client gets no chunks and no trailers; others,
/// and proxies, may ignore them (RFC 9110, 6.5.1): nothing may depend on their arrival.
pub trait Trailed: Read + Send {
    /// Returns the trailer fields; called once, after the last byte. Those that were not announced, or
    /// [are not allowed as trailers](crate::proto::http::trailers::may_trail), are not sent.
    fn trailers(&mut self) -> Headers;
}

impl Body {
    /// The empty body.
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
            Body::Trailed(..) | Body::Pushed(_) => None,
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
    /// Returns a response with an empty body and no fields; [`Response::empty`] also takes a number.
    pub fn new(status: Status) -> Response {
        Response { status, headers: Headers::new(), body: Body::EMPTY, error: None }
    }

    /// Returns a response with this status and an empty body.
    ///
    /// ```
    /// use threadbare::server::{Response, Status};
    ///
    /// assert_eq!(Response::empty(204).status, Status::NO_CONTENT);
    /// ```
    pub fn empty(status: impl IntoStatus) -> Response {
        Response::new(valid(status))
    }

    /// Returns 200 with plain text, in UTF-8. A text that is borrowed is copied.
    pub fn text<'t>(text: impl Into<Cow<'t, str>>) -> Response {
        Response::plain(Cow::Owned(text.into().into_owned()))
    }

    /// Returns 200 with HTML, in UTF-8.
    pub fn html<'t>(text: impl Into<Cow<'t, str>>) -> Response {
        static HTML: StaticField = StaticField::new(b"Content-Type: text/html; charset=utf-8\r\n");
        Response::of(&HTML, Cow::Owned(text.into().into_owned()))
    }

    /// Returns 200 with plain text, which need not be copied.
    pub(super) fn plain(text: Cow<'static, str>) -> Response {
        static PLAIN: StaticField =
            StaticField::new(b"Content-Type: text/plain; charset=utf-8\r\n");
        Response::of(&PLAIN, text)
    }

    /// Returns 200 with these bytes, of a type such as `image/png`.
    pub fn bytes(content_type: &str, bytes: impl Into<Vec<u8>>) -> Response {
        let response = Response::new(Status::OK).field("Content-Type", content_type);
        response.body(Body::Bytes(Cow::Owned(bytes.into())))
    }

    /// Returns 200 with a body that is read while it is sent, in chunks, as its length is not known. Each
    /// read that brings less than it could is sent at once. A reader that waits holds its worker; one that
    /// fails cuts the response, so that the client notices (RFC 9112, 8).
    ///
    /// ```
    /// use threadbare::server::Response;
    ///
    /// # fn compressed() -> std::io::Result<Response> {
    /// let output = std::process::Command::new("tar").args(["cz", "www"]);
    /// # let mut output = std::process::Command::new("true");
    /// let mut tar = output.stdout(std::process::Stdio::piped()).spawn()?;
    /// let stdout = tar.stdout.take().ok_or(std::io::ErrorKind::BrokenPipe)?;
    /// Ok(Response::stream(stdout).field("Content-Type", "application/gzip"))
    /// # }
    /// ```
    pub fn stream(reader: impl Read + Send + 'static) -> Response {
        Response::new(Status::OK).body(Body::Read(Box::new(reader), None))
    }

    /// Returns 200 with a file: its type follows from its name, and its size and time of modification make an
    /// `ETag` and a `Last-Modified`, so that conditions and ranges work as with [`Files`](super::Files). The
    /// path is the caller's, and not checked: one that comes from a request can lead out of its folder.
    ///
    /// # Errors
    /// When the file cannot be opened, or is no regular file. As the result of a handler, the error becomes a
    /// 404 for a file that does not exist, and a 500 else.
    pub fn file(path: impl AsRef<Path>) -> Result<Response, HandlerError> {
        file_response(path.as_ref())
    }

    /// Returns a redirect: 303 after a POST, to see the result with a GET; 302 or 307 for now, 301 or 308
    /// for ever (RFC 9110, 15.4).
    ///
    /// ```
    /// use threadbare::server::Response;
    ///
    /// let response = Response::redirect(303, "/notes/7");
    /// assert_eq!(response.header("Location"), Some("/notes/7"));
    /// ```
    pub fn redirect(status: impl IntoStatus, location: &str) -> Response {
        Response::new(valid(status)).field("Location", location)
    }

    /// Adds a cookie. One that [is not valid](SetCookie::encode) makes the response a 500, with a line in the
    /// log.
    pub fn cookie(self, cookie: &SetCookie) -> Response {
        match cookie.encode() {
            Ok(value) => self.add_field("Set-Cookie", value),
            Err(error) => {
                log::error!("a handler set an impossible cookie: {error}");
                ErrorResponse::internal_error().response(None)
            }
        }
    }

    /// Returns 200 with a value as JSON.
    ///
    /// # Errors
    /// When the value cannot be written as JSON, such as a map with keys that are no text; as the result of a
    /// handler, this is a 500.
    #[cfg(feature = "json")]
    pub fn json(value: &impl serde_core::Serialize) -> Result<Response, HandlerError> {
        Ok(Response::bytes("application/json", serde_json::to_vec(value)?))
    }

    fn of(content_type: &'static StaticField, text: Cow<'static, str>) -> Response {
        let bytes = match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        };
        let headers = Headers::from(content_type);
        Response { status: Status::OK, headers, body: Body::Bytes(bytes), error: None }
    }

    /// Sets the status: a [`Status`], or a number from 100 to 999; another number makes it a 500.
    #[inline]
    pub fn status(mut self, status: impl IntoStatus) -> Response {
        self.status = valid(status);
        self
    }

    /// Returns true for a 404 that no program has written.
    pub(super) fn is_built_in_not_found(&self) -> bool {
        self.status == Status::NOT_FOUND && self.error.is_some()
    }

    /// Returns the value of a field, if it is set and is text in UTF-8; of several fields of this name, the
    /// first. Functions [around handlers](super::Router::wrap) read a response with it.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.text(name)
    }

    /// Sets the body. `Content-Type` stays as it is.
    pub fn body(mut self, body: Body) -> Response {
        self.body = body;
        self.error = None;
        self
    }

    /// Sets a field, in place of those of the same name. A name or value that is not allowed in a head makes
    /// the response a 500, with a line in the log: bytes that a client sent must not become a field of their
    /// own. `Content-Length`, `Transfer-Encoding` and `Connection` are the server's: they are left out, and
    /// the log says so.
    pub fn field(mut self, name: &str, value: impl AsRef<[u8]>) -> Response {
        let set = is_free(name).then(|| self.headers.set(name, value));
        self.checked(set)
    }

    /// Adds a field beside those of the same name, as with several `Set-Cookie`. Otherwise as
    /// [`Response::field`].
    pub fn add_field(mut self, name: &str, value: impl AsRef<[u8]>) -> Response {
        let added = is_free(name).then(|| self.headers.append(name, value));
        self.checked(added)
    }

    fn checked(self, outcome: Option<Result<(), InvalidField>>) -> Response {
        match outcome {
            None | Some(Ok(())) => self,
            Some(Err(error)) => {
                log::error!("a handler set an impossible field: {error}");
                ErrorResponse::internal_error().response(None)
            }
        }
    }
}

/// Returns true if a handler may set this field; logs that it may not.
fn is_free(name: &str) -> bool {
    let is_owned = is_ours(name);
    if is_owned {
        log::warn!("a handler set {name}, which the server sets itself; it is left out");
    }
    !is_owned
}

/// Returns the status; 500 for a number that is none, which is a mistake in the program, with a line in the
/// log.
#[inline(always)]
pub(super) fn valid(status: impl IntoStatus) -> Status {
    status.into_status().unwrap_or_else(|error| {
        log::error!("a handler set an impossible status: {error}");
        Status::INTERNAL_SERVER_ERROR
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_would_split_the_head_is_a_500() {
        let response = Response::text("x").field("Location", "/a\r\nSet-Cookie: b");
        assert_eq!(response.status, Status::INTERNAL_SERVER_ERROR);
        assert!(!response.headers.has("location") && !response.headers.has("set-cookie"));
        assert!(response.body.length() > Some(0), "it says whose fault it is");
    }
}
