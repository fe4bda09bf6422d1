//! Checks of the head that come before handlers and bodies: [`Router::check`].

use std::sync::Arc;

use super::Endpoint;
use super::build::{Router, endpoint};
use crate::proto::http::head::RequestHead;
use crate::server::body_receiver::{AnnouncedBody, BodyReceiver};
use crate::server::handler::Handler;
use crate::server::request::Request;
use crate::server::respond::error_response::ErrorResponse;
use crate::server::response::Response;

/// A check of the head of a request.
pub(super) trait Check: Send + Sync + 'static {
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

impl Router {
    /// Checks the head of each request before its body arrives, and before its handler is called; also those of routes
    /// that are added later. Of several checks the first comes first. A check may wait a moment, so no handler of the
    /// router is [immediate](crate::server::Immediate). Responses that the server makes without a handler are not
    /// checked: 404 without a fallback, 405, and the list of methods for OPTIONS, which a browser asks for without
    /// credentials.
    ///
    /// What is open to everyone is in a router of its own:
    /// ```
    /// use threadbare::server::{ErrorResponse, Router, Status};
    ///
    /// let private = Router::new().get("/", |_| "hello\n").check(|head| match head.headers.text("X-Key") {
    ///     Some("1234") => Ok(()),
    ///     _ => Err(ErrorResponse::of_status(Status::FORBIDDEN, "the key is missing or wrong")),
    /// });
    /// let routes = Router::new().get("/health", |_| "ok\n").merge(private).build()?;
    /// # Ok::<(), threadbare::server::RouteErrors>(())
    /// ```
    pub fn check(
        mut self,
        check: impl Fn(&RequestHead) -> Result<(), ErrorResponse> + Send + Sync + 'static,
    ) -> Router {
        self.checks.push(Arc::new(check));
        self
    }

    /// Returns the router with its checks before each handler.
    pub(super) fn with_checks_applied(mut self) -> Router {
        let checks: Arc<[Arc<dyn Check>]> = std::mem::take(&mut self.checks).into();
        if !checks.is_empty() {
            for held in self.endpoints() {
                *held = endpoint(Checked { checks: Arc::clone(&checks), inner: Arc::clone(held) });
            }
        }
        self
    }
}

/// A handler with checks before it.
struct Checked {
    checks: Arc<[Arc<dyn Check>]>,
    inner: Arc<Endpoint>,
}

impl Handler for Checked {
    fn admit(&self, head: &RequestHead) -> Result<(), ErrorResponse> {
        self.checks.iter().try_for_each(|check| check.check(head))?;
        self.inner.handler.admit(head)
    }

    fn body_limit(&self) -> Option<u64> {
        self.inner.handler.body_limit()
    }

    fn receiver(
        &self,
        body: &AnnouncedBody<'_>,
    ) -> Result<Option<Box<dyn BodyReceiver>>, ErrorResponse> {
        self.inner.handler.receiver(body)
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
        self.inner.handler.handle(request)
    }
}
