//! The access log: one line for each request ([`super::log_line`] has the formats).
//!
//! No worker waits until a line is written ([`super::log_writer`]). A file is opened anew when it was renamed or
//! removed ([`super::log_file`]).

use std::cell::RefCell;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime};

use super::log_file::LogFile;
use super::log_line::{Line, LineFormatter};
use super::log_writer::LogWriter;
use crate::proto::http::head::RequestHead;

/// Where the access log goes and what its lines look like, for
/// [`Config::access_log`](crate::server::Config::access_log): one line for each request.
///
/// ```text
/// 127.0.0.1 - - [06/Nov/1994:08:49:37 +0000] "GET / HTTP/1.1" 200 1234 0.000142
/// ```
///
/// A thread writes the lines, so that a slow disk or a pipe without a reader stops no worker; lines that find no
/// room in its buffer (4 MB) are lost, and counted in [`Stats`](crate::server::Stats).
///
/// ```no_run
/// use threadbare::server::{AccessLog, Config, LogFormat};
///
/// let access_log = AccessLog::file("/var/log/site/access.log")?.format(LogFormat::Json);
/// let config = Config { access_log, ..Config::default() };
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct AccessLog {
    /// `None`: no access log.
    lines: Option<LogWriter>,
    format: LogFormat,
    users: Users,
}

/// Tells the user of a request.
#[derive(Default)]
struct Users(Option<Box<UserOf>>);

type UserOf = dyn Fn(&RequestHead) -> Option<String> + Send + Sync;

impl std::fmt::Debug for Users {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "told" } else { "not told" })
    }
}

/// What a line of the access log looks like: [`AccessLog::format`].
///
/// The columns of [`Common`](LogFormat::Common) and [`Combined`](LogFormat::Combined) are those of Apache and nginx.
/// Four more follow them, which the programs that read these formats skip: seconds, seconds in the queue, worker,
/// and number of the request on its connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// The common log format, and the seconds that the response took; the default:
    /// `127.0.0.1 - - [06/Nov/1994:08:49:37 +0000] "GET / HTTP/1.1" 200 1234 0.000142`
    #[default]
    Timed,
    /// The common log format, with `-` for no bytes, and the four columns:
    /// `127.0.0.1 - - [06/Nov/1994:08:49:37 +0000] "GET / HTTP/1.1" 200 1234 0.000142 0.000012 3 1`
    Common,
    /// The common log format, `Referer` and `User-Agent` in quotes, and the four columns.
    Combined,
    /// An object in JSON, always with the same members.
    Json,
}

impl AccessLog {
    /// Returns no log.
    pub fn off() -> AccessLog {
        AccessLog::default()
    }

    /// Returns a log that is written to standard error.
    ///
    /// # Errors
    /// When the thread that writes cannot be started.
    pub fn stderr() -> io::Result<AccessLog> {
        AccessLog::to(io::stderr())
    }

    /// Returns a log that is appended to a file, which is created if it does not exist. When the file is renamed or
    /// removed, the next line begins a new one; when it is truncated, that line is its first.
    ///
    /// # Errors
    /// When the file cannot be opened, or the thread that writes cannot be started.
    pub fn file(path: impl AsRef<Path>) -> io::Result<AccessLog> {
        LogFile::open(path.as_ref()).and_then(AccessLog::to)
    }

    /// Returns a log that is written to any writer. Nothing flushes it: a `BufWriter` would keep lines back.
    ///
    /// # Errors
    /// When the thread that writes cannot be started.
    pub fn to(writer: impl Write + Send + 'static) -> io::Result<AccessLog> {
        LogWriter::to(writer).map(AccessLog::through)
    }

    /// Returns a log that is written through a writer that other logs may share.
    pub fn through(lines: LogWriter) -> AccessLog {
        AccessLog { lines: Some(lines), ..AccessLog::default() }
    }

    /// Changes the format of the lines.
    #[must_use]
    pub fn format(self, format: LogFormat) -> AccessLog {
        AccessLog { format, ..self }
    }

    /// Sets what tells the user of a request, for a server that checks who they are. Without it no user is shown, as any
    /// client may claim to be anyone.
    #[must_use]
    pub fn users(
        self,
        user_of: impl Fn(&RequestHead) -> Option<String> + Send + Sync + 'static,
    ) -> AccessLog {
        AccessLog { users: Users(Some(Box::new(user_of))), ..self }
    }

    /// Returns the user of a request.
    pub(crate) fn user_of(&self, head: Option<&RequestHead>) -> Option<String> {
        self.users.0.as_ref().zip(head).and_then(|(user_of, head)| user_of(head))
    }

    /// Returns true if there is a log.
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.lines.is_some()
    }

    /// Returns true if its lines tell how long each request has waited for a worker.
    pub(crate) fn tells_queue(&self) -> bool {
        self.is_on() && self.format != LogFormat::Timed
    }

    /// Returns true if its lines tell of fields of the request.
    pub(crate) fn tells_fields(&self) -> bool {
        let of_format = matches!(self.format, LogFormat::Combined | LogFormat::Json);
        self.is_on() && (of_format || self.users.0.is_some())
    }

    /// Appends a line. A log that cannot be written (a full disk, a pipe without a reader) does not stop
    /// the server.
    pub(crate) fn write(&self, line: &Line<'_>, now: SystemTime) {
        let Some(lines) = &self.lines else { return };
        thread_local! {
            static SCRATCH: RefCell<LineFormatter> = RefCell::default();
        }
        SCRATCH.with_borrow_mut(|scratch| lines.push(scratch.format(self.format, line, now)));
    }

    /// Waits until all lines are written, but not longer than `patience`.
    pub(crate) fn drain(&self, patience: Duration) {
        if let Some(lines) = &self.lines
            && !lines.drain(patience)
        {
            log::warn!("the access log is not written to its end: it takes too long");
        }
    }

    /// Returns the counter of lost lines.
    pub(crate) fn lost(&self) -> Arc<AtomicU64> {
        self.lines.as_ref().map(LogWriter::lost).unwrap_or_default()
    }
}
