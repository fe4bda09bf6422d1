//! Responses that are wrong on purpose, as [`Faults`] draws them.
//!
//! Such a response is always sent piece by piece: its head is taken back from the output, and from then on it
//! is decided here what of it leaves, and when. Until then it waits without a worker, as a pushed body does.

use std::error::Error;
use std::io::{self, Cursor, Read};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::body_pieces::Pieces;
use super::connection_io::ConnectionIo;
use super::logging::LoggedExchange;
use super::send::{Outgoing, Piece};
use super::{Context, Http};
use crate::net::alarm::Alarm;
use crate::net::deadline::time_for;
use crate::net::errors::peer_left;
use crate::net::peer_address::PeerAddress;
use crate::net::socket::abort_on_close;
use crate::proto::http::close::CloseReason;
use crate::proto::http::framing::may_have_body;
use crate::proto::http::head::RequestHead;
use crate::proto::http::headers::Headers;
use crate::proto::http::server::SendBody;
use crate::proto::http::status::Status;
use crate::proto::http::version::Version;
use crate::server::faults::{DrawnFaults, FaultKind, Faults};
use crate::server::pushed::Pushed;
use crate::server::respond::error_response::shown;
use crate::server::response::{Body, Response};

/// A response that drips leaves in 20 steps a second, or byte by byte if it is slower than that.
const STEPS: u32 = 20;

/// The longest time that a wait is set for; what ends it is the client, or the stop of the server.
const FOREVER: Duration = Duration::from_secs(24 * 60 * 60);

/// Gives the responses of a server their faults.
#[derive(Debug)]
pub(super) struct FaultInjector {
    faults: Faults,
    requests: AtomicU64,
    alarm: Option<Alarm>,
}

/// The faults of a response that is about to begin, and where in the output it begins.
pub(super) struct Injected {
    drawn: DrawnFaults,
    at: usize,
}

/// A response that is wrong on purpose.
pub(super) struct FaultyBody {
    drawn: DrawnFaults,
    /// What makes the body.
    body: Pieces,
    /// Made, and not sent yet: the head, or a piece of the body.
    held: Vec<u8>,
    /// The bytes of the body in it; the others are of the head, or frame a chunk.
    data: Range<usize>,
    /// The status, until a byte of the head leaves: only then it goes to the logs.
    status: Option<Status>,
    rest: Rest,
    /// No byte leaves before this time.
    begins: Instant,
    /// How many bytes have left.
    left: u64,
    /// For when the alarm is set.
    alarm: Option<Instant>,
}

/// What follows on what is held.
#[derive(Debug, Clone, Copy)]
enum Rest {
    /// The rest of the body.
    All,
    /// So many bytes of it, at least one.
    Bytes(u64),
    /// Half of the next piece: the length of the body is not known.
    HalfAPiece,
    /// Nothing: the connection is closed.
    Nothing,
}

/// The error of a response that ends too soon on purpose.
#[derive(Debug)]
struct OnPurpose;

impl std::fmt::Display for OnPurpose {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a fault on purpose")
    }
}

impl Error for OnPurpose {}

impl FaultInjector {
    pub(super) fn new(faults: Faults) -> FaultInjector {
        log::info!("responses are wrong on purpose: {faults}; seed {}", faults.seed);
        let alarm = Alarm::start();
        let alarm = alarm.inspect_err(|error| log::warn!("delays are inexact: {error}")).ok();
        FaultInjector { faults, requests: AtomicU64::new(0), alarm }
    }

    /// Draws the faults of a response, logs them, and prepares the response: its body is read, and not
    /// sent by the kernel, and one with a wrong chunk loses its length. What is no response to a complete
    /// request has no faults.
    pub(super) fn inject(
        &self,
        outgoing: &mut Outgoing,
        io: &mut ConnectionIo,
    ) -> Option<Injected> {
        let head = outgoing.request.head()?;
        if self.faults.spares(head.target.path()) {
            return None;
        }
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let mut drawn = self.faults.draw(number);
        if drawn.ending == Some(FaultKind::BadChunk) && !may_be_chunked(head, &outgoing.response) {
            drawn.ending = None;
        }
        if drawn == DrawnFaults::default() {
            return None;
        }
        let (words, target) = (drawn.words(), shown(&head.target.to_string()));
        log::info!("fault of request {number}, {} {target}: {words}", head.method);
        if let Some(log) = &mut io.wire_log {
            log.fault(&words);
        }
        let body = std::mem::replace(&mut outgoing.response.body, Body::EMPTY);
        let body = as_read(body, drawn.ending != Some(FaultKind::BadChunk));
        outgoing.response.body = body;
        Some(Injected { drawn, at: io.output.bytes.len() })
    }
}

/// Returns true if a wrong chunk can be sent.
fn may_be_chunked(head: &RequestHead, response: &Response) -> bool {
    head.version == Version::Http11
        && may_have_body(&head.method, response.status)
        && response.status != Status::RESET_CONTENT
        && response.body.length() != Some(0)
}

/// Returns the same body as one that is read, whose length may be unknown.
fn as_read(body: Body, has_length: bool) -> Body {
    let length = body.length().filter(|_| has_length);
    let reader: Box<dyn Read + Send> = match body {
        Body::Bytes(bytes) => Box::new(Cursor::new(bytes)),
        Body::File(file, announced) => Box::new(file.take(announced)),
        Body::Part(part) => Box::new(part),
        Body::Read(reader, _) => reader,
        body @ (Body::Trailed(..) | Body::Pushed(_)) => return body,
    };
    Body::Read(reader, length)
}

impl Injected {
    /// Takes the head back from the output, to be sent with the body.
    pub(super) fn hold(
        self,
        body: Pieces,
        (exchange, send): (&mut LoggedExchange, &SendBody),
        out: &mut Vec<u8>,
    ) -> Pieces {
        let Injected { drawn, at } = self;
        let mut held = out.split_off(at);
        let rest = match (drawn.ending, send.room()) {
            (Some(FaultKind::Truncate), 0) => {
                held.truncate(held.len() / 2);
                Rest::Nothing
            }
            (Some(FaultKind::Truncate), 1) => Rest::Nothing,
            (Some(FaultKind::Truncate), u64::MAX) => Rest::HalfAPiece,
            (Some(FaultKind::Truncate), length) => Rest::Bytes(length / 2),
            _ => Rest::All,
        };
        if drawn.ending == Some(FaultKind::Never) {
            exchange.request.keep_line(); // it may wait for hours
        }
        Pieces::Faulty(Box::new(FaultyBody {
            drawn,
            body,
            data: held.len()..held.len(),
            held,
            status: exchange.status.take(),
            rest,
            begins: Instant::now() + drawn.delay,
            left: 0,
            alarm: None,
        }))
    }
}

impl Http {
    /// Sends what may leave now of a response that is wrong on purpose, as [`Http::send_piece`] does of others.
    ///
    /// # Errors
    /// When the connection is broken, or to be reset.
    pub(super) fn send_faulty(
        &self,
        faulty: &mut FaultyBody,
        (exchange, send): (&mut LoggedExchange, &mut SendBody),
        io: &mut ConnectionIo,
        context: &Context<'_>,
    ) -> io::Result<Piece> {
        let (now, stopping) = (Instant::now(), self.stop.is_requested());
        if faulty.drawn.ending == Some(FaultKind::Never) {
            return Ok(match stopping {
                true => Piece::End(Err(io::Error::other(OnPurpose))),
                false => Piece::Waiting(now + FOREVER),
            });
        }
        // A server that stops does not let its clients wait.
        let paused_until = faulty.pauses_until(now).filter(|_| !stopping);
        if let Some(until) = paused_until {
            self.set_alarm(until, faulty, context);
            return Ok(Piece::Paused(until));
        }
        if faulty.drawn.ending == Some(FaultKind::Reset) {
            abort_on_close(context.stream)?;
            return Err(io::Error::other(OnPurpose));
        }
        if faulty.held.is_empty() {
            match faulty.make_piece(send, context, stopping) {
                Piece::Gathered => {}
                piece => return Ok(piece),
            }
        }
        let most = if stopping { usize::MAX } else { faulty.room(now) };
        faulty.release(most, exchange, &mut io.output.bytes);
        Ok(Piece::Gathered)
    }

    /// Gives the connection another turn at this time.
    fn set_alarm(&self, until: Instant, faulty: &mut FaultyBody, context: &Context<'_>) {
        if let Some(alarm) = self.faults.as_ref().and_then(|faults| faults.alarm.as_ref())
            && faulty.alarm.replace(until) != Some(until)
        {
            alarm.set(until, context.driver.waker());
        }
    }

    /// Returns why the connection ends after a body that broke off, and logs what was not on purpose.
    pub(super) fn body_broke_off(
        &self,
        exchange: &LoggedExchange,
        error: &io::Error,
        peer: PeerAddress,
    ) -> CloseReason {
        if is_on_purpose(error) {
            return CloseReason::OnPurpose;
        }
        let target = exchange.request.head().map(|head| shown(&head.target.to_string()));
        let (target, sent) = (target.unwrap_or_default(), exchange.sent);
        log::error!("{peer}: the body of {target} ended early, after {sent} bytes: {error}");
        CloseReason::BodyShort
    }
}

/// Returns why a connection ends that is broken, and logs what is unusual.
pub(crate) fn why_broken(error: &io::Error, peer: PeerAddress) -> CloseReason {
    if is_on_purpose(error) {
        return CloseReason::OnPurpose;
    }
    if !peer_left(error) {
        log::warn!("{peer}: {error}");
    }
    CloseReason::PeerLeft
}

fn is_on_purpose(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<OnPurpose>())
}

impl FaultyBody {
    /// Returns until when nothing leaves, if nothing may leave now.
    fn pauses_until(&self, now: Instant) -> Option<Instant> {
        if now < self.begins {
            return Some(self.begins);
        }
        let rate = self.drawn.drip?.get();
        let until = self.begins + time_for(self.left + u64::from((rate / STEPS).max(1)), rate);
        (now < until && self.room(now) < self.held.len().max(1)).then_some(until)
    }

    /// Returns how many bytes may leave now.
    fn room(&self, now: Instant) -> usize {
        let Some(rate) = self.drawn.drip else { return usize::MAX };
        let due = now.saturating_duration_since(self.begins).as_micros() * u128::from(rate.get());
        let due = (due / 1_000_000).saturating_sub(self.left.into());
        usize::try_from(due).unwrap_or(usize::MAX)
    }

    /// Makes the next piece of the body.
    fn make_piece(&mut self, send: &mut SendBody, context: &Context<'_>, stopping: bool) -> Piece {
        if let Rest::Nothing = self.rest {
            return Piece::End(Err(io::Error::other(OnPurpose)));
        }
        let count = if let Pieces::Pushed(..) = self.body {
            if send.room() == 0 || stopping {
                return Piece::End(Ok(Headers::new()));
            }
            match self.body.push(context.driver, send, &mut self.held) {
                (count, Ok(Pushed::Some)) => count,
                (_, Ok(Pushed::Waiting(until))) => return Piece::Waiting(until),
                (_, Ok(Pushed::End)) => return Piece::End(Ok(Headers::new())),
                (_, Err(error)) => return Piece::End(Err(error)),
            }
        } else {
            match self.body.gather(send, &mut self.held) {
                Ok(0) => return Piece::End(self.body.trailers(send)),
                Ok(count) => count,
                Err(error) => return Piece::End(Err(error)),
            }
        };
        // A chunk is framed by its size, and CR LF at its end.
        let start = (self.held.len() - count).saturating_sub(2);
        if start > 0 && self.drawn.ending.take_if(|it| *it == FaultKind::BadChunk).is_some() {
            self.held[0] = b'x';
        }
        let (kept, rest) = match self.rest {
            Rest::Bytes(bytes) if bytes > count as u64 => {
                (count, Rest::Bytes(bytes - count as u64))
            }
            Rest::Bytes(bytes) => (usize::try_from(bytes).unwrap_or(count), Rest::Nothing),
            Rest::HalfAPiece => (count / 2, Rest::Nothing),
            rest => (count, rest),
        };
        if let Rest::Nothing = rest {
            self.held.truncate(start + kept);
        }
        (self.data, self.rest) = (start..start + kept, rest);
        Piece::Gathered
    }

    /// Puts up to `most` of the held bytes into the output, and counts them for the logs.
    fn release(&mut self, most: usize, exchange: &mut LoggedExchange, out: &mut Vec<u8>) {
        let count = most.min(self.held.len());
        out.extend(self.held.drain(..count));
        let Range { start, end } = self.data;
        exchange.sent += (end.min(count) - start.min(count)) as u64;
        self.data = start.saturating_sub(count)..end.saturating_sub(count);
        self.left += count as u64;
        if count > 0 && self.status.is_some() {
            exchange.status = self.status.take();
        }
    }
}
