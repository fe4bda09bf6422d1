//! `--compressed`: bombs, nginx, Apache and httpbin; the same in the library.

use std::io::Read as _;
use std::process::Command;
use std::time::{Duration, Instant};

use threadbare::client::{Client, CodingRule, ErrorKind, Request};

use super::beside_curl::curl;
use super::beside_curl::decoding::{Coded, gzip, response};
use super::fake::Fake;
use super::httpbin::httpbin;
use super::real_servers::{apache, nginx};
use super::{client, fetch};
use crate::support::{Finished, Folder, Server, needs, run};

/// A gigabyte of zeros, in a megabyte: sixteen members of 64 MB.
fn bomb() -> Vec<u8> {
    gzip(&vec![0; 64 << 20]).repeat(16)
}

/// Runs the client with at most 200 MB of address space.
fn in_little_memory(args: &[&str]) -> Finished {
    let line = "ulimit -v 200000; exec \"$0\" \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", line, env!("CARGO_BIN_EXE_client")]).args(args);
    run(&mut command, b"")
}

#[test]
fn a_bomb_needs_no_memory_and_ends_at_the_limit() {
    let bomb = bomb();
    assert!(bomb.len() < 2_000_000, "{} bytes", bomb.len());
    let (once, twice) = (response("gzip", &bomb), response("gzip, gzip", &gzip(&bomb)));
    for (name, answer) in [("once", once), ("twice", twice)] {
        let server = Fake::saying(answer);
        for most in ["100k", "20M"] {
            let begun = Instant::now();
            let url = server.url("/");
            let file = in_little_memory(&["--compressed", "-sS", "--max-filesize", most, &url]);
            assert_eq!(file.code, Some(63), "{name}: {}", file.stderr);
            assert!(file.stdout.len() <= 20 << 20 && file.stdout.iter().all(|byte| *byte == 0));
            assert!(begun.elapsed() < Duration::from_secs(20), "{name}: {:?}", begun.elapsed());
        }
        // Without a limit, what is written is counted by its reader.
        let args =
            ["--compressed", "-sS", "-m", "3", "-w", "%{stderr}%{exitcode}", "-o", "/dev/null"];
        let all = in_little_memory(&[&args[..], &[&server.url("/")]].concat());
        assert!([Some(0), Some(28)].contains(&all.code), "{name}: {}", all.stderr);
        // The library limits what it puts together.
        let got = Client::new().decode().get(&server.url("/")).send().expect("a head");
        let error = got.text().expect_err("too large");
        assert!(matches!(error.kind(), ErrorKind::TooLarge { .. }), "{error}");
    }
}

/// The time limit holds where nothing is waited for: two codings are a terabyte.
#[test]
fn the_time_limit_holds_while_a_bomb_is_decoded() {
    let bomb = bomb();
    let server = Fake::saying(response("gzip, gzip", &gzip(&bomb.repeat(3))));
    let limited = Client::new().decode().max_time(Duration::from_millis(700));
    let begun = Instant::now();
    let mut response = limited.get(&server.url("/")).send().expect("a head");
    let outcome = std::io::copy(&mut response, &mut std::io::sink());
    let error = outcome.expect_err("three gigabytes take longer");
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut, "{error}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

/// Compares stdout and the exit code with those of curl, and returns the output.
fn as_curl(args: &[&str]) -> Vec<u8> {
    let args = [&["--compressed"], args].concat();
    let (theirs, ours) = (run(&mut curl(&args), b""), fetch(&args));
    assert_eq!((ours.code, &ours.stderr), (theirs.code, &theirs.stderr), "{args:?}");
    assert!(ours.stdout == theirs.stdout, "{args:?}");
    ours.stdout
}

#[test]
fn nginx_and_apache_compress_and_the_content_is_the_same_as_with_curl() {
    if !needs("curl") {
        return;
    }
    for (name, server) in [("nginx", nginx()), ("Apache", apache())] {
        let Some(server) = server else { continue };
        let url = format!("{}/sub/page.html", server.base);
        assert!(as_curl(&[&url]) == "<p>".repeat(9_999).into_bytes(), "{name}");
        let counted = fetch(&["--compressed", "-o", "/dev/null", "-w", "%{size_download}", &url]);
        let bytes: usize = String::from_utf8_lossy(&counted.stdout).parse().expect("a number");
        assert!(bytes < 1000, "{name}: coded bytes are counted: {bytes}");
        let head = fetch(&["--compressed", "-I", &url]).stdout;
        let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
        assert!(head.contains("\r\ncontent-encoding: gzip\r\n"), "{name}: {head}");
        as_curl(&["-H", "Accept-Encoding: gzip", &url, &url, &url]);
        let both = as_curl(&["-i", "--raw", "-H", "Accept-Encoding: identity", &url]);
        assert!(both.ends_with(b"<p>"), "{name}: none was wanted");
        as_curl(&[&format!("{}/hello.txt", server.base), &format!("{}/nowhere", server.base)]);
        as_curl(&["--http1.0", &url]);
    }
}

#[test]
fn httpbin_compresses_in_two_ways() {
    let Some((_server, base)) = httpbin() else { return };
    for (path, word) in [("/gzip", "\"gzipped\": true"), ("/deflate", "\"deflated\": true")] {
        let content = match needs("curl") {
            // What it says of the request has the client's name in it.
            true => as_curl(&[
                "-A",
                "me",
                "-H",
                "Accept-Encoding: deflate, gzip",
                &format!("{base}{path}"),
            ]),
            false => fetch(&["--compressed", &format!("{base}{path}")]).stdout,
        };
        let content = String::from_utf8(content).expect("a text");
        assert!(content.contains(word), "{path}: {content}");
    }
}

/// Our server has files that were compressed before.
#[test]
fn our_server_and_our_client() {
    let coded = Coded::new();
    let folder = Folder::new();
    folder.write("page.txt", &coded.text);
    folder.write("page.txt.gz", &coded.gzip);
    let server = Server::of(&folder, &["--server-timing", "off"]);
    let url = server.url("/page.txt");
    let got = fetch(&["--compressed", "-w", "%{stderr}%{size_download}", &url, &url]);
    assert!(got.stdout == [&coded.text[..], &coded.text].concat());
    let length = coded.gzip.len();
    assert_eq!(got.stderr, format!("{length}{length}"));
    let piped = fetch(&["--compressed", "--pipeline", &url, &url]);
    assert!(piped.stdout == [&coded.text[..], &coded.text].concat(), "{}", piped.stderr);
    // A part of the file is not a part of what is sent: the rest is requested without a coding.
    let path = folder.join("have");
    folder.write("have", &coded.text[..5000]);
    let rest = fetch(&["--compressed", "-C", "-", "-o", &path.display().to_string(), &url]);
    assert_eq!(rest.code, Some(0), "{}", rest.stderr);
    assert!(std::fs::read(path).unwrap() == coded.text);
}

/// A server that sends the rest of a coded body, which was not asked for.
#[test]
fn a_rest_with_a_coding_is_refused() {
    let server = Fake::saying(
        "HTTP/1.1 206 Partial Content\r\nContent-Encoding: gzip\r\nContent-Range: bytes 5-9/10\r\n\
         Content-Length: 5\r\n\r\nhello",
    );
    let folder = Folder::with(&[("have", "01234")]);
    let path = folder.join("have").display().to_string();
    let refused = fetch(&["--compressed", "-C", "-", "-o", &path, &server.url("/")]);
    assert!(refused.failed(61, "a rest").contains("cannot be decoded alone"));
    assert_eq!(std::fs::read(&path).unwrap(), b"01234");
    assert!(!server.requests()[0].contains("Accept-Encoding"), "{server:?}");
}

/// The command that does the same asks in the same words, and decodes.
#[test]
fn the_command_for_curl_decodes_too() {
    let server = Fake::saying(response("gzip", &gzip(b"hello")));
    let line = fetch(&["--as", "curl", "--compressed", &server.url("/")]).succeeded();
    assert!(line.contains(" --compressed "), "{line}");
    if needs("curl") {
        let line = line.replacen("curl ", "curl -q -sS --noproxy '*' ", 1);
        let theirs = run(Command::new("sh").args(["-c", &line]), b"");
        assert_eq!(
            (theirs.code, &theirs.stdout[..]),
            (Some(0), &b"hello"[..]),
            "{}",
            theirs.stderr
        );
        assert_eq!(fetch(&["--compressed", &server.url("/")]).stdout, b"hello");
        let asked = server.requests();
        assert_eq!(asked[0], asked[1]);
    }
}

#[test]
fn errors_say_what_is_wrong_and_where() {
    let coded = Coded::new();
    for (answer, said) in [
        (response("x-new", b"hello"), "the coding \"x-new\" is not known; right: deflate, gzip"),
        (
            response("gzip", b"hello\n"),
            "gzip at byte 0: the data does not begin as this coding does",
        ),
        (
            response("gzip", &coded.gzip[..3000]),
            "gzip at byte 3000: the end of the data is missing",
        ),
    ] {
        let failed = fetch(&["--compressed", "-o", "/dev/null", &Fake::saying(answer).url("/")]);
        assert!(failed.failed(61, said).contains(said), "{}", failed.stderr);
    }
    let version = fetch(&["--version"]).stdout;
    assert!(String::from_utf8_lossy(&version).contains("inflate"), "{version:?}");
}

#[test]
fn the_library_decodes_where_it_is_told_to() {
    let coded = Coded::new();
    let server = Fake::saying(response("gzip", &coded.gzip));
    let url = server.url("/");
    let (decoding, plain) = (Client::new().decode(), Client::new());
    let text = String::from_utf8(coded.text.clone()).unwrap();
    let response = decoding.get(&url).send().unwrap();
    assert_eq!(response.content_length(), Some(coded.gzip.len() as u64), "the head is as received");
    assert_eq!(response.header("Content-Encoding"), Some("gzip"));
    assert_eq!(response.text().unwrap(), text);
    assert!(plain.get(&url).send().unwrap().bytes(1 << 20).unwrap() == coded.gzip);
    // Line by line, and the bytes that came.
    let mut whole = Vec::new();
    let mut response = decoding.get(&url).send().unwrap();
    response.read_to_end(&mut whole).unwrap();
    assert!(whole == coded.text && response.received() == coded.gzip.len() as u64);
    // A limit is one of what comes out, so one between the two lengths is passed.
    let between = coded.gzip.len() + 10;
    assert!(decoding.get(&url).send().unwrap().bytes(between).is_err());
    // Who asks: the methods of the client, unless they say it themselves, or want a part.
    let _ = decoding.get(&url).header("Accept-Encoding", "gzip;q=0.5").send();
    let _ = decoding.get(&url).header("Range", "bytes=0-4").send();
    let _ = decoding.send(&Request::get(&url).unwrap());
    let asked = server.requests();
    let asks = |number: usize| asked[number].contains("\r\nAccept-Encoding: deflate, gzip\r\n");
    let asked_for: Vec<bool> = (0..asked.len()).map(asks).collect();
    assert_eq!(asked_for, [true, false, true, true, false, false, false]);
}

#[test]
fn a_broken_body_is_an_error_of_the_library_behind_what_is_right() {
    let coded = Coded::new();
    let mut broken = coded.gzip.clone();
    let end = broken.len();
    broken[end - 8] ^= 1;
    let server = Fake::saying(response("gzip", &broken));
    let mut response = Client::new().decode().get(&server.url("/")).send().unwrap();
    let mut got = Vec::new();
    let error = response.read_to_end(&mut got).unwrap_err();
    assert!(got == coded.text && error.kind() == std::io::ErrorKind::InvalidData, "{error}");
    let error = response.piece().expect_err("and so it stays");
    let ErrorKind::ContentCoding(fault) = error.kind() else { panic!("{error}") };
    assert_eq!(fault.rule, CodingRule::Checksum);
    assert_eq!(
        error.to_string(),
        format!("{}: the body cannot be decoded: {fault}", server.url("/"))
    );
}

/// The body of a redirect is not decoded.
#[test]
fn the_coding_of_a_body_that_is_not_wanted_does_not_matter() {
    let server = Fake::new(move |talk| {
        talk.request()?;
        let fields = "Location: /b\r\nContent-Encoding: gzip, x-new\r\nContent-Length: 4\r\n";
        talk.say(format!("HTTP/1.1 302 Found\r\n{fields}\r\nhell"))?;
        talk.request()?;
        talk.say(response("gzip", &gzip(b"hello")))
    });
    assert_eq!(fetch(&["--compressed", "-L", &server.url("/")]).succeeded(), "hello");
    assert_eq!(server.connections(), 1);
    let asks = |request: &String| request.contains("\r\nAccept-Encoding: deflate, gzip\r\n");
    assert!(server.requests().iter().all(asks), "{server:?}");
}

/// `--pretty` and JSON see the content.
#[test]
fn json_is_shown_as_json() {
    let server =
        Fake::saying(response("gzip\r\nContent-Type: application/json", &gzip(b"{\"a\":[1]}")));
    let shown = run(
        client(&["--compressed", "--pretty", "always", &server.url("/")]).env("NO_COLOR", "1"),
        b"",
    );
    assert_eq!(shown.succeeded(), "{\n  \"a\": [\n    1\n  ]\n}\n");
}
