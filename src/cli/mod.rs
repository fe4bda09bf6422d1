//! The command lines of both binaries. A flag is a row of a table: its names, what it takes, what
//! it sets, and its line of help.
//!
//! The parser and the help text both walk the table, so neither can miss a flag of the other. An error is
//! one line: what was typed, and what is right, with the flag or command that was probably meant.

pub mod bench;
pub mod client;
mod completions;
mod config_file;
pub mod dns;
mod duration;
mod environment;
pub mod experiment;
mod fault;
mod fields;
pub mod files;
mod help;
pub mod limits;
mod listen;
mod listing;
pub mod logs;
mod man;
pub mod name_server;
mod nearest;
mod page;
mod parse;
pub mod ping;
pub mod policies;
mod proxies;
mod rooms;
pub mod server;
pub mod tls;
mod udp;
mod uploads;
mod version;

use std::ffi::OsStr;

pub(crate) use self::nearest::nearest;
use self::version::version;

/// A parsed command line.
#[derive(Debug, PartialEq)]
pub enum Parsed<T> {
    /// Run with these options.
    Run(T),
    /// Print this text (help or version), and end.
    Print(String),
}

/// What is wrong with a command line, in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageError {
    what: String,
    exit_code: u8,
}

impl UsageError {
    /// Returns the exit code: 2, or 26 if a file of flags cannot be read, as with curl.
    pub fn exit_code(&self) -> u8 {
        self.exit_code
    }
}

impl std::fmt::Display for UsageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for UsageError {}

/// A row of the table.
struct Flag<T: 'static> {
    short: Option<char>,
    long: &'static str,
    effect: Effect<T>,
    help: &'static str,
}

/// What a flag does.
enum Effect<T: 'static> {
    /// Prints the help text; what follows may be the name of a group of flags, or `all`.
    Help,
    Version,
    /// Prints a text, as that of the manual page.
    Print(fn() -> String),
    /// Prints a text for a value.
    PrintFor(&'static str, fn(&OsStr) -> Result<String, Expected>),
    /// Takes no value; with `--no-` before its name, or without the one that is there, it is off.
    Switch(fn(&mut T, bool)),
    /// Takes no value, and is one of several, or an addition: there is no opposite.
    Choice(fn(&mut T)),
    /// Takes the name of a file with flags, a line each.
    Config(&'static str),
    /// Ends an operation. Returns the options with which the next one begins.
    Next(fn(&T) -> T),
    /// Takes a value; its name is in the help text.
    Value(&'static str, fn(&mut T, &OsStr) -> Result<(), Expected>),
    /// The same for a value with a secret in it, which no error shows.
    Secret(&'static str, fn(&mut T, &OsStr) -> Result<(), Expected>),
}

/// What a right value looks like, for a value that is wrong.
#[derive(Clone, Copy)]
struct Expected(&'static str);

/// One binary's command line.
struct Command<T: 'static> {
    name: &'static str,
    /// What follows the name in the usage line.
    usage: &'static str,
    about: &'static str,
    /// What people type most; the help text begins with them.
    examples: &'static str,
    /// The flags, under their headings.
    groups: &'static [(&'static str, &'static [Flag<T>])],
    /// Takes what is not a flag.
    operand: fn(&mut T, &OsStr) -> Result<(), Expected>,
    /// The end of the help text: exit codes, examples.
    epilogue: &'static str,
    /// The flags that `--help` alone shows, with a few words about each; none: all.
    most_used: &'static [(&'static str, &'static str)],
    /// Names of flags of other programs that there are not, and why.
    refused: &'static [(&'static [&'static str], &'static str)],
}

impl<T> Flag<T> {
    const fn new(
        short: Option<char>,
        long: &'static str,
        effect: Effect<T>,
        help: &'static str,
    ) -> Flag<T> {
        Flag { short, long, effect, help }
    }
}

impl<T> Command<T> {
    fn flags(&self) -> impl Iterator<Item = &Flag<T>> {
        self.groups.iter().flat_map(|(_, flags)| *flags)
    }

    fn invalid(&self, what: &str, Expected(right): Expected) -> UsageError {
        self.wrong(&format!("{what}; right: {right}"))
    }

    fn wrong(&self, what: &str) -> UsageError {
        let what = format!("{what} ({} --help lists the flags)", self.name);
        UsageError { what, exit_code: 2 }
    }

    fn version(&self) -> String {
        version(self.name)
    }
}

/// Parses a number of seconds; fractions are allowed.
fn seconds(value: &OsStr) -> Result<std::time::Duration, Expected> {
    let seconds = value.to_str().and_then(|text| text.parse::<f64>().ok());
    seconds
        .and_then(|seconds| std::time::Duration::try_from_secs_f64(seconds).ok())
        .ok_or(Expected("a number of seconds, such as 10 or 0.5"))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::help::WIDTH;
    use super::*;

    /// What holds for every table.
    fn walk<T: Default + std::fmt::Debug>(command: &Command<T>, values: &[&str]) {
        let flags: Vec<_> = command.flags().collect();
        let help = command.help_for_all();
        for (at, flag) in flags.iter().enumerate() {
            let others = || flags.iter().skip(at + 1);
            assert!(others().all(|other| other.long != flag.long), "--{} twice", flag.long);
            let opposite = flag.opposite();
            let is_free = flags.iter().all(|other| Some(other.long) != opposite.as_deref());
            assert!(is_free, "{opposite:?} is another flag");
            let short_twice =
                others().any(|other| flag.short.is_some() && other.short == flag.short);
            assert!(!short_twice, "-{:?} twice", flag.short);
            assert!(!flag.help.is_empty(), "--{} has no help", flag.long);
            assert!(help.contains(&flag.synopsis()), "--{} is not in the help", flag.long);
            let accepted = |name: String| match flag.effect {
                Effect::Value(..) | Effect::Secret(..) | Effect::PrintFor(..) => {
                    values.iter().any(|value| parse(command, &[&name, value]).is_ok())
                }
                Effect::Config(_) => parse(command, &[&name, "-"]).unwrap_err().exit_code() == 26,
                _ => parse(command, &[&name]).is_ok(),
            };
            assert!(accepted(format!("--{}", flag.long)), "--{} is not taken", flag.long);
            if let Some(short) = flag.short {
                assert!(accepted(format!("-{short}")), "-{short} is not taken");
            }
        }
        for line in help.lines() {
            assert!(line.chars().count() <= WIDTH, "too wide: {line}");
            assert_eq!(line, line.trim_end(), "space at the end");
        }
        for wrong in [&["--no-such-flag"][..], &["-\n"], &["--help\n"]] {
            let error = parse(command, wrong).unwrap_err().to_string();
            assert_eq!(error.lines().count(), 1, "{error:?}");
        }
    }

    fn parse<T: Default>(command: &Command<T>, args: &[&str]) -> Result<Parsed<T>, UsageError> {
        command.parse(T::default(), args.iter().map(OsString::from))
    }

    #[test]
    fn the_tables_hold_together() {
        let values = [
            "GET",
            "A: b",
            "1",
            "127.0.0.1:0",
            "system",
            "on",
            "block",
            "off",
            "a=b",
            "u:p",
            "-",
            "always",
            "nc",
            "1s",
            "first",
            "tap",
            "/a",
            "random",
            "reset=5%",
            "reset",
            "x",
            "p99_ms:workers",
            "single",
            "fifo",
            "bash",
            "json",
            "::1",
            "inside",
            "hide",
            "a=b/c",
            "*",
            "/a=/b",
        ];
        walk(&server::COMMAND, &values);
        walk(&client::COMMAND, &values);
        walk(&bench::COMMAND, &values);
        walk(&experiment::COMMAND, &values);
        walk(&ping::COMMAND, &values);
        walk(&client::resolve_only::WHERE, &values);
        walk(&client::check::CHECK, &values);
        walk(&client::watch::WATCH, &values);
        walk(&dns::COMMAND, &values);
    }

    #[test]
    fn seconds_are_positive_and_finite() {
        for (text, want) in [("1", Some(1000)), ("0.25", Some(250)), ("0", Some(0))] {
            let got = seconds(OsStr::new(text)).ok().map(|time| time.as_millis());
            assert_eq!(got, want, "{text}");
        }
        for text in ["", "-1", "inf", "NaN", "1e300", "1s", "1,5"] {
            assert!(seconds(OsStr::new(text)).is_err(), "{text}");
        }
    }
}
