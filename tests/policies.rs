//! The policies of the pool: which connection is served next, which one is dropped, and how many threads there are.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Folder, SOON, Server, Wire, run};

/// The time in which a byte that was sent has arrived, and the next one is later.
const APART: Duration = Duration::from_millis(30);

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
}

/// Lets the only worker sleep for `milliseconds`. Returns when it does.
fn hold(server: &Server, milliseconds: u64) -> Wire {
    let mut wire = server.connect();
    wire.send(get(&format!("/sleep/{milliseconds}")));
    thread::sleep(Duration::from_millis(100));
    wire
}

/// Sends each request on a connection of its own while the only worker is held. Returns the connections.
fn queue(server: &Server, targets: &[&str]) -> Vec<Wire> {
    let sent = targets.iter().map(|target| {
        let mut wire = server.connect();
        wire.try_send(get(target)); // it may have been dropped
        thread::sleep(APART);
        wire
    });
    sent.collect()
}

/// Returns the order in which connections are answered, of which each takes the only worker at least 20 ms.
fn order(wires: Vec<Wire>) -> Vec<usize> {
    let (sender, answered) = std::sync::mpsc::channel();
    for (index, mut wire) in wires.into_iter().enumerate() {
        let sender = sender.clone();
        thread::spawn(move || {
            assert_eq!(wire.answer().status(), 200);
            let _ = sender.send(index);
        });
    }
    drop(sender);
    answered.iter().collect()
}

#[test]
fn a_schedule_picks_the_next_connection() {
    for pool in [&["--pool", "single"][..], &["--pool", "lobby", "--workers", "1"]] {
        for (schedule, want) in
            [("fifo", [0, 1, 2, 3]), ("lifo", [3, 2, 1, 0]), ("smallest-first", [1, 2, 3, 0])]
        {
            let server = Server::start(&[pool, &["--schedule", schedule]].concat());
            let _held = hold(&server, 500);
            let waiting = queue(&server, &["/sleep/80", "/sleep/20", "/sleep/40", "/sleep/60"]);
            assert_eq!(order(waiting), want, "{pool:?} {schedule}");
        }
    }
}

/// The lobby: connections that have been served before, and are ready with a next request.
#[test]
fn a_schedule_picks_the_next_request_of_kept_connections() {
    for (schedule, want) in
        [("fifo", [0, 1, 2]), ("lifo", [2, 1, 0]), ("smallest-first", [1, 2, 0])]
    {
        let server = Server::start(&["--workers", "1", "--schedule", schedule]);
        let mut kept: Vec<Wire> = (0..3).map(|_| server.connect()).collect();
        for wire in &mut kept {
            assert_eq!(wire.send("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n").answer().status(), 200);
        }
        let _held = hold(&server, 500);
        for (wire, target) in kept.iter_mut().zip(["/sleep/80", "/sleep/20", "/sleep/50"]) {
            wire.send(get(target));
            thread::sleep(APART);
        }
        assert_eq!(order(kept), want, "{schedule}");
    }
}

#[test]
fn the_size_of_a_file_counts_and_a_silent_connection_is_the_largest() {
    let folder = Folder::with(&[("large", &"x".repeat(50_000)), ("small", "x")]);
    let server = Server::of(&folder, &["--pool", "single", "--schedule", "smallest-first"]);
    let _held = hold(&server, 500);
    let mut silent = server.connect();
    let waiting = queue(&server, &["/large", "/sleep/40", "/small"]);
    let begun = Instant::now();
    // 40 ms have the size 40,000. If the silent connection were served first, its worker would wait 20 s.
    let mut waiting = waiting.into_iter();
    let (mut large, mut sleep, mut small) =
        (waiting.next().unwrap(), waiting.next().unwrap(), waiting.next().unwrap());
    assert_eq!(small.answer().body.len(), 1);
    assert!(large.is_silent_for(Duration::from_millis(10)), "the large file is behind the 40 ms");
    assert_eq!((sleep.answer().status(), large.answer().body.len()), (200, 50_000));
    assert!(begun.elapsed() < SOON);
    assert_eq!(silent.send(get("/small")).answer().status(), 200);
}

/// Returns what becomes of five connections for which the queue has two places: the numbers of those that get a
/// 200, of those that get a 503, and of those that are closed without an answer.
fn fates(wires: Vec<Wire>) -> [Vec<usize>; 3] {
    let mut fates = <[Vec<usize>; 3]>::default();
    for (index, mut wire) in wires.into_iter().enumerate() {
        let fate = match wire.try_exchange("").map(|(status, _)| status) {
            Some(200) => 0,
            Some(503) => 1,
            None => 2,
            Some(other) => panic!("{other}"),
        };
        fates[fate].push(index);
    }
    fates
}

#[test]
fn an_overload_policy_picks_what_is_dropped() {
    for pool in [&["--pool", "single"][..], &["--pool", "lobby", "--workers", "1"]] {
        for (policy, served, refused, dropped) in [
            ("reject", &[0, 1][..], &[2, 3, 4][..], &[][..]),
            ("block", &[0, 1, 2, 3, 4], &[], &[]),
            ("drop-oldest", &[3, 4], &[], &[0, 1, 2]),
            ("drop-newest", &[0, 1], &[], &[2, 3, 4]),
        ] {
            let flags = [pool, &["--queue", "2", "--overload", policy]].concat();
            let server = Server::start(&flags);
            let _held = hold(&server, 700);
            let fates = fates(queue(&server, &["/sleep/1"; 5]));
            assert_eq!(fates, [served, refused, dropped].map(<[usize]>::to_vec), "{flags:?}");
            let metrics = server.get("/-/metrics").text();
            let line = format!("threadbare_dropped_total{{what=\"new\"}} {}\n", dropped.len());
            assert!(metrics.contains(&line), "{metrics}");
        }
        let flags = [pool, &["--queue", "2", "--overload", "drop-random"]].concat();
        let server = Server::start(&flags);
        let _held = hold(&server, 700);
        let [served, refused, dropped] = fates(queue(&server, &["/sleep/1"; 5]));
        assert_eq!((served.len(), refused.len(), dropped.len()), (2, 0, 3), "{flags:?}");
    }
}

/// The lobby: the queue of connections that have been served before, and are ready with a next request.
#[test]
fn an_overload_policy_picks_among_the_requests_of_kept_connections() {
    for (policy, served, refused, dropped) in [
        ("reject", [0, 1], &[2, 3, 4][..], &[][..]),
        ("drop-oldest", [3, 4], &[], &[0, 1, 2]),
        ("drop-newest", [0, 1], &[], &[2, 3, 4]),
    ] {
        let server = Server::start(&["--workers", "1", "--queue", "2", "--overload", policy]);
        let mut kept: Vec<Wire> = Vec::new();
        for _ in 0..5 {
            let mut wire = server.connect();
            assert_eq!(wire.send("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n").answer().status(), 200);
            kept.push(wire);
        }
        let _held = hold(&server, 700);
        for wire in &mut kept {
            wire.send(get("/sleep/1"));
            thread::sleep(APART);
        }
        let want = [&served[..], refused, dropped].map(<[usize]>::to_vec);
        assert_eq!(fates(kept), want, "{policy}");
        let metrics = server.get("/-/metrics").text();
        let line = format!("threadbare_dropped_total{{what=\"ready\"}} {}\n", dropped.len());
        assert!(metrics.contains(&line), "{metrics}");
    }
}

#[test]
fn a_thread_for_each_connection_is_starved_by_none_and_their_number_is_limited() {
    let server = Server::start(&["--pool", "per-connection", "--max-connections", "40"]);
    let silent: Vec<Wire> = (0..39).map(|_| server.connect()).collect();
    let begun = Instant::now();
    assert_eq!(server.get("/-/health").text(), "ok\n");
    assert!(begun.elapsed() < SOON);
    let mut last = server.let_in();
    let mut beyond = server.connect();
    assert_eq!(beyond.send(get("/-/health")).answer().status(), 503);
    assert_eq!(last.send(get("/-/health")).answer().text(), "ok\n");
    drop(silent);
    drop(server.let_in());
    let page = server.get("/-/status").text();
    assert!(
        page.contains("GET /-/status") && page.contains(" more threads may be started."),
        "{page}"
    );
}

#[test]
fn one_worker_serves_one_connection_after_the_other() {
    let server = Server::start(&["--pool", "single"]);
    let begun = Instant::now();
    assert_eq!(order(queue(&server, &["/sleep/150", "/sleep/150"])), [0, 1]);
    assert!(begun.elapsed() >= Duration::from_millis(300));
}

#[test]
fn the_stat_fields_say_when_who_and_how_many() {
    let folder = Folder::with(&[("file", "x")]);
    let server = Server::of(&folder, &["--pool", "single", "--stat-fields"]);
    let _held = hold(&server, 300);
    let mut waiting = queue(&server, &["/file", "/sleep/1"]);
    for (wire, count, dispatch) in [(0, ["2", "1", "1"], 0.15), (1, ["3", "1", "2"], 0.1)] {
        let answer = waiting[wire].answer();
        let field = |name| answer.field(name).unwrap_or_else(|| panic!("{name} is missing"));
        let got = ["Stat-Thread-Count", "Stat-Thread-Static", "Stat-Thread-Dynamic"].map(field);
        assert_eq!((got, field("Stat-Thread-Id")), (count, "1"));
        let waited: f64 = field("Stat-Req-Dispatch").parse().unwrap();
        assert!((dispatch..3.0).contains(&waited), "{waited}");
        let arrival: f64 = field("Stat-Req-Arrival").parse().unwrap();
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
        assert!((now - 10.0..=now).contains(&arrival), "{arrival}");
    }
    let plain = Server::start(&[]);
    assert_eq!(plain.get("/-/health").field("Stat-Thread-Id"), None);
}

/// The experiments of the page take minutes; here each of its commands is planned, and nothing is measured.
#[test]
fn the_experiments_of_the_page_can_be_planned() {
    let page = include_str!("../src/manual/policies.md").replace("\\\n", " ");
    let client = env!("CARGO_BIN_EXE_client");
    let commands = page.lines().filter_map(|line| line.strip_prefix("$ target/release/client "));
    let experiments: Vec<&str> = commands.filter(|it| it.starts_with("experiment ")).collect();
    assert_eq!(experiments.len(), 5);
    for arguments in experiments {
        let command = format!("{client} {arguments} --dry-run");
        let done = run(Command::new("sh").args(["-c", &command]), b"");
        assert_eq!(done.code, Some(0), "{command}: {}", done.stderr);
        assert!(String::from_utf8_lossy(&done.stdout).contains("measurements"), "{command}");
    }
}
