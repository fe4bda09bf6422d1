//! Request bodies: in memory, in files without a name, streamed; none holds what is others'.

use std::fs;
use std::io::{self, Cursor, Read, Write as _};
use std::mem;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use threadbare::app::lab;
use threadbare::server::{
    Body, Config, Driver, Headers, Limits, Method, Request, Response, Router, Server as Library,
    Status, StopSignal, Streaming, Trailed,
};

use crate::support::{Folder, SOON, Server, Wire, eventually, server_command};

const HEALTH: &str = "GET /-/health HTTP/1.1\r\nHost: a\r\n\r\n";
const NO_SLEEP: &str = "GET /sleep/0 HTTP/1.1\r\nHost: a\r\n\r\n";

/// Bytes without a pattern that a wrong piece could repeat.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..count).map(|_| next()).collect()
}

fn chunked(body: &[u8], size: usize) -> Vec<u8> {
    let mut wire = Vec::new();
    for chunk in body.chunks(size) {
        wire.extend(format!("{:x}\r\n", chunk.len()).bytes());
        wire.extend(chunk);
        wire.extend(b"\r\n");
    }
    wire.extend(b"0\r\n\r\n");
    wire
}

/// A server whose temporary files, if it makes any, come to lie here.
fn with_tmp(folder: &Folder, args: &[&str]) -> Server {
    let mut command: Command = server_command(args);
    command.env("TMPDIR", folder.path());
    Server::run(command)
}

/// The files that a process has open and that have no name.
fn nameless_files(id: u32) -> usize {
    let open = fs::read_dir(format!("/proc/{id}/fd")).expect("/proc");
    let targets = open.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    let nameless = |target: &std::path::PathBuf| {
        let target = target.to_string_lossy();
        target.starts_with('/') && target.ends_with(" (deleted)")
    };
    targets.filter(nameless).count()
}

fn is_empty(folder: &Folder) -> bool {
    fs::read_dir(folder.path()).expect("it is there").next().is_none()
}

fn served_at_once(server: &Server) {
    let begun = Instant::now();
    let mut wire = server.connect();
    assert_eq!(wire.send(HEALTH).answer().text(), "ok\n");
    assert!(begun.elapsed() < SOON);
}

/// The server as a library, with limits and handlers of the tests' own.
struct Limited {
    address: SocketAddr,
    stop: StopSignal,
    running: Option<JoinHandle<()>>,
}

impl Limited {
    fn start(driver: Driver, limits: Limits) -> Limited {
        let routes = lab::add_to(Router::new())
            .route(
                Method::Post,
                "/unread",
                Streaming(|_: &mut Request| Response::text("not read\n")),
            )
            .route(Method::Post, "/escaped", Streaming(escaping))
            .post("/trailers", trailers)
            .route(Method::Post, "/streamed", Streaming(trailers))
            .get("/status/{code}", with_a_body)
            .get("/trailed/{what}", trailed)
            .get("/upgrade", |_: &mut Request| {
                Response::new(Status::UPGRADE_REQUIRED).field("Upgrade", "HTTP/3.0")
            })
            .route(
                Method::Post,
                "/panic",
                Streaming(|_: &mut Request| -> Response { panic!("on purpose") }),
            )
            .build()
            .unwrap();
        let config = Config { driver, limits, workers: 4, ..Config::default() };
        let server = Library::with_config(["127.0.0.1:0"], routes, config).unwrap();
        let (address, stop) = (server.addresses()[0], server.stop_signal());
        let running = Some(thread::spawn(move || drop(server.run().unwrap())));
        Limited { address, stop, running }
    }
}

/// A handler that keeps its end of the stream longer than it may.
fn escaping(request: &mut Request) -> Response {
    let body = mem::take(&mut request.body);
    Response::text("").body(Body::Read(Box::new(body), Some(5)))
}

/// What a handler gets to see of trailers: before it has read the body, and after.
fn trailers(request: &mut Request) -> Response {
    let before = request.body.trailers().len();
    let body = request.body.read_all(1000).unwrap_or_default();
    let after = request.body.trailers();
    let sum = after.text("sum").unwrap_or("none");
    assert!(!request.head.headers.has("sum"), "they are no fields of the head");
    Response::text(format!("{} bytes, {before}, then {}: {sum}\n", body.len(), after.len()))
}

/// Some status, and a body and framing fields that may not go with it.
fn with_a_body(request: &mut Request) -> Response {
    let code = request.param("code").parse().ok().and_then(Status::new).unwrap();
    Response::text("hello").status(code).field("Content-Length", "7").field("Trailer", "X")
}

/// Five bytes, and trailers that may not be sent among those that may.
struct Trailing(Cursor<&'static [u8]>, String);

impl Read for Trailing {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.0.read(room)
    }
}

impl Trailed for Trailing {
    fn trailers(&mut self) -> Headers {
        assert!(self.1 != "panic", "on purpose");
        let mut trailers = Headers::new();
        for name in ["Sum", "Content-Length", "Unannounced", "SUM"] {
            trailers.append(name, "1").unwrap();
        }
        trailers
    }
}

fn trailed(request: &mut Request) -> Response {
    let body = Trailing(Cursor::new(b"hello"), request.param("what").to_owned());
    Response::text("").body(Body::Trailed(Box::new(body), &["Sum", "Content-Length"]))
}

impl Drop for Limited {
    fn drop(&mut self) {
        self.stop.request(Duration::from_secs(1));
        let outcome = self.running.take().map(JoinHandle::join);
        assert!(thread::panicking() || outcome.is_none_or(|outcome| outcome.is_ok()));
    }
}

#[test]
fn small_ones_are_in_memory_large_ones_in_files_and_both_come_back_as_they_were() {
    for lobby in ["on", "off"] {
        let tmp = Folder::new();
        let server = with_tmp(&tmp, &["--workers", "2", "--lobby", lobby]);
        let id = server.program.id();
        for (size, files) in [(0, 0), (60_000, 0), (65_538, 1), (10_000_000, 1)] {
            let body = noise(size);
            let with_length = (format!("Content-Length: {size}"), body.clone());
            let in_chunks = ("Transfer-Encoding: chunked".to_owned(), chunked(&body, 50_000));
            for (framing, on_wire) in [with_length, in_chunks] {
                let mut wire = server.connect();
                let head = format!("POST /echo HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n");
                wire.send(&head);
                if let Some((last, rest)) = on_wire.split_last() {
                    wire.send(rest);
                    let seen = eventually(|| (nameless_files(id) == files).then_some(()));
                    assert!(seen.is_some(), "{size} {framing}: {}", nameless_files(id));
                    assert!(is_empty(&tmp));
                    wire.send([*last]);
                }
                let answer = wire.answer();
                assert!(answer.body == [head.as_bytes(), &body].concat(), "{size} {framing}");
                assert_eq!(wire.send(HEALTH).answer().text(), "ok\n", "the connection is kept");
                assert_eq!(nameless_files(id), 0, "what was kept is gone with the answer");
            }
        }
    }
}

#[test]
fn kill_9_leaves_no_file() {
    let tmp = Folder::new();
    let mut server = with_tmp(&tmp, &[]);
    let mut wire = server.connect();
    wire.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n");
    wire.send(vec![b'x'; 1_000_000]);
    let id = server.program.id();
    assert!(eventually(|| (nameless_files(id) == 1).then_some(())).is_some());
    server.program.signal("KILL");
    assert_eq!(server.program.exit_code(), None);
    assert!(is_empty(&tmp));
}

#[test]
fn forty_uploads_beyond_the_memory_for_all() {
    let limits = Limits { bodies_memory: 1_000_000, ..Limits::default() };
    let server = Limited::start(Driver::Lobby, limits);
    let body = noise(60_000);
    let (last, rest) = body.split_last().unwrap();
    for _ in 0..2 {
        let mut wires: Vec<Wire> = (0..40).map(|_| Wire::to(server.address)).collect();
        for wire in &mut wires {
            wire.send("POST /echo HTTP/1.0\r\nContent-Length: 60000\r\n\r\n").send(rest);
        }
        // 1,000,000 bytes are 16 bodies, and beginnings of others that came to be too long.
        let files = || (nameless_files(std::process::id()) >= 20).then_some(());
        assert!(eventually(files).is_some(), "{}", nameless_files(std::process::id()));
        for wire in &mut wires {
            assert!(wire.send([*last]).answer().body.ends_with(&body));
        }
    }
}

#[test]
fn slow_uploads_hold_no_worker() {
    let server = Server::start(&["--workers", "2", "--access-log", "off"]);
    let body = noise(200_000);
    let mut wires: Vec<Wire> = (0..10).map(|_| server.connect()).collect();
    for wire in &mut wires {
        wire.send("POST /echo HTTP/1.0\r\nContent-Length: 200000\r\n\r\n");
    }
    for piece in body.chunks(50_000) {
        for wire in &mut wires {
            wire.send(piece);
        }
        served_at_once(&server);
    }
    for wire in &mut wires {
        assert!(wire.answer().body.ends_with(&body));
    }
}

#[test]
fn without_a_temporary_folder_the_response_is_503_and_the_log_says_why() {
    let mut command = server_command(&[]);
    command.env("TMPDIR", "/nowhere/at/all");
    let server = Server::run(command);
    let mut wire = server.connect();
    wire.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
    let answer = wire.send(vec![b'x'; 100_000]).answer();
    assert_eq!((answer.status(), answer.field("retry-after")), (503, Some("1")));
    wire.rest();
    server.stderr_until(|text| text.contains("a body cannot be kept"));
    served_at_once(&server);
}

/// What they allow is taken, and one byte less is not.
#[test]
fn what_is_kept_of_bodies_is_limited_by_flags() {
    const TEN: &str = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789";
    let with = |flag: &str, limit: &str| {
        let mut command = server_command(&["--access-log", "off", flag, limit]);
        command.env("TMPDIR", "/nowhere/at/all");
        Server::run(command)
    };
    for flag in ["--max-body-memory", "--max-bodies-memory"] {
        for (limit, status) in [("10", 200), ("9", 503)] {
            let server = with(flag, limit);
            assert_eq!(server.connect().send(TEN).answer().status(), status, "{flag} {limit}");
        }
    }
    for (limit, connection) in [("10", None), ("9", Some("close"))] {
        let server = with("--max-body-unread", limit);
        let answer = server.connect().send(TEN.replace("echo", "nowhere/at/all")).answer();
        assert_eq!((answer.status(), answer.field("Connection")), (405, connection), "{limit}");
    }
}

/// As many bytes of the process were resident at once, in KB.
fn peak_kb(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).expect("/proc");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[test]
fn a_stream_of_200_mb_in_constant_memory() {
    for lobby in ["on", "off"] {
        let server = Server::start(&["--workers", "4", "--lobby", lobby]);
        let mut wire = server.connect();
        wire.send("PUT /count HTTP/1.1\r\nHost: a\r\nContent-Length: 200000000\r\n\r\n");
        let piece = vec![b'x'; 1_000_000];
        for _ in 0..200 {
            wire.send(&piece);
        }
        assert!(wire.answer().text().starts_with("200000000 bytes, CRC-32 "));
        assert_eq!(wire.send(HEALTH).answer().text(), "ok\n", "the connection is kept");
        let peak = peak_kb(server.program.id());
        assert!(peak < 40_000, "{peak} KB with the lobby {lobby}");
    }
}

#[test]
fn streams_in_any_framing_and_among_other_requests() {
    let server = Server::start(&["--workers", "4"]);
    let mut wire = server.connect();
    let want = "9 bytes, CRC-32 cbf43926\n";
    let chunks = [&b"POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"[..]];
    let in_chunks = [chunks[0], &chunked(b"123456789", 2)].concat();
    assert_eq!(wire.send(&in_chunks).answer().text(), want);
    let with_length = b"POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n123456789";
    let row = [HEALTH.as_bytes(), with_length, &in_chunks, HEALTH.as_bytes()].concat();
    for piece in [1, 7, row.len()] {
        for piece in row.chunks(piece) {
            wire.send(piece);
        }
        for want in ["ok\n", want, want, "ok\n"] {
            assert_eq!(wire.answer().text(), want);
        }
    }
    let none = wire.send("POST /count HTTP/1.1\r\nHost: a\r\n\r\n").answer();
    assert_eq!(none.text(), "0 bytes, CRC-32 00000000\n");
}

#[test]
fn continue_is_sent_when_the_handler_reads() {
    let server = Server::start(&["--workers", "4"]);
    let mut wire = server.connect();
    wire.send(
        "POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n",
    );
    assert_eq!(wire.head(), "HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(wire.send("123456789").answer().text(), "9 bytes, CRC-32 cbf43926\n");
}

#[test]
fn a_body_that_breaks_off_or_is_invalid_is_rejected() {
    let server = Server::start(&["--workers", "4"]);
    let head = "POST /count HTTP/1.1\r\nHost: a\r\n";
    for (rest, status) in [
        ("Content-Length: 9\r\n\r\n1234", 400),
        ("Transfer-Encoding: chunked\r\n\r\nnonsense\r\n", 400),
    ] {
        let mut wire = server.connect();
        assert_eq!(wire.send(head).send(rest).half_close().answer().status(), status, "{rest}");
        wire.rest();
    }
}

#[test]
fn streams_bind_half_the_workers_at_most() {
    for lobby in ["on", "off"] {
        let server = Server::start(&["--workers", "4", "--access-log", "off", "--lobby", lobby]);
        let head = "POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1234";
        let mut streams: Vec<Wire> = (0..2).map(|_| server.connect()).collect();
        for wire in &mut streams {
            wire.send(head);
        }
        thread::sleep(Duration::from_millis(200)); // until they have their seats
        for _ in 0..10 {
            let begun = Instant::now();
            let mut wire = server.connect();
            let answer = wire.send(head).answer();
            assert_eq!((answer.status(), answer.field("retry-after")), (503, Some("1")));
            assert!(begun.elapsed() < SOON, "at once: the rest of the body is not waited for");
            drop(wire);
            served_at_once(&server);
        }
        // One of them vanishes, and its seat is free.
        drop(streams.pop());
        let freed = eventually(|| {
            let mut wire = server.connect();
            (wire.send(format!("{head}56789")).answer().status() == 200).then_some(())
        });
        assert!(freed.is_some());
        for wire in &mut streams {
            assert_eq!(wire.send("56789").answer().text(), "9 bytes, CRC-32 cbf43926\n");
        }
    }
}

/// Returns limits by which a stalled transfer ends soon.
fn minimum_rate() -> Limits {
    let transfer_grace = Duration::from_millis(500);
    Limits { transfer_grace, transfer_rate: 5_000, ..Limits::default() }
}

#[test]
fn a_stalled_stream_ends_by_the_minimum_rate() {
    for driver in [Driver::Lobby, Driver::Textbook] {
        let server = Limited::start(driver, minimum_rate());
        let mut wire = Wire::to(server.address);
        let mut stream = TcpStream::connect(server.address).unwrap();
        let head = b"POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n";
        stream.write_all(head).unwrap();
        let begun = Instant::now();
        let mut stalled = Wire::over(stream);
        stalled.send(vec![b'x'; 5_000]);
        let answer = stalled.answer();
        assert_eq!(answer.status(), 408);
        let took = begun.elapsed();
        assert!(took > Duration::from_millis(1_400) && took < SOON, "{took:?}");
        assert!(answer.text().contains("(byte 5000)"), "{}", answer.text());
        stalled.rest();
        assert_eq!(wire.send(NO_SLEEP).answer().text(), "slept 0 ms\n");
    }
}

#[test]
fn what_a_handler_leaves_unread_is_skipped_if_it_is_short() {
    for driver in [Driver::Lobby, Driver::Textbook] {
        let server = Limited::start(driver, Limits::default());
        let head = |path: &str, length: usize| {
            format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n")
        };
        let mut wire = Wire::to(server.address);
        let request = head("/unread", 60_000) + "\r\n" + &"x".repeat(60_000);
        for _ in 0..3 {
            assert_eq!(wire.send(&request).answer().text(), "not read\n");
        }
        let answer = wire.send(head("/unread", 100_000) + "\r\n1234").answer();
        assert_eq!(
            (answer.text().as_str(), answer.field("connection")),
            ("not read\n", Some("close"))
        );
        assert_eq!(wire.rest(), b"");
        let mut wire = Wire::to(server.address);
        let answer = wire.send(head("/unread", 9) + "Expect: 100-continue\r\n\r\n").answer();
        assert_eq!(answer.text(), "not read\n", "and nothing was asked for that nobody wants");
        assert_eq!(wire.rest(), b"");
    }
}

#[test]
fn a_handler_that_panics_or_keeps_its_body_harms_no_other_client() {
    let server = Limited::start(Driver::Lobby, Limits::default());
    for _ in 0..5 {
        let mut wire = Wire::to(server.address);
        wire.send("POST /panic HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345");
        assert_eq!(wire.answer().status(), 500);
        wire.send("POST /escaped HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345");
        let text = String::from_utf8(wire.rest()).unwrap();
        assert!(text.starts_with("HTTP/1.1 200 ") && text.ends_with("\r\n\r\n"), "{text}");
    }
    assert_eq!(Wire::to(server.address).send(NO_SLEEP).answer().text(), "slept 0 ms\n");
}

#[test]
fn trailers_of_requests_are_there_when_the_body_has_been_read() {
    for driver in [Driver::Lobby, Driver::Textbook] {
        let server = Limited::start(driver, Limits::default());
        let mut wire = Wire::to(server.address);
        for (path, before) in [("/trailers", 2), ("/streamed", 0)] {
            let head =
                format!("POST {path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
            let body = "5\r\nhello\r\n0\r\nSum: 1\r\nX: y\r\n\r\n";
            let answer = wire.send(head.clone() + body).answer();
            assert_eq!(answer.text(), format!("5 bytes, {before}, then 2: 1\n"), "{path}");
            let answer = wire.send(head.clone() + "5\r\nhello\r\n0\r\n\r\n").answer();
            assert_eq!(answer.text(), "5 bytes, 0, then 0: none\n", "{path}");
            let mut last = Wire::to(server.address);
            let answer = last.send(head + "0\r\nHost: b\r\n\r\n").answer();
            assert_eq!((answer.status(), answer.field("connection")), (400, Some("close")));
            assert!(answer.text().contains("RFC 9110, 6.5.1"), "{}", answer.text());
        }
    }
}

#[test]
fn response_trailers_are_those_that_were_announced_and_are_allowed() {
    let server = Limited::start(Driver::Lobby, Limits::default());
    let mut wire = Wire::to(server.address);
    wire.send("GET /trailed/well HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(wire.head().contains("\r\nTrailer: Sum, Content-Length\r\n"));
    let end = "5\r\nhello\r\n0\r\nSum: 1\r\nSUM: 1\r\n\r\n";
    assert_eq!(wire.take(end.len()), end.as_bytes());
    wire.send("GET /trailed/panic HTTP/1.1\r\nHost: a\r\n\r\n").head();
    assert_eq!(wire.rest(), b"5\r\nhello\r\n", "what cannot be completed is cut");
}

#[test]
fn a_response_that_must_not_have_a_body_has_none() {
    let server = Limited::start(Driver::Lobby, Limits::default());
    let mut wire = Wire::to(server.address);
    for (code, length) in [(204, None), (205, Some("0")), (304, None), (200, Some("5"))] {
        for method in ["HEAD", "GET"] {
            let request = format!("{method} /status/{code} HTTP/1.1\r\nHost: a\r\n\r\n");
            let head = wire.send(request).head();
            let field = |name: &str| {
                let mut fields = head.lines().filter_map(|line| line.split_once(": "));
                fields.find(|(held, _)| *held == name).map(|(_, value)| value.to_owned())
            };
            assert!(head.starts_with(&format!("HTTP/1.1 {code} ")), "{head}");
            assert_eq!(field("Content-Length").as_deref(), length, "{method} {head}");
            assert_eq!((field("Transfer-Encoding"), field("Trailer")), (None, None), "{head}");
            let body = if (code, method) == (200, "GET") { &b"hello"[..] } else { b"" };
            assert_eq!(wire.take(body.len()), body);
        }
    }
    // An interim status is no answer: the client would wait on.
    let answer = wire.send("GET /status/103 HTTP/1.1\r\nHost: a\r\n\r\n").answer();
    assert_eq!((answer.status(), answer.text().as_str()), (500, "hello"));
}

#[test]
fn an_offer_to_upgrade_is_named_by_connection() {
    let server = Limited::start(Driver::Lobby, Limits::default());
    for (fields, connection) in [("", "upgrade"), ("Connection: close\r\n", "close, upgrade")] {
        let request = format!("GET /upgrade HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        let answer = Wire::to(server.address).send(request).answer();
        assert_eq!((answer.status(), answer.field("connection")), (426, Some(connection)));
    }
}

#[test]
fn an_unread_rest_of_a_body_ends_by_the_minimum_rate_without_a_response() {
    for driver in [Driver::Lobby, Driver::Textbook] {
        let server = Limited::start(driver, minimum_rate());
        let mut wire = Wire::to(server.address);
        let begun = Instant::now();
        wire.send("POST /sleep/0 HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n");
        assert_eq!(wire.answer().status(), 405);
        assert!(begun.elapsed() < SOON, "at once");
        wire.send(vec![b'x'; 5_000]);
        assert_eq!(wire.rest(), b"", "there is nothing left to say");
        let took = begun.elapsed();
        assert!(took > Duration::from_millis(1_400) && took < SOON, "{took:?}");
    }
}
