//! Handles a request: calls the handler, and prepares its response.
//!
//! A panic in a handler costs its own request a 500 and nothing else.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use super::connection_io::ConnectionIo;
use super::file_share::Counted;
use super::receive::{CollectingRequest, IncomingRequest};
use super::request_body::RequestBody;
use super::route::{HandlerCall, StreamedRequest};
use super::send::{Outgoing, RequestInfo};
use super::streamed_body::{BodyError, BodyHandle, BodyRules, StreamedBody};
use super::{Context, Http};
use crate::net::usual_time::UsualTime;
use crate::proto::http::close::CloseReason;
use crate::proto::http::head::RequestHead;
use crate::server::handler::Handler;
use crate::server::request::{Arrival, Request};
use crate::server::respond::error_response::{ErrorResponse, shown};
use crate::server::respond::failure::log_failure;
use crate::server::respond::range_response::apply_conditions_and_ranges;
use crate::server::response::Response;

impl Http {
    /// Calls the handler of a request that is complete, on this thread.
    pub(crate) fn handle(
        &self,
        request: IncomingRequest,
        body: RequestBody,
        call: HandlerCall<'_>,
        io: &mut ConnectionIo,
        context: &Context<'_>,
    ) -> Outgoing {
        let IncomingRequest { head, since, recv } = request;
        let HandlerCall { endpoint, params } = call;
        // A pipelined request begins where the response before it ended.
        let begun = context.start.max(io.waiting_since);
        context.driver.before(&endpoint.usual);
        let arrival = self.arrival(io);
        let mut request = Request { head, body, peer: io.peer, params, arrival };
        let Counted { response, file, rejected } = self.respond(&endpoint.handler, &mut request);
        let now = Instant::now();
        context.driver.after(&endpoint.usual, now.saturating_duration_since(begun));
        io.file = file;
        Outgoing {
            may_keep: !rejected && context.driver.may_keep(),
            producer: response.body.is_produced().then(|| endpoint.clone()),
            response,
            request: RequestInfo::of(request.head, since),
            send: recv.finish(),
            now,
        }
    }

    /// Calls the handler of a request whose body has been collected.
    pub(crate) fn handle_collected(
        &self,
        collecting: CollectingRequest,
        io: &mut ConnectionIo,
        context: &Context<'_>,
    ) -> Outgoing {
        let CollectingRequest { request, body, endpoint, params, .. } = collecting;
        match body.finish() {
            Ok(body) => {
                let body = body.with_trailers(request.recv.trailers());
                self.handle(request, body, HandlerCall { endpoint: &endpoint, params }, io, context)
            }
            Err(error) => {
                log::error!("{}: cannot read a collected body: {error}", io.peer);
                let response = ErrorResponse::internal_error().response(Some(&request.head));
                let IncomingRequest { head, since, recv } = request;
                let info = RequestInfo::of(head, since);
                Outgoing::new(response, info, recv.finish(), context.driver.may_keep())
            }
        }
    }

    /// Calls a handler that reads the body itself, and may wait for the client. What the handler leaves
    /// unread is skipped. If reading failed, an error response replaces the handler's response.
    ///
    /// # Errors
    /// Why the connection ends without a response.
    pub(crate) fn handle_streamed(
        &self,
        streamed: StreamedRequest,
        io: &mut ConnectionIo,
        context: &Context<'_>,
    ) -> Result<Outgoing, CloseReason> {
        let StreamedRequest { request, endpoint, params, limit, _permit } = streamed;
        let socket = match context.stream.try_clone() {
            Ok(socket) => socket,
            Err(error) => {
                log_failure(format_args!("{}: a body cannot be streamed", io.peer), &error);
                return Ok(self.reject_busy(&ErrorResponse::too_many_streams(), request));
            }
        };
        let IncomingRequest { head, since, recv } = request;
        let (peer, arrival) = (io.peer, self.arrival(io));
        let lent = std::mem::replace(io, ConnectionIo::new(peer));
        let rules = BodyRules { limits: self.limits.clone(), most: limit, stop: self.stop.clone() };
        let handle = BodyHandle::new(StreamedBody::new(socket, lent, recv, rules));
        let body = RequestBody::streamed(handle.clone());
        let mut request = Request { head, body, peer, params, arrival };
        let usual = UsualTime::unknown().numbered(endpoint.usual.number());
        context.driver.before(&usual); // it waits for its client
        let Counted { response, file, .. } = self.respond(&endpoint.handler, &mut request);
        context.driver.after(&usual, UsualTime::MOST);
        let head = request.head;
        let Some(mut body) = handle.take_back() else { return Err(CloseReason::PeerLeft) };
        let error = body.take_error();
        let StreamedBody { io: lent, recv, .. } = body;
        *io = lent;
        io.file = file;
        match error {
            None => {
                let request = IncomingRequest { head, since, recv };
                Ok(self.respond_early(response, request, io, context))
            }
            Some(BodyError::Fault(fault)) => {
                let info = RequestInfo::of(head, since);
                Ok(self.reject_fault(fault, recv.excerpt(), info, io))
            }
            Some(BodyError::Stopped) => {
                self.count_cut();
                Err(CloseReason::Stopping)
            }
            Some(BodyError::Connection(error)) => {
                log::debug!("{peer}: {error}");
                io.input.close();
                Err(CloseReason::PeerLeft)
            }
        }
    }

    /// Returns when the request arrived that is being handled, if its client may know.
    #[inline]
    fn arrival(&self, io: &ConnectionIo) -> Option<Arrival> {
        io.timing.arrival().filter(|_| self.server_timing.includes(io.peer))
    }

    /// Calls the handler, applies the client's conditions and ranges to its response, and counts the
    /// file that the response holds open.
    fn respond(&self, handler: &dyn Handler, request: &mut Request) -> Counted {
        let outcome = guarded(|| handler.handle(request));
        let response = outcome.unwrap_or_else(|Panicked| after_panic(&request.head));
        let counted = self.count_file(response, &request.head, request.peer);
        let response = apply_conditions_and_ranges(counted.response, &request.head, &self.limits);
        Counted { response, ..counted }
    }
}

/// The code of a handler has panicked.
pub(crate) struct Panicked;

/// Runs the code of a handler, and catches its panic.
pub(crate) fn guarded<T>(run: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| Panicked)
}

/// Returns the response to a request whose handler panicked, and logs the panic.
pub(crate) fn after_panic(head: &RequestHead) -> Response {
    let target = shown(&head.target.to_string());
    log::error!("the handler of {} {target} panicked", head.method);
    ErrorResponse::internal_error().response(Some(head))
}
