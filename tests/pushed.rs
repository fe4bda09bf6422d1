//! Responses that are pushed: what one client sends, others receive. The library, not the binary.

use std::time::{Duration, Instant};

use threadbare::server::{
    Config, Driver, HandlerError, Keep, Response, Router, Running, Server, Topic,
};

use crate::support::{SOON, Wire, eventually};

/// `/events`, `/raw` and `/poll` of one topic, `/hello`, and POST to publish.
fn start(topic: &Topic, driver: Driver, workers: usize) -> Running {
    let [events, raw, poll, strict, published] = [(); 5].map(|()| topic.clone());
    let routes = Router::new()
        .get("/hello", |_| "hello\n")
        .get("/events", move |request| {
            let last = request.header("Last-Event-ID").and_then(|id| id.parse().ok());
            Response::events(events.subscribe_after(last.unwrap_or(u64::MAX)))
        })
        .get("/strict", move |_| Response::events(strict.subscribe_after(0)).ends_when_lagging())
        .get("/raw", move |_| Response::pushed(raw.subscribe()))
        .get("/poll", move |_| {
            Response::once(poll.subscribe(), Duration::from_millis(300), |messages| {
                format!("{} messages\n", messages.len()).into_bytes()
            })
        })
        .post("/", move |request| {
            let id = published.publish(request.body_text()?);
            Ok::<_, HandlerError>(id.to_string())
        })
        .build();
    let config = Config { driver, workers, ..Config::default() };
    Server::with_config(["127.0.0.1:0"], routes.unwrap(), config).unwrap().start().unwrap()
}

fn ask(server: &Running, path: &str, fields: &str) -> Wire {
    let mut wire = Wire::to(server.addresses()[0]);
    wire.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n{fields}\r\n"));
    wire
}

fn subscribe(server: &Running, path: &str, fields: &str) -> Wire {
    let mut wire = ask(server, path, fields);
    assert!(wire.head().starts_with("HTTP/1.1 200 "));
    wire
}

fn publish(server: &Running, text: &str) {
    let request =
        format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{text}", text.len());
    assert_eq!(Wire::to(server.addresses()[0]).send(request).answer().status(), 200);
}

/// Reads one chunk; an empty one is the end of the body.
fn chunk(wire: &mut Wire) -> String {
    let mut line = String::new();
    while !line.ends_with("\r\n") {
        line.push(char::from(wire.take(1)[0]));
    }
    let size = usize::from_str_radix(line.trim_end(), 16).unwrap();
    let bytes = wire.take(size + 2);
    String::from_utf8(bytes[..size].to_vec()).unwrap()
}

const BOTH: [Driver; 2] = [Driver::Lobby, Driver::Textbook];

#[test]
fn what_is_published_arrives_at_each_subscriber_at_once_and_in_order() {
    for driver in BOTH {
        let topic = Topic::new();
        let server = start(&topic, driver, 8);
        let mut all = [(); 3].map(|()| subscribe(&server, "/events", ""));
        let mut raw = subscribe(&server, "/raw", "");
        let begun = Instant::now();
        for number in 1..=5 {
            publish(&server, &format!("a text\nof two lines, {number}"));
            let want = format!("id: {number}\ndata: a text\ndata: of two lines, {number}\n\n");
            all.iter_mut().for_each(|wire| assert_eq!(chunk(wire), want));
            assert_eq!(chunk(&mut raw), format!("a text\nof two lines, {number}"));
        }
        assert!(begun.elapsed() < SOON);
        let mut late = subscribe(&server, "/events", "Last-Event-ID: 4\r\n");
        assert!(chunk(&mut late).starts_with("id: 5\n"));
    }
}

#[test]
fn subscribers_hold_no_worker() {
    let topic = Topic::new();
    let server = start(&topic, Driver::Lobby, 2);
    let mut all: Vec<Wire> = (0..50).map(|_| subscribe(&server, "/events", "")).collect();
    for number in 1..=20 {
        publish(&server, "x");
        let answer = ask(&server, "/hello", "").answer();
        assert_eq!((answer.status(), answer.text().as_str()), (200, "hello\n"));
        let want = format!("id: {number}\ndata: x\n\n");
        all.iter_mut().for_each(|wire| assert_eq!(chunk(wire), want));
    }
    assert_eq!(topic.subscribers(), 50);
}

#[test]
fn the_end_of_a_client_is_noticed_at_once() {
    for driver in BOTH {
        let topic = Topic::new();
        let server = start(&topic, driver, 8);
        let mut gone = subscribe(&server, "/events", "");
        let mut half = subscribe(&server, "/events", "");
        let mut stays = subscribe(&server, "/events", "");
        assert_eq!(topic.subscribers(), 3);
        // A request behind the first one waits for its end.
        gone.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
        drop(gone);
        half.half_close();
        assert!(eventually(|| (topic.subscribers() == 1).then_some(())).is_some(), "{driver:?}");
        publish(&server, "x");
        assert_eq!(chunk(&mut stays), "id: 1\ndata: x\n\n");
    }
}

#[test]
fn the_next_request_is_answered_when_the_topic_is_closed() {
    for driver in BOTH {
        let topic = Topic::new();
        let server = start(&topic, driver, 8);
        let mut wire = subscribe(&server, "/events", "");
        wire.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
        publish(&server, "last");
        topic.close();
        assert_eq!(chunk(&mut wire), "id: 1\ndata: last\n\n");
        assert_eq!(chunk(&mut wire), "", "the body ends");
        assert_eq!(wire.answer().text(), "hello\n");
    }
}

#[test]
fn a_long_poll_ends_with_the_first_message_or_in_time() {
    for driver in BOTH {
        let topic = Topic::new();
        let server = start(&topic, driver, 8);
        let mut early = subscribe(&server, "/poll", "");
        publish(&server, "x");
        assert_eq!([chunk(&mut early), chunk(&mut early)], ["1 messages\n", ""]);
        let begun = Instant::now();
        let mut late = subscribe(&server, "/poll", "");
        assert_eq!([chunk(&mut late), chunk(&mut late)], ["0 messages\n", ""]);
        assert!(begun.elapsed() > Duration::from_millis(250) && begun.elapsed() < SOON);
    }
}

#[test]
fn who_falls_behind_is_told_or_ends() {
    let topic = Topic::keeping(Keep { messages: 2, ..Keep::default() });
    let server = start(&topic, Driver::Lobby, 4);
    (0..5).for_each(|_| publish(&server, "x"));
    let mut told = subscribe(&server, "/events", "Last-Event-ID: 0\r\n");
    let got = chunk(&mut told);
    assert_eq!(got, "event: lagged\ndata: 3\n\nid: 4\ndata: x\n\nid: 5\ndata: x\n\n");
    let mut ended = subscribe(&server, "/strict", "");
    assert_eq!(chunk(&mut ended), "");
}

#[test]
fn a_stop_ends_the_bodies_properly() {
    for driver in BOTH {
        let topic = Topic::new();
        let server = start(&topic, driver, 8);
        let mut waiting: Vec<Wire> = (0..5).map(|_| subscribe(&server, "/events", "")).collect();
        let begun = Instant::now();
        let report = server.stop().unwrap();
        assert!(begun.elapsed() < SOON, "{driver:?}: {:?}", begun.elapsed());
        assert_eq!((report.cut, report.finished), (0, 5), "{driver:?}");
        waiting.iter_mut().for_each(|wire| assert_eq!(wire.rest(), b"0\r\n\r\n"));
    }
}

#[test]
fn older_clients_get_the_events_without_chunks_and_head_gets_none() {
    for driver in BOTH {
        let topic = Topic::new();
        let server = start(&topic, driver, 8);
        let mut old = Wire::to(server.addresses()[0]);
        old.send("GET /events HTTP/1.0\r\n\r\n");
        let head = old.head();
        assert!(!head.contains("chunked") && head.contains("text/event-stream"), "{head}");
        publish(&server, "x");
        assert_eq!(old.take(15), b"id: 1\ndata: x\n\n");
        let mut wire = Wire::to(server.addresses()[0]);
        wire.send("HEAD /events HTTP/1.1\r\nHost: a\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(wire.head().contains("text/event-stream"));
        assert_eq!(wire.answer().text(), "hello\n");
    }
}

/// 64 publishers at once: no message is lost, doubled or out of order at any of 100 subscribers.
#[test]
fn nothing_is_lost_doubled_or_out_of_order() {
    let topic = Topic::keeping(Keep { messages: 10_000, ..Keep::default() });
    let server = start(&topic, Driver::Lobby, 4);
    let mut all: Vec<Wire> = (0..100).map(|_| subscribe(&server, "/raw", "")).collect();
    std::thread::scope(|scope| {
        for publisher in 0..8 {
            let topic = &topic;
            scope.spawn(move || {
                for number in 0..100 {
                    topic.publish(format!("{publisher}.{number}\n"));
                }
            });
        }
    });
    topic.close();
    let read = |wire: &mut Wire| {
        let mut text = String::new();
        loop {
            match chunk(wire) {
                end if end.is_empty() => return text,
                piece => text.push_str(&piece),
            }
        }
    };
    let first = read(&mut all[0]);
    assert_eq!(first.lines().count(), 800);
    for publisher in 0..8 {
        let own: Vec<&str> =
            first.lines().filter(|line| line.starts_with(&format!("{publisher}."))).collect();
        let want: Vec<String> = (0..100).map(|number| format!("{publisher}.{number}")).collect();
        assert_eq!(own, want);
    }
    all[1..].iter_mut().for_each(|wire| assert!(read(wire) == first));
}
