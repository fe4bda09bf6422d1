//! Completions for bash, zsh and fish, printed from the tables of flags.
//!
//! The first page is that of the program, the others are those of its commands, which are complete words behind its name.

use std::ffi::OsStr;

use super::Expected;
use super::page::{Page, Row, Takes};

/// Returns the completions for a shell.
///
/// # Errors
/// For any other shell.
pub(super) fn completions(shell: &OsStr, pages: &[Page]) -> Result<String, Expected> {
    match shell.to_str() {
        Some("bash") => Ok(bash(pages)),
        Some("zsh") => Ok(zsh(pages)),
        Some("fish") => Ok(fish(pages)),
        _ => Err(Expected("bash, zsh or fish")),
    }
}

/// Returns the program's name, and the words of its commands.
fn names(pages: &[Page]) -> (&'static str, Vec<&'static str>) {
    let name = pages.first().map_or("", |page| page.name);
    (name, pages.iter().filter_map(command).collect())
}

/// Returns the word of a command: `bench` of `client bench`.
fn command(page: &Page) -> Option<&'static str> {
    page.name.split_once(' ').map(|(_, word)| word)
}

/// Returns a flag as it is typed: `-o` and `--output`.
fn typed(row: &Row) -> impl Iterator<Item = String> {
    row.short.map(|short| format!("-{short}")).into_iter().chain([format!("--{}", row.long)])
}

fn bash(pages: &[Page]) -> String {
    let (name, commands) = names(pages);
    let mut text = format!(
        "# bash completions for {name}: source <({name} --completions bash)\n\
         _{name}() {{\n    \
             local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD - 1]}} flags\n    \
             COMPREPLY=()\n    \
             case ${{COMP_WORDS[1]}} in\n"
    );
    for page in pages.iter().skip(1).chain(pages.first()) {
        let flags: Vec<String> = page.rows().flat_map(typed).collect();
        text.push_str(&format!(
            "    {})\n        flags='{}'\n        case $prev in\n",
            command(page).unwrap_or("*"),
            flags.join(" ")
        ));
        for row in page.rows() {
            let pattern = typed(row).collect::<Vec<_>>().join(" | ");
            let action = match row.takes() {
                Takes::Nothing => continue,
                Takes::File => "mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")".to_owned(),
                Takes::OneOf(words) => format!(
                    "mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$cur\")",
                    words.join(" ")
                ),
                Takes::Anything => ":".to_owned(),
            };
            text.push_str(&format!("        {pattern}) {action}; return ;;\n"));
        }
        text.push_str("        esac\n        ;;\n");
    }
    text.push_str("    esac\n");
    if !commands.is_empty() {
        text.push_str(&format!(
            "    if [ \"$COMP_CWORD\" = 1 ] && [[ $cur != -* ]]; then\n        \
                 mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$cur\")\n        return\n    fi\n",
            commands.join(" ")
        ));
    }
    text.push_str(&format!(
        "    if [[ $cur == -* ]]; then\n        \
             mapfile -t COMPREPLY < <(compgen -W \"$flags\" -- \"$cur\")\n    \
         else\n        \
             mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n    \
         fi\n}}\n\
         complete -o filenames -F _{name} {name}\n"
    ));
    text
}

fn zsh(pages: &[Page]) -> String {
    let (name, commands) = names(pages);
    let mut text = format!(
        "#compdef {name}\n# zsh completions for {name}: source <({name} --completions zsh)\n_{name}() {{\n    case $words[2] in\n"
    );
    for page in pages.iter().skip(1).chain(pages.first()) {
        text.push_str(&format!("    {})\n        _arguments -s", command(page).unwrap_or("*")));
        for row in page.rows() {
            let value = match (row.value, row.takes()) {
                (None, _) => String::new(),
                (Some(value), Takes::File) => format!(":{}:_files", zsh_word(value)),
                (Some(value), Takes::OneOf(words)) => {
                    format!(":{}:({})", zsh_word(value), words.join(" "))
                }
                (Some(value), _) => format!(":{}: ", zsh_word(value)),
            };
            for flag in typed(row) {
                text.push_str(&format!(
                    " \\\n            '*{flag}[{}]{value}'",
                    zsh_word(row.summary())
                ));
            }
        }
        let first = match (command(page), &commands[..]) {
            (None, [_, ..]) => format!(" \\\n            '1: :({} )'", commands.join(" ")),
            _ => String::new(),
        };
        text.push_str(&format!("{first} \\\n            '*: :_files'\n        ;;\n"));
    }
    text.push_str(&format!("    esac\n}}\ncompdef _{name} {name}\n"));
    text
}

/// Escapes what has a meaning in a specification of `_arguments` within single quotes.
fn zsh_word(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('[', "\\[")
        .replace(']', "\\]")
        .replace(':', "\\:")
        .replace('\'', "'\\''")
}

fn fish(pages: &[Page]) -> String {
    let (name, commands) = names(pages);
    let mut text = format!("# fish completions for {name}: {name} --completions fish | source\n");
    let all = commands.join(" ");
    for word in &commands {
        text.push_str(&format!("complete -c {name} -n __fish_use_subcommand -a {word}\n"));
    }
    for page in pages {
        let when = match (command(page), commands.is_empty()) {
            (Some(word), _) => format!(" -n '__fish_seen_subcommand_from {word}'"),
            (None, false) => format!(" -n 'not __fish_seen_subcommand_from {all}'"),
            (None, true) => String::new(),
        };
        for row in page.rows() {
            let short = row.short.map(|short| format!(" -s {short}")).unwrap_or_default();
            let value = match row.takes() {
                Takes::Nothing => String::new(),
                Takes::File => " -rF".to_owned(),
                Takes::OneOf(words) => format!(" -xa '{}'", words.join(" ")),
                Takes::Anything => " -x".to_owned(),
            };
            let help = row.summary().replace('\\', "\\\\").replace('\'', "\\'");
            text.push_str(&format!(
                "complete -c {name}{when}{short} -l {}{value} -d '{help}'\n",
                row.long
            ));
        }
    }
    text
}
