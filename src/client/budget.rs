//! The time limits of a call: one for each phase, one for the whole call, and a minimum rate.
//!
//! Each limit ends at a moment, and a server that sends a byte now and then does not move it. The
//! exceptions are the two limits on silence, `send_idle` and `body_idle`: any byte restarts them, so
//! `rate` and `total` exist beside them.

use std::time::{Duration, Instant};

/// A phase of a call: what it was doing when a limit passed or it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Looking up the addresses of the host.
    Resolve,
    /// Connecting to one of them.
    Connect,
    /// Sending the request.
    Send,
    /// Waiting for the head of the response.
    Head,
    /// Receiving the body of the response.
    Body,
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Phase::Resolve => "looking up the host",
            Phase::Connect => "connecting",
            Phase::Send => "sending the request",
            Phase::Head => "waiting for the response",
            Phase::Body => "receiving the body",
        })
    }
}

/// How long a body waits for its 100 (Continue), as with curl.
const CONTINUE_TIMEOUT: Duration = Duration::from_secs(1);

/// A minimum rate: a transfer that moves fewer than `bytes` a second, measured over `over`, is too slow; for
/// [`Timeouts::rate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Bytes a second.
    pub bytes: u32,
    /// The length of each measurement: a pause shorter than this is not an error.
    pub over: Duration,
}

impl Rate {
    /// Returns how many bytes must move in one measurement; at least 1.
    fn quota(self) -> u64 {
        let quota = u128::from(self.bytes) * self.over.as_millis() / 1000;
        u64::try_from(quota).unwrap_or(u64::MAX).max(1)
    }
}

/// The time limits of a call; `None` means no limit.
///
/// Each request that a redirect or a retry leads to has the limits of the phases anew; `total` covers all of
/// them. A limit that has passed is an error that names the [`Phase`].
///
/// ```
/// use std::time::Duration;
/// use threadbare::client::{Client, Config, Rate, Timeouts};
///
/// let timeouts = Timeouts {
///     connect: Some(Duration::from_secs(5)),
///     rate: Some(Rate { bytes: 1000, over: Duration::from_secs(30) }),
///     ..Timeouts::default()
/// };
/// let client = Client::with_config(Config { timeouts, ..Config::default() });
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Limits the host look-up, including the time that the name server is silent: 30 s.
    pub resolve: Option<Duration>,
    /// Limits the look-up and the connection together, as curl's `--connect-timeout` does: 60 s.
    pub connect: Option<Duration>,
    /// Limits how long the server may accept no byte of the request: 60 s.
    pub send_idle: Option<Duration>,
    /// How long a body waits for its 100 (Continue): 1 s. Then it is sent all the same (RFC 9110, 10.1.1).
    pub expect_continue: Duration,
    /// Limits the time from the last byte of the request to the end of the response's head: 300 s. Neither a
    /// head that arrives byte by byte nor interim responses extend it.
    pub first_byte: Option<Duration>,
    /// Limits how long no byte of the body may arrive: 60 s. The time that the caller takes between two reads
    /// does not count.
    pub body_idle: Option<Duration>,
    /// Limits how slow a transfer may be, from the first byte sent to the last byte received, including
    /// the server's own work: no limit. The time that the caller's readers and writers take does not count.
    pub rate: Option<Rate>,
    /// Limits the whole call, from its start to the end of the body, with redirects, retries and pauses: no
    /// limit.
    pub total: Option<Duration>,
}

impl Default for Timeouts {
    /// Limits every wait, and lets an honest slow response of any size through: 30 s to resolve (two
    /// tries of 5 s with each of three name servers), 60 s to connect, 60 s of silence while sending or
    /// receiving (nginx's `send_timeout` and `proxy_read_timeout`), 300 s for the head of the response,
    /// no minimum rate, no total.
    fn default() -> Timeouts {
        let seconds = |count| Some(Duration::from_secs(count));
        Timeouts {
            resolve: seconds(30),
            connect: seconds(60),
            send_idle: seconds(60),
            expect_continue: CONTINUE_TIMEOUT,
            first_byte: seconds(300),
            body_idle: seconds(60),
            rate: None,
            total: None,
        }
    }
}

impl Timeouts {
    /// No limit at all; `..Timeouts::NONE` sets only some of them.
    pub const NONE: Timeouts = Timeouts {
        resolve: None,
        connect: None,
        send_idle: None,
        expect_continue: CONTINUE_TIMEOUT,
        first_byte: None,
        body_idle: None,
        rate: None,
        total: None,
    };
}

/// The limit that has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimedOut {
    /// A time limit.
    Time { phase: Phase, after: Duration },
    /// The minimum rate.
    Rate { phase: Phase, rate: Rate },
}

/// The time limits of one call, and the phase that it is in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    timeouts: Timeouts,
    start: Instant,
    phase: Phase,
    /// The moment from which the phase's own limit counts.
    since: Instant,
    /// The current measurement of the rate, once bytes can move.
    window: Option<RateWindow>,
}

/// One measurement of the rate. When the quota has moved, the next one begins.
#[derive(Debug, Clone, Copy)]
struct RateWindow {
    start: Instant,
    bytes: u64,
    /// The last moment that was measured. The time from here to the next phase is the caller's own, and
    /// does not count.
    last_seen: Instant,
}

impl RateWindow {
    fn new(now: Instant) -> RateWindow {
        RateWindow { start: now, bytes: 0, last_seen: now }
    }
}

/// The kind of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum LimitKind {
    Time(Duration),
    Rate,
}

impl Budget {
    /// Returns how long a body waits for its 100 (Continue).
    pub(super) fn expect_continue(&self) -> Duration {
        self.timeouts.expect_continue
    }

    pub(super) fn new(start: Instant, timeouts: Timeouts) -> Budget {
        Budget { timeouts, start, phase: Phase::Resolve, since: start, window: None }
    }

    /// Begins another phase. Connecting shares its limit with the look-up before it.
    pub(super) fn enter(&mut self, phase: Phase, now: Instant) {
        self.phase = phase;
        if phase != Phase::Connect {
            self.since = now;
        }
        if let Some(window) = &mut self.window {
            window.start += now.saturating_duration_since(window.last_seen);
            window.last_seen = now;
        } else if self.transfers_bytes() {
            self.window = Some(RateWindow::new(now));
        }
    }

    /// Returns whether bytes move in this phase.
    fn transfers_bytes(&self) -> bool {
        !matches!(self.phase, Phase::Resolve | Phase::Connect)
    }

    /// Records that the server accepted `bytes` bytes, which ends its silence.
    pub(super) fn sent(&mut self, bytes: usize, now: Instant) {
        self.since = now;
        self.transferred(bytes, now);
    }

    /// Records that `bytes` bytes arrived.
    pub(super) fn received(&mut self, bytes: usize, now: Instant) {
        self.transferred(bytes, now);
    }

    fn transferred(&mut self, bytes: usize, now: Instant) {
        let (Some(rate), Some(window)) = (self.timeouts.rate, &mut self.window) else { return };
        window.bytes = window.bytes.saturating_add(bytes as u64);
        window.last_seen = now;
        if window.bytes >= rate.quota() {
            *window = RateWindow::new(now);
        }
    }

    /// Lowers the limit on silence in the body to `limit`, from now on.
    pub(super) fn limit_body_idle(&mut self, limit: Duration) {
        self.timeouts.body_idle = self.timeouts.body_idle.into_iter().chain([limit]).min();
    }

    /// Returns the moment at which the phase must be over; `None`: no limit.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.first_limit().map(|(deadline, _)| deadline)
    }

    /// Returns the time that is left for the phase, never zero; `None`: no limit.
    ///
    /// # Errors
    /// [`TimedOut`] when no time is left.
    pub(super) fn remaining(&self, now: Instant) -> Result<Option<Duration>, TimedOut> {
        let Some(deadline) = self.deadline() else { return Ok(None) };
        let left = deadline.saturating_duration_since(now);
        if left.is_zero() { Err(self.timed_out()) } else { Ok(Some(left)) }
    }

    /// Returns whether the total limit leaves time for this pause.
    pub(super) fn has_time_for(&self, pause: Duration, now: Instant) -> bool {
        let end = self.timeouts.total.and_then(|total| self.start.checked_add(total));
        end.is_none_or(|end| end.saturating_duration_since(now) > pause)
    }

    /// Checks that the total limit has not passed, where nothing is waited for.
    ///
    /// # Errors
    /// [`TimedOut`] if it has.
    #[cfg(feature = "inflate")]
    pub(super) fn check_total(&self, now: Instant) -> Result<(), TimedOut> {
        match self.timeouts.total {
            Some(after) if !self.has_time_for(Duration::ZERO, now) => {
                Err(TimedOut::Time { phase: self.phase, after })
            }
            _ => Ok(()),
        }
    }

    /// Returns the limit that ends first, as the one that has passed.
    pub(super) fn timed_out(&self) -> TimedOut {
        let (phase, limit) = (self.phase, self.first_limit().map(|(_, limit)| limit));
        match (limit, self.timeouts.rate) {
            (Some(LimitKind::Rate), Some(rate)) => TimedOut::Rate { phase, rate },
            (Some(LimitKind::Time(after)), _) => TimedOut::Time { phase, after },
            _ => TimedOut::Time { phase, after: Duration::ZERO },
        }
    }

    /// Returns the limit that ends first, and when. A moment that the clock cannot express never comes.
    fn first_limit(&self) -> Option<(Instant, LimitKind)> {
        let Timeouts { resolve, connect, send_idle, first_byte, body_idle, rate, total, .. } =
            self.timeouts;
        let own = match self.phase {
            Phase::Resolve => resolve.into_iter().chain(connect).min(),
            Phase::Connect => connect,
            Phase::Send => send_idle,
            Phase::Head => first_byte,
            Phase::Body => body_idle,
        };
        let end = |from: Instant, limit: Option<Duration>| {
            limit.and_then(|limit| Some((from.checked_add(limit)?, LimitKind::Time(limit))))
        };
        let window = self.window.filter(|_| self.transfers_bytes());
        let slow = rate.zip(window).and_then(|(rate, window)| {
            Some((window.start.checked_add(rate.over)?, LimitKind::Rate))
        });
        end(self.since, own).into_iter().chain(slow).chain(end(self.start, total)).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::error_kind::ErrorKind;

    /// The limits, in seconds: resolve, connect, send, head, body, total.
    fn budget(limits: [Option<u32>; 6]) -> (Budget, Instant) {
        let start = Instant::now();
        let limit = |at: usize| limits[at].map(|seconds| Duration::from_secs(1) * seconds);
        let timeouts = Timeouts {
            expect_continue: CONTINUE_TIMEOUT,
            resolve: limit(0),
            connect: limit(1),
            send_idle: limit(2),
            first_byte: limit(3),
            body_idle: limit(4),
            rate: None,
            total: limit(5),
        };
        (Budget::new(start, timeouts), start)
    }

    #[test]
    fn the_limit_that_ends_first_applies() {
        use Phase::*;
        let second = Duration::from_secs(1);
        let far = Some(u32::MAX);
        // The phase begins after 3 s; the time that is left then is compared.
        for (name, limits, phase, want) in [
            ("none", [None; 6], Head, None),
            ("resolve", [Some(2), Some(5), None, None, None, None], Resolve, Some(2)),
            ("connect, with resolve", [Some(9), Some(5), None, None, None, None], Resolve, Some(5)),
            ("connect goes on", [None, Some(5), None, None, None, None], Connect, Some(2)),
            ("send", [None, None, Some(4), None, None, Some(8)], Send, Some(4)),
            ("head", [None, None, None, Some(4), None, Some(9)], Head, Some(4)),
            ("body", [None, None, None, Some(1), Some(4), None], Body, Some(4)),
            ("total", [far, far, far, far, far, Some(8)], Body, Some(5)),
            ("total first", [None, None, None, Some(7), None, Some(8)], Head, Some(5)),
        ] {
            let (mut budget, start) = budget(limits);
            let now = start + 3 * second;
            budget.enter(phase, now);
            assert_eq!(budget.remaining(now).unwrap(), want.map(|left| second * left), "{name}");
        }
    }

    #[test]
    fn the_error_names_the_phase_and_the_limit() {
        let second = Duration::from_secs(1);
        let (mut budget, start) = budget([None, None, Some(2), Some(5), None, Some(9)]);
        budget.enter(Phase::Head, start);
        let said = |budget: &Budget, seconds: u32| {
            budget
                .remaining(start + second * seconds)
                .map_err(|limit| ErrorKind::from(limit).to_string())
        };
        let waiting = "while waiting for the response";
        assert_eq!(said(&budget, 5), Err(format!("timed out after 5s {waiting}")));
        budget.enter(Phase::Head, start + 6 * second);
        assert_eq!(said(&budget, 9), Err(format!("timed out after 9s {waiting}")));
        budget.enter(Phase::Send, start);
        assert!(said(&budget, 2).is_err());
        budget.sent(1, start + second);
        assert_eq!(said(&budget, 2), Ok(Some(second)), "it took something");
        assert!(
            budget.has_time_for(2 * second, start)
                && !budget.has_time_for(2 * second, start + 7 * second)
        );
        let never = Timeouts { total: Some(Duration::MAX), ..Timeouts::NONE };
        assert_eq!(Budget::new(start, never).deadline(), None);
    }
    #[test]
    fn a_rate_window_without_its_quota_is_too_slow() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let rate = Rate { bytes: 10, over: Duration::from_secs(2) };
        let timeouts = Timeouts { rate: Some(rate), ..Timeouts::NONE };
        let mut budget = Budget::new(start, timeouts);
        budget.enter(Phase::Connect, start);
        assert_eq!(budget.deadline(), None, "nothing can move yet");
        budget.enter(Phase::Send, at(5_000));
        assert_eq!(budget.deadline(), Some(at(7_000)));
        budget.sent(19, at(6_000));
        assert_eq!(budget.deadline(), Some(at(7_000)), "one is missing");
        budget.enter(Phase::Head, at(6_000));
        budget.received(1, at(6_500));
        assert_eq!(budget.deadline(), Some(at(8_500)));
        // Then it is our own reader's turn, for a minute.
        budget.received(5, at(7_000));
        budget.enter(Phase::Body, at(67_000));
        assert_eq!(budget.deadline(), Some(at(68_500)));
        assert_eq!(budget.remaining(at(68_000)).unwrap(), Some(Duration::from_millis(500)));
        let said = ErrorKind::from(budget.remaining(at(68_500)).unwrap_err()).to_string();
        assert_eq!(said, "less than 10 bytes per second for 2s while receiving the body");
        let slow = Rate { bytes: 0, over: Duration::from_millis(1) };
        assert_eq!(slow.quota(), 1);
        assert_eq!(Rate { bytes: u32::MAX, over: Duration::MAX }.quota(), u64::MAX);
    }
}
