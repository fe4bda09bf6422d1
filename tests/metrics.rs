//! What the server counts adds up, whatever its clients did; and who may see it.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::thread;
use std::time::Duration;

use crate::support::{Server, Wire, eventually, skipped};

const ECHO: &str = "GET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Every line, as name and value.
fn metrics(server: &Server) -> HashMap<String, u64> {
    let answer = server.get("/-/metrics");
    let kind = answer.field("content-type");
    assert_eq!(kind, Some("text/plain; version=0.0.4; charset=utf-8"));
    let text = answer.text();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let pairs =
        lines.map(|line| line.strip_prefix("threadbare_").unwrap().split_once(' ').unwrap());
    pairs.map(|(name, value)| (name.to_owned(), value.parse().unwrap())).collect()
}

fn sum(metrics: &HashMap<String, u64>, family: &str) -> u64 {
    let of_it = |name: &str| name.split('{').next() == Some(family);
    metrics.iter().filter(|(name, _)| of_it(name)).map(|(_, value)| value).sum()
}

#[test]
fn after_a_storm_it_adds_up() {
    for driver in ["on", "off"] {
        // More workers than connections: the textbook closes idle ones when others wait.
        let server = Server::start(&["--lobby", driver, "--workers", "64", "--access-log", "off"]);
        thread::scope(|scope| {
            for client in 0..8 {
                let server = &server;
                scope.spawn(move || {
                    for round in 0..30 {
                        let mut wire = server.connect();
                        match (client + round) % 6 {
                            0 => {}
                            1 => drop(wire.send("GET / HT")),
                            2 => drop(wire.send("BAD\r\n\r\n").rest()),
                            3 => drop(wire.send("GET /bytes/9000000 HTTP/1.0\r\n\r\n").head()),
                            _ => {
                                for _ in 0..5 {
                                    assert_eq!(wire.send(ECHO).answer().status(), 200);
                                }
                            }
                        }
                    }
                });
            }
        });
        // The one that asks is open, and none else.
        let settled = || Some(metrics(&server)).filter(|now| now["open"] == 1);
        let now = eventually(settled).expect("all others leave");
        let (accepted, closed) = (now["accepted_total"], sum(&now, "closed_total"));
        assert_eq!(accepted, closed + now["open"], "{driver}: {now:?}");
        let of_kind = |kind: usize| {
            let rounds = (0..8).flat_map(|client| (0..30).map(move |round| (client + round) % 6));
            rounds.filter(|&other| other == kind).count() as u64
        };
        let asked = accepted - 240; // for metrics
        let echoes = 5 * (of_kind(4) + of_kind(5));
        assert_eq!(now["requests_total"], echoes + of_kind(3) + asked, "{driver}: {now:?}");
        let wrong = of_kind(1) + of_kind(2);
        assert_eq!(sum(&now, "answers_total") + 1, now["requests_total"] + wrong);
        assert_eq!(now["faults_total{rule=\"RequestLine\"}"], of_kind(2));
        assert_eq!(now["faults_total{rule=\"HeadIncomplete\"}"], of_kind(1));
        assert_eq!(now["answers_total{code=\"400\"}"], wrong);
        assert!(now["received_bytes_total"] >= echoes * ECHO.len() as u64);
        assert!(now["sent_bytes_total"] > echoes * ECHO.len() as u64);
        assert_eq!(now["workers"], 64, "{driver}");
        // The one that counts; and, with a lobby, perhaps a leader that is awake.
        assert!((1..=2).contains(&now["busy_workers"]), "{driver}: {now:?}");
    }
}

#[test]
fn waiting_and_rejected_connections_are_shown() {
    let flags = ["--workers", "4", "--max-connections", "4", "--access-log", "off"];
    let server = Server::start(&flags);
    let (mut idle, mut half_said) = (server.connect(), server.connect());
    idle.send(ECHO).answer();
    half_said.send("GET /");
    let mut asks = server.connect();
    let seen = eventually(|| {
        let text = asks.send(ECHO.replace("echo", "-/metrics")).answer().text();
        let want = ["idle\"} 1\n", "head\"} 1\n", "silent\"} 0\n"];
        want.iter().all(|line| text.contains(&format!("waiting{{phase=\"{line}"))).then_some(text)
    });
    assert!(seen.is_some());
    let _fourth = server.connect();
    server.connect().rest();
    let text = asks.send(ECHO.replace("echo", "-/metrics")).answer().text();
    assert!(text.contains("threadbare_overload_total{full=\"connections\"} 1\n"), "{text}");
    assert!(text.contains("threadbare_closed_total{reason=\"turned_away\"} 1\n"), "{text}");
    assert!(text.contains("threadbare_open 4\n"), "{text}");
}

/// An address of this machine's that is not a loopback one: the one from which it would send to the
/// network. Nothing is sent: connecting a UDP socket only chooses a route.
pub(crate) fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_loopback() && !ip.is_unspecified())
}

/// What is sent to an address of one's own does not leave the machine, and yet is not loopback.
#[test]
fn clients_on_other_machines_see_nothing_without_the_flag() {
    let Some(own) = own_address() else {
        skipped("this machine has no address but loopback");
        return;
    };
    for (flags, status) in [(&[][..], 403), (&["--metrics", "everyone"], 200)] {
        let server = Server::start(&[&["--bind", &format!("{own}:0")], flags].concat());
        let mut wire = Wire::to(SocketAddr::new(own, server.address().port()));
        let answer = wire.send(ECHO.replace("echo", "-/metrics")).answer();
        assert_eq!(answer.status(), status, "{flags:?}");
        let text = answer.text();
        assert_eq!(text.contains("--metrics everyone"), status == 403, "{text}");
        assert_eq!(wire.send(ECHO).answer().status(), 200, "everything else is everybody's");
    }
}

#[test]
fn it_can_be_switched_off() {
    let server = Server::start(&["--metrics", "off"]);
    assert_eq!(server.get("/-/metrics").status(), 404);
}

/// Until the stop begins the server serves everybody, and its health tells a balancer.
#[test]
fn health_says_so_when_a_stop_is_near() {
    for driver in ["on", "off"] {
        let mut server = Server::start(&["--lobby", driver, "--drain-time", "0.7"]);
        let mut kept = server.connect();
        let health = |wire: &mut Wire| {
            wire.send("GET /-/health HTTP/1.1\r\nHost: a\r\n\r\n").answer().status()
        };
        assert_eq!(health(&mut kept), 200);
        server.program.signal("TERM");
        server.stderr_until(|text| {
            text.contains("stopping in 700ms; a second signal stops the server at once\n")
        });
        assert_eq!(health(&mut kept), 503);
        let mut new = server.connect();
        assert_eq!(health(&mut new), 503);
        new.send("GET /sleep/1200 HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(new.answer().status(), 200);
        assert_eq!(server.program.exit_code(), Some(0));
        server.stderr_until(|text| text.contains("requests finished: 1, connections cut: 0\n"));
    }
}

#[test]
fn cut_connections_are_shown() {
    for driver in ["on", "off"] {
        let mut server = Server::start(&["--lobby", driver, "--stop-time", "0.3"]);
        let mut wire = server.connect();
        wire.send("PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc");
        thread::sleep(Duration::from_millis(100)); // until it is under way
        server.program.signal("TERM");
        assert_eq!(server.program.exit_code(), Some(0));
        server.stderr_until(|text| text.contains("requests finished: 0, connections cut: 1\n"));
    }
}
