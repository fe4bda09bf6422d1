//! The answer: its head, its body piece by piece, its line in the log.
//!
//! Date and Server are set here; the framing fields by the protocol. A body that breaks off is cut, not
//! completed: short of its length, or without its last chunk, the client can tell (RFC 9112, 8).

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::receive::{Panicked, guarded};
use super::{Http, State, Step, TURN_BYTES};
use crate::net::service::Driver;
use crate::net::usual_time::UsualTime;
use crate::proto::http::close::CloseReason;
use crate::proto::http::error::{Fault, Rule};
use crate::proto::http::excerpt::Excerpt;
use crate::proto::http::head::RequestHead;
use crate::proto::http::headers::Headers;
use crate::proto::http::server::{Added, Came, RecvHead, SendBody, SendHead};
use crate::proto::http::status::Status;
use crate::proto::http::trailers::may_trail;
use crate::server::conn::connection_io::Wire;
use crate::server::conn::date_cache::Standing;
use crate::server::conn::output::Passed;
use crate::server::files::file_part::FilePart;
use crate::server::handler::{Body, Response, Trailed};
use crate::server::log::access_log::{AccessLog, Line};
use crate::server::respond::error_response::ErrorResponse;
use crate::server::router::Endpoint;

/// How much of a large body is sent at once.
const PIECE: usize = 64 << 10;

/// So much of a file is read, to leave with its head in one write; more is sent by the kernel.
pub(super) const READ: u64 = 64 << 10;

/// Who has taken so much of an answer so soon, 4 MB in a second, reads fast.
const MUCH: u64 = 4 << 20;
const SOON: Duration = Duration::from_secs(1);

/// An answer that is leaving.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) exchange: Exchange,
    send: SendBody,
    body: Pieces,
    /// Whose body is made while it is sent, and how long a read of it usually takes.
    maker: Option<Arc<Endpoint>>,
}

impl Answer {
    /// The body comes from a handler of this endpoint.
    pub(super) fn is_made_by(&mut self, endpoint: &Arc<Endpoint>) {
        if let Pieces::Read(_) | Pieces::Trailed(..) = self.body {
            self.maker = Some(Arc::clone(endpoint));
        }
    }
}

/// A body that leaves piece by piece. One that is small, and in memory, leaves with its head.
enum Pieces {
    File(File),
    Part(FilePart),
    Read(Box<dyn Read + Send>),
    Trailed(Box<dyn Trailed>, &'static [&'static str]),
}

impl std::fmt::Debug for Pieces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pieces")
    }
}

/// What the log has to tell.
#[derive(Debug)]
pub(super) struct Exchange {
    asked: Asked,
    status: Status,
    /// Bytes of body.
    sent: u64,
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
    pub(super) fn last(&self, close: CloseReason) -> SendHead {
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
        self.turn_down(fault.rule, &ErrorResponse::of(fault, excerpt), asked, wire)
    }

    pub(super) fn turn_down(
        &self,
        rule: Rule,
        refusal: &ErrorResponse,
        asked: Asked,
        wire: &mut Wire,
    ) -> State {
        self.stats.count_fault(rule);
        wire.timing.forget();
        log::info!("{}: refused: {refusal}", wire.peer);
        let response = refusal.response(asked.head());
        let send = asked.last(CloseReason::Fault(rule));
        self.answer(response, asked, send, wire, false)
    }

    /// Writes the head of an answer, and a small body with it; any other follows as it can be taken.
    pub(super) fn answer(
        &self,
        mut response: Response,
        asked: Asked,
        send: SendHead,
        wire: &mut Wire,
        may_stay: bool,
    ) -> State {
        // The one look at the clock that a small answer costs.
        let now = Instant::now();
        // A handler need not know what else is routed to its path (RFC 9110, 15.5.6).
        if response.status == Status::METHOD_NOT_ALLOWED
            && !response.headers.has("allow")
            && let Some(asked) = asked.head()
        {
            set(&mut response, "Allow", self.routes.besides(&asked.method, &asked.target));
        }
        if let Body::Trailed(_, names) = &response.body {
            let announced = names.join(", ");
            set(&mut response, "Trailer", announced);
        }
        let out = &mut wire.output.bytes;
        let added = Added {
            standing: Standing::of(&mut wire.standing, now, &self.server_name),
            timing: wire.timing.tell(now, wire.answered + 1),
        };
        let Response { status, headers, body } = &response;
        let mut send = send.send_with(*status, headers, added, body.length(), may_stay, out);
        let mut exchange = Exchange { asked, status: *status, sent: 0 };
        let rest = match response.body {
            Body::Bytes(bytes) if bytes.len() <= PIECE => {
                exchange.sent = send.room().min(bytes.len() as u64);
                send.write(&bytes, out);
                None
            }
            Body::Bytes(bytes) => Some(Pieces::Read(Box::new(Cursor::new(bytes)))),
            Body::File(file, _) => Some(Pieces::File(file)),
            Body::Part(mut part) => {
                if part.length() <= READ && send.plain_room() == Some(part.length()) {
                    exchange.sent = part.append_to(out) as u64;
                    send.went_past(exchange.sent);
                }
                (send.room() > 0).then_some(Pieces::Part(part))
            }
            Body::Read(reader, _) => Some(Pieces::Read(reader)),
            Body::Trailed(reader, names) => Some(Pieces::Trailed(reader, names)),
        };
        match rest {
            None => self.answered(exchange, send.finish(out), wire, now),
            Some(body) => State::Answer(Box::new(Answer { exchange, send, body, maker: None })),
        }
    }

    /// Sends the next piece of a file, if the body is one and can be sent without being read.
    pub(super) fn send_file(
        &self,
        answer: &mut Answer,
        wire: &mut Wire,
        stream: &TcpStream,
    ) -> io::Result<Passed> {
        let Answer { send, body, exchange, .. } = answer;
        let file = match body {
            Pieces::File(file) => (&*file, None),
            Pieces::Part(part) => {
                let (file, at) = part.place();
                (file, Some(at))
            }
            Pieces::Read(_) | Pieces::Trailed(..) => return Ok(Passed::Nothing),
        };
        if wire.tap.is_some() {
            return Ok(Passed::Nothing); // it is read, to be seen
        }
        let Some(room) = send.plain_room().filter(|&room| room > 0) else {
            return Ok(Passed::Nothing);
        };
        let most = usize::try_from(room).map_or(TURN_BYTES, |room| room.min(TURN_BYTES));
        let passed = wire.output.send_file(stream, file, most, &self.limits)?;
        if let Passed::Some(count) = passed {
            send.went_past(count as u64);
            let before = exchange.sent;
            exchange.sent += count as u64;
            if (before < MUCH && MUCH <= exchange.sent) && exchange.asked.since.elapsed() < SOON {
                wire.output.take_more(stream, &self.unsent);
            }
            if let Pieces::Part(part) = body {
                part.went_past(count as u64);
            }
        }
        Ok(passed)
    }

    /// Puts the next piece of a body into the output. A short piece of a reader that is slow, or not
    /// known yet, is sent before the next one is read, the head with the first of them; what is at hand
    /// at once is gathered.
    pub(super) fn send_piece(
        &self,
        answer: Box<Answer>,
        wire: &mut Wire,
        driver: &dyn Driver,
    ) -> (State, Step) {
        let Some(maker) = answer.maker.clone().filter(|_| answer.send.room() > 0) else {
            return (self.send_body(answer, wire), Step::On);
        };
        let (usual, sent) = (&maker.usual_read, answer.exchange.sent);
        let (is_slow, begun) = (usual.is_long(), Instant::now());
        driver.before(usual);
        let state = self.send_body(answer, wire);
        let took = begun.elapsed();
        driver.after(usual, took);
        let is_short = match &state {
            State::Answer(answer) if answer.send.room() > 0 => {
                answer.exchange.sent - sent < PIECE as u64
            }
            _ => false, // that was all of it
        };
        let leaves_now = is_short && (is_slow || took > UsualTime::LONG);
        (state, if leaves_now { Step::Paced } else { Step::On })
    }

    /// Puts the next piece of the body into the output.
    pub(super) fn send_body(&self, mut answer: Box<Answer>, wire: &mut Wire) -> State {
        let Answer { exchange, send, body, .. } = &mut *answer;
        let out = &mut wire.output.bytes;
        let piece = match body {
            _ if send.room() == 0 => Ok(0),
            Pieces::File(file) => read_piece(file, send, out),
            Pieces::Part(part) => read_piece(part, send, out),
            Pieces::Read(reader) => read_piece(reader, send, out),
            Pieces::Trailed(reader, _) => read_piece(reader, send, out),
        };
        let end = match piece {
            Ok(0) => trailers(body, send),
            Ok(count) => {
                exchange.sent += count as u64;
                return State::Answer(answer);
            }
            Err(error) => Err(error),
        };
        let Answer { exchange, send, .. } = *answer;
        let next = match end {
            Ok(trailers) => send.finish_with(&trailers, out),
            Err(error) => {
                // Short of its length, or without its last chunk: the peer can tell.
                let target = exchange.asked.head().map(|head| head.target.to_string());
                log::error!(
                    "{}: the body of {} broke off after {} bytes: {error}",
                    wire.peer,
                    target.unwrap_or_default(),
                    exchange.sent
                );
                Err(CloseReason::BodyShort)
            }
        };
        self.answered(exchange, next, wire, Instant::now())
    }

    /// An answer is in the output to its end: another request may follow, or why not.
    #[inline(always)]
    fn answered(
        &self,
        exchange: Exchange,
        next: Result<RecvHead, CloseReason>,
        wire: &mut Wire,
        now: Instant,
    ) -> State {
        self.log(wire.peer, &exchange, now);
        wire.spent = exchange.asked.came.and_then(Came::into_head);
        wire.answered += 1;
        wire.waiting_since = now;
        wire.file = None;
        match next {
            Ok(recv) => State::Head(recv, None),
            Err(close) => State::Over(close),
        }
    }

    /// An answer is complete, or has been cut.
    #[inline]
    pub(super) fn log(&self, peer: SocketAddr, exchange: &Exchange, now: Instant) {
        self.stats.count_answer(exchange.status);
        if let AccessLog::On(_) = self.access_log {
            self.write_line(peer, exchange, now);
        }
    }

    fn write_line(&self, peer: SocketAddr, exchange: &Exchange, now: Instant) {
        let Exchange { asked: Asked { came, since }, status, sent } = exchange;
        let request = came.as_ref().map(Came::first_line).filter(|line| !line.is_empty());
        let request = request.unwrap_or(b"-");
        let took = now.duration_since(*since);
        let line = Line { peer: peer.ip(), request, status: *status, sent: *sent, took };
        self.access_log.write(&line, SystemTime::now());
    }
}

/// Sets a field that follows from the rest of an answer.
fn set(response: &mut Response, name: &str, value: String) {
    if let Err(error) = response.headers.set(name, value) {
        log::error!("{error}");
    }
}

/// What is to stand behind the body, which has been read to its end.
fn trailers(body: &mut Pieces, send: &SendBody) -> io::Result<Headers> {
    let Pieces::Trailed(reader, names) = body else { return Ok(Headers::new()) };
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

/// Reads one piece and frames it. 0 is the end, and an error before the length that was announced:
/// files do shrink. When they grow, no more is read than was announced.
fn read_piece(reader: &mut impl Read, send: &mut SendBody, out: &mut Vec<u8>) -> io::Result<usize> {
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
