//! The access log: one line for each request, in the common log format, with the time it took.
//!
//! ```text
//! 127.0.0.1 - - [06/Nov/1994:08:49:37 +0000] "GET / HTTP/1.1" 200 1234 0.000142
//! ```
//! Address, two unused columns (ident and user), time of the response, request line, status, bytes of
//! body sent, seconds from the request's first byte until the response was complete in the output. No
//! worker waits until a line is written ([`super::log_writer`]).

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime};

use super::log_writer::LogWriter;
use crate::net::peer_address::PeerAddress;
use crate::proto::http::chars::write_decimal;
use crate::proto::http::date::common_log_date;
use crate::proto::http::status::Status;
use crate::text::escape_bytes;

/// Where the access log goes, for [`Config::access_log`](crate::server::Config::access_log): one line for each
/// request, in the common log format, with the seconds that the response took.
///
/// ```text
/// 127.0.0.1 - - [06/Nov/1994:08:49:37 +0000] "GET / HTTP/1.1" 200 1234 0.000142
/// ```
///
/// A thread writes the lines, so that a slow disk or a pipe without a reader stops no worker; lines that find no
/// room in its buffer (4 MB) are lost, and counted in [`Stats`](crate::server::Stats).
#[derive(Debug)]
pub enum AccessLog {
    /// No access log.
    Off,
    /// To a writer that other logs may share.
    On(LogWriter),
}

/// One line of the log.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    /// The client; of its address without the port.
    pub(crate) peer: PeerAddress,
    /// The first line of the request, as received; what is not visible ASCII is escaped here.
    pub(crate) request: &'a [u8],
    /// The status of the response; `None` if nothing of it was sent.
    pub(crate) status: Option<Status>,
    /// Bytes of body that were sent.
    pub(crate) sent: u64,
    /// How long it took.
    pub(crate) took: Duration,
}

impl AccessLog {
    /// Returns a log that is written to standard error.
    ///
    /// # Errors
    /// When the thread that writes cannot be started.
    pub fn stderr() -> io::Result<AccessLog> {
        AccessLog::to(io::stderr())
    }

    /// Returns a log that is appended to a file, which is created if it does not exist.
    ///
    /// # Errors
    /// When the file cannot be opened, or the thread that writes cannot be started.
    pub fn file(path: impl AsRef<Path>) -> io::Result<AccessLog> {
        File::options().append(true).create(true).open(path).and_then(AccessLog::to)
    }

    /// Returns a log that is written to any writer. Nothing flushes it: a `BufWriter` would keep lines back.
    ///
    /// # Errors
    /// When the thread that writes cannot be started.
    pub fn to(writer: impl Write + Send + 'static) -> io::Result<AccessLog> {
        LogWriter::to(writer).map(AccessLog::On)
    }

    /// Appends a line. A log that cannot be written (a full disk, a pipe without a reader) does not stop
    /// the server.
    pub(crate) fn write(&self, line: &Line<'_>, now: SystemTime) {
        let AccessLog::On(writer) = self else { return };
        thread_local! {
            static SCRATCH: RefCell<LineFormatter> = RefCell::default();
        }
        SCRATCH.with_borrow_mut(|scratch| writer.push(scratch.format(line, now)));
    }

    /// Waits until all lines are written, but not longer than `patience`.
    pub(crate) fn drain(&self, patience: Duration) {
        if let AccessLog::On(writer) = self
            && !writer.drain(patience)
        {
            log::warn!("the access log is not written to its end: it takes too long");
        }
    }

    /// Returns the counter of lost lines.
    pub(crate) fn lost(&self) -> Arc<AtomicU64> {
        match self {
            AccessLog::Off => Arc::default(),
            AccessLog::On(writer) => writer.lost(),
        }
    }
}

/// A worker's buffer for one line. The columns are formatted by hand: std's formatting costs more than
/// all else that a line needs.
#[derive(Default)]
struct LineFormatter {
    text: Vec<u8>,
    /// The date of this second of Unix time.
    date: String,
    second: u64,
}

impl LineFormatter {
    fn format(&mut self, line: &Line<'_>, now: SystemTime) -> &[u8] {
        let Line { peer, request, status, sent, took } = line;
        let second = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        if self.date.is_empty() || self.second != second {
            (self.date, self.second) = (common_log_date(now), second);
        }
        let out = &mut self.text;
        out.clear();
        match peer {
            PeerAddress::Tcp(SocketAddr::V4(address)) => {
                for (at, octet) in address.ip().octets().into_iter().enumerate() {
                    out.extend_from_slice(if at > 0 { b"." } else { b"" });
                    write_decimal(octet.into(), out);
                }
            }
            PeerAddress::Tcp(SocketAddr::V6(address)) => {
                out.extend_from_slice(address.ip().to_string().as_bytes());
            }
            PeerAddress::Unix => out.extend_from_slice(b"unix:"),
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
        match status {
            Some(status) => out.extend_from_slice(&status.digits()),
            None => out.push(b'-'),
        }
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
        let mut scratch = LineFormatter::default();
        for (peer, sent, took) in [
            (PeerAddress::Tcp(([127, 0, 0, 1], 1).into()), 0, Duration::ZERO),
            (
                PeerAddress::Tcp(([10, 200, 30, 255], 1).into()),
                1_234_567,
                Duration::from_micros(999_999),
            ),
            (
                PeerAddress::Tcp(([0, 0, 0, 0, 0, 0, 0, 1], 1).into()),
                u64::MAX,
                Duration::from_nanos(7_000_001_999),
            ),
        ] {
            let line = Line { peer, request, status: Some(Status::NOT_FOUND), sent, took };
            let shown = peer.ip().map_or("unix:".to_owned(), |address| address.to_string());
            let (date, seconds) = (common_log_date(now), took.as_micros());
            let (whole, micros) = (seconds / 1_000_000, seconds % 1_000_000);
            assert_eq!(
                str::from_utf8(scratch.format(&line, now)).unwrap(),
                format!(
                    "{shown} - - [{date}] \"GET /a%20b HTTP/1.1\" 404 {sent} {whole}.{micros:06}\n"
                )
            );
        }
        let line = Line {
            peer: PeerAddress::Unix,
            request,
            status: Some(Status::OK),
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
            peer: PeerAddress::Tcp(([127, 0, 0, 1], 1).into()),
            request: b"GET /\"\n127.0.0.1 forged\" HTTP/1.1",
            status: Some(Status::OK),
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
