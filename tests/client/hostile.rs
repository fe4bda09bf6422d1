//! Hostile servers. Whatever they do, the client ends in bounded memory with the right exit code, and the
//! bytes of a body that arrived are on stdout.

use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use threadbare::client::{Client, ErrorKind, Phase};

use super::fake::{Fake, Talk};
use super::{client, fetch, fetched};
use crate::support::{Finished, Program, SOON, Server, run, skipped};

const OK: &str = "HTTP/1.1 200 OK\r\n";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// Returns the outcome of a response, after which the server closes: the body, and the exit code.
fn outcome(answer: &str) -> (String, i32) {
    let finished = fetch(&["-m", "9", &Fake::saying(answer).url("/")]);
    let code = finished.code.expect("no signal");
    if code != 0 {
        finished.failed(code.try_into().expect("a code"), answer);
    }
    (String::from_utf8(finished.stdout).expect("UTF-8"), code)
}

#[test]
fn responses_of_every_kind() {
    for (answer, body, code) in [
        // Well formed, if unusual.
        ("HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello".to_owned(), "hello", 0),
        ("HTTP/1.1 200 OK\nContent-Length: 5\n\nhello".to_owned(), "hello", 0),
        ("HTTP/1.0 200 OK\r\n\r\nhello".to_owned(), "hello", 0),
        (format!("{OK}\r\nhello"), "hello", 0),
        (format!("{OK}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"), "hello", 0),
        (format!("{OK}Content-Length : 5, 5\r\n\r\nhello"), "hello", 0),
        (format!("{OK}Content-Length: 5\r\n\r\nhello, and more"), "hello", 0),
        ("HTTP/1.1 204 No Content\r\n\r\nhello".to_owned(), "", 0),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n".to_owned(), "", 0),
        ("HTTP/1.1 599 Odd\r\nContent-Length: 5\r\n\r\nhello".to_owned(), "hello", 0),
        (format!("HTTP/1.1 100 Continue\r\n\r\n{OK}Content-Length: 5\r\n\r\nhello"), "hello", 0),
        (
            format!("{CHUNKED}5;a=b;c=\"d\"\r\nhello\r\n0A\r\n, chunked!\r\n000\r\nSum: 1\r\n\r\n"),
            "hello, chunked!",
            0,
        ),
        // Cut short: what came is there.
        (format!("{OK}Content-Length: 50\r\n\r\nhello"), "hello", 18),
        (format!("{OK}Content-Length: 50\r\n\r\n"), "", 18),
        (format!("{CHUNKED}5\r\nhello\r\n"), "hello", 18),
        (format!("{CHUNKED}50\r\nhello"), "hello", 18),
        (format!("{CHUNKED}5\r\nhello\r\n0\r\n"), "hello", 18),
        (String::new(), "", 52),
        ("HTTP/1.1 100 Continue\r\n\r\n".to_owned(), "", 52),
        // Not a response, or one with an ambiguous length.
        ("<html>hello".to_owned(), "", 1),
        ("hello\r\n\r\n".to_owned(), "", 1),
        ("HTTP/2.0 200 OK\r\n\r\n".to_owned(), "", 1),
        ("HTTP/1.1 20 OK\r\n\r\n".to_owned(), "", 8),
        ("HTTP/1.1 200 OK".to_owned(), "", 18),
        (format!("{OK}Content-Length: 5\r\n"), "", 18),
        (format!("{OK}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"), "", 8),
        (format!("{OK}Content-Length: +5\r\n\r\nhello"), "", 8),
        (format!("{OK}Content-Length: 99999999999999999999999\r\n\r\nhello"), "", 8),
        (format!("{OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello"), "", 8),
        (format!("{OK}Bad Name: x\r\n\r\nhello"), "", 8),
        (format!("{OK}Escape: \x1b[2J\r\n\r\nhello"), "", 8),
        // Chunks that are none.
        (format!("{CHUNKED}hello\r\n"), "", 56),
        (format!("{CHUNKED}-5\r\nhello\r\n0\r\n\r\n"), "", 56),
        (format!("{CHUNKED}5\r\nhelloworld\r\n0\r\n\r\n"), "hello", 56),
        (format!("{CHUNKED}FFFFFFFFFFFFFFFFF\r\nhello"), "", 56),
    ] {
        assert_eq!(outcome(&answer), (body.to_owned(), code), "{answer:?}");
    }
}

/// Runs the client with an address space of 256 MB, a bound that the system enforces.
fn bounded(args: &[&str]) -> Finished {
    let line = "ulimit -v 262144 && exec \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", line, "sh", env!("CARGO_BIN_EXE_client"), "-m", "9"]).args(args);
    run(command.env_remove("RUST_LOG"), b"")
}

/// Sends the first and then the second again and again, until the client closes.
fn endless(first: &'static str, again: &'static str) -> Fake {
    let many = again.repeat(1 + (64 << 10) / again.len());
    Fake::new(move |talk| {
        talk.request()?;
        talk.say(first)?;
        loop {
            talk.say(&many)?;
        }
    })
}

#[test]
fn endless_responses_are_refused() {
    for (name, first, again, code) in [
        ("line", "", "x", 1),
        ("status line", "HTTP/1.1 200 ", "x", 8),
        ("field", "HTTP/1.1 200 OK\r\nX: ", "x", 8),
        ("head", OK, "X: y\r\n", 8),
        ("empty lines", "", "\r\n", 1),
        ("interim answers", "", "HTTP/1.1 100 Continue\r\n\r\n", 8),
        ("chunk size", CHUNKED, "0", 56),
        ("chunk extension", CHUNKED, "1;x", 56),
        ("chunk extensions", CHUNKED, "1;xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\ny\r\n", 56),
        ("trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X: y\r\n", 56),
    ] {
        let begun = Instant::now();
        let finished = bounded(&[&endless(first, again).url("/")]);
        let said = finished.failed(code, name);
        assert!(begun.elapsed() < SOON, "{name}: {:?}, {said}", begun.elapsed());
    }
}

#[test]
fn a_large_response_body_takes_little_memory() {
    let server = Server::start(&[]);
    let finished = bounded(&["-o", "/dev/null", &server.url("/bytes/500000000")]);
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""));
    for path in ["/bytes/268435456", "/chunks/268435456"] {
        let url = server.url(path);
        let mut program = Program::start(&mut client(&["-s", "-o", "/dev/null", &url]));
        let peak = program.peak_memory();
        assert_eq!(program.finish().code, Some(0));
        assert!((1..20_000_000).contains(&peak), "{path}: {peak} bytes");
    }
    let chunks = endless(CHUNKED, "3\r\nabc\r\n");
    let finished = bounded(&["-m", "0.5", "-o", "/dev/null", &chunks.url("/")]);
    finished.failed(28, "a chunked body without end");
}

/// Sends these bytes one at a time, and then the other ones for ever.
fn dripping(first: &'static str, for_ever: &'static str) -> Fake {
    Fake::new(move |talk| {
        talk.request()?;
        talk.say(first)?;
        loop {
            talk.drip(for_ever, Duration::from_millis(10))?;
        }
    })
}

#[test]
fn the_total_limit_holds_whatever_the_server_does() {
    for (fake, phase, came) in [
        (Fake::new(Talk::wait), "waiting for the response", ""),
        (dripping("", "HTTP/1.1 200 OK\r\n"), "waiting for the response", ""),
        (dripping(OK, "X: y\r\n"), "waiting for the response", ""),
        (dripping("", "HTTP/1.1 100 Continue\r\n\r\n"), "waiting for the response", ""),
        (
            dripping("HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", "x"),
            "receiving the body",
            "x",
        ),
        (dripping("HTTP/1.1 200 OK\r\n\r\n", "x"), "receiving the body", "x"),
        (dripping(CHUNKED, "1\r\nx\r\n"), "receiving the body", "x"),
    ] {
        let begun = Instant::now();
        let finished = fetch(&["-m", "0.3", &fake.url("/")]);
        let said = finished.failed(28, phase);
        assert_eq!(said, format!("timed out after 300ms while {phase}"));
        let took = begun.elapsed();
        assert!(Duration::from_millis(300) <= took && took < SOON, "{phase}: {took:?}");
        let stdout = String::from_utf8(finished.stdout).unwrap();
        assert!(stdout.starts_with(came) && stdout.chars().all(|char| char == 'x'), "{stdout}");
    }
}

/// A listener that accepts no connection: the kernel accepts as many as the backlog holds, and ignores
/// later ones. The returned connections fill the backlog.
fn deaf(address: (&str, u16)) -> Option<(TcpListener, Vec<TcpStream>)> {
    let listener = TcpListener::bind(address).ok()?;
    let address = listener.local_addr().ok()?;
    let knock = |_| TcpStream::connect_timeout(&address, Duration::from_millis(200));
    let queue = (0..9_000).map_while(|number| knock(number).ok()).collect();
    Some((listener, queue))
}

#[test]
fn a_server_that_accepts_no_connection() {
    let (listener, queue) = deaf(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let begun = Instant::now();
    let finished = fetch(&["--connect-timeout", "0.3", &url]);
    let said = finished.failed(28, "connect");
    assert_eq!(said, "timed out after 300ms while connecting", "{} knocked", queue.len());
    let limit = Duration::from_millis(300);
    let library = Client::new().connect_timeout(limit).get(&url).send();
    assert!(
        matches!(library.as_ref().unwrap_err().kind(), ErrorKind::Timeout { phase: Phase::Connect, after } if *after == limit),
        "{library:?}"
    );
    assert!(begun.elapsed() < SOON);
}

/// A dead address costs a quarter of a second, a refused connection costs nothing, and the live one is found.
#[test]
fn a_name_with_dead_addresses_and_a_live_one() {
    let fake = Fake::hello(1);
    let port = fake.port();
    let Some((_listener, queue)) = deaf(("127.0.0.2", port)) else {
        skipped("the port is taken, or all of 127.0.0.0/8 is not this machine");
        return;
    };
    let ask = |addresses: &str, limit: &str| {
        let begun = Instant::now();
        let to = format!("two.example:{port}:{addresses}");
        let url = format!("http://two.example:{port}/");
        let finished = fetch(&["-v", "--connect-timeout", limit, "--resolve", &to, &url]);
        (finished, begun.elapsed())
    };
    for (addresses, least) in [
        ("127.0.0.2,127.0.0.1", 250),
        ("127.0.0.3,127.0.0.1", 0),
        ("127.0.0.3,127.0.0.2,127.0.0.1", 250),
        ("[::1],127.0.0.1", 0),
        ("127.0.0.1,127.0.0.2", 0),
    ] {
        let (finished, took) = ask(addresses, "2");
        assert_eq!((finished.code, &*finished.stdout), (Some(0), &b"hello"[..]), "{addresses}");
        assert!((least..1_500).contains(&took.as_millis()), "{addresses}: {took:?}");
        assert!(finished.stderr.contains("* Connected to two.example (127.0.0.1)"), "{addresses}");
    }
    let (finished, took) = ask("127.0.0.2,127.0.0.3", "0.6");
    assert_eq!(finished.code, Some(28), "{}: {} knocked", finished.stderr, queue.len());
    assert!(took < SOON);
    let (finished, _) = ask("127.0.0.3,127.0.0.4", "2");
    assert_eq!(finished.code, Some(7), "{}", finished.stderr);
    for address in ["127.0.0.3", "127.0.0.4"] {
        assert!(finished.stderr.contains(&format!("* {address}:{port}: Connection refused\n")));
    }
}

/// The limit is for each URL, not for all of them.
#[test]
fn each_url_has_its_own_limit() {
    let slow = Fake::new(|talk| {
        talk.request()?;
        std::thread::sleep(Duration::from_millis(600));
        talk.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
    });
    let url = &slow.url("/");
    assert_eq!(fetched(&["-m", "1", url, url]), "okok");
}

#[test]
fn a_slow_server_is_not_an_error() {
    let fake = Fake::new(|talk| {
        talk.request()?;
        let answer = format!("{CHUNKED}5\r\nhello\r\n0\r\n\r\n");
        talk.drip(answer, Duration::from_millis(2))
    });
    assert_eq!(fetched(&[fake.url("/")]), "hello");
}

#[test]
fn a_reset_is_not_the_end_of_a_body() {
    for (said, body, code) in [
        ("", "", 56),
        ("HTTP/1.1 200 OK\r\n", "", 56),
        ("HTTP/1.1 200 OK\r\n\r\nhello", "hello", 56),
        ("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", "hello", 56),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", 0),
    ] {
        let fake = Fake::new(move |talk| {
            talk.ignore_request()?;
            talk.say(said)
        });
        let finished = fetch(&[fake.url("/")]);
        assert_eq!((finished.stdout, finished.code), (body.into(), Some(code)), "{said:?}");
    }
}

#[test]
fn interim_responses_and_trailers_are_printed_with_the_heads() {
    let answer = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\
                  Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nSum: 1\r\n\r\n";
    let printed = fetched(&["-i", &Fake::saying(answer).url("/")]);
    let (heads, rest) = printed.split_once("hello").unwrap();
    assert_eq!(heads, answer.split_inclusive("chunked\r\n\r\n").next().unwrap());
    assert_eq!(rest, "Sum: 1\r\n");
}

/// Bytes after a response belong to no request: a second request must not get them.
#[test]
fn a_surplus_response_belongs_to_no_request() {
    let fake = Fake::new(|talk| {
        talk.request()?;
        let kind = if talk.number == 0 { "first" } else { "third" };
        let answer = |text| format!("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{text}");
        talk.say(answer(kind) + &answer("wrong"))?;
        talk.wait()
    });
    assert_eq!(fetched(&[fake.url("/"), fake.url("/")]), "firstthird");
    assert_eq!(fake.connections(), 2);
}

#[test]
fn no_line_end_gets_into_a_request() {
    let fake = Fake::hello(9);
    for args in [
        &["-H", "X: a\r\nY: b"][..],
        &["-H", "X: a\nY: b"],
        &["-H", "X: a\rb"],
        &["-H", "X: a\r\n"],
        &["-H", "X: \n"],
        &["-H", "X\r\nY: a"],
        &["-H", "X: a\u{1b}[2J"],
        &["-X", "GET / HTTP/1.1\r\nX:"],
        &["-X", "GET\n"],
    ] {
        fetch(&[args, &[&*fake.url("/")]].concat()).failed(2, &format!("{args:?}"));
    }
    for url in [
        format!("http://{}\r\nX: y/", fake.address()),
        fake.url("/a\r\nX: y"),
        fake.url("/a\n"),
        fake.url("/?\r"),
        fake.url("/#\t"),
        fake.url("/\u{1b}[2J"),
        format!("{}\n", fake.url("/")),
    ] {
        let finished = fetch(&["-g", &url]);
        let said = finished.failed(3, "a control byte in a URL");
        assert!(said.contains("a control byte, such as a line end, at byte"), "{said}");
    }
    assert_eq!(fake.connections(), 0, "it was refused before the wire");
    assert_eq!(fetched(&[fake.url("/a b/\u{fc}\"?<\\")]), "hello");
    assert!(fake.requests()[0].starts_with("GET /a%20b/%C3%BC%22?%3C\\ HTTP/1.1\r\n"), "{fake:?}");
}

/// Responds to the first request on each connection, and closes at the second one.
fn forgetful() -> Fake {
    Fake::new(|talk| {
        talk.hello(1)?;
        talk.request().map(drop)
    })
}

#[test]
fn a_stale_connection_is_replaced_where_that_is_harmless() {
    for (args, bodies, code, requests) in [
        (&[][..], "hellohello", 0, 3),
        (&["-X", "PUT", "-d", "x"], "hellohello", 0, 3),
        (&["-d", "x"], "hello", 52, 2),
        (&["-X", "PATCH", "-d", "x"], "hello", 52, 2),
    ] {
        let fake = forgetful();
        let url = &*fake.url("/");
        let finished = fetch(&[args, &[url, url]].concat());
        if code != 0 {
            finished.failed(code, "sent once");
        }
        assert_eq!((finished.code, &finished.stdout[..]), (Some(code.into()), bodies.as_bytes()));
        assert_eq!(fake.requests().len(), requests, "{args:?}");
    }
}

#[test]
fn a_refusal_is_read_before_the_body_is_sent() {
    let fake = Fake::new(|talk| {
        talk.say("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno")?;
        talk.ignore_request()
    });
    let body = "x".repeat(32 << 20);
    let finished =
        run(&mut client(&["-d", "@-", "-H", "Expect:", &fake.url("/")]), body.as_bytes());
    assert_eq!(finished.succeeded(), "no");
}
