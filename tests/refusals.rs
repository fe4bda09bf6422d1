//! Refusals that teach: what was wrong, where, which rule says so, what is right; as text, as a page, as
//! JSON, in the log. Every rule that a server can find broken is broken here, through the real binary.

use threadbare::proto::http::error::Rule;

use crate::support::{Folder, Server, eventually};

/// What is sent, and the excerpt with its mark below. `@` is where `Accept` goes; where there is
/// none, the fault is in the first line, and a page cannot have been asked for.
type Case = (Rule, Vec<u8>, String);

const PAGE: &[u8] = b"Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n";

/// The rules that only an answer can break.
const OF_ANSWERS: &[Rule] = &[
    Rule::StatusLine,
    Rule::NoStatusLine,
    Rule::StatusLineTooLong,
    Rule::TooManyInterim,
    Rule::SwitchedProtocols,
];

/// What those are told who are too slow has words of its own, and no place.
const OF_TIME: &[Rule] = &[Rule::HeadTimeout, Rule::BodyTimeout];

fn get(fields: &str) -> Vec<u8> {
    format!("GET /echo HTTP/1.1\r\n@{fields}\r\n").into_bytes()
}

fn post(fields: &str, body: &str) -> Vec<u8> {
    format!("POST /echo HTTP/1.1\r\n@Host: a\r\n{fields}\r\n{body}").into_bytes()
}

fn chunked(body: &str) -> Vec<u8> {
    post("Transfer-Encoding: chunked\r\n", body)
}

fn cases() -> Vec<Case> {
    let x = |count| "x".repeat(count);
    let line = |bytes: &[u8]| bytes.to_vec();
    let excerpt = |line: &str, column: usize, width: usize| {
        format!("{line}\n{}{}", " ".repeat(column), "^".repeat(width))
    };
    let long = format!("...{}", x(60));
    vec![
        (Rule::NotHttp, line(b"{\"a\": 1}\n"), excerpt(r#"{"a": 1}\n"#, 0, 1)),
        (Rule::Telnet, line(b"\xFF\xF4\xFF\xFD\x06"), excerpt(r"\xFF\xF4\xFF\xFD\x06", 0, 4)),
        (Rule::Tls, line(b"\x16\x03\x01\x02\0"), excerpt(r"\x16\x03\x01\x02\x00", 0, 4)),
        (
            Rule::RequestLineTooLong,
            format!("GET /?{}", x(8187)).into_bytes(),
            excerpt(&long, 62, 1),
        ),
        (Rule::MethodTooLong, x(8193).into_bytes(), excerpt(&long, 62, 1)),
        (Rule::RequestLine, line(b"GET  / HTTP/1.1\r\n"), excerpt(r"GET  / HTTP/1.1\r\n", 4, 1)),
        (Rule::MethodName, line(b"G{T / HTTP/1.1\r\n"), excerpt(r"G{T / HTTP/1.1\r\n", 1, 1)),
        (
            Rule::TargetForm,
            line(b"GET index.html HTTP/1.1\n"),
            excerpt(r"GET index.html HTTP/1.1\n", 4, 1),
        ),
        (
            Rule::TargetByte,
            line(b"GET /caf\xC3\xA9<b> HTTP/1.1\r\n"),
            excerpt(r"GET /caf\xC3\xA9<b> HTTP/1.1\r\n", 16, 1),
        ),
        (Rule::Percent, line(b"GET /100% HTTP/1.1\r\n"), excerpt(r"GET /100% HTTP/1.1\r\n", 8, 1)),
        (Rule::Version, line(b"GET / http/1.1\r\n"), excerpt(r"GET / http/1.1\r\n", 6, 1)),
        (Rule::MajorVersion, line(b"GET / HTTP/2.0\r\n"), excerpt(r"GET / HTTP/2.0\r\n", 6, 1)),
        (Rule::BareCr, get("A: b\rc\r\n"), excerpt(r"A: b\rc\r\n", 4, 2)),
        (Rule::FieldColon, get("Host a\r\n"), excerpt(r"Host a\r\n", 0, 1)),
        (Rule::FieldName, get("Ho<i>st: a\r\n"), excerpt(r"Ho<i>st: a\r\n", 2, 1)),
        (Rule::SpaceBeforeColon, get("Host : a\r\n"), excerpt(r"Host : a\r\n", 4, 1)),
        (Rule::Fold, get("A: b\r\n\tc\\d\r\n"), excerpt(r"\tc\\d\r\n", 0, 2)),
        (Rule::FieldValue, get("A: \"'&\0\r\n"), excerpt(r#"A: "'&\x00\r\n"#, 6, 4)),
        (
            Rule::FieldTooLong,
            get(&format!("A: {}", x(20_000))),
            excerpt(&format!("A: {}...", x(57)), 0, 1),
        ),
        (
            Rule::HeadTooLong,
            get(&format!("A: {}\r\n", x(10_000)).repeat(7)),
            excerpt(&format!("A: {}...", x(57)), 0, 1),
        ),
        (Rule::TooManyFields, get(&"A: b\r\n".repeat(101)), excerpt(r"A: b\r\n", 0, 1)),
        (Rule::HostMissing, get("A: b\r\n"), excerpt(r"\r\n", 0, 2)),
        (Rule::HostRepeated, get("Host: a\r\nhost: b\r\n"), excerpt(r"host: b\r\n", 6, 1)),
        (Rule::HostInvalid, get("Host: a/b\r\nA: b\r\n"), excerpt(r"Host: a/b\r\n", 6, 1)),
        (
            Rule::Length,
            post("Content-Length: 5x\r\nA: b\r\n", "hello"),
            excerpt(r"Content-Length: 5x\r\n", 16, 1),
        ),
        (
            Rule::LengthRepeated,
            post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello"),
            excerpt(r"Content-Length: 6\r\n", 16, 1),
        ),
        (
            Rule::FieldsDiffer,
            get("Host: a\r\nContent-Type: a/b\r\ncontent-type: a/c\r\n"),
            excerpt(r"content-type: a/c\r\n", 14, 1),
        ),
        (
            Rule::LengthAndCoding,
            post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
            excerpt(r"Transfer-Encoding: chunked\r\n", 19, 1),
        ),
        (
            Rule::CodingInvalid,
            post("Transfer-Encoding: \"chunked\"\r\n", ""),
            excerpt(r#"Transfer-Encoding: "chunked"\r\n"#, 19, 1),
        ),
        (
            Rule::CodingNotLast,
            post("Transfer-Encoding: gzip\r\n", ""),
            excerpt(r"Transfer-Encoding: gzip\r\n", 19, 1),
        ),
        (
            Rule::CodingUnknown,
            post("Transfer-Encoding: gzip, chunked\r\n", ""),
            excerpt(r"Transfer-Encoding: gzip, chunked\r\n", 19, 1),
        ),
        (
            Rule::CodingOn10,
            line(b"POST /echo HTTP/1.0\r\n@Transfer-Encoding: chunked\r\n\r\n"),
            excerpt(r"Transfer-Encoding: chunked\r\n", 19, 1),
        ),
        (Rule::BodyTooLarge, post("Content-Length: 99999999\r\n", ""), String::new()),
        (
            Rule::Expectation,
            post("Expect: a miracle\r\nContent-Length: 5\r\n", "hello"),
            excerpt(r"Expect: a miracle\r\n", 8, 1),
        ),
        (Rule::ChunkSize, chunked("5 5\r\nhello\r\n"), excerpt(r"5 5\r\n", 1, 1)),
        (Rule::ChunkExtension, chunked("5;\r\nhello\r\n"), excerpt(r"5;\r\n", 2, 2)),
        (Rule::ChunkLineEnd, chunked("5\nhello\r\n"), excerpt(r"5\n", 1, 2)),
        (Rule::ChunkEnd, chunked("5\r\nhello, you\r\n"), excerpt(r", you\r\n", 0, 1)),
        (Rule::ChunkOverhead, chunked(&format!("5;{}\r\n", x(20_000))), String::new()),
        (
            Rule::TrailerField,
            chunked("0\r\nX: y\r\nHost: b\r\n\r\n"),
            excerpt(r"Host: b\r\n", 0, 1),
        ),
        (Rule::HeadIncomplete, line(b"GET / HTTP/1.1\r\n@Hos"), excerpt("Hos", 3, 1)),
        (Rule::BodyIncomplete, post("Content-Length: 5\r\n", "hell"), String::new()),
    ]
}

#[test]
fn every_rule_can_be_broken_by_a_request_or_is_a_rule_of_responses() {
    let broken: Vec<Rule> = cases().iter().map(|(rule, ..)| *rule).collect();
    let lists = [&broken[..], OF_ANSWERS, OF_TIME];
    for rule in Rule::ALL {
        let held = lists.iter().filter(|list| list.contains(rule)).count();
        assert_eq!(held, 1, "{rule:?} stands in one of the lists");
    }
}

#[test]
fn what_was_wrong_where_by_which_rule_and_what_is_right() {
    let server = Server::start(&[]);
    for (rule, sent, excerpt) in cases() {
        let Refused { status, content_type, body, .. } = refused(&server, &with_accept(&sent, b""));
        assert_eq!(status, rule.status().to_string(), "{rule:?}: {body}");
        assert_eq!(content_type, "text/plain; charset=utf-8", "{rule:?}");
        assert!(body.starts_with(&format!("{status}\n\n{}", capital(rule.what()))), "{body}");
        let shown = match excerpt.as_str() {
            "" => ".\n".to_owned(),
            excerpt => format!(".\n\n    {}\n\n", excerpt.replace('\n', "\n    ")),
        };
        let end = format!("{shown}Rule:  {}\nRight: {}\n", rule.section(), rule.right());
        assert!(body.ends_with(&end), "{rule:?}: {body}\nshould end with: {end}");
        assert!(body.is_ascii() && body.len() < 700, "{rule:?}: {body}");
        let (line, _) = excerpt.split_once('\n').unwrap_or_default();
        if rule != Rule::BodyTooLarge {
            let told = |text: &str| {
                text.lines().any(|log| {
                    let words = format!("refused: {}: {}", rule.status().code(), rule.what());
                    log.contains(&words) && log.contains(rule.section()) && log.ends_with(line)
                })
            };
            let told = eventually(|| told(&server.program.stderr.text()).then_some(()));
            assert!(told.is_some(), "{rule:?}: {}", server.program.stderr.text());
        }
    }
    assert!(server.program.stderr.text().lines().all(|line| !line.contains(char::is_control)));
}

#[test]
fn browsers_get_a_page_as_soon_as_their_accept_has_come() {
    let server = Server::start(&[]);
    for (rule, sent, excerpt) in cases().into_iter().filter(|(_, sent, _)| sent.contains(&b'@')) {
        let Refused { status, content_type, body, .. } =
            refused(&server, &with_accept(&sent, PAGE));
        assert_eq!(status, rule.status().to_string(), "{rule:?}: {body}");
        assert_eq!(content_type, "text/html; charset=utf-8", "{rule:?}");
        let section = rule.section().strip_prefix("RFC ").unwrap();
        let (number, part) = section.split_once(", ").unwrap();
        let link = format!("https://www.rfc-editor.org/rfc/rfc{number}#section-{part}");
        let mut parts = vec![
            format!("<p>{}", escaped(&capital(rule.what()))),
            format!("<dd><a href=\"{link}\">RFC {section}</a></dd>"),
            format!("<code>{}</code>", escaped(rule.right())),
        ];
        if let Some((line, marker)) = excerpt.split_once('\n') {
            parts.push(format!("<pre>{}\n<b>{marker}</b></pre>", escaped(line)));
        }
        for part in parts {
            assert!(body.contains(&part), "{rule:?}: {part}: {body}");
        }
        for outside in ["src=", "@import", "url(", "<link", "<script", "<i>"] {
            assert!(!body.contains(outside), "{rule:?}: the page needs nothing but itself");
        }
        // Not now.
        let refused = refused(&server, &with_accept(&sent, b"Accept: text/html;q=0, */*\r\n"));
        assert_eq!(refused.content_type, "text/plain; charset=utf-8", "{rule:?}");
    }
}

/// RFC 9457, in the words of the other forms.
#[test]
fn programs_that_prefer_json_get_it() {
    let server = Server::start(&[]);
    let accept = b"Accept: application/json, text/plain, */*\r\n"; // as axios has it
    for (rule, sent, excerpt) in cases().into_iter().filter(|(_, sent, _)| sent.contains(&b'@')) {
        let Refused { status, content_type, body, .. } =
            refused(&server, &with_accept(&sent, accept));
        assert_eq!(status, rule.status().to_string(), "{rule:?}: {body}");
        assert_eq!(content_type, "application/problem+json", "{rule:?}");
        let problem: serde_json::Value = serde_json::from_str(&body).unwrap();
        let line = excerpt.split_once('\n').map(|(line, _)| line);
        for (member, want) in [
            ("type", Some("about:blank")),
            ("title", Some(rule.status().reason())),
            ("rule", Some(rule.section())),
            ("right", Some(rule.right())),
            ("line", line),
        ] {
            assert_eq!(problem[member].as_str(), want, "{rule:?}: {member}: {body}");
        }
        assert_eq!(problem["status"], rule.status().code(), "{rule:?}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.starts_with(&capital(rule.what())) && detail.ends_with('.'), "{detail}");
        assert_eq!(problem["offset"].is_u64(), rule != Rule::BodyTooLarge, "{rule:?}: {body}");
    }
    let answer = Refused::from(
        server
            .connect()
            .send("GET /nosuch HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\nConnection: close\r\n\r\n")
            .rest(),
    );
    assert_eq!(
        (&*answer.content_type, &*answer.body),
        (
            "application/problem+json",
            "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,\
             \"detail\":\"Nothing exists at /nosuch.\",\"rule\":\"RFC 9110, 15.5.5\",\
             \"right\":\"a path that exists, such as /\"}\n"
        )
    );
    assert!(answer.head.contains("\r\nVary: Accept\r\n"), "{}", answer.head);
}

#[test]
fn head_is_refused_without_a_body() {
    let server = Server::start(&[]);
    let mut tried = 0;
    for (rule, sent, _) in cases() {
        let words = sent.splitn(2, |&byte| byte == b' ').collect::<Vec<_>>();
        let [b"GET" | b"POST", rest] = words[..] else { continue };
        let sent = with_accept(&[b"HEAD ", rest].concat(), b"");
        let Refused { status, length, body, .. } = refused(&server, &sent);
        assert_eq!(status, rule.status().to_string(), "{rule:?}");
        assert_eq!(body, "", "{rule:?}");
        assert!(length > 50, "{rule:?}: as long as it would be");
        tried += 1;
    }
    assert!(tried > 25, "{tried}");
    for sent in ["HEAD / HTTP/1.0\r\nHost : a\r\n", "HEAD / HTTP/0.9\r\n", "HEAD /\r\n"] {
        assert_eq!(refused(&server, sent.as_bytes()).body, "", "{sent:?}");
    }
}

#[test]
fn a_client_that_is_too_slow_gets_the_reason_in_the_requested_form() {
    let times = ["--head-time", "0.5", "--transfer-grace", "0.5"];
    let server = Server::start(&times);
    let half_body = "POST /echo HTTP/1.1\r\n@Host: a\r\nContent-Length: 5\r\n\r\nhel";
    let cases = [
        (
            Rule::HeadTimeout,
            "GET / HTTP/1.1\r\n@Hos",
            "The head was not complete within the time limit: ",
        ),
        (
            Rule::BodyTimeout,
            half_body,
            "The body arrived too slowly: 3 bytes were received, 2 are missing.",
        ),
    ];
    for (rule, sent, phrase) in cases {
        for (accept, kind) in [(&b""[..], "text/plain"), (PAGE, "text/html")] {
            let sent = with_accept(sent.as_bytes(), accept);
            let answer = Refused::from(server.connect().send(&sent).rest());
            assert_eq!(answer.status, "408 Request Timeout");
            assert!(answer.content_type.starts_with(kind), "{}", answer.content_type);
            for part in [phrase, rule.section()] {
                assert!(answer.body.contains(part), "{part}: {}", answer.body);
            }
        }
        let head = with_accept(sent.as_bytes(), b"");
        let head = String::from_utf8(head).unwrap();
        let head = head.replacen("GET", "HEAD", 1).replacen("POST", "HEAD", 1);
        let answer = Refused::from(server.connect().send(head).rest());
        assert_eq!((answer.status.as_str(), answer.body.as_str()), ("408 Request Timeout", ""));
    }
    let told = server.stderr_until(|text| text.matches("\" 408 ").count() >= 6);
    assert_eq!(told.matches("\"GET / HTTP/1.1\" 408 ").count(), 2, "{told}");
}

#[test]
fn each_rejection_has_both_forms() {
    let folder = Folder::with(&[("index.html", "<h1>Hello</h1>\n")]);
    let server = Server::of(&folder, &["--max-body", "1000"]);
    let json = "Content-Type: application/json\r\n";
    for (status, line, fields, body, phrase, section) in [
        (404, "GET /a?b", "", "", "nothing exists at /a", "RFC 9110, 15.5.5"),
        (404, "GET /sleep/x", "", "", "a number of milliseconds", "RFC 9110, 15.5.5"),
        (404, "GET /bytes/99999999999", "", "", "at most", "RFC 9110, 15.5.5"),
        (404, "GET /users/7", "", "", "this user does not exist", "RFC 9110, 15.5.5"),
        (405, "DELETE /", "", "", "DELETE is not allowed for /", "RFC 9110, 15.5.6"),
        (412, "GET /", "If-Match: \"x\"\r\n", "", "If-Match is false", "RFC 9110, 13.1"),
        (
            413,
            "POST /echo",
            "Content-Length: 99999\r\n",
            "",
            "the limit is 1000 bytes",
            "RFC 9110, 15.5.14",
        ),
        (
            415,
            "POST /users",
            "Content-Type: text/plain\r\n",
            "x",
            "neither JSON",
            "RFC 9110, 15.5.16",
        ),
        (
            416,
            "GET /",
            "Range: bytes=99-\r\n",
            "",
            "bytes is in the requested range",
            "RFC 9110, 15.5.17",
        ),
        (400, "POST /users", json, "{", "body is not JSON", "RFC 8259, 2"),
        (400, "GET /users?limit=x", "", "", "limit must be a decimal number", "RFC 9110, 15.5.1"),
        (422, "POST /users", json, "{}", "name is missing", "RFC 9110, 15.5.21"),
        (501, "MAKE /", "", "", "the server does not know the method MAKE", "RFC 9110, 9.1"),
    ] {
        for (accept, page) in [("", false), ("Accept: text/html\r\n", true)] {
            let length = match fields.contains("Content-Length") {
                true => String::new(),
                false => format!("Content-Length: {}\r\n", body.len()),
            };
            let request = format!(
                "{line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{accept}{length}{fields}\r\n{body}"
            );
            let answer = Refused::from(server.connect().send(request).rest());
            assert!(answer.status.starts_with(&status.to_string()), "{line}: {}", answer.status);
            assert_eq!(answer.content_type.starts_with("text/html"), page, "{line}");
            let lower = answer.body.to_lowercase();
            assert!(lower.contains(&escaped(phrase).to_lowercase()) || !page, "{}", answer.body);
            assert!(lower.contains(&phrase.to_lowercase()) || page, "{}", answer.body);
            assert!(answer.body.contains(section), "{line}: {}", answer.body);
            assert!(answer.body.to_lowercase().contains("right"), "{line}: {}", answer.body);
        }
    }
}

/// The words of a peer never become ours.
#[test]
fn nothing_that_is_sent_runs_anywhere() {
    let folder = Folder::with(&[("index.html", "<h1>Hello</h1>\n")]);
    let server = Server::of(&folder, &[]);
    let script = "<script>alert(1)</script>";
    for (line, fields) in [
        (format!("GET /{script} HTTP/1.1"), String::new()),
        ("GET /'onload='alert(1)'{}[]|^` HTTP/1.1".to_owned(), String::new()),
        ("GET /%3Cscript%3Ealert(1)%3C/script%3E HTTP/1.1".to_owned(), String::new()),
        ("GET'`| / HTTP/1.1".to_owned(), String::new()),
        ("GET / HTTP/1.1".to_owned(), format!("{script}: a\r\n")),
        ("GET / HTTP/1.1".to_owned(), format!("A\"><img src=x onerror='alert(1)'>{script}: a\r\n")),
        ("GET / HTTP/1.1".to_owned(), format!("A: \u{1b}]0;{script}\u{7}\r\n")),
        ("GET / HTTP/1.1".to_owned(), format!("A: &lt;\"'{script}\0\r\n")),
        ("GET / HTTP/1.1".to_owned(), format!("Expect: \"{script}'\r\n")),
        ("POST /echo HTTP/1.1".to_owned(), format!("Content-Length: {script}\r\n")),
    ] {
        let request =
            format!("{line}\r\nAccept: text/html\r\nHost: a\r\nConnection: close\r\n{fields}\r\n");
        let answer = refused(&server, request.as_bytes());
        assert!(answer.status.starts_with(['4', '5']), "{request:?}");
        let page = answer.content_type.starts_with("text/html");
        assert_eq!(page, !line.contains(script), "{request:?}: {}", answer.content_type);
        assert!(!page || !answer.body.contains("<script"), "{}", answer.body);
        assert!(!page || !answer.body.contains("<img"), "{}", answer.body);
        let outside_of_tags = answer.body.split("</head>").last().unwrap_or_default();
        assert!(!page || !outside_of_tags.contains('\''), "{}", answer.body);
        assert!(!answer.body.contains('\u{1b}'), "{}", answer.body);
        assert!(!answer.head.contains(script), "{}", answer.head);
    }
    let lines = server.program.stderr.text();
    assert!(!lines.contains('\u{1b}') && !lines.contains('\0'), "{lines}");
}

#[test]
fn credentials_are_not_repeated() {
    const SECRET: &str = "c2VzYW1l";
    const CHUNKED: &str = "Host: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
    let server = Server::start(&[]);
    let long = "x".repeat(20_000);
    let mut count = 0;
    for name in ["Authorization", "Cookie", "Proxy-Authorization", "x-api-key"] {
        for wrong in [
            format!("{name} : {SECRET}\r\n"),
            format!("{name} {SECRET}\r\n"),
            format!("{name}: \u{1}{SECRET}\r\n"),
            format!("{name}: {SECRET}\rx\r\n"),
            format!("{name}: a\r\n {SECRET}\r\n"),
            format!("{name}: {SECRET}{long}\r\n"),
            format!("{}{name}: {SECRET}\r\n", "A: b\r\n".repeat(99)),
            format!("{name}: {SECRET}"),
            format!("{CHUNKED}{name}: {SECRET}\u{1}\r\n\r\n"),
            format!("{CHUNKED}{name}: a\r\n\t{SECRET}\r\n\r\n"),
        ] {
            for accept in ["Accept: */*\r\n", "Accept: text/html\r\n"] {
                let request = format!("POST /echo HTTP/1.1\r\n{accept}{wrong}");
                let answer = refused(&server, request.as_bytes());
                assert!(answer.status.starts_with('4'), "{request:.200?}: {}", answer.status);
                assert!(!answer.body.contains(SECRET), "{}", answer.body);
                assert!(answer.body.contains("(not shown)"), "{request:.200?}: {}", answer.body);
                count += 1;
            }
        }
        // In the place of a request line.
        let answer = refused(&server, format!("{name}: {SECRET}\r\n").as_bytes());
        assert!(answer.body.contains(name) && !answer.body.contains(SECRET), "{}", answer.body);
        count += 1;
    }
    let told = server.stderr_until(|text| text.matches("] \"").count() >= count);
    assert!(!told.contains(SECRET), "{told}");
}

/// telnet shows nothing between a Ctrl-C and the answer to its timing mark (RFC 860).
#[test]
fn telnet_gets_its_timing_mark() {
    let server = Server::start(&[]);
    let answer = server.connect().send(b"\xFF\xF4\xFF\xFD\x06").rest();
    assert!(answer.starts_with(b"\xFF\xFC\x06HTTP/1.1 400 Bad Request\r\n"));
    let answer = server.connect().send(b"GET /\xFF\xF4\xFF\xFD\x06 HTTP/1.0\r\n").rest();
    assert!(answer.starts_with(b"\xFF\xFC\x06HTTP/1.1 400 Bad Request\r\n"));
    let answer = server.connect().send(b"\xFF\xF4").rest();
    assert!(answer.starts_with(b"HTTP/1.1 400 Bad Request\r\n"));
}

/// What comes back.
struct Refused {
    head: String,
    status: String,
    content_type: String,
    length: usize,
    body: String,
}

impl From<Vec<u8>> for Refused {
    fn from(answer: Vec<u8>) -> Refused {
        let answer = answer.strip_prefix(b"\xFF\xFC\x06").unwrap_or(&answer);
        let text = String::from_utf8(answer.to_vec()).expect("UTF-8");
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{text:?}"));
        let field = |name: &str| {
            let line = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
            line.unwrap_or_else(|| panic!("{name} is missing: {head}")).to_owned()
        };
        assert_eq!(field("Connection"), "close", "{head}");
        Refused {
            status: head.lines().next().unwrap().replacen("HTTP/1.1 ", "", 1),
            content_type: field("Content-Type"),
            length: field("Content-Length").parse().unwrap(),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }
}

/// Sends this and nothing more.
fn refused(server: &Server, sent: &[u8]) -> Refused {
    server.connect().send(sent).half_close().rest().into()
}

fn with_accept(sent: &[u8], accept: &[u8]) -> Vec<u8> {
    match sent.iter().position(|&byte| byte == b'@') {
        Some(at) => [&sent[..at], accept, &sent[at + 1..]].concat(),
        None => sent.to_vec(),
    }
}

fn capital(text: &str) -> String {
    let (first, rest) = text.split_at(1);
    first.to_uppercase() + rest
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&#39;")
}
