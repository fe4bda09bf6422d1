//! A command line as text for people and for other programs: what the help text, the manual page (`man.rs`) and the
//! completions of the shells (`completions.rs`) are printed from.

use super::{Command, Effect, Flag};

/// A command line without the code behind its flags.
#[derive(Debug)]
pub(super) struct Page {
    /// The words before the flags: `client bench`.
    pub(super) name: &'static str,
    /// What follows the name in the usage line.
    pub(super) usage: &'static str,
    pub(super) about: &'static str,
    pub(super) examples: &'static str,
    /// The flags, under their headings.
    pub(super) groups: Vec<(&'static str, Vec<Row>)>,
    /// More headings, each with lines below it.
    pub(super) epilogue: &'static str,
}

/// A flag.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) short: Option<char>,
    pub(super) long: &'static str,
    /// The name of its value.
    pub(super) value: Option<&'static str>,
    pub(super) help: &'static str,
}

impl Page {
    /// Returns all flags.
    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.groups.iter().flat_map(|(_, rows)| rows)
    }
}

impl Row {
    /// Returns what the flag does in a few words: the help text up to its first pause.
    pub(super) fn summary(&self) -> &str {
        let end = ["; ", " (", ": ", ", which", ", such"]
            .iter()
            .filter_map(|pause| self.help.find(pause))
            .min();
        end.and_then(|end| self.help.get(..end)).unwrap_or(self.help)
    }

    /// Returns what a value may be.
    pub(super) fn takes(&self) -> Takes {
        match self.value {
            None => Takes::Nothing,
            Some(name)
                if ["FILE", "DIR", "PATH", "COMMAND"].iter().any(|word| name.contains(word)) =>
            {
                Takes::File
            }
            Some(name) => {
                let words: Vec<&str> = name
                    .split('|')
                    .filter(|word| {
                        word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
                    })
                    .collect();
                if words.len() > 1 { Takes::OneOf(words) } else { Takes::Anything }
            }
        }
    }
}

/// What the value of a flag may be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// There is no value.
    Nothing,
    /// The name of a file or a folder.
    File,
    /// One of these words, as far as they are known.
    OneOf(Vec<&'static str>),
    Anything,
}

impl<T> Command<T> {
    /// Returns the command line as text.
    pub(super) fn page(&self) -> Page {
        let rows = |flags: &'static [Flag<T>]| flags.iter().map(Flag::row).collect();
        Page {
            name: self.name,
            usage: self.usage,
            about: self.about,
            examples: self.examples,
            groups: self.groups.iter().map(|(heading, flags)| (*heading, rows(flags))).collect(),
            epilogue: self.epilogue,
        }
    }
}

impl<T> Flag<T> {
    fn row(&self) -> Row {
        Row { short: self.short, long: self.long, value: self.value_name(), help: self.help }
    }

    /// Returns the name of the value, if it takes one.
    pub(super) fn value_name(&self) -> Option<&'static str> {
        match self.effect {
            Effect::Value(name, _)
            | Effect::Secret(name, _)
            | Effect::PrintFor(name, _)
            | Effect::Config(name) => Some(name),
            Effect::Help
            | Effect::Version
            | Effect::Switch(_)
            | Effect::Choice(_)
            | Effect::Next(_)
            | Effect::Print(_) => None,
        }
    }
}
