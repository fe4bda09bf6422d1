//! The figures of a measurement: the columns of `runs.csv`, and what pictures can show.

use crate::command::bench::report::{QUANTILES, Summary};

/// A figure: its name, what it is in words, and where it comes from.
#[derive(Debug)]
pub(super) struct Figure {
    /// The name of its column.
    pub(super) name: &'static str,
    /// What an axis says, with the unit.
    pub(super) words: &'static str,
    /// `None` if it was not measured.
    pub(super) of: fn(&Summary) -> Option<f64>,
}

/// All figures, in the order of the columns.
pub(super) const FIGURES: [Figure; 19] = [
    figure("seconds", "time measured (s)", |summary| Some(summary.took.as_secs_f64())),
    figure("answers", "responses", |summary| Some(summary.answers as f64)),
    figure("errors", "errors", |summary| Some(summary.errors() as f64)),
    figure("error_share", "share of errors", |summary| Some(summary.error_share())),
    figure("requests_per_s", "requests per second", |summary| Some(summary.per_second())),
    figure("bytes_per_s", "bytes per second", |summary| Some(summary.bytes_per_second())),
    figure("p50_ms", "median time (ms)", |summary| quantile(summary, "p50")),
    figure("p90_ms", "90th percentile (ms)", |summary| quantile(summary, "p90")),
    figure("p99_ms", "99th percentile (ms)", |summary| quantile(summary, "p99")),
    figure("p999_ms", "99.9th percentile (ms)", |summary| quantile(summary, "p99.9")),
    figure("max_ms", "longest time (ms)", |summary| quantile(summary, "max")),
    figure("mean_ms", "mean time (ms)", |summary| {
        summary.latency.as_ref().map(|latency| latency.mean.as_secs_f64() * 1e3)
    }),
    figure("connections_made", "connections made", |summary| Some(summary.connections_made as f64)),
    figure(GENERATOR_BUSY, "busiest thread of the generator (share)", |summary| {
        summary.busy.iter().copied().reduce(f64::max)
    }),
    figure("late", "late requests", |summary| Some(summary.late as f64)),
    figure("server_cpu_s", "processor time of the server (s)", |summary| {
        summary.server.map(|server| server.cpu.as_secs_f64())
    }),
    figure("server_cpu_us", "processor time of the server for each response (µs)", |summary| {
        let server = summary.server.filter(|server| server.answers > 0)?;
        Some(server.cpu.as_secs_f64() * 1e6 / server.answers as f64)
    }),
    figure("server_peak_rss_kb", "memory of the server (kB)", |summary| {
        summary.server.map(|server| server.peak_kb as f64)
    }),
    figure("server_threads", "threads of the server", |summary| {
        summary.server.map(|server| server.threads as f64)
    }),
];

/// The figure that says whether the load generator was the limit.
pub(super) const GENERATOR_BUSY: &str = "generator_busy";

const fn figure(
    name: &'static str,
    words: &'static str,
    of: fn(&Summary) -> Option<f64>,
) -> Figure {
    Figure { name, words, of }
}

/// Returns the place of the figure with this name.
pub(super) fn place(name: &str) -> Option<usize> {
    FIGURES.iter().position(|figure| figure.name == name)
}

/// Returns a quantile in milliseconds.
fn quantile(summary: &Summary, name: &str) -> Option<f64> {
    let place = QUANTILES.iter().position(|(known, _)| *known == name)?;
    summary.latency.as_ref().map(|latency| latency.quantiles[place].as_secs_f64() * 1e3)
}
