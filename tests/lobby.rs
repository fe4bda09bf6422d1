//! The lobby: no client can hold a worker, and no connection is forgotten.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{SOON, Server, Wire};

const HEALTH: &str = "GET /-/health HTTP/1.1\r\nHost: a\r\n\r\n";

fn served_at_once(server: &Server) {
    let begun = Instant::now();
    let mut wire = server.connect();
    assert_eq!(wire.send(HEALTH).answer().text(), "ok\n");
    assert!(begun.elapsed() < SOON);
}

#[test]
fn silent_slow_and_idle_clients_hold_no_worker() {
    let server = Server::start(&["--workers", "2", "--access-log", "off"]);
    let connect = || TcpStream::connect(server.address()).expect("it listens");
    let silent: Vec<TcpStream> = (0..100).map(|_| connect()).collect();
    let mut half_sent: Vec<Wire> = (0..100).map(|_| server.connect()).collect();
    for wire in &mut half_sent {
        wire.send("GET /-/health HT");
    }
    let mut idle: Vec<Wire> = (0..100).map(|_| server.connect()).collect();
    idle.iter_mut().for_each(|wire| drop(wire.send(HEALTH).answer()));
    served_at_once(&server);
    for wire in &mut idle {
        assert_eq!(wire.send(HEALTH).answer().text(), "ok\n", "no connection is forgotten");
    }
    for wire in &mut half_sent {
        assert_eq!(wire.send("TP/1.1\r\nHost: a\r\n\r\n").answer().text(), "ok\n");
    }
    drop(silent);
}

#[test]
fn slow_readers_and_slow_senders_hold_no_worker() {
    let server = Server::start(&["--workers", "2", "--access-log", "off"]);
    let mut readers: Vec<Wire> = (0..20).map(|_| server.connect()).collect();
    for wire in &mut readers {
        wire.send("GET /bytes/20000000 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    }
    let mut senders: Vec<Wire> = (0..20).map(|_| server.connect()).collect();
    for wire in &mut senders {
        wire.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc");
    }
    thread::sleep(Duration::from_millis(100));
    served_at_once(&server);
    for wire in &mut senders {
        assert!(wire.send("defghi").answer().text().ends_with("abcdefghi"));
    }
    for wire in &mut readers {
        assert_eq!(wire.answer().body.len(), 20_000_000, "a slow reader gets all of it");
    }
}

#[test]
fn handlers_that_block_hold_only_their_workers() {
    let server = Server::start(&["--workers", "4", "--access-log", "off"]);
    let mut sleepers: Vec<Wire> = (0..3).map(|_| server.connect()).collect();
    for wire in &mut sleepers {
        wire.send("GET /sleep/1500 HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    thread::sleep(Duration::from_millis(50));
    let begun = Instant::now();
    let mut wire = server.connect();
    for _ in 0..100 {
        assert_eq!(wire.send(HEALTH).answer().text(), "ok\n");
    }
    assert!(begun.elapsed() < Duration::from_millis(1200), "the fourth worker leads");
    for wire in &mut sleepers {
        assert_eq!(wire.answer().text(), "slept 1500 ms\n");
    }
}

/// Runs `greedy` clients that send requests without end, each as `requests` says for its number. Returns
/// the sorted delays of one client that waits for each response.
fn delays_beside(greedy: usize, requests: fn(usize) -> Requests) -> Vec<Duration> {
    let server = Server::start(&["--workers", "16", "--access-log", "off"]);
    let greedy: Vec<TcpStream> =
        (0..greedy).map(|_| TcpStream::connect(server.address()).expect("it listens")).collect();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for (number, stream) in greedy.iter().enumerate() {
            let is_over = &is_over;
            scope.spawn(move || {
                let (text, repeated) = match requests(number) {
                    Requests::Once(text) => (text, false),
                    Requests::Repeated(text) => (text, true),
                };
                let (mut reading, mut writing) = (stream, stream);
                stream.set_nonblocking(true).expect("an option");
                let mut waste = vec![0; 64 << 10];
                let mut left = text.as_bytes();
                while !is_over.load(Ordering::Relaxed) {
                    let sent = writing.write(left).unwrap_or(0);
                    left = &left[sent..];
                    if left.is_empty() && repeated {
                        left = text.as_bytes();
                    }
                    if reading.read(&mut waste).is_err() {
                        thread::sleep(Duration::from_millis(1));
                    }
                }
            });
        }
        thread::sleep(Duration::from_millis(100)); // until all of them have sent
        let mut wire = server.connect();
        let mut delays: Vec<Duration> = (0..20)
            .map(|_| {
                let begun = Instant::now();
                assert_eq!(wire.send(HEALTH).answer().text(), "ok\n");
                begun.elapsed()
            })
            .collect();
        is_over.store(true, Ordering::Relaxed);
        delays.sort_unstable();
        delays
    })
}

/// What a greedy client sends.
enum Requests {
    Once(String),
    Repeated(String),
}

/// A client that asks for much waits for one that asks for little, for any number of workers: more workers
/// than cores must not take the leader's time.
#[test]
fn greedy_clients_delay_the_others_by_milliseconds() {
    let delays = delays_beside(48, |number| match number % 4 {
        0 => Requests::Once("GET /bytes/9000000000 HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        _ => Requests::Repeated(HEALTH.repeat(300)),
    });
    assert!(delays[10] < Duration::from_millis(100), "{delays:?}");
}

/// A turn ends after 64 responses, though a thousand more requests have been read. Four times as many
/// clients as workers pipeline, and one sends a request only after the response before it.
#[test]
fn pipelining_clients_do_not_starve_a_client_that_waits() {
    let delays = delays_beside(64, |_| Requests::Repeated(HEALTH.repeat(1000)));
    assert!(delays[10] < Duration::from_millis(100), "{delays:?}");
}

/// Many clients and few workers, in any interleaving: every request gets one response.
#[test]
fn under_a_storm_of_requests_each_gets_one_response() {
    let server = Server::start(&["--workers", "3", "--access-log", "off"]);
    thread::scope(|scope| {
        for client in 0..16 {
            let server = &server;
            scope.spawn(move || {
                let mut wires: Vec<Wire> = (0..8).map(|_| server.connect()).collect();
                for round in 0..60 {
                    for (number, wire) in wires.iter_mut().enumerate() {
                        let target = match (client + round + number) % 7 {
                            0 => "/sleep/1".to_owned(),
                            1 => "/sleep/7".to_owned(),
                            2 => "/bytes/100000".to_owned(),
                            _ => format!("/echo?{client}.{round}.{number}"),
                        };
                        let head = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
                        // Some heads come in two pieces, so that they wait in the lobby.
                        let (first, rest) = head.split_at(head.len() / ((round % 3) + 1));
                        wire.send(first);
                        if !rest.is_empty() {
                            wire.send(rest);
                        }
                    }
                    for (number, wire) in wires.iter_mut().enumerate() {
                        let answer = wire.answer();
                        assert_eq!(answer.status(), 200);
                        if let Some(echo) = answer.text().strip_prefix("GET /echo?") {
                            assert!(echo.starts_with(&format!("{client}.{round}.{number} ")));
                        }
                    }
                    if round % 10 == client % 10 {
                        wires[round % 8] = server.connect();
                    }
                }
                for wire in &mut wires {
                    assert!(wire.is_silent_for(Duration::from_millis(1)), "no byte is left over");
                }
            });
        }
    });
    served_at_once(&server);
}
