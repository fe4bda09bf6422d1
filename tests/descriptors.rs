//! Few descriptors, and many clients that need two each: other clients are still served.

use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::support::{Folder, Server, Wire, eventually, root};

const HEALTH: &str = "GET /-/health HTTP/1.1\r\nHost: a\r\n\r\n";

/// With `ulimit -n 128` there are descriptors for 80 connections, and for 12 files and bodies.
const LIMIT: usize = 128;
const FILES: usize = 12;
const CROWD: usize = 160;

/// A page must arrive within this time while the hostile clients are connected.
const PROMISED: Duration = Duration::from_secs(1);

/// Starts a server with `limit` descriptors.
fn with_descriptors(limit: usize, args: &[&str]) -> Server {
    let server = env!("CARGO_BIN_EXE_server");
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -n {limit}; exec {server} \"$@\""), "sh"]);
    command.args(["--access-log", "off"]).args(args);
    command.current_dir(root()).env_remove("RUST_LOG");
    Server::run(command)
}

/// The time of a page, and the status of its response.
type Asked = (Duration, Option<u16>);

/// Requests `/-/health` every 20 ms, on one kept connection and on new ones, until [`Probes::end`].
struct Probes {
    leave: Arc<AtomicBool>,
    asking: [JoinHandle<Vec<Asked>>; 2],
}

impl Probes {
    fn start(address: SocketAddr) -> Probes {
        let leave = Arc::new(AtomicBool::new(false));
        let ask = |keeps: bool| {
            let leave = Arc::clone(&leave);
            thread::spawn(move || {
                let (mut kept, mut told) = (None, Vec::new());
                while !leave.load(Ordering::Relaxed) {
                    let begun = Instant::now();
                    let mut wire = kept.take().unwrap_or_else(|| Wire::to(address));
                    let answer = wire.try_exchange(HEALTH);
                    told.push((begun.elapsed(), answer.map(|(status, _)| status)));
                    kept = Some(wire).filter(|_| keeps);
                    thread::sleep(Duration::from_millis(20));
                }
                told
            })
        };
        Probes { asking: [ask(true), ask(false)], leave }
    }

    /// Asserts that each response was 200 and came within [`PROMISED`].
    fn end(self) {
        self.leave.store(true, Ordering::Relaxed);
        for asking in self.asking {
            let told = asking.join().unwrap();
            let bad = told.iter().filter(|&&(took, status)| status != Some(200) || took > PROMISED);
            let bad: Vec<_> = bad.collect();
            assert!(told.len() > 10 && bad.is_empty(), "of {}: {bad:?}", told.len());
        }
    }
}

/// Connects clients that all send `words` and read nothing yet.
fn crowd(server: &Server, words: &[u8]) -> Vec<Wire> {
    let streams: Vec<TcpStream> =
        (0..CROWD).map(|_| TcpStream::connect(server.address()).unwrap()).collect();
    let mut wires: Vec<Wire> = streams.into_iter().map(Wire::over).collect();
    for wire in &mut wires {
        wire.try_send(words);
    }
    wires
}

/// Asserts that a refusal is 503 with Retry-After and `Connection: close`.
fn assert_refused(head: &str) {
    let has = |line: &str| head.contains(line);
    assert!(has("HTTP/1.1 503 ") && has("\r\nRetry-After: 1\r\n"), "{head}");
    assert!(has("\r\nConnection: close\r\n"), "{head}");
}

#[test]
fn held_uploads_leave_descriptors_for_others() {
    for words in [
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n30d40\r\n",
    ] {
        let server = with_descriptors(LIMIT, &["--workers", "4"]);
        let probes = Probes::start(server.address());
        let half = [words.as_bytes(), &[b'x'; 100_000]].concat();
        let mut wires = crowd(&server, &half);
        thread::sleep(Duration::from_millis(2500)); // they stay connected, and the refused ones do not read
        probes.end();
        let held = wires.extract_if(.., |wire| wire.is_silent_for(Duration::from_millis(10)));
        let held: Vec<Wire> = held.collect();
        assert_eq!(held.len(), FILES, "{words}");
        for wire in &mut wires {
            assert_refused(&format!("H{}", wire.head()));
        }
        let said = server.program.stderr.text();
        assert!(said.contains("(see ulimit -n)") && !said.contains("cannot accept"), "{said}");
        drop((held, wires));
        let body = [b'y'; 200_000];
        let whole = || {
            let mut wire = server.connect();
            wire.try_send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n");
            wire.try_send(body);
            wire.answer().body.ends_with(&body).then_some(())
        };
        assert!(eventually(whole).is_some(), "an upload succeeds");
    }
}

#[test]
fn slow_readers_leave_descriptors_for_others() {
    let folder = Folder::new();
    let large = vec![b'x'; 8 << 20];
    folder.write("large", &large);
    folder.write("small", "small");
    let server = with_descriptors(LIMIT, &["--workers", "4", folder.path().to_str().unwrap()]);
    for words in [
        "GET /large HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /large HTTP/1.1\r\nHost: a\r\nRange: bytes=0-4000000,4000002-8000000\r\n\r\n",
    ] {
        let probes = Probes::start(server.address());
        let mut wires = crowd(&server, words.as_bytes());
        thread::sleep(Duration::from_millis(2500));
        probes.end();
        let heads: Vec<String> = wires.iter_mut().map(Wire::head).collect();
        let (served, refused): (Vec<_>, Vec<_>) =
            heads.iter().partition(|head| head.starts_with("HTTP/1.1 20"));
        assert_eq!(served.len(), FILES, "{words}");
        refused.into_iter().for_each(|head| assert_refused(head));
        drop(wires);
        let whole = || {
            let mut wire = server.connect();
            let answer = wire.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n").answer();
            (answer.body == large).then_some(())
        };
        assert!(eventually(whole).is_some(), "a large file is served");
        assert_eq!(server.get("/small").text(), "small");
    }
    let said = server.program.stderr.text();
    assert!(said.contains("(see ulimit -n)") && !said.contains("cannot accept"), "{said}");
}

/// The share of an upload is given back when its body ends, in any way.
#[test]
fn the_share_of_an_upload_is_given_back() {
    let server = with_descriptors(64, &["--workers", "4", "--max-bodies-disk", "300000"]);
    let head = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n";
    for round in 0..20 {
        let mut wire = server.connect();
        wire.send(head).send(vec![b'x'; 150_000]);
        match round % 3 {
            0 => drop(wire),
            1 => assert_eq!(wire.half_close().answer().status(), 400),
            _ => assert_eq!(wire.send(vec![b'x'; 50_000]).answer().status(), 200),
        }
        let freed = || {
            let mut wire = server.connect();
            wire.try_send(head);
            wire.try_send([b'x'; 200_000]);
            (wire.answer().status() == 200).then_some(())
        };
        assert!(eventually(freed).is_some(), "{round}");
    }
}

#[test]
fn bodies_on_the_disk_have_a_limit() {
    for lobby in ["on", "off"] {
        let flags = ["--workers", "4", "--lobby", lobby, "--max-bodies-disk", "300000"];
        let server = with_descriptors(1024, &flags);
        let too_much = |wire: &mut Wire| {
            let answer = wire.answer();
            let told = (answer.status(), answer.field("retry-after"), answer.field("connection"));
            assert_eq!(told, (507, Some("1"), Some("close")), "{lobby}");
            let text = answer.text();
            assert!(text.contains("300000 bytes") && text.contains("RFC 4918, 11.5"), "{text}");
        };
        let mut held = server.connect();
        held.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n");
        held.send(vec![b'x'; 199_999]);
        // Refused by its head, before 100 Continue; without a length, while it arrives.
        let by_the_head = || {
            let mut wire = server.connect();
            wire.send("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n");
            wire.send("Content-Length: 120000\r\n\r\n");
            let head = wire.head();
            head.starts_with("HTTP/1.1 507 ").then_some(())
        };
        assert!(eventually(by_the_head).is_some(), "{lobby}");
        let mut chunked = server.connect();
        chunked.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
        chunked.send("1d4c0\r\n").send(vec![b'x'; 120_000]);
        too_much(&mut chunked);
        let mut never_fits = server.connect();
        never_fits.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 300001\r\n\r\n");
        too_much(&mut never_fits);
        server.stderr_until(|text| text.contains("(see --max-bodies-disk)"));
        // A small body stays in memory; and there is room again when the large one is done.
        let small = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
        assert_eq!(server.connect().send(small).answer().status(), 200);
        assert_eq!(held.send("x").answer().status(), 200);
        drop(held);
        let mut wire = server.connect();
        wire.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n");
        assert_eq!(wire.send(vec![b'x'; 300_000]).answer().status(), 200);
    }
}

/// A single worker does not stream: the body is collected before the handler runs.
#[test]
fn a_single_worker_does_not_wait_for_a_body() {
    let server = Server::start(&["--workers", "1", "--access-log", "off"]);
    let probes = Probes::start(server.address());
    let mut drips = server.connect();
    drips.send("POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
    drips.send_slowly(&[b'x'; 1000], 60, Duration::from_millis(100));
    assert!(drips.answer().text().starts_with("1000 bytes, CRC-32 "));
    probes.end();
}

#[test]
fn a_body_collected_for_a_single_worker_has_a_limit() {
    for lobby in ["on", "off"] {
        let server = Server::start(&["--workers", "1", "--max-body", "1000", "--lobby", lobby]);
        let count = |length: usize| {
            let mut wire = server.connect();
            wire.send(format!(
                "POST /count HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
            ));
            wire.try_send(vec![b'x'; length]);
            wire.answer().status()
        };
        assert_eq!((count(1000), count(1001)), (200, 413), "{lobby}");
        let server = Server::start(&["--workers", "2", "--max-body", "1000", "--lobby", lobby]);
        let mut wire = server.connect();
        wire.send("POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n");
        assert_eq!(wire.send([b'x'; 1001]).answer().status(), 200, "two workers stream");
    }
}

/// The connection limit is reached and stays so: the first client beyond it waits half a second for room,
/// and those after it are refused at once.
#[test]
fn while_the_limit_stays_reached_clients_are_refused_at_once() {
    let server = Server::start(&["--max-connections", "4", "--access-log", "off"]);
    let mut inside: Vec<Wire> = (0..4).map(|_| server.connect()).collect();
    for wire in &mut inside {
        assert_eq!(wire.send(HEALTH).answer().status(), 200);
    }
    assert_refused(&server.connect().head());
    let begun = Instant::now();
    for _ in 0..20 {
        assert_refused(&server.connect().head());
    }
    assert!(begun.elapsed() < Duration::from_millis(450), "{:?}", begun.elapsed());
    // One client leaves while another waits, which is then served.
    inside.truncate(1);
    inside.extend((0..3).map(|_| server.let_in()));
    let mut waits = server.connect();
    waits.send(HEALTH);
    thread::sleep(Duration::from_millis(100));
    inside.pop();
    assert_eq!(waits.answer().status(), 200);
}
