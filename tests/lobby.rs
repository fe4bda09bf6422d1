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
fn silent_half_said_and_idle_clients_hold_no_worker() {
    let server = Server::start(&["--workers", "2", "--access-log", "off"]);
    let connect = || TcpStream::connect(server.address()).expect("it listens");
    let silent: Vec<TcpStream> = (0..100).map(|_| connect()).collect();
    let mut half_said: Vec<Wire> = (0..100).map(|_| server.connect()).collect();
    for wire in &mut half_said {
        wire.send("GET /-/health HT");
    }
    let mut idle: Vec<Wire> = (0..100).map(|_| server.connect()).collect();
    idle.iter_mut().for_each(|wire| drop(wire.send(HEALTH).answer()));
    served_at_once(&server);
    for wire in &mut idle {
        assert_eq!(wire.send(HEALTH).answer().text(), "ok\n", "none is forgotten");
    }
    for wire in &mut half_said {
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

/// Clients that ask without end beside a polite one, each for what `words` says, by its number. The
/// polite one's delays, in order.
fn delays_beside(greedy: usize, words: fn(usize) -> Words) -> Vec<Duration> {
    let server = Server::start(&["--workers", "16", "--access-log", "off"]);
    let greedy: Vec<TcpStream> =
        (0..greedy).map(|_| TcpStream::connect(server.address()).expect("it listens")).collect();
    let all_said = AtomicBool::new(false);
    thread::scope(|scope| {
        for (number, stream) in greedy.iter().enumerate() {
            let all_said = &all_said;
            scope.spawn(move || {
                let (text, repeated) = match words(number) {
                    Words::Once(text) => (text, false),
                    Words::Again(text) => (text, true),
                };
                let (mut reading, mut writing) = (stream, stream);
                stream.set_nonblocking(true).expect("an option");
                let mut waste = vec![0; 64 << 10];
                let mut left = text.as_bytes();
                while !all_said.load(Ordering::Relaxed) {
                    let said = writing.write(left).unwrap_or(0);
                    left = &left[said..];
                    if left.is_empty() && repeated {
                        left = text.as_bytes();
                    }
                    if reading.read(&mut waste).is_err() {
                        thread::sleep(Duration::from_millis(1));
                    }
                }
            });
        }
        thread::sleep(Duration::from_millis(100)); // until they are at it
        let mut wire = server.connect();
        let mut delays: Vec<Duration> = (0..20)
            .map(|_| {
                let begun = Instant::now();
                assert_eq!(wire.send(HEALTH).answer().text(), "ok\n");
                begun.elapsed()
            })
            .collect();
        all_said.store(true, Ordering::Relaxed);
        delays.sort_unstable();
        delays
    })
}

/// What a greedy client says.
enum Words {
    Once(String),
    Again(String),
}

/// Who asks for much waits for who asks for little, whatever the number of workers: more of them
/// than cores must not take the leader's time.
#[test]
fn greedy_clients_delay_the_others_by_milliseconds() {
    let delays = delays_beside(48, |number| match number % 4 {
        0 => Words::Once("GET /bytes/9000000000 HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        _ => Words::Again(HEALTH.repeat(300)),
    });
    assert!(delays[10] < Duration::from_millis(100), "{delays:?}");
}

/// A turn ends after 64 answers, though a thousand more requests have been read: four times as many
/// clients as workers, who always have the next one there, and one who asks when it has its answer.
#[test]
fn pipelining_clients_do_not_starve_a_polite_one() {
    let delays = delays_beside(64, |_| Words::Again(HEALTH.repeat(1000)));
    assert!(delays[10] < Duration::from_millis(100), "{delays:?}");
}

/// Whatever the interleaving of many clients and few workers: every request is answered, once.
#[test]
fn in_a_storm_nobody_is_forgotten_and_nobody_is_answered_twice() {
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
                        // In two pieces, now and then, so that a head waits in the lobby.
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
                    assert!(wire.is_silent_for(Duration::from_millis(1)), "nothing is left over");
                }
            });
        }
    });
    served_at_once(&server);
}
