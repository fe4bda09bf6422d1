//! Other people's clients get everything that the server has.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use crate::support::{Folder, Server, eventually, needs, root, run};

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

/// A file that is old enough to have a strong tag, a half of it in another folder, and its server.
fn half_loaded() -> (Server, Folder, Folder, Vec<u8>) {
    let (site, here) = (Folder::new(), Folder::new());
    let large: Vec<u8> = (0..=250).cycle().take(3_000_000).collect();
    site.write("large.bin", &large);
    set_time(&site, 784_111_777);
    here.write("large.bin", &large[..1_000_000]);
    let log = here.join("access.log");
    let server = Server::of(&site, &["--access-log", log.to_str().unwrap()]);
    (server, site, here, large)
}

/// When the large file was changed.
fn set_time(site: &Folder, seconds: u64) {
    let file = fs::File::options().write(true).open(site.join("large.bin")).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
}

/// Status and bytes of all answers so far, once there are so many.
fn logged(here: &Folder, count: usize) -> Vec<String> {
    eventually(|| {
        let log = fs::read_to_string(here.join("access.log")).unwrap_or_default();
        let answers: Vec<String> = log
            .lines()
            .filter_map(|line| line.rsplit_once("\" ")?.1.rsplit_once(' '))
            .map(|(answer, _)| answer.to_owned())
            .collect();
        Some(answers).filter(|answers| answers.len() >= count)
    })
    .expect("the log has a line for each")
}

#[test]
fn curl_resumes_a_download() {
    if !needs("curl") {
        return;
    }
    let (server, _site, here, large) = half_loaded();
    let (url, file) = (server.url("/large.bin"), here.join("large.bin"));
    let go_on = ["-C", "-", "-o", file.to_str().unwrap(), &url];
    for _ in 0..2 {
        curl(&go_on, b"");
        assert!(fs::read(&file).unwrap() == large);
    }
    let answers = logged(&here, 2);
    assert_eq!(answers[0], "206 2000000");
    assert!(answers[1].starts_with("416 "), "it has all of it: {answers:?}");
}

#[test]
fn curl_requests_a_file_if_it_is_newer() {
    if !needs("curl") {
        return;
    }
    let (server, site, here, _) = half_loaded();
    let (url, file, tag) = (server.url("/large.bin"), here.join("got"), here.join("tag"));
    let (file, tag) = (file.to_str().unwrap(), tag.to_str().unwrap());
    let status = |args: &[&str]| {
        let always = ["-o", "/dev/null", "-w", "%{http_code}", &url];
        text(&[args, &always].concat(), b"")
    };
    curl(&["-R", "-o", file, "--etag-save", tag, &url], b"");
    assert_eq!(status(&["-z", file]), "304");
    assert_eq!(status(&["-z", "Sun, 06 Nov 1994 08:49:36 GMT"]), "200");
    assert_eq!(status(&["-z", "-Sun, 06 Nov 1994 08:49:36 GMT"]), "412");
    assert_eq!(status(&["--etag-compare", tag]), "304");
    set_time(&site, 784_111_778);
    assert_eq!(status(&["-z", file]), "200");
    assert_eq!(status(&["--etag-compare", tag]), "200");
}

/// Runs wget in this folder.
fn wget(here: &Folder, args: &[&str]) {
    let mut command = Command::new("wget");
    command.args(["-nv", "--no-proxy", "--timeout=8", "--tries=1"]).args(args).current_dir(here);
    let finished = run(&mut command, b"");
    assert_eq!(finished.code, Some(0), "wget {args:?}: {}", finished.stderr);
}

#[test]
fn wget_resumes_a_download() {
    if !needs("wget") {
        return;
    }
    let (server, _site, here, large) = half_loaded();
    for _ in 0..2 {
        wget(&here, &["-c", &server.url("/large.bin")]);
        assert!(fs::read(here.join("large.bin")).unwrap() == large);
    }
    let answers = logged(&here, 2);
    assert_eq!(answers[0], "206 2000000");
    assert!(answers[1].starts_with("416 "), "it has all of it: {answers:?}");
}

#[test]
fn wget_fetches_what_is_newer() {
    if !needs("wget") {
        return;
    }
    let (server, site, here, large) = half_loaded();
    fs::remove_file(here.join("large.bin")).unwrap();
    for round in 0..4 {
        wget(&here, &["-N", &server.url("/large.bin")]);
        assert!(fs::read(here.join("large.bin")).unwrap() == large);
        if round == 1 {
            set_time(&site, 784_111_778);
        }
    }
    assert_eq!(logged(&here, 4), ["200 3000000", "304 0", "200 3000000", "304 0"]);
}

/// `make beside` grades others beside us; here it is only asked whether it does, and whether we fail nothing.
#[test]
fn make_beside_finds_nothing_wrong_with_us() {
    if !needs("python3") {
        return;
    }
    let built = Path::new(env!("CARGO_BIN_EXE_server")).parent().expect("a folder");
    let mut command = Command::new("python3");
    command.arg(root().join("tests/beside.py")).args(["--ours".as_ref(), built.as_os_str()]);
    let finished = run(&mut command, b"");
    let table = String::from_utf8_lossy(&finished.stdout).into_owned();
    assert_eq!(finished.code, Some(0), "{table}{}", finished.stderr);
    for level in ["first", "http10", "http11", "concurrent", "robust", "secure"] {
        assert!(table.contains(&format!("| `{level}` | 0 |\n")), "{table}");
    }
}
