//! `server --fault`: each kind of fault, byte by byte, under both drivers; which requests meet which; and what
//! clients make of them.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::client::{client, fetch};
use crate::support::{Folder, SOON, Server, Wire, masked, needs, run};

const DRIVERS: [&str; 2] = ["on", "off"];
const BODY: &str = "0123456789";
const GET: &str = "GET /ten.txt HTTP/1.1\r\nHost: a\r\n\r\n";

/// A server of `ten.txt` and `large.bin` (300 KB) with these faults; its folder goes away with it.
struct Faulty {
    server: Server,
    _folder: Folder,
}

impl Faulty {
    fn start(driver: &str, faults: &str, flags: &[&str]) -> Faulty {
        let folder = Folder::new();
        fs::write(folder.join("ten.txt"), BODY).unwrap();
        fs::write(folder.join("large.bin"), vec![b'x'; 300_000]).unwrap();
        let common = ["--fault", faults, "--lobby", driver, "--server-timing", "off"];
        let server = Server::of(&folder, &[&common, flags].concat());
        Faulty { server, _folder: folder }
    }

    /// What its log tells of faults, without the address of a request's connection.
    fn faults(&self, count: usize) -> Vec<String> {
        let of = |text: &str| {
            let lines =
                text.lines().filter_map(|line| line.strip_prefix("server: INFO: fault of "));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        of(&self.server.stderr_until(|text| of(text).len() >= count))
    }
}

/// Head and body.
fn parts(response: &str) -> (&str, &str) {
    response.split_once("\r\n\r\n").unwrap_or((response, ""))
}

#[test]
fn a_late_response_is_whole_and_in_order() {
    for driver in DRIVERS {
        let faulty = Faulty::start(driver, "delay=150ms", &[]);
        let begun = Instant::now();
        let mut wire = faulty.server.connect();
        // The second one is delayed after the first: a connection has one response at a time.
        wire.send(GET.repeat(2));
        for late in 1..=2 {
            let answer = wire.answer();
            assert_eq!((answer.status(), answer.text().as_str()), (200, BODY), "{driver}");
            let after = begun.elapsed();
            assert!(after >= Duration::from_millis(150 * late) && after < SOON, "{after:?}");
        }
        // A client that has said all is still a reader.
        let mut wire = faulty.server.connect();
        let rest = wire.send(GET).half_close().rest();
        assert_eq!(parts(&masked(&rest)).1, BODY, "{driver}");
        assert_eq!(faulty.faults(3)[2], "request 3, GET /ten.txt: delay=150ms");
    }
}

#[test]
fn a_response_drips_and_is_whole() {
    for driver in DRIVERS {
        let faulty = Faulty::start(driver, "drip=1KB/s", &[]);
        let mut wire = faulty.server.connect();
        let begun = Instant::now();
        let answer = wire.send(GET).answer();
        assert_eq!(answer.text(), BODY);
        let took = begun.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "it is small")]
        let expected = (answer.head.len() + BODY.len()) as f64 / 1000.0;
        assert!(took >= expected - 0.06 && took < expected + 2.0, "{driver}: {took} {expected}");
        // The next one is late as well, and of any size.
        let faulty = Faulty::start(driver, "drip=1MB/s", &[]);
        let answer = faulty.server.get("/large.bin");
        assert_eq!(answer.body.len(), 300_000);
    }
}

#[test]
fn a_truncated_response_ends_in_its_middle() {
    for driver in DRIVERS {
        let faulty = Faulty::start(driver, "truncate", &[]);
        let sent = faulty.server.exchange(GET);
        let (head, body) = parts(&sent);
        assert!(head.contains("\r\nContent-Length: 10"), "{driver}: {head}");
        assert_eq!(body, "01234", "{driver}");
        let large = faulty.server.connect().send(GET.replace("ten.txt", "large.bin")).rest();
        let at = large.windows(4).position(|end| end == b"\r\n\r\n").unwrap();
        assert_eq!(large.len() - at - 4, 150_000, "{driver}");
        // Without a body it is the head: here its first half, with the status line.
        let head = faulty.server.exchange(GET.replace("GET", "HEAD"));
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && !head.contains("\r\n\r\n"), "{head}");
        // The length of this one is not known before: its first chunk is cut.
        let chunks = faulty.server.exchange(GET.replace("ten.txt", "chunks/3"));
        assert!(chunks.contains("\r\nTransfer-Encoding: chunked\r\n"), "{chunks}");
        assert!(!chunks.ends_with("0\r\n\r\n") && parts(&chunks).1.len() > 3, "{chunks}");
        let log = faulty.server.stderr_until(|text| text.contains("/chunks/3 HTTP/1.1\" 200"));
        assert!(log.contains("\"GET /ten.txt HTTP/1.1\" 200 5 "), "{log}");
        assert!(log.contains("\"GET /large.bin HTTP/1.1\" 200 150000 "), "{log}");
        assert!(!log.contains("ERROR"), "it is on purpose: {log}");
    }
}

#[test]
fn a_reset_or_no_response_at_all() {
    for driver in DRIVERS {
        let faulty = Faulty::start(driver, "reset", &["--wire"]);
        let mut wire = faulty.server.connect();
        assert_eq!(wire.send(GET).try_rest(), None, "{driver}: a reset");
        let log = faulty.server.stderr_until(|text| text.contains("closed: a fault on purpose"));
        assert!(log.contains("on purpose: reset") && log.contains("\" - 0 0."), "{log}");

        let mut faulty = Faulty::start(driver, "never", &[]);
        let mut wire = faulty.server.connect();
        assert!(wire.send(GET).is_silent_for(Duration::from_millis(200)), "{driver}");
        drop(wire);
        faulty.server.stderr_until(|text| text.contains("\"GET /ten.txt HTTP/1.1\" - 0 "));
        // A server that stops closes the connection without an answer.
        let mut wire = faulty.server.connect();
        wire.send(GET);
        faulty.faults(2);
        faulty.server.program.signal("TERM");
        let begun = Instant::now();
        assert_eq!(wire.rest(), b"", "{driver}");
        assert_eq!(faulty.server.program.exit_code(), Some(0));
        assert!(begun.elapsed() < SOON, "{driver}");
    }
}

#[test]
fn a_stop_lets_no_client_wait() {
    for driver in DRIVERS {
        let mut faulty = Faulty::start(driver, "delay=50s,drip=10B/s", &[]);
        let mut wire = faulty.server.connect();
        wire.send(GET);
        faulty.faults(1);
        faulty.server.program.signal("TERM");
        assert_eq!(parts(&masked(&wire.rest())).1, BODY, "{driver}");
        assert_eq!(faulty.server.program.exit_code(), Some(0));
    }
}

#[test]
fn a_wrong_chunk_is_not_hexadecimal() {
    for driver in DRIVERS {
        let faulty = Faulty::start(driver, "bad-chunk", &[]);
        let mut wire = faulty.server.connect();
        let head = wire.send(GET).head();
        assert!(head.contains("\r\nTransfer-Encoding: chunked\r\n"), "{head}");
        assert_eq!(wire.take(20), format!("x\r\n{BODY}\r\n0\r\n\r\n").as_bytes(), "{driver}");
        // No chunks for HTTP/1.0, and none without a body.
        let old = faulty.server.exchange("GET /ten.txt HTTP/1.0\r\n\r\n");
        assert_eq!(parts(&old).1, BODY, "{driver}");
        let head = faulty.server.connect().send(GET.replace("GET", "HEAD")).head();
        assert!(head.contains("\r\nContent-Length: 10\r\n"), "{head}");
        assert_eq!(faulty.faults(1), ["request 1, GET /ten.txt: bad-chunk"]);
    }
}

/// What came of a request.
fn outcome(server: &Server) -> &'static str {
    let mut wire = server.connect();
    let request = GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    let Some(got) = wire.send(request).try_rest() else { return "reset" };
    let text = String::from_utf8(got).unwrap();
    match parts(&text).1 {
        BODY => "whole",
        "01234" => "truncate",
        chunks if chunks.starts_with("x\r\n") => "bad-chunk",
        other => panic!("{other}"),
    }
}

#[test]
fn the_same_seed_brings_the_same_faults_whatever_the_driver() {
    const FAULTS: &str = "truncate=20%,reset=10%,bad-chunk=5%";
    let outcomes = |driver, seed: &[&str], count| {
        let faulty = Faulty::start(driver, FAULTS, seed);
        let all: Vec<_> = (0..count).map(|_| outcome(&faulty.server)).collect();
        let wrong = all.iter().enumerate().filter(|(_, outcome)| **outcome != "whole");
        let wrong: Vec<String> =
            wrong.map(|(at, it)| format!("request {}, GET /ten.txt: {it}", at + 1)).collect();
        assert_eq!(faulty.faults(wrong.len()), wrong, "the log tells what the client met");
        (all, faulty.server.program.stderr.text())
    };
    let (seven, _) = outcomes("on", &["--seed", "7"], 500);
    for (kind, share) in [("whole", 325), ("truncate", 100), ("reset", 50), ("bad-chunk", 25)] {
        let count = seven.iter().filter(|outcome| **outcome == kind).count();
        assert!((share / 2..share * 2).contains(&count), "{kind}: {count}");
    }
    assert_eq!(outcomes("off", &["--seed", "7"], 100).0, seven[..100]);
    assert_ne!(outcomes("on", &["--seed", "8"], 100).0, seven[..100]);
    // A seed that was not given is told, and repeats the run.
    let (any, log) = outcomes("on", &[], 50);
    let told = format!("server: INFO: responses are wrong on purpose: {FAULTS}; seed ");
    let seed = log.lines().find_map(|line| line.strip_prefix(&told)).expect("a seed");
    assert_eq!(outcomes("on", &["--seed", seed], 50).0, any);
}

#[test]
fn what_supervisors_ask_is_spared() {
    for driver in DRIVERS {
        let faulty = Faulty::start(driver, "never", &[]);
        let begun = Instant::now();
        for path in ["/-/health", "/-/metrics", "/-/status", "/-/status?every=1"] {
            assert_eq!(faulty.server.get(path).status(), 200, "{driver} {path}");
        }
        assert!(begun.elapsed() < SOON);
        // And so is a refusal of what is no request.
        assert!(faulty.server.exchange("GET /\r\n\r\n").starts_with("HTTP/1.1 400 "));
        assert_eq!(faulty.faults(0), [""; 0]);
    }
}

/// Two workers, and 64 connections that wait for ever, late, or slowly.
#[test]
fn in_the_lobby_no_worker_waits_for_a_fault() {
    for faults in ["never", "delay=300ms", "drip=600B/s"] {
        let faulty = Faulty::start("on", faults, &["--workers", "2"]);
        let begun = Instant::now();
        let mut wires: Vec<Wire> = (0..64).map(|_| faulty.server.connect()).collect();
        for wire in &mut wires {
            wire.send(GET);
        }
        faulty.faults(64);
        assert_eq!(faulty.server.get("/-/health").status(), 200);
        if faults != "never" {
            for wire in &mut wires {
                assert_eq!(wire.answer().text(), BODY, "{faults}");
            }
        }
        let took = begun.elapsed();
        assert!(took < SOON, "{faults}: {took:?}; one after the other, it were 9 s");
    }
}

#[test]
fn our_client_names_each_fault() {
    for (faults, code, says) in [
        ("truncate", 18, "the body is incomplete: 5 bytes received, 5 missing"),
        ("reset", 56, "Connection reset by peer"),
        ("never", 28, "timed out after 500ms while waiting for the response"),
        ("bad-chunk", 56, "a chunk does not begin with its size"),
        ("drip=200B/s", 28, "timed out after 500ms"),
        ("delay=10s", 28, "timed out after 500ms while waiting for the response"),
        ("delay=10ms", 0, ""),
    ] {
        let faulty = Faulty::start("on", faults, &[]);
        let said = fetch(&["-m", "0.5", &faulty.server.url("/ten.txt")]);
        assert_eq!(said.code, Some(code), "{faults}: {}", said.stderr);
        assert!(said.stderr.contains(says), "{faults}: {}", said.stderr);
    }
    // Closed without a byte: the server stops.
    let faulty = Faulty::start("on", "never", &[]);
    let url = faulty.server.url("/ten.txt");
    let asked = thread::spawn(move || fetch(&[&url]));
    faulty.faults(1);
    faulty.server.program.signal("TERM");
    let said = asked.join().unwrap();
    assert_eq!(said.code, Some(52), "{}", said.stderr);
}

#[test]
fn retries_get_through() {
    let faulty = Faulty::start("on", "reset=30%", &["--seed", "7"]);
    for _ in 0..10 {
        let url = faulty.server.url("/ten.txt");
        let args = ["-s", "--retry", "9", "--retry-delay", "0.01", "--retry-all-errors", &url];
        let said = run(&mut client(&args), b"");
        assert_eq!((said.code, said.stdout.as_slice()), (Some(0), BODY.as_bytes()), "{said:?}");
    }
    assert!(!faulty.faults(1).is_empty(), "some were reset");
}

#[test]
fn curl_agrees() {
    if !needs("curl") {
        return;
    }
    for (faults, code) in
        [("truncate", 18), ("reset", 56), ("never", 28), ("bad-chunk", 56), ("drip=200B/s", 28)]
    {
        let faulty = Faulty::start("on", faults, &[]);
        let url = faulty.server.url("/ten.txt");
        let said = run(Command::new("curl").args(["-sS", "-m", "1", &url]), b"");
        assert_eq!(said.code, Some(code), "{faults}: {}", said.stderr);
    }
}
