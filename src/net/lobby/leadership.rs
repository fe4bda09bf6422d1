//! Decides which worker leads, with one atomic word: the Leader/Followers pattern (Schmidt et al.).
//!
//! One worker at a time holds the lead: it waits for events and serves what is ready. Before it begins
//! long work, the lead is revoked, and the next worker takes it for a new term.
//!
//! A leader about to sleep says so first and then looks at the queues once more; a thread that fills a
//! queue looks at the lead afterwards. In every order of the two, one sees what the other did.
//!
//! Model-checked: `make model` tries every interleaving.

#[cfg(loom)]
use loom::sync::atomic::{AtomicU64, Ordering, fence};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU64, Ordering, fence};

/// The number of the current term (62 bits), and whether the lead is vacant, or its holder awake or
/// asleep (2 bits).
#[derive(Debug)]
pub(super) struct Lead(AtomicU64);

const VACANT: u64 = 0;
const AWAKE: u64 = 1;
const ASLEEP: u64 = 2;
const STATE: u64 = 3;
const ONE_TERM: u64 = 4;

/// The right to lead, until it is revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Term(pub(super) u64);

impl Lead {
    /// Returns a vacant lead.
    pub(super) fn new() -> Lead {
        Lead(AtomicU64::new(VACANT))
    }

    /// Takes the lead if it is vacant.
    pub(super) fn take(&self) -> Option<Term> {
        let now = self.0.load(Ordering::Relaxed);
        if now & STATE != VACANT {
            return None;
        }
        let term = now + ONE_TERM;
        let taken = self.0.compare_exchange(now, term | AWAKE, Ordering::AcqRel, Ordering::Relaxed);
        taken.ok().map(|_| Term(term))
    }

    /// Returns true if this term has not ended. The leader checks after each turn, because a long turn
    /// ends the term.
    pub(super) fn holds(&self, term: Term) -> bool {
        let now = self.0.load(Ordering::Relaxed);
        now & !STATE == term.0 && now & STATE != VACANT
    }

    /// Announces that the leader is about to sleep. The leader must look at the queues after this and
    /// before it sleeps. Returns false if the term has ended.
    pub(super) fn fall_asleep(&self, term: Term) -> bool {
        let (awake, asleep) = (term.0 | AWAKE, term.0 | ASLEEP);
        let announced = self.0.compare_exchange(awake, asleep, Ordering::SeqCst, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        announced.is_ok()
    }

    /// Marks the leader as awake. Another thread may have done so already.
    pub(super) fn wake_up(&self, term: Term) {
        let (awake, asleep) = (term.0 | AWAKE, term.0 | ASLEEP);
        let _ = self.0.compare_exchange(asleep, awake, Ordering::SeqCst, Ordering::Relaxed);
    }

    /// Marks a sleeping leader as awake, after a queue was filled. Returns true if it slept: then the
    /// caller, and no other thread, wakes it.
    pub(super) fn wake_if_asleep(&self) -> bool {
        fence(Ordering::SeqCst);
        let now = self.0.load(Ordering::SeqCst);
        let awake = now & !STATE | AWAKE;
        now & STATE == ASLEEP
            && self.0.compare_exchange(now, awake, Ordering::SeqCst, Ordering::Relaxed).is_ok()
    }

    /// Ends a term: the lead is vacant until the next worker takes it. Returns false if the term had
    /// ended before, or its leader sleeps.
    pub(super) fn revoke(&self, term: Term) -> bool {
        let (awake, vacant) = (term.0 | AWAKE, term.0 | VACANT);
        self.0.compare_exchange(awake, vacant, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Returns true if a worker leads and sleeps.
    pub(super) fn is_asleep(&self) -> bool {
        self.0.load(Ordering::SeqCst) & STATE == ASLEEP
    }

    /// Returns true if no worker leads.
    pub(super) fn is_vacant(&self) -> bool {
        self.0.load(Ordering::SeqCst) & STATE == VACANT
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn one_worker_holds_the_lead() {
        let lead = Lead::new();
        let term = lead.take().unwrap();
        assert!(lead.take().is_none() && lead.holds(term));
        assert!(!lead.wake_if_asleep(), "it is awake");
        assert!(lead.fall_asleep(term) && !lead.revoke(term), "a sleeping leader is not stuck");
        assert!(lead.wake_if_asleep() && !lead.wake_if_asleep(), "one thread wakes it");
        assert!(lead.revoke(term) && lead.is_vacant());
        let next = lead.take().unwrap();
        assert!(!lead.fall_asleep(term) && lead.holds(next) && !lead.holds(term));
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::super::ownership::model::model;
    use super::*;
    use loom::sync::Arc;
    use loom::sync::atomic::AtomicUsize;
    use loom::thread;

    /// A leader goes to sleep while other threads fill its queue: it sees the queue, or is woken.
    #[test]
    fn no_wake_up_is_lost() {
        model(|| {
            let lead = Arc::new(Lead::new());
            let queue = Arc::new(AtomicUsize::new(0));
            let woken = Arc::new(AtomicUsize::new(0));
            let term = lead.take().unwrap();
            let fillers: Vec<_> = (0..2)
                .map(|_| {
                    let (lead, queue, woken) =
                        (Arc::clone(&lead), Arc::clone(&queue), Arc::clone(&woken));
                    thread::spawn(move || {
                        queue.fetch_add(1, Ordering::Relaxed);
                        if lead.wake_if_asleep() {
                            woken.fetch_add(1, Ordering::SeqCst);
                        }
                    })
                })
                .collect();
            assert!(lead.fall_asleep(term));
            let saw = queue.load(Ordering::Relaxed);
            fillers.into_iter().for_each(|filler| filler.join().unwrap());
            let woken = woken.load(Ordering::SeqCst);
            assert!(saw == 2 || woken == 1, "it sleeps though the queue is not empty");
            assert!(woken <= 1, "woken more than once");
        });
    }

    /// The supervisor looks at the events in place of a leader that comes back and goes to sleep at that
    /// moment: a wake that the supervisor finds is passed on, and what it delivers is seen.
    #[test]
    fn a_wake_that_another_thread_finds_is_not_lost() {
        model(|| {
            let lead = Arc::new(Lead::new());
            let (queue, wake) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
            let term = lead.take().unwrap();
            let spawn = |looks: bool| {
                let (lead, queue, wake) =
                    (Arc::clone(&lead), Arc::clone(&queue), Arc::clone(&wake));
                thread::spawn(move || {
                    if looks && wake.swap(0, Ordering::SeqCst) > 0 {
                        wake.fetch_add(1, Ordering::SeqCst);
                    }
                    queue.fetch_add(1, Ordering::Relaxed);
                    if lead.wake_if_asleep() {
                        wake.fetch_add(1, Ordering::SeqCst);
                    }
                })
            };
            let (filler, supervisor) = (spawn(false), spawn(true));
            assert!(lead.fall_asleep(term));
            let saw = queue.load(Ordering::Relaxed);
            filler.join().unwrap();
            supervisor.join().unwrap();
            let woken = wake.load(Ordering::SeqCst) > 0;
            assert!(saw == 2 || woken, "it sleeps though the queue is not empty");
        });
    }

    /// The lead is revoked while its leader goes to sleep: it leads on, or another worker can take it.
    #[test]
    fn there_is_never_more_than_one_leader() {
        model(|| {
            let lead = Arc::new(Lead::new());
            let term = lead.take().unwrap();
            let other = {
                let lead = Arc::clone(&lead);
                thread::spawn(move || if lead.revoke(term) { lead.take() } else { None })
            };
            let asleep = lead.fall_asleep(term);
            let next = other.join().unwrap();
            assert_ne!(asleep, next.is_some(), "one of the two, and not both");
            assert_eq!(lead.holds(term), asleep);
        });
    }
}
