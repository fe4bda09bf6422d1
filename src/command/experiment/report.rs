//! `report.md`: what was measured, how, where, and what it showed.

use super::design::Design;
use super::picture::Picture;
use super::results::{Run, generator_was_limit, of_combination, spread};
use crate::text::number;

/// What the report is about.
pub(super) struct Report<'r> {
    pub(super) title: &'r str,
    /// The command line, without secrets.
    pub(super) command: &'r str,
    pub(super) machine: &'r serde_json::Value,
    pub(super) design: &'r Design,
    pub(super) runs: &'r [Run],
    /// The pictures, and their files.
    pub(super) pictures: &'r [(Picture, String)],
}

/// The figures of the table, and how they are headed.
const COLUMNS: [(&str, &str); 5] = [
    ("requests_per_s", "requests/s"),
    ("p50_ms", "p50 ms"),
    ("p99_ms", "p99 ms"),
    ("errors", "errors"),
    ("server_cpu_us", "server µs each"),
];

impl Report<'_> {
    /// Returns the report as Markdown.
    pub(super) fn markdown(&self) -> String {
        let mut out = format!("# {}\n\n```text\n{}\n```\n\n", self.title, self.command);
        let machine = |name: &str| match &self.machine[name] {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let began = self.runs.iter().map(|run| run.when.as_str()).min().unwrap_or("never");
        out += &format!(
            "{}, {} cores, {}, {}; {} measurements, the first one at {began}. Each figure is the median, and \
             in brackets the 95% confidence interval of the median by bootstrap. `runs.csv` has every \
             measurement, `summary.csv` the minimum and maximum as well, `machine.json` the machine.\n\n",
            machine("processor"),
            machine("cores"),
            machine("system"),
            machine("client"),
            self.runs.len()
        );
        for (picture, file) in self.pictures {
            out += &format!("![{}, by {}]({file})\n\n", picture.y, picture.x);
        }
        out += &self.table();
        let limited: Vec<usize> = (0..self.design.combinations.len())
            .filter(|&place| generator_was_limit(of_combination(self.runs, place)))
            .collect();
        if !limited.is_empty() {
            out += "\nThe load generator was the limit here, for more than 90% of its time, and the server may be \
                    faster (hollow points; `--threads N` helps if there are cores for it):\n\n";
            for place in limited {
                out += &format!("- {}\n", self.design.words(place));
            }
        }
        out
    }

    fn table(&self) -> String {
        let names = self.design.names.iter().map(String::as_str);
        let heads: Vec<&str> = names.chain(["n"]).chain(COLUMNS.map(|(_, head)| head)).collect();
        let mut out = format!("| {} |\n|{}\n", heads.join(" | "), " ---: |".repeat(heads.len()));
        for (place, values) in self.design.combinations.iter().enumerate() {
            let runs = || of_combination(self.runs, place);
            if runs().next().is_none() {
                continue;
            }
            let mut cells = values.clone();
            cells.push(runs().count().to_string());
            cells.extend(COLUMNS.map(|(name, _)| match spread(runs(), name) {
                Some(one) if one.min < one.max => format!(
                    "{} [{}, {}]",
                    number(one.median),
                    number(one.interval.0),
                    number(one.interval.1)
                ),
                Some(one) if one.median == 0.0 => "0".to_owned(),
                Some(one) => number(one.median),
                None => "–".to_owned(),
            }));
            let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
            out += &format!("| {} |\n", cells.join(" | "));
        }
        out
    }
}
