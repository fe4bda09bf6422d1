//! `--proxy-protocol`: the header with which a proxy names the client of a connection.

use std::thread;
use std::time::{Duration, Instant};

use super::{connect_from, get, is_told, logged};
use crate::support::{SOON, Server, Wire, eventually};

const V1: &str = "PROXY TCP4 192.0.2.7 198.51.100.1 5555 80\r\n";

/// A header of version 2 with this command, family, length and rest.
fn binary(command: u8, family: u8, length: u16, rest: &[u8]) -> Vec<u8> {
    [&b"\r\n\r\n\0\r\nQUIT\n"[..], &[command, family], &length.to_be_bytes(), rest].concat()
}

fn v2() -> Vec<u8> {
    binary(0x21, 0x11, 12, &[192, 0, 2, 7, 198, 51, 100, 1, 0x15, 0xB3, 0, 80])
}

/// A server whose proxies are at 127.0.0.1.
fn start(args: &[&str]) -> Server {
    Server::start(&[&["--trust-proxy", "127.0.0.1", "--proxy-protocol"], args].concat())
}

const DRIVERS: [&[&str]; 3] =
    [&["--lobby", "on"], &["--lobby", "off"], &["--pool", "per-connection"]];

#[test]
fn the_client_is_the_one_that_the_header_names() {
    for driver in DRIVERS {
        let server = start(driver);
        let with_values = {
            let mut rest = v2().split_off(16);
            rest.extend(b"\x04\0\x05\0\0\0\0\0\x02\0\x03a.b");
            binary(0x21, 0x11, u16::try_from(rest.len()).unwrap(), &rest)
        };
        let v6 = [&[0x20, 1, 0x0D, 0xB8][..], &[0; 11], &[7], &[0; 16], &[1, 2, 3, 4]].concat();
        for (number, (header, client, is_here)) in [
            (V1.into(), "192.0.2.7", false),
            ("PROXY TCP6 2001:db8::7 ::1 5555 80\r\n".into(), "2001:db8::7", false),
            ("PROXY TCP6 ::ffff:192.0.2.7 ::1 5555 80\r\n".into(), "192.0.2.7", false),
            ("PROXY UNKNOWN\r\n".into(), "127.0.0.1", false),
            ("PROXY UNKNOWN 127.0.0.1 127.0.0.1 1 2\r\n".into(), "127.0.0.1", false),
            ("PROXY TCP4 127.0.0.9 127.0.0.1 1 2\r\n".into(), "127.0.0.9", true),
            (v2(), "192.0.2.7", false),
            (with_values, "192.0.2.7", false),
            (binary(0x21, 0x21, 36, &v6), "2001:db8::7", false),
            (binary(0x20, 0x00, 0, b""), "127.0.0.1", true),
            (binary(0x20, 0x11, 3, b"abc"), "127.0.0.1", true),
            (binary(0x21, 0x00, 0, b""), "127.0.0.1", false),
            (binary(0x21, 0x31, 216, &[b'/'; 216]), "127.0.0.1", false),
            (binary(0x21, 0x99, 1, b"x"), "127.0.0.1", false),
        ]
        .into_iter()
        .enumerate()
        {
            let mut wire = server.connect();
            let target = format!("/-/metrics?{number}");
            wire.send([&header[..], get(&target, "").as_bytes()].concat());
            let answer = wire.answer();
            let name = String::from_utf8_lossy(&header).into_owned();
            assert_eq!(answer.status(), if is_here { 200 } else { 403 }, "{driver:?} {name:?}");
            assert_eq!(is_told(&answer), is_here, "{name:?}");
            assert_eq!(logged(&server, &target), client, "{name:?}");
            // It is the client of all requests of the connection.
            let next = format!("/next{number}");
            wire.send(get(&next, "X-Forwarded-For: 203.0.113.9\r\n")).answer();
            let named = if client == "127.0.0.1" && is_here { "203.0.113.9" } else { client };
            assert_eq!(logged(&server, &next), named, "{name:?}");
        }
    }
}

#[test]
fn a_header_may_come_byte_by_byte() {
    for driver in DRIVERS {
        let server = start(driver);
        for (number, header) in [V1.as_bytes().to_vec(), v2()].into_iter().enumerate() {
            let target = format!("/split{number}");
            let bytes = [&header[..], get(&target, "").as_bytes()].concat();
            let mut wire = server.connect();
            wire.send_slowly(&bytes, 1, Duration::from_millis(2));
            assert_eq!(wire.answer().status(), 404, "{driver:?}");
            assert_eq!(logged(&server, &target), "192.0.2.7");
        }
    }
}

#[test]
fn a_connection_of_a_proxy_without_a_right_header_is_refused() {
    for driver in DRIVERS {
        let server = start(driver);
        let request = get("/-/metrics", "");
        for wrong in [
            request.as_bytes().to_vec(),
            format!("{request}{V1}").into_bytes(),
            format!(" {V1}{request}").into_bytes(),
            format!("\r\n{V1}{request}").into_bytes(),
            format!("{}{request}", V1.to_lowercase()).into_bytes(),
            format!("PROXY TCP4 127.0.0.1 127.0.0.1 1 2\n{request}").into_bytes(),
            format!("PROXY TCP4 127.0.0.1 127.0.0.1 1 2 3\r\n{request}").into_bytes(),
            format!("PROXY TCP4 {}\r\n{request}", "1".repeat(200)).into_bytes(),
            // What looks like the start of TLS is no header, nor is one behind it.
            [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03"[..], V1.as_bytes()].concat(),
            // A length that is a lie: shorter than the addresses, and longer than any header.
            [&binary(0x21, 0x11, 0, b"")[..], request.as_bytes()].concat(),
            [&binary(0x21, 0x11, u16::MAX, b"")[..], request.as_bytes()].concat(),
            [&binary(0x41, 0x11, 12, &[0; 12])[..], request.as_bytes()].concat(),
            [&binary(0x2F, 0x11, 12, &[0; 12])[..], request.as_bytes()].concat(),
        ] {
            let answer = server.connect().send(&wrong).answer();
            let shown = String::from_utf8_lossy(&wrong).into_owned();
            assert_eq!(answer.status(), 400, "{driver:?} {shown:?}");
            assert!(answer.text().contains("PROXY"), "{}", answer.text());
        }
        // A second header is the client's, and no request.
        for second in [V1.as_bytes().to_vec(), v2()] {
            let bytes = [V1.as_bytes(), &second, request.as_bytes()].concat();
            let answer = server.connect().send(bytes).answer();
            assert_eq!(answer.status(), 400, "{driver:?}");
        }
        drop(server.connect());
        server.connect().send("PROXY TCP4 192.").half_close().rest();
        assert_eq!(
            connect_from([127, 0, 0, 2], server.address()).send(request).answer().status(),
            200
        );
    }
}

#[test]
fn nobody_else_is_believed() {
    for driver in DRIVERS {
        let known = start(driver);
        let unknown = Server::start(driver);
        for header in [V1.as_bytes().to_vec(), v2(), b"PROXY UNKNOWN\r\n".to_vec()] {
            let bytes = [&header[..], get("/-/metrics", "").as_bytes()].concat();
            let mut stranger = connect_from([127, 0, 0, 2], known.address());
            assert_eq!(stranger.send(&bytes).answer().status(), 400);
            assert_eq!(unknown.connect().send(&bytes).answer().status(), 400);
        }
        for server in [known, unknown] {
            let said = server.program.stderr.text();
            assert!(said.lines().all(|line| !line.starts_with("192.0.2.7")), "{said}");
        }
    }
}

/// A length that is a lie, but a possible one: what follows belongs to the header, and is never a request.
#[test]
fn a_header_that_does_not_come_ends_at_the_deadline_of_a_head() {
    for driver in DRIVERS {
        let server = start(&[driver, &["--head-time", "0.5"]].concat());
        let lie = [&binary(0x21, 0x11, 4_000, b"")[..], get("/", "").as_bytes()].concat();
        for part in [&b"PROXY TCP4 192"[..], &lie, b"\r\n\r\n\0\r\nQUIT"] {
            let begun = Instant::now();
            let answer = server.connect().send(part).answer();
            assert_eq!(answer.status(), 408, "{driver:?}");
            assert!(begun.elapsed() < SOON + SOON);
        }
    }
}

/// A worker for 30 headers that are not complete.
#[test]
fn a_header_that_does_not_come_holds_no_worker() {
    let server = start(&["--workers", "1"]);
    let slow: Vec<Wire> = (0..30)
        .map(|number| {
            let mut wire = server.connect();
            wire.send(&V1.as_bytes()[..number % 10]);
            wire
        })
        .collect();
    let begun = Instant::now();
    let answer = server.connect().send(format!("{V1}{}", get("/echo", ""))).answer();
    assert_eq!(answer.status(), 200);
    assert!(begun.elapsed() < SOON);
    for (number, mut wire) in slow.into_iter().enumerate() {
        wire.send([&V1.as_bytes()[number % 10..], get("/echo", "").as_bytes()].concat());
        assert_eq!(wire.answer().status(), 200);
    }
}

#[test]
fn the_connections_of_each_client_are_counted_and_not_those_of_the_proxy() {
    for driver in DRIVERS {
        let server = start(&[driver, &["--max-per-address", "2"]].concat());
        let enter = |address: &str| {
            let header = format!("PROXY TCP4 {address} 198.51.100.1 5555 80\r\n");
            let mut wire = server.connect();
            let status = wire.send(header + &get("/echo", "")).answer().status();
            (status, wire)
        };
        for address in ["192.0.2.7", "192.0.2.8", "192.0.2.9"] {
            let [first, second] = [enter(address), enter(address)];
            assert_eq!((first.0, second.0), (200, 200), "{driver:?}");
            assert_eq!(enter(address).0, 503, "{driver:?}");
            drop(first);
            let again = eventually(|| Some(enter(address)).filter(|it| it.0 == 200));
            assert!(again.is_some(), "{driver:?}");
            thread::sleep(Duration::from_millis(20));
        }
        let metrics = connect_from([127, 0, 0, 9], server.address())
            .send(get("/-/metrics", ""))
            .answer()
            .text();
        let line = "threadbare_overload_total{full=\"address\"} ";
        let refused = metrics.lines().find_map(|text| text.strip_prefix(line)).unwrap();
        assert!(refused.parse::<u32>().unwrap() >= 3, "{metrics}");
        assert!(!metrics.contains("reason=\"peer_left\""), "{metrics}");
        assert!(metrics.contains("closed_total{reason=\"we_asked\"}"), "{metrics}");
    }
}

/// Connections that have said nothing do not hold up a stop, and those that have begun get their answer.
#[test]
fn a_stop_ends_what_has_not_begun() {
    for driver in DRIVERS {
        let mut server = start(driver);
        let mut silent = server.connect();
        let mut served = server.connect();
        served.send(format!("{V1}{}", get("/sleep/500", "")));
        thread::sleep(Duration::from_millis(200));
        let begun = Instant::now();
        server.program.signal("TERM");
        assert_eq!(served.answer().status(), 200, "{driver:?}");
        assert_eq!(silent.rest(), b"");
        assert_eq!(server.program.exit_code(), Some(0));
        assert!(begun.elapsed() < SOON, "{driver:?}");
    }
}
