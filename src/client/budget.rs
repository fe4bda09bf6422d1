//! How long each phase of an exchange may take.

use std::time::{Duration, Instant};

use super::error::Error;

/// A phase of an exchange: what is being waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The addresses of the host.
    Resolve,
    /// A connection to one of them.
    Connect,
    /// Room for more of the request.
    Send,
    /// The head of the answer.
    Head,
    /// The body of the answer.
    Body,
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Phase::Resolve => "looking up the host",
            Phase::Connect => "connecting",
            Phase::Send => "sending the request",
            Phase::Head => "waiting for the answer",
            Phase::Body => "receiving the body",
        })
    }
}

/// The time that one exchange has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    start: Instant,
    connect: Option<Duration>,
    total: Option<Duration>,
}

impl Budget {
    pub(super) fn new(
        start: Instant,
        connect: Option<Duration>,
        total: Option<Duration>,
    ) -> Budget {
        Budget { start, connect, total }
    }

    /// Until when a phase may last; `None`: for ever.
    pub(super) fn until(&self, phase: Phase) -> Option<Instant> {
        self.start.checked_add(self.allowed(phase)?)
    }

    /// What is left for a phase, never zero; `None`: no limit.
    ///
    /// # Errors
    /// [`Error::Timeout`] when nothing is left.
    pub(super) fn left(&self, phase: Phase, now: Instant) -> Result<Option<Duration>, Error> {
        let Some(until) = self.until(phase) else { return Ok(None) };
        let left = until.saturating_duration_since(now);
        if left.is_zero() { Err(self.timed_out(phase)) } else { Ok(Some(left)) }
    }

    pub(super) fn timed_out(&self, phase: Phase) -> Error {
        Error::Timeout { phase, after: self.allowed(phase).unwrap_or_default() }
    }

    fn allowed(&self, phase: Phase) -> Option<Duration> {
        let connect = match phase {
            Phase::Resolve | Phase::Connect => self.connect,
            Phase::Send | Phase::Head | Phase::Body => None,
        };
        connect.into_iter().chain(self.total).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shorter_limit_counts() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        for (connect, total, connecting, receiving) in [
            (None, None, None, None),
            (Some(2), None, Some(2), None),
            (Some(2), Some(5), Some(2), Some(5)),
            (Some(5), Some(2), Some(2), Some(2)),
            (None, Some(u32::MAX), Some(u32::MAX), Some(u32::MAX)),
        ] {
            let limit = |seconds: Option<u32>| seconds.map(|seconds| second * seconds);
            let budget = Budget::new(start, limit(connect), limit(total));
            assert_eq!(budget.left(Phase::Connect, start).unwrap(), limit(connecting));
            assert_eq!(budget.left(Phase::Body, start).unwrap(), limit(receiving));
        }
        let budget = Budget::new(start, None, Some(second));
        let error = budget.left(Phase::Head, start + second).unwrap_err();
        assert_eq!(error.to_string(), "out of time after 1s, while waiting for the answer");
        let never = Budget::new(start, None, Some(Duration::MAX));
        assert_eq!(never.until(Phase::Head), None);
    }
}
