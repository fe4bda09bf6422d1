//! The targets, and whether they were reached. They are printed and do not change the exit code, because a
//! busy machine can miss a target without a fault of the program.

use super::figures::{Figure, Figures};
use super::subject::{LOGGING, PEERS, Subject, WORKERS};

struct Target {
    what: &'static str,
    rows: &'static [&'static str],
    figure: Figure,
    against: Against,
    bound: Bound,
    target: Option<f64>,
    stretch: Option<f64>,
}

/// The figure by which ours is divided.
#[derive(Clone, Copy)]
enum Against {
    /// The lobby's figure by that of this server.
    Peer(Subject),
    /// The lobby's figure by the greatest of all other servers.
    Best,
    /// The figure with access log by that of nginx with access log.
    Logging,
    /// The figure with `Server-Timing` by that of this server.
    Timing(Subject),
    /// Not divided.
    Alone,
    /// The greatest distance from the middle, among the figures for different numbers of workers.
    Spread,
}

#[derive(Debug, Clone, Copy)]
pub enum Bound {
    AtMost,
    AtLeast,
}

use Against::{Alone, Best, Logging, Peer, Spread, Timing};
use Bound::{AtLeast, AtMost};
use Figure::{Binary, Cpu, Memory, OfAllowed, OfNoneIdle, P99, P99OfAlone, Rate, Ready};
use Subject::{Floor, Hyper, Lobby, LobbyTiming, Nginx, TinyHttp};

const SMALL: &[&str] = &["small-16", "small-64", "small-256", "small-1024"];
const FEWER: &[&str] = &["small-16", "small-64", "small-256"];
const TIMED: &[&str] = &["timing", "timing-16"];
const MIXED: &[&str] = &["blocking-mix"];
const MOST: &[&str] = &["small-1024"];

const TARGETS: &[Target] = &[
    target("CPU, 16 to 1,024 connections, by nginx's", SMALL, Cpu, Peer(Nginx), AtMost, 0.9, 0.8),
    plain("CPU, the same, by hyper's", SMALL, Cpu, Peer(Hyper), AtMost, 0.9),
    plain("CPU, the same, by tiny_http's", SMALL, Cpu, Peer(TinyHttp), AtMost, 0.4),
    target("CPU, the same, by the floor's", SMALL, Cpu, Peer(Floor), AtMost, 1.2, 1.08),
    plain("requests/s, 16 to 256, by nginx's", FEWER, Rate, Peer(Nginx), AtLeast, 1.0),
    plain("requests/s, the same, by hyper's", FEWER, Rate, Peer(Hyper), AtLeast, 1.0),
    plain("requests/s, 1,024, by nginx's", MOST, Rate, Peer(Nginx), AtLeast, 0.95),
    plain("requests/s, the same, by hyper's", MOST, Rate, Peer(Hyper), AtLeast, 0.95),
    Target {
        target: None,
        ..target("requests/s, 16 to 1,024, by the best's", SMALL, Rate, Best, AtLeast, 1.0, 1.05)
    },
    target("p99, 16 to 1,024, by nginx's", SMALL, P99, Peer(Nginx), AtMost, 1.0, 0.7),
    target(
        "requests/s, 1 on one core, by the best's",
        &["one-core"],
        Rate,
        Best,
        AtLeast,
        1.0,
        1.1,
    ),
    target("CPU, 2 to 64 workers: +-", &["workers"], Cpu, Spread, AtMost, 0.15, 0.08),
    plain("pipelining, by nginx's", &["pipelining"], Rate, Peer(Nginx), AtLeast, 5.0),
    target("pipelining, by hyper's", &["pipelining"], Rate, Peer(Hyper), AtLeast, 1.0, 1.3),
    target("one request each, by nginx's", &["close"], Rate, Peer(Nginx), AtLeast, 0.85, 1.0),
    target("file of 4 KB, by nginx's", &["file-4k"], Rate, Peer(Nginx), AtLeast, 1.1, 1.3),
    target("file of 100 KB, by nginx's", &["file-100k"], Rate, Peer(Nginx), AtLeast, 1.2, 1.4),
    target("CPU, file of 100 MB, by nginx's", &["file-100m"], Cpu, Peer(Nginx), AtMost, 1.1, 1.0),
    target("CPU, log on, by nginx's", &["log"], Cpu, Logging, AtMost, 0.95, 0.85),
    untargeted("CPU with Server-Timing; 16 deep, by without", TIMED, Timing(Lobby)),
    untargeted("CPU with Server-Timing; 16 deep, by nginx's", TIMED, Timing(Nginx)),
    target(
        "requests/s among 10,000 idle, by none",
        &["idle"],
        OfNoneIdle,
        Alone,
        AtLeast,
        0.95,
        0.99,
    ),
    target("MB with 10,000 idle", &["idle"], Memory, Alone, AtMost, 12.0, 6.0),
    plain("p99 of small ones beside 1 % slow, by alone", MIXED, P99OfAlone, Alone, AtMost, 3.0),
    plain("requests/s, the same, by what is allowed", MIXED, OfAllowed, Alone, AtLeast, 0.95),
    target("ms to the first response", &["start"], Ready, Alone, AtMost, 10.0, 5.0),
    target("MB of program", &["start"], Binary, Alone, AtMost, 2.0, 1.0),
];

const fn target(
    what: &'static str,
    rows: &'static [&'static str],
    figure: Figure,
    against: Against,
    bound: Bound,
    target: f64,
    stretch: f64,
) -> Target {
    let (target, stretch) = (Some(target), Some(stretch));
    Target { what, rows, figure, against, bound, target, stretch }
}

const fn plain(
    what: &'static str,
    rows: &'static [&'static str],
    figure: Figure,
    against: Against,
    bound: Bound,
    least: f64,
) -> Target {
    Target { stretch: None, ..target(what, rows, figure, against, bound, least, least) }
}

/// A figure without a target.
const fn untargeted(what: &'static str, rows: &'static [&'static str], against: Against) -> Target {
    Target { target: None, ..plain(what, rows, Cpu, against, AtMost, 1.0) }
}

/// Prints one line for each target of which anything was measured.
pub fn print(figures: &Figures) {
    println!("\n{:<42} {:<21} {:<16} stretch", "ours", "", "target");
    for target in TARGETS {
        let values: Vec<f64> =
            target.rows.iter().filter_map(|row| target.value(figures, row)).collect();
        if values.is_empty() {
            continue;
        }
        let text: Vec<String> = values.iter().map(|value| format!("{value:.2}")).collect();
        let judge = |limit| target.judge(&values, limit);
        println!(
            "{:<42} {:<21} {:<16} {}",
            target.what,
            text.join(" "),
            judge(target.target),
            judge(target.stretch)
        );
    }
}

impl Target {
    fn value(&self, figures: &Figures, row: &str) -> Option<f64> {
        let get = |subject| figures.get(row, subject, self.figure);
        let errors = |subject| figures.get(row, subject, Figure::Errors).unwrap_or_default();
        match self.against {
            // A figure with errors does not count as fast.
            Peer(_) | Best | Alone if errors(Lobby) > 0.0 => Some(f64::NAN),
            Peer(peer) => Some(get(Lobby)? / get(peer)?),
            Best => {
                let best = PEERS.iter().filter_map(|&peer| get(peer)).max_by(f64::total_cmp)?;
                Some(get(Lobby)? / best)
            }
            Logging => Some(get(LOGGING[0])? / get(LOGGING[1])?),
            Timing(other) => Some(get(LobbyTiming)? / get(other)?),
            Alone => get(Lobby),
            Spread => {
                let all: Vec<f64> = WORKERS.iter().filter_map(|&subject| get(subject)).collect();
                let most = all.iter().copied().max_by(f64::total_cmp)?;
                let least = all.iter().copied().min_by(f64::total_cmp)?;
                Some((most - least) / (most + least))
            }
        }
    }

    /// Judges by the worst row; a row that was not measured leaves the target open.
    fn judge(&self, values: &[f64], limit: Option<f64>) -> String {
        limit.map_or(String::new(), |limit| self.bound.judge(values, limit, self.rows.len()))
    }
}

impl Bound {
    /// Returns whether all values are within a limit; `open` if some values are missing.
    pub fn judge(self, values: &[f64], limit: f64, wanted: usize) -> String {
        let (sign, is_within): (_, fn(f64, f64) -> bool) = match self {
            AtMost => ("<=", |value, limit| value <= limit),
            AtLeast => (">=", |value, limit| value >= limit),
        };
        let verdict = match values.iter().all(|&value| is_within(value, limit)) {
            true if values.len() < wanted => "open",
            true => "REACHED",
            false => "MISSED",
        };
        format!("{sign} {limit:<4} {verdict}")
    }
}
