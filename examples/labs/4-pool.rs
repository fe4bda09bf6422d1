//! Exercise 4: a fixed number of workers, and a queue with an end (The Rust Programming Language, chapter 21; OSTEP).
//!
//! Write `Pool`; `make lab-4` says what is missing next:
//! 1. A client that says nothing holds up no other client: `submit` does not wait until a connection is served.
//! 2. There are WORKERS threads, no more. With four of them, eight requests of 300 ms take 600 ms.
//! 3. A panic costs its own request, and not the worker (`std::panic::catch_unwind`).
//! 4. At most QUEUE connections wait for a worker. When so many do, `submit` returns the next one, which gets 503.
//! 5. A client that says nothing holds its worker for TIMEOUT at most (`TcpStream::set_read_timeout`).
//!
//! By hand: `target/lab/lab-4 8080 4 8`, and in another terminal `client :8080/sleep/300`.
#![allow(clippy::print_stdout, reason = "it is a program")]

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;
use std::{env, thread};

const TIMEOUT: Duration = Duration::from_secs(1);

fn main() -> io::Result<()> {
    let args: Vec<usize> = env::args().skip(1).filter_map(|arg| arg.parse().ok()).collect();
    let [port, workers, queue] =
        [(0, 8080), (1, 4), (2, 8)].map(|(at, usual)| *args.get(at).unwrap_or(&usual));
    let listener = TcpListener::bind(format!("127.0.0.1:{port}"))?;
    println!("listening on http://{}/ with {workers} workers", listener.local_addr()?);
    let pool = Pool::start(workers, queue);
    for stream in listener.incoming() {
        if let Err(stream) = pool.submit(stream?) {
            let _ = refuse(stream); // it may have left
        }
    }
    Ok(())
}

/// Serves one request: `/sleep/N` takes N ms, and `/panic` is a mistake in a handler.
fn serve(mut stream: TcpStream) -> io::Result<()> {
    let mut head = String::new();
    let mut input = BufReader::new(stream.try_clone()?);
    while input.read_line(&mut head)? > 2 {}
    let target = head.split(' ').nth(1).unwrap_or_default();
    assert_ne!(target, "/panic", "a mistake in a handler");
    if let Some(Ok(time)) = target.strip_prefix("/sleep/").map(str::parse) {
        thread::sleep(Duration::from_millis(time));
    }
    answer(&mut stream, "200 OK", "done\n")
}

/// Answers 503. What has come is read first: closing would destroy the answer otherwise (RFC 9112, 9.6).
fn refuse(mut stream: TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_millis(20)))?;
    let _ = stream.read(&mut [0; 4096]);
    answer(&mut stream, "503 Service Unavailable", "all workers are busy\n")
}

fn answer(stream: &mut TcpStream, status: &str, body: &str) -> io::Result<()> {
    let (length, fields) = (body.len(), "Connection: close\r\nContent-Type: text/plain");
    write!(stream, "HTTP/1.1 {status}\r\n{fields}\r\nContent-Length: {length}\r\n\r\n{body}")
}

// Your part begins here.

/// The workers, and the queue that feeds them.
struct Pool;

impl Pool {
    /// Starts this many workers. In the queue is room for `queue` connections.
    fn start(workers: usize, queue: usize) -> Pool {
        println!("not written yet: {workers} workers, a queue for {queue}, and {TIMEOUT:?}");
        Pool
    }

    /// Gives a connection to the workers, or back if the queue is full.
    fn submit(&self, stream: TcpStream) -> Result<(), TcpStream> {
        if let Err(error) = serve(stream) {
            println!("this client has left: {error}");
        }
        Ok(())
    }
}
