//! Which part of which message each byte on a connection is: the heads, the bodies, and of a chunked
//! one the sizes, the data, the ends and the trailer fields.
//!
//! For `--wire`: both directions are given as they pass, in pieces of any size, and returned byte for
//! byte, each with the name of its part. The parsers and the framing of both ends decide where a
//! message ends ([`Partial`], [`framing`], [`Decoder`]), so the parts are those that they see. A broken
//! rule is named, and what follows it is [raw](Part::Raw): its meaning cannot be known.

use std::collections::VecDeque;

use super::body::{Decoder, Piece};
use super::chunked::Expects;
use super::error::Fault;
use super::framing::{Framing, Message, framing, opens_tunnel};
use super::head::{Head, Partial, RequestHead, ResponseHead, Step};
use super::limits::Limits;
use super::method::Method;
use super::status::Status;
use crate::proto::buf::Buf;

/// The sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The client: requests.
    Client,
    /// The server: responses.
    Server,
}

/// A part of a message (RFC 9112, 2.1 and 7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The first line, the fields, the empty line.
    Head,
    /// A body that is not chunked.
    Body,
    /// The line with the size of a chunk.
    Size,
    /// What is in the chunk.
    Data,
    /// The line end after it.
    End,
    /// Trailer fields, and the empty line after them.
    Trailer,
    /// Bytes after a broken rule, or in a tunnel.
    Raw,
}

impl Part {
    /// Returns its name, of at most seven letters.
    pub fn name(self) -> &'static str {
        match self {
            Part::Head => "head",
            Part::Body => "body",
            Part::Size => "size",
            Part::Data => "data",
            Part::End => "end",
            Part::Trailer => "trailer",
            Part::Raw => "raw",
        }
    }
}

/// One observation.
#[derive(Debug, PartialEq, Eq)]
pub enum Seen<'a> {
    /// Bytes of this part; where it has lines, of no more than one of them.
    Bytes(Part, &'a [u8]),
    /// The head was complete with them; the body is framed like this.
    Framed(Framing),
    /// They were the head of a response to this request, `POST /a`, with its place among several that
    /// were sent without waiting, from 1.
    Answers(usize, &'a str),
    /// The message was complete with them.
    Complete,
    /// They break this rule; from here on all is raw.
    Lost(Fault),
}

/// Observes a connection, from its first byte.
#[derive(Debug)]
pub struct Dump {
    requests: Reading<RequestHead>,
    responses: Reading<ResponseHead>,
    /// The requests without a response yet.
    pending: VecDeque<PendingRequest>,
    limits: Limits,
}

#[derive(Debug)]
struct PendingRequest {
    method: Method,
    /// `GET /`
    words: String,
    /// Its place among those that were sent without waiting, from 1.
    in_row: Option<usize>,
}

/// One direction.
#[derive(Debug)]
struct Reading<H: Head> {
    /// What is not a whole line yet.
    input: Buf,
    state: State<H>,
}

#[derive(Debug)]
enum State<H: Head> {
    Head(Partial<H>),
    Body(Decoder),
    Raw,
}

/// How a body is framed, and the request that it responds to, if it is a response's.
type Framed = (Framing, Option<PendingRequest>);

/// What follows a head.
enum Follows {
    /// And the request, if it is a response.
    Body(Framing, Option<PendingRequest>),
    /// Another protocol.
    Tunnel,
}

impl Dump {
    /// Observes a new connection. The limits are those of the end that reads.
    pub fn new(limits: Limits) -> Dump {
        let (requests, responses) = (Reading::new(), Reading::new());
        Dump { requests, responses, pending: VecDeque::new(), limits }
    }

    /// Reports what these bytes are, which this side sent.
    pub fn read(&mut self, from: Side, bytes: &[u8], tell: &mut dyn FnMut(Seen<'_>)) {
        let Dump { requests, responses, pending, limits } = self;
        match from {
            Side::Client => requests.read(bytes, limits, tell, |head| {
                let in_row = pending.back_mut().map(|before| *before.in_row.get_or_insert(1) + 1);
                let words = format!("{} {}", head.method, head.target);
                pending.push_back(PendingRequest { method: head.method.clone(), words, in_row });
                framing(Message::Request(head)).map(|framing| Follows::Body(framing, None))
            }),
            Side::Server => responses.read(bytes, limits, tell, |head| {
                // A response without a request is a 408 or a 503, and is framed as to a GET.
                let method = pending.front().map_or(&Method::Get, |pending| &pending.method);
                let switched = head.status == Status::SWITCHING_PROTOCOLS;
                if switched || opens_tunnel(method, head.status) {
                    requests.state = State::Raw;
                    return Ok(Follows::Tunnel);
                }
                let framing = framing(Message::Response(method, head))?;
                let interim = head.status.is_informational();
                let request = if interim { None } else { pending.pop_front() };
                Ok(Follows::Body(framing, request))
            }),
        }
    }
}

impl<H: Head> Reading<H> {
    fn new() -> Reading<H> {
        Reading { input: Buf::new(), state: State::Head(Partial::default()) }
    }

    fn read(
        &mut self,
        mut bytes: &[u8],
        limits: &Limits,
        tell: &mut dyn FnMut(Seen<'_>),
        mut judge: impl FnMut(&H) -> Result<Follows, Fault>,
    ) {
        while !bytes.is_empty() {
            let (part, count) = self.first_of(bytes);
            let (piece, rest) = bytes.split_at(count);
            bytes = rest;
            let (framed, outcome) = self.take(piece, limits, &mut judge);
            tell(Seen::Bytes(part, piece));
            if let Some((framing, request)) = framed {
                if let Some(PendingRequest { words, in_row: Some(number), .. }) = &request {
                    tell(Seen::Answers(*number, words));
                }
                tell(Seen::Framed(framing));
            }
            match outcome {
                Ok(false) => {}
                Ok(true) => tell(Seen::Complete),
                Err(fault) => tell(Seen::Lost(fault)),
            }
        }
    }

    /// Returns the part that begins here, and how many of these bytes it has.
    fn first_of(&self, bytes: &[u8]) -> (Part, usize) {
        let line = bytes.iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |at| at + 1);
        let most = |left: u64| usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        match &self.state {
            State::Head(_) => (Part::Head, line),
            State::Body(Decoder::Length { left, .. }) => (Part::Body, most(*left)),
            State::Body(Decoder::UntilClose) => (Part::Body, bytes.len()),
            State::Body(Decoder::Chunked(decoder) | Decoder::Framed(decoder)) => {
                match decoder.expects() {
                    Expects::Size => (Part::Size, line),
                    Expects::Data(left) => (Part::Data, most(left)),
                    Expects::DataEnd => (Part::End, line.min(2)),
                    Expects::Trailers => (Part::Trailer, line),
                    Expects::Nothing => (Part::Raw, line),
                }
            }
            State::Body(Decoder::Done) | State::Raw => (Part::Raw, line),
        }
    }

    /// Goes on with these bytes, which are of one part: how the body is framed, if the head is
    /// complete now, and whether the message is.
    fn take(
        &mut self,
        piece: &[u8],
        limits: &Limits,
        judge: &mut impl FnMut(&H) -> Result<Follows, Fault>,
    ) -> (Option<Framed>, Result<bool, Fault>) {
        let mut framed = None;
        let mut decoder = match std::mem::replace(&mut self.state, State::Raw) {
            State::Raw => return (None, Ok(false)),
            State::Body(decoder) => {
                self.input.extend(piece);
                decoder
            }
            State::Head(partial) => {
                self.input.extend(piece);
                let judged = match partial.receive(&mut self.input, limits) {
                    Ok(Step::More(partial)) => {
                        self.state = State::Head(partial);
                        return (None, Ok(false));
                    }
                    Ok(Step::Complete(head)) => judge(&head),
                    Ok(Step::Closed) => Ok(Follows::Tunnel),
                    Err(rejected) => Err(rejected.fault),
                };
                match judged {
                    Ok(Follows::Body(framing, request)) => {
                        framed = Some((framing, request));
                        Decoder::new(framing, H::RECIPIENT)
                    }
                    Ok(Follows::Tunnel) => return (None, Ok(false)),
                    Err(fault) => return (None, Err(fault)),
                }
            }
        };
        let complete = loop {
            match decoder.receive(&mut self.input, limits) {
                Ok(Piece::Data(_)) => {}
                Ok(Piece::More) => break false,
                Ok(Piece::End) => break true,
                Err(fault) => return (framed, Err(fault)),
            }
        };
        self.state = if complete { State::Head(Partial::default()) } else { State::Body(decoder) };
        (framed, Ok(complete))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is seen, in one line: `head`, `body` … each with its bytes; equal neighbours are joined.
    fn seen(talk: &[(Side, &str)], step: usize) -> (String, Vec<u8>) {
        let mut dump = Dump::new(Limits::default());
        let (mut story, mut last, mut bytes) = (String::new(), None, Vec::new());
        for (from, text) in talk {
            for piece in text.as_bytes().chunks(step) {
                dump.read(*from, piece, &mut |seen| match seen {
                    Seen::Bytes(part, piece) => {
                        bytes.extend_from_slice(piece);
                        if last != Some((*from, part)) {
                            story += &format!(" {}", part.name());
                        }
                        last = Some((*from, part));
                    }
                    Seen::Answers(number, words) => story += &format!(" #{number} {words}"),
                    Seen::Framed(framing) => story += &format!(" ({framing:?})"),
                    Seen::Complete => {
                        story += ".";
                        last = None;
                    }
                    Seen::Lost(fault) => story += &format!(" {:?}!", fault.rule),
                });
            }
        }
        (story.trim_start().to_owned(), bytes)
    }

    #[test]
    fn every_byte_has_its_part() {
        use Side::{Client, Server};
        const GET: (Side, &str) = (Client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        const HEAD: (Side, &str) = (Client, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
        const SAID: &str = "head (None). ";
        for (name, talk, want) in [
            (
                "length",
                &[GET, (Server, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na\nb")][..],
                "head (Length(3)) body.",
            ),
            ("nothing", &[GET, (Server, "HTTP/1.1 204 No Content\r\n\r\n")], "head (None)."),
            (
                "until close",
                &[GET, (Server, "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK")],
                "head (UntilClose) body",
            ),
            (
                "chunked, with trailers, and another",
                &[
                    GET,
                    GET,
                    (
                        Server,
                        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhe\r\nl\r\n1\r\n\n\r\n0\r\nX: y\r\n\r\n",
                    ),
                    (Server, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
                ],
                "head (None). head #1 GET / (Chunked) size data end size data end size trailer. head #2 GET / (Length(0)).",
            ),
            (
                "interim, then final",
                &[
                    GET,
                    (
                        Server,
                        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
                    ),
                ],
                "head (None). head (Length(1)) body.",
            ),
            (
                "HEAD has no body, the next has",
                &[
                    HEAD,
                    GET,
                    (
                        Server,
                        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 1\r\n\r\nx",
                    ),
                ],
                "head (None). head #1 HEAD / (None). head #2 GET / (Length(1)) body.",
            ),
            (
                "two requests with bodies at once",
                &[(
                    Client,
                    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhiGET / HTTP/1.1\r\nHost: a\r\n\r\n",
                )],
                "(Length(2)) body. head (None).",
            ),
            (
                "unasked",
                &[(Server, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 1\r\n\r\nx")],
                "(Length(1)) body.",
            ),
            (
                "a tunnel",
                &[
                    (Client, "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"),
                    (Server, "HTTP/1.1 200 OK\r\n\r\n\x01"),
                    (Client, "\x02\n"),
                ],
                "(None). head raw raw",
            ),
            (
                "switched",
                &[
                    GET,
                    (Server, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nhi"),
                    (Client, "ho"),
                ],
                "head raw raw",
            ),
            ("no HTTP", &[(Client, "("), (Client, "x\n")], "NotHttp! raw"),
            (
                "a chunk without its end",
                &[
                    GET,
                    (Server, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nhello\n"),
                ],
                "head (Chunked) size data end ChunkEnd! raw",
            ),
            (
                "doubt",
                &[(
                    Client,
                    "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx\n",
                )],
                "LengthAndCoding! raw",
            ),
        ] {
            let begins = match talk[0] {
                GET | HEAD => SAID,
                _ => "head ",
            };
            let all: String = talk.iter().map(|(_, text)| *text).collect();
            for step in [usize::MAX, 1, 2, 3, 7] {
                let (story, bytes) = seen(talk, step);
                assert_eq!(story, format!("{begins}{want}"), "{name}, in steps of {step}");
                assert_eq!(bytes, all.as_bytes(), "{name}");
            }
        }
    }
}
