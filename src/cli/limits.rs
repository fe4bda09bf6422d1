//! The flags of `server` that say how much is too much, and how long too long.

use std::ffi::OsStr;
use std::str::FromStr;
use std::time::Duration;

use super::Effect::Value;
use super::server::ServerOptions;
use super::{Flag, Right, seconds};

/// What becomes of those for whom there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overload {
    /// They are answered 503.
    Reject,
    /// They wait in the kernel's backlog.
    Block,
}

/// How many connections one address may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PerAddress {
    /// As many as it likes.
    Off,
    /// So many.
    Most(usize),
}

/// Limits as they were typed; `None`: the server's own default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LimitFlags {
    /// Time for a head, from its first byte.
    pub head_time: Option<Duration>,
    /// Time between two requests on a connection.
    pub idle_time: Option<Duration>,
    /// Time that a body or an answer may take, whatever its rate.
    pub transfer_grace: Option<Duration>,
    /// Bytes a second that a body or an answer must move beyond that.
    pub transfer_rate: Option<u32>,
    /// Bytes of a body.
    pub body: Option<u64>,
    /// Bytes of a request line.
    pub request_line: Option<usize>,
    /// Bytes of a field line.
    pub field: Option<usize>,
    /// Field lines of a head.
    pub fields: Option<usize>,
    /// Bytes of a head.
    pub head: Option<usize>,
    /// Bytes of chunk extensions and trailers of a body.
    pub chunk_overhead: Option<u64>,
    /// Ranges in a request.
    pub ranges: Option<usize>,
    /// Bytes of one body that are kept in memory.
    pub body_memory: Option<u64>,
    /// Bytes of all bodies that are kept in memory.
    pub bodies_memory: Option<u64>,
    /// Bytes of all bodies that are kept on the disk.
    pub bodies_disk: Option<u64>,
    /// Bytes that the kernel may take for fast readers.
    pub unsent_memory: Option<u64>,
    /// Bytes of a body that are read though nobody wants them.
    pub body_unread: Option<u64>,
    /// Connections that may be open.
    pub connections: Option<usize>,
    /// Of one address.
    pub per_address: Option<PerAddress>,
    /// Connections that wait for a worker.
    pub queue: Option<usize>,
    /// What becomes of the others.
    pub overload: Option<Overload>,
}

pub(super) const FLAGS: &[Flag<ServerOptions>] = &[
    Flag::new(
        None,
        "head-time",
        Value("SECS", |options, value| set(&mut options.limits.head_time, seconds(value))),
        "a head is here so long after its first byte, or it is answered 408 (default 60)",
    ),
    Flag::new(
        None,
        "idle-time",
        Value("SECS", |options, value| set(&mut options.limits.idle_time, seconds(value))),
        "a connection with nothing under way is closed after so long (default 60)",
    ),
    Flag::new(
        None,
        "transfer-grace",
        Value("SECS", |options, value| set(&mut options.limits.transfer_grace, seconds(value))),
        "a body or an answer may take so long at any rate (default 20)",
    ),
    Flag::new(
        None,
        "transfer-rate",
        Value("BYTES", |options, value| {
            set(&mut options.limits.transfer_rate, number(value, BYTES, 1))
        }),
        "and moves so many bytes a second beyond that, on average; a reader may be 128 KB behind \
         (default 500)",
    ),
    Flag::new(
        None,
        "max-body",
        Value("BYTES", |options, value| set(&mut options.limits.body, number(value, BYTES, 0))),
        "a longer body is answered 413 (default 16777216)",
    ),
    Flag::new(
        None,
        "max-request-line",
        Value("BYTES", |options, value| {
            set(&mut options.limits.request_line, number(value, BYTES, 1))
        }),
        "a longer request line is answered 414 (default 8192)",
    ),
    Flag::new(
        None,
        "max-field",
        Value("BYTES", |options, value| set(&mut options.limits.field, number(value, BYTES, 1))),
        "a longer field line is answered 431 (default 16384)",
    ),
    Flag::new(
        None,
        "max-fields",
        Value("N", |options, value| set(&mut options.limits.fields, number(value, COUNT, 1))),
        "more field lines are answered 431 (default 100)",
    ),
    Flag::new(
        None,
        "max-head",
        Value("BYTES", |options, value| set(&mut options.limits.head, number(value, BYTES, 1))),
        "a longer head is answered 431 (default 65536)",
    ),
    Flag::new(
        None,
        "max-chunk-overhead",
        Value("BYTES", |options, value| {
            set(&mut options.limits.chunk_overhead, number(value, BYTES, 0))
        }),
        "more chunk extensions and trailers are answered 413 (default 16384)",
    ),
    Flag::new(
        None,
        "max-ranges",
        Value("N", |options, value| {
            set(&mut options.limits.ranges, number(value, Right("a number, as 100"), 0))
        }),
        "of more ranges none is served, but the whole; 0 turns ranges off (default 100)",
    ),
    Flag::new(
        None,
        "max-body-memory",
        Value("BYTES", |options, value| {
            set(&mut options.limits.body_memory, number(value, BYTES, 0))
        }),
        "a longer body is kept in a file without a name (default 65536)",
    ),
    Flag::new(
        None,
        "max-bodies-memory",
        Value("BYTES", |options, value| {
            set(&mut options.limits.bodies_memory, number(value, BYTES, 0))
        }),
        "so is any body, when all together have so much memory (default 67108864)",
    ),
    Flag::new(
        None,
        "max-bodies-disk",
        Value("BYTES", |options, value| {
            set(&mut options.limits.bodies_disk, number(value, BYTES, 0))
        }),
        "all bodies in files have so much disk; one that does not fit is answered 507 \
         (default 1073741824)",
    ),
    Flag::new(
        None,
        "max-unsent-memory",
        Value("BYTES", |options, value| {
            set(&mut options.limits.unsent_memory, number(value, BYTES, 0))
        }),
        "of the kernel for all who download fast, up to 4 MB each (default 67108864)",
    ),
    Flag::new(
        None,
        "max-body-unread",
        Value("BYTES", |options, value| {
            set(&mut options.limits.body_unread, number(value, BYTES, 0))
        }),
        "after more of a body that nobody wants the connection ends (default 65536)",
    ),
];

pub(super) const OVERLOAD: &[Flag<ServerOptions>] = &[
    Flag::new(
        None,
        "max-connections",
        Value("N", |options, value| {
            let right = Right("a number from 1 to 1000000, as 10000");
            let number = number(value, COUNT, 1).ok().filter(|&number| number <= 1_000_000);
            set(&mut options.limits.connections, number.ok_or(right))
        }),
        "so many may be open (default 10000, or what there are descriptors for)",
    ),
    Flag::new(
        None,
        "max-per-address",
        Value("N|off", |options, value| {
            let right = Right("a number from 1 up, as 100, or off");
            let most = if value == "off" {
                Ok(PerAddress::Off)
            } else {
                number(value, right, 1).map(PerAddress::Most)
            };
            set(&mut options.limits.per_address, most)
        }),
        "and so many from one address (default 1000, for this machine's own off)",
    ),
    Flag::new(
        None,
        "queue",
        Value("N", |options, value| set(&mut options.limits.queue, number(value, COUNT, 1))),
        "when all workers are busy so many new connections wait, and so many with a new request \
         (default 1024)",
    ),
    Flag::new(
        None,
        "overload",
        Value("reject|block", |options, value| {
            let overload = match value.to_str() {
                Some("reject") => Ok(Overload::Reject),
                Some("block") => Ok(Overload::Block),
                _ => Err(Right("reject, or block to leave them in the kernel's backlog")),
            };
            set(&mut options.limits.overload, overload)
        }),
        "who does not fit is answered 503, or waits to be accepted (default reject)",
    ),
];

const BYTES: Right = Right("a number of bytes, as 500");
const COUNT: Right = Right("a number from 1 up, as 100");

/// A whole number, `least` or more.
pub(super) fn number<N: FromStr + PartialOrd>(
    value: &OsStr,
    right: Right,
    least: N,
) -> Result<N, Right> {
    let number = value.to_str().and_then(|text| text.parse().ok());
    number.filter(|number| *number >= least).ok_or(right)
}

/// Sets what was typed, if it is right.
pub(super) fn set<T>(place: &mut Option<T>, typed: Result<T, Right>) -> Result<(), Right> {
    *place = Some(typed?);
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
            fields,
            body,
            body_memory,
            bodies_memory,
            bodies_disk,
            unsent_memory,
            body_unread,
            ranges,
            chunk_overhead,
            head_time,
            idle_time,
            transfer_grace,
            transfer_rate,
        } = Limits::default();
        let defaults = [
            ("max-request-line", request_line as u64),
            ("max-field", field as u64),
            ("max-head", head as u64),
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
