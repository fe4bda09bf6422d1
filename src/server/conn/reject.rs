//! Responses that no handler makes: to requests that break a rule, are too slow, or find no room.
//!
//! After most of them the connection closes: where the next request begins is not known, or too far away.

use std::time::Instant;

use super::connection_io::ConnectionIo;
use super::receive::{ArrivingHead, IncomingRequest, ReceivedHead};
use super::request_body::StorageError;
use super::send::{Outgoing, RequestInfo};
use super::{Context, Http};
use crate::net::admission::RejectReason;
use crate::net::peer_address::PeerAddress;
use crate::proto::http::close::CloseReason;
use crate::proto::http::error::{Fault, Rule};
use crate::proto::http::excerpt::Excerpt;
use crate::proto::http::server::RecvHead;
use crate::server::quota::Share;
use crate::server::respond::error_response::{ErrorResponse, overload};
use crate::server::respond::failure::{
    log_failure, log_no_descriptor, log_no_disk, log_no_head_memory,
};
use crate::server::response::Response;

/// What telnet sends after a Ctrl-C, and the response it waits for before it shows anything again (RFC
/// 860).
const DO_TIMING_MARK: &[u8] = b"\xFF\xFD\x06";
const WONT_TIMING_MARK: &[u8] = b"\xFF\xFC\x06";

impl Http {
    /// Rejects what broke a rule of the protocol, at this line of it.
    pub(super) fn reject_fault(
        &self,
        fault: Fault,
        excerpt: Option<&Excerpt>,
        request: RequestInfo,
        io: &mut ConnectionIo,
    ) -> Outgoing {
        if excerpt.is_some_and(|excerpt| excerpt.has(DO_TIMING_MARK)) {
            io.output.bytes.extend_from_slice(WONT_TIMING_MARK);
        }
        self.reject(fault.rule, &ErrorResponse::of(fault, excerpt), request, io)
    }

    /// Rejects what broke a rule. The connection closes after this response.
    pub(super) fn reject(
        &self,
        rule: Rule,
        error: &ErrorResponse,
        request: RequestInfo,
        io: &mut ConnectionIo,
    ) -> Outgoing {
        self.stats.count_fault(rule);
        io.timing.forget();
        log::info!("{}: refused: {error}", io.peer);
        let response = error.response(request.head());
        let send = request.last(CloseReason::Fault(rule));
        Outgoing::new(response, request, send, false)
    }

    /// Rejects a request because the server is overloaded. The connection closes after this response.
    pub(super) fn shed(&self, why: RejectReason, request: RequestInfo) -> Outgoing {
        let send = request.last(CloseReason::WeAsked);
        Outgoing::new(overload(why), request, send, false)
    }

    /// Returns the bytes of a response to a connection without a request, which closes after it.
    pub(in crate::server) fn refusal_with(&self, response: Response, peer: PeerAddress) -> Vec<u8> {
        let mut io = self.open_io(peer, None);
        let request = RequestInfo { arrived: None, since: Instant::now() };
        let send = request.last(CloseReason::WeAsked);
        self.begin_response(Outgoing::new(response, request, send, false), &mut io);
        if let Some(log) = &mut io.wire_log {
            log.sent(&io.output.bytes);
            log.closed(CloseReason::WeAsked);
        }
        io.output.bytes
    }

    /// Keeps what has arrived of a large head, or rejects it, if no memory is left.
    #[cold]
    pub(super) fn keep_large_head(
        &self,
        recv: RecvHead,
        since: Instant,
        memory: Option<Share>,
        io: &mut ConnectionIo,
    ) -> ReceivedHead {
        let mut memory = memory.unwrap_or_else(|| self.heads.share());
        if memory.grow_to((recv.taken() + io.input.len()) as u64) {
            let memory = Some(memory);
            return ReceivedHead::Partial(ArrivingHead { recv, since: Some(since), memory });
        }
        let arrived = Some(recv.give_up(&io.input));
        ReceivedHead::Rejected(self.reject_large_head(RequestInfo { arrived, since }, io))
    }

    /// Rejects a request whose head would take more memory than all of them together may. The connection
    /// closes after this response.
    fn reject_large_head(&self, request: RequestInfo, io: &mut ConnectionIo) -> Outgoing {
        let error = ErrorResponse::too_many_large_heads(self.limits.heads_memory);
        io.timing.forget();
        log_no_head_memory(io.peer, self.limits.heads_memory);
        let response = error.response(request.head()).field("Retry-After", "1");
        let send = request.last(CloseReason::WeAsked);
        Outgoing::new(response, request, send, false)
    }

    /// Rejects a request whose body cannot be taken now. The connection closes after this response,
    /// without the rest of the body.
    pub(super) fn reject_busy(&self, error: &ErrorResponse, request: IncomingRequest) -> Outgoing {
        let IncomingRequest { head, since, recv } = request;
        let response = error.response(Some(&head)).field("Retry-After", "1");
        Outgoing::new(response, RequestInfo::of(head, since), recv.finish(), false)
    }

    /// Rejects a request whose body cannot be kept: no descriptor is left (503), no room on the disk
    /// (507, as for a disk that is full), its file cannot be created or written, or its receiver refuses it.
    pub(super) fn reject_storage_error(
        &self,
        error: &StorageError,
        request: IncomingRequest,
        io: &ConnectionIo,
    ) -> Outgoing {
        let error = match error {
            StorageError::Refused(error) => {
                log::info!("{}: refused: {error}", io.peer);
                let IncomingRequest { head, since, recv } = request;
                let response = error.response(Some(&head));
                return Outgoing::new(response, RequestInfo::of(head, since), recv.finish(), false);
            }
            StorageError::NoDescriptor => {
                log_no_descriptor(io.peer);
                ErrorResponse::too_many_files()
            }
            StorageError::NoDisk => {
                log_no_disk(io.peer, self.limits.bodies_disk);
                ErrorResponse::too_much_on_disk(self.limits.bodies_disk)
            }
            StorageError::Failed(error) => {
                log_failure(format_args!("{}: a body cannot be kept", io.peer), error);
                ErrorResponse::cannot_keep(error)
            }
        };
        self.reject_busy(&error, request)
    }

    /// Responds before all of the body has arrived. The client need not send the rest to learn what is
    /// wrong; if the rest is short, it is skipped and the connection is kept (RFC 9112, 9.3).
    pub(super) fn respond_early(
        &self,
        response: Response,
        request: IncomingRequest,
        io: &mut ConnectionIo,
        context: &Context<'_>,
    ) -> Outgoing {
        let IncomingRequest { head, since, recv } = request;
        let send = recv.skip(&mut io.input, &self.limits);
        let info = RequestInfo::of(head, since);
        Outgoing::new(response, info, send, context.driver.may_keep())
    }
}
