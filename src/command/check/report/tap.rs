//! The report as TAP 14 (Test Anything Protocol): a line for each check, and for each failed one a block of YAML.

use super::super::outcome::{Outcome, Report};
use super::super::table::Stop;
use crate::text::{escape_controls, quote_json};

/// Returns the whole report.
pub fn tap(report: &Report) -> String {
    let mut text = format!("TAP version 14\n1..{}\n", report.outcomes.len());
    for (at, outcome) in report.outcomes.iter().enumerate() {
        text.push_str(&lines(at + 1, outcome));
    }
    if let Some(name) = &report.stopped {
        text.push_str(&format!("Bail out! the server stopped answering during {name}\n"));
    }
    text
}

fn lines(number: usize, outcome: &Outcome) -> String {
    let Outcome { name, section, force, level, asks, right, .. } = outcome;
    match &outcome.verdict {
        Ok(_) => format!("ok {number} - {name}\n"),
        Err(Stop::Skip(why)) => {
            format!("ok {number} - {name} # SKIP {}\n", escape_controls(why).replace('#', "\\#"))
        }
        Err(Stop::Fail(wrong)) => {
            let mut text = format!("not ok {number} - {name}\n  ---\n");
            let mut add = |key: &str, value: &str| {
                text.push_str(&format!("  {key}: {}\n", quote_json(value)));
            };
            add("message", &wrong.what);
            add("severity", force.name());
            add("level", level.name());
            add("section", section);
            add("rule", asks);
            add("right", right);
            if let Some(heard) = &outcome.heard {
                add("sent", &super::excerpt(&heard.sent));
                add("got", &super::excerpt(&heard.bytes));
            }
            text + "  ...\n"
        }
    }
}
