//! Who owns a connection, who leads, who is coming: three atomic words. Nothing else is shared without
//! a lock, and nothing else has to be right for no event to be lost and no connection to be served twice.
//!
//! **A claim** counts what has happened to a connection since somebody last owned it. Whoever lifts
//! the count from zero owns the connection. The owner gives it back only if nothing has happened
//! since it last looked; else it takes another turn. So there is no moment when an event arrives
//! and nobody is told.
//!
//! **The lead** is held by one worker at a time. A leader about to sleep says so first and then
//! looks at the queues once more; whoever fills a queue looks at the lead afterwards. In every
//! order of the two, one sees the other.
//!
//! **Those who are coming** are workers that have been called and have not looked yet. Each takes
//! something off the queues, so a leader may sleep beside as much work as there are workers coming.
//!
//! Model-checked: `make model` tries every interleaving.

#[cfg(loom)]
use loom::sync::atomic::{AtomicU64, Ordering, fence};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU64, Ordering, fence};

/// Whose turn it is with a slot: which connection (32 bits), whether its peer has ended its side (1),
/// how many events there have been (31).
#[derive(Debug)]
pub(super) struct Claim(AtomicU64);

const EVENTS: u64 = (1 << 31) - 1;
const ENDED: u64 = 1 << 31;
const ONE_GENERATION: u64 = 1 << 32;

/// What the owner of a claim has seen of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen(u64);

impl Seen {
    /// Has the peer ended its side? Then reading gives what is left, and the end.
    pub(super) fn ended(self) -> bool {
        self.0 & ENDED != 0
    }
}

impl Claim {
    /// Of a slot that nobody sits in.
    pub(super) fn new() -> Claim {
        Claim(AtomicU64::new(0))
    }

    /// A connection takes the slot: the caller owns it. Gives the generation that its events carry.
    pub(super) fn occupy(&self) -> u32 {
        generation(self.0.fetch_add(1, Ordering::AcqRel))
    }

    /// Something has happened to the connection of this generation. `true`: the caller owns it now.
    pub(super) fn signal(&self, of: u32, ended: bool) -> bool {
        let mut now = self.0.load(Ordering::Relaxed);
        loop {
            if generation(now) != of {
                return false; // it is about a connection that has left
            }
            let counted = if now & EVENTS < EVENTS { now + 1 } else { now };
            let next = counted | if ended { ENDED } else { 0 };
            match self.0.compare_exchange_weak(now, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return now & EVENTS == 0,
                Err(newer) => now = newer,
            }
        }
    }

    /// What has happened so far: the owner looks before it acts on it.
    pub(super) fn seen(&self) -> Seen {
        Seen(self.0.load(Ordering::Acquire))
    }

    /// The owner gives the connection back, unless something has happened since it looked. `false`:
    /// it still owns it.
    pub(super) fn release(&self, seen: Seen) -> bool {
        let idle = seen.0 & !EVENTS;
        self.0.compare_exchange(seen.0, idle, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// The owner empties the slot. What is still told of its connection goes nowhere.
    pub(super) fn retire(&self) {
        let mut now = self.0.load(Ordering::Relaxed);
        loop {
            let next = (now & !(EVENTS | ENDED)).wrapping_add(ONE_GENERATION);
            match self.0.compare_exchange_weak(now, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return,
                Err(newer) => now = newer,
            }
        }
    }

    /// Which connection sits there now, or will sit there next. Whoever reads this sees all that was
    /// done before the one before it left.
    pub(super) fn generation(&self) -> u32 {
        generation(self.0.load(Ordering::Acquire))
    }
}

fn generation(word: u64) -> u32 {
    u32::try_from(word >> 32).unwrap_or_default()
}

/// Who leads, and whether it sleeps: the number of the term, and one of three states.
#[derive(Debug)]
pub(super) struct Lead(AtomicU64);

const VACANT: u64 = 0;
const AWAKE: u64 = 1;
const ASLEEP: u64 = 2;
const STATE: u64 = 3;
const ONE_TERM: u64 = 4;

/// The right to lead, until it is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Term(u64);

impl Term {
    /// A number that no turn of another term has.
    pub(super) fn first_turn(self) -> u64 {
        self.0 << 30
    }
}

impl Lead {
    /// Nobody leads.
    pub(super) fn new() -> Lead {
        Lead(AtomicU64::new(VACANT))
    }

    /// Takes the lead, if nobody has it.
    pub(super) fn take(&self) -> Option<Term> {
        let now = self.0.load(Ordering::Relaxed);
        if now & STATE != VACANT {
            return None;
        }
        let term = now + ONE_TERM;
        let taken = self.0.compare_exchange(now, term | AWAKE, Ordering::AcqRel, Ordering::Relaxed);
        taken.ok().map(|_| Term(term))
    }

    /// Is this term still on? A leader asks after each turn, as it may have taken long.
    pub(super) fn holds(&self, term: Term) -> bool {
        self.0.load(Ordering::Relaxed) & !STATE == term.0
    }

    /// The leader is about to sleep. It must look at the queues after this, and before it sleeps.
    /// `false`: it does not lead any more.
    pub(super) fn fall_asleep(&self, term: Term) -> bool {
        let (awake, asleep) = (term.0 | AWAKE, term.0 | ASLEEP);
        let said = self.0.compare_exchange(awake, asleep, Ordering::SeqCst, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        said.is_ok()
    }

    /// The leader is awake. It may have been roused.
    pub(super) fn wake(&self, term: Term) {
        let (awake, asleep) = (term.0 | AWAKE, term.0 | ASLEEP);
        let _ = self.0.compare_exchange(asleep, awake, Ordering::SeqCst, Ordering::Relaxed);
    }

    /// A queue has been filled. `true`: the leader sleeps, and the caller, and nobody else, wakes it.
    pub(super) fn rouse(&self) -> bool {
        fence(Ordering::SeqCst);
        let now = self.0.load(Ordering::SeqCst);
        let awake = now & !STATE | AWAKE;
        now & STATE == ASLEEP
            && self.0.compare_exchange(now, awake, Ordering::SeqCst, Ordering::Relaxed).is_ok()
    }

    /// Takes the lead away from a leader that is awake and does not come back.
    pub(super) fn depose(&self, term: Term) -> bool {
        let (awake, vacant) = (term.0 | AWAKE, term.0 | VACANT);
        self.0.compare_exchange(awake, vacant, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// The term of a leader that is awake.
    pub(super) fn awake(&self) -> Option<Term> {
        let now = self.0.load(Ordering::Relaxed);
        (now & STATE == AWAKE).then_some(Term(now & !STATE))
    }

    /// Does somebody lead, and sleep?
    pub(super) fn is_asleep(&self) -> bool {
        self.0.load(Ordering::SeqCst) & STATE == ASLEEP
    }

    /// Does nobody lead?
    pub(super) fn is_vacant(&self) -> bool {
        self.0.load(Ordering::Relaxed) & STATE == VACANT
    }
}

/// Workers on their way to the queues.
#[derive(Debug)]
pub(super) struct Coming(AtomicU64);

impl Coming {
    /// Nobody is.
    pub(super) fn new() -> Coming {
        Coming(AtomicU64::new(0))
    }

    /// One more has been called.
    pub(super) fn call(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    /// One is there: it says so before it looks at the queues.
    pub(super) fn arrive(&self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// How many there are. A leader asks after it has looked at the queues: what it saw there, those
    /// who are still coming will see.
    pub(super) fn count(&self) -> usize {
        fence(Ordering::SeqCst);
        usize::try_from(self.0.load(Ordering::SeqCst)).unwrap_or(usize::MAX)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_owned_by_one_and_loses_nothing() {
        let claim = Claim::new();
        let generation = claim.occupy();
        assert!(!claim.signal(generation, false), "its creator owns it");
        let seen = claim.seen();
        assert!(!claim.signal(generation, true));
        assert!(!claim.release(seen), "something has happened since");
        let seen = claim.seen();
        assert!(seen.ended() && claim.release(seen));
        assert!(claim.signal(generation, false), "nobody owned it");
        assert!(claim.seen().ended(), "that stays");
        claim.retire();
        assert!(!claim.signal(generation, false), "it has left");
        assert_eq!(claim.occupy(), generation + 1);
        assert!(!claim.seen().ended());
    }

    #[test]
    fn the_lead_is_held_by_one() {
        let lead = Lead::new();
        let term = lead.take().unwrap();
        assert_eq!((lead.take(), lead.awake()), (None, Some(term)));
        assert!(!lead.rouse(), "it is awake");
        assert!(lead.fall_asleep(term) && !lead.depose(term), "who sleeps is not stuck");
        assert!(lead.rouse() && !lead.rouse(), "one wakes it");
        assert!(lead.depose(term) && lead.is_vacant());
        let next = lead.take().unwrap();
        assert!(!lead.fall_asleep(term) && lead.holds(next) && !lead.holds(term));
    }
}

/// `RUSTFLAGS='--cfg loom' cargo test --release --lib protocol`
#[cfg(all(test, loom))]
mod model {
    use super::*;
    use loom::sync::Arc;
    use loom::sync::atomic::AtomicUsize;
    use loom::thread;

    /// As many interleavings as have at most three preemptions: beyond that there are millions, and
    /// no known bug of this kind needs more.
    fn model(story: impl Fn() + Send + Sync + 'static) {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(story);
    }

    /// A connection and what its owners have noticed. `data` is to be touched by one owner at a time,
    /// which loom sees to; `noticed` is for the test, and no part of the model.
    struct Slot {
        claim: Claim,
        data: loom::cell::UnsafeCell<()>,
        happened: AtomicUsize,
        noticed: std::sync::atomic::AtomicUsize,
    }

    impl Slot {
        fn new() -> Slot {
            Slot {
                claim: Claim::new(),
                data: loom::cell::UnsafeCell::new(()),
                happened: AtomicUsize::new(0),
                noticed: std::sync::atomic::AtomicUsize::new(0),
            }
        }

        fn serve(&self) {
            loop {
                let seen = self.claim.seen();
                self.data.with_mut(|_| ());
                let happened = self.happened.load(Ordering::Relaxed);
                self.noticed.fetch_max(happened, Ordering::Relaxed);
                if self.claim.release(seen) {
                    return;
                }
            }
        }
    }

    /// Two threads tell of an event each, and whoever becomes the owner serves. Never two at once; and
    /// in the end every event has been noticed by an owner that looked after it happened.
    #[test]
    fn no_event_is_lost_and_no_connection_is_served_twice_at_once() {
        model(|| {
            let slot = Arc::new(Slot::new());
            let generation = slot.claim.occupy();
            let tellers: Vec<_> = (0..2)
                .map(|_| {
                    let slot = Arc::clone(&slot);
                    thread::spawn(move || {
                        slot.happened.fetch_add(1, Ordering::Relaxed);
                        if slot.claim.signal(generation, false) {
                            slot.serve();
                        }
                    })
                })
                .collect();
            slot.serve();
            tellers.into_iter().for_each(|teller| teller.join().unwrap());
            assert_eq!(slot.noticed.load(Ordering::Relaxed), 2, "an event was lost");
            assert_eq!(slot.claim.seen().0 & EVENTS, 0, "somebody still owns it");
        });
    }

    /// A connection leaves while the housekeeper looks at its alarm: the housekeeper owns that
    /// connection or nothing, and never the empty seat.
    #[test]
    fn nobody_owns_an_empty_seat() {
        model(|| {
            let (claim, alarm) = (Arc::new(Claim::new()), Arc::new(AtomicUsize::new(1)));
            let generation = claim.occupy();
            assert!(claim.release(claim.seen()));
            let leaver = {
                let (claim, alarm) = (Arc::clone(&claim), Arc::clone(&alarm));
                thread::spawn(move || {
                    if claim.signal(generation, true) {
                        alarm.store(0, Ordering::Relaxed);
                        claim.retire();
                    }
                })
            };
            let whose = claim.generation();
            if alarm.load(Ordering::Relaxed) == 1 && claim.signal(whose, false) {
                assert_eq!(claim.generation(), generation);
            }
            leaver.join().unwrap();
        });
    }

    /// A leader that goes to sleep and somebody who fills its queue: it sees the queue, or is woken.
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
                        if lead.rouse() {
                            woken.fetch_add(1, Ordering::SeqCst);
                        }
                    })
                })
                .collect();
            assert!(lead.fall_asleep(term));
            let saw = queue.load(Ordering::Relaxed);
            fillers.into_iter().for_each(|filler| filler.join().unwrap());
            let woken = woken.load(Ordering::SeqCst);
            assert!(saw == 2 || woken == 1, "it sleeps before a full queue");
            assert!(woken <= 1, "woken more than once");
        });
    }

    /// The housekeeper looks at the events in place of a leader that comes back and goes to sleep just
    /// then: a wake that it finds there is passed on, and what it delivers is seen, too.
    #[test]
    fn a_wake_that_somebody_else_finds_is_not_lost() {
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
                    if lead.rouse() {
                        wake.fetch_add(1, Ordering::SeqCst);
                    }
                })
            };
            let (filler, housekeeper) = (spawn(false), spawn(true));
            assert!(lead.fall_asleep(term));
            let saw = queue.load(Ordering::Relaxed);
            filler.join().unwrap();
            housekeeper.join().unwrap();
            let woken = wake.load(Ordering::SeqCst) > 0;
            assert!(saw == 2 || woken, "it sleeps before a full queue");
        });
    }

    /// The housekeeper stands in for a leader that comes back: both deliver events of one connection,
    /// and both take from the queue of ready ones, to turn away and to serve. One of them has it.
    #[test]
    fn who_is_turned_away_is_not_served_at_once() {
        model(|| {
            let slot = Arc::new(Slot::new());
            let ready = Arc::new(AtomicUsize::new(0));
            let generation = slot.claim.occupy();
            assert!(slot.claim.release(slot.claim.seen()));
            let stand_ins: Vec<_> = (0..2)
                .map(|_| {
                    let (slot, ready) = (Arc::clone(&slot), Arc::clone(&ready));
                    thread::spawn(move || {
                        slot.happened.fetch_add(1, Ordering::Relaxed);
                        if slot.claim.signal(generation, false) {
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
            stand_ins.into_iter().for_each(|one| one.join().unwrap());
            let left = ready.load(Ordering::Relaxed);
            let noticed = slot.noticed.load(Ordering::Relaxed);
            assert!(left == 1 || noticed == 2, "an event was lost");
            assert!(left <= 1, "it is in the queue twice");
        });
    }

    /// A leader is deposed while it goes to sleep: it leads on, or somebody else can.
    #[test]
    fn there_is_never_more_than_one_leader() {
        model(|| {
            let lead = Arc::new(Lead::new());
            let term = lead.take().unwrap();
            let other = {
                let lead = Arc::clone(&lead);
                thread::spawn(move || if lead.depose(term) { lead.take() } else { None })
            };
            let asleep = lead.fall_asleep(term);
            let next = other.join().unwrap();
            assert_ne!(asleep, next.is_some(), "one of them, and not both");
            assert_eq!(lead.holds(term), asleep);
        });
    }

    /// A leader sleeps beside a full queue, as a worker is coming: then the worker empties it.
    #[test]
    fn nothing_is_left_to_somebody_who_has_been() {
        model(|| {
            let lead = Arc::new(Lead::new());
            let (queue, coming) = (Arc::new(AtomicUsize::new(0)), Arc::new(Coming::new()));
            let term = lead.take().unwrap();
            coming.call();
            let filler = {
                let (lead, queue) = (Arc::clone(&lead), Arc::clone(&queue));
                thread::spawn(move || {
                    queue.fetch_add(1, Ordering::Relaxed);
                    lead.rouse()
                })
            };
            let worker = {
                let (queue, coming) = (Arc::clone(&queue), Arc::clone(&coming));
                thread::spawn(move || {
                    coming.arrive();
                    let one_less = |held: usize| held.checked_sub(1);
                    let _ = queue.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less);
                })
            };
            assert!(lead.fall_asleep(term));
            let sleeps = queue.load(Ordering::Relaxed) <= coming.count();
            let woken = filler.join().unwrap();
            worker.join().unwrap();
            let left = queue.load(Ordering::Relaxed);
            assert!(!sleeps || woken || left == 0, "work is left, and everybody sleeps");
        });
    }
}
