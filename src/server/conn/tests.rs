//! A connection whose turns are called by hand: what the turn asks of the driver.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use super::connection::Connection;
use super::connection_io::Scratch;
use super::turn::TURN_TIME;
use super::*;
use crate::net::accept::Accepted;
use crate::net::admission::{ConnectionLimiter, Overload, PerAddress};
use crate::net::service::{Next, Service as _, Speaks};
use crate::net::usual_time::UsualTime;
use crate::net::waker::Waker;
use crate::server::request::Request;
use crate::server::{Response, Router};

/// A connection that is served turn by turn, and its client.
struct Driven {
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
    fn waker(&self) -> Waker {
        Waker::new(|| {})
    }
    fn before(&self, _: &UsualTime) {}
    fn after(&self, _: &UsualTime, _: Duration) {}
}

impl Driven {
    fn new() -> Driven {
        let router = Router::new();
        let router = router.get("/slow", |_: &mut Request| {
            thread::sleep(2 * TURN_TIME);
            Response::text("done")
        });
        let (routes, stop) = (router.build().unwrap(), StopSignal::new().unwrap());
        let http = Http::new(HttpConfig::new(routes, stop));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, peer) = listener.accept().unwrap();
        let peer = PeerAddress::Tcp(peer);
        stream.set_nonblocking(true).unwrap();
        let limiter = ConnectionLimiter::new(1, PerAddress::Any, Overload::Reject);
        let permit = limiter.try_admit(peer).unwrap();
        let accepted = Accepted { stream, peer, at: Instant::now(), speaks: Speaks::Own, permit };
        let connection = http.open(&accepted);
        let stream = accepted.stream;
        Driven { http, connection, stream, client }
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

/// A long turn is not a reason for another one: that would call a worker for a connection that has just
/// had its turn.
#[test]
fn after_a_long_turn_only_a_connection_with_another_request_yields() {
    const SLOW: &str = "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut served = Driven::new();
    assert!(matches!(served.turn_after(SLOW), Next::Readable(_)));
    assert_eq!(served.turn_after(&SLOW.repeat(2)), Next::Yield);
}
