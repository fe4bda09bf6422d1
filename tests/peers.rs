//! Other people's clients get everything that the server has.

use std::fs;
use std::process::Command;

use crate::support::{Folder, Server, needs, root, run};

/// What curl gets, and what it tells about it with `-v`.
fn curl(args: &[&str], stdin: &[u8]) -> (Vec<u8>, String) {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--max-time", "8", "--noproxy", "*"]).args(args);
    let finished = run(&mut command, stdin);
    assert_eq!(finished.code, Some(0), "curl {args:?}: {}", finished.stderr);
    (finished.stdout, finished.stderr)
}

fn text(args: &[&str], stdin: &[u8]) -> String {
    String::from_utf8(curl(args, stdin).0).unwrap()
}

#[test]
fn curl_gets_files() {
    if !needs("curl") {
        return;
    }
    let server = Server::start(&[]);
    for (target, file) in
        [("/", "index.html"), ("/picture.svg", "picture.svg"), ("/about/", "about/index.html")]
    {
        let (got, _) = curl(&["--fail", &server.url(target)], b"");
        assert!(got == fs::read(root().join("www").join(file)).unwrap(), "{target}");
    }
    let (got, _) = curl(&["--fail", "--location", &server.url("/about")], b"");
    assert!(got == fs::read(root().join("www/about/index.html")).unwrap(), "through a redirect");
    let code =
        text(&["--output", "-", "--write-out", "%{http_code}", &server.url("/nowhere")], b"");
    assert!(code.ends_with("404"), "{code}");
}

#[test]
fn curl_gets_heads_only() {
    if !needs("curl") {
        return;
    }
    let server = Server::start(&[]);
    let length = fs::metadata(root().join("www/index.html")).unwrap().len();
    let head = text(&["--head", &server.url("/"), &server.url("/")], b"");
    assert_eq!(head.matches("HTTP/1.1 200 OK\r\n").count(), 2);
    assert_eq!(head.matches(&format!("\r\nContent-Length: {length}\r\n")).count(), 2);
}

#[test]
fn curl_speaks_1_0() {
    if !needs("curl") {
        return;
    }
    let server = Server::start(&[]);
    let (_, told) =
        curl(&["--http1.0", "-v", &server.url("/-/health"), &server.url("/-/health")], b"");
    assert_eq!(told.matches("< HTTP/1.1 200 OK").count(), 2, "{told}");
    assert_eq!(told.matches("< Connection: close").count(), 2, "{told}");
}

#[test]
fn curl_keeps_one_connection() {
    if !needs("curl") {
        return;
    }
    let server = Server::start(&[]);
    let urls = ["/-/health", "/nowhere", "/style.css", "/bytes/100000", "/echo"];
    let urls: Vec<String> = urls.iter().map(|target| server.url(target)).collect();
    let mut args = vec!["-v"];
    for url in &urls {
        args.extend(["--output", "/dev/null", url]);
    }
    let (_, told) = curl(&args, b"");
    assert_eq!(told.matches("< HTTP/1.1 ").count(), urls.len(), "{told}");
    assert_eq!(
        told.matches("* Connected to ").count() + told.matches("* Established connection").count(),
        1,
        "{told}"
    );
}

#[test]
fn curl_posts_a_form() {
    if !needs("curl") {
        return;
    }
    let server = Server::start(&[]);
    let echoed = text(&["-d", "name=First+Last", &server.url("/echo")], b"");
    assert!(echoed.starts_with("POST /echo HTTP/1.1\r\n"), "{echoed}");
    assert!(echoed.contains("\r\nContent-Type: application/x-www-form-urlencoded\r\n"), "{echoed}");
    assert!(echoed.ends_with("\r\n\r\nname=First+Last"), "{echoed}");
}

#[test]
fn curl_waits_for_100_before_two_megabytes() {
    if !needs("curl") {
        return;
    }
    let server = Server::start(&[]);
    let body: Vec<u8> = (0..=255).cycle().take(2 << 20).collect();
    let args = ["-v", "-H", "Expect: 100-continue", "--data-binary", "@-", &server.url("/echo")];
    let (echoed, told) = curl(&args, &body);
    assert!(told.contains("< HTTP/1.1 100 Continue"), "{told}");
    assert!(told.contains("< HTTP/1.1 200 OK"), "{told}");
    assert!(echoed.ends_with(&body), "it comes back as it was");
}

#[test]
fn curl_is_refused_before_it_sends_megabytes() {
    if !needs("curl") {
        return;
    }
    let server = Server::start(&[]);
    let args = ["-v", "-H", "Expect: 100-continue", "--data-binary", "@-", &server.url("/page")];
    let (refusal, told) = curl(&args, &[b'x'; 2 << 20]);
    assert!(refusal.starts_with(b"405 Method Not Allowed\n"));
    assert!(!told.contains("100 Continue"), "{told}");
}

#[test]
fn curl_uploads_chunks_from_a_pipe() {
    if !needs("curl") {
        return;
    }
    let server = Server::start(&[]);
    let body = vec![b'x'; 300_000];
    let (echoed, _) = curl(&["-T", "-", &server.url("/echo")], &body);
    let at = echoed.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let (head, rest) = echoed.split_at(at);
    let head = String::from_utf8_lossy(head).to_lowercase();
    assert!(head.starts_with("put /echo http/1.1\r\n"), "{head}");
    assert!(head.contains("\r\ntransfer-encoding: chunked\r\n"), "{head}");
    assert!(rest == body, "{} bytes", rest.len());
}

#[test]
fn curl_gets_a_large_file_whole() {
    if !needs("curl") {
        return;
    }
    let folder = Folder::new();
    let large: Vec<u8> = (0..=250).cycle().take(5_000_000).collect();
    folder.write("large.bin", &large);
    let server = Server::of(&folder, &[]);
    let (got, _) = curl(&["--fail", &server.url("/large.bin")], b"");
    assert!(got == large, "{} bytes", got.len());
}
