//! The last level: attacks. A request that is glued behind a doubtful one is never answered (request smuggling), and no
//! path leads out of the folder that is served.

use super::expect::{alone, alone_with, answered, first_line, status, status_is};
use super::facts::Facts;
use super::heard::Heard;
use super::table::{Check, Until, Verdict, asked, fail_at, must, should, skip};

const BAD: &str = "HTTP/1.1 400 Bad Request, and the connection closes";

/// Returns a request for the page with these field lines and what follows the head; then comes a second request.
macro_rules! glued {
    ($fields:literal, $body:literal) => {
        concat!("GET {target} HTTP/1.1\r\nHost: {host}\r\n", $fields, "\r\n\r\n", $body, "{glued}")
    };
}

/// Returns a request with chunks.
macro_rules! chunks {
    ($body:literal) => {
        concat!(
            "GET {target} HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n",
            $body,
            "{glued}"
        )
    };
}

/// Returns a request for a path.
macro_rules! path {
    ($path:literal) => {
        concat!("GET ", $path, " HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
    };
}

/// The checks.
pub(super) const CHECKS: &[Check] = &[
    must("framing.two-lengths", "RFC 9112, 6.3", glued!("Content-Length: 0\r\nContent-Length: {glued-length}", ""), refused)
        .until(Until::Quiet)
        .asks("Two Content-Length that differ make the end of the body unknown.")
        .right(BAD),
    must("framing.length-list", "RFC 9112, 6.3", glued!("Content-Length: 0, {glued-length}", ""), refused)
        .until(Until::Quiet)
        .asks("A list of lengths that differ makes the end of the body unknown.")
        .right(BAD),
    must("framing.length-plus", "RFC 9112, 6.3", glued!("Content-Length: +0", ""), refused)
        .until(Until::Quiet)
        .asks("Content-Length has digits only, no sign.")
        .right(BAD),
    must("framing.length-minus", "RFC 9112, 6.3", glued!("Content-Length: -1", ""), refused)
        .until(Until::Quiet)
        .asks("Content-Length has digits only, no sign.")
        .right(BAD),
    must("framing.length-hex", "RFC 9112, 6.3", glued!("Content-Length: 0x0", ""), refused)
        .until(Until::Quiet)
        .asks("Content-Length is decimal.")
        .right(BAD),
    must("framing.length-space", "RFC 9112, 6.3", glued!("Content-Length: 0 0", ""), refused)
        .until(Until::Quiet)
        .asks("Content-Length is one number.")
        .right(BAD),
    must("framing.length-empty", "RFC 9112, 6.3", glued!("Content-Length:", ""), refused)
        .until(Until::Quiet)
        .asks("Content-Length has at least one digit.")
        .right(BAD),
    must("framing.length-huge", "RFC 9110, 8.6", glued!("Content-Length: {30-digits}", ""), |heard, facts| alone_with(heard, facts, &[400, 413]))
        .until(Until::Quiet)
        .asks("A number of 30 digits is too large, and not read as a small one.")
        .right("HTTP/1.1 413 Content Too Large"),
    must("framing.both", "RFC 9112, 6.1", glued!("Content-Length: 5\r\nTransfer-Encoding: chunked", "0\r\n\r\n"), one_answer)
        .until(Until::Quiet)
        .asks("After a request with Content-Length and Transfer-Encoding the server closes, whatever it answers.")
        .right(BAD),
    must("framing.coding-gzip", "RFC 9112, 6.3", glued!("Transfer-Encoding: gzip", ""), |heard, facts| alone_with(heard, facts, &[400, 501]))
        .until(Until::Quiet)
        .asks("Without chunked as the last coding the end of the body is unknown.")
        .right(BAD),
    must("framing.coding-behind", "RFC 9112, 6.3", glued!("Transfer-Encoding: chunked, gzip", "0\r\n\r\n"), |heard, facts| alone_with(heard, facts, &[400, 501]))
        .until(Until::Quiet)
        .asks("chunked is the last coding.")
        .right(BAD),
    must("framing.coding-unknown", "RFC 9112, 6.3", glued!("Transfer-Encoding: xchunked", ""), |heard, facts| alone_with(heard, facts, &[400, 501]))
        .until(Until::Quiet)
        .asks("xchunked is not chunked.")
        .right(BAD),
    should("framing.coding-not-known", "RFC 9112, 6.1", glued!("Transfer-Encoding: gzip, chunked", "0\r\n\r\n"), |heard, facts| match facts.page.is_http10 {
        true => skip("the server answers as HTTP/1.0, which has no codings"),
        false => status(heard, &[501]),
    })
        .asks("A coding beside chunked that the server does not know is answered 501.")
        .right("HTTP/1.1 501 Not Implemented"),
    should("framing.coding-twice", "RFC 9112, 6.1", glued!("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "0\r\n\r\n"), one_answer)
        .until(Until::Quiet)
        .asks("chunked is applied once only.")
        .right(BAD),
    should("framing.coding-tab", "RFC 9112, 6.1", glued!("Transfer-Encoding: \u{b}chunked", "0\r\n\r\n"), one_answer)
        .until(Until::Quiet)
        .asks("A control character beside chunked makes it no coding.")
        .right(BAD),
    must("framing.coding-http10", "RFC 9112, 6.1", "GET {target} HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{glued}", one_answer)
        .until(Until::Quiet)
        .asks("Transfer-Encoding in a request of HTTP/1.0 is faulty; after the answer the server closes.")
        .right(BAD),
    must("framing.chunk-huge", "RFC 9112, 7.1", chunks!("FFFFFFFFFFFFFFFFFFFF\r\nx\r\n0\r\n\r\n"), one_answer)
        .until(Until::Quiet)
        .asks("A chunk size with more digits than a number has is an error, not a small number.")
        .right(BAD),
    should("framing.chunk-plus", "RFC 9112, 7.1", chunks!("+0\r\n\r\n"), one_answer)
        .until(Until::Quiet)
        .asks("A chunk size has hexadecimal digits only, no sign.")
        .right(BAD),
    should("framing.chunk-hex", "RFC 9112, 7.1", chunks!("0x0\r\n\r\n"), one_answer)
        .until(Until::Quiet)
        .asks("A chunk size has no 0x.")
        .right(BAD),
    should("framing.chunk-longer", "RFC 9112, 7.1", chunks!("1\r\nabc\r\n0\r\n\r\n"), one_answer)
        .until(Until::Quiet)
        .asks("After the bytes of a chunk comes CR LF; else the size was wrong.")
        .right(BAD),
    should("framing.chunk-lf", "RFC 9112, 7.1", chunks!("1\na\n0\n\n"), one_answer)
        .until(Until::Quiet)
        .asks("Lines of chunks end with CR LF; LF alone is for heads at most.")
        .right(BAD),
    should("framing.space-in-name", "RFC 9112, 5.1", glued!("Content-Length : {glued-length}", ""), one_answer)
        .until(Until::Quiet)
        .asks("A length with a space before its colon is not a length, nor is it ignored.")
        .right(BAD),
    must("framing.trailer-host", "RFC 9110, 6.5.1", "GET {target} HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nHost: b\r\n\r\n", |heard, _| {
        answered(heard)?;
        Ok(first_line(heard))
    })
        .asks("A field Host in the trailers is not used; the request gets an answer."),
    asked("paths.dots", "RFC 9110, 17.3", path!("/../../../../../../../../etc/passwd"), inside)
        .asks("../ does not lead out of the folder.")
        .right("HTTP/1.1 404 Not Found, or 400"),
    asked("paths.dots-below", "RFC 9110, 17.3", path!("/a/../../../../../../../../etc/passwd"), inside)
        .asks("../ does not lead out of the folder, from below either.")
        .right("HTTP/1.1 404 Not Found, or 400"),
    asked("paths.percent-dots", "RFC 9110, 17.3", path!("/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd"), inside)
        .asks("%2e%2e is .. after decoding: decode first, check then.")
        .right("HTTP/1.1 404 Not Found, or 400"),
    asked("paths.percent-slash", "RFC 9110, 17.3", path!("/..%2f..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd"), inside)
        .asks("%2f is / after decoding: decode first, check then.")
        .right("HTTP/1.1 404 Not Found, or 400"),
    asked("paths.decoded-once", "RFC 3986, 2.4", path!("/%252e%252e/%252e%252e/%252e%252e/%252e%252e/%252e%252e/etc/passwd"), inside)
        .asks("A path is decoded once: %252e is %2e, not a dot.")
        .right("HTTP/1.1 404 Not Found"),
    asked("paths.backslash", "RFC 9110, 17.3", path!("/..\\..\\..\\..\\..\\..\\etc\\passwd"), inside)
        .asks("A backslash does not lead out of the folder, on any system.")
        .right("HTTP/1.1 404 Not Found, or 400"),
    asked("paths.two-slashes", "RFC 9110, 17.3", path!("//etc/passwd"), inside)
        .asks("//etc/passwd is below the folder: a joined path must not begin anew.")
        .right("HTTP/1.1 404 Not Found"),
    asked("paths.no-slash", "RFC 9112, 3.2.1", path!("etc/passwd"), inside)
        .asks("A target begins with a slash.")
        .right("HTTP/1.1 400 Bad Request"),
    asked("paths.absolute", "RFC 9110, 17.3", "GET http://{host}/../../../../../../etc/passwd HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n", inside)
        .asks("../ in a whole URL does not lead out of the folder.")
        .right("HTTP/1.1 404 Not Found, or 400"),
    should("paths.nul", "RFC 3986, 7.3", path!("{path}%00.txt"), |heard, _| {
        status_is(heard, "400 or 404", |status| (400..500).contains(&status))
    })
        .asks("%00 in a path is no page; in C it would end the name early.")
        .right("HTTP/1.1 400 Bad Request"),
    asked("paths.link", "RFC 9110, 17.3", path!("{link-out}"), |heard, _| {
        status_is(heard, "403 or 404", |status| status >= 300)
    })
        .asks("A link in the folder that leads out of it is not followed.")
        .right("HTTP/1.1 404 Not Found"),
    asked("paths.hidden", "RFC 9110, 17.3", path!("{hidden-file}"), |heard, _| {
        status_is(heard, "403 or 404", |status| status >= 300)
    })
        .asks("A file whose name begins with a dot, as .git or .env, is not served.")
        .right("HTTP/1.1 404 Not Found"),
    must("answers.split-path", "RFC 9110, 5.5", path!("/x%0d%0aX-Injected:%20yes"), not_injected)
        .asks("CR LF that a path has after decoding does not come into the head of the answer, as in Location.")
        .right("Location: /x%0d%0aX-Injected:%20yes/"),
    must("answers.split-query", "RFC 9110, 5.5", path!("{path}?a=%0d%0aX-Injected:%20yes"), not_injected)
        .asks("CR LF of a query does not come into the head of the answer.")
        .right("the query as it was sent, or left out"),
    asked("answers.script", "RFC 9110, 17.3", path!("/%3Cscript%3Ealert(1)%3C/script%3E"), |heard, _| {
        let answer = answered(heard)?;
        let content = heard.content(answer);
        let is_html = heard.field(answer, "content-type").is_none_or(|(_, value)| value.starts_with(b"text/html"));
        let found = content.windows(14).position(|part| part == b"<script>alert(");
        match found.filter(|_| is_html) {
            Some(at) => fail_at(answer.body.start + at, "the page of the error has the script in it, and a browser runs it"),
            None => Ok(first_line(heard)),
        }
    })
        .asks("A path that a page of an error shows is escaped.")
        .right("&lt;script&gt;"),
    should("trace.secrets", "RFC 9110, 9.3.8", "TRACE {target} HTTP/1.1\r\nHost: {host}\r\nCookie: secret-1\r\nConnection: close\r\n\r\n", |heard, _| {
        let answer = answered(heard)?;
        match heard.content(answer).windows(8).any(|part| part == b"secret-1") {
            true => fail_at(answer.body.start, "TRACE sends the cookie back"),
            false => Ok(first_line(heard)),
        }
    })
        .asks("TRACE is refused, or leaves out what is secret.")
        .right("HTTP/1.1 405 Method Not Allowed"),
];

fn refused(heard: &Heard, facts: &Facts) -> Verdict {
    alone_with(heard, facts, &[400])
}

fn one_answer(heard: &Heard, _: &Facts) -> Verdict {
    alone(heard)?;
    Ok(first_line(heard))
}

/// The answer is not the list of users that every Unix system has.
fn inside(heard: &Heard, _: &Facts) -> Verdict {
    let answer = answered(heard)?;
    let found = heard.content(answer).windows(5).position(|part| part == b"root:");
    match found {
        Some(at) => fail_at(
            answer.body.start + at,
            "the server sends /etc/passwd, which is not in its folder",
        ),
        None => Ok(first_line(heard)),
    }
}

fn not_injected(heard: &Heard, _: &Facts) -> Verdict {
    let answer = answered(heard)?;
    match heard.field(answer, "x-injected") {
        Some((at, _)) => fail_at(at, "the client has made a field of the answer"),
        None => Ok(first_line(heard)),
    }
}
