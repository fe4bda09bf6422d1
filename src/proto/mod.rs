//! Protocols as pure values: bytes in, values out.
//!
//! The law in here, held by a test: no sockets, no files, no threads, no locks, no log, no clock.
//! Time comes in as an argument, "the peer has closed" comes in through [`buf::Buf::close`], and
//! "need more bytes" is an answer, not an error. One protocol never looks into another.
//!
//! The promise: no bytes whatever make a parser panic, loop, or allocate out of proportion to
//! what was received.

pub mod buf;
pub mod http;
