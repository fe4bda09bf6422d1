//! The flags of `client where`.

use std::ffi::OsString;

use super::{COMMAND, ClientOptions, HELP, network};
use crate::cli::{Command, Parsed, UsageError};

/// Reads the arguments behind `where`.
///
/// # Errors
/// [`UsageError`]: what was typed, and what is right.
pub fn parse(
    args: impl IntoIterator<Item = OsString>,
) -> Result<Parsed<ClientOptions>, UsageError> {
    let parsed = WHERE.parse(ClientOptions::default(), args)?;
    match &parsed {
        Parsed::Run(options) if options.urls.is_empty() => {
            Err(WHERE.wrong("no URL; right: :8080/"))
        }
        _ => Ok(parsed),
    }
}

pub(in crate::cli) static WHERE: Command<ClientOptions> = Command {
    name: "client where",
    usage: "[FLAG]... URL...",
    about: "\
Says where a URL leads, and sends nothing: the addresses of its host, which was
tried when, how long each took to connect or to fail, and from where to where
the connection is.",
    groups: &[("Way", network::FLAGS), ("Time", network::TIME), ("Help", HELP)],
    operand: COMMAND.operand,
    epilogue: "\
Exit codes, as when it is fetched:
   0  there is a connection                  7  could not connect
   3  not a URL                             28  out of time
   6  could not find the host's address     49  not a --resolve or --connect-to

Examples:
  client where localhost:8080
  client where -4 --connect-timeout 2 example.org
",
};
