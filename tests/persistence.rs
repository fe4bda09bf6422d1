//! Which connections stay, in which order answers come, and that the last one arrives.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{SOON, Server, needs, run};

/// Long enough to arrive apart.
const SHORTLY: Duration = Duration::from_millis(50);

const HEALTH: &str = "GET /-/health HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn http_1_0_closes_after_one_response() {
    let server = Server::start(&[]);
    let mut wire = server.connect();
    let answer = wire.send("GET /-/health HTTP/1.0\r\n\r\n").answer();
    assert_eq!((answer.text().as_str(), answer.field("Connection")), ("ok\n", Some("close")));
    assert_eq!(wire.rest(), b"");
}

#[test]
fn http_1_0_keep_alive_is_granted_and_confirmed() {
    let server = Server::start(&[]);
    let mut wire = server.connect();
    for _ in 0..3 {
        let request = "GET /-/health HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n";
        let answer = wire.send(request).answer();
        assert_eq!(answer.field("Connection"), Some("keep-alive"));
        assert_eq!(answer.text(), "ok\n");
    }
}

#[test]
fn http_1_1_stays_open_until_close_is_requested() {
    let server = Server::start(&[]);
    let mut wire = server.connect();
    for _ in 0..3 {
        let answer = wire.send(HEALTH).answer();
        assert_eq!((answer.text().as_str(), answer.field("Connection")), ("ok\n", None));
    }
    let request = "GET /-/health HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n";
    assert_eq!(wire.send(request).answer().field("Connection"), Some("close"));
    assert_eq!(wire.rest(), b"");
}

#[test]
fn a_client_that_closes_between_two_requests_is_not_logged() {
    let server = Server::start(&["--access-log", "off"]);
    drop(server.connect());
    let mut wire = server.connect();
    wire.send(HEALTH).answer();
    assert_eq!(wire.half_close().rest(), b"");
    assert_eq!(server.get("/-/health").status(), 200);
    assert_eq!(server.program.stderr.text(), "");
}

#[test]
fn pipelined_requests_get_their_responses_in_order() {
    let server = Server::start(&[]);
    let mut wire = server.connect();
    let row: String =
        (0..20).map(|number| format!("GET /echo?{number} HTTP/1.1\r\nHost: a\r\n\r\n")).collect();
    wire.send(row);
    for number in 0..20 {
        let answer = wire.answer();
        assert!(answer.text().starts_with(&format!("GET /echo?{number} ")), "{}", answer.text());
    }
}

#[test]
fn many_pipelined_requests_get_large_responses_in_order() {
    let server = Server::start(&[]);
    let mut wire = server.connect();
    let row: String = (0..200)
        .map(|number| format!("GET /bytes/{} HTTP/1.1\r\nHost: a\r\n\r\n", 50_000 + number))
        .collect();
    wire.send(row);
    for number in 0..200 {
        assert_eq!(wire.answer().body.len(), 50_000 + number);
    }
}

#[test]
fn a_request_after_a_body_gets_its_response() {
    let server = Server::start(&[]);
    let post = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
    let refused = "POST /page HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
    let chunked = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                   5\r\nhello\r\n0\r\n\r\n";
    let mut wire = server.connect();
    wire.send([post, refused, chunked, HEALTH].concat());
    assert_eq!(wire.answer().text(), post);
    assert_eq!(wire.answer().status(), 405);
    assert!(wire.answer().text().ends_with("chunked\r\n\r\nhello"));
    assert_eq!(wire.answer().text(), "ok\n");
}

#[test]
fn a_request_may_arrive_one_byte_at_a_time() {
    let server = Server::start(&[]);
    let request = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                   5\r\nhello\r\n0\r\n\r\n";
    let mut wire = server.connect();
    let answer = wire.send_slowly(request.as_bytes(), 1, Duration::from_millis(2)).answer();
    assert!(answer.text().ends_with("chunked\r\n\r\nhello"));
    assert_eq!(wire.send(HEALTH).answer().text(), "ok\n");
}

#[test]
fn a_lone_lf_ends_a_line_and_blank_lines_may_come_first() {
    let server = Server::start(&[]);
    let mut wire = server.connect();
    let request = "GET /echo HTTP/1.1\nHost: a\n\n";
    assert_eq!(wire.send(format!("\r\n\n\r\n{request}")).answer().text(), request);
    assert_eq!(wire.send(format!("\n{request}")).answer().text(), request);
}

#[test]
fn a_client_that_shuts_down_its_writing_gets_its_response() {
    let server = Server::start(&[]);
    let mut wire = server.connect();
    wire.send([HEALTH, HEALTH].concat()).half_close();
    assert_eq!(wire.answer().text(), "ok\n");
    assert_eq!(wire.answer().text(), "ok\n");
    assert_eq!(wire.rest(), b"");
    let half = server.connect().send("GET / HTTP/1.0\r\nA: b\r\n").half_close().rest();
    let half = String::from_utf8(half).unwrap();
    assert!(half.contains("before the empty line that ends the head"), "{half}");
    let half = server
        .connect()
        .send("PUT /echo HTTP/1.0\r\nContent-Length: 2\r\n\r\nx")
        .half_close()
        .rest();
    let half = String::from_utf8(half).unwrap();
    assert!(half.contains("The connection ended before the body was complete"), "{half}");
}

#[test]
fn a_head_without_a_route_gets_its_response_before_its_body_arrives() {
    let server = Server::start(&[]);
    let begun = Instant::now();
    let request = "POST /page HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n";
    assert!(server.exchange(request).starts_with("HTTP/1.1 405 "));
    assert!(begun.elapsed() < SOON, "the body is not waited for");
}

/// Method and fields of requests that are refused by their head, whatever their body, and how.
const FOR_NOBODY: [(u16, &str, &str); 4] = [
    (405, "POST /page", ""),
    (413, "POST /echo", ""),
    (415, "POST /users", "Content-Type: text/plain\r\n"),
    (501, "MAKE /page", ""),
];

#[test]
fn a_short_unwanted_body_gets_its_response_at_once_and_is_skipped() {
    let body = "x".repeat(65_536);
    let chunks = format!("8000;a=b\r\n{0}\r\n8000\r\n{0}\r\n0\r\nX: y\r\n\r\n", &body[..0x8000]);
    for lobby in ["on", "off"] {
        let server = Server::start(&["--lobby", lobby, "--max-body", "50000"]);
        let mut wire = server.connect();
        for (status, line, fields) in FOR_NOBODY {
            for (framing, body) in
                [("Content-Length: 65536", &body), ("Transfer-Encoding: chunked", &chunks)]
            {
                if (status, framing) == (413, "Transfer-Encoding: chunked") {
                    continue; // its length is not known yet
                }
                let name = format!("{status} {framing}, lobby {lobby}");
                let head = format!("{line} HTTP/1.1\r\nHost: a\r\n{fields}{framing}\r\n\r\n");
                let answer = wire.send(&head).answer();
                assert_eq!((answer.status(), answer.field("connection")), (status, None), "{name}");
                wire.send(&body[..30_000]).send(&body[30_000..]).send(HEALTH);
                assert_eq!(wire.answer().text(), "ok\n", "{name}");
                // The same in one piece, followed by the next request.
                let answer = wire.send([&head, body, HEALTH].concat()).answer();
                assert_eq!((answer.status(), answer.field("connection")), (status, None), "{name}");
                assert_eq!(wire.answer().text(), "ok\n", "{name}");
            }
        }
    }
}

#[test]
fn a_long_unwanted_body_ends_the_connection_and_the_response_says_so() {
    let server = Server::start(&["--max-body", "50000"]);
    for (status, line, fields) in FOR_NOBODY {
        let head = format!("{line} HTTP/1.1\r\nHost: a\r\n{fields}Content-Length: 70000\r\n\r\n");
        let mut wire = server.connect();
        let answer = wire.send(&head).answer();
        assert_eq!((answer.status(), answer.field("connection")), (status, Some("close")));
        wire.send("x".repeat(70_000)).send(HEALTH);
        assert_eq!(wire.rest(), b"", "{status}");
    }
}

#[test]
fn a_client_that_expects_100_for_an_unwanted_body_gets_its_response_and_a_close() {
    let server = Server::start(&["--max-body", "50000"]);
    for (status, line, fields) in FOR_NOBODY {
        let head = format!(
            "{line} HTTP/1.1\r\nHost: a\r\n{fields}Content-Length: 60000\r\n\
             Expect: 100-continue\r\n\r\n"
        );
        let mut wire = server.connect();
        let answer = wire.send(&head).answer();
        assert_eq!((answer.status(), answer.field("connection")), (status, Some("close")));
        assert_eq!(wire.rest(), b"", "{status}");
    }
}

#[test]
fn connection_is_a_list_without_regard_to_case_over_many_lines() {
    let server = Server::start(&[]);
    for (version, fields, stays) in [
        ("1.1", "Connection: keep-alive\r\nConnection: CLOSE\r\n", false),
        ("1.1", "Connection: x, ,close ,y\r\n", false),
        ("1.1", "Connection: close, keep-alive\r\n", false),
        ("1.1", "Connection:\tClose\r\n", false),
        ("1.1", "Connection: closed, not-close\r\n", true),
        ("1.1", "Connection: x\r\nX: close\r\n", true),
        ("1.1", "Connection: Host, Content-Length\r\n", true),
        ("1.1", "Connection:\r\n", true),
        ("1.1", "Proxy-Connection: close\r\nKeep-Alive: timeout=0\r\n", true),
        ("1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\n", true),
        (
            "1.1",
            "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
            true,
        ),
        ("1.7", "", true),
        ("1.0", "Connection: x\r\nConnection: Keep-Alive\r\n", true),
        ("1.0", "Connection: keep-alive, close\r\n", false),
        ("1.0", "Keep-Alive: timeout=60\r\n", false),
        ("1.0", "Proxy-Connection: keep-alive\r\n", false),
    ] {
        let mut wire = server.connect();
        let request = format!("GET /-/health HTTP/{version}\r\nHost: a\r\n{fields}\r\n");
        let answer = wire.send(&request).answer();
        assert_eq!((answer.status(), answer.field("upgrade")), (200, None), "{request}");
        let says = match (stays, version) {
            (false, _) => Some("close"),
            (true, "1.0") => Some("keep-alive"),
            (true, _) => None,
        };
        assert_eq!(answer.field("connection"), says, "{request}");
        if stays {
            assert_eq!(wire.send(&request).answer().status(), 200, "{request}");
        } else {
            assert_eq!(wire.rest(), b"", "{request}");
        }
    }
}

#[test]
fn empty_lines_before_a_request_are_skipped_but_not_for_ever() {
    let server = Server::start(&[]);
    for (lines, status) in [(1, 200), (100, 200), (101, 400), (10_000, 400)] {
        let request = "\r\n".repeat(lines) + "GET /-/health HTTP/1.0\r\n\r\n";
        let answer = server.exchange(request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{lines}: {answer}");
    }
}

/// The answer to whoever reads only when all is written, as many a simple client does. The writing
/// has to succeed, or there would be no reading.
fn answer_after_megabytes(head: &str) -> String {
    let server = Server::start(&[]);
    let mut wire = server.connect();
    wire.send(head);
    for _ in 0..128 {
        wire.send([b'x'; 256 << 10]);
    }
    String::from_utf8(wire.half_close().rest()).unwrap()
}

#[test]
fn the_refusal_of_a_head_arrives_though_megabytes_follow() {
    let answer = answer_after_megabytes("BAD\r\n");
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.ends_with("HTTP/1.1\n"), "{answer}");
}

#[test]
fn the_refusal_of_an_unwanted_body_arrives() {
    let head = "POST /page HTTP/1.1\r\nHost: a\r\nContent-Length: 33554432\r\n\r\n";
    let answer = answer_after_megabytes(head);
    assert!(answer.starts_with("HTTP/1.1 405 ") && answer.ends_with("OPTIONS\n"), "{answer}");
}

#[test]
fn a_body_that_is_too_large_is_refused_audibly() {
    for framing in
        ["Content-Length: 50000000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\nFFFFFFF\r\n"]
    {
        let head = format!("POST /echo HTTP/1.1\r\nHost: a\r\n{framing}");
        let answer = answer_after_megabytes(&head);
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        assert!(answer.ends_with("Right: a smaller body\n"), "{answer}");
    }
}

#[test]
fn bytes_after_the_last_request_are_never_served() {
    let server = Server::start(&[]);
    for last in [
        "GET /-/health HTTP/1.0\r\n\r\n",
        "GET /-/health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "POST /page HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n",
        "POST /count HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
        "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        let answer = server.exchange(format!("{last}GET /glued HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    }
    assert!(!server.program.stderr.text().contains("glued"), "the log knows of none");
}

#[test]
fn a_response_arrives_though_bytes_follow_the_last_request() {
    let server = Server::start(&[]);
    for last in [
        "GET /sleep/200 HTTP/1.0\r\n\r\n",
        "GET /sleep/200 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ] {
        // One more Enter, typed while the answer is awaited; a plain close answers it with a reset.
        let mut wire = server.connect();
        wire.send_slowly(&[last, "\r\n"].concat().into_bytes(), last.len(), SHORTLY);
        assert!(wire.rest().ends_with(b"slept 200 ms\n"));
        // And after it has come.
        let mut wire = server.connect();
        assert_eq!(wire.send(last).answer().text(), "slept 200 ms\n");
        wire.send("\r\n");
        assert_eq!(wire.rest(), b"");
    }
}

#[test]
fn a_client_that_half_closes_gets_a_whole_long_response() {
    let server = Server::start(&[]);
    let mut wire = server.connect();
    wire.send("GET /bytes/5000000 HTTP/1.1\r\nHost: a\r\n\r\n").half_close();
    assert_eq!(wire.answer().body.len(), 5_000_000);
    assert_eq!(wire.rest(), b"");
}

/// What comes through a program that takes a request on its stdin.
fn through(program: &str, server: &Server, request: &str) -> String {
    let address = server.address();
    let mut command = Command::new(program);
    command.args([address.ip().to_string(), address.port().to_string()]);
    let begun = Instant::now();
    let finished = run(&mut command, request.as_bytes());
    assert!(begun.elapsed() < SOON, "{program} is answered at once");
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""));
    String::from_utf8(finished.stdout).unwrap()
}

#[test]
fn nc_gets_its_response() {
    if needs("nc") {
        let answer = through("nc", &Server::start(&[]), "GET /-/health HTTP/1.0\n\n");
        assert!(
            answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\nok\n"),
            "{answer}"
        );
    }
}

#[test]
fn ncat_gets_its_response_though_it_half_closes() {
    if needs("ncat") {
        let server = Server::start(&[]);
        for request in ["GET /-/health HTTP/1.0\n\n", HEALTH] {
            let answer = through("ncat", &server, request);
            assert!(
                answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\nok\n"),
                "{answer}"
            );
        }
        let answer = through("ncat", &server, "GET / HTTP/1.0\n");
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    }
}
