//! Where a body ends: decided once, here, in one pure function (RFC 9112, 6.3).
//!
//! Two programs that disagree about the end of a body read different requests; that is request
//! smuggling. So anything ambiguous is refused, never repaired.

use super::chars::{TCHAR, decimal, trim_ows};
use super::error::{Fault, Rule};
use super::head::{RequestHead, ResponseHead};
use super::headers::Headers;
use super::method::Method;
use super::status::Status;
use super::version::Version;

/// How the length of a body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// There is no body.
    None,
    /// It has this many bytes.
    Length(u64),
    /// It says itself where it ends.
    Chunked,
    /// It ends with the connection; responses only.
    UntilClose,
}

impl Framing {
    /// Returns the field that declares it in a request, and its value.
    pub fn field(self) -> Option<(&'static str, String)> {
        match self {
            Framing::None | Framing::UntilClose => None,
            Framing::Length(length) => Some(("Content-Length", length.to_string())),
            Framing::Chunked => Some(("Transfer-Encoding", "chunked".to_owned())),
        }
    }
}

/// The message whose body is to be framed.
#[derive(Debug, Clone, Copy)]
pub enum Message<'a> {
    /// A request.
    Request(&'a RequestHead),
    /// A response, and the method of its request.
    Response(&'a Method, &'a ResponseHead),
}

/// Decides how a received body is framed.
///
/// # Errors
/// The rule that makes its length doubtful; the offset is that of the field's value, in the head.
#[inline(always)]
pub fn framing(message: Message<'_>) -> Result<Framing, Fault> {
    // 1. A response to HEAD, and any 1xx, 204 or 304, ends with its head.
    // 2. So does a 2xx to CONNECT: what follows is a tunnel, not a message.
    if let Message::Response(method, head) = message
        && !may_have_body(method, head.status)
    {
        return Ok(Framing::None);
    }
    declared(message)
}

/// Returns the framing that the fields declare, whether or not there is a body. A contradiction is an
/// error in a response to HEAD as well, because the sender has lost track of its framing.
///
/// # Errors
/// As [`framing`].
#[inline(always)]
pub fn declared(message: Message<'_>) -> Result<Framing, Fault> {
    let (version, headers) = match message {
        Message::Request(head) => (head.version, &head.headers),
        Message::Response(_, head) => (head.version, &head.headers),
    };
    let refuse = |rule| Fault::new(rule, place(rule, headers));

    let length = match headers.has("content-length") {
        true => Some(content_length(message, headers).map_err(refuse)?),
        false => None,
    };
    if headers.has("transfer-encoding") {
        // 3. Both: "ought to be handled as an error"; and a 1.0 sender cannot have meant it (6.1).
        if length.is_some() {
            return Err(refuse(Rule::LengthAndCoding));
        }
        if version == Version::Http10 {
            return Err(refuse(Rule::CodingOn10));
        }
        // 4. Chunked last; without it a request's length is unknown, a response's is the rest.
        return match (codings(headers).map_err(refuse)?, message) {
            (Codings::Chunked, _) => Ok(Framing::Chunked),
            (Codings::UnknownThenChunked, _) => Err(refuse(Rule::CodingUnknown)),
            (Codings::NotChunked, Message::Response(..)) => Err(refuse(Rule::CodingUnknown)),
            (Codings::NotChunked, Message::Request(_)) => Err(refuse(Rule::CodingNotLast)),
        };
    }
    Ok(match (length, message) {
        // 5. (refused above, in content_length) and 6. A valid Content-Length is the length.
        (Some(length), _) => Framing::Length(length),
        // 7. A request that declares no length has no body.
        (None, Message::Request(_)) => Framing::None,
        // 8. A response that declares no length goes on until the connection ends.
        (None, Message::Response(..)) => Framing::UntilClose,
    })
}

/// Returns the position of the value that breaks a rule of framing.
fn place(rule: Rule, headers: &Headers) -> usize {
    let mut lengths = headers.places("content-length");
    let found = match rule {
        Rule::Length => lengths.next(),
        Rule::LengthRepeated => lengths.take(2).last(),
        _ => headers.places("transfer-encoding").last(),
    };
    found.map_or(0, |(at, _)| at)
}

/// Returns true if a response may have a body (RFC 9110, 6.4.1).
pub fn may_have_body(method: &Method, status: Status) -> bool {
    let never =
        status.is_informational() || status == Status::NO_CONTENT || status == Status::NOT_MODIFIED;
    !never && !opens_tunnel(method, status) && *method != Method::Head
}

/// Returns true if a tunnel follows, and no more HTTP (RFC 9110, 9.3.6).
pub fn opens_tunnel(method: &Method, status: Status) -> bool {
    *method == Method::Connect && (200..300).contains(&status.code())
}

/// Returns the length. Repeated equal values may be read as one (RFC 9112, 6.3), and are in a response.
/// In a request they are refused: a proxy before the server may have read another one.
fn content_length(message: Message<'_>, headers: &Headers) -> Result<u64, Rule> {
    let mut values = headers.all("content-length");
    match (values.next(), values.next(), message) {
        (Some(value), None, _) if !value.contains(&b',') => decimal(value).ok_or(Rule::Length),
        (.., Message::Response(..)) => repeated_length(headers),
        (.., Message::Request(_)) => Err(Rule::LengthRepeated),
    }
}

/// Returns the length that each of several values states, in fields of their own or in a list.
fn repeated_length(headers: &Headers) -> Result<u64, Rule> {
    let values = headers.all("content-length").flat_map(|value| value.split(|&byte| byte == b','));
    let mut values = values.map(trim_ows);
    let first = values.next().unwrap_or_default();
    match values.all(|other| other == first) {
        true => decimal(first).ok_or(Rule::Length),
        false => Err(Rule::LengthRepeated),
    }
}

enum Codings {
    Chunked,
    UnknownThenChunked,
    NotChunked,
}

fn codings(headers: &Headers) -> Result<Codings, Rule> {
    let codings: Vec<&[u8]> = headers.list("transfer-encoding").collect();
    let is_chunked = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
    let (last, before) = codings.split_last().ok_or(Rule::CodingInvalid)?;
    let is_coding = |coding: &&[u8]| {
        let name = coding.split(|byte| b"; \t".contains(byte)).next().unwrap_or_default();
        !name.is_empty() && TCHAR.first_outside(name).is_none()
    };
    if !codings.iter().all(is_coding) {
        return Err(Rule::CodingInvalid);
    }
    if before.iter().any(|coding| is_chunked(coding)) {
        return Err(Rule::CodingNotLast);
    }
    Ok(match (is_chunked(last), before.is_empty()) {
        (true, true) => Codings::Chunked,
        (true, false) => Codings::UnknownThenChunked,
        (false, _) => Codings::NotChunked,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::buf::Buf;
    use crate::proto::http::head::{Head, Partial, Step};
    use crate::proto::http::limits::Limits;

    fn head<H: Head>(text: String) -> H {
        let mut buf = Buf::new();
        buf.extend(text.as_bytes());
        match Partial::<H>::default().receive(&mut buf, &Limits::default()) {
            Ok(Step::Complete(head)) => *head,
            _ => panic!("not a head: {text:?}"),
        }
    }

    #[test]
    fn requests() {
        use Framing::*;
        for (version, fields, want) in [
            ("1.1", "", Ok(None)),
            ("1.1", "Content-Length: 0\r\n", Ok(Length(0))),
            ("1.1", "Content-Length: 42\r\n", Ok(Length(42))),
            ("1.1", "Content-Length: 18446744073709551615\r\n", Ok(Length(u64::MAX))),
            ("1.1", "Transfer-Encoding: chunked\r\n", Ok(Chunked)),
            ("1.1", "Transfer-Encoding: , Chunked ,\r\n", Ok(Chunked)),
            ("1.1", "Content-Length: 18446744073709551616\r\n", Err(Rule::Length)),
            ("1.1", "Content-Length:\r\n", Err(Rule::Length)),
            ("1.1", "Content-Length: +5\r\n", Err(Rule::Length)),
            ("1.1", "Content-Length: -5\r\n", Err(Rule::Length)),
            ("1.1", "Content-Length: 5 5\r\n", Err(Rule::Length)),
            ("1.1", "Content-Length: 0x5\r\n", Err(Rule::Length)),
            ("1.1", "Content-Length: 5x\r\n", Err(Rule::Length)),
            ("1.1", "Content-Length: 5.0\r\n", Err(Rule::Length)),
            ("1.1", "Content-Length: \"5\"\r\n", Err(Rule::Length)),
            ("1.1", "Content-Length: 5, 5\r\n", Err(Rule::LengthRepeated)),
            ("1.1", "Content-Length: 5\r\nContent-Length: 5\r\n", Err(Rule::LengthRepeated)),
            ("1.1", "Content-Length: 5\r\ncontent-length: 6\r\n", Err(Rule::LengthRepeated)),
            (
                "1.1",
                "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                Err(Rule::LengthAndCoding),
            ),
            (
                "1.1",
                "Transfer-Encoding: identity\r\nContent-Length: 5\r\n",
                Err(Rule::LengthAndCoding),
            ),
            ("1.0", "Transfer-Encoding: chunked\r\n", Err(Rule::CodingOn10)),
            ("1.1", "Transfer-Encoding:\r\n", Err(Rule::CodingInvalid)),
            ("1.1", "Transfer-Encoding: chunked, chunked\r\n", Err(Rule::CodingNotLast)),
            ("1.1", "Transfer-Encoding: chunked, gzip\r\n", Err(Rule::CodingNotLast)),
            (
                "1.1",
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
                Err(Rule::CodingNotLast),
            ),
            ("1.1", "Transfer-Encoding: gzip\r\n", Err(Rule::CodingNotLast)),
            ("1.1", "Transfer-Encoding: xchunked\r\n", Err(Rule::CodingNotLast)),
            ("1.1", "Transfer-Encoding: chunked;q=1\r\n", Err(Rule::CodingNotLast)),
            ("1.1", "Transfer-Encoding: \"chunked\"\r\n", Err(Rule::CodingInvalid)),
            ("1.1", "Transfer-Encoding: gzip, chunked\r\n", Err(Rule::CodingUnknown)),
        ] {
            let head: RequestHead =
                head(format!("POST / HTTP/{version}\r\nHost: a\r\n{fields}\r\n"));
            assert_eq!(
                framing(Message::Request(&head)).map_err(|fault| fault.rule),
                want,
                "{version} {fields:?}"
            );
        }
    }

    #[test]
    fn responses() {
        use Framing::*;
        for (method, status, fields, want) in [
            ("GET", "200 OK", "Content-Length: 3\r\n", Ok(Length(3))),
            ("GET", "200 OK", "Transfer-Encoding: chunked\r\n", Ok(Chunked)),
            ("GET", "200 OK", "", Ok(UntilClose)),
            ("HEAD", "200 OK", "Content-Length: 3\r\n", Ok(None)),
            ("HEAD", "200 OK", "Transfer-Encoding: chunked\r\n", Ok(None)),
            ("GET", "204 No Content", "Content-Length: 3\r\n", Ok(None)),
            ("GET", "304 Not Modified", "Content-Length: 3\r\n", Ok(None)),
            ("GET", "100 Continue", "", Ok(None)),
            ("CONNECT", "200 OK", "Content-Length: 3\r\n", Ok(None)),
            ("CONNECT", "407 No", "Content-Length: 3\r\n", Ok(Length(3))),
            (
                "GET",
                "200 OK",
                "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
                Err(Rule::LengthAndCoding),
            ),
            ("GET", "200 OK", "Content-Length: 3\r\nContent-Length: 3\r\n", Ok(Length(3))),
            ("GET", "200 OK", "Content-Length: 3,3\r\nContent-Length: 3\r\n", Ok(Length(3))),
            ("GET", "200 OK", "Content-Length: 3 , \t3\r\n", Ok(Length(3))),
            ("GET", "200 OK", "Content-Length : 3\r\nContent-Length: 3\r\n", Ok(Length(3))),
            ("GET", "200 OK", "Content-Length: 3, 4\r\n", Err(Rule::LengthRepeated)),
            ("GET", "200 OK", "Content-Length: 3, 03\r\n", Err(Rule::LengthRepeated)),
            ("GET", "200 OK", "Content-Length: 3,\r\n", Err(Rule::LengthRepeated)),
            ("GET", "200 OK", "Content-Length: , \r\n", Err(Rule::Length)),
            ("GET", "200 OK", "Content-Length: +3, +3\r\n", Err(Rule::Length)),
            (
                "GET",
                "200 OK",
                "Content-Length: 3\r\nContent-Length: 4\r\n",
                Err(Rule::LengthRepeated),
            ),
            (
                "GET",
                "200 OK",
                "Content-Length: 3, 3\r\nTransfer-Encoding : chunked\r\n",
                Err(Rule::LengthAndCoding),
            ),
            ("GET", "200 OK", "Transfer-Encoding: gzip\r\n", Err(Rule::CodingUnknown)),
        ] {
            let method = Method::parse(method.as_bytes()).unwrap();
            let head: ResponseHead = head(format!("HTTP/1.1 {status}\r\n{fields}\r\n"));
            let got = framing(Message::Response(&method, &head)).map_err(|fault| fault.rule);
            assert_eq!(got, want, "{method} {status} {fields:?}");
        }
    }
}
