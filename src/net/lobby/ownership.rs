//! Decides which thread owns a connection, with one atomic word for each slot.
//!
//! The word counts the events of the connection since an owner last looked. The thread that raises the
//! count from zero owns the connection. The owner gives it back only if the count has not changed since
//! it looked; otherwise it takes another turn. So an event is never lost, and a connection is never
//! served by two threads at once. All other data of a slot is touched by the owner alone.
//!
//! Model-checked: `make model` tries every interleaving.

#[cfg(loom)]
use loom::sync::atomic::{AtomicU64, Ordering};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU64, Ordering};

/// The state of a slot: the generation of its connection (32 bits), whether the peer has ended its side
/// (1 bit), and the number of events (31 bits). Zero events mean that no thread owns the connection.
#[derive(Debug)]
pub(super) struct Ownership(AtomicU64);

const EVENTS: u64 = (1 << 31) - 1;
const PEER_ENDED: u64 = 1 << 31;
const ONE_GENERATION: u64 = 1 << 32;

/// The state as the owner saw it before its turn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Snapshot(u64);

impl Snapshot {
    /// Returns true if the peer has ended its side: reads return what is left, and then the end.
    pub(super) fn peer_ended(self) -> bool {
        self.0 & PEER_ENDED != 0
    }
}

impl Ownership {
    /// Returns the state of an empty slot.
    pub(super) fn new() -> Ownership {
        Ownership(AtomicU64::new(0))
    }

    /// Puts a new connection into the slot; the caller owns it. Returns the generation that its events
    /// carry.
    pub(super) fn occupy(&self) -> u32 {
        generation(self.0.fetch_add(1, Ordering::AcqRel))
    }

    /// Counts an event of the connection with this generation. Returns true if the caller owns the
    /// connection now.
    pub(super) fn signal(&self, of: u32, peer_ended: bool) -> bool {
        let mut now = self.0.load(Ordering::Relaxed);
        loop {
            if generation(now) != of {
                return false; // the event is about a connection that has left
            }
            let counted = if now & EVENTS < EVENTS { now + 1 } else { now };
            let next = counted | if peer_ended { PEER_ENDED } else { 0 };
            match self.0.compare_exchange_weak(now, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return now & EVENTS == 0,
                Err(newer) => now = newer,
            }
        }
    }

    /// Returns the events so far. The owner calls this before it acts on them.
    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot(self.0.load(Ordering::Acquire))
    }

    /// Gives the connection back, unless an event has come since `snapshot`. Returns false if the caller
    /// still owns it.
    pub(super) fn release(&self, snapshot: Snapshot) -> bool {
        let unowned = snapshot.0 & !EVENTS;
        self.0.compare_exchange(snapshot.0, unowned, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Empties the slot, for its owner. Later events of the connection are ignored.
    pub(super) fn retire(&self) {
        let mut now = self.0.load(Ordering::Relaxed);
        loop {
            let next = (now & !(EVENTS | PEER_ENDED)).wrapping_add(ONE_GENERATION);
            match self.0.compare_exchange_weak(now, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return,
                Err(newer) => now = newer,
            }
        }
    }

    /// Returns the generation of the connection in the slot, or of the next one if the slot is empty. The
    /// caller sees everything that was done before the previous connection left.
    pub(super) fn generation(&self) -> u32 {
        generation(self.0.load(Ordering::Acquire))
    }
}

fn generation(word: u64) -> u32 {
    u32::try_from(word >> 32).unwrap_or_default()
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn one_thread_owns_a_connection_and_no_event_is_lost() {
        let ownership = Ownership::new();
        let generation = ownership.occupy();
        assert!(!ownership.signal(generation, false), "its creator owns it");
        let snapshot = ownership.snapshot();
        assert!(!ownership.signal(generation, true));
        assert!(!ownership.release(snapshot), "an event has come since");
        let snapshot = ownership.snapshot();
        assert!(snapshot.peer_ended() && ownership.release(snapshot));
        assert!(ownership.signal(generation, false), "no thread owned it");
        assert!(ownership.snapshot().peer_ended(), "the end of the peer's side is kept");
        ownership.retire();
        assert!(!ownership.signal(generation, false), "it has left");
        assert_eq!(ownership.occupy(), generation + 1);
        assert!(!ownership.snapshot().peer_ended());
    }
}

#[cfg(all(test, loom))]
pub(super) mod model {
    use super::*;
    use loom::sync::Arc;
    use loom::sync::atomic::AtomicUsize;
    use loom::thread;

    /// Tries every interleaving with at most three preemptions. Without the bound there are millions,
    /// and no known bug of this kind needs more.
    pub(in crate::net::lobby) fn model(story: impl Fn() + Send + Sync + 'static) {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(story);
    }

    /// A connection, and the events that its owners have noticed. Only one owner at a time may touch
    /// `data`, which loom checks; `noticed` belongs to the test, not to the model.
    struct Slot {
        ownership: Ownership,
        data: loom::cell::UnsafeCell<()>,
        happened: AtomicUsize,
        noticed: std::sync::atomic::AtomicUsize,
    }

    impl Slot {
        fn new() -> Slot {
            Slot {
                ownership: Ownership::new(),
                data: loom::cell::UnsafeCell::new(()),
                happened: AtomicUsize::new(0),
                noticed: std::sync::atomic::AtomicUsize::new(0),
            }
        }

        fn serve(&self) {
            loop {
                let snapshot = self.ownership.snapshot();
                self.data.with_mut(|_| ());
                let happened = self.happened.load(Ordering::Relaxed);
                self.noticed.fetch_max(happened, Ordering::Relaxed);
                if self.ownership.release(snapshot) {
                    return;
                }
            }
        }
    }

    /// Two threads signal one event each, and a thread that becomes the owner serves. There are never
    /// two owners at once, and in the end an owner has noticed every event.
    #[test]
    fn no_event_is_lost_and_no_connection_is_served_twice_at_once() {
        model(|| {
            let slot = Arc::new(Slot::new());
            let generation = slot.ownership.occupy();
            let signallers: Vec<_> = (0..2)
                .map(|_| {
                    let slot = Arc::clone(&slot);
                    thread::spawn(move || {
                        slot.happened.fetch_add(1, Ordering::Relaxed);
                        if slot.ownership.signal(generation, false) {
                            slot.serve();
                        }
                    })
                })
                .collect();
            slot.serve();
            signallers.into_iter().for_each(|signaller| signaller.join().unwrap());
            assert_eq!(slot.noticed.load(Ordering::Relaxed), 2, "an event was lost");
            assert_eq!(slot.ownership.snapshot().0 & EVENTS, 0, "a thread still owns it");
        });
    }

    /// A connection has nothing to send and waits to be woken, while another thread publishes. Each looks
    /// under the topic's lock, and one of the two notices the other: the message is never left unsent.
    #[test]
    fn what_is_published_while_a_connection_begins_to_wait_is_noticed() {
        /// The messages that were published, and whether the connection has left a waker.
        #[derive(Default)]
        struct Topic {
            published: usize,
            waits: bool,
        }

        fn turn(slot: &Slot, topic: &loom::sync::Mutex<Topic>) {
            loop {
                let snapshot = slot.ownership.snapshot();
                slot.data.with_mut(|_| ());
                let mut topic = topic.lock().unwrap();
                slot.noticed.store(topic.published, Ordering::Relaxed);
                topic.waits = true;
                drop(topic);
                if slot.ownership.release(snapshot) {
                    return;
                }
            }
        }

        model(|| {
            let slot = Arc::new(Slot::new());
            let topic = Arc::new(loom::sync::Mutex::new(Topic::default()));
            let generation = slot.ownership.occupy();
            let publishers: Vec<_> = (0..2)
                .map(|_| {
                    let (slot, topic) = (Arc::clone(&slot), Arc::clone(&topic));
                    thread::spawn(move || {
                        let mut state = topic.lock().unwrap();
                        state.published += 1;
                        let waits = std::mem::take(&mut state.waits);
                        drop(state);
                        if waits && slot.ownership.signal(generation, false) {
                            turn(&slot, &topic);
                        }
                    })
                })
                .collect();
            turn(&slot, &topic);
            publishers.into_iter().for_each(|publisher| publisher.join().unwrap());
            assert_eq!(slot.noticed.load(Ordering::Relaxed), 2, "a message was left unsent");
        });
    }

    /// A connection leaves while the supervisor looks at its deadline: the supervisor owns that
    /// connection or none, and never the empty slot.
    #[test]
    fn no_thread_owns_an_empty_slot() {
        model(|| {
            let (ownership, deadline) = (Arc::new(Ownership::new()), Arc::new(AtomicUsize::new(1)));
            let generation = ownership.occupy();
            assert!(ownership.release(ownership.snapshot()));
            let leaver = {
                let (ownership, deadline) = (Arc::clone(&ownership), Arc::clone(&deadline));
                thread::spawn(move || {
                    if ownership.signal(generation, true) {
                        deadline.store(0, Ordering::Relaxed);
                        ownership.retire();
                    }
                })
            };
            let found = ownership.generation();
            if deadline.load(Ordering::Relaxed) == 1 && ownership.signal(found, false) {
                assert_eq!(ownership.generation(), generation);
            }
            leaver.join().unwrap();
        });
    }

    /// The supervisor acts for a leader that comes back: both deliver events of one connection, and both
    /// take from the queue of ready connections, to shed one and to serve one. Only one gets it.
    #[test]
    fn a_connection_is_not_shed_and_served_at_once() {
        model(|| {
            let slot = Arc::new(Slot::new());
            let ready = Arc::new(AtomicUsize::new(0));
            let generation = slot.ownership.occupy();
            assert!(slot.ownership.release(slot.ownership.snapshot()));
            let threads: Vec<_> = (0..2)
                .map(|_| {
                    let (slot, ready) = (Arc::clone(&slot), Arc::clone(&ready));
                    thread::spawn(move || {
                        slot.happened.fetch_add(1, Ordering::Relaxed);
                        if slot.ownership.signal(generation, false) {
                            ready.fetch_add(1, Ordering::Release);
                        }
                        let taken =
                            ready.fetch_update(Ordering::AcqRel, Ordering::Relaxed, |held| {
                                held.checked_sub(1)
                            });
                        if taken.is_ok() {
                            slot.serve();
                        }
                    })
                })
                .collect();
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            let left = ready.load(Ordering::Relaxed);
            let noticed = slot.noticed.load(Ordering::Relaxed);
            assert!(left == 1 || noticed == 2, "an event was lost");
            assert!(left <= 1, "it is in the queue twice");
        });
    }
}
