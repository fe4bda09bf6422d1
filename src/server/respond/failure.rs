//! What could not be opened or read, and is not the client's fault.
//!
//! Descriptors that have run out (EMFILE, ENFILE) come back: 503 with Retry-After (RFC 9110, 15.6.4),
//! and a line in the log once a second, as everybody is told so at the same time. Anything else is a
//! 500 (RFC 9110, 15.6.1), and a line each time.

use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use super::error_response::ErrorResponse;
use crate::net::errors::out_of_descriptors;
use crate::net::log_throttle::LogThrottle;
use crate::proto::http::head::RequestHead;
use crate::proto::http::status::Status;
use crate::server::handler::Response;

/// The answer to a request that failed like this; the log is told.
pub fn failed(head: &RequestHead, error: &io::Error) -> Response {
    log_failure(format_args!("{} {}", head.method, head.target), error);
    if !out_of_descriptors(error) {
        return ErrorResponse::internal_error().response(Some(head));
    }
    let refusal = ErrorResponse::new(
        Status::SERVICE_UNAVAILABLE,
        "RFC 9110, 15.6.4",
        "the server has as many files open as it may",
        "the same request a little later",
    );
    refusal.response(Some(head)).field("Retry-After", "1")
}

/// Tells the log what failed, and why.
pub(crate) fn log_failure(what: impl Display, error: &io::Error) {
    static SAID: LogThrottle = LogThrottle::new();
    if !out_of_descriptors(error) {
        log::error!("{what}: {error}");
    } else if SAID.allow(Instant::now()) {
        log::error!("{what}: {error} (see ulimit -n); more like it are not told of");
    }
}

/// Tells the log, once a second at most, that a request was refused for want of a descriptor.
pub(crate) fn log_no_descriptor(peer: SocketAddr) {
    static SAID: LogThrottle = LogThrottle::new();
    if SAID.allow(Instant::now()) {
        log::warn!(
            "{peer}: refused: as many files are open for uploads and answers as may be \
             (see ulimit -n); more like it are not told of"
        );
    }
}

/// Tells the log, once a second at most, that a body was refused as all bodies may take no more than
/// `most` bytes of the disk.
pub(crate) fn log_no_disk(peer: SocketAddr, most: u64) {
    static SAID: LogThrottle = LogThrottle::new();
    if SAID.allow(Instant::now()) {
        log::warn!(
            "{peer}: refused: its body and the others would take more than {most} bytes of the disk \
             (see --max-bodies-disk); more like it are not told of"
        );
    }
}
