//! `--trace`: what the events of a transfer come to, request by request, as rows of a waterfall.
//!
//! ```text
//! resolve ─ connect… ─ send ─ wait ─────────────────────── first byte ─ body ─ total
//!      or reuse               └ queue ─ parse ─ receive ─ handle    the server's half, if it tells
//! ```
//! A redirect, a retry and a stale connection each begin another request. One that failed shows how far it
//! got. The clocks of the two ends are never compared: what the server says that it took is placed inside
//! the wait, and what is left of that was spent on the way, in the network and in both kernels. What other
//! servers say in `Server-Timing` is listed; nobody knows when in the wait that was.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::waterfall::{Kind, Picture, Row};
use crate::client::Endpoints;
use crate::client::Event;
use crate::client::in_one_line;
use crate::proto::http::server_timing::{Metric, metrics};
use crate::proto::http::status::Status;
use crate::sync::lock;
use crate::text::time;

/// How the connections of a client came about, by their numbers: what is saved when one is used again.
pub type Opened = Arc<Mutex<HashMap<usize, Opening>>>;

/// How a connection came about.
#[derive(Debug, Clone)]
pub struct Opening {
    /// How long looking up and connecting took.
    took: Duration,
    /// Where it leads.
    ends: String,
}

/// Watches the events of one transfer.
#[derive(Debug)]
pub struct Tracer {
    begun: Instant,
    legs: Mutex<Vec<Leg>>,
    opened: Opened,
}

impl Tracer {
    /// The transfer begins now.
    pub fn new(opened: &Opened) -> Tracer {
        Tracer { begun: Instant::now(), legs: Mutex::default(), opened: Arc::clone(opened) }
    }

    /// Something happened.
    pub fn observe(&self, event: &Event<'_>) {
        let now = self.begun.elapsed();
        see(&mut lock(&self.legs), &mut lock(&self.opened), now, event);
    }

    /// A picture of each request so far.
    pub fn pictures(&self) -> Vec<Picture> {
        lock(&self.legs).iter().map(Leg::picture).collect()
    }
}

/// One request, from the name of a host to the end of an answer, as far as it came.
#[derive(Debug, Default)]
struct Leg {
    title: String,
    begun: Duration,
    /// The last that was seen of it.
    ended: Duration,
    /// Up to the request: what is through.
    rows: Vec<Row>,
    /// What is under way.
    open: Vec<Open>,
    connection: Option<usize>,
    head_length: usize,
    sent: Option<Duration>,
    first_byte: Option<Duration>,
    interim: Vec<(Duration, Status)>,
    head: Option<(Duration, Status)>,
    metrics: Vec<Metric>,
    /// How much of the body has come; and whether that is all.
    received: Option<u64>,
    is_complete: bool,
    /// Why it failed.
    failed: Option<String>,
    /// What followed.
    then: Option<String>,
    is_over: bool,
}

/// Something under way.
#[derive(Debug)]
struct Open {
    label: &'static str,
    begun: Duration,
    /// For an attempt to connect.
    address: Option<SocketAddr>,
}

/// Takes note of an event.
fn see(
    legs: &mut Vec<Leg>,
    opened: &mut HashMap<usize, Opening>,
    now: Duration,
    event: &Event<'_>,
) {
    let begins = matches!(
        event,
        Event::Resolving(_) | Event::Reusing(..) | Event::Stale(_) | Event::Connected(..)
    );
    if begins && legs.last().is_none_or(|leg| leg.is_over || leg.head.is_some()) {
        legs.push(Leg { begun: now, ended: now, ..Leg::default() });
    }
    if let Some(leg) = legs.last_mut() {
        leg.see(opened, now, event);
    }
}

impl Leg {
    fn see(&mut self, opened: &mut HashMap<usize, Opening>, now: Duration, event: &Event<'_>) {
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
                self.close(now, None, Kind::Client, note);
            }
            Event::Trying(address) => self.open("connect", now, Some(*address)),
            Event::Failed(address, error) => {
                let note = format!("{address}: {}", in_one_line(*error));
                self.close(now, Some(*address), Kind::Failed, note);
            }
            Event::Abandoned(address) => {
                let note = format!("{address}: another one was faster");
                self.close(now, Some(*address), Kind::Wait, note);
            }
            Event::Connected(id, _, ends) => {
                self.connection = Some(*id);
                match ends {
                    Endpoints::Tcp { local, remote } => {
                        let note = format!(":{} → {remote} #{id}", local.port());
                        self.close(now, Some(*remote), Kind::Client, note);
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
                self.close(now, None, Kind::Client, note);
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
            Event::Kept(id, _) if self.connection == Some(*id) => {
                return self.then = Some(format!("#{id} is kept"));
            }
            Event::Closed(id, why) if self.connection == Some(*id) && !self.is_over => {
                self.then = Some(format!("#{id} is closed: {why}"));
                if !self.is_complete && self.head.is_none() {
                    self.failed = Some(why.to_string());
                }
                if self.is_complete {
                    return; // what comes behind the answer is not its time
                }
            }
            Event::Redirected(_, url) => {
                return self.is_followed_by(now, format!("leads to {url}"));
            }
            Event::Retry(number, pause) => {
                return self.is_followed_by(now, format!("retry {number} in {}", time(*pause)));
            }
            Event::Reconnecting(_) => {
                let then = "it was stale: once more on a fresh connection";
                return self.is_followed_by(now, then.to_owned());
            }
            Event::GaveUp(error) => {
                self.failed = Some(in_one_line(*error));
                if !self.is_over {
                    self.ended = now;
                }
                return self.is_over = true;
            }
            _ => return,
        }
        self.ended = now;
    }

    fn is_followed_by(&mut self, now: Duration, then: String) {
        if !self.is_complete {
            self.ended = now;
        }
        (self.then, self.is_over) = (Some(then), true);
    }

    fn open(&mut self, label: &'static str, begun: Duration, address: Option<SocketAddr>) {
        self.open.push(Open { label, begun, address });
    }

    /// What was under way, with this address, is through.
    fn close(&mut self, now: Duration, address: Option<SocketAddr>, kind: Kind, note: String) {
        let at = self.open.iter().position(|open| open.address == address);
        let Some(Open { label, begun, .. }) = at.map(|at| self.open.remove(at)) else { return };
        self.rows.push(Row::span(kind, label, begun, now, note));
    }

    fn picture(&self) -> Picture {
        let mut rows = self.rows.clone();
        rows.sort_by_key(|row| row.begins);
        let failed =
            || self.failed.as_ref().map_or("failed".to_owned(), |why| format!("failed: {why}"));
        for open in &self.open {
            let (label, begun) = (open.label, open.begun);
            rows.push(Row::span(Kind::Failed, label, begun, self.ended, failed()));
        }
        if let Some(sent) = self.sent {
            self.wait(sent, &failed, &mut rows);
        }
        if let Some((at, _)) = self.head {
            match self.received {
                Some(0) if self.is_complete => {}
                Some(bytes) if self.is_complete => {
                    let note = format!("{bytes} bytes");
                    rows.push(Row::span(Kind::Client, "body", at, self.ended, note));
                }
                bytes if self.failed.is_some() => {
                    let note = format!("{} bytes; {}", bytes.unwrap_or_default(), failed());
                    rows.push(Row::span(Kind::Failed, "body", at, self.ended, note));
                }
                bytes => {
                    let note = format!("{} bytes, and no more was read", bytes.unwrap_or_default());
                    rows.push(Row::span(Kind::Client, "body", at, self.ended, note));
                }
            }
        }
        let total = match self.is_complete && self.failed.is_some() {
            true => failed(),
            false => self.then.clone().unwrap_or_default(),
        };
        rows.push(Row::span(Kind::Total, "total", self.begun, self.ended, total));
        Picture { title: self.title.clone(), begins: self.begun, ends: self.ended, rows }
    }

    /// From the request's last byte to the answer's first, and the server's share of that.
    fn wait(&self, sent: Duration, failed: &dyn Fn() -> String, rows: &mut Vec<Row>) {
        let until = match (self.first_byte, self.head) {
            (Some(first), Some(_)) if first >= sent && self.interim.is_empty() => first,
            (_, Some((head, _))) => head.max(sent),
            _ => {
                return rows.push(Row::span(Kind::Failed, "wait", sent, self.ended, failed()));
            }
        };
        let wait = until - sent;
        let told: Duration = self.ours().map(|(_, took)| took).sum();
        let on_the_way = wait.saturating_sub(told);
        let note = match told {
            Duration::ZERO => String::new(),
            _ => format!("{} of it on the way", time(on_the_way)),
        };
        rows.push(Row::span(Kind::Wait, "wait", sent, until, note));
        let (worker, request) = (self.number("worker"), self.number("request"));
        let mut begins = until.saturating_sub(on_the_way / 2 + told);
        for (label, took) in self.ours() {
            let note = match (label, worker, request, self.connection) {
                ("handle", Some(worker), Some(request), Some(id)) => {
                    format!("worker {worker}; request {request} on #{id}")
                }
                _ => String::new(),
            };
            rows.push(Row::span(Kind::Server, label, begins, begins + took, note));
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

    /// What our own server tells, which is one thing after the other.
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

/// `GET /path` and the host, from the head of a request.
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
mod tests {
    use std::io;

    use super::*;
    use crate::client::Error;
    use crate::proto::http::close::CloseReason;
    use crate::proto::http::head::ResponseHead;
    use crate::proto::http::headers::Headers;
    use crate::proto::http::url::Url;

    const HEAD: &[u8] = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n";

    fn us(micros: u64) -> Duration {
        Duration::from_micros(micros)
    }

    fn head(status: u16, timing: &str) -> ResponseHead {
        let mut head = ResponseHead::new(Status::new(status).unwrap());
        if !timing.is_empty() {
            head.headers.append("Server-Timing", timing).unwrap();
        }
        head
    }

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    /// What is drawn of these events, each at so many microseconds, in 80 columns.
    fn drawn(events: &[(u64, Event<'_>)]) -> String {
        let (mut legs, mut opened) = (Vec::new(), HashMap::new());
        for (at, event) in events {
            see(&mut legs, &mut opened, us(*at), event);
        }
        legs.iter().map(|leg| leg.picture().draw(80, false)).collect()
    }

    /// From the name to the connection, which stands after 300 µs.
    fn connected<'e>(addresses: &'e [SocketAddr; 1], ends: &'e Endpoints) -> Vec<(u64, Event<'e>)> {
        vec![
            (0, Event::Resolving("h")),
            (100, Event::Resolved("h", addresses)),
            (100, Event::Trying(addresses[0])),
            (300, Event::Connected(0, "h", ends)),
        ]
    }

    #[test]
    fn from_a_name_to_a_body_and_once_more() {
        let at = [address("127.0.0.1:80")];
        let ends = Endpoints::Tcp { local: address("127.0.0.1:5"), remote: at[0] };
        let ours = "queue;dur=0.100, parse;dur=0.050, handle;dur=0.450, worker;desc=\"7\", \
                    request;desc=\"1\"";
        let (first, second) = (head(200, ours), head(404, "db;dur=0.2;desc=\"two, rows\", miss"));
        let mut events = connected(&at, &ends);
        events.extend([
            (300, Event::Sending(HEAD)),
            (400, Event::Sent(0)),
            (1_200, Event::FirstByte),
            (1_210, Event::Head(&first)),
            (1_400, Event::Received(5)),
            (1_600, Event::Ended(5)),
            (1_600, Event::Kept(0, "h")),
            (2_000, Event::Reusing(0, "h")),
            (2_000, Event::Sending(HEAD)),
            (2_100, Event::Sent(7)),
            (2_900, Event::FirstByte),
            (2_900, Event::Head(&second)),
            (3_000, Event::Ended(0)),
            (3_000, Event::Closed(9, CloseReason::Idle)),
            (3_000, Event::Closed(0, CloseReason::WeAsked)),
        ]);
        let closed = CloseReason::WeAsked;
        let want = format!(
            "\
GET /a from h
  resolve       100 µs │█▋                         │ h: 127.0.0.1
  connect       200 µs │ ███▍                      │ :5 → 127.0.0.1:80 #0
  send          100 µs │     █▋                    │ 28 bytes
  wait          800 µs │      ░░░░░░░░░░░░░░       │ 200 µs of it on the way
    queue       100 µs │        █▋                 │
    parse        50 µs │          ▊                │
    handle      450 µs │          ███████▌         │ worker 7; request 1 on #0
  first byte           │                    ◆      │ after 1.20 ms: 200 OK
  body          390 µs │                    ██████▌│ 5 bytes
  total        1.60 ms  #0 is kept
GET /a from h
  reuse                 127.0.0.1:80 #0; resolve and connect saved: 300 µs
  send          100 µs │██▋                        │ 28 bytes and 7 of body
  wait          800 µs │  ░░░░░░░░░░░░░░░░░░░░░░   │
    db          200 µs │                           │ two, rows
    miss               │                           │
  first byte           │                        ◆  │ after 900 µs: 404 Not Found
  total        1.00 ms  #0 is closed: {closed}
"
        );
        assert_eq!(drawn(&events), want);
    }

    /// Rows that have to be there, and not too many of them, whatever happens.
    #[test]
    fn how_far_it_got() {
        let at = [address("127.0.0.1:80")];
        let ends = Endpoints::Tcp { local: address("127.0.0.1:5"), remote: at[0] };
        let six = address("[::1]:80");
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        let (nothing, error) = (Error::NoResponse, refused());
        let (ok, early, moved) = (head(200, ""), head(103, ""), head(302, ""));
        let lying = head(200, "queue;dur=9e9, parse;dur=1, handle;dur=9e9");
        let url = Url::parse("http://h/b").unwrap();
        let sent = || [(300, Event::Sending(HEAD)), (400, Event::Sent(0))];
        let failed = |name: &'static str,
                      rows: Vec<&'static str>,
                      events: Vec<(u64, Event<'_>)>| {
            let text = drawn(&events);
            let mut rest = text.as_str();
            for row in &rows {
                let behind = rest.split_once(row).map(|(_, behind)| behind);
                rest = behind.unwrap_or_else(|| panic!("{name}: no {row:?} in\n{text}"));
            }
            let lines =
                text.lines().filter(|line| line.starts_with("  ") && !line.starts_with("     "));
            let lines = lines.count();
            assert_eq!(lines, rows.len(), "{name}:\n{text}");
        };
        let with = |more: Vec<(u64, Event<'static>)>| more;
        failed("no name", vec!["  resolve", "  total"], with(vec![(0, Event::Resolving("h"))]));
        failed(
            "nobody listens",
            vec!["  resolve", "  connect       900 µs", "  total        1.00 ms"],
            vec![
                (0, Event::Resolving("h")),
                (100, Event::Resolved("h", &at)),
                (100, Event::Trying(at[0])),
                (1_000, Event::Failed(at[0], &error)),
                (1_000, Event::GaveUp(&nothing)),
            ],
        );
        failed(
            "two families",
            vec!["  resolve", "  connect       250 ms", "  connect       100 µs", "  total"],
            vec![
                (0, Event::Resolving("h")),
                (100, Event::Resolved("h", &at)),
                (100, Event::Trying(six)),
                (250_000, Event::Trying(at[0])),
                (250_100, Event::Abandoned(six)),
                (250_100, Event::Connected(0, "h", &ends)),
            ],
        );
        let unix = Endpoints::Unix("/run/s".into());
        failed(
            "a socket in the file system",
            vec!["  connect               /run/s #0", "  send", "  total"],
            vec![(0, Event::Connected(0, "h", &unix)), (10, Event::Sending(HEAD))],
        );
        let mut no_answer = connected(&at, &ends);
        no_answer.extend(sent());
        no_answer.extend([
            (5_000, Event::Closed(0, CloseReason::PeerLeft)),
            (5_000, Event::GaveUp(&nothing)),
        ]);
        failed(
            "no answer",
            vec![
                "  resolve",
                "  connect",
                "  send",
                "  wait         4.60 ms",
                "  total        5.00 ms",
            ],
            no_answer,
        );
        let mut cut = connected(&at, &ends);
        cut.extend(sent());
        cut.extend([
            (500, Event::FirstByte),
            (500, Event::Head(&ok)),
            (600, Event::Received(3)),
            (700, Event::GaveUp(&nothing)),
            (700, Event::Closed(0, CloseReason::PeerLeft)),
        ]);
        failed(
            "cut short",
            vec![
                "  resolve",
                "  connect",
                "  send",
                "  wait",
                "  first byte",
                "  body          200 µs",
                "  total",
            ],
            cut,
        );
        let mut interim = connected(&at, &ends);
        interim.extend(sent());
        interim.extend([
            (500, Event::FirstByte),
            (500, Event::Interim(&early)),
            (900, Event::Head(&lying)),
            (900, Event::Ended(0)),
        ]);
        failed(
            "interim, and a server that lies",
            vec![
                "  resolve",
                "  connect",
                "  send",
                "  wait          500 µs",
                "    queue",
                "    parse",
                "    handle",
                "  interim",
                "  first byte",
                "  total",
            ],
            interim,
        );
        let mut hops = connected(&at, &ends);
        hops.extend(sent());
        hops.extend([
            (500, Event::FirstByte),
            (500, Event::Head(&moved)),
            (500, Event::Ended(0)),
            (500, Event::Kept(0, "h")),
            (510, Event::Redirected(moved.status, &url)),
            (510, Event::Reusing(0, "h")),
            (510, Event::Sending(HEAD)),
            (520, Event::Sent(0)),
            (600, Event::Reconnecting(0)),
            (600, Event::Resolving("h")),
            (700, Event::Retry(1, us(5))),
            (800, Event::Resolving("h")),
        ]);
        failed(
            "a hop, a stale connection, a retry",
            vec![
                "  resolve",
                "  connect",
                "  send",
                "  wait",
                "  first byte",
                "  total         500 µs  leads to http://h/b\n",
                "  reuse",
                "  send",
                "  wait           80 µs",
                "  total          90 µs  it was stale",
                "  resolve",
                "  total         100 µs  retry 1 in 5 µs",
                "  resolve",
                "  total",
            ],
            hops,
        );
        let fields = {
            let mut fields = Headers::new();
            fields.append("Server-Timing", "db;dur=1").unwrap();
            fields
        };
        let mut late = connected(&at, &ends);
        late.extend(sent());
        late.extend([
            (500, Event::FirstByte),
            (500, Event::Head(&ok)),
            (600, Event::Received(3)),
            (600, Event::Trailers(&fields)),
            (600, Event::Ended(3)),
        ]);
        failed(
            "in a trailer",
            vec![
                "  resolve",
                "  connect",
                "  send",
                "  wait",
                "    db",
                "  first byte",
                "  body",
                "  total",
            ],
            late,
        );
    }
}
