//! Servers of other authors: Python's, and a response that is typed into nc.

use std::io::Write as _;
use std::net::TcpListener;
use std::process::{ChildStdin, Command};
use std::thread;
use std::time::Duration;

use super::{client, fetch, fetched};
use crate::support::{Folder, Program, eventually, masked, needs};

/// Starts Python's http.server for this folder. Returns it with its URL.
pub(super) fn python(folder: &Folder) -> (Program, String) {
    let mut command = Command::new("python3");
    command.args(["-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory"]);
    let program = Program::start(command.arg(folder.path()));
    let said = program.stdout.until(|text| text.contains("/)"));
    let url = said.split(['(', ')']).nth(1).expect("a URL in brackets");
    let url = url.trim_end_matches('/').to_owned();
    (program, url)
}

#[test]
fn pythons_server_is_read_byte_for_byte() {
    if !needs("python3") {
        return;
    }
    let folder = Folder::with(&[("hello.txt", "hello\n"), ("empty", ""), ("sub/a b", "c")]);
    let every_byte: Vec<u8> = (0..=255).cycle().take(1_000_001).collect();
    folder.write("bytes.bin", &every_byte);
    let (_server, base) = python(&folder);
    let url = |path: &str| format!("{base}{path}");
    assert_eq!(fetched(&[url("/hello.txt")]), "hello\n");
    assert_eq!(fetched(&[url("/empty")]), "");
    assert!(fetch(&[url("/bytes.bin")]).stdout == every_byte);
    assert_eq!(fetched(&[url("/sub/a b"), url("/hello.txt")]), "chello\n", "one after the other");
    assert_eq!(fetched(&["--http1.0", &url("/hello.txt")]), "hello\n");
    assert!(fetched(&[url("/sub/")]).contains("<a href=\"a%20b\">a b</a>"));
    let head = fetched(&["-I", &url("/hello.txt")]);
    assert!(head.starts_with("HTTP/1.0 200 OK\r\nServer: SimpleHTTP/"), "{head}");
    assert!(head.contains("\r\nContent-Length: 6\r\n") && head.ends_with("\r\n\r\n"), "{head}");
}

/// By default no redirect is followed, and no status is an error.
#[test]
fn the_errors_of_pythons_server_are_shown_unchanged() {
    if !needs("python3") {
        return;
    }
    let folder = Folder::with(&[("sub/page", "x")]);
    let (_server, base) = python(&folder);
    let redirect = fetched(&["-i", &format!("{base}/sub")]);
    assert!(redirect.starts_with("HTTP/1.0 301 Moved Permanently\r\n"), "{redirect}");
    assert!(redirect.contains("\r\nLocation: /sub/\r\n") && redirect.ends_with("\r\n\r\n"));
    let lost = fetched(&["-i", &format!("{base}/nowhere")]);
    assert!(lost.starts_with("HTTP/1.0 404 File not found\r\n"), "{lost}");
    assert!(lost.contains("Error code: 404"), "{lost}");
    let refused = fetched(&["-i", "-d", "a=b", &format!("{base}/")]);
    assert!(refused.starts_with("HTTP/1.0 501 Unsupported method ('POST')\r\n"), "{refused}");
}

/// `nc -l` on a free port, its stdin, and where it listens. Between our letting go of the port and
/// nc taking it, another test may have it: then it is tried again.
fn netcat() -> (Program, ChildStdin, String) {
    let started = (0..9).find_map(|_| {
        let free = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = free.local_addr().expect("it is bound").port();
        drop(free);
        let mut command = Command::new("nc");
        let port = port.to_string();
        let (mut program, stdin) = Program::typing(command.args(["-v", "-l", "127.0.0.1", &port]));
        let listens = eventually(|| match program.stderr.text().contains("istening on") {
            true => Some(true),
            false => program.has_ended().then_some(false),
        });
        (listens == Some(true)).then(|| (program, stdin, format!("http://127.0.0.1:{port}")))
    });
    started.expect("nc finds a port")
}

#[test]
fn a_response_typed_by_hand() {
    if !needs("nc") {
        return;
    }
    let (nc, mut hand, url) = netcat();
    let fetching = Program::start(&mut client(&["-i", "-m", "9", &format!("{url}/by/hand")]));
    let seen = nc.stdout.until(|text| text.ends_with("\r\n\r\n"));
    let host = url.trim_start_matches("http://");
    assert_eq!(
        masked(seen.as_bytes()),
        format!(
            "GET /by/hand HTTP/1.1\r\nHost: {host}\r\n\
             User-Agent: threadbare/(version)\r\nAccept: */*\r\n\r\n"
        )
    );
    // Enter is a bare LF, and a person is slow and gives no length.
    for line in ["HTTP/1.1 200 OK\n", "Content-Type: text/plain\n", "\n", "hello,\n"] {
        line.bytes().for_each(|byte| {
            hand.write_all(&[byte]).expect("nc reads it");
            thread::sleep(Duration::from_millis(2));
        });
    }
    fetching.stdout.until(|text| text.ends_with("hello,\n"));
    hand.write_all(b"world\n").expect("nc reads it");
    fetching.stdout.until(|text| text.ends_with("world\n"));
    nc.signal("TERM"); // that ends nc, and the connection, and so the body
    let printed = "HTTP/1.1 200 OK\nContent-Type: text/plain\n\nhello,\nworld\n";
    assert_eq!(fetching.finish().succeeded(), printed);
}

#[test]
fn silence_and_nonsense_typed_by_hand() {
    if !needs("nc") {
        return;
    }
    let (nc, hand, url) = netcat();
    let fetching = Program::start(&mut client(&["-m", "9", &url]));
    nc.stdout.until(|text| text.ends_with("\r\n\r\n"));
    nc.signal("TERM");
    fetching.finish().failed(52, "nothing");
    drop(hand);

    let (_nc, mut hand, url) = netcat();
    let fetching = Program::start(&mut client(&["-m", "9", &url]));
    hand.write_all(b"what do you want?\n").expect("nc reads it");
    fetching.finish().failed(1, "nonsense");

    let (nc, mut hand, url) = netcat();
    let fetching = Program::start(&mut client(&["-m", "9", &url]));
    hand.write_all(b"HTTP/1.0 200 OK\nContent-Length: 10\n\nhello").expect("nc reads it");
    fetching.stdout.until(|text| text == "hello");
    nc.signal("TERM");
    let finished = fetching.finish();
    assert_eq!(finished.stdout, b"hello");
    finished.failed(18, "5 bytes of 10");
}
