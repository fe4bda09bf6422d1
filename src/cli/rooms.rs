//! The flags of `server` that limit its rooms.

use super::Effect::Value;
use super::Flag;
use super::limits::{BYTES, COUNT, number, number_or_off, put};
use super::server::ServerOptions;

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
        Value("N|off", |options, value| put(&mut options.rooms.rate, number_or_off(value))),
        "take at most N messages a second from one address, then respond 429; off: no limit \
         (default 100; loopback: off)",
    ),
];
