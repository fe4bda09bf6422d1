//! The library without the command: `client::Client` against servers that keep the requests they received.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::io::{self, Read as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use threadbare::client::{
    Client, Config, Error, ErrorKind, Event, Limits, Phase, PoolConfig, RedirectError, Redirects,
    RequestBuilder, Response, Retries, Timeouts, in_one_line,
};
use threadbare::command::exit_code::exit_code;
use threadbare::server::Router;

use super::fake::{Fake, Talk};
use crate::support::{Folder, SOON, Served, Server};

const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/// Responds to each request on each connection with the result of `answer`.
fn answering(answer: impl Fn(&str) -> String + Send + 'static) -> Fake {
    Fake::new(move |talk| {
        loop {
            let request = talk.request()?;
            talk.say(answer(&request))?;
        }
    })
}

/// The target of a request.
fn path(request: &str) -> &str {
    request.split(' ').nth(1).unwrap()
}

fn to(status: u16, location: &str) -> String {
    format!("HTTP/1.1 {status} Elsewhere\r\nLocation: {location}\r\nContent-Length: 4\r\n\r\nsee ")
}

fn text(mut response: Response) -> String {
    let mut text = String::new();
    response.read_to_string(&mut text).unwrap();
    text
}

fn failure(sent: Result<Response, Error>) -> Error {
    sent.expect_err("an error")
}

/// Returns a client, and the names of its events.
fn watched(config: Config) -> (Client, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let client = Client::with_config(config).observer(move |event: &Event<'_>| {
        let shown = format!("{event:?}");
        let name = shown.split(|char: char| !char.is_alphanumeric()).next().unwrap();
        kept.lock().unwrap().push(name.to_owned());
    });
    (client, seen)
}

fn names(seen: &Mutex<Vec<String>>) -> String {
    std::mem::take(&mut *seen.lock().unwrap()).join(" ")
}

#[test]
fn one_client_serves_many_threads() {
    fn shareable<T: Send + Sync + Clone>(_: &T) {}
    let server = answering(|_| HELLO.to_owned());
    let client = Client::new();
    shareable(&client);
    for _ in 0..3 {
        let get = || text(client.get(&server.url("/")).send().unwrap());
        let got = thread::scope(|scope| scope.spawn(get).join().unwrap());
        assert_eq!(got, "hello");
    }
    assert_eq!(server.connections(), 1, "the connection is the client's, not the thread's");
}

#[test]
fn a_body_is_read_while_it_is_sent() {
    let server = answering(|_| HELLO.to_owned());
    let client = Client::new();
    let put = || client.put(&server.url("/")).without_default("Expect");
    assert_eq!(text(put().reader(&b"abc"[..]).send().unwrap()), "hello");
    assert_eq!(text(put().sized_reader(3, &b"abcdef"[..]).send().unwrap()), "hello");
    let requests = server.requests();
    assert!(requests[0].ends_with("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"));
    assert!(requests[1].ends_with("Content-Length: 3\r\n\r\nabc"), "{}", requests[1]);
    assert_eq!(server.connections(), 1);

    let short = failure(put().sized_reader(4, &b"abc"[..]).send());
    assert!(
        matches!(short.kind(), ErrorKind::Upload(error) if error.kind() == io::ErrorKind::UnexpectedEof)
    );
    struct Broken;
    impl io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let broken = failure(put().reader(Broken).send());
    assert_eq!((exit_code(&broken), exit_code(&short)), (26, 26));
    // What was broken off is not followed by another request.
    assert_eq!(text(put().body("abc").send().unwrap()), "hello");
    assert_eq!(server.connections(), 3);
}

#[test]
fn a_large_body_takes_little_memory() {
    let server = Fake::new(|talk| {
        let head = talk.head()?;
        assert!(head.contains("Transfer-Encoding: chunked"), "{head}");
        let mut count = 0;
        loop {
            let line = talk.line()?;
            let size = usize::from_str_radix(line.trim_end(), 16).unwrap();
            talk.take(size + 2)?;
            count += size;
            if size == 0 {
                return talk.say(format!("HTTP/1.1 200 OK\r\n\r\n{count}"));
            }
        }
    });
    let client = Client::new();
    let put = client.put(&server.url("/")).without_default("Expect");
    let got = text(put.reader(io::repeat(b'x').take(50 << 20)).send().unwrap());
    assert_eq!(got, (50 << 20).to_string());
}

#[test]
fn redirects_are_followed_on_the_same_connection() {
    let server = answering(|request| match path(request) {
        "/a/1" => to(302, "2?q"),
        "/a/2?q" => to(308, "../b"),
        _ => HELLO.to_owned(),
    });
    let response = Client::new().get(&server.url("/a/1#part")).send().unwrap();
    assert_eq!(response.url().to_string(), server.url("/b#part"));
    assert_eq!(text(response), "hello");
    assert_eq!((server.requests().len(), server.connections()), (3, 1));
    let stays = Client::new().redirects(Redirects::Return);
    assert_eq!(stays.get(&server.url("/a/1")).send().unwrap().status().code(), 302);
}

#[test]
fn a_redirect_decides_about_the_body() {
    for (status, verb, body) in [(303, "GET", ""), (302, "GET", ""), (307, "POST", "abc")] {
        let server = answering(move |request| match path(request) {
            "/1" => to(status, "/2"),
            _ => HELLO.to_owned(),
        });
        let client = Client::new();
        let post = client.post(&server.url("/1")).body("abc");
        let post = post.header("Content-Type", "text/plain");
        assert_eq!(text(post.send().unwrap()), "hello");
        let second = &server.requests()[1];
        assert!(second.starts_with(verb) && second.ends_with(&format!("\r\n\r\n{body}")));
        assert_eq!(second.contains("Content-Type"), !body.is_empty(), "{status}: {second}");
    }
}

#[test]
fn credentials_stay_with_their_host() {
    let other = answering(|_| HELLO.to_owned());
    let elsewhere = other.url("/");
    let server = answering(move |request| match path(request) {
        "/1" => to(307, "/2"),
        _ => to(307, &elsewhere),
    });
    let client = Client::new();
    let get = client.get(&server.url("/1")).header("Authorization", "a");
    let get = get.header("Cookie", "b").header("X-Mine", "c");
    assert_eq!(text(get.send().unwrap()), "hello");
    assert!(server.requests()[1].contains("\r\nAuthorization: a\r\nCookie: b\r\nX-Mine: c\r\n"));
    let there = &other.requests()[0];
    assert!(there.contains(&format!("\r\nHost: {}\r\n", other.address())), "{there}");
    assert!(there.contains("\r\nX-Mine: c\r\n"), "{there}");
    assert!(!there.contains("Authorization") && !there.contains("Cookie"), "{there}");
}

#[test]
fn an_invalid_redirect_is_an_error_that_keeps_the_response() {
    let server = answering(|request| match path(request) {
        "/loop" => to(301, "/loop"),
        "/tls" => to(301, "https://127.0.0.1/"),
        "/again" => to(307, "/there"),
        path => to(302, &format!("{path}x")),
    });
    let client = Client::new().redirects(Redirects::Follow(3));
    let get = |path: &str| failure(client.get(&server.url(path)).send());
    for (path, code, says) in [
        ("/loop", 47, "the redirects form a loop"),
        ("/x", 47, "more than 3 redirects one after another"),
        ("/tls", 1, "https, which is not supported"),
    ] {
        let error = get(path);
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(exit_code(&error), code, "{error}");
        assert!(error.response().unwrap().head().headers.has("location"));
        assert_eq!(text(error.into_response().unwrap()), "see ");
    }
    let put = client.put(&server.url("/again")).without_default("Expect");
    let error = failure(put.reader(&b"abc"[..]).send());
    assert!(
        matches!(error.kind(), ErrorKind::Redirect(RedirectError::BodyConsumed, _)),
        "{error:?}"
    );
}

/// Fails `times` times, then responds with hello, whatever the connection.
fn failing(times: usize, failure: impl Fn(&mut Talk) -> io::Result<()> + Send + 'static) -> Fake {
    let count = Mutex::new(0);
    Fake::new(move |talk| {
        loop {
            talk.request()?;
            let mut count = count.lock().unwrap();
            *count += 1;
            match *count > times {
                true => talk.say(HELLO)?,
                false => failure(talk)?,
            }
        }
    })
}

fn quickly(max: u32) -> Client {
    let pause = Duration::from_millis(10);
    Client::new().retries(Retries { max, first_pause: pause, max_pause: 10 * pause })
}

#[test]
fn temporary_failures_are_retried() {
    let busy = "HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 4\r\n\r\nbusy";
    let fails = move |talk: &mut Talk| talk.say(busy);
    let leaves = |_: &mut Talk| Err(io::ErrorKind::Other.into());
    let server = failing(2, fails);
    assert_eq!(text(quickly(2).get(&server.url("/")).send().unwrap()), "hello");
    assert_eq!(server.connections(), 1);
    let server = failing(2, leaves);
    assert_eq!(text(quickly(2).get(&server.url("/")).send().unwrap()), "hello");
    assert_eq!(server.connections(), 3);
    // Too few retries: the last response, or the last error, is returned.
    let server = failing(2, fails);
    assert_eq!(text(quickly(1).get(&server.url("/")).send().unwrap()), "busy");
    let server = failing(9, leaves);
    let error = failure(quickly(1).get(&server.url("/")).send());
    assert!(matches!(error.kind(), ErrorKind::NoResponse | ErrorKind::Receive(_)), "{error:?}");
    // A POST may have been done: once.
    let server = failing(1, fails);
    assert_eq!(text(quickly(5).post(&server.url("/")).send().unwrap()), "busy");
    let server = failing(1, leaves);
    failure(quickly(5).post(&server.url("/")).send());
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_refused_connection_is_retried_whatever_the_method() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (client, seen) = watched(Config {
        retries: Retries { max: 2, first_pause: Duration::ZERO, ..Retries::default() },
        ..Config::default()
    });
    let error = failure(client.post(&address.to_string()).send());
    assert_eq!(exit_code(&error), 7);
    let once = "Resolving Resolved Trying Failed";
    assert_eq!(names(&seen), format!("{once} Retry {once} Retry {once} GaveUp"));
}

#[test]
fn each_phase_has_its_limit() {
    let soon = Some(Duration::from_millis(200));
    let none = Timeouts::NONE;
    let drip = Duration::from_millis(20);
    let head = Fake::new(move |talk| {
        talk.request()?;
        talk.drip("HTTP/1.1 200 OK\r\nX: ".to_owned() + &"x".repeat(999), drip)
    });
    let interim = Fake::new(move |talk| {
        talk.request()?;
        (0..99).try_for_each(|_| {
            thread::sleep(drip);
            talk.say("HTTP/1.1 103 Early Hints\r\n\r\n")
        })
    });
    let body = Fake::new(|talk| {
        talk.request()?;
        talk.say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello")?;
        talk.wait()
    });
    let dripped = Fake::new(move |talk| {
        talk.request()?;
        talk.say("HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n")?;
        talk.drip("x".repeat(999), drip)
    });
    let deaf = Fake::new(|_| {
        thread::sleep(Duration::from_secs(2));
        Ok(())
    });
    let endless = Fake::new(|talk| {
        talk.request()?;
        let number = talk.number;
        talk.say(format!("HTTP/1.1 302 On\r\nLocation: /{number}\r\nConnection: close\r\n\r\n"))
    });
    for (name, server, timeouts, phase) in [
        ("a head that drips", &head, Timeouts { first_byte: soon, ..none }, Phase::Head),
        ("a row of 103", &interim, Timeouts { first_byte: soon, ..none }, Phase::Head),
        ("a silent body", &body, Timeouts { body_idle: soon, ..none }, Phase::Body),
        ("a body that drips", &dripped, Timeouts { total: soon, ..none }, Phase::Body),
        ("a server that is deaf", &deaf, Timeouts { send_idle: soon, ..none }, Phase::Send),
    ] {
        let begun = Instant::now();
        let client = Client::with_config(Config { timeouts, ..Config::default() });
        let put = client.put(&server.url("/")).without_default("Expect");
        let put = if phase == Phase::Send { put.body(vec![b'x'; 32 << 20]) } else { put };
        let ended = put.send().and_then(|mut response| {
            while response.piece()?.is_some() {}
            Ok(())
        });
        let error = ended.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Timeout { phase: at, after } if *at == phase && Some(*after) == soon),
            "{name}: {error:?}"
        );
        assert!(begun.elapsed() < SOON, "{name}: {:?}", begun.elapsed());
    }
    // Redirects have no time of their own: the total is for all of them.
    let timeouts = Timeouts { total: soon, ..none };
    let redirects = Redirects::Follow(u32::MAX);
    let client = Client::with_config(Config { timeouts, redirects, ..Config::default() });
    let begun = Instant::now();
    let error = failure(client.get(&endless.url("/x")).send());
    assert!(matches!(error.kind(), ErrorKind::Timeout { .. }), "{error:?}");
    assert!(begun.elapsed() < SOON);
}

#[test]
fn a_pause_beyond_the_total_limit_does_not_begin() {
    let server = answering(|_| {
        "HTTP/1.1 503 Busy\r\nRetry-After: 60\r\nContent-Length: 4\r\n\r\nbusy".to_owned()
    });
    let client = Client::new().max_time(Duration::from_secs(2));
    let client = client.retries(Retries { max: 3, ..Retries::default() });
    let begun = Instant::now();
    assert_eq!(text(client.get(&server.url("/")).send().unwrap()), "busy");
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[test]
fn an_observer_receives_each_event() {
    let server = answering(|request| match path(request) {
        "/1" => to(302, "/2"),
        "/trailers" => {
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nSum: 1\r\n\r\n"
                .to_owned()
        }
        _ => HELLO.to_owned(),
    });
    let (client, seen) = watched(Config::default());
    let get = |path: &str| client.get(&server.url(path)).send().unwrap();
    let exchange = "Sending Wrote Sent Read FirstByte Head Received Ended Kept";
    text(get("/"));
    assert_eq!(names(&seen), format!("Resolving Resolved Trying Connected {exchange}"));
    text(get("/1"));
    assert_eq!(names(&seen), format!("Reusing {exchange} Redirected Reusing {exchange}"));
    let mut response = get("/trailers");
    while response.piece().unwrap().is_some() {}
    assert_eq!(response.trailers().unwrap().first("sum"), Some(&b"1"[..]));
    let exchange = exchange.replace("Ended", "Trailers Ended");
    assert_eq!(names(&seen), format!("Reusing {exchange}"));
    drop(get("/"));
    assert!(names(&seen).ends_with("Head Closed"));
}

/// Where `localhost` is also `::1`, no server listens there, and the client finds the other address.
#[test]
fn localhost_finds_a_server_on_ipv4_only() {
    let folder = Folder::with(&[("sub/index.html", "<p>here")]);
    let server = Server::of(&folder, &[]);
    let port = server.addresses[0].port();
    let client = Client::new().max_time(SOON);
    let at = |path: &str| client.get(&format!("http://localhost:{port}{path}"));
    let mut response = at("/sub?q").send().unwrap().error_for_status().unwrap();
    assert_eq!(response.url().path.to_string(), "/sub/?q");
    let mut page = String::new();
    response.read_to_string(&mut page).unwrap();
    assert_eq!(page, "<p>here");
    assert!(matches!(
        at("/none").send().unwrap().error_for_status().unwrap_err().kind(),
        ErrorKind::Status(_)
    ));
}

/// Bytes between two exchanges belong to no request (RFC 9112, 6.3); most often they are a 408.
#[test]
fn an_idle_connection_with_unexpected_bytes_is_not_reused() {
    let server = Fake::new(|talk| {
        talk.hello(1)?;
        thread::sleep(Duration::from_millis(50));
        talk.say("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")?;
        talk.wait()
    });
    let (client, seen) = watched(Config::default());
    let post = || text(client.post(&server.url("/")).send().unwrap());
    post();
    thread::sleep(Duration::from_millis(200));
    assert_eq!(post(), "hello");
    let seen = names(&seen);
    assert!(seen.contains(" Resolving") && !seen.contains("Reusing"), "{seen}");
    assert_eq!(server.connections(), 2);
}

#[test]
fn the_pool_keeps_its_limits() {
    for (pool, connections) in [
        (PoolConfig::default(), 1),
        (PoolConfig { max_idle: 0, ..PoolConfig::default() }, 2),
        (PoolConfig { max_idle_per_host: 0, ..PoolConfig::default() }, 2),
        (PoolConfig { max_age: Duration::ZERO, ..PoolConfig::default() }, 2),
    ] {
        let server = Fake::hello(2);
        let client = Client::with_config(Config { pool, ..Config::default() });
        for _ in 0..2 {
            text(client.get(&server.url("/")).send().unwrap());
            thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(server.connections(), connections, "{pool:?}");
    }
}

#[test]
fn a_status_can_be_an_error() {
    let server = Fake::saying("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno");
    let response = Client::new().get(&server.url("/")).send().unwrap();
    let error = response.error_for_status().unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{}: the server responded 404 Not Found", server.url("/"))
    );
    assert_eq!((exit_code(&error), text(error.into_response().unwrap())), (22, "no".to_owned()));
}

#[test]
fn the_first_error_of_a_request_is_returned_when_it_is_sent() {
    let server = Fake::hello(9);
    let (client, url) = (Client::new(), server.url("/"));
    let sent = client.request("GE T", "http://u:p@h/").header("a b", "c").body("x").send();
    assert!(matches!(failure(sent).kind(), ErrorKind::Url(_)));
    let sent = client.request("GE T", &url).header("a b", "c").body("x").send();
    assert!(matches!(failure(sent).kind(), ErrorKind::Method(_)));
    let sent = client.post(&url).header("a b", "c").header("d", "e\n").reader(&b"x"[..]).send();
    assert!(matches!(failure(sent).kind(), ErrorKind::Field(field) if field.name == "a b"));
    assert_eq!(server.requests().len(), 0);

    let request = client.patch(&url).header("A", "b").body("abc").build().unwrap();
    assert_eq!((request.method().as_str(), request.body()), ("PATCH", &b"abc"[..]));
    assert_eq!(text(client.send(&request).unwrap()), "hello");
    assert!(matches!(
        client.put(&url).reader(&b"x"[..]).build().unwrap_err().kind(),
        ErrorKind::Upload(_)
    ));
}

/// A response with these fields and this body.
fn with_body(fields: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

#[test]
fn a_body_is_read_in_one_piece() {
    let json = "Content-Type: application/json\r\n";
    let answers = [
        ("/text", with_body("Content-Type: text/plain\r\n", "h\u{e9}llo".as_bytes())),
        ("/mark", with_body("", b"\xEF\xBB\xBFhello")),
        ("/latin", with_body("Content-Type: text/plain; charset=ISO-8859-1\r\n", b"h\xE9llo")),
        ("/odd", with_body("", b"h\xE9llo")),
        ("/json", with_body(json, b"{\"a\": [1, 2]}")),
        ("/wrong", with_body(json, b"{\n \"a\": [1, \"2\"]}")),
        ("/page", with_body("Content-Type: text/html\r\n", b"<p>busy")),
        ("/large", with_body("", &[b'x'; 2001])),
        (
            "/chunked",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".to_vec(),
        ),
    ];
    let server = Fake::new(move |talk| {
        loop {
            let request = talk.request()?;
            let found = answers.iter().find(|(name, _)| *name == path(&request));
            talk.say(&found.unwrap().1)?;
        }
    });
    let limits = Limits { body: 2000, ..Limits::of_responses() };
    let client = Client::with_config(Config { limits, ..Config::default() });
    let get = |path: &str| client.get(&server.url(path)).send().unwrap();
    for (path, want) in [
        ("/text", "h\u{e9}llo"),
        ("/mark", "hello"),
        ("/latin", "h\u{e9}llo"),
        ("/odd", "h\u{fffd}llo"),
        ("/chunked", "abc"),
    ] {
        assert_eq!(get(path).text().unwrap(), want, "{path}");
    }
    let response = get("/json");
    assert!(response.is_success());
    assert_eq!(response.header("content-TYPE"), Some("application/json"));
    assert_eq!(response.content_length(), Some(13));
    assert_eq!(get("/chunked").content_length(), None);
    assert_eq!(response.json::<BTreeMap<String, Vec<u8>>>().unwrap()["a"], [1, 2]);

    let error = get("/wrong").json::<BTreeMap<String, Vec<u8>>>().unwrap_err();
    let line = in_one_line(&error);
    assert!(line.contains("BTreeMap") && line.contains("expected u8 at line 2 column"), "{line}");
    assert!(matches!(error.kind(), ErrorKind::Json(error) if error.line() == 2));
    let line = in_one_line(&get("/page").json::<Value>().unwrap_err());
    assert!(line.contains("its Content-Type is text/html: expected value at line 1"), "{line}");

    assert_eq!(get("/large").bytes(2001).unwrap().len(), 2001);
    assert_eq!(get("/chunked").bytes(3).unwrap(), b"abc");
    for error in [get("/large").bytes(2000), get("/large").text().map(String::into_bytes)] {
        assert!(matches!(error.unwrap_err().kind(), ErrorKind::TooLarge { limit: 2000 }));
    }
    let error = get("/chunked").bytes(2).unwrap_err();
    assert!(error.to_string().contains("more than 2 bytes"), "{error}");
    assert_eq!(exit_code(&error), 63);
}

#[test]
fn an_error_names_the_url_and_the_first_cause() {
    assert_eq!(size_of::<Error>(), size_of::<usize>());
    let at = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (client, url) = (Client::new(), format!("http://{at}/x"));
    let error = failure(client.get(&url).send());
    let port = at.port();
    let want = format!("{url}: could not connect to 127.0.0.1 port {port}: Connection refused");
    let shown = [error.to_string(), format!("{error:#}"), in_one_line(&error)];
    assert_eq!(shown, [want.as_str(); 3]);
    assert_eq!(error.url(), Some(url.as_str()));
    assert!(error.source().unwrap().to_string().starts_with("Connection refused"));
    assert_eq!(error.advice(), Some("check that a server is running there"));
    assert!(matches!(error.into_kind(), ErrorKind::Connect(_, to, _) if to == port));

    for (typed, url, says) in [
        ("/users", "/users", "/users: a URL needs a host; right: http://example.org/users"),
        ("", "", ": a URL needs a host; right: http://example.org/"),
        ("http:///a", "http:///a", "http:///a: a URL needs a host; right: http://example.org/"),
        ("https://a/", "https://a/", "https://a/: the URL is not valid: \"https\" is not"),
        ("http://u:secret@h/x", "http://h/x", "http://h/x: the URL is not valid: user:password@"),
        (
            "http://u:secret/x",
            "http://u:.../x",
            "http://u:.../x: the URL is not valid: \"u:...\" is",
        ),
        ("a\nb", "a\nb", "a\\nb: the URL is not valid: the URL contains a control byte"),
    ] {
        let error = failure(client.get(typed).send());
        assert_eq!(error.url(), Some(url), "{typed}");
        assert!(error.to_string().starts_with(says), "{typed}: {error}");
        assert!(!format!("{error:#} {error:?}").contains("secret"), "{error:?}");
        assert!(matches!(error.kind(), ErrorKind::Url(_)));
    }

    // After a redirect: the URL that failed.
    let server = answering(move |_| to(302, &format!("http://{at}/there")));
    let error = failure(client.get(&server.url("/")).send());
    assert_eq!(error.url(), Some(format!("http://{at}/there").as_str()));
    // While the body is read: also as the error of a reader.
    let server = Fake::saying("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello");
    let error = io::read_to_string(client.get(&server.url("/")).send().unwrap()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    let error = error.downcast::<Error>().unwrap();
    assert!(matches!(error.kind(), ErrorKind::CutShort { received: 5, missing: Some(4) }));
    assert_eq!(error.url(), Some(server.url("/").as_str()));
}

#[test]
fn a_query_a_form_and_credentials_are_encoded() {
    let server = answering(|request| match path(request) {
        "/see" => to(303, "/other"),
        _ => HELLO.to_owned(),
    });
    let (client, url) = (Client::new(), |path: &str| server.url(path));
    let sent = |request: RequestBuilder<'_>| {
        request.send().unwrap().text().unwrap();
        server.requests().pop().unwrap()
    };
    let get = client.get(&url("/a?x#part")).query("n m", "a&b=\u{fc}").query("limit", 10);
    assert!(sent(get).starts_with("GET /a?x&n+m=a%26b%3D%C3%BC&limit=10 HTTP/1.1\r\n"));
    assert!(sent(client.get(&url("/?")).query("*-._~", "+")).starts_with("GET /?*-._%7E=%2B "));

    let form = client.post(&url("/")).form(&[("name", "Ada L"), ("x", "a+b")]);
    let form = sent(form);
    assert!(form.contains("\r\nContent-Type: application/x-www-form-urlencoded\r\n"), "{form}");
    assert!(form.ends_with("Content-Length: 18\r\n\r\nname=Ada+L&x=a%2Bb"), "{form}");
    let json = sent(client.put(&url("/")).json(&[1, 2]));
    assert!(json.contains("\r\nContent-Type: application/json\r\n") && json.ends_with("[1,2]"));
    let mine = |post: RequestBuilder<'_>| sent(post).matches("Content-Type: mine\r\n").count();
    assert_eq!(mine(client.post(&url("/")).header("Content-Type", "mine").json("a")), 1);
    assert_eq!(mine(client.post(&url("/")).json("a").header("Content-Type", "mine")), 1);
    let seen = sent(client.post(&url("/see")).json("a"));
    assert!(seen.starts_with("GET /other ") && !seen.contains("Content-Type"), "{seen}");

    let basic = sent(client.get(&url("/")).bearer("token").basic_auth("Aladdin", "open sesame"));
    assert!(basic.contains("\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"));
    let bearer = client.get(&url("/")).header("Authorization", "a").bearer("t.k");
    let bearer = sent(bearer);
    assert!(bearer.contains("\r\nAuthorization: Bearer t.k\r\n"), "{bearer}");
    assert_eq!((basic + &bearer).matches("Authorization").count(), 2);

    let get = || client.get(&url("/"));
    assert!(matches!(failure(get().basic_auth("a:b", "c").send()).kind(), ErrorKind::Credentials));
    assert!(matches!(failure(get().bearer("a\nb").send()).kind(), ErrorKind::Field(_)));
    let odd = BTreeMap::from([((1, 2), 3)]);
    let error = failure(get().json(&odd).send());
    assert!(
        in_one_line(&error).contains("cannot be sent as JSON: key must be a string"),
        "{error}"
    );
}

#[test]
fn one_call_has_a_limit_of_its_own() {
    let server = Fake::new(|talk| {
        talk.request()?;
        talk.say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello")?;
        talk.wait()
    });
    let (client, begun) = (Client::new().max_time(10 * SOON), Instant::now());
    let limit = Duration::from_millis(200);
    let error = client.get(&server.url("/")).timeout(limit).send().unwrap().text().unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Timeout { phase: Phase::Body, after } if *after == limit)
    );
    assert!(begun.elapsed() < SOON);
}

#[test]
fn a_client_has_a_proxy() {
    let proxy = answering(|_| HELLO.to_owned());
    let client = Client::new().proxy(&format!("http://u:p@{}", proxy.address())).unwrap();
    let answer = client.get("http://a.example:81/x").send().unwrap();
    assert_eq!(answer.text().unwrap(), "hello");
    let request = &proxy.requests()[0];
    assert!(request.starts_with("GET http://a.example:81/x HTTP/1.1\r\nHost: a.example:81\r\n"));
    assert!(request.contains("\r\nProxy-Authorization: Basic dTpw\r\n"), "{request}");
    for wrong in ["http://u:secret@p:0", "socks5://u:secret@p:1", "http://u:secret/x@p"] {
        let error = Client::new().proxy(wrong).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Proxy(_)));
        assert!(!format!("{error} {error:?} {}", in_one_line(&error)).contains("secret"));
    }
}

/// `main` prints an error by its `Debug`, and an error may keep a response, with all of its buffers.
#[test]
fn what_is_printed_of_an_error_is_one_line() {
    let routes = Router::new().get("/", |_| (404, vec![b'x'; 100_000]));
    let served = Served::start(routes);
    let url = format!("http://{}/", served.address);
    let error = Client::new().get(&url).send().unwrap().error_for_status().unwrap_err();
    assert_eq!(format!("{error:?}"), format!("{url}: the server responded 404 Not Found"));
    let shown = format!("{:?}", Client::new().get(&url).send().unwrap());
    assert!(
        shown.starts_with("Response(404 Not Found, from http://") && shown.len() < 100,
        "{shown}"
    );
}
