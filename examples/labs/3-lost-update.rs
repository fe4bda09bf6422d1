//! Exercise 3: two people change one record, and no change is lost (RFC 9110, 13.1.1).
//!
//! Write `get` and `put`; `make lab-3` says what is missing next:
//! 1. The answer to GET has an entity tag, as `ETag: "1"`, which is another one after each change.
//! 2. A PUT with `If-Match: "1"` is performed (204) only if the record still has this tag, else answered 412.
//! 3. `If-Match` may be a list of tags, or `*`, which every record matches. A weak tag, `W/"1"`, matches none.
//! 4. A PUT without `If-Match` is answered 428 (RFC 6585, 3), so that no client can forget it.
//! 5. Of eight PUTs with the same tag at the same time, one is performed.
//!
//! By hand: `target/lab/lab-3 8080`, and in another terminal `client -i :8080/` and
//! `client -i -X PUT -d 'Ada Lovelace' -H 'If-Match: "1"' :8080/`.
#![allow(clippy::print_stdout, reason = "it is a program")]

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{env, thread};

/// A text that clients read and replace, and how often it was replaced.
struct Record(Mutex<(String, u64)>);

impl Record {
    fn read(&self) -> (String, u64) {
        self.0.lock().expect("no thread panics while it holds it").clone()
    }

    /// Replaces the text. This takes a while, as on a disk; until then, `read` returns the old one.
    fn write(&self, text: String) {
        thread::sleep(Duration::from_millis(20));
        let mut now = self.0.lock().expect("no thread panics while it holds it");
        *now = (text, now.1 + 1);
    }
}

/// A status with its reason, the fields, and the body.
type Answer = (&'static str, String, String);

fn main() -> io::Result<()> {
    let port = env::args().nth(1).unwrap_or("8080".to_owned());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}"))?;
    println!("listening on http://{}/", listener.local_addr()?);
    let record = Arc::new(Record(Mutex::new(("Ada Byron".to_owned(), 0))));
    for stream in listener.incoming() {
        let (stream, record) = (stream?, Arc::clone(&record));
        thread::spawn(move || serve(stream, &record));
    }
    Ok(())
}

/// Receives a request, and sends the answer of `get` or `put`.
fn serve(mut stream: TcpStream, record: &Record) -> io::Result<()> {
    let mut input = BufReader::new(stream.try_clone()?);
    let (mut head, mut length, mut if_match) = (String::new(), 0, None);
    while input.read_line(&mut head)? > 2 {
        let line = head.lines().last().unwrap_or_default();
        let (name, value) = line.split_once(':').unwrap_or_default();
        match name.to_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap_or(0),
            "if-match" => if_match = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    let mut body = String::new();
    input.take(length).read_to_string(&mut body)?;
    let (status, fields, body) = match head.split(' ').next() {
        Some("GET") => get(record),
        Some("PUT") => put(record, if_match.as_deref(), body),
        _ => ("405 Method Not Allowed", "Allow: GET, PUT\r\n".to_owned(), String::new()),
    };
    let (length, close) = (body.len(), "Connection: close\r\n\r\n");
    write!(stream, "HTTP/1.1 {status}\r\n{fields}Content-Length: {length}\r\n{close}{body}")
}

// Your part begins here.

/// Returns the record.
fn get(record: &Record) -> Answer {
    let (text, changes) = record.read();
    println!("not written yet: a tag for the text after {changes} changes");
    ("200 OK", "Content-Type: text/plain\r\n".to_owned(), text)
}

/// Replaces the record; `if_match` is the value of the field If-Match.
fn put(record: &Record, if_match: Option<&str>, text: String) -> Answer {
    println!("not written yet: a comparison with {if_match:?}");
    record.write(text);
    ("204 No Content", String::new(), String::new())
}
