//! `client watch`: the events of a server, also of one that ends or breaks its streams.

use super::client;
use super::fake::Fake;
use crate::support::{Program, Server, run};

const STREAM: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n";

#[test]
fn the_messages_of_a_room_are_printed_as_they_come() {
    let server = Server::start(&[]);
    let mut watch = Program::start(&mut client(&["watch", &server.url("/rooms/tea?after=0")]));
    for number in 1..=3 {
        let said = client(&["-s", "-d", &format!("hello {number}"), &server.url("/rooms/tea")]);
        run(&mut { said }, b"");
        watch.stdout.until(|text| text.ends_with(&format!("hello {number}\n")));
    }
    assert_eq!(watch.stdout.text(), "hello 1\nhello 2\nhello 3\n");
    watch.signal("TERM");
    assert!(watch.exit_code().is_none(), "ended by the signal");
}

#[test]
fn the_status_of_a_server_is_drawn_once_a_second() {
    let server = Server::start(&["--workers", "2"]);
    let watch = Program::start(&mut client(&["watch", &server.url("/-/status")]));
    let text = watch.stdout.until(|text| text.matches("worker 2   idle").count() >= 2);
    let second = text.split("\n\nAll ").nth(1).unwrap_or_default();
    assert!(
        second.starts_with("2 workers are free, and nothing waits.\n\nqueue      empty\n"),
        "{text}"
    );
    assert!(second.contains("\nlobby      1 push\n"), "the one that watches: {text}");
    assert!(text.is_ascii() && !text.contains('\x1b'), "no escapes into a pipe: {text:?}");
    assert!(text.lines().all(|line| line.len() <= 80), "{text}");
}

/// With `-N`, as with curl, and without it.
#[test]
fn what_arrives_is_written_at_once() {
    let server = Server::start(&[]);
    for flags in [&["-s"][..], &["-sN"], &["-s", "--no-buffer"]] {
        let url = server.url("/rooms/coffee?after=0");
        let args = [flags, &["-H", "Accept: text/event-stream", &url]].concat();
        let says = ["-s", "-d", "hello", &server.url("/rooms/coffee")];
        run(&mut client(&says), b"");
        let follows = Program::start(&mut client(&args));
        follows.stdout.until(|text| text.starts_with("id: 1\ndata: hello\n\n"));
    }
}

/// The first stream ends, the second breaks off in the middle of an event, the third says that it is all.
#[test]
fn it_connects_again_and_asks_for_what_it_has_missed() {
    let fake = Fake::new(|talk| {
        let head = talk.head()?;
        let last = head.lines().find_map(|line| line.strip_prefix("Last-Event-ID: "));
        match last {
            None => talk.say(format!("{STREAM}Connection: close\r\n\r\nretry: 20\nid: 1\ndata: a\n\n")),
            Some("1") => talk.say(format!(
                "{STREAM}Content-Length: 999\r\n\r\nevent: kind\nid: 2\ndata: b\n\nid: 3\ndata: lost"
            )),
            Some(_) => talk.say("HTTP/1.1 204 No Content\r\n\r\n"),
        }
    });
    let finished = run(&mut client(&["watch", &fake.url("/")]), b"");
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert_eq!(String::from_utf8_lossy(&finished.stdout), "a\n[kind] b\n");
    let lines: Vec<&str> = finished.stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[0], "client: the server has ended the stream; connecting again in 0.02 s");
    assert!(lines[1].ends_with("; connecting again in 0.02 s"), "{}", lines[1]);
    assert_eq!(run(&mut client(&["watch", "-s", &fake.url("/")]), b"").stderr, "");
}

#[test]
fn what_is_no_event_stream_is_refused() {
    let server = Server::start(&[]);
    for (args, code) in [
        (&["watch", &*server.url("/")][..], 22),
        (&["watch", &*server.url("/nothing")], 22),
        (&["watch", "127.0.0.1:1"], 7),
        (&["watch"], 2),
        (&["watch", "a", "b"], 2),
    ] {
        run(&mut client(args), b"").failed(code, &format!("{args:?}"));
    }
}
