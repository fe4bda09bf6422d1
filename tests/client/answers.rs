//! How the client reads responses, rule by rule: RFC 9112 for the framing, RFC 9110 for the rest. Each table
//! runs with the response sent whole and a byte at a time: the outcome must be the same.

use std::io::Read as _;
use std::time::{Duration, Instant};

use threadbare::client::{Client, Error, ErrorKind, Request};

use super::fake::Fake;
use super::{fetch, fetched};
use crate::support::{Finished, SOON};

const OK: &str = "HTTP/1.1 200 OK\r\n";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// Fetches this response, sent whole and then a byte at a time.
fn both_ways(answer: &[u8], args: &[&str]) -> [Finished; 2] {
    let dripped = answer.to_vec();
    let slow = Fake::new(move |talk| {
        talk.request()?;
        talk.drip(&dripped, Duration::ZERO)
    });
    [Fake::saying(answer), slow].map(|fake| fetch(&[args, &["-m", "9", &*fake.url("/")]].concat()))
}

/// Asserts that the response is accepted, with this body.
fn reads(answer: &str, body: &str) {
    for finished in both_ways(answer.as_bytes(), &[]) {
        let stdout = String::from_utf8_lossy(&finished.stdout);
        assert_eq!((&*stdout, finished.code), (body, Some(0)), "{answer:?}: {}", finished.stderr);
    }
}

/// Asserts that the response is refused with this code, after this part of its body, in these words.
fn refuses(answer: &str, code: u8, body: &str, says: &str) {
    for finished in both_ways(answer.as_bytes(), &[]) {
        let said = finished.failed(code, answer);
        assert!(said.contains(says), "{answer:?}: {said}");
        assert_eq!(String::from_utf8_lossy(&finished.stdout), body, "{answer:?}");
    }
}

/// RFC 9110, 15.2: "A client MUST be able to parse one or more 1xx responses received prior to a
/// final response, even if the client does not expect one."
#[test]
fn interim_responses_come_before_the_final_one() {
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n\
                   HTTP/1.1 199 Odd\r\nContent-Length: 5\r\nTransfer-Encoding: x\r\n\r\n";
    let answer = format!("{interim}{OK}Content-Length: 5\r\n\r\nhello");
    reads(&answer, "hello");
    for finished in both_ways(answer.as_bytes(), &["-v"]) {
        assert!(finished.stderr.contains("\n< HTTP/1.1 103 Early Hints\n< Link: </a>\n< \n"));
    }
    for finished in both_ways(answer.as_bytes(), &["-i"]) {
        assert_eq!(String::from_utf8(finished.stdout).unwrap(), answer);
    }
    refuses(interim, 52, "", "without a response");
    refuses(&"HTTP/1.1 103 Early Hints\r\n\r\n".repeat(101), 8, "", "RFC 9110, 15.2)");
}

/// RFC 9110, 7.8: "A server MUST NOT switch to a protocol that was not indicated by the client".
#[test]
fn a_101_is_refused() {
    let switch = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n";
    for answer in [switch.to_owned(), format!("{switch}{OK}Content-Length: 5\r\n\r\nhello")] {
        refuses(&answer, 8, "", "RFC 9110, 15.2.2)");
    }
}

/// RFC 9112, 6.3 (1): it ends at its blank line, "regardless of the header fields present in the
/// message". The connection stays, unless the fields contradict each other.
#[test]
fn some_responses_have_no_body_whatever_their_fields_say() {
    const STAYS: usize = 1;
    const GOES: usize = 2;
    for (fields, connections) in [
        ("", STAYS),
        ("Content-Length: 5\r\n", STAYS),
        ("Content-Length: 0\r\n", STAYS),
        ("Transfer-Encoding: chunked\r\n", STAYS),
        ("Content-Length: 5\r\nContent-Length: 6\r\n", GOES),
        ("Content-Length: +5\r\n", GOES),
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", GOES),
        ("Transfer-Encoding: x\r\n", GOES),
        ("Connection: close\r\n", GOES),
    ] {
        for (flag, status) in
            [("-i", "204 No Content"), ("-i", "304 Not Modified"), ("-I", "200 OK")]
        {
            let head = format!("HTTP/1.1 {status}\r\n{fields}\r\n");
            let said = head.clone();
            let fake = Fake::new(move |talk| {
                for _ in 0..2 {
                    talk.request()?;
                    talk.say(&said)?;
                }
                Ok(())
            });
            assert_eq!(fetched(&[flag, &fake.url("/"), &fake.url("/")]), head.repeat(2));
            assert_eq!(fake.connections(), connections, "{head:?}");
        }
    }
    // RFC 9112, 6.1: coding on 1.0 is faulty framing, so the connection is closed after it.
    let fake = Fake::new(|talk| {
        talk.request()?;
        talk.say(
            "HTTP/1.0 204 No\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n",
        )?;
        talk.wait()
    });
    assert_eq!(fetched(&[fake.url("/"), fake.url("/")]), "");
    assert_eq!(fake.connections(), 2);
}

/// RFC 9112, 6.3 (5): "If the message is a response […] the user agent MUST close the connection to the
/// server and discard the received response."
#[test]
fn an_ambiguous_length_is_refused() {
    for (fields, says) in [
        (
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            "(byte 52; RFC 9112, 6.3) in \"Content-Length: 6\\r\\n\"",
        ),
        ("Content-Length: 5\r\ncontent-length : 6\r\n", "in \"content-length : 6\\r\\n\""),
        ("Content-Length: 5, 6\r\n", "in \"Content-Length: 5, 6\\r\\n\""),
        ("Content-Length: +5\r\n", "(byte 33; RFC 9110, 8.6) in \"Content-Length: +5\\r\\n\""),
        ("Content-Length: -5\r\n", "in \"Content-Length: -5\\r\\n\""),
        ("Content-Length: 0x5\r\n", "in \"Content-Length: 0x5\\r\\n\""),
        ("Content-Length: 5.0\r\n", "in \"Content-Length: 5.0\\r\\n\""),
        ("Content-Length: 5 5\r\n", "in \"Content-Length: 5 5\\r\\n\""),
        ("Content-Length: \"5\"\r\n", "in \"Content-Length: \"5\"\\r\\n\""),
        ("Content-Length:\r\n", "in \"Content-Length:\\r\\n\""),
        ("Content-Length: five\r\n", "in \"Content-Length: five\\r\\n\""),
        ("Content-Length: 18446744073709551616\r\n", "RFC 9110, 8.6"),
    ] {
        let answer = format!("{OK}{fields}\r\nhello!");
        let finished = fetch(&["-m", "9", &Fake::saying(&*answer).url("/")]);
        let said = finished.failed(8, fields);
        assert!(said.starts_with("the server's response is not valid HTTP: "), "{said}");
        assert!(said.contains(says), "{fields:?}: {said}");
        refuses(&answer, 8, "", "Content-Length");
    }
    reads(&format!("{OK}Content-Length:\t 005 \r\n\r\nhello!"), "hello");
    // RFC 9112, 6.3 (5): "unless the field value can be successfully parsed as a comma-separated list […],
    // all values in the list are valid, and all values in the list are the same".
    for fields in [
        "Content-Length: 5\r\ncontent-length: 5\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: 5\r\nX: y\r\nContent-Length: 5 ,5\r\n",
    ] {
        reads(&format!("{OK}{fields}\r\nhello!"), "hello");
    }
}

/// RFC 9112, 6.1 and 6.3 (3, 4): with a length, on 1.0, unknown, or not last.
#[test]
fn an_ambiguous_transfer_coding_is_refused() {
    let chunks = "5\r\nhello\r\n0\r\n\r\n";
    for (start, coding, says) in [
        (
            OK,
            "Content-Length: 5\r\nTransfer-Encoding: chunked",
            "has both Content-Length and Transfer-Encoding",
        ),
        (
            OK,
            "Transfer-Encoding: chunked\r\nContent-Length: 5",
            "has both Content-Length and Transfer-Encoding",
        ),
        (OK, "Transfer-Encoding: chunked\r\nContent-Length: x", "RFC 9110, 8.6"),
        ("HTTP/1.0 200 OK\r\n", "Transfer-Encoding: chunked", "which HTTP/1.0 does not have"),
        (OK, "Transfer-Encoding: x", "RFC 9112, 6.1"),
        (OK, "Transfer-Encoding: x, chunked", "RFC 9112, 6.1"),
        (OK, "Transfer-Encoding: identity", "RFC 9112, 6.1"),
        (OK, "Transfer-Encoding: chunked, chunked", "RFC 9112, 6.3"),
        (OK, "Transfer-Encoding: chunked, gzip", "RFC 9112, 6.3"),
        (OK, "Transfer-Encoding: chunked\r\nTransfer-Encoding: x", "RFC 9112, 6.3"),
        (OK, "Transfer-Encoding: xchunked", "RFC 9112, 6.1"),
        (OK, "Transfer-Encoding: chunked;q=1", "RFC 9112, 6.1"),
        (OK, "Transfer-Encoding:", "RFC 9112, 6.1"),
    ] {
        refuses(&format!("{start}{coding}\r\n\r\n{chunks}"), 8, "", says);
    }
    reads(&format!("{OK}TRANSFER-ENCODING: , Chunked ,\r\n\r\n{chunks}"), "hello");
}

/// RFC 9112, 7.1: strict about sizes and line ends, patient with blanks, extensions and trailers.
#[test]
fn chunks() {
    for (body, want) in [
        ("0\r\n\r\n", ""),
        ("5\r\nhello\r\n0\r\n\r\n", "hello"),
        ("00005\r\nhello\r\n0000\r\n\r\n", "hello"),
        ("A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789"),
        ("5;a;b=c; d = \"e;\\\"f\"\r\nhello\r\n0;x\r\nSum: 1\r\nMore: 2\r\n\r\n", "hello"),
        ("2\r\n\r\n\r\n0\r\n\r\n", "\r\n"),
        ("5 \r\nhello\r\n0 \t\r\n\r\n", "hello"),
        ("5;a \r\nhello\r\n0\r\n\r\n", "hello"),
        ("5\r\nhello\r\n0\r\nA : b\r\n\r\n", "hello"),
        ("5\r\nhello\r\n0\r\nA: b\r\n c\r\n\r\n", "hello"),
    ] {
        reads(&format!("{CHUNKED}{body}"), want);
    }
    for (body, came, says) in [
        ("hello\r\n", "", "RFC 9112, 7.1) in \"hello\\r\\n\""),
        ("\r\nhello", "", "RFC 9112, 7.1)"),
        ("+5\r\nhello\r\n0\r\n\r\n", "", "in \"+5\\r\\n\""),
        ("0x5\r\nhello\r\n0\r\n\r\n", "", "in \"0x5\\r\\n\""),
        (" 5\r\nhello\r\n0\r\n\r\n", "", "in \" 5\\r\\n\""),
        ("5 5\r\nhello\r\n0\r\n\r\n", "", "in \"5 5\\r\\n\""),
        ("10000000000000000\r\nhello", "", "RFC 9112, 7.1)"),
        ("5\nhello\n0\n\n", "", "RFC 9112, 7.1)"),
        ("5\r\nhello\n0\r\n\r\n", "hello", "(byte 8; RFC 9112, 7.1)"),
        ("5\r\nhello, and more\r\n0\r\n\r\n", "hello", "(byte 8; RFC 9112, 7.1)"),
        ("5\r\nhello\r\n\x1b]0;x\x07\r\n", "hello", "(byte 10; RFC 9112, 7.1) in \"\\x1B"),
        (
            "5\r\nhello\r\n0\r\nA B: c\r\n\r\n",
            "hello",
            "(byte 14; RFC 9110, 5.1) in \"A B: c\\r\\n\"",
        ),
        ("5\r\nhello\r\n0\r\n a\r\n\r\n", "hello", "RFC 9112, 5.2)"),
        ("5\r\nhello\r\n0\r\nA: b\n\r\n", "hello", "RFC 9112, 7.1)"),
    ] {
        // The bytes after the fault may not have arrived: only those that have can be shown.
        let finished = fetch(&["-m", "9", &Fake::saying(format!("{CHUNKED}{body}")).url("/")]);
        let said = finished.failed(56, body);
        assert!(said.contains(says), "{body:?}: {said}");
        let section = says.split_inclusive(')').next().unwrap_or(says);
        let section = if section.starts_with("in ") { "RFC 9112, 7.1)" } else { section };
        refuses(&format!("{CHUNKED}{body}"), 56, came, section);
    }
}

/// RFC 9112, 8: such a message is recorded as incomplete; the library says how much of it came.
#[test]
fn a_truncated_response_is_an_error() {
    for (answer, body, says) in [
        (format!("{OK}Content-Length: 50\r\n\r\nhello"), "hello", "5 bytes received, 45 missing"),
        (format!("{CHUNKED}5\r\nhello\r\n"), "hello", "the last chunk is missing"),
        (format!("{CHUNKED}5\r\nhello\r\n0\r\nSum: 1\r\n"), "hello", "the last chunk is missing"),
        (format!("{CHUNKED}5\r\nhe"), "he", "2 bytes received, the last chunk is missing"),
        ("HTT".to_owned(), "", "(byte 3; RFC 9112, 8)"),
        ("HTTP/1.1 200 OK".to_owned(), "", "(byte 15; RFC 9112, 8)"),
        (OK.to_owned(), "", "(byte 17; RFC 9112, 8)"),
        (format!("{OK}Content-Length: 5\r\nX: y"), "", "(byte 40; RFC 9112, 8)"),
        (format!("HTTP/1.1 100 Continue\r\n\r\n{OK}"), "", "(byte 17; RFC 9112, 8)"),
    ] {
        refuses(&answer, 18, body, says);
    }
    let cut = Fake::saying(format!("{OK}Content-Length: 50\r\n\r\nhello"));
    let mut response = Client::new().send(&Request::get(&cut.url("/")).unwrap()).unwrap();
    let error = response.read_to_end(&mut Vec::new()).unwrap_err();
    let error = error.get_ref().unwrap().downcast_ref::<Error>().unwrap();
    assert!(
        matches!(error.kind(), ErrorKind::CutShort { received: 5, missing: Some(45) }),
        "{error:?}"
    );
}

/// RFC 9112, 4 and RFC 9110, 15: three digits; the class of an unknown one is its first digit.
#[test]
fn status_lines() {
    for start in [
        "HTTP/1.1 200",
        "HTTP/1.1 200 ",
        "HTTP/1.1 200 \u{fc}ber\t ~",
        "HTTP/1.1 299 Odd",
        "HTTP/1.1 399 Odd",
        "HTTP/1.1 600 Odd",
        "HTTP/1.1 999 Odd",
        "HTTP/1.0 200 OK",
        "HTTP/1.2 200 OK",
        "HTTP/1.9 200 OK",
    ] {
        reads(&format!("{start}\r\nContent-Length: 5\r\n\r\nhello"), "hello");
    }
    for (start, code, says) in [
        ("HTTP/1.1 000 OK", 8, "(byte 9; RFC 9112, 4) in \"HTTP/1.1 000 OK\\r\\n\""),
        ("HTTP/1.1 099 OK", 8, "RFC 9112, 4) in \"HTTP/1.1 099 OK\\r\\n\""),
        ("HTTP/1.1 20 OK", 8, "RFC 9112, 4)"),
        ("HTTP/1.1 2000 OK", 8, "RFC 9112, 4)"),
        ("HTTP/1.1 2x0 OK", 8, "RFC 9112, 4)"),
        ("HTTP/1.1 +20 OK", 8, "RFC 9112, 4)"),
        ("HTTP/1.1  200 OK", 8, "RFC 9112, 4)"),
        ("HTTP/1.1\t200 OK", 8, "RFC 9112, 4)"),
        ("HTTP/1.1 200OK", 8, "RFC 9112, 4)"),
        ("HTTP/1.1", 8, "RFC 9112, 4)"),
        ("HTTP/1.1 200 O\0K", 8, "RFC 9112, 4) in \"HTTP/1.1 200 O\\x00K\\r\\n\""),
        ("HTTP/1.1 200 O\rK", 8, "RFC 9112, 4) in \"HTTP/1.1 200 O\\rK\\r\\n\""),
        ("HTTP/1.10 200 OK", 8, "RFC 9112, 4)"),
        ("HTTP/2 200", 8, "RFC 9112, 4)"),
        ("HTTP/2.0 200 OK", 1, "only HTTP/1.0 and HTTP/1.1 are (byte 0; RFC 9110, 2.5)"),
        ("HTTP/0.9 200 OK", 1, "RFC 9110, 2.5) in \"HTTP/0.9 200 OK\\r\\n\""),
    ] {
        refuses(&format!("{start}\r\nContent-Length: 5\r\n\r\nhello"), code, "", says);
    }
}

/// There is no HTTP/0.9, and nothing before the status line: RFC 9112, 2.2 has empty lines skipped
/// before requests only.
#[test]
fn bytes_without_a_status_line_are_refused() {
    for answer in [
        "<html>hello",
        "hello\r\n",
        "\r\nHTTP/1.1 200 OK\r\n\r\nhello",
        " HTTP/1.1 200 OK\r\n\r\nhello",
        "junk\r\nHTTP/1.1 200 OK\r\n\r\nhello",
        "http/1.1 200 OK\r\n\r\nhello",
        "ICY 200 OK\r\n\r\nhello",
        "\u{15}\u{3}\u{1}\0\u{2}\u{2}\n", // what a TLS server says to plain text
        "\u{feff}HTTP/1.1 200 OK\r\n\r\nhello",
    ] {
        refuses(answer, 1, "", "check that it is an HTTP server; https is not supported");
    }
    let finished = fetch(&[Fake::saying("\x1b]0;owned\x07\r\n").url("/")]);
    assert!(
        finished
            .failed(1, "escape")
            .contains(" in \"\\x1B]0;owned\\x07\\r\\n\"; check that it is an HTTP server")
    );
}

/// RFC 9112, 5.2: a user agent replaces a fold by spaces; 5.1: whitespace before a colon is removed from a
/// response; 2.2: whitespace before the first field is rejected.
#[test]
fn field_lines() {
    for (fields, want) in [
        ("A: b\r\n c\r\n", "A: b   c\r\n"),
        ("A: b \r\n\t  c\r\nD: e\r\n", "A: b      c\r\nD: e\r\n"),
        ("A:b\nC:\td \n", "A:b\nC:\td \n"),
        ("A : b\r\nC\t :d\r\n", "A : b\r\nC\t :d\r\n"),
        ("A: \u{fc}\t\\\"\r\nA: b\r\na:\r\n", "A: \u{fc}\t\\\"\r\nA: b\r\na:\r\n"),
    ] {
        for finished in both_ways(format!("{OK}{fields}\r\n").as_bytes(), &["-I"]) {
            let stdout = String::from_utf8(finished.stdout).unwrap();
            assert_eq!(stdout, format!("{OK}{want}\r\n"));
        }
    }
    // A length that is folded is a length all the same.
    reads(&format!("{OK}Content-Length:\r\n 5\r\n\r\nhello!"), "hello");
    // So is one with a blank before its colon, and so is a coding.
    reads(&format!("{OK}Content-Length : 5\r\n\r\nhello!"), "hello");
    reads(&format!("{OK}Transfer-Encoding\t: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"), "x");
    for (fields, says) in [
        (" A: b\r\nC: d\r\n", "(byte 17; RFC 9112, 5.2) in \" A: b\\r\\n\""),
        ("\tA: b\r\n", "RFC 9112, 5.2) in \"\\tA: b\\r\\n\""),
        // Credentials are not shown, wherever the error is.
        ("Set-Cookie : id=c2Vz\0W1l\r\n", "RFC 9110, 5.5) in \"Set-Cookie : (not shown)\""),
        ("Set-Cookie: id=c2Vz\0W1l\r\n", "RFC 9110, 5.5) in \"Set-Cookie: (not shown)\""),
        ("A b: c\r\n", "RFC 9110, 5.1) in \"A b: c\\r\\n\""),
        (": c\r\n", "RFC 9110, 5.1)"),
        ("\u{fc}: c\r\n", "RFC 9110, 5.1)"),
        ("no colon\r\n", "RFC 9112, 5) in \"no colon\\r\\n\""),
        ("A: b\rc\r\n", "(byte 21; RFC 9112, 2.2) in \"A: b\\rc\\r\\n\""),
        ("A: b\r\r\n", "RFC 9112, 2.2)"),
        ("A: b\0c\r\n", "RFC 9110, 5.5) in \"A: b\\x00c\\r\\n\""),
        ("A: \x1b[2J\r\n", "RFC 9110, 5.5) in \"A: \\x1B[2J\\r\\n\""),
        ("A: b\r\n c\0\r\n", "RFC 9110, 5.5)"),
    ] {
        refuses(&format!("{OK}{fields}\r\nhello"), 8, "", says);
    }
}

/// A part that is too long is refused at its limit; one within the limit is read: more than a server
/// accepts in a request, and as much as curl.
#[test]
fn limits() {
    let line = |name: &str, length: usize| format!("{name}: {}\r\n", "x".repeat(length));
    let many = |count: usize| "X: y\r\n".repeat(count);
    let (within, fields) = (line("X", 100_000), line("X", 100_000).repeat(4));
    for (name, head) in [
        ("a head of 70 KB", line("X", 7_000).repeat(10)),
        ("a field of 17 KB", line("X", 17_000)),
        ("a field of 100 KB", within),
        ("a head of 300 KB", line("X", 99_000).repeat(3)),
        ("101 fields", many(101)),
        ("5,000 fields", many(5_000)),
        ("a value of many lines", format!("X: y\r\n{}", " z\r\n".repeat(20_000))),
    ] {
        let answer = format!("{OK}{head}Content-Length: 5\r\n\r\nhello");
        let answer = if name == "5,000 fields" { format!("{OK}{head}\r\nhello") } else { answer };
        let url = Fake::saying(answer).url("/");
        for args in [&[][..], &["-s", "-v"], &["-s", "--wire"]] {
            let finished = fetch(&[args, &["-m", "9", &url]].concat());
            assert_eq!((&finished.stdout[..], finished.code), (&b"hello"[..], Some(0)), "{name}");
            assert!(!finished.stderr.contains("limit"), "{name} {args:?}");
        }
    }
    reads(&format!("HTTP/1.1 200 {}\r\n\r\nhello", "x".repeat(8_000)), "hello");
    let flags = ["--max-response-head", "900000", "--max-response-fields", "5001"];
    let large = Fake::saying(format!("{OK}{}{}\r\nhello", line("X", 200_000), many(5_000)));
    assert_eq!(fetched(&[&flags[..], &[&*large.url("/")]].concat()), "hello");
    for (answer, says) in [
        (format!("HTTP/1.1 200 {}\r\n\r\n", "x".repeat(9_000)), "the status line is longer"),
        (format!("{OK}{}\r\n", line("X", 110_000)), "a field line is longer"),
        (format!("{OK}{fields}\r\n"), "the head is longer"),
        (format!("{OK}{}\r\nhello", many(5_001)), "more fields than the limit allows"),
        (format!("{OK}X: y\r\n{}\r\nhello", " z\r\n".repeat(80_000)), "the head is longer"),
    ] {
        let begun = Instant::now();
        let finished = fetch(&["-m", "9", &Fake::saying(answer).url("/")]);
        assert!(finished.failed(8, says).contains(says), "{}", finished.stderr);
        let teaches = finished.stderr.contains("; --max-response-");
        assert_eq!(teaches, !says.contains("status line"), "{}", finished.stderr);
        assert!(begun.elapsed() < SOON);
    }
    for (flag, head) in
        [("--max-response-head", line("X", 400)), ("--max-response-fields", many(4))]
    {
        for (most, code) in [("3", 8), ("2000", 0)] {
            let url = Fake::saying(format!("{OK}{head}\r\nhello")).url("/");
            assert_eq!(fetch(&[flag, most, &url]).code, Some(code), "{flag} {most}");
        }
    }
}

/// RFC 9112, 9.3 and 9.6: which connections persist; bytes after a response are not read as another one.
#[test]
fn connections_that_are_reused() {
    const CLOSES: &str = "\n* Closing connection #0: ";
    for (head, said) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", "\n* Re-using existing connection #0 "),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: x, keep-alive\r\n", "* Re-using"),
        ("HTTP/1.2 200 OK\r\nContent-Length: 2\r\n", "* Re-using"),
        ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: Keep-Alive\r\n", "* Re-using"),
        ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n", CLOSES),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: Close\r\n", CLOSES),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: x\r\nConnection: y, close\r\n",
            CLOSES,
        ),
        ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive, close\r\n", CLOSES),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n", CLOSES),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", CLOSES),
        ("HTTP/1.1 204 No Content\r\n", CLOSES),
    ] {
        let fake = Fake::new(move |talk| {
            for _ in 0..2 {
                talk.request()?;
                talk.say(format!("{head}\r\nok"))?;
            }
            talk.wait()
        });
        let finished = fetch(&["-v", "-m", "9", &fake.url("/"), &fake.url("/")]);
        assert_eq!(finished.code, Some(0), "{head:?}");
        assert!(finished.stderr.contains(said), "{head:?}: {}", finished.stderr);
        assert_eq!(fake.connections(), if said == CLOSES { 2 } else { 1 }, "{head:?}");
    }
}
