//! Parts of an answer (RFC 9110, 14): one, several, none; of bytes and of files.

use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom};

use threadbare::server::{Body, Request, Response, Router, Status};

use crate::support::{Answer, Folder, SOON, Served, Server, Wire, ask};

const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const DIGITS: &str = "0123456789";

/// Ten digits as bytes, and as a part of a file; and such as cannot be cut, or must not.
fn resources(folder: &Folder) -> Served {
    let validated = |response: Response| {
        response
            .field("Content-Type", "text/plain")
            .field("ETag", "\"v7\"")
            .field("Last-Modified", DATE)
            .field("Vary", "Accept")
    };
    let bytes = move || validated(Response::text(DIGITS));
    let path = folder.join("digits");
    fs::write(&path, format!("before{DIGITS}behind")).unwrap();
    let file = move |_: &mut Request| {
        let mut file = File::open(&path).unwrap();
        file.seek(SeekFrom::Start(6)).unwrap();
        validated(Response::new(Status::OK)).body(Body::File(file, 10))
    };
    let read = move |_: &mut Request| {
        validated(Response::text("")).body(Body::Read(Box::new(DIGITS.as_bytes()), Some(10)))
    };
    let partial = |_: &mut Request| {
        let response = Response::text("345").status(Status::PARTIAL_CONTENT);
        response.field("ETag", "\"v7\"").field("Content-Range", "bytes 3-5/10")
    };
    Served::start(
        Router::new()
            .get("/bytes", move |_: &mut Request| bytes())
            .get("/file", file)
            .get("/read", read)
            .get("/partial", partial)
            .get("/empty", |_: &mut Request| Response::text("").field("ETag", "\"v0\""))
            .get("/plain", |_: &mut Request| Response::text(DIGITS))
            .get("/weak", |_: &mut Request| Response::text(DIGITS).field("ETag", "W/\"v7\""))
            .get("/dated", move |_: &mut Request| bytes().field("ETag", "W/\"v7\""))
            .get("/none", move |_: &mut Request| bytes().field("Accept-Ranges", "none"))
            .get("/gone", move |_: &mut Request| bytes().status(Status::GONE))
            .post("/bytes", move |_: &mut Request| bytes()),
    )
}

/// Status, `Content-Range`, body.
fn shown(answer: &Answer) -> (u16, Option<&str>, String) {
    (answer.status(), answer.field("Content-Range"), answer.text())
}

#[test]
fn one_part() {
    let folder = Folder::new();
    let served = resources(&folder);
    for (range, want) in [
        ("bytes=0-0", Some(("0-0", "0"))),
        ("bytes=3-5", Some(("3-5", "345"))),
        ("BYTES=3-5", Some(("3-5", "345"))),
        ("bytes=0-", Some(("0-9", DIGITS))),
        ("bytes=7-", Some(("7-9", "789"))),
        ("bytes=-3", Some(("7-9", "789"))),
        ("bytes=-99", Some(("0-9", DIGITS))),
        ("bytes=9-99999999999999999999999", Some(("9-9", "9"))),
        ("bytes=-99999999999999999999999", Some(("0-9", DIGITS))),
        ("bytes=3-4,99-", Some(("3-4", "34"))),
        ("bytes=0-3,2-5", Some(("0-5", "012345"))),
        ("bytes=8-9,0-1", Some(("0-9", DIGITS))), // the frame would be longer than what lies between
        // Ignored.
        ("bytes=5-3", None),
        ("bytes=a-b", None),
        ("bytes=", None),
        ("bytes:0-1", None),
        ("pages=0-1", None),
        ("bytes=0-1 | Range: bytes=0-1", None),
    ] {
        let range = format!("Range: {range}");
        for target in ["GET /bytes", "GET /file"] {
            let answer = served.ask(target, &range);
            let want = match want {
                Some((part, body)) => (206, Some(format!("bytes {part}/10")), body.to_owned()),
                None => (200, None, DIGITS.to_owned()),
            };
            let (status, part, body) = shown(&answer);
            assert_eq!((status, part.map(str::to_owned), body), want, "{target}; {range}");
            assert_eq!(answer.field("Accept-Ranges"), Some("bytes"));
            for (name, value) in [
                ("ETag", "\"v7\""),
                ("Vary", "Accept"),
                ("Content-Type", "text/plain"),
                ("Last-Modified", DATE),
            ] {
                assert_eq!(answer.field(name), Some(value), "{target}; {range}");
            }
        }
    }
}

#[test]
fn what_is_not_there_is_416() {
    let folder = Folder::new();
    let served = resources(&folder);
    for range in ["10-", "10-20", "-0", "99-100,-0", "99999999999999999999999-"] {
        for target in ["GET /bytes", "GET /file"] {
            let answer = served.ask(target, &format!("Range: bytes={range}"));
            assert_eq!(answer.status(), 416, "{target} {range}");
            assert_eq!(answer.field("Content-Range"), Some("bytes */10"));
            assert!(
                answer.text().contains("None of the 10 bytes is in the requested range"),
                "{}",
                answer.text()
            );
        }
    }
}

#[test]
fn requests_that_get_the_whole() {
    let folder = Folder::new();
    let served = resources(&folder);
    for (request, accepts) in [
        ("HEAD /bytes", Some("bytes")),
        ("HEAD /file", Some("bytes")),
        ("POST /bytes", None),
        ("GET /read", None),
        ("GET /plain", None),
        ("GET /none", Some("none")),
        ("GET /gone", None),
    ] {
        for range in ["3-5", "99-"] {
            let fields = format!("Range: bytes={range} | Content-Length: 0");
            let answer = served.ask(request, &fields);
            let status = if request.contains("gone") { 410 } else { 200 };
            assert_eq!(
                (answer.status(), answer.field("Content-Range")),
                (status, None),
                "{request}"
            );
            assert_eq!(answer.field("Content-Length"), Some("10"), "{request}");
            assert_eq!(answer.field("Accept-Ranges"), accepts, "{request}");
        }
    }
    let empty = served.ask("GET /empty", "Range: bytes=0-");
    assert_eq!((empty.status(), empty.field("Content-Length")), (200, Some("0")));
    let partial = served.ask("GET /partial", "Range: bytes=1-1");
    assert_eq!(
        shown(&partial),
        (206, Some("bytes 3-5/10"), "345".to_owned()),
        "as it was answered"
    );
    let weak = served.ask("GET /weak", "Range: bytes=1-1");
    assert_eq!(shown(&weak), (206, Some("bytes 1-1/10"), "1".to_owned()));
}

#[test]
fn a_part_of_another_state_is_not_sent() {
    let folder = Folder::new();
    let served = resources(&folder);
    for (target, if_range, want) in [
        ("/bytes", "\"v7\"", 206),
        ("/file", "\"v7\"", 206),
        ("/bytes", "\"v6\"", 200),
        ("/bytes", "W/\"v7\"", 200),
        ("/weak", "W/\"v7\"", 200),
        ("/weak", "\"v7\"", 200),
        ("/bytes", "v7", 200),
        ("/bytes", "", 200),
        ("/bytes", DATE, 206),
        ("/bytes", "Sunday, 06-Nov-94 08:49:37 GMT", 206),
        ("/bytes", "Sun, 06 Nov 1994 08:49:38 GMT", 200),
        ("/bytes", "Sun, 06 Nov 1994 08:49:36 GMT", 200),
        ("/weak", DATE, 200),
        ("/dated", DATE, 200),
    ] {
        let fields = format!("Range: bytes=3-5 | If-Range: {if_range}");
        let answer = served.ask(&format!("GET {target}"), &fields);
        assert_eq!(answer.status(), want, "{target}; {if_range}");
        assert_eq!(answer.text(), if want == 206 { "345" } else { DIGITS }, "{target}; {if_range}");
        let repeated = ["Content-Type", "Last-Modified"].map(|name| answer.field(name));
        assert!(want == 200 || repeated == [None; 2], "the client has them: {}", answer.head);
        assert!(answer.field("ETag").is_some_and(|etag| etag.contains("v7")));
    }
    let unsatisfiable = "Range: bytes=99- | If-Range: ";
    for (if_range, want) in [("\"v7\"", 416), ("\"v6\"", 200)] {
        assert_eq!(served.ask("GET /bytes", &format!("{unsatisfiable}{if_range}")).status(), want);
    }
    // Conditions go before ranges (RFC 9110, 13.2.2).
    for (fields, want) in [
        ("If-None-Match: \"v7\" | Range: bytes=0-1", 304),
        ("If-None-Match: \"v7\" | Range: bytes=99-", 304),
        ("If-None-Match: \"v6\" | Range: bytes=0-1", 206),
        ("If-Match: \"v6\" | Range: bytes=0-1", 412),
        ("If-Match: \"v7\" | Range: bytes=0-1", 206),
        ("If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT | Range: bytes=0-1", 412),
    ] {
        assert_eq!(served.ask("GET /bytes", fields).status(), want, "{fields}");
    }
}

/// Takes a multipart body apart by other eyes than the project's own: `Content-Range` and bytes.
fn parts(answer: &Answer) -> Vec<(String, Vec<u8>)> {
    let kind = answer.field("Content-Type").unwrap();
    let boundary = kind.strip_prefix("multipart/byteranges; boundary=").unwrap();
    assert!(
        (1..=70).contains(&boundary.len())
            && boundary.bytes().all(|byte| byte.is_ascii_alphanumeric())
    );
    let delimiter = format!("\r\n--{boundary}").into_bytes();
    let find = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).position(|some| some == what);
    assert!(answer.body.starts_with(&delimiter), "{}", answer.head);
    let (mut rest, mut found) = (&answer.body[delimiter.len()..], Vec::new());
    while let Some(after) = rest.strip_prefix(b"\r\n") {
        let end = find(after, b"\r\n\r\n").unwrap();
        let head = String::from_utf8(after[..end].to_vec()).unwrap();
        let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name));
        assert_eq!(field("Content-Type: "), Some("application/octet-stream"), "{head}");
        let body = &after[end + 4..];
        let length = find(body, &delimiter).unwrap();
        found.push((field("Content-Range: bytes ").unwrap().to_owned(), body[..length].to_vec()));
        rest = &body[length + delimiter.len()..];
    }
    assert_eq!(rest, b"--\r\n", "the end");
    found
}

fn pattern(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}

#[test]
fn several_parts_in_the_requested_order() {
    const LARGE: usize = 5_000_000;
    let folder = Folder::new();
    for (name, length) in [("small", 5_000), ("large", LARGE)] {
        folder.write(name, pattern(length));
    }
    let server = Server::of(&folder, &[]);
    for (target, ranges, want) in [
        ("small", "0-0,4000-4001", &[(0, 0), (4000, 4001)][..]),
        ("small", "4000-4001, 0-0,-1", &[(4000, 4001), (0, 0), (4999, 4999)]),
        ("small", "4000-4001,9999-,0-0", &[(4000, 4001), (0, 0)]),
        ("small", "2000-2001,0-0,2010-2011,2005-", &[(2000, 4999), (0, 0)]),
        ("large", "0-999999,4000000-", &[(0, 999_999), (4_000_000, LARGE - 1)]),
        (
            "large",
            "4000000-4100000,70-80,1000-200000",
            &[(4_000_000, 4_100_000), (70, 80), (1000, 200_000)],
        ),
    ] {
        let mut wire = server.connect();
        let answer = ask(&mut wire, &format!("GET /{target}"), &format!("Range: bytes={ranges}"));
        assert_eq!((answer.status(), answer.field("Content-Range")), (206, None), "{ranges}");
        let whole = pattern(if target == "small" { 5_000 } else { LARGE });
        let want: Vec<_> = want
            .iter()
            .map(|&(first, last)| {
                (format!("{first}-{last}/{}", whole.len()), whole[first..=last].to_vec())
            })
            .collect();
        assert!(parts(&answer) == want, "{target} {ranges}");
        let next = ask(&mut wire, "GET /small", "Range: bytes=0-0");
        assert_eq!(next.body, [0], "the length was right: the next answer is where it should be");
    }
}

#[test]
fn a_flood_of_ranges_gets_no_more_than_the_whole() {
    let folder = Folder::new();
    folder.write("file", pattern(1 << 20));
    let server = Server::of(&folder, &[]);
    let whole = 1 << 20;
    let list = |count: usize, range: &dyn Fn(usize) -> String| {
        (0..count).map(range).collect::<Vec<_>>().join(",")
    };
    for (ranges, want, most) in [
        (list(1500, &|_| "0-".to_owned()), 200, whole), // the "Apache killer" of 2011
        (list(100, &|_| "0-".to_owned()), 206, whole),
        (list(100, &|number| format!("{number}-")), 206, whole),
        (list(100, &|number| format!("{}-{}", number * 2, number * 2)), 206, 200),
        (list(100, &|number| format!("{}-{}", number * 1000, number * 1000)), 206, 20_000),
        (list(100, &|number| format!("-{}", number + 1)), 206, 100),
        (list(101, &|number| format!("{}-{}", number * 1000, number * 1000)), 200, whole),
    ] {
        let begun = std::time::Instant::now();
        let answer = ask(&mut server.connect(), "GET /file", &format!("Range: bytes={ranges}"));
        assert_eq!(answer.status(), want, "{}", &ranges[..30]);
        assert!(answer.body.len() <= most, "{}: {} bytes", &ranges[..30], answer.body.len());
        assert!(begun.elapsed() < SOON);
    }
    for (most, want) in [("2", 206), ("1", 200), ("0", 200)] {
        let server = Server::of(&folder, &["--max-ranges", most]);
        let answer = ask(&mut server.connect(), "GET /file", "Range: bytes=0-0,9000-9000");
        assert_eq!(answer.status(), want, "--max-ranges {most}");
    }
}

#[test]
fn an_empty_file_is_sent_whole() {
    let folder = Folder::with(&[("empty", "")]);
    let server = Server::of(&folder, &[]);
    for range in ["0-", "-5", "0-0,1-1"] {
        let answer = ask(&mut server.connect(), "GET /empty", &format!("Range: bytes={range}"));
        assert_eq!((answer.status(), answer.field("Content-Length")), (200, Some("0")), "{range}");
    }
}

/// A file that is sparse: reading it up to the part would take minutes.
#[test]
fn a_part_far_into_a_file_is_sought_not_read() {
    const HUGE: u64 = 1 << 40;
    let folder = Folder::new();
    let file = File::create(folder.join("huge")).unwrap();
    if file.set_len(HUGE).is_err() {
        crate::support::skipped("the file system has no files of 1 TB");
        return;
    }
    let server = Server::of(&folder, &[]);
    let begun = std::time::Instant::now();
    for (ranges, want) in [
        (format!("{}-", HUGE - 3), format!("bytes {}-{}/{HUGE}", HUGE - 3, HUGE - 1)),
        ("-3".to_owned(), format!("bytes {}-{}/{HUGE}", HUGE - 3, HUGE - 1)),
    ] {
        let answer = ask(&mut server.connect(), "GET /huge", &format!("Range: bytes={ranges}"));
        assert_eq!(answer.field("Content-Range"), Some(want.as_str()));
        assert_eq!(answer.body, [0; 3]);
    }
    let answer = ask(&mut server.connect(), "GET /huge", "Range: bytes=0-0,-1");
    assert_eq!(parts(&answer).len(), 2);
    assert!(begun.elapsed() < SOON);
}

#[test]
fn a_file_that_shrinks_meanwhile_is_cut_short() {
    let folder = Folder::new();
    for ranges in ["1-", "0-0,1000-20000000"] {
        folder.write("large", vec![b'x'; 20 << 20]);
        let server = Server::of(&folder, &[]);
        let mut wire = Wire::to(server.address());
        let request = format!("GET /large HTTP/1.1\r\nHost: a\r\nRange: bytes={ranges}\r\n\r\n");
        assert!(wire.send(request + "GET / HTTP/1.1\r\nHost: a\r\n\r\n").head().contains(" 206 "));
        folder.write("large", "x");
        let rest = wire.rest();
        assert!(rest.len() < 20_000_000, "{ranges}");
        assert!(!rest.ends_with(b"--\r\n"), "no end of parts; {ranges}");
        server.stderr_until(|text| text.contains(": the body of /large ended early, after "));
    }
}
