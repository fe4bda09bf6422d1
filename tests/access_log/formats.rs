//! `--log-format`: each format, and what programs that read them make of hostile requests.

use std::process::Command;

use crate::support::{Folder, Server, eventually, needs, run};

/// Requests with which a client would like to forge a line, end a column, or break a reader.
const HOSTILE: [&[u8]; 16] = [
    b"GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: \"quoted\" \\ back\r\nConnection: close\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: \xFF\xFE\xC0\x80 \xE2\x80\xA8\r\nConnection: close\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nReferer: x\" 200 1 \"-\" \"-\r\nConnection: close\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nReferer: \\\r\nUser-Agent: \\\"\r\nConnection: close\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nReferer:\r\nUser-Agent:\r\nConnection: close\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: caf\xC3\xA9 \xF0\x9F\x98\x80\r\nConnection: close\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: \\u0000\\n\\x22\r\nConnection: close\r\n\r\n",
    b"GET /\"},{\"status\":200 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /%0A%22%5C?\"\\ HTTP/1.0\r\n\r\n",
    b"GET /\n127.0.0.1 - - [06/Nov/1994:08:49:37 +0000] \"GET /forged HTTP/1.1\" 200 1\n\n",
    b"GET /\x1B[2J\x07\x00 HTTP/1.0\r\n\r\n",
    b"GET /\xFF\xC3\xA9\xE2\x80\xAE HTTP/1.0\r\n\r\n",
    b"\xFF\xFD\x06\r\n",
    b"\"\\\r\n",
    b"GET / HTTP/9.9\" 200 1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: \"\\\r\n\r\n",
];

/// Starts a server whose access log of this format is in the folder.
fn start(folder: &Folder, format: &str) -> Server {
    let log = folder.join("access.log");
    let args = ["--access-log", log.to_str().unwrap(), "--log-format", format];
    Server::start(&args)
}

/// The log, once it has so many lines.
fn log_of(folder: &Folder, lines: usize) -> String {
    let read = || std::fs::read_to_string(folder.join("access.log")).ok();
    let enough = |text: &String| text.lines().count() >= lines;
    let text = eventually(|| read().filter(enough)).expect("the lines are written");
    assert_eq!(text.lines().count(), lines, "{text}");
    text
}

/// The log of all hostile requests.
fn hostile_log(folder: &Folder, format: &str) -> String {
    let server = start(folder, format);
    for request in HOSTILE {
        server.connect().send(request).half_close().rest();
    }
    let text = log_of(folder, HOSTILE.len());
    assert!(
        text.is_ascii() && text.chars().all(|char| char == '\n' || !char.is_control()),
        "{text}"
    );
    text
}

#[test]
fn each_format_has_its_columns() {
    let request = "GET /echo HTTP/1.1\r\nHost: a\r\nReferer: http://b/\r\nUser-Agent: me\r\n\r\n";
    for (format, columns) in [
        ("timed", "127.0.0.1 - - [D] \"GET /echo HTTP/1.1\" 200 N S"),
        ("common", "127.0.0.1 - - [D] \"GET /echo HTTP/1.1\" 200 N S S N N"),
        ("combined", "127.0.0.1 - - [D] \"GET /echo HTTP/1.1\" 200 N \"http://b/\" \"me\" S S N N"),
    ] {
        let folder = Folder::new();
        let server = start(&folder, format);
        let mut wire = server.connect();
        for _ in 0..2 {
            wire.send(request).answer();
        }
        let text = log_of(&folder, 2);
        for (number, line) in (1..).zip(text.lines()) {
            let (before, after) = line.split_once(" [").unwrap();
            let (_, rest) = after.split_once(']').unwrap();
            let (quoted, tail) = rest.split_once(" 200 ").unwrap();
            let word = |word: &str| match word.parse::<f64>() {
                Ok(_) if word.contains('.') => "S".to_owned(),
                Ok(_) => "N".to_owned(),
                Err(_) => word.to_owned(),
            };
            let tail = tail.split(' ').map(word).collect::<Vec<_>>().join(" ");
            assert_eq!(format!("{before} [D]{quoted} 200 {tail}"), columns, "{line}");
            assert!(format == "timed" || line.ends_with(&format!(" {number}")), "{line}");
        }
    }
}

#[test]
fn no_bytes_are_a_dash_where_apache_writes_one() {
    for (format, bytes) in [("timed", " 200 0 "), ("common", " 200 - "), ("combined", " 200 - ")] {
        let folder = Folder::new();
        let server = start(&folder, format);
        server.exchange("HEAD / HTTP/1.0\r\n\r\n");
        assert!(log_of(&folder, 1).contains(bytes));
    }
}

/// The time in the queue is measured for the log, also where clients are not told.
#[test]
fn a_request_in_the_queue_says_how_long() {
    let folder = Folder::new();
    let log = folder.join("access.log");
    let server = Server::start(&[
        "--access-log",
        log.to_str().unwrap(),
        "--log-format",
        "json",
        "--server-timing",
        "off",
        "--stat-fields",
        "--workers",
        "1",
    ]);
    let mut first = server.connect();
    first.send("GET /sleep/600 HTTP/1.1\r\nHost: a\r\n\r\n");
    std::thread::sleep(std::time::Duration::from_millis(100));
    let mut second = server.connect();
    let answer = second.send("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n").answer();
    assert_eq!(answer.field("Server-Timing"), None);
    assert!(!answer.head.contains("Stat-"), "{}", answer.head);
    let text = log_of(&folder, 2);
    let line = text.lines().find(|line| line.contains("/echo")).unwrap();
    let object: serde_json::Value = serde_json::from_str(line).unwrap();
    let queue = object["queue"].as_f64().unwrap();
    assert!((0.3..5.0).contains(&queue), "{line}");
    assert_eq!((&object["worker"], &object["request_number"]), (&1.into(), &1.into()), "{line}");
}

/// The body of such a response may wait for hours: its request is kept until the log has its fields.
#[test]
fn a_stream_of_events_has_its_fields() {
    let folder = Folder::new();
    let server = start(&folder, "combined");
    let mut wire = server.connect();
    wire.send(
        "GET /rooms/tea HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\nUser-Agent: me\r\n\r\n",
    );
    wire.head();
    drop(wire);
    let text = log_of(&folder, 1);
    assert!(
        text.contains("\"GET /rooms/tea HTTP/1.1\" 200 ") && text.contains(" \"me\" "),
        "{text}"
    );
}

#[test]
fn hostile_requests_are_one_object_each_for_readers_of_json() {
    let folder = Folder::new();
    let text = hostile_log(&folder, "json");
    for line in text.lines() {
        let object: serde_json::Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(object.as_object().unwrap().len(), 16, "{line}");
        assert!(object["status"].is_u64() && object["seconds"].is_f64(), "{line}");
        assert!(!object["target"].as_str().unwrap_or_default().starts_with("/forged"), "{line}");
    }
    let first: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(first["user_agent"], "\"quoted\" \\ back");
    let path = folder.join("access.log");
    if needs("jq") {
        let found = run(Command::new("jq").args(["-c", ".status"]).arg(&path), b"");
        let stdout = String::from_utf8(found.stdout).unwrap();
        assert_eq!((found.code, stdout.lines().count()), (Some(0), HOSTILE.len()), "{stdout}");
    }
    if needs("python3") {
        let script = "import json,sys\nfor line in open(sys.argv[1]): json.loads(line)['time']\n";
        let found = run(Command::new("python3").args(["-c", script]).arg(&path), b"");
        assert_eq!(found.code, Some(0), "{}", found.stderr);
    }
}

/// The regular expression is the one of Logstash (`COMBINEDAPACHELOG`) with its parts written out.
#[test]
fn hostile_requests_are_read_by_programs_that_know_combined() {
    const SCRIPT: &str = r#"
import re, sys
line_of = re.compile(r'^(\S+) (\S+) (\S+) \[([\w:/]+\s[+-]\d{4})\] "([^"]*)" (\d{3}) (\d+|-)( "([^"]*)" "([^"]*)")?( \d+\.\d{6} (?:\d+\.\d{6}|-) (?:\d+|-) \d+)?$')
for line in open(sys.argv[1]):
    assert line_of.match(line), line
"#;
    for format in ["common", "combined"] {
        let folder = Folder::new();
        hostile_log(&folder, format);
        let path = folder.join("access.log");
        if needs("python3") {
            let found = run(Command::new("python3").args(["-c", SCRIPT]).arg(&path), b"");
            assert_eq!(found.code, Some(0), "{}", found.stderr);
        }
        if !needs("goaccess") {
            continue;
        }
        let report = folder.join("report.json");
        let mut command = Command::new("goaccess");
        command.arg(&path).arg(format!("--log-format={}", format.to_uppercase()));
        command.args(["--no-global-config", "--no-progress", "--anonymize-ip", "-o"]).arg(&report);
        let found = run(&mut command, b"");
        let text = std::fs::read_to_string(&report).unwrap_or_else(|_| panic!("{}", found.stderr));
        let report: serde_json::Value = serde_json::from_str(&text).unwrap();
        let general = &report["general"];
        let (total, failed) = (&general["total_requests"], &general["failed_requests"]);
        assert_eq!(
            (total.as_u64(), failed.as_u64()),
            (Some(HOSTILE.len() as u64), Some(0)),
            "{text}"
        );
    }
}
