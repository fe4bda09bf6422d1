//! The access log: one line a request, in the common format, and how long it took.
//!
//! ```text
//! 127.0.0.1 - - [06/Nov/1994:08:49:37 +0000] "GET / HTTP/1.1" 200 1234 0.000142
//! ```
//! Address, two unused columns (ident and user), time of the answer, request line, status, bytes of
//! body sent, seconds from the request's first byte until its answer was ready to leave. No worker
//! waits until a line is written ([`super::log_writer`]).

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime};

use super::log_writer::Lines;
use crate::proto::http::chars::write_decimal;
use crate::proto::http::date::common_log_date;
use crate::proto::http::status::Status;
use crate::text::escape_bytes;

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
        thread_local! {
            static DESK: RefCell<Scratch> = RefCell::default();
        }
        DESK.with_borrow_mut(|scratch| lines.push(scratch.format(line, now)));
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

/// Where a thread writes a line before it leaves it: std's formatting of these few columns costs more
/// than all else that a line does.
#[derive(Default)]
struct Scratch {
    text: Vec<u8>,
    /// The date of this second of Unix time.
    date: String,
    second: u64,
}

impl Scratch {
    fn format(&mut self, line: &Line<'_>, now: SystemTime) -> &[u8] {
        let Line { peer, request, status, sent, took } = line;
        let second = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        if self.date.is_empty() || self.second != second {
            (self.date, self.second) = (common_log_date(now), second);
        }
        let out = &mut self.text;
        out.clear();
        match peer {
            IpAddr::V4(address) => {
                for (at, octet) in address.octets().into_iter().enumerate() {
                    out.extend_from_slice(if at > 0 { b"." } else { b"" });
                    write_decimal(octet.into(), out);
                }
            }
            IpAddr::V6(address) => out.extend_from_slice(address.to_string().as_bytes()),
        }
        out.extend_from_slice(b" - - [");
        out.extend_from_slice(self.date.as_bytes());
        out.extend_from_slice(b"] \"");
        let plain = |&byte: &u8| (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\';
        if request.iter().all(plain) {
            out.extend_from_slice(request);
        } else {
            out.extend_from_slice(escape_bytes(request).as_bytes());
        }
        out.extend_from_slice(b"\" ");
        out.extend_from_slice(&status.digits());
        out.push(b' ');
        write_decimal(*sent, out);
        out.push(b' ');
        write_decimal(took.as_secs(), out);
        let fraction = out.len();
        write_decimal(u64::from(took.subsec_micros()) + 1_000_000, out);
        out[fraction] = b'.'; // in the place of the million
        out.push(b'\n');
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[test]
    fn every_column_as_std_would_write_it() {
        let (now, request) = (SystemTime::now(), b"GET /a%20b HTTP/1.1");
        let mut scratch = Scratch::default();
        for (peer, sent, took) in [
            (IpAddr::from([127, 0, 0, 1]), 0, Duration::ZERO),
            (IpAddr::from([10, 200, 30, 255]), 1_234_567, Duration::from_micros(999_999)),
            (IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]), u64::MAX, Duration::from_nanos(7_000_001_999)),
        ] {
            let line = Line { peer, request, status: Status::NOT_FOUND, sent, took };
            let (date, seconds) = (common_log_date(now), took.as_micros());
            let (whole, micros) = (seconds / 1_000_000, seconds % 1_000_000);
            assert_eq!(
                str::from_utf8(scratch.format(&line, now)).unwrap(),
                format!(
                    "{peer} - - [{date}] \"GET /a%20b HTTP/1.1\" 404 {sent} {whole}.{micros:06}\n"
                )
            );
        }
        let line = Line {
            peer: [1, 2, 3, 4].into(),
            request,
            status: Status::OK,
            sent: 1,
            took: Duration::ZERO,
        };
        let later = now + Duration::from_secs(1);
        let date = common_log_date(later);
        assert!(str::from_utf8(scratch.format(&line, later)).unwrap().contains(&date));
    }

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
