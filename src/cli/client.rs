//! The flags of `client`, which are curl's where curl has them.

pub mod check;
pub mod cookies;
pub mod data;
pub mod misbehave;
mod network;
mod output;
mod request;
pub mod resolve_only;
pub mod retry;
mod verbose;
pub mod watch;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use self::cookies::CookieOptions;
use self::data::Data;
use self::misbehave::Misbehaviour;
use self::retry::{Parallel, RetryOptions};

use super::Effect::{Help, Print, PrintFor, Version};
use super::completions::completions;
use super::man::man;
use super::nearest::nearest;
use super::page::Page;
use super::{Command, Expected, Flag, Parsed, UsageError};

pub(super) use self::network::{AddressFlags, limit};
pub use self::network::{NetworkOptions, OneFamily, TimeLimits};
pub(super) use self::request::RequestFlags;

/// The command line of `client`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientOptions {
    /// The URLs, in order.
    pub urls: Vec<String>,
    /// The method, if one was given.
    pub method: Option<String>,
    /// Changes to the fields of the request.
    pub fields: Vec<Field>,
    /// The value of `User-Agent`.
    pub agent: Option<Vec<u8>>,
    /// The value of `Referer`.
    pub referer: Option<Vec<u8>>,
    /// The cookies that are kept and sent.
    pub cookies: CookieOptions,
    /// `user:password`, for the server.
    pub user: Option<Vec<u8>>,
    /// The requested bytes, as `0-99`.
    pub range: Option<String>,
    /// The pieces of the body.
    pub data: Vec<Data>,
    /// Whether the pieces are appended to the URL as its query.
    pub get: bool,
    /// The fields of a form with files.
    pub form: Vec<FormField>,
    /// The files to send, for the first URL, the second, and so on.
    pub uploads: Vec<Option<UploadFrom>>,
    /// Redirects and retries.
    pub retry: RetryOptions,
    /// How many transfers are made at a time.
    pub parallel: Parallel,
    /// Whether the first transfer that fails ends the run.
    pub fail_early: bool,
    /// What a status of 400 or above does.
    pub fail: Option<Fail>,
    /// Whether heads are printed before bodies.
    pub include: bool,
    /// Whether only the head is requested.
    pub head: bool,
    /// Whether the steps are shown on stderr.
    pub verbose: bool,
    /// Whether the time of each request is drawn.
    pub trace: bool,
    /// Whether each byte of each connection is shown.
    pub wire: bool,
    /// The file that gets each byte of each connection.
    pub transcript: Option<PathBuf>,
    /// Whether all requests are sent at once.
    pub pipeline: bool,
    /// Whether the lines of heads are explained.
    pub explain: bool,
    /// Whether stderr stays silent.
    pub silent: bool,
    /// Whether errors are printed even then.
    pub show_error: bool,
    /// Where the bodies go: of the first URL, the second, and so on.
    pub outputs: Vec<Output>,
    /// Where an earlier transfer is continued.
    pub resume: Option<Resume>,
    /// The text printed after each transfer, with figures in it.
    pub write_out: Option<String>,
    /// The file that gets a line of JSON for each transfer; `-` is stdout.
    pub json_out: Option<PathBuf>,
    /// When JSON is indented and coloured.
    pub pretty: Pretty,
    /// Whether the progress line is left out.
    pub no_progress: bool,
    /// The most bytes of a body per second.
    pub limit_rate: Option<u64>,
    /// The most bytes of a body.
    pub max_filesize: Option<u64>,
    /// Whether the framing and the coding of a body are part of it.
    pub raw: bool,
    /// What is printed instead of sending the request.
    pub dry_run: Option<DryRun>,
    /// What is done wrong on purpose.
    pub misbehave: Option<Misbehaviour>,
    /// Where random bytes begin; `None`: anywhere.
    pub seed: Option<u64>,
    /// Whether HTTP/1.0 is used.
    pub http10: bool,
    /// Addresses, proxies and the Unix socket.
    pub network: NetworkOptions,
    /// The time limit of each phase.
    pub limits: TimeLimits,
    /// The time limit of each URL.
    pub max_time: Option<Duration>,
}

/// A change to the fields of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// `Name: value`, or `Name;` for an empty value.
    Add(String, Vec<u8>),
    /// `Name:`
    Remove(String),
}

/// Where a body goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// `-o -`: stdout, even if it is a terminal.
    Stdout,
    /// `-o FILE`.
    File(PathBuf),
    /// `-O`: a file named as in the URL.
    RemoteName,
}

/// What `-T` sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UploadFrom {
    /// `-T -`, `-T .`
    Stdin,
    /// `-T FILE`
    File(PathBuf),
}

/// Where a transfer is continued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resume {
    /// `-C -`: after the part of the file that is there.
    AtHand,
    /// `-C OFFSET`: from this byte on.
    From(u64),
}

/// When JSON is indented and coloured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pretty {
    /// On a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How a request that is not sent is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DryRun {
    /// Its bytes.
    Bytes,
    /// A command for curl.
    Curl,
    /// A command for nc.
    Nc,
}

/// What is done with a status of 400 or above, which is a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fail {
    /// Its body is not printed.
    Bare,
    /// Its body is printed.
    WithBody,
}

/// A field of a form with files, as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FormField {
    /// From `-F`: `@`, `<` and `;` have a meaning.
    Spelled(String),
    /// From `--form-string`.
    Plain(String),
}

impl ClientOptions {
    /// Returns whether the body is JSON.
    pub fn is_json(&self) -> bool {
        self.data.iter().any(|data| matches!(data, Data::Json(_)))
    }

    /// Returns whether a body goes to a file.
    fn has_file(&self) -> bool {
        self.outputs.iter().any(|output| *output != Output::Stdout)
    }

    /// Returns whether a field of this name is removed.
    pub fn removes(&self, name: &str) -> bool {
        let removed = |field: &Field| matches!(field, Field::Remove(removed) if removed.eq_ignore_ascii_case(name));
        self.fields.iter().any(removed)
    }
}

/// Parses the arguments that follow the program's name.
///
/// # Errors
/// [`UsageError`]: what was typed, and what is right.
pub fn parse(
    args: impl IntoIterator<Item = OsString>,
) -> Result<Parsed<ClientOptions>, UsageError> {
    let args: Vec<OsString> = args.into_iter().collect();
    if let Some(typed) = args.first().and_then(|first| first.to_str())
        && let Some(meant) = misspelled(typed)
    {
        return Err(COMMAND.wrong(&format!(
            "unknown command {typed:?}; did you mean {meant}? (for a host with this name: http://{typed}/)"
        )));
    }
    let parsed = COMMAND.parse(ClientOptions::default(), args)?;
    if let Parsed::Run(options) = &parsed {
        if options.urls.is_empty() {
            return Err(COMMAND.wrong("no URL; right: client http://127.0.0.1:8080/"));
        }
        let sends = match (&options.data[..], &options.form[..]) {
            ([_, ..], [_, ..]) => {
                return Err(COMMAND.wrong(
                    "-d and -F cannot be combined: each sets the body; right: one of them",
                ));
            }
            ([], []) => None,
            ([], _) => Some("-F"),
            _ if options.get => None,
            _ => Some("-d"),
        };
        let sends = match (options.uploads.iter().any(Option::is_some), sends) {
            (true, Some(_)) => {
                return Err(COMMAND.wrong(
                    "-T cannot be combined with -d or -F: each sets the body; right: one of them",
                ));
            }
            (true, None) if options.get => {
                return Err(COMMAND.wrong(
                    "-G and -T cannot be combined: only -T sends a body; right: one of them",
                ));
            }
            (true, None) => Some("-T"),
            (false, sends) => sends,
        };
        if options.pipeline && options.parallel.on {
            return Err(
                COMMAND.wrong("--pipeline and -Z cannot be combined: -Z uses several connections; right: one of them")
            );
        }
        if options.pipeline && options.trace {
            let right = "--trace and --pipeline cannot be combined; right: one of them";
            return Err(COMMAND.wrong(right));
        }
        if options.pipeline && options.resume.is_some() {
            return Err(COMMAND.wrong("--pipeline and -C cannot be combined; right: one of them"));
        }
        match options.resume {
            Some(_) if options.range.is_some() || sends.is_some() || options.head => {
                return Err(COMMAND.wrong(
                    "-C continues a GET, and cannot be combined with \
                     -r, -I, -d, -F or -T; right: -C without them",
                ));
            }
            Some(Resume::AtHand) if !options.has_file() => {
                return Err(
                    COMMAND.wrong("-C - needs a file to continue; right: -C - -o FILE, or -C - -O")
                );
            }
            Some(Resume::From(_)) if options.has_file() => {
                let right = "-C OFFSET writes to stdout only; right: -C -, which reads the offset from the file";
                return Err(COMMAND.wrong(right));
            }
            _ => {}
        }
        if let (true, Some(flag)) = (options.head, sends) {
            let both =
                format!("-I and {flag} cannot be combined: HEAD has no body; right: one of them");
            return Err(COMMAND.wrong(&both));
        }
    }
    Ok(parsed)
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
        ("Cookies", cookies::FLAGS),
        ("Redirects, retries, parallel transfers", retry::FLAGS),
        ("Output", output::FLAGS),
        ("Details on stderr", verbose::FLAGS),
        ("Instead of sending", output::DRY),
        ("Misbehaviour", misbehave::FLAGS),
        ("Addresses", AddressFlags::FLAGS),
        ("Network", network::FLAGS),
        ("Time limits", network::TIME),
        ("Help", HELP),
    ],
    operand: |options, value| {
        let url = value.to_str().ok_or(Expected(
            "the URL is not UTF-8; right: other bytes percent-encoded, such as %C3%BC",
        ))?;
        options.urls.push(url.to_owned());
        Ok(())
    },
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
  22  -f: the status is 400 or above        63  the body is too long
  23  could not write the output            65  the body cannot be sent again

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
};

impl AsMut<ClientOptions> for ClientOptions {
    fn as_mut(&mut self) -> &mut ClientOptions {
        self
    }
}

const HELP: &[Flag<ClientOptions>] = &[
    Flag::new(Some('h'), "help", Help, "print this help"),
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
