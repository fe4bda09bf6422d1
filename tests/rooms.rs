//! `/rooms/{name}`: clients that talk to each other through the server.

use std::time::{Duration, Instant};

use crate::support::{Answer, SOON, Server, Wire, eventually};

fn say(server: &Server, room: &str, fields: &str, text: &str) -> Answer {
    let length = text.len();
    let request = format!(
        "POST /rooms/{room} HTTP/1.1\r\nHost: localhost\r\n{fields}Content-Length: {length}\r\n\r\n{text}"
    );
    server.connect().send(request).answer()
}

fn listen(server: &Server, target: &str, fields: &str) -> Wire {
    let mut wire = server.connect();
    wire.send(format!(
        "GET /rooms/{target} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n{fields}\r\n"
    ));
    let head = wire.head();
    assert!(head.contains("\r\nContent-Type: text/event-stream\r\n"), "{head}");
    wire
}

/// Reads chunks until the text ends with this.
fn until(wire: &mut Wire, end: &str) -> String {
    let mut text = String::new();
    while !text.ends_with(end) {
        text.push(char::from(wire.take(1)[0]));
    }
    text
}

#[test]
fn a_message_gets_a_number_and_reaches_everyone() {
    for driver in ["on", "off"] {
        let server = Server::start(&["--lobby", driver, "--workers", "8"]);
        let mut all = [(); 3].map(|()| listen(&server, "tea", ""));
        let mut other = listen(&server, "coffee", "");
        for id in 1..=3 {
            let answer = say(&server, "tea", "", &format!("hello {id}"));
            assert_eq!(answer.status(), 201);
            assert_eq!(answer.text(), format!("{{\"room\":\"tea\",\"id\":{id}}}\n"));
            assert_eq!(answer.field("location"), Some(&*format!("/rooms/tea?after={}", id - 1)));
            for wire in &mut all {
                let want = format!("id: {id}\ndata: hello {id}\n\n");
                assert!(until(wire, "\n\n").ends_with(&want));
            }
        }
        assert_eq!(say(&server, "coffee", "", "x").text(), "{\"room\":\"coffee\",\"id\":1}\n");
        assert!(until(&mut other, "\n\n").ends_with("id: 1\ndata: x\n\n"));
        // Who was cut off goes on where it was.
        let mut late = listen(&server, "tea", "Last-Event-ID: 1\r\n");
        assert!(until(&mut late, "3\n\n").contains("id: 2\ndata: hello 2\n\nid: 3\n"));
        let mut asked = listen(&server, "tea?after=2", "");
        assert!(until(&mut asked, "\n\n").contains("id: 3\n"));
    }
}

#[test]
fn a_poll_is_answered_at_once_or_when_there_is_a_message_or_in_time() {
    for driver in ["on", "off"] {
        let server = Server::start(&["--lobby", driver, "--workers", "8"]);
        say(&server, "tea", "", "one\n\"quoted\"");
        say(&server, "tea", "Content-Type: application/json\r\n", "{\"a\": 1}");
        let answer = server.get("/rooms/tea");
        assert_eq!(answer.field("content-type"), Some("application/json"));
        let all = "[{\"id\":1,\"data\":\"one\\n\\\"quoted\\\"\"},{\"id\":2,\"data\":{\"a\": 1}}]\n";
        assert_eq!(answer.text(), all);
        let begun = Instant::now();
        assert_eq!(server.get("/rooms/tea?after=2&wait=0.0").status(), 400);
        assert_eq!(server.get("/rooms/tea?after=2&wait=0").text(), "[]\n");
        assert_eq!(server.get("/rooms/tea?after=2&wait=1").text(), "[]\n");
        assert!(begun.elapsed() >= Duration::from_secs(1) && begun.elapsed() < SOON);
        let mut waiting = server.connect();
        waiting.send("GET /rooms/tea?after=2 HTTP/1.1\r\nHost: localhost\r\n\r\n");
        waiting.head();
        say(&server, "tea", "", "three");
        assert!(until(&mut waiting, "]\n").ends_with("[{\"id\":3,\"data\":\"three\"}]\n"));
    }
}

#[test]
fn what_is_no_message_and_no_room_is_refused() {
    let server = Server::start(&["--max-message", "10", "--max-rooms", "2", "--max-members", "1"]);
    let json = "Content-Type: application/json\r\n";
    for (room, fields, text, want) in [
        ("tea", "", "12345678901", 413),
        ("tea", json, "{no", 400),
        ("tea", "", "x", 201),
        ("t%20ea", "", "x", 400),
        ("", "", "x", 405), // a path of files
        (&"x".repeat(65), "", "x", 400),
    ] {
        assert_eq!(say(&server, room, fields, text).status(), want, "{room} {text}");
    }
    let request = b"POST /rooms/tea HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n\xff";
    assert_eq!(server.connect().send(request).answer().status(), 400);
    assert_eq!(server.get("/rooms/tea?after=x").status(), 400);
    let _first = listen(&server, "tea", "");
    assert_eq!(server.get("/rooms/tea").status(), 503, "one member is all");
    let _second = listen(&server, "coffee", "");
    let answer = say(&server, "water", "", "x");
    assert_eq!(answer.status(), 503);
    assert!(answer.text().contains("There are 2 rooms"), "{}", answer.text());
}

#[test]
fn fifty_members_of_two_workers_hold_none() {
    let server = Server::start(&["--workers", "2"]);
    let mut all: Vec<Wire> = (0..50).map(|_| listen(&server, "tea", "")).collect();
    assert_eq!(server.get("/-/health").status(), 200);
    say(&server, "tea", "", "x");
    all.iter_mut().for_each(|wire| assert!(until(wire, "\n\n").contains("data: x")));
    let waiting = || server.get("/-/metrics").text().contains("phase=\"push\"} 50").then_some(());
    assert!(eventually(waiting).is_some(), "{}", server.get("/-/metrics").text());
    drop(all);
    let gone = || server.get("/-/metrics").text().contains("phase=\"push\"} 0").then_some(());
    assert!(eventually(gone).is_some());
}
