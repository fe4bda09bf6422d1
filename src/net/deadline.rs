//! Deadlines: until when a wait may last, and what it waits for.
//!
//! A deadline is a point in time, not a span, so a peer that sends one byte at a time does not extend it.
//! Nothing here reads the clock: the caller passes the time.

use std::time::{Duration, Instant};

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The first byte of the peer on a new connection.
    Silent,
    /// The rest of the handshake that begins an encrypted connection.
    Handshake,
    /// The next request, between two exchanges.
    Idle,
    /// The rest of a request's head.
    Head,
    /// The rest of a request's body.
    Body,
    /// Room in the send buffer for more of the response.
    Write,
    /// Something to send, for a response that is made of what others publish.
    Push,
    /// The end of the peer's side, after the last response.
    Linger,
}

impl Phase {
    /// Returns the name of the phase in log lines and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Silent => "silent",
            Phase::Handshake => "handshake",
            Phase::Idle => "idle",
            Phase::Head => "head",
            Phase::Body => "body",
            Phase::Write => "write",
            Phase::Push => "push",
            Phase::Linger => "linger",
        }
    }
}

/// The time at which a wait ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// The time.
    pub at: Instant,
    /// The wait that ends.
    pub phase: Phase,
}

impl Deadline {
    /// Returns the deadline of `phase` at `start + allowed`.
    pub fn after(start: Instant, allowed: Duration, phase: Phase) -> Deadline {
        // A time that the clock cannot express is as good as never: 100 years.
        let never = Duration::from_secs(100 * 365 * 24 * 60 * 60);
        Deadline { at: start.checked_add(allowed).unwrap_or(start + never), phase }
    }

    /// Returns the deadline of a transfer that began at `start` and has moved `bytes`: a grace period, and
    /// then a minimum `rate` in bytes per second, so that a slow transfer of any size goes on and a
    /// stalled one ends.
    pub fn at_rate(
        start: Instant,
        grace: Duration,
        bytes: u64,
        rate: u32,
        phase: Phase,
    ) -> Deadline {
        Deadline::after(start, grace.saturating_add(time_for(bytes, rate)), phase)
    }

    /// Returns true if the deadline has passed at `now`.
    pub fn has_passed(&self, now: Instant) -> bool {
        now >= self.at
    }

    /// Returns the time that is left at `now`; `None` if the deadline has passed.
    pub fn remaining(&self, now: Instant) -> Option<Duration> {
        self.at.checked_duration_since(now).filter(|left| !left.is_zero())
    }
}

/// Returns the time for `bytes` bytes at `rate` bytes per second.
pub fn time_for(bytes: u64, rate: u32) -> Duration {
    Duration::from_micros(bytes.saturating_mul(1_000_000) / u64::from(rate.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transfer_goes_on_while_it_keeps_the_rate() {
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
