//! Handlers that block: no worker is idle while a request waits. With the default driver, the real binaries
//! and real sockets; times are asserted coarsely.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::client::fetch;
use crate::support::{Server, Wire};

const HEALTH: &str = "GET /-/health HTTP/1.1\r\nHost: a\r\n\r\n";
const WORKERS: usize = 16;
const CONNECTIONS: usize = 4 * WORKERS;

/// Returns the responses per second that `connections` connections get, and checks that none is an error.
fn rate(server: &Server, target: &str, connections: usize) -> f64 {
    let (connections, url) = (connections.to_string(), server.url(target));
    let load = ["-c", &connections, "--threads", "1", "-t", "0.5"];
    let finished = fetch(&[&["bench", "--json-out", "-"], &load[..], &[&url]].concat());
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""), "{target}");
    let figures: Value = serde_json::from_slice(&finished.stdout).unwrap();
    figures["requests_per_s"].as_f64().unwrap()
}

fn start(workers: usize, lobby: &str) -> Server {
    let workers = workers.to_string();
    Server::start(&["--workers", &workers, "--lobby", lobby, "--access-log", "off"])
}

/// Asserts that every worker is in a handler nearly all the time. A slow or busy machine may not allow
/// that: then the rate is compared with the textbook, which has a worker for each connection here. The
/// best of three runs counts.
fn keeps_its_workers_busy(milliseconds: f64) {
    const SHARE: f64 = 0.6;
    let target = format!("/sleep/{milliseconds}");
    let ideal = WORKERS as f64 * 1e3 / milliseconds;
    let (lobby, textbook) = (start(WORKERS, "on"), start(WORKERS, "off"));
    let mut seen = Vec::new();
    for _ in 0..3 {
        let got = rate(&lobby, &target, CONNECTIONS);
        if got >= SHARE * ideal {
            return;
        }
        let possible = ideal.min(rate(&textbook, &target, WORKERS));
        if got >= SHARE * possible {
            return;
        }
        seen.push(format!("{got:.0} of {possible:.0} a second"));
    }
    panic!("{target}, {WORKERS} workers: {}; the ideal is {ideal:.0}", seen.join(", "));
}

#[test]
fn handlers_of_one_millisecond_keep_all_workers_busy() {
    keeps_its_workers_busy(1.0);
}

#[test]
fn handlers_of_five_milliseconds_keep_all_workers_busy() {
    keeps_its_workers_busy(5.0);
}

#[test]
fn handlers_of_twenty_milliseconds_keep_all_workers_busy() {
    keeps_its_workers_busy(20.0);
}

/// Requests `/sleep/30` on one connection and, 0 to 120 us later, a small response on another, again and
/// again. Returns the time of each small response.
fn small_beside_sleeping(lobby: &str, seed: u64) -> Vec<Duration> {
    const TRIALS: u64 = 150;
    let server = start(2, lobby);
    let (mut sleeping, mut small) = (server.connect(), server.connect());
    let request = |wire: &mut Wire| assert_eq!(wire.send(HEALTH).answer().text(), "ok\n");
    request(&mut sleeping);
    request(&mut small);
    let trial = |number| {
        sleeping.send("GET /sleep/30 HTTP/1.1\r\nHost: a\r\n\r\n");
        wait(Duration::from_micros((number * 7 + seed * 13) % 121));
        let begun = Instant::now();
        request(&mut small);
        let took = begun.elapsed();
        assert_eq!(sleeping.answer().text(), "slept 30 ms\n");
        took
    };
    (0..TRIALS).map(trial).collect()
}

/// Waits without sleeping: a sleep takes more than 50 us.
fn wait(time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// Returns the delays with the lobby and with the textbook, measured at the same time. The textbook has a
/// worker for each connection here, so only the machine delays it.
fn delays() -> [Vec<Duration>; 2] {
    const SERVERS: u64 = 4; // of each kind
    thread::scope(|scope| {
        let measure = |lobby| {
            let run = move |seed| scope.spawn(move || small_beside_sleeping(lobby, seed));
            (0..SERVERS).map(run).collect::<Vec<_>>()
        };
        let both = ["on", "off"].map(measure);
        both.map(|threads| threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect())
    })
}

/// A small request never waits for the handler of the other worker, which takes 30 ms. A few more delays
/// than with the textbook are chance; the better of two runs counts.
#[test]
fn the_idle_one_of_two_workers_serves() {
    let mut seen = Vec::new();
    for _ in 0..2 {
        let [lobby, textbook] = delays();
        let count = |delays: &[Duration], limit| {
            let limit = Duration::from_millis(limit);
            delays.iter().filter(|&&delay| delay > limit).count()
        };
        let few = lobby.len() / 100;
        let [long, medium] = [10, 4].map(|limit| (count(&lobby, limit), count(&textbook, limit)));
        if long.0 <= long.1 + few && medium.0 <= medium.1 + 4 * few {
            return;
        }
        seen.push(format!(
            "of {}: over 10 ms {}, textbook {}; over 4 ms {}, textbook {}",
            lobby.len(),
            long.0,
            long.1,
            medium.0,
            medium.1
        ));
    }
    panic!("a request waits beside an idle worker: {seen:#?}");
}
