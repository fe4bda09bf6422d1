//! A measurement as JSON.
//!
//! | member | what it is |
//! |---|---|
//! | `schema` | [`SCHEMA`] |
//! | `when` `command` | the end of the measurement, in UTC; the command line, without secrets |
//! | `machine` | `host` `system` `processor` `cores` `memory`, and `client`: its version |
//! | `asked` | method and URL; of more than three URLs, the first and the number of the others |
//! | `urls` | of several URLs, for each: `asked` `weight` `answers` `not_2xx` `failed` `latency_us`; else `null` |
//! | `rate` | requests due in a second, `null` in a closed loop |
//! | `connections` `threads` `pipeline` `per_connection` | as planned; `per_connection` `null`: no limit |
//! | `keep_alive` | false with a connection for each request |
//! | `warm_up_s` `took_s` | seconds left out, and seconds measured |
//! | `answers` `bytes` `connections_made` | full answers, their bytes, and over how many connections |
//! | `requests_per_s` | `answers` in a second |
//! | `failed` `not_2xx` `errors` | not answered in full; answered with another status; both |
//! | `error_share` | `errors` in all requests, from 0 to 1; `null` if there were none |
//! | `latency_us` | microseconds by `p50` … `p99.99`, `max`, `mean`; at a rate from when requests were due; `null` without a response; a percentile is `null` where there are too few responses: 100 for `p99` |
//! | `uncorrected_latency_us` | the same from when they were sent; `null` in a closed loop |
//! | `statuses` `failures` | how often, by status code and by name |
//! | `timeline` | `slice_s`, and for each slice `worst_us`, `null` if no request was due in it, and `answers` |
//! | `generator` | `busy`: the share of its time for each thread; `late`: requests it held up, `null` in a closed loop |
//! | `server` | of a server on this machine: `answers` with those of the warm-up, `cpu_s` for these, `peak_rss_kb` since it started, `threads`; else `null` |
//!
//! Members may be added under the same schema; none changes its meaning.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{Latency, QUANTILES, Summary, UrlSummary};
use crate::command::bench::load::{Pace, Slice};

/// What the `schema` member says.
pub const SCHEMA: &str = "threadbare-bench/1";

/// Returns the measurement as JSON, in lines, with the members of `occasion`: when, where and how.
pub fn json(summary: &Summary, occasion: Map<String, Value>) -> String {
    let mut value = figures(summary);
    if let Value::Object(members) = &mut value {
        members.extend(occasion);
    }
    format!("{value:#}\n")
}

/// Returns the figures as JSON.
pub(super) fn figures(summary: &Summary) -> Value {
    let counts = |pairs: &mut dyn Iterator<Item = (String, u64)>| -> Map<String, Value> {
        pairs.map(|(name, count)| (name, count.into())).collect()
    };
    let mut statuses = summary.statuses.iter().map(|(code, count)| (code.to_string(), *count));
    let slices = summary.timeline.slices();
    json!({
        "schema": SCHEMA,
        "asked": summary.asked,
        "urls": (!summary.urls.is_empty()).then(|| summary.urls.iter().map(url).collect::<Vec<_>>()),
        "rate": match summary.pace { Pace::Closed => None, Pace::Rate(rate) => Some(rate) },
        "connections": summary.connections,
        "threads": summary.threads,
        "pipeline": summary.pipeline,
        "per_connection": summary.per_connection,
        "keep_alive": summary.per_connection != Some(1),
        "warm_up_s": summary.warm_up.as_secs_f64(),
        "took_s": summary.took.as_secs_f64(),
        "answers": summary.answers,
        "bytes": summary.bytes,
        "connections_made": summary.connections_made,
        "requests_per_s": summary.per_second(),
        "failed": summary.failed(),
        "not_2xx": summary.not_2xx,
        "errors": summary.errors(),
        "error_share": (summary.requests() > 0).then(|| summary.error_share()),
        "latency_us": summary.latency.as_ref().map(latency),
        "uncorrected_latency_us": summary.uncorrected.as_ref().map(latency),
        "statuses": counts(&mut statuses),
        "failures": counts(&mut summary.failures.iter().cloned()),
        "timeline": {
            "slice_s": summary.timeline.width().as_secs_f64(),
            "worst_us": slices.iter().map(worst).collect::<Vec<_>>(),
            "answers": slices.iter().map(|slice| slice.answers).collect::<Vec<_>>(),
        },
        "generator": { "busy": summary.busy, "late": (summary.pace != Pace::Closed).then_some(summary.late) },
        "server": summary.server.map(|server| json!({
            "answers": server.answers,
            "cpu_s": server.cpu.as_secs_f64(),
            "peak_rss_kb": server.peak_kb,
            "threads": server.threads,
        })),
    })
}

fn url(url: &UrlSummary) -> Value {
    json!({
        "asked": url.asked,
        "weight": url.weight,
        "answers": url.answers,
        "not_2xx": url.not_2xx,
        "failed": url.failed,
        "latency_us": url.latency.as_ref().map(latency),
    })
}

fn worst(slice: &Slice) -> Option<f64> {
    Some(slice.worst).filter(|worst| !worst.is_zero()).map(micros)
}

fn latency(latency: &Latency) -> Map<String, Value> {
    let names = QUANTILES.iter().map(|(name, _)| (*name).to_owned());
    let quantiles =
        names.enumerate().map(|(place, name)| (name, latency.measured(place).map(micros).into()));
    quantiles.chain([("mean".to_owned(), micros(latency.mean).into())]).collect()
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
