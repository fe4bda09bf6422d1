//! Who owns a connection, who leads, who is there to serve: a few atomic words. Nothing else is shared
//! without a lock, and nothing else has to be right for no event to be lost, no connection to be served
//! twice, and no work to be left with nobody.
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
//! **The crew** counts two kinds of workers in one word: idle ones, and present ones, which are on
//! their way to the queues or will look at them when their short work is done. A worker in long work is
//! neither. A worker that leaves, or begins long work, says so first and looks at the queues and the
//! lead afterwards; in every order of two of them, one sees what is left.
//!
//! **An activity** is what one worker is doing. The worker writes it; the supervisor may turn short work
//! into long, once, and does then what the worker would have done.
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
        let now = self.0.load(Ordering::Relaxed);
        now & !STATE == term.0 && now & STATE != VACANT
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

    /// Passes the lead on: nobody has it until the next worker takes it.
    pub(super) fn depose(&self, term: Term) -> bool {
        let (awake, vacant) = (term.0 | AWAKE, term.0 | VACANT);
        self.0.compare_exchange(awake, vacant, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Does somebody lead, and sleep?
    pub(super) fn is_asleep(&self) -> bool {
        self.0.load(Ordering::SeqCst) & STATE == ASLEEP
    }

    /// Does nobody lead?
    pub(super) fn is_vacant(&self) -> bool {
        self.0.load(Ordering::SeqCst) & STATE == VACANT
    }
}

/// Who leads, and how many workers are idle or present.
#[derive(Debug)]
pub(super) struct Crew {
    pub(super) lead: Lead,
    /// Present workers (32 bits), idle workers (32).
    counts: AtomicU64,
}

const ONE_IDLE: u64 = 1;
const ONE_PRESENT: u64 = 1 << 32;

/// What one worker is doing, and whether it has the lead.
#[derive(Debug)]
#[repr(align(64))] // a cache line for each worker
pub(super) struct Activity {
    doing: AtomicU64,
    /// The term of the lead that this worker has, or none. Written by the worker itself, between turns.
    term: AtomicU64,
}

/// At the queues, or idle.
const BETWEEN_TURNS: u64 = 0;
/// In work that is long, as it was announced or the supervisor has found.
const LONG: u64 = u64::MAX;
/// Not leading. No term has this number.
const NO_TERM: u64 = 0;

impl Activity {
    pub(super) fn new() -> Activity {
        Activity { doing: AtomicU64::new(BETWEEN_TURNS), term: AtomicU64::new(NO_TERM) }
    }

    /// The worker has the lead now.
    pub(super) fn leads(&self, term: Term) {
        self.term.store(term.0, Ordering::Relaxed);
    }

    /// The worker has given the lead back by itself.
    pub(super) fn follows(&self) {
        self.term.store(NO_TERM, Ordering::Relaxed);
    }

    /// The worker begins a turn: at this time, in nanoseconds since the lobby opened.
    pub(super) fn begin_turn(&self, at: u64) {
        self.doing.store(at.clamp(1, LONG - 1), Ordering::Release);
    }

    /// Returns since when the worker has been in a turn that counts as short, as it gave it.
    pub(super) fn short_turn(&self) -> Option<u64> {
        let doing = self.doing.load(Ordering::Relaxed);
        (doing != BETWEEN_TURNS && doing != LONG).then_some(doing)
    }

    /// Makes the turn that began then a long one. Returns false if it is over, or was long already.
    fn turns_long(&self, begun: u64) -> bool {
        self.doing.compare_exchange(begun, LONG, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Returns true if the worker is in long work.
    pub(super) fn is_long(&self) -> bool {
        self.doing.load(Ordering::Relaxed) == LONG
    }

    /// The turn is over. Returns true if it was long.
    fn end_turn(&self) -> bool {
        self.doing.swap(BETWEEN_TURNS, Ordering::AcqRel) == LONG
    }
}

impl Crew {
    /// All workers are idle, and nobody leads.
    pub(super) fn new(workers: usize) -> Crew {
        Crew { lead: Lead::new(), counts: AtomicU64::new(workers as u64 * ONE_IDLE) }
    }

    /// Takes an idle worker off the count, to be woken by the caller; it is present from now on.
    /// Returns false if there is none.
    pub(super) fn call(&self) -> bool {
        let mut now = self.counts.load(Ordering::SeqCst);
        while idle(now) > 0 {
            let next = now - ONE_IDLE + ONE_PRESENT;
            match self.counts.compare_exchange(now, next, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => return true,
                Err(newer) => now = newer,
            }
        }
        false
    }

    /// The turn of `activity` that began then becomes long: the worker passes the lead on, if it has it,
    /// and is not present any more. The caller looks at the queues afterwards, and calls others. Returns
    /// false if the turn is over, or was long already.
    pub(super) fn begin_long_work(&self, activity: &Activity, begun: u64) -> bool {
        if !activity.turns_long(begun) {
            return false;
        }
        let term = activity.term.load(Ordering::Relaxed);
        if term != NO_TERM {
            self.lead.depose(Term(term));
        }
        self.counts.fetch_sub(ONE_PRESENT, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        true
    }

    /// The turn of `activity` is over. After a long one the worker is present again. Returns true if it
    /// was long.
    pub(super) fn end_turn(&self, activity: &Activity) -> bool {
        let was_long = activity.end_turn();
        if was_long {
            self.counts.fetch_add(ONE_PRESENT, Ordering::SeqCst);
        }
        was_long
    }

    /// A present worker has found nothing to do, and becomes idle. It must look at the queues and the
    /// lead after this, and [come back](Crew::come_back) if something is left.
    pub(super) fn become_idle(&self) {
        self.counts.fetch_add(ONE_IDLE.wrapping_sub(ONE_PRESENT), Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// A worker that has just become idle goes on instead. Returns false if it has been called
    /// meanwhile: the call is on its way.
    pub(super) fn come_back(&self) -> bool {
        self.call()
    }

    /// Returns how many workers are idle.
    pub(super) fn idle(&self) -> usize {
        usize::try_from(idle(self.counts.load(Ordering::SeqCst))).unwrap_or(usize::MAX)
    }

    /// Returns how many workers are present; a leader that sleeps looks at no queue, and does not
    /// count.
    pub(super) fn present(&self) -> usize {
        fence(Ordering::SeqCst);
        let present = self.counts.load(Ordering::SeqCst) >> 32;
        let present = usize::try_from(present).unwrap_or(usize::MAX);
        present.saturating_sub(usize::from(self.lead.is_asleep()))
    }
}

fn idle(counts: u64) -> u64 {
    counts & (ONE_PRESENT - 1)
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
        assert!(lead.take().is_none() && lead.holds(term));
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

    /// A connection leaves while the supervisor looks at its alarm: the supervisor owns that
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

    /// The supervisor looks at the events in place of a leader that comes back and goes to sleep just
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
            let (filler, supervisor) = (spawn(false), spawn(true));
            assert!(lead.fall_asleep(term));
            let saw = queue.load(Ordering::Relaxed);
            filler.join().unwrap();
            supervisor.join().unwrap();
            let woken = wake.load(Ordering::SeqCst) > 0;
            assert!(saw == 2 || woken, "it sleeps before a full queue");
        });
    }

    /// The supervisor stands in for a leader that comes back: both deliver events of one connection,
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

    /// What a worker does when it finds nothing at hand. Returns false if it goes on.
    fn leaves(crew: &Crew, queue: &AtomicUsize) -> bool {
        crew.become_idle();
        let alone = queue.load(Ordering::Relaxed) > 0 && crew.present() == 0;
        !((alone || crew.lead.is_vacant()) && crew.come_back())
    }

    /// What a worker, or the supervisor for it, does about the work that it leaves to others: returns
    /// how many it has called, or woken.
    fn others(crew: &Crew, queue: &AtomicUsize) -> usize {
        let wanted = queue.load(Ordering::Relaxed) + usize::from(crew.lead.is_vacant());
        let missing = wanted.saturating_sub(crew.present());
        (0..missing).filter(|_| crew.lead.rouse() || crew.call()).count()
    }

    /// The leader begins long work while a helper, which has emptied the queue, becomes idle: the lead
    /// is taken by the helper, or by a worker that is called.
    #[test]
    fn the_lead_is_not_left_to_a_worker_that_leaves() {
        model(|| {
            let crew = Arc::new(Crew::new(2));
            let (queue, activity) = (Arc::new(AtomicUsize::new(0)), Activity::new());
            assert!(crew.call() && crew.call());
            activity.leads(crew.lead.take().unwrap());
            activity.begin_turn(7);
            let helper = {
                let (crew, queue) = (Arc::clone(&crew), Arc::clone(&queue));
                thread::spawn(move || leaves(&crew, &queue))
            };
            assert!(crew.begin_long_work(&activity, 7));
            let called = others(&crew, &queue);
            let left = helper.join().unwrap();
            assert!(crew.lead.is_vacant());
            // Called while it became idle, the helper has a call to answer, and does not come back.
            assert!(!left || called == 1, "nobody takes the lead");
            crew.end_turn(&activity);
            assert_eq!(crew.present(), 1 + usize::from(!left || called == 1));
        });
    }

    /// A leader goes to sleep beside one connection, as a helper is present; that helper begins long
    /// work with another one: then it wakes the leader, or the leader stays.
    #[test]
    fn nothing_is_left_to_a_worker_that_begins_long_work() {
        model(|| {
            let crew = Arc::new(Crew::new(2));
            let queue = Arc::new(AtomicUsize::new(1));
            assert!(crew.call() && crew.call());
            let term = crew.lead.take().unwrap();
            let helper = {
                let (crew, queue) = (Arc::clone(&crew), Arc::clone(&queue));
                thread::spawn(move || {
                    let activity = Activity::new();
                    activity.begin_turn(7);
                    assert!(crew.begin_long_work(&activity, 7));
                    others(&crew, &queue)
                })
            };
            assert!(crew.lead.fall_asleep(term));
            let sleeps = queue.load(Ordering::Relaxed) <= crew.present();
            let woken = helper.join().unwrap();
            assert!(!sleeps || woken == 1, "work is left, and everybody sleeps");
        });
    }

    /// The worker ends its turn, or announces that it is long, while the supervisor finds it stuck: it
    /// counts as present once in the end, and one of them has passed the lead on.
    #[test]
    fn a_turn_becomes_long_once() {
        for announces in [true, false] {
            model(move || {
                let crew = Arc::new(Crew::new(1));
                let activity = Arc::new(Activity::new());
                assert!(crew.call());
                let term = crew.lead.take().unwrap();
                activity.leads(term);
                activity.begin_turn(7);
                let supervisor = {
                    let (crew, activity) = (Arc::clone(&crew), Arc::clone(&activity));
                    thread::spawn(move || {
                        let seen = activity.short_turn();
                        seen.is_some_and(|begun| crew.begin_long_work(&activity, begun))
                    })
                };
                let announced = announces && crew.begin_long_work(&activity, 7);
                crew.end_turn(&activity);
                let found = supervisor.join().unwrap();
                assert!(!(announced && found), "both say that it became long");
                assert!(!announces || announced || found);
                assert_eq!(crew.lead.holds(term) && !crew.lead.is_vacant(), !(announced || found));
                assert_eq!(crew.present(), 1);
            });
        }
    }

    /// Two callers, one idle worker: one of them gets it.
    #[test]
    fn an_idle_worker_is_called_once() {
        model(|| {
            let crew = Arc::new(Crew::new(1));
            let other = {
                let crew = Arc::clone(&crew);
                thread::spawn(move || crew.call())
            };
            let called = crew.call();
            assert_ne!(called, other.join().unwrap());
            assert_eq!((crew.idle(), crew.present()), (0, 1));
        });
    }
}
