//! `server --udp`: the echo, its losses and delays, and what the workers are doing, in one datagram.

use std::collections::BTreeSet;
use std::net::{SocketAddr, UdpSocket};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{PATIENCE, SOON, Server, eventually, needs, run};

const DRIVERS: [&str; 2] = ["on", "off"];

/// A server with an echo on a free port, and the address of the echo from the ready line.
fn server(flags: &[&str]) -> (Server, SocketAddr) {
    let common = ["--udp", "127.0.0.1:0", "--access-log", "off", "--workers", "4"];
    let server = Server::start(&[&common, flags].concat());
    let address = udp_addresses(&server)[0];
    (server, address)
}

fn udp_addresses(server: &Server) -> Vec<SocketAddr> {
    let urls = server.ready.split(' ').filter_map(|word| word.strip_prefix("udp://"));
    urls.map(|address| address.parse().unwrap()).collect()
}

fn client(to: SocketAddr) -> UdpSocket {
    let here = if to.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
    let socket = UdpSocket::bind(here).unwrap();
    socket.connect(to).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn receive(socket: &UdpSocket) -> Vec<u8> {
    let mut bytes = vec![0; 70_000];
    let length = socket.recv(&mut bytes).unwrap();
    bytes.truncate(length);
    bytes
}

fn exchange(socket: &UdpSocket, bytes: &[u8]) -> Vec<u8> {
    socket.send(bytes).unwrap();
    receive(socket)
}

fn stats(to: SocketAddr) -> String {
    String::from_utf8(exchange(&client(to), b"stats\n")).unwrap()
}

#[test]
fn each_address_is_in_the_ready_line_and_echoes_any_bytes() {
    for driver in DRIVERS {
        let (server, first) = server(&["--udp", "[::1]:0", "--lobby", driver]);
        let addresses = udp_addresses(&server);
        assert_eq!((addresses.len(), addresses[0]), (2, first));
        for address in addresses {
            let socket = client(address);
            for bytes in [&b"hello"[..], b"", b"\0\r\n\xff", &[b'x'; 60_000]] {
                assert_eq!(exchange(&socket, bytes), bytes);
            }
        }
        assert_eq!(server.get("/-/health").status(), 200);
    }
}

#[test]
fn stats_says_what_each_worker_is_doing() {
    for driver in DRIVERS {
        let (server, address) = server(&["--lobby", driver]);
        let mut asleep = server.connect();
        asleep.send("GET /sleep/2000 HTTP/1.1\r\nHost: a\r\n\r\n");
        let text = eventually(|| Some(stats(address)).filter(|text| text.contains("/sleep")));
        let text = text.expect("a worker is in the handler");
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("workers 4, busy "), "{text}");
        assert!(lines[1].starts_with("datagrams received "), "{text}");
        assert_eq!(lines.len(), 2 + 4, "{text}");
        assert!(lines[2].starts_with("worker-1 served "), "{text}");
        let has = |what| lines.iter().any(|line| line.contains(what));
        assert!(has(" ms: GET /sleep/{ms}") && has(" ms: a datagram"), "{text}");
        assert!(has(", idle"), "{text}");
        // It is served by then, and counted once.
        assert_eq!(asleep.answer().status(), 200);
        let served = |text: &str| -> u64 {
            let numbers = text.lines().filter_map(|line| line.split_once(" served "));
            numbers.map(|(_, rest)| rest.split(',').next().unwrap().parse::<u64>().unwrap()).sum()
        };
        let (before, after) = (served(&stats(address)), served(&stats(address)));
        assert_eq!(after, before + 1, "each datagram is one");
    }
}

#[test]
fn stats_are_for_the_audience_of_the_metrics_and_fit_into_a_datagram() {
    let (_none, address) = server(&["--metrics", "off"]);
    assert_eq!(stats(address), "stats\n");
    let (_many, address) = server(&["--workers", "500"]);
    let text = stats(address);
    assert!(text.len() <= 8 << 10, "{}", text.len());
    let last = text.lines().last().unwrap();
    let left: usize =
        last.strip_prefix("and ").unwrap().split(' ').next().unwrap().parse().unwrap();
    assert_eq!(text.lines().count() - 1 + left, 502, "{last}");
}

/// Sends 300 numbered datagrams, and returns which of them come back.
fn returning(address: SocketAddr) -> BTreeSet<u32> {
    let (socket, mut back, mut bytes) = (client(address), BTreeSet::new(), [0; 4]);
    for number in 0..300u32 {
        socket.send(&number.to_be_bytes()).unwrap();
        thread::sleep(Duration::from_micros(200)); // so that no buffer overflows
    }
    socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    while socket.recv(&mut bytes).is_ok() {
        back.insert(u32::from_be_bytes(bytes));
    }
    back
}

#[test]
fn the_same_seed_loses_the_same_datagrams() {
    let lossy = |seed| {
        let (_server, address) = server(&["--loss", "30%", "--seed", seed]);
        returning(address)
    };
    let first = lossy("7");
    assert!((180..240).contains(&first.len()), "{}", first.len());
    assert_eq!(first, lossy("7"));
    assert_ne!(first, lossy("8"));
}

#[test]
fn delay_and_jitter_hold_no_worker() {
    let (server, address) =
        server(&["--workers", "1", "--delay", "300ms", "--jitter", "100ms", "--seed", "1"]);
    let (socket, begun) = (client(address), Instant::now());
    let sent: Vec<Vec<u8>> = (0..20).map(|number: u8| vec![number]).collect();
    sent.iter().for_each(|bytes| assert_eq!(socket.send(bytes).unwrap(), 1));
    assert_eq!(server.get("/-/health").status(), 200);
    let answered = begun.elapsed();
    let mut back: Vec<Vec<u8>> = Vec::new();
    back.push(receive(&socket));
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(200) && answered < took, "{answered:?} {took:?}");
    back.extend((1..20).map(|_| receive(&socket)));
    assert!(begun.elapsed() < Duration::from_millis(400) + SOON);
    assert_ne!(back, sent, "jitter changes their order");
    back.sort();
    assert_eq!(back, sent);
    // `stats` is never late.
    let begun = Instant::now();
    assert!(stats(address).contains("answered 20,"));
    assert!(begun.elapsed() < Duration::from_millis(200));
}

/// A connected client drops a reply from another address than the one that it has asked.
#[test]
fn an_echo_on_all_addresses_replies_from_the_one_that_was_asked() {
    let (server, address) = server(&["--udp", "0.0.0.0:0"]);
    let everywhere = udp_addresses(&server)[1];
    let metric = |what: &str| {
        let page = server.get("/-/metrics").text();
        let name = format!("threadbare_datagrams_total{{what=\"{what}\"}} ");
        page.lines().find_map(|line| line.strip_prefix(&name)?.parse::<u64>().ok()).unwrap()
    };
    let (here, there) = (client(address), client(([127, 0, 0, 2], everywhere.port()).into()));
    assert_eq!((exchange(&here, b"a"), exchange(&there, b"b")), (b"a".to_vec(), b"b".to_vec()));
    assert_eq!((metric("received"), metric("answered"), metric("ignored")), (2, 2, 0));
}

/// A flood of nonsense is dropped, or echoed, and costs no other client its response. `make starve` measures it.
#[test]
fn a_flood_of_datagrams_disturbs_no_client() {
    for driver in DRIVERS {
        let (server, address) = server(&["--lobby", driver]);
        thread::scope(|scope| {
            let flood = scope.spawn(move || {
                let (socket, begun) = (client(address), Instant::now());
                let mut sent = 0u64;
                while begun.elapsed() < Duration::from_secs(1) {
                    for _ in 0..10 {
                        sent += u64::from(socket.send(b"nonsense").is_ok());
                    }
                    thread::sleep(Duration::from_millis(1));
                }
                sent
            });
            while !flood.is_finished() {
                let begun = Instant::now();
                assert_eq!(server.get("/-/health").status(), 200);
                assert!(begun.elapsed() < SOON);
            }
            assert!(flood.join().unwrap() > 100);
        });
        assert!(stats(address).starts_with("workers 4, "));
    }
}

#[test]
fn an_address_in_use_and_flags_without_an_echo_are_refused() {
    let (_server, address) = server(&[]);
    let program = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_server"));
        let done = run(command.args(args).stdout(Stdio::piped()), b"");
        (done.code, done.stderr)
    };
    let (code, said) = program(&["--bind", "127.0.0.1:0", "--udp", &address.to_string()]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&format!("{address} is in use")), "{said}");
    let (code, said) = program(&["--loss", "30%"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("--udp ADDR:PORT"), "{said}");
}

#[test]
fn by_hand_with_nc() {
    if !needs("nc") {
        return;
    }
    let (_server, address) = server(&[]);
    let shell = format!("echo hello | timeout 5 nc -u -w 1 {} {}", address.ip(), address.port());
    let said = run(Command::new("sh").args(["-c", &shell]), b"");
    assert_eq!(String::from_utf8_lossy(&said.stdout), "hello\n");
}
