//! `--trust-proxy`: the fields `X-Forwarded-For` and `Forwarded`.

use super::{connect_from, get, is_told, logged};
use crate::support::{Folder, Server, Wire};

/// Of a connection that is no known proxy's, on this machine: nothing in a field is believed, and the client does not
/// count as one on this machine.
const UNTRUSTED: [&str; 16] = [
    "X-Forwarded-For: 127.0.0.1",
    "X-Forwarded-For: ::1",
    "X-Forwarded-For: 192.0.2.7",
    "X-Forwarded-For: 192.0.2.7, 127.0.0.1",
    "X-Forwarded-For:",
    "x-forwarded-for: garbage",
    "X-FORWARDED-FOR: localhost",
    "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-For: 127.0.0.1",
    "Forwarded: for=127.0.0.1",
    "Forwarded: for=\"[::1]\";host=localhost",
    "Forwarded: for=\"",
    "X-Real-IP: 127.0.0.1",
    "Via: 1.1 proxy",
    "X-Forwarded-Host: localhost",
    "X-Forwarded-Proto: https",
    "X-Forwarded-For: 1.1.1.1\r\nForwarded: for=2.2.2.2",
];

/// Of a known proxy at 127.0.0.1 (and 10.0.0.0/8): the field lines, the status of a page that is for this machine only,
/// and the client in the log.
const TRUSTED: [(&str, u16, &str); 30] = [
    ("", 200, "127.0.0.1"),
    ("X-Forwarded-For: 192.0.2.7", 403, "192.0.2.7"),
    ("X-Forwarded-For: 1.1.1.1, 192.0.2.7", 403, "192.0.2.7"),
    ("X-Forwarded-For: 127.0.0.1, 192.0.2.7", 403, "192.0.2.7"),
    ("X-Forwarded-For: 127.0.0.1, 192.0.2.7, 10.0.0.1", 403, "192.0.2.7"),
    ("X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-For: 192.0.2.7", 403, "192.0.2.7"),
    ("X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-For: 10.1.1.1", 403, "192.0.2.7"),
    ("X-Forwarded-For: 127.0.0.1", 403, "127.0.0.1"),
    ("X-Forwarded-For: ::1", 403, "::1"),
    ("X-Forwarded-For: ::ffff:127.0.0.1", 403, "127.0.0.1"),
    ("X-Forwarded-For: 127.0.0.1, ::ffff:10.0.0.1", 403, "127.0.0.1"),
    ("X-Forwarded-For: ::ffff:192.0.2.7", 403, "192.0.2.7"),
    ("X-Forwarded-For: 192.0.2.7:5555", 403, "192.0.2.7"),
    ("X-Forwarded-For: [2001:db8::7]:5555", 403, "2001:db8::7"),
    ("X-Forwarded-For: 10.0.0.3, 10.0.0.2", 403, "10.0.0.3"),
    ("X-Forwarded-For: unknown", 403, "127.0.0.1"),
    ("X-Forwarded-For: 192.0.2.7, garbage", 403, "127.0.0.1"),
    ("X-Forwarded-For: 192.0.2.7, 127.0.0.1 evil", 403, "127.0.0.1"),
    ("X-Forwarded-For: \"127.0.0.1\"", 403, "127.0.0.1"),
    ("X-Forwarded-For:", 403, "127.0.0.1"),
    ("X-Real-IP: 127.0.0.1", 403, "127.0.0.1"),
    ("Via: 1.1 proxy", 403, "127.0.0.1"),
    ("Forwarded: for=127.0.0.1, for=192.0.2.7;proto=http", 403, "192.0.2.7"),
    ("Forwarded: for=\"[2001:db8::7]:5555\"", 403, "2001:db8::7"),
    ("Forwarded: for=_hidden", 403, "127.0.0.1"),
    ("Forwarded: for=192.0.2.7\r\nX-Forwarded-For: 192.0.2.7", 403, "192.0.2.7"),
    // What cannot be told is refused, whatever is requested.
    ("Forwarded: for=127.0.0.1\r\nX-Forwarded-For: 192.0.2.7", 400, "127.0.0.1"),
    ("Forwarded: for=192.0.2.7\r\nX-Forwarded-For: 127.0.0.1", 400, "127.0.0.1"),
    ("Forwarded: for=\"127.0.0.1, for=192.0.2.7", 400, "127.0.0.1"),
    ("Forwarded: for=127.0.0.1;x=\", for=\"[2001:db8::7]\"", 400, "127.0.0.1"),
];

fn page(wire: &mut Wire, number: usize, fields: &str) -> u16 {
    let fields = if fields.is_empty() { String::new() } else { format!("{fields}\r\n") };
    let answer = wire.send(get(&format!("/-/metrics?{number}"), &fields)).answer();
    assert!(!is_told(&answer) || fields.is_empty(), "{fields}");
    answer.status()
}

#[test]
fn nobody_on_this_machine_can_forge_a_client_or_stay_one_of_this_machine() {
    for driver in ["on", "off"] {
        let server = Server::start(&["--lobby", driver]);
        let mut wire = server.connect();
        for (number, fields) in UNTRUSTED.iter().enumerate() {
            assert_eq!(page(&mut wire, number, fields), 403, "{fields}");
            assert_eq!(logged(&server, &format!("/-/metrics?{number}")), "127.0.0.1", "{fields}");
            // The next request on the connection is the machine's own again.
            let answer = wire.send(get("/-/metrics", "")).answer();
            assert!(answer.status() == 200 && is_told(&answer), "{fields}");
        }
    }
}

#[test]
fn other_addresses_are_not_believed_though_one_is() {
    let server = Server::start(&["--trust-proxy", "127.0.0.2"]);
    let mut other = server.connect();
    for (number, fields) in UNTRUSTED.iter().enumerate() {
        assert_eq!(page(&mut other, number, fields), 403, "{fields}");
        assert_eq!(logged(&server, &format!("/-/metrics?{number}")), "127.0.0.1", "{fields}");
    }
    let mut proxy = connect_from([127, 0, 0, 2], server.address());
    proxy.send(get("/known", "X-Forwarded-For: 192.0.2.7\r\n")).answer();
    assert_eq!(logged(&server, "/known"), "192.0.2.7");
}

#[test]
fn a_known_proxy_names_the_client_and_a_client_cannot() {
    for driver in ["on", "off"] {
        let server = Server::start(&["--lobby", driver, "--trust-proxy", "127.0.0.1,10.0.0.0/8"]);
        for (number, (fields, status, client)) in TRUSTED.iter().enumerate() {
            let mut wire = server.connect();
            assert_eq!(page(&mut wire, number, fields), *status, "{fields}");
            assert_eq!(logged(&server, &format!("/-/metrics?{number}")), *client, "{fields}");
            if *status != 400 {
                assert_eq!(page(&mut wire, number + 100, ""), 200, "{fields}");
            }
        }
    }
}

#[test]
fn long_lists_and_many_fields_are_read_from_the_right() {
    let server = Server::start(&["--trust-proxy", "127.0.0.1", "--trust-proxy", "10.0.0.0/8"]);
    let mut wire = server.connect();
    let long = format!("X-Forwarded-For: {}192.0.2.7\r\n", "127.0.0.1, ".repeat(1_400));
    assert_eq!(wire.send(get("/long", &long)).answer().status(), 404);
    assert_eq!(logged(&server, "/long"), "192.0.2.7");
    let many = "X-Forwarded-For: 127.0.0.1\r\n".repeat(95) + "X-Forwarded-For: 192.0.2.8\r\n";
    assert_eq!(wire.send(get("/many", &many)).answer().status(), 404);
    assert_eq!(logged(&server, "/many"), "192.0.2.8");
    let own = format!("X-Forwarded-For: 192.0.2.9{}\r\n", ", 10.0.0.1".repeat(1_400));
    assert_eq!(wire.send(get("/own", &own)).answer().status(), 404);
    assert_eq!(logged(&server, "/own"), "192.0.2.9");
    // A folded line is no field (RFC 9112, 5.2).
    let folded = "X-Forwarded-For: 127.0.0.1,\r\n 192.0.2.9\r\n";
    assert_eq!(server.connect().send(get("/folded", folded)).answer().status(), 400);
}

/// The clients of one connection take turns, and a head that is refused is nobody's but the proxy's.
#[test]
fn each_request_of_a_connection_has_its_client() {
    let server = Server::start(&["--trust-proxy", "127.0.0.1"]);
    let mut wire = server.connect();
    let pipelined: String = (1..=9)
        .map(|number| get(&format!("/{number}"), &format!("X-Forwarded-For: 192.0.2.{number}\r\n")))
        .collect();
    wire.send(pipelined);
    for number in 1..=9 {
        wire.answer();
        assert_eq!(logged(&server, &format!("/{number}")), format!("192.0.2.{number}"));
    }
    wire.send("GET /bad HTTP/1.1\r\n\r\n").answer();
    assert_eq!(logged(&server, "/bad"), "127.0.0.1");
}

#[test]
fn a_socket_in_the_file_system_is_a_proxy_if_the_flag_says_so() {
    for (trusted, client) in [("unix", "192.0.2.7"), ("127.0.0.1", "unix:")] {
        let folder = Folder::new();
        let path = folder.join("socket");
        let bind = format!("unix:{}", path.display());
        let server = Server::start(&["--bind", &bind, "--trust-proxy", trusted]);
        let answer = Wire::to_path(&path)
            .send(get("/-/metrics?x", "X-Forwarded-For: 192.0.2.7\r\n"))
            .answer();
        assert_eq!(answer.status(), 403);
        assert_eq!(logged(&server, "/-/metrics?x"), client);
    }
}

/// A room takes one message a second from each address; from this machine, any number.
#[test]
fn the_rate_of_a_room_is_that_of_the_client() {
    let post = |fields: &str| {
        format!("POST /rooms/a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n{fields}\r\nx")
    };
    for trusted in [true, false] {
        let flags: &[&str] = if trusted { &["--trust-proxy", "127.0.0.1"] } else { &[] };
        let server = Server::start(&[&["--room-rate", "1"], flags].concat());
        let mut wire = server.connect();
        let mut status = |fields: &str| wire.send(post(fields)).answer().status();
        let clients = ["1", "2", "3"].map(|it| format!("X-Forwarded-For: 192.0.2.{it}\r\n"));
        let first = clients.clone().map(|client| status(&client));
        assert_eq!(first, if trusted { [201, 201, 201] } else { [201, 429, 429] });
        assert_eq!(clients.map(|client| status(&client)), [429; 3]);
        assert_eq!([status(""), status("")], [201, 201]);
    }
}

/// The connections of a proxy carry the requests of many clients: its own address is not counted.
#[test]
fn the_connections_of_a_known_proxy_are_not_limited_by_its_address() {
    let limit = ["--max-per-address", "2", "--trust-proxy", "127.0.0.2"];
    let server = Server::start(&limit);
    let mut proxies: Vec<Wire> =
        (0..5).map(|_| connect_from([127, 0, 0, 2], server.address())).collect();
    for wire in &mut proxies {
        assert_eq!(wire.send(get("/echo", "")).answer().status(), 200);
    }
    let mut others: Vec<Wire> = (0..2).map(|_| server.let_in()).collect();
    assert_eq!(server.connect().answer().status(), 503);
    assert_eq!(others[0].send(get("/echo", "")).answer().status(), 200);
}

#[test]
fn a_refusal_says_what_the_proxy_must_do() {
    let server = Server::start(&["--trust-proxy", "127.0.0.1"]);
    let fields = "X-Forwarded-For: 1.1.1.1\r\nForwarded: for=2.2.2.2\r\n";
    let text = server.connect().send(get("/", fields)).answer().text();
    assert!(text.contains("name different clients") && text.contains("RFC 7239"), "{text}");
    let said = server.stderr_until(|text| text.contains("name different clients"));
    assert!(said.contains("server: INFO: 127.0.0.1:"), "{said}");
}
