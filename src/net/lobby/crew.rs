//! Counts the workers that are idle and present, and records what each worker is doing.
//!
//! A worker is *idle* until it is called, *present* from the call until it becomes idle again, and
//! neither while it is in long work. A present worker is on its way to the queues, or looks at them when
//! its short work is done. Both counts are in one atomic word. A worker that becomes idle, or begins long
//! work, changes the counts first and looks at the queues and the lead afterwards; in every order of two
//! such workers, one of them sees the work that is left.
//!
//! A worker writes what it is doing into its [`Activity`]. The supervisor may turn short work into long
//! work, once, and then calls other workers in its place.
//!
//! Model-checked: `make model` tries every interleaving.

#[cfg(loom)]
use loom::sync::atomic::{AtomicU64, Ordering, fence};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU64, Ordering, fence};

use std::time::Duration;

use super::leadership::{Lead, Term};
use crate::net::worker_record::{Doing, UNNAMED, WorkerLoad, WorkerRecord};

/// The workers of the lobby: the lead, and how many are idle or present.
#[derive(Debug)]
pub(super) struct Crew {
    pub(super) lead: Lead,
    /// Present workers (32 bits), idle workers (32).
    counts: AtomicU64,
}

const ONE_IDLE: u64 = 1;
const ONE_PRESENT: u64 = 1 << 32;

/// What one worker is doing, and whether it leads.
#[derive(Debug)]
#[repr(align(64))] // a cache line for each worker
pub(super) struct Activity {
    doing: AtomicU64,
    /// The term of the lead that this worker holds, or [`NO_TERM`]. The worker writes it between turns.
    term: AtomicU64,
    pub(super) record: WorkerRecord,
}

/// The worker is at the queues, or idle.
const BETWEEN_TURNS: u64 = 0;
/// This bit beside the time of a turn says that it is long work: it was announced, or the supervisor found
/// it.
const LONG: u64 = 1 << 63;
/// The worker does not lead. No term has this number.
const NO_TERM: u64 = 0;

impl Activity {
    /// Returns the activity of an idle worker.
    pub(super) fn new() -> Activity {
        let (doing, term) = (AtomicU64::new(BETWEEN_TURNS), AtomicU64::new(NO_TERM));
        Activity { doing, term, record: WorkerRecord::default() }
    }

    /// Records that the worker holds the lead.
    pub(super) fn set_lead(&self, term: Term) {
        self.term.store(term.0, Ordering::Relaxed);
    }

    /// Records that the worker does not lead any more.
    pub(super) fn clear_lead(&self) {
        self.term.store(NO_TERM, Ordering::Relaxed);
    }

    /// Records that a turn begins at this time, in nanoseconds since the lobby opened.
    pub(super) fn begin_turn(&self, at: u64) {
        self.record.begin(UNNAMED);
        self.doing.store(at.clamp(1, LONG - 1), Ordering::Release);
    }

    /// Returns when the current turn began, as the worker recorded it; `None` between turns and in long
    /// work.
    pub(super) fn short_turn_start(&self) -> Option<u64> {
        let doing = self.doing.load(Ordering::Relaxed);
        (doing != BETWEEN_TURNS && !is_long(doing)).then_some(doing)
    }

    /// Returns what the worker has served, and is doing at `now`, in nanoseconds since the lobby opened.
    pub(super) fn read(&self, now: u64) -> WorkerLoad {
        let doing = self.doing.load(Ordering::Relaxed);
        let leads = self.term.load(Ordering::Relaxed) != NO_TERM;
        self.record.read(|work| match doing {
            BETWEEN_TURNS if leads => Doing::Leads,
            BETWEEN_TURNS => Doing::Idle,
            begun => {
                let since = Duration::from_nanos(now.saturating_sub(begun & !LONG));
                Doing::Serves { work, since }
            }
        })
    }

    /// Marks the turn that began then as long. Returns false if it is over, or was long already.
    fn mark_long(&self, begun: u64) -> bool {
        let long = begun | LONG;
        self.doing.compare_exchange(begun, long, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Returns true if the worker is in long work.
    pub(super) fn is_long(&self) -> bool {
        is_long(self.doing.load(Ordering::Relaxed))
    }

    /// Records the end of the turn. Returns true if it was long.
    fn end_turn(&self) -> bool {
        is_long(self.doing.swap(BETWEEN_TURNS, Ordering::AcqRel))
    }
}

fn is_long(doing: u64) -> bool {
    doing & LONG != 0
}

impl Crew {
    /// Returns a crew of idle workers without a leader.
    pub(super) fn new(workers: usize) -> Crew {
        Crew { lead: Lead::new(), counts: AtomicU64::new(workers as u64 * ONE_IDLE) }
    }

    /// Counts an idle worker as present; the caller wakes it. Returns false if no worker is idle.
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

    /// Marks the turn of `activity` that began then as long: the lead is revoked if the worker holds it,
    /// and the worker is not present any more. The caller looks at the queues afterwards and calls other
    /// workers. Returns false if the turn is over, or was long already.
    pub(super) fn begin_long_work(&self, activity: &Activity, begun: u64) -> bool {
        if !activity.mark_long(begun) {
            return false;
        }
        let term = activity.term.load(Ordering::Relaxed);
        if term != NO_TERM {
            self.lead.revoke(Term(term));
        }
        self.counts.fetch_sub(ONE_PRESENT, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        true
    }

    /// Ends the turn of `activity`. After a long turn the worker is present again. Returns true if the
    /// turn was long.
    pub(super) fn end_turn(&self, activity: &Activity) -> bool {
        let was_long = activity.end_turn();
        if was_long {
            self.counts.fetch_add(ONE_PRESENT, Ordering::SeqCst);
        }
        was_long
    }

    /// Makes a present worker idle. The worker must look at the queues and the lead after this, and
    /// [come back](Crew::come_back) if something is left.
    pub(super) fn become_idle(&self) {
        self.counts.fetch_add(ONE_IDLE.wrapping_sub(ONE_PRESENT), Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// Makes a worker that has just become idle present again. Returns false if another thread has called
    /// it meanwhile: then the call is on its way to it.
    pub(super) fn come_back(&self) -> bool {
        self.call()
    }

    /// Returns the number of idle workers.
    pub(super) fn idle(&self) -> usize {
        usize::try_from(idle(self.counts.load(Ordering::SeqCst))).unwrap_or(usize::MAX)
    }

    /// Returns the number of present workers, without a leader that sleeps, because it looks at no queue.
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

#[cfg(all(test, loom))]
mod model {
    use super::super::ownership::model::model;
    use super::*;
    use loom::sync::Arc;
    use loom::sync::atomic::AtomicUsize;
    use loom::thread;

    /// Does what a worker does that finds the queues empty. Returns false if it goes on.
    fn becomes_idle(crew: &Crew, queue: &AtomicUsize) -> bool {
        crew.become_idle();
        let alone = queue.load(Ordering::Relaxed) > 0 && crew.present() == 0;
        !((alone || crew.lead.is_vacant()) && crew.come_back())
    }

    /// Does what a worker does about the work that it leaves to others, or the supervisor in its place.
    /// Returns how many workers it has called or woken.
    fn calls_others(crew: &Crew, queue: &AtomicUsize) -> usize {
        let wanted = queue.load(Ordering::Relaxed) + usize::from(crew.lead.is_vacant());
        let missing = wanted.saturating_sub(crew.present());
        (0..missing).filter(|_| crew.lead.wake_if_asleep() || crew.call()).count()
    }

    /// The leader begins long work while a helper, which has emptied the queue, becomes idle: the helper
    /// takes the lead, or a called worker does.
    #[test]
    fn the_lead_is_not_left_to_a_worker_that_becomes_idle() {
        model(|| {
            let crew = Arc::new(Crew::new(2));
            let (queue, activity) = (Arc::new(AtomicUsize::new(0)), Activity::new());
            assert!(crew.call() && crew.call());
            activity.set_lead(crew.lead.take().unwrap());
            activity.begin_turn(7);
            let helper = {
                let (crew, queue) = (Arc::clone(&crew), Arc::clone(&queue));
                thread::spawn(move || becomes_idle(&crew, &queue))
            };
            assert!(crew.begin_long_work(&activity, 7));
            let called = calls_others(&crew, &queue);
            let left = helper.join().unwrap();
            assert!(crew.lead.is_vacant());
            // A helper that was called while it became idle does not come back: the call reaches it.
            assert!(!left || called == 1, "no worker takes the lead");
            crew.end_turn(&activity);
            assert_eq!(crew.present(), 1 + usize::from(!left || called == 1));
        });
    }

    /// A leader goes to sleep though one connection is queued, because a helper is present. That helper
    /// begins long work with another connection: it wakes the leader, or the leader does not sleep.
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
                    calls_others(&crew, &queue)
                })
            };
            assert!(crew.lead.fall_asleep(term));
            let sleeps = queue.load(Ordering::Relaxed) <= crew.present();
            let woken = helper.join().unwrap();
            assert!(!sleeps || woken == 1, "work is left, and all workers sleep");
        });
    }

    /// A worker ends its turn, or announces long work, while the supervisor finds it stuck: in the end it
    /// counts as present once, and one of the two has revoked the lead.
    #[test]
    fn a_turn_becomes_long_once() {
        for announces in [true, false] {
            model(move || {
                let crew = Arc::new(Crew::new(1));
                let activity = Arc::new(Activity::new());
                assert!(crew.call());
                let term = crew.lead.take().unwrap();
                activity.set_lead(term);
                activity.begin_turn(7);
                let supervisor = {
                    let (crew, activity) = (Arc::clone(&crew), Arc::clone(&activity));
                    thread::spawn(move || {
                        let begun = activity.short_turn_start();
                        begun.is_some_and(|begun| crew.begin_long_work(&activity, begun))
                    })
                };
                let announced = announces && crew.begin_long_work(&activity, 7);
                crew.end_turn(&activity);
                let found = supervisor.join().unwrap();
                assert!(!(announced && found), "both marked the turn as long");
                assert!(!announces || announced || found);
                assert_eq!(crew.lead.holds(term) && !crew.lead.is_vacant(), !(announced || found));
                assert_eq!(crew.present(), 1);
            });
        }
    }

    /// Two threads call, and one worker is idle: one of the two gets it.
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
