//! Protocols as pure values: bytes in, values out.
//!
//! The rule in this room, held by a test: no sockets, no files, no threads, no locks, no log, no clock.
//! Time comes in as an argument, "the peer has closed" comes in through [`buf::Buf::close`], and
//! "more bytes are needed" is a result, not an error. No protocol names another.
//!
//! No input makes a parser panic, loop without end, or allocate out of proportion to what was
//! received.

pub mod buf;
pub mod dns;
pub mod http;
pub mod proxy_protocol;
pub mod scan;
