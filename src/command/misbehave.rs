//! `client --misbehave HOW URL`: a request that is sent badly, and what the server does about it.
//!
//! A server copes if it answers, or closes, as the rules say, and serves another client all the while. The first
//! is asked of the bad connection, the second of a connection beside it.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::build_request::{Content, build_request};
use super::check::heard::{End, Heard};
use super::check::table::Until;
use super::check::talk::{Conn, Way};
use super::check::watch::{Watch, look};
use super::error::{CommandError, print_stdout};
use super::fetch_list::FetchList;
use super::network;
use crate::cli::client::ClientOptions;
use crate::cli::client::misbehave::Misbehaviour;
use crate::client::{ErrorKind, Request, Route};
use crate::net::connect::connect;
use crate::proto::http::method::Method;
use crate::random::{any_seed, nth};
use crate::text::wire::Form;
use crate::text::{plural, time};

/// How long a server is observed, if `-m` does not say.
const OBSERVED: Duration = Duration::from_secs(10);
/// The pause between two bytes of a slow head.
const PACE: Duration = Duration::from_secs(1);
/// How long another client waits for its answer.
const OTHER: Duration = Duration::from_secs(3);
/// How long a connection is left alone before another client is tried, so that the server has begun with it.
const BEGUN: Duration = Duration::from_millis(500);
/// How long is read when the time is up.
const LATER: Duration = Duration::from_millis(300);
/// The pause after the first of split bytes: a server reads it alone, and the others as they come.
const FIRST_ALONE: Duration = Duration::from_millis(100);
/// The bytes of garbage, before the end of a line and an empty line.
const GARBAGE: u64 = 1000;

/// What the server did with the bad connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    /// It answered completely, with this status.
    Answered(u16),
    /// Its answer, with this status, broke off.
    BrokeOff(u16),
    /// It sent something that is no answer of HTTP.
    Noise,
    /// It closed the connection without an answer.
    Closed,
    /// It reset the connection without an answer.
    Reset,
    /// It has neither answered nor closed.
    Waits,
}

/// How another client was served.
struct Other {
    status: u16,
    words: String,
}

/// A bad connection, and another client beside it.
struct Attempt<'a> {
    request: &'a Request,
    way: Way,
    how: Misbehaviour,
    seed: u64,
}

/// Misbehaves towards each URL in turn, and prints what the servers did. Returns 0.
///
/// # Errors
/// When a server cannot be reached, or does not cope.
pub fn run(options: &ClientOptions, how: Misbehaviour) -> Result<u8, CommandError> {
    let content = Content::new(options)?;
    let form = match look(options.global.explain) {
        form if options.global.wire => Some(form),
        Form::Look { colour, explain, .. } if options.global.verbose || options.global.explain => {
            Some(Form::Look { colour, explain, most: Some(0) })
        }
        _ => None,
    };
    let transcript = options.global.transcript.as_deref();
    let watch = Watch::new(form, transcript).map_err(|error| {
        let name = transcript.map(|path| path.display().to_string());
        CommandError::Write(name.unwrap_or_default(), error)
    })?;
    let watch = Arc::new(watch);
    for item in FetchList::of(options)?.iter() {
        let request = build_request(options, &item, &content)?.in_memory()?;
        let addresses = network::client(&network::direct(options))?.addresses(request.url())?;
        let max_time = options.max_time.unwrap_or(OBSERVED);
        let way = Way { addresses, max_time, watch: Arc::clone(&watch) };
        let seed = options.seed.unwrap_or_else(any_seed);
        Attempt { request: &request, way, how, seed }.make()?;
    }
    Ok(0)
}

impl Attempt<'_> {
    /// Makes the attempt, and prints what the server did.
    ///
    /// # Errors
    /// When the server cannot be reached, or does not cope.
    fn make(&self) -> Result<(), CommandError> {
        let mut wire = Vec::new();
        self.request.encode(Route::direct(self.request.url()), &mut wire)?;
        let mut conn = self.open()?;
        let opened = Instant::now();
        let end = opened + self.way.max_time;
        let mut other = None;
        let sent = match self.how {
            Misbehaviour::SlowHead => self.send_slowly(&mut conn, &wire, end, &mut other),
            Misbehaviour::SplitBytes => {
                let (first, others) = wire.split_at(1);
                conn.send(first);
                thread::sleep(FIRST_ALONE);
                others.chunks(1).for_each(|byte| conn.send(byte));
                format!("sent {}, each in a segment of its own", bytes(wire.len()))
            }
            Misbehaviour::HalfClose => {
                conn.send(&wire);
                conn.half_close();
                format!("sent {}, and closed the sending side", bytes(wire.len()))
            }
            Misbehaviour::NoRead => {
                conn.send(&wire);
                thread::sleep(BEGUN.min(self.way.max_time));
                other = Some(self.other());
                thread::sleep(end.saturating_duration_since(Instant::now()));
                format!(
                    "sent {}, and read nothing for {}",
                    bytes(wire.len()),
                    time(self.way.max_time)
                )
            }
            Misbehaviour::Reset => {
                let sent = self.reset(conn, &wire);
                print_stdout(format!("{sent}\n").as_bytes())?;
                return print_stdout(self.other()?.words.as_bytes());
            }
            Misbehaviour::Garbage => {
                let mut garbage: Vec<u8> =
                    (0..GARBAGE).map(|at| nth(self.seed, at).to_le_bytes()[0]).collect();
                garbage.extend_from_slice(b"\r\n\r\n");
                conn.send(&garbage);
                format!("sent {} at random (seed {})", bytes(garbage.len()), self.seed)
            }
        };
        let begun = Instant::now();
        conn.has_something_within(end.saturating_duration_since(begun).max(LATER));
        let after = match self.how {
            Misbehaviour::SlowHead => format!(" after {}", time(opened.elapsed())),
            Misbehaviour::NoRead => String::new(), // it may have been long ago
            _ => format!(" after {}", time(begun.elapsed())),
        };
        conn.read_within(Until::Quiet, end.saturating_duration_since(Instant::now()).max(LATER));
        let heard = conn.heard();
        let deed = Deed::of(&heard);
        print_stdout(format!("{sent}\n{}\n", deed.words(&heard, &after)).as_bytes())?;
        let other = other.unwrap_or_else(|| self.other())?;
        print_stdout(other.words.as_bytes())?;
        let is_the_same = *self.request.method() == Method::Get && self.request.body().is_empty();
        deed.judge(self.how, Some(other.status).filter(|_| is_the_same))
    }

    /// Connects.
    fn open(&self) -> Result<Conn, CommandError> {
        let url = self.request.url();
        let stream =
            connect(&self.way.addresses, Some(Instant::now() + self.way.max_time), &mut |_| {});
        let stream = stream.map_err(|error| {
            let kind = ErrorKind::Connect(url.host().to_owned(), url.port(), error);
            CommandError::Fetch(kind.into())
        })?;
        Conn::over(stream, &self.way).map_err(|error| CommandError::Failed(7, error.to_string()))
    }

    /// Sends a byte of the head every second, until the server does something or the time is up. Another client
    /// comes after the first one.
    fn send_slowly(
        &self,
        conn: &mut Conn,
        wire: &[u8],
        end: Instant,
        other: &mut Option<Result<Other, CommandError>>,
    ) -> String {
        let head = wire.len() - self.request.body().len();
        let begun = Instant::now();
        let mut sent = 0;
        for byte in wire[..head].chunks(1) {
            conn.send(byte);
            sent += 1;
            if sent == 1 {
                *other = Some(self.other());
            }
            let pause = PACE.min(end.saturating_duration_since(Instant::now()));
            if conn.has_something_within(pause) || Instant::now() >= end {
                break;
            }
        }
        if sent == head {
            conn.send(&wire[head..]);
        }
        let took = time(begun.elapsed());
        format!("sent {sent} of the {} of the head, one a second, for {took}", bytes(head))
    }

    /// Resets the connection: in the middle of the body, or when the answer begins.
    fn reset(&self, mut conn: Conn, wire: &[u8]) -> String {
        let body = self.request.body().len();
        if body > 0 {
            let part = &wire[..wire.len() - body.div_ceil(2)];
            conn.send(part);
            thread::sleep(BEGUN.min(self.way.max_time));
            conn.reset();
            return format!(
                "sent {} of {}, and reset the connection in the body",
                part.len(),
                bytes(wire.len())
            );
        }
        conn.send(wire);
        let begins = conn.has_something_within(self.way.max_time);
        conn.reset();
        let when = if begins { "as the answer began" } else { "without an answer" };
        format!("sent {}, and reset the connection {when}", bytes(wire.len()))
    }

    /// Asks for the same page as another client does, with GET.
    ///
    /// # Errors
    /// When the server does not answer it.
    fn other(&self) -> Result<Other, CommandError> {
        let gone = |error: CommandError| {
            CommandError::Failed(7, format!("another client cannot connect any more: {error}"))
        };
        let mut conn = self.open().map_err(gone)?;
        let url = self.request.url();
        let (path, host) = (&url.path, &url.authority);
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        conn.send(request.as_bytes());
        let begun = Instant::now();
        conn.has_something_within(OTHER);
        let took = time(begun.elapsed());
        conn.read_within(Until::Answers(1), OTHER);
        let heard = conn.heard();
        let why = match Deed::of(&heard) {
            Deed::Answered(status) | Deed::BrokeOff(status) => {
                let words = format!("another client was answered {status} after {took}\n");
                return Ok(Other { status, words });
            }
            Deed::Waits => format!("no answer within {}", time(OTHER)),
            deed => deed.words(&heard, ""),
        };
        let right = "right: one client does not harm another";
        Err(CommandError::Failed(22, format!("another client was not served: {why}; {right}")))
    }
}

impl Deed {
    fn of(heard: &Heard) -> Deed {
        match heard.first().map(|answer| (answer.status, answer.is_complete)) {
            Some((Some(status), true)) => Deed::Answered(status),
            Some((Some(status), false)) => Deed::BrokeOff(status),
            Some((None, _)) => Deed::Noise,
            None if !heard.bytes.is_empty() => Deed::Noise,
            None => match heard.end {
                End::Closed => Deed::Closed,
                End::Reset => Deed::Reset,
                End::Open | End::Late | End::Endless => Deed::Waits,
            },
        }
    }

    /// Returns what the server did, in words; `after` is when.
    fn words(self, heard: &Heard, after: &str) -> String {
        let received = bytes(heard.bytes.len());
        let end = match heard.end {
            End::Closed => "closed the connection",
            End::Reset => "reset the connection",
            End::Open | End::Late | End::Endless => "keeps the connection",
        };
        match self {
            Deed::Answered(status) => {
                format!("the server answered {status}{after}, and {end}")
            }
            Deed::BrokeOff(status) => {
                format!("the server began to answer {status}{after}, and {end} after {received}")
            }
            Deed::Noise => format!("the server sent {received} that are no answer, and {end}"),
            Deed::Closed | Deed::Reset => {
                format!("the server {end} without an answer{after}")
            }
            Deed::Waits => format!("the server is still waiting{after}"),
        }
    }

    /// Returns an error if a server that copes would not do this. `usual` is its answer to the same request.
    fn judge(self, how: Misbehaviour, usual: Option<u16>) -> Result<(), CommandError> {
        let failed = |code, what: String| Err(CommandError::Failed(code, what));
        match (how, self) {
            (Misbehaviour::SlowHead | Misbehaviour::NoRead | Misbehaviour::Reset, _)
            | (Misbehaviour::Garbage, Deed::Closed | Deed::Reset) => Ok(()),
            (Misbehaviour::Garbage, Deed::Answered(400..=499 | 501 | 505)) => Ok(()),
            (Misbehaviour::Garbage, Deed::Answered(status)) => failed(
                22,
                format!("noise was answered {status}; right: 400 (RFC 9112, 2.2), or a close"),
            ),
            (_, Deed::Answered(status)) if usual.is_some_and(|usual| usual != status) => {
                let usual = usual.unwrap_or_default();
                failed(
                    22,
                    format!(
                        "answered {status}; right: {usual}, as to the same request sent at once"
                    ),
                )
            }
            (_, Deed::Answered(_)) => Ok(()),
            (_, Deed::BrokeOff(_)) => failed(18, "the answer is incomplete".to_owned()),
            (_, Deed::Noise) => failed(1, "the answer is not HTTP".to_owned()),
            (_, Deed::Closed) => failed(
                52,
                "closed without an answer; right: an answer to a complete request".to_owned(),
            ),
            (_, Deed::Reset) => failed(
                56,
                "reset without an answer; right: an answer to a complete request".to_owned(),
            ),
            (_, Deed::Waits) => {
                failed(28, "no answer in time; right: an answer to a complete request".to_owned())
            }
        }
    }
}

fn bytes(count: usize) -> String {
    plural(count as u64, "byte")
}
