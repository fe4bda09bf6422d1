//! The flags of `client`, which are curl's where curl has them.

mod always;
pub mod check;
mod combine;
pub mod conditional;
pub mod cookies;
pub mod data;
mod files;
pub mod global;
pub mod login;
pub mod misbehave;
mod network;
mod options;
mod output;
mod refused;
mod request;
pub mod resolve_only;
pub mod retry;
mod route;
mod urls;
mod verbose;
pub mod watch;

use std::ffi::{OsStr, OsString};
use std::io;

use super::Effect::{Choice, Config, Help, Next, Print, PrintFor, Value, Version};
use super::completions::completions;
use super::man::man;
use super::nearest::nearest;
use super::page::Page;
use super::parse::Parsing;
use super::{Command, Expected, Flag, Parsed, UsageError};

pub use self::files::{Existing, FileOptions};
pub use self::global::{GlobalOptions, Progress};
pub(super) use self::network::{AddressFlags, limit};
pub use self::network::{NetworkOptions, OneFamily, TimeLimits};
pub use self::options::{
    ClientOptions, DryRun, Fail, Field, FormField, Output, Pretty, Resume, UploadFrom,
};
pub(super) use self::request::RequestFlags;
pub(crate) use self::request::parse_field;
pub(super) use self::route::RouteFlags;

/// Parses the arguments that follow the program's name, after those in the `usual` file, if there is one and `-q` is not
/// among them. `read` reads that file, and those of `-K`. Returns an operation, and one more for each `--next`; all have the
/// same [`GlobalOptions`].
///
/// # Errors
/// [`UsageError`]: what was typed, and what is right.
pub fn parse(
    args: impl IntoIterator<Item = OsString>,
    usual: Option<&OsStr>,
    mut read: impl FnMut(&OsStr) -> io::Result<Vec<u8>>,
) -> Result<Parsed<Vec<ClientOptions>>, UsageError> {
    let args: Vec<OsString> = args.into_iter().collect();
    if let Some(typed) = args.first().and_then(|first| first.to_str())
        && let Some(meant) = misspelled(typed)
    {
        return Err(COMMAND.wrong(&format!(
            "unknown command {typed:?}; did you mean {meant}? (for a host with this name: http://{typed}/)"
        )));
    }
    let usual = usual.filter(|_| !COMMAND.typed(&args).contains(&"disable"));
    let mut parsing = Parsing::new(&COMMAND, ClientOptions::default(), &mut read);
    if let Some(usual) = usual {
        let text = parsing.file(usual, "the usual flags")?;
        if let Some(text) = text {
            return Ok(Parsed::Print(text));
        }
    }
    if let Some(text) = parsing.arguments(args)? {
        return Ok(Parsed::Print(text));
    }
    let mut operations = parsing.operations();
    // What is typed last counts, also for the operations before it.
    let global = operations.last().map(|last| last.global.clone()).unwrap_or_default();
    for options in &mut operations {
        options.global = global.clone();
        combine::check(options).map_err(|what| COMMAND.wrong(&what))?;
    }
    if operations.len() > 1 && operations.iter().any(|options| options.misbehave.is_some()) {
        let right = "--misbehave and --next cannot be combined; right: two commands";
        return Err(COMMAND.wrong(right));
    }
    Ok(Parsed::Run(operations))
}

/// Returns the command that was probably meant by a first word that is not a URL: not `localhost`, and without dot,
/// colon and slash. A word that is not near to a command is the name of a host.
fn misspelled(typed: &str) -> Option<&'static str> {
    if typed.contains(['.', ':', '/', '-']) {
        return None;
    }
    Some(
        match nearest(
            typed,
            &["bench", "check", "dns", "ping", "watch", "where", "help", "version"],
        )? {
            "bench" => "client bench",
            "check" => "client check",
            "dns" => "client dns",
            "ping" => "client ping",
            "watch" => "client watch",
            "where" => "client where",
            "help" => "client --help",
            _ => "client --version",
        },
    )
}

/// Returns the help text.
pub fn help() -> String {
    COMMAND.help()
}

pub(super) static COMMAND: Command<ClientOptions> = Command {
    name: "client",
    usage: "[FLAG]... URL...\n       client bench [FLAG]... URL\n       client check [FLAG]... URL\n       \
            client dns [FLAG]... NAME [TYPE] [@SERVER]\n       client experiment [FLAG]... URL\n       \
            client ping [FLAG]... HOST:PORT\n       client watch [FLAG]... URL\n       \
            client where [FLAG]... URL...",
    about: "\
Fetches each URL over HTTP/1.1. Bodies go to stdout, everything else to stderr.
`client bench` measures a server, `client check` says what is wrong with it,
`client ping` measures the time to reach it, `client where` shows how it is
reached, and `client dns` asks a name server; all have --help. (For a host with
the name bench, write bench/.)
URLs with the same host and port share a connection. A URL may be short:
host/path, or :8080/path for this machine.",
    examples: "",
    groups: &[
        ("Request", RequestFlags::FLAGS),
        ("Who asks", login::FLAGS),
        ("Conditions", conditional::FLAGS),
        ("URLs", urls::FLAGS),
        ("Cookies", cookies::FLAGS),
        ("Command line", LINE),
        ("Redirects, retries, parallel transfers", retry::FLAGS),
        ("Output", output::FLAGS),
        ("Files", files::FLAGS),
        ("Details on stderr", verbose::FLAGS),
        ("Instead of sending", output::DRY),
        ("Misbehaviour", misbehave::FLAGS),
        ("Addresses", AddressFlags::FLAGS),
        ("Routes", RouteFlags::FLAGS),
        ("Network", network::FLAGS),
        ("Time limits", network::TIME),
        ("Always so, accepted as by curl", always::FLAGS),
        ("Help", HELP),
    ],
    operand: add_url,
    epilogue: "\
Exit codes, the same as curl's:
   0  got a response, with any status       25  HTTP/1.0 and no known length
   1  unsupported protocol                  26  could not read a file to send
   2  wrong arguments                       28  timeout
   3  invalid URL                           33  -C: cannot continue the download
   5  could not resolve the proxy           47  too many redirects
   6  could not resolve the host            49  wrong --resolve or --connect-to
   7  could not connect                     52  closed without a response
   8  the response breaks a rule of HTTP    55  could not send
  18  the response is incomplete            56  could not receive
  22  -f: the status is 400 or above        61  the content coding is broken
  23  could not write the output            63  the body is too long
                                            65  the body cannot be sent again

Examples:
  client :8080/                       a server on this machine
  client -v :8080/ :8080/hello.txt    two requests on one connection
  client --trace :8080/ :8080/        the time of each step of both requests
  client -d 'name=Ada Lovelace' -d email=ada@example.org :8080/users
  client --json '{\"name\":\"Ada\",\"email\":\"ada@example.org\"}' :8080/users
  client -X DELETE :8080/users/1
  client -F name=Ada -F photo=@ada.png :8080/upload
  client -L --retry 3 -T ada.json :8080/users/
  client -Z -O :8080/a.iso -O :8080/b.iso
  client -C - -O :8080/large.iso      continue an interrupted download
  client -s -o /dev/null -w '%{http_code} %{time_total}\n' :8080/
  client --as nc -d a=b :8080/echo    print a command for nc instead
  client --misbehave half-close :8080/
",
    most_used: MOST_USED,
    refused: refused::REFUSED,
};

/// What `--help` alone shows.
const MOST_USED: &[(&str, &str)] = &[
    ("request", "use this method"),
    ("header", "add the field 'Name: value'"),
    ("data", "send DATA, or @FILE, as a form"),
    ("json", "send DATA, or @FILE, as JSON"),
    ("form", "send a form with files: name=text, name=@FILE"),
    ("upload-file", "send FILE with PUT"),
    ("user", "user name and password for the server"),
    ("user-agent", "value of the User-Agent field"),
    ("cookie", "send these cookies: name=value, or a file"),
    ("cookie-jar", "keep cookies, and write them to FILE"),
    ("location", "follow redirects"),
    ("output", "write the body to FILE"),
    ("remote-name", "write it to a file named as in the URL"),
    ("continue-at", "continue a download; - as far as FILE goes"),
    ("include", "print the heads of responses, too"),
    ("head", "request the head only"),
    ("fail", "fail if the status is 400 or above"),
    ("silent", "show no errors and no progress line"),
    ("verbose", "show the steps and the heads on stderr"),
    ("trace", "show where the time of a request goes"),
    ("write-out", "print figures, such as '%{http_code}\\n'"),
    ("max-time", "allow at most SECS seconds for each URL"),
    ("next", "begin the options of the next URLs"),
    ("version", "print the version"),
];

const LINE: &[Flag<ClientOptions>] = &[
    Flag::new(
        None,
        "url",
        Value("URL", add_url),
        "the same as the URL alone, which a file of -K cannot have",
    ),
    Flag::new(
        Some(':'),
        "next",
        Next(ClientOptions::next),
        "end the options of the URLs before, and begin those of the URLs that follow; connections, cookies and \
         what holds for the whole run are kept: -v, -s, -S, -Z and their like",
    ),
    Flag::new(
        Some('K'),
        "config",
        Config("FILE"),
        "read flags from FILE, one in each line, such as max-time = 5 or user-agent = \"a b\"; - is stdin",
    ),
    Flag::new(
        Some('q'),
        "disable",
        Choice(|_| {}),
        "do not read $XDG_CONFIG_HOME/.threadbarerc or $HOME/.threadbarerc, which have usual flags in the form of -K",
    ),
];

fn add_url(options: &mut ClientOptions, value: &OsStr) -> Result<(), Expected> {
    let url = value.to_str().ok_or(Expected(
        "the URL is not UTF-8; right: other bytes percent-encoded, such as %C3%BC",
    ))?;
    options.urls.push(url.to_owned());
    Ok(())
}

const HELP: &[Flag<ClientOptions>] = &[
    Flag::new(
        Some('h'),
        "help",
        Help,
        "print the flags that are used most; --help GROUP prints those of a group, --help all prints all",
    ),
    Flag::new(Some('V'), "version", Version, "print the version"),
    Flag::new(
        None,
        "man",
        Print(|| man(&pages())),
        "print the manual page: client --man | man -l -",
    ),
    Flag::new(
        None,
        "completions",
        PrintFor("SHELL", |shell| completions(shell, &pages())),
        "print completions for bash, zsh or fish: source <(client --completions bash)",
    ),
];

/// Returns the program and its commands, for the manual page and for completions.
fn pages() -> Vec<Page> {
    vec![
        COMMAND.page(),
        super::bench::COMMAND.page(),
        check::CHECK.page(),
        super::dns::COMMAND.page(),
        super::experiment::COMMAND.page(),
        super::ping::COMMAND.page(),
        watch::WATCH.page(),
        resolve_only::WHERE.page(),
    ]
}

#[cfg(test)]
mod tests;
