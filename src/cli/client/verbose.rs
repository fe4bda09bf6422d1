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
        "draw on stderr where the time of each request went, with the part of the server if \
         it sends Server-Timing",
    ),
    Flag::new(
        None,
        "wire",
        Switch(|options| options.wire = true),
        "show each byte that is sent and received on stderr, passwords and cookies included",
    ),
    Flag::new(
        None,
        "transcript",
        Value("FILE", |options, value| {
            options.transcript = Some(PathBuf::from(value));
            Ok(())
        }),
        "write the same bytes to FILE, with their times; it holds passwords too",
    ),
    Flag::new(
        None,
        "explain",
        Switch(|options| options.explain = true),
        "as -v, with a short explanation of each field and status; also with --wire",
    ),
    Flag::new(
        None,
        "pipeline",
        Switch(|options| options.pipeline = true),
        "send the requests for all URLs, which have one host and port, in one write; the \
         responses come in the same order",
    ),
];
