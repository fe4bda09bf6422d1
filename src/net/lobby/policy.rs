//! Every rule of thumb of the lobby: when a worker is called, when one counts as stuck.
//!
//! Two rules have to hold together:
//!
//! 1. **Cheap work is not handed over.** To wake another thread costs more than a small response.
//! 2. **No worker is idle beside a connection that is ready.** When a connection is ready and a worker
//!    idle, a worker has been called for it within [`PATIENCE`].
//!
//! Both follow from what is known *before* a handler runs: how long it usually waits ([`UsualTime`], which
//! has its own thresholds). Work that is usually long is announced, and the leader passes the lead on
//! before it begins (Leader/Followers: promote a follower, then process). Work that is usually short is
//! served in a row, which other workers share when it is long. Where the expectation is wrong, the
//! supervisor notices: within [`PATIENCE`], but the first time after a while without surprises one
//! pause later. To look closely all the time would cost every server a tenth of a core.
//!
//! Everything here is a pure function of numbers; `simulation.rs` plays thousands of mixes of handlers
//! through them in virtual time and asserts rule 2 for each.

use std::time::Duration;

use crate::net::usual_time::UsualTime;

/// The longest that a ready connection waits before a worker is called for it, if one is idle. People
/// and programs notice milliseconds; a fifth of one is a bound for any machine, not a measurement.
pub(super) const PATIENCE: Duration = Duration::from_micros(200);

/// How many workers one worker calls at most before it begins with long work. Where one request is
/// long the next ones often are: each of the two calls two more, so the number of workers doubles with
/// every step, and nobody spends its time with calling.
const CALLS_AT_ONCE: usize = 2;

/// A row of short work that takes longer is worth a call, so that two workers share it. A call and the
/// way back to idleness cost 10 to 20 µs of processor time: at most 4 % of the row. Rows are shorter and
/// calls cheaper on a machine that is faster.
const ROW: Duration = Duration::from_micros(500);

/// How long a worker waits after long work for the next request of the same connection. With as many
/// connections as workers the request comes within this time, and two wakes are saved, of the leader and
/// of a worker: the rate at `/sleep/1` rose by 7 %, and the processor time of a request fell by 8 %. With
/// the 50 µs that the kernel adds to a pause the worker is back within [`PATIENCE`].
pub(super) const STAY: Duration = Duration::from_micros(150);

/// How often the supervisor looks at what the workers do while there is traffic. A look costs 10 to
/// 20 µs, so 1 % of a core at most.
const LOOK: Duration = Duration::from_millis(2);

/// The same for a while after a handler took long that usually does not: the kernel's timers add 50 µs.
const CLOSE_LOOK: Duration = Duration::from_micros(50);

/// How long the supervisor looks closely after such a surprise.
pub(super) const CLOSELY_FOR: Duration = Duration::from_millis(100);

/// The processor time after which a turn that computes is taken for long without having been announced. By
/// the clock alone it could be a short one whose thread has no core, and then one more worker that wants
/// a core would only make it worse.
pub(super) const COMPUTES: Duration = Duration::from_millis(2);

/// With nothing to do for so many looks, the supervisor sleeps until the leader wakes it.
pub(super) const QUIET_LOOKS: u32 = 10;

/// What waits, and who is there to serve it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Situation {
    /// Connections in the queues.
    pub(super) at_hand: usize,
    /// Workers that have been called or are in short work: each looks at the queues soon.
    pub(super) present: usize,
    /// True if nobody waits for events.
    pub(super) lead_is_vacant: bool,
}

/// Returns how many workers to call now that one has begun with long work, or has been found in it: one
/// for each connection at hand and one for the lead, less those that come anyway, two at most.
pub(super) fn calls_beside_long_work(situation: Situation) -> usize {
    calls_after_a_surprise(situation).min(CALLS_AT_ONCE)
}

/// The same when the work was expected to be short: whatever is at hand may surprise as well, so all of
/// it is given to others at once.
pub(super) fn calls_after_a_surprise(situation: Situation) -> usize {
    let Situation { at_hand, present, lead_is_vacant } = situation;
    (at_hand + usize::from(lead_is_vacant)).saturating_sub(present)
}

/// Returns true if a leader in short work should call one more worker: turns usually take `usual_turn`,
/// and `present` workers, the leader among them, share those at hand. For work that does not block, more
/// workers than cores are of no use.
pub(super) fn needs_help(
    at_hand: usize,
    usual_turn: Duration,
    present: usize,
    cores: usize,
) -> bool {
    let row = usual_turn.saturating_mul(u32::try_from(at_hand).unwrap_or(u32::MAX));
    present < cores && row > ROW * u32::try_from(present.max(1)).unwrap_or(u32::MAX)
}

/// Returns true if a worker that has served, and does not lead, becomes idle though there is more at hand:
/// as many others as cores are present.
pub(super) fn is_superfluous(present: usize, cores: usize) -> bool {
    present > cores
}

/// Returns true if a worker that has just become idle goes on after all, as nobody waits for events, or
/// what has come meanwhile is left to fewer workers than there are cores.
pub(super) fn is_needed(situation: Situation, cores: usize) -> bool {
    let Situation { at_hand, present, lead_is_vacant } = situation;
    lead_is_vacant || (at_hand > 0 && present < cores)
}

/// Returns true if a worker may wait for [`STAY`]: nothing is at hand, and somebody waits for events.
pub(super) fn may_stay(at_hand: usize, lead_is_vacant: bool) -> bool {
    at_hand == 0 && !lead_is_vacant
}

/// How the supervisor watches the workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Watch {
    /// All is as expected.
    Normally,
    /// A handler took long that usually does not.
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

    /// Returns how long a turn lasts that is taken for long without having been announced.
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
    fn beside_long_work_there_is_a_worker_for_each_connection_and_one_for_the_lead() {
        for (at_hand, present, lead_is_vacant, calls) in [
            (0, 0, true, 1),  // somebody has to wait for events
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
    fn a_worker_leaves_when_others_are_enough() {
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
