//! `client --misbehave`: our server copes with each kind; servers that do not are told so, with an exit code.

use std::io::{self, Read as _};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use crate::client::fake::{Fake, Talk};
use crate::client::{client, fetch};
use crate::support::{Finished, Server, run};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";

fn misbehave(how: &str, url: &str) -> Finished {
    run(&mut client(&["--misbehave", how, "-m", "1", url]), b"")
}

/// What it printed, without its figures.
fn said(finished: &Finished) -> String {
    let text = String::from_utf8(finished.stdout.clone()).unwrap();
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let mut words: Vec<&str> = line.split(' ').collect();
        // `after 1.23 ms`
        while let Some(at) = words.iter().position(|word| ["after", "for"].contains(word)) {
            let unit = words[at + 2];
            words[at + 2] = if unit.ends_with(',') { "(time)," } else { "(time)" };
            words.drain(at..=at + 1);
        }
        lines.push(words.join(" "));
    }
    lines.join("\n")
}

#[test]
fn our_server_copes_with_all_of_it() {
    for driver in ["on", "off"] {
        let server = Server::start(&["--lobby", driver, "--server-timing", "off"]);
        let url = server.url("/bytes/10");
        let other = "another client was answered 200 (time)";
        for (how, first, second) in [
            (
                "split-bytes",
                "each in a segment of its own",
                "the server answered 200 (time), and keeps the connection",
            ),
            (
                "half-close",
                "and closed the sending side",
                "the server answered 200 (time), and closed the connection",
            ),
            (
                "no-read",
                "and read nothing (time)",
                "the server answered 200, and keeps the connection",
            ),
            ("reset", "and reset the connection as the answer began", other),
            (
                "garbage",
                "sent 1,004 bytes at random (seed ",
                "the server answered 400 (time), and closed the connection",
            ),
            (
                "slow-head",
                "bytes of the head, one a second, (time)",
                "the server is still waiting (time)",
            ),
        ] {
            let done = misbehave(how, &url);
            let text = said(&done);
            assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{driver} {how}: {text}");
            let lines: Vec<&str> = text.lines().collect();
            assert!(lines[0].starts_with("sent ") && lines[0].contains(first), "{driver}: {text}");
            assert_eq!(lines[1], second, "{driver} {how}: {text}");
            assert_eq!(lines.last(), Some(&other), "{driver} {how}: {text}");
        }
        // In the middle of a body.
        let args = ["--misbehave", "reset", "-d", "0123456789", "-m", "1", &server.url("/echo")];
        let done = fetch(&args);
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        assert!(
            said(&done).contains(", and reset the connection in the body\n"),
            "{}",
            said(&done)
        );
    }
}

#[test]
fn a_server_that_ends_slow_heads_is_seen_to_do_so() {
    let server = Server::start(&["--head-time", "1"]);
    let done = fetch(&["--misbehave", "slow-head", "-m", "9", &server.url("/")]);
    let text = said(&done);
    assert_eq!(done.code, Some(0), "{text}{}", done.stderr);
    assert!(
        text.contains("\nthe server answered 408 (time), and closed the connection\n"),
        "{text}"
    );
}

/// The same seed sends the same bytes; each byte can be shown.
#[test]
fn garbage_is_repeatable() {
    let garbage = |seed| {
        let fake = Fake::new(|talk| {
            let bytes = talk.read_once()?;
            talk.keep(format!("{bytes:?}"));
            talk.say("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        });
        let done =
            fetch(&["--misbehave", "garbage", "--seed", seed, "--wire", "-m", "3", &fake.url("/")]);
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        assert!(done.stderr.contains("#0 * opened, to 127.0.0.1:"), "{}", done.stderr);
        fake.requests()[0].clone()
    };
    assert_eq!(garbage("7"), garbage("7"));
    assert_ne!(garbage("7"), garbage("8"));
}

/// How a server is wrong, and what is said of it.
type Wrong = (&'static str, fn(&mut Talk) -> io::Result<()>, u8, &'static str);

#[test]
fn servers_that_do_not_cope() {
    const WRONG: &[Wrong] = &[
        (
            "split-bytes",
            // The usual mistake: one read is taken for one request.
            |talk| match talk.read_once()?.ends_with(b"\r\n\r\n") {
                true => talk.say(OK),
                false => talk.say(OK.replace("200 OK", "400 Bad Request")),
            },
            22,
            "answered 400; right: 200, as to the same request sent at once",
        ),
        (
            "half-close",
            // The end of the client's side is taken for its leaving.
            |talk| {
                talk.request()?;
                thread::sleep(Duration::from_millis(50));
                if talk.is_silent_for(Duration::from_millis(10))? {
                    talk.say(OK)?;
                }
                Ok(())
            },
            52,
            "closed without an answer; right: an answer to a complete request",
        ),
        (
            "half-close",
            |talk| {
                talk.request()?;
                talk.say(&OK[..OK.len() - 1])
            },
            18,
            "",
        ),
        (
            "garbage",
            |talk| talk.read_once().and_then(|_| talk.say(OK)),
            22,
            "noise was answered 200",
        ),
        (
            "garbage",
            |talk| if talk.number == 0 { talk.wait() } else { talk.hello(1) },
            28,
            "no answer in time",
        ),
        // One client at a time.
        (
            "slow-head",
            |talk| talk.hello(1),
            22,
            "another client was not served: no answer within 3.00 s",
        ),
        (
            "no-read",
            |talk| talk.hello(9),
            22,
            "another client was not served: no answer within 3.00 s",
        ),
    ];
    for (how, script, code, says) in WRONG {
        let fake = Fake::new(script);
        let done = misbehave(how, &fake.url("/"));
        assert_eq!(done.code, Some((*code).into()), "{how}: {} {}", said(&done), done.stderr);
        assert!(done.stderr.contains(says), "{how}: {}", done.stderr);
    }
}

/// A server that ends when a client resets its connection, as one does that ignores no SIGPIPE.
#[test]
fn a_server_that_is_gone() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 1000]);
    });
    let done = misbehave("reset", &url);
    server.join().unwrap();
    assert_eq!(done.code, Some(7), "{}", done.stderr);
    assert!(done.stderr.contains("another client cannot connect any more"), "{}", done.stderr);
    // And one that was never there.
    let done = misbehave("garbage", &url);
    assert_eq!(done.code, Some(7), "{}", done.stderr);
}
