//! One thread of the generator: its connections, and one wait for all of them.
//!
//! ```text
//! open ─> Opening ─> Up: send ─> receive ─> complete ─> send …        in a closed loop, at once
//!  ^                  │            │            └─> free ─> dispatch  at a rate, when one is due
//!  └── Down <── fail ─┴────────────┘
//! ```

mod deadlines;

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read as _};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::connection::{BenchConnection, Link};
use super::destination::outcome;
use super::encoded_request::{ResponseStep, Shapes};
use super::failure::{Cause, Failure};
use super::schedule::{NextRequest, Pace, Schedule};
use super::tally::{LATE_THRESHOLD, Tally};
use super::{Job, Measured};
use crate::net::poller::{Event, Events, Poller, Timer};
use crate::net::stream::Stream;
use crate::net::thread_usage;
use crate::proto::buf::Buf;
use crate::proto::http::limits::Limits;

/// The size of a read.
const READ: usize = 64 << 10;
/// The interval at which deadlines are checked that need no precision.
const TICK: Duration = Duration::from_millis(20);
/// The pause after a connection that failed to be established.
const PAUSE: Duration = Duration::from_millis(50);

pub(super) struct Driver<'j> {
    job: &'j Job<'j>,
    schedule: Schedule,
    shapes: Shapes,
    limits: Limits,
    poller: Poller,
    timer: Timer,
    connections: Vec<BenchConnection>,
    /// Connections that can take a request, the longest free one first; at a rate only. One that has
    /// broken since may still be in it.
    free: VecDeque<usize>,
    /// Requests that were taken from the schedule and have no result yet.
    under_way: u64,
    /// The buffer for reads while they are parsed; only an incomplete rest stays with its connection.
    scratch: Buf,
    tally: Tally,
    last_answer: Option<Instant>,
    seen: (u64, u64),
}

/// What happens to a connection after its responses were parsed.
enum Then {
    Stays,
    Closes,
}

impl<'j> Driver<'j> {
    pub(super) fn new(
        job: &'j Job<'j>,
        schedule: Schedule,
        shapes: Shapes,
        connections: usize,
    ) -> io::Result<Driver<'j>> {
        let poller = Poller::new()?;
        Ok(Driver {
            job,
            schedule,
            shapes,
            limits: Limits::of_responses(),
            timer: poller.timer()?,
            poller,
            connections: (0..connections).map(|_| BenchConnection::default()).collect(),
            free: VecDeque::with_capacity(connections),
            under_way: 0,
            scratch: Buf::new(),
            tally: Tally::new(job.plan.duration, job.plan.turns.len()),
            last_answer: None,
            seen: (0, 0),
        })
    }

    pub(super) fn run(mut self) -> io::Result<Measured> {
        let (begun, cost) = (Instant::now(), thread_usage::of_this_thread());
        let mut events = Events::new();
        for at in 0..self.connections.len() {
            self.open(at, begun)?;
        }
        let mut tick = begun + TICK;
        loop {
            let now = Instant::now();
            let next = self.dispatch()?;
            if now >= tick {
                self.check_deadlines(now)?;
                tick = now + TICK;
            }
            if self.job.stop.load(Ordering::Relaxed) || self.is_over(now) {
                break;
            }
            if let Some(due) = next {
                self.timer.set(due.saturating_duration_since(Instant::now()))?;
            }
            self.poller.wait_for(tick.saturating_duration_since(now), &mut events)?;
            for event in events.iter() {
                self.handle_event(event)?;
            }
        }
        self.publish_progress();
        let now = Instant::now();
        let cost = thread_usage::of_this_thread().saturating_sub(cost);
        let ended = self.schedule.end().max(self.last_answer).unwrap_or(now);
        Ok(Measured {
            ended: if self.job.stop.load(Ordering::Relaxed) { now } else { ended },
            busy: cost.as_secs_f64() / (now - begun).as_secs_f64().max(1e-6),
            tally: self.tally,
        })
    }

    fn is_closed_loop(&self) -> bool {
        self.job.plan.pace == Pace::Closed
    }

    fn is_over(&self, now: Instant) -> bool {
        self.under_way == 0 && self.schedule.clone().next(now) == NextRequest::Over
    }

    /// Returns true if, at a rate, a connection is opened only when the request is due for which it is made.
    fn opens_when_due(&self) -> bool {
        !self.is_closed_loop() && self.job.plan.per_connection == Some(1)
    }

    /// Begins a connection; in a closed loop for a request only, which waits for it. If each request has a
    /// connection of its own, and comes at a rate, it is opened later.
    fn open(&mut self, at: usize, now: Instant) -> io::Result<()> {
        if self.opens_when_due() {
            if self.connections[at].free.is_none() {
                self.connections[at].link = Link::Down;
                self.connections[at].free = Some(now);
                self.free.push_back(at);
            }
            return Ok(());
        }
        let next = match self.is_closed_loop() {
            true => self.schedule.next(now),
            false => self.schedule.clone().next(now),
        };
        let due = match next {
            NextRequest::Over => return Ok(()),
            NextRequest::Due(due) => Some(due).filter(|_| self.is_closed_loop()),
            NextRequest::NotBefore(_) => None,
        };
        self.begin(at, due, now)
    }

    fn begin(&mut self, at: usize, due: Option<Instant>, now: Instant) -> io::Result<()> {
        self.under_way += u64::from(due.is_some());
        match self.job.destination.begin() {
            Ok(stream) => {
                self.poller.register_opening(&stream, at as u64)?;
                self.connections[at].link = Link::Opening(stream, now, due);
            }
            Err(error) => self.not_connected(at, Cause::from(&error), due, now),
        }
        Ok(())
    }

    fn not_connected(&mut self, at: usize, cause: Cause, due: Option<Instant>, now: Instant) {
        self.connections[at].link = Link::Resting(now + PAUSE);
        self.under_way -= u64::from(due.is_some());
        if self.schedule.is_measured(due.unwrap_or(now)) {
            self.tally.failed(Failure::Connect(cause), 1);
        }
    }

    /// Sends what is due on free connections, at a rate. Returns when the next request is due, if a
    /// connection is free for it.
    fn dispatch(&mut self) -> io::Result<Option<Instant>> {
        while let Some(&at) = self.free.front() {
            let since = self.connections[at].free;
            let (Link::Up(_) | Link::Down, Some(since)) = (&self.connections[at].link, since)
            else {
                self.free.pop_front();
                continue;
            };
            let now = Instant::now();
            let due = match self.schedule.next(now) {
                NextRequest::Due(due) => due,
                NextRequest::NotBefore(due) => return Ok(Some(due)),
                NextRequest::Over => return Ok(None),
            };
            if now.saturating_duration_since(due.max(since)) > LATE_THRESHOLD
                && self.schedule.is_measured(due)
            {
                self.tally.late += 1;
            }
            self.free.pop_front();
            self.connections[at].free = None;
            if let Link::Down = self.connections[at].link {
                self.begin(at, Some(due), now)?;
                continue;
            }
            self.under_way += 1;
            self.connections[at].enqueue(due, now, &mut self.shapes);
            self.flush(at, now);
            self.offer(at, now);
        }
        Ok(None)
    }

    /// Adds a connection to the free ones, if it can take a request.
    fn offer(&mut self, at: usize, now: Instant) {
        let connection = &mut self.connections[at];
        if connection.has_room(self.job.plan.pipeline) && connection.free.is_none() {
            connection.free = Some(now);
            self.free.push_back(at);
        }
    }

    /// Sends as many requests as a connection may have outstanding: the next steps of a closed loop.
    fn feed(&mut self, at: usize, now: Instant) {
        if !self.is_closed_loop() {
            return self.offer(at, now);
        }
        let mut enqueued = false;
        while self.connections[at].has_room(self.job.plan.pipeline) {
            let NextRequest::Due(due) = self.schedule.next(now) else { break };
            self.under_way += 1;
            self.connections[at].enqueue(due, now, &mut self.shapes);
            enqueued = true;
        }
        if enqueued {
            self.flush(at, now);
        }
    }

    fn flush(&mut self, at: usize, now: Instant) {
        if let Err(failure) = self.connections[at].flush() {
            self.fail(at, failure, now);
        }
    }

    fn handle_event(&mut self, event: Event) -> io::Result<()> {
        let Ok(at) = usize::try_from(event.key) else { return Ok(()) };
        let now = Instant::now();
        match std::mem::take(&mut self.connections[at].link) {
            Link::Opening(stream, begun, due) => match outcome(&stream) {
                None => self.connections[at].link = Link::Opening(stream, begun, due),
                Some(Err(error)) => self.not_connected(at, Cause::from(&error), due, now),
                Some(Ok(())) => {
                    self.connected(at, stream, due, now);
                    if event.ended {
                        self.receive(at, true);
                    }
                }
            },
            link => {
                self.connections[at].link = link;
                if self.connections[at].has_output() {
                    self.flush(at, now);
                }
                self.receive(at, event.ended);
            }
        }
        match self.connections[at].link {
            Link::Down => self.open(at, now),
            _ => Ok(()),
        }
    }

    fn connected(&mut self, at: usize, stream: Stream, due: Option<Instant>, now: Instant) {
        let connection = &mut self.connections[at];
        connection.link = Link::Up(stream);
        connection.left = self.job.plan.per_connection.unwrap_or(u64::MAX);
        self.tally.connections += 1;
        if let Some(due) = due {
            self.connections[at].enqueue(due, now, &mut self.shapes);
            self.flush(at, now);
        }
        self.feed(at, now);
    }

    /// Reads what has arrived, and sends the next requests.
    fn receive(&mut self, at: usize, ended: bool) {
        let mut scratch = std::mem::take(&mut self.scratch);
        if !self.connections[at].input.is_empty() {
            self.connections[at].input.move_into(&mut scratch);
        }
        while let Link::Up(stream) = &mut self.connections[at].link {
            let room = scratch.spare(READ);
            let wanted = room.len();
            let count = match stream.read(room) {
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => {
                    self.fail(at, Failure::Receive(Cause::from(&error)), Instant::now());
                    break;
                }
            };
            match count {
                0 => scratch.close(),
                count => scratch.filled(count),
            }
            let now = Instant::now();
            if self.schedule.is_measured(now) {
                self.tally.bytes += count as u64;
            }
            if self.schedule.is_in_time(now) {
                self.tally.bytes_in_time += count as u64;
            }
            match self.parse_responses(at, &mut scratch, now) {
                Ok(Then::Stays) => self.feed(at, now),
                Ok(Then::Closes) => self.close(at, Failure::NoResponse, now),
                Err(failure) => self.fail(at, failure, now),
            }
            // The buffer was filled, so there may be more. The end of the stream causes no further
            // event.
            if count < wanted && !ended {
                break;
            }
        }
        let is_up = matches!(self.connections[at].link, Link::Up(_));
        if is_up && !scratch.is_empty() {
            scratch.move_into(&mut self.connections[at].input);
        } else if !is_up {
            // Bytes of a closed connection do not belong to the next one.
            scratch.move_into(&mut Buf::new());
        }
        self.scratch = scratch;
    }

    /// Parses the responses in the scratch buffer.
    fn parse_responses(
        &mut self,
        at: usize,
        scratch: &mut Buf,
        now: Instant,
    ) -> Result<Then, Failure> {
        let connection = &mut self.connections[at];
        let since_start = now.saturating_duration_since(self.job.begin + self.job.plan.warm_up);
        while let Some(&request) = connection.outstanding.front() {
            let shape = self.shapes.get(request.shape);
            match connection.reading.advance(scratch, shape, &self.limits)? {
                ResponseStep::More => return Ok(Then::Stays),
                ResponseStep::Answered(status, stays) => {
                    connection.outstanding.pop_front();
                    self.under_way -= 1;
                    self.seen.0 += 1;
                    self.last_answer = Some(now);
                    self.tally.in_time += u64::from(self.schedule.is_in_time(now));
                    if self.schedule.is_measured(request.due) {
                        let from_due = now - request.due;
                        self.tally.answered(status, from_due, now - request.sent);
                        if let Some(url) = self.tally.urls.get_mut(request.shape.url()) {
                            url.answered(status, from_due);
                        }
                        self.tally.timeline.waited(since_start - from_due, from_due);
                        self.tally.timeline.answered(since_start);
                    }
                    if !stays || connection.left == 0 && connection.outstanding.is_empty() {
                        return Ok(Then::Closes);
                    }
                }
            }
        }
        match scratch.is_empty() {
            true if scratch.is_closed() => Ok(Then::Closes),
            true => Ok(Then::Stays),
            false => Err(Failure::TooMuch),
        }
    }

    /// Ends a connection that broke. Its outstanding requests have failed; without any, the failure
    /// itself is counted, unless the server just closed.
    fn fail(&mut self, at: usize, failure: Failure, now: Instant) {
        let idle = self.connections[at].outstanding.is_empty();
        if idle && failure == Failure::TooMuch && self.schedule.is_measured(now) {
            self.tally.failed(failure, 1);
        }
        self.close(at, failure, now);
    }

    /// Ends a connection; its outstanding requests fail with this reason.
    fn close(&mut self, at: usize, failure: Failure, now: Instant) {
        for request in self.connections[at].end() {
            self.under_way -= 1;
            self.seen.1 += 1;
            if !self.schedule.is_measured(request.due) {
                continue;
            }
            self.tally.failed(failure, 1);
            let mut url = self.tally.urls.get_mut(request.shape.url());
            if let Some(url) = &mut url {
                url.failed += 1;
            }
            if failure == Failure::OutOfTime {
                url.into_iter().for_each(|url| url.took(now - request.due));
                self.tally.took(now - request.due, now - request.sent);
            }
            let start = self.job.begin + self.job.plan.warm_up;
            self.tally.timeline.waited(request.due - start, now - request.due);
        }
    }

    /// Publishes the progress of this thread.
    fn publish_progress(&mut self) {
        let (answers, failures) = std::mem::take(&mut self.seen);
        self.job.progress.answers.fetch_add(answers, Ordering::Relaxed);
        self.job.progress.failures.fetch_add(failures, Ordering::Relaxed);
    }
}
