//! `--each FILE`: many servers, several at a time, and a row of CSV for each in the order of the file.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;

use super::grade::grade;
use super::report::csv;
use super::select::Selected;
use crate::cli::client::check::CheckOptions;
use crate::command::error::{CommandError, print_stdout};
use crate::sync::lock;

/// The number of servers that are checked at a time: most of the time of a check is a wait.
const AT_ONCE: usize = 24;

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    name: String,
    url: String,
}

/// Checks each server of the file, and prints the rows. Returns 0: what is wrong is in the rows.
///
/// # Errors
/// When the file cannot be read, or the rows cannot be written.
pub fn run(path: &Path, options: &CheckOptions, checks: &[Selected]) -> Result<u8, CommandError> {
    let name = path.display().to_string();
    let text =
        fs::read_to_string(path).map_err(|error| CommandError::ReadData(name.clone(), error))?;
    let usual = options.client.urls.first().map(String::as_str);
    let lines =
        lines(&text, usual).map_err(|what| CommandError::Failed(26, format!("{name}: {what}")))?;
    print_stdout(csv::TITLES.as_bytes())?;
    let (give, take) = mpsc::channel();
    let left = Arc::new(Mutex::new(lines.into_iter().enumerate()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            let (left, give) = (Arc::clone(&left), give.clone());
            scope.spawn(move || {
                loop {
                    let Some((at, line)) = lock(&left).next() else { return };
                    let options = of_line(options, &line);
                    let outcome = grade(&options, checks.to_vec(), &mut |_| {});
                    let row = csv::row(
                        &line.name,
                        &line.url,
                        &outcome.map_err(|error| error.to_string()),
                    );
                    if give.send((at, row)).is_err() {
                        return; // stdout is closed
                    }
                }
            });
        }
        drop(give);
        in_order(take)
    })?;
    Ok(0)
}

/// Prints the rows as soon as those before them are printed.
fn in_order(rows: mpsc::Receiver<(usize, String)>) -> Result<(), CommandError> {
    let (mut waiting, mut next) = (BTreeMap::new(), 0);
    for (at, row) in rows {
        waiting.insert(at, row);
        while let Some(row) = waiting.remove(&next) {
            print_stdout(row.as_bytes())?;
            next += 1;
        }
    }
    Ok(())
}

/// Returns the options for a server: `{name}` is filled in.
fn of_line(options: &CheckOptions, line: &Line) -> CheckOptions {
    let mut options = options.clone();
    options.client.urls = vec![line.url.clone()];
    options.server = options.server.map(|command| command.replace("{name}", &line.name));
    let root =
        options.root.as_ref().map(|root| root.display().to_string().replace("{name}", &line.name));
    options.root = root.map(Into::into);
    options
}

/// Reads lines of a name and a URL; an empty line and one that begins with # say nothing.
fn lines(text: &str, usual: Option<&str>) -> Result<Vec<Line>, String> {
    let mut lines = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let line = match (&words[..], usual) {
            ([], _) => continue,
            ([first, ..], _) if first.starts_with('#') => continue,
            ([name, url], _) => Line { name: (*name).to_owned(), url: url.replace("{name}", name) },
            ([name], Some(url)) => {
                Line { name: (*name).to_owned(), url: url.replace("{name}", name) }
            }
            _ => {
                return Err(format!(
                    "line {} is not a name and a URL; right: ada http://127.0.0.1:8001/",
                    at + 1
                ));
            }
        };
        lines.push(line);
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_name_and_a_url() {
        let line = |name: &str, url: &str| Line { name: name.into(), url: url.into() };
        let read = lines("# class\n\nada :1/\n bob\t:2/{name}\n", None).unwrap();
        assert_eq!(read, [line("ada", ":1/"), line("bob", ":2/bob")]);
        assert_eq!(lines("ada", Some(":{port}/{name}")).unwrap(), [line("ada", ":{port}/ada")]);
        assert!(lines("ada", None).unwrap_err().starts_with("line 1 is not a name"));
        assert!(lines("a b c", None).is_err());
    }
}
