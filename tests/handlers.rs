//! Handlers that panic or break off: what it costs, and whom. The library, not the binary.

use std::io::{self, Read, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use threadbare::proto::http::head::RequestHead;
use threadbare::proto::http::status::Status;
use threadbare::server::respond::error_response::ErrorResponse;
use threadbare::server::{
    Body, Config, Driver, Handler, Method, Request, Response, Router, Server,
};

use crate::support::{Served, Wire};

/// Panics when it is asked whether it takes a request.
struct PanicsAtTheHead;

impl Handler for PanicsAtTheHead {
    fn admit(&self, _: &RequestHead) -> Result<(), ErrorResponse> {
        panic!("on purpose")
    }
    fn handle(&self, _: &mut Request) -> Response {
        unreachable!("it was not admitted")
    }
}

/// A body that panics after some bytes of it.
struct PanicsInTheBody(bool);

impl Read for PanicsInTheBody {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        assert!(!self.0, "on purpose");
        self.0 = true;
        room[..5].copy_from_slice(b"hello");
        Ok(5)
    }
}

#[test]
fn a_panic_costs_its_own_request_and_nothing_else() {
    let body = || Box::new(PanicsInTheBody(false));
    let routes = Router::new()
        .get("/ok", |_: &mut Request| Response::text("ok\n"))
        .get("/handler", |_: &mut Request| -> Response { panic!("on purpose") })
        .route(Method::Get, "/head", PanicsAtTheHead)
        .get("/chunks", move |_: &mut Request| Response::text("").body(Body::Read(body(), None)))
        .get("/ten", move |_: &mut Request| Response::text("").body(Body::Read(body(), Some(10))))
        .build()
        .unwrap();
    let config = Config { workers: 1, ..Config::default() };
    let server = Server::with_config(["127.0.0.1:0"], routes, config).unwrap();
    let (address, stop) = (server.addresses()[0], server.stop_signal());
    let running = std::thread::spawn(|| server.run().unwrap());

    let request = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    for path in ["/handler", "/head"] {
        let mut wire = Wire::to(address);
        wire.send(request("/ok") + &request(path) + &request("/ok"));
        let statuses = [(); 3].map(|()| wire.answer().status());
        assert_eq!(statuses, [200, 500, 200], "{path}");
    }
    for (path, sent) in [("/chunks", "5\r\nhello\r\n"), ("/ten", "hello")] {
        let mut wire = Wire::to(address);
        wire.send(request("/ok") + &request(path) + &request("/ok"));
        assert_eq!(wire.answer().text(), "ok\n", "the answer before it arrives");
        assert!(wire.head().starts_with("HTTP/1.1 200 "), "{path}");
        assert_eq!(wire.rest(), sent.as_bytes(), "{path}: cut short, and the end");
    }
    stop.request(Duration::from_secs(5));
    let report = running.join().unwrap();
    let workers = report.workers;
    assert_eq!((workers.finished, workers.panics), (1, 0), "no panic came as far as the pool");
}

/// RFC 9110, 15.5.6: a 405 has an Allow, whoever says 405.
#[test]
fn a_405_of_a_handler_lists_what_else_there_is() {
    let refuse = |_: &mut Request| Response::text("no\n").status(Status::METHOD_NOT_ALLOWED);
    let served = Served::start(
        Router::new()
            .get("/a", |_: &mut Request| Response::text("ok\n"))
            .delete("/a", refuse)
            .put("/a", move |request: &mut Request| refuse(request).field("Allow", "POST")),
    );
    for (method, allow) in [("DELETE", "GET, HEAD, PUT, OPTIONS"), ("PUT", "POST")] {
        let answer = served.ask(&format!("{method} /a"), "");
        assert_eq!((answer.status(), answer.field("Allow")), (405, Some(allow)), "{method}");
    }
}

/// Five lines, each but the first one a pause after the one before.
struct Lines(u64);

const PAUSE: Duration = Duration::from_millis(100);

impl Read for Lines {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.0 > 0 && self.0 < 5 {
            std::thread::sleep(PAUSE);
        }
        let line = if self.0 < 5 { format!("line {}\n", self.0) } else { String::new() };
        self.0 += 1;
        room[..line.len()].copy_from_slice(line.as_bytes());
        Ok(line.len())
    }
}

/// Asks for `path`, and returns each line of the response's text with the time at which it had come.
fn lines_and_times(address: SocketAddr, path: &str) -> Vec<(String, Duration)> {
    let mut stream = TcpStream::connect(address).unwrap();
    let begun = Instant::now();
    stream
        .write_all(
            format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").as_bytes(),
        )
        .unwrap();
    let (mut lines, mut text, mut piece) = (Vec::new(), String::new(), [0; 1000]);
    loop {
        let count = stream.read(&mut piece).unwrap();
        text.push_str(std::str::from_utf8(&piece[..count]).unwrap());
        while let Some((line, rest)) = text.split_once('\n') {
            lines.push((line.to_owned(), begun.elapsed()));
            text = rest.to_owned();
        }
        if count == 0 {
            return lines;
        }
    }
}

/// The head comes at once, and each line when it is made: whether the length is known, and
/// whether the bodies of this route have been quick before.
#[test]
fn a_body_that_is_made_slowly_is_sent_as_it_comes() {
    for driver in [Driver::Lobby, Driver::Textbook] {
        let body = |start, length| {
            move |_: &mut Request| {
                Response::text("").body(Body::Read(Box::new(Lines(start)), length))
            }
        };
        let routes = Router::new()
            .get("/chunks", body(0, None))
            .get("/counted", body(0, Some(35)))
            .get("/late", |request: &mut Request| {
                let start = if request.head.target.query() == Some("quick") { 5 } else { 0 };
                Response::text("").body(Body::Read(Box::new(Lines(start)), None))
            })
            .build()
            .unwrap();
        let config = Config { workers: 2, driver, ..Config::default() };
        let server = Server::with_config(["127.0.0.1:0"], routes, config).unwrap();
        let (address, stop) = (server.addresses()[0], server.stop_signal());
        let running = std::thread::spawn(|| server.run().unwrap());
        // Once quick, the first line may wait for the second, and no longer.
        (0..100).for_each(|_| drop(lines_and_times(address, "/late?quick")));
        for (path, delayed) in [("/chunks", 0), ("/counted", 0), ("/late", 1)] {
            let lines = lines_and_times(address, path);
            let head = lines.iter().find(|(line, _)| line == "\r").unwrap().1;
            let times: Vec<Duration> = lines
                .iter()
                .filter(|(line, _)| line.starts_with("line"))
                .map(|line| line.1)
                .collect();
            assert_eq!(times.len(), 5, "{driver:?} {path}: {lines:?}");
            assert!(head < PAUSE / 2, "{driver:?} {path}: the head at once: {lines:?}");
            for (number, &time) in (0..).zip(&times) {
                let least = (PAUSE * number).saturating_sub(PAUSE / 10);
                let most = PAUSE * number.max(delayed) + PAUSE / 2;
                assert!(
                    (least..most).contains(&time),
                    "{driver:?} {path}, line {number}: {times:?}"
                );
            }
        }
        stop.request(Duration::from_secs(5));
        assert_eq!(running.join().unwrap().workers.panics, 0);
    }
}
