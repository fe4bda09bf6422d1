//! HTTP as a [`Service`]: the life of a connection, one turn at a time.
//!
//! ```text
//! Head ──> Body ────> Answer ──┐        a request in, an answer out,
//!  ^  ├──> Stream ───^ ^       │        and again while both sides want to
//!  │  └────────────────┘       │
//!  └───────────────────────────┘
//!                    └──> Over        the last bytes leave, and the connection with them
//! ```
//! Answers are gathered in a buffer and leave in one write when nothing more is at hand: a head with
//! its small body, and a row of pipelined answers. Where a request will end up is decided at its
//! head, before a byte of its body is kept. A handler runs when the body is complete; one that streams
//! it runs at once, and has the connection's input meanwhile (`stream.rs`).

use std::io::{self, Cursor};
use std::net::{SocketAddr, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use super::access_log::{AccessLog, Line};
use super::body::{Collector, RequestBody};
use super::handler::{Body, Handler, Request, Response};
use super::quota::{Quota, Share};
use super::refusal::{Refusal, internal_error, overload};
use super::router::{Found, Params, Routes};
use super::stats::Stats;
use super::stream::{Broken, Loan, Stream};
use super::wire::{Desk, Read, Wire};
use crate::net::deadline::{Deadline, Phase};
use crate::net::door::Full;
use crate::net::errors::{nothing_yet, peer_left};
use crate::net::service::{Ended, Next, Service};
use crate::proto::http::body::Piece;
use crate::proto::http::close::Close;
use crate::proto::http::date::imf_fixdate;
use crate::proto::http::error::{Fault, Rule};
use crate::proto::http::head::{RequestHead, ResponseHead};
use crate::proto::http::headers::Headers;
use crate::proto::http::limits::Limits;
use crate::proto::http::server::{Head, RecvBody, RecvHead, SendBody, SendHead};
use crate::proto::http::status::Status;

/// How much of a large body is sent at once.
const PIECE: usize = 64 << 10;

/// A turn ends after so many answers or bytes, or so much time, that other connections get theirs.
const TURN_ANSWERS: u32 = 64;
const TURN_BYTES: usize = 256 << 10;
const TURN_TIME: Duration = Duration::from_millis(1);

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
    /// Memory for bodies that are kept.
    memory: Arc<Quota>,
    /// Handlers that may stream at once.
    streams: Arc<Quota>,
    /// What is counted.
    pub stats: Arc<Stats>,
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

#[derive(Debug)]
enum State {
    /// A request is arriving; since when, once a byte of it is here.
    Head(RecvHead, Option<Instant>),
    /// Its body is arriving.
    Body(Incoming),
    /// Its body will be read by its handler, in the next step.
    Stream(Streamed),
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
    /// The handler, once it is complete.
    Handle(Call, Collector),
    /// Nothing: the answer is known, and waits for the body to be out of the way.
    Discard(Response),
}

/// A request whose handler reads the body itself.
#[derive(Debug)]
struct Streamed {
    asked: (RequestHead, Instant),
    recv: RecvBody,
    call: Call,
    seat: Share,
}

/// Who answers, and how much of a body that takes.
#[derive(Debug)]
struct Call {
    handler: Arc<dyn Handler>,
    params: Params,
    streams: bool,
    limit: u64,
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

/// What a turn is taken with.
struct Turn<'t> {
    stream: &'t TcpStream,
    may_stay: &'t dyn Fn() -> bool,
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

impl Service for Http {
    type Connection = Connection;
    type Desk = Desk;

    fn open(&self, peer: SocketAddr) -> Connection {
        let wire = Wire::new(peer);
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
        let turn = Turn { stream, may_stay };
        let next = self.try_turn(connection, &turn).unwrap_or_else(|error| {
            if !peer_left(&error) {
                log::warn!("{}: {error}", connection.wire.peer);
            }
            self.end(connection, Close::PeerLeft);
            Next::Close
        });
        let wire = &mut connection.wire;
        self.stats.count_in(std::mem::take(&mut wire.received));
        self.stats.count_out(std::mem::take(&mut wire.output.counted));
        wire.give_back(desk);
        next
    }

    fn expired(&self, connection: &mut Connection, phase: Phase) -> Next {
        let left = connection.wire.input.len();
        let (rule, refusal, asked) = match (phase, connection.state.take()) {
            (Phase::Head, State::Head(recv, Some(since))) => {
                let refusal = Refusal::head_timeout((recv.taken() + left) as u64);
                (Rule::HeadTimeout, refusal, Asked { head: None, since })
            }
            (Phase::Body, State::Body(Incoming { head, since, recv, received, .. })) => {
                let refusal = Refusal::body_timeout(received, recv.remaining());
                (Rule::BodyTimeout, refusal, Asked { head: Some(head), since })
            }
            (phase, state) => {
                connection.state = state;
                self.end(
                    connection,
                    if phase == Phase::Write { Close::SlowReader } else { Close::Idle },
                );
                return Next::Close;
            }
        };
        connection.state = self.turn_down(rule, &refusal, asked, &mut connection.wire);
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
            self.stats.count_close(why);
            log::debug!(
                "{}: closed after {} answers: {why}",
                connection.wire.peer,
                connection.answered
            );
        }
    }

    fn crowded_out(&self, connection: &mut Connection) -> bool {
        let asked = match connection.state.take() {
            State::Head(_, since) => {
                Asked { head: None, since: since.unwrap_or_else(Instant::now) }
            }
            State::Body(Incoming { head, since, .. })
            | State::Stream(Streamed { asked: (head, since), .. }) => {
                Asked { head: Some(head), since }
            }
            state @ (State::Answer(_) | State::Over(_)) => {
                connection.state = state;
                return false;
            }
        };
        self.stats.count_crowded_out();
        let send = SendHead::unasked(Close::WeAsked);
        let response = overload(Full::Queue);
        connection.state = self.answer(response, asked, send, &mut connection.wire, false);
        true
    }

    fn refusal(&self, why: Full, peer: SocketAddr) -> Vec<u8> {
        let mut wire = Wire::new(peer);
        let asked = Asked { head: None, since: Instant::now() };
        let mut state =
            self.answer(overload(why), asked, SendHead::unasked(Close::WeAsked), &mut wire, false);
        while let State::Answer(answer) = state {
            state = self.send_body(answer, &mut wire).0;
        }
        wire.output.bytes
    }
}

impl Http {
    /// Serves these routes. So many handlers may stream their bodies at once.
    pub fn new(
        routes: Routes,
        limits: Limits,
        streams: usize,
        server_name: Option<String>,
        access_log: AccessLog,
        stats: Arc<Stats>,
    ) -> Http {
        let (memory, streams) = (Quota::new(limits.bodies_memory), Quota::new(streams as u64));
        let cut = AtomicUsize::new(0);
        Http { routes, limits, server_name, access_log, memory, streams, stats, cut }
    }

    /// How many connections have been cut, as the time to stop had run out.
    pub fn cut(&self) -> usize {
        self.cut.load(Ordering::Relaxed)
    }

    /// Steps until there is nothing to do without the peer; reads at most once; writes when all
    /// that can be answered is, or when much has been gathered.
    fn try_turn(&self, connection: &mut Connection, turn: &Turn<'_>) -> io::Result<Next> {
        let start = Instant::now();
        let (mut read, mut answers, mut written) = (None, 0, 0);
        loop {
            let step = if connection.wire.output.is_large() {
                Step::On
            } else {
                self.step(connection, turn)
            };
            if let Step::Answered = step {
                answers += 1;
            }
            let time = || connection.waiting_since.duration_since(start);
            let had_its_turn = answers >= TURN_ANSWERS || answers > 0 && time() >= TURN_TIME;
            let pausing = matches!(step, Step::Hungry | Step::Over) || had_its_turn;
            if pausing || connection.wire.output.is_large() {
                written += connection.wire.output.flush(turn.stream)?;
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
                (Step::Hungry, None) => match connection.wire.read(turn.stream) {
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
    fn step(&self, connection: &mut Connection, turn: &Turn<'_>) -> Step {
        let wire = &mut connection.wire;
        let (state, step) = match connection.state.take() {
            State::Head(recv, since) => self.receive_head(recv, since, wire, turn),
            State::Body(incoming) => self.receive_body(incoming, wire, turn),
            State::Stream(streamed) => (self.stream(streamed, wire, turn), Step::On),
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
        turn: &Turn<'_>,
    ) -> (State, Step) {
        let since =
            if wire.input.is_empty() { since } else { since.or_else(|| Some(Instant::now())) };
        let begun = since.unwrap_or_else(Instant::now);
        match recv.receive(&mut wire.input, &self.limits) {
            Ok(Head::More(recv)) => {
                // Empty lines are no request yet (RFC 9112, 2.2): the client is as idle as before.
                let has_begun = recv.taken() > 0 || !wire.input.is_empty();
                (State::Head(recv, since.filter(|_| has_begun)), Step::Hungry)
            }
            Ok(Head::Closed) => (State::Over(Close::PeerClosed), Step::On),
            Ok(Head::Complete(head, recv)) => (self.route(head, recv, begun, wire, turn), Step::On),
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
        turn: &Turn<'_>,
    ) -> State {
        self.stats.count_request();
        let call = match self.find(&head, &recv) {
            Ok(call) => call,
            Err(response) => return self.answer_early(response, (head, since), recv, wire, turn),
        };
        if call.streams && !recv.is_done() {
            let mut seat = self.streams.share();
            return if seat.grow(1) {
                State::Stream(Streamed { asked: (head, since), recv, call, seat })
            } else {
                self.no_room(Refusal::too_many_streams(), (head, since), recv, wire)
            };
        }
        recv.send_continue(&wire.input, &mut wire.output.bytes);
        let purpose = Purpose::Handle(call, Collector::default());
        State::Body(Incoming::new((head, since), recv, purpose))
    }

    /// Who answers; or the answer, when it can be given by the head alone.
    fn find(&self, head: &RequestHead, recv: &RecvBody) -> Result<Call, Response> {
        let refuse = |refusal: Refusal| refusal.response(Some(head));
        match self.routes.find(&head.method, &head.target) {
            Found::Handler(handler, params) => {
                let judge = || {
                    let own_limit = || handler.body_limit().unwrap_or(u64::MAX);
                    handler.admit(head).map(|()| (handler.streams(), own_limit()))
                };
                let judged = guarded(judge).map_err(|Panicked| after_panic(head))?;
                let (streams, own_limit) = judged.map_err(refuse)?;
                let limit = if streams { own_limit } else { own_limit.min(self.limits.body) };
                if recv.remaining().is_some_and(|length| length > limit) {
                    return Err(refuse(Refusal::too_large(limit)));
                }
                Ok(Call { handler: Arc::clone(handler), params, streams, limit })
            }
            Found::Options(allow) => Err(Response::new(Status::NO_CONTENT).field("Allow", allow)),
            Found::NotAllowed(allow) => {
                Err(refuse(Refusal::not_allowed(head, &allow)).field("Allow", allow))
            }
            Found::NotFound => Err(refuse(Refusal::not_found(head))),
            Found::NotImplemented => Err(refuse(Refusal::not_implemented(head))),
        }
    }

    /// The answer is known, and the body has not come yet. A short one that is coming anyway is
    /// read, so that the connection can be kept (RFC 9112, 9.3); else the answer goes out now, and
    /// the connection with it.
    fn answer_early(
        &self,
        response: Response,
        (head, since): (RequestHead, Instant),
        recv: RecvBody,
        wire: &mut Wire,
        turn: &Turn<'_>,
    ) -> State {
        let short = recv.remaining().is_some_and(|length| length <= self.limits.body_unread);
        if recv.is_done() || short && !recv.waits_for_continue() {
            return State::Body(Incoming::new((head, since), recv, Purpose::Discard(response)));
        }
        let asked = Asked { head: Some(head), since };
        self.answer(response, asked, recv.finish(), wire, (turn.may_stay)())
    }

    fn receive_body(
        &self,
        mut incoming: Incoming,
        wire: &mut Wire,
        turn: &Turn<'_>,
    ) -> (State, Step) {
        loop {
            let fault = match incoming.recv.receive(&mut wire.input, &self.limits) {
                Ok(Piece::Data(data)) => {
                    incoming.received += data.len() as u64;
                    match &mut incoming.purpose {
                        Purpose::Handle(call, _) if incoming.received > call.limit => {
                            Fault { rule: Rule::BodyTooLarge, offset: call.limit }
                        }
                        Purpose::Handle(_, body) => {
                            match body.push(data, self.limits.body_memory, &self.memory) {
                                Ok(()) => continue,
                                Err(error) => {
                                    log::error!("{}: a body cannot be kept: {error}", wire.peer);
                                    let refusal = Refusal::cannot_keep(&error);
                                    let Incoming { head, since, recv, .. } = incoming;
                                    let state = self.no_room(refusal, (head, since), recv, wire);
                                    return (state, Step::On);
                                }
                            }
                        }
                        Purpose::Discard(_) => continue,
                    }
                }
                Ok(Piece::More) => return (State::Body(incoming), Step::Hungry),
                Ok(Piece::End) => return (self.handle(incoming, wire, turn), Step::On),
                Err(fault) => fault,
            };
            let asked = Asked { head: Some(incoming.head), since: incoming.since };
            return (self.refuse(fault, asked, wire), Step::On);
        }
    }

    /// The request is complete: it is handled, here and now, by this thread.
    fn handle(&self, incoming: Incoming, wire: &mut Wire, turn: &Turn<'_>) -> State {
        let Incoming { head, since, recv, purpose, .. } = incoming;
        let (head, response) = match purpose {
            Purpose::Discard(response) => (head, response),
            Purpose::Handle(call, body) => match body.finish() {
                Ok(body) => {
                    let trailers = recv.trailers().cloned().unwrap_or_default();
                    call.answer(head, body, trailers, wire.peer)
                }
                Err(error) => {
                    log::error!("{}: a body that was kept cannot be read: {error}", wire.peer);
                    (head, internal_error())
                }
            },
        };
        let asked = Asked { head: Some(head), since };
        self.answer(response, asked, recv.finish(), wire, (turn.may_stay)())
    }

    /// The handler reads the body itself, and waits for it. What it leaves is got out of the way;
    /// when its reading failed, the client is told why instead of what the handler says.
    fn stream(&self, streamed: Streamed, wire: &mut Wire, turn: &Turn<'_>) -> State {
        let Streamed { asked: (head, since), recv, call, seat: _until_the_end } = streamed;
        let socket = match turn.stream.try_clone() {
            Ok(socket) => socket,
            Err(error) => {
                log::warn!("{}: a body cannot be streamed: {error}", wire.peer);
                return self.no_room(Refusal::too_many_streams(), (head, since), recv, wire);
            }
        };
        let peer = wire.peer;
        let lent = std::mem::replace(wire, Wire::new(peer));
        let loan = Loan::new(Stream::new(socket, lent, recv, self.limits.clone(), call.limit));
        let body = RequestBody::streamed(loan.clone());
        let (head, response) = call.answer(head, body, Headers::new(), peer);
        let Some(mut stream) = loan.take_back() else { return State::Over(Close::PeerLeft) };
        let broken = stream.broken();
        let Stream { wire: lent, recv, .. } = stream;
        *wire = lent;
        match broken {
            None => self.answer_early(response, (head, since), recv, wire, turn),
            Some(Broken::Fault(fault)) => {
                self.refuse(fault, Asked { head: Some(head), since }, wire)
            }
            Some(Broken::Connection(error)) => {
                log::debug!("{peer}: {error}");
                wire.input.close();
                State::Over(Close::PeerLeft)
            }
        }
    }

    /// A body cannot be taken now: the client hears so at once, and the rest is not waited for.
    fn no_room(
        &self,
        refusal: Refusal,
        (head, since): (RequestHead, Instant),
        recv: RecvBody,
        wire: &mut Wire,
    ) -> State {
        log::info!("{}: refused: {refusal}", wire.peer);
        let response = refusal.response(Some(&head)).field("Retry-After", "1");
        self.answer(response, Asked { head: Some(head), since }, recv.finish(), wire, false)
    }

    /// Answers what is not, or not any more, a request; and that was it.
    fn refuse(&self, fault: Fault, asked: Asked, wire: &mut Wire) -> State {
        self.turn_down(fault.rule, &Refusal::from(fault), asked, wire)
    }

    fn turn_down(&self, rule: Rule, refusal: &Refusal, asked: Asked, wire: &mut Wire) -> State {
        self.stats.count_fault(rule);
        log::info!("{}: refused: {refusal}", wire.peer);
        let response = refusal.response(asked.head.as_ref());
        self.answer(response, asked, SendHead::unasked(Close::Fault(rule)), wire, false)
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
                let target = asked.head.as_ref().map(|head| head.target.to_string());
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

    /// Ends a connection for `why`, unless it is over already. An answer that is cut is logged.
    fn end(&self, connection: &mut Connection, why: Close) {
        let state = connection.state.take();
        if let State::Answer(answer) = &state {
            self.log(connection.wire.peer, answer);
        }
        connection.state = match state {
            State::Over(first) => State::Over(first),
            State::Head(..) | State::Body(_) | State::Stream(_) | State::Answer(_) => {
                State::Over(why)
            }
        };
    }

    fn log(&self, peer: SocketAddr, answer: &Answer) {
        let Answer { asked: Asked { head, since }, status, sent, .. } = answer;
        self.stats.count_answer(*status);
        let source = head.as_ref().map_or(&b"-"[..], |head| head.headers.source());
        let request = source.split(|&byte| byte == b'\n').next().unwrap_or_default();
        let request = request.strip_suffix(b"\r").unwrap_or(request);
        let line =
            Line { peer: peer.ip(), request, status: *status, sent: *sent, took: since.elapsed() };
        self.access_log.write(&line, SystemTime::now());
    }
}

/// Code that is not ours has panicked.
struct Panicked;

/// Runs what is not ours: a panic in it costs its own request and nothing else.
fn guarded<T>(run: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| Panicked)
}

fn after_panic(head: &RequestHead) -> Response {
    log::error!("the handler of {} {} panicked", head.method, head.target);
    internal_error()
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

impl Call {
    /// Calls the handler. Gives the head back, for the log.
    fn answer(
        self,
        head: RequestHead,
        body: RequestBody,
        trailers: Headers,
        peer: SocketAddr,
    ) -> (RequestHead, Response) {
        let Call { handler, params, .. } = self;
        let mut request = Request { head, body, trailers, peer, params };
        let outcome = guarded(|| handler.handle(&mut request));
        let response = outcome.unwrap_or_else(|Panicked| after_panic(&request.head));
        (request.head, response)
    }
}

impl Incoming {
    fn new((head, since): (RequestHead, Instant), recv: RecvBody, purpose: Purpose) -> Incoming {
        Incoming { head, since, recv, body_since: Instant::now(), received: 0, purpose }
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
            State::Head(_, None) | State::Stream(_) | State::Answer(_) | State::Over(_) => {
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
