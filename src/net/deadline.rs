//! Until when a wait may last, and which wait it is.
//!
//! A deadline is a moment, not a span: a peer that sends one byte at a time does not move it. The
//! clock is an argument.

use std::time::{Duration, Instant};

/// What is being waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The peer's first word on a new connection.
    Silent,
    /// The peer's next word, between two exchanges.
    Idle,
    /// The rest of a request's head.
    Head,
    /// The rest of a request's body.
    Body,
    /// Room for more of our answer.
    Write,
    /// The peer's end, after our last word.
    Linger,
}

impl Phase {
    /// Its name in logs and figures.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Silent => "silent",
            Phase::Idle => "idle",
            Phase::Head => "head",
            Phase::Body => "body",
            Phase::Write => "write",
            Phase::Linger => "linger",
        }
    }
}

/// The end of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// When.
    pub at: Instant,
    /// Of which wait.
    pub phase: Phase,
}

impl Deadline {
    /// `phase` may last until `start + allowed`.
    pub fn after(start: Instant, allowed: Duration, phase: Phase) -> Deadline {
        // A moment that the clock cannot express is as good as never: 100 years.
        let never = Duration::from_secs(100 * 365 * 24 * 60 * 60);
        Deadline { at: start.checked_add(allowed).unwrap_or(start + never), phase }
    }

    /// A transfer that began at `start` and has moved `bytes`: a grace, and then a minimum rate,
    /// so that an honest slow transfer of any size lives and a stalled one ends.
    pub fn at_rate(
        start: Instant,
        grace: Duration,
        bytes: u64,
        rate: u32,
        phase: Phase,
    ) -> Deadline {
        Deadline::after(start, grace.saturating_add(time_for(bytes, rate)), phase)
    }

    /// Has it passed?
    pub fn has_passed(&self, now: Instant) -> bool {
        now >= self.at
    }

    /// What is left, or `None` when it has passed.
    pub fn remaining(&self, now: Instant) -> Option<Duration> {
        self.at.checked_duration_since(now).filter(|left| !left.is_zero())
    }
}

/// How long so many bytes take at `rate` bytes a second.
pub fn time_for(bytes: u64, rate: u32) -> Duration {
    Duration::from_micros(bytes.saturating_mul(1_000_000) / u64::from(rate.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transfer_lives_as_long_as_it_moves() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let deadline = |bytes| Deadline::at_rate(start, 20 * second, bytes, 500, Phase::Body);
        assert_eq!(deadline(0).at, start + 20 * second);
        assert_eq!(deadline(50_000).at, start + 120 * second);
        assert!(deadline(u64::MAX).remaining(start).is_some(), "no overflow");
        assert!(deadline(0).has_passed(start + 20 * second));
        assert_eq!(deadline(0).remaining(start + 20 * second), None);
    }
}
