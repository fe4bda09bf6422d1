//! What checks expect of an answer: small pure functions, which the tables name. Each looks at one thing, and says what
//! is wrong and at which byte.

use super::facts::Facts;
use super::heard::{Answer, End, Heard};
use super::table::{Stop, Verdict, Wrong, fail, fail_at};
use crate::proto::http::field_line::strip_ending;

/// Returns the first final answer.
pub fn answered(heard: &Heard) -> Result<&Answer, Stop> {
    match (heard.first(), heard.end) {
        (Some(answer), _) => Ok(answer),
        (None, End::Closed) => fail("the server closed without an answer"),
        (None, End::Reset) => fail("the server reset the connection without an answer"),
        (None, _) => fail("no answer came in time"),
    }
}

/// Expects any answer.
pub fn any(heard: &Heard, _: &Facts) -> Verdict {
    answered(heard)?;
    Ok(first_line(heard))
}

/// Returns the status line, for the report.
pub fn first_line(heard: &Heard) -> String {
    let line = heard.first().and_then(|answer| heard.lines(answer).next());
    String::from_utf8_lossy(strip_ending(line.unwrap_or_default().1)).into_owned()
}

/// Returns where the status of an answer is, to point at it.
pub fn place_of_status(heard: &Heard, answer: &Answer) -> usize {
    let head = &heard.bytes[answer.head.clone()];
    let space = head.iter().position(|&byte| byte == b' ');
    answer.head.start + space.map_or(0, |at| at + 1).min(head.len())
}

/// Expects that the first answer has one of these statuses.
pub fn status(heard: &Heard, wanted: &[u16]) -> Verdict {
    let answer = answered(heard)?;
    match answer.status {
        Some(status) if wanted.contains(&status) => Ok(first_line(heard)),
        status => {
            let got = status.map_or("no status".to_owned(), |status| status.to_string());
            let what = format!("{got} was answered; right: {}", one_of(wanted));
            fail_at(place_of_status(heard, answer), what)
        }
    }
}

/// Expects a status for which this holds; `right` says it in words.
pub fn status_is(heard: &Heard, right: &str, holds: impl Fn(u16) -> bool) -> Verdict {
    let answer = answered(heard)?;
    match answer.status {
        Some(status) if holds(status) => Ok(first_line(heard)),
        status => {
            let got = status.map_or("no status".to_owned(), |status| status.to_string());
            fail_at(place_of_status(heard, answer), format!("{got} was answered; right: {right}"))
        }
    }
}

/// Returns `200`, `200 or 304`, `200, 206 or 304`.
fn one_of(codes: &[u16]) -> String {
    let words: Vec<String> = codes.iter().map(u16::to_string).collect();
    match words.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} or {last}", before.join(", ")),
        _ => words.concat(),
    }
}

/// Expects the status of the page: what is unusual in the request makes no difference.
pub fn as_the_page(heard: &Heard, facts: &Facts) -> Verdict {
    status(heard, &[facts.page.status])
}

/// Expects the status and the content of the page.
pub fn the_page(heard: &Heard, facts: &Facts) -> Verdict {
    let seen = as_the_page(heard, facts)?;
    same(heard, &facts.page.content, "the page")?;
    Ok(seen)
}

/// Expects that the content of the first answer is this.
pub fn same(heard: &Heard, wanted: &[u8], of: &str) -> Verdict {
    let answer = answered(heard)?;
    let got = heard.content(answer);
    if got == wanted {
        return Ok(format!("{} bytes, all right", got.len()));
    }
    let differs = got.iter().zip(wanted).position(|(got, wanted)| got != wanted);
    let at = differs.unwrap_or(got.len().min(wanted.len()));
    let what = match differs {
        Some(at) => format!("byte {at} of the body is not that of {of}"),
        None if got.len() < wanted.len() => {
            format!("the body ends after {} bytes; {of} has {}", got.len(), wanted.len())
        }
        None => format!("the body has {} bytes; {of} has {}", got.len(), wanted.len()),
    };
    fail_at((answer.body.start + at).min(heard.bytes.len()), what)
}

/// Expects 400, and that nothing else is answered: the request cannot be understood.
pub fn refused(heard: &Heard, _: &Facts) -> Verdict {
    alone(heard)?;
    status(heard, &[400])
}

/// Expects that there is no second answer: what follows the request in the same bytes belongs to it, or cannot be
/// understood.
pub fn alone(heard: &Heard) -> Result<(), Stop> {
    answered(heard)?;
    match heard.finals().nth(1) {
        None => Ok(()),
        Some(second) => fail_at(
            second.head.start,
            "a second answer came: the server read the bytes that follow as a request of its own",
        ),
    }
}

/// Expects no second answer, and if the server speaks HTTP/1.1 one of these statuses.
pub fn alone_with(heard: &Heard, facts: &Facts, wanted: &[u16]) -> Verdict {
    alone(heard)?;
    match facts.page.is_http10 {
        true => Ok(first_line(heard)),
        false => status(heard, wanted),
    }
}

/// Expects a field, and that its value is right; returns the value.
pub fn field<'h>(heard: &'h Heard, answer: &Answer, name: &str) -> Result<(usize, &'h [u8]), Stop> {
    match heard.field(answer, name) {
        Some(found) => Ok(found),
        None => Err(Stop::Fail(Wrong {
            what: format!("the answer has no field {name}"),
            at: Some(answer.head.start),
        })),
    }
}

/// Expects that the server closes after the answer.
pub fn closed(heard: &Heard, _: &Facts) -> Verdict {
    answered(heard)?;
    match heard.end {
        End::Closed => Ok("closed".to_owned()),
        End::Reset => fail("the connection was reset, which can destroy an answer on its way"),
        _ => fail("the server keeps the connection open"),
    }
}

/// Returns bytes for a sentence.
pub fn quoted(bytes: &[u8]) -> String {
    format!("\"{}\"", crate::text::escape_bytes(bytes))
}
