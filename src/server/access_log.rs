//! The access log: one line a request, in the common format, and how long it took.
//!
//! ```text
//! 127.0.0.1 - - [06/Nov/1994:08:49:37 +0000] "GET / HTTP/1.1" 200 1234 0.000142
//! ```
//! Address, two unused columns (ident and user), time of the answer, request line, status, bytes of
//! body sent, seconds from the request's first byte until its answer was ready to leave. No worker
//! waits until a line is written ([`super::lines`]).

use std::fs::File;
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime};

use super::lines::Lines;
use super::refusal::visible;
use crate::proto::http::date::common_log_date;
use crate::proto::http::status::Status;

/// Where the lines go.
#[derive(Debug)]
pub enum AccessLog {
    /// Nowhere.
    Off,
    /// Here, one at a time.
    On(Lines),
}

/// One request, as the log tells it.
#[derive(Debug)]
pub struct Line<'a> {
    /// Who asked.
    pub peer: IpAddr,
    /// The first line of the request, as it came; what is not visible ASCII is escaped here.
    pub request: &'a [u8],
    /// What was answered.
    pub status: Status,
    /// Bytes of body that were sent.
    pub sent: u64,
    /// How long it took.
    pub took: Duration,
}

impl AccessLog {
    /// To standard error.
    ///
    /// # Errors
    /// When there can be no thread that writes it.
    pub fn stderr() -> io::Result<AccessLog> {
        AccessLog::to(io::stderr())
    }

    /// To the end of a file, which is made when it is not there.
    ///
    /// # Errors
    /// When it cannot be opened, or there can be no thread that writes it.
    pub fn file(path: &Path) -> io::Result<AccessLog> {
        File::options().append(true).create(true).open(path).and_then(AccessLog::to)
    }

    /// To anything that can be written to.
    ///
    /// # Errors
    /// When there can be no thread that writes it.
    pub fn to(writer: impl Write + Send + 'static) -> io::Result<AccessLog> {
        Lines::to(writer).map(AccessLog::On)
    }

    /// Leaves a line to be written. A log that cannot be written (a full disk, a pipe that nobody
    /// reads) does not keep anybody from being served.
    pub fn write(&self, line: &Line<'_>, now: SystemTime) {
        let AccessLog::On(lines) = self else { return };
        let Line { peer, request, status, sent, took } = line;
        let (date, request) = (common_log_date(now), visible(request));
        let seconds = took.as_secs_f64();
        let text =
            format!("{peer} - - [{date}] \"{request}\" {} {sent} {seconds:.6}\n", status.code());
        lines.push(text.as_bytes());
    }

    /// Waits until all that was left is written, but no longer than this.
    pub fn drain(&self, patience: Duration) {
        if let AccessLog::On(lines) = self
            && !lines.drain(patience)
        {
            log::warn!("the access log is not written to its end: it takes too long");
        }
    }

    /// How many lines have been lost, now and later.
    pub fn lost(&self) -> Arc<AtomicU64> {
        match self {
            AccessLog::Off => Arc::default(),
            AccessLog::On(lines) => lines.lost(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[test]
    fn one_line_whatever_was_asked() {
        let (mut written, write) = io::pipe().unwrap();
        let log = AccessLog::to(write).unwrap();
        let line = Line {
            peer: IpAddr::from([127, 0, 0, 1]),
            request: b"GET /\"\n127.0.0.1 forged\" HTTP/1.1",
            status: Status::OK,
            sent: 12,
            took: Duration::from_micros(142),
        };
        log.write(&line, SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777));
        drop(log);
        let mut text = String::new();
        written.read_to_string(&mut text).unwrap();
        assert_eq!(
            text,
            "127.0.0.1 - - [06/Nov/1994:08:49:37 +0000] \
             \"GET /\\x22\\x0A127.0.0.1 forged\\x22 HTTP/1.1\" 200 12 0.000142\n"
        );
    }
}
