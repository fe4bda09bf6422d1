//! Handlers that panic or break off: what it costs, and whom. The library, not the binary.

use std::io::{self, Read};
use std::time::Duration;

use threadbare::proto::http::head::RequestHead;
use threadbare::proto::http::status::Status;
use threadbare::server::refusal::Refusal;
use threadbare::server::{Body, Config, Handler, Request, Response, Router, Server};

use crate::support::{Served, Wire};

/// Panics when it is asked whether it takes a request.
struct PanicsAtTheHead;

impl Handler for PanicsAtTheHead {
    fn admit(&self, _: &RequestHead) -> Result<(), Refusal> {
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
        .get("/head", PanicsAtTheHead)
        .get("/chunks", move |_: &mut Request| Response::text("").body(Body::Read(body(), None)))
        .get("/ten", move |_: &mut Request| Response::text("").body(Body::Read(body(), Some(10))))
        .build()
        .unwrap();
    let config = Config { workers: 1, ..Config::default() };
    let server = Server::with_config(["127.0.0.1:0"], routes, config).unwrap();
    let (address, stop) = (server.addresses()[0], server.stop());
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
    stop.ask(Duration::from_secs(5));
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
