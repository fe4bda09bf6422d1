//! A request, encoded once and sent many times, and the state of its responses. Sans-IO.
//!
//! The head of a response is parsed by the protocol. Servers repeat the same head for up to a second,
//! and parsing is a pure function: **a head that equals the previous one byte for byte has the same
//! meaning**. So each byte of each response is compared, each body is counted to its end, and nothing
//! is allocated for it.

use crate::client::{Error, Request, Route};
use crate::command::bench::load::failure::Failure;
use crate::command::bench::load::turns::Turns;
use crate::proto::buf::Buf;
use crate::proto::http::client::{Head, Piece, RecvBody, RecvHead};
use crate::proto::http::error::{Fault, Rule};
use crate::proto::http::head::ResponseHead;
use crate::proto::http::limits::Limits;
use crate::proto::http::status::Status;

/// A request, ready to be sent any number of times.
#[derive(Debug, Clone)]
pub(super) struct EncodedRequest {
    /// Head and body.
    pub(super) wire: Vec<u8>,
    /// The state that receives its response.
    waiting: RecvHead,
    /// The last head that was parsed, and its meaning.
    cached: Option<CachedHead>,
}

#[derive(Debug, Clone)]
struct CachedHead {
    head: Vec<u8>,
    status: Status,
    body: RecvBody,
}

/// The requests that are sent in turn.
#[derive(Debug, Clone)]
pub(super) struct Shapes {
    /// Each as usual, and as the last one on its connection.
    each: Vec<[EncodedRequest; 2]>,
    turns: Turns,
}

/// The place of a request in the [`Shapes`].
#[derive(Debug, Clone, Copy)]
pub(super) struct ShapeId {
    index: usize,
    is_last: bool,
}

impl Shapes {
    /// `each` has at least one.
    pub(super) fn new(each: Vec<[EncodedRequest; 2]>, turns: Turns) -> Shapes {
        Shapes { each, turns }
    }

    /// Returns the next one in turn.
    pub(super) fn next(&mut self, is_last: bool) -> ShapeId {
        ShapeId { index: self.turns.next(), is_last }
    }

    pub(super) fn get(&mut self, id: ShapeId) -> &mut EncodedRequest {
        &mut self.each[id.index][usize::from(id.is_last)]
    }
}

impl ShapeId {
    /// Returns the index of its URL.
    pub(super) fn url(self) -> usize {
        self.index
    }
}

/// How much of a response has been received.
#[derive(Debug, Default)]
pub(super) enum ResponseState {
    /// No byte of it.
    #[default]
    Start,
    Head(RecvHead),
    Body(Status, RecvBody),
}

/// The result of [`ResponseState::advance`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResponseStep {
    /// More bytes are needed.
    More,
    /// The response is complete; true if another request may follow on the connection.
    Answered(Status, bool),
}

impl EncodedRequest {
    /// # Errors
    /// As [`Client::send`](crate::client::Client::send), before anything is sent.
    pub(super) fn new(request: &Request, route: Route<'_>) -> Result<EncodedRequest, Error> {
        let mut wire = Vec::new();
        let waiting = request.encode(route, &mut wire)?;
        Ok(EncodedRequest { wire, waiting, cached: None })
    }

    /// Takes a head that equals the cached one, if it is next in the input.
    fn recognize(&self, input: &mut Buf) -> Option<ResponseState> {
        let cached =
            self.cached.as_ref().filter(|cached| input.bytes().starts_with(&cached.head))?;
        input.take(cached.head.len());
        Some(ResponseState::Body(cached.status, cached.body.clone()))
    }

    fn learn(&mut self, head: &ResponseHead, body: &RecvBody) {
        let bytes = self.cached.take().map(|cached| cached.head);
        let mut bytes = bytes.unwrap_or_default();
        bytes.clear();
        bytes.extend_from_slice(head.headers.source());
        self.cached = Some(CachedHead { head: bytes, status: head.status, body: body.clone() });
    }
}

impl ResponseState {
    /// Takes what has arrived of the response to this request.
    ///
    /// # Errors
    /// When the connection cannot be used further.
    pub(super) fn advance(
        &mut self,
        input: &mut Buf,
        shape: &mut EncodedRequest,
        limits: &Limits,
    ) -> Result<ResponseStep, Failure> {
        loop {
            *self = match std::mem::take(self) {
                ResponseState::Start if input.is_empty() && !input.is_closed() => {
                    return Ok(ResponseStep::More);
                }
                ResponseState::Start => shape
                    .recognize(input)
                    .unwrap_or_else(|| ResponseState::Head(shape.waiting.clone())),
                ResponseState::Head(waiting) => {
                    match waiting.receive(input, limits).map_err(Fault::from).map_err(misread)? {
                        Head::More(waiting) => {
                            *self = ResponseState::Head(waiting);
                            return Ok(ResponseStep::More);
                        }
                        Head::Interim(_, waiting) => ResponseState::Head(waiting),
                        Head::Complete(head, body) => {
                            shape.learn(&head, &body);
                            ResponseState::Body(head.status, body)
                        }
                        Head::Closed => return Err(Failure::NoResponse),
                    }
                }
                ResponseState::Body(status, mut body) => {
                    match body.receive(input, limits).map_err(misread)? {
                        Piece::Data(_) => ResponseState::Body(status, body),
                        Piece::More => {
                            *self = ResponseState::Body(status, body);
                            return Ok(ResponseStep::More);
                        }
                        Piece::End => {
                            return Ok(ResponseStep::Answered(status, body.finish().is_ok()));
                        }
                    }
                }
            };
        }
    }
}

fn misread(fault: Fault) -> Failure {
    match fault.rule {
        Rule::HeadIncomplete | Rule::BodyIncomplete => Failure::CutShort,
        rule => Failure::BrokenRule(rule),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(request: &Request) -> EncodedRequest {
        EncodedRequest::new(request, Route::direct(request.url())).unwrap()
    }

    fn shape(method: &str) -> EncodedRequest {
        encoded(&Request::get("a/").unwrap().with_method(method).unwrap())
    }

    /// Reads answers from `wire`, which comes in pieces of `step` and then ends.
    fn read(
        shape: &mut EncodedRequest,
        wire: &str,
        step: usize,
    ) -> (Vec<(u16, bool)>, Option<Failure>) {
        let (mut buf, mut reading, mut got) = (Buf::new(), ResponseState::default(), Vec::new());
        let mut pieces = wire.as_bytes().chunks(step);
        loop {
            match reading.advance(&mut buf, shape, &Limits::default()) {
                Ok(ResponseStep::Answered(status, stays)) => got.push((status.code(), stays)),
                Ok(ResponseStep::More) => match pieces.next() {
                    Some(piece) => buf.extend(piece),
                    None => buf.close(),
                },
                Err(Failure::NoResponse) => return (got, None),
                Err(failure) => return (got, Some(failure)),
            }
        }
    }

    #[test]
    fn answers_whole_and_byte_by_byte_known_or_not() {
        let ok = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        let chunked =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
        let close = "HTTP/1.1 500 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
        let bare = "HTTP/1.1 204 No Content\r\n\r\n";
        let interim = "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n";
        let cut = |text: &str| text.strip_suffix(|_: char| true).unwrap().to_owned();
        let (kept, closed) = ((200, true), (500, false));
        for (name, wire, want, failure) in [
            ("one", ok.to_owned(), vec![kept], None),
            ("the same three times", ok.repeat(3), vec![kept; 3], None),
            ("this and that", [ok, chunked, ok, chunked].concat(), vec![kept; 4], None),
            ("chunked twice", chunked.repeat(2), vec![kept; 2], None),
            ("the last one", [ok, close].concat(), vec![kept, closed], None),
            ("no body", bare.repeat(2), vec![(204, true); 2], None),
            ("interim", [interim, ok, interim, ok].concat(), vec![kept; 2], None),
            ("cut short", [ok, &cut(ok)].concat(), vec![kept], Some(Failure::CutShort)),
            ("cut in chunks", cut(chunked), vec![], Some(Failure::CutShort)),
            (
                "cut in the head",
                [ok, "HTTP/1.1 200 OK\r\nCon"].concat(),
                vec![kept],
                Some(Failure::CutShort),
            ),
            (
                "wrong length behind a right one",
                [ok, "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello"].concat(),
                vec![kept],
                Some(Failure::BrokenRule(Rule::Length)),
            ),
            (
                "no HTTP",
                "SSH-2.0\r\n".to_owned(),
                vec![],
                Some(Failure::BrokenRule(Rule::NoStatusLine)),
            ),
        ] {
            for step in [1, 7, wire.len()] {
                let got = read(&mut shape("GET"), &wire, step);
                assert_eq!(got, (want.clone(), failure), "{name}, by {step}");
            }
        }
    }

    #[test]
    fn what_is_known_of_one_method_is_not_taken_for_another() {
        let heads = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n".repeat(2);
        assert_eq!(read(&mut shape("HEAD"), &heads, 1000), (vec![(200, true); 2], None));
    }

    #[test]
    fn the_wire_is_the_clients() {
        let request = Request::get("a/b").unwrap().with_method("PUT").unwrap().with_body("xyz");
        let wire = String::from_utf8(encoded(&request).wire).unwrap();
        assert!(wire.starts_with("PUT /b HTTP/1.1\r\nHost: a\r\n"), "{wire}");
        assert!(wire.ends_with("\r\nContent-Length: 3\r\n\r\nxyz"), "{wire}");
    }
}
