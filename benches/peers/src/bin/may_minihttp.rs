//! may_minihttp: coroutines on a thread for each core, a minimal parser.

use std::io;

use may_minihttp::{HttpServer, HttpService, Request, Response};

#[derive(Clone)]
struct Answer;

impl HttpService for Answer {
    fn call(&mut self, _: Request, response: &mut Response) -> io::Result<()> {
        response.header("Content-Type: text/plain; charset=utf-8");
        response.body("ok\n");
        Ok(())
    }
}

fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("8080".into());
    let running = HttpServer(Answer).start(format!("127.0.0.1:{port}"))?;
    running.join().map_err(|_| io::Error::other("it panicked"))
}
