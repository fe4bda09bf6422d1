//! The manual: transcripts of real runs, exercises, and reference pages.
//!
//! - [`by_hand`]: HTTP typed at telnet and nc, as the client and as the server.
//! - [`measuring`]: `client bench`, and what other load generators leave out.
//! - [`requests`]: several URLs in one, logins, conditions, forms, uploads.
//! - [`downloads`]: where responses go: files, their names, an interrupted download; the figures of `-w`.
//! - [`command_line`]: how the flags of `client` are typed, files of flags, several operations.
//! - [`transfers`]: cookies, redirects, retries, proxies and other network settings, times, requests that are
//!   not sent.
//! - [`watching`]: each byte on the wire, transcripts, where a URL leads, pipelining; what the workers are
//!   doing.
//! - [`names`]: from a name to a page: a name server, a query, the way to a server, TCP beside UDP.
//! - [`running`]: files for systemd, and a restart without a refused connection.
//! - [`serving`]: a folder: what is served from it, and as what.
//! - [`scale`]: from one process to a data centre: several servers on one data folder, behind HAProxy.
//! - [`architecture`]: the rooms of the source, and what each of them may name.
//! - [`checking`]: `client check`, from a student's first failure to HTTP/1.1, and what real servers fail.
//! - [`policies`]: kinds of pools, orders of service, overload; five experiments that show what they do.
//! - [`faults`]: servers and clients that misbehave on purpose, to test the other side.
//! - [`coursework`]: the system calls, a reading order through the source, seven exercises with checks,
//!   and the commands for the usual assignments.
//! - [`from_the_book`]: from the thread pool of the Rust Book to that of this server.
//! - [`solutions`]: the solutions of the exercises.
//! - [`cookbook`]: short programs on the library for the usual tasks.
//! - [`glossary`]: the words of this project, and the patterns of the field that they stand for.
//! - [`coverage`]: the requirements of RFC 9110 and RFC 9112, each with its tests; the requirements
//!   that are not followed, and why.
//!
//! This module contains documentation only. `tests/manual.rs` repeats the transcripts, and
//! `tests/coverage.rs` checks that the tests which a page names exist.

#[doc = include_str!("by_hand.md")]
pub mod by_hand {}

#[doc = include_str!("measuring.md")]
pub mod measuring {}

#[doc = include_str!("requests.md")]
pub mod requests {}

#[doc = include_str!("downloads.md")]
pub mod downloads {}

#[doc = include_str!("command_line.md")]
pub mod command_line {}

#[doc = include_str!("transfers.md")]
pub mod transfers {}

#[doc = include_str!("watching.md")]
pub mod watching {}

#[doc = include_str!("names.md")]
pub mod names {}

#[doc = include_str!("running.md")]
pub mod running {}

#[doc = include_str!("serving.md")]
pub mod serving {}

#[doc = include_str!("scale.md")]
pub mod scale {}

#[doc = include_str!("checking.md")]
pub mod checking {}

#[doc = include_str!("faults.md")]
pub mod faults {}

#[doc = include_str!("policies.md")]
pub mod policies {}

#[doc = include_str!("coursework.md")]
pub mod coursework {}

#[doc = include_str!("from_the_book.md")]
pub mod from_the_book {}

#[doc = include_str!("solutions.md")]
pub mod solutions {}

#[doc = include_str!("architecture.md")]
pub mod architecture {}

#[doc = include_str!("cookbook.md")]
pub mod cookbook {}

#[doc = include_str!("glossary.md")]
pub mod glossary {}

#[doc = include_str!("coverage.md")]
pub mod coverage {}
