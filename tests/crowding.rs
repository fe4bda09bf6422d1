//! More clients than workers with the textbook (`--lobby off`): which connections make room, and which
//! clients starve.

use std::io::Read as _;
use std::time::{Duration, Instant};

use threadbare::server::{AccessLog, Config, Driver, Router};

use crate::support::{SOON, Server, Wire};

const HEALTH: &str = "GET /-/health HTTP/1.1\r\nHost: a\r\n\r\n";

/// Starts a server whose workers are each held by a client with an idle connection.
fn with_idle_clients(workers: usize) -> (Server, Vec<Wire>) {
    let server = Server::start(&["--lobby", "off", "--workers", &workers.to_string()]);
    let mut idle: Vec<Wire> = (0..workers).map(|_| server.connect()).collect();
    for wire in &mut idle {
        assert_eq!(wire.send(HEALTH).answer().field("Connection"), None, "it is kept");
    }
    (server, idle)
}

#[test]
fn an_idle_connection_is_closed_for_a_new_one() {
    let (server, mut idle) = with_idle_clients(2);
    let begun = Instant::now();
    assert_eq!(server.get("/-/health").text(), "ok\n");
    assert!(begun.elapsed() < SOON, "not after the idle time");
    let (mut gone, mut stays) = (idle.remove(0), idle.remove(0));
    if !gone.is_silent_for(Duration::from_millis(1)) {
        assert_eq!(gone.rest(), b"", "closed without a response");
    } else {
        assert_eq!(stays.rest(), b"", "closed without a response");
    }
}

#[test]
fn many_new_clients_are_served_beside_idle_ones() {
    let (server, _idle) = with_idle_clients(2);
    let begun = Instant::now();
    let mut wires: Vec<Wire> = (0..20).map(|_| server.connect()).collect();
    for wire in &mut wires {
        wire.send(HEALTH);
    }
    for wire in &mut wires {
        assert_eq!(wire.answer().text(), "ok\n");
    }
    assert!(begun.elapsed() < SOON);
}

#[test]
fn no_connection_is_kept_while_others_wait() {
    let server = Server::start(&["--lobby", "off", "--workers", "1"]);
    let (mut first, mut second) = (server.connect(), server.connect());
    first.send("GET /sleep/300 HTTP/1.1\r\nHost: a\r\n\r\n");
    std::thread::sleep(Duration::from_millis(100)); // until its handler runs
    second.send(HEALTH);
    let answer = first.answer();
    assert_eq!(answer.field("Connection"), Some("close"), "the first makes room for the second");
    assert_eq!(second.answer().field("Connection"), None, "and no client waits for the second");
}

#[test]
fn a_client_waits_for_busy_workers() {
    let server = Server::start(&["--lobby", "off", "--workers", "2"]);
    let mut busy: Vec<Wire> = (0..2).map(|_| server.connect()).collect();
    for wire in &mut busy {
        wire.send("GET /sleep/500 HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    std::thread::sleep(Duration::from_millis(100)); // until their handlers run
    let mut third = server.connect();
    assert!(third.send(HEALTH).is_silent_for(Duration::from_millis(100)));
    assert_eq!(third.answer().text(), "ok\n");
    for wire in &mut busy {
        assert_eq!(wire.answer().text(), "slept 500 ms\n");
    }
}

/// The textbook by design: a client that has not sent anything yet holds its worker. The lobby avoids it.
#[test]
fn silent_clients_starve_the_others_until_they_leave() {
    let server = Server::start(&["--lobby", "off", "--workers", "2"]);
    let silent = [server.connect(), server.connect()];
    let mut third = server.connect();
    assert!(third.send(HEALTH).is_silent_for(Duration::from_millis(700)), "no worker is free");
    drop(silent);
    let begun = Instant::now();
    assert_eq!(third.answer().text(), "ok\n");
    assert!(begun.elapsed() < SOON);
}

#[test]
fn a_client_beyond_the_queue_is_refused_and_logged_with_its_address() {
    let (mut written, log) = std::io::pipe().unwrap();
    let access_log = AccessLog::to(log).unwrap();
    let driver = Driver::Textbook;
    let config = Config { driver, workers: 1, queue: 1, access_log, ..Config::default() };
    let routes = Router::new().build().unwrap();
    let server = threadbare::server::Server::with_config(["127.0.0.1:0"], routes, config).unwrap();
    let (address, stop) = (server.addresses()[0], server.stop_signal());
    let running = std::thread::spawn(|| server.run().unwrap());
    let served = Wire::to(address);
    std::thread::sleep(Duration::from_millis(100)); // until its worker has it
    let queued = Wire::to(address);
    let answer = Wire::to(address).answer();
    assert_eq!((answer.status(), answer.field("Retry-After")), (503, Some("1")));
    drop((served, queued));
    stop.request(Duration::from_secs(5));
    running.join().unwrap();
    let mut log = String::new();
    written.read_to_string(&mut log).unwrap();
    assert!(log.starts_with("127.0.0.1 - - [") && log.contains("] \"-\" 503 "), "{log}");
}

#[test]
fn clients_that_disconnect_free_their_workers() {
    let server = Server::start(&["--lobby", "off", "--workers", "2", "--access-log", "off"]);
    for number in 0..200 {
        let mut wire = server.connect();
        match number % 5 {
            0 => {}
            1 => drop(wire.send("GET /bytes/9000000 HTTP/1.1\r\nHost: a\r\n\r\n").head()),
            2 => drop(wire.send("GET / HTT")),
            3 => drop(wire.send("PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx")),
            _ => drop(wire.send("BAD\r\n")),
        }
    }
    let begun = Instant::now();
    let mut both = [server.connect(), server.connect()];
    for wire in &mut both {
        assert_eq!(wire.send(HEALTH).answer().text(), "ok\n");
    }
    assert!(begun.elapsed() < SOON);
    let stderr = server.program.stderr.text();
    let is_warning = |line: &str| !line.contains(": INFO: ");
    assert!(!stderr.lines().any(is_warning), "a disconnect is not a warning: {stderr}");
}
