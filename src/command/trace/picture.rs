//! The rows of a request in a waterfall: its phases, and the server's times inside the wait.

use std::time::Duration;

use super::RequestTrace;
use crate::command::waterfall::{Picture, Row, RowKind};
use crate::proto::http::server_timing::Metric;
use crate::text::time;

impl RequestTrace {
    /// Returns the picture of the request: its phases in the order in which they began, then what failed, the
    /// wait, the body and the total.
    pub(super) fn picture(&self) -> Picture {
        let mut rows = self.rows.clone();
        rows.sort_by_key(|row| row.begins);
        let failed =
            || self.failed.as_ref().map_or("failed".to_owned(), |why| format!("failed: {why}"));
        for open in &self.open {
            let (label, begun) = (open.label, open.begun);
            rows.push(Row::span(RowKind::Failed, label, begun, self.ended, failed()));
        }
        if let Some(sent) = self.sent {
            self.wait(sent, &failed, &mut rows);
        }
        if let Some((at, _)) = self.head {
            match self.received {
                Some(0) if self.is_complete => {}
                Some(bytes) if self.is_complete => {
                    let note = format!("{bytes} bytes");
                    rows.push(Row::span(RowKind::Client, "body", at, self.ended, note));
                }
                bytes if self.failed.is_some() => {
                    let note = format!("{} bytes; {}", bytes.unwrap_or_default(), failed());
                    rows.push(Row::span(RowKind::Failed, "body", at, self.ended, note));
                }
                bytes => {
                    let note = format!("{} bytes, and no more was read", bytes.unwrap_or_default());
                    rows.push(Row::span(RowKind::Client, "body", at, self.ended, note));
                }
            }
        }
        let total = match self.is_complete && self.failed.is_some() {
            true => failed(),
            false => self.then.clone().unwrap_or_default(),
        };
        rows.push(Row::span(RowKind::Total, "total", self.begun, self.ended, total));
        Picture { title: self.title.clone(), begins: self.begun, ends: self.ended, rows }
    }

    /// Adds the rows of the time from the request's last byte to the response's first, and the server's
    /// share of it.
    fn wait(&self, sent: Duration, failed: &dyn Fn() -> String, rows: &mut Vec<Row>) {
        let until = match (self.first_byte, self.head) {
            (Some(first), Some(_)) if first >= sent && self.interim.is_empty() => first,
            (_, Some((head, _))) => head.max(sent),
            _ => {
                return rows.push(Row::span(RowKind::Failed, "wait", sent, self.ended, failed()));
            }
        };
        let wait = until - sent;
        let told: Duration = self.ours().map(|(_, took)| took).sum();
        let on_the_way = wait.saturating_sub(told);
        let note = match told {
            Duration::ZERO => String::new(),
            _ => format!("{} of it on the way", time(on_the_way)),
        };
        rows.push(Row::span(RowKind::Wait, "wait", sent, until, note));
        let (worker, request) = (self.number("worker"), self.number("request"));
        let mut begins = until.saturating_sub(on_the_way / 2 + told);
        for (label, took) in self.ours() {
            let note = match (label, worker, request, self.connection) {
                ("handle", Some(worker), Some(request), Some(id)) => {
                    format!("worker {worker}; request {request} on #{id}")
                }
                _ => String::new(),
            };
            rows.push(Row::span(RowKind::Server, label, begins, begins + took, note));
            begins += took;
        }
        for Metric { name, took, says } in
            self.metrics.iter().filter(|metric| !self.is_ours(metric))
        {
            rows.push(Row::listed(name, *took, says.clone().unwrap_or_default()));
        }
        for (at, status) in &self.interim {
            rows.push(Row::mark(
                "interim",
                *at,
                format!("after {}: {status}", time(*at - self.begun)),
            ));
        }
        if let Some((_, status)) = self.head {
            let note = format!("after {}: {status}", time(until - self.begun));
            rows.push(Row::mark("first byte", until, note));
        }
    }

    /// Returns the phases that this project's own server reports; they follow each other.
    fn ours(&self) -> impl Iterator<Item = (&'static str, Duration)> {
        let took = |name: &'static str| {
            let metric = self.metrics.iter().find(|metric| metric.name == name);
            metric.and_then(|metric| metric.took).map(|took| (name, took))
        };
        let all = ["queue", "parse", "handle"].into_iter().all(|name| took(name).is_some());
        let names = if all { &["queue", "parse", "receive", "handle"][..] } else { &[] };
        names.iter().filter_map(move |&name| took(name))
    }

    fn is_ours(&self, metric: &Metric) -> bool {
        self.ours().next().is_some()
            && ["queue", "parse", "receive", "handle", "worker", "request"]
                .contains(&metric.name.as_str())
    }

    fn number(&self, name: &str) -> Option<u64> {
        let metric = self.metrics.iter().find(|metric| metric.name == name)?;
        metric.says.as_ref()?.parse().ok()
    }
}
