//! The result of a measurement: its figures, and their forms as a page of text, JSON, a verdict, a
//! comparison. Pure: values in, text out.
//!
//! | file | what it makes |
//! |---|---|
//! | `text`, `url_rows` | a page of 80 columns; a row for each of several URLs |
//! | [`json`] | JSON, and its schema |
//! | [`fail_if`] | `--fail-if`: conditions, and whether they hold |
//! | [`compare`] | `--baseline`: this run beside an earlier one |

pub mod compare;
pub mod fail_if;
pub mod json;
mod text;
mod url_rows;

use std::time::Duration;

use hdrhistogram::{Counter, Histogram};

use super::load::{LATE_THRESHOLD, LoadResult, Pace, Plan, ServerCost, Timeline, UrlTally};
use crate::client::Request;
use crate::text::grouped;

pub use self::text::text;

/// The quantiles that are reported, by name; the last one is the maximum.
pub const QUANTILES: [(&str, f64); 8] = [
    ("p50", 0.5),
    ("p75", 0.75),
    ("p90", 0.9),
    ("p95", 0.95),
    ("p99", 0.99),
    ("p99.9", 0.999),
    ("p99.99", 0.9999),
    ("max", 1.0),
];

/// Above this share of its time a busy thread of the generator limits the figures.
const BUSY: f64 = 0.9;
/// Above this share of late requests the generator distorts the figures.
const OFTEN: f64 = 0.001;

/// The figures of one measurement.
#[derive(Debug)]
pub struct Summary {
    /// Method and URL; of several, all or the first, and how many there are.
    pub asked: String,
    /// The figures of each URL, if there are several.
    pub urls: Vec<UrlSummary>,
    /// How requests followed each other.
    pub pace: Pace,
    /// As planned.
    pub connections: usize,
    /// As planned.
    pub threads: usize,
    /// As planned.
    pub pipeline: usize,
    /// As planned.
    pub per_connection: Option<u64>,
    /// As planned.
    pub warm_up: Duration,
    /// Seconds measured.
    pub took: Duration,
    /// As planned; `None`: until the last response.
    pub duration: Option<Duration>,
    /// Complete responses.
    pub answers: u64,
    /// Responses that were complete in the measured time, whenever they were asked for.
    pub in_time: u64,
    /// Bytes of responses.
    pub bytes: u64,
    /// Bytes that arrived in the measured time.
    pub bytes_in_time: u64,
    /// The number of connections made.
    pub connections_made: u64,
    /// The number of responses of each status.
    pub statuses: Vec<(u16, u64)>,
    /// Responses with another status than 2xx.
    pub not_2xx: u64,
    /// Failed requests by reason, the most frequent first.
    pub failures: Vec<(String, u64)>,
    /// Times from when requests were due; `None` without a response.
    pub latency: Option<Latency>,
    /// At a rate: times from when they were sent.
    pub uncorrected: Option<Latency>,
    /// The worst waits over time.
    pub timeline: Timeline,
    /// The share of its time that each thread of the generator was busy.
    pub busy: Vec<f64>,
    /// Requests that the generator itself held up.
    pub late: u64,
    /// What a server on this machine has used.
    pub server: Option<ServerCost>,
}

/// The figures of one of several URLs.
#[derive(Debug)]
pub struct UrlSummary {
    /// Method and URL.
    pub asked: String,
    /// How often it was requested, compared with the others.
    pub weight: u32,
    /// Complete responses.
    pub answers: u64,
    /// Those with another status than 2xx.
    pub not_2xx: u64,
    /// Requests without a complete response.
    pub failed: u64,
    /// Times from when requests were due; `None` without a response.
    pub latency: Option<Latency>,
}

impl UrlSummary {
    /// Returns the number of requests that failed, and of responses other than 2xx.
    pub fn errors(&self) -> u64 {
        self.not_2xx + self.failed
    }
}

/// The distribution of the times of requests.
#[derive(Debug)]
pub struct Latency {
    /// How many times there are.
    pub samples: u64,
    /// At each of [`QUANTILES`].
    pub quantiles: [Duration; QUANTILES.len()],
    /// The mean.
    pub mean: Duration,
    /// The number of requests by time: up to the first bound of the distribution, the second, and so
    /// on.
    pub buckets: Vec<(Duration, u64)>,
}

impl Latency {
    /// Returns the distribution of these times; `None` if there are none.
    fn new<C: Counter>(histogram: &Histogram<C>) -> Option<Latency> {
        if histogram.is_empty() {
            return None;
        }
        let at = |quantile| Duration::from_nanos(histogram.value_at_quantile(quantile));
        let mut quantiles = QUANTILES.map(|(_, quantile)| at(quantile));
        quantiles[QUANTILES.len() - 1] = Duration::from_nanos(histogram.max());
        let mut buckets = Vec::new();
        let mut from = 0;
        for to in bounds() {
            let count = histogram.count_between(from, to);
            if from > histogram.max() {
                break;
            }
            buckets.push((Duration::from_nanos(to), count));
            from = to + 1;
        }
        let mean = Duration::from_secs_f64(histogram.mean() / 1e9);
        Some(Latency { samples: histogram.len(), quantiles, mean, buckets })
    }

    /// Returns the time at the quantile of this place in [`QUANTILES`]; `None` if there are so few samples that it is that
    /// of the longest one: the 99th percentile takes a hundred.
    pub fn measured(&self, place: usize) -> Option<Duration> {
        let (_, quantile) = QUANTILES.get(place)?;
        let is_max = place == QUANTILES.len() - 1;
        let is_known = is_max || self.samples as f64 * (1.0 - quantile) > 1.0 - 1e-9;
        self.quantiles.get(place).copied().filter(|_| is_known)
    }
}

impl Summary {
    /// Computes the figures of a measurement.
    pub fn new(plan: &Plan, outcome: &LoadResult) -> Summary {
        let tally = &outcome.tally;
        let mut failures: Vec<(String, u64)> =
            tally.failures.iter().map(|(failure, count)| (failure.to_string(), *count)).collect();
        failures.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        let is_rated = plan.pace != Pace::Closed;
        Summary {
            asked: asked(&plan.turns),
            urls: url_summaries(plan, &tally.urls),
            pace: plan.pace,
            connections: plan.connections,
            threads: outcome.busy.len(),
            pipeline: plan.pipeline,
            per_connection: plan.per_connection,
            warm_up: plan.warm_up,
            took: outcome.took,
            duration: plan.duration,
            answers: tally.answers,
            in_time: tally.in_time,
            bytes_in_time: tally.bytes_in_time,
            bytes: tally.bytes,
            connections_made: tally.connections,
            statuses: tally.statuses().collect(),
            not_2xx: tally.not_2xx(),
            failures,
            latency: Latency::new(&tally.from_due),
            uncorrected: is_rated.then(|| Latency::new(&tally.from_sent)).flatten(),
            timeline: tally.timeline.clone(),
            busy: outcome.busy.clone(),
            late: tally.late,
            server: outcome.server,
        }
    }

    /// Returns the number of requests without a complete response.
    pub fn failed(&self) -> u64 {
        self.failures.iter().map(|(_, count)| count).sum()
    }

    /// Returns that number, with the responses other than 2xx.
    pub fn errors(&self) -> u64 {
        self.failed() + self.not_2xx
    }

    /// Returns the number of requests that were due.
    pub fn requests(&self) -> u64 {
        self.answers + self.failed()
    }

    /// Returns the share of errors in all requests, from 0 to 1; 1 if there were no requests.
    pub fn error_share(&self) -> f64 {
        match self.requests() {
            0 => 1.0,
            all => self.errors() as f64 / all as f64,
        }
    }

    /// Returns complete responses a second in the measured time. The time in which the last responses come in, when
    /// no more requests are sent, would make slow servers look slower.
    pub fn per_second(&self) -> f64 {
        self.rate(self.in_time, self.answers)
    }

    /// Returns bytes received a second in the measured time.
    pub fn bytes_per_second(&self) -> f64 {
        self.rate(self.bytes_in_time, self.bytes)
    }

    /// Returns how many there were a second; of `all` if no response came in the measured time.
    fn rate(&self, in_time: u64, all: u64) -> f64 {
        let window = self.duration.map_or(self.took, |duration| self.took.min(duration));
        let (count, time) = if self.in_time == 0 { (all, self.took) } else { (in_time, window) };
        count as f64 / time.as_secs_f64().max(1e-9)
    }

    /// Returns a warning, if the generator itself limits or distorts the figures.
    pub fn caveats(&self) -> Vec<String> {
        let mut caveats = Vec::new();
        let busiest = self.busy.iter().copied().fold(0.0, f64::max);
        if busiest > BUSY {
            caveats.push(format!(
                "the load generator was the bottleneck: one of its threads was busy {:.0}% of the time, so the \
                 server may be faster than this; try --threads {}",
                busiest * 100.0,
                self.threads * 2,
            ));
        }
        let due = self.requests();
        if self.late as f64 > due as f64 * OFTEN {
            caveats.push(format!(
                "the load generator was late: {} requests were sent more than {LATE_THRESHOLD:?} after they were \
                 due, although a connection was free; the corrected figures include this delay",
                grouped(self.late),
            ));
        }
        caveats
    }
}

/// Returns what was requested: up to three URLs, or the first one and the number of the others.
fn asked(turns: &[Request]) -> String {
    let shown: Vec<String> = turns.iter().take(3).map(ToString::to_string).collect();
    match turns {
        [first, others @ ..] if turns.len() > 3 => {
            format!("{first} and {} more URLs", others.len())
        }
        _ => shown.join(", "),
    }
}

/// Returns the figures of each URL, if there are several.
fn url_summaries(plan: &Plan, tallies: &[UrlTally]) -> Vec<UrlSummary> {
    let urls = plan.turns.iter().zip(&plan.weights).zip(tallies);
    let summary = |((request, weight), tally): ((&Request, &u32), &UrlTally)| UrlSummary {
        asked: request.to_string(),
        weight: *weight,
        answers: tally.answers,
        not_2xx: tally.not_2xx,
        failed: tally.failed,
        latency: Latency::new(&tally.from_due),
    };
    urls.map(summary).collect()
}

/// Returns the upper bounds of the distribution's rows, in nanoseconds: 1, 2, 5, 10 µs and so on, to an hour.
fn bounds() -> impl Iterator<Item = u64> {
    let powers = (0..).map_while(|power| 1_000_u64.checked_mul(10_u64.checked_pow(power)?));
    powers.flat_map(|power| [power, 2 * power, 5 * power]).take_while(|&at| at < 5_000_000_000_000)
}
