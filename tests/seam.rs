//! Protocols beside HTTP, and datagrams, on the same workers: a protocol of lines, and an echo. The library, not
//! the binary; both drivers.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use threadbare::net::admission::RejectReason;
use threadbare::net::datagram::{DatagramService, Reply};
use threadbare::net::deadline::{Deadline, Phase};
use threadbare::net::service::{Driver, EndReason, Next, Protocol, ProtocolConnection};
use threadbare::server::{self, Config, PeerAddress, PerAddress, Router, Running, Server, Stats};

use crate::support::{PATIENCE, SOON, Wire, eventually};

const DRIVERS: [server::Driver; 2] = [server::Driver::Lobby, server::Driver::Textbook];

/// The time that a client of the protocol of lines has for a line.
const LINE_TIME: Duration = Duration::from_millis(500);

/// A protocol of lines: each is answered in capital letters. `bye` ends the connection, `panic` panics, `long`
/// gets an answer of [`LONG`] bytes.
#[derive(Default)]
struct Lines {
    open: Arc<AtomicUsize>,
    ends: Arc<Mutex<Vec<EndReason>>>,
}

const LONG: usize = 20 << 20;

struct LineConnection {
    input: Vec<u8>,
    output: Vec<u8>,
    until: Deadline,
    last: bool,
    open: Arc<AtomicUsize>,
    ends: Arc<Mutex<Vec<EndReason>>>,
}

impl Protocol for Lines {
    fn open(&self, _: PeerAddress) -> Box<dyn ProtocolConnection> {
        self.open.fetch_add(1, Ordering::SeqCst);
        Box::new(LineConnection {
            input: Vec::new(),
            output: Vec::new(),
            until: Deadline::after(Instant::now(), LINE_TIME, Phase::Silent),
            last: false,
            open: Arc::clone(&self.open),
            ends: Arc::clone(&self.ends),
        })
    }

    fn refusal(&self, _: RejectReason, _: PeerAddress) -> Vec<u8> {
        b"no room\n".to_vec()
    }
}

impl LineConnection {
    fn answer(&mut self, line: &str) {
        match line {
            "panic" => panic!("a panic on purpose"),
            "long" => self.output.extend(vec![b'x'; LONG]),
            line => self.output.extend(format!("{}\n", line.to_uppercase()).into_bytes()),
        }
        self.last |= line == "bye";
        self.until = Deadline::after(Instant::now(), LINE_TIME, Phase::Idle);
    }
}

impl ProtocolConnection for LineConnection {
    fn turn(&mut self, mut stream: &TcpStream, _: &dyn Driver, _: Duration) -> Next {
        while !self.output.is_empty() {
            match stream.write(&self.output) {
                Ok(written) => drop(self.output.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return Next::Writable(Deadline::after(Instant::now(), PATIENCE, Phase::Write));
                }
                Err(_) => return Next::Close,
            }
        }
        if self.last {
            return Next::Linger;
        }
        let mut bytes = [0; 1000];
        match stream.read(&mut bytes) {
            Ok(0) => return Next::Close,
            Ok(length) => self.input.extend(&bytes[..length]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                return Next::Readable(self.until);
            }
            Err(_) => return Next::Close,
        }
        while let Some(end) = self.input.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.input.drain(..=end).collect();
            self.answer(String::from_utf8_lossy(&line).trim());
        }
        Next::Yield
    }

    fn expired(&mut self, _: &TcpStream, _: Phase) -> Next {
        self.answer("too slow");
        self.last = true;
        Next::Yield
    }

    fn close(self: Box<Self>, ended: EndReason) {
        self.ends.lock().unwrap().push(ended);
        self.open.fetch_sub(1, Ordering::SeqCst);
    }

    fn shed(&mut self) -> bool {
        self.answer("busy");
        self.last = true;
        true
    }
}

/// Echoes; `panic` panics, `later` is echoed 100 ms later, `silence` not at all, `slow` takes 100 ms.
struct Echo;

impl DatagramService for Echo {
    fn respond(&self, datagram: &[u8], _: SocketAddr) -> Option<Reply> {
        let after = if datagram == b"later" { Duration::from_millis(100) } else { Duration::ZERO };
        match datagram {
            b"panic" => panic!("a panic on purpose"),
            b"slow" => thread::sleep(Duration::from_millis(100)),
            _ => {}
        }
        (datagram != b"silence").then(|| Reply { bytes: datagram.to_vec(), after })
    }
}

struct Started {
    running: Option<Running>,
    lines: SocketAddr,
    echo: SocketAddr,
    open: Arc<AtomicUsize>,
    ends: Arc<Mutex<Vec<EndReason>>>,
    stats: Arc<Stats>,
}

fn start(config: Config) -> Started {
    let stats = Arc::clone(&config.stats);
    let routes = Router::new().get("/", |_| "http\n").build().unwrap();
    let mut server = Server::with_config(["127.0.0.1:0"], routes, config).unwrap();
    let protocol = Lines::default();
    let (open, ends) = (Arc::clone(&protocol.open), Arc::clone(&protocol.ends));
    let lines = server.serve_protocol("127.0.0.1:0", Arc::new(protocol)).unwrap()[0];
    let echo = server.serve_datagrams("127.0.0.1:0", Arc::new(Echo)).unwrap()[0];
    assert_eq!(server.addresses().len(), 1, "those of HTTP");
    let running = Some(server.start().unwrap());
    Started { running, lines, echo, open, ends, stats }
}

fn with(driver: server::Driver, workers: usize) -> Config {
    Config { driver, workers, ..Config::default() }
}

impl Started {
    fn udp(&self) -> UdpSocket {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(self.echo).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket
    }

    fn metric(&self, name: &str) -> u64 {
        let page = self.stats.prometheus();
        let line = page.lines().find_map(|line| line.strip_prefix(&format!("threadbare_{name} ")));
        line.unwrap_or_else(|| panic!("{name} is not in {page}")).parse().unwrap()
    }

    fn datagrams(&self, what: &str) -> u64 {
        self.metric(&format!("datagrams_total{{what=\"{what}\"}}"))
    }
}

fn receive(socket: &UdpSocket) -> Vec<u8> {
    let mut bytes = vec![0; 70_000];
    let length = socket.recv(&mut bytes).unwrap();
    bytes.truncate(length);
    bytes
}

#[test]
fn three_protocols_on_the_same_workers() {
    for driver in DRIVERS {
        let server = start(with(driver, 4));
        let mut lines = Wire::to(server.lines);
        assert_eq!(lines.send("one\ntwo\nth").take(8), b"ONE\nTWO\n");
        let udp = server.udp();
        udp.send(b"a datagram").unwrap();
        assert_eq!(receive(&udp), b"a datagram");
        let mut http = Wire::to(server.running.as_ref().unwrap().addresses()[0]);
        assert!(http.send("GET / HTTP/1.0\r\n\r\n").rest().ends_with(b"http\n"));
        assert_eq!(lines.send("ree\nbye\n").rest(), b"THREE\nBYE\n");
        assert!(eventually(|| (server.open.load(Ordering::SeqCst) == 0).then_some(())).is_some());
        assert_eq!(*server.ends.lock().unwrap(), [EndReason::ByService]);
        assert_eq!(server.metric("closed_total{reason=\"other_protocol\"}"), 1);
        assert_eq!(server.datagrams("answered"), 1);
    }
}

#[test]
fn a_silent_connection_has_a_deadline_and_a_slow_reader_gets_all() {
    for driver in DRIVERS {
        let server = start(with(driver, 4));
        let begun = Instant::now();
        let mut silent = Wire::to(server.lines);
        let mut half = Wire::to(server.lines);
        half.send("half a li");
        let mut slow = Wire::to(server.lines);
        slow.send("long\nbye\n");
        assert_eq!((silent.rest(), half.rest()), (b"TOO SLOW\n".to_vec(), b"TOO SLOW\n".to_vec()));
        let took = begun.elapsed();
        assert!(took >= LINE_TIME && took < LINE_TIME + SOON, "{took:?}");
        assert_eq!(slow.rest().len(), LONG + 4);
    }
}

#[test]
fn a_panic_costs_its_own_connection_or_datagram() {
    for driver in DRIVERS {
        let server = start(with(driver, 1));
        assert_eq!(Wire::to(server.lines).send("panic\n").rest(), b"");
        let udp = server.udp();
        for bytes in [&b"panic"[..], b"silence", b"", b"still there"] {
            udp.send(bytes).unwrap();
        }
        assert_eq!((receive(&udp), receive(&udp)), (b"".to_vec(), b"still there".to_vec()));
        assert_eq!(Wire::to(server.lines).send("hello\nbye\n").rest(), b"HELLO\nBYE\n");
        assert!(eventually(|| (server.open.load(Ordering::SeqCst) == 0).then_some(())).is_some());
    }
}

#[test]
fn the_longest_datagram_is_echoed() {
    let server = start(with(server::Driver::Lobby, 2));
    let (udp, bytes) = (server.udp(), vec![b'x'; 65_507]);
    udp.send(&bytes).unwrap();
    assert_eq!(receive(&udp), bytes);
}

/// A reply that is due later holds no worker: others overtake it.
#[test]
fn a_delayed_reply_holds_no_worker() {
    for driver in DRIVERS {
        let server = start(with(driver, 1));
        let (udp, begun) = (server.udp(), Instant::now());
        (0..20).for_each(|_| assert_eq!(udp.send(b"later").unwrap(), 5));
        udp.send(b"now").unwrap();
        assert_eq!(receive(&udp), b"now");
        assert!((0..20).all(|_| receive(&udp) == b"later"));
        let took = begun.elapsed();
        assert!(took >= Duration::from_millis(100) && took < SOON, "{took:?}");
    }
}

/// The queue has room for four: two datagrams, and what is beyond that is dropped. A connection still finds room.
#[test]
fn a_full_queue_drops_datagrams_and_refuses_no_connection() {
    for driver in DRIVERS {
        let server = start(Config { queue: 4, ..with(driver, 1) });
        let udp = server.udp();
        (0..100).for_each(|_| assert_eq!(udp.send(b"slow").unwrap(), 4));
        assert_eq!(Wire::to(server.lines).send("bye\n").rest(), b"BYE\n");
        let counts = || ["answered", "dropped"].map(|what| server.datagrams(what));
        let all = eventually(|| Some(counts()).filter(|[kept, dropped]| kept + dropped == 100));
        assert!(all.is_some_and(|[kept, dropped]| kept >= 1 && dropped >= 50), "{all:?}");
    }
}

#[test]
fn a_refusal_is_in_the_words_of_its_protocol() {
    for driver in DRIVERS {
        let server = start(Config { per_address: PerAddress::Most(1), ..with(driver, 2) });
        let mut first = Wire::to(server.lines);
        assert_eq!(first.send("hello\n").take(6), b"HELLO\n");
        assert_eq!(Wire::to(server.lines).rest(), b"no room\n");
    }
}

#[test]
fn a_stop_closes_what_is_idle_and_cuts_what_goes_on() {
    for driver in DRIVERS {
        let mut server = start(with(driver, 4));
        let (mut idle, mut reading) = (Wire::to(server.lines), Wire::to(server.lines));
        assert_eq!(idle.send("hello\n").take(6), b"HELLO\n");
        reading.send("long\n").take(100);
        let udp = server.udp();
        udp.send(b"later").unwrap();
        let report = server.running.take().unwrap().stop_within(Duration::from_millis(300));
        let report = report.unwrap();
        assert_eq!((report.cut, report.workers.stuck.len()), (1, 0));
        assert_eq!((idle.rest(), server.open.load(Ordering::SeqCst)), (vec![], 0));
        let mut ends = server.ends.lock().unwrap().clone();
        ends.sort_by_key(|end| format!("{end:?}"));
        assert_eq!(ends, [EndReason::Cut, EndReason::Stopping]);
        assert_eq!(server.metric("closed_total{reason=\"stopping\"}"), 2);
    }
}

#[test]
fn an_address_in_use_is_explained() {
    let server = start(with(server::Driver::Lobby, 1));
    let routes = Router::new().build().unwrap();
    let mut second = Server::bind("127.0.0.1:0", routes).unwrap();
    let taken = [
        second.serve_protocol(&server.lines.to_string(), Arc::new(Lines::default())).unwrap_err(),
        second.serve_datagrams(&server.echo.to_string(), Arc::new(Echo)).unwrap_err(),
    ];
    assert!(taken.iter().all(|error| error.to_string().contains("is in use")), "{taken:?}");
}
