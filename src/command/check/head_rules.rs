//! The form of an answer: its status line, its lines, its fields, and where its body ends. Pure.

use super::expect::{answered, first_line, quoted};
use super::facts::Facts;
use super::heard::{End, Heard};
use super::table::{Verdict, fail, fail_at};
use crate::proto::http::chars::{FIELD_VALUE, TCHAR, decimal};
use crate::proto::http::field_line::strip_ending;
use crate::proto::http::framing::Framing;

/// The status line: `HTTP/1.1 200 OK`.
pub fn status_line(heard: &Heard, _: &Facts) -> Verdict {
    let answer = answered(heard)?;
    let line = strip_ending(heard.lines(answer).next().unwrap_or_default().1);
    let begin = answer.head.start;
    if answer.head.is_empty() {
        return fail_at(begin, "the answer does not begin with a status line");
    }
    let digits = |range: std::ops::Range<usize>| {
        line.get(range).is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    let version = digits(5..6) && line.get(6) == Some(&b'.') && digits(7..8);
    let wrong = match line {
        _ if !line.starts_with(b"HTTP/") => Some((0, "it does not begin with HTTP/")),
        _ if !version => Some((5, "the version is not a digit, a dot and a digit")),
        _ if line.get(8) != Some(&b' ') => Some((8, "there is no space after the version")),
        _ if !digits(9..12) => Some((9, "the status is not three digits after one space")),
        _ if line.get(12).is_some_and(|&byte| byte != b' ') => {
            Some((12, "there is no space after the status"))
        }
        _ => FIELD_VALUE
            .first_outside(line)
            .map(|at| (at, "there is a character that may not be in it")),
    };
    match wrong {
        Some((at, what)) => {
            fail_at(begin + at.min(line.len()), format!("the status line is wrong: {what}"))
        }
        None => Ok(first_line(heard)),
    }
}

/// The version is one of HTTP/1.
pub fn version(heard: &Heard, _: &Facts) -> Verdict {
    let answer = answered(heard)?;
    let line = heard.lines(answer).next().unwrap_or_default().1;
    match line {
        [b'H', b'T', b'T', b'P', b'/', major, ..] if *major != b'1' && major.is_ascii_digit() => {
            fail_at(answer.head.start + 5, "the version of the answer is not HTTP/1.1 or HTTP/1.0")
        }
        _ => Ok(first_line(heard)),
    }
}

/// Each line of the head ends with CR LF.
pub fn line_ends(heard: &Heard, _: &Facts) -> Verdict {
    let answer = answered(heard)?;
    let head = &heard.bytes[answer.head.clone()];
    let bare = (0..head.len()).find(|&at| head[at] == b'\n' && (at == 0 || head[at - 1] != b'\r'));
    match bare {
        Some(at) => fail_at(answer.head.start + at, "a line of the head ends with LF alone"),
        None => Ok("CR LF".to_owned()),
    }
}

/// The head ends with an empty line.
pub fn empty_line(heard: &Heard, _: &Facts) -> Verdict {
    let answer = answered(heard)?;
    match answer.has_end_of_head {
        true => Ok("there".to_owned()),
        false => fail_at(answer.head.end, "the empty line at the end of the head is missing"),
    }
}

/// Each field line is a name, a colon and a value.
pub fn field_lines(heard: &Heard, _: &Facts) -> Verdict {
    let answer = answered(heard)?;
    let mut count = 0;
    for (at, line) in heard.lines(answer).skip(1) {
        let line = strip_ending(line);
        let name = line.split(|&byte| byte == b':').next().unwrap_or_default();
        let outside = TCHAR.first_outside(name);
        match outside {
            Some(0) if name.starts_with(b" ") || name.starts_with(b"\t") => {
                return fail_at(at, "a field line begins with a space");
            }
            _ if name.len() == line.len() => {
                return fail_at(at + name.len(), "a field line has no colon");
            }
            Some(place) if name[place..].trim_ascii().is_empty() => {
                return fail_at(at + place, "there is a space between a field name and its colon");
            }
            Some(place) => {
                return fail_at(at + place, "a field name has a character that it may not have");
            }
            None if name.is_empty() => return fail_at(at, "a field line has no name"),
            None => count += 1,
        }
    }
    Ok(format!("{count} fields"))
}

/// No value has a control character.
pub fn field_values(heard: &Heard, _: &Facts) -> Verdict {
    let answer = answered(heard)?;
    for (at, line) in heard.lines(answer).skip(1) {
        let line = strip_ending(line);
        let colon =
            line.iter().position(|&byte| byte == b':').map_or(line.len(), |colon| colon + 1);
        if let Some(place) = FIELD_VALUE.first_outside(&line[colon..]) {
            return fail_at(at + colon + place, "a field value has a control character");
        }
    }
    Ok("no control characters".to_owned())
}

/// The body has an end: a length, a last chunk, or the close of the connection.
pub fn ends(heard: &Heard, _: &Facts) -> Verdict {
    let answer = answered(heard)?;
    match (answer.framing, heard.end) {
        (_, End::Endless) => {
            fail(format!("the answer goes on and on: {} bytes came", heard.bytes.len()))
        }
        (Framing::UntilClose, End::Late | End::Open) => fail_at(
            answer.head.start,
            "the answer has no end: no Content-Length, no chunks, and the server does not close",
        ),
        (Framing::UntilClose, End::Reset) => {
            fail("the connection was reset before the end of the answer")
        }
        (framing, _) => Ok(match framing {
            Framing::None => "no body".to_owned(),
            Framing::Length(_) => "by its length".to_owned(),
            Framing::Chunked => "by its last chunk".to_owned(),
            Framing::UntilClose => "by the close".to_owned(),
        }),
    }
}

/// The body has as many bytes as `Content-Length` says, and none follow.
pub fn length_is_right(heard: &Heard, _: &Facts) -> Verdict {
    let answer = answered(heard)?;
    let Framing::Length(length) = answer.framing else { return Ok("no Content-Length".to_owned()) };
    let place = heard.field(answer, "content-length").map_or(0, |(at, _)| at);
    let came = answer.body.len();
    match heard.extra() {
        _ if !answer.is_complete => {
            let what = format!("Content-Length is {length}, but the body ended after {came} bytes");
            fail_at(place, what)
        }
        Some(extra) => {
            let more = heard.bytes.len() - extra;
            fail_at(place, format!("Content-Length is {length}, but {more} more bytes followed"))
        }
        None => Ok(format!("{length} bytes")),
    }
}

/// `Content-Length` is digits, and there is one.
pub fn length_form(heard: &Heard, _: &Facts) -> Verdict {
    let answer = answered(heard)?;
    let lengths: Vec<_> = heard.fields(answer, "content-length").collect();
    if let Some((at, value)) = lengths.iter().find(|(_, value)| decimal(value).is_none()) {
        return fail_at(*at, format!("Content-Length is {}, not a number", quoted(value)));
    }
    match &lengths[..] {
        [(_, first), .., (at, last)] if first != last => {
            fail_at(*at, "there are two fields Content-Length that differ")
        }
        [] => Ok("no Content-Length".to_owned()),
        _ => Ok("a number".to_owned()),
    }
}

/// There is a `Content-Type`, and it is `type/subtype`.
pub fn content_type(heard: &Heard, _: &Facts) -> Verdict {
    let answer = answered(heard)?;
    if answer.body.is_empty() {
        return Ok("no body".to_owned());
    }
    let (at, value) = super::expect::field(heard, answer, "Content-Type")?;
    let essence = value.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
    let parts: Vec<&[u8]> = essence.split(|&byte| byte == b'/').collect();
    let is_type = |part: &&[u8]| !part.is_empty() && TCHAR.has_all(*part);
    match parts.len() == 2 && parts.iter().all(is_type) {
        true => Ok(String::from_utf8_lossy(value).into_owned()),
        false => {
            fail_at(at, format!("Content-Type is {}, which is not type/subtype", quoted(value)))
        }
    }
}

/// The type goes with the ending of the path.
pub fn type_fits(heard: &Heard, wanted: &[&str]) -> Verdict {
    let answer = answered(heard)?;
    let (at, value) = super::expect::field(heard, answer, "Content-Type")?;
    let essence = value.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
    match wanted.iter().any(|wanted| essence.eq_ignore_ascii_case(wanted.as_bytes())) {
        true => Ok(String::from_utf8_lossy(value).into_owned()),
        false => {
            fail_at(at, format!("the type is {}; right: {}", quoted(essence), wanted.join(" or ")))
        }
    }
}
