//! How a handler takes the body of a request, and the longest body that it takes.

use super::Http;
use super::handle::{Panicked, after_panic, guarded};
use crate::net::peer_address::PeerAddress;
use crate::proto::http::head::RequestHead;
use crate::server::body_receiver::{AnnouncedBody, BodyReceiver};
use crate::server::handler::Handler;
use crate::server::respond::error_response::ErrorResponse;
use crate::server::response::Response;

/// How a handler takes the body of a request.
pub(super) enum BodyMode {
    /// The handler is called when it is complete.
    Collected(Collected),
    /// As it arrives; of this many bytes at most.
    Streamed(u64),
}

/// How a body is collected.
pub(super) struct Collected {
    /// The longest body in bytes.
    pub(super) limit: u64,
    /// Takes the body in place of the server.
    pub(super) receiver: Option<Box<dyn BodyReceiver>>,
}

impl Http {
    /// Returns how the handler takes the body of a request that it admits.
    ///
    /// # Errors
    /// The response in place of taking the body: that of the handler, a 413 for a body that is too long, a 415 for a
    /// content coding that the handler does not take, or a 500.
    pub(super) fn body_mode(
        &self,
        handler: &dyn Handler,
        body: &AnnouncedBody<'_>,
        peer: PeerAddress,
    ) -> Result<BodyMode, Response> {
        let head = body.head;
        let reject = |error: ErrorResponse| error.log_and_respond(head, peer);
        let mode = guarded(|| {
            let mode = self.mode(handler, body)?;
            Ok((mode, !is_coded(head) || handler.takes_coded()))
        });
        let (mode, takes_coding) = mode.map_err(|Panicked| after_panic(head))?.map_err(reject)?;
        match takes_coding {
            true => Ok(mode),
            false => Err(reject(ErrorResponse::coded()).field("Accept-Encoding", "identity")),
        }
    }

    fn mode(
        &self,
        handler: &dyn Handler,
        body: &AnnouncedBody<'_>,
    ) -> Result<BodyMode, ErrorResponse> {
        let own_limit = handler.body_limit();
        let check = |limit: u64| match body.length {
            Some(length) if length > limit => Err(ErrorResponse::too_large(limit)),
            _ => Ok(limit),
        };
        // A single worker does not stream, because the other connections would have no worker.
        if handler.streams() && !self.streams.is_zero() {
            return Ok(BodyMode::Streamed(check(own_limit.unwrap_or(u64::MAX))?));
        }
        let receiver = handler.receiver(body)?;
        let most = if receiver.is_some() { u64::MAX } else { self.limits.body };
        let limit = check(own_limit.unwrap_or(u64::MAX).min(most))?;
        Ok(BodyMode::Collected(Collected { limit, receiver }))
    }
}

/// Returns true if the body has a content coding (RFC 9110, 8.4); `identity` is none.
fn is_coded(head: &RequestHead) -> bool {
    head.headers.list("content-encoding").any(|coding| !coding.eq_ignore_ascii_case(b"identity"))
}
