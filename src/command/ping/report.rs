//! What is said of each probe, and in the end: lines for people and for `grep`, or JSON. Pure.
//!
//! | member | what it is |
//! |---|---|
//! | `schema` | [`SCHEMA`] |
//! | `target` | scheme, host and port; with `http`, the URL |
//! | `interval_s` `wait_s` | the seconds of `-i` and `-W` |
//! | `sent` `received` `lost` `waiting` | probes; answered in time; not; still waiting when the run was stopped |
//! | `loss` | `lost` in all probes that are not waiting, from 0 to 1 |
//! | `late` `refused` `failed` | those of the lost ones that were answered too late, refused, failed otherwise |
//! | `duplicates` `reordered` `strangers` | further answers; answers out of order; datagrams that answer no probe |
//! | `rtt_us` | microseconds, of the answers in time: `min`, `mean`, `max`, `mdev`; `null` without one |
//! | `probes` | an object for each probe, in order |
//!
//! A probe has `seq`, `peer`, `sent_s` (seconds since the start), `outcome` (`answered`, `late`, `lost`,
//! `refused`, `failed`, `waiting`), `rtt_us`, `status` (with `http`), `reordered`, `duplicates` and `error`.
//!
//! Members may be added under the same schema; none changes its meaning.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};

use super::record::{Arrival, Outcome, Probe, Record, Summary};
use super::target::Target;
use crate::cli::ping::{PingMode, PingOptions};
use crate::proto::http::status::Status;
use crate::text::plural;

/// What the `schema` member says.
const SCHEMA: &str = "threadbare-ping/1";

/// Returns the first line.
pub(super) fn begin(target: &Target, peer: SocketAddr, options: &PingOptions) -> String {
    let every = options.interval;
    format!(
        "ping {target} ({peer}): {}, one every {every:?}\n",
        plural(options.count.into(), "probe")
    )
}

/// Returns the line about an answer.
pub(super) fn answer(
    mode: PingMode,
    number: usize,
    probe: &Probe,
    (arrival, after): (Arrival, Duration),
) -> String {
    let what = match (mode, probe.status) {
        (PingMode::Tcp, _) => "connected to".to_owned(),
        (_, Some(status)) => format!("{} from", status.code()),
        (_, None) => "answer from".to_owned(),
    };
    let remark = match arrival {
        Arrival::InTime { is_reordered: false } => "",
        Arrival::InTime { is_reordered: true } => " (reordered)",
        Arrival::Late => " (late)",
        Arrival::Duplicate => " (duplicate)",
    };
    line(&what, probe.peer, number, &format!(" time={} ms{remark}", ms(after)))
}

/// Returns the line about a probe that was lost, refused or failed.
pub(super) fn no_answer(mode: PingMode, number: usize, probe: &Probe, wait: Duration) -> String {
    match &probe.outcome {
        Outcome::Refused if mode == PingMode::Udp => {
            line("refused by", probe.peer, number, " (ICMP: port unreachable)")
        }
        Outcome::Refused => line("refused by", probe.peer, number, " (connection refused)"),
        Outcome::Failed(why) => line("no answer from", probe.peer, number, &format!(" ({why})")),
        _ => line("no answer from", probe.peer, number, &format!(" within {wait:?}")),
    }
}

/// Returns the line about a probe that is sent to another address.
pub(super) fn next_address(
    number: usize,
    tried: SocketAddr,
    why: &str,
    next: SocketAddr,
) -> String {
    line("no answer from", tried, number, &format!(" ({why}), trying {next}"))
}

fn line(what: &str, peer: SocketAddr, number: usize, rest: &str) -> String {
    format!("{what} {peer}: seq={}{rest}\n", number + 1)
}

/// Returns the figures in the end.
pub(super) fn end(target: &Target, summary: &Summary, strangers: u64) -> String {
    let Summary { sent, received, duplicates, reordered, late, refused, failed, .. } = summary;
    let mut text = format!(
        "--- {target} ---\n{sent} sent, {received} received, {}% lost; {}, {reordered} reordered, \
         {late} late, {refused} refused",
        percent(summary.loss()),
        plural(*duplicates, "duplicate"),
    );
    for (count, what) in [(*failed, "failed"), (summary.waiting, "not waited for")] {
        if count > 0 {
            text.push_str(&format!(", {count} {what}"));
        }
    }
    text.push('\n');
    if strangers > 0 {
        text.push_str(&format!("{} answered no probe\n", plural(strangers, "datagram")));
    }
    if let Some(times) = &summary.times {
        let [min, mean, max, deviation] =
            [times.min, times.mean, times.max, times.deviation].map(ms);
        text.push_str(&format!("rtt min/mean/max/mdev = {min}/{mean}/{max}/{deviation} ms\n"));
    }
    text
}

/// Returns `0.045`: milliseconds, to the microsecond.
fn ms(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64() * 1e3)
}

/// Returns `30`, or `33.3`.
fn percent(share: f64) -> String {
    let text = format!("{:.1}", share * 100.0);
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}

/// Returns probes and figures as JSON, in lines.
pub(super) fn json(
    target: &Target,
    options: &PingOptions,
    record: &Record,
    strangers: u64,
) -> String {
    let summary = record.summary();
    let times = summary.times.map(|times| {
        json!({
            "min": micros(times.min),
            "mean": micros(times.mean),
            "max": micros(times.max),
            "mdev": micros(times.deviation),
        })
    });
    let probes: Vec<Value> = record.probes().iter().enumerate().map(probe).collect();
    let value = json!({
        "schema": SCHEMA,
        "target": target.to_string(),
        "interval_s": options.interval.as_secs_f64(),
        "wait_s": options.wait.as_secs_f64(),
        "sent": summary.sent,
        "received": summary.received,
        "lost": summary.lost,
        "waiting": summary.waiting,
        "loss": summary.loss(),
        "late": summary.late,
        "refused": summary.refused,
        "failed": summary.failed,
        "duplicates": summary.duplicates,
        "reordered": summary.reordered,
        "strangers": strangers,
        "rtt_us": times,
        "probes": probes,
    });
    format!("{value:#}\n")
}

fn probe((number, probe): (usize, &Probe)) -> Value {
    let (outcome, after, is_reordered, error) = match &probe.outcome {
        Outcome::Waiting => ("waiting", None, false, None),
        Outcome::Answered { after, is_reordered } => {
            ("answered", Some(*after), *is_reordered, None)
        }
        Outcome::Lost => ("lost", None, false, None),
        Outcome::Late(after) => ("late", Some(*after), false, None),
        Outcome::Refused => ("refused", None, false, None),
        Outcome::Failed(why) => ("failed", None, false, Some(why)),
    };
    json!({
        "seq": number + 1,
        "peer": probe.peer.to_string(),
        "sent_s": probe.sent.as_secs_f64(),
        "outcome": outcome,
        "rtt_us": after.map(micros),
        "status": probe.status.map(Status::code),
        "reordered": is_reordered,
        "duplicates": probe.duplicates,
        "error": error,
    })
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_in_the_end() {
        let target = Target::parse("a:7", Some(PingMode::Udp)).unwrap();
        let mut record = Record::new(Duration::from_millis(100));
        let peer = "127.0.0.1:7".parse().unwrap();
        let at = Duration::from_millis;
        for number in 0..3 {
            record.send(peer, at(number));
        }
        record.answer(1, None, at(3));
        record.answer(0, None, at(4));
        record.answer(0, None, at(5));
        record.fail(2, Outcome::Refused);
        assert_eq!(
            end(&target, &record.summary(), 1),
            "--- udp://a:7 ---\n\
             3 sent, 2 received, 33.3% lost; 1 duplicate, 1 reordered, 0 late, 1 refused\n\
             1 datagram answered no probe\n\
             rtt min/mean/max/mdev = 2.000/3.000/4.000/1.000 ms\n"
        );
        let json: Value =
            serde_json::from_str(&json(&target, &PingOptions::default(), &record, 1)).unwrap();
        assert_eq!((&json["schema"], &json["loss"]), (&SCHEMA.into(), &(1.0 / 3.0).into()));
        assert_eq!((&json["rtt_us"]["mdev"], &json["wait_s"]), (&1000.0.into(), &1.0.into()));
        let first = &json["probes"][0];
        assert_eq!((&first["outcome"], &first["duplicates"]), (&"answered".into(), &1.into()));
        assert_eq!(first["reordered"], true);

        let summary = Summary { sent: 2, waiting: 1, failed: 1, lost: 1, ..Summary::default() };
        let text = end(&target, &summary, 0);
        let want = "2 sent, 0 received, 100% lost; 0 duplicates, 0 reordered, 0 late, 0 refused, 1 failed, \
                    1 not waited for\n";
        assert_eq!(text, format!("--- udp://a:7 ---\n{want}"));
    }
}
