//! `--wire`: each byte that passes on each connection, in lines ([`text`](crate::proto::http::dump::text)).
//!
//! They go the way of the access log, through [`Lines`]: no worker waits for whoever reads them. While
//! nobody looks on, a connection has no tap, and pays for it with one look at an empty place for
//! each read and each write. While somebody does, the bodies of files are read and written, not sent by the
//! kernel, as bytes that never come here cannot be shown.

use std::io::{self, IsTerminal as _};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::log_writer::Lines;
use crate::proto::http::close::CloseReason;
use crate::proto::http::dump::Side;
use crate::proto::http::dump::text::{Form, Text};
use crate::proto::http::limits::Limits;
use crate::text::wants_colour;

/// Where the bytes are shown, and how.
#[derive(Debug)]
pub struct WireLog {
    lines: Lines,
    form: Form,
    begun: Instant,
    /// The number of the next connection.
    next: AtomicUsize,
}

/// One connection's.
#[derive(Debug)]
pub(crate) struct Tap {
    lines: Lines,
    begun: Instant,
    text: Text,
}

impl WireLog {
    /// To lines that go to standard error: on a terminal in colour, unless `NO_COLOR` is set, and with
    /// long bodies cut.
    pub fn stderr(lines: Lines) -> WireLog {
        WireLog::new(lines, Form::look(io::stderr().is_terminal(), wants_colour()))
    }

    /// To these lines, in this form.
    pub fn new(lines: Lines, form: Form) -> WireLog {
        WireLog { lines, form, begun: Instant::now(), next: AtomicUsize::new(0) }
    }

    /// For a connection that was just opened, by this peer.
    pub(crate) fn open(&self, peer: SocketAddr, limits: &Limits) -> Box<Tap> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let text = Text::new(number, self.form, limits.clone());
        let mut tap = Tap { lines: self.lines.clone(), begun: self.begun, text };
        tap.note(&format!("opened by {peer}"));
        Box::new(tap)
    }
}

impl Tap {
    /// These bytes came; none is the end.
    pub(crate) fn came(&mut self, bytes: &[u8]) {
        match bytes {
            [] => self.note("the client says no more"),
            bytes => self.show(Side::Client, bytes),
        }
    }

    /// These bytes went.
    pub(crate) fn went(&mut self, bytes: &[u8]) {
        self.show(Side::Server, bytes);
    }

    /// It is closed, or will be once the peer has heard the last of it.
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
