//! Requests that two readers could understand in two ways, each with a second request glued on. None
//! is repaired: each is refused, the connection closed, and what stands behind it is never read as a
//! request. On both drivers; sent at once, and byte by byte.

use std::fs;
use std::time::Duration;

use crate::support::{Folder, Server, eventually, masked};

/// The request to be smuggled in. If it were served, it would get a 200 and be logged.
const SECOND: &[u8] = b"GET /echo?smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

/// Name, RFC section, status, and what stands where SECOND follows.
type Case = (&'static str, &'static str, u16, Vec<u8>);

fn whole(name: &'static str, section: &'static str, status: u16, bytes: &[u8]) -> Case {
    (name, section, status, bytes.to_vec())
}

/// A request line, and a Host.
fn line(name: &'static str, section: &'static str, status: u16, line: &[u8]) -> Case {
    (name, section, status, [line, b"\r\nHost: a\r\n\r\n"].concat())
}

/// Fields after a good request line. A parser that accepts the length or the chunks finds a body.
fn fields(name: &'static str, section: &'static str, status: u16, fields: &[u8]) -> Case {
    let head = [b"POST /echo HTTP/1.1\r\nHost: a\r\n", fields, b"\r\n\r\n0\r\n\r\n"].concat();
    (name, section, status, head)
}

fn host(name: &'static str, section: &'static str, lines: &[u8]) -> Case {
    (name, section, 400, [b"GET /echo HTTP/1.1\r\n", lines, b"\r\n"].concat())
}

/// A chunked body.
fn chunks(name: &'static str, section: &'static str, status: u16, body: &[u8]) -> Case {
    let head = b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    (name, section, status, [head, body].concat())
}

fn request_lines() -> Vec<Case> {
    vec![
        line("two spaces", "9112, 3", 400, b"GET  /echo HTTP/1.1"),
        line("two spaces before the version", "9112, 3", 400, b"GET /echo  HTTP/1.1"),
        line("a tab for a space", "9112, 3", 400, b"GET\t/echo HTTP/1.1"),
        line("a vertical tab for a space", "9112, 3", 400, b"GET\x0b/echo HTTP/1.1"),
        line("a no-break space for a space", "9112, 3", 400, b"GET\xa0/echo HTTP/1.1"),
        line("space in front", "9112, 2.2", 400, b" GET /echo HTTP/1.1"),
        line("space at the end", "9112, 3", 400, b"GET /echo HTTP/1.1 "),
        line("space in the target", "9112, 3.2", 400, b"GET /echo HTTP/1.1 HTTP/1.1"),
        line("bare CR ends the line", "9112, 2.2", 400, b"GET /echo HTTP/1.1\rX: y"),
        line("bare CR for a space", "9112, 2.2", 400, b"GET /echo\rHTTP/1.1"),
        line("bare CR before CRLF", "9112, 2.2", 400, b"GET /echo HTTP/1.1\r"),
        line("NUL in the target", "9112, 3.2", 400, b"GET /echo\0 HTTP/1.1"),
        line("raw byte in the target", "9112, 3.2", 400, b"GET /echo\xff HTTP/1.1"),
        line("a fragment", "9112, 3.2", 400, b"GET /echo#x HTTP/1.1"),
        line("target without a slash", "9112, 3.2", 400, b"GET echo HTTP/1.1"),
        line("asterisk with GET", "9112, 3.2.4", 400, b"GET * HTTP/1.1"),
        line("authority with GET", "9112, 3.2.3", 400, b"GET a:80 HTTP/1.1"),
        line("a path with CONNECT", "9112, 3.2.3", 400, b"CONNECT /echo HTTP/1.1"),
        line("user in the target", "9110, 4.2.4", 400, b"GET http://u@a/echo HTTP/1.1"),
        line("target without a host", "9110, 4.2.1", 400, b"GET http:///echo HTTP/1.1"),
        line("https without TLS", "9110, 7.4", 400, b"GET https://a/echo HTTP/1.1"),
        line("method that is no token", "9110, 9.1", 400, b"GE(T /echo HTTP/1.1"),
        line("no version", "9112, 3", 400, b"GET /echo"),
        line("version in small letters", "9112, 2.3", 400, b"GET /echo http/1.1"),
        line("version with more digits", "9112, 2.3", 400, b"GET /echo HTTP/1.10"),
        line("version with a zero in front", "9112, 2.3", 400, b"GET /echo HTTP/01.1"),
        line("version 2", "9110, 2.5", 505, b"GET /echo HTTP/2.0"),
        line("version 0.9, spelt out", "9110, 2.5", 505, b"GET /echo HTTP/0.9"),
        whole("the preface of HTTP/2", "9113, 3.4", 505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ]
}

fn field_lines() -> Vec<Case> {
    vec![
        fields("space before the colon", "9112, 5.1", 400, b"Content-Length : 5"),
        fields("tab before the colon", "9112, 5.1", 400, b"Transfer-Encoding\t: chunked"),
        fields("folded line", "9112, 5.2", 400, b"X: y\r\n Transfer-Encoding: chunked"),
        fields("line folded by a tab", "9112, 5.2", 400, b"Transfer-Encoding:\r\n\tchunked"),
        host("space before the first field", "9112, 2.2", b" Host: a\r\n"),
        fields("no colon", "9112, 5", 400, b"Content-Length 5"),
        fields("no name", "9112, 5", 400, b": 5"),
        fields("name in quotes", "9110, 5.1", 400, b"\"Content-Length\": 5"),
        fields("NUL in a name", "9110, 5.1", 400, b"Content-Length\0: 5"),
        fields("raw byte in a name", "9110, 5.1", 400, b"Content-Length\xa0: 5"),
        fields("bare CR in a name", "9112, 2.2", 400, b"X\rContent-Length: 5"),
        fields("bare CR in a value", "9112, 2.2", 400, b"X: y\rContent-Length: 5"),
        fields("bare CR at the end of a value", "9112, 2.2", 400, b"Content-Length: 5\r"),
        fields("NUL in a value", "9110, 5.5", 400, b"X: y\0z"),
        fields("vertical tab in a value", "9110, 5.5", 400, b"Transfer-Encoding:\x0bchunked"),
        fields("form feed in a value", "9110, 5.5", 400, b"Transfer-Encoding: chunked\x0c"),
        fields("DEL in a value", "9110, 5.5", 400, b"X: \x7f"),
    ]
}

fn hosts() -> Vec<Case> {
    vec![
        host("no Host", "9112, 3.2", b""),
        host("two Hosts", "9112, 3.2", b"Host: a\r\nHost: a\r\n"),
        host("two Hosts, one empty", "9112, 3.2", b"Host: a\r\nhost:\r\n"),
        host("list of Hosts", "9110, 7.2", b"Host: a, b\r\n"),
        host("Host with a user", "9110, 7.2", b"Host: u@a\r\n"),
        host("Host with a path", "9110, 7.2", b"Host: a/b\r\n"),
        host("Host with a scheme", "9110, 7.2", b"Host: http://a\r\n"),
        host("Host with a space", "9110, 7.2", b"Host: a b\r\n"),
        host("Host with a port of letters", "9110, 7.2", b"Host: a:http\r\n"),
        host("Host with a port with a sign", "9110, 7.2", b"Host: a:+80\r\n"),
        host("Host with a port too high", "9110, 7.2", b"Host: a:65536\r\n"),
        host("Host with two ports", "9110, 7.2", b"Host: a:80:80\r\n"),
        host("Host with half a bracket", "9110, 7.2", b"Host: [::1\r\n"),
        host("Host with a backslash", "9110, 7.2", b"Host: a\\b\r\n"),
        whole(
            "two Hosts on 1.0",
            "9112, 3.2",
            400,
            b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
        ),
        whole("a whole URL and no Host", "9112, 3.2", 400, b"GET http://a/ HTTP/1.1\r\n\r\n"),
        whole(
            "a whole URL and a bad Host",
            "9112, 3.2",
            400,
            b"GET http://a/ HTTP/1.1\r\nHost: @\r\n\r\n",
        ),
    ]
}

fn lengths() -> Vec<Case> {
    let length =
        |name, value: &[u8]| fields(name, "9110, 8.6", 400, &[b"Content-Length: ", value].concat());
    vec![
        fields("two lengths", "9112, 6.3", 400, b"Content-Length: 5\r\nContent-Length: 0"),
        fields("one length twice", "9112, 6.3", 400, b"Content-Length: 5\r\nContent-Length: 5"),
        fields("two lengths in a list", "9112, 6.3", 400, b"Content-Length: 0, 5"),
        fields("one length twice in a list", "9112, 6.3", 400, b"Content-Length: 5, 5"),
        fields("length and a comma", "9112, 6.3", 400, b"Content-Length: 5,"),
        length("no length", b""),
        length("length with a plus", b"+5"),
        length("length with a minus", b"-5"),
        length("hexadecimal length", b"0x5"),
        length("length with a space inside", b"1 0"),
        length("length with an exponent", b"5e0"),
        length("length with a fraction", b"5.0"),
        length("length with an underscore", b"1_0"),
        length("length with letters behind", b"5 bytes"),
        length("length in quotes", b"\"5\""),
        length("length behind a no-break space", b"\xa05"),
        length("length in other digits", "\u{665}".as_bytes()),
        length("length of 20 digits", b"18446744073709551616"),
        length("length of 40 digits", b"0000000000000000000018446744073709551621"),
        whole(
            "two lengths on 1.0",
            "9112, 6.3",
            400,
            b"POST /echo HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\
              Content-Length: 0\r\n\r\n",
        ),
    ]
}

fn codings() -> Vec<Case> {
    let coding = |name, section, status, value: &[u8]| {
        fields(name, section, status, &[b"Transfer-Encoding: ", value].concat())
    };
    let on_10 = |name, fields: &[u8]| {
        let head = [b"POST /echo HTTP/1.0\r\n", fields, b"\r\n\r\n0\r\n\r\n"].concat();
        (name, "9112, 6.1", 400, head)
    };
    vec![
        fields(
            "length, then chunks",
            "9112, 6.1",
            400,
            b"Content-Length: 5\r\nTransfer-Encoding: chunked",
        ),
        fields(
            "chunks, then length",
            "9112, 6.1",
            400,
            b"Transfer-Encoding: chunked\r\nContent-Length: 5",
        ),
        fields(
            "no length, and chunks",
            "9112, 6.1",
            400,
            b"Content-Length: 0\r\nTransfer-Encoding: chunked",
        ),
        fields(
            "length and identity",
            "9112, 6.1",
            400,
            b"Content-Length: 5\r\nTransfer-Encoding: identity",
        ),
        coding("chunked twice", "9112, 6.1", 400, b"chunked, chunked"),
        coding("chunked on two lines", "9112, 6.1", 400, b"chunked\r\nTransfer-Encoding: chunked"),
        coding("chunked, then identity", "9112, 6.3", 400, b"chunked, identity"),
        coding("chunked, then another line", "9112, 6.3", 400, b"chunked\r\ntransfer-encoding: x"),
        coding("chunked not last", "9112, 6.3", 400, b"chunked, gzip"),
        coding("identity", "9112, 6.3", 400, b"identity"),
        coding("gzip", "9112, 6.3", 400, b"gzip"),
        coding("a word like chunked", "9112, 6.3", 400, b"xchunked"),
        coding("two words", "9112, 6.3", 400, b"chunked chunked"),
        coding("chunked with a parameter", "9112, 7.1", 400, b"chunked;q=1"),
        coding("chunked in quotes", "9112, 6.1", 400, b"\"chunked\""),
        coding("chunked in brackets", "9112, 6.1", 400, b"[chunked]"),
        coding("no coding", "9112, 6.1", 400, b""),
        coding("nothing but commas", "9112, 6.1", 400, b", ,"),
        coding("raw byte behind chunked", "9112, 6.1", 400, b"chunked\xa0"),
        coding("gzip, then chunked", "9112, 6.1", 501, b"gzip, chunked"),
        coding("identity, then chunked", "9112, 6.1", 501, b"identity, chunked"),
        coding("parameters, then chunked", "9112, 6.1", 501, b"x;a=\"b\", chunked"),
        coding("another line, then chunked", "9112, 6.1", 501, b"x\r\nTransfer-Encoding: chunked"),
        on_10("chunks on 1.0", b"Transfer-Encoding: chunked"),
        on_10("chunks on 1.0 that stays", b"Connection: keep-alive\r\nTransfer-Encoding: chunked"),
        on_10("identity on 1.0", b"Transfer-Encoding: identity"),
    ]
}

fn chunked_bodies() -> Vec<Case> {
    let flood = |byte: u8| vec![byte; 20_000];
    let size = |name, body: &[u8]| chunks(name, "9112, 7.1", 400, body);
    let extension = |name, text: &[u8]| {
        let body = [b"5;", text, b"\r\nhello\r\n0\r\n\r\n"].concat();
        chunks(name, "9112, 7.1.1", 400, &body)
    };
    vec![
        size("no size", b"\r\nhello\r\n0\r\n\r\n"),
        size("size with a plus", b"+5\r\nhello\r\n0\r\n\r\n"),
        size("size with a minus", b"-1\r\nhello\r\n0\r\n\r\n"),
        size("size with a prefix", b"0x5\r\nhello\r\n0\r\n\r\n"),
        size("space before a size", b" 5\r\nhello\r\n0\r\n\r\n"),
        size("space behind a size", b"5 \r\nhello\r\n0\r\n\r\n"),
        size("space in a size", b"0 5\r\nhello\r\n0\r\n\r\n"),
        size("comma behind a size", b"5,\r\nhello\r\n0\r\n\r\n"),
        size("underscore in a size", b"0_5\r\nhello\r\n0\r\n\r\n"),
        size("no hexadecimal size", b"g\r\nhello\r\n0\r\n\r\n"),
        size("NUL behind a size", b"5\0\r\nhello\r\n0\r\n\r\n"),
        size("size of 65 bits", b"10000000000000005\r\nhello\r\n0\r\n\r\n"),
        size("size with many zeros", b"00000000000000005\r\nhello\r\n0\r\n\r\n"),
        size("bare LF behind a size", b"5\nhello\r\n0\r\n\r\n"),
        size("bare CR behind a size", b"5\rhello\r\n0\r\n\r\n"),
        size("CR CR LF behind a size", b"5\r\r\nhello\r\n0\r\n\r\n"),
        size("bare LF behind the data", b"5\r\nhello\n0\r\n\r\n"),
        size("bare CR behind the data", b"5\r\nhello\r0\r\n\r\n"),
        size("nothing behind the data", b"5\r\nhello0\r\n\r\n"),
        size("more data than its size", b"5\r\nhelloXX\r\n0\r\n\r\n"),
        size("less data than its size", b"7\r\nhello\r\n0\r\n\r\n"),
        size("bare LF behind the last size", b"0\n\r\n"),
        size("bare LF at the end", b"0\r\n\n"),
        extension("extension without a name", b""),
        extension("extension with a value only", b"=x"),
        extension("extension without a value", b"a="),
        extension("two semicolons", b";a"),
        extension("space behind an extension", b"a "),
        extension("open quote", b"a=\"b"),
        extension("line end in quotes", b"a=\"\r\n0\r\n\r\n\""),
        extension("quoted line end", b"a=\"\\\r\n\""),
        extension("bare LF in an extension", b"a\nb"),
        extension("bare CR in an extension", b"a\rb"),
        extension("NUL in an extension", b"a\0"),
        chunks("extension without an end", "9112, 7.1.1", 413, &[b"5;", &flood(b'a')[..]].concat()),
        chunks(
            "Content-Length as a trailer",
            "9110, 6.5.1",
            400,
            b"0\r\nContent-Length: 5\r\n\r\n",
        ),
        chunks(
            "Transfer-Encoding as a trailer",
            "9110, 6.5.1",
            400,
            b"0\r\nTransfer-Encoding: chunked\r\n\r\n",
        ),
        chunks("Host as a trailer", "9110, 6.5.1", 400, b"0\r\nX: y\r\nHost: b\r\n\r\n"),
        chunks(
            "Authorization as a trailer",
            "9110, 6.5.1",
            400,
            b"0\r\nAuthorization: Basic YQ==\r\n\r\n",
        ),
        chunks("folded trailer", "9112, 5.2", 400, b"0\r\nX: y\r\n z\r\n\r\n"),
        chunks("space before a trailer's colon", "9112, 5.1", 400, b"0\r\nX : y\r\n\r\n"),
        chunks("trailer without a colon", "9112, 5", 400, b"0\r\nX\r\n\r\n"),
        chunks("bare LF behind a trailer", "9112, 2.2", 400, b"0\r\nX: y\n\r\n"),
        chunks("bare CR in a trailer", "9112, 2.2", 400, b"0\r\nX: y\rz\r\n\r\n"),
        chunks("NUL in a trailer", "9110, 5.5", 400, b"0\r\nX: \0\r\n\r\n"),
        chunks(
            "too many trailers",
            "6585, 5",
            431,
            &[b"0\r\n", &b"X: y\r\n".repeat(101)[..]].concat(),
        ),
        chunks(
            "trailer without an end",
            "9112, 7.1.2",
            413,
            &[b"0\r\nX: ", &flood(b'y')[..]].concat(),
        ),
    ]
}

/// Whether a body follows these is up to the client.
fn expectations() -> Vec<Case> {
    let expect = |name, status, line: &[u8], value: &[u8]| {
        let fields = b" HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: ";
        (name, "9110, 10.1.1", status, [line, fields, value, b"\r\n\r\n"].concat())
    };
    vec![
        expect("unknown expectation", 417, b"POST /echo", b"200-ok"),
        expect("one expectation of two unknown", 417, b"POST /echo", b"100-continue, x"),
        expect("expectation in quotes", 417, b"POST /echo", b"\"100-continue\""),
        expect("expecting, and not wanted", 405, b"POST /page", b"100-continue"),
        expect("expecting, and no such method", 501, b"MAKE /echo", b"100-continue"),
    ]
}

fn cases() -> Vec<Case> {
    [
        request_lines(),
        field_lines(),
        hosts(),
        lengths(),
        codings(),
        chunked_bodies(),
        expectations(),
    ]
    .concat()
}

/// Sends it on a connection of its own, and gives all that comes back, once the server has closed.
fn exchange(server: &Server, bytes: &[u8], piece: usize) -> String {
    let mut wire = server.connect();
    masked(&wire.send_slowly(bytes, piece, Duration::ZERO).rest())
}

#[test]
fn each_is_refused_and_what_is_glued_to_it_is_never_served() {
    let cases = cases();
    assert!(cases.len() >= 90, "{}", cases.len());
    let logs = Folder::new();
    for lobby in ["on", "off"] {
        let log = logs.join(lobby);
        let server =
            Server::start(&["--lobby", lobby, "--access-log", log.to_str().expect("UTF-8")]);
        for (name, section, status, bytes) in &cases {
            let glued = [bytes, SECOND].concat();
            let small = if glued.len() < 1000 { 1 } else { 100 };
            for piece in [glued.len(), small] {
                let answer = exchange(&server, &glued, piece);
                let of = format!("{name} (RFC {section}), by {piece}, lobby {lobby}: {answer}");
                let (head, _) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{of}"));
                assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{of}");
                assert!(head.ends_with("\r\nConnection: close"), "{of}");
                assert!(head.contains("\r\nDate: (now)\r\n"), "{of}");
                let answers = answer.lines().filter(|line| line.starts_with("HTTP/1.1 ")).count();
                assert_eq!(answers, 1, "{of}");
            }
        }
        let metrics = server.get("/-/metrics").text();
        let answers = |line: &&str| line.starts_with("threadbare_answers_total{");
        let counts = metrics.lines().filter(answers).map(|line| line.split_once("} ").unwrap());
        let of_each = |(name, count): (&str, &str)| {
            assert!(name.contains("code=\"4") || name.contains("code=\"5"), "{name}");
            count.parse::<usize>().unwrap()
        };
        assert_eq!(counts.map(of_each).sum::<usize>(), 2 * cases.len(), "each is answered once");
        // The log may be written a moment later.
        let text = || fs::read_to_string(&log).unwrap();
        let all = || (text().lines().count() > 2 * cases.len()).then_some(());
        assert!(eventually(all).is_some(), "each has a line: {}", text());
        assert_eq!(text().lines().count(), 2 * cases.len() + 1, "and one only");
        assert!(!text().contains("\"GET /echo?smuggled"), "{}", text());
    }
}

/// The answer is out before the body has come. It has to end as it should before anything behind it
/// is a request; when it does not, the connection ends without another word.
#[test]
fn bytes_after_a_doubtful_unwanted_body_are_never_served() {
    const POST: &[u8] = b"POST /page HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let too_long = [&b"20000\r\n"[..], &[b'x'; 0x20000], b"\r\n0\r\n\r\n"].concat();
    let bodies = chunked_bodies().into_iter().map(|(name, _, _, bytes)| {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 4;
        (name, bytes[end..].to_vec())
    });
    for lobby in ["on", "off"] {
        let server = Server::start(&["--lobby", lobby]);
        for (name, body) in bodies.clone().chain([("too long", too_long.clone())]) {
            let glued = [&body, SECOND].concat();
            let small = if glued.len() < 1000 { 1 } else { 1000 };
            for piece in [glued.len(), small] {
                let mut wire = server.connect();
                let first = wire.send(POST).answer();
                assert_eq!(first.status(), 405, "{name}");
                assert_eq!(first.field("connection"), None, "{name}: it may well be right");
                wire.send_slowly(&glued, piece, Duration::ZERO);
                assert_eq!(wire.rest(), b"", "{name}, by {piece}, lobby {lobby}");
            }
            // All at hand when it is answered: then that it is the last answer is known.
            let answer = exchange(&server, &[POST, &body, SECOND].concat(), usize::MAX);
            assert!(answer.starts_with("HTTP/1.1 405 "), "{name}: {answer}");
            assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{name}: {answer}");
            let said = answer.contains("\r\nConnection: close\r\n");
            assert!(said || body.len() > 10_000, "{name}: {answer}");
        }
        assert!(!server.program.stderr.text().contains("\"GET /echo?smuggled"));
    }
}
