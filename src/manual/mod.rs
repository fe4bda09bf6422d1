//! The manual: what is learned by doing, with transcripts of real runs.
//!
//! - [`by_hand`]: HTTP typed at telnet and nc, to the server and to the client.
//! - [`coursework`]: what the kernel is asked, a reading order through the source, and five
//!   exercises with checks.
//!
//! This module holds documentation and no code. `tests/manual.rs` replays its transcripts.

#[doc = include_str!("by_hand.md")]
pub mod by_hand {}

#[doc = include_str!("coursework.md")]
pub mod coursework {}
