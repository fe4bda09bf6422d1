//! What the program `client` does: fetch URLs (curl's habits kept where curl has them), `client bench`, `client ping`,
//! `client where`. It reads the options of [`cli::client`](crate::cli::client) and calls the library in
//! [`client`](crate::client).
//!
//! ```text
//! run::run                                     each URL in turn, or several at a time (-Z)
//!   Fetcher::fetch                             one transfer: again while Retry::after says so
//!     Fetcher::attempt
//!       build_request::build_request           options -> request and upload
//!       Destination::of, prepare               which file; -C adds Range
//!       Fetcher::dry_run                       --offline, --as: print it, and end here
//!       Fetcher::send                          client::Client -> response
//!       Destination::take                      which parts, to which output
//!         BodyWriter::keep, show               to a file; to stdout
//!     Fetcher::tell                            -w, --json-out
//! resolve_only::run                            client where
//! watch::run                                   client watch
//! misbehave::run                               client --misbehave
//! bench::run_bench                             client bench
//! ping::run_ping                               client ping
//! check::run                                   client check
//! experiment::run                              client experiment
//! ```
//!
//! | file | what it does |
//! |---|---|
//! | [`mod@run`], `session`, [`fetch`] | all transfers of a command line; what they share; one of them |
//! | [`config_file`] | `-K`, the usual flags |
//! | `retry` | `--retry`: when a transfer is made again |
//! | `cookies`, `decoding` | `-b` and `-c`; `--compressed` |
//! | [`build_request`] | from the options to a request |
//! | `fetch_list`, [`url_glob`] | the transfers of an operation: `{a,b}` and `[1-9]` in URLs and `-T`, `#1` in `-o` |
//! | `login`, `field_file` | who asks: `-u`, `--netrc`, the user of a URL; `-H @FILE` |
//! | `conditional`, `typed_date` | `-z`, `--etag-save`, `--etag-compare`; a date as people type it |
//! | [`form`], [`upload`] | the bytes of `-F` and `-T`, read as they are sent |
//! | [`network`], `local_end` | `-x`, `--interface`, `--resolve`, the environment, the time limits |
//! | [`dry_run`] | `--offline`, `--as` |
//! | `destination`, [`write_body`] | from a response to its output |
//! | `remote_name` | `-O`, `-J`: the name of a file, from a URL or from a server |
//! | `dump_heads` | `-D` |
//! | [`partial_file`], `part_name`, [`resume`] | `-o`, `-O`, `-C`: a file that is complete or not there; its names until then; the rest of it |
//! | [`standard_stream`] | stdin, stdout and stderr: closed, non-blocking |
//! | [`tty_guard`], [`pretty`], [`terminal`] | stdout and stderr as terminals: no binary bytes, JSON indented, width and colours |
//! | [`progress`], `rate_limit` | the progress line; `--limit-rate` |
//! | [`transfer`], [`figures`], `url_part`, [`write_out`] | the record of a transfer, its figures; `-w`, `--json-out` |
//! | [`verbose`], [`wire`], [`mod@explain`] | `-v`, `--wire`, `--transcript`, `--explain` |
//! | [`trace`], [`waterfall`] | `--trace`: from events to rows, from rows to lines |
//! | [`error`], [`exit_code`] | why a command failed, in one line; curl's exit code for it |
//! | [`resolve_only`], [`dns`] | `client where`, `client dns` |
//! | [`watch`] | `client watch` |
//! | [`misbehave`] | `client --misbehave` |
//! | [`experiment`] | `client experiment` |
//! | [`server_process`], `server_usage`, `machine` | a server that a command starts; what it has used; the machine and the time |
//! | [`mod@bench`] | `client bench` |
//! | [`ping`] | `client ping` |
//! | [`check`] | `client check` |

pub mod bench;
pub mod build_request;
pub mod check;
mod conditional;
pub mod config_file;
mod cookies;
mod decoding;
mod destination;
pub mod dns;
pub mod dry_run;
mod dump_heads;
pub mod error;
pub mod exit_code;
pub mod experiment;
pub mod explain;
pub mod fetch;
mod fetch_list;
mod field_file;
pub mod figures;
pub mod form;
mod local_end;
mod login;
mod machine;
pub mod misbehave;
pub mod network;
mod part_name;
pub mod partial_file;
pub mod ping;
pub mod pretty;
pub mod progress;
mod rate_limit;
mod remote_name;
pub mod resolve_only;
pub mod resume;
mod retry;
pub mod run;
pub mod server_process;
mod server_usage;
mod session;
pub mod standard_stream;
pub mod terminal;
pub mod trace;
pub mod transfer;
pub mod tty_guard;
mod typed_date;
pub mod upload;
pub mod url_glob;
mod url_part;
pub mod verbose;
pub mod watch;
pub mod waterfall;
pub mod wire;
pub mod write_body;
pub mod write_out;
