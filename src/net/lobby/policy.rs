//! Every rule of thumb of the lobby: when a worker is called, when one counts as stuck, and each time
//! and number that was chosen, with its figure.
//!
//! Two rules have to hold together:
//!
//! 1. **Short work is not handed over.** To wake another thread costs more than a small response.
//! 2. **No ready connection waits while a worker is idle.** A worker is called for it within
//!    [`PATIENCE`].
//!
//! Both follow from what is known *before* a handler runs: how long it usually waits. [`UsualTime`] has
//! its thresholds in its own file, because routes and the textbook use it too. Work that is usually long
//! is announced, and the leader passes the lead on before it begins (Leader/Followers: promote a follower,
//! then process). Work that is usually short is served one connection after another, and other workers
//! share it when the row is long. Where the expectation is wrong, the supervisor notices: within
//! [`PATIENCE`], but after a while without surprises one pause later. To look closely all the time would
//! cost every server a tenth of a core.
//!
//! Everything here is a constant or a pure function of numbers. `simulation.rs` plays thousands of mixes
//! of handlers through them in virtual time and asserts rule 2 for each.

use std::time::Duration;

use crate::net::linger::LINGER;
use crate::net::usual_time::UsualTime;

/// The longest that a ready connection waits before a worker is called for it, if one is idle: 200 µs.
/// People and programs notice milliseconds; a fifth of one is a bound for any machine, not a measurement.
pub(super) const PATIENCE: Duration = Duration::from_micros(200);

/// The most workers that one worker calls before it begins long work: 2. Where one request is long the
/// next ones often are: each of the two calls two more, so the number of workers doubles with each step,
/// and no worker spends its time on calls.
const CALLS_AT_ONCE: usize = 2;

/// A row of short work that takes longer than 500 µs is worth a call, so that two workers share it. A
/// call and the way back to idleness cost 10 to 20 µs of processor time: at most 4 % of the row. On a
/// faster machine rows are shorter and calls cheaper.
const ROW: Duration = Duration::from_micros(500);

/// How long a worker waits after long work for the next request of the same connection: 150 µs. With as
/// many connections as workers the request comes within this time, and two wakes are saved, of the
/// leader and of a worker: the rate at `/sleep/1` rose by 7 %, and the processor time of a request fell by 8 %. With
/// the 50 µs that the kernel adds to a pause the worker is back within [`PATIENCE`].
pub(super) const STAY: Duration = Duration::from_micros(150);

/// The pause between two looks of the supervisor at the workers, while there is traffic: 2 ms. A look
/// costs 10 to 20 µs, so at most 1 % of a core.
const LOOK: Duration = Duration::from_millis(2);

/// The same for [`CLOSELY_FOR`] after a handler took long that usually does not: 50 µs, to which the
/// kernel's timers add 50 µs.
const CLOSE_LOOK: Duration = Duration::from_micros(50);

/// How long the supervisor looks more often after such a surprise: 100 ms.
pub(super) const CLOSELY_FOR: Duration = Duration::from_millis(100);

/// The processor time after which a turn that computes is marked as long without having been announced:
/// 2 ms. By the clock alone it could be a short turn whose thread has no core, and one more worker that
/// wants a core would only make it worse.
pub(super) const COMPUTES: Duration = Duration::from_millis(2);

/// After 10 looks without traffic, 20 ms, the supervisor sleeps until the leader wakes it.
pub(super) const QUIET_LOOKS: u32 = 10;

/// The pause between two looks at all deadlines, and so their precision: 100 ms. A look at 10,000 takes
/// microseconds.
pub(super) const DEADLINE_ROUND: Duration = Duration::from_millis(100);

/// The most connections that the supervisor serves in one look, when all workers are in long work: 64. Each
/// takes 10 to 20 µs, so a look takes about a millisecond, and deadlines are kept.
pub(super) const BESIDE_WORKERS: usize = 64;

/// How many workers are looked at, one after another, to find out whether handlers wait or compute: 64, at
/// 10 µs each.
pub(super) const LOOKED_AT: usize = 64;

/// One of 4 connections taken from the queues is a resumed one, which has had a turn just now. The other
/// three have waited, so a client that requests much waits for those that request little.
pub(super) const RESUMED_SHARE: u64 = 4;

/// How long a leader that cannot wait for events keeps the lead before the next one tries: 100 ms.
pub(super) const RETRY_POLLER: Duration = Duration::from_millis(100);

/// The accept thread looks 5 times, every 2 ms, whether a full queue has room again: a thousand
/// connections that come at once are then admitted and not refused.
pub(super) const FULL_QUEUE_LOOKS: u32 = 5;
pub(super) const FULL_QUEUE_PAUSE: Duration = Duration::from_millis(2);

/// After looking in vain it does not look again for this time, in milliseconds: the workers are in
/// handlers, and the accept thread spends at most a tenth of its time in such waits.
pub(super) const JAMMED_FOR: u64 = 100;

/// How long a closing lobby waits after the deadline of the stop: five rounds of the supervisor, which
/// cuts what is left.
pub(super) const CUT_GRACE: Duration = Duration::from_millis(500);

/// How long idle workers have to end before they would be reported as stuck.
pub(super) const REPORT_GRACE: Duration = Duration::from_millis(300);

/// The time to linger when the server stops, or when others need the place: 100 ms, several round trips
/// of most clients.
pub(super) const LINGER_BRIEFLY: Duration = Duration::from_millis(100);

/// Returns how long a connection lingers after its last response.
pub(super) fn linger_time(in_a_hurry: bool) -> Duration {
    if in_a_hurry { LINGER_BRIEFLY } else { LINGER }
}

/// The connections that wait, and the workers that are there to serve them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Situation {
    /// Connections in the queues.
    pub(super) at_hand: usize,
    /// Workers that have been called or are in short work: each looks at the queues soon.
    pub(super) present: usize,
    /// True if no worker waits for events.
    pub(super) lead_is_vacant: bool,
}

/// Returns how many workers to call when one has begun long work, or was found in it: one for each
/// connection at hand and one for the lead, less those that come anyway, two at most.
pub(super) fn calls_beside_long_work(situation: Situation) -> usize {
    calls_after_a_surprise(situation).min(CALLS_AT_ONCE)
}

/// Returns the same for work that was expected to be short, without the limit of two: the connections at
/// hand may surprise as well, so other workers get all of them at once.
pub(super) fn calls_after_a_surprise(situation: Situation) -> usize {
    let Situation { at_hand, present, lead_is_vacant } = situation;
    (at_hand + usize::from(lead_is_vacant)).saturating_sub(present)
}

/// Returns true if a leader in short work should call one more worker: a turn usually takes `usual_turn`,
/// and `present` workers, with the leader, share the connections at hand. For work that does not block,
/// more workers than cores are of no use.
pub(super) fn needs_help(
    at_hand: usize,
    usual_turn: Duration,
    present: usize,
    cores: usize,
) -> bool {
    let row = usual_turn.saturating_mul(u32::try_from(at_hand).unwrap_or(u32::MAX));
    present < cores && row > ROW * u32::try_from(present.max(1)).unwrap_or(u32::MAX)
}

/// Returns true if a worker that does not lead becomes idle after its turn though there is more at hand,
/// because as many others as cores are present.
pub(super) fn is_superfluous(present: usize, cores: usize) -> bool {
    present > cores
}

/// Returns true if a worker that has just become idle goes on, because no worker waits for events, or
/// because fewer workers than cores are left for what has come meanwhile.
pub(super) fn is_needed(situation: Situation, cores: usize) -> bool {
    let Situation { at_hand, present, lead_is_vacant } = situation;
    lead_is_vacant || (at_hand > 0 && present < cores)
}

/// Returns true if a worker may wait for [`STAY`]: nothing is at hand, and another worker leads.
pub(super) fn may_stay(at_hand: usize, lead_is_vacant: bool) -> bool {
    at_hand == 0 && !lead_is_vacant
}

/// How the supervisor watches the workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Watch {
    /// No handler has taken long unexpectedly.
    Normally,
    /// A handler took long that usually does not, within the last [`CLOSELY_FOR`].
    Closely,
}

impl Watch {
    /// Returns the pause between two looks.
    pub(super) fn pause(self) -> Duration {
        match self {
            Watch::Normally => LOOK,
            Watch::Closely => CLOSE_LOOK,
        }
    }

    /// Returns the time after which a waiting turn is marked as long without having been announced.
    pub(super) fn stuck_after(self) -> Duration {
        match self {
            Watch::Normally => PATIENCE,
            Watch::Closely => UsualTime::LONG,
        }
    }
}

#[cfg(test)]
mod simulation;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_work_calls_a_worker_for_each_connection_and_one_for_the_lead() {
        for (at_hand, present, lead_is_vacant, calls) in [
            (0, 0, true, 1),  // a worker has to wait for events
            (0, 0, false, 0), // the leader sleeps, nothing to do
            (0, 1, true, 0),  // one is on its way
            (1, 0, true, 2),
            (1, 1, true, 1),
            (1, 1, false, 0),
            (5, 0, false, 2), // those two call two each
            (5, 3, true, 2),
            (5, 5, false, 0),
            (5, 9, true, 0),
        ] {
            let situation = Situation { at_hand, present, lead_is_vacant };
            assert_eq!(calls_beside_long_work(situation), calls, "{situation:?}");
        }
    }

    #[test]
    fn a_long_row_of_short_work_is_shared() {
        for (at_hand, microseconds, present, cores, help) in [
            (64, 4, 1, 2, false), // 256 µs
            (64, 12, 1, 2, true),
            (1000, 3, 1, 2, true),
            (1000, 3, 2, 2, false), // as many as cores
            (300, 3, 2, 4, false),
            (400, 3, 2, 4, true),
            (40, 15, 1, 2, true),
            (1, 45, 1, 2, false),
            (0, 0, 0, 2, false),
        ] {
            let usual = Duration::from_micros(microseconds);
            assert_eq!(
                needs_help(at_hand, usual, present, cores),
                help,
                "{at_hand} × {usual:?}, {present} of {cores}"
            );
        }
    }

    #[test]
    fn a_worker_becomes_idle_when_the_others_are_enough() {
        assert!(is_superfluous(3, 2) && !is_superfluous(2, 2) && !is_superfluous(1, 1));
        for (at_hand, present, lead_is_vacant, needed) in [
            (0, 0, false, false), // the leader sleeps
            (0, 1, true, true),
            (1, 0, false, true), // the leader slept when it came
            (9, 1, false, true),
            (9, 2, false, false),
        ] {
            let situation = Situation { at_hand, present, lead_is_vacant };
            assert_eq!(is_needed(situation, 2), needed, "{situation:?}");
        }
    }

    /// The kernel adds 50 µs to a pause (timer slack, prctl(2)).
    #[test]
    fn a_close_watch_and_a_stay_keep_the_bound() {
        let slack = Duration::from_micros(50);
        let noticed = Watch::Closely.stuck_after() + Watch::Closely.pause() + slack;
        assert!(noticed <= PATIENCE && STAY + slack <= PATIENCE);
    }
}
