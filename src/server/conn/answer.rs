//! The answer: its head, its body piece by piece, its line in the log.
//!
//! Date and Server are set here; the framing fields by the protocol. A body that breaks off is cut, not
//! completed: short of its length, or without its last chunk, the client can tell (RFC 9112, 8).

use std::cell::RefCell;
use std::io::{self, Cursor};
use std::net::{SocketAddr, TcpStream};
use std::time::{Instant, SystemTime};

use super::request::{Panicked, guarded};
use super::{Http, State, Step, TURN_BYTES};
use crate::proto::http::close::Close;
use crate::proto::http::date::imf_fixdate;
use crate::proto::http::error::{Fault, Rule};
use crate::proto::http::excerpt::Excerpt;
use crate::proto::http::head::{RequestHead, ResponseHead};
use crate::proto::http::headers::Headers;
use crate::proto::http::server::{Came, SendBody, SendHead};
use crate::proto::http::status::Status;
use crate::proto::http::trailers::may_trail;
use crate::server::access_log::{AccessLog, Line};
use crate::server::handler::{Body, Response};
use crate::server::output::Passed;
use crate::server::refusal::Refusal;
use crate::server::wire::Wire;

/// How much of a large body is sent at once.
const PIECE: usize = 64 << 10;

/// An answer that is leaving.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) asked: Asked,
    pub(super) status: Status,
    pub(super) send: SendBody,
    pub(super) body: Body,
    pub(super) sent: u64,
}

/// What was asked, as far as it came, and since when.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) came: Option<Came>,
    pub(super) since: Instant,
}

impl Asked {
    /// A request, whose head is complete.
    pub(super) fn of(head: Box<RequestHead>, since: Instant) -> Asked {
        Asked { came: Some(Came::Head(head)), since }
    }

    fn head(&self) -> Option<&RequestHead> {
        self.came.as_ref().and_then(Came::head)
    }

    /// For an answer after which the connection closes, whatever was asked.
    pub(super) fn last(&self, close: Close) -> SendHead {
        match &self.came {
            Some(came) => SendHead::cut_short(came, close),
            None => SendHead::unasked(close),
        }
    }
}

/// What telnet sends after a Ctrl-C, and waits to hear before it shows anything again (RFC 860).
const DO_TIMING_MARK: &[u8] = b"\xFF\xFD\x06";
const WONT_TIMING_MARK: &[u8] = b"\xFF\xFC\x06";

impl Http {
    /// Answers what is not, or not any more, a request; and that was it.
    pub(super) fn refuse(
        &self,
        fault: Fault,
        excerpt: Option<&Excerpt>,
        asked: Asked,
        wire: &mut Wire,
    ) -> State {
        if excerpt.is_some_and(|excerpt| excerpt.has(DO_TIMING_MARK)) {
            wire.output.bytes.extend_from_slice(WONT_TIMING_MARK);
        }
        self.turn_down(fault.rule, &Refusal::of(fault, excerpt), asked, wire)
    }

    pub(super) fn turn_down(
        &self,
        rule: Rule,
        refusal: &Refusal,
        asked: Asked,
        wire: &mut Wire,
    ) -> State {
        self.stats.count_fault(rule);
        log::info!("{}: refused: {refusal}", wire.peer);
        let response = refusal.response(asked.head());
        let send = asked.last(Close::Fault(rule));
        self.answer(response, asked, send, wire, false)
    }

    /// Writes the head of an answer; its body follows as it can be taken.
    pub(super) fn answer(
        &self,
        response: Response,
        asked: Asked,
        send: SendHead,
        wire: &mut Wire,
        may_stay: bool,
    ) -> State {
        let Response { status, headers, body } = response;
        let mut head = ResponseHead { headers, ..ResponseHead::new(status) };
        let announced = match &body {
            Body::Trailed(_, names) => Some(names.join(", ")),
            Body::Bytes(_) | Body::File(..) | Body::Read(..) => None,
        };
        // A handler need not know what else is routed to its path (RFC 9110, 15.5.6).
        let allow = asked
            .head()
            .filter(|_| status == Status::METHOD_NOT_ALLOWED && !head.headers.has("allow"));
        let allow = allow.map(|asked| self.routes.besides(&asked.method, &asked.target));
        for (name, value) in [("Allow", allow.as_deref()), ("Trailer", announced.as_deref())] {
            if let Some(value) = value
                && let Err(error) = head.headers.set(name, value)
            {
                log::error!("{error}");
            }
        }
        with_date(|date| head.headers.set_all(date));
        head.headers.set_all(&self.server_name);
        wire.timing.tell(&mut head.headers);
        let send = send.send(head, body.length(), may_stay, &mut wire.output.bytes);
        let body = match body {
            // What doesn't leave with the head is sent piece by piece, as a file is.
            Body::Bytes(bytes) if bytes.len() > PIECE => {
                let length = bytes.len() as u64;
                Body::Read(Box::new(Cursor::new(bytes)), Some(length))
            }
            body => body,
        };
        State::Answer(Answer { asked, status, send, body, sent: 0 })
    }

    /// Sends the next piece of a file, if the body is one and can be sent without being read.
    pub(super) fn send_file(
        &self,
        answer: &mut Answer,
        wire: &mut Wire,
        stream: &TcpStream,
    ) -> io::Result<Passed> {
        let Answer { send, body, sent, .. } = answer;
        let Body::File(file, _) = body else { return Ok(Passed::Nothing) };
        let Some(room) = send.plain_room().filter(|&room| room > 0) else {
            return Ok(Passed::Nothing);
        };
        let most = usize::try_from(room).map_or(TURN_BYTES, |room| room.min(TURN_BYTES));
        let passed = wire.output.send_file(stream, file, most, &self.limits)?;
        if let Passed::Some(count) = passed {
            send.went_past(count as u64);
            *sent += count as u64;
        }
        Ok(passed)
    }

    /// Puts the next piece of the body into the output.
    pub(super) fn send_body(&self, mut answer: Answer, wire: &mut Wire) -> (State, Step) {
        let Answer { asked, send, body, sent, .. } = &mut answer;
        let out = &mut wire.output.bytes;
        let piece = match body {
            _ if send.room() == 0 => Ok(0),
            Body::Bytes(bytes) => {
                send.write(bytes, out);
                *sent += bytes.len() as u64;
                Ok(0)
            }
            Body::File(file, _) => send_piece(file, send, out),
            Body::Read(reader, _) => send_piece(reader, send, out),
            Body::Trailed(reader, _) => send_piece(reader, send, out),
        };
        let end = match piece {
            Ok(0) => trailers(body, send),
            Ok(count) => {
                *sent += count as u64;
                return (State::Answer(answer), Step::On);
            }
            Err(error) => Err(error),
        };
        let next = match end {
            Ok(trailers) => {
                self.log(wire.peer, &answer);
                answer.send.finish_with(trailers, out)
            }
            Err(error) => {
                // Short of its length, or without its last chunk: the peer can tell.
                let target = asked.head().map(|head| head.target.to_string());
                log::error!(
                    "{}: the body of {} broke off after {sent} bytes: {error}",
                    wire.peer,
                    target.unwrap_or_default()
                );
                self.log(wire.peer, &answer);
                Err(Close::BodyShort)
            }
        };
        let state = match next {
            Ok(recv) => State::Head(recv, None),
            Err(close) => State::Over(close),
        };
        (state, Step::Answered)
    }

    pub(super) fn log(&self, peer: SocketAddr, answer: &Answer) {
        let Answer { asked: Asked { came, since }, status, sent, .. } = answer;
        self.stats.count_answer(*status);
        if let AccessLog::Off = self.access_log {
            return; // and the clock is not asked
        }
        let request = came.as_ref().map(Came::first_line).filter(|line| !line.is_empty());
        let request = request.unwrap_or(b"-");
        let line =
            Line { peer: peer.ip(), request, status: *status, sent: *sent, took: since.elapsed() };
        self.access_log.write(&line, SystemTime::now());
    }
}

/// What is to stand behind the body, which has been read to its end.
fn trailers(body: &mut Body, send: &SendBody) -> io::Result<Headers> {
    let Body::Trailed(reader, names) = body else { return Ok(Headers::new()) };
    if !send.takes_trailers() {
        return Ok(Headers::new());
    }
    let mut all = guarded(|| reader.trailers())
        .map_err(|Panicked| io::Error::other("its trailers panicked"))?;
    let unannounced = |name: &str| !names.iter().any(|held| held.eq_ignore_ascii_case(name));
    all.retain(|name| {
        let wrong = unannounced(name) || !may_trail(name);
        if wrong {
            log::error!(
                "a handler set the trailer {name:?}, which it did not announce, or may not"
            );
        }
        !wrong
    });
    Ok(all)
}

/// Lends the `Date` of an answer that is made now. It is written anew once a second, by each thread.
fn with_date(then: impl FnOnce(&Headers)) {
    thread_local! {
        static LAST: RefCell<(u64, Headers)> = RefCell::default();
    }
    let now = SystemTime::now();
    let second = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    LAST.with_borrow_mut(|(of, date)| {
        if *of != second || date.is_empty() {
            (*of, *date) = (second, Headers::new());
            date.set("Date", imf_fixdate(now)).expect("a date is a field value");
        }
        then(date);
    });
}

/// Reads one piece and frames it. 0 is the end, and an error before the length that was announced:
/// files do shrink. When they grow, no more is read than was announced.
fn send_piece(
    reader: &mut impl io::Read,
    send: &mut SendBody,
    out: &mut Vec<u8>,
) -> io::Result<usize> {
    let room = send.room();
    let mut piece = vec![0; usize::try_from(room).map_or(PIECE, |room| room.min(PIECE))];
    loop {
        let outcome = guarded(|| reader.read(&mut piece));
        match outcome.unwrap_or_else(|Panicked| Err(io::Error::other("its reader panicked"))) {
            Ok(0) if room < u64::MAX => {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it ended too soon"));
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => {
                let count = outcome?;
                send.write(&piece[..count], out);
                return Ok(count);
            }
        }
    }
}
