//! The flags of `server` that set limits: sizes, times, and the number of connections.
//!
//! They set the fields of the server's own [`Limits`](crate::server::Limits) and of
//! [`Config`](crate::server::Config). Refused: a value that is no number, or is out of its range.

use std::ffi::OsStr;
use std::num::NonZeroUsize;
use std::str::FromStr;

use super::Effect::Value;
use super::server::ServerOptions;
use super::{Expected, Flag, seconds};
use crate::server::{Overload, PerAddress};

pub(super) const FLAGS: &[Flag<ServerOptions>] = &[
    Flag::new(
        None,
        "head-time",
        Value("SECS", |options, value| put(&mut options.config.limits.head_time, seconds(value))),
        "wait at most SECS seconds for the rest of a request head after its first byte, then respond 408 (default 60)",
    ),
    Flag::new(
        None,
        "handshake-time",
        Value("SECS", |options, value| {
            put(&mut options.config.limits.handshake_time, seconds(value))
        }),
        "close an https connection whose handshake takes more than SECS seconds (default 10)",
    ),
    Flag::new(
        None,
        "idle-time",
        Value("SECS", |options, value| put(&mut options.config.limits.idle_time, seconds(value))),
        "close a connection that has been idle for SECS seconds (default 75)",
    ),
    Flag::new(
        None,
        "transfer-grace",
        Value("SECS", |options, value| {
            put(&mut options.config.limits.transfer_grace, seconds(value))
        }),
        "do not check the rate of a body in its first SECS seconds (default 20)",
    ),
    Flag::new(
        None,
        "transfer-rate",
        Value("BYTES", |options, value| {
            put(&mut options.config.limits.transfer_rate, number(value, BYTES, 1))
        }),
        "after that, close a connection that transfers less than BYTES per second on average; a \
         client may lag 128 KB behind (default 500)",
    ),
    Flag::new(
        None,
        "max-body",
        Value("BYTES", |options, value| {
            put(&mut options.config.limits.body, number(value, BYTES, 0))
        }),
        "respond 413 to a longer request body (default 16777216)",
    ),
    Flag::new(
        None,
        "max-request-line",
        Value("BYTES", |options, value| {
            put(&mut options.config.limits.request_line, number(value, BYTES, 1))
        }),
        "respond 414 to a longer request line (default 8192)",
    ),
    Flag::new(
        None,
        "max-field",
        Value("BYTES", |options, value| {
            put(&mut options.config.limits.field, number(value, BYTES, 1))
        }),
        "respond 431 to a longer header field (default 16384)",
    ),
    Flag::new(
        None,
        "max-fields",
        Value("N", |options, value| {
            put(&mut options.config.limits.fields, number(value, COUNT, 1))
        }),
        "respond 431 to more header fields (default 100)",
    ),
    Flag::new(
        None,
        "max-head",
        Value("BYTES", |options, value| {
            put(&mut options.config.limits.head, number(value, BYTES, 1))
        }),
        "respond 431 to a longer request head (default 65536)",
    ),
    Flag::new(
        None,
        "max-heads-memory",
        Value("BYTES", |options, value| {
            put(&mut options.config.limits.heads_memory, number(value, BYTES, 0))
        }),
        "use at most BYTES of memory for all request heads that are not complete and have more than \
         4 KB; respond 503 to one that does not fit (default 33554432)",
    ),
    Flag::new(
        None,
        "max-chunk-overhead",
        Value("BYTES", |options, value| {
            put(&mut options.config.limits.chunk_overhead, number(value, BYTES, 0))
        }),
        "respond 413 to more bytes of chunk extensions and trailers (default 16384)",
    ),
    Flag::new(
        None,
        "max-ranges",
        Value("N", |options, value| {
            put(
                &mut options.config.limits.ranges,
                number(value, Expected("a number, such as 100"), 0),
            )
        }),
        "send the whole file if a request has more than N ranges; 0 disables ranges (default 100)",
    ),
    Flag::new(
        None,
        "max-body-memory",
        Value("BYTES", |options, value| {
            put(&mut options.config.limits.body_memory, number(value, BYTES, 0))
        }),
        "keep a longer request body in an unnamed temporary file (default 65536)",
    ),
    Flag::new(
        None,
        "max-bodies-memory",
        Value("BYTES", |options, value| {
            put(&mut options.config.limits.bodies_memory, number(value, BYTES, 0))
        }),
        "use at most BYTES of memory for all request bodies; write the rest to files (default 67108864)",
    ),
    Flag::new(
        None,
        "max-bodies-disk",
        Value("BYTES", |options, value| {
            put(&mut options.config.limits.bodies_disk, number(value, BYTES, 0))
        }),
        "use at most BYTES of disk for all request bodies; respond 507 to a \
         body that does not fit (default 1073741824)",
    ),
    Flag::new(
        None,
        "max-unsent-memory",
        Value("BYTES", |options, value| {
            put(&mut options.config.limits.unsent_memory, number(value, BYTES, 0))
        }),
        "let the kernel buffer at most BYTES for all fast downloads, up to 4 MB for each (default 67108864)",
    ),
    Flag::new(
        None,
        "max-body-unread",
        Value("BYTES", |options, value| {
            put(&mut options.config.limits.body_unread, number(value, BYTES, 0))
        }),
        "read and discard the rest of an unused request body if it has at most \
         BYTES; otherwise close the connection (default 65536)",
    ),
];

pub(super) const OVERLOAD: &[Flag<ServerOptions>] = &[
    Flag::new(
        None,
        "max-connections",
        Value("N", |options, value| {
            let right = Expected("a number from 1 to 1000000, such as 10000");
            let number = number(value, right, 1).ok().filter(|&number| number <= 1_000_000);
            put(&mut options.config.connections, number.map(Some).ok_or(right))
        }),
        "allow at most N open connections (default 10000, or fewer if the descriptor limit is lower)",
    ),
    Flag::new(
        None,
        "max-per-address",
        Value("N|off", |options, value| {
            let most = number_or_off(value)?.map(|most: NonZeroUsize| most.get());
            options.config.per_address = most.map_or(PerAddress::Any, PerAddress::Most);
            Ok(())
        }),
        "allow at most N open connections from one address; off: no limit (default 1000; loopback: off)",
    ),
    Flag::new(
        None,
        "queue",
        Value("N", |options, value| put(&mut options.config.queue, number(value, COUNT, 1))),
        "when all workers are busy, let at most N new connections wait, and at most N open connections \
         with a new request (default 1024)",
    ),
    Flag::new(
        None,
        "overload",
        Value("POLICY", |options, value| {
            let overload = match value.to_str() {
                Some("reject") => Ok(Overload::Reject),
                Some("block") => Ok(Overload::Block),
                Some("drop-oldest") => Ok(Overload::DropOldest),
                Some("drop-newest") => Ok(Overload::DropNewest),
                Some("drop-random") => Ok(Overload::DropRandom),
                _ => Err(Expected("reject, block, drop-oldest, drop-newest or drop-random")),
            };
            put(&mut options.config.overload, overload)
        }),
        "above these limits, reject: respond 503; block: leave new connections in the kernel's backlog; \
         drop-oldest, drop-newest, drop-random: close one that waits without an answer (default reject)",
    ),
];

pub(super) const BYTES: Expected = Expected("a number of bytes, such as 500");
pub(super) const COUNT: Expected = Expected("a number of at least 1, such as 100");

/// Returns a whole number that is `least` or more.
pub(super) fn number<N: FromStr + PartialOrd>(
    value: &OsStr,
    right: Expected,
    least: N,
) -> Result<N, Expected> {
    let number = value.to_str().and_then(|text| text.parse().ok());
    number.filter(|number| *number >= least).ok_or(right)
}

/// Returns a number, or `None` for `off`. `N` is a type without 0, such as [`NonZeroUsize`].
pub(super) fn number_or_off<N: FromStr>(value: &OsStr) -> Result<Option<N>, Expected> {
    let right = Expected("a number of at least 1, such as 100, or off");
    match value.to_str() {
        Some("off") => Ok(None),
        text => text.and_then(|text| text.parse().ok()).map(Some).ok_or(right),
    }
}

/// Returns the number with which random numbers begin.
pub(super) fn seed(value: &OsStr) -> Result<Option<u64>, Expected> {
    number(value, Expected("a number from 0 to 2^64 - 1, such as 7"), 0).map(Some)
}

/// Sets an option, if its value is right.
pub(super) fn put<T>(option: &mut T, value: Result<T, Expected>) -> Result<(), Expected> {
    *option = value?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::http::limits::Limits;

    /// Each limit of the protocol is a flag, whose help has the right default. A new limit does not
    /// compile here until it is in the list.
    #[test]
    fn every_limit_is_a_flag_and_the_help_knows_its_default() {
        let Limits {
            request_line,
            field,
            head,
            heads_memory,
            fields,
            interim: _, // a client's
            body,
            body_memory,
            bodies_memory,
            bodies_disk,
            unsent_memory,
            body_unread,
            form_fields: _, // of handlers that read forms; those of the program read small bodies whole
            ranges,
            chunk_overhead,
            head_time,
            handshake_time,
            idle_time,
            transfer_grace,
            transfer_rate,
        } = Limits::default();
        let defaults = [
            ("max-request-line", request_line as u64),
            ("max-field", field as u64),
            ("max-head", head as u64),
            ("max-heads-memory", heads_memory),
            ("max-fields", fields as u64),
            ("max-body", body),
            ("max-body-memory", body_memory),
            ("max-bodies-memory", bodies_memory),
            ("max-bodies-disk", bodies_disk),
            ("max-unsent-memory", unsent_memory),
            ("max-body-unread", body_unread),
            ("max-ranges", ranges as u64),
            ("max-chunk-overhead", chunk_overhead),
            ("head-time", head_time.as_secs()),
            ("handshake-time", handshake_time.as_secs()),
            ("idle-time", idle_time.as_secs()),
            ("transfer-grace", transfer_grace.as_secs()),
            ("transfer-rate", transfer_rate.into()),
        ];
        for (name, default) in defaults {
            let flag = FLAGS.iter().find(|flag| flag.long == name);
            let flag = flag.unwrap_or_else(|| panic!("--{name} is not there"));
            assert!(flag.help.contains(&format!("default {default})")), "--{name}: {}", flag.help);
        }
        assert_eq!(FLAGS.len(), defaults.len());
    }
}
