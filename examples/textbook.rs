//! A web server on the standard library alone, in one file.
//! Run `cargo run --example textbook [ADDRESS]`, then `curl -v localhost:8080`, `curl -d hello localhost:8080/echo`, or
//! type a request into `nc localhost 8080`.
//!
//! One thread accepts, a channel carries connections, 16 workers serve them. A worker keeps its connection to the end:
//! 16 silent clients hold all workers for a minute. The textbook driver of the crate (`src/server/textbook.rs`) is the
//! same in the large. Left out: chunked bodies, 100 (Continue), 405, 408, 505, targets with `http:`, `Date`, files, logs.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};
use std::{env, panic, thread};

const WORKERS: usize = 16;
const QUEUE: usize = 128; // connections that wait for a worker; when it is full, accept waits, too
const HEAD: usize = 16 << 10; // bytes
const BODY: usize = 1 << 20; // bytes; each worker keeps one body at a time
const TIMEOUT: Duration = Duration::from_secs(60); // for a request, which a person may type
type Status = &'static str;

struct Request {
    route: String, // method and path
    keep_alive: bool,
    length: usize,
    body: Vec<u8>,
}

fn main() -> io::Result<()> {
    let listener = TcpListener::bind(env::args().nth(1).unwrap_or("127.0.0.1:8080".to_owned()))?;
    writeln!(io::stdout(), "listening on http://{}", listener.local_addr()?)?;
    let (sender, receiver) = mpsc::sync_channel(QUEUE);
    let receiver = Arc::new(Mutex::new(receiver));
    for _ in 0..WORKERS {
        let receiver = Arc::clone(&receiver);
        thread::spawn(move || {
            loop {
                // One worker waits for a connection, the others wait for the lock. This line releases it.
                let Ok(stream) = receiver.lock().expect("no holder panics").recv() else { return };
                // An error means that the client is gone. A panic costs one connection, and not the worker.
                let _ = panic::catch_unwind(|| serve(stream));
            }
        });
    }
    loop {
        match listener.accept() {
            Ok((stream, _)) => sender.send(stream).map_err(io::Error::other)?,
            Err(_) => thread::sleep(Duration::from_millis(50)), // such as: too many open files
        }
    }
}

/// Receives a request, handles it, sends the response, and repeats that: the loop of every web server.
fn serve(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?; // a response is one write, and need not wait for more
    stream.set_write_timeout(Some(TIMEOUT))?;
    let mut input = Vec::new(); // bytes that have arrived and are not used yet
    let mut keep_alive = true;
    while keep_alive {
        let request = receive(&mut stream, &mut input)?;
        let (status, body) = match &request {
            Ok(request) => handle(request),
            Err(status) => (*status, status.as_bytes()),
        };
        // After an error it is not known where the next request begins.
        keep_alive = request.as_ref().is_ok_and(|request| request.keep_alive);
        let is_head = request.as_ref().is_ok_and(|request| request.route.starts_with("HEAD "));
        let (close, length) = (if keep_alive { "" } else { "Connection: close\r\n" }, body.len());
        let head = format!("HTTP/1.1 {status}\r\n{close}Content-Length: {length}\r\n\r\n");
        stream.write_all(&[head.as_bytes(), if is_head { b"" } else { body }].concat())?;
    }
    // To close while bytes still arrive could destroy the response (RFC 9112, 9.6).
    stream.shutdown(Shutdown::Write)?;
    let deadline = Instant::now() + Duration::from_secs(1);
    while read(&mut stream, &mut Vec::new(), deadline).is_ok() {}
    Ok(())
}

fn handle(request: &Request) -> (Status, &[u8]) {
    match request.route.as_str() {
        "GET /" | "HEAD /" => ("200 OK", b"hello\n"),
        "POST /echo" => ("200 OK", &request.body),
        _ => ("404 Not Found", b"nothing is here\n"),
    }
}

/// Receives a request. The outer error ends the connection; the inner one is for the client.
fn receive(stream: &mut TcpStream, input: &mut Vec<u8>) -> io::Result<Result<Request, Status>> {
    let deadline = Instant::now() + TIMEOUT; // absolute: to send a byte now and then gains nothing
    let length = loop {
        // An empty line ends the head. A line ends with CR LF or LF (RFC 9112, 2.2).
        let ends =
            |n: &usize| matches!(input[..*n], [.., b'\n', b'\n'] | [.., b'\n', b'\r', b'\n']);
        match (0..=input.len()).find(ends) {
            Some(length) => break length,
            None if input.len() > HEAD => return Ok(Err("431 Request Header Fields Too Large")),
            None => read(stream, input, deadline)?,
        }
    };
    let parsed = parse(&String::from_utf8_lossy(&input.drain(..length).collect::<Vec<u8>>()));
    let Ok(mut request) = parsed else { return Ok(parsed) };
    while input.len() < request.length {
        read(stream, input, deadline)?;
    }
    request.body = input.drain(..request.length).collect();
    Ok(Ok(request))
}

/// Reads what has arrived, or waits for it until the deadline.
fn read(stream: &mut TcpStream, input: &mut Vec<u8>, deadline: Instant) -> io::Result<()> {
    stream.set_read_timeout(Some(deadline.saturating_duration_since(Instant::now())))?; // 0 is an error
    let mut buffer = [0; 8192];
    let count = stream.read(&mut buffer)?;
    input.extend_from_slice(&buffer[..count]);
    if count > 0 { Ok(()) } else { Err(ErrorKind::UnexpectedEof.into()) }
}

/// Returns a request without its body: the first line, the fields, an empty line.
fn parse(head: &str) -> Result<Request, Status> {
    let require = |is_right: bool| is_right.then_some(()).ok_or("400 Bad Request");
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let is_tchar = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let is_token = |text: &str| !text.is_empty() && text.chars().all(is_tchar);
    let is_bad = |line: &str| line.contains(|c: char| c.is_ascii_control() && c != '\t');
    let mut lines = head.strip_prefix("\r\n").unwrap_or(head).lines(); // RFC 9112, 2.2
    require(!lines.clone().any(is_bad))?;
    let mut first = lines.next().unwrap_or_default().splitn(3, ' ');
    let [method, target, version] = [(); 3].map(|()| first.next().unwrap_or_default());
    let is_new = version == "HTTP/1.1";
    require(is_token(method) && target.starts_with('/') && (is_new || version == "HTTP/1.0"))?;
    let (mut keep_alive, mut hosts, mut length) = (is_new, 0, None);
    for line in lines.take_while(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').unwrap_or_default();
        let (name, value) = (name.to_ascii_lowercase(), value.trim_ascii());
        require(is_token(&name))?; // such as no space before the colon
        match name.as_str() {
            "host" => hosts += 1,
            "connection" => keep_alive &= !value.to_ascii_lowercase().contains("close"),
            "transfer-encoding" => return Err("501 Not Implemented"),
            "content-length" => {
                require(length.is_none() && is_number(value))?;
                length = Some(value.parse().ok().filter(|n| *n <= BODY).ok_or("413 Too Large")?);
            }
            _ => {}
        }
    }
    require(hosts == 1 || (hosts == 0 && !is_new))?;
    let route = format!("{method} {}", target.split('?').next().unwrap_or_default());
    Ok(Request { route, keep_alive, length: length.unwrap_or(0), body: Vec::new() })
}
