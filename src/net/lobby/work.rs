//! The workers: one leads, others help.
//!
//! While turns are short, as most are, the leader serves nearly everything itself: waking a worker
//! costs more than a turn. The more a turn costs, the more often it calls for help. When turns get
//! long, handlers that block, say, it calls a worker for each connection that is at hand, and keeps to
//! waiting for events.

use std::sync::MutexGuard;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use super::Shared;
use super::protocol::{Seen, Term};
use super::queue::{New, Work};
use super::slot::{Guest, Registered};
use crate::net::accept::Accepted;
use crate::net::poller::{Event, Events};
use crate::net::service::{Ended, Next, Service};
use crate::net::usage::preemptions_of_this_thread;

/// With so many connections at hand the leader calls for help, however short the turns: so many are
/// served in the time that it takes to wake a worker a few times.
const MANY: usize = 16;

/// From here on a turn is long: many times what it costs to wake a worker, some 10 µs.
const LONG: Duration = Duration::from_micros(200);

/// Up to here it is short, as for a small answer: what a helper takes off the leader is hardly more
/// than what it costs to wake it. A file, or an answer to many requests at once, takes longer.
const SHORT: Duration = Duration::from_micros(5);

/// The most that one turn counts for, so that the rule follows soon when turns are short again.
const LONGEST: Duration = Duration::from_millis(2);

/// So long a worker helps; then it may be called again. Unless turns are long, in that time as many are
/// called as there are other cores: more would only take the leader's.
const HELP: Duration = Duration::from_millis(10);

/// The same where turns are neither short nor long. It leaves earlier when nothing is at hand, and
/// that is soon: so this is how long the leader does without it.
const MORE_HELP: Duration = Duration::from_micros(500);

/// How long a leader that cannot wait for events keeps the next one from trying.
const PAUSE: Duration = Duration::from_millis(100);

impl<S: Service> Shared<S> {
    /// A worker has been called: it leads if nobody does, and helps as long as there is work.
    pub(super) fn work(&self) {
        let mut desk = S::Desk::default();
        self.coming.arrive();
        let mut watch = Stopwatch::start();
        let begun = watch.now;
        while !self.is_closed() {
            if let Some(term) = self.lead.take() {
                Leading { lobby: self, term }.go_on(&mut watch, &mut desk);
            } else if watch.now.duration_since(begun) >= self.help() {
                break; // whoever puts something back into a queue rouses the leader
            } else if let Some(work) = self.queues.next() {
                self.serve_timed(work, &mut watch, &mut desk);
            } else {
                break;
            }
        }
    }

    /// Serves one connection, and takes note of how long the turns are of those that have waited: a
    /// second turn in a row is long because much was asked for, not because a handler blocks.
    fn serve_timed(&self, work: Work<S::Connection>, watch: &mut Stopwatch, desk: &mut S::Desk) {
        let counts = !matches!(work, Work::Again(..));
        let begun = watch.now;
        match work {
            Work::Ready(index, since) | Work::Again(index, since) => {
                self.serve(index, begun.saturating_duration_since(since), desk);
            }
            Work::New(new) => self.welcome(new, begun, desk),
        }
        let took = watch.lap();
        if let Some(took) = took.filter(|_| counts) {
            // A moving average over some eight turns. Two workers at once may lose a turn of it.
            let took = u64::try_from(took.min(LONGEST).as_nanos()).unwrap_or_default();
            let before = self.typical_turn.load(Ordering::Relaxed);
            self.typical_turn.store(before - before / 8 + took / 8, Ordering::Relaxed);
        }
    }

    /// How long turns are that have waited.
    fn typical_turn(&self) -> Duration {
        Duration::from_nanos(self.typical_turn.load(Ordering::Relaxed))
    }

    /// How long a worker helps that is called now.
    fn help(&self) -> Duration {
        let turn = self.typical_turn();
        if SHORT < turn && turn <= LONG { MORE_HELP } else { HELP }
    }

    /// Where turns are long, calls a worker for each connection that has waited, and gives how many of
    /// them are taken off the leader's hands.
    fn call_for_each(&self) -> usize {
        if self.typical_turn() <= LONG {
            return 0;
        }
        let waiting = self.queues.ready_ones() + self.queues.new_ones();
        let coming = self.coming.count();
        coming + (coming..waiting).take_while(|_| self.call()).count()
    }

    /// A new connection takes its seat, and its first turn.
    fn welcome(&self, new: New<S::Connection>, begun: Instant, desk: &mut S::Desk) {
        let New { index, accepted: Accepted { stream, at, pass, .. }, connection } = new;
        self.slots[index].claim.occupy();
        let never_waits = stream.set_nonblocking(true);
        *self.slots[index].guest() = Some(Guest::new(stream, pass, connection));
        match never_waits {
            Ok(()) => self.serve(index, begun.saturating_duration_since(at), desk),
            Err(_) => self.leave(index, Ended::ByService),
        }
    }

    /// One turn with a connection that the caller owns, and that has waited for it so long.
    pub(super) fn serve(&self, index: usize, queued: Duration, desk: &mut S::Desk) {
        self.alarms[index].clear();
        let slot = &self.slots[index];
        let seen = slot.claim.seen();
        let mut place = slot.guest();
        let Some(guest) = place.as_mut() else { return };
        let next = guest.turn(&self.service, desk, &|| !self.stop.is_asked(), queued);
        self.settle(index, place, seen, next);
    }

    /// After a turn: the connection waits, or comes again, or leaves.
    pub(super) fn settle(
        &self,
        index: usize,
        mut place: MutexGuard<'_, Option<Guest<S>>>,
        seen: Seen,
        next: Next,
    ) {
        let (wanted, deadline) = match next {
            // What the peer sent last, and its end, can come as one event: there is more to read.
            Next::Readable(_) if seen.ended() => {
                drop(place);
                return self.put_back(index);
            }
            Next::Again => {
                drop(place);
                return self.put_back(index);
            }
            Next::Readable(deadline) => (Registered::Reading, deadline),
            Next::Writable(deadline) => (Registered::Writing, deadline),
            Next::Linger | Next::Close => {
                drop(place);
                return self.leave(index, Ended::ByService);
            }
        };
        let registered = place.as_mut().map_or(Ok(()), |guest| self.register(index, guest, wanted));
        drop(place);
        if let Err(error) = registered {
            log::warn!("a connection cannot wait, and is closed: {error}");
            return self.leave(index, Ended::ByService);
        }
        self.alarms[index].set(deadline, self.opened);
        if !self.slots[index].claim.release(seen) {
            self.put_back(index); // something has happened meanwhile
        }
    }

    /// The connection leaves, and its seat is free.
    pub(super) fn leave(&self, index: usize, ended: Ended) {
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
        guest: &mut Guest<S>,
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

/// A worker's time.
struct Stopwatch {
    /// When its last turn ended, or it last looked for something to do.
    now: Instant,
    /// How often it had been taken off its core when it last asked.
    preemptions: i64,
}

impl Stopwatch {
    fn start() -> Stopwatch {
        Stopwatch { now: Instant::now(), preemptions: preemptions_of_this_thread() }
    }

    /// How long the turn took that ends now. None: a long one, in which the kernel gave the core to
    /// somebody else. That says nothing of the turn, and more workers at work would only make it worse.
    fn lap(&mut self) -> Option<Duration> {
        let begun = std::mem::replace(&mut self.now, Instant::now());
        let took = self.now.duration_since(begun);
        if took <= LONG {
            return Some(took);
        }
        let before = std::mem::replace(&mut self.preemptions, preemptions_of_this_thread());
        (self.preemptions == before).then_some(took)
    }
}

/// A worker while it leads. If it panics, the lead is vacant.
struct Leading<'a, S: Service> {
    lobby: &'a Shared<S>,
    term: Term,
}

impl<S: Service> Leading<'_, S> {
    /// Serves what is at hand, waits for events, and again; until the lead is taken away.
    fn go_on(&self, watch: &mut Stopwatch, desk: &mut S::Desk) {
        let Leading { lobby, term } = *self;
        let mut events = Events::new();
        let mut number = term.first_turn();
        let mut calls = Calls { since: watch.now, made: 0 };
        loop {
            // Once round; but after a turn of somebody who asks for much, others may have come.
            let at_hand = lobby.queues.at_hand();
            let taken = lobby.call_for_each();
            if taken == 0
                && at_hand >= MANY
                && calls.is_one_left(watch.now, lobby.helpers, lobby.help())
            {
                lobby.call();
            }
            for _ in taken..at_hand {
                let Some(work) = lobby.queues.next() else { break }; // helpers were faster
                let much = matches!(work, Work::Again(..));
                number += 1;
                lobby.turn.store(number, Ordering::Relaxed);
                lobby.serve_timed(work, watch, desk);
                if !lobby.lead.holds(term) {
                    return;
                }
                if much {
                    break;
                }
            }
            lobby.turn.store(0, Ordering::Relaxed);
            if !lobby.lead.fall_asleep(term) {
                return;
            }
            // Each worker that is coming takes at least one off the queues.
            let left = lobby.queues.at_hand();
            let patience = (left == 0 || left <= lobby.coming.count()) && !lobby.is_closed();
            let waited = lobby.poller.wait(patience, &mut events);
            lobby.lead.wake(term);
            lobby.wake_housekeeper();
            if let Err(error) = waited {
                log::error!("cannot wait for events: {error}");
                return thread::sleep(PAUSE); // whoever leads next may fail as well, and say so
            }
            if lobby.is_closed() {
                return;
            }
            watch.now = Instant::now();
            lobby.deliver(&events, watch.now);
        }
    }
}

/// The leader's calls for help where turns are not long.
struct Calls {
    since: Instant,
    made: usize,
}

impl Calls {
    /// May one more be made? So many may be, in the time that a worker helps.
    fn is_one_left(&mut self, now: Instant, most: usize, help: Duration) -> bool {
        if now.duration_since(self.since) >= help {
            *self = Calls { since: now, made: 0 };
        }
        self.made += 1;
        self.made <= most
    }
}

impl<S: Service> Drop for Leading<'_, S> {
    fn drop(&mut self) {
        self.lobby.lead.depose(self.term);
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
