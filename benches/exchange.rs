//! Counts the instructions of one exchange in the protocol layer, by callgrind: a request is parsed, the
//! fields that the server looks for are looked up, and a small response is written.
//!
//! ```text
//! cargo bench --bench exchange
//! ```
//! The program runs itself twice under valgrind, with two numbers of exchanges; the difference is that
//! of the exchanges alone. The count is the same in every run, and a change of one percent can be seen.

// It prints, and no other program uses it.
#![allow(clippy::print_stdout, unreachable_pub, missing_docs)]

use std::env;
use std::hint::black_box;
use std::process::Command;

use threadbare::proto::buf::Buf;
use threadbare::proto::http::headers::Headers;
use threadbare::proto::http::limits::Limits;
use threadbare::proto::http::server::{Head, OutgoingHead, RecvHead};
use threadbare::proto::http::status::Status;

/// The smallest request, and one of a browser with 16 fields.
const REQUESTS: [(&str, &str); 2] = [
    ("smallest", "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"),
    (
        "browser",
        "GET /lab/what?x=y HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: Mozilla/5.0 (X11; Linux \
         x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\nAccept: text/html,application/xhtml+xml,\
         application/xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, \
         deflate, br, zstd\r\nReferer: http://127.0.0.1:8080/\r\nConnection: keep-alive\r\nCookie: \
         session=0123456789abcdef; theme=dark\r\nUpgrade-Insecure-Requests: 1\r\nSec-Fetch-Dest: \
         document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-User: ?1\r\n\
         Priority: u=0, i\r\nPragma: no-cache\r\nCache-Control: no-cache\r\n\r\n",
    ),
];

/// The two numbers of exchanges.
const FEW: u64 = 1000;
const MANY: u64 = 3000;

fn main() {
    let exchanges = env::var("EXCHANGES").ok().and_then(|count| count.parse().ok());
    let request = env::var("REQUEST").ok().and_then(|number| number.parse::<usize>().ok());
    match (request, exchanges) {
        (Some(request), Some(exchanges)) => exchange(REQUESTS[request].1, exchanges),
        _ => count(),
    }
}

fn count() {
    for (number, (name, request)) in REQUESTS.iter().enumerate() {
        match (instructions(number, FEW), instructions(number, MANY)) {
            (Some(few), Some(many)) => {
                let each = (many - few) / (MANY - FEW);
                println!("{name:<10} {:>5} bytes {each:>7} instructions", request.len());
            }
            _ => return println!("valgrind cannot be run; Debian has it in the package valgrind"),
        }
    }
}

/// Returns the instructions of a run of this program, as callgrind reports them.
fn instructions(request: usize, exchanges: u64) -> Option<u64> {
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe().ok()?)
        .env("REQUEST", request.to_string())
        .env("EXCHANGES", exchanges.to_string())
        .output()
        .ok()?;
    let report = String::from_utf8(run.stderr).ok()?;
    let collected = report.lines().find_map(|line| line.split_once("Collected :"))?;
    collected.1.trim().parse().ok()
}

/// Makes so many exchanges, as a connection does: each head in the memory of the one before it.
fn exchange(request: &str, exchanges: u64) {
    let (limits, common, fields) = (Limits::default(), common(), plain());
    let (mut input, mut out, mut recycled) = (Buf::new(), Vec::with_capacity(1 << 16), None);
    let mut recv = RecvHead::default();
    for _ in 0..exchanges {
        input.spare(16 << 10);
        input.extend(request.as_bytes());
        let Ok(Head::Complete(head, body)) = recv.receive_into(&mut recycled, &mut input, &limits)
        else {
            panic!("the request is valid and complete");
        };
        for name in ["if-none-match", "if-modified-since", "range", "if-match"] {
            black_box(head.headers.has(name));
        }
        out.clear();
        let response = OutgoingHead {
            status: Status::OK,
            fields: &fields,
            common: &common,
            timing: None,
            length: Some(6),
            may_stay: true,
        };
        let mut sending = body.finish().send_with(response, &mut out);
        sending.write(b"hello\n", &mut out);
        recycled = Some(head);
        recv = sending.finish(&mut out).expect("the connection stays");
        black_box(&out);
    }
}

fn plain() -> Headers {
    let mut fields = Headers::new();
    fields.append("Content-Type", "text/plain").expect("a valid field");
    fields
}

fn common() -> Headers {
    let mut fields = Headers::new();
    fields.append("Date", "Sun, 06 Nov 1994 08:49:37 GMT").expect("a valid field");
    fields.append("Server", "threadbare").expect("a valid field");
    fields
}
