//! RFC 9112, held by what goes over the wire: what no other file of tests has a reason to look at.
//! In the order of its sections; the coverage page of the manual names them.

use crate::client::fake::Fake;
use crate::client::{client, fetch, fetched};
use crate::support::{Server, masked, run};

// 2, 3: messages and request lines

/// All that the client sends until it has its answer and leaves, to the byte.
fn all_that_is_sent(args: &[&str], stdin: &str) -> String {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(crate::support::PATIENCE)).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
        let mut all = String::new();
        stream.read_to_string(&mut all).unwrap();
        all
    });
    let args: Vec<_> = args.iter().map(|arg| arg.replace('~', &address)).collect();
    let finished = run(&mut client(&args), stdin.as_bytes());
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    masked(server.join().unwrap().replace(&address, "a:1").as_bytes())
}

#[test]
fn the_client_sends_a_request_and_no_byte_more() {
    let fields = "Host: a:1\r\nUser-Agent: threadbare/(version)\r\nAccept: */*\r\n";
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    for (args, want) in [
        (&["http://~"][..], format!("GET / HTTP/1.1\r\n{fields}\r\n")),
        (&["http://~?q#here"], format!("GET /?q HTTP/1.1\r\n{fields}\r\n")),
        (&["-X", "DELETE", "~/a b"], format!("DELETE /a%20b HTTP/1.1\r\n{fields}\r\n")),
        (&["-I", "~/x"], format!("HEAD /x HTTP/1.1\r\n{fields}\r\n")),
        (
            &["-d", "a=b", "~/x"],
            format!("POST /x HTTP/1.1\r\n{fields}{form}Content-Length: 3\r\n\r\na=b"),
        ),
        (
            &["-X", "OPTIONS", "-d", "a=b", "~/"],
            format!("OPTIONS / HTTP/1.1\r\n{fields}{form}Content-Length: 3\r\n\r\na=b"),
        ),
        (&["--http1.0", "~/x"], format!("GET /x HTTP/1.0\r\n{fields}\r\n")),
    ] {
        assert_eq!(all_that_is_sent(args, ""), want, "{args:?}");
    }
}

#[test]
fn a_method_longer_than_any_known_is_501() {
    let server = Server::start(&[]);
    for length in [8, 100, 8_000] {
        let method = "M".repeat(length);
        let request = format!("{method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let answer = server.exchange(request);
        assert!(answer.starts_with("HTTP/1.1 501 "), "{length} letters: {answer}");
    }
}

#[test]
fn request_lines_of_8000_bytes_are_sent_and_taken() {
    let server = Server::start(&[]);
    let path = format!("/echo?{}", "x".repeat(8_000 - "GET /echo? HTTP/1.1".len()));
    let echo = fetched(&[server.url(&path)]);
    assert!(echo.starts_with(&format!("GET {path} HTTP/1.1\r\n")), "{:.80}", echo);
}

#[test]
fn wrong_input_is_refused_not_repaired() {
    let server = Server::start(&[]);
    for target in ["/a b", "/\u{7f}", "/%", "/a\\b", "echo", "/<a>"] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let answer = server.exchange(request);
        assert!(answer.starts_with("HTTP/1.1 400 "), "{target}: {answer}");
    }
}

// 6: bodies

#[test]
fn doubtful_framing_ends_the_clients_connection() {
    for (head, code) in [
        // 1.0 knows no chunks: the framing is faulty (6.1).
        ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 8),
        ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 8),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 8),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n", 8),
        ("HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\n", 8),
        ("HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n", 8),
    ] {
        let fake = Fake::new(move |talk| {
            talk.request()?;
            talk.say(format!("{head}5\r\nhello\r\n0\r\n\r\n"))?;
            talk.wait()
        });
        let url = fake.url("/");
        let finished = fetch(&["-m", "9", &url, &url]);
        assert_eq!((finished.code, &finished.stdout[..]), (Some(code), &b""[..]), "{head}");
        assert_eq!(fake.connections(), 2, "no second request on the first connection: {head}");
    }
}

// 9: connections

#[test]
fn close_from_either_end_ends_the_clients_connection() {
    let plain = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    let close = plain.replace("\r\n\r\n", "\r\nConnection: x, Close\r\n\r\n");
    let old = plain.replace("HTTP/1.1", "HTTP/1.0");
    let field = ["-H", "Connection: close"];
    for (args, answer, connections) in
        [(&[][..], plain, 1), (&field[..], plain, 2), (&[], &*close, 2), (&[], &*old, 2)]
    {
        let answer = answer.to_owned();
        let fake = Fake::new(move |talk| {
            while talk.request().is_ok() {
                talk.say(&answer)?;
            }
            Ok(())
        });
        let url = &*fake.url("/");
        assert_eq!(fetched(&[args, &[url, url]].concat()), "hellohello", "{args:?}");
        assert_eq!((fake.connections(), fake.requests().len()), (connections, 2), "{args:?}");
    }
}
