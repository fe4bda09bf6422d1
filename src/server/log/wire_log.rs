//! `--wire`: shows every byte of every connection as text ([`text::wire`](crate::text::wire)).
//!
//! The lines go through a [`LogWriter`], as those of the access log do: no worker waits for their reader.
//! Without `--wire` a connection has no `ConnectionLog`, which costs one check for each read and write.
//! With it, files are read and written, not sent by the kernel, so that their bytes can be shown.

use std::io::{self, IsTerminal as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::log_writer::LogWriter;
use crate::net::peer_address::PeerAddress;
use crate::proto::http::close::CloseReason;
use crate::proto::http::dump::Side;
use crate::proto::http::limits::Limits;
use crate::text::wants_colour;
use crate::text::wire::{Form, Text};

/// Where every byte of every connection is shown as text, for
/// [`Config::wire_log`](crate::server::Config::wire_log): to see what a client really sends.
///
/// It shows passwords and cookies, too, and costs time: it is for finding faults.
///
/// ```
/// use threadbare::server::{Config, LogWriter, WireLog};
///
/// let wire_log = WireLog::stderr(LogWriter::to(std::io::stderr())?);
/// let config = Config { wire_log: Some(wire_log), ..Config::default() };
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct WireLog {
    lines: LogWriter,
    form: Form,
    begun: Instant,
    /// The number of the next connection.
    next: AtomicUsize,
}

/// The log of one connection.
#[derive(Debug)]
pub(crate) struct ConnectionLog {
    lines: LogWriter,
    begun: Instant,
    text: Text,
}

impl WireLog {
    /// Returns a log for people, where `lines` are written to standard error: on a terminal in colour, unless
    /// `NO_COLOR` is set, and with bodies cut to 512 bytes.
    pub fn stderr(lines: LogWriter) -> WireLog {
        WireLog::new(lines, Form::look(io::stderr().is_terminal(), wants_colour()))
    }

    /// Returns a log for a file: all bytes, each line with its time in seconds.
    pub fn transcript(lines: LogWriter) -> WireLog {
        WireLog::new(lines, Form::Transcript)
    }

    fn new(lines: LogWriter, form: Form) -> WireLog {
        WireLog { lines, form, begun: Instant::now(), next: AtomicUsize::new(0) }
    }

    /// Opens the log of a connection that was just accepted.
    pub(crate) fn open(&self, peer: PeerAddress, limits: &Limits) -> Box<ConnectionLog> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let text = Text::new(number, self.form, limits.clone());
        let mut log = ConnectionLog { lines: self.lines.clone(), begun: self.begun, text };
        log.note(&format!("opened by {peer}"));
        Box::new(log)
    }
}

impl ConnectionLog {
    /// Shows received bytes; no bytes are the end of the stream.
    pub(crate) fn received(&mut self, bytes: &[u8]) {
        match bytes {
            [] => self.note("the client says no more"),
            bytes => self.show(Side::Client, bytes),
        }
    }

    /// Shows sent bytes.
    pub(crate) fn sent(&mut self, bytes: &[u8]) {
        self.show(Side::Server, bytes);
    }

    /// Shows what is wrong with the next response, on purpose.
    pub(crate) fn fault(&mut self, what: &str) {
        self.note(&format!("on purpose: {what}"));
    }

    /// Shows the end of the connection.
    pub(crate) fn closed(&mut self, why: CloseReason) {
        self.note(&format!("closed: {why}"));
    }

    fn show(&mut self, from: Side, bytes: &[u8]) {
        let mut lines = String::new();
        self.text.bytes(from, bytes, self.begun.elapsed(), &mut lines);
        self.push(&lines);
    }

    fn note(&mut self, what: &str) {
        let mut lines = String::new();
        self.text.note(what, self.begun.elapsed(), &mut lines);
        self.push(&lines);
    }

    fn push(&self, lines: &str) {
        if !lines.is_empty() {
            self.lines.push(lines.as_bytes());
        }
    }
}
