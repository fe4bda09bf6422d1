//! The parser: from arguments, and files of flags, to options.

use std::ffi::{OsStr, OsString};
use std::io;

use lexopt::{Arg, Parser};

use super::config_file::{self, WrongLine};
use super::nearest::nearest_flag;
use super::{Command, Effect, Expected, Flag, Parsed, UsageError};

/// Reads a file of flags.
type Read<'r> = &'r mut dyn FnMut(&OsStr) -> io::Result<Vec<u8>>;

/// A file of flags may name another one, which may name another one, so many times.
const DEPTH: usize = 5;

/// A command line that is being parsed.
pub(super) struct Parsing<'p, T: 'static> {
    command: &'p Command<T>,
    /// The operations before [`Effect::Next`].
    before: Vec<T>,
    options: T,
    read: Read<'p>,
    /// The number of files of flags that are being read.
    depth: usize,
}

/// What an argument is.
enum Found<'c, T: 'static> {
    /// Not a flag.
    Operand(OsString),
    /// A flag as it was typed, its row, and whether it is on.
    Flag(String, &'c Flag<T>, bool),
    /// As it was typed, and why it is no flag.
    None(String, NotFound),
}

/// Why a name is not that of a flag.
enum NotFound {
    Unknown,
    /// It is the beginning of several.
    Ambiguous(Vec<String>),
    /// It has `--no-` before the name of a flag that cannot be off.
    NoOpposite,
}

impl<T> Command<T> {
    /// Applies the arguments that follow the program's name to `options`.
    pub(super) fn parse(
        &self,
        options: T,
        args: impl IntoIterator<Item = OsString>,
    ) -> Result<Parsed<T>, UsageError> {
        let mut no_files = |_: &OsStr| Err(io::ErrorKind::Unsupported.into());
        let mut parsing = Parsing::new(self, options, &mut no_files);
        Ok(match parsing.arguments(args)? {
            Some(text) => Parsed::Print(text),
            None => Parsed::Run(parsing.options),
        })
    }

    /// Returns the flag that an argument names.
    fn find(&self, arg: Arg<'_>) -> Found<'_, T> {
        match arg {
            Arg::Value(operand) => Found::Operand(operand),
            Arg::Long(name) => match self.named(name) {
                Ok((flag, on)) => Found::Flag(format!("--{name}"), flag, on),
                Err(why) => Found::None(format!("--{name}"), why),
            },
            Arg::Short(name) => match self.flags().find(|flag| flag.short == Some(name)) {
                Some(flag) => Found::Flag(format!("-{name}"), flag, true),
                None => Found::None(format!("-{name}"), NotFound::Unknown),
            },
        }
    }

    /// Returns the flag with this long name, or with the only one that begins with it, and whether it is on.
    fn named(&self, name: &str) -> Result<(&Flag<T>, bool), NotFound> {
        let all = || {
            let opposites = self.flags().filter_map(|flag| Some((flag.opposite()?, flag, false)));
            self.flags().map(|flag| (flag.long.to_owned(), flag, true)).chain(opposites)
        };
        if let Some((_, flag, on)) = all().find(|(long, ..)| long == name) {
            return Ok((flag, on));
        }
        if self.reason(name).is_some() {
            return Err(NotFound::Unknown); // what another program calls by this name is something else
        }
        let mut begun: Vec<_> = all().filter(|(long, ..)| long.starts_with(name)).collect();
        // --buf is --buffer and not --no-buffer, but --s is no --silent or --no-silent.
        if !name.starts_with("no-") && begun.iter().any(|(.., on)| *on) {
            begun.retain(|(.., on)| *on);
        }
        match &begun[..] {
            [(_, flag, on)] => Ok((flag, *on)),
            [_, ..] => Err(NotFound::Ambiguous(begun.into_iter().map(|(long, ..)| long).collect())),
            [] => {
                let positive = name.strip_prefix("no-");
                let is_known = self.flags().any(|flag| Some(flag.long) == positive);
                Err(if is_known { NotFound::NoOpposite } else { NotFound::Unknown })
            }
        }
    }

    /// Returns why there is no flag of this name, which another program has.
    fn reason(&self, name: &str) -> Option<&'static str> {
        self.refused.iter().find(|(names, _)| names.contains(&name)).map(|(_, reason)| *reason)
    }

    /// Returns the error for a flag that is not in the table, with the one that was probably meant.
    fn not_found(&self, typed: &str, why: NotFound) -> UsageError {
        let name = typed.trim_start_matches('-');
        match why {
            NotFound::Unknown => {
                if let Some(reason) = self.reason(name) {
                    return self.wrong(&format!("{typed} is not available: {reason}"));
                }
                let meant = typed.strip_prefix("--").and_then(|name| self.nearest(name));
                let advice = meant.map(|meant| format!("; did you mean --{meant}?"));
                self.wrong(&format!("unknown flag {typed:?}{}", advice.unwrap_or_default()))
            }
            NotFound::Ambiguous(names) => {
                let more = if names.len() > 6 { " and others" } else { "" };
                let names: Vec<_> = names.iter().take(6).map(|name| format!("--{name}")).collect();
                let names = names.join(", ");
                self.wrong(&format!("{typed} is ambiguous: it is the beginning of {names}{more}"))
            }
            NotFound::NoOpposite => self.wrong(&format!(
                "{typed}: --no- turns off what is on or off only; right: leave --{} out",
                name.trim_start_matches("no-")
            )),
        }
    }

    /// Returns the name that was probably meant.
    fn nearest(&self, name: &str) -> Option<String> {
        let names: Vec<&str> = self.flags().map(|flag| flag.long).collect();
        if let Some(meant) = nearest_flag(name, &names) {
            return Some(meant.to_owned());
        }
        let opposites: Vec<String> = self.flags().filter_map(Flag::opposite).collect();
        let opposites: Vec<&str> = opposites.iter().map(String::as_str).collect();
        nearest_flag(name, &opposites).map(str::to_owned)
    }

    /// Returns the long names of the flags among the arguments.
    pub(super) fn typed(&self, args: &[OsString]) -> Vec<&'static str> {
        let mut names = Vec::new();
        let mut parser = parser_of(args);
        while let Ok(Some(arg)) = parser.next() {
            if let Found::Flag(_, flag, _) = self.find(arg) {
                names.push(flag.long);
                if flag.value_name().is_some() {
                    let _ = parser.value();
                }
            }
        }
        names
    }

    /// Returns a command line as a shell takes it. The value of a flag that may be a secret is `***`.
    pub(super) fn shown(&self, args: &[OsString]) -> String {
        let mut words = vec![self.name.to_owned()];
        let mut parser = parser_of(args);
        while let Ok(Some(arg)) = parser.next() {
            let (typed, flag) = match self.find(arg) {
                Found::Operand(operand) => {
                    words.push(quote_for_shell(&operand.to_string_lossy()));
                    continue;
                }
                Found::Flag(typed, flag, _) => (typed, Some(flag)),
                Found::None(typed, _) => (typed, None),
            };
            words.push(typed);
            match flag.map(|flag| &flag.effect) {
                Some(Effect::Secret(..)) => {
                    words.push(parser.value().map_or("", |_| "***").to_owned())
                }
                Some(Effect::Value(..) | Effect::Config(..)) => {
                    let value = parser.value().unwrap_or_default();
                    words.push(quote_for_shell(&value.to_string_lossy()));
                }
                _ => {}
            }
        }
        words.join(" ")
    }
}

impl<T> Flag<T> {
    /// Returns the long name under which the flag is off, if it can be off.
    pub(super) fn opposite(&self) -> Option<String> {
        let is_switch = matches!(self.effect, Effect::Switch(_));
        is_switch.then(|| match self.long.strip_prefix("no-") {
            Some(positive) => positive.to_owned(),
            None => format!("no-{}", self.long),
        })
    }
}

impl<'p, T> Parsing<'p, T> {
    /// Begins with these options. `read` reads a file of flags.
    pub(super) fn new(command: &'p Command<T>, options: T, read: Read<'p>) -> Parsing<'p, T> {
        Parsing { command, before: Vec::new(), options, read, depth: 0 }
    }

    /// Returns all operations, of which there is at least one.
    pub(super) fn operations(mut self) -> Vec<T> {
        self.before.push(self.options);
        self.before
    }

    /// Applies arguments. Returns a text to be printed instead of running.
    pub(super) fn arguments(
        &mut self,
        args: impl IntoIterator<Item = OsString>,
    ) -> Result<Option<String>, UsageError> {
        let mut parser = parser_of(args);
        while let Some(arg) = parser.next().map_err(|error| self.command.wrong(&about(&error)))? {
            match self.command.find(arg) {
                Found::Operand(operand) => (self.command.operand)(&mut self.options, &operand)
                    .map_err(|Expected(right)| {
                        self.command.wrong(&format!("invalid argument: {right}"))
                    })?,
                Found::Flag(typed, flag, on) => {
                    if let Some(text) = self.apply(&typed, &flag.effect, on, &mut parser)? {
                        return Ok(Some(text));
                    }
                    let rest = parser.try_raw_args();
                    if self.depth > 0 && rest.is_some_and(|rest| !rest.as_slice().is_empty()) {
                        return Err(self.command.wrong(&format!("{typed} takes no value")));
                    }
                }
                Found::None(typed, why) => return Err(self.command.not_found(&typed, why)),
            }
        }
        Ok(None)
    }

    /// Applies a flag, whose value is the next argument. Returns a text to be printed instead of running.
    fn apply(
        &mut self,
        typed: &str,
        effect: &Effect<T>,
        on: bool,
        parser: &mut Parser,
    ) -> Result<Option<String>, UsageError> {
        let (command, options) = (self.command, &mut self.options);
        let wrong = |value: Option<&OsStr>, right| {
            let value = value.map(|value| format!(" {value:?}")).unwrap_or_default();
            command.invalid(&format!("{typed}: invalid value{value}"), right)
        };
        let mut value = |name: &str| {
            let missing = |_| command.wrong(&format!("{typed} requires a value: {name}"));
            parser.value().map_err(missing)
        };
        match effect {
            Effect::Help => return command.help_for(topic(parser).as_deref()).map(Some),
            Effect::Version => return Ok(Some(command.version())),
            Effect::Print(text) => return Ok(Some(text())),
            Effect::PrintFor(name, text) => {
                let value = value(name)?;
                return text(&value).map(Some).map_err(|right| wrong(Some(&value), right));
            }
            Effect::Switch(set) => set(options, on),
            Effect::Choice(set) => set(options),
            Effect::Next(next) => {
                let next = next(options);
                self.before.push(std::mem::replace(options, next));
            }
            Effect::Config(name) => {
                let file = value(name)?;
                return self.file(&file, typed);
            }
            Effect::Value(name, set) => {
                let value = value(name)?;
                set(options, &value).map_err(|right| wrong(Some(&value), right))?;
            }
            Effect::Secret(name, set) => {
                set(options, &value(name)?).map_err(|right| wrong(None, right))?;
            }
        }
        Ok(None)
    }

    /// Applies the flags of a file, which `by` names. Returns a text to be printed instead of running.
    pub(super) fn file(&mut self, file: &OsStr, by: &str) -> Result<Option<String>, UsageError> {
        let name = file.display();
        if self.depth == DEPTH {
            return Err(self
                .command
                .wrong(&format!("{by}: {name} is more than {DEPTH} files deep")));
        }
        let content = (self.read)(file).map_err(|error| {
            let what = format!("{by}: could not read {name}: {error}");
            UsageError { exit_code: 26, ..self.command.wrong(&what) }
        })?;
        let lines = config_file::parse(&content).map_err(|WrongLine { number, what }| {
            self.command.wrong(&format!("{name}:{number}: {what}"))
        })?;
        self.depth += 1;
        for line in lines {
            let place = |error: UsageError| UsageError {
                what: format!("{name}:{}: {}", line.number, error.what),
                ..error
            };
            let args = [Some(line.flag), line.value].into_iter().flatten();
            if let Some(text) = self.arguments(args).map_err(place)? {
                return Ok(Some(text));
            }
        }
        self.depth -= 1;
        Ok(None)
    }
}

fn parser_of<A: Into<OsString>>(args: impl IntoIterator<Item = A>) -> Parser {
    let mut parser = Parser::from_args(args.into_iter().map(Into::into));
    parser.set_short_equals(false); // -d=x is the data "=x", as with curl
    parser
}

/// Returns the word behind `--help`, if there is one.
fn topic(parser: &mut Parser) -> Option<OsString> {
    if let Some(attached) = parser.optional_value() {
        return Some(attached);
    }
    let next = parser.try_raw_args()?.next()?;
    Some(next).filter(|next| !next.as_encoded_bytes().starts_with(b"-"))
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
