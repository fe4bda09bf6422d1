//! The supervisor: a thread that never runs a handler, so that it is there when all workers are in one.
//!
//! While there is traffic it looks at the workers every 2 ms. A turn that lasts long without having been
//! announced (a handler that is usually quick, and waits for a lock today) is taken for long work from
//! then on: the lead is passed on, workers are called for what is at hand, and for a while the supervisor
//! looks every 0.1 ms. When all workers are in long work, it looks at the events, and refuses those for
//! which there is no place in the queue. Every 100 ms it looks for deadlines that have passed and, when
//! the server stops, for connections that may leave.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use std::{iter, thread};

use super::Shared;
use super::policy::{self, Watch};
use super::slot::LobbyConnection;
use crate::net::deadline::Phase;
use crate::net::poller::Events;
use crate::net::service::{Driver, EndReason, Next, Service};
use crate::net::usual_time::UsualTime;

/// How exactly deadlines are kept.
const ROUND: Duration = Duration::from_millis(100);

/// The supervisor as a driver: for turns that only send a refusal.
pub(super) struct Refusing;

impl Driver for Refusing {
    fn may_keep(&self) -> bool {
        false
    }

    fn before(&self, _: &UsualTime) {}

    fn after(&self, _: &UsualTime, _: Duration) {}
}

/// A turn that lasts long, and the processor time that its thread had used when that was first seen.
#[derive(Debug, Clone, Default)]
struct Suspect {
    begun: u64,
    used: Duration,
}

impl Suspect {
    /// Returns true if the turn that began then has used much processor time since it was first seen.
    fn computes(&mut self, begun: u64, used: Duration) -> bool {
        if self.begun != begun {
            *self = Suspect { begun, used };
        }
        used.saturating_sub(self.used) >= policy::COMPUTES
    }
}

impl<S: Service> Shared<S> {
    /// Looks after the workers and the deadlines until the lobby is closed.
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
                self.sleep_beside_the_leader();
                quiet = 0;
            }
            self.look_at_turns(watch, &mut suspects);
            if self.crew.lead.is_vacant() {
                self.replace_leader(&mut events, &mut scratch);
            }
            quiet =
                if self.crew.lead.is_asleep() && self.crew.present() == 0 { quiet + 1 } else { 0 };
            if last_round.elapsed() >= ROUND {
                last_round = Instant::now();
                self.check_deadlines(&mut scratch);
            }
        }
    }

    /// Sleeps until the next round, or until the leader wakes up.
    fn sleep_beside_the_leader(&self) {
        self.supervisor_sleeps.store(true, Ordering::SeqCst);
        if self.crew.lead.is_asleep() {
            thread::park_timeout(ROUND);
        }
        self.supervisor_sleeps.store(false, Ordering::SeqCst);
    }

    /// The leader is awake: the supervisor looks after it again.
    pub(super) fn wake_supervisor(&self) {
        if self.supervisor_sleeps.load(Ordering::SeqCst)
            && self.supervisor_sleeps.swap(false, Ordering::SeqCst)
            && let Some(supervisor) = self.supervisor.get()
        {
            supervisor.unpark();
        }
    }

    /// A handler that is usually quick has taken long: the next one that does is to be found sooner.
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

    /// Takes turns that last too long for long work, and does what their workers would have done.
    /// `suspects` is what the supervisor knows of each worker from its last looks.
    fn look_at_turns(&self, watch: Watch, suspects: &mut [Suspect]) {
        let now = self.nanoseconds(Instant::now());
        let workers = self.activities.iter().zip(&self.threads).zip(suspects);
        for ((activity, thread), suspect) in workers {
            let Some(begun) = activity.short_turn() else { continue };
            let lasts = Duration::from_nanos(now.saturating_sub(begun));
            let Some(thread) = thread.get().filter(|_| lasts >= watch.stuck_after()) else {
                continue;
            };
            let waits = thread.is_waiting();
            let is_long = waits || suspect.computes(begun, thread.used());
            if is_long && self.crew.begin_long_work(activity, begun) {
                self.reinforce(policy::calls_after_a_surprise);
                if waits {
                    self.watch_closely();
                }
            }
        }
    }

    /// Nobody leads. An idle worker is called, unless one is on its way; if all are in long work, the
    /// supervisor looks at the events itself.
    fn replace_leader(&self, events: &mut Events, scratch: &mut S::Scratch) {
        if self.crew.idle() > 0 {
            return self.reinforce(policy::calls_beside_long_work);
        }
        loop {
            if self.poller.look(events).is_err() {
                return; // the next leader says so
            }
            self.deliver(events, Instant::now());
            if !events.may_be_more() {
                break;
            }
        }
        self.turn_away(scratch);
        self.rouse_leader();
    }

    /// Of the ready ones those that came last, as far as the queue has no place for them.
    fn turn_away(&self, scratch: &mut S::Scratch) {
        for (index, since) in self.queues.too_many() {
            let slot = &self.slots[index];
            let seen = slot.claim.seen();
            let mut seat = slot.guest();
            let leaving = seat.as_mut().and_then(|guest| {
                guest
                    .crowded_out(&self.service)
                    .then(|| guest.turn(&self.service, scratch, &Refusing, since.elapsed()))
            });
            match leaving {
                Some(next) => self.settle(index, seat, seen, next),
                None => {
                    drop(seat);
                    self.queues.ready(iter::once((index, since)));
                }
            }
        }
    }

    /// Looks at every deadline.
    fn check_deadlines(&self, scratch: &mut S::Scratch) {
        let now = self.opened.elapsed();
        let stopping = self.stop.is_requested();
        let out_of_time = self.stop.deadline().is_some_and(|end| Instant::now() >= end);
        for (index, alarm) in self.alarms.iter().enumerate() {
            if alarm.read(now).is_none() {
                continue;
            }
            // Whose alarm it is comes first: should it leave after this look, it is not mistaken for
            // the empty seat, nor for whoever sits there next.
            let generation = self.slots[index].claim.generation();
            match alarm.read(now) {
                Some(wait @ (phase, true)) => self.interrupt(index, generation, wait, |guest| {
                    // What has arrived in time gets its turn first, however busy the workers are.
                    if guest.has_something_to_read(phase) {
                        return Next::Yield;
                    }
                    guest.end_wait(&self.service, phase, scratch)
                }),
                Some(wait @ (Phase::Silent | Phase::Idle, _)) if stopping => {
                    self.interrupt(index, generation, wait, |guest| guest.dismiss(&self.service));
                }
                Some(_) if out_of_time && self.own(index, generation) => {
                    self.leave(index, EndReason::Cut);
                }
                _ => {}
            }
        }
    }

    /// Acts on a waiting connection, here, as all workers may be busy. If it is being served, or has
    /// been meanwhile and waits for something else, it is let alone.
    fn interrupt(
        &self,
        index: usize,
        generation: u32,
        wait: (Phase, bool),
        act: impl FnOnce(&mut LobbyConnection<S>) -> Next,
    ) {
        if !self.own(index, generation) {
            return;
        }
        if self.alarms[index].read(self.opened.elapsed()) == Some(wait) {
            self.alarms[index].clear();
            let slot = &self.slots[index];
            let seen = slot.claim.seen();
            let mut place = slot.guest();
            let Some(guest) = place.as_mut() else { return };
            let next = act(guest);
            self.settle(index, place, seen, next);
        } else {
            self.put_back(index);
        }
        if self.queues.at_hand() > 0 {
            self.rouse_leader();
        }
    }

    /// Takes a waiting connection, if nobody is at it. If somebody is, it comes again by itself.
    fn own(&self, index: usize, generation: u32) -> bool {
        self.slots[index].claim.signal(generation, false)
    }
}
