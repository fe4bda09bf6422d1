//! `--trace`: where the time of each request went, beside our server, others', and none.

use std::process::Command;
use std::thread;
use std::time::Duration;

use super::fake::Fake;
use super::{fetch, other_servers, real_servers};
use crate::support::{Folder, Server, needs, run};

/// The rows of a picture by their labels, with the time in milliseconds and the note.
fn rows(picture: &str) -> Vec<(String, Option<f64>, String)> {
    let mut rows: Vec<(String, Option<f64>, String)> = Vec::new();
    for line in picture.lines().skip(1) {
        if line.starts_with("     ") {
            let (_, _, note) = rows.last_mut().expect("a row before its note");
            note.push_str(&format!(" {}", line.trim()));
            continue;
        }
        let chars: Vec<char> = line.chars().chain(std::iter::repeat_n(' ', 30)).collect();
        let part = |from: usize, to: usize| chars[from..to].iter().collect::<String>();
        let took = part(14, 22);
        let took = took.trim().split_once(' ').map(|(number, unit)| {
            let number: f64 = number.parse().unwrap_or_else(|_| panic!("no time: {line}"));
            number
                * if unit == "s" {
                    1e3
                } else if unit == "ms" {
                    1.0
                } else {
                    1e-3
                }
        });
        let note = line.rsplit('│').next().filter(|_| line.contains('│'));
        let note = note.map_or_else(|| part(24, chars.len()), str::to_owned);
        rows.push((part(2, 14).trim().to_owned(), took, note.trim().to_owned()));
    }
    rows
}

fn labels(picture: &str) -> Vec<String> {
    rows(picture).into_iter().map(|(label, ..)| label).collect()
}

/// Its time, and its note.
fn row(picture: &str, label: &str) -> (f64, String) {
    let found = rows(picture).into_iter().find(|(found, ..)| found == label);
    let (_, took, note) = found.unwrap_or_else(|| panic!("no {label}: {picture}"));
    (took.unwrap_or_default(), note)
}

/// What is on stderr before each request's title, and then what is not of a picture.
fn pictures(stderr: &str) -> Vec<&str> {
    assert!(!stderr.contains('\x1b'), "no colours but on a terminal: {stderr}");
    stderr.split_terminator("\n\n").map(|picture| picture.trim_start_matches('\n')).collect()
}

const WHOLE: [&str; 10] = [
    "resolve",
    "connect",
    "send",
    "wait",
    "queue",
    "parse",
    "handle",
    "first byte",
    "body",
    "total",
];

#[test]
fn both_halves_and_what_a_second_request_saves() {
    for driver in ["on", "off"] {
        let server = Server::start(&["--lobby", driver, "--workers", "3"]);
        let (slow, echo) = (server.url("/sleep/60"), server.url("/echo"));
        let finished = fetch(&["--trace", &slow, &echo]);
        let all = pictures(&finished.stderr);
        let [first, second] = all[..] else { panic!("two: {}", finished.stderr) };
        assert_eq!(finished.code, Some(0));
        assert!(finished.stdout.starts_with(b"slept 60 ms\nGET /echo"), "bodies go to stdout");

        assert_eq!(
            first.lines().next(),
            Some(&*format!("GET /sleep/60 from {}", server.address()))
        );
        assert_eq!(labels(first), WHOLE, "{first}");
        let (handle, note) = row(first, "handle");
        assert!(handle >= 60.0 && row(first, "wait").0 >= handle, "{first}");
        assert!(row(first, "total").0 >= row(first, "wait").0, "{first}");
        assert!(note.starts_with("worker ") && note.ends_with("; request 1 on #0"), "{note}");
        let ends = row(first, "connect").1;
        assert!(
            ends.starts_with(':') && ends.ends_with(&format!(" → {} #0", server.address())),
            "{ends}"
        );
        assert!(row(first, "first byte").1.ends_with(": 200 OK"), "{first}");
        assert!(row(first, "wait").1.ends_with(" of it on the way"), "{first}");
        assert_eq!(row(first, "total").1, "#0 is kept");

        let reused =
            ["reuse", "send", "wait", "queue", "parse", "handle", "first byte", "body", "total"];
        assert_eq!(labels(second), reused, "{second}");
        let saved = format!("{} #0; resolve and connect saved: ", server.address());
        assert!(row(second, "reuse").1.starts_with(&saved), "{second}");
        assert!(row(second, "handle").1.ends_with("; request 2 on #0"), "{second}");

        // Of a server that is not to tell, its half is not drawn.
        let mute = Server::start(&["--lobby", driver, "--server-timing", "off"]);
        let finished = fetch(&["--trace", &mute.url("/echo")]);
        let want = ["resolve", "connect", "send", "wait", "first byte", "body", "total"];
        assert_eq!(labels(pictures(&finished.stderr)[0]), want, "{}", finished.stderr);
    }
}

#[test]
fn a_queue_is_seen() {
    for driver in ["on", "off"] {
        let server = Server::start(&["--lobby", driver, "--workers", "1"]);
        let busy = server.url("/sleep/300");
        let busy = thread::spawn(move || fetch(&["-s", &busy]));
        thread::sleep(Duration::from_millis(100));
        let finished = fetch(&["--trace", &server.url("/echo")]);
        let (queue, handle) =
            (row(&finished.stderr[1..], "queue").0, row(&finished.stderr[1..], "handle").0);
        assert!(queue >= 50.0 && handle < 50.0, "{driver}: {}", finished.stderr);
        busy.join().expect("it is answered");
    }
}

#[test]
fn an_upload_and_a_head() {
    let server = Server::start(&[]);
    let folder = Folder::new();
    folder.write("body", vec![b'x'; 3 << 20]);
    let data = format!("@{}", folder.join("body").display());
    let finished =
        fetch(&["--trace", "--data-binary", &data, "-o", "/dev/null", &server.url("/echo")]);
    let picture = &finished.stderr[1..];
    assert!(row(picture, "send").1.ends_with(" bytes and 3145728 of body"), "{picture}");
    assert!(labels(picture).contains(&"receive".to_owned()), "{picture}");
    let finished = fetch(&["--trace", "-I", &server.url("/echo")]);
    assert!(!labels(&finished.stderr[1..]).contains(&"body".to_owned()), "{}", finished.stderr);
}

#[test]
fn a_failure_shows_how_far_it_got() {
    for (case, fake, reached) in [
        ("no answer", Fake::saying(""), "wait"),
        ("half a head", Fake::saying("HTTP/1.1 200 OK\r\nA"), "wait"),
        ("cut short", Fake::saying("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"), "body"),
    ] {
        let finished = fetch(&["--trace", &fake.url("/")]);
        assert_ne!(finished.code, Some(0), "{case}");
        let picture = pictures(&finished.stderr)[0];
        let picture = picture.split("client: (").next().unwrap_or_default();
        let note = row(picture, reached).1;
        assert!(note.contains("failed: "), "{case}: {picture}");
    }
    let finished = fetch(&["--trace", "http://127.0.0.1:1/"]);
    let picture =
        finished.stderr.trim_start_matches('\n').split("client: (").next().unwrap_or_default();
    assert_eq!(labels(picture), ["resolve", "connect", "total"], "{picture}");
    assert!(row(picture, "connect").1.contains("127.0.0.1:1: "), "{picture}");
    let late = Fake::new(|talk| talk.wait());
    let finished = fetch(&["--trace", "-m", "0.3", &late.url("/")]);
    let picture =
        finished.stderr.trim_start_matches('\n').split("client: (").next().unwrap_or_default();
    assert!((200.0..5000.0).contains(&row(picture, "wait").0), "{picture}");
    assert_eq!(finished.code, Some(28));
}

#[test]
fn what_other_servers_say_is_listed_and_plays_no_tricks() {
    let fake = Fake::saying(
        "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\
         Server-Timing: db;dur=12.5;desc=\"\u{9b}31mtwo\", cache;desc=hit, total;dur=-1\r\n\r\n",
    );
    let finished = fetch(&["--trace", &fake.url("/")]);
    let picture = &finished.stderr[1..];
    let want = [
        "resolve",
        "connect",
        "send",
        "wait",
        "db",
        "cache",
        "total",
        "interim",
        "first byte",
        "total",
    ];
    assert_eq!(labels(picture), want, "{picture}");
    assert_eq!(row(picture, "db"), (12.5, "\u{FFFD}31mtwo".to_owned()));
    assert!(row(picture, "interim").1.ends_with(": 103 Early Hints"), "{picture}");
}

#[test]
fn beside_servers_of_others_there_are_fewer_rows() {
    let want = ["resolve", "connect", "send", "wait", "first byte", "body", "total"];
    for (name, daemon) in real_servers::both() {
        let finished = fetch(&["--trace", &format!("{}/hello.txt", daemon.base)]);
        let picture = &finished.stderr[1..];
        assert_eq!(labels(picture), want, "{name}: {picture}");
        assert!(row(picture, "first byte").1.ends_with(": 200 OK"), "{name}: {picture}");
        assert_eq!(row(picture, "total").1, "#0 is kept", "{name}: {picture}");
    }
    if needs("python3") {
        let folder = Folder::with(&[("a", "hello")]);
        let (_python, base) = other_servers::python(&folder);
        let finished = fetch(&["--trace", &format!("{base}/a")]);
        let picture = &finished.stderr[1..];
        assert_eq!(labels(picture), want, "{picture}");
        assert!(row(picture, "total").1.starts_with("#0 is closed: "), "{picture}");
    }
}

/// In a terminal of the test's own: `script` gives one.
#[test]
fn colours_are_for_terminals_that_want_them() {
    if !needs("script") {
        return;
    }
    let server = Server::start(&[]);
    let line = format!("{} --trace {}", env!("CARGO_BIN_EXE_client"), server.url("/echo"));
    for (no_color, term, coloured) in
        [("", "xterm", true), ("1", "xterm", false), ("", "dumb", false)]
    {
        let mut command = Command::new("script");
        command.args(["-qec", &format!("stty cols 140; {line}"), "/dev/null"]);
        let finished = run(command.env("NO_COLOR", no_color).env("TERM", term), b"");
        let said = String::from_utf8_lossy(&finished.stdout).into_owned();
        assert_eq!(said.contains("\x1b[32m"), coloured, "{no_color:?} {term}: {said}");
        let bar = said.lines().find(|line| line.contains("handle")).expect("a row");
        assert!(bar.chars().filter(|&char| char == '│').count() == 2, "{bar}");
        assert!(bar.chars().count() > 80, "it is as wide as the terminal: {bar:?}");
    }
}

#[test]
fn hops_and_retries_have_a_picture_each() {
    let fake = Fake::new(|talk| {
        talk.request()?;
        talk.say("HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n")?;
        talk.hello(1)
    });
    let finished = fetch(&["--trace", "-L", &fake.url("/a")]);
    let all = pictures(&finished.stderr);
    let [first, second] = all[..] else { panic!("two: {}", finished.stderr) };
    assert_eq!(row(first, "total").1, format!("leads to {}", fake.url("/b")), "{first}");
    assert!(second.starts_with("GET /b from ") && labels(second)[0] == "reuse", "{second}");
    assert_eq!(finished.stdout, b"hello");
}
