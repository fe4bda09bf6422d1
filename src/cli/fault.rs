//! The flags of `server` for what goes wrong on purpose.

use std::ffi::OsStr;
use std::num::NonZeroU32;

use super::Effect::Value;
use super::limits::{put, seed};
use super::server::ServerOptions;
use super::udp::{share, time};
use super::{Expected, Flag};
use crate::server::{FaultKind, Faults};

pub(super) const FLAGS: &[Flag<ServerOptions>] = &[
    Flag::new(
        None,
        "fault",
        Value("LIST", |options, value| {
            options.config.faults = Some(faults(value)?);
            Ok(())
        }),
        "answer wrongly, to test clients: a list of delay=TIME, drip=RATE, truncate=SHARE, \
         reset=SHARE, never=SHARE and bad-chunk=SHARE, such as delay=200ms,drip=10B/s,reset=5%; not \
         for /-/health, /-/metrics and /-/status",
    ),
    Flag::new(
        None,
        "seed",
        Value("N", |options, value| put(&mut options.seed, seed(value))),
        "begin what is random on purpose with this number: the same number, the same faults, and the \
         same losses of the UDP echo (default random)",
    ),
];

/// The paths that are asked to see how the server is.
const SPARED: [&str; 3] = ["/-/health", "/-/metrics", "/-/status"];

const RIGHT: Expected = Expected(
    "a list of delay=TIME, drip=RATE, truncate, reset, never and bad-chunk, such as \
     delay=200ms,drip=10B/s,truncate=5%,reset=1%; a share of more than 100% in all, or a kind twice, is \
     refused",
);

/// Parses the list. Its seed is random.
fn faults(value: &OsStr) -> Result<Faults, Expected> {
    let text = value.to_str().ok_or(RIGHT)?;
    let mut faults = Faults::new();
    for item in text.split(',') {
        let (kind, share) = fault(item).ok_or(RIGHT)?;
        faults = faults.sometimes(kind, share);
    }
    let faults = SPARED.into_iter().fold(faults, Faults::spare);
    if faults.is_contradictory() { Err(RIGHT) } else { Ok(faults) }
}

/// Parses a kind, and its share of the responses.
fn fault(item: &str) -> Option<(FaultKind, f64)> {
    let (name, value) = item.split_once('=').map_or((item, None), |(name, it)| (name, Some(it)));
    // Delay and drip have a value beside the share.
    let (value, percent) = match (name, value) {
        ("delay" | "drip", Some(value)) => {
            value.split_once('@').map_or((value, None), |(value, share)| (value, Some(share)))
        }
        (_, percent) => ("", percent),
    };
    let kind = match name {
        "delay" => FaultKind::Delay(time(value.as_ref()).ok()?),
        "drip" => FaultKind::Drip(rate(value)?),
        "truncate" => FaultKind::Truncate,
        "reset" => FaultKind::Reset,
        "never" => FaultKind::Never,
        "bad-chunk" => FaultKind::BadChunk,
        _ => return None,
    };
    Some((kind, percent.map_or(Ok(1.0), |percent| share(percent.as_ref())).ok()?))
}

/// Parses `10B/s`, `1.5KB/s` or `2MB/s`; K is 1,000, as in the figures that the programs print.
fn rate(text: &str) -> Option<NonZeroU32> {
    let text = text.strip_suffix("B/s")?;
    let (number, unit) = match text.strip_suffix(['k', 'K']) {
        Some(number) => (number, 1e3),
        None => text.strip_suffix('M').map_or((text, 1.0), |number| (number, 1e6)),
    };
    let bytes = (number.parse::<f64>().ok()? * unit).round();
    let is_a_rate = (1.0..=1e9).contains(&bytes);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1 to 1e9")]
    is_a_rate.then(|| NonZeroU32::new(bytes as u32)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_shown_as_it_was_typed() {
        for (typed, shown) in [
            (
                "delay=200ms,drip=10B/s,truncate=5%,reset=1%,never=2%,bad-chunk=1%",
                "delay=200ms,drip=10B/s,truncate=5%,reset=1%,never=2%,bad-chunk=1%",
            ),
            ("never", "never"),
            ("reset=30", "reset=30%"),
            ("delay=1.5s@10%,drip=1.5KB/s@50%", "delay=1.50s@10%,drip=1500B/s@50%"),
            ("reset=50%,never=50%", "reset=50%,never=50%"),
            ("drip=2MB/s,bad-chunk=0.5%", "drip=2000000B/s,bad-chunk=0.5%"),
        ] {
            let faults = faults(typed.as_ref()).map(|faults| faults.to_string());
            assert_eq!(faults.ok().as_deref(), Some(shown), "{typed}");
        }
    }

    #[test]
    fn what_is_wrong_or_contradictory_is_refused() {
        for typed in [
            "",
            ",",
            "delay",
            "delay=200",
            "delay=61s",
            "drip=10",
            "drip=0B/s",
            "drip=-1B/s",
            "drip=2GB/s",
            "truncate=101%",
            "reset=x",
            "reset=1%@1%",
            "slow",
            "never,reset=1%",
            "reset=1%,reset=1%",
            "delay=1s,delay=2s",
            "truncate=60%,never=60%",
            "never=",
        ] {
            assert!(faults(typed.as_ref()).is_err(), "{typed}");
        }
    }
}
