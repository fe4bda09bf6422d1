//! The second level: what HTTP/1.0 asks for: lengths, methods, and requests that are wrong.

use super::expect::{
    answered, any, closed, field, quoted, refused, same, status, status_is, the_page,
};
use super::facts::Facts;
use super::heard::{End, Heard};
use super::table::{Check, Force, Until, Verdict, asked, fail, fail_at, must, should, skip, steps};
use super::talk::Talk;

const HEAD: &str = "HEAD {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n";
const NOT_UNDERSTOOD: &str = "HTTP/1.1 400 Bad Request";
const LONG_LINE: &str = "GET /{70000} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n";

/// The checks.
pub(super) const CHECKS: &[Check] = &[
    must("close.http10", "RFC 9112, 9.3", "GET {target} HTTP/1.0\r\n\r\n", closed)
        .until(Until::Closed)
        .asks("After a request of HTTP/1.0 without Connection: keep-alive the server closes.")
        .right("close the connection when all is sent"),
    must("methods.head-no-body", "RFC 9110, 9.3.2", HEAD, no_body)
        .until(Until::Quiet)
        .asks("The answer to HEAD is a head only, even if Content-Length is not 0.")
        .right("HTTP/1.1 200 OK, the fields, an empty line, and nothing more"),
    asked("methods.head-status", "RFC 9110, 9.3.2", HEAD, |heard, facts| status(heard, &[facts.page.status]))
        .asks("HEAD is answered with the status of GET."),
    must("methods.head-length", "RFC 9110, 8.6", HEAD, head_length)
        .asks("Content-Length in the answer to HEAD is the one of the answer to GET.")
        .right("Content-Length: 1270, if the page has 1270 bytes"),
    must(
        "methods.head-missing",
        "RFC 9110, 9.3.2",
        "HEAD {missing} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n",
        no_body,
    )
        .until(Until::Quiet)
        .asks("HEAD of a page that is not there has no body, either.")
        .right("HTTP/1.1 404 Not Found, the fields, an empty line, and nothing more"),
    should(
        "methods.unknown",
        "RFC 9110, 9.1",
        "BREW {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n",
        |heard, _| status(heard, &[501, 405, 400]),
    )
        .asks("A method that the server does not know is answered 501; one that it does not allow here, 405.")
        .right("HTTP/1.1 501 Not Implemented"),
    steps("methods.case", Force::Must, "RFC 9110, 9.1", method_case)
        .asks("Methods are case-sensitive: get is not GET.")
        .right("HTTP/1.1 501 Not Implemented"),
    must(
        "methods.allow",
        "RFC 9110, 15.5.6",
        "BREW {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n",
        allow,
    )
        .asks("An answer 405 says which methods are allowed.")
        .right("Allow: GET, HEAD"),
    must(
        "methods.allow-delete",
        "RFC 9110, 15.5.6",
        "DELETE {missing} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n",
        allow,
    )
        .asks("An answer 405 says which methods are allowed, whichever method was not.")
        .right("Allow: GET, HEAD"),
    asked(
        "methods.post",
        "RFC 9110, 9.3.3",
        "POST {missing} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
        any,
    )
        .asks("A POST gets an answer, if only 404, 405 or 501.")
        .right("HTTP/1.1 405 Method Not Allowed"),
    should("line.noise", "RFC 9112, 2.2", "hello server\r\n\r\n", |heard, _| status(heard, &[400, 501, 405]))
        .asks("What is not a request is answered 400.")
        .right(NOT_UNDERSTOOD),
    steps("line.noise-alive", Force::Asked, "RFC 9112, 2.2", noise_alive)
        .asks("Noise does not end the server: the next client is served."),
    should("line.no-version", "RFC 9112, 3", "GET {target}\r\n\r\n", |heard, _| status(heard, &[400]))
        .asks("A request line has three parts; one without a version is answered 400.")
        .right(NOT_UNDERSTOOD),
    should(
        "line.small-letters",
        "RFC 9112, 2.3",
        "GET {target} http/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n",
        |heard, _| status(heard, &[400, 505]),
    )
        .asks("The version is HTTP/1.1 in capitals.")
        .right(NOT_UNDERSTOOD),
    should(
        "line.http12",
        "RFC 9110, 2.5",
        "GET {target} HTTP/1.2\r\nHost: {host}\r\nConnection: close\r\n\r\n",
        |heard, facts| status(heard, &[facts.page.status]),
    )
        .asks("A higher minor version, as HTTP/1.2, is served as HTTP/1.1."),
    asked(
        "line.http20",
        "RFC 9110, 2.5",
        "GET {target} HTTP/2.0\r\nHost: {host}\r\nConnection: close\r\n\r\n",
        any,
    )
        .asks("A major version that the server does not have gets an answer: 505, 400 or the page.")
        .right("HTTP/1.1 505 HTTP Version Not Supported"),
    should(
        "line.8000",
        "RFC 9112, 3",
        "GET {path}?{7900} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n",
        |heard, facts| status(heard, &[facts.page.status, 404]),
    )
        .asks("A server takes a request line of at least 8,000 bytes."),
    must("line.endless", "RFC 9112, 3", LONG_LINE, |heard, _| status_is(heard, "414", |status| status == 414 || status < 500 && status != 400))
        .until(Until::Quiet)
        .asks("A target that is longer than the server takes is answered 414.")
        .right("HTTP/1.1 414 URI Too Long"),
    asked("line.lf-alone", "RFC 9112, 2.2", "GET {target} HTTP/1.1\nHost: {host}\nConnection: close\n\n", |heard, facts| {
        status(heard, &[facts.page.status, 400])
    })
        .asks("Lines that end in LF alone, as people type them with nc, get an answer: the page or 400."),
    asked("line.two-spaces", "RFC 9112, 3", "GET  {target}  HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n", |heard, facts| {
        status(heard, &[facts.page.status, 400, 404])
    })
        .asks("Two spaces in the request line: an answer, the page or 400.")
        .right(NOT_UNDERSTOOD),
    should("line.space-in-target", "RFC 9112, 3.2", "GET {path} x HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n", |heard, _| {
        status_is(heard, "400", |status| (400..500).contains(&status) || status == 505)
    })
        .asks("A space in the target is an error; it has to be %20.")
        .right(NOT_UNDERSTOOD),
    should("line.fragment", "RFC 9112, 3.2", "GET {path}#x HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n", refused)
        .asks("A target has no #; a browser keeps it to itself.")
        .right(NOT_UNDERSTOOD),
    should("line.percent", "RFC 3986, 2.1", "GET /%zz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n", |heard, _| {
        status(heard, &[400, 404])
    })
        .asks("After % come two hexadecimal digits: %zz is 400, or a page that is not there.")
        .right(NOT_UNDERSTOOD),
    asked("fields.64", "RFC 9110, 5.4", "GET {target} HTTP/1.1\r\nHost: {host}\r\n{64-fields}Connection: close\r\n\r\n", |heard, facts| {
        status(heard, &[facts.page.status])
    })
        .asks("A head with 64 fields is served."),
    must("fields.endless", "RFC 9110, 5.4", "GET {target} HTTP/1.1\r\nHost: {host}\r\nX: {70000}\r\nConnection: close\r\n\r\n", |heard, _| {
        status_is(heard, "a status of 4xx, as 431", |status| status < 500)
    })
        .until(Until::Quiet)
        .asks("A field that is longer than the server takes is answered with a status of 4xx.")
        .right("HTTP/1.1 431 Request Header Fields Too Large"),
    steps("empty.connection", Force::Asked, "RFC 9112, 9", empty_connection)
        .asks("A client that connects and closes without a byte does not end the server. Browsers do that."),
    asked("folder.no-slash", "RFC 9110, 15.4.2", "GET {folder} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n", folder)
        .asks("A folder without the slash at its end: a redirect to the one with it, its index, or 404.")
        .right("HTTP/1.1 301 Moved Permanently, Location: /folder/"),
    asked("folder.index", "RFC 9110, 4.2.3", "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n", index)
        .asks("/ is the page index.html."),
    must("fields.case", "RFC 9110, 5.1", "GET {target} HTTP/1.1\r\nhOsT: {host}\r\ncONNECTION: close\r\n\r\n", the_page)
        .asks("The names of fields are not case-sensitive: hOsT is Host."),
    should("fields.high-bytes", "RFC 9110, 5.5", "GET {target} HTTP/1.1\r\nHost: {host}\r\nX: \u{e9}\u{ff}\r\nConnection: close\r\n\r\n", |heard, facts| {
        status(heard, &[facts.page.status])
    })
        .asks("Bytes above 7F in the value of a field are taken as they are."),
];

/// Nothing follows the head.
fn no_body(heard: &Heard, _: &Facts) -> Verdict {
    answered(heard)?;
    match heard.extra() {
        Some(at) => fail_at(at, "a body follows the head"),
        None => Ok("no body".to_owned()),
    }
}

fn head_length(heard: &Heard, facts: &Facts) -> Verdict {
    let answer = answered(heard)?;
    if answer.status != Some(facts.page.status) {
        return skip("HEAD has another status than GET");
    }
    let Some(length) = &facts.page.length else { return skip("GET has no Content-Length") };
    match heard.field(answer, "content-length") {
        Some((at, value)) if value != length.as_bytes() => fail_at(
            at,
            format!("Content-Length is {}; in the answer to GET it is {length}", quoted(value)),
        ),
        _ => Ok("the same, or none".to_owned()),
    }
}

fn allow(heard: &Heard, _: &Facts) -> Verdict {
    let answer = answered(heard)?;
    match answer.status {
        Some(405) => field(heard, answer, "Allow")
            .map(|(_, value)| String::from_utf8_lossy(value).into_owned()),
        _ => skip("the method is not answered 405"),
    }
}

fn index(heard: &Heard, facts: &Facts) -> Verdict {
    let Some(root) = &facts.root else { return skip("no --root") };
    let Some(content) = root.content("index") else { return skip("--root has no index.html") };
    status(heard, &[200])?;
    same(heard, &content, "index.html")
}

fn folder(heard: &Heard, _: &Facts) -> Verdict {
    let answer = answered(heard)?;
    let seen = status(heard, &[200, 301, 302, 303, 307, 308, 403, 404])?;
    if !matches!(answer.status, Some(300..400)) {
        return Ok(seen);
    }
    let (at, value) = field(heard, answer, "Location")?;
    match value.ends_with(b"/") {
        true => Ok(format!("{seen} to {}", String::from_utf8_lossy(value))),
        false => fail_at(at, format!("the redirect leads to {}, without the slash", quoted(value))),
    }
}

/// A server that answers any method as GET does not take this one for GET: that is for `methods.unknown`.
fn method_case(talk: &mut Talk<'_>) -> Verdict {
    let with = |method| {
        format!("{method} {{target}} HTTP/1.1\r\nHost: {{host}}\r\nConnection: close\r\n\r\n")
    };
    let unknown = talk.ask(&with("BREW"), Until::Answers(1))?;
    let heard = talk.ask(&with("get"), Until::Answers(1))?;
    match (heard.statuses() == unknown.statuses(), heard.statuses()[..] == [talk.facts.page.status])
    {
        (true, true) => skip("the server answers any method as GET"),
        _ => status_is(&heard, "an error, as 501 or 400", |status| status >= 400),
    }
}

fn noise_alive(talk: &mut Talk<'_>) -> Verdict {
    for noise in ["hello\r\n\r\n", "\r\n\r\n", "GET\r\n\r\n", "/ / /\r\n\r\n"] {
        let mut conn = talk.open()?;
        conn.send(noise.as_bytes());
        conn.half_close();
        conn.read(Until::Answers(1));
    }
    still_served(talk)
}

fn empty_connection(talk: &mut Talk<'_>) -> Verdict {
    for _ in 0..5 {
        talk.open()?.hang_up();
    }
    still_served(talk)
}

/// Asks for the page, which has to come.
pub(super) fn still_served(talk: &mut Talk<'_>) -> Verdict {
    let page = "GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n";
    let heard = talk.ask(page, Until::Answers(1))?;
    let answer = answered(&heard)?;
    match (heard.end, answer.status == Some(talk.facts.page.status)) {
        (End::Late | End::Reset, _) => fail("the page does not come whole after that"),
        (_, false) => fail("after that the page has another status"),
        _ => Ok("served".to_owned()),
    }
}
