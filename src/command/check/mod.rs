//! `client check URL`: a grader for servers in any language.
//!
//! | file | what it does |
//! |---|---|
//! | [`table`] | what a check is; all of them |
//! | `first`, `http10`, `http11`, `conditional`, `concurrent`, `robust`, `secure` | the tables, by level |
//! | [`expect`], [`head_rules`], [`connection_rules`] | what the tables expect: pure functions of an answer |
//! | `cycle`, `order`, `proxy` | the checks of single assignments |
//! | [`origin`] | a server behind a proxy that is checked |
//! | [`routes`], [`packs`] | `--expect`, `--pack`: routes of an assignment, and its checks |
//! | [`mod@select`] | which checks are run, and their points |
//! | [`mod@grade`], [`mod@run`] | one server; its checks, and whether it still answers |
//! | [`each`] | `--each`: many servers |
//! | [`talk`] | raw connections, within limits |
//! | [`heard`] | what came, read without judging it |
//! | [`facts`], [`root`] | what is known of the server and of its folder |
//! | [`sample`] | `--server`: a folder for it |
//! | [`watch`] | `--wire`, `--transcript` |
//! | [`outcome`], [`report`] | what was found, the sums, and the report |

mod concurrent;
mod conditional;
pub mod connection_rules;
mod cycle;
pub mod each;
pub mod expect;
pub mod facts;
mod first;
pub mod grade;
pub mod head_rules;
pub mod heard;
mod http10;
mod http11;
mod order;
pub mod origin;
pub mod outcome;
pub mod packs;
mod proxy;
pub mod report;
mod robust;
pub mod root;
pub mod routes;
pub mod run;
pub mod sample;
mod secure;
pub mod select;
pub mod table;
pub mod talk;
pub mod watch;

use std::fs;
use std::io::{self, IsTerminal as _};
use std::path::Path;

use self::grade::grade;
use self::outcome::{Outcome, Report};
use self::report::fail_if::{self, Condition};
use self::report::{json, junit, tap, text};
use self::select::select;
use super::error::{CommandError, print_stdout};
use crate::cli::client::check::{CheckOptions, Format};
use crate::text::wants_colour;

/// Checks a server, prints the report, and returns the exit code.
///
/// # Errors
/// When nothing can be checked, or the report cannot be written.
pub fn run(options: &CheckOptions) -> Result<u8, CommandError> {
    let conditions = fail_if::parse(options.fail_if.as_deref().unwrap_or(fail_if::USUAL));
    let conditions = conditions.map_err(CommandError::Usage)?;
    let checks = select(options)?;
    if options.list {
        print_stdout(text::list(&checks, options).as_bytes())?;
        return Ok(0);
    }
    if let Some(file) = &options.each {
        return each::run(file, options, &checks);
    }
    let colour = io::stdout().is_terminal() && wants_colour();
    let json_to_stdout = options.json_out.as_deref() == Some(Path::new("-"));
    let is_text = options.format == Format::Text && !json_to_stdout;
    let mut printed = Ok(());
    let mut tell = |outcome: &Outcome| {
        if is_text && printed.is_ok() {
            printed = print_stdout(text::outcome(outcome, options, colour).as_bytes());
        }
    };
    let report = grade(options, checks, &mut tell)?;
    printed?;
    let url = options.client.urls.first().map(String::as_str).unwrap_or_default();
    if let Some(path) = options.json_out.as_deref().filter(|_| !json_to_stdout) {
        let written = fs::write(path, json::json(&report, url));
        written.map_err(|error| CommandError::Write(path.display().to_string(), error))?;
    }
    let page = match options.format {
        _ if json_to_stdout => json::json(&report, url),
        Format::Text => text::sum(&report),
        Format::Tap => tap::tap(&report),
        Format::Json => json::json(&report, url),
        Format::Junit => junit::junit(&report, url),
    };
    print_stdout(page.as_bytes())?;
    verdict(&report, &conditions)
}

/// Returns the exit code.
fn verdict(report: &Report, conditions: &[Condition]) -> Result<u8, CommandError> {
    if let Some(name) = &report.stopped {
        let what = format!("the server stopped answering during the check {name}");
        return Err(CommandError::Failed(22, what));
    }
    let sums = report.sums();
    let held: Vec<String> =
        conditions.iter().filter_map(|condition| condition.holds(&sums)).collect();
    match &held[..] {
        [] => Ok(0),
        held => Err(CommandError::Failed(99, held.join("; "))),
    }
}
