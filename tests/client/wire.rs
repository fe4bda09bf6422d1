//! `--wire`, `--transcript`, `--explain`: what is shown is what was on the wire.

use std::fs;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::client;
use super::fake::Fake;
use crate::support::{Folder, Server, run};
use crate::wire::{bytes_shown, unescape};

/// The bytes that went one way on a connection, out of a transcript.
fn bytes_kept(transcript: &str, connection: usize, way: char) -> Vec<u8> {
    let begun = format!("#{connection} {way} ");
    let mut bytes = Vec::new();
    for line in transcript.lines() {
        let (seconds, rest) = line.split_once(' ').unwrap();
        assert!(seconds.parse::<f64>().is_ok(), "{line}");
        if let Some((_part, text)) = rest.strip_prefix(&begun).and_then(|it| it.split_once(' ')) {
            unescape(text, &mut bytes);
        }
    }
    bytes
}

/// A listener that answers two requests on each connection and keeps what it heard and said.
fn keeper() -> (Fake, Arc<Mutex<Vec<u8>>>) {
    let said = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&said);
    let fake = Fake::new(move |talk| {
        let say = |talk: &mut super::fake::Talk, bytes: &[u8]| {
            kept.lock().unwrap().extend_from_slice(bytes);
            talk.say(bytes)
        };
        talk.request()?;
        say(talk, b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n")?;
        thread::sleep(Duration::from_millis(60));
        say(
            talk,
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-E: \xff\r\n\r\n5;a=\"b\"\r\nhe",
        )?;
        thread::sleep(Duration::from_millis(60));
        say(talk, b"ll\xc3\r\n1\r\n\\\r\n0\r\nContent-Digest: x\r\n\r\n")?;
        talk.request()?;
        say(talk, b"HTTP/1.0 200 \r\nContent-Length: 100000\r\nConnection: keep-alive\r\n\r\n")?;
        let every: Vec<u8> = (0..=255).cycle().take(100_000).collect();
        say(talk, &every)
    });
    (fake, said)
}

#[test]
fn every_byte_is_shown_and_kept() {
    let folder = Folder::new();
    let (fake, said) = keeper();
    let transcript = folder.join("transcript");
    let path = transcript.to_str().unwrap();
    let urls = [fake.url("/a"), fake.url("/b")];
    let args = [
        "-s",
        "--wire",
        "--transcript",
        path,
        "-d",
        "a=\u{e9}",
        "-u",
        "ada:sesame",
        &urls[0],
        &urls[1],
    ];
    let finished = run(&mut client(&args), b"");
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let (shown, kept) = (finished.stderr, fs::read_to_string(&transcript).unwrap());
    let (heard, said) = (fake.requests().concat(), said.lock().unwrap().clone());
    for (name, requests, answers) in [
        ("shown", bytes_shown(&shown, 0, '>'), bytes_shown(&shown, 0, '<')),
        ("kept", bytes_kept(&kept, 0, '>'), bytes_kept(&kept, 0, '<')),
    ] {
        assert_eq!(String::from_utf8(requests).unwrap(), heard, "{name}");
        assert!(answers == said, "{name}");
    }
    if crate::support::needs("bash") {
        // As in the manual.
        let manual =
            fs::read_to_string(crate::support::root().join("src/manual/watching.md")).unwrap();
        let recipe = manual.lines().find(|line| line.starts_with("sed ")).unwrap();
        let recipe = recipe.replace("FILE", path);
        let output = run(Command::new("bash").args(["-c", &recipe]), b"");
        assert!(output.stdout == said, "{}", output.stderr);
    }
    let outline: Vec<String> = shown
        .lines()
        .map(|line| match line.split_once(" ms \u{b7}") {
            Some(_) => "pause".to_owned(),
            None => line[3..]
                .split(' ')
                .take_while(|word| !word.is_empty())
                .take(2)
                .collect::<Vec<_>>()
                .join(" "),
        })
        .collect();
    let mut outline = outline;
    outline.dedup();
    let want = "* opened,/> head/> body/< head/pause/< head/< size/< data/pause/< data/< end/< size/< data/< end/\
                < size/< trailer/* kept/* used/> head/> body/< head/< body/* kept";
    let mut told: Vec<&str> =
        outline.iter().map(String::as_str).filter(|word| *word != "pause").collect();
    told.dedup(); // a pause may be anywhere
    let mut wanted: Vec<&str> = want.split('/').filter(|word| *word != "pause").collect();
    wanted.dedup();
    assert_eq!(told, wanted, "a slow machine may pause elsewhere, too");
    assert!(outline.iter().filter(|word| *word == "pause").count() >= 2, "{outline:?}");
    for line in [
        "#0 > head    Authorization: Basic YWRhOnNlc2FtZQ==\\r\\n\n",
        "#0 < head    X-E: \\xFF\\r\\n\n",
        "#0 < data    ll\\xC3\n",
        "#0 > body    a=\u{e9}\n",
    ] {
        assert!(shown.contains(line), "no {line:?}");
    }
    assert!(!shown.contains('\x1b') && !kept.contains('\x1b'), "no colours but on a terminal");
}

#[test]
fn a_transcript_that_cannot_be_kept_is_an_error() {
    let fake = Fake::hello(1);
    let url = fake.url("/");
    run(&mut client(&["--transcript", "/no/such/folder/x", &url]), b"").failed(23, "no folder");
    assert_eq!(fake.connections(), 0, "nothing is sent");
    if fs::metadata("/dev/full").is_ok() {
        run(&mut client(&["-s", "-S", "--transcript", "/dev/full", &url]), b"").failed(23, "full");
    }
}

#[test]
fn heads_are_explained() {
    let server = Server::start(&[]);
    let url = server.url("/bytes/500");
    for (args, marks) in [
        (
            &["-s", "--explain"][..],
            ["> GET /bytes/500 HTTP/1.1\n  ^ GET: ", "< HTTP/1.1 200 OK\n  ^ 200: "],
        ),
        (
            &["-sv", "--explain"],
            ["> GET /bytes/500 HTTP/1.1\n  ^ GET: ", "< HTTP/1.1 200 OK\n  ^ 200: "],
        ),
        (
            &["-s", "--explain", "--wire"],
            [
                "head    GET /bytes/500 HTTP/1.1\\r\\n\n#0   ^ GET: ",
                "head    HTTP/1.1 200 OK\\r\\n\n#0   ^ 200: ",
            ],
        ),
    ] {
        let finished = run(&mut client(&[args, &[&url]].concat()), b"");
        let stderr = finished.stderr;
        assert_eq!(finished.code, Some(0), "{stderr}");
        let asked = "^ body: none, as no length is given (RFC 9112, 6.3)\n";
        let length = format!("^ body: {} bytes (RFC 9112, 6.2)\n", finished.stdout.len());
        let host = "^ whom the request is for; one address has many (RFC 9110, 7.2)\n";
        for mark in marks.into_iter().chain([asked, &length, host]) {
            assert!(stderr.contains(mark), "{args:?}: no {mark:?} in {stderr}");
        }
        assert!(stderr.lines().all(|line| line.chars().count() <= 120), "{stderr}");
        assert_eq!(stderr.matches(&length).count(), 1, "{stderr}");
    }
    let with_heads = run(&mut client(&["-si", "--explain", &url]), b"");
    assert!(with_heads.stdout.starts_with(b"HTTP/1.1 200 OK\r\n"), "stdout is what it was");
}
