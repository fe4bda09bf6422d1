//! The third level: what HTTP/1.1 asks for: hosts, connections that stay, pipelines, methods, dates.

use super::connection_rules::{
    chunks, date_form, date_is_now, etag_form, in_order, not_in_future, says_close,
};
use super::expect::{
    alone, answered, any, as_the_page, closed, field, first_line, refused, status, status_is,
};
use super::facts::Facts;
use super::heard::End;
use super::table::{Check, Force, Until, Verdict, asked, fail, fail_at, must, should, skip, steps};
use super::talk::Talk;

const GET: &str = "GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n";
const KEPT: &str = "GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n";
const BAD: &str = "HTTP/1.1 400 Bad Request";

/// Returns a request for the page with these field lines in addition to Host.
macro_rules! page {
    ($fields:literal) => {
        concat!("GET {target} HTTP/1.1\r\nHost: {host}\r\n", $fields, "\r\n")
    };
}

/// The checks of messages and connections.
pub(super) const CHECKS: &[Check] = &[
    asked("version.is-11", "RFC 9112, 2.3", GET, |heard, facts| match facts.page.is_http10 {
        true => fail_at(0, "the server answers as HTTP/1.0; the other checks of this level are skipped"),
        false => any(heard, facts),
    })
        .asks("A server of HTTP/1.1 says so in its status line."),
    must("host.missing", "RFC 9112, 3.2", "GET {target} HTTP/1.1\r\nConnection: close\r\n\r\n", refused)
        .asks("A request of HTTP/1.1 without Host is answered 400.")
        .right(BAD),
    must("host.two", "RFC 9112, 3.2", page!("Host: b\r\nConnection: close\r\n"), refused)
        .asks("A request with two fields Host is answered 400.")
        .right(BAD),
    must("host.twice", "RFC 9112, 3.2", page!("Host: {host}\r\nConnection: close\r\n"), refused)
        .asks("Two fields Host are answered 400, even if they are the same.")
        .right(BAD),
    must("host.space", "RFC 9112, 3.2", "GET {target} HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n", refused)
        .asks("A Host that is not a host and a port is answered 400.")
        .right(BAD),
    must("host.user", "RFC 9112, 3.2", "GET {target} HTTP/1.1\r\nHost: u@a\r\nConnection: close\r\n\r\n", refused)
        .asks("A Host with a user in it is answered 400.")
        .right(BAD),
    must("target.absolute", "RFC 9112, 3.2.2", "GET http://{host}{target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n", as_the_page)
        .asks("A whole URL in the request line is served, as proxies send it."),
    must("target.absolute-wins", "RFC 9112, 3.2.2", "GET http://{host}{target} HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n", as_the_page)
        .asks("With a whole URL in the request line the field Host is ignored."),
    must("target.absolute-no-host", "RFC 9112, 3.2", "GET http://{host}{target} HTTP/1.1\r\nConnection: close\r\n\r\n", refused)
        .asks("A whole URL does not replace the field Host.")
        .right(BAD),
    should("target.star", "RFC 9112, 3.2", "GET * HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n", |heard, _| {
        status_is(heard, "400", |status| (400..500).contains(&status))
    })
        .asks("The target * is for OPTIONS only.")
        .right(BAD),
    must("fields.space-before-colon", "RFC 9112, 5.1", "GET {target} HTTP/1.1\r\nHost : {host}\r\nConnection: close\r\n\r\n", refused)
        .asks("A space between the name of a field and its colon is answered 400.")
        .right(BAD),
    must("fields.space-first", "RFC 9112, 2.2", "GET {target} HTTP/1.1\r\n Host: {host}\r\nConnection: close\r\n\r\n", refused)
        .asks("A space at the beginning of the first field line makes it no field: then Host is missing, or it is 400 at once.")
        .right(BAD),
    must("fields.folded", "RFC 9112, 5.2", page!("X: a\r\n b\r\nConnection: close\r\n"), |heard, facts| {
        status(heard, &[400, facts.page.status])
    })
        .asks("A value on two lines is answered 400, or read as one value.")
        .right(BAD),
    should("fields.no-colon", "RFC 9112, 2.2", page!("X\r\nConnection: close\r\n"), refused)
        .asks("A field line without a colon is answered 400.")
        .right(BAD),
    should("fields.no-name", "RFC 9112, 2.2", page!(": x\r\nConnection: close\r\n"), refused)
        .asks("A field line without a name is answered 400.")
        .right(BAD),
    should("line.empty-first", "RFC 9112, 2.2", "\r\nGET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n", as_the_page)
        .asks("An empty line before the request line is ignored."),
    must("keep.says-close", "RFC 9112, 9.6", KEPT, says_close)
        .until(Until::Quiet)
        .asks("A server that closes after an answer says so in it; the client would send its next request in vain.")
        .right("Connection: close"),
    should("keep.two", "RFC 9112, 9.3", page!("X-Number: 1\r\n"), |heard, facts| match heard.end {
        End::Open => any(heard, facts),
        _ => fail("the server closes after each answer"),
    })
        .until(Until::Quiet)
        .asks("A connection stays open for the next request.")
        .right("read the next request from the same connection"),
    must("keep.close", "RFC 9112, 9.6", GET, closed)
        .until(Until::Closed)
        .asks("After an answer to Connection: close the server closes.")
        .right("close the connection when all is sent"),
    must("keep.close-in-list", "RFC 9112, 9.6", page!("Connection: x, CLOSE\r\n"), closed)
        .until(Until::Closed)
        .asks("Connection is a list, and close is not case-sensitive.")
        .right("close the connection when all is sent"),
    should("keep.close-said", "RFC 9112, 9.6", GET, |heard, _| {
        let answer = answered(heard)?;
        match heard.has_token(answer, "connection", "close") {
            true => Ok("Connection: close".to_owned()),
            false => fail_at(answer.head.start, "the answer does not say Connection: close"),
        }
    })
        .asks("The last answer on a connection says Connection: close.")
        .right("Connection: close"),
    must("keep.close-ends", "RFC 9112, 9.6", concat!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n", "{glued}"), |heard, _| {
        alone(heard)?;
        Ok("one answer".to_owned())
    })
        .until(Until::Quiet)
        .asks("After a request with Connection: close no other one is answered on this connection.")
        .right("one answer, and the connection closes"),
    must("keep.http10-both", "RFC 9112, 9.3", "GET {target} HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", closed)
        .until(Until::Closed)
        .asks("Of keep-alive and close in a request of HTTP/1.0, close counts.")
        .right("close the connection when all is sent"),
    must("keep.http10-said", "RFC 9112, C.2.2", "GET {target} HTTP/1.0\r\nHost: {host}\r\nConnection: keep-alive\r\n\r\n", |heard, _| {
        let answer = answered(heard)?;
        match heard.end {
            End::Open if !heard.has_token(answer, "connection", "keep-alive") => {
                fail_at(answer.head.start, "the connection of a client of HTTP/1.0 stays open, and the answer does not say keep-alive")
            }
            End::Open => Ok("kept".to_owned()),
            _ => Ok("closed".to_owned()),
        }
    })
        .until(Until::Quiet)
        .asks("A server that keeps the connection of a client of HTTP/1.0 says Connection: keep-alive; or it closes.")
        .right("Connection: keep-alive"),
    must("pipeline.two", "RFC 9112, 9.3.2", concat!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n", "GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"), |heard, facts| {
        in_order(heard, &[facts.page.status, facts.page.status])
    })
        .until(Until::Answers(2))
        .asks("Two requests that arrive together get two answers, unless the first one says Connection: close.")
        .right("keep the bytes behind the first request, and read the next one from them"),
    must("pipeline.order", "RFC 9112, 9.3.2", concat!(
        "GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n",
        "GET {missing} HTTP/1.1\r\nHost: {host}\r\n\r\n",
        "GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n",
        "GET {missing} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    ), |heard, facts| in_order(heard, &[facts.page.status, facts.missing_status, facts.page.status, facts.missing_status]))
        .until(Until::Answers(4))
        .asks("The answers come in the order of the requests.")
        .right("200, 404, 200, 404"),
    must("date.there", "RFC 9110, 6.6.1", GET, |heard, _| {
        let answer = answered(heard)?;
        field(heard, answer, "Date").map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    })
        .asks("A server that has a clock sends Date.")
        .right("Date: Sun, 06 Nov 1994 08:49:37 GMT"),
    must("date.in-errors", "RFC 9110, 6.6.1", "GET {missing} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n", |heard, _| {
        let answer = answered(heard)?;
        field(heard, answer, "Date").map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    })
        .asks("Answers of 4xx have a Date, too.")
        .right("Date: Sun, 06 Nov 1994 08:49:37 GMT"),
    must("date.in-refusals", "RFC 9110, 6.6.1", "GET {target} HTTP/1.1\r\nConnection: close\r\n\r\n", |heard, _| {
        let answer = answered(heard)?;
        match answer.status {
            Some(400..500) => field(heard, answer, "Date").map(|_| "Date".to_owned()),
            _ => skip("a request without Host is not refused"),
        }
    })
        .asks("The answer to a request that is wrong has a Date, too.")
        .right("HTTP/1.1 400 Bad Request, Date: Sun, 06 Nov 1994 08:49:37 GMT"),
    must("date.form", "RFC 9110, 5.6.7", GET, |heard, _| date_form(heard, "Date"))
        .asks("A date is written in one form only, in GMT.")
        .right("Date: Sun, 06 Nov 1994 08:49:37 GMT"),
    should("date.now", "RFC 9110, 6.6.1", GET, date_is_now)
        .asks("Date is the time of the answer.")
        .right("Date: the time in GMT, not the local time"),
    must("modified.form", "RFC 9110, 5.6.7", GET, |heard, _| date_form(heard, "Last-Modified"))
        .asks("Last-Modified is a date in the same form.")
        .right("Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT"),
    must("modified.past", "RFC 9110, 8.8.2.1", GET, not_in_future)
        .asks("Last-Modified is not later than Date.")
        .right("Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT"),
    must("etag.form", "RFC 9110, 8.8.3", GET, etag_form)
        .asks("An ETag is a text in quotes, with W/ before it if it is weak.")
        .right("ETag: \"5e1f-2a\""),
    must("framing.one", "RFC 9112, 6.2", GET, |heard, _| {
        let answer = answered(heard)?;
        match (heard.field(answer, "content-length"), heard.field(answer, "transfer-encoding")) {
            (Some((at, _)), Some(_)) => fail_at(at, "the answer has both Content-Length and Transfer-Encoding"),
            _ => Ok("one or none".to_owned()),
        }
    })
        .asks("An answer has Content-Length or Transfer-Encoding, not both.")
        .right("Transfer-Encoding: chunked"),
    must("framing.chunks", "RFC 9112, 7.1", GET, chunks)
        .asks("Each chunk is its size in hexadecimal digits, CR LF, the bytes, CR LF; the last one has size 0.")
        .right("5\\r\\nhello\\r\\n0\\r\\n\\r\\n"),
    must("framing.not-to-http10", "RFC 9112, 6.1", "GET {target} HTTP/1.0\r\n\r\n", |heard, _| {
        let answer = answered(heard)?;
        match heard.field(answer, "transfer-encoding") {
            Some((at, _)) => fail_at(at, "a client of HTTP/1.0 is sent chunks"),
            None => Ok("no chunks".to_owned()),
        }
    })
        .asks("A client of HTTP/1.0 does not know chunks, and gets none.")
        .right("Content-Length, or the close of the connection"),
    must("expect.no-body", "RFC 9110, 10.1.1", page!("Expect: 100-continue\r\nConnection: close\r\n"), |heard, facts| {
        status(heard, &[facts.page.status, 417, 400])
    })
        .asks("A request without a body gets its answer, whatever it expects."),
    must("expect.held-back", "RFC 9110, 10.1.1", "POST {missing} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n", |heard, _| {
        match heard.answers.first() {
            Some(_) => Ok(first_line(heard)),
            None => fail("neither 100 Continue nor an answer came; the client waits with its body"),
        }
    })
        .until(Until::Quiet)
        .asks("A client that waits with its body is told 100 Continue, or gets its answer.")
        .right("HTTP/1.1 100 Continue, or HTTP/1.1 405 Method Not Allowed"),
    must("expect.not-to-http10", "RFC 9110, 10.1.1", "POST {missing} HTTP/1.0\r\nHost: {host}\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello", |heard, _| {
        match heard.answers.first() {
            Some(first) if first.is_interim() => fail_at(first.head.start, "a client of HTTP/1.0 is sent 100 Continue"),
            _ => any(heard, &Facts::default()),
        }
    })
        .asks("A client of HTTP/1.0 gets no 100 Continue."),
    must("expect.unknown", "RFC 9110, 10.1.1", page!("Expect: tea\r\nConnection: close\r\n"), |heard, facts| {
        status(heard, &[417, 400, facts.page.status])
    })
        .asks("An expectation that the server does not know is answered 417, or ignored.")
        .right("HTTP/1.1 417 Expectation Failed"),
    must("upgrade.ignored", "RFC 9110, 7.8", page!("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n"), |heard, facts| {
        match heard.answers.first().and_then(|first| first.status) {
            Some(101) => Ok("101 Switching Protocols".to_owned()),
            _ => status(heard, &[facts.page.status]),
        }
    })
        .asks("Upgrade to a protocol that the server does not have is ignored."),
    steps("upgrade.http10", Force::Must, "RFC 9110, 7.8", upgrade_in_http10)
        .asks("Upgrade in a request of HTTP/1.0 is ignored: the answer is the same as without it."),
    should("options.star", "RFC 9110, 9.3.7", "OPTIONS * HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n", |heard, _| {
        status(heard, &[200, 204, 400, 404, 405, 501])
    })
        .asks("OPTIONS * asks what the server can do; 501 is an answer, too.")
        .right("HTTP/1.1 200 OK, Allow: GET, HEAD"),
    should("options.allow", "RFC 9110, 9.3.7", "OPTIONS * HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n", |heard, _| {
        let answer = answered(heard)?;
        match answer.status {
            Some(200 | 204) => field(heard, answer, "Allow").map(|(_, value)| String::from_utf8_lossy(value).into_owned()),
            _ => skip("OPTIONS * is not answered 200 or 204"),
        }
    })
        .asks("A successful answer to OPTIONS says what the server can do: Allow lists its methods.")
        .right("HTTP/1.1 204 No Content, Allow: GET, HEAD, OPTIONS"),
    must("connect.refused", "RFC 9110, 9.3.6", "CONNECT {host} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n", |heard, _| {
        match (heard.end, heard.first()) {
            (End::Closed, None) => Ok("closed".to_owned()),
            _ => status_is(heard, "an error, as 405 or 501", |status| status >= 300),
        }
    })
        .asks("A server that is not a proxy opens no tunnel, which any 2xx would do.")
        .right("HTTP/1.1 501 Not Implemented"),
    must("body.post-is-read", "RFC 9112, 9.3", concat!("POST {missing} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\n\r\nhello", "GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"), |heard, facts| {
        let first = answered(heard)?.status.unwrap_or_default();
        in_order(heard, &[first, facts.page.status])
    })
        .until(Until::Answers(2))
        .asks("The body of a request is read before the next request, or the server closes: else \"helloGET\" is the next one.")
        .right("two answers, or one with Connection: close"),
    must("body.chunks-are-read", "RFC 9112, 7.1", concat!("POST {missing} HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=\"y\"\r\n0123456789\r\n0\r\nX: y\r\n\r\n", "GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"), |heard, facts| {
        let first = answered(heard)?.status.unwrap_or_default();
        in_order(heard, &[first, facts.page.status])
    })
        .until(Until::Answers(2))
        .asks("The chunks of a request are read, with their extensions and trailers, before the next request.")
        .right("two answers, or one with Connection: close"),
    should("body.refused-arrives", "RFC 9112, 9.6", "POST {missing} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 70000\r\nConnection: close\r\n\r\n{70000}", |heard, _| {
        let seen = any(heard, &Facts::default())?;
        match heard.end {
            End::Reset if !answered(heard)?.is_complete => fail("the answer was cut off by a reset"),
            _ => Ok(seen),
        }
    })
        .asks("A server that does not want a body reads on for a while before it closes; else a reset destroys its answer.")
        .right("shut down for writing, read what comes, and close then"),
    must("body.post", "RFC 9112, 6.2", "POST {post} HTTP/1.1\r\nHost: {host}\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello", |heard, _| {
        status_is(heard, "an answer that is not a failure of the server", |status| status < 500)
    })
        .asks("A POST with Content-Length is read and answered.")
        .right("HTTP/1.1 201 Created"),
    must("body.post-chunked", "RFC 9112, 7.1", "POST {post} HTTP/1.1\r\nHost: {host}\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n0\r\n\r\n", |heard, _| {
        status_is(heard, "an answer that is not a failure of the server", |status| status < 500)
    })
        .asks("A POST in chunks is read and answered; 411 is allowed.")
        .right("HTTP/1.1 201 Created"),
    must("body.post-empty", "RFC 9110, 8.6", "POST {post} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", |heard, _| {
        status_is(heard, "an answer that is not a failure of the server", |status| status < 500)
    })
        .asks("A POST with an empty body is answered.")
        .right("HTTP/1.1 201 Created, or 400 Bad Request"),
    must("body.post-large", "RFC 9112, 6.2", "POST {post} HTTP/1.1\r\nHost: {host}\r\nContent-Type: text/plain\r\nContent-Length: 70000\r\nConnection: close\r\n\r\n{70000}", |heard, _| {
        status_is(heard, "an answer that is not a failure of the server", |status| status < 500)
    })
        .asks("A POST of 70,000 bytes, which does not fit into one read, is read and answered.")
        .right("HTTP/1.1 201 Created, or 413 Content Too Large"),
];

fn upgrade_in_http10(talk: &mut Talk<'_>) -> Verdict {
    let with = |fields| format!("GET {{target}} HTTP/1.0\r\nHost: {{host}}\r\n{fields}\r\n");
    let plain = talk.ask(&with(""), Until::Answers(1))?;
    let upgrade = with("Connection: Upgrade\r\nUpgrade: h2c\r\n");
    let heard = talk.ask(&upgrade, Until::Answers(1))?;
    status(&heard, &plain.statuses())
}
