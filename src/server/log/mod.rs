//! What the server writes down about itself and its clients.
//!
//! | file | what it does |
//! |---|---|
//! | [`access_log`] | one line for each request |
//! | [`log_writer`] | lines on their way to a file, a pipe or a terminal |
//! | [`wire_log`] | `--wire`: every byte of every connection |
//! | [`stats`] | counters for `/-/metrics` |

pub mod access_log;
pub mod log_writer;
pub mod stats;
pub mod wire_log;
