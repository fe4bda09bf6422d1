//! tiny_http with sixteen threads that take requests, as its documentation shows it.

use std::sync::Arc;
use std::thread;

use tiny_http::{Header, Response, Server};

fn main() {
    let port = std::env::args().nth(1).unwrap_or("8080".into());
    let server = Arc::new(Server::http(format!("127.0.0.1:{port}")).expect("a free port"));
    let workers: Vec<_> = (0..16)
        .map(|_| {
            let server = Arc::clone(&server);
            thread::spawn(move || {
                let kind: Header =
                    "Content-Type: text/plain; charset=utf-8".parse().expect("a field");
                for request in server.incoming_requests() {
                    let _ =
                        request.respond(Response::from_string("ok\n").with_header(kind.clone()));
                }
            })
        })
        .collect();
    for worker in workers {
        let _ = worker.join();
    }
}
