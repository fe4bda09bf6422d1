//! tiny_http with threads that take requests, as its documentation shows it: `tiny_http PORT [THREADS]`.
//! `/sleep/{ms}` and `/spin/{ms}` do what ours do; every other path is a small response.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tiny_http::{Header, Response, Server};

fn main() {
    let mut args = std::env::args().skip(1);
    let port = args.next().unwrap_or("8080".into());
    let threads = args.next().map_or(16, |number| number.parse().expect("a number of threads"));
    let server = Arc::new(Server::http(format!("127.0.0.1:{port}")).expect("a free port"));
    let workers: Vec<_> = (0..threads)
        .map(|_| {
            let server = Arc::clone(&server);
            thread::spawn(move || {
                let kind: Header =
                    "Content-Type: text/plain; charset=utf-8".parse().expect("a field");
                for request in server.incoming_requests() {
                    work(request.url());
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

fn work(path: &str) {
    if let Some(time) = path.strip_prefix("/sleep/").and_then(milliseconds) {
        thread::sleep(time);
    } else if let Some(time) = path.strip_prefix("/spin/").and_then(milliseconds) {
        spin(time);
    }
}

fn milliseconds(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text.parse::<f64>().ok()? / 1e3).ok()
}

/// Uses the processor for so long, as our own `/spin/{ms}` does: a step of the clock that is longer than
/// ten microseconds belongs to another thread.
fn spin(time: Duration) {
    const LONGEST_STEP: Duration = Duration::from_micros(10);
    let (mut left, mut before) = (time, Instant::now());
    while !left.is_zero() {
        let now = Instant::now();
        left = left.saturating_sub(now.duration_since(before).min(LONGEST_STEP));
        before = now;
    }
}
