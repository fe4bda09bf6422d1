//! The measurements: for each row, server and figure a sample for each round.

use std::collections::BTreeMap;

use super::rows::{Row, Work};
use super::subject::{SERVERS, Subject};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Figure {
    /// Responses per second.
    Rate,
    /// The same as a share of the rate without idle connections.
    OfNoneIdle,
    /// The server's processor time for each response, in microseconds.
    Cpu,
    /// The median time in microseconds.
    P50,
    P99,
    /// Resident, in megabytes.
    Memory,
    /// Responses per second as a share of the ideal: every worker is in a handler all the time.
    OfIdeal,
    /// The p99 divided by the ideal one: every connection waits until the others have been served once.
    P99OfIdeal,
    /// The server's processor time as a share of all cores.
    Cores,
    /// Responses per second without slow requests among the others.
    RateAlone,
    /// The p99 without slow requests, in microseconds.
    P99Alone,
    /// The p99 of the small requests divided by the one without slow requests.
    P99OfAlone,
    /// Responses per second as a share of what a queue of both kinds of requests allows.
    OfAllowed,
    /// The errors of all rounds.
    Errors,
    /// The time from start to first response, in milliseconds.
    Ready,
    /// The size of the program, in megabytes.
    Binary,
}

#[derive(Debug, Default)]
pub struct Figures(BTreeMap<(String, Subject, Figure), Vec<f64>>);

impl Figure {
    fn title(self) -> &'static str {
        match self {
            Figure::Rate => "requests/s",
            Figure::OfNoneIdle => "of none idle",
            Figure::Cpu => "CPU us",
            Figure::P50 => "p50 us",
            Figure::P99 => "p99 us",
            Figure::Memory => "MB",
            Figure::OfIdeal => "of ideal",
            Figure::P99OfIdeal => "p99 of ideal",
            Figure::Cores => "of cores",
            Figure::RateAlone => "alone/s",
            Figure::P99Alone => "p99 alone us",
            Figure::P99OfAlone => "p99 of alone",
            Figure::OfAllowed => "of allowed",
            Figure::Errors => "errors",
            Figure::Ready => "ready ms",
            Figure::Binary => "program MB",
        }
    }

    fn decimals(self) -> usize {
        match self {
            Figure::Rate | Figure::P50 | Figure::P99 | Figure::Errors => 0,
            Figure::RateAlone | Figure::P99Alone => 0,
            Figure::Memory | Figure::Ready => 1,
            Figure::Cpu | Figure::OfNoneIdle | Figure::Binary => 2,
            Figure::OfIdeal | Figure::P99OfIdeal | Figure::Cores => 2,
            Figure::P99OfAlone | Figure::OfAllowed => 2,
        }
    }
}

impl Figures {
    /// `row` is the name of a row, or of one line of it.
    pub fn add(&mut self, row: &str, subject: Subject, figure: Figure, sample: f64) {
        self.0.entry((row.to_owned(), subject, figure)).or_default().push(sample);
    }

    /// Returns the median; of an even number the mean of the two in the middle. Errors are added up.
    pub fn get(&self, row: &str, subject: Subject, figure: Figure) -> Option<f64> {
        let mut samples = self.0.get(&(row.to_owned(), subject, figure))?.clone();
        if figure == Figure::Errors {
            return Some(samples.iter().sum());
        }
        samples.sort_by(f64::total_cmp);
        let middle = samples.len() / 2;
        match samples.len() % 2 {
            1 => Some(samples[middle]),
            _ => Some((samples.get(middle.checked_sub(1)?)? + samples[middle]) / 2.0),
        }
    }

    pub fn print(&self, row: &Row) {
        println!("\n{}: {}", row.name, row.what);
        print!("{:<13}", "");
        row.figures().iter().for_each(|figure| print!(" {:>12}", figure.title()));
        println!();
        for &subject in row.who() {
            let figures = row.figures().iter();
            let cells: Option<String> = figures
                .map(|&figure| {
                    let value = self.get(row.name, subject, figure)?;
                    Some(format!(" {value:>12.*}", figure.decimals()))
                })
                .collect();
            if let Some(cells) = cells {
                println!("{:<13}{cells}", subject.name());
            }
        }
    }

    /// Returns the rows that all servers have in common as one table, for a README.
    pub fn print_markdown(&self, rows: &[&Row]) {
        println!("\n| thousands of requests/s, CPU us for each |{}", join(SERVERS, Subject::name));
        println!("|---|{}", join(SERVERS, |_| "--:".to_owned()));
        for row in rows.iter().filter(|row| matches!(row.work, Work::Load(_))) {
            let cell = |subject| {
                let get = |figure| self.get(row.name, subject, figure);
                match (get(Figure::Rate), get(Figure::Cpu)) {
                    (Some(rate), Some(cpu)) if rate < 1e4 => format!("{:.2}, {cpu:.0}", rate / 1e3),
                    (Some(rate), Some(cpu)) => format!("{:.0}, {cpu:.2}", rate / 1e3),
                    _ => String::new(),
                }
            };
            if row.who().starts_with(&[Subject::Lobby]) {
                println!("| {} |{}", row.what, join(SERVERS, cell));
            }
        }
    }
}

fn join(subjects: &[Subject], cell: impl Fn(Subject) -> String) -> String {
    subjects.iter().map(|&subject| format!(" {} |", cell(subject))).collect()
}
