//! The interface of a handler: a request in, a response out.
//!
//! A handler is plain blocking code and never sees the socket. The request is complete when the handler
//! is called, unless the handler streams the body.

use super::body_receiver::{AnnouncedBody, BodyReceiver};
use super::into_response::IntoResponse;
use super::request::Request;
use super::respond::error_response::ErrorResponse;
use super::response::Response;
use crate::proto::http::head::RequestHead;

/// Makes responses to requests: any function of a `&mut Request`, or a type of your own.
///
/// A function that returns a [response](IntoResponse) is a handler, and most programs need no other one. A type
/// implements this trait to say more than a function can: which requests it rejects before their body arrives,
/// the longest body that it takes, whether it [streams](Handler::streams).
///
/// A 200 to a GET that sets `ETag` or `Last-Modified` becomes a 304 for a client that has this state
/// already, a 412 for one that wants another state, and a 206 for one that requests a range, if the body
/// is bytes or a file. `Accept-Ranges: none` turns ranges off. Any other status is sent as it is. A
/// handler that changes something calls [`Request::precondition`] first.
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
///
/// A type, given to [`Router::route`](super::Router::route):
///
/// ```
/// use threadbare::server::{ErrorResponse, Handler, Method, Request, RequestHead, Response, Router, Status};
///
/// struct Avatar;
///
/// impl Handler for Avatar {
///     fn admit(&self, head: &RequestHead) -> Result<(), ErrorResponse> {
///         match head.headers.text("Content-Type") {
///             Some("image/png") => Ok(()),
///             _ => {
///                 let (what, right) = ("an avatar is a PNG", "Content-Type: image/png");
///                 let status = Status::UNSUPPORTED_MEDIA_TYPE;
///                 Err(ErrorResponse::new(status, "RFC 9110, 15.5.16", what, right))
///             }
///         }
///     }
///
///     fn body_limit(&self) -> Option<u64> {
///         Some(100_000)
///     }
///
///     fn handle(&self, request: &mut Request) -> Response {
///         let length = request.body.length().unwrap_or_default();
///         Response::text(format!("{length} bytes\n"))
///     }
/// }
///
/// let routes = Router::new().route(Method::Put, "/avatar", Avatar).build()?;
/// # Ok::<(), threadbare::server::RouteErrors>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler",
    label = "not a handler",
    note = "right: fn(&mut Request) -> impl IntoResponse, or a type that implements Handler; \
            did you forget `?`, as in Files::new(folder)?, or a type, as in |request: &mut Request|"
)]
pub trait Handler: Send + Sync + 'static {
    /// Checks the head of a request before its body is received, and before a client that waits for 100
    /// (Continue) sends it. It admits every request unless it is implemented.
    ///
    /// # Errors
    /// The response to a request that is rejected; [`Handler::handle`] is not called.
    fn admit(&self, _head: &RequestHead) -> Result<(), ErrorResponse> {
        Ok(())
    }

    /// Returns the longest body in bytes that it takes, if that is less than the server's limit
    /// ([`Limits::body`](super::Limits::body), 16 MB); a longer one gets a 413. The server does not limit a body
    /// that the handler streams, or takes with a [receiver](Handler::receiver) of its own; this does.
    fn body_limit(&self) -> Option<u64> {
        None
    }

    /// Returns true if the handler reads the body while it arrives, instead of being called when it is
    /// complete; for bodies of any size. [Reading](super::RequestBody) then waits for the client, and a
    /// worker waits with it: at most half the workers may, and the next such request gets a 503.
    ///
    /// A server with a single worker streams nothing, as other clients need that worker: the body is
    /// collected as for any other handler, and one that is longer than the server's limit for bodies, or
    /// than [`Handler::body_limit`], gets a 413.
    ///
    /// A client that waits for 100 Continue gets it at the first read. When reading fails (the client
    /// broke off, was too slow, or sent an invalid body), the response says so, whatever the handler
    /// returns. What the handler leaves unread is skipped if it is short; else the connection closes
    /// after the response. [Trailers](super::RequestBody::trailers) are known once all is read.
    fn streams(&self) -> bool {
        false
    }

    /// Returns what takes the body while it arrives, in place of the server, which otherwise keeps it until it is
    /// complete; for large bodies that the handler stores elsewhere. Called when the head has arrived, before a client
    /// that waits for 100 (Continue) sends the body; not for a request without a body, nor one whose body is
    /// [streamed](Handler::streams). Nor is it called for a route that is [wrapped](super::Router::wrap): the function
    /// around it may refuse the request, so the server keeps the body until then, and the handler reads it.
    ///
    /// # Errors
    /// The response to a request that is rejected; [`Handler::handle`] is not called.
    fn receiver(
        &self,
        _body: &AnnouncedBody<'_>,
    ) -> Result<Option<Box<dyn BodyReceiver>>, ErrorResponse> {
        Ok(None)
    }

    /// Returns true if the handler takes a body in any content coding (RFC 9110, 8.4), which it gets as
    /// it came: still compressed, with the field `Content-Encoding`. Otherwise such a request gets a 415.
    fn takes_coded(&self) -> bool {
        false
    }

    /// Returns true if it never waits, neither for a lock nor for a disk, and takes less than a millisecond: see
    /// [`Immediate`].
    fn is_immediate(&self) -> bool {
        false
    }

    /// Returns how large the work for a request is, in any unit that is the same for all handlers of a server: the
    /// binary counts the bytes of the response. [`Schedule::SmallestFirst`](super::Schedule::SmallestFirst) compares
    /// it, and nothing else does. The body has not arrived yet. It must not wait.
    fn size(&self, _request: &Request) -> u64 {
        0
    }

    /// Returns the parameters of the path that it needs. [`Router::build`](super::Router::build) fails when a
    /// pattern does not have them. `...` stands for the rest of the path, with a name or without.
    fn params(&self) -> &'static [&'static str] {
        &[]
    }

    /// Releases what was kept for a next request that has not come, such as open files; or publishes what others
    /// watch. The server calls this
    /// about every second, also while no request arrives or all workers are busy, on the thread that accepts
    /// connections: it must be short.
    fn tidy(&self) {}

    /// Returns the response to one request. A panic becomes a 500, and harms nothing else.
    fn handle(&self, request: &mut Request) -> Response;
}

impl<F, R> Handler for F
where
    F: Fn(&mut Request) -> R + Send + Sync + 'static,
    R: IntoResponse,
{
    fn handle(&self, request: &mut Request) -> Response {
        self(request).into_response(request)
    }
}

/// Makes a handler [stream](Handler::streams) its requests' bodies.
///
/// ```
/// use threadbare::server::{Method, Request, Response, Router, Status, Streaming};
///
/// fn measure(request: &mut Request) -> Response {
///     match std::io::copy(&mut request.body, &mut std::io::sink()) {
///         Ok(count) => Response::text(format!("{count} bytes\n")),
///         // The server tells the client what was wrong with its body.
///         Err(_) => Response::new(Status::BAD_REQUEST),
///     }
/// }
///
/// let routes = Router::new().route(Method::Put, "/backup", Streaming(measure)).build();
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

    fn takes_coded(&self) -> bool {
        self.0.takes_coded()
    }

    fn size(&self, request: &Request) -> u64 {
        self.0.size(request)
    }

    fn params(&self) -> &'static [&'static str] {
        self.0.params()
    }

    fn tidy(&self) {
        self.0.tidy();
    }

    fn handle(&self, request: &mut Request) -> Response {
        self.0.handle(request)
    }
}

/// Makes a handler [take bodies in any content coding](Handler::takes_coded), as they came.
#[derive(Debug)]
pub struct AnyCoding<H>(pub H);

impl<H: Handler> Handler for AnyCoding<H> {
    fn admit(&self, head: &RequestHead) -> Result<(), ErrorResponse> {
        self.0.admit(head)
    }

    fn body_limit(&self) -> Option<u64> {
        self.0.body_limit()
    }

    fn receiver(
        &self,
        body: &AnnouncedBody<'_>,
    ) -> Result<Option<Box<dyn BodyReceiver>>, ErrorResponse> {
        self.0.receiver(body)
    }

    fn streams(&self) -> bool {
        self.0.streams()
    }

    fn takes_coded(&self) -> bool {
        true
    }

    fn size(&self, request: &Request) -> u64 {
        self.0.size(request)
    }

    fn params(&self) -> &'static [&'static str] {
        self.0.params()
    }

    fn tidy(&self) {
        self.0.tidy();
    }

    fn handle(&self, request: &mut Request) -> Response {
        self.0.handle(request)
    }
}

/// Makes the server call a handler even when all workers are in other handlers: for a health check, or a page
/// that shows how busy the server is.
///
/// With the default driver, its thread that supervises the workers answers then, within about 100 ms, if the
/// whole head of the request has arrived and is not longer than 4 KB. So the handler must never wait, neither for a
/// lock nor for a disk, and take less than a millisecond. A route that is [wrapped](super::Router::wrap) is
/// not immediate, as the function around it may wait.
///
/// ```
/// use threadbare::server::{Immediate, Method, Request, Router};
///
/// let health = Immediate(|_: &mut Request| "ok\n");
/// let routes = Router::new().route(Method::Get, "/health", health).build();
/// # routes.unwrap();
/// ```
#[derive(Debug)]
pub struct Immediate<H>(pub H);

impl<H: Handler> Handler for Immediate<H> {
    fn admit(&self, head: &RequestHead) -> Result<(), ErrorResponse> {
        self.0.admit(head)
    }

    fn body_limit(&self) -> Option<u64> {
        self.0.body_limit()
    }

    fn receiver(
        &self,
        body: &AnnouncedBody<'_>,
    ) -> Result<Option<Box<dyn BodyReceiver>>, ErrorResponse> {
        self.0.receiver(body)
    }

    fn is_immediate(&self) -> bool {
        true
    }

    fn takes_coded(&self) -> bool {
        self.0.takes_coded()
    }

    fn size(&self, request: &Request) -> u64 {
        self.0.size(request)
    }

    fn params(&self) -> &'static [&'static str] {
        self.0.params()
    }

    fn tidy(&self) {
        self.0.tidy();
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
