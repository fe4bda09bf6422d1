//! The lobby's way to take the steps of an exchange: a [`Service`] that never waits.
//!
//! ```text
//! Head ──> Body ────> Sending ─┐        a request in, a response out,
//!  ^  ├──> Stream ───^ ^       │        and again while both sides keep the connection
//!  │  └────────────────┘       │
//!  └───────────────────────────┘
//!                    └──> Closing       the output is sent, and the connection closes
//! ```
//! A turn repeats three steps: it goes on until something is missing ([`Http::advance`]), sends what has
//! been gathered, and decides what comes next ([`Http::decide_next`]).

use std::io;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::connection::{Connection, State};
use super::connection_io::{ConnectionIo, Read, Scratch};
use super::faulty::why_broken;
use super::output::Passed;
use super::receive::{ArrivingHead, ReceivedBody, ReceivedHead};
use super::request_body::RequestBody;
use super::route::Routed;
use super::send::{Outgoing, Piece, RequestInfo, Sent};
use super::{Context, Http};
use crate::net::accept::Accepted;
use crate::net::admission::RejectReason;
use crate::net::deadline::{Deadline, Phase};
use crate::net::errors::nothing_yet;
use crate::net::peer_address::PeerAddress;
use crate::net::service::{Driver, EndReason, Next, Service};
use crate::proto::http::close::CloseReason;
use crate::server::respond::error_response::overload;

/// A turn ends after this many responses or bytes, or this much time, so that other connections get
/// their turns.
const TURN_RESPONSES: u64 = 64;
const TURN_BYTES: usize = 256 << 10;
pub(super) const TURN_TIME: Duration = Duration::from_millis(1);

/// One turn: what it works with, and how far it has come.
struct Turn<'t> {
    context: Context<'t>,
    /// How long the input had been there when the turn began.
    queued: Duration,
    /// Responses of this connection before this turn.
    answered_before: u64,
    /// The turn ends after this many responses.
    most: u64,
    /// The result of the turn's only read.
    read: Option<Read>,
}

/// Why a turn does not simply go on.
enum Step {
    /// The state has changed; nothing is missing.
    Advanced,
    /// As `Advanced`, with a piece of a body that was slow to make and is sent at once.
    Slow,
    /// More input is needed.
    NeedsInput,
    /// A pushed body has nothing to send until it is woken, or until this time.
    Waiting(Instant),
    /// Nothing may leave before this time, on purpose.
    Paused(Instant),
    /// The client must make room first.
    NeedsRoom,
    /// The connection closes once the output is sent.
    Closing,
}

impl Service for Http {
    type Connection = Connection;
    type Scratch = Scratch;

    fn open(&self, accepted: &Accepted) -> Connection {
        self.open_from(accepted.peer, None, None)
    }

    fn turn(
        &self,
        connection: &mut Connection,
        stream: &TcpStream,
        scratch: &mut Scratch,
        driver: &dyn Driver,
        queued: Duration,
    ) -> Next {
        let context = Context { stream, driver, start: Instant::now() };
        let most = if driver.ends_with_response() { 1 } else { TURN_RESPONSES };
        self.turn_of(connection, scratch, Turn::new(context, queued, most))
    }

    fn is_immediate(&self, connection: &Connection, stream: &TcpStream) -> bool {
        self.needs_no_worker(connection, stream)
    }

    fn size_of_next(&self, connection: &Connection, stream: &TcpStream) -> Option<u64> {
        self.size_of_work(connection, stream)
    }

    fn may_drop(&self, connection: &Connection) -> bool {
        connection.is_between_responses()
    }

    fn expired(&self, connection: &mut Connection, stream: &TcpStream, phase: Phase) -> Next {
        if phase == Phase::Push {
            return Next::Yield; // it is time for a comment, or the end
        }
        // A little new room causes no event: a client for which something can be sent now is only slow.
        if phase == Phase::Write && self.send_some(connection, stream) {
            let output = &connection.io.output;
            return output.deadline(&self.limits).map_or(Next::Yield, Next::Writable);
        }
        let io = &mut connection.io;
        let outgoing = match (phase, connection.state.take()) {
            (Phase::Head, State::Head(ArrivingHead { recv, since: Some(since), .. })) => {
                self.head_timed_out(recv, since, io)
            }
            (Phase::Body, State::Body(collecting)) => self.body_timed_out(*collecting, io),
            (phase, state) => {
                connection.state = state;
                let is_write = phase == Phase::Write;
                let why = if is_write { CloseReason::SlowReader } else { CloseReason::Idle };
                connection.io.end_session(stream);
                self.end(connection, why);
                return Next::Close;
            }
        };
        connection.state = self.begin_response(outgoing, io).into();
        Next::Yield
    }

    fn close(&self, mut connection: Connection, ended: EndReason) {
        let why = match ended {
            EndReason::ByService => CloseReason::PeerLeft,
            EndReason::Stopping => CloseReason::Stopping,
            EndReason::Cut => {
                self.count_cut();
                CloseReason::Stopping
            }
            EndReason::Dropped => CloseReason::Dropped,
        };
        self.end(&mut connection, why);
        if let State::Closing(why) = connection.state {
            self.closed(&mut connection.io, why);
        }
    }

    fn shed(&self, connection: &mut Connection) -> bool {
        let request = match connection.state.take() {
            State::Head(ArrivingHead { recv, since, .. }) if recv.skipping().is_none() => {
                let arrived = Some(recv.give_up(&connection.io.input));
                RequestInfo { arrived, since: since.unwrap_or_else(Instant::now) }
            }
            State::Body(collecting) => collecting.request.info(),
            State::Stream(streamed) => streamed.request.info(),
            state @ (State::Head(..) | State::Sending(_) | State::Closing(_)) => {
                connection.state = state;
                return false;
            }
        };
        self.stats.count_shed();
        let outgoing = self.shed(RejectReason::Queue, request);
        connection.state = self.begin_response(outgoing, &mut connection.io).into();
        true
    }

    fn refusal(&self, why: RejectReason, peer: PeerAddress) -> Vec<u8> {
        self.refusal_with(overload(why), peer)
    }
}

impl Http {
    /// Takes a turn, and ends a connection that is broken.
    #[inline(always)]
    fn turn_of(
        &self,
        connection: &mut Connection,
        scratch: &mut Scratch,
        mut turn: Turn<'_>,
    ) -> Next {
        let connection = &mut *connection.with_buffers(scratch);
        turn.answered_before = connection.io.answered;
        let next = self.take_turn(connection, turn).unwrap_or_else(|error| {
            self.end(connection, why_broken(&error, connection.io.peer));
            Next::Close
        });
        self.count_bytes(&mut connection.io);
        next
    }

    /// Takes a turn: reads at most once, and writes when nothing more can be gathered.
    fn take_turn(&self, connection: &mut Connection, mut turn: Turn<'_>) -> io::Result<Next> {
        loop {
            let step = self.advance(connection, &turn)?;
            connection.io.flush(turn.context.stream, &self.limits)?;
            if let Some(deadline) = connection.io.output.deadline(&self.limits) {
                return Ok(Next::Writable(deadline));
            }
            if let Some(next) = self.decide_next(&step, connection, &mut turn)? {
                return Ok(next);
            }
        }
    }

    /// Goes on until something is missing, much has been gathered, or the turn is over.
    fn advance(&self, connection: &mut Connection, turn: &Turn<'_>) -> io::Result<Step> {
        loop {
            if connection.io.output.is_large() {
                return Ok(Step::Advanced);
            }
            if connection.is_done() {
                if !connection.io.input.is_closed() {
                    return Ok(Step::NeedsInput);
                }
            } else if turn.is_over(connection) {
                return Ok(Step::Advanced);
            }
            match self.step(connection, &turn.context)? {
                Step::Advanced => {}
                step => return Ok(step),
            }
        }
    }

    /// Decides what comes after a step whose output has been sent: the turn ends, or goes on (`None`).
    fn decide_next(
        &self,
        step: &Step,
        connection: &mut Connection,
        turn: &mut Turn<'_>,
    ) -> io::Result<Option<Next>> {
        Ok(match step {
            Step::Closing => {
                connection.io.end_session(turn.context.stream);
                Some(connection.linger_or_close())
            }
            Step::Slow => Some(Next::Yield),
            // A client that has closed its side still reads: its end is no event.
            Step::Paused(at) => Some(Next::Writable(Deadline { at: *at, phase: Phase::Push })),
            // After a turn that has sent something, the end of the client makes another turn (`settle`).
            Step::Waiting(until)
                if connection.io.output.counted > 0
                    || connection.io.listen(turn.context.stream)? =>
            {
                Some(Next::Readable(Deadline { at: *until, phase: Phase::Push }))
            }
            Step::Waiting(_) => {
                self.end(connection, CloseReason::PeerLeft);
                Some(Next::Close)
            }
            // Another turn is not needed after a long one: all that was requested is done.
            Step::Advanced if connection.is_done() => None,
            Step::Advanced | Step::NeedsRoom => turn.is_over(connection).then_some(Next::Yield),
            Step::NeedsInput => match turn.read {
                // A full buffer: there may be more, and no further event will tell of it.
                Some(Read::AllThatFits) => Some(Next::Yield),
                Some(Read::AllThereWas) => Some(Next::Readable(self.read_deadline(connection))),
                None => self.read(connection, turn)?,
            },
        })
    }

    /// Reads once. Returns what comes next when there is nothing to read.
    fn read(&self, connection: &mut Connection, turn: &mut Turn<'_>) -> io::Result<Option<Next>> {
        let io = &mut connection.io;
        match io.read(turn.context.stream) {
            Ok(read) => {
                turn.read = Some(read);
                let arrived = match turn.responses(io) {
                    0 => turn.context.start.checked_sub(turn.queued).unwrap_or(io.waiting_since),
                    _ => io.waiting_since,
                };
                io.timing.reads(arrived);
                Ok(None)
            }
            Err(error) if nothing_yet(&error) => {
                Ok(Some(Next::Readable(self.read_deadline(connection))))
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(Some(Next::Yield)),
            Err(error) => Err(error),
        }
    }

    /// Takes one step of an exchange, if the input is enough for it.
    fn step(&self, connection: &mut Connection, context: &Context<'_>) -> io::Result<Step> {
        let io = &mut connection.io;
        let (state, step) = match connection.state.take() {
            State::Head(arriving) => {
                // A pipelined request is as old as the response before it.
                let now = context.start.max(io.waiting_since);
                match self.receive_head(arriving, now, io) {
                    ReceivedHead::Partial(arriving) => (State::Head(arriving), Step::NeedsInput),
                    ReceivedHead::Complete(request) => {
                        let state = match self.route(request, io, context) {
                            Routed::Handle(request, call) => {
                                let body = RequestBody::default();
                                let outgoing = self.handle(request, body, call, io, context);
                                self.begin_response(outgoing, io).into()
                            }
                            Routed::Collect(collecting) => State::Body(collecting),
                            Routed::Stream(streamed) => State::Stream(streamed),
                            Routed::Respond(outgoing) => self.begin_response(outgoing, io).into(),
                        };
                        (state, Step::Advanced)
                    }
                    ReceivedHead::Rejected(outgoing) => self.respond_with(outgoing, io),
                    ReceivedHead::Closed(why) => (State::Closing(why), Step::Advanced),
                }
            }
            State::Body(collecting) => match self.receive_body(collecting, io) {
                ReceivedBody::Partial(collecting) => (State::Body(collecting), Step::NeedsInput),
                ReceivedBody::Complete(collecting) => {
                    self.respond_with(self.handle_collected(*collecting, io, context), io)
                }
                ReceivedBody::Rejected(outgoing) => self.respond_with(outgoing, io),
            },
            State::Stream(streamed) => match self.handle_streamed(*streamed, io, context) {
                Ok(outgoing) => self.respond_with(outgoing, io),
                Err(why) => (State::Closing(why), Step::Advanced),
            },
            State::Sending(mut sending) => match self.send_piece(&mut sending, io, context) {
                Ok(Piece::Gathered) => (State::Sending(sending), Step::Advanced),
                Ok(Piece::Slow) => (State::Sending(sending), Step::Slow),
                Ok(Piece::Waiting(until)) => (State::Sending(sending), Step::Waiting(until)),
                Ok(Piece::Paused(until)) => (State::Sending(sending), Step::Paused(until)),
                Ok(Piece::NoRoom) => (State::Sending(sending), Step::NeedsRoom),
                Ok(Piece::End(end)) => {
                    let next = self.end_response(*sending, end, io);
                    (Sent::All(next).into(), Step::Advanced)
                }
                Err(error) => {
                    connection.state = State::Sending(sending);
                    return Err(error);
                }
            },
            State::Closing(why) => (State::Closing(why), Step::Closing),
        };
        connection.state = state;
        Ok(step)
    }

    fn respond_with(&self, outgoing: Outgoing, io: &mut ConnectionIo) -> (State, Step) {
        (self.begin_response(outgoing, io).into(), Step::Advanced)
    }

    /// Returns what the connection waits for, and until when.
    fn read_deadline(&self, connection: &Connection) -> Deadline {
        match &connection.state {
            State::Head(arriving) => self.head_deadline(arriving, &connection.io),
            State::Body(collecting) => collecting.deadline(&self.limits),
            State::Stream(_) | State::Sending(_) | State::Closing(_) => {
                self.idle_deadline(&connection.io)
            }
        }
    }

    /// Sends what the socket has room for. Returns true if that is at least one byte.
    fn send_some(&self, connection: &mut Connection, stream: &TcpStream) -> bool {
        let Connection { io, state } = connection;
        let taken = match state {
            State::Sending(sending) if io.output.bytes.is_empty() => self
                .send_file(sending, io, stream)
                .map(|passed| usize::from(matches!(passed, Passed::Some(_)))),
            _ => io.flush(stream, &self.limits),
        };
        taken.is_ok_and(|taken| taken > 0)
    }

    /// Ends a connection for `why`, unless it is closing already. Logs a response that is cut.
    fn end(&self, connection: &mut Connection, why: CloseReason) {
        if let State::Sending(sending) = &connection.state {
            self.log_cut(sending, &connection.io);
        }
        if !matches!(connection.state, State::Closing(_)) {
            connection.state = State::Closing(why);
        }
    }
}

impl Turn<'_> {
    fn new(context: Context<'_>, queued: Duration, most: u64) -> Turn<'_> {
        Turn { context, queued, answered_before: 0, most, read: None }
    }

    fn responses(&self, io: &ConnectionIo) -> u64 {
        io.answered - self.answered_before
    }

    /// Returns true if the connection has had its turn. The time is that of its last response.
    fn is_over(&self, connection: &Connection) -> bool {
        let io = &connection.io;
        let responses = self.responses(io);
        responses >= self.most
            || responses > 0 && io.waiting_since >= self.context.start + TURN_TIME
            || io.output.counted >= TURN_BYTES
    }
}
