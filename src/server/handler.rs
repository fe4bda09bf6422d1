//! What a program that uses this library deals with: a request in, a response out.
//!
//! A handler is plain blocking code. It never sees the socket: the request is complete when it is
//! called, unless it asks to stream the body, and the response's body is bytes, a file, or anything
//! that can be read.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::net::SocketAddr;

use super::conn::request_body::RequestBody;
use super::files::file_part::FilePart;
use super::respond::error_response::ErrorResponse;
use super::respond::range_response::precondition_failed;
use super::router::Params;
use crate::proto::http::accept::prefers_html;
use crate::proto::http::conditional::{self, Outcome, Validators};
use crate::proto::http::head::RequestHead;
use crate::proto::http::headers::{Headers, StaticField};
use crate::proto::http::status::Status;

/// Answers requests. Any `Fn(&mut Request) -> Response` is one.
///
/// What it gets for nothing, by setting `ETag` or `Last-Modified` on a 200 to a GET: who has that
/// state already is answered 304, who wants another one 412; and when the body is bytes or a file,
/// who asks for a range gets it. `Accept-Ranges: none` turns ranges off. Any other status is sent as
/// it is. Before it changes anything it asks [`Request::precondition`].
///
/// ```
/// use threadbare::server::{Request, Response, Router};
///
/// fn report(_: &mut Request) -> Response {
///     Response::text("all is well\n").field("ETag", "\"v7\"") // If-None-Match: "v7" gets 304
/// }
///
/// let routes = Router::new().get("/report", report).build();
/// # routes.unwrap();
/// ```
pub trait Handler: Send + Sync + 'static {
    /// Judges a request by its head, before its body is kept, and before a client that waits for 100
    /// Continue sends it.
    ///
    /// # Errors
    /// The refusal that is the answer.
    fn admit(&self, _head: &RequestHead) -> Result<(), ErrorResponse> {
        Ok(())
    }

    /// The most bytes of body that it takes, if that is less than the server does; of a body that
    /// it streams the server takes any number.
    fn body_limit(&self) -> Option<u64> {
        None
    }

    /// Does it read the body while that arrives, instead of being called when it is complete? Then
    /// [reading](RequestBody) waits for the client, and a worker with it: at most half the workers
    /// may be bound like this, and one more such request is answered 503. For bodies of any size.
    ///
    /// A server with a single worker streams nothing, as that worker is needed for others: the body is
    /// collected as for any other handler, and one that is longer than the server's limit for bodies, or
    /// than [`Handler::body_limit`], is answered 413.
    ///
    /// A client that waits for 100 Continue gets it at the first read. When reading fails (the
    /// client broke off, was too slow, or sent what is none), the client is told so, whatever the
    /// handler answers. What the handler leaves unread is skipped if it is short; else the
    /// connection ends with the answer. [Trailers](RequestBody::trailers) are there when all is read.
    fn streams(&self) -> bool {
        false
    }

    /// Answers one request. A panic in here becomes a 500; nothing else is harmed.
    fn handle(&self, request: &mut Request) -> Response;
}

impl<F: Fn(&mut Request) -> Response + Send + Sync + 'static> Handler for F {
    fn handle(&self, request: &mut Request) -> Response {
        self(request)
    }
}

/// A handler that [streams](Handler::streams) its requests' bodies, made of one that doesn't say so.
///
/// ```
/// use threadbare::server::{Request, Response, Router, Status, Streaming};
///
/// fn measure(request: &mut Request) -> Response {
///     match std::io::copy(&mut request.body, &mut std::io::sink()) {
///         Ok(count) => Response::text(format!("{count} bytes\n")),
///         // The server tells the client what was wrong with its body.
///         Err(_) => Response::new(Status::BAD_REQUEST),
///     }
/// }
///
/// let routes = Router::new().put("/backup", Streaming(measure)).build();
/// # routes.unwrap();
/// ```
#[derive(Debug)]
pub struct Streaming<H>(pub H);

impl<H: Handler> Handler for Streaming<H> {
    fn admit(&self, head: &RequestHead) -> Result<(), ErrorResponse> {
        self.0.admit(head)
    }

    fn body_limit(&self) -> Option<u64> {
        self.0.body_limit()
    }

    fn streams(&self) -> bool {
        true
    }

    fn handle(&self, request: &mut Request) -> Response {
        self.0.handle(request)
    }
}

impl std::fmt::Debug for dyn Handler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Handler")
    }
}

/// A request.
#[derive(Debug)]
pub struct Request {
    /// Method, target, version, fields.
    pub head: Box<RequestHead>,
    /// The body, decoded, with its [trailers](RequestBody::trailers); empty when there was none.
    pub body: RequestBody,
    /// Who sent it.
    pub peer: SocketAddr,
    pub(super) params: Params,
}

impl Request {
    /// A named part of the path: the `id` of `/users/{id}`.
    ///
    /// # Panics
    /// When the route has no part of this name, which is a mistake in the program.
    pub fn param(&self, name: &str) -> &str {
        match self.params.value(name) {
            Some(value) => value,
            None => panic!("the route of {} has no {{{name}}}", self.head.target),
        }
    }

    /// May a change be made, as far as the client's conditions go (`If-Match`, `If-None-Match`,
    /// `If-Unmodified-Since`; RFC 9110, 13)? `current` is the state that there is, `None` when there
    /// is nothing yet. To be asked while nobody else can change it: else an update is lost after all.
    ///
    /// ```
    /// use threadbare::server::{Request, Response, Status, Validators};
    ///
    /// fn replace(request: &mut Request) -> Response {
    ///     let current = Validators::tagged("\"v7\"");
    ///     if let Err(refusal) = request.precondition(Some(&current)) {
    ///         return refusal.response(Some(&request.head));
    ///     }
    ///     // … make the change …
    ///     Response::new(Status::NO_CONTENT).field("ETag", "\"v8\"")
    /// }
    /// # let _ = replace;
    /// ```
    ///
    /// # Errors
    /// 412, and which field does not hold. A GET of what the client has already is no error: the
    /// server makes a 304 of its answer.
    pub fn precondition(&self, current: Option<&Validators<'_>>) -> Result<(), ErrorResponse> {
        let RequestHead { method, headers, .. } = &*self.head;
        match conditional::evaluate(method, headers, current) {
            Outcome::Failed(field) => Err(precondition_failed(field)),
            Outcome::Proceed | Outcome::NotModified => Ok(()),
        }
    }

    /// Would the client rather have HTML than plain text, as a browser would?
    pub fn wants_html(&self) -> bool {
        prefers_html(&self.head.headers)
    }
}

/// An answer: status, fields, body.
///
/// Content-Length, Transfer-Encoding, Connection, Date and Server are the server's to set.
#[derive(Debug)]
pub struct Response {
    /// How it went.
    pub status: Status,
    /// The fields.
    pub headers: Headers,
    /// What comes behind the head.
    pub body: Body,
}

/// The body of a response.
pub enum Body {
    /// In memory.
    Bytes(Cow<'static, [u8]>),
    /// So many bytes of a file, from where it stands. As long as it is being sent its descriptor is
    /// counted; when none is left of those for files and bodies, the answer is 503.
    File(File, u64),
    /// Part of a file that other answers may be made of, too. It is counted in the same way, unless
    /// something else has the file open as well.
    Part(FilePart),
    /// Whatever can be read, and its length if that is known; without one it is sent in chunks. What
    /// it has open is not counted: a handler that opens files for it has to limit them itself.
    Read(Box<dyn Read + Send>, Option<u64>),
    /// The same, sent in chunks, with fields of these names behind it.
    Trailed(Box<dyn Trailed>, &'static [&'static str]),
}

/// A body with something to add when all of it has been read: a checksum, a count, how it went.
///
/// The names are announced in `Trailer`. A client of HTTP/1.0 has no chunks, and gets no trailers;
/// others, and proxies, may ignore them (RFC 9110, 6.5.1): nothing may depend on their arrival.
pub trait Trailed: Read + Send {
    /// The trailer fields; asked for once, behind the last byte. Those that were not announced, or
    /// [may not stand there](crate::proto::http::trailers::may_trail), are not sent.
    fn trailers(&mut self) -> Headers;
}

impl Body {
    /// Nothing.
    pub const EMPTY: Body = Body::Bytes(Cow::Borrowed(&[]));

    /// Its length in bytes, where that is known before it is sent.
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
    /// A response with an empty body and no fields.
    pub fn new(status: Status) -> Response {
        Response { status, headers: Headers::new(), body: Body::EMPTY }
    }

    /// 200 and plain text.
    pub fn text(text: impl Into<Cow<'static, str>>) -> Response {
        static PLAIN: StaticField =
            StaticField::new(b"Content-Type: text/plain; charset=utf-8\r\n");
        Response::of(&PLAIN, text.into())
    }

    /// 200 and HTML.
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

    /// The same with another status.
    pub fn status(mut self, status: Status) -> Response {
        self.status = status;
        self
    }

    /// The same with a field set. A name or value that may not stand in a head makes it a 500, and
    /// a line in the log: what a client sent must not become a field of its own.
    pub fn field(mut self, name: &str, value: impl AsRef<[u8]>) -> Response {
        match self.headers.set(name, value) {
            Ok(()) => self,
            Err(error) => {
                log::error!("a handler set an impossible field: {error}");
                ErrorResponse::internal_error().response(None)
            }
        }
    }

    /// The same with another body.
    pub fn body(mut self, body: Body) -> Response {
        self.body = body;
        self
    }
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
