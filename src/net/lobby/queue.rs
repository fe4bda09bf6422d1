//! The three queues that the leader and its helpers take from: new, ready, and resumed connections.
//!
//! New connections cross a bounded crossbeam channel: when it is full, they are refused. Datagrams cross
//! it as well, while at least half of it is free: what is beyond that, is dropped. Connections
//! that are in the lobby already are in two queues behind one lock, which few threads take, and only for
//! a moment; their number can be read without it. The connection that has waited longest is served
//! first, new or not.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use super::policy;
use crate::net::accept::Accepted;
use crate::net::datagram::{Datagram, share_of_datagrams};
use crate::sync::lock;

/// A connection or a datagram for a worker to serve. The worker that takes it from a queue owns it.
pub(super) enum Work<C> {
    /// A connection that has waited: its slot, and since when it has been ready.
    Ready(usize, Instant),
    /// A new connection.
    New(New<C>),
    /// A datagram.
    Datagram(Datagram),
    /// A connection that has just had a turn and has more to do, or has been woken.
    Resumed(usize, Instant),
}

/// A new connection, and its state in the service. The accept thread allocates the state: malloc has an
/// arena for each thread, and memory that is free in one worker's arena is of no use to the next leader.
pub(super) struct New<C> {
    /// The slot that it will take.
    pub(super) index: usize,
    pub(super) accepted: Accepted,
    pub(super) connection: Box<C>,
}

/// The three queues.
pub(super) struct Queues<C> {
    /// Both ends of the channel that all new connections and datagrams cross.
    channel: (Sender<Work<C>>, Receiver<Work<C>>),
    pending: Mutex<Pending<C>>,
    /// The number of connections in `pending`.
    pending_len: AtomicUsize,
    /// The most that may be new, and the most that may be ready, while all workers are busy.
    capacity: usize,
}

struct Pending<C> {
    ready: VecDeque<(usize, Instant)>,
    resumed: VecDeque<(usize, Instant)>,
    /// What has waited longest in the channel, the oldest first: it has left the channel to be looked at.
    new: VecDeque<Work<C>>,
    /// The number of connections and datagrams taken so far.
    taken: u64,
}

impl<C> Work<C> {
    /// Returns since when it has waited.
    fn since(&self) -> Instant {
        match self {
            Work::Ready(_, since) | Work::Resumed(_, since) => *since,
            Work::New(new) => new.accepted.at,
            Work::Datagram(datagram) => datagram.at,
        }
    }
}

impl<C> Queues<C> {
    /// Returns empty queues for `capacity` new and `capacity` ready connections, at least 1.
    pub(super) fn new(capacity: usize) -> Queues<C> {
        let capacity = capacity.max(1);
        let (ready, resumed) = (VecDeque::new(), VecDeque::new());
        let new = VecDeque::new();
        let pending = Mutex::new(Pending { ready, resumed, new, taken: 0 });
        Queues { channel: bounded(capacity), pending, pending_len: AtomicUsize::new(0), capacity }
    }

    /// Adds a new connection, or returns it when the channel is full. The caller has seen that there
    /// [is room](Queues::is_full).
    pub(super) fn admit(&self, new: New<C>) -> Result<(), Accepted> {
        match self.channel.0.try_send(Work::New(new)).map_err(TrySendError::into_inner) {
            Err(Work::New(new)) => Err(new.accepted),
            _ => Ok(()),
        }
    }

    /// Adds a datagram. Returns false, and drops it, when half of the channel is taken.
    pub(super) fn deliver(&self, datagram: Datagram) -> bool {
        self.new_len() < share_of_datagrams(self.capacity)
            && self.channel.0.try_send(Work::Datagram(datagram)).is_ok()
    }

    /// Adds connections that have waited and are ready, each with its slot and since when.
    pub(super) fn push_ready(&self, ready: impl Iterator<Item = (usize, Instant)>) {
        self.change(|pending| pending.ready.extend(ready));
    }

    /// Adds a connection that has had a turn and has more to do, or has been woken.
    pub(super) fn requeue(&self, index: usize, since: Instant) {
        self.change(|pending| pending.resumed.push_back((index, since)));
    }

    /// Takes the next connection. One in [`policy::RESUMED_SHARE`] is a resumed one, if there is one; the
    /// others have waited, and are taken in the order in which they became ready.
    pub(super) fn next(&self) -> Option<Work<C>> {
        self.change(|Pending { ready, resumed, new, taken }| {
            *taken = taken.wrapping_add(1);
            let mut waited = || {
                if new.is_empty() {
                    new.extend(self.channel.1.try_recv());
                }
                let new_since = new.front().map(Work::since);
                let is_first =
                    |&(_, since): &(_, Instant)| new_since.is_none_or(|new| since <= new);
                if ready.front().is_some_and(is_first) {
                    ready.pop_front().map(|(at, since)| Work::Ready(at, since))
                } else {
                    new.pop_front()
                }
            };
            let mut resumed = || resumed.pop_front().map(|(at, since)| Work::Resumed(at, since));
            match *taken % policy::RESUMED_SHARE {
                0 => resumed().or_else(waited),
                _ => waited().or_else(resumed),
            }
        })
    }

    /// Takes the ready connections that exceed the capacity: those that became ready last.
    pub(super) fn take_excess(&self) -> VecDeque<(usize, Instant)> {
        self.change(|pending| {
            let kept = self.capacity.min(pending.ready.len());
            pending.ready.split_off(kept)
        })
    }

    /// Takes out the connections that are `wanted`, wherever they wait: the first of them, up to `most`. The
    /// caller wakes the leader afterwards: one that has just come back may have seen too few, and sleep.
    pub(super) fn take(&self, most: usize, wanted: impl Fn(&Work<C>) -> bool) -> Vec<Work<C>> {
        self.change(|Pending { ready, resumed, new, .. }| {
            new.extend(self.channel.1.try_iter());
            let mut taken = Vec::new();
            let mut keep = |work: Work<C>| {
                if taken.len() < most && wanted(&work) {
                    taken.push(work);
                    return None;
                }
                Some(work)
            };
            *new = std::mem::take(new).into_iter().filter_map(&mut keep).collect();
            ready.retain(|&(at, since)| keep(Work::Ready(at, since)).is_some());
            resumed.retain(|&(at, since)| keep(Work::Resumed(at, since)).is_some());
            taken
        })
    }

    /// Returns since when the connection has waited that has waited longest, of those outside the channel.
    pub(super) fn oldest(&self) -> Option<Instant> {
        let Pending { ready, resumed, new, .. } = &*self.pending();
        let waiting = [ready.front(), resumed.front()].into_iter().flatten();
        waiting.map(|&(_, since)| since).chain(new.front().map(Work::since)).min()
    }

    /// Returns the number of connections in all three queues.
    pub(super) fn at_hand(&self) -> usize {
        self.pending_len.load(Ordering::Relaxed) + self.channel.1.len()
    }

    /// Returns the number of new connections and datagrams.
    pub(super) fn new_len(&self) -> usize {
        self.pending().new.len() + self.channel.1.len()
    }

    /// Returns the number of ready connections.
    pub(super) fn ready_len(&self) -> usize {
        self.pending().ready.len()
    }

    /// Returns true if as many new connections wait as may.
    pub(super) fn is_full(&self) -> bool {
        self.new_len() >= self.capacity
    }

    fn change<T>(&self, change: impl FnOnce(&mut Pending<C>) -> T) -> T {
        let mut pending = self.pending();
        let outcome = change(&mut pending);
        // Relaxed is enough: a thread that fills a queue looks at the lead next, and the leader looks here
        // before it sleeps, so the fences in `leadership.rs` lie between the two.
        let waiting = pending.ready.len() + pending.resumed.len() + pending.new.len();
        self.pending_len.store(waiting, Ordering::Relaxed);
        outcome
    }

    fn pending(&self) -> MutexGuard<'_, Pending<C>> {
        lock(&self.pending)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::admission::{ConnectionLimiter, Overload, PerAddress};
    use crate::net::peer_address::PeerAddress;
    use std::net::{TcpListener, TcpStream};
    use std::time::Duration;

    #[test]
    fn the_longest_wait_is_served_first_and_a_new_connection_is_queued_or_returned() {
        let (queues, begun) = (Queues::new(2), Instant::now());
        let at = |milliseconds| begun + Duration::from_millis(milliseconds);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let limiter = ConnectionLimiter::new(9, PerAddress::Any, Overload::Reject);
        let new = |index, milliseconds| {
            let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let peer = PeerAddress::Tcp(stream.local_addr().unwrap());
            let permit = limiter.try_admit(peer).unwrap();
            let at = at(milliseconds);
            let accepted = Accepted { stream, peer, at, protocol: None, permit };
            New { index, accepted, connection: Box::new(()) }
        };
        assert!(queues.admit(new(20, 2)).is_ok() && queues.admit(new(21, 9)).is_ok());
        assert!(queues.is_full() && queues.admit(new(22, 9)).is_err());
        queues.push_ready((0..5).map(|index| (index, at(index as u64))));
        (10..13).for_each(|index| queues.requeue(index, begun));
        assert_eq!((queues.at_hand(), queues.ready_len(), queues.new_len()), (10, 5, 2));
        let mut left = 10;
        let taken = std::iter::from_fn(|| {
            let work = queues.next()?;
            left -= 1;
            assert_eq!(queues.at_hand(), left);
            Some(work)
        });
        let taken = taken.map(|work| match work {
            Work::Ready(index, _) | Work::New(New { index, .. }) | Work::Resumed(index, _) => index,
            Work::Datagram(_) => usize::MAX,
        });
        assert_eq!(taken.collect::<Vec<_>>(), [0, 1, 2, 10, 20, 3, 4, 11, 21, 12]);
    }

    #[test]
    fn what_needs_no_worker_is_taken_out_and_the_others_keep_their_places() {
        let (queues, now) = (Queues::<()>::new(4), Instant::now());
        queues.push_ready((0..6).map(|index| (index, now)));
        queues.requeue(6, now);
        queues.requeue(8, now);
        let index_of = |work: &Work<()>| match work {
            Work::Ready(index, _) | Work::Resumed(index, _) => *index,
            Work::New(_) | Work::Datagram(_) => usize::MAX,
        };
        let taken = queues.take(4, |work| index_of(work).is_multiple_of(2));
        assert_eq!(taken.iter().map(index_of).collect::<Vec<_>>(), [0, 2, 4, 6], "four at most");
        assert_eq!((queues.at_hand(), queues.oldest()), (4, Some(now)));
        let left = std::iter::from_fn(|| queues.next());
        assert_eq!(left.map(|work| index_of(&work)).collect::<Vec<_>>(), [1, 3, 5, 8]);
    }

    #[test]
    fn the_ready_connections_beyond_the_capacity_are_the_last_ones() {
        let (queues, now) = (Queues::<()>::new(2), Instant::now());
        queues.push_ready((0..2).map(|index| (index, now)));
        assert!(queues.take_excess().is_empty());
        queues.push_ready((2..5).map(|index| (index, now)));
        queues.requeue(9, now);
        let excess: Vec<usize> = queues.take_excess().into_iter().map(|(index, _)| index).collect();
        assert_eq!((excess, queues.at_hand()), (vec![2, 3, 4], 3));
    }
}
