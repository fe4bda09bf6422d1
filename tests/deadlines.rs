//! What takes too long, with the times made short. The library, not the binary.

use std::time::Duration;

use threadbare::server::{Config, Limits, Request, Response, Router, Server};

use crate::support::Wire;

#[test]
fn each_wait_ends_in_its_own_way() {
    let short = Duration::from_millis(300);
    let limits = Limits { head_time: short, transfer_grace: short, ..Limits::default() };
    let limits = Limits { idle_time: 2 * short, ..limits };
    let echo = |request: &mut Request| Response::text(request.head.target.path());
    let routes = Router::new().get("/a", echo).post("/a", echo).build().unwrap();
    let config = Config { limits, ..Config::default() };
    let server = Server::with_config(["127.0.0.1:0"], routes, config).unwrap();
    let (address, stop) = (server.addresses()[0], server.stop());
    let running = std::thread::spawn(|| server.run().unwrap());

    for (sent, status, byte) in [
        ("GET /a HTTP/1.1\r\nHost: a\r\nX", 408, "byte 27"),
        ("GET /a", 408, "byte 6"),
        ("\r\n\nGET /a", 408, "byte 6"),
        ("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhello", 408, "byte 5"),
    ] {
        let mut wire = Wire::to(address);
        let answer = wire.send(sent).answer();
        assert_eq!(answer.status(), status, "{sent:?}");
        assert!(answer.text().contains(byte), "{sent:?}: {}", answer.text());
        assert_eq!(wire.rest(), b"", "{sent:?}");
    }
    // Empty lines are no request that has begun, so the end is a quiet one.
    for sent in ["", "\r\n", "\r\n\r\n"] {
        let mut wire = Wire::to(address);
        assert_eq!(wire.send(sent).rest(), b"", "{sent:?}");
        let mut wire = Wire::to(address);
        wire.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n").send(sent).answer();
        assert_eq!(wire.rest(), b"", "{sent:?} behind a request");
    }
    stop.ask(Duration::from_secs(5));
    assert_eq!(running.join().unwrap().workers.panics, 0);
}
