//! `/-/status`: what the workers are doing, also when all of them are in handlers.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::metrics::own_address;
use crate::support::{SOON, Server, Wire, eventually, skipped};

const HEALTH: &str = "GET /-/health HTTP/1.1\r\nHost: localhost\r\n\r\n";

fn ask(path: &str, accept: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\n\r\n")
}

fn json(wire: &mut Wire) -> Value {
    let answer = wire.send(ask("/-/status", "application/json")).answer();
    assert_eq!((answer.status(), answer.field("Cache-Control")), (200, Some("no-store")));
    serde_json::from_slice(&answer.body).unwrap()
}

/// Starts a server whose two workers are in handlers for so many milliseconds, and returns their clients.
fn with_busy_workers(flags: &[&str], milliseconds: u32) -> (Server, [Wire; 2]) {
    let server = Server::start(&[&["--workers", "2"], flags].concat());
    let mut sleepers = [server.connect(), server.connect()];
    let mut asks = server.connect();
    for wire in &mut sleepers {
        wire.send(format!("GET /sleep/{milliseconds} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    }
    let are_busy = |shown: &Value| {
        shown["each"].as_array().unwrap().iter().all(|worker| worker["route"] == "GET /sleep/{ms}")
    };
    eventually(|| are_busy(&json(&mut asks)).then_some(())).expect("both are in handlers");
    (server, sleepers)
}

#[test]
fn health_and_status_are_answered_when_all_workers_are_in_handlers() {
    let server = Server::start(&["--workers", "2"]);
    let mut kept = server.connect();
    assert_eq!(kept.send(HEALTH).answer().text(), "ok\n");
    let mut sleepers = [server.connect(), server.connect()];
    for wire in &mut sleepers {
        wire.send("GET /sleep/3000 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    }
    std::thread::sleep(Duration::from_millis(100)); // until their handlers run
    let begun = Instant::now();
    assert_eq!(server.connect().send(HEALTH).answer().text(), "ok\n");
    assert_eq!(kept.send(HEALTH).answer().text(), "ok\n");
    let mut other = server.connect();
    other.send("GET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let shown = eventually(|| Some(json(&mut kept)).filter(|shown| shown["waiting"] == 1));
    let shown = shown.expect("the other request waits");
    let text = server.connect().send(ask("/-/status", "*/*")).answer().text();
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());

    let meaning = shown["meaning"].as_str().unwrap();
    assert!(
        meaning.starts_with("All 2 workers are in handlers, 1 request waits, for "),
        "{meaning}"
    );
    assert!(meaning.ends_with(": more workers would help, a larger queue would not."), "{meaning}");
    for worker in shown["each"].as_array().unwrap() {
        assert_eq!(
            (&worker["activity"], &worker["route"]),
            (&Value::from("handles"), &Value::from("GET /sleep/{ms}"))
        );
        assert!(worker["milliseconds"].as_u64().unwrap() >= 100, "{worker}");
    }
    assert!(text.starts_with("All 2 workers are in handlers, "), "{text}");
    assert!(text.contains("\nworker 2   in handler GET /sleep/{ms} for "), "{text}");
    assert!(other.is_silent_for(Duration::from_millis(10)), "no handler runs beside the workers");
    for wire in sleepers.iter_mut().chain([&mut other]) {
        assert_eq!(wire.answer().status(), 200);
    }
}

/// A request behind that for a health check, and one of which a part has arrived, wait for a worker.
#[test]
fn no_other_handler_runs_beside_the_workers() {
    let (server, mut sleepers) = with_busy_workers(&[], 1_000);
    let begun = Instant::now();
    let (mut two, mut half) = (server.connect(), server.connect());
    two.send(format!("{HEALTH}GET /sleep/0 HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    half.send(&HEALTH[..20]);
    assert_eq!(two.answer().text(), "ok\n");
    assert!(begun.elapsed() < Duration::from_millis(700));
    assert!(
        two.is_silent_for(Duration::from_millis(200))
            && half.is_silent_for(Duration::from_millis(1))
    );
    half.send(&HEALTH[20..]);
    for (wire, want) in [(&mut two, "slept 0 ms\n"), (&mut half, "ok\n")] {
        assert_eq!(wire.answer().text(), want);
    }
    for wire in &mut sleepers {
        assert_eq!(wire.answer().text(), "slept 1000 ms\n");
    }
}

/// With more requests than the queue takes, those for a handler are refused, and a health check is not.
#[test]
fn a_full_queue_of_requests_does_not_refuse_a_health_check() {
    let server = Server::start(&["--workers", "2", "--queue", "3"]);
    let mut kept: Vec<Wire> = (0..12).map(|_| server.connect()).collect();
    for wire in &mut kept {
        assert_eq!(wire.send(HEALTH).answer().status(), 200);
    }
    let mut sleepers = [kept.pop().unwrap(), kept.pop().unwrap()];
    for wire in &mut sleepers {
        wire.send("GET /sleep/1500 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    }
    std::thread::sleep(Duration::from_millis(100)); // until their handlers run
    let mut checks = [kept.pop().unwrap(), kept.pop().unwrap()];
    for wire in &mut kept {
        wire.send("GET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n");
    }
    let is_refused = |wire: &mut Wire| !wire.is_silent_for(Duration::from_millis(20));
    let refused = kept.extract_if(.., is_refused).count();
    assert_eq!(refused, 5, "three of eight fit");
    assert_eq!(checks[0].send(HEALTH).answer().text(), "ok\n");
    let shown = json(&mut checks[1]);
    let (waiting, refused) = (&shown["waiting"], &shown["refused"]["ready"]);
    assert_eq!((waiting, refused), (&Value::from(3), &Value::from(5)));
    for wire in &mut sleepers {
        assert_eq!(wire.answer().status(), 200);
    }
}

#[test]
fn it_is_live_also_when_all_workers_are_in_handlers() {
    let (server, mut sleepers) = with_busy_workers(&[], 2_500);
    let mut watch = server.connect();
    let head = watch.send(ask("/-/status", "text/event-stream")).head();
    assert!(head.contains("Content-Type: text/event-stream\r\n"), "{head}");
    let begun = Instant::now();
    let mut text = String::new();
    while text.matches("data: {").count() < 3 {
        text.push(char::from(watch.take(1)[0]));
        assert!(begun.elapsed() < SOON, "{text}");
    }
    let took = begun.elapsed();
    assert!((Duration::from_millis(900)..Duration::from_millis(2_450)).contains(&took), "{took:?}");
    assert!(text.contains("\"busy\":2"), "{text}");
    for wire in &mut sleepers {
        assert_eq!(wire.answer().status(), 200);
    }
}

#[test]
fn it_is_a_page_in_a_browser_and_loads_again_on_request() {
    let server = Server::start(&["--workers", "2"]);
    let mut wire = server.connect();
    let answer = wire.send(ask("/-/status", "text/html")).answer();
    let (page, kind) = (answer.text(), answer.field("Content-Type").unwrap().to_owned());
    assert_eq!((answer.field("Refresh"), answer.field("Vary")), (None, Some("Accept")));
    assert!(kind.starts_with("text/html") && page.contains("<th scope=\"row\">2</th>"), "{page}");
    assert!(!page.contains("<script"), "{page}");
    for (every, want) in [("1", Some("1")), ("3600", Some("3600")), ("0", None), ("3601", None)] {
        let answer = wire.send(ask(&format!("/-/status?every={every}"), "text/html")).answer();
        assert_eq!(answer.field("Refresh"), want);
    }
    let path = "/-/status?every=often";
    assert_eq!(wire.send(ask(path, "text/html")).answer().status(), 400);
}

/// The textbook has no thread beside the workers: the requests wait for one. It shows what they do.
#[test]
fn the_textbook_shows_its_workers_too() {
    let server = Server::start(&["--workers", "3", "--lobby", "off"]);
    let (mut sleeps, _silent) = (server.connect(), server.connect());
    sleeps.send("GET /sleep/600 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let mut asks = server.connect();
    let seen = eventually(|| {
        let shown = json(&mut asks);
        let mut all: Vec<_> =
            shown["each"].as_array()?.iter().map(|it| it["route"].clone()).collect();
        all.sort_by_key(Value::to_string);
        let want = [Value::from("GET /-/status"), Value::from("GET /sleep/{ms}"), Value::Null];
        (all == want && shown["busy"] == 3).then_some(shown)
    });
    let meaning = seen.expect("one sleeps, one receives, one asks")["meaning"].to_string();
    assert!(
        meaning.starts_with("\"All 3 workers are busy, 2 of them in handlers, and nothing"),
        "{meaning}"
    );
    assert_eq!(sleeps.answer().text(), "slept 600 ms\n");
}

#[test]
fn other_machines_see_no_status_without_the_flag() {
    let Some(own) = own_address() else {
        skipped("this machine has no address but loopback");
        return;
    };
    for (flags, status) in [(&[][..], 403), (&["--metrics", "everyone"], 200)] {
        let server = Server::start(&[&["--bind", &format!("{own}:0")], flags].concat());
        let mut wire = Wire::to(SocketAddr::new(own, server.address().port()));
        let answer = wire.send(ask("/-/status", "*/*")).answer();
        assert_eq!(answer.status(), status);
        assert_eq!(answer.text().contains("--metrics everyone"), status == 403);
    }
    let server = Server::start(&["--metrics", "off"]);
    assert_eq!(server.get("/-/status").status(), 404);
}
