//! The command line of `client check`.

mod flags;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::{AddressFlags, ClientOptions};
use crate::cli::{Command, Expected, Parsed, UsageError};

/// The command line of `client check`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckOptions {
    /// The page that is there: the only URL. And how its addresses are found.
    pub client: ClientOptions,
    /// The last level that is checked.
    pub level: Option<Level>,
    /// The names of checks, or of groups of them, that are run; none: all.
    pub only: Vec<String>,
    /// The names of those that are not.
    pub skip: Vec<String>,
    /// The assignments whose checks are run.
    pub packs: Vec<String>,
    /// A file of routes and their answers.
    pub expect: Option<PathBuf>,
    /// Whether the checks are printed instead.
    pub list: bool,
    /// The folder that the server serves.
    pub root: Option<PathBuf>,
    /// A path that is not there.
    pub missing: Option<String>,
    /// A path that takes a POST.
    pub post: Option<String>,
    /// A path that takes a while.
    pub slow: Option<String>,
    /// The command that starts the server.
    pub server: Option<String>,
    /// What `{workers}` in it stands for.
    pub workers: usize,
    /// A file of servers, a line each.
    pub each: Option<PathBuf>,
    /// The time limit of each check.
    pub max_time: Duration,
    /// The form of the report.
    pub format: Format,
    /// A file that gets the report as JSON; `-` is stdout.
    pub json_out: Option<PathBuf>,
    /// A file with the points of checks.
    pub points: Option<PathBuf>,
    /// Whether whole heads are shown of failed checks.
    pub verbose: bool,
    /// Whether each byte of each connection is shown.
    pub wire: bool,
    /// The file that gets each byte of each connection.
    pub transcript: Option<PathBuf>,
    /// Whether the lines of heads are explained.
    pub explain: bool,
    /// Whether only failed checks and the sum are printed.
    pub silent: bool,
    /// Conditions under which the run fails, as typed.
    pub fail_if: Option<String>,
}

/// How much is asked of a server, from the least on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// A browser shows its pages.
    First,
    /// What HTTP/1.0 asks for.
    Http10,
    /// What HTTP/1.1 asks for.
    Http11,
    /// Several clients at a time.
    Concurrent,
    /// Clients that break off, and noise.
    Robust,
    /// Attacks.
    Secure,
}

impl Level {
    /// All levels, from the least on.
    pub const ALL: [Level; 6] = [
        Level::First,
        Level::Http10,
        Level::Http11,
        Level::Concurrent,
        Level::Robust,
        Level::Secure,
    ];

    /// Returns its name, as `--level` takes it.
    pub const fn name(self) -> &'static str {
        match self {
            Level::First => "first",
            Level::Http10 => "http10",
            Level::Http11 => "http11",
            Level::Concurrent => "concurrent",
            Level::Robust => "robust",
            Level::Secure => "secure",
        }
    }
}

/// The form of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// Test Anything Protocol, version 14.
    Tap,
    /// One object.
    Json,
    /// XML, as JUnit writes it and continuous integration reads it.
    Junit,
}

impl Default for CheckOptions {
    fn default() -> CheckOptions {
        CheckOptions {
            client: ClientOptions::default(),
            level: None,
            only: Vec::new(),
            skip: Vec::new(),
            packs: Vec::new(),
            expect: None,
            list: false,
            root: None,
            missing: None,
            post: None,
            slow: None,
            server: None,
            workers: 4,
            each: None,
            max_time: Duration::from_secs(5),
            format: Format::Text,
            json_out: None,
            points: None,
            verbose: false,
            wire: false,
            transcript: None,
            explain: false,
            silent: false,
            fail_if: None,
        }
    }
}

impl AsMut<ClientOptions> for CheckOptions {
    fn as_mut(&mut self) -> &mut ClientOptions {
        &mut self.client
    }
}

/// Parses the arguments after the word `check`.
///
/// # Errors
/// [`UsageError`]: what was typed, and what is right.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Parsed<CheckOptions>, UsageError> {
    let parsed = CHECK.parse(CheckOptions::default(), args)?;
    if let Parsed::Run(options) = &parsed {
        match &options.client.urls[..] {
            [] if options.list || options.each.is_some() => {}
            [_] => {}
            [] => return Err(CHECK.wrong("no URL; right: client check http://127.0.0.1:8080/")),
            _ => return Err(CHECK.wrong("more than one URL; right: one, or --each FILE")),
        }
        if options.each.is_some() && options.format != Format::Text {
            return Err(CHECK.wrong("--each prints CSV; right: --each FILE without --format"));
        }
    }
    Ok(parsed)
}

pub(in crate::cli) static CHECK: Command<CheckOptions> = Command {
    name: "client check",
    usage: "[FLAG]... URL\n       client check --list [FLAG]...",
    about: "\
Sends a server requests that are right, unusual, wrong and hostile, and says
which of its answers are not what HTTP asks for, which rule says so, and what a
right answer looks like. The server may be written in any language. URL is a
page that is there. Nothing is changed unless --post names a path. (For a host
with the name check, write check/.)",
    examples: "",
    groups: &[
        ("Checks", flags::WHAT),
        ("Server", flags::SERVER),
        ("Output", flags::OUTPUT),
        ("Addresses", AddressFlags::FLAGS),
        ("Help", flags::HELP),
    ],
    operand: |options, value| {
        let url = value.to_str().ok_or(Expected(
            "the URL is not UTF-8; right: other bytes percent-encoded, such as %C3%BC",
        ))?;
        options.client.urls.push(url.to_owned());
        Ok(())
    },
    epilogue: "\
Levels, each with the checks of those before it:
  first    a browser shows its pages     concurrent  several clients at once
  http10   what HTTP/1.0 asks for        robust      noise and broken clients
  http11   what HTTP/1.1 asks for        secure      attacks

Each check is a MUST or a SHOULD of an RFC, or ASKED: the usual assignments ask
for it, no RFC does. What an RFC allows is never a failure.

Exit codes:
   0  no condition of --fail-if is true
   2  wrong arguments                          3  invalid URL
   6  could not resolve the host               7  nothing listens there
  22  the server stopped answering             23  could not write the output
  26  could not read a file of --expect, --points or --each
  99  a condition of --fail-if is true

Examples:
  client check :8080/hello.html               up to level http11
  client check --level first -v :8080/        the first step, with whole heads
  client check --only framing --level secure --explain :8080/
  client check --server './server {port} {root}' ':{port}/hello.html'
  client check --each class.txt >grades.csv   lines NAME URL
",
    most_used: &[],
    refused: &[],
};
