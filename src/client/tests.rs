//! The client against faulty servers, each a listener and a script.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::*;
use crate::proto::http::error::Rule;

/// A server that takes connections one after the other and plays one script on each.
struct Server {
    address: SocketAddr,
    thread: JoinHandle<()>,
}

type Script = Box<dyn FnOnce(&mut TcpStream) + Send>;

impl Server {
    fn new(scripts: Vec<Script>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let thread = thread::spawn(move || {
            for script in scripts {
                let (mut stream, _) = listener.accept().unwrap();
                // A faulty client must not make a test hang.
                stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
                script(&mut stream);
            }
        });
        Server { address, thread }
    }

    /// Reads one head on each connection, sends these bytes, and closes.
    fn sending(responses: &[&'static str]) -> Server {
        let script = |response: &'static str| -> Script {
            Box::new(move |stream| {
                read_head(stream);
                stream.write_all(response.as_bytes()).unwrap();
            })
        };
        Server::new(responses.iter().map(|response| script(response)).collect())
    }

    fn get(&self) -> Request {
        Request::get(&format!("http://{}/", self.address)).unwrap()
    }

    fn join(self) {
        self.thread.join().unwrap();
    }
}

/// Reads to the end of a head, byte by byte, and returns it.
fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

/// Resets the connection: closed with bytes unread, the kernel sends RST instead of FIN.
fn reset(stream: &mut TcpStream) {
    stream.peek(&mut [0]).unwrap();
    stream.shutdown(Shutdown::Both).unwrap();
}

/// Returns a client, and the text of the events that its observer received.
fn watched() -> (Client, Arc<Mutex<Vec<u8>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let observer = move |event: &Event<'_>| {
        event_text::write_event(event, &mut *kept.lock().unwrap()).unwrap();
    };
    (Client::new().max_time(Duration::from_secs(20)).observer(observer), seen)
}

fn text(seen: &Mutex<Vec<u8>>) -> String {
    String::from_utf8(seen.lock().unwrap().clone()).unwrap()
}

fn body(client: &Client, request: &Request) -> Result<String, Error> {
    let mut response = client.send(request)?;
    let mut text = Vec::new();
    while let Some(piece) = response.piece()? {
        text.extend_from_slice(piece);
    }
    Ok(String::from_utf8(text).unwrap())
}

/// The name of an error, or of the rule that the response breaks.
fn kind(error: &Error) -> String {
    match error.kind() {
        ErrorKind::Head(error) | ErrorKind::Body(error) => format!("{:?}", error.fault.rule),
        error => {
            let text = format!("{error:?}");
            text.split(|char: char| !char.is_alphanumeric()).next().unwrap_or_default().to_owned()
        }
    }
}

/// Returns the outcome of one response, after which the server closes: the body or the error.
fn outcome(response: &'static str) -> Result<String, String> {
    let server = Server::sending(&[response]);
    let client = Client::new().max_time(Duration::from_secs(20));
    let got = body(&client, &server.get()).map_err(|error| kind(&error));
    server.join();
    got
}

/// Returns a PUT of a large body that does not wait for a 100.
fn large_put(server: &Server) -> Request {
    let put = server.get().with_method("PUT").unwrap();
    put.with_body(vec![b'x'; LARGE]).without_default("Expect")
}

#[test]
fn responses_and_their_outcomes() {
    for (name, response, want) in [
        ("length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", Ok("hello")),
        ("no body", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Ok("")),
        ("204", "HTTP/1.1 204 No Content\r\n\r\n", Ok("")),
        ("close-delimited", "HTTP/1.0 200 OK\r\n\r\nhello", Ok("hello")),
        ("bare LF", "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", Ok("hello")),
        (
            "an error status is a response",
            "HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno",
            Ok("no"),
        ),
        (
            "chunks and trailers",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\nA: b\r\n\r\n",
            Ok("hello!"),
        ),
        (
            "interim responses first",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n\
             HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            Ok("hello"),
        ),
        ("nothing", "", Err("NoResponse")),
        ("cut in the head", "HTTP/1.1 200 OK\r\nContent-Le", Err("HeadIncomplete")),
        ("only an interim response", "HTTP/1.1 100 Continue\r\n\r\n", Err("NoResponse")),
        ("cut in the body", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", Err("CutShort")),
        (
            "cut in a chunk",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\nhello",
            Err("CutShort"),
        ),
        (
            "no last chunk",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            Err("CutShort"),
        ),
        (
            "no chunk",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello\r\n",
            Err("ChunkSize"),
        ),
        ("not HTTP", "220 mail.example.org ESMTP\r\n", Err("NoStatusLine")),
        (
            "two lengths",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
            Err("LengthRepeated"),
        ),
        ("HTTP/2", "HTTP/2.0 200 OK\r\n\r\n", Err("MajorVersion")),
    ] {
        assert_eq!(outcome(response), want.map(str::to_owned).map_err(str::to_owned), "{name}");
    }
}

#[test]
fn a_cut_body_is_never_a_shorter_body() {
    let server = Server::sending(&["HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello"]);
    let mut response = Client::new().send(&server.get()).unwrap();
    let mut text = String::new();
    let error = response.read_to_string(&mut text).unwrap_err();
    assert_eq!((error.kind(), text.as_str()), (io::ErrorKind::UnexpectedEof, "hello"));
    let line = error.to_string();
    assert!(line.ends_with("/: the body is incomplete: 5 bytes received, 45 missing"), "{line}");
    assert!(response.read(&mut [0]).is_err(), "and it stays an error");
    server.join();
}

#[test]
fn interim_responses_and_trailers_are_available() {
    let server = Server::sending(&["HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n\
        HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nSum: 1\r\n\r\n"]);
    let (client, seen) = watched();
    let mut response = client.send(&server.get()).unwrap();
    assert_eq!(response.interim()[0].headers.first("link"), Some(&b"a"[..]));
    assert!(response.piece().unwrap().is_none());
    assert_eq!(response.trailers().unwrap().first("sum"), Some(&b"1"[..]));
    let seen = text(&seen);
    assert!(
        seen.contains("< HTTP/1.1 103 Early Hints\n< Link: a\n< \n< HTTP/1.1 200 OK\n"),
        "{seen}"
    );
    assert!(seen.contains("< Sum: 1\n"), "{seen}");
    server.join();
}

const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/// Responds to this number of requests on a connection.
fn hello(times: usize) -> Script {
    Box::new(move |stream| {
        for _ in 0..times {
            assert!(!read_head(stream).is_empty());
            stream.write_all(HELLO.as_bytes()).unwrap();
        }
    })
}

#[test]
fn a_connection_is_used_again() {
    let server = Server::new(vec![hello(3)]);
    let (client, seen) = watched();
    for _ in 0..3 {
        assert_eq!(body(&client, &server.get()).unwrap(), "hello");
    }
    server.join();
    let seen = text(&seen);
    assert_eq!(seen.matches("* Connected to 127.0.0.1 (127.0.0.1) port").count(), 1, "{seen}");
    assert_eq!(seen.matches("* Re-using existing connection #0").count(), 2, "{seen}");
    assert_eq!(seen.matches("left intact").count(), 3, "{seen}");
}

#[test]
fn a_response_half_read_takes_its_connection_with_it() {
    let long = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello";
    let server = Server::sending(&[long, HELLO]);
    let (client, seen) = watched();
    drop(client.send(&server.get()).unwrap());
    assert_eq!(body(&client, &server.get()).unwrap(), "hello");
    let seen = text(&seen);
    assert!(seen.contains("* Closing connection #0: the response was not read to its end\n"));
    assert!(seen.contains("(#1)\n"), "{seen}");
    server.join();
}

#[test]
fn two_responses_at_a_time_have_two_connections() {
    let server = Server::new(vec![hello(1), hello(1)]);
    let client = Client::new();
    let mut first = client.send(&server.get()).unwrap();
    let mut second = client.send(&server.get()).unwrap();
    let mut text = String::new();
    second.read_to_string(&mut text).unwrap();
    first.read_to_string(&mut text).unwrap();
    assert_eq!(text, "hellohello");
    server.join();
}

#[test]
fn an_idle_connection_that_was_closed_is_not_reused() {
    let server = Server::new(vec![hello(1), hello(1)]);
    let (client, seen) = watched();
    let post = server.get().with_method("POST").unwrap();
    assert_eq!(body(&client, &post).unwrap(), "hello");
    thread::sleep(Duration::from_millis(50));
    assert_eq!(body(&client, &post).unwrap(), "hello", "even a POST: nothing was sent in vain");
    assert!(text(&seen).contains("* The server had closed connection #0\n"));
    server.join();
}

/// Responds to one request, reads the next one, and closes without a response.
fn leaves() -> Script {
    Box::new(|stream| {
        read_head(stream);
        stream.write_all(HELLO.as_bytes()).unwrap();
        read_head(stream);
    })
}

#[test]
fn a_stale_connection_is_retried_once_where_that_is_harmless() {
    let server = Server::new(vec![leaves(), hello(1)]);
    let (client, seen) = watched();
    assert_eq!(body(&client, &server.get()).unwrap(), "hello");
    assert_eq!(body(&client, &server.get()).unwrap(), "hello");
    assert!(text(&seen).contains("* Connection #0 broke before a response came"));
    server.join();

    let server = Server::new(vec![leaves()]);
    let client = Client::new();
    assert_eq!(body(&client, &server.get()).unwrap(), "hello");
    let post = server.get().with_method("POST").unwrap();
    assert!(
        matches!(body(&client, &post).unwrap_err().kind(), ErrorKind::NoResponse),
        "a POST is sent once"
    );
    server.join();
}

#[test]
fn a_fresh_connection_that_is_closed_is_not_retried() {
    let server = Server::sending(&[""]);
    let error = Client::new().send(&server.get()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NoResponse));
    server.join();
}

#[test]
fn a_reset_is_an_error() {
    let server = Server::new(vec![Box::new(|stream| {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello";
        stream.write_all(head.as_bytes()).unwrap();
        thread::sleep(Duration::from_millis(50));
        reset(stream);
    })]);
    // Left unread by the server: closing then resets the connection.
    let error = body(&Client::new(), &server.get()).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::CutShort { .. } | ErrorKind::Receive(_)),
        "{error:?}"
    );
    server.join();
}

#[test]
fn dripping_does_not_move_the_deadline() {
    for (phase, first) in
        [(Phase::Head, ""), (Phase::Body, "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n")]
    {
        let server = Server::new(vec![Box::new(move |stream| {
            read_head(stream);
            stream.write_all(first.as_bytes()).unwrap();
            let drip =
                b"HTTP/1.1 200 OK\r\nX: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
            for byte in drip {
                if stream.write_all(&[*byte]).is_err() {
                    return;
                }
                thread::sleep(Duration::from_millis(20));
            }
        })]);
        let client = Client::new().max_time(Duration::from_millis(300));
        let start = Instant::now();
        let error = body(&client, &server.get()).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Timeout { phase: at, .. } if *at == phase),
            "{error:?}"
        );
        assert!(start.elapsed() < Duration::from_millis(1000), "{:?}", start.elapsed());
        server.join();
    }
}

#[test]
fn a_server_that_never_responds_is_a_timeout() {
    let server = Server::new(vec![Box::new(|stream| {
        read_head(stream);
        stream.read(&mut [0]).unwrap_or_default();
    })]);
    let client = Client::new().max_time(Duration::from_millis(100));
    let error = client.send(&server.get()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Timeout { phase: Phase::Head, .. }), "{error:?}");
    let line = error.kind().to_string();
    assert_eq!(line, "timed out after 100ms while waiting for the response");
    server.join();
}

/// More than the sockets' buffers hold.
const LARGE: usize = 32 << 20;

const REFUSAL: &str = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno";

#[test]
fn a_response_before_the_end_of_the_request_is_read() {
    let stays: Script = Box::new(|stream| {
        read_head(stream);
        stream.write_all(REFUSAL.as_bytes()).unwrap();
        // Reads no more, and waits for the client to leave.
        stream.shutdown(Shutdown::Write).unwrap();
        thread::sleep(Duration::from_millis(200));
    });
    let stalls: Script = Box::new(|stream| {
        read_head(stream);
        stream.write_all(REFUSAL.replace("413", "200").as_bytes()).unwrap();
        thread::sleep(Duration::from_millis(1500));
    });
    let closes: Script = Box::new(|stream| {
        read_head(stream);
        stream.write_all(REFUSAL.as_bytes()).unwrap();
    });
    for (name, script) in [("stays", stays), ("stalls", stalls), ("closes", closes)] {
        let server = Server::new(vec![script]);
        let (client, seen) = watched();
        let put = large_put(&server);
        assert_eq!(body(&client, &put).unwrap(), "no", "{name}: {}", text(&seen));
        assert!(
            text(&seen).contains("* Closing connection #0: the body was shorter than announced\n"),
            "{name}"
        );
        server.join();
    }
}

#[test]
fn a_large_body_arrives_whole() {
    let server = Server::new(vec![Box::new(|stream| {
        let head = read_head(stream);
        assert!(head.contains(&format!("Content-Length: {LARGE}\r\n")), "{head}");
        let mut body = vec![0; LARGE];
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap();
        stream.read_exact(&mut body).unwrap();
        assert!(body.iter().all(|&byte| byte == b'x'));
        stream.write_all(HELLO.as_bytes()).unwrap();
    })]);
    let put = large_put(&server);
    assert_eq!(body(&Client::new(), &put).unwrap(), "hello");
    server.join();
}

#[test]
fn a_server_that_neither_reads_nor_responds_is_a_timeout() {
    let server = Server::new(vec![Box::new(|_| thread::sleep(Duration::from_millis(700)))]);
    let client = Client::new().max_time(Duration::from_millis(300));
    let put = large_put(&server);
    let error = client.send(&put).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Timeout { phase: Phase::Send, .. }), "{error:?}");
    server.join();
}

#[test]
fn clones_share_connections_between_threads() {
    let server = Server::new(vec![hello(2)]);
    let (client, request) = (Client::new(), server.get());
    for _ in 0..2 {
        let (client, request) = (client.clone(), request.clone());
        thread::spawn(move || assert_eq!(body(&client, &request).unwrap(), "hello"))
            .join()
            .unwrap();
    }
    server.join();
}

#[test]
fn a_refused_connection_is_an_error_of_one_line() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = Client::new().send(&Request::get(&address.to_string()).unwrap()).unwrap_err();
    let line =
        format!("could not connect to 127.0.0.1 port {}: Connection refused", address.port());
    assert_eq!((kind(&error).as_str(), in_one_line(error.kind())), ("Connect", line));
}

#[test]
fn the_error_names_the_fault_of_a_head() {
    let server = Server::sending(&["HTTP/1.1 200 OK\r\nA b: c\r\n\r\n"]);
    let error = Client::new().send(&server.get()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Head(error) if error.fault.rule == Rule::FieldName));
    assert!(in_one_line(&error).contains("RFC 9110, 5.1"), "{}", in_one_line(&error));
    server.join();
}

#[test]
fn an_http10_server_can_keep_a_connection() {
    let server = Server::sending(&[
        "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
    ]);
    let (client, seen) = watched();
    body(&client, &server.get()).unwrap();
    assert!(text(&seen).contains("left intact"), "{}", text(&seen));
    server.join();
}
