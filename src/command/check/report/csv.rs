//! `--each`: a row of CSV (RFC 4180) for each server.

use super::super::outcome::Report;
use super::text::points;

/// The first row.
pub const TITLES: &str = "name,url,level,points,of,checks,passed,failed,must,should,asked,skipped,seconds,stopped,failures\n";

/// Returns the row of a server, or of one that could not be checked, and why.
pub fn row(name: &str, url: &str, outcome: &Result<Report, String>) -> String {
    let report = match outcome {
        Ok(report) => report,
        Err(why) => {
            return format!(
                "{},{},none,0,0,0,0,0,0,0,0,0,0,{},\n",
                cell(name),
                cell(url),
                cell(why)
            );
        }
    };
    let sums = report.sums();
    let failed = report.outcomes.iter().filter(|outcome| outcome.has_failed());
    let failures: Vec<&str> = failed.map(|outcome| &*outcome.name).collect();
    let stopped = report.stopped.as_ref().map(|name| format!("stopped answering during {name}"));
    format!(
        "{},{},{},{},{},{},{},{},{},{},{},{},{:.1},{},{}\n",
        cell(name),
        cell(url),
        report.level_reached().map_or("none", |level| level.name()),
        points(sums.points),
        points(sums.of),
        sums.checks,
        sums.passed,
        sums.failed,
        sums.must,
        sums.should,
        sums.asked,
        sums.skipped,
        report.time.as_secs_f64(),
        cell(&stopped.unwrap_or_default()),
        cell(&failures.join(" ")),
    )
}

/// Returns a cell, in quotes where it has to be. One that a spreadsheet would take for a formula is not.
fn cell(text: &str) -> String {
    let text =
        if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text.to_owned() };
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}
