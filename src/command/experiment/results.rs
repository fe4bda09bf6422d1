//! The measurements that were made, and their sums: `runs.csv` and `summary.csv`.

use super::design::{Design, Trial};
use super::figure::{FIGURES, GENERATOR_BUSY, place};
use super::spread::Spread;
use super::table::{fields, line, number};

/// A measurement that was made.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Run {
    /// When it began.
    pub(super) when: String,
    pub(super) trial: Trial,
    /// In the order of [`FIGURES`].
    pub(super) figures: Vec<Option<f64>>,
}

/// Above this share of its time, the load generator was the limit.
const BUSY: f64 = 0.9;

/// Returns the first line of `runs.csv`.
pub(super) fn header(design: &Design) -> String {
    let names = design.names.iter().map(String::as_str);
    let figures = FIGURES.iter().map(|figure| figure.name);
    line(["when"].into_iter().chain(names).chain(["repeat"]).chain(figures))
}

impl Run {
    /// Returns its line of `runs.csv`.
    pub(super) fn line(&self, design: &Design) -> String {
        let values = design.combinations[self.trial.combination].iter().cloned();
        let figures = self.figures.iter().map(|figure| figure.map_or(String::new(), number));
        let before = [self.when.clone()].into_iter().chain(values);
        let all: Vec<String> =
            before.chain([self.trial.repeat.to_string()]).chain(figures).collect();
        line(all.iter().map(String::as_str))
    }

    /// Returns the figure with this name.
    pub(super) fn figure(&self, name: &str) -> Option<f64> {
        self.figures[place(name)?]
    }
}

/// Parses a file that [`header`] and [`Run::line`] have written. A last line without its end was cut off, and
/// does not count.
///
/// # Errors
/// A sentence: it is the file of another experiment, or a line is wrong.
pub(super) fn parse(text: &str, design: &Design) -> Result<Vec<Run>, String> {
    let Some(lines) = text.strip_prefix(&header(design)) else {
        return Err("its columns are those of another experiment".to_owned());
    };
    let whole = lines.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let numbered = whole.lines().enumerate();
    numbered
        .map(|(number, text)| run(text, design).ok_or(format!("line {} is wrong", number + 2)))
        .collect()
}

fn run(text: &str, design: &Design) -> Option<Run> {
    let fields = fields(text)?;
    let (when, rest) = fields.split_first()?;
    let (values, rest) = rest.split_at_checked(design.names.len())?;
    let (repeat, figures) = rest.split_first()?;
    let combination = design.combinations.iter().position(|known| known == values)?;
    let figures: Vec<Option<f64>> = figures
        .iter()
        .map(|field| if field.is_empty() { Some(None) } else { field.parse().ok().map(Some) })
        .collect::<Option<_>>()?;
    let trial = Trial { combination, repeat: repeat.parse().ok()? };
    (figures.len() == FIGURES.len()).then(|| Run { when: when.clone(), trial, figures })
}

/// Returns `summary.csv`: a line for each combination that was measured.
pub(super) fn summary(design: &Design, runs: &[Run]) -> String {
    const PARTS: [&str; 5] = ["", "_min", "_max", "_low", "_high"];
    let columns =
        FIGURES.iter().flat_map(|figure| PARTS.map(|part| format!("{}{part}", figure.name)));
    let columns: Vec<String> = columns.collect();
    let names = design.names.iter().map(String::as_str);
    let mut text = line(names.chain(["n"]).chain(columns.iter().map(String::as_str)));
    for (combination, values) in design.combinations.iter().enumerate() {
        let count = of_combination(runs, combination).count();
        if count == 0 {
            continue;
        }
        let mut row: Vec<String> = values.clone();
        row.push(count.to_string());
        for figure in &FIGURES {
            let spread = spread(of_combination(runs, combination), figure.name);
            row.extend(spread.map_or([""; 5].map(str::to_owned), |one| {
                [one.median, one.min, one.max, one.interval.0, one.interval.1].map(number)
            }));
        }
        text += &line(row.iter().map(String::as_str));
    }
    text
}

/// Returns the measurements of a combination.
pub(super) fn of_combination(runs: &[Run], combination: usize) -> impl Iterator<Item = &Run> {
    runs.iter().filter(move |run| run.trial.combination == combination)
}

/// Returns the spread of a figure in these measurements.
pub(super) fn spread<'r>(runs: impl Iterator<Item = &'r Run>, name: &str) -> Option<Spread> {
    Spread::of(runs.filter_map(|run| run.figure(name)).collect())
}

/// Returns true if the load generator was the limit in one of these measurements.
pub(super) fn generator_was_limit<'r>(mut runs: impl Iterator<Item = &'r Run>) -> bool {
    runs.any(|run| run.figure(GENERATOR_BUSY).is_some_and(|busy| busy > BUSY))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> (Design, Vec<Run>) {
        let values = ["a,b", "c"].map(str::to_owned).to_vec();
        let design = Design::new(&[("policy".to_owned(), values)]);
        let run = |combination, repeat, rate| {
            let mut figures = vec![None; FIGURES.len()];
            figures[place("requests_per_s").unwrap()] = Some(rate);
            let trial = Trial { combination, repeat };
            Run { when: "2026-11-30T17:45:00Z".to_owned(), trial, figures }
        };
        (design, vec![run(0, 1, 10.0), run(1, 1, 20.5), run(0, 2, 30.0)])
    }

    #[test]
    fn what_is_written_is_read_again() {
        let (design, runs) = example();
        let lines: String = runs.iter().map(|run| run.line(&design)).collect();
        let text = header(&design) + &lines;
        assert_eq!(parse(&text, &design).unwrap(), runs);
        assert_eq!(parse(text.trim_end(), &design).unwrap(), runs[..2]);
        assert_eq!(parse(&header(&design), &design).unwrap(), []);
        assert!(parse("when,other\n", &design).is_err());
        assert!(parse(&text.replace("a,b", "x"), &design).unwrap_err().contains("line 2"));
    }

    #[test]
    fn a_combination_is_a_line_of_the_summary() {
        let (design, runs) = example();
        let text = summary(&design, &runs);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        let rate =
            fields(lines[0]).unwrap().iter().position(|name| name == "requests_per_s").unwrap();
        assert_eq!(fields(lines[1]).unwrap()[rate..rate + 3], ["20", "10", "30"]);
        assert!(lines[1].starts_with("\"a,b\",2,"));
    }
}
