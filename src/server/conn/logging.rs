//! Counts a response that is complete or cut, and writes its line in the access log.

use std::time::{Instant, SystemTime};

use super::Http;
use super::connection_io::ConnectionIo;
use super::send::{RequestInfo, SendingResponse};
use crate::proto::http::server::PartialHead;
use crate::proto::http::status::Status;
use crate::server::log::log_line::Line;

/// What the access log tells of an exchange.
#[derive(Debug)]
pub(super) struct LoggedExchange {
    pub(super) request: RequestInfo,
    /// The status; `None` while a fault holds it back.
    pub(super) status: Option<Status>,
    /// Bytes of body.
    pub(super) sent: u64,
}

impl Http {
    /// Logs a response that was cut, as its connection ends.
    pub(crate) fn log_cut(&self, sending: &SendingResponse, io: &ConnectionIo) {
        self.log(io, &sending.exchange, Instant::now());
    }

    /// Counts and logs a response that ended at `now`.
    #[inline]
    pub(super) fn log(&self, io: &ConnectionIo, exchange: &LoggedExchange, now: Instant) {
        exchange.status.inspect(|&status| self.stats.count_response(status));
        if self.access_log.is_on() {
            self.write_line(io, exchange, now);
        }
    }

    fn write_line(&self, io: &ConnectionIo, exchange: &LoggedExchange, now: Instant) {
        let LoggedExchange { request: RequestInfo { arrived, since }, status, sent } = exchange;
        let request = arrived.as_ref().map(PartialHead::first_line).filter(|line| !line.is_empty());
        let head = arrived.as_ref().and_then(PartialHead::head);
        let user = self.access_log.user_of(head);
        let line = Line {
            client: io.peer,
            user: user.as_deref(),
            request: request.unwrap_or(b"-"),
            head,
            status: *status,
            sent: *sent,
            took: now.duration_since(*since),
            queued: io.timing.queued(),
            number: io.answered + 1,
        };
        self.access_log.write(&line, SystemTime::now());
    }
}
