//! The flags of `client` that show what happens on the way.

use super::ClientOptions;
use crate::cli::Effect::Switch;
use crate::cli::Flag;

/// The table.
pub(super) const FLAGS: &[Flag<ClientOptions>] = &[Flag::new(
    None,
    "trace",
    Switch(|options| options.trace = true),
    "draw on stderr where the time of each request went, with the server's half of it if it tells \
     (Server-Timing)",
)];
