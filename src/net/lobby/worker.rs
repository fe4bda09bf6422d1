//! The workers: one leads, others help, the rest are idle or in long work.
//!
//! ```text
//! Shared::work ─> Worker::serve_all ─┬─> Worker::lead ─> Poller::wait, Shared::deliver
//!                                    └─> Worker::serve ─> Shared::serve ─> Service::turn
//!                                             before a handler that is usually long:
//!                                             Worker::before ─> Crew::begin_long_work, Shared::reinforce
//! ```
//! Leader/Followers: the leader waits for events and serves what is ready itself, as long as that is
//! short. Before it begins with long work it passes the lead on and calls other workers for what is at
//! hand; so does a helper. When its turn is over, each goes on with what is in the queues, and becomes
//! idle when there is nothing. The rules are in `policy.rs`.

use std::cell::Cell;
use std::iter;
use std::sync::MutexGuard;
use std::thread;
use std::time::{Duration, Instant};

use super::Shared;
use super::ownership::{Activity, Seen, Term};
use super::policy::{self, Situation};
use super::queue::{New, Work};
use super::slot::{LobbyConnection, Registered};
use crate::net::accept::Accepted;
use crate::net::deadline::Phase;
use crate::net::poller::{Event, Events};
use crate::net::service::{Driver, EndReason, Next, Service};
use crate::net::socket::is_readable_within;
use crate::net::thread_usage::{Meter, ThreadId};
use crate::net::usual_time::UsualTime;
use crate::pool;

/// How long a leader that cannot wait for events keeps the next one from trying.
const PAUSE: Duration = Duration::from_millis(100);

impl<S: Service> Shared<S> {
    /// Answers a call: serves until nothing is left to do.
    pub(super) fn work(&self) {
        let index = pool::current_worker().map_or(0, |number| number - 1);
        let mut scratch = S::Scratch::default();
        self.threads[index].get_or_init(ThreadId::current);
        let mut worker = Worker::new(self, &self.activities[index]);
        loop {
            worker.serve_all(&mut scratch);
            self.crew.become_idle();
            let is_needed = policy::is_needed(self.situation(), self.cores);
            if self.is_closed() || !is_needed || !self.crew.come_back() {
                return;
            }
        }
    }

    /// Calls workers for what is at hand and for the lead, beside one that has begun with long work.
    pub(super) fn reinforce(&self, calls: impl FnOnce(Situation) -> usize) {
        for _ in 0..calls(self.situation()) {
            if !self.rouse_leader() && !self.call() {
                break;
            }
        }
    }

    fn situation(&self) -> Situation {
        Situation {
            at_hand: self.queues.at_hand(),
            present: self.crew.present(),
            lead_is_vacant: self.crew.lead.is_vacant(),
        }
    }

    /// A new connection takes its seat, and its first turn.
    fn welcome(&self, new: New<S::Connection>, worker: &Worker<'_, S>, scratch: &mut S::Scratch) {
        let New { index, accepted: Accepted { stream, at, pass, .. }, connection } = new;
        self.slots[index].claim.occupy();
        let never_waits = stream.set_nonblocking(true);
        *self.slots[index].guest() = Some(LobbyConnection::new(stream, pass, connection));
        match never_waits {
            Ok(()) => self.serve(index, at, worker, scratch),
            Err(_) => self.leave(index, EndReason::ByService),
        }
    }

    /// One turn with a connection that the caller owns, and that has been ready since then. When the
    /// deadline of its wait had passed before the turn, and what was there did not end the wait, its time
    /// is up.
    fn serve(
        &self,
        index: usize,
        ready: Instant,
        worker: &Worker<'_, S>,
        scratch: &mut S::Scratch,
    ) {
        self.alarms[index].clear();
        let slot = &self.slots[index];
        let mut seen = slot.claim.seen();
        let mut place = slot.guest();
        let Some(guest) = place.as_mut() else { return };
        let queued = worker.now.saturating_duration_since(ready);
        let mut next = guest.turn(&self.service, scratch, worker, queued);
        while worker.may_stay(next) && is_readable_within(&guest.stream, policy::STAY) {
            seen = slot.claim.seen();
            next = guest.turn(&self.service, scratch, worker, Duration::ZERO);
        }
        if let Next::Readable(deadline) = next
            && deadline.has_passed(worker.now)
            && deadline.phase != Phase::Linger
            && !seen.ended()
        {
            next = guest.end_wait(&self.service, deadline.phase, scratch);
        }
        self.settle(index, place, seen, next);
    }

    /// After a turn: the connection waits, or comes again, or leaves.
    pub(super) fn settle(
        &self,
        index: usize,
        mut place: MutexGuard<'_, Option<LobbyConnection<S>>>,
        seen: Seen,
        next: Next,
    ) {
        let (wanted, deadline) = match next {
            // What the peer sent last, and its end, can come as one event: there is more to read.
            Next::Readable(_) if seen.ended() => {
                drop(place);
                return self.put_back(index);
            }
            Next::Yield => {
                drop(place);
                return self.put_back(index);
            }
            Next::Readable(deadline) => (Registered::Reading, deadline),
            Next::Writable(deadline) => (Registered::Writing, deadline),
            Next::Linger | Next::Close => {
                drop(place);
                return self.leave(index, EndReason::ByService);
            }
        };
        let registered = place.as_mut().map_or(Ok(()), |guest| self.register(index, guest, wanted));
        drop(place);
        if let Err(error) = registered {
            log::warn!("a connection cannot wait, and is closed: {error}");
            return self.leave(index, EndReason::ByService);
        }
        self.alarms[index].set(deadline, self.opened);
        if !self.slots[index].claim.release(seen) {
            // Something has happened meanwhile: it is as ready as those that are told of by an event.
            self.queues.ready(iter::once((index, Instant::now())));
        }
    }

    /// The connection leaves, and its seat is free.
    pub(super) fn leave(&self, index: usize, ended: EndReason) {
        let slot = &self.slots[index];
        self.alarms[index].clear();
        let guest = slot.guest().take();
        if let Some(guest) = guest {
            guest.close(&self.service, ended);
        }
        slot.claim.retire();
        self.free().push(index);
    }

    fn register(
        &self,
        index: usize,
        guest: &mut LobbyConnection<S>,
        wanted: Registered,
    ) -> std::io::Result<()> {
        if guest.registered >= wanted {
            return Ok(());
        }
        let key = key(self.slots[index].claim.generation(), index);
        if guest.registered == Registered::Nothing {
            self.poller.register(&guest.stream, key)?;
        }
        if wanted == Registered::Writing {
            self.poller.register_writing(&guest.stream, key)?;
        }
        guest.registered = wanted;
        Ok(())
    }

    /// Something has happened to these connections, now: those that nobody is at are ready. Whoever
    /// delivers sees to it that somebody leads.
    pub(super) fn deliver(&self, events: &Events, now: Instant) {
        let claimed = |event: Event| {
            let (generation, index) = split(event.key);
            let slot = self.slots.get(index)?;
            slot.claim.signal(generation, event.ended).then_some((index, now))
        };
        self.queues.ready(events.iter().filter_map(claimed));
    }
}

/// A worker that has been called.
struct Worker<'a, S: Service> {
    lobby: &'a Shared<S>,
    activity: &'a Activity,
    /// When its last turn ended, or it last looked for events: when the next one begins.
    now: Instant,
    /// When its turn began, as it was given to `activity`.
    begun: Cell<u64>,
    /// Measures the work that has been announced, if it is to be exact.
    meter: Cell<Option<Meter>>,
}

impl<'a, S: Service> Worker<'a, S> {
    fn new(lobby: &'a Shared<S>, activity: &'a Activity) -> Worker<'a, S> {
        Worker { lobby, activity, now: Instant::now(), begun: Cell::new(0), meter: Cell::new(None) }
    }

    /// Leads if nobody does, else helps, until the queues are empty or enough others are there.
    fn serve_all(&mut self, scratch: &mut S::Scratch) {
        while !self.lobby.is_closed() {
            if let Some(term) = self.lobby.crew.lead.take() {
                let lead = LeadGuard { lobby: self.lobby, term };
                self.activity.leads(term);
                self.lead(term, scratch);
                self.activity.follows();
                drop(lead);
            } else if let Some(work) = self.lobby.queues.next() {
                self.serve(work, scratch);
                if policy::is_superfluous(self.lobby.crew.present(), self.lobby.cores) {
                    return;
                }
            } else {
                return;
            }
        }
    }

    /// Serves what is at hand, waits for events, and again; until the lead is passed on.
    fn lead(&mut self, term: Term, scratch: &mut S::Scratch) {
        let Shared { crew, queues, poller, .. } = self.lobby;
        let mut events = Events::new();
        loop {
            let at_hand = queues.at_hand();
            self.call_for_help(at_hand);
            for _ in 0..at_hand {
                let Some(work) = queues.next() else { break }; // helpers were faster
                // One that asks for much waits for the others: new ones may have come meanwhile.
                let much = matches!(work, Work::Again(..));
                self.serve(work, scratch);
                if !crew.lead.holds(term) {
                    return;
                }
                if much {
                    break;
                }
            }
            if !crew.lead.fall_asleep(term) {
                return;
            }
            // Each worker that is present takes at least one off the queues.
            let left = queues.at_hand();
            let patience = (left == 0 || left <= crew.present()) && !self.lobby.is_closed();
            let waited = poller.wait(patience, &mut events);
            crew.lead.wake(term);
            self.lobby.wake_supervisor();
            if let Err(error) = waited {
                log::error!("cannot wait for events: {error}");
                return thread::sleep(PAUSE); // the next leader may fail as well, and say so
            }
            if self.lobby.is_closed() {
                return;
            }
            self.now = Instant::now();
            self.lobby.deliver(&events, self.now);
        }
    }

    /// Returns true if the worker, after long work, waits a moment for the next request of the same
    /// connection, which would otherwise wake the leader, and the leader a worker.
    fn may_stay(&self, next: Next) -> bool {
        let Shared { crew, queues, .. } = self.lobby;
        matches!(next, Next::Readable(deadline) if deadline.phase == Phase::Idle)
            && self.activity.is_long()
            && policy::may_stay(queues.at_hand(), crew.lead.is_vacant())
            && self.may_keep()
    }

    /// Calls a worker if the row of short work is too long for those that are present.
    fn call_for_help(&self, at_hand: usize) {
        let Shared { crew, usual_turn, cores, .. } = self.lobby;
        if policy::needs_help(at_hand, usual_turn.get(), crew.present(), *cores) {
            self.lobby.call();
        }
    }

    /// Serves one connection.
    fn serve(&mut self, work: Work<S::Connection>, scratch: &mut S::Scratch) {
        let lobby = self.lobby;
        let begun = self.now;
        self.begun.set(lobby.nanoseconds(begun));
        self.activity.begin_turn(self.begun.get());
        // A second turn in a row takes long because much was asked for: it says nothing of the others.
        let counts = !matches!(work, Work::Again(..));
        match work {
            Work::Ready(index, since) | Work::Again(index, since) => {
                lobby.serve(index, since, self, scratch);
            }
            Work::New(new) => lobby.welcome(new, self, scratch),
        }
        let was_long = lobby.crew.end_turn(self.activity);
        self.now = Instant::now();
        if counts && !was_long {
            lobby.usual_turn.record(self.now.duration_since(begun));
        }
    }
}

impl<S: Service> Driver for Worker<'_, S> {
    fn may_keep(&self) -> bool {
        !self.lobby.stop.is_requested()
    }

    fn before(&self, usual: &UsualTime) {
        let lobby = self.lobby;
        if usual.is_long() && lobby.crew.begin_long_work(self.activity, self.begun.get()) {
            lobby.reinforce(policy::calls_beside_long_work);
        }
        // A streaming handler is announced and not measured: what it left here ends now.
        self.meter.set(usual.is_metered().then(Meter::start));
    }

    fn after(&self, usual: &UsualTime, took: Duration) {
        match self.meter.take() {
            Some(meter) => usual.record_exactly(meter.stop()),
            None => usual.record_by_clock(took),
        }
    }
}

impl<S: Service> Drop for Worker<'_, S> {
    /// A panic in the lobby itself costs the connection that was served; the worker is there again.
    fn drop(&mut self) {
        if thread::panicking() {
            self.lobby.crew.end_turn(self.activity);
            self.lobby.crew.become_idle();
        }
    }
}

/// Gives the lead back, also when the worker panics.
struct LeadGuard<'a, S: Service> {
    lobby: &'a Shared<S>,
    term: Term,
}

impl<S: Service> Drop for LeadGuard<'_, S> {
    fn drop(&mut self) {
        self.lobby.crew.lead.depose(self.term);
    }
}

/// What a connection is registered with: which one (32 bits), in which slot (32 bits).
fn key(generation: u32, index: usize) -> u64 {
    u64::from(generation) << 32 | index as u64
}

fn split(key: u64) -> (u32, usize) {
    let generation = u32::try_from(key >> 32).unwrap_or_default();
    (generation, usize::try_from(key & u64::from(u32::MAX)).unwrap_or(usize::MAX))
}
