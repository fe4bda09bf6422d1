//! The report as the XML of JUnit, as far as its readers agree on it: a testsuite for each level.

use super::super::outcome::{Outcome, Report};
use super::super::table::Stop;
use crate::cli::client::check::Level;
use crate::text::escape_html;

/// Returns the whole report for the server with this URL.
pub fn junit(report: &Report, url: &str) -> String {
    let sums = report.sums();
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuites name=\"{}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\" time=\"{:.3}\">\n",
        xml(url),
        sums.checks,
        sums.failed,
        sums.skipped,
        report.time.as_secs_f64()
    );
    for level in Level::ALL {
        let of_level = report.outcomes.iter().filter(|outcome| outcome.level == level);
        let outcomes: Vec<&Outcome> = of_level.collect();
        if !outcomes.is_empty() {
            text.push_str(&suite(level, &outcomes));
        }
    }
    text + "</testsuites>\n"
}

fn suite(level: Level, outcomes: &[&Outcome]) -> String {
    let failed = outcomes.iter().filter(|outcome| outcome.has_failed()).count();
    let skipped =
        outcomes.iter().filter(|outcome| matches!(outcome.verdict, Err(Stop::Skip(_)))).count();
    let mut text = format!(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failed}\" skipped=\"{skipped}\">\n",
        level.name(),
        outcomes.len()
    );
    for outcome in outcomes {
        let (name, time) = (&outcome.name, outcome.time.as_secs_f64());
        let case = format!(
            "    <testcase classname=\"{}\" name=\"{name}\" time=\"{time:.3}\"",
            level.name()
        );
        match &outcome.verdict {
            Ok(_) => text.push_str(&format!("{case}/>\n")),
            Err(Stop::Skip(why)) => {
                text.push_str(&format!("{case}><skipped message=\"{}\"/></testcase>\n", xml(why)));
            }
            Err(Stop::Fail(wrong)) => {
                let Outcome { force, section, asks, right, .. } = outcome;
                text.push_str(&format!(
                    "{case}>\n      <failure type=\"{}\" message=\"{}\">{}</failure>\n",
                    force.name(),
                    xml(&wrong.what),
                    xml(&format!("{section}: {asks} Right: {right}"))
                ));
                if let Some(heard) = &outcome.heard {
                    let (sent, got) = (super::excerpt(&heard.sent), super::excerpt(&heard.bytes));
                    text.push_str(&format!(
                        "      <system-out>{}</system-out>\n",
                        xml(&format!("> {sent}\n< {got}"))
                    ));
                }
                text.push_str("    </testcase>\n");
            }
        }
    }
    text + "  </testsuite>\n"
}

/// Returns text that XML 1.0 may have: no control characters but line ends.
fn xml(text: &str) -> String {
    let is_allowed = |char: &char| {
        *char == '\n' || !char.is_control() && !matches!(char, '\u{FFFE}' | '\u{FFFF}')
    };
    escape_html(&text.chars().filter(is_allowed).collect::<String>())
}
