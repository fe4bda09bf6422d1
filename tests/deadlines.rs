//! Each wait has a deadline, and both drivers keep it. A slow client that goes on is not cut.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use threadbare::server::{self, Config, Limits, Request, Response, Router};

use crate::support::{SOON, Server, Wire};

const DRIVERS: [&str; 2] = ["on", "off"];

fn server(driver: &str, flags: &[&str]) -> Server {
    let common = ["--lobby", driver, "--workers", "8", "--access-log", "off"];
    Server::start(&[&common, flags].concat())
}

/// Returns the bytes until the server closes, which must be after `least` and soon after it.
fn ends_after(least: Duration, wire: &mut Wire) -> String {
    let begun = Instant::now();
    let rest = wire.rest();
    let took = begun.elapsed();
    assert!(took >= least / 2 && took < least + SOON, "{took:?}");
    String::from_utf8_lossy(&rest).into_owned()
}

/// More bytes than the kernel buffers of a response that the client does not read.
const LARGE: usize = 20 << 20;

#[test]
fn half_a_head_gets_408_which_says_what_arrived_and_what_is_missing() {
    for driver in DRIVERS {
        let server = server(driver, &["--head-time", "0.5"]);
        let mut wire = server.connect();
        wire.send("GET / HTTP/1.1\r\n");
        let mut dripping = server.connect();
        let text = ends_after(Duration::from_millis(500), &mut wire);
        assert!(text.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{text}");
        assert!(
            text.contains("16 bytes were received, the empty line at its end is missing."),
            "{text}"
        );
        // Single bytes do not extend the deadline.
        let begun = Instant::now();
        let drip = b"GET / HTTP/1.1\r\nHost: a.example.org\r\n";
        for byte in drip.iter().take(30) {
            dripping.send([*byte]);
            thread::sleep(Duration::from_millis(30));
            if begun.elapsed() > Duration::from_millis(450) {
                break;
            }
        }
        let text = ends_after(Duration::ZERO, &mut dripping);
        assert!(text.starts_with("HTTP/1.1 408 "), "{text}");
    }
}

/// A byte every 50 ms comes before each blocking read of the textbook has waited its 100 ms.
#[test]
fn a_drip_does_not_outlast_the_deadline_of_a_head_or_of_a_body() {
    for driver in DRIVERS {
        let flags = ["--head-time", "0.5", "--transfer-grace", "0.5", "--transfer-rate", "1000"];
        let server = server(driver, &flags);
        let body = b"POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n";
        for (begun, begin) in [("head", &b"GET / HTTP/1.1\r\nX: "[..]), ("body", body)] {
            let mut wire = server.connect();
            wire.send(begin);
            let since = Instant::now();
            let dripped = (0..60).any(|_| {
                wire.try_send(b"x");
                !wire.is_silent_for(Duration::from_millis(50))
            });
            assert!(dripped, "{driver}, {begun}: still open after {:?}", since.elapsed());
            assert!(since.elapsed() < Duration::from_secs(2), "{driver}, {begun}");
        }
    }
}

#[test]
fn idle_and_silent_connections_are_closed_without_a_response() {
    for driver in DRIVERS {
        let server = server(driver, &["--idle-time", "0.5"]);
        let (mut silent, mut idle) = (server.connect(), server.connect());
        idle.send("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n").answer();
        assert_eq!(ends_after(Duration::from_millis(500), &mut idle), "");
        assert_eq!(ends_after(Duration::ZERO, &mut silent), "");
    }
}

/// A load balancer that reuses a connection for 60 s must not meet its close.
#[test]
fn the_idle_time_is_longer_than_that_of_load_balancers() {
    assert!(Limits::default().idle_time >= Duration::from_secs(65));
    let help = crate::support::run(&mut crate::support::server_command(&["--help"]), b"");
    let help = String::from_utf8(help.stdout).unwrap();
    let line = help.split("--idle-time SECS").nth(1).unwrap();
    assert!(line.contains("(default 75)") && line.find("(default 75)") < line.find("--"), "{help}");
}

#[test]
fn a_body_under_the_minimum_rate_is_cut_and_a_slow_one_above_it_is_not() {
    for driver in DRIVERS {
        let server = server(driver, &["--transfer-grace", "0.5", "--transfer-rate", "100"]);
        let (mut stalled, mut chunked, mut slow) =
            (server.connect(), server.connect(), server.connect());
        stalled.send("PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\nabc");
        chunked.send("PUT /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc");
        slow.send("PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n");
        let upload = thread::spawn(move || {
            // 250 bytes a second, for four times the grace period.
            slow.send_slowly(&[b'x'; 500], 25, Duration::from_millis(100)).answer()
        });
        let text = ends_after(Duration::from_millis(500), &mut stalled);
        assert!(text.starts_with("HTTP/1.1 408 "), "{text}");
        assert!(text.contains("too slowly: 3 bytes were received, 497 are missing."), "{text}");
        let text = ends_after(Duration::ZERO, &mut chunked);
        assert!(
            text.contains("too slowly: 3 bytes were received, the last chunk is missing."),
            "{text}"
        );
        assert!(upload.join().unwrap().text().ends_with("xxxxx"), "{driver}");
    }
}

#[test]
fn a_client_that_reads_nothing_is_cut_and_a_slow_reader_gets_all() {
    const MANY: usize = 20_000_000;
    for driver in DRIVERS {
        let server = server(driver, &["--transfer-grace", "0.5", "--transfer-rate", "1000000"]);
        let request = format!("GET /bytes/{MANY} HTTP/1.0\r\n\r\n");
        let ask = || {
            let mut stream = TcpStream::connect(server.address()).unwrap();
            stream.set_read_timeout(Some(SOON)).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            stream
        };
        let (mut never, mut slow) = (ask(), ask());
        let (mut got, mut piece) = (0, vec![0; MANY / 20]);
        let mut read = |stream: &mut TcpStream| stream.read(&mut piece).unwrap_or_default();
        for _ in 0..20 {
            got += read(&mut slow);
            thread::sleep(Duration::from_millis(100));
        }
        loop {
            match read(&mut slow) {
                0 => break,
                count => got += count,
            }
        }
        assert!(got > MANY, "{driver}: the slow reader got {got} bytes");
        let mut got = 0;
        loop {
            match read(&mut never) {
                0 => break,
                count => got += count,
            }
        }
        assert!(got < MANY, "{driver}: the other client was not cut; it got {got} bytes");
    }
}

/// The kernel reports the progress of a slow reader in bursts, between which it looks like a client that
/// reads nothing.
#[test]
fn a_reader_at_twice_the_minimum_rate_is_kept_beyond_the_grace_period() {
    const MANY: usize = 20_000_000;
    const RATE: usize = 50_000;
    const GRACE: Duration = Duration::from_millis(500);
    let kept_and_ended = |driver: &str| {
        let flags = ["--transfer-grace", "0.5", "--transfer-rate", &RATE.to_string()];
        let server = server(driver, &flags);
        let ask = || {
            let mut wire = server.connect();
            wire.send(format!("GET /bytes/{MANY} HTTP/1.0\r\n\r\n")).head();
            wire
        };
        let (mut never, mut slow) = (ask(), ask());
        let (begun, mut got) = (Instant::now(), 0);
        while begun.elapsed() < 20 * GRACE {
            while got < 2 * RATE * usize::try_from(begun.elapsed().as_millis()).unwrap() / 1000 {
                got += slow.take(RATE / 20).len();
            }
            thread::sleep(Duration::from_millis(20));
        }
        got += slow.rest().len();
        assert_eq!(got, MANY, "{driver}: the slow one");
        let got = never.rest_or_reset();
        assert!(got < MANY, "{driver}: the other client was not cut; it got {got} bytes");
    };
    thread::scope(|scope| {
        for driver in DRIVERS {
            scope.spawn(move || kept_and_ended(driver));
        }
    });
}

/// Empty lines do not begin a request, so after them the connection is closed without a response. The
/// bytes that arrived are counted from the beginning of the head.
#[test]
fn the_408_counts_the_bytes_of_the_head_without_empty_lines() {
    let short = Duration::from_millis(300);
    let limits = Limits { head_time: short, transfer_grace: short, ..Limits::default() };
    let limits = Limits { idle_time: 2 * short, transfer_rate: 1_000_000, ..limits };
    let echo = |request: &mut Request| Response::text(request.head.target.path().to_owned());
    let large = |_: &mut Request| Response::text("x".repeat(LARGE));
    let routes = Router::new().get("/a", echo).post("/a", echo).get("/large", large);
    let routes = routes.build().unwrap();
    let config = Config { limits, ..Config::default() };
    let server = server::Server::with_config(["127.0.0.1:0"], routes, config).unwrap();
    let (address, stop) = (server.addresses()[0], server.stop_signal());
    let running = thread::spawn(|| server.run().unwrap());

    for (sent, status, byte) in [
        ("GET /a HTTP/1.1\r\nHost: a\r\nX", 408, "27 bytes were received"),
        ("GET /a", 408, "6 bytes were received"),
        ("\r\n\nGET /a", 408, "6 bytes were received"),
        (
            "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhello",
            408,
            "5 bytes were received, 4 are missing",
        ),
    ] {
        let mut wire = Wire::to(address);
        let answer = wire.send(sent).answer();
        assert_eq!(answer.status(), status, "{sent:?}");
        assert!(answer.text().contains(byte), "{sent:?}: {}", answer.text());
        assert_eq!(wire.rest(), b"", "{sent:?}");
    }
    // Empty lines do not begin a request.
    for sent in ["", "\r\n", "\r\n\r\n"] {
        let mut wire = Wire::to(address);
        assert_eq!(wire.send(sent).rest(), b"", "{sent:?}");
        let mut wire = Wire::to(address);
        wire.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n").send(sent).answer();
        assert_eq!(wire.rest(), b"", "{sent:?} after a request");
    }
    // A client that reads nothing is cut, however much is in the kernel's buffers; a reset tells it that
    // the rest is lost.
    let mut wire = Wire::to(address);
    wire.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n").head();
    thread::sleep(4 * short);
    assert!(wire.rest_or_reset() < LARGE);

    stop.request(Duration::from_secs(5));
    assert_eq!(running.join().unwrap().workers.panics, 0);
}

/// One worker has a long queue of requests. Bytes that arrive while it is busy, and before their deadline,
/// are served, however late the turn comes: there is no reset and no 408.
#[test]
fn what_has_arrived_in_time_is_served_however_busy_the_workers_are() {
    const LATE: Duration = Duration::from_millis(500);
    const PHASES: [(&str, &str); 3] = [
        ("", HEALTH),
        ("GET /-/health HTTP/1.1\r\n", "Host: a\r\n\r\n"),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab", "cd"),
    ];
    const HEALTH: &str = "GET /-/health HTTP/1.1\r\nHost: a\r\n\r\n";
    let limits =
        ["--idle-time", "1", "--head-time", "1", "--transfer-grace", "1", "--queue", "9000"];
    let flags = [&["--workers", "1", "--access-log", "off"][..], &limits].concat();
    let server = Server::start(&flags);
    // Each waits about 0.6 s for its turn, until about the time when the deadlines of the others pass.
    let mut busy: Vec<Wire> = (0..200).map(|_| server.connect()).collect();
    let mut others: Vec<(usize, Wire)> = (0..30).map(|n| (n % 3, server.connect())).collect();
    for (_, wire) in &mut others {
        wire.send(HEALTH).answer();
    }
    for (phase, wire) in &mut others {
        wire.send(PHASES[*phase].0);
    }
    let begun = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| {
            while begun.elapsed() < 4 * LATE {
                for wire in &mut busy {
                    wire.send("GET /sleep/3 HTTP/1.1\r\nHost: a\r\n\r\n");
                }
                for wire in &mut busy {
                    assert_eq!(wire.answer().status(), 200);
                }
            }
        });
        thread::sleep(LATE);
        for (phase, wire) in &mut others {
            wire.send(PHASES[*phase].1);
        }
        for (phase, wire) in &mut others {
            assert_eq!(wire.answer().status(), 200, "{:?}", PHASES[*phase]);
        }
    });
}
