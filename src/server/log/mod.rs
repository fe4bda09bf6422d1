//! What the server writes down about itself and its clients.
//!
//! | file | what it does |
//! |---|---|
//! | [`access_log`] | one line for each request: where it goes |
//! | `log_line` | its columns, in each format |
//! | `log_file` | a file that may be renamed while it is written |
//! | [`log_writer`] | lines on their way to a file, a pipe or a terminal |
//! | [`wire_log`] | `--wire`: every byte of every connection |
//! | [`stats`] | counters for `/-/metrics` |
//! | [`pool_status`] | what the workers are doing, as values |
//! | `worker_lines` | what each worker is doing, in words |

pub(crate) mod access_log;
mod log_file;
pub(crate) mod log_line;
pub(crate) mod log_writer;
pub(crate) mod pool_status;
pub(crate) mod stats;
pub(crate) mod wire_log;
mod worker_lines;
