//! The flags of `server` for the UDP echo.

use std::ffi::OsStr;
use std::time::Duration;

use super::Effect::Value;
use super::limits::put;
use super::listen::host_and_port;
use super::server::ServerOptions;
use super::{Expected, Flag};

pub(super) const FLAGS: &[Flag<ServerOptions>] = &[
    Flag::new(
        None,
        "udp",
        Value("ADDR:PORT", |options, value| {
            options.udp.push(host_and_port(value)?);
            Ok(())
        }),
        "send each datagram that comes to this address back, and answer the word stats with what the \
         workers are doing; repeatable; port 0 chooses a free port",
    ),
    Flag::new(
        None,
        "loss",
        Value("PERCENT", |options, value| put(&mut options.impairments.loss, share(value))),
        "lose this share of the echoes, such as 30% (default 0%)",
    ),
    Flag::new(
        None,
        "delay",
        Value("TIME", |options, value| put(&mut options.impairments.delay, time(value))),
        "send echoes this much later, such as 50ms or 1.5s (default 0ms)",
    ),
    Flag::new(
        None,
        "jitter",
        Value("TIME", |options, value| put(&mut options.impairments.jitter, time(value))),
        "let the delay vary by up to this time, more or less, such as 20ms (default 0ms)",
    ),
];

/// The longest delay and jitter, as of `/sleep`.
const LONGEST: Duration = Duration::from_secs(60);

/// Parses a percentage, with or without its sign.
pub(super) fn share(value: &OsStr) -> Result<f64, Expected> {
    let text = value.to_str().unwrap_or_default();
    let percent = text.strip_suffix('%').unwrap_or(text).parse::<f64>().ok();
    let percent = percent.filter(|percent| (0.0..=100.0).contains(percent));
    percent
        .map(|percent| percent / 100.0)
        .ok_or(Expected("a percentage from 0% to 100%, such as 30%"))
}

/// Parses a time with its unit. A number alone is refused: it could mean either.
pub(super) fn time(value: &OsStr) -> Result<Duration, Expected> {
    let text = value.to_str().unwrap_or_default();
    let in_seconds =
        |number: &str, unit: f64| number.parse::<f64>().ok().map(|number| number * unit);
    let seconds = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(number), _) => in_seconds(number, 0.001),
        (None, Some(number)) => in_seconds(number, 1.0),
        (None, None) => None,
    };
    let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.filter(|time| *time <= LONGEST)
        .ok_or(Expected("a time with its unit, such as 50ms or 1.5s, 60s at most"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_times() {
        for (text, want) in
            [("30%", Some(0.3)), ("0", Some(0.0)), ("100%", Some(1.0)), ("0.5%", Some(0.005))]
        {
            assert_eq!(share(OsStr::new(text)).ok(), want, "{text}");
        }
        for text in ["", "%", "-1%", "101%", "NaN", "30%%", "half"] {
            assert!(share(OsStr::new(text)).is_err(), "{text}");
        }
        for (text, want) in [
            ("50ms", 50_000),
            ("1.5s", 1_500_000),
            ("0ms", 0),
            ("60s", 60_000_000),
            ("0.25ms", 250),
        ] {
            let got = time(OsStr::new(text)).ok();
            assert_eq!(got, Some(Duration::from_micros(want)), "{text}");
        }
        for text in ["", "50", "ms", "s", "-1s", "61s", "infs", "NaNms", "1m", "50 ms"] {
            assert!(time(OsStr::new(text)).is_err(), "{text}");
        }
    }
}
