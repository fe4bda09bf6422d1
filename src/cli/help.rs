//! The help texts, printed from the tables of flags: everything, one group, or what is used most.

use std::ffi::OsStr;

use super::{Command, Flag, UsageError};
use crate::text::wrap;

pub(super) const WIDTH: usize = 80;
/// Where the right column begins.
const COLUMN: usize = 31;

impl<T> Command<T> {
    /// Returns the text of `--help`: the flags that are used most, if the command has too many for a screen.
    pub(super) fn help(&self) -> String {
        if self.most_used.is_empty() {
            return self.help_for_all();
        }
        let mut text = format!("Usage: {} {}\n\n", self.name, self.usage);
        for (name, about) in self.most_used {
            if let Some(flag) = self.flags().find(|flag| flag.long == *name) {
                text.push_str(&help_line(&flag.synopsis(), about));
            }
        }
        let name = self.name;
        text.push_str(&format!(
            "\n{name} --help all prints all flags, {name} --help GROUP one group:\n"
        ));
        let groups = self.groups.iter().map(|(heading, _)| word_of(heading)).collect::<Vec<_>>();
        for line in wrap(&groups.join(" "), WIDTH - 2, WIDTH - 2) {
            text.push_str(&format!("  {line}\n"));
        }
        text
    }

    /// Returns the text of `--help all`.
    pub(super) fn help_for_all(&self) -> String {
        let mut text = format!("Usage: {} {}\n\n{}\n", self.name, self.usage, self.about);
        if !self.examples.is_empty() {
            text.push_str(&format!("\nExamples:\n{}", self.examples));
        }
        for (heading, flags) in self.groups {
            text.push_str(&format!("\n{}", group(heading, flags)));
        }
        text.push('\n');
        text.push_str(self.epilogue);
        text
    }

    /// Returns the text of `--help` and what follows.
    ///
    /// # Errors
    /// There is no such group.
    pub(super) fn help_for(&self, name: Option<&OsStr>) -> Result<String, UsageError> {
        let Some(name) = name else { return Ok(self.help()) };
        if name == "all" {
            return Ok(self.help_for_all());
        }
        let found = self.groups.iter().find(|(heading, _)| name == &*word_of(heading));
        found.map(|(heading, flags)| group(heading, flags)).ok_or_else(|| {
            let words: Vec<_> = self.groups.iter().map(|(heading, _)| word_of(heading)).collect();
            self.wrong(&format!("--help: no group {name:?}; right: all, {}", words.join(", ")))
        })
    }
}

impl<T> Flag<T> {
    /// Returns the flag as the help shows it: `-o, --output FILE`.
    pub(super) fn synopsis(&self) -> String {
        let short = self.short.map_or("    ".to_owned(), |short| format!("-{short}, "));
        let value = self.value_name().map(|name| format!(" {name}")).unwrap_or_default();
        format!("{short}--{}{value}", self.long)
    }
}

/// Returns the name of a group: the first word of its heading.
fn word_of(heading: &str) -> String {
    let word = heading.split([' ', ',']).next().unwrap_or_default();
    word.to_lowercase()
}

fn group<T>(heading: &str, flags: &[Flag<T>]) -> String {
    let lines = flags.iter().map(|flag| help_line(&flag.synopsis(), flag.help));
    format!("{heading}:\n{}", lines.collect::<String>())
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::client::COMMAND;

    #[test]
    fn a_group_fits_one_screen_and_has_a_name_of_its_own() {
        let mut words = Vec::new();
        for (heading, flags) in COMMAND.groups {
            let word = word_of(heading);
            assert!(!words.contains(&word) && word != "all", "{word} twice");
            let text = COMMAND.help_for(Some(OsStr::new(&word))).unwrap();
            assert_eq!(text, group(heading, flags));
            assert!(text.lines().count() <= 50, "{word}: {} lines", text.lines().count());
            words.push(word);
        }
    }

    #[test]
    fn help_alone_is_short_and_names_the_groups() {
        let text = COMMAND.help();
        assert!(text.lines().count() <= 40, "{text}");
        for (name, about) in COMMAND.most_used {
            let line = text.lines().find(|line| line.contains(&format!("--{name} ")));
            assert!(line.is_some_and(|line| line.ends_with(about)), "{name} in one line: {text}");
        }
        for (heading, _) in COMMAND.groups {
            assert!(text.contains(&word_of(heading)), "{heading}");
        }
        let wrong = COMMAND.help_for(Some(OsStr::new("nonsense"))).unwrap_err().to_string();
        assert!(wrong.contains("no group \"nonsense\"; right: all, request, "), "{wrong}");
    }
}
