//! Raw connections: bytes are sent as they are, and what comes is kept, within limits of time and memory.
//!
//! A connection reads no longer than its check needs. An answer that does not end is given up after a moment without
//! a byte; one that never stops, after [`MOST`] bytes.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::facts::Facts;
use super::heard::{End, Heard, answers};
use super::table::{Sending, Stop, Until, fail};
use super::watch::{Watch, Watched};
use crate::net::connect::connect;
use crate::net::socket::{abort_on_close, is_readable_within};
use crate::proto::http::dump::Side;
use crate::proto::http::framing::Framing;

/// The most bytes that are kept of a connection: 8 MB. The largest file that is asked for has less than 6 MB.
pub const MOST: usize = 8 << 20;
/// How long a server may be silent after an answer until nothing more is expected.
const QUIET: Duration = Duration::from_millis(250);
/// How long a server may take to close after its last answer.
const CLOSING: Duration = Duration::from_millis(1500);
/// How long a server may be silent in the middle of an answer with a length, and before the next answer.
const PAUSE: Duration = Duration::from_secs(2);
/// The same in an answer that only ends with the connection.
const PAUSE_WITHOUT_LENGTH: Duration = Duration::from_secs(1);

/// How the server is reached.
#[derive(Debug, Clone)]
pub struct Way {
    /// Its addresses.
    pub addresses: Vec<SocketAddr>,
    /// The time limit of a connection and of an answer.
    pub max_time: Duration,
    /// Shows what passes.
    pub watch: Arc<Watch>,
}

/// What a check of several steps has at hand.
#[derive(Debug)]
pub struct Talk<'r> {
    /// What is known of the server.
    pub facts: &'r Facts,
    /// How it is reached.
    pub way: &'r Way,
    /// The connection that the report shows.
    pub shown: Option<Heard>,
}

impl Talk<'_> {
    /// Connects.
    pub fn open(&self) -> Result<Conn, Stop> {
        Conn::open(self.way)
    }

    /// Sends a request, with the names in it filled in, on a connection of its own, and reads.
    pub fn ask(&mut self, request: &str, until: Until) -> Result<Heard, Stop> {
        let bytes = self.facts.fill(request)?;
        self.exchange(&bytes, until)
    }

    /// Sends these bytes as they are, on a connection of its own, and reads.
    pub fn exchange(&mut self, bytes: &[u8], until: Until) -> Result<Heard, Stop> {
        let mut conn = self.open()?;
        conn.send(bytes);
        conn.read(until);
        Ok(self.show(conn))
    }

    /// Ends a connection, and shows it in the report.
    pub fn show(&mut self, conn: Conn) -> Heard {
        let heard = conn.heard();
        self.shown = Some(heard.clone());
        heard
    }
}

/// A connection.
#[derive(Debug)]
pub struct Conn {
    stream: TcpStream,
    watched: Watched,
    begun: Instant,
    max_time: Duration,
    sent: Vec<u8>,
    bytes: Vec<u8>,
    end: End,
}

impl Conn {
    /// Connects.
    pub fn open(way: &Way) -> Result<Conn, Stop> {
        let begun = Instant::now();
        let stream = connect(&way.addresses, Some(begun + way.max_time), &mut |_| {});
        let stream = stream.or_else(|error| match error.timed_out {
            true => fail(format!("no connection within {:?}", way.max_time)),
            false => fail(format!("no connection: {error}")),
        })?;
        let conn =
            Conn::over(stream, way).or_else(|error| fail(format!("no connection: {error}")))?;
        Ok(Conn { begun, ..conn })
    }

    /// Talks on a connection that has been made.
    ///
    /// # Errors
    /// Those of setsockopt(2).
    pub fn over(stream: TcpStream, way: &Way) -> io::Result<Conn> {
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(way.max_time))?;
        let address = way.addresses.first();
        let watched = way.watch.open(&address.map(ToString::to_string).unwrap_or_default());
        let (sent, bytes, begun) = (Vec::new(), Vec::new(), Instant::now());
        let max_time = way.max_time;
        Ok(Conn { stream, watched, begun, max_time, sent, bytes, end: End::Open })
    }

    /// Sends these bytes. A server may have answered and closed by then, so an error shows when it is read.
    pub fn send(&mut self, bytes: &[u8]) {
        self.sent.extend_from_slice(bytes);
        self.watched.bytes(Side::Client, bytes);
        let _ = self.stream.write_all(bytes);
    }

    /// Sends these bytes in this way.
    pub fn send_as(&mut self, bytes: &[u8], sending: Sending) {
        let (piece, pause) = match sending {
            Sending::Whole => return self.send(bytes),
            Sending::Halves => (bytes.len().div_ceil(2).max(1), Duration::from_millis(100)),
            Sending::Bytes => (1, Duration::from_millis(1)),
        };
        for piece in bytes.chunks(piece) {
            self.send(piece);
            thread::sleep(pause);
        }
    }

    /// Sends these bytes, and does not keep them for the report.
    pub fn send_unrecorded(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Returns true if the server has sent something, or has closed.
    pub fn has_something(&self) -> bool {
        self.has_something_within(Duration::ZERO)
    }

    /// Returns true once the server has sent something, or has closed; false if it has not within this time.
    pub fn has_something_within(&self, time: Duration) -> bool {
        is_readable_within(&self.stream, time)
    }

    /// Says that nothing more will be sent.
    pub fn half_close(&self) {
        let _ = self.stream.shutdown(Shutdown::Write); // the server may have closed
    }

    /// Closes with a reset.
    pub fn reset(mut self) {
        self.watched.note("reset");
        let _ = abort_on_close(&self.stream); // the server may have reset it
    }

    /// Closes with a reset, if the server has sent something that was not read.
    pub fn hang_up(self) {}

    /// Reads until that is reached, or for so long as this answer may take at most.
    pub fn read_within(&mut self, until: Until, time: Duration) {
        self.max_time = self.max_time.min(time);
        self.read(until);
    }

    /// Reads until that is reached.
    pub fn read(&mut self, until: Until) {
        let deadline = Instant::now() + self.max_time;
        let mut piece = vec![0; 64 << 10];
        let mut waits = true;
        while self.end == End::Open {
            let Some((wait, at_its_end)) =
                (if waits { self.wait(until) } else { Some((PAUSE, End::Late)) })
            else {
                return;
            };
            waits = true;
            let left = deadline.saturating_duration_since(Instant::now());
            let wait = if self.bytes.is_empty() { left } else { wait.min(left) };
            if wait.is_zero() || self.stream.set_read_timeout(Some(wait)).is_err() {
                self.end = at_its_end;
                return;
            }
            match self.stream.read(&mut piece) {
                Ok(0) => self.end = End::Closed,
                Ok(count) => {
                    self.bytes.extend_from_slice(&piece[..count]);
                    self.watched.bytes(Side::Server, &piece[..count]);
                    if self.bytes.len() > MOST {
                        self.end = End::Endless;
                    }
                    if self.end == End::Open && is_readable_within(&self.stream, Duration::ZERO) {
                        waits = false; // there is more at hand: look at it all at once
                        continue;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_timeout(&error) => {
                    self.end = at_its_end;
                    return;
                }
                Err(_) => self.end = End::Reset,
            }
        }
    }

    /// Returns how long the server may be silent now, and what it means if it is; `None` if all has come.
    fn wait(&self, until: Until) -> Option<(Duration, End)> {
        let answers = answers(&self.sent, &self.bytes, false);
        let is_whole = answers.last().is_some_and(|last| last.is_complete && !last.is_interim());
        let count = answers.iter().filter(|answer| !answer.is_interim()).count();
        match (until, is_whole) {
            (Until::Answers(wanted), true) if count >= wanted => None,
            (Until::Quiet, true) => Some((QUIET, End::Open)),
            (Until::Closed, true) => Some((CLOSING, End::Open)),
            (Until::Answers(_), true) => Some((PAUSE, End::Late)),
            (_, false) => {
                let framing = answers.last().map(|last| last.framing);
                let unframed = framing == Some(Framing::UntilClose);
                Some((if unframed { PAUSE_WITHOUT_LENGTH } else { PAUSE }, End::Late))
            }
        }
    }

    /// Returns what has passed, and closes.
    pub fn heard(mut self) -> Heard {
        self.watched.note(match self.end {
            End::Closed => "the server closed",
            End::Reset => "the server reset the connection",
            End::Late => "nothing more came in time",
            End::Open | End::Endless => "closed",
        });
        let (sent, bytes) = (std::mem::take(&mut self.sent), std::mem::take(&mut self.bytes));
        Heard::new(sent, bytes, self.end, self.begun.elapsed())
    }

    /// Returns the number of bytes that came.
    pub fn received(&self) -> usize {
        self.bytes.len()
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
