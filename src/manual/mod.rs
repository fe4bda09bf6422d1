//! The manual: what is learned by doing, with transcripts of real runs.
//!
//! - [`by_hand`]: HTTP typed at telnet and nc, to the server and to the client.
//! - [`measuring`]: `client bench`, and what other load generators do not say.
//! - [`transfers`]: what `client` tells of a transfer, what becomes of files, proxies and other ways to a
//!   server, times, requests that are not sent.
//! - [`watching`]: each byte on the wire, transcripts, where a URL leads, pipelining.
//! - [`architecture`]: the rooms of the source, and what each of them may name.
//! - [`coursework`]: what the kernel is asked, a reading order through the source, and five
//!   exercises with checks.
//! - [`coverage`]: the requirements of RFC 9110 and RFC 9112 one by one, each with the test that holds
//!   it; what is not followed, and why.
//!
//! This module holds documentation and no code. `tests/manual.rs` replays its transcripts, and
//! `tests/coverage.rs` looks up the tests that it names.

#[doc = include_str!("by_hand.md")]
pub mod by_hand {}

#[doc = include_str!("measuring.md")]
pub mod measuring {}

#[doc = include_str!("transfers.md")]
pub mod transfers {}

#[doc = include_str!("watching.md")]
pub mod watching {}

#[doc = include_str!("coursework.md")]
pub mod coursework {}

#[doc = include_str!("architecture.md")]
pub mod architecture {}

#[doc = include_str!("coverage.md")]
pub mod coverage {}
