//! The housekeeper: a thread that never runs a handler, so that it is there when all workers are in
//! one.
//!
//! Every tick, while the leader is at work: has it been in one turn all the time? Then it is in a
//! handler, and the lead goes to an idle worker. Every round: whose deadline has passed, and, when
//! the server stops, who may leave.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use super::Shared;
use super::protocol::Term;
use crate::net::deadline::Phase;
use crate::net::service::{Ended, Next, Service};

/// How long the leader may stay in one turn before another leads: as long, at most, others wait.
const TICK: Duration = Duration::from_millis(5);

/// How exactly deadlines are kept.
const ROUND: Duration = Duration::from_millis(100);

impl<S: Service> Shared<S> {
    /// Keeps the house until the lobby is closed.
    pub(super) fn keep_house(&self) {
        let mut desk = S::Desk::default();
        let mut last_seen = None;
        let mut last_round = Instant::now();
        let _ = self.housekeeper.set(thread::current());
        while !self.is_closed() {
            self.doze();
            last_seen = self.mind_the_leader(last_seen);
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

    /// What the leader is at. When that has not changed since the last tick, an idle worker leads
    /// from now on.
    fn mind_the_leader(&self, last_seen: Option<(Term, u64)>) -> Option<(Term, u64)> {
        let seen = self.lead.awake().map(|term| (term, self.turn.load(Ordering::Relaxed)));
        let stuck = seen.filter(|&(_, turn)| turn != 0 && seen == last_seen);
        let idle = self.calls().as_ref().is_some_and(|calls| calls.idle() > 0);
        if idle && (self.lead.is_vacant() || stuck.is_some_and(|(term, _)| self.lead.depose(term)))
        {
            self.call();
        }
        seen
    }

    /// Looks at every deadline.
    fn go_round(&self, desk: &mut S::Desk) {
        let now = self.opened.elapsed();
        let stopping = self.stop.is_asked();
        let out_of_time = self.stop.deadline().is_some_and(|end| Instant::now() >= end);
        for (index, alarm) in self.alarms.iter().enumerate() {
            match alarm.read(now) {
                None => {}
                Some((phase, true)) => self.expire(index, phase, desk),
                Some((Phase::Silent | Phase::Idle, _)) if stopping => {
                    self.evict(index, Ended::Stopping);
                }
                Some(_) if out_of_time => self.evict(index, Ended::Cut),
                Some(_) => {}
            }
        }
    }

    /// A deadline has passed: the last word is said here, as all workers may be busy.
    fn expire(&self, index: usize, phase: Phase, desk: &mut S::Desk) {
        if !self.own(index) {
            return;
        }
        if self.alarms[index].read(self.opened.elapsed()) != Some((phase, true)) {
            return self.put_back(index); // it was served meanwhile
        }
        self.alarms[index].clear();
        let slot = &self.slots[index];
        let seen = slot.claim.seen();
        let mut place = slot.guest();
        let Some(guest) = place.as_mut() else { return };
        let next = match guest.expired(&self.service, phase) {
            // What is said now is a refusal: no handler has a part in it.
            Next::Again => guest.turn(&self.service, desk, &|| false),
            next => next,
        };
        self.settle(index, place, seen, next);
    }

    fn evict(&self, index: usize, ended: Ended) {
        if self.own(index) {
            self.leave(index, ended);
        }
    }

    /// Takes a waiting connection, if nobody is at it. If somebody is, it comes again by itself.
    fn own(&self, index: usize) -> bool {
        let claim = &self.slots[index].claim;
        claim.signal(claim.generation(), false)
    }
}
