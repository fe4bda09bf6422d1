//! The statistics of a server: counters, gauges, and whether it is about to stop.
//!
//! A counter is an atomic number that only grows. A gauge is not counted but read where it is known when
//! it is requested (waiting connections, busy workers), or held by a guard (open connections): it cannot
//! drift. `/-/metrics` of the binary shows all of them.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::worker_lines;
use crate::net::admission::{ConnectionLimiter, RejectReason};
use crate::net::datagram::DatagramCounts;
use crate::net::service::{EndReason, Load};
use crate::net::stop_signal::StopSignal;
use crate::proto::http::close::CloseReason;
use crate::proto::http::error::Rule;
use crate::proto::http::status::Status;

/// What a server has counted since its start: requests, responses by status, broken rules, closed connections
/// and their reasons, bytes; and what it is doing now.
///
/// ```
/// use std::sync::Arc;
/// use threadbare::server::{Config, Router, Server, Stats};
///
/// let stats = Arc::new(Stats::default());
/// let metrics = Arc::clone(&stats);
/// let routes = Router::new().get("/metrics", move |_| metrics.prometheus()).build()?;
/// let server = Server::with_config(["127.0.0.1:0"], routes, Config { stats, ..Config::default() })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Stats {
    requests: Counter,
    /// Responses by status: 100 comes first.
    answers: Box<[Counter]>,
    /// By rule, as in [`Rule::ALL`].
    faults: Box<[Counter]>,
    /// By reason, as in [`CLOSES`]; a broken rule comes last.
    closes: [Counter; CLOSES.len() + 1],
    /// Connections of other protocols that ended, but not because the server stops.
    other_closes: Counter,
    shed: Counter,
    bytes_in: Counter,
    bytes_out: Counter,
    sources: OnceLock<Sources>,
}

/// Where the gauges are read.
pub(crate) struct Sources {
    pub(crate) stop: StopSignal,
    pub(crate) door: Arc<ConnectionLimiter>,
    pub(crate) lines_lost: Arc<AtomicU64>,
    pub(crate) load: Box<dyn Fn() -> Load + Send + Sync>,
    /// Returns the route whose handler has this number as a kind of work.
    pub(crate) name_of: Box<dyn Fn(u32) -> Option<String> + Send + Sync>,
}

#[derive(Debug, Default)]
struct Counter(AtomicU64);

/// The reasons why connections are closed, and their names in the metrics.
const CLOSES: [(CloseReason, &str); 16] = [
    (CloseReason::PeerAsked, "peer_asked"),
    (CloseReason::Http10, "http_1_0"),
    (CloseReason::WeAsked, "we_asked"),
    (CloseReason::EndOfBody, "end_of_body"),
    (CloseReason::RequestUnread, "request_unread"),
    (CloseReason::ResponseUnread, "answer_unread"),
    (CloseReason::Tunnel, "tunnel"),
    (CloseReason::BodyShort, "body_short"),
    (CloseReason::PeerClosed, "peer_closed"),
    (CloseReason::PeerLeft, "peer_left"),
    (CloseReason::Idle, "idle"),
    (CloseReason::SlowReader, "slow_reader"),
    (CloseReason::OutOfTime, "out_of_time"),
    (CloseReason::Stopping, "stopping"),
    (CloseReason::Dropped, "dropped"),
    (CloseReason::OnPurpose, "on_purpose"),
];

impl Counter {
    fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Default for Stats {
    fn default() -> Stats {
        let counters = |count| std::iter::repeat_with(Counter::default).take(count).collect();
        Stats {
            requests: Counter::default(),
            answers: counters(500),
            faults: counters(Rule::ALL.len()),
            closes: Default::default(),
            other_closes: Counter::default(),
            shed: Counter::default(),
            bytes_in: Counter::default(),
            bytes_out: Counter::default(),
            sources: OnceLock::new(),
        }
    }
}

impl Stats {
    /// Sets the sources of the gauges. Of two servers with the same statistics, the first one counts.
    pub(crate) fn runs(&self, sources: Sources) {
        let _ = self.sources.set(sources);
    }

    /// Counts a request whose head is complete.
    pub(crate) fn count_request(&self) {
        self.requests.add(1);
    }

    /// Counts a response that is complete, or was cut.
    pub(crate) fn count_response(&self, status: Status) {
        if let Some(counter) = self.answers.get(usize::from(status.code()).wrapping_sub(100)) {
            counter.add(1);
        }
    }

    /// Counts a request that broke a rule.
    pub(crate) fn count_fault(&self, rule: Rule) {
        self.faults[rule as usize].add(1);
    }

    /// Counts a connection that was ready with a request while the queue was full.
    pub(crate) fn count_shed(&self) {
        self.shed.add(1);
    }

    /// Counts a connection that is closed, or about to be.
    pub(crate) fn count_close(&self, why: CloseReason) {
        self.closes_for(why).add(1);
    }

    fn closes_for(&self, why: CloseReason) -> &Counter {
        let place = CLOSES.iter().position(|&(known, _)| known == why);
        &self.closes[place.unwrap_or(CLOSES.len())]
    }

    /// Counts a connection of another protocol than HTTP that is closed, or about to be.
    pub(crate) fn count_other_close(&self, ended: EndReason) {
        match ended {
            EndReason::ByService | EndReason::Dropped => self.other_closes.add(1),
            EndReason::Stopping | EndReason::Cut => self.count_close(CloseReason::Stopping),
        }
    }

    pub(crate) fn count_in(&self, bytes: usize) {
        self.bytes_in.add(bytes as u64);
    }

    pub(crate) fn count_out(&self, bytes: usize) {
        self.bytes_out.add(bytes as u64);
    }

    /// Returns the number of responses so far, complete or cut, of any status.
    pub fn responses(&self) -> u64 {
        self.answers.iter().map(Counter::get).sum()
    }

    /// Returns true if the server is stopping, or [about to](crate::server::StopSignal::begin_drain): a load
    /// balancer should send no new clients.
    pub fn is_stopping(&self) -> bool {
        self.sources.get().is_some_and(|sources| sources.stop.is_draining())
    }

    /// Returns where the gauges are read, once the server runs.
    pub(super) fn sources(&self) -> Option<&Sources> {
        self.sources.get()
    }

    /// Returns how often a connection was ready with a request while the queue was full.
    pub(super) fn requests_shed(&self) -> u64 {
        self.shed.get()
    }

    /// Returns what the workers are doing, as lines of text: two for all of them, and one for each. It is empty
    /// until the server runs.
    pub fn worker_lines(&self) -> Vec<String> {
        let of = |sources: &Sources| worker_lines::lines(&(sources.load)(), &sources.name_of);
        self.sources.get().map(of).unwrap_or_default()
    }

    /// Returns all figures in the Prometheus text format (version 0.0.4); their names begin with `threadbare_`.
    pub fn prometheus(&self) -> String {
        let mut page = MetricsPage::default();
        page.family("requests_total", "counter", "Requests whose head was complete.");
        page.line("requests_total", self.requests.get());
        page.family("answers_total", "counter", "Answers, complete or cut, by status.");
        for (code, count) in (100..).zip(self.answers.iter()).filter(|(_, one)| one.get() > 0) {
            page.line(&format!("answers_total{{code=\"{code}\"}}"), count.get());
        }
        page.family("faults_total", "counter", "Requests refused, by the rule that they broke.");
        for (rule, count) in Rule::ALL.iter().zip(&self.faults).filter(|(_, one)| one.get() > 0) {
            page.line(&format!("faults_total{{rule=\"{rule:?}\"}}"), count.get());
        }
        page.family("received_bytes_total", "counter", "Bytes read from connections.");
        page.line("received_bytes_total", self.bytes_in.get());
        page.family("sent_bytes_total", "counter", "Bytes written to connections let in.");
        page.line("sent_bytes_total", self.bytes_out.get());
        if let Some(Sources { door, lines_lost, load, .. }) = self.sources.get() {
            self.connections(door, &mut page);
            page.load(&load());
            page.family("log_lines_lost_total", "counter", "Lines the access log could not take.");
            page.line("log_lines_lost_total", lines_lost.load(Ordering::Relaxed));
        }
        page.0
    }

    /// Reads in this order, so that no connection is seen closed before it was seen open.
    fn connections(&self, door: &ConnectionLimiter, page: &mut MetricsPage) {
        let refused: u64 = RejectReason::ALL.iter().map(|&why| door.refused(why)).sum();
        let turned_away = refused + door.dropped();
        page.family("closed_total", "counter", "Connections closed, by reason.");
        let others = [
            (turned_away, "turned_away"),
            (self.closes[CLOSES.len()].get(), "fault"),
            (self.other_closes.get(), "other_protocol"),
        ];
        let names = CLOSES.iter().map(|&(_, name)| name);
        let closes = self.closes.iter().map(Counter::get).zip(names).chain(others);
        for (count, reason) in closes.filter(|&(count, _)| count > 0) {
            page.line(&format!("closed_total{{reason=\"{reason}\"}}"), count);
        }
        page.family("open", "gauge", "Connections open now, those on their last words among them.");
        page.line("open", door.open() as u64);
        page.family("accepted_total", "counter", "Connections accepted, let in or turned away.");
        page.line("accepted_total", door.accepted());
        page.family("overload_total", "counter", "Connections answered 503, by what was full.");
        for why in RejectReason::ALL {
            page.line(&format!("overload_total{{full=\"{}\"}}", why.name()), door.refused(why));
        }
        page.line("overload_total{full=\"ready\"}", self.shed.get());
        page.family(
            "dropped_total",
            "counter",
            "Connections dropped unanswered, by what they were.",
        );
        page.line("dropped_total{what=\"new\"}", door.dropped());
        page.line("dropped_total{what=\"ready\"}", self.closes_for(CloseReason::Dropped).get());
    }
}

impl std::fmt::Debug for Stats {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Stats({} requests)", self.requests.get())
    }
}

/// The text that is being built.
#[derive(Default)]
pub(crate) struct MetricsPage(pub(crate) String);

impl MetricsPage {
    /// Adds the head of a family of figures.
    pub(crate) fn family(&mut self, name: &str, kind: &str, help: &str) {
        let head = format!("# HELP threadbare_{name} {help}\n# TYPE threadbare_{name} {kind}\n");
        self.0.push_str(&head);
    }

    /// Adds a figure. `name` may have labels.
    pub(crate) fn line(&mut self, name: &str, value: u64) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "threadbare_{name} {value}");
    }

    fn load(&mut self, load: &Load) {
        self.family(
            "waiting",
            "gauge",
            "Connections that wait in the lobby, by what they wait for.",
        );
        for &(phase, count) in &load.waiting {
            self.line(&format!("waiting{{phase=\"{}\"}}", phase.name()), count as u64);
        }
        self.family("queued", "gauge", "Connections that wait for a worker: new, or ready again.");
        self.line("queued{what=\"new\"}", load.new as u64);
        self.line("queued{what=\"ready\"}", load.ready as u64);
        self.family("workers", "gauge", "Workers.");
        self.line("workers", load.workers as u64);
        self.family("busy_workers", "gauge", "Workers that serve a connection or a datagram now.");
        self.line("busy_workers", load.busy as u64);
        self.datagrams(load.datagrams);
    }

    fn datagrams(&mut self, counts: DatagramCounts) {
        let DatagramCounts { received, answered, dropped, unsent, ignored } = counts;
        self.family("datagrams_total", "counter", "Datagrams, by what has become of them.");
        for (what, count) in [
            ("received", received),
            ("answered", answered),
            ("dropped", dropped),
            ("unsent", unsent),
            ("ignored", ignored),
        ] {
            self.line(&format!("datagrams_total{{what=\"{what}\"}}"), count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_to_close_has_a_name() {
        let stats = Stats::default();
        CLOSES.iter().for_each(|&(why, _)| stats.count_close(why));
        stats.count_close(CloseReason::Fault(Rule::HostMissing));
        assert!(stats.closes.iter().all(|counter| counter.get() == 1));
    }

    #[test]
    fn rules_are_in_their_places() {
        for (place, &rule) in Rule::ALL.iter().enumerate() {
            assert_eq!(rule as usize, place);
        }
    }
}
