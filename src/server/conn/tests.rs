use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use super::*;
use crate::net::usual_time::UsualTime;
use crate::server::handler::Request;
use crate::server::{Response, Router};

/// A connection that is served turn by turn, and its client.
struct Served {
    http: Http,
    connection: Connection,
    stream: TcpStream,
    client: TcpStream,
}

/// A driver with one connection.
struct Alone;

impl Driver for Alone {
    fn may_keep(&self) -> bool {
        true
    }
    fn before(&self, _: &UsualTime) {}
    fn after(&self, _: &UsualTime, _: Duration) {}
}

impl Served {
    fn new() -> Served {
        let router = Router::new();
        let router = router.get("/slow", |_: &mut Request| {
            thread::sleep(2 * TURN_TIME);
            Response::text("done")
        });
        let (routes, stop) = (router.build().unwrap(), StopSignal::new().unwrap());
        let limits = Limits::default();
        let http = Http::new(routes, limits, 1, None, AccessLog::Off, Arc::default(), stop);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, peer) = listener.accept().unwrap();
        stream.set_nonblocking(true).unwrap();
        let connection = http.open(peer);
        Served { http, connection, stream, client }
    }

    fn turn_after(&mut self, requests: &str) -> Next {
        self.client.write_all(requests.as_bytes()).unwrap();
        let next = self.http.turn(
            &mut self.connection,
            &self.stream,
            &mut Scratch::default(),
            &Alone,
            Duration::ZERO,
        );
        let _ = self.client.read(&mut [0; 4096]).unwrap();
        next
    }
}

/// A long turn is no reason to come again: a worker is called for who has waited, and not for who has
/// had a turn just now.
#[test]
fn after_a_long_turn_only_who_has_asked_for_more_comes_again() {
    const SLOW: &str = "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut served = Served::new();
    assert!(matches!(served.turn_after(SLOW), Next::Readable(_)));
    assert_eq!(served.turn_after(&SLOW.repeat(2)), Next::Yield);
}
