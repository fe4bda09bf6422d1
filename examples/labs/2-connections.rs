//! Exercise 2: several requests on one connection, as in HTTP/1.1 (RFC 9112, 9.3).
//!
//! Write `serve`; `make lab-2` says what is missing next:
//! 1. The client sees where an answer ends, by `Content-Length`, and sends its next request on the same connection.
//! 2. The connection ends after `Connection: close`, and after HTTP/1.0. The answer says `Connection: close` before.
//! 3. The answer to HEAD is that to GET without its body.
//! 4. The body of a POST is read before the next request, and is the body of the answer.
//! 5. A client of HTTP/1.0 that says `Connection: keep-alive` is told the same, and keeps its connection.
//! 6. A request with `Transfer-Encoding` is answered 501, and the connection ends: where its body ends is not known.
//! 7. Ten requests in one run of the client take one connection or ten, as both sides agree.
//!
//! By hand: `target/lab/lab-2 8080`, and in another terminal `client -v :8080/ :8080/`.
#![allow(clippy::print_stdout, reason = "it is a program")]

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::{env, thread};

/// A request without its body. Field names are in small letters.
struct Request {
    method: String,
    version: String,
    fields: Vec<(String, String)>,
}

impl Request {
    fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|field| field.0 == name).map(|field| field.1.as_str())
    }
}

fn main() -> io::Result<()> {
    let port = env::args().nth(1).unwrap_or("8080".to_owned());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}"))?;
    println!("listening on http://{}/", listener.local_addr()?);
    for stream in listener.incoming() {
        let stream = stream?;
        thread::spawn(|| serve(stream)); // one thread for each connection; exercise 4 has fewer
    }
    Ok(())
}

/// Reads a head; `None` when the connection ends before it.
fn read_head(input: &mut impl BufRead) -> io::Result<Option<Request>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut words = lines.first().map_or("", String::as_str).split(' ').map(str::to_owned);
    let fields = lines.iter().skip(1).filter_map(|line| line.split_once(':'));
    Ok(Some(Request {
        method: words.next().unwrap_or_default(),
        version: words.nth(1).unwrap_or_default(),
        fields: fields
            .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
            .collect(),
    }))
}

// Your part begins here.

/// Serves the requests of a connection.
fn serve(stream: TcpStream) -> io::Result<()> {
    let mut output = stream.try_clone()?;
    let mut input = BufReader::new(stream);
    // not written yet: a length, and the next requests.
    let Some(request) = read_head(&mut input)? else { return Ok(()) };
    let (version, agent) = (&request.version, request.field("user-agent").unwrap_or("somebody"));
    println!("{} {version} of {agent}", request.method);
    output.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nhello\n")
}
