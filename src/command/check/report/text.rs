//! The report for people: a line for each check; of each failed one what was sent, what came, a caret under the byte,
//! the rule, and what a right answer looks like.

use super::super::super::explain::explain;
use super::super::heard::{End, Heard};
use super::super::outcome::{Outcome, Report};
use super::super::select::Selected;
use super::super::table::{Stop, Wrong};
use crate::cli::client::check::CheckOptions;
use crate::command::server_process::ProcessUse;
use crate::proto::http::dump::Part;
use crate::proto::http::excerpt::Excerpt;
use crate::text::wire::About;
use crate::text::{escape_for_terminal, number, paint, size, wrap};

/// The lines of a message that are shown without `-v`.
const FEW: usize = 6;
/// The lines that are shown with it.
const MANY: usize = 200;
/// The columns of a line.
const WIDTH: usize = 100;

/// Returns the lines of a check.
pub fn outcome(outcome: &Outcome, options: &CheckOptions, colour: bool) -> String {
    let (level, name) = (outcome.level.name(), &outcome.name);
    let begin =
        |word: &str, ansi: &str| format!("{level:<10} {}  {name:<26}", paint(word, ansi, colour));
    match &outcome.verdict {
        Ok(_) | Err(Stop::Skip(_)) if options.silent => String::new(),
        Ok(seen) => line(&begin("PASS", "32"), seen),
        Err(Stop::Skip(why)) => line(&begin("SKIP", "33"), why),
        Err(Stop::Fail(wrong)) => failed(outcome, wrong, &begin("FAIL", "31"), options),
    }
}

fn line(begin: &str, words: &str) -> String {
    let words: String = escape_for_terminal(words.as_bytes()).chars().take(60).collect();
    format!("{begin} {words}").trim_end().to_owned() + "\n"
}

fn failed(outcome: &Outcome, wrong: &Wrong, begin: &str, options: &CheckOptions) -> String {
    let mut text = format!("{begin} {:<6} {}\n", outcome.force.name(), outcome.section);
    push(&mut text, "", &format!("{}.", sentence(&wrong.what)));
    if let Some(heard) = &outcome.heard {
        exchange(&mut text, heard, wrong.at, options);
    }
    push(&mut text, "rule:  ", &outcome.asks);
    push(&mut text, "right: ", &outcome.right);
    text
}

/// Adds a text below a check, broken into lines.
fn push(text: &mut String, label: &str, words: &str) {
    let columns = WIDTH - 8 - label.len();
    for (at, line) in
        wrap(&escape_for_terminal(words.as_bytes()), columns, columns).iter().enumerate()
    {
        let label = if at == 0 { label.to_owned() } else { " ".repeat(label.len()) };
        text.push_str(&format!("        {label}{line}\n"));
    }
}

/// Returns the text with a capital.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().to_string() + chars.as_str()).unwrap_or_default()
}

/// Adds what was sent, what came, and a caret under the wrong byte.
fn exchange(text: &mut String, heard: &Heard, at: Option<usize>, options: &CheckOptions) {
    let most = if options.verbose { MANY } else { FEW };
    shown(text, '>', &heard.sent, None, most, options);
    let (from, most) = match at {
        _ if options.verbose => (0, MANY),
        Some(at) => (beginning_of_message(heard, at), FEW),
        None => (0, 2),
    };
    shown(text, '<', &heard.bytes[from..], at.map(|at| at - from), most, options);
    let end = match heard.end {
        End::Open => return,
        End::Closed if heard.bytes.is_empty() => "closed without a byte",
        End::Closed => "closed",
        End::Reset => "the connection was reset",
        End::Late if heard.bytes.is_empty() => "not a byte came in time",
        End::Late => "nothing more came in time",
        End::Endless => "and so on",
    };
    text.push_str(&format!("        * {end}\n"));
}

/// Returns where the answer with this byte begins.
fn beginning_of_message(heard: &Heard, at: usize) -> usize {
    let mut begins = heard.answers.iter().map(|answer| answer.head.start);
    begins.rfind(|begin| *begin <= at).unwrap_or_default()
}

/// Adds the lines of a message, with a caret. Of a long one only its beginning, and the line with the caret.
fn shown(
    text: &mut String,
    mark: char,
    bytes: &[u8],
    at: Option<usize>,
    most: usize,
    options: &CheckOptions,
) {
    let (mut begin, mut left_out) = (0, 0);
    let mut is_head = true;
    for (number, line) in bytes.split_inclusive(|&byte| byte == b'\n').enumerate() {
        let end = begin + line.len();
        let caret = at.filter(|&at| (begin..end).contains(&at) || at == end && end == bytes.len());
        if number < most || caret.is_some() {
            if left_out > 0 {
                text.push_str(&format!("          ({left_out} more)\n"));
                left_out = 0;
            }
            let excerpt = Excerpt::new(line, caret.map_or(0, |at| at - begin));
            text.push_str(&format!("        {mark} {}\n", excerpt.line()));
            if caret.is_some() {
                text.push_str(&format!("          {}\n", excerpt.marker()));
            }
            if options.explain && is_head {
                for words in explain(About::Line(Part::Head, line)) {
                    push(text, "  ^ ", &words);
                }
            }
        } else {
            left_out += 1;
        }
        is_head &= !line.trim_ascii().is_empty();
        begin = end;
    }
    if left_out > 0 {
        let lines = if left_out == 1 { "line" } else { "lines" };
        text.push_str(&format!("          ({left_out} more {lines})\n"));
    }
}

/// Returns the names of the checks with what stands behind them; with `--explain` what each of them asks.
pub fn list(checks: &[Selected], options: &CheckOptions) -> String {
    let mut text = String::new();
    for check in checks {
        let Selected { name, level, force, section, .. } = check;
        let (level, force, points) = (level.name(), force.name(), points(check.points));
        text.push_str(&format!("{level:<10}  {name:<26} {force:<6} {points:>4}  {section}\n"));
        if options.explain {
            push(&mut text, "rule:  ", &check.asks);
            push(&mut text, "right: ", &check.right);
        }
    }
    text
}

/// Returns the sum of all checks, in two lines.
pub fn sum(report: &Report) -> String {
    let sums = report.sums();
    let mut parts = Vec::new();
    for (count, force) in [(sums.must, "MUST"), (sums.should, "SHOULD"), (sums.asked, "ASKED")] {
        if count > 0 {
            parts.push(format!("{count} {force}"));
        }
    }
    let parts = if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) };
    let level = report.level_reached().map_or("none", |level| level.name());
    let stopped = match &report.stopped {
        Some(name) => format!("The server stopped answering during {name}.\n"),
        None => String::new(),
    };
    let process = report.process.as_ref().map(|process| {
        let ProcessUse { peak_threads, peak_memory_kb, crashes, end } = process;
        let memory = size(*peak_memory_kb as f64 * 1024.0);
        format!("server: at most {peak_threads} threads and {memory}; {crashes} crashes; at the end {end}\n")
    });
    let process = process.unwrap_or_default();
    format!(
        "{stopped}{process}{} checks: {} passed, {} failed{parts}, {} skipped; {} of {} points; level reached: {level}\n",
        sums.checks,
        sums.passed,
        sums.failed,
        sums.skipped,
        points(sums.points),
        points(sums.of),
    )
}

/// Returns points without needless digits: `41`, `41.5`.
pub fn points(points: f64) -> String {
    match points.fract() == 0.0 {
        true => format!("{points:.0}"),
        false if (points * 2.0).fract() == 0.0 => format!("{points:.1}"),
        false => number(points),
    }
}
