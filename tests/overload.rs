//! Overload: clients beyond the limits are refused or wait, and the server recovers.

use std::net::TcpStream;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{SOON, Server, Wire, eventually};

const ECHO: &str = "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n";
const REFUSED: &str = "HTTP/1.1 503 Service Unavailable\r\n";

fn rest(wire: &mut Wire) -> String {
    String::from_utf8(wire.rest()).unwrap()
}

fn served(wire: &mut Wire) {
    assert_eq!(wire.send(ECHO).answer().status(), 200);
}

#[test]
fn a_connection_beyond_the_limit_gets_503_and_no_reset() {
    for driver in ["on", "off"] {
        let server = Server::start(&["--lobby", driver, "--max-connections", "3"]);
        let mut inside: Vec<Wire> = (0..3).map(|_| server.connect()).collect();
        inside.iter_mut().for_each(served);
        let mut one = server.connect();
        let text = rest(one.send(ECHO));
        assert!(text.starts_with(REFUSED) && text.contains("Retry-After: 1\r\n"), "{text}");
        assert!(text.contains("The limit of open connections is reached."), "{text}");
        // A plain close would cause a reset while the client still sends, and destroy the 503.
        let mut chatty = server.connect();
        chatty.send_slowly(&[b'x'; 50_000], 1_000, Duration::from_millis(4));
        assert!(rest(&mut chatty).starts_with(REFUSED));
        served(&mut inside[0]);
        inside.pop();
        served(&mut server.let_in());
    }
}

#[test]
fn the_connections_of_one_address_are_limited() {
    let server = Server::start(&["--max-per-address", "2"]);
    let mut inside = [server.connect(), server.connect()];
    inside.iter_mut().for_each(served);
    let text = rest(server.connect().send(ECHO));
    assert!(text.starts_with(REFUSED) && text.contains("from one address"), "{text}");
    drop(inside);
    served(&mut server.let_in());
}

#[test]
fn blocked_clients_wait_until_there_is_room() {
    for driver in ["on", "off"] {
        let flags = ["--lobby", driver, "--max-connections", "2", "--overload", "block"];
        let server = Server::start(&flags);
        let mut inside = [server.connect(), server.connect()];
        inside.iter_mut().for_each(served);
        let mut outside: Vec<Wire> = (0..20).map(|_| server.connect()).collect();
        for wire in &mut outside {
            wire.send("GET /echo HTTP/1.0\r\n\r\n");
        }
        assert!(outside[0].is_silent_for(Duration::from_millis(200)), "{driver}");
        drop(inside);
        for mut wire in outside {
            assert_eq!(wire.answer().status(), 200, "{driver}: nobody is lost");
        }
    }
}

/// The first 4 KB of a head are its own; a longer one needs a share of the memory until it is complete.
#[test]
fn large_heads_that_are_not_complete_share_a_limit() {
    let large = format!(
        "{}X: {}\r\n",
        ECHO.trim_end_matches("\r\n").to_owned() + "\r\n",
        "x".repeat(15_000)
    );
    for driver in ["on", "off"] {
        let server = Server::start(&["--lobby", driver, "--max-heads-memory", "40000"]);
        let mut waiting: Vec<Wire> = (0..2).map(|_| server.connect()).collect();
        for wire in &mut waiting {
            wire.send(&large);
            assert!(wire.is_silent_for(Duration::from_millis(100)), "{driver}: it fits");
        }
        let text = rest(server.connect().send(&large));
        assert!(text.starts_with(REFUSED) && text.contains("Retry-After: 1\r\n"), "{text}");
        assert!(text.contains("at most 40000 bytes of large request heads"), "{text}");
        assert!(text.contains("Connection: close\r\n"), "{text}");
        served(&mut server.connect());
        for wire in &mut waiting {
            assert_eq!(wire.send("\r\n").answer().status(), 200, "{driver}: it was kept");
        }
        let mut next = server.connect();
        assert_eq!(next.send(&large).send("\r\n").answer().status(), 200, "{driver}");
    }
}

/// All workers are in handlers. Requests that fit into the queue are served afterwards, the others are
/// refused at once, and deadlines are kept.
#[test]
fn when_all_workers_are_busy_requests_beyond_the_queue_are_refused_at_once() {
    let server = Server::start(&["--workers", "2", "--queue", "5", "--head-time", "0.5"]);
    let mut kept: Vec<Wire> = Vec::new();
    for _ in 0..20 {
        kept.push(server.connect());
        kept.last_mut().into_iter().for_each(served);
    }
    let mut half_sent = server.connect();
    half_sent.send("GET / HTTP/1.1\r\n");
    let mut sleepers = [server.connect(), server.connect()];
    for wire in &mut sleepers {
        wire.send("GET /sleep/2500 HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    thread::sleep(Duration::from_millis(100)); // until their handlers run
    let begun = Instant::now();
    for wire in &mut kept {
        wire.send(ECHO);
    }
    thread::sleep(Duration::from_millis(100)); // until the server has seen which came first
    let mut new: Vec<Wire> = (0..20).map(|_| server.connect()).collect();
    let is_refused = |wire: &mut Wire| {
        let refused = !wire.is_silent_for(Duration::from_millis(20));
        assert!(!refused || rest(wire).starts_with("TTP/1.1 503 "));
        refused
    };
    let refused = kept.extract_if(.., is_refused).count();
    assert_eq!(refused, 15, "five requests on kept connections fit");
    let refused = new.extract_if(.., is_refused).count();
    assert_eq!(refused, 15, "and five on new connections");
    assert!(rest(&mut half_sent).starts_with("HTTP/1.1 408 "));
    assert!(begun.elapsed() < Duration::from_millis(2200), "all this while the workers slept");
    for wire in &mut sleepers {
        assert_eq!(wire.answer().text(), "slept 2500 ms\n");
    }
    for wire in &mut new {
        wire.send(ECHO);
    }
    for wire in kept.iter_mut().chain(&mut new) {
        assert_eq!(wire.answer().status(), 200);
    }
}

#[test]
fn without_descriptors_the_server_waits_and_recovers() {
    let server = env!("CARGO_BIN_EXE_server");
    let flags = "--workers 4 --max-connections 1000 --access-log off \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -n 40; exec {server} {flags}"), "sh"]);
    command.current_dir(crate::support::root()).env_remove("RUST_LOG");
    let server = Server::run(command);
    let crowd: Vec<TcpStream> =
        (0..100).map(|_| TcpStream::connect(server.address()).unwrap()).collect();
    server.stderr_until(|text| text.contains("cannot accept"));
    thread::sleep(Duration::from_millis(1500));
    drop(crowd);
    let begun = Instant::now();
    served(&mut server.connect());
    assert!(begun.elapsed() < SOON);
    let stderr = server.program.stderr.text();
    assert!(stderr.contains("the limit of 40 descriptors allows 14 connections instead of 1000"));
    assert!(stderr.lines().count() < 20, "{stderr}");
}

/// Clients with a connection get 503 with Retry-After for any request; the log is not filled.
#[test]
fn without_descriptors_a_request_that_needs_a_file_gets_503() {
    let server = env!("CARGO_BIN_EXE_server");
    let flags = "--workers 4 --max-connections 1000 --max-body-memory 0 --access-log off \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -n 40; exec {server} {flags}"), "sh"]);
    command.current_dir(crate::support::root()).env_remove("RUST_LOG");
    let server = Server::run(command);
    let (mut asks, mut sends) = (server.connect(), server.connect());
    [&mut asks, &mut sends].into_iter().for_each(served);
    let crowd: Vec<TcpStream> =
        (0..100).map(|_| TcpStream::connect(server.address()).unwrap()).collect();
    server.stderr_until(|text| text.contains("cannot accept"));
    let begun = Instant::now();
    for number in 0..100 {
        let target = ["/", "/style.css", "/users", "/users?after=1"][number % 4];
        let answer = asks.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")).answer();
        let told = (answer.status(), answer.field("Retry-After"), answer.field("Connection"));
        assert_eq!(told, (503, Some("1"), None), "{target}: {}", answer.text());
    }
    let body = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    let answer = sends.send(body).answer();
    assert_eq!((answer.status(), answer.field("Retry-After")), (503, Some("1")));
    let took = begun.elapsed();
    let said = server.stderr_until(|text| text.contains("ERROR"));
    let failures = said.lines().filter(|line| line.contains("ERROR")).count() as u64;
    assert!((1..=took.as_secs() + 1).contains(&failures), "in {took:?}: {said}");
    drop(crowd);
    let again = || {
        let mut wire = server.connect();
        wire.try_exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").filter(|(status, _)| *status == 200)
    };
    assert!(eventually(again).is_some(), "the server recovers");
}

#[test]
fn the_default_connection_limit_is_what_the_descriptors_allow() {
    let server = env!("CARGO_BIN_EXE_server");
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -n 40; exec {server} --workers 4 \"$@\""), "sh"]);
    command.current_dir(crate::support::root()).env_remove("RUST_LOG");
    let server = Server::run(command);
    let stderr = server.stderr_until(|text| text.contains("ulimit -n"));
    assert!(stderr.contains("at most 14 are accepted; right: ulimit -n 13356"), "{stderr}");
    let mut inside: Vec<Wire> = (0..14).map(|_| server.connect()).collect();
    inside.iter_mut().for_each(served);
    assert!(rest(&mut server.connect()).starts_with(REFUSED));
}
