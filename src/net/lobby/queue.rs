//! The three queues that the leader and its helpers take from: new, ready, and resumed connections.
//!
//! New connections cross a bounded crossbeam channel: when it is full, they are refused. Datagrams cross
//! it as well, while at least half of it is free: what is beyond that, is dropped. Connections
//! that are in the lobby already are in two queues behind one lock, which few threads take, and only for
//! a moment; their number can be read without it. The connection that has waited longest is served
//! first, new or not, unless a schedule picks another one.

use std::cell::OnceCell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use super::policy;
use crate::net::accept::Accepted;
use crate::net::admission::ConnectionLimiter;
use crate::net::datagram::{Datagram, share_of_datagrams};
use crate::pool::pick::Pick;
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
    /// The size of its first request, if a schedule has asked for it.
    pub(super) size: OnceCell<u64>,
}

/// Which connections may wait for a worker, and which of them is next.
#[derive(Debug)]
pub struct QueueRules {
    /// The most that may be new, and the most that may be ready, while all workers are busy; at least 1.
    pub capacity: usize,
    /// Picks the next one; `None`: the one that has waited longest.
    pub schedule: Option<&'static dyn Pick>,
    /// Its overload policy says what happens when the queue is full. It counts what is dropped.
    pub limiter: Arc<ConnectionLimiter>,
}

/// The three queues.
pub(super) struct Queues<C> {
    /// Both ends of the channel that all new connections and datagrams cross.
    channel: (Sender<Work<C>>, Receiver<Work<C>>),
    pending: Mutex<Pending<C>>,
    /// The number of connections in `pending`.
    pending_len: AtomicUsize,
    rules: QueueRules,
}

struct Pending<C> {
    ready: VecDeque<Ready>,
    resumed: VecDeque<(usize, Instant)>,
    /// What has waited longest in the channel, the oldest first: it has left the channel to be looked at.
    new: VecDeque<Work<C>>,
    /// The number of connections and datagrams taken so far.
    taken: u64,
}

/// A connection that has waited and is ready.
struct Ready {
    index: usize,
    since: Instant,
    /// The size of its request, if a schedule has asked for it.
    size: OnceCell<u64>,
}

/// Where a connection or a datagram waits that a schedule may pick.
enum Place {
    Ready(usize),
    New(usize),
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
    /// Returns empty queues.
    pub(super) fn new(rules: QueueRules) -> Queues<C> {
        let rules = QueueRules { capacity: rules.capacity.max(1), ..rules };
        let (ready, resumed, new) = (VecDeque::new(), VecDeque::new(), VecDeque::new());
        let pending = Mutex::new(Pending { ready, resumed, new, taken: 0 });
        let channel = bounded(rules.capacity);
        Queues { channel, pending, pending_len: AtomicUsize::new(0), rules }
    }

    /// Adds a new connection, or returns it when the channel is full. The caller has seen that there
    /// [is room](Queues::is_full).
    pub(super) fn admit(&self, new: New<C>) -> Result<(), Accepted> {
        match self.channel.0.try_send(Work::New(new)).map_err(TrySendError::into_inner) {
            Err(Work::New(new)) => Err(new.accepted),
            _ => Ok(()),
        }
    }

    /// Adds a new connection though the queue is full. Returns the new connection that `victim` picks in its
    /// place: itself, or one that has waited.
    pub(super) fn admit_instead(&self, new: New<C>, victim: &dyn Pick) -> Option<New<C>> {
        self.change(|pending| {
            pending.new.extend(self.channel.1.try_iter());
            pending.new.push_back(Work::New(new));
            let is_new = |&at: &usize| matches!(pending.new[at], Work::New(_));
            let connections: Vec<usize> = (0..pending.new.len()).filter(is_new).collect();
            let at = connections[victim.pick(connections.len(), &mut |_| 0)];
            match pending.new.remove(at)? {
                Work::New(dropped) => Some(dropped),
                _ => None,
            }
        })
    }

    /// Adds a datagram. Returns false, and drops it, when half of the channel is taken.
    pub(super) fn deliver(&self, datagram: Datagram) -> bool {
        self.new_len() < share_of_datagrams(self.rules.capacity)
            && self.channel.0.try_send(Work::Datagram(datagram)).is_ok()
    }

    /// Adds connections that have waited and are ready, each with its slot and since when.
    pub(super) fn push_ready(&self, ready: impl Iterator<Item = (usize, Instant)>) {
        let ready = ready.map(|(index, since)| Ready { index, since, size: OnceCell::new() });
        self.change(|pending| pending.ready.extend(ready));
    }

    /// Adds a connection that has had a turn and has more to do, or has been woken.
    pub(super) fn requeue(&self, index: usize, since: Instant) {
        self.change(|pending| pending.resumed.push_back((index, since)));
    }

    /// Takes the next connection. One in [`policy::RESUMED_SHARE`] is a resumed one, if there is one; the
    /// others have waited, and are taken in the order in which they became ready, or in that of the schedule,
    /// which `size_of` tells the size of a request, once it is known.
    pub(super) fn next(&self, size_of: &dyn Fn(&Work<C>) -> Option<u64>) -> Option<Work<C>> {
        self.change(|Pending { ready, resumed, new, taken }| {
            *taken = taken.wrapping_add(1);
            let mut waited = || {
                if let Some(schedule) = self.rules.schedule {
                    new.extend(self.channel.1.try_iter());
                    return pick(ready, new, schedule, size_of);
                }
                if new.is_empty() {
                    new.extend(self.channel.1.try_recv());
                }
                let new_since = new.front().map(Work::since);
                let is_first = |ready: &Ready| new_since.is_none_or(|new| ready.since <= new);
                if ready.front().is_some_and(is_first) {
                    ready.pop_front().map(Work::from)
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

    /// Takes the ready connections that exceed the capacity: those that the overload policy picks, else those
    /// that became ready last.
    pub(super) fn take_excess(&self) -> VecDeque<(usize, Instant)> {
        let excess = self.change(|Pending { ready, .. }| {
            let kept = self.rules.capacity.min(ready.len());
            let Some(victim) = self.victim() else { return ready.split_off(kept) };
            let excess = ready.len() - kept;
            let pick = |_| ready.remove(victim.pick(ready.len(), &mut |_| 0));
            (0..excess).filter_map(pick).collect()
        });
        excess.into_iter().map(|Ready { index, since, .. }| (index, since)).collect()
    }

    /// Returns the rule that picks the connection to drop when the queue is full; `None` if one is refused.
    pub(super) fn victim(&self) -> Option<&'static dyn Pick> {
        self.rules.limiter.overload.victim()
    }

    /// Counts a new connection that is dropped.
    pub(super) fn count_dropped(&self) {
        self.rules.limiter.count_dropped();
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
            ready.retain(|it| keep(Work::Ready(it.index, it.since)).is_some());
            resumed.retain(|&(at, since)| keep(Work::Resumed(at, since)).is_some());
            taken
        })
    }

    /// Returns since when the connection has waited that has waited longest, of those outside the channel.
    pub(super) fn oldest(&self) -> Option<Instant> {
        let Pending { ready, resumed, new, .. } = &*self.pending();
        let first_ready = ready.front().map(|ready| ready.since);
        let first_resumed = resumed.front().map(|&(_, since)| since);
        [first_ready, first_resumed, new.front().map(Work::since)].into_iter().flatten().min()
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
        self.new_len() >= self.rules.capacity
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

impl<C> From<Ready> for Work<C> {
    fn from(Ready { index, since, .. }: Ready) -> Work<C> {
        Work::Ready(index, since)
    }
}

/// Takes the connection or datagram that the schedule picks.
fn pick<C>(
    ready: &mut VecDeque<Ready>,
    new: &mut VecDeque<Work<C>>,
    schedule: &dyn Pick,
    size_of: &dyn Fn(&Work<C>) -> Option<u64>,
) -> Option<Work<C>> {
    let places = (0..ready.len()).map(Place::Ready).chain((0..new.len()).map(Place::New));
    let mut places: Vec<Place> = places.collect();
    places.sort_by_key(|place| match place {
        Place::Ready(at) => ready[*at].since,
        Place::New(at) => new[*at].since(),
    });
    if places.is_empty() {
        return None;
    }
    let picked = schedule.pick(places.len(), &mut |index| match places[index] {
        Place::Ready(at) => {
            let Ready { index, since, size } = &ready[at];
            known(size, || size_of(&Work::Ready(*index, *since)))
        }
        Place::New(at) => match &new[at] {
            work @ Work::New(New { size, .. }) => known(size, || size_of(work)),
            work => size_of(work).unwrap_or(u64::MAX),
        },
    });
    match places[picked] {
        Place::Ready(at) => ready.remove(at).map(Work::from),
        Place::New(at) => new.remove(at),
    }
}

/// Returns a size, which is looked for until it is known; the largest number until then.
fn known(size: &OnceCell<u64>, look: impl FnOnce() -> Option<u64>) -> u64 {
    size.get()
        .copied()
        .or_else(|| look().map(|found| *size.get_or_init(|| found)))
        .unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::admission::{Overload, PerAddress};
    use crate::net::peer_address::PeerAddress;
    use crate::net::service::Speaks;
    use std::net::{TcpListener, TcpStream};
    use std::time::Duration;

    fn rules(capacity: usize) -> QueueRules {
        let limiter = ConnectionLimiter::new(9, PerAddress::Any, Overload::Reject);
        QueueRules { capacity, schedule: None, limiter }
    }

    #[test]
    fn the_longest_wait_is_served_first_and_a_new_connection_is_queued_or_returned() {
        let (queues, begun) = (Queues::new(rules(2)), Instant::now());
        let at = |milliseconds| begun + Duration::from_millis(milliseconds);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let limiter = ConnectionLimiter::new(9, PerAddress::Any, Overload::Reject);
        let new = |index, milliseconds| {
            let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let peer = PeerAddress::Tcp(stream.local_addr().unwrap());
            let permit = limiter.try_admit(peer).unwrap();
            let at = at(milliseconds);
            let accepted = Accepted { stream, peer, at, speaks: Speaks::Own, permit };
            New { index, accepted, connection: Box::new(()), size: OnceCell::new() }
        };
        assert!(queues.admit(new(20, 2)).is_ok() && queues.admit(new(21, 9)).is_ok());
        assert!(queues.is_full() && queues.admit(new(22, 9)).is_err());
        queues.push_ready((0..5).map(|index| (index, at(index as u64))));
        (10..13).for_each(|index| queues.requeue(index, begun));
        assert_eq!((queues.at_hand(), queues.ready_len(), queues.new_len()), (10, 5, 2));
        let mut left = 10;
        let taken = std::iter::from_fn(|| {
            let work = queues.next(&|_| None)?;
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
        let (queues, now) = (Queues::<()>::new(rules(4)), Instant::now());
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
        let left = std::iter::from_fn(|| queues.next(&|_| None));
        assert_eq!(left.map(|work| index_of(&work)).collect::<Vec<_>>(), [1, 3, 5, 8]);
    }

    #[test]
    fn the_ready_connections_beyond_the_capacity_are_the_last_ones() {
        let (queues, now) = (Queues::<()>::new(rules(2)), Instant::now());
        queues.push_ready((0..2).map(|index| (index, now)));
        assert!(queues.take_excess().is_empty());
        queues.push_ready((2..5).map(|index| (index, now)));
        queues.requeue(9, now);
        let excess: Vec<usize> = queues.take_excess().into_iter().map(|(index, _)| index).collect();
        assert_eq!((excess, queues.at_hand()), (vec![2, 3, 4], 3));
    }
}
