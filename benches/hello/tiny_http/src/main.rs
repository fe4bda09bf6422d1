//! `GET /hello/{name}` on tiny_http; the argument is the address.

use std::error::Error;
use std::sync::Arc;
use std::thread;

use tiny_http::{Method, Request, Response, Server};

fn answer(request: Request) -> std::io::Result<()> {
    let path = request.url().split('?').next().unwrap_or_default();
    let name = path.strip_prefix("/hello/").filter(|name| !name.is_empty() && !name.contains('/'));
    match (request.method(), name) {
        (Method::Get | Method::Head, Some(name)) => {
            let text = format!("hello, {name}\n");
            request.respond(Response::from_string(text))
        }
        (_, Some(_)) => request.respond(Response::empty(405)),
        (_, None) => request.respond(Response::empty(404)),
    }
}

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let address = std::env::args().nth(1).ok_or("usage: hello ADDRESS")?;
    let server = Arc::new(Server::http(address)?);
    let workers = (0..8).map(|_| {
        let server = Arc::clone(&server);
        thread::spawn(move || {
            for request in server.incoming_requests() {
                let _ = answer(request); // the client may be gone
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.join().map_err(|_| "a worker panicked")?;
    }
    Ok(())
}
