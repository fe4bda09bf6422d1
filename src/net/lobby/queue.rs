//! What is at hand: the three queues that the leader and its helpers take from.
//!
//! New connections cross a channel, which has an end: beyond it they are refused. Those that are in
//! already stand in two lines behind one lock, which is held for a moment and by few: a look at how
//! many there are takes none. Who has waited for longest is served first, new or not.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use crate::net::accept::Accepted;
use crate::sync::lock;

/// Something for a worker to do. Whoever takes a connection from a queue owns it.
pub(super) enum Work<C> {
    /// A connection that has waited, by its slot, and since when it need not any more.
    Ready(usize, Instant),
    /// A new one.
    New(New<C>),
    /// One that has just had a turn, and has more to do already.
    Again(usize, Instant),
}

/// A new connection, and what the service remembers of it. That is made by the thread that accepts:
/// malloc has an arena for each thread, and what is free in one worker's is of no use to the next
/// leader.
pub(super) struct New<C> {
    /// The slot that it will sit in.
    pub(super) index: usize,
    pub(super) accepted: Accepted,
    pub(super) connection: Box<C>,
}

/// The three queues.
pub(super) struct Queues<C> {
    /// The channel that all new connections cross: both its ends.
    arrivals: (Sender<New<C>>, Receiver<New<C>>),
    lines: Mutex<Lines<C>>,
    /// How many stand in the two lines, or before them.
    standing: AtomicUsize,
    /// How many may be new, and how many ready, while all workers are busy.
    most: usize,
}

struct Lines<C> {
    ready: VecDeque<(usize, Instant)>,
    again: VecDeque<(usize, Instant)>,
    /// The new connection that has waited for longest: it has left the channel, to be compared.
    oldest_new: Option<New<C>>,
    /// How often something has been taken from any of the three.
    taken: u64,
}

impl<C> Queues<C> {
    pub(super) fn new(most: usize) -> Queues<C> {
        let most = most.max(1);
        let (ready, again) = (VecDeque::new(), VecDeque::new());
        let lines = Mutex::new(Lines { ready, again, oldest_new: None, taken: 0 });
        Queues { arrivals: bounded(most), lines, standing: AtomicUsize::new(0), most }
    }

    /// A new connection; it comes back when there is no place.
    pub(super) fn admit(&self, new: New<C>) -> Result<(), Accepted> {
        self.arrivals.0.try_send(new).map_err(|error| match error {
            TrySendError::Full(new) | TrySendError::Disconnected(new) => new.accepted,
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

    /// Takes what is at hand. Of four turns three are for those that have waited, new or not, in the order
    /// of their waiting; one is for those that had a turn just now.
    pub(super) fn next(&self) -> Option<Work<C>> {
        self.change(|Lines { ready, again, oldest_new, taken }| {
            *taken = taken.wrapping_add(1);
            let mut waited = || {
                if oldest_new.is_none() {
                    *oldest_new = self.arrivals.1.try_recv().ok();
                }
                let new_since = oldest_new.as_ref().map(|new| new.accepted.at);
                let is_first =
                    |&(_, since): &(_, Instant)| new_since.is_none_or(|new| since <= new);
                if ready.front().is_some_and(is_first) {
                    ready.pop_front().map(|(at, since)| Work::Ready(at, since))
                } else {
                    oldest_new.take().map(Work::New)
                }
            };
            let mut again = || again.pop_front().map(|(at, since)| Work::Again(at, since));
            match *taken % 4 {
                0 => again().or_else(waited),
                _ => waited().or_else(again),
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

    fn change<T>(&self, change: impl FnOnce(&mut Lines<C>) -> T) -> T {
        let mut lines = self.lines();
        let outcome = change(&mut lines);
        // Whoever has filled a line looks at the lead next, and whoever leads looks here before it
        // sleeps: the fences of the lead are between.
        let new = usize::from(lines.oldest_new.is_some());
        self.standing.store(lines.ready.len() + lines.again.len() + new, Ordering::Relaxed);
        outcome
    }

    fn lines(&self) -> MutexGuard<'_, Lines<C>> {
        lock(&self.lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::admission::{ConnectionLimiter, Overload, PerAddress};
    use std::net::{TcpListener, TcpStream};
    use std::time::Duration;

    #[test]
    fn who_has_waited_for_longest_is_first_and_new_ones_find_a_place_or_come_back() {
        let (queues, begun) = (Queues::new(2), Instant::now());
        let at = |milliseconds| begun + Duration::from_millis(milliseconds);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let door = ConnectionLimiter::new(9, PerAddress::Any, Overload::Reject);
        let new = |index, milliseconds| {
            let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let peer = stream.local_addr().unwrap();
            let pass = door.enter(peer.ip()).unwrap();
            let accepted = Accepted { stream, peer, at: at(milliseconds), pass };
            New { index, accepted, connection: Box::new(()) }
        };
        assert!(queues.admit(new(20, 2)).is_ok() && queues.admit(new(21, 9)).is_ok());
        assert!(queues.is_full() && queues.admit(new(22, 9)).is_err());
        queues.ready((0..5).map(|index| (index, at(index as u64))));
        (10..13).for_each(|index| queues.again(index, begun));
        assert_eq!((queues.at_hand(), queues.ready_ones(), queues.new_ones()), (10, 5, 2));
        let mut left = 10;
        let taken = std::iter::from_fn(|| {
            let work = queues.next()?;
            left -= 1;
            assert_eq!(queues.at_hand(), left);
            Some(work)
        });
        let taken = taken.map(|work| match work {
            Work::Ready(index, _) | Work::New(New { index, .. }) | Work::Again(index, _) => index,
        });
        assert_eq!(taken.collect::<Vec<_>>(), [0, 1, 2, 10, 20, 3, 4, 11, 21, 12]);
    }

    #[test]
    fn there_are_too_many_where_there_is_no_place_and_the_last_ones_are() {
        let (queues, now) = (Queues::<()>::new(2), Instant::now());
        queues.ready((0..2).map(|index| (index, now)));
        assert!(queues.too_many().is_empty());
        queues.ready((2..5).map(|index| (index, now)));
        queues.again(9, now);
        let many: Vec<usize> = queues.too_many().into_iter().map(|(index, _)| index).collect();
        assert_eq!((many, queues.at_hand()), (vec![2, 3, 4], 3));
    }
}
