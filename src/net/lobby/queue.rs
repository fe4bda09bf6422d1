//! What is at hand: the three queues that the leader and its helpers take from.
//!
//! New connections cross a channel, which has an end: beyond it they are refused. Those that are in
//! already stand in two lines behind one lock, which is held for a moment and by few: a look at how
//! many there are takes none.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use crate::net::accept::Accepted;

/// Something for a worker to do. Whoever takes a connection from a queue owns it.
pub(super) enum Work {
    /// A connection that has waited, by its slot, and since when it need not any more.
    Ready(usize, Instant),
    /// A new one, with the slot that it will sit in.
    New(usize, Accepted),
    /// One that has just had a turn, and has more to do already.
    Again(usize, Instant),
}

/// The three queues.
pub(super) struct Queues {
    /// The channel that all new connections cross: both its ends.
    arrivals: (Sender<(usize, Accepted)>, Receiver<(usize, Accepted)>),
    lines: Mutex<Lines>,
    /// How many stand in the two lines.
    standing: AtomicUsize,
    /// How many may be new, and how many ready, while all workers are busy.
    most: usize,
}

#[derive(Default)]
struct Lines {
    ready: VecDeque<(usize, Instant)>,
    again: VecDeque<(usize, Instant)>,
    /// How often something has been taken from any of the three.
    taken: u64,
}

impl Queues {
    pub(super) fn new(most: usize) -> Queues {
        let most = most.max(1);
        let (lines, standing) = (Mutex::default(), AtomicUsize::new(0));
        Queues { arrivals: bounded(most), lines, standing, most }
    }

    /// A new connection; it comes back when there is no place.
    pub(super) fn admit(&self, index: usize, accepted: Accepted) -> Result<(), Accepted> {
        self.arrivals.0.try_send((index, accepted)).map_err(|error| match error {
            TrySendError::Full((_, back)) | TrySendError::Disconnected((_, back)) => back,
        })
    }

    /// These have waited, and need not any more.
    pub(super) fn ready(&self, those: impl Iterator<Item = (usize, Instant)>) {
        self.change(|lines| lines.ready.extend(those));
    }

    /// This one has had a turn, and has more to do.
    pub(super) fn again(&self, index: usize, since: Instant) {
        self.change(|lines| lines.again.push_back((index, since)));
    }

    /// Takes what is at hand. Each queue gets its share: of four turns two are for those that have
    /// waited, one for the new ones, and one for those that had a turn just now.
    pub(super) fn next(&self) -> Option<Work> {
        self.change(|Lines { ready, again, taken }| {
            *taken = taken.wrapping_add(1);
            let mut ready = || ready.pop_front().map(|(at, since)| Work::Ready(at, since));
            let mut again = || again.pop_front().map(|(at, since)| Work::Again(at, since));
            let arrival = || self.arrivals.1.try_recv().ok().map(|(at, new)| Work::New(at, new));
            match *taken % 4 {
                0 => again().or_else(ready).or_else(arrival),
                2 => arrival().or_else(ready).or_else(again),
                _ => ready().or_else(arrival).or_else(again),
            }
        })
    }

    /// Takes those for whom there is no place among the ready ones.
    pub(super) fn too_many(&self) -> VecDeque<(usize, Instant)> {
        self.change(|lines| {
            let places = self.most.min(lines.ready.len());
            lines.ready.split_off(places)
        })
    }

    /// How much there is to do.
    pub(super) fn at_hand(&self) -> usize {
        self.standing.load(Ordering::Relaxed) + self.new_ones()
    }

    /// How many connections are new.
    pub(super) fn new_ones(&self) -> usize {
        self.arrivals.1.len()
    }

    /// How many have waited, and need not any more.
    pub(super) fn ready_ones(&self) -> usize {
        self.lines().ready.len()
    }

    /// Is there no place for a new one?
    pub(super) fn is_full(&self) -> bool {
        self.arrivals.0.is_full()
    }

    fn change<T>(&self, change: impl FnOnce(&mut Lines) -> T) -> T {
        let mut lines = self.lines();
        let outcome = change(&mut lines);
        // Whoever has filled a line looks at the lead next, and whoever leads looks here before it
        // sleeps: the fences of the lead are between.
        self.standing.store(lines.ready.len() + lines.again.len(), Ordering::Relaxed);
        outcome
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
