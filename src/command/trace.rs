//! `--trace`: turns the events of a transfer into the rows of a waterfall, request by request.
//!
//! ```text
//! resolve ─ connect… ─ send ─ wait ─────────────────────── first byte ─ body ─ total
//!      or reuse               └ queue ─ parse ─ receive ─ handle    the server's half, if it tells
//! ```
//! A redirect, a retry and a stale connection each begin another request. A failed request shows the
//! phases it reached. The clocks of the two ends are never compared: the times that the server reports
//! are placed inside the wait, and the rest of the wait was spent in the network and in both kernels.
//! `Server-Timing` of other servers is listed without a place in the wait, which is unknown.

mod picture;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::waterfall::{Picture, Row, RowKind};
use crate::client::Endpoints;
use crate::client::Event;
use crate::client::in_one_line;
use crate::proto::http::server_timing::{Metric, metrics};
use crate::proto::http::status::Status;
use crate::sync::lock;
use crate::text::time;

/// How each connection of a client was opened, by number: the time that reuse saves.
pub type Opened = Arc<Mutex<HashMap<usize, Opening>>>;

/// How a connection was opened.
#[derive(Debug, Clone)]
pub struct Opening {
    /// The time of name lookup and connecting.
    took: Duration,
    /// The address of the server.
    ends: String,
}

/// Records the events of one transfer.
#[derive(Debug)]
pub struct Tracer {
    begun: Instant,
    legs: Mutex<Vec<RequestTrace>>,
    opened: Opened,
}

impl Tracer {
    /// Begins a transfer now.
    pub fn new(opened: &Opened) -> Tracer {
        Tracer { begun: Instant::now(), legs: Mutex::default(), opened: Arc::clone(opened) }
    }

    /// Records an event.
    pub fn observe(&self, event: &Event<'_>) {
        let now = self.begun.elapsed();
        record(&mut lock(&self.legs), &mut lock(&self.opened), now, event);
    }

    /// Returns a picture of each request so far.
    pub fn pictures(&self) -> Vec<Picture> {
        lock(&self.legs).iter().map(RequestTrace::picture).collect()
    }
}

/// One request, from the name lookup to the end of the response, as far as it came.
#[derive(Debug, Default)]
struct RequestTrace {
    title: String,
    begun: Duration,
    /// The time of its last event.
    ended: Duration,
    /// The phases before the request was sent that are complete.
    rows: Vec<Row>,
    /// The phases that have begun.
    open: Vec<PendingSpan>,
    connection: Option<usize>,
    head_length: usize,
    sent: Option<Duration>,
    first_byte: Option<Duration>,
    interim: Vec<(Duration, Status)>,
    head: Option<(Duration, Status)>,
    metrics: Vec<Metric>,
    /// The bytes of the body received.
    received: Option<u64>,
    /// Whether the whole body was received.
    is_complete: bool,
    /// Why it failed.
    failed: Option<String>,
    /// What followed the request.
    then: Option<String>,
    is_over: bool,
}

/// A phase that has begun.
#[derive(Debug)]
struct PendingSpan {
    label: &'static str,
    begun: Duration,
    /// The address that a connection attempt is for.
    address: Option<SocketAddr>,
}

/// Records an event: of the last request, or of a new one that begins with it.
fn record(
    legs: &mut Vec<RequestTrace>,
    opened: &mut HashMap<usize, Opening>,
    now: Duration,
    event: &Event<'_>,
) {
    let begins = matches!(
        event,
        Event::Resolving(_) | Event::Reusing(..) | Event::Stale(_) | Event::Connected(..)
    );
    if begins && legs.last().is_none_or(|leg| leg.is_over || leg.head.is_some()) {
        legs.push(RequestTrace { begun: now, ended: now, ..RequestTrace::default() });
    }
    if let Some(leg) = legs.last_mut() {
        leg.record(opened, now, event);
    }
}

impl RequestTrace {
    /// Records an event of this request.
    fn record(&mut self, opened: &mut HashMap<usize, Opening>, now: Duration, event: &Event<'_>) {
        match event {
            Event::Resolving(_)
            | Event::Resolved(..)
            | Event::Trying(_)
            | Event::Failed(..)
            | Event::Abandoned(_)
            | Event::Connected(..)
            | Event::Stale(_)
            | Event::Reusing(..) => {
                self.record_connection(opened, now, event);
                self.ended = now;
            }
            Event::Sending(_)
            | Event::Sent(_)
            | Event::FirstByte
            | Event::Interim(_)
            | Event::Head(_)
            | Event::Received(_)
            | Event::Trailers(_)
            | Event::Ended(_) => {
                self.record_message(now, event);
                self.ended = now;
            }
            _ => self.record_end(now, event),
        }
    }

    /// Records how the request gets its connection.
    fn record_connection(
        &mut self,
        opened: &mut HashMap<usize, Opening>,
        now: Duration,
        event: &Event<'_>,
    ) {
        match event {
            Event::Resolving(host) => {
                self.title = (*host).to_owned();
                self.open("resolve", now, None);
            }
            Event::Resolved(host, addresses) => {
                let list: Vec<_> = addresses.iter().map(|at| at.ip().to_string()).collect();
                let is_literal = list.iter().all(|ip| ip == host.trim_matches(['[', ']']));
                let note =
                    if is_literal { String::new() } else { format!("{host}: {}", list.join(", ")) };
                self.close(now, None, RowKind::Client, note);
            }
            Event::Trying(address) => self.open("connect", now, Some(*address)),
            Event::Failed(address, error) => {
                let note = format!("{address}: {}", in_one_line(*error));
                self.close(now, Some(*address), RowKind::Failed, note);
            }
            Event::Abandoned(address) => {
                let note = format!("{address}: another one was faster");
                self.close(now, Some(*address), RowKind::Wait, note);
            }
            Event::Connected(id, _, ends) => {
                self.connection = Some(*id);
                match ends {
                    Endpoints::Tcp { local, remote } => {
                        let note = format!(":{} → {remote} #{id}", local.port());
                        self.close(now, Some(*remote), RowKind::Client, note);
                    }
                    Endpoints::Unix(_) => {
                        self.rows.push(Row::said("connect", now, format!("{ends} #{id}")));
                    }
                }
                let ends = ends.to_string();
                opened.insert(*id, Opening { took: now.saturating_sub(self.begun), ends });
            }
            Event::Stale(id) => {
                let note = format!("#{id} had been closed by the server");
                self.rows.push(Row::said("reuse", now, note));
            }
            Event::Reusing(id, host) => {
                self.connection = Some(*id);
                (*host).clone_into(&mut self.title);
                let note = opened.get(id).map_or_else(
                    || format!("#{id}"),
                    |Opening { took, ends }| {
                        format!("{ends} #{id}; resolve and connect saved: {}", time(*took))
                    },
                );
                self.rows.push(Row::said("reuse", now, note));
            }
            _ => {}
        }
    }

    /// Records what is sent and received.
    fn record_message(&mut self, now: Duration, event: &Event<'_>) {
        match event {
            Event::Sending(head) => {
                self.title = title(head);
                self.head_length = head.len();
                self.open("send", now, None);
            }
            Event::Sent(body) => {
                let note = match body {
                    0 => format!("{} bytes", self.head_length),
                    body => format!("{} bytes and {body} of body", self.head_length),
                };
                self.close(now, None, RowKind::Client, note);
                self.sent = Some(now);
            }
            Event::FirstByte => self.first_byte = Some(now),
            Event::Interim(head) => self.interim.push((now, head.status)),
            Event::Head(head) => {
                self.head = Some((now, head.status));
                self.metrics = metrics(&head.headers);
            }
            Event::Received(bytes) => self.received = Some(*bytes),
            Event::Trailers(fields) => self.metrics.extend(metrics(fields)),
            Event::Ended(bytes) => (self.received, self.is_complete) = (Some(*bytes), true),
            _ => {}
        }
    }

    /// Records how the request ends, and what follows it.
    fn record_end(&mut self, now: Duration, event: &Event<'_>) {
        match event {
            Event::Kept(id, _) if self.connection == Some(*id) => {
                self.then = Some(format!("#{id} is kept"));
            }
            Event::Closed(id, why) if self.connection == Some(*id) && !self.is_over => {
                self.then = Some(format!("#{id} is closed: {why}"));
                if !self.is_complete && self.head.is_none() {
                    self.failed = Some(why.to_string());
                }
                // The close after a complete response is not part of its time.
                if !self.is_complete {
                    self.ended = now;
                }
            }
            Event::Redirected(_, url) => {
                self.is_followed_by(now, format!("leads to {url}"));
            }
            Event::Retry(number, pause) => {
                self.is_followed_by(now, format!("retry {number} in {}", time(*pause)));
            }
            Event::Reconnecting(_) => {
                let then = "it was stale: once more on a fresh connection";
                self.is_followed_by(now, then.to_owned());
            }
            Event::GaveUp(error) => {
                self.failed = Some(in_one_line(*error));
                if !self.is_over {
                    self.ended = now;
                }
                self.is_over = true;
            }
            _ => {}
        }
    }

    fn is_followed_by(&mut self, now: Duration, then: String) {
        if !self.is_complete {
            self.ended = now;
        }
        (self.then, self.is_over) = (Some(then), true);
    }

    fn open(&mut self, label: &'static str, begun: Duration, address: Option<SocketAddr>) {
        self.open.push(PendingSpan { label, begun, address });
    }

    /// Ends the phase that has begun with this address.
    fn close(&mut self, now: Duration, address: Option<SocketAddr>, kind: RowKind, note: String) {
        let at = self.open.iter().position(|open| open.address == address);
        let Some(PendingSpan { label, begun, .. }) = at.map(|at| self.open.remove(at)) else {
            return;
        };
        self.rows.push(Row::span(kind, label, begun, now, note));
    }
}

/// Returns `GET /path` and the host, from the head of a request.
fn title(head: &[u8]) -> String {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.lines();
    let line = lines.next().unwrap_or_default();
    let line = line.rsplit_once(' ').map_or(line, |(line, _)| line);
    let host = lines.find_map(|line| {
        line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("host"))
    });
    host.map_or(line.to_owned(), |(_, host)| format!("{line} from {host}"))
}

#[cfg(test)]
mod tests;
