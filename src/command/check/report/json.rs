//! The report as one object of JSON, with the schema `threadbare-check/1`.

use serde_json::{Value, json};

use super::super::outcome::{Outcome, Report};
use super::super::table::Stop;
use crate::text::escape_in_json;

/// Returns the whole report for the server with this URL.
pub fn json(report: &Report, url: &str) -> String {
    let sums = report.sums();
    let object = json!({
        "schema": "threadbare-check/1",
        "version": env!("CARGO_PKG_VERSION"),
        "server": url,
        "level_reached": report.level_reached().map(|level| level.name()),
        "stopped": report.stopped,
        "seconds": millis(report.time) / 1e3,
        "checks": report.outcomes.iter().map(outcome).collect::<Vec<_>>(),
        "process": report.process.as_ref().map(|process| json!({
            "peak_threads": process.peak_threads,
            "peak_memory_kb": process.peak_memory_kb,
            "crashes": process.crashes,
            "end": process.end,
        })),
        "sums": {
            "checks": sums.checks,
            "passed": sums.passed,
            "failed": sums.failed,
            "must": sums.must,
            "should": sums.should,
            "asked": sums.asked,
            "skipped": sums.skipped,
            "points": sums.points,
            "of": sums.of,
        },
    });
    let text = serde_json::to_string_pretty(&object).unwrap_or_default();
    escape_in_json(&text).replace("\\u000a", "\n") + "\n"
}

fn outcome(outcome: &Outcome) -> Value {
    let (word, message, at) = match &outcome.verdict {
        Ok(seen) => ("passed", seen, None),
        Err(Stop::Skip(why)) => ("skipped", why, None),
        Err(Stop::Fail(wrong)) => ("failed", &wrong.what, wrong.at),
    };
    let shown = outcome.heard.as_ref().filter(|_| outcome.has_failed());
    json!({
        "name": outcome.name,
        "level": outcome.level.name(),
        "outcome": word,
        "force": outcome.force.name(),
        "section": outcome.section,
        "message": message,
        "rule": outcome.asks,
        "right": outcome.right,
        "at": at,
        "points": if outcome.has_passed() { outcome.points } else { 0.0 },
        "of": outcome.points,
        "sent": shown.map(|heard| super::excerpt(&heard.sent)),
        "got": shown.map(|heard| super::excerpt(&heard.bytes)),
        "millis": millis(outcome.time),
    })
}

fn millis(time: std::time::Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
