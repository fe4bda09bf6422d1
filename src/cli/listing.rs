//! The flags of `server` about listings of folders.

use super::Effect::Value;
use super::limits::{BYTES, number, put};
use super::server::ServerOptions;
use super::{Expected, Flag};
use crate::server::Listing;

pub(super) const FLAGS: &[Flag<ServerOptions>] = &[
    Flag::new(
        None,
        "listing",
        Value("on|off", |options, value| {
            options.listing = match value.to_str() {
                Some("on") => Listing::On,
                Some("off") => Listing::Off,
                _ => return Err(Expected("on or off")),
            };
            Ok(())
        }),
        "list folders that have no index.html, as HTML, as JSON for a client that prefers it, and \
         with ?download=tar as an archive; off: respond 404 (default on)",
    ),
    Flag::new(
        None,
        "max-listings-memory",
        Value("BYTES", |options, value| put(&mut options.listings_memory, number(value, BYTES, 1))),
        "keep at most BYTES of names in memory for all listings and archives that are being sent, \
         then respond 503; 100,000 names take some 4 MB (default 67108864)",
    ),
];
