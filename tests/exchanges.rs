//! One request, one answer, byte by byte. Only dates, tags of files and the version are masked.

use crate::support::{Folder, Server, eventually, masked};

/// A site small enough to be written out.
fn site() -> Folder {
    Folder::with(&[("index.html", "<h1>Hello</h1>\n"), ("404.html", "<h1>Lost</h1>\n")])
}

const HELLO: &str = "HTTP/1.1 200 OK\r\n\
    Content-Type: text/html; charset=utf-8\r\n\
    ETag: (tag)\r\n\
    Last-Modified: (then)\r\n\
    X-Content-Type-Options: nosniff\r\n\
    Accept-Ranges: bytes\r\n\
    Date: (now)\r\n\
    Server: threadbare/(version)\r\n\
    Server-Timing: (times)\r\n\
    Content-Length: 15\r\n\
    Connection: close\r\n\
    \r\n\
    <h1>Hello</h1>\n";

#[test]
fn get_sends_the_file() {
    let folder = site();
    let server = Server::of(&folder, &[]);
    let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    assert_eq!(server.exchange(request), HELLO);
}

#[test]
fn head_sends_the_same_head_without_the_body() {
    let folder = site();
    let server = Server::of(&folder, &[]);
    let request = "HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    assert_eq!(server.exchange(request), HELLO.strip_suffix("<h1>Hello</h1>\n").unwrap());
}

#[test]
fn head_has_the_fields_that_get_has() {
    let server = Server::start(&[]);
    for target in ["/", "/nowhere", "/-/health", "/users", "/bytes/1000", "/bytes/x", "/chunks/9"] {
        let head = |method: &str| {
            let request = format!("{method} {target} HTTP/1.1\r\nHost: a\r\n\r\n");
            let mut wire = server.connect();
            let head = wire.send(request).head();
            if method == "HEAD" {
                let next = wire.send("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").answer();
                assert_eq!(next.status(), 204, "nothing stands between the heads");
            }
            masked(head.as_bytes())
        };
        assert_eq!(head("HEAD"), head("GET"), "{target}");
    }
}

#[test]
fn a_body_of_unknown_length_is_chunked_with_its_checksum_in_a_trailer() {
    let server = Server::start(&[]);
    let mut wire = server.connect();
    wire.send("GET /chunks/9 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_eq!(
        masked(&wire.rest()),
        "HTTP/1.1 200 OK\r\n\
         Content-Type: application/octet-stream\r\n\
         Trailer: CRC-32\r\n\
         Date: (now)\r\n\
         Server: threadbare/(version)\r\n\
         Server-Timing: (times)\r\n\
         Transfer-Encoding: chunked\r\n\
         Connection: close\r\n\
         \r\n\
         9\r\nabcdefghi\r\n0\r\nCRC-32: 8da988af\r\n\r\n"
    );
    // HTTP/1.0 has neither chunks nor trailers: the end of the connection is the end.
    for connection in ["close", "keep-alive"] {
        let request = format!("GET /chunks/9 HTTP/1.0\r\nConnection: {connection}\r\n\r\n");
        assert_eq!(
            server.exchange(request),
            "HTTP/1.1 200 OK\r\n\
             Content-Type: application/octet-stream\r\n\
             Date: (now)\r\n\
             Server: threadbare/(version)\r\n\
             Server-Timing: (times)\r\n\
             Connection: close\r\n\
             \r\n\
             abcdefghi"
        );
    }
}

#[test]
fn a_target_may_be_a_whole_url() {
    let folder = site();
    let server = Server::of(&folder, &[]);
    let request = "GET http://example.org/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    assert_eq!(server.exchange(request), HELLO);
}

#[test]
fn hosts_in_all_their_forms() {
    let server = Server::start(&[]);
    for (line, fields) in [
        ("GET /-/health HTTP/1.1", "Host: example.org"),
        ("GET /-/health HTTP/1.1", "host:EXAMPLE.org:8080\t"),
        ("GET /-/health HTTP/1.1", "Host: example.org:"),
        ("GET /-/health HTTP/1.1", "Host: 127.0.0.1:80"),
        ("GET /-/health HTTP/1.1", "Host: [::1]:80"),
        ("GET /-/health HTTP/1.1", "Host: x_y.z-1~%41"),
        ("GET /-/health HTTP/1.1", "Host:"),
        ("GET HTTP://b:80/-/health HTTP/1.1", "Host: a"),
        ("GET http://[::1]/-/health HTTP/1.1", "Host: a:8080"),
        ("GET http://b/-/health HTTP/1.1", "Host:"),
        ("GET /-/health HTTP/1.0", "X: no Host at all"),
        ("GET http://b/-/health HTTP/1.0", "X: no Host at all"),
    ] {
        let answer = server.exchange(format!("{line}\r\n{fields}\r\nConnection: close\r\n\r\n"));
        assert!(answer.ends_with("\r\n\r\nok\n"), "{line} {fields}: {answer}");
    }
}

#[test]
fn a_later_minor_version_gets_a_1_1_response() {
    let folder = site();
    let server = Server::of(&folder, &[]);
    let request = "GET / HTTP/1.9\r\nHost: a\r\nConnection: close\r\n\r\n";
    assert_eq!(server.exchange(request), HELLO);
}

#[test]
fn a_missing_page_is_404_and_the_connection_stays() {
    let folder = site();
    let server = Server::of(&folder, &[]);
    let mut wire = server.connect();
    let lost = wire.send("GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n").answer();
    assert_eq!(
        masked(lost.head.as_bytes()),
        "HTTP/1.1 404 Not Found\r\n\
         Content-Type: text/html; charset=utf-8\r\n\
         X-Content-Type-Options: nosniff\r\n\
         Vary: Accept\r\n\
         Date: (now)\r\n\
         Server: threadbare/(version)\r\n\
         Server-Timing: (times)\r\n\
         Content-Length: 14\r\n\
         \r\n"
    );
    assert_eq!(lost.text(), "<h1>Lost</h1>\n");
    wire.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_eq!(masked(&wire.rest()), HELLO);
}

#[test]
fn a_method_that_the_path_does_not_have_is_405_with_those_that_it_has() {
    let server = Server::start(&[]);
    assert_eq!(
        server.exchange("DELETE /page HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
        "HTTP/1.1 405 Method Not Allowed\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\
         Vary: Accept\r\n\
         Allow: GET, HEAD, OPTIONS\r\n\
         Date: (now)\r\n\
         Server: threadbare/(version)\r\n\
         Server-Timing: (times)\r\n\
         Content-Length: 107\r\n\
         Connection: close\r\n\
         \r\n\
         405 Method Not Allowed\n\
         \n\
         DELETE is not allowed for /page.\n\
         Rule:  RFC 9110, 15.5.6\n\
         Right: GET, HEAD, OPTIONS\n"
    );
}

#[test]
fn trace_is_405_and_reflects_nothing() {
    let server = Server::start(&[]);
    for target in ["/", "/echo", "/nowhere", "/users"] {
        let answer = server.exchange(format!(
            "TRACE {target} HTTP/1.1\r\nHost: a\r\nCookie: secret\r\nConnection: close\r\n\r\n"
        ));
        assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
        assert!(answer.contains("\r\nAllow: "), "{answer}");
        assert!(!answer.contains("message/http") && !answer.contains("secret"), "{answer}");
    }
}

#[test]
fn every_response_has_exactly_one_date() {
    let server = Server::start(&["--max-connections", "2"]);
    let long = "x".repeat(20_000);
    for (status, request) in [
        (200, "GET / HTTP/1.0\r\n\r\n".to_owned()),
        (204, "OPTIONS * HTTP/1.0\r\n\r\n".to_owned()),
        (400, "{".to_owned()),
        (400, "GET / HTTP/1.1\r\n\r\n".to_owned()),
        (404, "GET /nowhere HTTP/1.0\r\n\r\n".to_owned()),
        (405, "POST /page HTTP/1.0\r\n\r\n".to_owned()),
        (
            413,
            "POST /users HTTP/1.0\r\nContent-Length: 99999999\r\n\
               Content-Type: application/json\r\n\r\n"
                .to_owned(),
        ),
        (414, format!("GET /{long} HTTP/1.0\r\n\r\n")),
        (415, "POST /users HTTP/1.0\r\nContent-Length: 1\r\n\r\nx".to_owned()),
        (417, "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n".to_owned()),
        (431, format!("GET / HTTP/1.0\r\nX: {long}\r\n\r\n")),
        (501, "MAKE / HTTP/1.0\r\n\r\n".to_owned()),
        (505, "GET / HTTP/3.0\r\n\r\n".to_owned()),
    ] {
        // One connection more is one too many; it may take a moment until the last one is forgotten.
        let answer = eventually(|| {
            let answer = server.exchange(&request);
            (!answer.starts_with("HTTP/1.1 503 ")).then_some(answer)
        });
        let answer = answer.expect("there is room again");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert_eq!(answer.matches("\r\nDate: (now)\r\n").count(), 1, "{answer}");
    }
    // Who has been answered is inside; the last ones from above may not have been forgotten yet.
    let full = [server.let_in(), server.let_in()];
    let refused = server.exchange("");
    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    assert_eq!(refused.matches("\r\nDate: (now)\r\n").count(), 1, "{refused}");
    drop(full);
    let server = Server::start(&[]);
    let mut wire = server.connect();
    wire.send(
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n",
    );
    assert_eq!(wire.head(), "HTTP/1.1 100 Continue\r\n\r\n", "an interim one needs none");
}

#[test]
fn an_unknown_method_is_501() {
    let server = Server::start(&[]);
    for method in ["MAKE", "get", "CONNECT"] {
        let target = if method == "CONNECT" { "a:80" } else { "/" };
        let request = format!("{method} {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let answer = server.exchange(request);
        assert!(answer.starts_with("HTTP/1.1 501 Not Implemented\r\n"), "{answer}");
        let teaches = format!(
            "\n\nThe server does not know the method {method} (methods are case-sensitive).\n"
        );
        assert!(answer.contains(&teaches), "{answer}");
    }
}

#[test]
fn another_major_version_is_505() {
    let server = Server::start(&[]);
    for version in ["HTTP/2.0", "HTTP/0.9", "HTTP/3.1"] {
        assert_eq!(
            server.exchange(format!("GET / {version}\r\nHost: a\r\n\r\n")),
            format!(
                "HTTP/1.1 505 HTTP Version Not Supported\r\n\
                 Content-Type: text/plain; charset=utf-8\r\n\
                 Vary: Accept\r\n\
                 Date: (now)\r\n\
                 Server: threadbare/(version)\r\n\
                 Content-Length: 189\r\n\
                 Connection: close\r\n\
                 \r\n\
                 505 HTTP Version Not Supported\n\
                 \n\
                 This HTTP version is not supported; only HTTP/1.0 and HTTP/1.1 are (byte 6).\n\
                 \n    GET / {version}\\r\\n\n          ^\n\n\
                 Rule:  RFC 9110, 2.5\n\
                 Right: GET / HTTP/1.1\n"
            )
        );
    }
}

#[test]
fn a_wrong_request_line_is_refused_before_the_rest_arrives() {
    let server = Server::start(&[]);
    assert_eq!(
        server.exchange("GET  / HTTP/1.1\r\n"),
        "HTTP/1.1 400 Bad Request\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\
         Vary: Accept\r\n\
         Date: (now)\r\n\
         Server: threadbare/(version)\r\n\
         Content-Length: 211\r\n\
         Connection: close\r\n\
         \r\n\
         400 Bad Request\n\
         \n\
         The request line does not have three parts (method, target, version) with one space between them (byte 4).\n\
         \n    GET  / HTTP/1.1\\r\\n\n        ^\n\n\
         Rule:  RFC 9112, 3\n\
         Right: GET /index.html HTTP/1.1\n"
    );
}

#[test]
fn a_line_that_is_not_a_request_line_is_explained() {
    let server = Server::start(&[]);
    for (bytes, teaches) in [
        (&b"\xff\xf4\xff\xfd\x06"[..], "This is a telnet command"),
        (b"\x16\x03\x01\x02\x00\x01", "This is a TLS handshake"),
        (b"{", "This is not an HTTP request"),
        (b"GET\r\n", "The request line does not have three parts"),
        (b"GET /\r\n", "The request line does not have three parts"),
        (b"GET / http/1.1\r\n", "The request line does not end with a version"),
        (b"GET /a b HTTP/1.1\r\n", "The request line does not have three parts"),
        (b"GET /\xe9 HTTP/1.1\r\n", "The target has a byte that must be percent-encoded"),
        (b"GET /% HTTP/1.1\r\n", "A % in the path is not followed by two"),
        (b"GET index.html HTTP/1.1\r\n", "The target does not have a form"),
        (b"GET / HTTP/1.1\r\n\r\n", "The Host field is missing"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "There is more than one Host field"),
        (b"GET / HTTP/1.1\r\nHost : a\r\n", "There is a space between a field name"),
        (b"GET / HTTP/1.1\r\nA: b\r\n c\r\n", "A line of the head begins with a space"),
        (b"GET / HTTP/1.1\r\nA: b\rc\r\n", "There is a CR without the LF"),
        (b"GET / HTTP/1.1\r\nA: \0\r\n", "A field value has a control character"),
    ] {
        let answer = server.exchange(bytes);
        // telnet is told in its own words first that a 400 follows (refusals.rs).
        let answer = answer.strip_prefix("\u{fffd}\u{fffd}\u{6}").unwrap_or(&answer);
        assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{bytes:?}: {answer}");
        assert!(answer.contains(&format!("\n\n{teaches}")), "{bytes:?}: {answer}");
        assert!(answer.contains("\r\nConnection: close\r\n"), "{bytes:?}: {answer}");
    }
}

#[test]
fn heads_have_limits() {
    let server = Server::start(&[]);
    let long = |count| "x".repeat(count);
    let many = |count: usize| "A: b\r\n".repeat(count);
    for (name, status, request) in [
        // "GET /?" and " HTTP/1.0\r\n" are 17 bytes of the 8,192.
        ("line", "200 OK", format!("GET /?{} HTTP/1.0\r\n\r\n", long(8175))),
        ("line", "414 URI Too Long", format!("GET /?{} HTTP/1.0\r\n\r\n", long(8176))),
        ("line without an end", "414 URI Too Long", format!("GET /?{}", long(9000))),
        ("method", "501 Not Implemented", format!("{} / HTTP/1.1\r\n\r\n", "A".repeat(100_000))),
        ("method without an end", "501 Not Implemented", "A".repeat(9000)),
        ("field", "200 OK", format!("GET / HTTP/1.0\r\nA: {}\r\n\r\n", long(16_379))),
        (
            "field",
            "431 Request Header Fields Too Large",
            format!("GET / HTTP/1.0\r\nA: {}\r\n\r\n", long(16_380)),
        ),
        ("fields", "200 OK", format!("GET / HTTP/1.0\r\n{}\r\n", many(100))),
        (
            "fields",
            "431 Request Header Fields Too Large",
            format!("GET / HTTP/1.0\r\n{}\r\n", many(101)),
        ),
        (
            "head",
            "431 Request Header Fields Too Large",
            format!("GET / HTTP/1.0\r\n{}\r\n", format!("A: {}\r\n", long(10_000)).repeat(7)),
        ),
    ] {
        let answer = server.exchange(&request);
        let want = format!("HTTP/1.1 {status}\r\n");
        let first = answer.lines().next();
        assert!(answer.starts_with(&want), "{name}, {} bytes: {first:?}", request.len());
    }
}

#[test]
fn options_lists_the_methods() {
    let server = Server::start(&[]);
    for (target, methods) in [
        ("/", "GET, HEAD, OPTIONS"),
        ("/echo", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
        ("*", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
    ] {
        let request = format!("OPTIONS {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        assert_eq!(
            server.exchange(request),
            format!(
                "HTTP/1.1 204 No Content\r\n\
                 Allow: {methods}\r\n\
                 Date: (now)\r\n\
                 Server: threadbare/(version)\r\n\
                 Server-Timing: (times)\r\n\
                 Connection: close\r\n\
                 \r\n"
            )
        );
    }
}

#[test]
fn a_body_of_a_known_length_is_echoed() {
    let server = Server::start(&[]);
    assert_eq!(
        server.exchange(
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
        ),
        "HTTP/1.1 200 OK\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\
         X-Content-Type-Options: nosniff\r\n\
         Date: (now)\r\n\
         Server: threadbare/(version)\r\n\
         Server-Timing: (times)\r\n\
         Content-Length: 75\r\n\
         Connection: close\r\n\
         \r\n\
         POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
    );
}

#[test]
fn a_chunked_body_with_trailers_is_echoed_whole() {
    let server = Server::start(&[]);
    let head = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunks = "5;name=value\r\nhello\r\n00A\r\n, chunked!\r\n0\r\nDigest: x\r\n\r\n";
    let mut wire = server.connect();
    let answer = wire.send(format!("{head}{chunks}")).answer();
    assert_eq!(answer.text(), format!("{head}hello, chunked!"));
    // All of it was read: what comes next is a request.
    assert_eq!(wire.send("GET /-/health HTTP/1.1\r\nHost: a\r\n\r\n").answer().text(), "ok\n");
}

#[test]
fn a_wanted_body_gets_100_continue() {
    let server = Server::start(&[]);
    let mut wire = server.connect();
    let head = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\
                Expect: 100-continue\r\n\r\n";
    assert_eq!(wire.send(head).head(), "HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(wire.send("hello").answer().text(), format!("{head}hello"));
    // Whoever does not wait for it is not told.
    let answer = wire.send(format!("{head}hello")).answer();
    assert_eq!((answer.status(), answer.text()), (200, format!("{head}hello")));
}

#[test]
fn only_an_http_1_1_client_with_a_body_gets_100_continue() {
    let server = Server::start(&[]);
    for (line, fields, waits) in [
        ("POST /echo HTTP/1.1", "Expect: 100-Continue\r\nContent-Length: 5\r\n", true),
        (
            "PUT /count HTTP/1.1",
            "Expect: 100-continue, 100-continue\r\nContent-Length: 5\r\n",
            true,
        ),
        ("PUT /echo HTTP/1.1", "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n", true),
        // There is no body, or it is an HTTP/1.0 client's, which knows no interim answers.
        ("POST /echo HTTP/1.1", "Expect: 100-continue\r\n", false),
        ("POST /echo HTTP/1.1", "Expect: 100-continue\r\nContent-Length: 0\r\n", false),
        ("POST /echo HTTP/1.1", "Expect:\r\nContent-Length: 5\r\n", false),
        ("POST /echo HTTP/1.0", "Expect: 100-continue\r\nContent-Length: 5\r\n", false),
        ("POST /echo HTTP/1.0", "Expect: a miracle\r\nContent-Length: 5\r\n", false),
    ] {
        let mut wire = server.connect();
        wire.send(format!("{line}\r\nHost: a\r\n{fields}\r\n"));
        if waits {
            assert_eq!(wire.head(), "HTTP/1.1 100 Continue\r\n\r\n", "{line} {fields}");
        }
        if fields.contains("chunked") {
            wire.send("5\r\nhello\r\n0\r\n\r\n");
        } else if fields.contains("Length: 5") {
            wire.send("hello");
        }
        assert_eq!(wire.answer().status(), 200, "{line} {fields}");
    }
}

#[test]
fn an_unwanted_body_gets_no_100_continue() {
    let server = Server::start(&[]);
    for (line, expect, status) in [
        ("POST /page HTTP/1.1", "100-continue", "405 Method Not Allowed"),
        ("MAKE /page HTTP/1.1", "100-continue", "501 Not Implemented"),
        ("POST /echo HTTP/1.1", "a miracle", "417 Expectation Failed"),
    ] {
        let answer = server.exchange(format!(
            "{line}\r\nHost: a\r\nContent-Length: 100000\r\nExpect: {expect}\r\n\r\n"
        ));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{answer}");
        assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
        assert!(!answer.contains("HTTP/1.1 100"), "{answer}");
    }
}

#[test]
fn a_body_that_is_too_large_is_refused_by_its_head() {
    let server = Server::start(&[]);
    assert_eq!(
        server.exchange(
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 16777217\r\n\
             Expect: 100-continue\r\n\r\n"
        ),
        "HTTP/1.1 413 Content Too Large\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\
         Vary: Accept\r\n\
         Date: (now)\r\n\
         Server: threadbare/(version)\r\n\
         Server-Timing: (times)\r\n\
         Content-Length: 144\r\n\
         Connection: close\r\n\
         \r\n\
         413 Content Too Large\n\
         \n\
         The body is larger than this server accepts: the limit is 16777216 bytes.\n\
         Rule:  RFC 9110, 15.5.14\n\
         Right: a smaller body\n"
    );
}

#[test]
fn the_largest_allowed_body_is_accepted() {
    let server = Server::start(&[]);
    let body = vec![b'x'; 16 << 20];
    let head = format!("PUT /echo HTTP/1.0\r\nContent-Length: {}\r\n\r\n", body.len());
    let mut wire = server.connect();
    let answer = wire.send(&head).send(&body).answer();
    assert!(answer.body == [head.as_bytes(), &body].concat(), "it comes back as it was");
}

#[test]
fn the_server_field_is_set_by_its_flag() {
    let request = "GET /-/health HTTP/1.0\r\n\r\n";
    let server = Server::start(&["--server-name", "spindle"]);
    assert!(server.exchange(request).contains("\r\nServer: spindle\r\n"));
    let server = Server::start(&["--server-name", "off"]);
    for request in [request, "BAD\r\n"] {
        let answer = server.exchange(request);
        assert!(answer.contains("\r\nDate: ") && !answer.contains("Server:"), "{answer}");
    }
}

#[test]
fn browsers_are_refused_in_html_with_everything_escaped() {
    let server = Server::start(&[]);
    let answer = server.exchange(
        "POST /'&%3Cscript%3Ealert(1)%3C/script%3E HTTP/1.1\r\nHost: a\r\n\
         Accept: application/xml, Text/HTML;q=0.9\r\nConnection: close\r\n\r\n",
    );
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("\r\nContent-Type: text/html; charset=utf-8\r\n"), "{head}");
    for part in [
        "<title>405 Method Not Allowed</title>",
        "<p>POST is not allowed for \
         /&#39;&amp;%3Cscript%3Ealert(1)%3C/script%3E.</p>",
        "<a href=\"https://www.rfc-editor.org/rfc/rfc9110#section-15.5.6\">RFC 9110, 15.5.6</a>",
        "<code>GET, HEAD, OPTIONS</code>",
    ] {
        assert!(body.contains(part), "{part}: {body}");
    }
    // As it is, it may not stand in a target at all; the refusal, which shows it, is text.
    let answer = server.exchange("GET /<script> HTTP/1.1\r\nAccept: text/html\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains(": text/plain;"), "{answer}");
}
