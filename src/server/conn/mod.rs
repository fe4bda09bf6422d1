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
//! its small body, and a row of pipelined answers. Here are the states and the turns; the way from a
//! head to its handler is in `request.rs`, the way from there to the wire in `answer.rs`.

pub(crate) mod connection_io;
pub(crate) mod date_cache;
pub(crate) mod output;
mod receive;
pub mod request_body;
mod send;
mod send_file;
pub(crate) mod streamed_body;
#[cfg(test)]
mod tests;
pub mod timing;

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use self::receive::{Incoming, Streamed};
use self::send::{Answer, Asked};
use super::conn::connection_io::{Read, Scratch, Wire};
use super::conn::output::Passed;
use super::conn::request_body::BodyRoom;
use super::conn::timing::ServerTiming;
use super::log::access_log::AccessLog;
use super::log::stats::Stats;
use super::log::wire_log::WireLog;
use super::quota::Quota;
use super::respond::error_response::{ErrorResponse, overload};
use super::router::Routes;
use crate::net::admission::RejectReason;
use crate::net::deadline::{Deadline, Phase};
use crate::net::errors::{nothing_yet, peer_left};
use crate::net::service::{Driver, EndReason, Next, Service};
use crate::net::stop_signal::StopSignal;
use crate::proto::http::close::CloseReason;
use crate::proto::http::error::Rule;
use crate::proto::http::headers::Headers;
use crate::proto::http::limits::Limits;
use crate::proto::http::server::RecvHead;

/// A turn ends after so many answers or bytes, or so much time, that other connections get theirs.
const TURN_ANSWERS: u64 = 64;
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
    server_name: Headers,
    /// Who is told where the time went.
    pub server_timing: ServerTiming,
    /// One line a request.
    pub access_log: AccessLog,
    /// Memory, disk and descriptors for bodies that are kept; descriptors for files that are sent.
    bodies: BodyRoom,
    /// Handlers that may stream at once.
    streams: Arc<Quota>,
    /// The kernel's memory for who reads much, and fast.
    unsent: Arc<Quota>,
    /// Who looks on at the bytes.
    pub wire_log: Option<WireLog>,
    /// What is counted.
    pub stats: Arc<Stats>,
    /// Handlers that wait for a body hear of it.
    stop: StopSignal,
    cut: AtomicUsize,
}

/// One connection, between two turns.
#[derive(Debug)]
pub struct Connection {
    wire: Wire,
    state: State,
}

#[derive(Debug)]
enum State {
    /// A request is arriving; since when, once a byte of it is here.
    Head(RecvHead, Option<Instant>),
    /// Its body is arriving.
    Body(Box<Incoming>),
    /// Its body will be read by its handler, in the next step.
    Stream(Box<Streamed>),
    /// The answer is leaving.
    Answer(Box<Answer>),
    /// Nothing follows what is in the output.
    Over(CloseReason),
}

/// What a turn is taken with.
struct Turn<'t> {
    stream: &'t TcpStream,
    /// When it began: when what is read in it was there.
    start: Instant,
    /// How long it had been waited for.
    queued: Duration,
    /// When it ends, if an answer has been given.
    end: Instant,
    driver: &'t dyn Driver,
}

/// How far a step went.
enum Step {
    /// To another state; go on from there.
    On,
    /// To another state, with something that was slow in the making: it leaves before the next is made.
    Paced,
    /// Nowhere without more input.
    Hungry,
    /// Nowhere without more room in the peer.
    Stuck,
    /// Nowhere any more.
    Over,
}

impl Service for Http {
    type Connection = Connection;
    type Scratch = Scratch;

    fn open(&self, peer: SocketAddr) -> Connection {
        let wire = self.wire(peer);
        let state = State::Head(RecvHead::default(), None);
        Connection { wire, state }
    }

    fn turn(
        &self,
        connection: &mut Connection,
        stream: &TcpStream,
        scratch: &mut Scratch,
        driver: &dyn Driver,
        queued: Duration,
    ) -> Next {
        connection.wire.borrow(scratch);
        // Nothing is done in a turn that begins with reading before that has brought something.
        let begins = !connection.wire.input.is_empty() || !connection.state.is_new();
        let start = if begins { Instant::now() } else { connection.wire.waiting_since };
        let turn = Turn { stream, start, end: start + TURN_TIME, queued, driver };
        let next = self.try_turn(connection, turn).unwrap_or_else(|error| {
            if !peer_left(&error) {
                log::warn!("{}: {error}", connection.wire.peer);
            }
            self.end(connection, CloseReason::PeerLeft);
            Next::Close
        });
        let wire = &mut connection.wire;
        self.stats.count_in(std::mem::take(&mut wire.received));
        self.stats.count_out(std::mem::take(&mut wire.output.counted));
        wire.give_back(scratch);
        next
    }

    fn expired(&self, connection: &mut Connection, stream: &TcpStream, phase: Phase) -> Next {
        // A little room is made silently: who takes what there is room for now is slow, and not gone.
        if phase == Phase::Write && self.takes_some(connection, stream) {
            let output = &connection.wire.output;
            return output.deadline(&self.limits).map_or(Next::Yield, Next::Writable);
        }
        let left = connection.wire.input.len();
        let (rule, refusal, asked) = match (phase, connection.state.take()) {
            (Phase::Head, State::Head(recv, Some(since))) => {
                let refusal = ErrorResponse::head_timeout((recv.taken() + left) as u64);
                let came = Some(recv.give_up(&connection.wire.input));
                (Rule::HeadTimeout, refusal, Asked { came, since })
            }
            (Phase::Body, State::Body(incoming)) => {
                let Incoming { head, since, recv, received, .. } = *incoming;
                let refusal = ErrorResponse::body_timeout(received, recv.remaining());
                (Rule::BodyTimeout, refusal, Asked::of(head, since))
            }
            (phase, state) => {
                connection.state = state;
                self.end(
                    connection,
                    if phase == Phase::Write { CloseReason::SlowReader } else { CloseReason::Idle },
                );
                return Next::Close;
            }
        };
        connection.state = self.turn_down(rule, &refusal, asked, &mut connection.wire);
        Next::Yield
    }

    fn close(&self, mut connection: Connection, ended: EndReason) {
        if ended == EndReason::Cut {
            self.cut.fetch_add(1, Ordering::Relaxed);
        }
        self.end(
            &mut connection,
            match ended {
                EndReason::ByService => CloseReason::PeerLeft,
                EndReason::MakingRoom => CloseReason::WeAsked,
                EndReason::Stopping | EndReason::Cut => CloseReason::Stopping,
            },
        );
        if let State::Over(why) = connection.state {
            self.stats.count_close(why);
            if let Some(tap) = &mut connection.wire.tap {
                tap.closed(why);
            }
            log::debug!(
                "{}: closed after {} answers: {why}",
                connection.wire.peer,
                connection.wire.answered
            );
        }
    }

    fn crowded_out(&self, connection: &mut Connection) -> bool {
        let asked = match connection.state.take() {
            State::Head(recv, since) if recv.skipping().is_none() => {
                let came = Some(recv.give_up(&connection.wire.input));
                Asked { came, since: since.unwrap_or_else(Instant::now) }
            }
            State::Body(incoming) => Asked::of(incoming.head, incoming.since),
            State::Stream(streamed) => Asked::of(streamed.asked.0, streamed.asked.1),
            state @ (State::Head(..) | State::Answer(_) | State::Over(_)) => {
                connection.state = state;
                return false;
            }
        };
        self.stats.count_crowded_out();
        let send = asked.last(CloseReason::WeAsked);
        let response = overload(RejectReason::Queue);
        connection.state = self.answer(response, asked, send, &mut connection.wire, false);
        true
    }

    fn refusal(&self, why: RejectReason, peer: SocketAddr) -> Vec<u8> {
        let mut wire = self.wire(peer);
        let asked = Asked { came: None, since: Instant::now() };
        let send = asked.last(CloseReason::WeAsked);
        let mut state = self.answer(overload(why), asked, send, &mut wire, false);
        while let State::Answer(answer) = state {
            state = self.send_body(answer, &mut wire);
        }
        if let Some(tap) = &mut wire.tap {
            tap.went(&wire.output.bytes);
            tap.closed(CloseReason::WeAsked);
        }
        wire.output.bytes
    }
}

impl Http {
    /// Serves these routes. So many handlers may stream their bodies at once; with 0, all bodies are
    /// collected.
    pub fn new(
        routes: Routes,
        limits: Limits,
        streams: usize,
        server_name: Option<String>,
        access_log: AccessLog,
        stats: Arc<Stats>,
        stop: StopSignal,
    ) -> Http {
        let unsent = Quota::new(limits.unsent_memory);
        let bodies = BodyRoom {
            memory_of_one: limits.body_memory,
            memory: Quota::new(limits.bodies_memory),
            disk: Quota::new(limits.bodies_disk),
            files: Quota::new(u64::MAX),
        };
        let streams = Quota::new(streams as u64);
        let cut = AtomicUsize::new(0);
        let mut named = Headers::new();
        if let Some(Err(error)) = server_name.map(|name| named.set("Server", name)) {
            log::error!("{error}");
        }
        let (server_name, server_timing, wire_log) = (named, ServerTiming::Off, None);
        Http {
            routes,
            limits,
            server_name,
            server_timing,
            access_log,
            bodies,
            streams,
            unsent,
            wire_log,
            stats,
            stop,
            cut,
        }
    }

    /// Lets so many files be open at once for bodies and for answers; until this is said, any number.
    pub fn limit_files(&mut self, most: usize) {
        self.bodies.files = Quota::new(most as u64);
    }

    fn wire(&self, peer: SocketAddr) -> Wire {
        let tap = self.wire_log.as_ref().map(|log| log.open(peer, &self.limits));
        let wire = Wire::new(peer);
        Wire { tap, timing: self.server_timing.of(peer, wire.waiting_since), ..wire }
    }

    /// How many connections have been cut, as the time to stop had run out.
    pub fn cut(&self) -> usize {
        self.cut.load(Ordering::Relaxed)
    }

    /// Steps until there is nothing to do without the peer; reads at most once; writes when all
    /// that can be answered is, or when much has been gathered.
    fn try_turn(&self, connection: &mut Connection, mut turn: Turn<'_>) -> io::Result<Next> {
        let (mut read, answered) = (None, connection.wire.answered);
        loop {
            let step = if connection.wire.output.is_large() {
                Step::On
            } else if connection.is_done() && !connection.wire.input.is_closed() {
                Step::Hungry
            } else {
                self.step(connection, &turn)?
            };
            let Wire { answered: now_answered, waiting_since, .. } = connection.wire;
            let answers = now_answered - answered;
            let had_its_turn =
                || answers >= TURN_ANSWERS || answers > 0 && waiting_since >= turn.end;
            let pausing = !matches!(step, Step::On) || had_its_turn();
            if pausing || connection.wire.output.is_large() {
                connection.wire.flush(turn.stream, &self.limits)?;
                if let Some(deadline) = connection.wire.output.deadline(&self.limits) {
                    return Ok(Next::Writable(deadline));
                }
            }
            match (step, read) {
                (Step::Over, _) => return Ok(connection.last_words()),
                (Step::Paced, _) => return Ok(Next::Yield),
                // However long it took: who has not asked for more waits like everybody else.
                (Step::On, _) if connection.is_done() => {}
                (Step::On | Step::Stuck, _)
                    if had_its_turn() || connection.wire.output.counted >= TURN_BYTES =>
                {
                    return Ok(Next::Yield);
                }
                (Step::On | Step::Stuck, _) => {}
                // There may be more where so much came from, and nobody will tell of it again.
                (Step::Hungry, Some(Read::AllThatFits)) => return Ok(Next::Yield),
                (Step::Hungry, Some(Read::AllThereWas)) => {
                    return Ok(Next::Readable(connection.deadline(&self.limits)));
                }
                (Step::Hungry, None) => match connection.wire.read(turn.stream) {
                    Ok(some) => {
                        read = Some(some);
                        let mut came = waiting_since;
                        if answers == 0 {
                            turn.start = Instant::now();
                            turn.end = turn.start + TURN_TIME;
                            came = turn.start.checked_sub(turn.queued).unwrap_or(came);
                        }
                        connection.wire.timing.reads(came);
                    }
                    Err(error) if nothing_yet(&error) => {
                        return Ok(Next::Readable(connection.deadline(&self.limits)));
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                        return Ok(Next::Yield);
                    }
                    Err(error) => return Err(error),
                },
            }
        }
    }

    /// Goes one state on, if what is at hand is enough for it.
    fn step(&self, connection: &mut Connection, turn: &Turn<'_>) -> io::Result<Step> {
        let wire = &mut connection.wire;
        let (state, step) = match connection.state.take() {
            State::Head(recv, since) => {
                // What came with another request is as old as that one's answer.
                let now = turn.start.max(wire.waiting_since);
                self.receive_head(recv, since, now, wire, turn)
            }
            State::Body(incoming) => self.receive_body(incoming, wire, turn),
            State::Stream(streamed) => (self.stream(*streamed, wire, turn), Step::On),
            State::Answer(mut answer) => match self.send_file(&mut answer, wire, turn.stream) {
                Ok(Passed::Nothing) => self.send_piece(answer, wire, turn.driver),
                Ok(Passed::Some(_)) => (State::Answer(answer), Step::On),
                Ok(Passed::NoRoom) => (State::Answer(answer), Step::Stuck),
                Err(error) => {
                    connection.state = State::Answer(answer);
                    return Err(error);
                }
            },
            State::Over(close) => (State::Over(close), Step::Over),
        };
        connection.state = state;
        Ok(step)
    }

    /// Is there room for some of what the peer has been waited for to take? Then it goes there.
    fn takes_some(&self, connection: &mut Connection, stream: &TcpStream) -> bool {
        let Connection { wire, state, .. } = connection;
        let taken = match state {
            State::Answer(answer) if wire.output.bytes.is_empty() => self
                .send_file(answer, wire, stream)
                .map(|passed| usize::from(matches!(passed, Passed::Some(_)))),
            _ => wire.flush(stream, &self.limits),
        };
        taken.is_ok_and(|taken| taken > 0)
    }

    /// Ends a connection for `why`, unless it is over already. An answer that is cut is logged.
    fn end(&self, connection: &mut Connection, why: CloseReason) {
        let state = connection.state.take();
        if let State::Answer(answer) = &state {
            self.log(connection.wire.peer, &answer.exchange, Instant::now());
        }
        connection.state = match state {
            State::Over(first) => State::Over(first),
            State::Head(..) | State::Body(_) | State::Stream(_) | State::Answer(_) => {
                State::Over(why)
            }
        };
    }
}

impl State {
    /// Has nothing of the next request been read?
    fn is_new(&self) -> bool {
        matches!(self, State::Head(_, None))
    }

    fn take(&mut self) -> State {
        std::mem::replace(self, State::Over(CloseReason::PeerLeft))
    }
}

impl Connection {
    /// What it is waiting for, and until when.
    fn deadline(&self, limits: &Limits) -> Deadline {
        let Limits { transfer_grace: grace, transfer_rate: rate, .. } = *limits;
        match &self.state {
            State::Head(_, Some(since)) => Deadline::after(*since, limits.head_time, Phase::Head),
            State::Body(incoming) => {
                let Incoming { body_since, received, .. } = **incoming;
                Deadline::at_rate(body_since, grace, received, rate, Phase::Body)
            }
            State::Head(recv, None) => match recv.skipping() {
                // Not idle: closed now, it would be reset, and its answer might be lost.
                Some(skipped) => {
                    Deadline::at_rate(self.wire.waiting_since, grace, skipped, rate, Phase::Body)
                }
                None => self.idle(limits),
            },
            State::Stream(_) | State::Answer(_) | State::Over(_) => self.idle(limits),
        }
    }

    /// Has all that was asked for been answered?
    fn is_done(&self) -> bool {
        self.wire.input.is_empty() && matches!(self.state, State::Head(_, None))
    }

    fn idle(&self, limits: &Limits) -> Deadline {
        let phase = if self.wire.answered == 0 { Phase::Silent } else { Phase::Idle };
        Deadline::after(self.wire.waiting_since, limits.idle_time, phase)
    }

    /// Close, or listen first, so that no reset overtakes the answer? Even a peer that has said that
    /// it has no more to ask may send one more line end (RFC 9112, 2.2).
    fn last_words(&self) -> Next {
        if self.wire.input.is_closed() { Next::Close } else { Next::Linger }
    }
}
