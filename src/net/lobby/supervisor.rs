//! The supervisor: a thread that never runs a handler, so it is free when all workers are in handlers.
//!
//! While there is traffic it looks at the workers every 2 ms. When a turn lasts long that was not
//! announced as long (a handler that is usually quick, and waits for a lock today), it marks the turn as
//! long work: the lead is revoked, workers are called for the connections at hand, and for the next
//! 100 ms the supervisor looks every 0.1 ms. When all workers are in long work, it takes the events
//! itself, sheds the connections that exceed the queue, and serves those that need no worker (`beside`).
//! Every 100 ms it looks for deadlines that have passed and, when the server stops, for idle connections to
//! close.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use std::{iter, thread};

use super::Shared;
use super::policy::{self, Watch};
use super::queue::Work;
use super::slot::LobbyConnection;
use crate::net::deadline::Phase;
use crate::net::poller::Events;
use crate::net::service::{Driver, EndReason, Next, Service};
use crate::net::usual_time::UsualTime;
use crate::net::waker::Waker;

/// The driver of turns that only send a refusal, in the supervisor.
pub(super) struct RefusalDriver;

impl Driver for RefusalDriver {
    fn may_keep(&self) -> bool {
        false
    }

    /// A refusal waits for nothing.
    fn waker(&self) -> Waker {
        Waker::new(|| {})
    }

    fn before(&self, _: &UsualTime) {}

    fn after(&self, _: &UsualTime, _: Duration) {}
}

/// A turn that lasts long, and the processor time of its thread when the supervisor first saw it.
#[derive(Debug, Clone, Default)]
struct Suspect {
    begun: u64,
    used: Duration,
}

impl Suspect {
    /// Returns true if the turn that began then has used [`policy::COMPUTES`] since it was first seen.
    fn computes(&mut self, begun: u64, used: Duration) -> bool {
        if self.begun != begun {
            *self = Suspect { begun, used };
        }
        used.saturating_sub(self.used) >= policy::COMPUTES
    }
}

impl<S: Service> Shared<S> {
    /// Supervises the workers and the deadlines until the lobby is closed: the life of the thread.
    pub(super) fn supervise(&self) {
        let mut scratch = S::Scratch::default();
        let mut events = Events::new();
        let mut last_round = Instant::now();
        let mut quiet = 0;
        let mut suspects = vec![Suspect::default(); self.activities.len()];
        let _ = self.supervisor.set(thread::current());
        while !self.is_closed() {
            let watch = self.watch();
            if quiet < policy::QUIET_LOOKS {
                thread::park_timeout(watch.pause());
            } else {
                self.sleep_while_quiet();
                quiet = 0;
            }
            self.look_at_turns(watch, &mut suspects);
            if self.crew.lead.is_vacant() {
                self.replace_leader(&mut events, &mut scratch);
            }
            quiet =
                if self.crew.lead.is_asleep() && self.crew.present() == 0 { quiet + 1 } else { 0 };
            if last_round.elapsed() >= policy::DEADLINE_ROUND {
                last_round = Instant::now();
                self.check_deadlines(&mut scratch);
                self.serve_beside_workers(&mut scratch);
            }
        }
    }

    /// Sleeps until the next round, or until the leader wakes up.
    fn sleep_while_quiet(&self) {
        self.supervisor_sleeps.store(true, Ordering::SeqCst);
        if self.crew.lead.is_asleep() {
            thread::park_timeout(policy::DEADLINE_ROUND);
        }
        self.supervisor_sleeps.store(false, Ordering::SeqCst);
    }

    /// Wakes the supervisor if it sleeps: the leader calls this when it wakes up.
    pub(super) fn wake_supervisor(&self) {
        if self.supervisor_sleeps.load(Ordering::SeqCst)
            && self.supervisor_sleeps.swap(false, Ordering::SeqCst)
            && let Some(supervisor) = self.supervisor.get()
        {
            supervisor.unpark();
        }
    }

    /// Makes the supervisor look more often for a while, after a handler took long that usually does not.
    pub(super) fn watch_closely(&self) {
        let until = self.nanoseconds(Instant::now() + policy::CLOSELY_FOR);
        self.closely_until.store(until, Ordering::Relaxed);
    }

    fn watch(&self) -> Watch {
        if self.nanoseconds(Instant::now()) < self.closely_until.load(Ordering::Relaxed) {
            Watch::Closely
        } else {
            Watch::Normally
        }
    }

    /// Marks turns that last too long as long work, and calls other workers in their place. `suspects`
    /// has an entry for each worker, kept from one look to the next.
    fn look_at_turns(&self, watch: Watch, suspects: &mut [Suspect]) {
        let now = self.nanoseconds(Instant::now());
        let workers = self.activities.iter().zip(&self.threads).zip(suspects);
        for ((activity, thread), suspect) in workers {
            let Some(begun) = activity.short_turn_start() else { continue };
            let lasts = Duration::from_nanos(now.saturating_sub(begun));
            let Some(thread) = thread.get().filter(|_| lasts >= watch.stuck_after()) else {
                continue;
            };
            let waits = thread.is_waiting();
            let is_long = waits || suspect.computes(begun, thread.used());
            if is_long && self.crew.begin_long_work(activity, begun) {
                self.call_others(policy::calls_after_a_surprise);
                if waits {
                    self.watch_closely();
                }
            }
        }
    }

    /// Acts on a vacant lead: calls an idle worker, unless one is on its way. If all workers are in long
    /// work, the supervisor takes the events itself.
    fn replace_leader(&self, events: &mut Events, scratch: &mut S::Scratch) {
        if self.crew.idle() > 0 {
            return self.call_others(policy::calls_beside_long_work);
        }
        loop {
            if self.poller.look(events).is_err() {
                return; // the next leader logs it
            }
            self.deliver(events, Instant::now());
            if !events.may_be_more() {
                break;
            }
        }
        self.shed_load(scratch);
        self.wake_leader();
    }

    /// Sheds the ready connections that exceed the queue: those that became ready last. One that needs no
    /// worker is served, not shed.
    fn shed_load(&self, scratch: &mut S::Scratch) {
        let mut beside = policy::BESIDE_WORKERS;
        for (index, since) in self.queues.take_excess() {
            if beside > 0 && self.is_immediate(&Work::Ready(index, since)) {
                self.serve_beside(index, since, scratch);
                beside -= 1;
                continue;
            }
            if self.queues.victim().is_some() {
                if !self.drop_ready(index) {
                    self.queues.push_ready(iter::once((index, since)));
                }
                continue;
            }
            let slot = &self.slots[index];
            let snapshot = slot.ownership.snapshot();
            let mut guard = slot.connection();
            let last_turn = guard.as_mut().and_then(|it| {
                it.shed(&self.service)
                    .then(|| it.turn(&self.service, scratch, &RefusalDriver, since.elapsed()))
            });
            match last_turn {
                Some(next) => self.settle(index, guard, snapshot, next),
                None => {
                    drop(guard);
                    self.queues.push_ready(iter::once((index, since)));
                }
            }
        }
    }

    /// Looks at every deadline, and acts on those that have passed.
    fn check_deadlines(&self, scratch: &mut S::Scratch) {
        let now = self.opened.elapsed();
        let stopping = self.stop.is_requested();
        let out_of_time = self.stop.deadline().is_some_and(|end| Instant::now() >= end);
        for (index, deadline) in self.deadlines.iter().enumerate() {
            if deadline.read(now).is_none() {
                continue;
            }
            // The generation is read first: if the connection leaves after this, the empty slot and the
            // next connection in it have another one, and `try_own` refuses it.
            let generation = self.slots[index].ownership.generation();
            match deadline.read(now) {
                Some(wait @ (phase, true)) => {
                    self.interrupt(index, generation, wait, |connection| {
                        // Bytes that have arrived in time are served first, however busy the workers are; and
                        // what a pushed body is made of may be made by code of a handler.
                        if phase == Phase::Push || connection.has_something_to_read(phase) {
                            return Next::Yield;
                        }
                        connection.end_wait(&self.service, phase, scratch)
                    })
                }
                Some(wait @ (phase, _)) if self.stop.ends_wait(phase) => {
                    self.interrupt(index, generation, wait, |it| it.close_idle(&self.service));
                }
                Some(wait @ (Phase::Push, _)) if stopping => {
                    self.interrupt(index, generation, wait, |_| Next::Yield); // it ends its body
                }
                Some(_) if out_of_time && self.try_own(index, generation) => {
                    self.leave(index, EndReason::Cut);
                }
                _ => {}
            }
        }
    }

    /// Acts on a waiting connection, in this thread, because all workers may be busy. Does nothing if the
    /// connection is being served, or if it has been meanwhile and waits for something else.
    fn interrupt(
        &self,
        index: usize,
        generation: u32,
        wait: (Phase, bool),
        act: impl FnOnce(&mut LobbyConnection<S>) -> Next,
    ) {
        if !self.try_own(index, generation) {
            return;
        }
        if self.deadlines[index].read(self.opened.elapsed()) == Some(wait) {
            self.deadlines[index].clear();
            let slot = &self.slots[index];
            let snapshot = slot.ownership.snapshot();
            let mut guard = slot.connection();
            let Some(connection) = guard.as_mut() else { return };
            let next = act(connection);
            self.settle(index, guard, snapshot, next);
        } else {
            self.requeue(index);
        }
        if self.queues.at_hand() > 0 {
            self.wake_leader();
        }
    }

    /// Takes a waiting connection if no thread owns it. If one does, it takes another turn by itself.
    fn try_own(&self, index: usize, generation: u32) -> bool {
        self.slots[index].ownership.signal(generation, false)
    }
}
