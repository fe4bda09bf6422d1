//! The workers: one leads, others help, and the rest are idle or in long work (Leader/Followers).
//!
//! The leader waits for events and serves the ready connections itself, as long as that is short work.
//! Before a worker begins long work, it passes on the lead if it has it, and calls other workers for the
//! connections at hand. After its turn it goes on with the queues, and becomes idle when they are empty.
//! The call tree is at the top of `mod.rs`, and the rules are in `policy.rs`.

use std::cell::Cell;
use std::iter;
use std::sync::MutexGuard;
use std::thread;
use std::time::{Duration, Instant};

use super::Shared;
use super::crew::Activity;
use super::leadership::Term;
use super::ownership::Snapshot;
use super::policy::{self, Situation};
use super::queue::{New, Work};
use super::slot::{Interest, LobbyConnection};
use crate::net::deadline::Phase;
use crate::net::poller::Events;
use crate::net::service::{Driver, EndReason, Next, Service};
use crate::net::socket::is_readable_within;
use crate::net::thread_usage::{Meter, ThreadId};
use crate::net::usual_time::UsualTime;
use crate::net::waker::Waker;
use crate::net::worker_record::SENDING;
use crate::pool;

impl<S: Service> Shared<S> {
    /// Serves until nothing is left to do: the job of a worker that has been called.
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

    /// Calls as many workers as `calls` returns, because one has begun long work.
    pub(super) fn call_others(&self, calls: impl FnOnce(Situation) -> usize) {
        for _ in 0..calls(self.situation()) {
            if !self.wake_leader() && !self.call() {
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

    /// Puts a new connection into its slot and takes its first turn.
    fn serve_new(&self, new: New<S::Connection>, worker: &Worker<'_, S>, scratch: &mut S::Scratch) {
        let (index, at) = (new.index, new.accepted.at);
        if self.seat(new) {
            self.serve(index, at, worker, scratch);
        }
    }

    /// Takes a turn with a connection that the caller owns, and that became ready at `ready`. If the
    /// connection still waits after it, and the deadline had passed before, the wait ends now.
    fn serve(
        &self,
        index: usize,
        ready: Instant,
        worker: &Worker<'_, S>,
        scratch: &mut S::Scratch,
    ) {
        self.deadlines[index].clear();
        let slot = &self.slots[index];
        let mut snapshot = slot.ownership.snapshot();
        let mut guard = slot.connection();
        let Some(connection) = guard.as_mut() else { return };
        let queued = worker.now.saturating_duration_since(ready);
        worker.slot.set(index);
        let mut next = connection.turn(&self.service, scratch, worker, queued);
        while worker.may_stay(next) && is_readable_within(&connection.stream, policy::STAY) {
            snapshot = slot.ownership.snapshot();
            next = connection.turn(&self.service, scratch, worker, Duration::ZERO);
        }
        if let Next::Readable(deadline) = next
            && deadline.has_passed(worker.now)
            && deadline.phase != Phase::Linger
            && !snapshot.peer_ended()
        {
            next = connection.end_wait(&self.service, deadline.phase, scratch);
        }
        self.settle(index, guard, snapshot, next);
    }

    /// Does what the connection needs after a turn: it waits, is queued again, or is closed.
    pub(super) fn settle(
        &self,
        index: usize,
        mut guard: MutexGuard<'_, Option<LobbyConnection<S>>>,
        snapshot: Snapshot,
        next: Next,
    ) {
        let (wanted, deadline) = match next {
            // The last bytes of the peer and its end can come as one event: there is more to read.
            Next::Readable(_) if snapshot.peer_ended() => {
                drop(guard);
                return self.requeue(index);
            }
            Next::Yield => {
                drop(guard);
                return self.requeue(index);
            }
            Next::Readable(deadline) => (Interest::Read, deadline),
            Next::Writable(deadline) => (Interest::ReadAndWrite, deadline),
            Next::Linger | Next::Close => {
                drop(guard);
                return self.leave(index, EndReason::ByService);
            }
        };
        let registered = guard.as_mut().map_or(Ok(()), |it| self.register(index, it, wanted));
        drop(guard);
        if let Err(error) = registered {
            log::warn!("cannot wait for a connection, which is closed: {error}");
            return self.leave(index, EndReason::ByService);
        }
        self.deadlines[index].set(deadline, self.opened);
        if !self.slots[index].ownership.release(snapshot) {
            // An event has come meanwhile, so the connection is ready.
            self.queues.push_ready(iter::once((index, Instant::now())));
        }
    }

    /// Closes the connection and frees its slot.
    pub(super) fn leave(&self, index: usize, ended: EndReason) {
        let slot = &self.slots[index];
        self.deadlines[index].clear();
        let connection = slot.connection().take();
        if let Some(connection) = connection {
            connection.close(&self.service, ended);
        }
        slot.ownership.retire();
        self.free().push(index);
    }
}

/// A worker that has been called.
struct Worker<'a, S: Service> {
    lobby: &'a Shared<S>,
    activity: &'a Activity,
    /// When its last turn ended, or it last waited for events; the next turn begins then.
    now: Instant,
    /// When its turn began, as recorded in `activity`.
    begun: Cell<u64>,
    /// The slot that it serves.
    slot: Cell<usize>,
    /// Measures the work that has been announced, if an exact figure is needed.
    meter: Cell<Option<Meter>>,
}

impl<'a, S: Service> Worker<'a, S> {
    fn new(lobby: &'a Shared<S>, activity: &'a Activity) -> Worker<'a, S> {
        Worker {
            lobby,
            activity,
            now: Instant::now(),
            begun: Cell::new(0),
            slot: Cell::new(0),
            meter: Cell::new(None),
        }
    }

    /// Leads if no other worker does, else helps, until the queues are empty or enough other workers are
    /// present.
    fn serve_all(&mut self, scratch: &mut S::Scratch) {
        while !self.lobby.is_closed() {
            if let Some(term) = self.lobby.crew.lead.take() {
                let lead = LeadGuard { lobby: self.lobby, term };
                self.activity.set_lead(term);
                self.lead(term, scratch);
                self.activity.clear_lead();
                drop(lead);
            } else if let Some(work) = self.lobby.next() {
                self.serve(work, scratch);
                if policy::is_superfluous(self.lobby.crew.present(), self.lobby.cores) {
                    return;
                }
            } else {
                return;
            }
        }
    }

    /// Serves what is at hand, then waits for events, and repeats until the term ends.
    fn lead(&mut self, term: Term, scratch: &mut S::Scratch) {
        let Shared { crew, queues, poller, .. } = self.lobby;
        let mut events = Events::new();
        loop {
            let at_hand = queues.at_hand();
            self.call_for_help(at_hand);
            for _ in 0..at_hand {
                let Some(work) = self.lobby.next() else { break }; // helpers have taken the rest
                // After a resumed connection others go first: new ones may have come meanwhile.
                let resumed = matches!(work, Work::Resumed(..));
                self.serve(work, scratch);
                if !crew.lead.holds(term) {
                    return;
                }
                if resumed {
                    break;
                }
            }
            if !crew.lead.fall_asleep(term) {
                return;
            }
            // Each present worker takes at least one connection from the queues.
            let left = queues.at_hand();
            let may_block = (left == 0 || left <= crew.present()) && !self.lobby.is_closed();
            let waited = poller.wait(may_block, &mut events);
            crew.lead.wake_up(term);
            self.lobby.wake_supervisor();
            if let Err(error) = waited {
                log::error!("cannot wait for events: {error}");
                return thread::sleep(policy::RETRY_POLLER); // the next leader tries, and logs, again
            }
            if self.lobby.is_closed() {
                return;
            }
            self.now = Instant::now();
            self.lobby.deliver(&events, self.now);
        }
    }

    /// Returns true if the worker, after long work, waits a moment for the next request of the same
    /// connection. Otherwise that request would wake the leader, and the leader would wake a worker.
    fn may_stay(&self, next: Next) -> bool {
        let Shared { crew, queues, .. } = self.lobby;
        matches!(next, Next::Readable(deadline) if deadline.phase == Phase::Idle)
            && self.activity.is_long()
            && policy::may_stay(queues.at_hand(), crew.lead.is_vacant())
            && self.may_keep()
    }

    /// Calls a worker if the short work at hand takes too long for the present workers.
    fn call_for_help(&self, at_hand: usize) {
        let Shared { crew, usual_turn, cores, .. } = self.lobby;
        if policy::needs_help(at_hand, usual_turn.get(), crew.present(), *cores) {
            self.lobby.call();
        }
    }

    /// Takes one turn with a connection from the queues.
    fn serve(&mut self, work: Work<S::Connection>, scratch: &mut S::Scratch) {
        let lobby = self.lobby;
        let begun = self.now;
        self.begun.set(lobby.nanoseconds(begun));
        self.activity.begin_turn(self.begun.get());
        // A resumed connection has much to send, so its turn is not a usual one.
        let counts = !matches!(work, Work::Resumed(..));
        match work {
            Work::Ready(index, since) | Work::Resumed(index, since) => {
                lobby.serve(index, since, self, scratch);
            }
            Work::New(new) => lobby.serve_new(new, self, scratch),
            Work::Datagram(datagram) => datagram.answer(&self.activity.record),
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

    fn waker(&self) -> Waker {
        self.lobby.waker(self.slot.get())
    }

    fn before(&self, usual: &UsualTime) {
        let lobby = self.lobby;
        if usual.is_long() && lobby.crew.begin_long_work(self.activity, self.begun.get()) {
            lobby.call_others(policy::calls_beside_long_work);
        }
        self.activity.record.begin(usual.number());
        self.meter.set(usual.is_metered().then(Meter::start));
    }

    fn after(&self, usual: &UsualTime, took: Duration) {
        self.activity.record.end(usual.number());
        match self.meter.take() {
            Some(meter) => usual.record_exactly(meter.stop()),
            None => usual.record_by_clock(took),
        }
    }

    fn sends(&self) {
        self.activity.record.begin(SENDING);
    }
}

impl<S: Service> Drop for Worker<'_, S> {
    /// A panic in the lobby itself costs the connection being served; the worker becomes idle.
    fn drop(&mut self) {
        if thread::panicking() {
            self.lobby.crew.end_turn(self.activity);
            self.lobby.crew.become_idle();
        }
    }
}

/// Gives the lead back when it is dropped, also by a panic.
struct LeadGuard<'a, S: Service> {
    lobby: &'a Shared<S>,
    term: Term,
}

impl<S: Service> Drop for LeadGuard<'_, S> {
    fn drop(&mut self) {
        self.lobby.crew.lead.revoke(self.term);
    }
}
