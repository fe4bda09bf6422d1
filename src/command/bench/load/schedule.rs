//! Decides when each request is due. Pure: the caller passes the time.
//!
//! In a closed loop a request is due when a connection is free for it, so a stalled server gets fewer
//! requests, and its worst seconds are measured least. At a rate (an open loop) request `k` at `r`
//! requests a second is due at `k / r`, whatever the server does; the time until it is sent counts as
//! waiting.

use std::time::{Duration, Instant};

/// How requests follow each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// The next request follows the previous response.
    Closed,
    /// Requests a second, over all connections.
    Rate(f64),
}

/// One thread's share of the requests.
#[derive(Debug, Clone)]
pub(super) struct Schedule {
    pace: Pace,
    /// The index of this thread, and the number of threads: at a rate they take turns.
    turn: (usize, usize),
    begin: Instant,
    /// Requests due before this time are the warm-up.
    measured_from: Instant,
    /// No request is due after this time.
    end: Option<Instant>,
    /// The number of requests still to be made, without those of the warm-up.
    left: Option<u64>,
    /// The number of requests taken.
    given: u64,
}

/// The number of requests, their rate, and the duration. `requests` and `duration` count from the end
/// of the warm-up.
#[derive(Debug, Clone, Copy)]
pub(super) struct LoadAmount {
    pub(super) pace: Pace,
    pub(super) warm_up: Duration,
    pub(super) duration: Option<Duration>,
    pub(super) requests: Option<u64>,
}

/// The result of [`Schedule::next`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NextRequest {
    /// A request is due since this time, and is taken from the schedule.
    Due(Instant),
    /// No request is due before this time.
    NotBefore(Instant),
    /// No further request is due.
    Over,
}

impl Schedule {
    /// Returns the schedule of one thread, which is `turn.0` of `turn.1`.
    pub(super) fn new(load: LoadAmount, turn: (usize, usize), begin: Instant) -> Schedule {
        let LoadAmount { pace, warm_up, duration, requests } = load;
        let measured_from = begin + warm_up;
        let end = duration.map(|duration| measured_from + duration);
        let (index, of) = (turn.0 as u64, turn.1 as u64);
        let left = requests.map(|all| all / of + u64::from(index < all % of));
        Schedule { pace, turn, begin, measured_from, end, left, given: 0 }
    }

    /// Takes the next request, if it is due.
    pub(super) fn next(&mut self, now: Instant) -> NextRequest {
        let due = match self.pace {
            Pace::Closed => now,
            Pace::Rate(rate) => self.due_at(rate),
        };
        if self.left == Some(0) || self.end.is_some_and(|end| due >= end) {
            return NextRequest::Over;
        }
        if due > now {
            return NextRequest::NotBefore(due);
        }
        self.given += 1;
        if let Some(left) = self.left.as_mut().filter(|_| due >= self.measured_from) {
            *left -= 1;
        }
        NextRequest::Due(due)
    }

    /// Returns true if it counts, false if it is part of the warm-up.
    pub(super) fn is_measured(&self, due: Instant) -> bool {
        due >= self.measured_from
    }

    /// Returns true if what happens at this time is in the measured time.
    pub(super) fn is_in_time(&self, at: Instant) -> bool {
        self.is_measured(at) && self.end().is_none_or(|end| at < end)
    }

    /// Returns when the duration is over, if the number of requests does not end the run.
    pub(super) fn end(&self) -> Option<Instant> {
        self.end.filter(|_| self.left != Some(0))
    }

    /// Returns when the next request is due. It is multiplied for each request, so that rounding errors do
    /// not add up.
    fn due_at(&self, rate: f64) -> Instant {
        let (index, of) = self.turn;
        let number = self.given as f64 * of as f64 + index as f64;
        let after = Duration::try_from_secs_f64(number / rate);
        self.begin + after.unwrap_or(FAR).min(FAR)
    }
}

/// After the end of any measurement: 100 years.
const FAR: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn at_a_rate_requests_are_due_whatever_happens() {
        let begin = Instant::now();
        let schedule = |turn, warm_up: u32, duration: Option<u32>, requests| {
            let duration = duration.map(|ms| ms * MS);
            {
                let load = LoadAmount {
                    pace: Pace::Rate(100.0),
                    warm_up: warm_up * MS,
                    duration,
                    requests,
                };
                Schedule::new(load, turn, begin)
            }
        };
        let due = |mut schedule: Schedule, now: u32| {
            let mut due = Vec::new();
            loop {
                match schedule.next(begin + now * MS) {
                    NextRequest::Due(at) => due.push((at - begin).as_millis()),
                    NextRequest::NotBefore(at) => return (due, Some((at - begin).as_millis())),
                    NextRequest::Over => return (due, None),
                }
            }
        };
        for (name, schedule, now, want) in [
            ("on time", schedule((0, 1), 0, None, None), 20, (vec![0, 10, 20], Some(30))),
            (
                "two threads, the first",
                schedule((0, 2), 0, None, None),
                20,
                (vec![0, 20], Some(40)),
            ),
            ("… and the second", schedule((1, 2), 0, None, None), 20, (vec![10], Some(30))),
            ("a time", schedule((0, 1), 0, Some(30), None), 500, (vec![0, 10, 20], None)),
            ("a number", schedule((0, 1), 0, None, Some(2)), 500, (vec![0, 10], None)),
            ("warm-up", schedule((0, 1), 20, None, Some(1)), 500, (vec![0, 10, 20], None)),
            ("odd numbers", schedule((0, 2), 0, None, Some(3)), 500, (vec![0, 20], None)),
            ("nothing yet", schedule((3, 4), 0, None, None), 29, (vec![], Some(30))),
        ] {
            assert_eq!(due(schedule, now), want, "{name}");
        }
    }

    #[test]
    fn in_a_closed_loop_a_request_is_due_when_somebody_can_send_it() {
        let begin = Instant::now();
        let mut schedule = Schedule::new(
            LoadAmount {
                pace: Pace::Closed,
                warm_up: 10 * MS,
                duration: Some(20 * MS),
                requests: Some(2),
            },
            (0, 1),
            begin,
        );
        for (at, want, measured) in [(0, true, false), (9, true, false), (10, true, true)] {
            let now = begin + at * MS;
            assert_eq!(schedule.next(now) == NextRequest::Due(now), want, "{at}");
            assert_eq!(schedule.is_measured(now), measured, "{at}");
        }
        assert_eq!(schedule.clone().next(begin + 30 * MS), NextRequest::Over, "the time is up");
        assert_eq!(schedule.next(begin + 29 * MS), NextRequest::Due(begin + 29 * MS));
        assert_eq!(schedule.next(begin + 29 * MS), NextRequest::Over, "both have been made");
    }

    #[test]
    fn slow_rates_do_not_overflow() {
        let begin = Instant::now();
        let mut schedule = Schedule::new(
            LoadAmount {
                pace: Pace::Rate(f64::MIN_POSITIVE),
                warm_up: Duration::ZERO,
                duration: None,
                requests: None,
            },
            (0, 1),
            begin,
        );
        assert_eq!(schedule.next(begin), NextRequest::Due(begin));
        assert_eq!(schedule.next(begin), NextRequest::NotBefore(begin + FAR));
    }
}
