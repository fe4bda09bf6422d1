//! The flags of `client` that say what a URL means, and what of it is sent.

use super::ClientOptions;
use crate::cli::Effect::Switch;
use crate::cli::Flag;

/// The table.
pub(super) const FLAGS: &[Flag<ClientOptions>] = &[Flag::new(
    Some('g'),
    "globoff",
    Switch(|options, on| options.no_globs = on),
    "take {a,b} and [1-9] in URLs and in -T as they are; without -g, they stand for several, and \
     #1 in -o for the text of the first",
)];
