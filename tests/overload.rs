//! More than there is room for: it is answered, or waits outside, and passes.

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
fn one_connection_too_many_is_told_so_and_the_telling_arrives() {
    for driver in ["on", "off"] {
        let server = Server::start(&["--lobby", driver, "--max-connections", "3"]);
        let mut inside: Vec<Wire> = (0..3).map(|_| server.connect()).collect();
        inside.iter_mut().for_each(served);
        let mut one = server.connect();
        let text = rest(one.send(ECHO));
        assert!(text.starts_with(REFUSED) && text.contains("Retry-After: 1\r\n"), "{text}");
        assert!(text.contains("As many connections are open as may be."), "{text}");
        // A plain close would answer what is still being sent with a reset, and destroy the 503.
        let mut chatty = server.connect();
        chatty.send_slowly(&[b'x'; 50_000], 1_000, Duration::from_millis(4));
        assert!(rest(&mut chatty).starts_with(REFUSED));
        served(&mut inside[0]);
        inside.pop();
        served(&mut server.let_in());
    }
}

#[test]
fn one_address_has_its_share() {
    let server = Server::start(&["--max-per-address", "2"]);
    let mut inside = [server.connect(), server.connect()];
    inside.iter_mut().for_each(served);
    let text = rest(server.connect().send(ECHO));
    assert!(text.starts_with(REFUSED) && text.contains("from one address"), "{text}");
    drop(inside);
    served(&mut server.let_in());
}

#[test]
fn blocked_clients_wait_outside_until_there_is_room() {
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

/// All workers are in handlers. What fits into the queue is served when they are back, what does
/// not is told so at once, and deadlines are kept.
#[test]
fn when_all_workers_are_busy_who_does_not_fit_is_told_at_once() {
    let server = Server::start(&["--workers", "2", "--queue", "5", "--head-time", "0.5"]);
    let mut kept: Vec<Wire> = Vec::new();
    for _ in 0..20 {
        kept.push(server.connect());
        kept.last_mut().into_iter().for_each(served);
    }
    let mut half_said = server.connect();
    half_said.send("GET / HTTP/1.1\r\n");
    let mut sleepers = [server.connect(), server.connect()];
    for wire in &mut sleepers {
        wire.send("GET /sleep/2500 HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    thread::sleep(Duration::from_millis(100)); // until they are under way
    let begun = Instant::now();
    for wire in &mut kept {
        wire.send(ECHO);
    }
    thread::sleep(Duration::from_millis(100)); // until it has seen who was first
    let mut new: Vec<Wire> = (0..20).map(|_| server.connect()).collect();
    let is_refused = |wire: &mut Wire| {
        let refused = !wire.is_silent_for(Duration::from_millis(20));
        assert!(!refused || rest(wire).starts_with("TTP/1.1 503 "));
        refused
    };
    let refused = kept.extract_if(.., is_refused).count();
    assert_eq!(refused, 15, "of the kept ones five fit");
    let refused = new.extract_if(.., is_refused).count();
    assert_eq!(refused, 15, "and of the new ones five");
    assert!(rest(&mut half_said).starts_with("HTTP/1.1 408 "));
    assert!(begun.elapsed() < Duration::from_millis(2200), "all that while the workers slept");
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
fn without_descriptors_it_waits_and_recovers() {
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
    assert!(stderr.contains("40 descriptors are enough for 14 connections, not for 1000"));
    assert!(stderr.lines().count() < 20, "{stderr}");
}

/// Clients that are in already are told to come again, whatever they ask for; the log is not filled.
#[test]
fn without_descriptors_what_needs_a_file_is_answered_503() {
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
        let target = ["/", "/style.css", "/users", "/users/1"][number % 4];
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
    assert!(eventually(again).is_some(), "it recovers");
}

#[test]
fn by_default_there_are_no_more_connections_than_descriptors_allow() {
    let server = env!("CARGO_BIN_EXE_server");
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -n 40; exec {server} --workers 4 \"$@\""), "sh"]);
    command.current_dir(crate::support::root()).env_remove("RUST_LOG");
    let server = Server::run(command);
    let stderr = server.stderr_until(|text| text.contains("ulimit -n"));
    assert!(stderr.contains("14 may be open; for all of them: ulimit -n 13356"), "{stderr}");
    let mut inside: Vec<Wire> = (0..14).map(|_| server.connect()).collect();
    inside.iter_mut().for_each(served);
    assert!(rest(&mut server.connect()).starts_with(REFUSED));
}
