//! HTTP as a [`Service`]: the life of a connection, one turn at a time.
//!
//! ```text
//! Head ──> Body ──> Answer ──┐        a request in, an answer out,
//!  ^  └───────────────^      │        and again while both sides want to
//!  └─────────────────────────┘
//!                    └──> Over        the last bytes leave, and the connection with them
//! ```
//! Answers are gathered in a buffer and leave in one write when nothing more is at hand: a head with
//! its small body, and a row of pipelined answers. Where a request will end up is decided at its
//! head, before a byte of its body is kept.

use std::io::{self, Cursor, Read as _};
use std::net::{SocketAddr, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use super::access_log::{AccessLog, Line};
use super::handler::{Body, Handler, Request, Response};
use super::output::Output;
use super::refusal::{Refusal, internal_error, overload};
use super::router::{Found, Params, Routes};
use crate::net::deadline::{Deadline, Phase};
use crate::net::errors::{nothing_yet, peer_left};
use crate::net::service::{Ended, Next, Service};
use crate::proto::buf::Buf;
use crate::proto::http::body::Piece;
use crate::proto::http::close::Close;
use crate::proto::http::date::imf_fixdate;
use crate::proto::http::error::{Fault, Rule};
use crate::proto::http::head::{RequestHead, ResponseHead};
use crate::proto::http::limits::Limits;
use crate::proto::http::server::{Head, RecvBody, RecvHead, SendBody, SendHead};
use crate::proto::http::status::Status;

/// How much is read at once.
const READ: usize = 16 << 10;

/// What has been half read, and is no more than this, waits in a buffer of its own size.
const SMALL: usize = 4 << 10;

/// How much of a large body is sent at once.
const PIECE: usize = 64 << 10;

/// A turn ends after so many answers or bytes, or so much time, that other connections get theirs.
const TURN_ANSWERS: u32 = 64;
const TURN_BYTES: usize = 256 << 10;
const TURN_TIME: Duration = Duration::from_millis(1);

/// A body that nobody wants is read to its end when it is no longer than this and is coming anyway,
/// so that the connection can be kept.
const WORTH_READING: u64 = 64 << 10;

/// What is served, and how.
#[derive(Debug)]
pub struct Http {
    /// Who answers what.
    pub routes: Routes,
    /// How much is too much.
    pub limits: Limits,
    /// The `Server` field, if there is to be one.
    pub server_name: Option<String>,
    /// One line a request.
    pub access_log: AccessLog,
    cut: AtomicUsize,
}

/// One connection, between two turns.
#[derive(Debug)]
pub struct Connection {
    wire: Wire,
    state: State,
    /// When it was opened, or its last answer was complete.
    waiting_since: Instant,
    answered: u64,
}

/// Its two directions.
#[derive(Debug)]
struct Wire {
    peer: SocketAddr,
    input: Buf,
    output: Output,
}

#[derive(Debug)]
enum State {
    /// A request is arriving; since when, once a byte of it is here.
    Head(RecvHead, Option<Instant>),
    /// Its body is arriving.
    Body(Incoming),
    /// The answer is leaving.
    Answer(Answer),
    /// Nothing follows what is in the output.
    Over(Close),
}

/// A request whose body is arriving.
#[derive(Debug)]
struct Incoming {
    head: RequestHead,
    since: Instant,
    recv: RecvBody,
    body_since: Instant,
    received: u64,
    purpose: Purpose,
}

/// What the body is for.
#[derive(Debug)]
enum Purpose {
    Handle {
        handler: Arc<dyn Handler>,
        params: Params,
        body: Vec<u8>,
        limit: u64,
    },
    /// Nothing: the answer is known, and waits for the body to be out of the way.
    Discard(Response),
}

/// An answer that is leaving.
#[derive(Debug)]
struct Answer {
    asked: Asked,
    status: Status,
    send: SendBody,
    body: Body,
    sent: u64,
}

/// What was asked, as far as it came, and since when.
#[derive(Debug)]
struct Asked {
    head: Option<RequestHead>,
    since: Instant,
}

/// How far a step went.
enum Step {
    /// To another state; go on from there.
    On,
    /// To the end of an exchange.
    Answered,
    /// Nowhere without more input.
    Hungry,
    /// Nowhere any more.
    Over,
}

/// What a thread lends to the connection it has a turn with: buffers. A connection that waits with
/// nothing half read or half written needs none.
#[derive(Debug, Default)]
pub struct Desk {
    input: Buf,
    output: Vec<u8>,
}

/// What a read has brought.
#[derive(Debug, Clone, Copy)]
enum Read {
    AllThereWas,
    AllThatFits,
}

impl Wire {
    /// Reads once. The end of the stream is noted in the input.
    fn read(&mut self, mut stream: &TcpStream) -> io::Result<Read> {
        let room = self.input.spare(READ);
        let most = room.len();
        let count = stream.read(room)?;
        if count == 0 {
            self.input.close();
        }
        self.input.filled(count);
        Ok(if count == most { Read::AllThatFits } else { Read::AllThereWas })
    }

    fn borrow(&mut self, desk: &mut Desk) {
        if self.input.len() <= SMALL && !self.input.is_closed() {
            self.input.move_into(&mut desk.input);
            self.input = std::mem::take(&mut desk.input);
        }
        self.output.borrow(&mut desk.output);
    }

    fn give_back(&mut self, desk: &mut Desk) {
        if self.input.len() <= SMALL && !self.input.is_closed() {
            let mut input = std::mem::take(&mut self.input);
            if !input.is_empty() {
                input.move_into(&mut self.input);
            }
            if !desk.input.is_allocated() {
                desk.input = input;
            }
        }
        self.output.give_back(&mut desk.output);
    }
}

impl Service for Http {
    type Connection = Connection;
    type Desk = Desk;

    fn open(&self, peer: SocketAddr) -> Connection {
        let wire = Wire { peer, input: Buf::new(), output: Output::default() };
        let state = State::Head(RecvHead::default(), None);
        Connection { wire, state, waiting_since: Instant::now(), answered: 0 }
    }

    fn turn(
        &self,
        connection: &mut Connection,
        stream: &TcpStream,
        desk: &mut Desk,
        may_stay: &dyn Fn() -> bool,
    ) -> Next {
        connection.wire.borrow(desk);
        let next = self.try_turn(connection, stream, may_stay).unwrap_or_else(|error| {
            if !peer_left(&error) {
                log::warn!("{}: {error}", connection.wire.peer);
            }
            self.end(connection, Close::PeerLeft);
            Next::Close
        });
        connection.wire.give_back(desk);
        next
    }

    fn expired(&self, connection: &mut Connection, phase: Phase) -> Next {
        let offset = connection.wire.input.len() as u64;
        let (fault, asked) = match (phase, connection.state.take()) {
            (Phase::Head, State::Head(_, Some(since))) => {
                (Fault { rule: Rule::HeadTimeout, offset }, Asked { head: None, since })
            }
            (Phase::Body, State::Body(Incoming { head, since, received, .. })) => (
                Fault { rule: Rule::BodyTimeout, offset: received },
                Asked { head: Some(head), since },
            ),
            (phase, state) => {
                connection.state = state;
                self.end(
                    connection,
                    if phase == Phase::Write { Close::SlowReader } else { Close::Idle },
                );
                return Next::Close;
            }
        };
        connection.state = self.refuse(fault, asked, &mut connection.wire);
        Next::Again
    }

    fn close(&self, mut connection: Connection, ended: Ended) {
        if ended == Ended::Cut {
            self.cut.fetch_add(1, Ordering::Relaxed);
        }
        self.end(
            &mut connection,
            match ended {
                Ended::ByService => Close::PeerLeft,
                Ended::MakingRoom => Close::WeAsked,
                Ended::Stopping | Ended::Cut => Close::Stopping,
            },
        );
        if let State::Over(why) = connection.state {
            log::debug!(
                "{}: closed after {} answers: {why}",
                connection.wire.peer,
                connection.answered
            );
        }
    }

    fn refusal(&self) -> Vec<u8> {
        let mut wire =
            Wire { peer: ([0, 0, 0, 0], 0).into(), input: Buf::new(), output: Output::default() };
        let asked = Asked { head: None, since: Instant::now() };
        let mut state =
            self.answer(overload(), asked, SendHead::unasked(Close::WeAsked), &mut wire, false);
        while let State::Answer(answer) = state {
            state = self.send_body(answer, &mut wire).0;
        }
        wire.output.bytes
    }
}

impl Http {
    /// Serves these routes.
    pub fn new(
        routes: Routes,
        limits: Limits,
        server_name: Option<String>,
        access_log: AccessLog,
    ) -> Http {
        Http { routes, limits, server_name, access_log, cut: AtomicUsize::new(0) }
    }

    /// How many connections have been cut, as the time to stop had run out.
    pub fn cut(&self) -> usize {
        self.cut.load(Ordering::Relaxed)
    }

    /// Steps until there is nothing to do without the peer; reads at most once; writes when all
    /// that can be answered is, or when much has been gathered.
    fn try_turn(
        &self,
        connection: &mut Connection,
        stream: &TcpStream,
        may_stay: &dyn Fn() -> bool,
    ) -> io::Result<Next> {
        let start = Instant::now();
        let (mut read, mut answers, mut written) = (None, 0, 0);
        loop {
            let step = if connection.wire.output.is_large() {
                Step::On
            } else {
                self.step(connection, may_stay)
            };
            if let Step::Answered = step {
                answers += 1;
            }
            let time = || connection.waiting_since.duration_since(start);
            let had_its_turn = answers >= TURN_ANSWERS || answers > 0 && time() >= TURN_TIME;
            let pausing = matches!(step, Step::Hungry | Step::Over) || had_its_turn;
            if pausing || connection.wire.output.is_large() {
                written += connection.wire.output.flush(stream)?;
                if let Some(deadline) = connection.wire.output.deadline(&self.limits) {
                    return Ok(Next::Writable(deadline));
                }
            }
            match (step, read) {
                (Step::Over, _) => return Ok(connection.last_words()),
                (Step::On | Step::Answered, _) if had_its_turn || written >= TURN_BYTES => {
                    return Ok(Next::Again);
                }
                (Step::On | Step::Answered, _) => {}
                // There may be more where so much came from, and nobody will tell of it again.
                (Step::Hungry, Some(Read::AllThatFits)) => return Ok(Next::Again),
                (Step::Hungry, Some(Read::AllThereWas)) => {
                    return Ok(Next::Readable(connection.deadline(&self.limits)));
                }
                (Step::Hungry, None) => match connection.wire.read(stream) {
                    Ok(some) => read = Some(some),
                    Err(error) if nothing_yet(&error) => {
                        return Ok(Next::Readable(connection.deadline(&self.limits)));
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                        return Ok(Next::Again);
                    }
                    Err(error) => return Err(error),
                },
            }
        }
    }

    /// Goes one state on, if what is at hand is enough for it.
    fn step(&self, connection: &mut Connection, may_stay: &dyn Fn() -> bool) -> Step {
        let wire = &mut connection.wire;
        let (state, step) = match connection.state.take() {
            State::Head(recv, since) => self.receive_head(recv, since, wire, may_stay),
            State::Body(incoming) => self.receive_body(incoming, wire, may_stay),
            State::Answer(answer) => self.send_body(answer, wire),
            State::Over(close) => (State::Over(close), Step::Over),
        };
        connection.state = state;
        if let Step::Answered = step {
            connection.answered += 1;
            connection.waiting_since = Instant::now();
        }
        step
    }

    fn receive_head(
        &self,
        recv: RecvHead,
        since: Option<Instant>,
        wire: &mut Wire,
        may_stay: &dyn Fn() -> bool,
    ) -> (State, Step) {
        let since =
            if wire.input.is_empty() { since } else { since.or_else(|| Some(Instant::now())) };
        let begun = since.unwrap_or_else(Instant::now);
        match recv.receive(&mut wire.input, &self.limits) {
            Ok(Head::More(recv)) => (State::Head(recv, since), Step::Hungry),
            Ok(Head::Closed) => (State::Over(Close::PeerClosed), Step::On),
            Ok(Head::Complete(head, recv)) => {
                (self.route(head, recv, begun, wire, may_stay), Step::On)
            }
            Err(fault) => (self.refuse(fault, Asked { head: None, since: begun }, wire), Step::On),
        }
    }

    /// Decides at the head who will answer, and whether the body is wanted.
    fn route(
        &self,
        head: RequestHead,
        mut recv: RecvBody,
        since: Instant,
        wire: &mut Wire,
        may_stay: &dyn Fn() -> bool,
    ) -> State {
        let refuse = |refusal: Refusal| Err(refusal.response(Some(&head)));
        let found = match self.routes.find(&head.method, &head.target) {
            Found::Handler(handler, params) => {
                let limit = handler.body_limit().unwrap_or(u64::MAX).min(self.limits.body);
                match handler.admit(&head) {
                    Err(refusal) => refuse(refusal),
                    Ok(()) if recv.remaining().is_some_and(|length| length > limit) => {
                        refuse(Refusal::too_large(limit))
                    }
                    Ok(()) => Ok((Arc::clone(handler), params, limit)),
                }
            }
            Found::Options(allow) => Err(Response::new(Status::NO_CONTENT).field("Allow", allow)),
            Found::NotAllowed(allow) => refuse(Refusal::not_allowed(&head, &allow))
                .map_err(|response| response.field("Allow", allow)),
            Found::NotFound => refuse(Refusal::not_found(&head)),
            Found::NotImplemented => refuse(Refusal::not_implemented(&head)),
        };
        let purpose = match found {
            Ok((handler, params, limit)) => {
                recv.send_continue(&wire.input, &mut wire.output.bytes);
                Purpose::Handle { handler, params, body: Vec::new(), limit }
            }
            Err(response) => {
                let worth_reading = recv.remaining().is_some_and(|length| length <= WORTH_READING);
                if !recv.is_done() && (recv.waits_for_continue() || !worth_reading) {
                    // Its body is not read at all: the answer goes out now, the connection with it.
                    return self.answer(
                        response,
                        Asked { head: Some(head), since },
                        recv.finish(),
                        wire,
                        may_stay(),
                    );
                }
                Purpose::Discard(response)
            }
        };
        State::Body(Incoming {
            head,
            since,
            recv,
            body_since: Instant::now(),
            received: 0,
            purpose,
        })
    }

    fn receive_body(
        &self,
        mut incoming: Incoming,
        wire: &mut Wire,
        may_stay: &dyn Fn() -> bool,
    ) -> (State, Step) {
        loop {
            let fault = match incoming.recv.receive(&mut wire.input, &self.limits) {
                Ok(Piece::Data(data)) => {
                    incoming.received += data.len() as u64;
                    match &mut incoming.purpose {
                        Purpose::Handle { limit, .. } if incoming.received > *limit => {
                            Fault { rule: Rule::BodyTooLarge, offset: *limit }
                        }
                        Purpose::Handle { body, .. } => {
                            body.extend_from_slice(data);
                            continue;
                        }
                        Purpose::Discard(_) => continue,
                    }
                }
                Ok(Piece::More) => return (State::Body(incoming), Step::Hungry),
                Ok(Piece::End) => return (self.handle(incoming, wire, may_stay), Step::On),
                Err(fault) => fault,
            };
            let asked = Asked { head: Some(incoming.head), since: incoming.since };
            return (self.refuse(fault, asked, wire), Step::On);
        }
    }

    /// The request is complete: it is handled, here and now, by this thread.
    fn handle(&self, incoming: Incoming, wire: &mut Wire, may_stay: &dyn Fn() -> bool) -> State {
        let Incoming { head, since, recv, purpose, .. } = incoming;
        let (head, response) = match purpose {
            Purpose::Discard(response) => (head, response),
            Purpose::Handle { handler, params, body, .. } => {
                let trailers = recv.trailers().cloned().unwrap_or_default();
                let mut request = Request { head, body, trailers, peer: wire.peer, params };
                let outcome = catch_unwind(AssertUnwindSafe(|| handler.handle(&mut request)));
                let response = outcome.unwrap_or_else(|_| {
                    log::error!(
                        "the handler of {} {} panicked",
                        request.head.method,
                        request.head.target
                    );
                    internal_error()
                });
                (request.head, response)
            }
        };
        self.answer(response, Asked { head: Some(head), since }, recv.finish(), wire, may_stay())
    }

    /// Answers what is not, or not any more, a request; and that was it.
    fn refuse(&self, fault: Fault, asked: Asked, wire: &mut Wire) -> State {
        let refusal = Refusal::from(fault);
        log::info!("{}: refused: {refusal}", wire.peer);
        let response = refusal.response(asked.head.as_ref());
        self.answer(response, asked, SendHead::unasked(Close::Fault(fault.rule)), wire, false)
    }

    /// Writes the head of an answer; its body follows as it can be taken.
    fn answer(
        &self,
        response: Response,
        asked: Asked,
        send: SendHead,
        wire: &mut Wire,
        may_stay: bool,
    ) -> State {
        let Response { status, headers, body } = response;
        let mut head = ResponseHead { headers, ..ResponseHead::new(status) };
        let date = imf_fixdate(SystemTime::now());
        for (name, value) in
            [("Date", Some(date.as_str())), ("Server", self.server_name.as_deref())]
        {
            if let Some(value) = value
                && let Err(error) = head.headers.set(name, value)
            {
                log::error!("{error}");
            }
        }
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

    /// Puts the next piece of the body into the output.
    fn send_body(&self, mut answer: Answer, wire: &mut Wire) -> (State, Step) {
        let Answer { send, body, sent, .. } = &mut answer;
        let out = &mut wire.output.bytes;
        let piece = match body {
            _ if !send.wants_data() => Ok(0),
            Body::Bytes(bytes) => {
                send.write(bytes, out);
                *sent += bytes.len() as u64;
                Ok(0)
            }
            Body::File(file, _) => send_piece(file, send, out),
            Body::Read(reader, _) => send_piece(reader, send, out),
        };
        let next = match piece {
            Ok(0) => {
                self.log(wire.peer, &answer);
                answer.send.finish(out)
            }
            Ok(count) => {
                *sent += count as u64;
                return (State::Answer(answer), Step::On);
            }
            Err(error) => {
                // Short of its length, or without its last chunk: the peer can tell.
                log::error!("{}: a body broke off after {sent} bytes: {error}", wire.peer);
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

    /// Ends a connection for `why`, unless it is over already. An answer that is cut is logged.
    fn end(&self, connection: &mut Connection, why: Close) {
        let state = connection.state.take();
        if let State::Answer(answer) = &state {
            self.log(connection.wire.peer, answer);
        }
        connection.state = match state {
            State::Over(first) => State::Over(first),
            State::Head(..) | State::Body(_) | State::Answer(_) => State::Over(why),
        };
    }

    fn log(&self, peer: SocketAddr, answer: &Answer) {
        let Answer { asked: Asked { head, since }, status, sent, .. } = answer;
        let source = head.as_ref().map_or(&b"-"[..], |head| head.headers.source());
        let request = source.split(|&byte| byte == b'\n').next().unwrap_or_default();
        let request = request.strip_suffix(b"\r").unwrap_or(request);
        let line =
            Line { peer: peer.ip(), request, status: *status, sent: *sent, took: since.elapsed() };
        self.access_log.write(&line, SystemTime::now());
    }
}

/// Reads one piece and frames it. 0 is the end.
fn send_piece(
    reader: &mut impl io::Read,
    send: &mut SendBody,
    out: &mut Vec<u8>,
) -> io::Result<usize> {
    let mut piece = vec![0; PIECE];
    loop {
        match reader.read(&mut piece) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => {
                let count = outcome?;
                send.write(&piece[..count], out);
                return Ok(count);
            }
        }
    }
}

impl State {
    fn take(&mut self) -> State {
        std::mem::replace(self, State::Over(Close::PeerLeft))
    }
}

impl Connection {
    /// What it is waiting for, and until when.
    fn deadline(&self, limits: &Limits) -> Deadline {
        let Limits { transfer_grace: grace, transfer_rate: rate, .. } = *limits;
        match &self.state {
            State::Head(_, Some(since)) => Deadline::after(*since, limits.head_time, Phase::Head),
            State::Body(Incoming { body_since, received, .. }) => {
                Deadline::at_rate(*body_since, grace, *received, rate, Phase::Body)
            }
            State::Head(_, None) | State::Answer(_) | State::Over(_) => {
                let phase = if self.answered == 0 { Phase::Silent } else { Phase::Idle };
                Deadline::after(self.waiting_since, limits.idle_time, phase)
            }
        }
    }

    /// Close, or listen first, so that no reset overtakes the answer? Even a peer that has said that
    /// it has no more to ask may send one more line end (RFC 9112, 2.2).
    fn last_words(&self) -> Next {
        if self.wire.input.is_closed() { Next::Close } else { Next::Linger }
    }
}
