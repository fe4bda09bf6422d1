//! RFC 9110, held by what goes over the wire: rules that every answer keeps, whatever it answers,
//! and those that no other file of tests has a reason to look at. In the order of its sections; the
//! coverage page of the manual names them.

use std::time::{Duration, SystemTime};

use crate::client::fake::Fake;
use crate::client::{fetch, fetched};
use crate::support::{Folder, Server, ask};

/// A request, and all that came back until the server closed.
struct Exchange {
    asked: String,
    status: u16,
    fields: Vec<(String, String)>,
    body: String,
}

impl Exchange {
    fn field(&self, name: &str) -> Option<&str> {
        let mut named = self.fields.iter().filter(|(held, _)| held.eq_ignore_ascii_case(name));
        named.next().map(|(_, value)| value.as_str())
    }

    fn may_have_body(&self) -> bool {
        !self.asked.starts_with("HEAD ") && !matches!(self.status, 204 | 304)
    }
}

fn site() -> Folder {
    Folder::with(&[("index.html", "<h1>Hello</h1>\n"), ("a.txt", "hello\n"), ("sub/b.txt", "b\n")])
}

/// One exchange of nearly every kind that the server has, as told by eyes other than the project's.
fn exchanges() -> Vec<Exchange> {
    let folder = site();
    let server = Server::of(&folder, &[]);
    let json = "Content-Type: application/json\r\n";
    let ada = r#"{"name":"Ada Lovelace","email":"ada@example.org"}"#;
    let with = |fields: &str, body: &str| format!("{fields}Content-Length: {}", body.len());
    let long = "x".repeat(20_000);
    let requests = [
        ("GET / HTTP/1.1", String::new(), "", 200),
        ("HEAD / HTTP/1.1", String::new(), "", 200),
        ("GET /a.txt HTTP/1.0", String::new(), "", 200),
        ("GET /sub HTTP/1.1", String::new(), "", 301),
        ("GET /nowhere HTTP/1.1", String::new(), "", 404),
        ("HEAD /nowhere HTTP/1.1", String::new(), "", 404),
        ("GET /nowhere HTTP/1.1", "Accept: text/html".into(), "", 404),
        ("GET /bytes/100000 HTTP/1.1", String::new(), "", 200),
        ("GET /-/health HTTP/1.1", String::new(), "", 200),
        ("GET /-/metrics HTTP/1.1", String::new(), "", 403),
        ("POST /echo HTTP/1.1", with("", "hello"), "hello", 200),
        ("OPTIONS / HTTP/1.1", String::new(), "", 204),
        ("OPTIONS * HTTP/1.1", String::new(), "", 204),
        ("GET /users HTTP/1.1", String::new(), "", 200),
        ("POST /users HTTP/1.1", with(json, ada), ada, 201),
        ("GET /users/1 HTTP/1.1", String::new(), "", 200),
        ("GET /users/1 HTTP/1.1", "If-None-Match: *".into(), "", 304),
        ("GET /users/1 HTTP/1.1", "If-Match: \"x\"".into(), "", 412),
        ("PUT /users/1 HTTP/1.1", with(json, ada), ada, 200),
        ("POST /users HTTP/1.1", with(json, "{}"), "{}", 422),
        ("POST /users HTTP/1.1", with("", ada), ada, 415),
        ("DELETE /users/1 HTTP/1.1", String::new(), "", 204),
        ("DELETE /users/1 HTTP/1.1", String::new(), "", 404),
        ("DELETE /users HTTP/1.1", String::new(), "", 405),
        ("POST /a.txt HTTP/1.1", with("", ""), "", 405),
        ("TRACE / HTTP/1.1", String::new(), "", 405),
        ("MAKE / HTTP/1.1", String::new(), "", 501),
        ("GET / HTTP/1.1", "Space : before".into(), "", 400),
        ("GET  / HTTP/1.1", String::new(), "", 400),
        ("POST /echo HTTP/1.1", "Content-Length: 99999999".into(), "", 413),
        ("POST /echo HTTP/1.1", "Expect: more\r\nContent-Length: 9".into(), "", 417),
        (&format!("GET /{long} HTTP/1.1"), String::new(), "", 414),
        ("GET / HTTP/1.1", format!("Long: {long}"), "", 431),
        ("GET / HTTP/3.0", String::new(), "", 505),
    ];
    let exchange = |(line, fields, body, status): (&str, String, &str, u16)| {
        let fields = if fields.is_empty() { fields } else { fields + "\r\n" };
        let asked = format!("{line}\r\nHost: a\r\nConnection: close\r\n{fields}\r\n{body}");
        let answer = String::from_utf8(server.connect().send(&asked).rest()).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{asked}"));
        let (first, fields) = head.split_once("\r\n").unwrap_or((head, ""));
        // Status line: version, space, three digits, space, phrase (RFC 9112, 4).
        let code = first.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..4));
        assert_eq!(code, Some(&*format!("{status} ")), "{asked}{answer}");
        let field = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("{line:?}"));
            (name.to_owned(), value.to_owned())
        };
        let fields = fields.split("\r\n").map(field).collect();
        Exchange { asked: asked.clone(), status, fields, body: body.to_owned() }
    };
    requests.map(exchange).into()
}

// 5: fields

#[test]
fn unknown_fields_change_nothing() {
    let folder = site();
    // Via is known: who comes through a proxy is not this machine, to which alone Server-Timing is sent.
    let server = Server::of(&folder, &["--server-timing", "off"]);
    let plain = server.exchange("GET /a.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert!(plain.ends_with("\r\n\r\nhello\n"), "{plain}");
    for fields in [
        "X-Unknown: 1\r\n",
        "!#$%&'*+-.^_`|~: \"\\\r\n",
        "Upgrade-Insecure-Requests: 1\r\nDNT: 1\r\nSec-Fetch-Mode: navigate\r\n",
        "Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\n",
        "TE: trailers\r\nTrailer: Sum\r\nVia: 1.1 a\r\nMax-Forwards: 0\r\n",
        "Accept-Language: \u{e9}\r\n",
    ] {
        let request =
            format!("GET /a.txt HTTP/1.1\r\n{fields}hOST: a\r\ncONNECTION: cLOSE\r\n\r\n");
        let answer = server.exchange(request);
        assert_eq!(answer, plain, "{fields}");
    }
}

#[test]
fn no_response_has_a_field_twice() {
    for exchange in exchanges() {
        let mut names: Vec<_> =
            exchange.fields.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count, "{}: {:?}", exchange.asked, exchange.fields);
    }
}

#[test]
fn fields_keep_their_grammar() {
    let token = |char: char| char.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(char);
    for Exchange { asked, fields, .. } in exchanges() {
        for (name, value) in fields {
            assert!(!name.is_empty() && name.chars().all(token), "{asked}: {name:?}");
            assert_eq!(value.trim(), value, "{asked}: one space in front, none behind");
            assert!(value.bytes().all(|byte| (b' '..0x7F).contains(&byte)), "{asked}: {value:?}");
            if matches!(&*name, "Allow" | "Connection" | "Vary" | "Accept-Ranges") {
                let empty = value.split(',').any(|member| member.trim().is_empty());
                assert!(!empty, "{asked}: {name}: {value}");
            }
        }
    }
}

#[test]
fn nothing_is_done_before_the_head_is_complete() {
    let server = Server::start(&[]);
    let ada = r#"{"name":"Ada","email":"ada@example.org"}"#;
    let create = format!(
        "POST /users HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{ada}",
        ada.len()
    );
    assert_eq!(server.connect().send(create).answer().status(), 201);
    // The last line of the head is a condition that does not hold.
    let mut wire = server.connect();
    wire.send("DELETE /users/1 HTTP/1.1\r\nHost: a\r\n");
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(wire.send("If-Match: \"x\"\r\n\r\n").answer().status(), 412);
    let half = server.connect().send("DELETE /users/1 HTTP/1.1\r\nHost: a\r\n").half_close().rest();
    assert!(half.starts_with(b"HTTP/1.1 400 "));
    assert_eq!(server.get("/users/1").status(), 200);
}

#[test]
fn empty_members_of_a_list_are_ignored() {
    let server = Server::start(&[]);
    let get = "GET /-/health HTTP/1.1\r\nHost: a\r\n";
    let closed = server.exchange(format!("{get}Connection: ,, \t, close ,\r\nConnection:\r\n\r\n"));
    assert!(closed.ends_with("\r\nConnection: close\r\n\r\nok\n"), "{closed}");
    let mut wire = server.connect();
    let post = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n";
    wire.send(format!("{post}Expect: , 100-Continue,\r\n\r\n"));
    assert_eq!(wire.head(), "HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(wire.send("ok").answer().status(), 200);
}

// 6, 7: messages

#[test]
fn every_date_is_an_imf_fixdate() {
    for exchange in exchanges() {
        let date = exchange.field("Date").unwrap_or_else(|| panic!("{}", exchange.asked));
        let time = httpdate::parse_http_date(date).unwrap();
        assert_eq!(httpdate::fmt_http_date(time), date, "IMF-fixdate");
        let now = SystemTime::now();
        let off = now.duration_since(time).or_else(|_| time.duration_since(now)).unwrap();
        assert!(off < Duration::from_secs(60), "{date} is {off:?} off");
    }
}

#[test]
fn no_connection_is_upgraded() {
    let folder = site();
    let server = Server::of(&folder, &[]);
    for fields in [
        "Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
        "Connection: upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
        "Connection: close\r\nUpgrade: HTTP/2.0, TLS/1.3\r\n",
    ] {
        for version in ["1.0", "1.1"] {
            let answer =
                server.exchange(format!("GET /a.txt HTTP/{version}\r\nHost: a\r\n{fields}\r\n"));
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{fields}{answer}");
            assert!(answer.ends_with("\r\n\r\nhello\n"), "{fields}{answer}");
            assert!(!answer.contains("Upgrade:"), "{fields}{answer}");
        }
    }
    // With an expectation, 100 is all that comes in front.
    let mut wire = server.connect();
    wire.send(
        "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\
         Expect: 100-continue\r\nContent-Length: 2\r\n\r\n",
    );
    assert_eq!(wire.head(), "HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(wire.send("ok").answer().status(), 200);
}

#[test]
fn the_client_names_the_host_first_and_as_it_is_in_the_url() {
    let fake = Fake::hello(1);
    let (address, url) = (fake.address(), fake.url("/"));
    for args in [&["-H", "X: y", &url][..], &["-H", "Accept:", "-d", "x", &url], &["-I", &url]] {
        fetch(args);
    }
    let port = address.rsplit(':').next().unwrap();
    fetch(&[&*format!("LOCALHOST:{port}/")]);
    let requests = fake.requests();
    let second = |request: &String| request.lines().nth(1).unwrap().to_owned();
    assert_eq!(
        requests.iter().map(second).collect::<Vec<_>>(),
        [[&*format!("Host: {address}"); 3].as_slice(), &[&*format!("Host: localhost:{port}")]]
            .concat()
    );
}

#[test]
fn fields_are_about_the_message_not_the_connection() {
    for Exchange { asked, fields, .. } in exchanges() {
        for (name, value) in fields {
            let of_the_connection = ["Keep-Alive", "Proxy-Connection", "TE", "Upgrade"];
            assert!(!of_the_connection.contains(&&*name), "{asked}{name}: {value}");
            assert!(name != "Connection" || value == "close", "{asked}{name}: {value}");
        }
    }
}

// 8: representations

#[test]
fn content_has_a_type() {
    for Exchange { asked, fields, body, .. } in exchanges() {
        let typed = fields.iter().any(|(name, _)| name == "Content-Type");
        assert!(typed || body.is_empty(), "{asked}");
    }
}

#[test]
fn content_lengths_are_sent_where_allowed_and_are_true() {
    for exchange in exchanges() {
        let asked = &exchange.asked;
        assert_eq!(exchange.field("Transfer-Encoding"), None, "{asked}");
        let length = exchange.field("Content-Length").map(|length| length.parse().unwrap());
        if exchange.may_have_body() {
            assert_eq!(length, Some(exchange.body.len()), "{asked}");
        } else {
            assert_eq!(exchange.body, "", "{asked}");
            assert!(length.is_none() || asked.starts_with("HEAD "), "{asked}");
        }
    }
}

#[test]
fn content_location_in_a_request_changes_nothing() {
    let server = Server::start(&[]);
    let body = r#"{"name":"Ada Byron","email":"ada@example.org"}"#;
    let send = |line: &str| {
        let request = format!(
            "{line} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
             Content-Location: /users/7\r\nX-Unknown: kept?\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        server.connect().send(request).answer()
    };
    assert_eq!(send("POST /users").field("Location"), Some("/users/1"));
    assert_eq!(send("PUT /users/1").status(), 200);
    let kept = server.get("/users/1");
    assert_eq!(kept.field("Content-Location"), None);
    assert!(!kept.text().contains("kept?") && kept.field("X-Unknown").is_none());
    assert_eq!(server.get("/users/7").status(), 404);
}

// 9: methods

#[test]
fn head_has_the_fields_of_get() {
    let folder = site();
    let server = Server::of(&folder, &[]);
    for target in ["/", "/a.txt", "/sub", "/nowhere", "/bytes/9", "/users", "/users/9", "/-/health"]
    {
        let ask = |method: &str| {
            let request =
                format!("{method} {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            server.exchange(request)
        };
        let (get, head) = (ask("GET"), ask("HEAD"));
        let end = get.find("\r\n\r\n").unwrap() + 4;
        assert_eq!(&get[..end], head, "{target}");
    }
}

#[test]
fn trace_and_connect_do_nothing_and_reflect_nothing() {
    let folder = site();
    let server = Server::of(&folder, &[]);
    for line in ["TRACE / HTTP/1.1", "TRACE /users HTTP/1.1", "CONNECT a:80 HTTP/1.1"] {
        let request = format!("{line}\r\nHost: a\r\nCookie: s3cret\r\nConnection: close\r\n\r\n");
        let answer = server.exchange(request);
        let refused =
            ["HTTP/1.1 405 ", "HTTP/1.1 501 "].iter().any(|line| answer.starts_with(line));
        assert!(refused && !answer.contains("s3cret"), "{answer}");
    }
    for target in ["a", "a:", "a:0x50", "a:65536", ":80", "/"] {
        let answer = server
            .exchange(format!("CONNECT {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
        assert!(["400", "405", "501"].contains(&&answer[9..12]), "{target}: {answer}");
    }
}

#[test]
fn content_stored_in_another_form_has_no_validator() {
    let server = Server::start(&[]);
    let body = r#"{"name":"Ada Byron","email":"ada@example.org"}"#;
    let send = |line: &str, fields: &str| {
        let request = format!(
            "{line} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n{fields}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        server.connect().send(request).answer()
    };
    assert_eq!(send("POST /users", "").status(), 201);
    let put = send("PUT /users/1", "");
    assert_eq!((put.status(), put.field("ETag"), put.field("Last-Modified")), (200, None, None));
    // There is no putting of a part (14.5): to take it for the whole would destroy the rest.
    let part = send("PUT /users/1", "Content-Range: bytes 0-45/99\r\n");
    assert_eq!(part.status(), 400, "{}", part.text());
}

// 10.1.1: Expect

#[test]
fn after_100_comes_the_final_response() {
    let server = Server::start(&[]);
    let head = "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n";
    for (framing, body) in [
        ("Content-Length: 2\r\n", "ok"),
        ("Transfer-Encoding: chunked\r\n", "2\r\nok\r\n0\r\n\r\n"),
    ] {
        let mut wire = server.connect();
        wire.send(format!("{head}{framing}\r\n"));
        assert_eq!(wire.head(), "HTTP/1.1 100 Continue\r\n\r\n", "before a byte of it has come");
        let answer = wire.send(body).answer();
        assert_eq!((answer.status(), answer.field("Connection")), (200, None));
    }
    // 1.0 knows none of it; nor is there anything to wait for without content.
    let request = "POST /echo HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok";
    assert!(server.exchange(request).starts_with("HTTP/1.1 200 "));
    assert!(
        server.exchange(format!("{head}Connection: close\r\n\r\n")).starts_with("HTTP/1.1 200 ")
    );
}

// 13, 14: conditions and ranges; most of it is in `conditionals` and `ranges`

#[test]
fn if_range_alone_is_ignored() {
    let folder = site();
    let server = Server::of(&folder, &[]);
    // Without a Range; and where there are none, as the length is not in a file.
    for (target, fields) in [
        ("/a.txt", "If-Range: \"x\""),
        ("/a.txt", "If-Range: *"),
        ("/bytes/6", "If-Range: \"x\" | Range: bytes=1-2"),
        ("/-/health", "If-Range: \"x\" | Range: bytes=1-2"),
        ("/-/health", "Range: bytes=1-2"),
    ] {
        let answer = ask(&mut server.connect(), &format!("GET {target}"), fields);
        let plain = server.get(target);
        assert_eq!((answer.status(), answer.body), (200, plain.body), "{target} {fields}");
    }
}

#[test]
fn content_range_in_a_get_is_ignored() {
    let folder = site();
    let server = Server::of(&folder, &[]);
    for value in ["bytes 0-1/6", "bytes */6", "nonsense"] {
        let answer = ask(&mut server.connect(), "GET /a.txt", &format!("Content-Range: {value}"));
        assert_eq!((answer.status(), answer.text().as_str()), (200, "hello\n"), "{value}");
    }
}

// 15: status codes

#[test]
fn a_405_lists_what_there_is() {
    let refused: Vec<_> =
        exchanges().into_iter().filter(|exchange| exchange.status == 405).collect();
    assert!(refused.len() > 2);
    for exchange in refused {
        let allow = exchange.field("Allow").unwrap_or_else(|| panic!("{}", exchange.asked));
        let method = exchange.asked.split(' ').next().unwrap();
        assert!(allow.split(", ").all(|listed| listed != method), "{}: {allow}", exchange.asked);
        assert!(allow.contains("GET, HEAD"), "{}: {allow}", exchange.asked);
    }
}

#[test]
fn a_415_says_nothing_of_codings() {
    for exchange in exchanges().into_iter().filter(|exchange| exchange.status == 415) {
        assert_eq!(exchange.field("Accept-Encoding"), None, "it was the media type");
    }
}

/// Each creates a user, or a body of garbage, if its coding is not looked at.
#[test]
fn a_compressed_body_is_for_those_who_ask_for_it() {
    let server = Server::start(&[]);
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let body = "name=Ada&email=a@b";
    let send = |request: &str, fields: &str| {
        let length = body.len();
        let head =
            format!("{request} HTTP/1.1\r\nHost: a\r\n{fields}Content-Length: {length}\r\n\r\n");
        server.connect().send(head + body).answer()
    };
    for coding in ["gzip", "br", "identity, deflate", "GZIP"] {
        let answer = send("POST /users", &format!("{form}Content-Encoding: {coding}\r\n"));
        assert_eq!(answer.status(), 415, "{coding}: {}", answer.text());
        assert_eq!(answer.field("Accept-Encoding"), Some("identity"), "{coding}");
    }
    let mut waits = server.connect();
    let fields = "Content-Encoding: gzip\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n";
    waits.send(format!("POST /users HTTP/1.1\r\nHost: a\r\n{form}{fields}"));
    assert_eq!(waits.answer().status(), 415, "and not a 100");
    assert_eq!(server.get("/users").text(), "{\"users\":[]}");
    let plain = send("POST /users", &format!("{form}Content-Encoding: identity\r\n"));
    assert_eq!(plain.status(), 201, "{}", plain.text());
    // These show and count the bytes that came.
    let echo = send("POST /echo", "Content-Encoding: br\r\n").text();
    assert!(echo.ends_with(&format!("\r\n\r\n{body}")), "{echo}");
    assert!(send("PUT /count", "Content-Encoding: gzip\r\n").text().starts_with("18 bytes"));
}

/// Which of two a proxy has looked at is not known.
#[test]
fn a_field_of_one_value_has_one() {
    let server = Server::start(&[]);
    for (fields, status) in [
        ("Content-Type: application/json\r\nContent-Type: application/json\r\n", 200),
        ("Content-Type: application/json\r\nContent-Type: text/plain\r\n", 400),
        ("Content-Type: a/b\r\nContent-Type: a/b; charset=utf-8\r\n", 400),
        ("Origin: http://a\r\nOrigin: http://a\r\n", 200),
        ("Origin: http://a\r\nA: b\r\norigin: http://evil.example\r\n", 400),
        ("Authorization: Basic YTpi\r\nAuthorization: Basic YzpkCg==\r\n", 400),
        ("Accept: a/b\r\nAccept: c/d\r\nCookie: a=b\r\nCookie: c=d\r\n", 200),
    ] {
        let request = format!("GET /echo HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        let answer = server.connect().send(request).answer();
        assert_eq!(answer.status(), status, "{fields}");
        assert!(status == 200 || !answer.text().contains("YzpkCg"), "no secret is shown");
    }
}

#[test]
fn errors_explain_themselves() {
    for Exchange { asked, status, body, .. } in exchanges() {
        let explained = body.contains("RFC ") || asked.starts_with("HEAD ");
        assert!(status < 400 || explained, "{asked}{status} {body}");
    }
}

#[test]
fn the_client_knows_the_class_of_any_status() {
    for (code, body) in [(299, "hello"), (399, "hello"), (499, "hello"), (599, "hello")] {
        let answer = format!("HTTP/1.1 {code} \r\nContent-Length: 5\r\n\r\nhello");
        assert_eq!(fetched(&[Fake::saying(answer).url("/")]), body, "{code}");
    }
    // Of class 1xx: interim, known or not; and what has no class is an answer, as a 5xx is.
    let answer = "HTTP/1.1 199 \r\n\r\nHTTP/1.1 700 \r\nContent-Length: 5\r\n\r\nhello";
    assert_eq!(fetched(&[Fake::saying(answer).url("/")]), "hello");
}

#[test]
fn the_client_shows_what_an_error_says() {
    for status in
        ["401 Unauthorized", "403 Forbidden", "404 Not Found", "417 No", "500 Oh", "505 Dear"]
    {
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 5\r\n\r\nwhy\r\n");
        assert_eq!(fetched(&[Fake::saying(answer).url("/")]), "why\r\n", "{status}");
    }
}
