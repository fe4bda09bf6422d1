//! Handlers that take a body while it arrives, without waiting for it: [`BodyReceiver`].

use std::any::Any;

use super::request::Params;
use super::respond::error_response::ErrorResponse;
use crate::proto::http::head::RequestHead;

/// Takes the body of one request piece by piece while it arrives: what [`Handler::receiver`] returns.
///
/// The server calls it whenever bytes have arrived, so a client that is slow holds no worker, unlike one whose body is
/// [streamed](super::Handler::streams). The server does not keep the body, and its limits for bodies that it keeps
/// ([`Limits::body`](super::Limits::body), [`Limits::bodies_disk`](super::Limits::bodies_disk)) do not apply:
/// [`Handler::body_limit`] does. When the body is complete, the handler is called, and gets the receiver back from
/// [`RequestBody::take_receiver`](super::RequestBody::take_receiver).
///
/// ```
/// use threadbare::server::{AnnouncedBody, BodyReceiver, ErrorResponse, Handler, Method, Request, Response, Router};
///
/// /// Counts the lines of a body of any size.
/// struct Lines(usize);
///
/// impl BodyReceiver for Lines {
///     fn receive(&mut self, piece: &[u8]) -> Result<(), ErrorResponse> {
///         self.0 += piece.iter().filter(|&&byte| byte == b'\n').count();
///         Ok(())
///     }
/// }
///
/// struct Count;
///
/// impl Handler for Count {
///     fn receiver(&self, _: &AnnouncedBody<'_>) -> Result<Option<Box<dyn BodyReceiver>>, ErrorResponse> {
///         Ok(Some(Box::new(Lines(0))))
///     }
///
///     fn handle(&self, request: &mut Request) -> Response {
///         let lines = request.body.take_receiver::<Lines>().map_or(0, |lines| lines.0);
///         Response::text(format!("{lines} lines\n"))
///     }
/// }
///
/// let routes = Router::new().route(Method::Post, "/count", Count).build()?;
/// # Ok::<(), threadbare::server::RouteErrors>(())
/// ```
///
/// [`Handler::receiver`]: super::Handler::receiver
/// [`Handler::body_limit`]: super::Handler::body_limit
pub trait BodyReceiver: Any + Send {
    /// Takes the next piece of the body. It may wait for a disk, as a handler may, and must not wait for anything
    /// else.
    ///
    /// # Errors
    /// The response to a request whose body cannot be taken. It is sent at once, without the rest of the body, and
    /// the handler is not called.
    fn receive(&mut self, piece: &[u8]) -> Result<(), ErrorResponse>;
}

impl std::fmt::Debug for dyn BodyReceiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BodyReceiver")
    }
}

/// A body that the head of a request announces, and of which nothing has been received yet.
#[derive(Debug)]
pub struct AnnouncedBody<'r> {
    /// The head of the request.
    pub head: &'r RequestHead,
    /// The length in bytes; `None` for one that arrives in chunks.
    pub length: Option<u64>,
    pub(super) params: &'r Params,
}

impl AnnouncedBody<'_> {
    /// Returns the part of the path that the route leaves open (`{...}`), with its first slash, still percent-encoded.
    pub fn rest_of_path(&self) -> &str {
        self.params.split(self.head.target.path()).1
    }
}
