//! One thread of the generator: its connections, and one wait for all of them.
//!
//! ```text
//! open ─> Opening ─> Up: ask ─> receive ─> answered ─> ask …        in a closed loop, at once
//!  ^                  │            │            └─> free ─> dispatch  at a rate, when one is due
//!  └── Down <── fail ─┴────────────┘
//! ```

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read as _};
use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::connection::{BenchConnection, Link};
use super::encoded_request::{EncodedRequest, ResponseStep};
use super::failure::{Cause, Failure};
use super::schedule::{NextRequest, Pace, Schedule};
use super::tally::{LATE_THRESHOLD, Tally};
use super::{Job, Measured};
use crate::net::connect;
use crate::net::poller::{Event, Events, Poller, Timer};
use crate::net::thread_usage;
use crate::proto::buf::Buf;
use crate::proto::http::limits::Limits;

/// How much is read at once.
const READ: usize = 64 << 10;
/// How often times are looked at that need no precision.
const TICK: Duration = Duration::from_millis(20);
/// How long a connection that failed to come about is left alone.
const PAUSE: Duration = Duration::from_millis(50);

pub(super) struct Driver<'j> {
    job: &'j Job<'j>,
    schedule: Schedule,
    shapes: [EncodedRequest; 2],
    limits: Limits,
    poller: Poller,
    timer: Timer,
    lanes: Vec<BenchConnection>,
    /// Connections that can take a request, the one that has been waiting for longest first; at a
    /// rate only. One that has broken since may still be in it.
    free: VecDeque<usize>,
    /// Requests that were given out, and have not come to anything yet.
    under_way: u64,
    /// What is read lies here while it is understood; only a rest stays with its connection.
    scratch: Buf,
    tally: Tally,
    last_answer: Option<Instant>,
    seen: (u64, u64),
}

/// What a look at the answers came to.
enum Then {
    Stays,
    Closes,
}

impl<'j> Driver<'j> {
    pub(super) fn new(
        job: &'j Job<'j>,
        schedule: Schedule,
        connections: usize,
    ) -> io::Result<Driver<'j>> {
        let poller = Poller::new()?;
        Ok(Driver {
            job,
            schedule,
            shapes: job.shapes.clone(),
            limits: Limits::default(),
            timer: poller.timer()?,
            poller,
            lanes: (0..connections).map(|_| BenchConnection::default()).collect(),
            free: VecDeque::with_capacity(connections),
            under_way: 0,
            scratch: Buf::new(),
            tally: Tally::new(job.plan.duration),
            last_answer: None,
            seen: (0, 0),
        })
    }

    pub(super) fn run(mut self) -> io::Result<Measured> {
        let (begun, cost) = (Instant::now(), thread_usage::of_this_thread());
        let mut events = Events::new();
        for at in 0..self.lanes.len() {
            self.open(at, begun)?;
        }
        let mut tick = begun + TICK;
        loop {
            let now = Instant::now();
            let next = self.dispatch();
            if now >= tick {
                self.look_at_the_clock(now)?;
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
                self.happened(event)?;
            }
        }
        self.tell();
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

    /// Begins a connection. In a closed loop only for a request, which waits for it.
    fn open(&mut self, at: usize, now: Instant) -> io::Result<()> {
        let next = match self.is_closed_loop() {
            true => self.schedule.next(now),
            false => self.schedule.clone().next(now),
        };
        let due = match next {
            NextRequest::Over => return Ok(()),
            NextRequest::Due(due) => Some(due).filter(|_| self.is_closed_loop()),
            NextRequest::NotBefore(_) => None,
        };
        self.under_way += u64::from(due.is_some());
        match connect::begin(self.job.address) {
            Ok(stream) => {
                self.poller.register_opening(&stream, at as u64)?;
                self.lanes[at].link = Link::Opening(stream, now, due);
            }
            Err(error) => self.not_connected(at, Cause::from(&error), due, now),
        }
        Ok(())
    }

    fn not_connected(&mut self, at: usize, cause: Cause, due: Option<Instant>, now: Instant) {
        self.lanes[at].link = Link::Resting(now + PAUSE);
        self.under_way -= u64::from(due.is_some());
        if self.schedule.is_measured(due.unwrap_or(now)) {
            self.tally.failed(Failure::Connect(cause), 1);
        }
    }

    /// Gives what is due to free connections, at a rate. Says when the next one will be due, if there
    /// is a connection for it.
    fn dispatch(&mut self) -> Option<Instant> {
        while let Some(&at) = self.free.front() {
            let since = self.lanes[at].free;
            let (Link::Up(_), Some(since)) = (&self.lanes[at].link, since) else {
                self.free.pop_front();
                continue;
            };
            let now = Instant::now();
            let due = match self.schedule.next(now) {
                NextRequest::Due(due) => due,
                NextRequest::NotBefore(due) => return Some(due),
                NextRequest::Over => return None,
            };
            if now.saturating_duration_since(due.max(since)) > LATE_THRESHOLD
                && self.schedule.is_measured(due)
            {
                self.tally.late += 1;
            }
            self.free.pop_front();
            self.lanes[at].free = None;
            self.under_way += 1;
            self.lanes[at].ask(due, now, &self.shapes);
            self.flush(at, now);
            self.offer(at, now);
        }
        None
    }

    /// Says that a connection can take a request, if it can.
    fn offer(&mut self, at: usize, now: Instant) {
        let lane = &mut self.lanes[at];
        if lane.has_room(self.job.plan.pipeline) && lane.free.is_none() {
            lane.free = Some(now);
            self.free.push_back(at);
        }
    }

    /// Sends as many requests as there may be on a connection: the next steps of a closed loop.
    fn feed(&mut self, at: usize, now: Instant) {
        if !self.is_closed_loop() {
            return self.offer(at, now);
        }
        let mut asked = false;
        while self.lanes[at].has_room(self.job.plan.pipeline) {
            let NextRequest::Due(due) = self.schedule.next(now) else { break };
            self.under_way += 1;
            self.lanes[at].ask(due, now, &self.shapes);
            asked = true;
        }
        if asked {
            self.flush(at, now);
        }
    }

    fn flush(&mut self, at: usize, now: Instant) {
        if let Err(failure) = self.lanes[at].flush() {
            self.fail(at, failure, now);
        }
    }

    fn happened(&mut self, event: Event) -> io::Result<()> {
        let Ok(at) = usize::try_from(event.key) else { return Ok(()) };
        let now = Instant::now();
        match std::mem::take(&mut self.lanes[at].link) {
            Link::Opening(stream, begun, due) => match connect::outcome(&stream) {
                None => self.lanes[at].link = Link::Opening(stream, begun, due),
                Some(Err(error)) => self.not_connected(at, Cause::from(&error), due, now),
                Some(Ok(())) => {
                    self.connected(at, stream, due, now);
                    if event.ended {
                        self.receive(at, true);
                    }
                }
            },
            link => {
                self.lanes[at].link = link;
                if self.lanes[at].has_output() {
                    self.flush(at, now);
                }
                self.receive(at, event.ended);
            }
        }
        match self.lanes[at].link {
            Link::Down => self.open(at, now),
            _ => Ok(()),
        }
    }

    fn connected(&mut self, at: usize, stream: TcpStream, due: Option<Instant>, now: Instant) {
        let lane = &mut self.lanes[at];
        lane.link = Link::Up(stream);
        lane.left = self.job.plan.per_connection.unwrap_or(u64::MAX);
        self.tally.connections += 1;
        if let Some(due) = due {
            self.lanes[at].ask(due, now, &self.shapes);
            self.flush(at, now);
        }
        self.feed(at, now);
    }

    /// Reads what has come, and asks again.
    fn receive(&mut self, at: usize, ended: bool) {
        let mut scratch = std::mem::take(&mut self.scratch);
        if !self.lanes[at].input.is_empty() {
            self.lanes[at].input.move_into(&mut scratch);
        }
        while let Link::Up(stream) = &mut self.lanes[at].link {
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
            match self.answers(at, &mut scratch, now) {
                Ok(Then::Stays) => self.feed(at, now),
                Ok(Then::Closes) => self.close(at, Failure::NoResponse, now),
                Err(failure) => self.fail(at, failure, now),
            }
            // No less than there was room for: there may be more. The end comes without another event.
            if count < wanted && !ended {
                break;
            }
        }
        let is_up = matches!(self.lanes[at].link, Link::Up(_));
        if is_up && !scratch.is_empty() {
            scratch.move_into(&mut self.lanes[at].input);
        } else if !is_up {
            // What a closed connection said last is no other's.
            scratch.move_into(&mut Buf::new());
        }
        self.scratch = scratch;
    }

    /// Understands what lies on the scratch.
    fn answers(&mut self, at: usize, scratch: &mut Buf, now: Instant) -> Result<Then, Failure> {
        let lane = &mut self.lanes[at];
        let since_start = now.saturating_duration_since(self.job.begin + self.job.plan.warm_up);
        while let Some(&asked) = lane.outstanding.front() {
            let shape = &mut self.shapes[usize::from(asked.is_last)];
            match lane.reading.advance(scratch, shape, &self.limits)? {
                ResponseStep::More => return Ok(Then::Stays),
                ResponseStep::Answered(status, stays) => {
                    lane.outstanding.pop_front();
                    self.under_way -= 1;
                    self.seen.0 += 1;
                    self.last_answer = Some(now);
                    if self.schedule.is_measured(asked.due) {
                        let from_due = now - asked.due;
                        self.tally.answered(status, from_due, now - asked.sent);
                        self.tally.timeline.waited(since_start - from_due, from_due);
                        self.tally.timeline.answered(since_start);
                    }
                    if !stays || lane.left == 0 && lane.outstanding.is_empty() {
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

    /// Ends a connection that broke. What was under way on it has failed; without anything, what broke
    /// it is counted all the same, unless the server just left.
    fn fail(&mut self, at: usize, failure: Failure, now: Instant) {
        let idle = self.lanes[at].outstanding.is_empty();
        if idle && failure == Failure::TooMuch && self.schedule.is_measured(now) {
            self.tally.failed(failure, 1);
        }
        self.close(at, failure, now);
    }

    /// Ends a connection; what is still under way on it has failed like this.
    fn close(&mut self, at: usize, failure: Failure, now: Instant) {
        for asked in self.lanes[at].end() {
            self.under_way -= 1;
            self.seen.1 += 1;
            if !self.schedule.is_measured(asked.due) {
                continue;
            }
            self.tally.failed(failure, 1);
            if failure == Failure::OutOfTime {
                self.tally.took(now - asked.due, now - asked.sent);
            }
            let start = self.job.begin + self.job.plan.warm_up;
            self.tally.timeline.waited(asked.due - start, now - asked.due);
        }
    }

    /// Ends what takes too long, and tries again what rested.
    fn look_at_the_clock(&mut self, now: Instant) -> io::Result<()> {
        let patience = self.job.plan.patience;
        let is_up = |since: Instant| now.saturating_duration_since(since) >= patience;
        for at in 0..self.lanes.len() {
            match &self.lanes[at].link {
                Link::Down => self.open(at, now)?,
                Link::Resting(until) if *until <= now => self.open(at, now)?,
                &Link::Opening(_, begun, due) if is_up(begun) => {
                    self.not_connected(at, Cause::TIMED_OUT, due, now);
                }
                Link::Up(_)
                    if self.lanes[at].outstanding.front().is_some_and(|a| is_up(a.sent)) =>
                {
                    self.close(at, Failure::OutOfTime, now);
                    self.open(at, now)?;
                }
                _ => {}
            }
        }
        if !self.is_closed_loop() {
            self.give_up_waiting(now);
        }
        self.tell();
        Ok(())
    }

    /// Requests that are due for too long have failed, though they were never sent.
    fn give_up_waiting(&mut self, now: Instant) {
        let patience = self.job.plan.patience;
        let Some(past) = now.checked_sub(patience) else { return };
        while let NextRequest::Due(due) = self.schedule.next(past) {
            self.seen.1 += 1;
            if self.schedule.is_measured(due) {
                self.tally.never_sent(patience);
                let start = self.job.begin + self.job.plan.warm_up;
                self.tally.timeline.waited(due - start, patience);
            }
        }
    }

    /// Lets others know how far it is.
    fn tell(&mut self) {
        let (answers, failures) = std::mem::take(&mut self.seen);
        self.job.progress.answers.fetch_add(answers, Ordering::Relaxed);
        self.job.progress.failures.fetch_add(failures, Ordering::Relaxed);
    }
}
