//! The real `client`, as a black box: what it is told, what it prints, how it exits.
//!
//! | file | who is at the other end |
//! |---|---|
//! | `config_file` | a listener: `-K`, and the usual flags |
//! | `cookies` | servers that set cookies; beside curl and Python |
//! | `decoding` | nginx, Apache and httpbin, which compress; bombs; with the feature `inflate` |
//! | `not_decoding` | servers that compress all the same; without that feature |
//! | `flags` | our server, and a listener that keeps what it was sent |
//! | `download_files` | servers that cut answers short, or go on with them: `-o`, `-O`, `-C` |
//! | `operations` | a listener, and our server: `--next` |
//! | `output` | our server: `-w`, `--json-out`, `--offline`, `--as`, pretty JSON, `--limit-rate` |
//! | `retry` | sites of redirects, servers that fail and recover, sinks: `-L`, `--retry`, `-T`, `-Z`, beside curl |
//! | `standard_streams` | our server, and stdin and stdout that are closed or non-blocking |
//! | `wire` | a listener that keeps all that was said: `--wire`, `--transcript`, `--explain` |
//! | `pipeline` | our server, and servers that close before they have answered all |
//! | `resolve_only` | our server, and nobody: `client where` |
//! | `watch` | a server that stops and comes back: `client watch` |
//! | `exit_codes` | whatever it takes to get each of them |
//! | `answers` | servers whose answers put the rules for reading them to the test, one by one |
//! | `requests` | a listener that holds the requests to the rules for sending them |
//! | `hostile` | servers that do their worst |
//! | `hostile_names` | servers that suggest names to do harm with: `-OJ`, beside curl |
//! | `fault_matrix` | one table of all that a server can do to a client, and how each ends |
//! | `library` | the library by itself: bodies, connections, redirects, retries, time, events |
//! | `tracing` | all of them: `--trace` |
//! | `terminal` | a terminal: progress, colours |
//! | `network` | whoever is led to: `--resolve`, `--connect-to`, `-x`, `--unix-socket`, every timeout |
//! | `other_servers` | servers that no one here wrote: Python's, and a person with nc |
//! | `real_servers` | nginx and Apache |
//! | `httpbin` | httpbin, which was made to try clients |
//! | `beside_curl` | the same for curl and for us: what differs is listed there |

mod answers;
mod beside_curl;
mod config_file;
mod cookies;
#[cfg(feature = "inflate")]
mod decoding;
mod download_files;
mod exit_codes;
pub(crate) mod fake;
mod fault_matrix;
mod flags;
mod hostile;
mod hostile_names;
mod httpbin;
mod library;
mod network;
#[cfg(not(feature = "inflate"))]
mod not_decoding;
mod operations;
mod other_servers;
mod output;
mod pipeline;
mod real_servers;
mod requests;
mod resolve_only;
mod retry;
mod standard_streams;
mod terminal;
mod tracing;
mod watch;
mod wire;

use std::process::Command;

use crate::support::{Finished, root, run};

/// The binary, to be started in the repository.
pub(crate) fn client<A: AsRef<str>>(args: &[A]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_client"));
    command.args(args.iter().map(AsRef::as_ref)).current_dir(root());
    for name in WITHOUT {
        command.env_remove(name);
    }
    command
}

/// What the environment of whoever runs the tests may say, and is not to.
pub(crate) const WITHOUT: &[&str] = &[
    "RUST_LOG",
    "http_proxy",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
    "HOME",
    "XDG_CONFIG_HOME",
];

/// Runs it to its end.
pub(crate) fn fetch<A: AsRef<str>>(args: &[A]) -> Finished {
    run(&mut client(args), b"")
}

/// Runs it to its end, which is to be a good one, and gives its stdout.
pub(crate) fn fetched<A: AsRef<str>>(args: &[A]) -> String {
    fetch(args).succeeded()
}

impl Finished {
    /// It went well, with nothing to say about it; this is what it printed.
    pub(crate) fn succeeded(self) -> String {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""));
        String::from_utf8(self.stdout).expect("UTF-8")
    }

    /// It failed with this code and one line about it, which is returned; `case` says which.
    pub(crate) fn failed(&self, code: u8, case: &str) -> &str {
        let Finished { stderr, .. } = self;
        assert_eq!(self.code, Some(code.into()), "{case}: {stderr}");
        let line = stderr.strip_suffix('\n').unwrap_or_else(|| panic!("{case}: no line"));
        let said = line.strip_prefix(&format!("client: ({code}) "));
        let said = said.unwrap_or_else(|| panic!("{case}: {stderr}"));
        let is_clear = !said.is_empty() && said.chars().all(|char| !char.is_control());
        assert!(is_clear, "{case}: not one clear line: {stderr:?}");
        said
    }
}
