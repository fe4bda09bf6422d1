//! The flags of `client watch`.

use std::ffi::OsString;

use super::request::RequestFlags;
use super::{AddressFlags, COMMAND, ClientOptions, HELP, RouteFlags, network};
use crate::cli::Effect::Switch;
use crate::cli::{Command, Flag, Parsed, UsageError};

/// Parses the arguments after the word `watch`.
///
/// # Errors
/// [`UsageError`]: what was typed, and what is right.
pub fn parse(
    args: impl IntoIterator<Item = OsString>,
) -> Result<Parsed<ClientOptions>, UsageError> {
    let parsed = WATCH.parse(ClientOptions::default(), args)?;
    match &parsed {
        Parsed::Run(options) if options.urls.len() != 1 => {
            Err(WATCH.wrong("one URL is needed; right: client watch :8080/rooms/tea"))
        }
        _ => Ok(parsed),
    }
}

const OUTPUT: &[Flag<ClientOptions>] = &[Flag::new(
    Some('s'),
    "silent",
    Switch(|options, on| options.global.silent = on),
    "do not say on stderr that the connection ended and is made again",
)];

pub(in crate::cli) static WATCH: Command<ClientOptions> = Command {
    name: "client watch",
    usage: "[FLAG]... URL",
    about: "\
Follows the server-sent events of a URL and prints their data as they come. When
the connection ends it connects again, after 3 seconds or as long as the server
says, and asks for what it has missed. The events of /-/status of our server
are drawn, once a second: what its workers are doing, and what that means.",
    examples: "",
    groups: &[
        ("Request", RequestFlags::FLAGS),
        ("Output", OUTPUT),
        ("Addresses", AddressFlags::FLAGS),
        ("Routes", RouteFlags::FLAGS),
        ("Network", network::FLAGS),
        ("Time limits", network::TIME),
        ("Help", HELP),
    ],
    operand: COMMAND.operand,
    epilogue: "\
Exit codes, the same as for client:
   0  the server says that there is no more (204)
   7  could not connect (the first time)
  22  another status, or no event stream

Examples:
  client watch :8080/rooms/tea
  client watch ':8080/rooms/tea?after=0'
  client watch :8080/-/status
",
    most_used: &[],
    refused: &[],
};
