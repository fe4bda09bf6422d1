//! `--baseline old.json`: this run beside an earlier one.

use serde_json::Value;

use super::json::{SCHEMA, figures};
use super::{QUANTILES, Summary};
use crate::text::{number, wrap_page};

/// The members that must be equal for two runs to be compared.
const WORK: [&str; 6] = ["asked", "rate", "connections", "threads", "pipeline", "per_connection"];

/// An earlier run.
#[derive(Debug)]
pub struct Baseline(Value);

impl Baseline {
    /// Reads what `--json-out` wrote.
    ///
    /// # Errors
    /// One line: the error, and how to make a valid file.
    pub fn parse(text: &str) -> Result<Baseline, String> {
        let value: Value = serde_json::from_str(text)
            .map_err(|error| format!("not JSON ({error}); right: a file that --json-out wrote"))?;
        match value["schema"].as_str() {
            Some(SCHEMA) => {}
            _ => {
                return Err(format!("not of schema {SCHEMA}; right: a file that --json-out wrote"));
            }
        }
        // A percentile of too few responses is null.
        let is_figure = |value: &Value| value.is_number() || value.is_null();
        let mut rows = rows().into_iter().map(|(_, path)| value.pointer(&path));
        match rows.all(|row| row.is_some_and(is_figure)) {
            true => Ok(Baseline(value)),
            false => {
                Err("figures are missing in it; right: a file that --json-out wrote".to_owned())
            }
        }
    }

    /// Returns both figures, and the change.
    pub fn table(&self, name: &str, summary: &Summary) -> String {
        // The same names lead to the same figures in both.
        let now = figures(summary);
        let figure = |value: &Value, path: &str| value.pointer(path).and_then(Value::as_f64);
        let shown = |figure: Option<f64>| figure.map_or("-".to_owned(), number);
        let mut table = format!("{:<22} {:>14} {:>14} {:>10}\n", "", "then", "now", "change");
        for (label, path) in rows() {
            let (then, now) = (figure(&self.0, &path), figure(&now, &path));
            let change = match (then, now) {
                (Some(then), Some(now)) if then != 0.0 => {
                    format!("{:+.1}%", (now / then - 1.0) * 100.0)
                }
                _ => "-".to_owned(),
            };
            table += &format!("{label:<22} {:>14} {:>14} {change:>10}\n", shown(then), shown(now));
        }
        let other: Vec<String> = WORK
            .iter()
            .filter(|name| self.0[**name] != now[**name])
            .map(|name| format!("{name} {} then, {} now", self.0[*name], now[*name]))
            .collect();
        if !other.is_empty() {
            table += &(wrap_page(&format!("not the same work: {}", other.join("; ")), 2) + "\n");
        }
        let remark = "One run each: a few per cent are noise; take the median of several.";
        format!("compared with {name}\n{table}{remark}\n")
    }
}

/// Returns the figures that are compared: name, and place in the JSON.
fn rows() -> [(String, String); QUANTILES.len() + 2] {
    let quantile = |name: &str| (format!("{name}, us"), format!("/latency_us/{name}"));
    let mut quantiles = QUANTILES.iter().map(|(name, _)| quantile(name));
    std::array::from_fn(|at| match at {
        0 => ("requests/s".to_owned(), "/requests_per_s".to_owned()),
        1 => ("errors".to_owned(), "/errors".to_owned()),
        _ => quantiles.next().unwrap_or_default(),
    })
}
