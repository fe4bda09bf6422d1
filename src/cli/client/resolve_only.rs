//! The flags of `client where`.

use std::ffi::OsString;

use super::{AddressFlags, COMMAND, ClientOptions, HELP, RouteFlags, network};
use crate::cli::{Command, Parsed, UsageError};

/// Parses the arguments after the word `where`.
///
/// # Errors
/// [`UsageError`]: what was typed, and what is right.
pub fn parse(
    args: impl IntoIterator<Item = OsString>,
) -> Result<Parsed<ClientOptions>, UsageError> {
    let parsed = WHERE.parse(ClientOptions::default(), args)?;
    match &parsed {
        Parsed::Run(options) if options.urls.is_empty() => {
            Err(WHERE.wrong("no URL; right: client where :8080/"))
        }
        _ => Ok(parsed),
    }
}

pub(in crate::cli) static WHERE: Command<ClientOptions> = Command {
    name: "client where",
    usage: "[FLAG]... URL...",
    about: "\
Connects to the host of a URL and sends nothing. Shows where the addresses of
the host come from (with --dns: each query and its answer), when each was tried,
how long it took to connect or fail, and both ends of the connection.",
    examples: "",
    groups: &[
        ("Addresses", AddressFlags::FLAGS),
        ("Routes", RouteFlags::FLAGS),
        ("Network", network::FLAGS),
        ("Time limits", network::TIME),
        ("Help", HELP),
    ],
    operand: COMMAND.operand,
    epilogue: "\
Exit codes, the same as for client:
   0  connected                              7  could not connect
   3  invalid URL                           28  timeout
   6  could not resolve the host            49  wrong --resolve or --connect-to

Examples:
  client where localhost:8080
  client where --dns 127.0.0.1:5353 www.example.org
  client where -4 --connect-timeout 2 example.org
",
    most_used: &[],
    refused: &[],
};
