//! Faults on purpose: which responses of a server are late, slow, cut, reset, never sent, or badly framed.
//!
//! This file only draws: from a seed and the number of a request follows what is wrong with its response, so
//! that a run can be repeated. `conn/faulty.rs` does it to the response.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::random::{any_seed, nth_share};
use crate::text::time_without_space;

/// What goes wrong on purpose, to test clients; for [`Config::faults`](crate::server::Config::faults).
///
/// The requests are numbered as their responses begin. Which of them meet a fault follows from the seed and
/// that number: the same seed, the same faults in the same order. A log line at `info` tells of each.
///
/// ```
/// use std::time::Duration;
/// use threadbare::server::{Config, FaultKind, Faults, Router, Server};
///
/// let faults = Faults::seeded(7)
///     .always(FaultKind::Delay(Duration::from_millis(20)))
///     .sometimes(FaultKind::Reset, 0.3)
///     .spare("/health");
/// let config = Config { faults: Some(faults), ..Config::default() };
/// let routes = Router::new().get("/", |_| "hello\n").get("/health", |_| "ok\n").build()?;
/// let running = Server::with_config(["127.0.0.1:0"], routes, config)?.start()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Faults {
    /// Where the random numbers begin.
    pub seed: u64,
    /// Each kind with its share of the responses, from 0 to 1.
    kinds: Vec<(FaultKind, f64)>,
    /// The responses to these paths are as usual, and their requests are not numbered.
    spared: Vec<String>,
}

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The response begins so much later.
    Delay(Duration),
    /// The bytes of the response leave at this rate, in bytes per second.
    Drip(NonZeroU32),
    /// The connection is closed in the middle of the response's body, or of its head if it has no body.
    Truncate,
    /// The connection is reset instead of a response.
    Reset,
    /// There is no response, and the connection stays open until the client closes it or the server stops.
    Never,
    /// The body is sent in chunks, and the size of the first one is not hexadecimal. A response to HTTP/1.0,
    /// or without a body, is as usual.
    BadChunk,
}

/// What is wrong with one response.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct DrawnFaults {
    /// It begins so much later.
    pub(crate) delay: Duration,
    /// At most so many bytes of it leave in a second.
    pub(crate) drip: Option<NonZeroU32>,
    /// How it ends, if that is wrong; neither `Delay` nor `Drip`.
    pub(crate) ending: Option<FaultKind>,
}

impl Faults {
    /// Returns no faults yet, and a random seed.
    pub fn new() -> Faults {
        Faults::seeded(any_seed())
    }

    /// Returns no faults yet, and this seed.
    pub fn seeded(seed: u64) -> Faults {
        Faults { seed, kinds: Vec::new(), spared: Vec::new() }
    }

    /// Adds a fault of every response.
    pub fn always(self, kind: FaultKind) -> Faults {
        self.sometimes(kind, 1.0)
    }

    /// Adds a fault of this share of the responses, from 0 to 1. The shares of the kinds that end a response
    /// (all but [`FaultKind::Delay`] and [`FaultKind::Drip`]) add up: a response has at most one of them.
    pub fn sometimes(mut self, kind: FaultKind, share: f64) -> Faults {
        self.kinds.push((kind, share));
        self
    }

    /// Serves this path as usual: one that a supervisor asks, for example.
    pub fn spare(mut self, path: impl Into<String>) -> Faults {
        self.spared.push(path.into());
        self
    }

    /// Returns true if one of the kinds is given twice, or the responses to end are more than all of them.
    pub fn is_contradictory(&self) -> bool {
        let same = |(a, _): &(FaultKind, f64), (b, _): &(FaultKind, f64)| {
            std::mem::discriminant(a) == std::mem::discriminant(b)
        };
        let twice = self
            .kinds
            .iter()
            .enumerate()
            .any(|(at, kind)| self.kinds[..at].iter().any(|before| same(before, kind)));
        let ended: f64 =
            self.kinds.iter().filter(|(kind, _)| kind.ends()).map(|(_, share)| share).sum();
        twice || ended > 1.0 + 1e-9
    }

    /// Returns true if the responses to this path are as usual.
    pub(crate) fn spares(&self, path: &str) -> bool {
        self.spared.iter().any(|spared| spared == path)
    }

    /// Returns what is wrong with the response to this request.
    pub(crate) fn draw(&self, request: u64) -> DrawnFaults {
        // Three numbers for each request: one for each fault that a response can have beside others.
        let random = |which| nth_share(self.seed, 3 * request + which);
        let (delay, drip, mut ending) = (random(0), random(1), random(2));
        let mut drawn = DrawnFaults::default();
        for &(kind, share) in &self.kinds {
            match kind {
                FaultKind::Delay(time) if delay < share => drawn.delay = time,
                FaultKind::Drip(rate) if drip < share => drawn.drip = Some(rate),
                FaultKind::Delay(_) | FaultKind::Drip(_) => {}
                _ => {
                    if (0.0..share).contains(&ending) {
                        drawn.ending = Some(kind);
                    }
                    ending -= share;
                }
            }
        }
        drawn
    }
}

impl Default for Faults {
    fn default() -> Faults {
        Faults::new()
    }
}

impl FaultKind {
    /// Returns true if it decides how a response ends, or that it does not come.
    fn ends(self) -> bool {
        !matches!(self, FaultKind::Delay(_) | FaultKind::Drip(_))
    }
}

impl std::fmt::Display for FaultKind {
    /// As on the command line.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            FaultKind::Delay(time) => write!(f, "delay={}", time_without_space(*time)),
            FaultKind::Drip(rate) => write!(f, "drip={rate}B/s"),
            FaultKind::Truncate => f.write_str("truncate"),
            FaultKind::Reset => f.write_str("reset"),
            FaultKind::Never => f.write_str("never"),
            FaultKind::BadChunk => f.write_str("bad-chunk"),
        }
    }
}

impl std::fmt::Display for Faults {
    /// As on the command line, without the seed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, (kind, share)) in self.kinds.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            let (between, percent) = (if kind.ends() { '=' } else { '@' }, share * 100.0);
            match percent {
                100.0 => write!(f, "{comma}{kind}")?,
                percent => write!(f, "{comma}{kind}{between}{percent}%")?,
            }
        }
        Ok(())
    }
}

impl DrawnFaults {
    /// Returns them in one word each, or nothing if nothing is wrong.
    pub(crate) fn words(&self) -> String {
        let delay = (!self.delay.is_zero()).then_some(FaultKind::Delay(self.delay));
        let all = [delay, self.drip.map(FaultKind::Drip), self.ending];
        all.iter().flatten().map(FaultKind::to_string).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn mixed(seed: u64) -> Faults {
        Faults::seeded(seed)
            .sometimes(FaultKind::Delay(SECOND), 0.5)
            .sometimes(FaultKind::Truncate, 0.05)
            .sometimes(FaultKind::Reset, 0.01)
            .sometimes(FaultKind::Never, 0.02)
    }

    #[test]
    fn the_same_seed_draws_the_same_faults_in_their_shares() {
        let draw = |seed| (1..=10_000).map(|number| mixed(seed).draw(number)).collect::<Vec<_>>();
        let seven = draw(7);
        assert_eq!(seven, draw(7));
        assert_ne!(seven, draw(8));
        for (kind, share) in
            [(FaultKind::Truncate, 500), (FaultKind::Reset, 100), (FaultKind::Never, 200)]
        {
            let count = seven.iter().filter(|drawn| drawn.ending == Some(kind)).count();
            assert!(count.abs_diff(share) < share / 3, "{kind}: {count}");
        }
        let late = seven.iter().filter(|drawn| drawn.delay == SECOND).count();
        assert!((4_800..5_200).contains(&late), "{late}");
        // The faults of a response are independent.
        let late_and_cut = seven.iter().filter(|drawn| drawn.delay == SECOND);
        let cut = late_and_cut.filter(|drawn| drawn.ending == Some(FaultKind::Truncate)).count();
        assert!((200..300).contains(&cut), "{cut}");
    }

    #[test]
    fn all_or_none_and_at_most_one_ending() {
        let all = Faults::seeded(1).always(FaultKind::Never);
        assert!((1..100).all(|number| all.draw(number).ending == Some(FaultKind::Never)));
        let none = Faults::seeded(1).sometimes(FaultKind::Reset, 0.0);
        assert!((1..100).all(|number| none.draw(number) == DrawnFaults::default()));
        let halves =
            Faults::seeded(1).sometimes(FaultKind::Reset, 0.5).sometimes(FaultKind::BadChunk, 0.5);
        assert!((1..100).all(|number| halves.draw(number).ending.is_some()));
        assert!(!halves.is_contradictory());
        assert!(halves.clone().sometimes(FaultKind::Never, 0.1).is_contradictory());
        assert!(halves.sometimes(FaultKind::Reset, 0.0).is_contradictory());
    }

    #[test]
    fn it_is_shown_as_it_is_typed() {
        let rate = NonZeroU32::new(10).unwrap();
        let faults = mixed(7).always(FaultKind::Drip(rate));
        assert_eq!(faults.to_string(), "delay=1.00s@50%,truncate=5%,reset=1%,never=2%,drip=10B/s");
        let drawn =
            DrawnFaults { delay: SECOND, drip: Some(rate), ending: Some(FaultKind::BadChunk) };
        assert_eq!(drawn.words(), "delay=1.00s, drip=10B/s, bad-chunk");
    }
}
