//! Responses to errors of the operating system, which are not the client's fault.
//!
//! When descriptors have run out (EMFILE, ENFILE), that is temporary: 503 with Retry-After (RFC 9110,
//! 15.6.4), and one log line a second at most, as many clients get it at the same time. A full disk is a 507
//! (RFC 4918, 11.5). Any other error is a 500 (RFC 9110, 15.6.1). These have a log line each time.

use std::fmt::Display;
use std::io::{self, ErrorKind};
use std::time::Instant;

use super::error_response::{ErrorResponse, is_full, shown};
use crate::net::errors::out_of_descriptors;
use crate::net::log_throttle::LogThrottle;
use crate::net::peer_address::PeerAddress;
use crate::proto::http::head::RequestHead;
use crate::proto::http::status::Status;
use crate::server::conn::streamed_body::ClientFailed;
use crate::server::response::Response;

/// Returns the response to a request that failed with this error, and logs the error.
pub fn failed(head: &RequestHead, error: &io::Error) -> Response {
    // It is no failure of the server, and the connection replaces this response.
    if is_of_client(error) {
        return ErrorResponse::internal_error().response(Some(head));
    }
    let target = shown(&head.target.to_string());
    log_failure(format_args!("{} {target}", head.method), error);
    if is_full(error) {
        return ErrorResponse::cannot_keep(error).response(Some(head));
    }
    if let ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem = error.kind() {
        return ErrorResponse::no_permission().response(Some(head));
    }
    if !out_of_descriptors(error) {
        return ErrorResponse::internal_error().response(Some(head));
    }
    let refusal = ErrorResponse::new(
        Status::SERVICE_UNAVAILABLE,
        "RFC 9110, 15.6.4",
        "the server has reached its limit of open files",
        "the same request later",
    );
    refusal.response(Some(head)).field("Retry-After", "1")
}

/// Returns true if a handler could not read on because the client broke its request off, or broke a rule.
pub(crate) fn is_of_client(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<ClientFailed>())
}

/// Logs what failed, and why.
pub(crate) fn log_failure(what: impl Display, error: &io::Error) {
    static SAID: LogThrottle = LogThrottle::new();
    if !out_of_descriptors(error) {
        log::error!("{what}: {error}");
    } else if SAID.allow(Instant::now()) {
        log::error!("{what}: {error} (see ulimit -n); repeated messages are suppressed for 1 s");
    }
}

/// Logs, once a second at most, that a request was rejected because no descriptor was left.
pub(crate) fn log_no_descriptor(peer: PeerAddress) {
    static SAID: LogThrottle = LogThrottle::new();
    if SAID.allow(Instant::now()) {
        log::warn!(
            "{peer}: refused: the limit of open files for uploads and responses is reached \
             (see ulimit -n); repeated messages are suppressed for 1 s"
        );
    }
}

/// Logs, once a second at most, that a large head was rejected because all of them may take `most` bytes
/// of memory.
pub(crate) fn log_no_head_memory(peer: PeerAddress, most: u64) {
    static SAID: LogThrottle = LogThrottle::new();
    if SAID.allow(Instant::now()) {
        log::warn!(
            "{peer}: refused: its head and other incomplete ones would take more than {most} bytes of \
             memory (see --max-heads-memory); repeated messages are suppressed for 1 s"
        );
    }
}

/// Logs, once a second at most, that a body was rejected because all bodies may take `most` bytes of the
/// disk.
pub(crate) fn log_no_disk(peer: PeerAddress, most: u64) {
    static SAID: LogThrottle = LogThrottle::new();
    if SAID.allow(Instant::now()) {
        log::warn!(
            "{peer}: refused: its body and the others would take more than {most} bytes of the disk \
             (see --max-bodies-disk); repeated messages are suppressed for 1 s"
        );
    }
}
