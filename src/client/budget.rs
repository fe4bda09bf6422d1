//! How long each phase of a call may take, and how long all of it.
//!
//! Every limit ends at a moment. A peer that drips a byte now and then moves none but those that are
//! about silence: `send_idle` and `body_idle`, which is why there are `rate` and `total` beside them.

use std::time::{Duration, Instant};

use super::error::Error;

/// A phase of a call: what is being waited for.
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

/// So many bytes, or the transfer is too slow: at least `bytes` a second, seen over this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Bytes a second.
    pub bytes: u32,
    /// For so long it may be slower, or silent.
    pub over: Duration,
}

impl Rate {
    /// How many bytes it wants in its time; one at least.
    fn quota(self) -> u64 {
        let quota = u128::from(self.bytes) * self.over.as_millis() / 1000;
        u64::try_from(quota).unwrap_or(u64::MAX).max(1)
    }
}

/// How long each phase may take; `None`: no limit. With redirects and retries each request has the
/// phases anew; `total` is for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For looking the host up, the name server's silence included.
    pub resolve: Option<Duration>,
    /// For looking the host up and connecting to one of its addresses, as curl's
    /// `--connect-timeout`.
    pub connect: Option<Duration>,
    /// How long the server may take nothing of the request.
    pub send_idle: Option<Duration>,
    /// From the last byte of the request to the end of the answer's head: the server's thinking. A
    /// head that drips in does not move it, nor does a row of interim answers.
    pub first_byte: Option<Duration>,
    /// How long nothing may come of the body; the time that its reader takes does not count.
    pub body_idle: Option<Duration>,
    /// How slow it may be, from the first byte sent to the last received, the server's thinking included;
    /// the time that readers and writers on our side take does not count.
    pub rate: Option<Rate>,
    /// From the call to the end of the body, redirects, retries and their pauses included.
    pub total: Option<Duration>,
}

impl Default for Timeouts {
    /// No wait is endless, and an honest slow answer of any size gets through: 30 s to resolve (two
    /// tries of 5 s with each of three name servers), 60 s to connect, 60 s of silence while sending or
    /// receiving (nginx's `send_timeout` and `proxy_read_timeout`), 300 s of thinking, no rate, no total.
    fn default() -> Timeouts {
        let seconds = |count| Some(Duration::from_secs(count));
        Timeouts {
            resolve: seconds(30),
            connect: seconds(60),
            send_idle: seconds(60),
            first_byte: seconds(300),
            body_idle: seconds(60),
            rate: None,
            total: None,
        }
    }
}

impl Timeouts {
    /// No limit at all; with `..Timeouts::NONE` a few can be set.
    pub const NONE: Timeouts = Timeouts {
        resolve: None,
        connect: None,
        send_idle: None,
        first_byte: None,
        body_idle: None,
        rate: None,
        total: None,
    };
}

/// The time that one call has, and the phase it is in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    timeouts: Timeouts,
    start: Instant,
    phase: Phase,
    /// Since when the phase's own time runs.
    since: Instant,
    /// What has moved lately, once something can.
    stretch: Option<Stretch>,
}

/// A stretch of time in which a [`Rate`]'s quota is to move. When it has, the next one begins.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    begun: Instant,
    moved: u64,
    /// When something was last heard of it; what passes until it goes on does not count.
    seen: Instant,
}

impl Stretch {
    fn new(now: Instant) -> Stretch {
        Stretch { begun: now, moved: 0, seen: now }
    }
}

/// A limit, of two kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Limit {
    Time(Duration),
    Rate,
}

impl Budget {
    pub(super) fn new(start: Instant, timeouts: Timeouts) -> Budget {
        Budget { timeouts, start, phase: Phase::Resolve, since: start, stretch: None }
    }

    /// Another phase begins. Connecting has its time together with the looking up before it.
    pub(super) fn enter(&mut self, phase: Phase, now: Instant) {
        self.phase = phase;
        if phase != Phase::Connect {
            self.since = now;
        }
        if let Some(stretch) = &mut self.stretch {
            stretch.begun += now.saturating_duration_since(stretch.seen);
            stretch.seen = now;
        } else if self.moves() {
            self.stretch = Some(Stretch::new(now));
        }
    }

    /// Can bytes move in this phase?
    fn moves(&self) -> bool {
        !matches!(self.phase, Phase::Resolve | Phase::Connect)
    }

    /// The server took so many bytes: its silence begins anew.
    pub(super) fn sent(&mut self, bytes: usize, now: Instant) {
        self.since = now;
        self.moved(bytes, now);
    }

    /// So many bytes came.
    pub(super) fn received(&mut self, bytes: usize, now: Instant) {
        self.moved(bytes, now);
    }

    fn moved(&mut self, bytes: usize, now: Instant) {
        let (Some(rate), Some(stretch)) = (self.timeouts.rate, &mut self.stretch) else { return };
        stretch.moved = stretch.moved.saturating_add(bytes as u64);
        stretch.seen = now;
        if stretch.moved >= rate.quota() {
            *stretch = Stretch::new(now);
        }
    }

    /// The body may be silent no longer than this, from now on.
    pub(super) fn hurry(&mut self, limit: Duration) {
        self.timeouts.body_idle = self.timeouts.body_idle.into_iter().chain([limit]).min();
    }

    /// Until when the phase may last; `None`: for ever.
    pub(super) fn until(&self) -> Option<Instant> {
        self.first_limit().map(|(until, _)| until)
    }

    /// What is left for the phase, never zero; `None`: no limit.
    ///
    /// # Errors
    /// [`Error::Timeout`] when nothing is left.
    pub(super) fn left(&self, now: Instant) -> Result<Option<Duration>, Error> {
        let Some(until) = self.until() else { return Ok(None) };
        let left = until.saturating_duration_since(now);
        if left.is_zero() { Err(self.timed_out()) } else { Ok(Some(left)) }
    }

    /// Is there time for a pause?
    pub(super) fn allows(&self, pause: Duration, now: Instant) -> bool {
        let end = self.timeouts.total.and_then(|total| self.start.checked_add(total));
        end.is_none_or(|end| end.saturating_duration_since(now) > pause)
    }

    pub(super) fn timed_out(&self) -> Error {
        let (phase, limit) = (self.phase, self.first_limit().map(|(_, limit)| limit));
        match (limit, self.timeouts.rate) {
            (Some(Limit::Rate), Some(rate)) => Error::TooSlow { phase, rate },
            (Some(Limit::Time(after)), _) => Error::Timeout { phase, after },
            _ => Error::Timeout { phase, after: Duration::ZERO },
        }
    }

    /// The limit that ends first, and when. A moment that the clock cannot express is never.
    fn first_limit(&self) -> Option<(Instant, Limit)> {
        let Timeouts { resolve, connect, send_idle, first_byte, body_idle, rate, total } =
            self.timeouts;
        let own = match self.phase {
            Phase::Resolve => resolve.into_iter().chain(connect).min(),
            Phase::Connect => connect,
            Phase::Send => send_idle,
            Phase::Head => first_byte,
            Phase::Body => body_idle,
        };
        let end = |from: Instant, limit: Option<Duration>| {
            limit.and_then(|limit| Some((from.checked_add(limit)?, Limit::Time(limit))))
        };
        let stretch = self.stretch.filter(|_| self.moves());
        let slow = rate
            .zip(stretch)
            .and_then(|(rate, stretch)| Some((stretch.begun.checked_add(rate.over)?, Limit::Rate)));
        end(self.since, own).into_iter().chain(slow).chain(end(self.start, total)).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The limits, in seconds: resolve, connect, send, head, body, total.
    fn budget(limits: [Option<u32>; 6]) -> (Budget, Instant) {
        let start = Instant::now();
        let limit = |at: usize| limits[at].map(|seconds| Duration::from_secs(1) * seconds);
        let timeouts = Timeouts {
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
    fn the_limit_that_ends_first_counts() {
        use Phase::*;
        let second = Duration::from_secs(1);
        let far = Some(u32::MAX);
        // The phase begins after 3 s, and what is asked for is what it has left then.
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
            assert_eq!(budget.left(now).unwrap(), want.map(|left| second * left), "{name}");
        }
    }

    #[test]
    fn the_error_names_the_phase_and_the_limit() {
        let second = Duration::from_secs(1);
        let (mut budget, start) = budget([None, None, Some(2), Some(5), None, Some(9)]);
        budget.enter(Phase::Head, start);
        let said = |budget: &Budget, seconds: u32| {
            budget.left(start + second * seconds).map_err(|error| error.to_string())
        };
        let waiting = "while waiting for the answer";
        assert_eq!(said(&budget, 5), Err(format!("out of time after 5s, {waiting}")));
        budget.enter(Phase::Head, start + 6 * second);
        assert_eq!(said(&budget, 9), Err(format!("out of time after 9s, {waiting}")));
        budget.enter(Phase::Send, start);
        assert!(said(&budget, 2).is_err());
        budget.sent(1, start + second);
        assert_eq!(said(&budget, 2), Ok(Some(second)), "it took something");
        assert!(budget.allows(2 * second, start) && !budget.allows(2 * second, start + 7 * second));
        let never = Timeouts { total: Some(Duration::MAX), ..Timeouts::NONE };
        assert_eq!(Budget::new(start, never).until(), None);
    }
    #[test]
    fn a_stretch_has_its_quota_or_is_the_last() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let rate = Rate { bytes: 10, over: Duration::from_secs(2) };
        let timeouts = Timeouts { rate: Some(rate), ..Timeouts::NONE };
        let mut budget = Budget::new(start, timeouts);
        budget.enter(Phase::Connect, start);
        assert_eq!(budget.until(), None, "nothing can move yet");
        budget.enter(Phase::Send, at(5_000));
        assert_eq!(budget.until(), Some(at(7_000)));
        budget.sent(19, at(6_000));
        assert_eq!(budget.until(), Some(at(7_000)), "one is missing");
        budget.enter(Phase::Head, at(6_000));
        budget.received(1, at(6_500));
        assert_eq!(budget.until(), Some(at(8_500)));
        // Then it is our own reader's turn, for a minute.
        budget.received(5, at(7_000));
        budget.enter(Phase::Body, at(67_000));
        assert_eq!(budget.until(), Some(at(68_500)));
        assert_eq!(budget.left(at(68_000)).unwrap(), Some(Duration::from_millis(500)));
        let said = budget.left(at(68_500)).unwrap_err().to_string();
        assert_eq!(said, "less than 10 bytes a second for 2s, while receiving the body");
        let slow = Rate { bytes: 0, over: Duration::from_millis(1) };
        assert_eq!(slow.quota(), 1);
        assert_eq!(Rate { bytes: u32::MAX, over: Duration::MAX }.quota(), u64::MAX);
    }
}
