//! The server goes on whatever happens in a handler, on the disk, or to a client.

use std::fs;
use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::panic::catch_unwind;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use threadbare::server::{Config, Limits, Request, Response, Router, Server as Library};

use crate::support::{Folder, SOON, Server, Wire, eventually, needs, run};

const HEALTH: &str = "GET /-/health HTTP/1.1\r\nHost: localhost\r\n\r\n";

fn still_serves(server: &Server) {
    let begun = Instant::now();
    assert_eq!(server.get("/-/health").text(), "ok\n");
    assert!(begun.elapsed() < SOON);
}

/// The log lines of the library about panics, in this process.
static SAID: Said = Said(Mutex::new(Vec::new()));

struct Said(Mutex<Vec<String>>);

impl log::Log for Said {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let line = format!("{}: {}", record.level(), record.args());
        if line.contains("panicked") {
            self.0.lock().unwrap().push(line);
        }
    }

    fn flush(&self) {}
}

/// More panics than workers, each a 500 and a line in the log; afterwards all workers can
/// still be in handlers at once.
#[test]
fn a_handler_that_panics_costs_its_request_and_no_worker() {
    const WORKERS: usize = 3;
    log::set_logger(&SAID).expect("no other test has one");
    log::set_max_level(log::LevelFilter::Error);
    let routes = Router::new()
        .get("/panic", |_: &mut Request| -> Response { panic!("as the test wants it") })
        .get("/slow", |_: &mut Request| {
            thread::sleep(Duration::from_millis(300));
            Response::text("slow\n")
        })
        .build()
        .unwrap();
    let config = Config { workers: WORKERS, ..Config::default() };
    let server = Library::with_config(["127.0.0.1:0"], routes, config).unwrap();
    let (address, stop) = (server.addresses()[0], server.stop_signal());
    let running = thread::spawn(move || server.run());
    let mut wire = Wire::to(address);
    for number in 0..3 * WORKERS {
        let request = format!("GET /panic?{number} HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(wire.send(request).answer().status(), 500);
    }
    let said = SAID.0.lock().unwrap().clone();
    for number in 0..3 * WORKERS {
        let line = format!("ERROR: the handler of GET /panic?{number} panicked");
        assert_eq!(said.iter().filter(|said| **said == line).count(), 1, "{said:?}");
    }
    let begun = Instant::now();
    let mut wires: Vec<Wire> = (0..WORKERS).map(|_| Wire::to(address)).collect();
    for wire in &mut wires {
        wire.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    wires.iter_mut().for_each(|wire| assert_eq!(wire.answer().text(), "slow\n"));
    assert!(begun.elapsed() < Duration::from_millis(590), "all at once, not one after another");
    stop.request(SOON);
    let report = running.join().unwrap().unwrap();
    assert_eq!((report.cut, report.workers.stuck.len()), (0, 0));
}

/// After an orderly close, megabytes that the client does not read would stay in the kernel for minutes.
#[test]
fn a_client_that_reads_nothing_is_reset_at_the_deadline() {
    let routes = Router::new()
        .get("/", |_: &mut Request| Response::text("x".repeat(100 << 20)))
        .build()
        .unwrap();
    let limits = Limits {
        transfer_grace: Duration::from_millis(300),
        transfer_rate: u32::MAX,
        ..Limits::default()
    };
    let server =
        Library::with_config(["127.0.0.1:0"], routes, Config { limits, ..Config::default() })
            .unwrap();
    let (address, stop) = (server.addresses()[0], server.stop_signal());
    let running = thread::spawn(move || server.run());
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let reset = eventually(|| stream.take_error().unwrap());
    assert_eq!(reset.map(|error| error.kind()), Some(ErrorKind::ConnectionReset));
    stop.request(SOON);
    running.join().unwrap().unwrap();
}

#[test]
fn a_full_disk_of_the_log() {
    let server = Server::start(&["--access-log", "/dev/full"]);
    let mut wire = server.connect();
    for _ in 0..200 {
        assert_eq!(wire.send(HEALTH).answer().text(), "ok\n");
    }
    let warning = |text: &str| text.matches("WARN: the log cannot be written: ").count();
    server.stderr_until(|text| warning(text) == 1);
    let lost = || {
        let page = server.get("/-/metrics").text();
        let (_, count) = page.rsplit_once("threadbare_log_lines_lost_total ")?;
        count.lines().next()?.parse().ok().filter(|count: &u64| *count >= 200)
    };
    assert!(eventually(lost).is_some(), "lost lines are counted");
    let said = server.program.stderr.text();
    assert_eq!(said.lines().count(), 1, "and not logged for each request: {said}");
}

/// A terminal stopped with Ctrl-S, or a log collector that hangs: a pipe takes 64 KB, and then a write
/// waits for ever. Bad requests are logged there, too.
#[test]
fn a_stderr_that_is_not_read() {
    const CLIENTS: usize = 8;
    const ROUNDS: usize = 50;
    let (unread, stderr) = std::io::pipe().unwrap();
    let data = Folder::new();
    let mut server = Command::new(env!("CARGO_BIN_EXE_server"))
        .args(["--bind", "127.0.0.1:0", "--workers", "4", "--data"])
        .arg(data.path())
        .current_dir(crate::support::root())
        .stdout(Stdio::piped())
        .stderr(stderr)
        .spawn()
        .unwrap();
    let mut ready = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    let address = ready.strip_prefix("listening on http://").unwrap().split('/').next().unwrap();
    let address: SocketAddr = address.parse().unwrap();
    let served = catch_unwind(|| {
        thread::scope(|scope| {
            for _ in 0..CLIENTS {
                scope.spawn(|| {
                    let mut wire = Wire::to(address);
                    for _ in 0..ROUNDS {
                        wire.send(HEALTH.repeat(250));
                        (0..250).for_each(|_| assert_eq!(wire.answer().text(), "ok\n"));
                        assert!(
                            Wire::to(address)
                                .send("BAD\r\n\r\n")
                                .rest()
                                .starts_with(b"HTTP/1.1 400 ")
                        );
                    }
                });
            }
        });
        let page = Wire::to(address).send(HEALTH.replace("health", "metrics")).answer().text();
        assert!(page.contains("threadbare_answers_total{code=\"200\"} 100000\n"), "{page}");
        assert!(!page.contains("threadbare_log_lines_lost_total 0\n"), "{page}");
    });
    let begun = Instant::now();
    let stopped =
        Command::new("sh").args(["-c", &format!("kill -s TERM {}", server.id())]).status();
    assert!(stopped.unwrap().success());
    let ended = eventually(|| server.try_wait().unwrap());
    let took = begun.elapsed();
    let _ = server.kill(); // if it hangs
    drop(unread);
    assert!(served.is_ok(), "{served:?}");
    assert!(ended.is_some_and(|status| status.success()) && took < SOON, "{ended:?} in {took:?}");
}

#[test]
fn a_root_that_is_removed_and_comes_back() {
    let folder = Folder::with(&[("root/a.txt", "here\n")]);
    let root = folder.join("root");
    let server = Server::of(&root, &[]);
    assert_eq!(server.get("/a.txt").text(), "here\n");
    fs::remove_dir_all(&root).unwrap();
    assert_eq!(server.get("/a.txt").status(), 404);
    still_serves(&server);
    folder.write("root/a.txt", "again\n");
    assert_eq!(server.get("/a.txt").text(), "again\n");
}

/// A plain open(2) of a FIFO without a writer blocks for ever.
#[test]
fn a_fifo_in_the_root() {
    if !needs("mkfifo") {
        return;
    }
    let folder = Folder::new();
    assert_eq!(run(Command::new("mkfifo").arg(folder.join("pipe")), b"").code, Some(0));
    let server = Server::of(&folder, &["--workers", "1"]);
    for _ in 0..3 {
        assert_eq!(server.get("/pipe").status(), 404);
    }
    still_serves(&server);
}

#[test]
fn clients_that_leave_in_the_middle_of_everything() {
    let server = Server::start(&["--workers", "2", "--access-log", "off"]);
    for number in 0..1000 {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        let words: &[u8] = match number % 8 {
            0 => b"",
            1 => b"G",
            2 => b"GET / HTTP/1.1\r\nHo",
            3 => b"PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx",
            4 => b"PUT /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
            5 => b"GET /bytes/9000000 HTTP/1.1\r\nHost: a\r\n\r\n",
            6 => b"GET /sleep/1 HTTP/1.1\r\nHost: a\r\n\r\nGET /-/health HTTP/1.1\r\n",
            _ => b"\xff\xf4\r\n\r\n",
        };
        let _ = stream.write_all(words); // it may be refused meanwhile
        if number % 3 == 0 {
            let _ = stream.shutdown(Shutdown::Write);
        }
    }
    still_serves(&server);
    let open = || sockets(&server).filter(|&count| count < 20);
    assert!(eventually(open).is_some(), "no connection is left: {:?}", sockets(&server));
}

#[test]
fn a_lobby_full_of_idle_connections_is_cheap_and_stops_at_once() {
    const IDLE: usize = 5000;
    const SPARE: usize = 1000;
    if !may_open(IDLE + SPARE) {
        return;
    }
    let mut server = Server::start(&["--access-log", "off"]);
    let idle: Vec<Wire> = (0..IDLE)
        .map(|_| {
            let mut wire = server.connect();
            wire.send(HEALTH).answer();
            wire
        })
        .collect();
    let resident = resident(&server).unwrap();
    assert!(resident < 40 << 10, "{resident} KB for {IDLE} idle connections");
    still_serves(&server);
    let begun = Instant::now();
    server.program.signal("TERM");
    assert_eq!(server.program.exit_code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    drop(idle);
}

/// Each round brings 140 MB of heads that are never completed. The allocator does not give back all that
/// was in use, so the limit for all of them bounds what stays.
#[test]
fn large_heads_that_are_never_completed_leave_little_memory_in_use() {
    const CLIENTS: usize = 2600;
    if !may_open(2 * CLIENTS) {
        return;
    }
    let server = Server::start(&["--access-log", "off"]);
    let head =
        format!("GET / HTTP/1.1\r\nHost: a\r\n{}", "X: ".to_owned() + &"x".repeat(15_000) + "\r\n");
    let head = head + &format!("Y: {}\r\n", "y".repeat(13_000)).repeat(3);
    for _ in 0..4 {
        let clients: Vec<Wire> = (0..CLIENTS)
            .map(|_| {
                let mut wire = server.connect();
                wire.try_send(&head);
                wire
            })
            .collect();
        still_serves(&server);
        drop(clients);
    }
    let resident = resident(&server).unwrap();
    assert!(resident < 160 << 10, "{resident} KB");
}

/// Raises the limit of open files for this process and the server. Returns false, with a note, if that is not
/// enough.
fn may_open(count: usize) -> bool {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard); // if it fails, the limit is as before
    let (soft, _) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    soft >= count as u64
        || crate::support::skipped(&format!("{soft} descriptors; right: ulimit -n {count}"))
}

/// Returns the number of descriptors of a server.
fn sockets(server: &Server) -> Option<usize> {
    Some(fs::read_dir(format!("/proc/{}/fd", server.program.id())).ok()?.count())
}

/// Returns the resident memory in kilobytes.
fn resident(server: &Server) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", server.program.id())).ok()?;
    status.split_once("VmRSS:")?.1.split_whitespace().next()?.parse().ok()
}
