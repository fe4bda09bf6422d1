//! The flags of `client dns`.

use std::ffi::OsString;
use std::time::Duration;

use super::Effect::{Help, Switch, Value, Version};
use super::client::limit;
use super::{Command, Expected, Flag, Parsed, UsageError, seconds};
use crate::client::Resolver;

/// The command line of `client dns`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsOptions {
    /// The name that is asked for, or an address.
    pub name: String,
    /// The type and the class, as typed.
    pub words: Vec<String>,
    /// Whether the name of an address is asked for.
    pub reverse: bool,
    /// The server.
    pub resolver: Resolver,
    /// Whether TCP is used from the start.
    pub tcp: bool,
    /// Whether each byte is shown.
    pub wire: bool,
    /// The time limit.
    pub max_time: Option<Duration>,
}

impl Default for DnsOptions {
    fn default() -> DnsOptions {
        DnsOptions {
            name: String::new(),
            words: Vec::new(),
            reverse: false,
            resolver: Resolver::Files,
            tcp: false,
            wire: false,
            max_time: None,
        }
    }
}

/// Parses the arguments after the word `dns`.
///
/// # Errors
/// [`UsageError`]: what was typed, and what is right.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Parsed<DnsOptions>, UsageError> {
    let parsed = COMMAND.parse(DnsOptions::default(), args)?;
    match &parsed {
        Parsed::Run(options) if options.name.is_empty() => {
            Err(COMMAND.wrong("no name; right: client dns example.org MX"))
        }
        _ => Ok(parsed),
    }
}

pub(super) static COMMAND: Command<DnsOptions> = Command {
    name: "client dns",
    usage: "[FLAG]... NAME [TYPE] [@SERVER[:PORT]]",
    about: "\
Asks a name server for the records of a name, and shows its whole answer, in the
form that dig prints. TYPE is A (the default), AAAA, CNAME, MX, NS, PTR, SOA,
SRV, TXT, ANY or TYPEn. Without @SERVER it asks the servers of /etc/resolv.conf,
in turn. The name is complete: no search domain is added.",
    examples: "",
    groups: &[("Question", QUESTION), ("Help", HELP)],
    operand: |options, value| {
        let word = value.to_str().ok_or(Expected("the name is not UTF-8"))?;
        let right =
            "the server after @ is an address, such as @127.0.0.1, @127.0.0.1:5353 or @[::1]:53";
        match word.strip_prefix('@') {
            Some(server) => {
                let server = Resolver::parse(server).filter(|it| *it != Resolver::Files);
                options.resolver = server.ok_or(Expected(right))?;
            }
            None if options.name.is_empty() => options.name = word.to_owned(),
            None => options.words.push(word.to_owned()),
        }
        Ok(())
    },
    epilogue: "\
Exit codes:
   0  an answer, also if it says that the name does not exist
   2  wrong arguments                        6  no answer
  28  timeout

Examples:
  client dns example.org
  client dns example.org MX @127.0.0.1:5353
  client dns -x 192.0.2.1
  client dns --wire www.example.org AAAA @[::1]:5353
",
    most_used: &[],
    refused: &[],
};

const QUESTION: &[Flag<DnsOptions>] = &[
    Flag::new(
        Some('x'),
        "reverse",
        Switch(|options, on| options.reverse = on),
        "NAME is an address: ask for the name that it has (PTR)",
    ),
    Flag::new(None, "tcp", Switch(|options, on| options.tcp = on), "use TCP from the start"),
    Flag::new(
        None,
        "wire",
        Switch(|options, on| options.wire = on),
        "show each byte of the messages, with the fields that they are",
    ),
    Flag::new(
        Some('m'),
        "max-time",
        Value("SECS", |options, value| {
            options.max_time = limit(seconds(value)?);
            Ok(())
        }),
        "wait at most SECS seconds for the answer (default: as /etc/resolv.conf says, or twice 5 for \
         each server)",
    ),
];

const HELP: &[Flag<DnsOptions>] = &[
    Flag::new(Some('h'), "help", Help, "print this help"),
    Flag::new(Some('V'), "version", Version, "print the version"),
];
