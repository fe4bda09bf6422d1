//! The examples: each one runs, and does what its first lines say.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use threadbare::server::{Response, Router};

use crate::support::{Folder, Program, Served, Wire, ask, root, run};

/// An example that serves, on a free port.
struct Example {
    program: Program,
    address: SocketAddr,
}

/// Returns an example, which `cargo test` builds, if it builds all targets.
fn example(name: &str) -> Command {
    let test = std::env::current_exe().unwrap();
    let program: PathBuf = test.ancestors().nth(2).unwrap().join("examples").join(name);
    assert!(program.is_file(), "{program:?} is not built; right: cargo build --examples");
    Command::new(program)
}

impl Example {
    fn start(name: &str) -> Example {
        let program = Program::start(example(name).arg("127.0.0.1:0"));
        let line = program.stdout.until(|text| text.contains('\n'));
        let address = line.trim_end().strip_prefix("listening on http://").unwrap();
        Example { address: address.parse().unwrap(), program }
    }

    fn connect(&self) -> Wire {
        Wire::to(self.address)
    }

    /// Sends these bytes, and nothing more, and returns what is received until the connection ends.
    fn bytes(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut wire = self.connect();
        wire.try_send(bytes);
        wire.half_close();
        String::from_utf8(wire.rest()).unwrap()
    }
}

fn source(name: &str) -> String {
    std::fs::read_to_string(root().join("examples").join(name)).unwrap()
}

#[test]
fn the_readme_has_each_example_with_its_length() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    for file in root().join("examples").read_dir().unwrap().map(Result::unwrap) {
        if file.path().is_dir() {
            continue; // the exercises
        }
        let file = file.file_name().into_string().unwrap();
        let (name, lines) = (file.trim_end_matches(".rs"), source(&file).lines().count());
        let row = format!("| `{name}` | {lines} |");
        assert!(readme.contains(&row), "README.md has no row {row}");
    }
}

#[test]
fn the_textbook_is_short_and_needs_std_alone() {
    let text = source("textbook.rs");
    assert!(text.lines().count() <= 150, "{} lines", text.lines().count());
    assert!(!text.contains("threadbare") && !text.contains("extern"));
    let used = text.lines().filter(|line| line.starts_with("use "));
    assert!(used.clone().count() > 0);
    used.for_each(|line| assert!(line.starts_with("use std::"), "{line}"));
}

#[test]
fn the_textbook_answers_and_keeps_connections() {
    let textbook = Example::start("textbook");
    let mut wire = textbook.connect();
    let answer = ask(&mut wire, "GET /", "");
    assert_eq!((answer.status(), answer.text().as_str()), (200, "hello\n"));
    let head = ask(&mut wire, "HEAD /?a=b", "");
    assert_eq!((head.status(), head.field("content-length")), (200, Some("6")));
    assert_eq!(ask(&mut wire, "GET /absent", "").status(), 404);
    wire.send("\r\nPOST /echo HTTP/1.1\r\nHost: a\r\ncontent-length:5 \r\n\r\nhello");
    let answer = wire.answer();
    assert_eq!((answer.status(), answer.text().as_str()), (200, "hello"));
    let answer = ask(&mut wire, "GET /", "Connection: Close");
    assert_eq!((answer.status(), answer.field("connection")), (200, Some("close")));
    assert_eq!(wire.rest(), b"");
    // HTTP/1.0 is one exchange, and has no Host.
    let answer = textbook.bytes("GET / HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\n\r\n");
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 1, "{answer}");
}

#[test]
fn the_textbook_takes_what_is_typed_in_any_pieces() {
    let textbook = Example::start("textbook");
    let request = b"POST /echo HTTP/1.1\nHost: a\nContent-Length: 3\n\nabc";
    let mut wire = textbook.connect();
    wire.send_slowly(request, 1, Duration::from_millis(2));
    assert_eq!(wire.answer().text(), "abc");
    let pipelined = "GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(300);
    let answers = textbook.bytes(pipelined);
    assert_eq!(answers.matches("HTTP/1.1 200 OK\r\n").count(), 300);
    let large = "x".repeat(1 << 20);
    let head = format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", large.len());
    assert!(textbook.bytes(head + &large).ends_with(&large));
}

#[test]
fn the_textbook_refuses_what_is_wrong() {
    let textbook = Example::start("textbook");
    let with = |fields: &str| format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n");
    for (request, status) in [
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), 400),
        (with("Host: b"), 400),
        ("GET / HTTQ/1.1\r\n\r\n".to_owned(), 400),
        ("GET /\r\n\r\n".to_owned(), 400),
        ("G@T / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 400),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 400),
        (with("Content-Length : 3"), 400),
        (with("Content-Length: +3"), 400),
        (with("Content-Length:"), 400),
        (with("Content-Length: 3\r\nContent-Length: 3"), 400),
        (with("no colon"), 400),
        (with(" folded: a"), 400),
        (with("A: b\rc"), 400),
        (with("A: b\0c"), 400),
        ("\0\u{1}\u{2}ä\n\n".to_owned(), 400),
        (with("Content-Length: 1048577"), 413),
        (with("Content-Length: 99999999999999999999999"), 413),
        (with(&format!("A: {}", "x".repeat(64 << 10))), 431),
        (with("Transfer-Encoding: chunked\r\nContent-Length: 3"), 501),
    ] {
        let answer = textbook.bytes(request.clone() + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request:?}: {answer:?}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{request:?}: {answer:?}");
    }
    for gone in
        ["", "\n", "GET / HT", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab"]
    {
        assert_eq!(textbook.bytes(gone), "", "{gone:?}");
    }
    // No worker is lost: there are 16.
    let mut wires: Vec<Wire> = (0..16).map(|_| textbook.connect()).collect();
    for wire in &mut wires {
        assert_eq!(ask(wire, "GET /", "").status(), 200);
    }
    let mut waits = textbook.connect();
    waits.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(waits.is_silent_for(Duration::from_millis(50)));
    drop(wires.pop());
    assert_eq!(waits.answer().status(), 200);
}

#[test]
fn notes_are_made_read_changed_and_removed() {
    let notes = Example::start("notes");
    let mut wire = notes.connect();
    let sent = |method: &str, path: &str, body: &str| {
        let length = body.len();
        format!("{method} {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}")
    };
    let mut asks = |method: &str, path: &str, body: &str| {
        let answer = wire.send(sent(method, path, body)).answer();
        (answer.status(), answer.text(), answer.field("location").map(str::to_owned))
    };
    let made = asks("POST", "/notes", r#"{"text":"buy milk"}"#);
    let milk = r#"{"id":1,"text":"buy milk","done":false}"#.to_owned();
    assert_eq!(made, (201, milk.clone(), Some("/notes/1".to_owned())));
    assert_eq!(asks("POST", "/notes", r#"{"text":"b","done":true,"id":9}"#).0, 201);
    assert_eq!(asks("GET", "/notes/1", "").1, milk);
    assert_eq!(asks("GET", "/notes?limit=1", "").1, format!("[{milk}]"));
    assert_eq!(asks("PUT", "/notes/2", r#"{"text":"c"}"#).1, r#"{"id":2,"text":"c","done":false}"#);
    assert_eq!(asks("DELETE", "/notes/1", ""), (204, String::new(), None));
    for (method, path, body, status) in [
        ("GET", "/notes/1", "", 404),
        ("DELETE", "/notes/1", "", 404),
        ("PUT", "/notes/1", r#"{"text":"c"}"#, 404),
        ("GET", "/notes/first", "", 404),
        ("GET", "/notes?limit=many", "", 400),
        ("POST", "/notes", r#"{"text":"#, 400),
        ("POST", "/notes", r#"{"txet":"a"}"#, 400),
        ("PATCH", "/notes/2", "{}", 405),
    ] {
        assert_eq!(asks(method, path, body).0, status, "{method} {path} {body}");
    }
    notes.program.stdout.until(|log| log.contains("DELETE /notes/1 204 "));
}

/// The origin behind the proxy: the server, with routes that count.
fn origin(asked: Arc<Mutex<Vec<String>>>) -> Served {
    Served::start(
        Router::new()
            .get("/small", |_| Response::text("small\n").field("ETag", "\"1\"").field("A", "b"))
            .get("/private", |_| {
                Response::text("p").field("ETag", "\"1\"").field("Cache-Control", "private")
            })
            .get("/large", |_| Response::stream(io::repeat(b'x').take(5 << 20)))
            .get("/fields", |request| {
                Response::text(String::from_utf8_lossy(request.head.headers.source()))
                    .field("Connection", "x-hop")
                    .add_field("Set-Cookie", "a=1")
                    .add_field("Set-Cookie", "b=2")
            })
            .get("/moved", |_| Response::redirect(302, "/small"))
            .wrap(move |request, next| {
                let tag = request.header("If-None-Match").unwrap_or_default().to_owned();
                asked.lock().unwrap().push(format!("{} {tag}", request.head.target));
                next.run(request)
            }),
    )
}

#[test]
fn the_proxy_forwards_streams_and_validates_what_it_keeps() {
    let asked = Arc::default();
    let (proxy, origin) = (Example::start("proxy"), origin(Arc::clone(&asked)));
    let mut wire = proxy.connect();
    let mut get = |method: &str, path: &str, fields: &str| {
        ask(&mut wire, &format!("{method} http://{}{path}", origin.address), fields)
    };
    for (cache, tag) in [("fwd=miss; stored", ""), ("hit", "\"1\""), ("hit", "\"1\"")] {
        let answer = get("GET", "/small?q", "");
        assert_eq!((answer.status(), answer.text().as_str()), (200, "small\n"));
        assert_eq!((answer.field("a"), answer.field("via")), (Some("b"), Some("1.1 proxy")));
        assert_eq!(answer.field("cache-status"), Some(&*format!("proxy; {cache}")));
        assert_eq!(asked.lock().unwrap().pop(), Some(format!("/small?q {tag}")));
    }
    assert_eq!(get("GET", "/small", "If-None-Match: \"1\"").status(), 304);
    assert_eq!(get("HEAD", "/small", "").field("content-length"), Some("6"));
    for _ in 0..2 {
        let answer = get("GET", "/private", "");
        assert_eq!(answer.field("cache-status"), Some("proxy; fwd=miss"));
    }
    let large = get("GET", "/large", "");
    assert!(large.body.len() == 5 << 20 && large.body.iter().all(|byte| *byte == b'x'));
    assert_eq!(get("GET", "/moved", "").field("location"), Some("/small"));
    assert_eq!(get("GET", "/absent", "").status(), 404);

    let hop =
        "Connection: x-mine | X-Mine: 1 | Proxy-Authorization: secret | TE: trailers | X-End: 2";
    let answer = get("GET", "/fields", hop);
    assert_eq!(answer.head.matches("Set-Cookie: ").count(), 2, "{}", answer.head);
    let sent = answer.text().to_ascii_lowercase();
    assert!(sent.contains("x-end: 2\r\n") && sent.contains("via: 1.1 "), "{sent}");
    assert!(sent.contains(&format!("\nhost: {}\r\n", origin.address)), "{sent}");
    for hop in ["x-mine", "secret", "\nte:", "user-agent"] {
        assert!(!sent.contains(hop), "{hop} in {sent}");
    }
}

#[test]
fn the_proxy_sends_what_has_come_before_the_rest_comes() {
    let (reader, mut writer) = io::pipe().unwrap();
    let reader = Mutex::new(Some(reader));
    let once = move || reader.lock().unwrap().take().expect("it is asked once");
    let origin = Served::start(Router::new().get("/", move |_| Response::stream(once())));
    let proxy = Example::start("proxy");
    let mut wire = proxy.connect();
    wire.send(format!("GET http://{}/ HTTP/1.1\r\nHost: a\r\n\r\n", origin.address));
    writer.write_all(b"first").unwrap();
    assert!(wire.head().contains("Transfer-Encoding: chunked"));
    assert_eq!(wire.take(10), b"5\r\nfirst\r\n");
    writer.write_all(b"second").unwrap();
    drop(writer);
    assert_eq!(wire.take(16), b"6\r\nsecond\r\n0\r\n\r\n");
}

#[test]
fn the_proxy_says_what_it_cannot_do() {
    let proxy = Example::start("proxy");
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (request, status, why) in [
        ("CONNECT example.org:443".to_owned(), 501, "a tunnel"),
        ("GET /path".to_owned(), 501, "a whole URL"),
        ("POST http://example.org/".to_owned(), 501, "GET and HEAD"),
        (format!("GET http://{closed}/"), 502, "Connection refused"),
    ] {
        let answer = ask(&mut proxy.connect(), &request, "");
        assert_eq!(answer.status(), status, "{request}");
        assert!(answer.text().contains(why), "{request}: {}", answer.text());
    }
    assert!(source("proxy.rs").lines().count() <= 120);
}

/// Runs the example `fetch`, and returns its exit code and what it writes to stderr.
fn fetch(url: &str, file: &Path) -> (Option<i32>, String) {
    let ended = run(example("fetch").arg(url).arg(file), b"");
    (ended.code, ended.stderr)
}

#[test]
fn fetch_loads_a_file_byte_by_byte_in_spite_of_a_503() {
    let body: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[n as usize % 3]).collect();
    let (sent, asked) = (body.clone(), AtomicU32::new(0));
    let routes = Router::new()
        .get("/file", move |_| match asked.fetch_add(1, Ordering::Relaxed) {
            0 => Response::empty(503).field("Retry-After", "0"),
            _ => Response::bytes("application/octet-stream", sent.clone()),
        })
        .get("/moved", |_| Response::redirect(302, "/file"));
    let (origin, folder) = (Served::start(routes), Folder::new());
    let file = folder.join("file");
    let (code, said) = fetch(&format!("http://{}/moved", origin.address), &file);
    assert_eq!(code, Some(0), "{said}");
    assert!(std::fs::read(&file).unwrap() == body, "the file is another one");
    assert!(said.contains("3000000 of 3000000 bytes, 100 %\n"), "{said}");
    assert!(said.contains("302, to ") && said.contains("try 2 in "), "{said}");
    assert_eq!(folder.path().read_dir().unwrap().count(), 1, "the part has the name of the file");
    assert!(source("fetch.rs").lines().count() <= 60);
}

#[test]
fn fetch_says_what_went_wrong() {
    let (origin, folder) = (Served::start(Router::new()), Folder::new());
    let file = folder.join("file");
    let (code, said) = fetch(&format!("http://{}/absent", origin.address), &file);
    assert_eq!(code, Some(22), "{said}");
    assert!(said.contains("404"), "{said}");
    assert_eq!(fetch("http://", &file).0, Some(3));

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let broken = std::thread::spawn(move || {
        let mut wire = Wire::over(listener.accept().unwrap().0);
        wire.head();
        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf").half_close();
    });
    let (code, said) = fetch(&url, &file);
    broken.join().unwrap();
    assert_eq!(code, Some(18), "{said}");
    assert!(!file.exists());
    assert_eq!(run(&mut example("fetch"), b"").code, Some(2));
}
