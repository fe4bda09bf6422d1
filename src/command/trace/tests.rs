//! Events of transfers, and the pictures that they make.

use std::io;

use super::*;
use crate::client::ErrorKind;
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
        record(&mut legs, &mut opened, us(*at), event);
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
    let (nothing, error) = (ErrorKind::NoResponse, refused());
    let (ok, early, moved) = (head(200, ""), head(103, ""), head(302, ""));
    let lying = head(200, "queue;dur=9e9, parse;dur=1, handle;dur=9e9");
    let url = Url::parse("http://h/b").unwrap();
    let sent = || [(300, Event::Sending(HEAD)), (400, Event::Sent(0))];
    let failed = |name: &'static str, rows: Vec<&'static str>, events: Vec<(u64, Event<'_>)>| {
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
