//! The library with routes of a test's own, on a free port.

use std::net::SocketAddr;
use std::time::Duration;

use threadbare::server::{Router, Server, StopSignal};

use super::wire::{Answer, Wire};

/// A server that is stopped when the test is over.
#[derive(Debug)]
pub struct Served {
    pub address: SocketAddr,
    stop: StopSignal,
}

impl Served {
    /// Serves these routes on a thread of its own.
    pub fn start(routes: Router) -> Served {
        let server = Server::bind("127.0.0.1:0", routes.build().unwrap()).unwrap();
        let served = Served { address: server.addresses()[0], stop: server.stop_signal() };
        std::thread::spawn(move || server.run());
        served
    }

    /// As [`ask`], on a connection of its own.
    pub fn ask(&self, request: &str, fields: &str) -> Answer {
        ask(&mut Wire::to(self.address), request, fields)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.request(Duration::ZERO);
    }
}

/// Sends a request, such as `GET /`, with these field lines, which have ` | ` between them, and reads
/// its answer.
pub fn ask(wire: &mut Wire, request: &str, fields: &str) -> Answer {
    let lines: String = fields.split_terminator(" | ").map(|line| format!("{line}\r\n")).collect();
    wire.send(format!("{request} HTTP/1.1\r\nHost: a\r\n{lines}\r\n"));
    if request.starts_with("HEAD ") {
        return Answer { head: wire.head(), body: Vec::new() };
    }
    wire.answer()
}
