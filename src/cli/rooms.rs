//! The flags of `server` that limit its rooms.

use std::num::NonZeroU32;

use super::Effect::Value;
use super::limits::{BYTES, COUNT, number, put};
use super::server::ServerOptions;
use super::{Expected, Flag};

pub(super) const FLAGS: &[Flag<ServerOptions>] = &[
    Flag::new(
        None,
        "max-rooms",
        Value("N", |options, value| put(&mut options.rooms.rooms, number(value, COUNT, 1))),
        "keep at most N rooms; beyond that, one without members gives way, or respond 503 (default 1000)",
    ),
    Flag::new(
        None,
        "max-members",
        Value("N", |options, value| put(&mut options.rooms.members, number(value, COUNT, 1))),
        "let at most N clients wait for messages in each room, then respond 503 (default 10000)",
    ),
    Flag::new(
        None,
        "max-message",
        Value("BYTES", |options, value| put(&mut options.rooms.message, number(value, BYTES, 1))),
        "respond 413 to a longer message (default 65536)",
    ),
    Flag::new(
        None,
        "room-rate",
        Value("N|off", |options, value| {
            let right = Expected("a number of at least 1, such as 100, or off");
            let rate = match value == "off" {
                true => Ok(None),
                false => number(value, right, 1_u32).map(NonZeroU32::new),
            };
            put(&mut options.rooms.rate, rate)
        }),
        "take at most N messages a second from one address, then respond 429; off: no limit \
         (default 100; loopback: off)",
    ),
];
