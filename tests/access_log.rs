//! The access log: one line a request, in the common format with the seconds behind it.

mod files;
mod formats;

use std::fs;

use crate::support::{Folder, Server, eventually};

/// Who asked what, what was answered, how many bytes: the parts of a line, once all its parts have
/// the right form.
fn parts(line: &str) -> (String, u16, u64) {
    let right = "127.0.0.1 - - [06/Nov/1994:08:49:37 +0000] \"GET / HTTP/1.1\" 200 1234 0.000142";
    let read = || {
        let rest = line.strip_prefix("127.0.0.1 - - [")?;
        let (date, rest) = rest.split_once("] \"")?;
        let zeros = |text: &str| text.replace(|char: char| char.is_ascii_digit(), "0");
        let (day, month_and_more) = date.split_once('/')?;
        let (month, more) = month_and_more.split_once('/')?;
        let (request, rest) = rest.rsplit_once("\" ")?;
        let [status, sent, seconds] = rest.split(' ').collect::<Vec<_>>().try_into().ok()?;
        let (whole, fraction) = seconds.split_once('.')?;
        let formed = zeros(day) == "00"
            && month.len() == 3
            && zeros(more) == "0000:00:00:00 +0000"
            && whole.parse::<u64>().is_ok()
            && zeros(fraction) == "000000";
        formed.then_some((request.to_owned(), status.parse().ok()?, sent.parse().ok()?))
    };
    read().unwrap_or_else(|| panic!("{line:?} is not like {right:?}"))
}

/// The lines on a server's stderr, once there are so many. What it says of itself is left out.
fn lines(server: &Server, count: usize) -> Vec<(String, u16, u64)> {
    let own = |text: &str| -> Vec<String> {
        let lines = text.split_inclusive('\n').filter(|line| !line.starts_with("server: "));
        lines.filter_map(|line| line.strip_suffix('\n')).map(str::to_owned).collect()
    };
    let text = server.stderr_until(|text| own(text).len() >= count);
    own(&text).iter().map(|line| parts(line)).collect()
}

#[test]
fn a_request_is_a_line_on_stderr() {
    let folder = Folder::with(&[("index.html", "<h1>Hello</h1>\n")]);
    let server = Server::of(&folder, &[]);
    let mut wire = server.connect();
    for (request, line) in [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", ("GET / HTTP/1.1", 200, 15)),
        ("GET /a?b=%20 HTTP/1.1\r\nHost: a\r\n\r\n", ("GET /a?b=%20 HTTP/1.1", 404, 98)),
        (
            "GET /bytes/100000 HTTP/1.1\r\nHost: a\r\n\r\n",
            ("GET /bytes/100000 HTTP/1.1", 200, 100_000),
        ),
        ("POST /index.html HTTP/1.0\n\n", ("POST /index.html HTTP/1.0", 405, 111)),
    ] {
        wire.send(request).answer();
        let (line, status, sent) = line;
        let last = eventually(|| lines(&server, 1).pop().filter(|last| last.0 == line));
        assert_eq!(last, Some((line.to_owned(), status, sent)));
    }
    assert_eq!(lines(&server, 4).len(), 4);
}

#[test]
fn head_sends_no_bytes() {
    let server = Server::start(&[]);
    server.exchange("HEAD / HTTP/1.0\r\n\r\n");
    assert_eq!(lines(&server, 1), [("HEAD / HTTP/1.0".to_owned(), 200, 0)]);
}

#[test]
fn the_seconds_are_those_of_the_response() {
    let server = Server::start(&[]);
    server.get("/sleep/300");
    let line = server.stderr_until(|text| text.ends_with('\n'));
    let seconds: f64 = line.trim_end().rsplit(' ').next().unwrap().parse().unwrap();
    assert!((0.3..5.0).contains(&seconds), "{line}");
}

#[test]
fn a_refused_request_is_a_line() {
    let server = Server::start(&[]);
    server.exchange("BAD\r\n");
    server.exchange("GET / HTTP/1.1\r\n\r\n");
    server.exchange(format!("GET /{}", "x".repeat(9000)));
    server.exchange("Cookie: a\r\n");
    server.exchange("PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n");
    server.exchange("MAKE / HTTP/1.0\r\n\r\n");
    let lines = lines(&server, 6);
    let told: Vec<(&str, u16)> =
        lines.iter().map(|(request, status, _)| (request.as_str(), *status)).collect();
    let long = format!("GET /{}...", "x".repeat(995));
    let want = [
        ("BAD", 400),
        ("GET / HTTP/1.1", 400),
        (&long, 414),
        ("Cookie: (not shown)", 400),
        ("PUT /echo HTTP/1.1", 413),
        ("MAKE / HTTP/1.0", 501),
    ];
    assert_eq!(told, want);
    assert!(lines.iter().all(|(_, _, sent)| *sent > 0));
}

#[test]
fn connections_without_a_request_are_no_lines() {
    let server = Server::start(&[]);
    drop(server.connect());
    server.connect().half_close().rest();
    server.connect().send("\r\n").half_close().rest();
    server.get("/-/health");
    assert_eq!(lines(&server, 1).len(), 1);
}

#[test]
fn a_client_cannot_forge_a_line() {
    let server = Server::start(&[]);
    let forged =
        "127.0.0.1 - - [06/Nov/1994:08:49:37 +0000] \"GET /forged HTTP/1.1\" 200 1 0.000001";
    let encoded = forged.replace(' ', "%20").replace('"', "%22");
    server.exchange(format!("GET /%0A{encoded} HTTP/1.0\r\n\r\n"));
    server.exchange(format!("GET /%0D%0A{encoded}?%0A{encoded} HTTP/1.0\r\n\r\n"));
    server.exchange(format!("GET /\n{forged}\nA: b\n\n"));
    server.exchange(format!("GET /\r{encoded} HTTP/1.0\r\n\r\n"));
    server.exchange(format!("GET /?\u{1b}[2J{encoded} HTTP/1.0\r\n\r\n"));
    server.exchange(format!("GET / HTTP/1.0\r\nReferer: \n{forged}\r\n\r\n"));
    server.exchange(format!("GET /%22%20200%200%200.1 HTTP/1.0\r\nA: \n{forged}\r\n\r\n"));
    let lines = lines(&server, 7);
    assert_eq!(lines.len(), 7);
    for (request, _, _) in lines {
        assert!(request.starts_with("GET /"), "{request}");
        assert!(!request.contains('"'), "{request}");
    }
}

#[test]
fn a_file_is_appended_to() {
    let folder = Folder::with(&[("access.log", "what was there before\n")]);
    let log = folder.join("access.log");
    for request in ["/one", "/two"] {
        let server = Server::start(&["--access-log", log.to_str().unwrap()]);
        server.get(request);
        eventually(|| fs::read_to_string(&log).unwrap().contains(request).then_some(())).unwrap();
        assert_eq!(server.program.stderr.text(), "", "not to stderr as well");
    }
    let text = fs::read_to_string(&log).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "what was there before");
    let rest: Vec<_> = lines[1..].iter().map(|line| parts(line)).collect();
    let requests: Vec<&str> = rest.iter().map(|(request, ..)| request.as_str()).collect();
    assert_eq!(requests, ["GET /one HTTP/1.1", "GET /two HTTP/1.1"]);
}

#[test]
fn off_is_silence() {
    let server = Server::start(&["--access-log", "off"]);
    server.get("/");
    server.exchange("POST / HTTP/1.0\r\n\r\n");
    assert_eq!(server.program.stderr.text(), "");
}

#[test]
fn lines_of_many_at_once_stay_whole() {
    let server = Server::start(&[]);
    std::thread::scope(|scope| {
        for number in 0..8 {
            let mut wire = server.connect();
            let request =
                format!("GET /echo?{number}-{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(500));
            scope.spawn(move || {
                wire.send(request.repeat(25));
                for _ in 0..25 {
                    wire.answer();
                }
            });
        }
    });
    let lines = lines(&server, 200);
    assert_eq!(lines.len(), 200);
    for number in 0..8 {
        let own = format!("GET /echo?{number}-");
        assert_eq!(lines.iter().filter(|(request, ..)| request.starts_with(&own)).count(), 25);
    }
}
