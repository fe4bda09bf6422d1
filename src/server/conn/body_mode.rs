//! How a handler takes the body of a request, and the longest body that it takes.

use super::Http;
use crate::proto::http::head::RequestHead;
use crate::server::body_receiver::{AnnouncedBody, BodyReceiver};
use crate::server::handler::Handler;
use crate::server::respond::error_response::ErrorResponse;

/// How a handler takes the body of a request.
pub(super) enum BodyMode {
    /// The request has no body.
    Empty,
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
    /// Returns how the handler takes the body, if it admits the request.
    ///
    /// # Errors
    /// What the handler responds in place of taking the body; a 413 for a body that is too long.
    pub(super) fn body_mode(
        &self,
        handler: &dyn Handler,
        body: &AnnouncedBody<'_>,
    ) -> Result<BodyMode, ErrorResponse> {
        handler.admit(body.head)?;
        if body.length == Some(0) {
            return Ok(BodyMode::Empty);
        }
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
pub(super) fn is_coded(head: &RequestHead) -> bool {
    head.headers.list("content-encoding").any(|coding| !coding.eq_ignore_ascii_case(b"identity"))
}
