//! The third level, second part: conditional requests, ranges, and codings (RFC 9110, 12 to 14). What a server does not
//! have, as ranges, it may leave out.

use super::expect::{answered, as_the_page, field, quoted, status, status_is, the_page};
use super::facts::Facts;
use super::heard::Heard;
use super::table::{Check, Until, Verdict, fail_at, must, should, skip};

const NOT_MODIFIED: &str = "HTTP/1.1 304 Not Modified";
const FAILED: &str = "HTTP/1.1 412 Precondition Failed";
const PART: &str = "HTTP/1.1 206 Partial Content, Content-Range: bytes 0-4/1270";

/// Returns a request for the page with these field lines.
macro_rules! page {
    ($fields:literal) => {
        concat!(
            "GET {target} HTTP/1.1\r\nHost: {host}\r\n",
            $fields,
            "\r\nConnection: close\r\n\r\n"
        )
    };
}

/// The checks.
pub(super) const CHECKS: &[Check] = &[
    must("conditions.if-match", "RFC 9110, 13.1.1", page!("If-Match: {etag}"), |heard, facts| match is_weak(facts) {
        true => skip("the ETag of the page is weak"),
        false => as_the_page(heard, facts),
    })
        .asks("If-Match with the tag of the page: the page."),
    must("conditions.if-match-any", "RFC 9110, 13.1.1", page!("If-Match: *"), as_the_page)
        .asks("If-Match: * is true for a page that is there."),
    must("conditions.if-match-other", "RFC 9110, 13.1.1", page!("X-Tag: {etag}\r\nIf-Match: \"none\""), |heard, _| status(heard, &[412]))
        .asks("If-Match with another tag is answered 412.")
        .right(FAILED),
    must("conditions.if-match-weak", "RFC 9110, 13.1.1", page!("If-Match: W/{etag}"), |heard, facts| match is_weak(facts) {
        true => skip("the ETag of the page is weak"),
        false => status(heard, &[412]),
    })
        .asks("If-Match compares strongly: a weak tag is never the same.")
        .right(FAILED),
    must("conditions.if-none-match", "RFC 9110, 13.1.2", page!("If-None-Match: {etag}"), |heard, _| status(heard, &[304]))
        .asks("If-None-Match with the tag of the page is answered 304.")
        .right(NOT_MODIFIED),
    must("conditions.304-no-body", "RFC 9110, 15.4.5", page!("If-None-Match: {etag}"), |heard, _| {
        let answer = answered(heard)?;
        match (answer.status, heard.extra()) {
            (Some(304), Some(at)) => fail_at(at, "a body follows the head of the answer 304"),
            (Some(304), None) => Ok("no body".to_owned()),
            _ => skip("the answer is not 304"),
        }
    })
        .until(Until::Quiet)
        .asks("An answer 304 ends with its head.")
        .right(NOT_MODIFIED),
    must("conditions.304-etag", "RFC 9110, 15.4.5", page!("If-None-Match: {etag}"), |heard, _| {
        let answer = answered(heard)?;
        match answer.status {
            Some(304) => field(heard, answer, "ETag").map(|_| "ETag".to_owned()),
            _ => skip("the answer is not 304"),
        }
    })
        .asks("An answer 304 has the ETag that the answer 200 would have.")
        .right("ETag: \"5e1f-2a\""),
    must("conditions.304-length", "RFC 9110, 8.6", page!("If-None-Match: *"), |heard, facts| {
        let answer = answered(heard)?;
        let length = facts.page.content.len().to_string();
        match (answer.status, heard.field(answer, "content-length")) {
            (Some(304), Some((at, value))) if value != length.as_bytes() => {
                fail_at(at, format!("Content-Length is {}; that of the page is {length}", quoted(value)))
            }
            (Some(304), _) => Ok("none, or that of the page".to_owned()),
            _ => skip("the answer is not 304"),
        }
    })
        .asks("Content-Length in an answer 304, if there is one, is that of the page, not 0.")
        .right("no Content-Length"),
    must("conditions.weakly", "RFC 9110, 13.1.2", page!("If-None-Match: W/{etag}"), |heard, facts| match is_weak(facts) {
        true => skip("the ETag of the page is weak"),
        false => status(heard, &[304]),
    })
        .asks("If-None-Match compares weakly: W/ makes no difference.")
        .right(NOT_MODIFIED),
    must("conditions.list", "RFC 9110, 13.1.2", page!("If-None-Match: \"a,b\", {etag}"), |heard, _| status(heard, &[304]))
        .asks("If-None-Match is a list of tags; a comma may be in a tag.")
        .right(NOT_MODIFIED),
    must("conditions.two-lines", "RFC 9110, 5.3", page!("If-None-Match: \"a\"\r\nIf-None-Match: {etag}"), |heard, _| status(heard, &[304]))
        .asks("A list may be spread over two lines of the same name.")
        .right(NOT_MODIFIED),
    must("conditions.none-match-any", "RFC 9110, 13.1.2", page!("X-Tag: {etag}\r\nIf-None-Match: *"), |heard, _| status(heard, &[304]))
        .asks("If-None-Match: * is false for a page that is there.")
        .right(NOT_MODIFIED),
    must("conditions.head", "RFC 9110, 13.1.2", "HEAD {target} HTTP/1.1\r\nHost: {host}\r\nIf-None-Match: {etag}\r\nConnection: close\r\n\r\n", |heard, _| status(heard, &[304]))
        .asks("HEAD with If-None-Match is answered as GET is.")
        .right(NOT_MODIFIED),
    must("conditions.tag-first", "RFC 9110, 13.1.3", page!("X-Tag: {etag}\r\nIf-None-Match: \"a\"\r\nIf-Modified-Since: {modified}"), as_the_page)
        .asks("If-None-Match decides alone; If-Modified-Since beside it is ignored."),
    should("conditions.modified-since", "RFC 9110, 13.1.3", page!("If-Modified-Since: {modified}"), |heard, _| status(heard, &[304]))
        .asks("If-Modified-Since with the date of the page is answered 304.")
        .right(NOT_MODIFIED),
    must("conditions.rfc850", "RFC 9110, 5.6.7", page!("If-Modified-Since: {rfc850}"), |heard, facts| status(heard, &[304, facts.page.status]))
        .asks("A date may be in the form that RFC 850 had, with a year of two digits.")
        .right(NOT_MODIFIED),
    must("conditions.asctime", "RFC 9110, 5.6.7", page!("If-Modified-Since: {asctime}"), |heard, facts| status(heard, &[304, facts.page.status]))
        .asks("A date may be in the form of asctime.")
        .right(NOT_MODIFIED),
    must("conditions.not-a-date", "RFC 9110, 13.1.3", page!("If-Modified-Since: yesterday"), as_the_page)
        .asks("If-Modified-Since that is not a date is ignored."),
    must("conditions.unmodified-since", "RFC 9110, 13.1.4", page!("X-Date: {modified}\r\nIf-Unmodified-Since: Mon, 01 Jan 1990 00:00:00 GMT"), |heard, _| status(heard, &[412]))
        .asks("If-Unmodified-Since with a date before that of the page is answered 412.")
        .right(FAILED),
    must("ranges.first", "RFC 9110, 15.3.7", page!("Range: bytes=0-4"), |heard, facts| part(heard, facts, 0, 4))
        .asks("A range is answered with these bytes and Content-Range, or with the whole page.")
        .right(PART),
    must("ranges.last", "RFC 9110, 14.1.2", page!("Range: bytes=-5"), |heard, facts| {
        let length = facts.page.content.len();
        part(heard, facts, length.saturating_sub(5), length.saturating_sub(1))
    })
        .asks("-5 are the last five bytes.")
        .right("HTTP/1.1 206 Partial Content, Content-Range: bytes 1265-1269/1270"),
    must("ranges.beyond", "RFC 9110, 14.1.2", page!("Range: bytes=2-{30-digits}"), |heard, facts| {
        part(heard, facts, 2, facts.page.content.len().saturating_sub(1))
    })
        .asks("An end beyond that of the page is the end of the page, however many digits it has.")
        .right("HTTP/1.1 206 Partial Content, Content-Range: bytes 2-1269/1270"),
    must("ranges.two", "RFC 9110, 15.3.7.2", page!("Range: bytes=0-0,2-3"), |heard, _| {
        let answer = answered(heard)?;
        let seen = status(heard, &[200, 206])?;
        let is_multipart = heard.field(answer, "content-type").is_some_and(|(_, value)| value.starts_with(b"multipart/"));
        match heard.field(answer, "content-range") {
            Some((at, _)) if is_multipart => fail_at(at, "an answer with several parts has a Content-Range of its own"),
            _ => Ok(seen),
        }
    })
        .asks("Several ranges: several parts, one part, or the whole; Content-Range is in the parts.")
        .right("HTTP/1.1 206 Partial Content, Content-Type: multipart/byteranges; boundary=x"),
    should("ranges.behind", "RFC 9110, 15.5.17", page!("Range: bytes=99999999-"), |heard, facts| {
        let answer = answered(heard)?;
        let seen = status(heard, &[416, facts.page.status])?;
        if answer.status != Some(416) {
            return Ok(seen);
        }
        let (at, value) = field(heard, answer, "Content-Range")?;
        match value == format!("bytes */{}", facts.page.content.len()).as_bytes() {
            true => Ok(seen),
            false => fail_at(at, format!("Content-Range is {}", quoted(value))),
        }
    })
        .asks("A range behind the end is answered 416, with the length of the page.")
        .right("HTTP/1.1 416 Range Not Satisfiable, Content-Range: bytes */1270"),
    must("ranges.unknown-unit", "RFC 9110, 14.2", page!("Range: lines=0-4"), as_the_page)
        .asks("A Range with a unit that the server does not know is ignored."),
    must("ranges.head", "RFC 9110, 14.2", "HEAD {target} HTTP/1.1\r\nHost: {host}\r\nRange: bytes=0-4\r\nConnection: close\r\n\r\n", |heard, _| {
        status_is(heard, "that of HEAD without Range", |status| !matches!(status, 206 | 416))
    })
        .asks("Range is for GET only."),
    must("ranges.if-range", "RFC 9110, 13.1.5", page!("Range: bytes=0-4\r\nIf-Range: {etag}"), |heard, facts| part(heard, facts, 0, 4))
        .asks("If-Range with the tag of the page: the range, or the whole page.")
        .right(PART),
    must("ranges.if-range-other", "RFC 9110, 13.1.5", page!("X-Tag: {etag}\r\nRange: bytes=0-4\r\nIf-Range: \"a\""), the_page)
        .asks("If-Range with another tag: the whole page."),
    must("ranges.if-range-weak", "RFC 9110, 13.1.5", page!("Range: bytes=0-4\r\nIf-Range: W/{etag}"), |heard, facts| match is_weak(facts) {
        true => skip("the ETag of the page is weak"),
        false => the_page(heard, facts),
    })
        .asks("If-Range compares strongly: with a weak tag, the whole page."),
    must("ranges.if-range-date", "RFC 9110, 13.1.5", page!("X-Date: {modified}\r\nRange: bytes=0-4\r\nIf-Range: Mon, 01 Jan 1990 00:00:00 GMT"), the_page)
        .asks("If-Range with another date than that of the page: the whole page."),
    must("ranges.if-range-later", "RFC 9110, 13.1.5", page!("X-Date: {modified}\r\nRange: bytes=0-4\r\nIf-Range: Fri, 01 Jan 2100 00:00:00 GMT"), the_page)
        .asks("The date of If-Range is compared exactly: a later one is another one."),
    should("codings.none", "RFC 9110, 12.5.3", page!("Accept-Encoding: gzip;q=0"), not_coded)
        .asks("gzip;q=0 refuses gzip.")
        .right("no Content-Encoding"),
    should("codings.zeros", "RFC 9110, 12.4.2", page!("Accept-Encoding: gzip;q=0.000, identity"), not_coded)
        .asks("q=0.000 is 0.")
        .right("no Content-Encoding"),
    should("codings.star", "RFC 9110, 12.5.3", page!("Accept-Encoding: identity, *;q=0"), not_coded)
        .asks("*;q=0 refuses all other codings.")
        .right("no Content-Encoding"),
    should("codings.empty", "RFC 9110, 12.5.3", page!("Accept-Encoding:"), not_coded)
        .asks("An empty Accept-Encoding refuses all codings.")
        .right("no Content-Encoding"),
    should("codings.not-asked", "RFC 9110, 12.5.3", page!("X-Accept: none"), not_coded)
        .asks("A client that does not mention codings may not know any; a simple one shows the bytes as they are.")
        .right("no Content-Encoding"),
    should("codings.vary", "RFC 9110, 12.5.5", page!("Accept-Encoding: gzip"), |heard, _| {
        let answer = answered(heard)?;
        match heard.field(answer, "content-encoding") {
            Some((at, _)) if !heard.has_token(answer, "vary", "accept-encoding") && !heard.has_token(answer, "vary", "*") => {
                fail_at(at, "the answer depends on Accept-Encoding, and has no Vary that says so")
            }
            Some(_) => Ok("coded, with Vary".to_owned()),
            None => Ok("not coded".to_owned()),
        }
    })
        .asks("An answer that depends on Accept-Encoding says so in Vary, for caches.")
        .right("Vary: Accept-Encoding"),
];

fn is_weak(facts: &Facts) -> bool {
    facts.page.etag.as_ref().is_some_and(|tag| tag.starts_with("W/"))
}

/// The whole page, or this part of it.
fn part(heard: &Heard, facts: &Facts, first: usize, last: usize) -> Verdict {
    let answer = answered(heard)?;
    let (page, length) = (&facts.page.content, facts.page.content.len());
    if length < 10 {
        return skip("the page is too short");
    }
    let seen = status(heard, &[206, facts.page.status])?;
    if answer.status != Some(206) {
        return Ok(seen);
    }
    let (at, value) = field(heard, answer, "Content-Range")?;
    let wanted = format!("bytes {first}-{last}/");
    if !value.starts_with(wanted.as_bytes()) {
        return fail_at(at, format!("Content-Range is {}; right: {wanted}{length}", quoted(value)));
    }
    match heard.content(answer) == page.get(first..=last).unwrap_or_default() {
        true => Ok(seen),
        false => fail_at(answer.body.start, "these are not the bytes of the range"),
    }
}

fn not_coded(heard: &Heard, _: &Facts) -> Verdict {
    match heard.field(answered(heard)?, "content-encoding") {
        Some((at, value)) if !value.eq_ignore_ascii_case(b"identity") => fail_at(
            at,
            format!("the answer is coded as {}, which the client does not take", quoted(value)),
        ),
        _ => Ok("not coded".to_owned()),
    }
}
