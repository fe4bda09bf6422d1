//! Receives a request: its head, and a body that is collected before the handler runs.
//!
//! These functions take what is in the input buffer and never read from the socket. The driver (textbook
//! or lobby) reads, and calls again. What breaks a rule of RFC 9112 becomes a rejection.

use std::sync::Arc;
use std::time::Instant;

use super::Http;
use super::connection_io::{ConnectionIo, SMALL};
use super::request_body::Collector;
use super::send::{Outgoing, RequestInfo};
use crate::net::deadline::{Deadline, Phase};
use crate::proto::http::body::Piece;
use crate::proto::http::close::CloseReason;
use crate::proto::http::error::{Fault, Rule};
use crate::proto::http::head::RequestHead;
use crate::proto::http::limits::Limits;
use crate::proto::http::server::{Head, RecvBody, RecvHead, Rejected};
use crate::server::quota::Share;
use crate::server::request::Params;
use crate::server::respond::error_response::ErrorResponse;
use crate::server::router::Endpoint;

/// A request whose head is complete.
#[derive(Debug)]
pub(crate) struct IncomingRequest {
    pub(super) head: Box<RequestHead>,
    /// When its first byte arrived.
    pub(super) since: Instant,
    /// Receives its body, if there is one.
    pub(super) recv: RecvBody,
}

impl IncomingRequest {
    pub(super) fn info(self) -> RequestInfo {
        RequestInfo::of(self.head, self.since)
    }
}

/// A request's head that is not complete.
#[derive(Debug, Default)]
pub(crate) struct ArrivingHead {
    pub(crate) recv: RecvHead,
    /// When its first byte arrived, if one has.
    pub(crate) since: Option<Instant>,
    /// Its share of [`Limits::heads_memory`], if it is large.
    pub(super) memory: Option<Share>,
}

impl From<RecvHead> for ArrivingHead {
    #[inline(always)]
    fn from(recv: RecvHead) -> ArrivingHead {
        ArrivingHead { recv, since: None, memory: None }
    }
}

/// How much of a request's head has arrived.
pub(crate) enum ReceivedHead {
    /// More input is needed.
    Partial(ArrivingHead),
    Complete(IncomingRequest),
    Rejected(Outgoing),
    /// No further request can be received.
    Closed(CloseReason),
}

/// A request whose body is collected.
#[derive(Debug)]
pub(crate) struct CollectingRequest {
    pub(super) request: IncomingRequest,
    /// When the wait for its body began.
    pub(super) since: Instant,
    /// Bytes of body.
    pub(super) received: u64,
    pub(super) body: Collector,
    /// The handler that gets the request once the body is complete, and the longest body it takes.
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) params: Params,
    pub(super) limit: u64,
}

impl CollectingRequest {
    /// Returns until when the body may arrive: a grace period, then a minimum rate.
    pub(crate) fn deadline(&self, limits: &Limits) -> Deadline {
        let Limits { transfer_grace: grace, transfer_rate: rate, .. } = *limits;
        Deadline::at_rate(self.since, grace, self.received, rate, Phase::Body)
    }
}

/// How much of a collected body has arrived.
#[expect(
    clippy::large_enum_variant,
    reason = "a rejection is moved once, and need not be allocated"
)]
pub(crate) enum ReceivedBody {
    /// More input is needed.
    Partial(Box<CollectingRequest>),
    Complete(Box<CollectingRequest>),
    Rejected(Outgoing),
}

impl Http {
    /// Takes the head of a request from the input. `now` is when the newest input arrived.
    pub(crate) fn receive_head(
        &self,
        arriving: ArrivingHead,
        now: Instant,
        io: &mut ConnectionIo,
    ) -> ReceivedHead {
        // The textbook calls before it reads, and then nothing has arrived in most cases.
        if io.input.is_empty() && !io.input.is_closed() {
            return ReceivedHead::Partial(arriving);
        }
        let ArrivingHead { recv, since, memory } = arriving;
        let since = since.unwrap_or_else(|| {
            io.timing.begins(now);
            now
        });
        match recv.receive_into(&mut io.recycled, &mut io.input, &self.limits) {
            Ok(Head::More(recv)) => {
                let size = recv.taken() + io.input.len();
                // An empty line does not begin a request (RFC 9112, 2.2): the client is still idle.
                let since = (size > 0 && recv.skipping().is_none()).then_some(since);
                match since {
                    Some(since) if size > SMALL => self.keep_large_head(recv, since, memory, io),
                    _ => ReceivedHead::Partial(ArrivingHead { recv, since, memory: None }),
                }
            }
            Ok(Head::Closed) => ReceivedHead::Closed(CloseReason::PeerClosed),
            Ok(Head::Doubtful) => ReceivedHead::Closed(CloseReason::RequestUnread),
            Ok(Head::Complete(head, recv)) => {
                self.identify(IncomingRequest { head, since, recv }, io)
            }
            Err(rejected) => {
                let Rejected { fault, excerpt, arrived } = *rejected;
                let info = RequestInfo { arrived: Some(arrived), since };
                ReceivedHead::Rejected(self.reject_fault(fault, Some(&excerpt), info, io))
            }
        }
    }

    /// Returns until when the next request may arrive: its head, once it has begun, or its
    /// first byte.
    #[inline]
    pub(crate) fn head_deadline(&self, arriving: &ArrivingHead, io: &ConnectionIo) -> Deadline {
        let Limits { transfer_grace: grace, transfer_rate: rate, .. } = self.limits;
        match (arriving.since, arriving.recv.skipping()) {
            (Some(since), _) => Deadline::after(since, self.limits.head_time, Phase::Head),
            // The last body is being skipped: a close now would cause a reset, and might lose the response.
            (None, Some(skipped)) => {
                Deadline::at_rate(io.waiting_since, grace, skipped, rate, Phase::Body)
            }
            (None, None) => self.idle_deadline(io),
        }
    }

    /// Returns until when a connection with no request may be kept.
    pub(super) fn idle_deadline(&self, io: &ConnectionIo) -> Deadline {
        let phase = if io.answered == 0 { Phase::Silent } else { Phase::Idle };
        Deadline::after(io.waiting_since, self.limits.idle_time, phase)
    }

    /// Rejects a head that took too long, with 408.
    pub(crate) fn head_timed_out(
        &self,
        recv: RecvHead,
        since: Instant,
        io: &mut ConnectionIo,
    ) -> Outgoing {
        let response = ErrorResponse::head_timeout((recv.taken() + io.input.len()) as u64);
        let info = RequestInfo { arrived: Some(recv.give_up(&io.input)), since };
        self.reject(Rule::HeadTimeout, &response, info, io)
    }

    /// Collects the part of a body that is in the input.
    pub(crate) fn receive_body(
        &self,
        mut collecting: Box<CollectingRequest>,
        io: &mut ConnectionIo,
    ) -> ReceivedBody {
        loop {
            let CollectingRequest { request, received, body, limit, .. } = &mut *collecting;
            let fault = match request.recv.receive(&mut io.input, &self.limits) {
                Ok(Piece::Data(data)) => {
                    *received += data.len() as u64;
                    if *received > *limit {
                        Fault { rule: Rule::BodyTooLarge, offset: *limit }
                    } else {
                        let Err(error) = body.push(data, &self.bodies) else { continue };
                        let request = collecting.request;
                        return ReceivedBody::Rejected(
                            self.reject_storage_error(&error, request, io),
                        );
                    }
                }
                Ok(Piece::More) => {
                    io.expect_body(request.recv.remaining());
                    return ReceivedBody::Partial(collecting);
                }
                Ok(Piece::End) => {
                    io.expect_body(Some(0));
                    io.timing.body_is_complete();
                    return ReceivedBody::Complete(collecting);
                }
                Err(fault) => fault,
            };
            let IncomingRequest { head, since, recv } = collecting.request;
            let info = RequestInfo::of(head, since);
            return ReceivedBody::Rejected(self.reject_fault(fault, recv.excerpt(), info, io));
        }
    }

    /// Rejects a body that was too slow, with 408.
    pub(crate) fn body_timed_out(
        &self,
        collecting: CollectingRequest,
        io: &mut ConnectionIo,
    ) -> Outgoing {
        let CollectingRequest { request, received, .. } = collecting;
        let response = ErrorResponse::body_timeout(received, request.recv.remaining());
        self.reject(Rule::BodyTimeout, &response, request.info(), io)
    }
}
