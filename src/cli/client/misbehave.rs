//! The flags of `client` that make it misbehave.

use super::ClientOptions;
use crate::cli::Effect::Value;
use crate::cli::limits::{put, seed};
use crate::cli::{Expected, Flag};

/// What the client does wrong on purpose, to test servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misbehaviour {
    /// A byte of the head every second.
    SlowHead,
    /// Each byte in a segment of its own.
    SplitBytes,
    /// It says that nothing more will come, and reads the answer.
    HalfClose,
    /// It reads nothing.
    NoRead,
    /// It resets the connection: in the middle of its body, or as the answer begins.
    Reset,
    /// Random bytes instead of a request.
    Garbage,
}

impl Misbehaviour {
    /// All kinds, with their names.
    pub const ALL: [(&'static str, Misbehaviour); 6] = [
        ("slow-head", Misbehaviour::SlowHead),
        ("split-bytes", Misbehaviour::SplitBytes),
        ("half-close", Misbehaviour::HalfClose),
        ("no-read", Misbehaviour::NoRead),
        ("reset", Misbehaviour::Reset),
        ("garbage", Misbehaviour::Garbage),
    ];
}

/// The table.
pub(super) const FLAGS: &[Flag<ClientOptions>] = &[
    Flag::new(
        None,
        "misbehave",
        Value("HOW", |options, value| {
            let found = Misbehaviour::ALL.into_iter().find(|(name, _)| value == *name);
            let right = "slow-head, split-bytes, half-close, no-read, reset or garbage";
            options.misbehave = Some(found.ok_or(Expected(right))?.1);
            Ok(())
        }),
        "test how a server bears a bad client: slow-head, split-bytes, half-close, no-read, reset or \
         garbage; print what it did; -m sets how long (default 10 s)",
    ),
    Flag::new(
        None,
        "seed",
        Value("N", |options, value| put(&mut options.seed, seed(value))),
        "send the same garbage as another time (default random)",
    ),
];
