//! The server's half of a trace: where the time went, in `Server-Timing`, and who is told.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::thread;
use std::time::Duration;

use crate::metrics::own_address;
use crate::support::{Answer, Server, Wire, skipped};

const DRIVERS: [&str; 2] = ["on", "off"];

fn start(driver: &str, workers: &str) -> Server {
    Server::start(&["--lobby", driver, "--workers", workers])
}

fn ask(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
}

/// Names with milliseconds, or with the number that stands there.
fn told(answer: &Answer) -> HashMap<String, f64> {
    let line = answer.field("server-timing").unwrap_or_else(|| panic!("none: {}", answer.head));
    let metric = |metric: &str| {
        let (name, rest) = metric.split_once(';').unwrap();
        let (_, value) = rest.split_once('=').unwrap();
        (name.to_owned(), value.trim_matches('"').parse().unwrap())
    };
    line.split(", ").map(metric).collect()
}

#[test]
fn each_part_of_the_time_is_reported() {
    for driver in DRIVERS {
        let server = start(driver, "2");
        let mut wire = server.connect();
        let first = told(&wire.send(ask("/sleep/50")).answer());
        assert!(first["handle"] >= 50.0 && first["handle"] < 5000.0, "{driver}: {first:?}");
        assert!(first["parse"] < 40.0 && !first.contains_key("receive"), "{driver}: {first:?}");
        assert!((1.0..=2.0).contains(&first["worker"]), "{driver}: {first:?}");
        assert_eq!(first["request"], 1.0, "{driver}");

        // Between two requests nobody is waited for.
        thread::sleep(Duration::from_millis(150));
        let second = told(&wire.send(ask("/echo")).answer());
        assert_eq!(second["request"], 2.0, "{driver}");
        assert!(second.values().all(|&value| value < 100.0), "{driver}: {second:?}");

        let pause = Duration::from_millis(120);
        let slow = ask("/echo");
        let third = told(&wire.send_slowly(slow.as_bytes(), slow.len() - 5, pause).answer());
        assert!(third["parse"] >= 100.0 && third["handle"] < 100.0, "{driver}: {third:?}");

        wire.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na");
        thread::sleep(pause);
        let fourth = told(&wire.send("b").answer());
        assert!(fourth["receive"] >= 100.0 && fourth["parse"] < 100.0, "{driver}: {fourth:?}");
        assert_eq!(fourth["request"], 4.0, "{driver}");
    }
}

#[test]
fn of_pipelined_requests_each_has_its_own() {
    for driver in DRIVERS {
        let server = start(driver, "2");
        let mut wire = server.connect();
        wire.send(["/echo", "/sleep/60", "/nowhere", "/echo"].map(ask).concat());
        let told: Vec<_> = (0..4).map(|_| told(&wire.answer())).collect();
        let numbers: Vec<_> = told.iter().map(|told| told["request"]).collect();
        assert_eq!(numbers, [1.0, 2.0, 3.0, 4.0], "{driver}");
        assert!(told[1]["handle"] >= 60.0 && told[2]["handle"] < 60.0, "{driver}: {told:?}");
        // Whoever sends all at once has waited for those before it.
        assert!(told[1]["queue"] < 60.0, "{driver}: {told:?}");
        assert!(told[2..].iter().all(|told| told["queue"] >= 60.0), "{driver}: {told:?}");
    }
}

#[test]
fn time_in_the_queue_is_reported() {
    for driver in DRIVERS {
        let server = start(driver, "1");
        let (mut first, mut second) = (server.connect(), server.connect());
        first.send("GET /sleep/200 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        thread::sleep(Duration::from_millis(50));
        second.send(ask("/echo"));
        let mut third = server.connect();
        third.send(ask("/echo"));
        assert!(told(&first.answer())["handle"] >= 200.0, "{driver}");
        drop(first);
        for (waiting, least) in [(&mut second, 80.0), (&mut third, 80.0)] {
            let told = told(&waiting.answer());
            assert!(told["queue"] >= least && told["handle"] < 80.0, "{driver}: {told:?}");
        }
    }
    // A connection that has been served before waits in the lobby.
    let server = start("on", "1");
    let (mut first, mut second) = (server.connect(), server.connect());
    assert!(told(&second.send(ask("/echo")).answer())["queue"] < 80.0);
    first.send(ask("/sleep/200"));
    thread::sleep(Duration::from_millis(50));
    let told = told(&second.send(ask("/echo")).answer());
    assert!(told["queue"] >= 80.0 && told["request"] == 2.0, "{told:?}");
}

#[test]
fn clients_that_get_the_field() {
    let outside = own_address();
    if outside.is_none() {
        skipped("no address but loopback");
    }
    let loopback: IpAddr = [127, 0, 0, 1].into();
    for (flags, near, far) in [
        (&[][..], true, false),
        (&["--server-timing", "loopback"], true, false),
        (&["--server-timing", "on"], true, true),
        (&["--server-timing", "off"], false, false),
    ] {
        let server = Server::start(&[flags, &["--bind", "0.0.0.0:0"]].concat());
        let port = server.address().port();
        for (ip, want) in [(Some(loopback), near), (outside, far)] {
            let Some(ip) = ip else { continue };
            let answer = Wire::to(SocketAddr::new(ip, port)).send(ask("/echo")).answer();
            assert_eq!(answer.field("server-timing").is_some(), want, "{flags:?} {ip}");
        }
    }
}

#[test]
fn an_invalid_request_gets_no_timing() {
    let server = start("on", "2");
    let wrong_body = "Host: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n";
    for (request, status) in [
        ("BAD\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), 400),
        (format!("POST /echo HTTP/1.1\r\n{wrong_body}"), 400),
    ] {
        let mut wire = server.connect();
        assert_eq!(told(&wire.send(ask("/nowhere")).answer())["request"], 1.0);
        let answer = wire.send(&request).answer();
        assert_eq!((answer.status(), answer.field("server-timing")), (status, None), "{request}");
    }
}

#[test]
fn every_response_has_its_timing() {
    for driver in DRIVERS {
        let server = start(driver, "2");
        for (line, status) in [
            ("GET / HTTP/1.1", 200),
            ("GET / HTTP/1.0", 200),
            ("HEAD / HTTP/1.1", 200),
            ("OPTIONS * HTTP/1.1", 204),
            ("GET /chunks/9 HTTP/1.1", 200),
            ("GET /nowhere HTTP/1.1", 404),
            ("DELETE / HTTP/1.1", 405),
            ("BREW / HTTP/1.1", 501),
            ("GET / HTTP/1.1\r\nIf-None-Match: *", 304),
            ("GET / HTTP/1.1\r\nRange: bytes=0-0", 206),
            ("POST /echo HTTP/1.1\r\nContent-Length: 16777217", 413),
        ] {
            let request = format!("{line}\r\nHost: a\r\n\r\n");
            let head = server.connect().send(request).head();
            assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{driver}: {line}: {head}");
            let told = head.lines().filter(|line| line.starts_with("Server-Timing: queue;dur="));
            assert_eq!(told.count(), 1, "{driver}: {line}: {head}");
        }
    }
}
