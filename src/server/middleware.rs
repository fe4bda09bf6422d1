//! Functions around handlers, and checks before them: [`Router::wrap`](super::Router::wrap),
//! [`Router::check`](super::Router::check).

use std::sync::Arc;

use super::body_receiver::{AnnouncedBody, BodyReceiver};
use super::conn::handle::{Panicked, after_panic, guarded};
use super::handler::Handler;
use super::into_response::IntoResponse;
use super::request::Request;
use super::respond::error_response::ErrorResponse;
use super::response::Response;
use super::router::Endpoint;
use crate::proto::http::head::RequestHead;

/// The rest of the way to the handler, as a function around handlers gets it: the next such function, or the
/// handler. [`Router::wrap`](super::Router::wrap) has examples.
#[derive(Debug)]
pub struct Next<'n> {
    around: &'n [Arc<dyn Around>],
    handler: &'n dyn Handler,
}

impl Next<'_> {
    /// Calls it, and returns its response; a 500 if it panics. A function that does not call this responds in
    /// place of the handler.
    pub fn run(self, request: &mut Request) -> Response {
        match self.around {
            [] => {
                let outcome = guarded(|| self.handler.handle(request));
                outcome.unwrap_or_else(|Panicked| after_panic(&request.head))
            }
            [first, rest @ ..] => first.call(request, Next { around: rest, ..self }),
        }
    }
}

/// A check of the head of a request.
pub(crate) trait Check: Send + Sync + 'static {
    fn check(&self, head: &RequestHead) -> Result<(), ErrorResponse>;
}

impl<F> Check for F
where
    F: Fn(&RequestHead) -> Result<(), ErrorResponse> + Send + Sync + 'static,
{
    fn check(&self, head: &RequestHead) -> Result<(), ErrorResponse> {
        self(head)
    }
}

/// A function around handlers.
pub(crate) trait Around: Send + Sync + 'static {
    fn call(&self, request: &mut Request, next: Next<'_>) -> Response;
}

impl<F, R> Around for F
where
    F: Fn(&mut Request, Next<'_>) -> R + Send + Sync + 'static,
    R: IntoResponse,
{
    fn call(&self, request: &mut Request, next: Next<'_>) -> Response {
        self(request, next).into_response(request)
    }
}

impl std::fmt::Debug for dyn Around {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Around")
    }
}

/// A handler with checks before it and functions around it. It takes the same requests as the handler.
pub(crate) struct Wrapped {
    pub(crate) checks: Arc<[Arc<dyn Check>]>,
    pub(crate) around: Arc<[Arc<dyn Around>]>,
    pub(crate) inner: Arc<Endpoint>,
}

impl Handler for Wrapped {
    fn admit(&self, head: &RequestHead) -> Result<(), ErrorResponse> {
        self.checks.iter().try_for_each(|check| check.check(head))?;
        self.inner.handler.admit(head)
    }

    fn body_limit(&self) -> Option<u64> {
        self.inner.handler.body_limit()
    }

    /// Functions around may refuse the request, and what they refuse has no effect: then the server keeps the body.
    fn receiver(
        &self,
        body: &AnnouncedBody<'_>,
    ) -> Result<Option<Box<dyn BodyReceiver>>, ErrorResponse> {
        match *self.around {
            [] => self.inner.handler.receiver(body),
            [..] => Ok(None),
        }
    }

    fn streams(&self) -> bool {
        self.inner.handler.streams()
    }

    fn takes_coded(&self) -> bool {
        self.inner.handler.takes_coded()
    }

    fn size(&self, request: &Request) -> u64 {
        self.inner.handler.size(request)
    }

    fn params(&self) -> &'static [&'static str] {
        self.inner.handler.params()
    }

    fn tidy(&self) {
        self.inner.handler.tidy();
    }

    fn handle(&self, request: &mut Request) -> Response {
        Next { around: &self.around, handler: &self.inner.handler }.run(request)
    }
}
