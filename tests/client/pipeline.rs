//! `--pipeline`: several requests at once, responses in their order, and requests without a response.

use super::fake::Fake;
use super::{client, fetch};
use crate::support::{Server, run};

#[test]
fn responses_come_in_order_with_either_driver() {
    for driver in ["on", "off"] {
        let server = Server::start(&["--lobby", driver]);
        let urls =
            ["/bytes/3", "/chunks/4", "/nowhere", "/bytes/100000"].map(|path| server.url(path));
        let args: Vec<&str> =
            ["-sv", "--pipeline"].into_iter().chain(urls.iter().map(String::as_str)).collect();
        let finished = run(&mut client(&args), b"");
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        let alone: Vec<u8> = urls.iter().flat_map(|url| fetch(&["-s", url]).stdout).collect();
        assert!(finished.stdout == alone, "--lobby {driver}");
        let said: Vec<&str> = finished
            .stderr
            .lines()
            .filter(|line| {
                ["* Response", "> GET", "< HTTP", "* Conn", "* Clos"]
                    .iter()
                    .any(|begin| line.starts_with(begin))
            })
            .map(|line| line.split(" (").next().unwrap())
            .collect();
        assert_eq!(
            said,
            [
                "* Connected to 127.0.0.1",
                "> GET /bytes/3 HTTP/1.1",
                "> GET /chunks/4 HTTP/1.1",
                "> GET /nowhere HTTP/1.1",
                "> GET /bytes/100000 HTTP/1.1",
                "* Response 1 of 4, to GET /bytes/3",
                "< HTTP/1.1 200 OK",
                "* Response 2 of 4, to GET /chunks/4",
                "< HTTP/1.1 200 OK",
                "* Response 3 of 4, to GET /nowhere",
                "< HTTP/1.1 404 Not Found",
                "* Response 4 of 4, to GET /bytes/100000",
                "< HTTP/1.1 200 OK",
                "* Connection #0 to host 127.0.0.1 left intact",
            ]
        );
    }
}

/// The bytes that a server sends on the first connection, before it closes, and the output for three requests.
const MIDWAY: &[(&str, &str, usize)] = &[
    ("", "/a/b/c", 3),
    ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1", "1/b/c", 2),
    ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\n1", "1/b/c", 2),
    ("HTTP/1.0 200 OK\r\n\r\n12", "12/b/c", 2),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n1\r\n0\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
        "1/c",
        1,
    ),
    (
        "HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1HTTP/1.1 200 OK\r\nContent-Le",
        "1/b/c",
        2,
    ),
];

#[test]
fn unanswered_requests_are_sent_again_one_by_one() {
    for (said, printed, again) in MIDWAY {
        let fake = Fake::new(move |talk| {
            if talk.number == 0 {
                for _ in 0..3 {
                    talk.request()?;
                }
                return talk.say(said);
            }
            // Sent after the response to the request before: it is no longer pipelined.
            loop {
                let request = talk.request()?;
                assert!(talk.is_silent_for(std::time::Duration::from_millis(20)).unwrap_or(true));
                let path = request.split(' ').nth(1).unwrap().to_owned();
                talk.say(format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{path}",
                    path.len()
                ))?;
            }
        });
        let urls = ["/a", "/b", "/c"].map(|path| fake.url(path));
        let args: Vec<&str> =
            ["-sv", "--pipeline"].into_iter().chain(urls.iter().map(String::as_str)).collect();
        let finished = run(&mut client(&args), b"");
        assert_eq!(finished.code, Some(0), "{said:?}: {}", finished.stderr);
        assert_eq!(String::from_utf8_lossy(&finished.stdout), *printed, "{said:?}");
        let told =
            format!("* {again} of 3 requests have no response; they are sent again, one by one\n");
        assert!(finished.stderr.contains(&told), "{said:?}: {}", finished.stderr);
        assert_eq!(fake.requests().len(), 3 + again, "{said:?}");
        assert_eq!(fake.connections(), 2, "{said:?}");
    }
}

#[test]
fn all_requests_leave_in_one_write() {
    let server = Server::start(&["--wire"]);
    let url = server.url("/echo");
    assert_eq!(fetch(&["-s", "--pipeline", &url, &url, &url]).code, Some(0));
    let shown = server.stderr_until(|text| text.contains("#0 * closed: "));
    let directions: Vec<char> = shown
        .lines()
        .filter(|line| line.starts_with("#0 "))
        .filter_map(|line| line.chars().nth(3))
        .filter(|mark| "<>".contains(*mark))
        .collect();
    let mut turns = directions.clone();
    turns.dedup();
    assert_eq!(turns, ['>', '<'], "three requests, then three answers: {shown}");
    assert!(shown.contains("#0 * this is answer 3, to GET /echo\n"), "{shown}");
}

#[test]
fn requests_that_cannot_be_pipelined_are_refused_before_anything_is_sent() {
    let fake = Fake::hello(9);
    let other = Fake::hello(9);
    let (a, b) = (fake.url("/a"), other.url("/b"));
    let long = format!("X: {}", "x".repeat(40_000));
    for (args, what) in [
        (
            &["-X", "POST", &a, &a][..],
            "POST may have its effect twice (RFC 9112, 9.3.2); right: GET",
        ),
        (&["-d", "x", &a], "POST may"),
        (&["-X", "PUT", "-d", "x", &a], "has a body"),
        (&["--http1.0", &a], "HTTP/1.0"),
        (&[&a, &b], "different servers"),
        (&["-H", &long, &a, &a], "at most 65536"),
        (&["-X", "BREW", &a], "BREW may"),
        (&["-C", "-", "-o", "x", &a], "-C"),
    ] {
        let finished = run(&mut client(&[&["--pipeline"], args].concat()), b"");
        let said = finished.failed(2, what);
        assert!(said.contains(what), "{said}");
    }
    assert_eq!((fake.connections(), other.connections()), (0, 0));
}
