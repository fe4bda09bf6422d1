//! How the server stops: requests under way are finished, and then no connection is left.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use threadbare::server::{self, Body, Config, Driver, Request, Response, Router, Status};

use crate::support::{SOON, Server, eventually, root, skipped};

const STOPPING: &str =
    "server: finishing the requests in progress; a second signal stops the server at once\n";

/// Sends a signal, and waits until the server has seen it.
fn request_stop(server: &Server, signal: &str) {
    server.program.signal(signal);
    server.stderr_until(|text| text.contains(STOPPING));
}

/// Returns true if programs started here hear SIGHUP: under `nohup` they ignore it.
fn hears_hup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.split_once("SigIgn:").map_or("0", |(_, rest)| rest.trim_start());
    let ignored = ignored.split_whitespace().next().unwrap_or("0");
    u64::from_str_radix(ignored, 16).is_ok_and(|signals| signals & 1 == 0)
        || skipped("SIGHUP is ignored, as under nohup; right: make test in a terminal")
}

#[test]
fn a_signal_stops_the_server_with_success() {
    for signal in ["INT", "TERM", "HUP"] {
        if signal == "HUP" && !hears_hup() {
            continue;
        }
        let mut server = Server::start(&[]);
        server.get("/-/health");
        let begun = Instant::now();
        server.program.signal(signal);
        assert_eq!(server.program.exit_code(), Some(0), "SIG{signal}");
        assert!(begun.elapsed() < SOON, "SIG{signal}");
        assert!(server.stderr_until(|text| text.contains("stopped")).ends_with(&format!(
            "{STOPPING}server: stopped; requests finished: 0, connections cut: 0\n"
        )));
    }
}

/// A client that has just connected is still sending its first request: it is served, as it was accepted.
#[test]
fn a_new_connection_has_time_for_its_first_request() {
    for driver in ["on", "off"] {
        let mut server = Server::start(&["--lobby", driver]);
        let mut new = server.connect();
        server.get("/-/health"); // the one before it has been accepted
        request_stop(&server, "TERM");
        std::thread::sleep(Duration::from_millis(50));
        let answer = new.send("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n").answer();
        assert_eq!((answer.status(), answer.field("Connection")), (200, Some("close")));
        assert_eq!(server.program.exit_code(), Some(0));
    }
}

#[test]
fn connections_with_nothing_under_way_are_closed() {
    let mut server = Server::start(&[]);
    let mut silent = server.connect();
    let mut idle = server.connect();
    idle.send("GET /-/health HTTP/1.1\r\nHost: a\r\n\r\n").answer();
    let begun = Instant::now();
    request_stop(&server, "TERM");
    assert_eq!(idle.rest(), b"");
    assert_eq!(silent.rest(), b"");
    assert_eq!(server.program.exit_code(), Some(0));
    assert!(begun.elapsed() < SOON);
}

#[test]
fn a_request_under_way_gets_its_response_with_connection_close() {
    let mut server = Server::start(&[]);
    let mut wire = server.connect();
    wire.send("GET /sleep/700 HTTP/1.1\r\nHost: a\r\n\r\n");
    std::thread::sleep(Duration::from_millis(200)); // until its handler runs
    request_stop(&server, "TERM");
    let answer = wire.answer();
    assert_eq!((answer.status(), answer.text().as_str()), (200, "slept 700 ms\n"));
    assert_eq!(answer.field("Connection"), Some("close"));
    assert_eq!(wire.rest(), b"");
    assert_eq!(server.program.exit_code(), Some(0));
}

#[test]
fn the_last_response_survives_a_request_that_comes_too_late() {
    let mut server = Server::start(&[]);
    let mut wire = server.connect();
    wire.send("GET /sleep/700 HTTP/1.1\r\nHost: a\r\n\r\n");
    std::thread::sleep(Duration::from_millis(200)); // until its handler runs
    request_stop(&server, "TERM");
    wire.send("GET /-/health HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(wire.answer().text(), "slept 700 ms\n");
    assert_eq!(wire.rest(), b"", "closed without a reset");
    assert_eq!(server.program.exit_code(), Some(0));
}

#[test]
fn a_client_in_the_queue_gets_its_response() {
    let mut server = Server::start(&["--workers", "1"]);
    let (mut first, mut queued) = (server.connect(), server.connect());
    first.send("GET /sleep/700 HTTP/1.1\r\nHost: a\r\n\r\n");
    std::thread::sleep(Duration::from_millis(200)); // until its handler runs
    queued.send("GET /sleep/0 HTTP/1.1\r\nHost: a\r\n\r\n");
    request_stop(&server, "TERM");
    assert_eq!(first.answer().status(), 200);
    let answer = queued.answer();
    assert_eq!(
        (answer.text().as_str(), answer.field("Connection")),
        ("slept 0 ms\n", Some("close"))
    );
    assert_eq!(server.program.exit_code(), Some(0));
}

#[test]
fn a_request_that_has_begun_to_arrive_gets_its_response() {
    let mut server = Server::start(&[]);
    let (mut head, mut body) = (server.connect(), server.connect());
    head.send("GET /sleep/0 HT");
    body.send("PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");
    std::thread::sleep(Duration::from_millis(200)); // until it is there
    request_stop(&server, "TERM");
    std::thread::sleep(Duration::from_millis(200)); // longer than a read timeout of the textbook
    for (wire, rest, end) in [
        (&mut head, "TP/1.1\r\nHost: a\r\n\r\n", "slept 0 ms\n"),
        (&mut body, "llo", "Length: 5\r\n\r\nhello"),
    ] {
        let answer = wire.send(rest).answer();
        assert_eq!((answer.status(), answer.field("Connection")), (200, Some("close")));
        assert!(answer.text().ends_with(end), "{}", answer.text());
    }
    assert_eq!(server.program.exit_code(), Some(0));
}

#[test]
fn a_download_under_way_is_completed() {
    let mut server = Server::start(&[]);
    let mut wire = server.connect();
    wire.send("GET /bytes/30000000 HTTP/1.1\r\nHost: a\r\n\r\n").head();
    request_stop(&server, "TERM");
    std::thread::sleep(Duration::from_millis(300)); // longer than a read timeout of the textbook
    assert_eq!(wire.rest().len(), 30_000_000);
    assert_eq!(server.program.exit_code(), Some(0));
}

#[test]
fn no_new_connection_is_accepted() {
    let mut server = Server::start(&[]);
    let mut wire = server.connect();
    wire.send("GET /sleep/1500 HTTP/1.1\r\nHost: a\r\n\r\n");
    std::thread::sleep(Duration::from_millis(200)); // until its handler runs
    request_stop(&server, "INT");
    let refused = eventually(|| TcpStream::connect(server.address()).err());
    assert_eq!(refused.unwrap().kind(), std::io::ErrorKind::ConnectionRefused);
    assert_eq!(wire.answer().status(), 200, "the request under way goes on");
    assert_eq!(server.program.exit_code(), Some(0));
}

#[test]
fn a_second_signal_stops_the_server_at_once() {
    let mut server = Server::start(&[]);
    let mut wire = server.connect();
    wire.send("GET /sleep/60000 HTTP/1.1\r\nHost: a\r\n\r\n");
    std::thread::sleep(Duration::from_millis(200)); // until its handler runs
    request_stop(&server, "TERM");
    std::thread::sleep(Duration::from_millis(700)); // longer than the echo of a signal may take
    let begun = Instant::now();
    server.program.signal("INT");
    assert_eq!(server.program.exit_code(), Some(130));
    assert!(begun.elapsed() < SOON);
    server.stderr_until(|text| text.ends_with("server: stopped at once\n"));
}

/// Ctrl-C sends a signal to the server and to a wrapper, which passes it on: the server gets two. A closed
/// terminal, and `timeout` or a container that is stopped at the same time, are as quick.
#[test]
fn a_signal_that_closely_follows_the_first_is_its_echo() {
    for signals in [&["INT", "INT"][..], &["TERM", "INT"], &["HUP", "TERM", "HUP"]] {
        let mut server = Server::start(&[]);
        let mut wire = server.connect();
        wire.send("GET /sleep/700 HTTP/1.1\r\nHost: a\r\n\r\n");
        std::thread::sleep(Duration::from_millis(200)); // until its handler runs
        for signal in signals {
            server.program.signal(signal);
        }
        assert_eq!(wire.answer().text(), "slept 700 ms\n", "{signals:?}");
        assert_eq!(server.program.exit_code(), Some(0), "{signals:?}");
    }
}

/// `nohup` lets its program ignore SIGHUP, and a shell without job control lets `server &` ignore SIGINT.
#[test]
fn a_signal_that_was_ignored_at_the_start_stays_ignored() {
    for (ignored, heard) in [("HUP", "TERM"), ("TERM", "INT"), ("INT", "HUP")] {
        if heard == "HUP" && !hears_hup() {
            continue;
        }
        let mut command = Command::new("sh");
        let script = format!("trap '' {ignored}; exec \"$0\" \"$@\"");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_server")]).current_dir(root());
        let mut server = Server::run(command);
        server.program.signal(ignored);
        std::thread::sleep(Duration::from_millis(200)); // until it would have stopped
        assert_eq!(server.get("/-/health").text(), "ok\n", "SIG{ignored}");
        assert!(!server.program.stderr.text().contains("stop"), "SIG{ignored}");
        server.program.signal(heard);
        assert_eq!(server.program.exit_code(), Some(0), "SIG{ignored}, SIG{heard}");
    }
}

/// USR1 asks other servers to open their logs again, and XFSZ comes with a write beyond `ulimit -f`.
#[test]
fn no_other_signal_ends_the_server() {
    let mut server = Server::start(&[]);
    for signal in ["USR1", "USR2", "ALRM", "VTALRM", "PROF", "XFSZ", "XCPU", "PIPE", "WINCH"] {
        server.program.signal(signal);
        assert_eq!(server.get("/-/health").text(), "ok\n", "SIG{signal}");
    }
    server.program.signal("TERM");
    assert_eq!(server.program.exit_code(), Some(0));
}

/// Ctrl-\ is the way to get a core dump, and Ctrl-Z stops any job.
#[test]
fn signals_for_debugging_and_job_control_do_what_they_always_do() {
    let mut command = Command::new("sh");
    let no_core = "ulimit -c 0; exec \"$0\" \"$@\"";
    command.args(["-c", no_core, env!("CARGO_BIN_EXE_server")]).current_dir(root());
    let mut server = Server::run(command);
    server.program.signal("TSTP");
    server.program.signal("CONT");
    assert_eq!(server.get("/-/health").text(), "ok\n");
    server.program.signal("QUIT");
    assert_eq!(server.program.exit_code(), None, "ended by the signal");
}

#[test]
fn the_server_stops_though_stderr_cannot_be_written() {
    let mut command = Command::new("sh");
    let full = "exec \"$0\" \"$@\" 2>/dev/full";
    command.args(["-c", full, env!("CARGO_BIN_EXE_server")]).current_dir(root());
    let mut server = Server::run(command);
    assert_eq!(server.get("/-/health").status(), 200);
    server.program.signal("TERM");
    assert_eq!(server.program.exit_code(), Some(0));
}

/// A download that never waits, because its client reads fast, is cut at the deadline of the stop.
#[test]
fn a_fast_download_is_cut_at_the_deadline() {
    for driver in [Driver::Lobby, Driver::Textbook] {
        let routes = Router::new()
            .get("/endless", |_: &mut Request| {
                Response::new(Status::OK).body(Body::Read(Box::new(std::io::repeat(b'x')), None))
            })
            .build()
            .unwrap();
        let config = Config { driver, workers: 2, ..Config::default() };
        let server = server::Server::with_config(["127.0.0.1:0"], routes, config).unwrap();
        let (address, stop) = (server.addresses()[0], server.stop_signal());
        let running = std::thread::spawn(|| server.run().unwrap());
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        stream.read_exact(&mut [0; 100_000]).unwrap(); // it has begun
        let reading = std::thread::spawn(move || std::io::copy(&mut stream, &mut std::io::sink()));
        let begun = Instant::now();
        stop.request(Duration::from_millis(300));
        let report = running.join().unwrap();
        assert!(begun.elapsed() < SOON, "{driver:?}");
        assert_eq!((report.cut, report.workers.stuck.len()), (1, 0), "{driver:?}");
        let _ = reading.join().unwrap(); // an end or a reset: both mean that it was cut
    }
}

/// A handler that streams a body waits for its client, and the stop does not wait for both.
#[test]
fn the_body_of_a_streaming_handler_ends_at_the_deadline() {
    for lobby in ["on", "off"] {
        let mut server = Server::start(&["--lobby", lobby, "--stop-time", "0.7"]);
        let mut whole = server.connect();
        let mut stalled = server.connect();
        for wire in [&mut whole, &mut stalled] {
            wire.send("PUT /count HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1234");
        }
        std::thread::sleep(Duration::from_millis(200)); // until their handlers run
        let begun = Instant::now();
        request_stop(&server, "TERM");
        std::thread::sleep(Duration::from_millis(200)); // longer than a read timeout of the textbook
        assert_eq!(whole.send("56789").answer().text(), "9 bytes, CRC-32 cbf43926\n");
        assert_eq!(server.program.exit_code(), Some(0), "no worker is stuck");
        assert!(begun.elapsed() < SOON);
        server.stderr_until(|text| text.contains("requests finished: 1, connections cut: 1\n"));
        stalled.rest_or_reset();
    }
}
