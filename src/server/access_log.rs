//! The access log: one line a request, in the common format, and how long it took.
//!
//! ```text
//! 127.0.0.1 - - [06/Nov/1994:08:49:37 +0000] "GET / HTTP/1.1" 200 1234 0.000142
//! ```
//! Address, two unused columns (ident and user), time of the answer, request line, status, bytes of
//! body sent, seconds from the request's first byte until its answer was ready to leave. A line is
//! written whole, in one call.

use std::fs::File;
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::refusal::visible;
use crate::proto::http::date::common_log_date;
use crate::proto::http::status::Status;

/// Where the lines go.
pub enum AccessLog {
    /// Nowhere.
    Off,
    /// Here, one at a time.
    On(Mutex<Box<dyn Write + Send>>),
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
    pub fn stderr() -> AccessLog {
        AccessLog::to(io::stderr())
    }

    /// To the end of a file, which is made when it is not there.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn file(path: &Path) -> io::Result<AccessLog> {
        File::options().append(true).create(true).open(path).map(AccessLog::to)
    }

    /// To anything that can be written to.
    pub fn to(writer: impl Write + Send + 'static) -> AccessLog {
        AccessLog::On(Mutex::new(Box::new(writer)))
    }

    /// Writes a line. A log that cannot be written (a full disk) does not keep anybody from being
    /// served.
    pub fn write(&self, line: &Line<'_>, now: SystemTime) {
        let AccessLog::On(writer) = self else { return };
        let Line { peer, request, status, sent, took } = line;
        let (date, request) = (common_log_date(now), visible(request));
        let seconds = took.as_secs_f64();
        let text =
            format!("{peer} - - [{date}] \"{request}\" {} {sent} {seconds:.6}\n", status.code());
        let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = writer.write_all(text.as_bytes()) {
            log::debug!("the access log cannot be written: {error}");
        }
    }
}

impl std::fmt::Debug for AccessLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            AccessLog::Off => "AccessLog::Off",
            AccessLog::On(_) => "AccessLog::On",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn one_line_whatever_was_asked() {
        let written = Arc::new(Mutex::new(Vec::new()));
        let log = AccessLog::to(Shared(Arc::clone(&written)));
        let line = Line {
            peer: IpAddr::from([127, 0, 0, 1]),
            request: b"GET /\"\n127.0.0.1 forged\" HTTP/1.1",
            status: Status::OK,
            sent: 12,
            took: Duration::from_micros(142),
        };
        log.write(&line, SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777));
        let text = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        assert_eq!(
            text,
            "127.0.0.1 - - [06/Nov/1994:08:49:37 +0000] \
             \"GET /\\x22\\x0A127.0.0.1 forged\\x22 HTTP/1.1\" 200 12 0.000142\n"
        );
    }
}
