//! What HTTP/1.1 expects of several answers on a connection, of dates, tags and chunks. Pure.

use std::time::{Duration, SystemTime};

use super::expect::{answered, first_line, place_of_status, quoted};
use super::facts::Facts;
use super::heard::{End, Heard};
use super::table::{Verdict, fail, fail_at, skip};
use crate::proto::http::date::{imf_fixdate, parse_http_date};
use crate::proto::http::etag::EntityTag;
use crate::proto::http::framing::Framing;

/// How wrong a clock may be.
const CLOCK: Duration = Duration::from_secs(3600);

/// The answers have these statuses, in this order. A server may close after any of them.
pub fn in_order(heard: &Heard, wanted: &[u16]) -> Verdict {
    answered(heard)?;
    for (number, (answer, wanted)) in heard.finals().zip(wanted).enumerate() {
        if answer.status != Some(*wanted) {
            let what = format!("answer {} is not {wanted}", number + 1);
            return fail_at(place_of_status(heard, answer), what);
        }
    }
    let statuses = heard.statuses();
    if let Some(extra) = heard.finals().nth(wanted.len()) {
        return fail_at(extra.head.start, format!("there are more than {} answers", wanted.len()));
    }
    let words: Vec<String> = statuses.iter().map(u16::to_string).collect();
    match heard.end {
        _ if statuses.len() == wanted.len() => Ok(words.join(" ")),
        End::Closed => Ok(format!("{}, then closed", words.join(" "))),
        End::Reset => fail("the connection was reset before the last answer"),
        _ => fail(format!("{} of {} requests were answered", statuses.len(), wanted.len())),
    }
}

/// An answer after which the server closes says so.
pub fn says_close(heard: &Heard, _: &Facts) -> Verdict {
    let answer = answered(heard)?;
    let is_closed = matches!(heard.end, End::Closed | End::Reset);
    if is_closed && !heard.has_token(answer, "connection", "close") {
        let what = "the server closes after this answer, which does not say Connection: close";
        return fail_at(answer.head.start, what);
    }
    Ok(if is_closed { "Connection: close, and closed" } else { "kept open" }.to_owned())
}

/// A date is written as `Sun, 06 Nov 1994 08:49:37 GMT`.
pub fn date_form(heard: &Heard, name: &str) -> Verdict {
    let Some((at, value)) = heard.field(answered(heard)?, name) else {
        return skip(format!("there is no {name}"));
    };
    let is_right = parse_http_date(value).is_some_and(|time| imf_fixdate(time).as_bytes() == value);
    match is_right {
        true => Ok(String::from_utf8_lossy(value).into_owned()),
        false => {
            fail_at(at, format!("{name} is {}, which is not a date of this form", quoted(value)))
        }
    }
}

/// `Date` is about the time of this machine.
pub fn date_is_now(heard: &Heard, _: &Facts) -> Verdict {
    let date = heard.field(answered(heard)?, "date");
    let Some((at, time)) = date.and_then(|(at, value)| Some((at, parse_http_date(value)?))) else {
        return skip("there is no date");
    };
    let now = SystemTime::now();
    let off = now.duration_since(time).or_else(|_| time.duration_since(now)).unwrap_or_default();
    match off > CLOCK {
        true => fail_at(at, format!("the clock is wrong by {} minutes", off.as_secs() / 60)),
        false => Ok("now".to_owned()),
    }
}

/// `Last-Modified` is not later than `Date`.
pub fn not_in_future(heard: &Heard, _: &Facts) -> Verdict {
    let answer = answered(heard)?;
    let time = |name: &str| {
        let (at, value) = heard.field(answer, name)?;
        Some((at, parse_http_date(value)?))
    };
    match (time("last-modified"), time("date")) {
        (Some((at, modified)), Some((_, date))) if modified > date => {
            fail_at(at, "the file was changed after the answer was made")
        }
        (Some(_), Some(_)) => Ok("in the past".to_owned()),
        _ => skip("there is no Last-Modified, or no Date"),
    }
}

/// `ETag: "text"`, or `W/"text"`.
pub fn etag_form(heard: &Heard, _: &Facts) -> Verdict {
    match heard.field(answered(heard)?, "etag") {
        None => skip("there is no ETag"),
        Some((_, value)) if EntityTag::parse(value).is_some() => {
            Ok(String::from_utf8_lossy(value).into_owned())
        }
        Some((at, value)) => {
            fail_at(at, format!("ETag is {}, not a text in quotes", quoted(value)))
        }
    }
}

/// The chunks of the answer are well formed, and the last one comes.
pub fn chunks(heard: &Heard, _: &Facts) -> Verdict {
    let answer = answered(heard)?;
    if answer.framing != Framing::Chunked {
        return Ok(first_line(heard));
    }
    match &answer.fault {
        Some(fault) => {
            let offset = usize::try_from(fault.offset).unwrap_or(usize::MAX);
            let at = answer.body.start.saturating_add(offset).min(heard.bytes.len());
            fail_at(at, format!("the chunks are wrong: {}", fault.rule.what()))
        }
        None if answer.is_complete => Ok("well formed".to_owned()),
        None => fail_at(answer.body.end, "the last chunk, of size 0, does not come"),
    }
}
