//! The flags of `server` for uploads.

use super::Effect::{Switch, Value};
use super::Flag;
use super::limits::{BYTES, number, put};
use super::server::ServerOptions;

pub(super) const FLAGS: &[Flag<ServerOptions>] = &[
    Flag::new(
        None,
        "write",
        Switch(|options, on| options.write = on),
        "let every client change the files in ROOT: PUT, DELETE, and forms that upload files (default: \
         nobody may)",
    ),
    Flag::new(
        None,
        "max-upload",
        Value("BYTES", |options, value| put(&mut options.max_upload, number(value, BYTES, 0))),
        "with --write, respond 413 to a longer PUT or form, instead of --max-body (default 1073741824)",
    ),
];
