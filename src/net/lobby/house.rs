//! The housekeeper: a thread that never runs a handler, so that it is there when all workers are in
//! one.
//!
//! Every tick, while the leader is at work: has it been in one turn all the time? Then it is in a
//! handler, and the lead goes to an idle worker. If there is none, all workers are in handlers: the
//! housekeeper looks at the events, and those for whom there is no place in the queue are told so at
//! once. Every round: whose deadline has passed, and, when
//! the server stops, who may leave.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use std::{iter, thread};

use super::Shared;
use super::protocol::Term;
use super::slot::Guest;
use crate::net::deadline::Phase;
use crate::net::poller::Events;
use crate::net::service::{Ended, Next, Service};

/// How long the leader may stay in one turn before another leads: as long, at most, others wait.
const TICK: Duration = Duration::from_millis(5);

/// How exactly deadlines are kept.
const ROUND: Duration = Duration::from_millis(100);

impl<S: Service> Shared<S> {
    /// Keeps the house until the lobby is closed.
    pub(super) fn keep_house(&self) {
        let mut desk = S::Desk::default();
        let mut events = Events::new();
        let mut last_seen = None;
        let mut last_round = Instant::now();
        let _ = self.housekeeper.set(thread::current());
        while !self.is_closed() {
            self.doze();
            let seen = self.lead.awake().map(|term| (term, self.turn.load(Ordering::Relaxed)));
            let stuck = seen.filter(|&(_, turn)| turn != 0 && seen == last_seen);
            if stuck.is_some() || self.lead.is_vacant() {
                self.stand_in(stuck.map(|(term, _)| term), &mut events, &mut desk);
            }
            last_seen = seen;
            if last_round.elapsed() >= ROUND {
                last_round = Instant::now();
                self.go_round(&mut desk);
            }
        }
    }

    /// A tick; a whole round when the leader sleeps, unless it wakes.
    fn doze(&self) {
        if self.lead.is_asleep() {
            self.drowsy.store(true, Ordering::SeqCst);
            if self.lead.is_asleep() {
                thread::park_timeout(ROUND);
            }
            self.drowsy.store(false, Ordering::SeqCst);
        } else {
            thread::park_timeout(TICK);
        }
    }

    /// The leader is awake: the housekeeper looks after it again.
    pub(super) fn wake_housekeeper(&self) {
        if self.drowsy.load(Ordering::SeqCst)
            && self.drowsy.swap(false, Ordering::SeqCst)
            && let Some(housekeeper) = self.housekeeper.get()
        {
            housekeeper.unpark();
        }
    }

    /// The leader does not come back, or there is none. An idle worker leads from now on; without
    /// one, what a leader would see is seen here.
    fn stand_in(&self, stuck: Option<Term>, events: &mut Events, desk: &mut S::Desk) {
        if self.calls().as_ref().is_some_and(|calls| calls.idle() > 0) {
            if stuck.is_none_or(|term| self.lead.depose(term)) {
                self.call();
            }
            return;
        }
        loop {
            if self.poller.look(events).is_err() {
                return; // the leader, when it is back, says so
            }
            self.deliver(events, Instant::now());
            if !events.may_be_more() {
                break;
            }
        }
        self.rouse_leader();
        self.turn_away(desk);
    }

    /// Of the ready ones those that came last, as far as the queue has no place for them.
    fn turn_away(&self, desk: &mut S::Desk) {
        for (index, since) in self.queues.too_many() {
            let slot = &self.slots[index];
            let seen = slot.claim.seen();
            let mut seat = slot.guest();
            let leaving = seat.as_mut().and_then(|guest| {
                guest
                    .crowded_out(&self.service)
                    .then(|| guest.turn(&self.service, desk, &|| false, since.elapsed()))
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
    fn go_round(&self, desk: &mut S::Desk) {
        let now = self.opened.elapsed();
        let stopping = self.stop.is_asked();
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
                    match guest.expired(&self.service, phase) {
                        // What is said now is a refusal: no handler has a part in it.
                        Next::Again if phase != Phase::Write => {
                            guest.turn(&self.service, desk, &|| false, Duration::ZERO)
                        }
                        next => next,
                    }
                }),
                Some(wait @ (Phase::Silent | Phase::Idle, _)) if stopping => {
                    self.interrupt(index, generation, wait, |guest| guest.dismiss(&self.service));
                }
                Some(_) if out_of_time && self.own(index, generation) => {
                    self.leave(index, Ended::Cut);
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
        act: impl FnOnce(&mut Guest<S>) -> Next,
    ) {
        if !self.own(index, generation) {
            return;
        }
        if self.alarms[index].read(self.opened.elapsed()) != Some(wait) {
            return self.put_back(index);
        }
        self.alarms[index].clear();
        let slot = &self.slots[index];
        let seen = slot.claim.seen();
        let mut place = slot.guest();
        let Some(guest) = place.as_mut() else { return };
        let next = act(guest);
        self.settle(index, place, seen, next);
    }

    /// Takes a waiting connection, if nobody is at it. If somebody is, it comes again by itself.
    fn own(&self, index: usize, generation: u32) -> bool {
        self.slots[index].claim.signal(generation, false)
    }
}
