//! The flags of `client` that show what happens on the way.

use std::path::PathBuf;

use super::ClientOptions;
use crate::cli::Effect::{Switch, Value};
use crate::cli::Flag;

/// The table.
pub(super) const FLAGS: &[Flag<ClientOptions>] = &[
    Flag::new(
        None,
        "trace",
        Switch(|options| options.trace = true),
        "draw on stderr where the time of each request went, with the server's half of it if it \
         tells (Server-Timing)",
    ),
    Flag::new(
        None,
        "wire",
        Switch(|options| options.wire = true),
        "show on stderr each byte that is sent and received, passwords and cookies included",
    ),
    Flag::new(
        None,
        "transcript",
        Value("FILE", |options, value| {
            options.transcript = Some(PathBuf::from(value));
            Ok(())
        }),
        "write all of these bytes to FILE, with their times; passwords are in it, too",
    ),
    Flag::new(
        None,
        "explain",
        Switch(|options| options.explain = true),
        "as -v, with a short line on what each field and status is for; also with --wire",
    ),
    Flag::new(
        None,
        "pipeline",
        Switch(|options| options.pipeline = true),
        "send the requests for all URLs, of one host and port, in one write; the answers come in \
         their order",
    ),
];
