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
        Switch(|options, on| options.global.trace = on),
        "show a diagram of the time of each request on stderr, with the times in the server if \
         it sends Server-Timing",
    ),
    Flag::new(
        None,
        "wire",
        Switch(|options, on| options.global.wire = on),
        "show each byte that is sent and received on stderr, including passwords and cookies",
    ),
    Flag::new(
        None,
        "transcript",
        Value("FILE", |options, value| {
            options.global.transcript = Some(PathBuf::from(value));
            Ok(())
        }),
        "write the same bytes to FILE, with their times, including passwords and cookies",
    ),
    Flag::new(
        None,
        "explain",
        Switch(|options, on| options.global.explain = on),
        "like -v, with a short explanation of each field and status; also with --wire",
    ),
    Flag::new(
        None,
        "pipeline",
        Switch(|options, on| options.pipeline = on),
        "send the requests for all URLs in one write; the URLs must have the same host and port; the \
         responses come in the same order",
    ),
];
