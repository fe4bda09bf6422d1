//! What a server answered, read without judging it: a line may end in LF alone, a status line may be odd, a length
//! may be wrong. So each check sees the one thing that it asks for, and a single fault fails a single check.
//!
//! The lengths of bodies follow the library's rules ([`Framing`]), and its decoder reads the chunks.

use std::ops::Range;
use std::time::Duration;

use crate::proto::buf::Buf;
use crate::proto::http::body::{Decoder, Piece};
use crate::proto::http::chars::{decimal, trim_ows, trim_ows_end, trim_ows_start};
use crate::proto::http::error::Fault;
use crate::proto::http::field_line::strip_ending;
use crate::proto::http::framing::Framing;
use crate::proto::http::limits::Limits;
use crate::proto::http::recipient::Recipient;

/// All that passed on one connection.
#[derive(Debug, Clone)]
pub struct Heard {
    /// What the client sent.
    pub sent: Vec<u8>,
    /// What the server sent.
    pub bytes: Vec<u8>,
    /// The answers in it.
    pub answers: Vec<Answer>,
    /// How it ended.
    pub end: End,
    /// From the first byte sent to the end.
    pub time: Duration,
}

/// How a connection ended, or how the reading of it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// All that was waited for has come; the server has not closed.
    Open,
    /// The server has closed.
    Closed,
    /// The server has reset the connection.
    Reset,
    /// Nothing more came in time.
    Late,
    /// More came than any answer should have.
    Endless,
}

/// One answer. The ranges are of the bytes of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status line and the fields, with the empty line.
    pub head: Range<usize>,
    /// The status code, if one can be found.
    pub status: Option<u16>,
    /// Whether the empty line came.
    pub has_end_of_head: bool,
    /// The body as it was sent.
    pub body: Range<usize>,
    /// How it is framed.
    pub framing: Framing,
    /// Whether all of it came.
    pub is_complete: bool,
    /// What is wrong with its chunks, from the beginning of the body.
    pub fault: Option<Fault>,
}

impl Heard {
    /// Reads the answers. The connection has sent nothing and heard nothing if `bytes` are empty.
    pub fn new(sent: Vec<u8>, bytes: Vec<u8>, end: End, time: Duration) -> Heard {
        let answers = answers(&sent, &bytes, matches!(end, End::Closed | End::Reset));
        Heard { sent, bytes, answers, end, time }
    }

    /// Returns the final answers: not those with a status of 1xx.
    pub fn finals(&self) -> impl Iterator<Item = &Answer> {
        self.answers.iter().filter(|answer| !answer.is_interim())
    }

    /// Returns the first final answer.
    pub fn first(&self) -> Option<&Answer> {
        self.finals().next()
    }

    /// Returns the status codes of the final answers, as in `200 404`.
    pub fn statuses(&self) -> Vec<u16> {
        self.finals().map(|answer| answer.status.unwrap_or_default()).collect()
    }

    /// Returns the lines of the head of an answer with their endings, and where each begins: the status line first,
    /// without the empty line.
    pub fn lines(&self, answer: &Answer) -> impl Iterator<Item = (usize, &[u8])> {
        lines(&self.bytes, &answer.head)
    }

    /// Returns the values of the fields with this name, without the spaces around them, and where they begin.
    pub fn fields(&self, answer: &Answer, name: &str) -> impl Iterator<Item = (usize, &[u8])> {
        fields(&self.bytes, &answer.head, name)
    }

    /// Returns the value of the first field with this name, and where it begins.
    pub fn field(&self, answer: &Answer, name: &str) -> Option<(usize, &[u8])> {
        self.fields(answer, name).next()
    }

    /// Returns true if a field has this token in its list.
    pub fn has_token(&self, answer: &Answer, name: &str, token: &str) -> bool {
        has_token(&self.bytes, &answer.head, name, token)
    }

    /// Returns the content of the body, its chunks put together.
    pub fn content(&self, answer: &Answer) -> Vec<u8> {
        let raw = &self.bytes[answer.body.clone()];
        match answer.framing {
            Framing::Chunked => chunks(raw).0,
            _ => raw.to_vec(),
        }
    }

    /// Returns where bytes begin that belong to no answer.
    pub fn extra(&self) -> Option<usize> {
        let end = self.answers.last().map_or(0, |answer| answer.body.end);
        (end < self.bytes.len()).then_some(end)
    }
}

impl Answer {
    /// Returns true for a status of 1xx.
    pub fn is_interim(&self) -> bool {
        self.status.is_some_and(|status| (100..200).contains(&status))
    }
}

fn lines<'b>(bytes: &'b [u8], head: &Range<usize>) -> impl Iterator<Item = (usize, &'b [u8])> {
    let mut at = head.start;
    let lines = bytes[head.clone()].split_inclusive(|&byte| byte == b'\n');
    let placed = lines.map(move |line| {
        at += line.len();
        (at - line.len(), line)
    });
    placed.filter(|(_, line)| !strip_ending(line).is_empty())
}

fn fields<'b>(
    bytes: &'b [u8],
    head: &Range<usize>,
    name: &str,
) -> impl Iterator<Item = (usize, &'b [u8])> {
    lines(bytes, head).skip(1).filter_map(move |(at, line)| {
        let (before, behind) = line.split_at(line.iter().position(|&byte| byte == b':')?);
        let is_named = before.trim_ascii().eq_ignore_ascii_case(name.as_bytes());
        let value = trim_ows_start(&behind[1..]);
        is_named.then(|| (at + line.len() - value.len(), trim_ows_end(strip_ending(value))))
    })
}

fn has_token(bytes: &[u8], head: &Range<usize>, name: &str, token: &str) -> bool {
    let mut tokens =
        fields(bytes, head, name).flat_map(|(_, value)| value.split(|&byte| byte == b','));
    tokens.any(|one| trim_ows(one).eq_ignore_ascii_case(token.as_bytes()))
}

/// Finds the answers to these requests.
pub(super) fn answers(sent: &[u8], bytes: &[u8], is_closed: bool) -> Vec<Answer> {
    let mut methods = methods(sent).into_iter();
    let mut method = methods.next();
    let (mut answers, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        if !answers.is_empty() && !looks_like_answer(&bytes[at..]) {
            break;
        }
        let answer = answer(bytes, at, method, is_closed);
        let (end, goes_on) = (answer.body.end, answer.is_complete && answer.has_end_of_head);
        if !answer.is_interim() {
            method = methods.next();
        }
        answers.push(answer);
        if !goes_on || end == at {
            break;
        }
        at = end;
    }
    answers
}

/// Returns true if the bytes begin as an answer does, as far as there are any.
fn looks_like_answer(bytes: &[u8]) -> bool {
    let count = bytes.len().min(5);
    bytes[..count] == b"HTTP/"[..count]
}

/// Returns the methods of the requests in these bytes.
fn methods(sent: &[u8]) -> Vec<&[u8]> {
    let lines = sent.split(|&byte| byte == b'\n').map(strip_ending);
    let is_request = |line: &&[u8]| line.windows(6).any(|part| part == b" HTTP/");
    lines.filter(is_request).filter_map(|line| line.split(|&byte| byte == b' ').next()).collect()
}

fn answer(bytes: &[u8], start: usize, method: Option<&[u8]>, is_closed: bool) -> Answer {
    let (head_end, has_end_of_head) = match looks_like_answer(&bytes[start..]) {
        true => end_of_head(bytes, start),
        false => (start, true), // a body without a head, as in HTTP/0.9
    };
    let head = start..head_end;
    let mut answer = Answer {
        head: head.clone(),
        status: status(&bytes[start..head_end]),
        has_end_of_head,
        body: head_end..bytes.len(),
        framing: Framing::UntilClose,
        is_complete: is_closed,
        fault: None,
    };
    if head_end == start || !has_end_of_head {
        return answer;
    }
    let never = answer.is_interim() || matches!(answer.status, Some(204 | 304));
    let length = fields(bytes, &head, "content-length").next();
    answer.framing = match length.and_then(|(_, value)| decimal(value)) {
        _ if never || method == Some(b"HEAD") => Framing::None,
        _ if has_token(bytes, &head, "transfer-encoding", "chunked") => Framing::Chunked,
        Some(length) => Framing::Length(length),
        None => Framing::UntilClose,
    };
    let rest = &bytes[head_end..];
    let (length, is_complete) = match answer.framing {
        Framing::None => (0, true),
        Framing::Length(length) => {
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            (length.min(rest.len()), rest.len() >= length)
        }
        Framing::Chunked => {
            let (_, length, outcome) = chunks(rest);
            answer.fault = outcome.err();
            (length, outcome == Ok(true))
        }
        Framing::UntilClose => (rest.len(), is_closed),
    };
    answer.body = head_end..head_end + length;
    answer.is_complete = is_complete;
    answer
}

/// Returns where the head ends, behind the empty line, and whether there is one.
fn end_of_head(bytes: &[u8], start: usize) -> (usize, bool) {
    let mut at = start;
    for line in bytes[start..].split_inclusive(|&byte| byte == b'\n') {
        at += line.len();
        if line.ends_with(b"\n") && strip_ending(line).is_empty() {
            return (at, true);
        }
    }
    (at, false)
}

/// Returns the first three digits in a row behind the version.
fn status(head: &[u8]) -> Option<u16> {
    let line = head.split(|&byte| byte == b'\n').next()?;
    let behind = line.get(line.iter().position(|&byte| byte == b' ')?..)?;
    let digits = behind.windows(3).find(|three| three.iter().all(u8::is_ascii_digit))?;
    u16::try_from(decimal(digits)?).ok()
}

/// Decodes chunks: the content, the number of bytes read, and whether the last chunk came.
pub(super) fn chunks(raw: &[u8]) -> (Vec<u8>, usize, Result<bool, Fault>) {
    let (mut input, mut content) = (Buf::new(), Vec::new());
    input.extend(raw);
    let mut decoder = Decoder::new(Framing::Chunked, Recipient::UserAgent);
    let outcome = loop {
        match decoder.receive(&mut input, &Limits::of_responses()) {
            Ok(Piece::Data(data)) => content.extend_from_slice(data),
            Ok(Piece::End) => break Ok(true),
            Ok(Piece::More) => break Ok(false),
            Err(fault) => break Err(fault),
        }
    };
    let read = match outcome {
        Ok(true) => raw.len() - input.len(),
        _ => raw.len(),
    };
    (content, read, outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(sent: &str, bytes: &str, end: End) -> Heard {
        Heard::new(sent.into(), bytes.into(), end, Duration::ZERO)
    }

    /// Statuses, whether the last one is complete, and what is left over.
    #[test]
    fn answers_are_found_without_judging_them() {
        const GET: &str = "GET / HTTP/1.1\r\n\r\n";
        for (sent, bytes, end, statuses, complete, extra) in [
            (
                GET,
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab",
                End::Open,
                &[200][..],
                true,
                None,
            ),
            (GET, "HTTP/1.1 200 OK\nContent-Length:2\n\nab", End::Open, &[200], true, None),
            (
                GET,
                "HTTP/1.1  404\r\ncontent-length : 1\r\n\r\nabc",
                End::Open,
                &[404],
                true,
                Some(38),
            ),
            (GET, "HTTP/1.1 200 OK\r\n\r\nab", End::Open, &[200], false, None),
            (GET, "HTTP/1.1 200 OK\r\n\r\nab", End::Closed, &[200], true, None),
            (GET, "HTTP/1.1 200 OK\r\nConte", End::Closed, &[200], true, None),
            (GET, "<h1>hello</h1>", End::Closed, &[0], true, None),
            (GET, "HTTP/1.1 304 x\r\nContent-Length: 9\r\n\r\n", End::Open, &[304], true, None),
            (
                "HEAD / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n",
                "HTTP/1.1 200 x\r\nContent-Length: 9\r\n\r\nHTTP/1.1 404 x\r\nContent-Length: 1\r\n\r\na",
                End::Open,
                &[200, 404],
                true,
                None,
            ),
            (
                GET,
                "HTTP/1.1 100 x\r\n\r\nHTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
                End::Open,
                &[200],
                true,
                None,
            ),
            (
                GET,
                "HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc",
                End::Open,
                &[200],
                false,
                None,
            ),
        ] {
            let heard = heard(sent, bytes, end);
            assert_eq!(heard.statuses(), statuses, "{bytes:?}");
            assert_eq!(heard.answers.last().unwrap().is_complete, complete, "{bytes:?}");
            assert_eq!(heard.extra(), extra, "{bytes:?}");
        }
    }

    #[test]
    fn fields_have_places() {
        let heard = heard("", "HTTP/1.1 200 x\r\nA: 1\r\nB : x, Close\r\na:2\r\n\r\n", End::Closed);
        let first = heard.first().unwrap();
        let all: Vec<_> = heard.fields(first, "A").collect();
        assert_eq!(all, [(19, &b"1"[..]), (38, b"2")]);
        assert!(heard.has_token(first, "b", "close") && !heard.has_token(first, "a", "close"));
    }
}
