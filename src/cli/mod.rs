//! The command lines of both binaries. A flag is a row of a table: its names, what it takes, what
//! it sets, and its line of help.
//!
//! The parser and the help text both walk the table, so neither can miss a flag of the other. An error is
//! one line: what was typed, and what is right, with the flag or command that was probably meant.

pub mod bench;
pub mod client;
mod completions;
pub mod dns;
mod environment;
pub mod experiment;
mod fault;
mod fields;
pub mod files;
pub mod limits;
mod listen;
mod listing;
pub mod logs;
mod man;
pub mod name_server;
mod nearest;
mod page;
pub mod ping;
pub mod policies;
mod proxies;
mod rooms;
pub mod server;
mod udp;
mod uploads;
mod version;

use std::ffi::{OsStr, OsString};

use lexopt::Arg;

use self::nearest::nearest_flag;
use self::version::version;
use crate::text::wrap;

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
pub struct UsageError(String);

impl std::fmt::Display for UsageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
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
    Help,
    Version,
    /// Prints a text, as that of the manual page.
    Print(fn() -> String),
    /// Prints a text for a value.
    PrintFor(&'static str, fn(&OsStr) -> Result<String, Expected>),
    /// Takes no value.
    Switch(fn(&mut T)),
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

/// What an argument is.
enum Found<'c, T: 'static> {
    /// Not a flag.
    Operand(OsString),
    /// A flag as it was typed, and its row, if there is one.
    Flag(String, Option<&'c Flag<T>>),
}

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

    /// Returns the flag as the help shows it: `-o, --output FILE`.
    fn synopsis(&self) -> String {
        let short = self.short.map_or("    ".to_owned(), |short| format!("-{short}, "));
        let value = self.value_name().map(|name| format!(" {name}")).unwrap_or_default();
        format!("{short}--{}{value}", self.long)
    }
}

impl<T> Command<T> {
    fn flags(&self) -> impl Iterator<Item = &Flag<T>> {
        self.groups.iter().flat_map(|(_, flags)| *flags)
    }

    /// Applies the arguments that follow the program's name to `options`.
    fn parse(
        &self,
        options: T,
        args: impl IntoIterator<Item = OsString>,
    ) -> Result<Parsed<T>, UsageError> {
        self.parse_operations(&mut Vec::new(), options, args)
    }

    /// The same for a command with [`Effect::Next`]: returns the last operation, and puts those before it into `before`.
    fn parse_operations(
        &self,
        before: &mut Vec<T>,
        mut options: T,
        args: impl IntoIterator<Item = OsString>,
    ) -> Result<Parsed<T>, UsageError> {
        let mut parser = lexopt::Parser::from_args(args);
        parser.set_short_equals(false); // -d=x is the data "=x", as with curl
        while let Some(arg) = parser.next().map_err(|error| self.wrong(&about(&error)))? {
            let (typed, found) = match self.find(arg) {
                Found::Operand(operand) => {
                    let taken = (self.operand)(&mut options, &operand);
                    taken.map_err(|Expected(right)| {
                        self.wrong(&format!("invalid argument: {right}"))
                    })?;
                    continue;
                }
                Found::Flag(typed, found) => (typed, found),
            };
            let flag = found.ok_or_else(|| self.unknown(&typed))?;
            match flag.effect {
                Effect::Help => return Ok(Parsed::Print(self.help())),
                Effect::Version => return Ok(Parsed::Print(self.version())),
                Effect::Print(text) => return Ok(Parsed::Print(text())),
                Effect::Switch(set) => set(&mut options),
                Effect::Next(next) => {
                    let next = next(&options);
                    before.push(std::mem::replace(&mut options, next));
                }
                Effect::PrintFor(name, text) => {
                    let value = self.value(&typed, name, &mut parser)?;
                    let text = text(&value);
                    return text.map(Parsed::Print).map_err(|right| {
                        self.invalid(&format!("{typed}: invalid value {value:?}"), right)
                    });
                }
                Effect::Value(name, set) => {
                    let value = self.value(&typed, name, &mut parser)?;
                    set(&mut options, &value).map_err(|right| {
                        self.invalid(&format!("{typed}: invalid value {value:?}"), right)
                    })?;
                }
                Effect::Secret(name, set) => {
                    let value = self.value(&typed, name, &mut parser)?;
                    set(&mut options, &value)
                        .map_err(|right| self.invalid(&format!("{typed}: invalid value"), right))?;
                }
            }
        }
        Ok(Parsed::Run(options))
    }

    /// Returns the flag that an argument names.
    fn find(&self, arg: Arg<'_>) -> Found<'_, T> {
        match arg {
            Arg::Value(operand) => Found::Operand(operand),
            Arg::Long(name) => {
                let flag = self.flags().find(|flag| flag.long == name);
                Found::Flag(format!("--{name}"), flag)
            }
            Arg::Short(name) => {
                let flag = self.flags().find(|flag| flag.short == Some(name));
                Found::Flag(format!("-{name}"), flag)
            }
        }
    }

    /// Returns the value of a flag.
    fn value(
        &self,
        typed: &str,
        name: &str,
        parser: &mut lexopt::Parser,
    ) -> Result<OsString, UsageError> {
        parser.value().map_err(|_| self.wrong(&format!("{typed} requires a value: {name}")))
    }

    /// Returns the long names of the flags among the arguments.
    fn typed(&self, args: &[OsString]) -> Vec<&'static str> {
        let mut names = Vec::new();
        let mut parser = lexopt::Parser::from_args(args);
        parser.set_short_equals(false);
        while let Ok(Some(arg)) = parser.next() {
            if let Found::Flag(_, Some(flag)) = self.find(arg) {
                names.push(flag.long);
                if flag.value_name().is_some() {
                    let _ = parser.value();
                }
            }
        }
        names
    }

    /// Returns a command line as a shell takes it. The value of a flag that may be a secret is `***`.
    fn shown(&self, args: &[OsString]) -> String {
        let mut words = vec![self.name.to_owned()];
        let mut parser = lexopt::Parser::from_args(args);
        parser.set_short_equals(false);
        while let Ok(Some(arg)) = parser.next() {
            let (typed, found) = match self.find(arg) {
                Found::Operand(operand) => {
                    words.push(quote_for_shell(&operand.to_string_lossy()));
                    continue;
                }
                Found::Flag(typed, found) => (typed, found),
            };
            words.push(typed);
            match found.map(|flag| &flag.effect) {
                Some(Effect::Secret(..)) => {
                    words.push(parser.value().map_or("", |_| "***").to_owned())
                }
                Some(Effect::Value(..)) => {
                    let value = parser.value().unwrap_or_default();
                    words.push(quote_for_shell(&value.to_string_lossy()));
                }
                _ => {}
            }
        }
        words.join(" ")
    }

    /// Returns the error for a flag that is not in the table, with the one that was probably meant.
    fn unknown(&self, typed: &str) -> UsageError {
        let names: Vec<&str> = self.flags().map(|flag| flag.long).collect();
        let meant = typed.strip_prefix("--").and_then(|name| nearest_flag(name, &names));
        let advice = meant.map(|meant| format!("; did you mean --{meant}?")).unwrap_or_default();
        self.wrong(&format!("unknown flag {typed:?}{advice}"))
    }

    fn invalid(&self, what: &str, Expected(right): Expected) -> UsageError {
        self.wrong(&format!("{what}; right: {right}"))
    }

    fn wrong(&self, what: &str) -> UsageError {
        UsageError(format!("{what} ({} --help lists the flags)", self.name))
    }

    fn version(&self) -> String {
        version(self.name)
    }

    fn help(&self) -> String {
        let mut text = format!("Usage: {} {}\n\n{}\n", self.name, self.usage, self.about);
        if !self.examples.is_empty() {
            text.push_str(&format!("\nExamples:\n{}", self.examples));
        }
        for (heading, flags) in self.groups {
            text.push_str(&format!("\n{heading}:\n"));
            for flag in *flags {
                text.push_str(&help_line(&flag.synopsis(), flag.help));
            }
        }
        text.push('\n');
        text.push_str(self.epilogue);
        text
    }
}

/// Returns a word as a POSIX shell takes it, in quotes if it has to be.
fn quote_for_shell(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_=+:,./@%".contains(&byte);
    match !word.is_empty() && word.bytes().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// Returns what is wrong, without a value that should not be there: `--silent=secret`.
fn about(error: &lexopt::Error) -> String {
    match error {
        lexopt::Error::UnexpectedValue { option, .. } => format!("{option} takes no value"),
        error => error.to_string(),
    }
}

const WIDTH: usize = 80;
/// Where the right column begins.
const COLUMN: usize = 31;

/// Returns `what` in the left column and `help` in the right one, broken between words.
fn help_line(what: &str, help: &str) -> String {
    let mut text = String::new();
    let mut left = format!("  {what:<width$}", width = COLUMN - 3);
    if left.chars().count() >= COLUMN {
        text.push_str(&format!("{left}\n"));
        left.clear();
    }
    for line in wrap(help, WIDTH - COLUMN, WIDTH - COLUMN) {
        text.push_str(&format!("{left:<width$} {line}\n", width = COLUMN - 1));
        left.clear();
    }
    text
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
    use super::*;

    /// What holds for every table.
    fn walk<T: Default + std::fmt::Debug>(command: &Command<T>, values: &[&str]) {
        let flags: Vec<_> = command.flags().collect();
        let help = command.help();
        for (at, flag) in flags.iter().enumerate() {
            let others = || flags.iter().skip(at + 1);
            assert!(others().all(|other| other.long != flag.long), "--{} twice", flag.long);
            let short_twice =
                others().any(|other| flag.short.is_some() && other.short == flag.short);
            assert!(!short_twice, "-{:?} twice", flag.short);
            assert!(!flag.help.is_empty(), "--{} has no help", flag.long);
            assert!(help.contains(&flag.synopsis()), "--{} is not in the help", flag.long);
            let accepted = |name: String| match flag.effect {
                Effect::Value(..) | Effect::Secret(..) | Effect::PrintFor(..) => {
                    values.iter().any(|value| parse(command, &[&name, value]).is_ok())
                }
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
