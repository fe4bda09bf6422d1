//! Routes a request: decides by its head which handler gets it, and how the handler takes the body.
//!
//! What can be rejected by the head is rejected here, before 100 Continue is sent and before a byte of
//! the body is kept (RFC 9110, 10.1.1): 404, 405, 501, a page of another site (403), what the handler does
//! not admit (such as 415), a body that is too large (413), and one of known length for which there is no
//! room. The response is sent at once, and the body that follows the head is skipped.

use std::sync::Arc;
use std::time::Instant;

use super::body_mode::{BodyMode, Collected};
use super::connection_io::ConnectionIo;
use super::handle::{Panicked, after_panic, guarded};
use super::receive::{CollectingRequest, IncomingRequest};
use super::request_body::Collector;
use super::send::Outgoing;
use super::{Context, Http};
use crate::net::peer_address::PeerAddress;
use crate::proto::http::head::RequestHead;
use crate::server::body_receiver::AnnouncedBody;
use crate::server::quota::Share;
use crate::server::request::Params;
use crate::server::respond::error_response::ErrorResponse;
use crate::server::response::Response;
use crate::server::router::{Endpoint, NoHandler};

/// What is to be done with a request.
pub(crate) enum Routed<'h> {
    /// The handler is called: the request has no body.
    Handle(IncomingRequest, HandlerCall<'h>),
    /// The body is collected, and then the handler is called.
    Collect(Box<CollectingRequest>),
    /// The handler is called, and reads the body as it arrives.
    Stream(Box<StreamedRequest>),
    /// The response is known by the head alone.
    Respond(Outgoing),
}

/// A handler, with the parameters of its route.
pub(crate) struct HandlerCall<'h> {
    pub(super) endpoint: &'h Arc<Endpoint>,
    pub(super) params: Params,
}

/// A request whose handler reads the body itself.
#[derive(Debug)]
pub(crate) struct StreamedRequest {
    pub(super) request: IncomingRequest,
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) params: Params,
    /// The longest body in bytes that the route takes.
    pub(super) limit: u64,
    /// Its place among the handlers that may stream at once.
    pub(super) _permit: Share,
}

impl Http {
    /// Decides by the head of a request what is to be done with it.
    pub(crate) fn route(
        &self,
        request: IncomingRequest,
        io: &mut ConnectionIo,
        context: &Context<'_>,
    ) -> Routed<'_> {
        match self.find(&request.head, io.peer) {
            Ok(call) if request.recv.remaining() == Some(0) => Routed::Handle(request, call),
            Ok(call) => self.route_with_body(request, call, io, context),
            Err(response) => Routed::Respond(self.respond_early(response, request, io, context)),
        }
    }

    #[inline(never)] // most requests have no body
    fn route_with_body(
        &self,
        request: IncomingRequest,
        call: HandlerCall<'_>,
        io: &mut ConnectionIo,
        context: &Context<'_>,
    ) -> Routed<'_> {
        let (head, length) = (&request.head, request.recv.remaining());
        let body = AnnouncedBody { head, length, params: &call.params };
        match self.body_mode(&call.endpoint.handler, &body, io.peer) {
            Ok(BodyMode::Collected(collected)) => self.collect(request, call, collected, io),
            Ok(BodyMode::Streamed(limit)) => self.stream(request, call, limit, io),
            Err(response) => Routed::Respond(self.respond_early(response, request, io, context)),
        }
    }

    fn collect(
        &self,
        mut request: IncomingRequest,
        call: HandlerCall<'_>,
        Collected { limit, receiver }: Collected,
        io: &mut ConnectionIo,
    ) -> Routed<'_> {
        let body = match Collector::begin(request.recv.remaining(), receiver, &self.bodies) {
            Ok(body) => body,
            Err(error) => return Routed::Respond(self.reject_storage_error(&error, request, io)),
        };
        request.recv.send_continue(&io.input, &mut io.output.bytes);
        let since = if request.recv.is_done() { request.since } else { Instant::now() };
        let (endpoint, params) = (Arc::clone(call.endpoint), call.params);
        Routed::Collect(Box::new(CollectingRequest {
            request,
            since,
            received: 0,
            body,
            endpoint,
            params,
            limit,
        }))
    }

    fn stream(
        &self,
        request: IncomingRequest,
        call: HandlerCall<'_>,
        limit: u64,
        io: &ConnectionIo,
    ) -> Routed<'_> {
        let mut permit = self.streams.share();
        if !permit.grow(1) {
            let response = ErrorResponse::too_many_streams();
            log::info!("{}: refused: {response}", io.peer);
            return Routed::Respond(self.reject_busy(&response, request));
        }
        let (endpoint, params) = (Arc::clone(call.endpoint), call.params);
        let streamed = StreamedRequest { request, endpoint, params, limit, _permit: permit };
        Routed::Stream(Box::new(streamed))
    }

    /// Finds the handler of a request.
    ///
    /// # Errors
    /// The response, when it is known by the head alone.
    fn find(&self, head: &RequestHead, peer: PeerAddress) -> Result<HandlerCall<'_>, Response> {
        let found = self.routes.find(&head.method, &head.target);
        let (endpoint, params) = found.map_err(|why| self.without_handler(why, head, peer))?;
        if !head.method.is_safe() && !self.admits_origin(head) {
            let error = ErrorResponse::foreign_origin(head);
            return Err(error.log_policy_and_respond(head, peer));
        }
        let admitted = guarded(|| endpoint.handler.admit(head));
        let admitted = admitted.map_err(|Panicked| after_panic(head))?;
        admitted.map_err(|error| error.log_and_respond(head, peer))?;
        Ok(HandlerCall { endpoint, params })
    }

    /// Returns the response to a request that has no handler.
    #[cold]
    fn without_handler(&self, why: NoHandler, head: &RequestHead, peer: PeerAddress) -> Response {
        let reject = |error: ErrorResponse| error.log_and_respond(head, peer);
        match why {
            NoHandler::Options(allow) => self.options(head, allow, peer),
            NoHandler::NotAllowed(allow) => {
                reject(ErrorResponse::not_allowed(head, &allow)).field("Allow", allow)
            }
            NoHandler::NoPath => reject(ErrorResponse::not_found(head)),
            NoHandler::NotImplemented => reject(ErrorResponse::not_implemented(head)),
        }
    }
}
