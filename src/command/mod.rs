//! What the command line `client` does around a call, curl's habits kept where curl has them. It reads the
//! options of [`cli::client`](crate::cli::client); nothing else in [`client`](super) knows of a command line.
//!
//! ```text
//! run: each URL in turn ─> fetch: one transfer
//!                            options ─> ask: the request ─> Client ─> deliver: file, terminal, pipe
//! ```
//!
//! | file | what it does |
//! |---|---|
//! | [`mod@run`], [`fetch`] | all transfers of a command line; one of them |
//! | `retry` | `--retry`: when a transfer is made once more |
//! | [`ask`] | from the options to a request |
//! | `destination`, [`deliver`] | from an answer to where it goes |
//! | [`stop`] | why a transfer came to nothing, in one line, and curl's exit code for it |
//! | [`form`], [`upload`] | `-F`: the fields of a form; its bytes, and those of `-T`, as they are sent |
//! | [`reach`] | `-x`, `--resolve`, the environment, every phase's timeout: the way, and how long |
//! | [`dry`] | `--offline`, `--as`: the request that is not sent |
//! | [`part`], [`resume`] | `-o`, `-O`, `-C`: a file that is whole or not there; the rest of it |
//! | [`transfer`], [`write_out`] | `-w`, `--json-out`: the figures of a transfer, and how they are told |
//! | [`trace`], [`waterfall`] | `--trace`: from the events to rows, from rows to lines |
//! | [`terminal`] | what stderr may be: its width, and whether it takes colours |
//! | [`watching`], [`wire`], [`mod@explain`] | `-v`, `--wire`, `--transcript`, `--explain` |
//! | [`whereabouts`] | `client where` |
//! | [`pretty`], [`progress`], `meter`, [`screen`] | on a terminal: JSON for people; how far a transfer is, and `--limit-rate`; nothing that would play with it |

pub mod bench;
pub mod build_request;
mod destination;
pub mod dry_run;
pub mod error;
pub mod exit_code;
pub mod explain;
pub mod fetch;
pub mod form;
pub mod network;
pub mod partial_file;
pub mod pretty;
pub mod progress;
mod rate_limit;
pub mod resolve_only;
pub mod resume;
mod retry;
pub mod run;
pub mod terminal;
pub mod trace;
pub mod transfer;
pub mod tty_guard;
pub mod upload;
pub mod verbose;
pub mod waterfall;
pub mod wire;
pub mod write_body;
pub mod write_out;
