//! One exchange from the server's side. Each state consumes itself and returns the next.
//!
//! ```text
//! RecvHead ──> RecvBody ──> SendHead ──> SendBody ──> Ok: RecvHead of the next exchange
//!     │            └──────────^   a response before the body came │
//!     └── Rejected: respond and close                             └──> Err(CloseReason): why not
//! ```
//! The receiving half is here; the sending half is in `server/send.rs`.
//!
//! The rest of a body is skipped before the next head is read, if it is short (RFC 9112, 9.3). A
//! request is read after a body only if the body ended where its framing says: otherwise an attacker
//! could pass off data as a request.

mod send;

pub use self::send::{OutgoingHead, SendBody, SendHead, is_ours};
use super::body::{Decoder, Piece};
use super::close::{CloseReason, wants_to_stay};
use super::error::{Fault, Rule};
use super::excerpt::Excerpt;
use super::framing::{Message, framing};
use super::head::{Partial, RequestHead, Step};
use super::headers::Headers;
use super::limits::Limits;
use super::method::Method;
use super::recipient::Recipient;
use super::rejected;
use super::version::Version;
use crate::proto::buf::Buf;

/// Waiting for a request.
#[derive(Debug, Default)]
pub struct RecvHead {
    /// The rest of the body before it.
    unread: Option<Box<Unread>>,
    head: Partial<RequestHead>,
}

/// A request that is rejected for its head.
pub type Rejected = rejected::Rejected<RequestHead>;

/// The part of a request's head that has arrived.
pub type PartialHead = rejected::PartialHead<RequestHead>;

/// The result of [`RecvHead::receive`].
#[derive(Debug)]
pub enum Head {
    /// More bytes are needed.
    More(RecvHead),
    /// The head is complete; its body is next.
    Complete(Box<RequestHead>, RecvBody),
    /// The client closed before the first byte of a request: a regular end.
    Closed,
    /// The rest of the last body is too long to be skipped, or broken, so it is not known where the
    /// next request begins.
    Doubtful,
}

impl RecvHead {
    /// Takes the bytes of a head that have arrived.
    ///
    /// # Errors
    /// The first rule broken: the server responds and closes the connection.
    pub fn receive(self, input: &mut Buf, limits: &Limits) -> Result<Head, Box<Rejected>> {
        self.receive_into(&mut None, input, limits)
    }

    /// Does the same, in the memory of a head that is not needed any more, if there is one.
    ///
    /// # Errors
    /// As [`RecvHead::receive`].
    pub fn receive_into(
        self,
        recycled: &mut Option<Box<RequestHead>>,
        input: &mut Buf,
        limits: &Limits,
    ) -> Result<Head, Box<Rejected>> {
        let RecvHead { unread, head } = self;
        if let Some(mut unread) = unread {
            match unread.skip(input, limits) {
                Ok(true) => {}
                Ok(false) => return Ok(Head::More(RecvHead { unread: Some(unread), head })),
                Err(Doubtful) => return Ok(Head::Doubtful),
            }
        }
        match head.receive_into(recycled, input, limits)? {
            Step::Complete(head) => match RecvBody::new(&head) {
                Ok(body) => Ok(Head::Complete(head, body)),
                Err(fault) => Err(Rejected::as_whole(fault, head)),
            },
            Step::More(head) => Ok(Head::More(RecvHead { unread: None, head })),
            Step::Closed => Ok(Head::Closed),
        }
    }

    /// Returns how many bytes of the head have been taken from the buffer, without empty lines before it.
    pub fn taken(&self) -> usize {
        self.head.taken()
    }

    /// Returns what has arrived, to give up waiting; `input` has the line that is not complete.
    pub fn give_up(self, input: &Buf) -> PartialHead {
        self.head.give_up(input)
    }

    /// Returns how many bytes of the last body have been skipped, while more are to come.
    pub fn skipping(&self) -> Option<u64> {
        self.unread.as_ref().map(|unread| unread.skipped)
    }
}

/// The rest of a body that no handler reads.
#[derive(Debug)]
struct Unread {
    decoder: Decoder,
    skipped: u64,
}

/// The end of the body is not known, or too far away.
struct Doubtful;

impl Unread {
    /// Drops the bytes that have arrived. Returns true if the body is complete.
    fn skip(&mut self, input: &mut Buf, limits: &Limits) -> Result<bool, Doubtful> {
        loop {
            match receive(&mut self.decoder, input, limits, usize::MAX).map_err(|_| Doubtful)? {
                Piece::Data(data) => self.skipped += data.len() as u64,
                Piece::More => return Ok(false),
                Piece::End => return Ok(true),
            }
            if self.skipped > limits.body_unread {
                return Err(Doubtful);
            }
        }
    }
}

/// What the response depends on.
#[derive(Debug, Clone, Copy)]
struct RequestInfo {
    /// A method whose responses are framed as the request's own.
    method: &'static Method,
    version: Version,
    stays: Result<(), CloseReason>,
}

/// Returns a method with the same framing of responses (RFC 9112, 6.3): all but two are as GET.
fn framed_as(method: &Method) -> &'static Method {
    match method {
        Method::Head => &Method::Head,
        Method::Connect => &Method::Connect,
        _ => &Method::Get,
    }
}

/// Receiving the body of a request; there may be none.
#[derive(Debug)]
pub struct RecvBody {
    decoder: Decoder,
    waits_for_continue: bool,
    request: RequestInfo,
}

impl RecvBody {
    fn new(head: &RequestHead) -> Result<RecvBody, Fault> {
        let decoder = Decoder::new(framing(Message::Request(head))?, Recipient::Server);
        let waits_for_continue = expects_continue(head)? && !decoder.is_done();
        let stays = wants_to_stay(head.version, &head.headers);
        let request = RequestInfo { method: framed_as(&head.method), version: head.version, stays };
        Ok(RecvBody { decoder, waits_for_continue, request })
    }

    /// Returns true if the whole request has arrived.
    pub fn is_done(&self) -> bool {
        self.decoder.is_done()
    }

    /// Returns how many bytes are still to come, if that is known.
    pub fn remaining(&self) -> Option<u64> {
        self.decoder.remaining()
    }

    /// Returns true if the client waits for a 100 (Continue) before it sends its body (RFC 9110,
    /// 10.1.1).
    pub fn waits_for_continue(&self) -> bool {
        self.waits_for_continue
    }

    /// Writes the 100 (Continue) for a client that waits, unless its body is arriving already.
    pub fn send_continue(&mut self, input: &Buf, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.waits_for_continue) && input.is_empty() {
            out.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
    }

    /// Takes the next piece of the body.
    ///
    /// # Errors
    /// As [`Decoder::receive`], and [`Rule::TrailerField`].
    pub fn receive<'b>(&mut self, input: &'b mut Buf, limits: &Limits) -> Result<Piece<'b>, Fault> {
        self.receive_some(input, limits, usize::MAX)
    }

    /// Takes the next piece, of no more than `most` bytes.
    ///
    /// # Errors
    /// As [`RecvBody::receive`].
    pub fn receive_some<'b>(
        &mut self,
        input: &'b mut Buf,
        limits: &Limits,
        most: usize,
    ) -> Result<Piece<'b>, Fault> {
        receive(&mut self.decoder, input, limits, most)
    }

    /// Returns the line of the body that broke a rule, if one did.
    pub fn excerpt(&self) -> Option<&Excerpt> {
        self.decoder.excerpt()
    }

    /// Returns the trailer fields after the body.
    pub fn trailers(&self) -> Option<&Headers> {
        self.decoder.trailers()
    }

    /// Continues with the response. If the body is not complete, the connection is closed after it.
    #[inline]
    pub fn finish(self) -> SendHead {
        let mut request = self.request;
        if !self.decoder.is_done() {
            request.stays = Err(CloseReason::RequestUnread);
        }
        SendHead { request, unread: None }
    }

    /// Continues with the response without the body. The bytes that have arrived are dropped now, the
    /// rest before the next request.
    ///
    /// The connection is closed after the response if the rest is longer than
    /// [`Limits::body_unread`] or broken, or if the client waits for a 100 (Continue): it may or may
    /// not send the body after another response.
    pub fn skip(self, input: &mut Buf, limits: &Limits) -> SendHead {
        let too_long = self.remaining().is_some_and(|left| left > limits.body_unread);
        if self.is_done() || too_long || self.waits_for_continue {
            return self.finish();
        }
        let RecvBody { decoder, mut request, .. } = self;
        let mut unread = Unread { decoder, skipped: 0 };
        let unread = match unread.skip(input, limits) {
            Ok(true) => None,
            Ok(false) => Some(Box::new(unread)),
            Err(Doubtful) => {
                request.stays = Err(CloseReason::RequestUnread);
                None
            }
        };
        SendHead { request, unread }
    }
}

/// Takes the next piece of a request's body, and checks the trailers at its end.
fn receive<'b>(
    decoder: &mut Decoder,
    input: &'b mut Buf,
    limits: &Limits,
    most: usize,
) -> Result<Piece<'b>, Fault> {
    let piece = decoder.receive_some(input, limits, most)?;
    if piece == Piece::End {
        decoder.check_trailers()?;
    }
    Ok(piece)
}

/// Returns true for `Expect: 100-continue`, the only known expectation. HTTP/1.0 has none.
fn expects_continue(head: &RequestHead) -> Result<bool, Fault> {
    if head.version < Version::Http11 || !head.headers.has("expect") {
        return Ok(false);
    }
    let mut expects = false;
    for expectation in head.headers.list("expect") {
        if !expectation.eq_ignore_ascii_case(b"100-continue") {
            let place = head.headers.places("expect").last();
            return Err(Fault::new(Rule::Expectation, place.map_or(0, |(at, _)| at)));
        }
        expects = true;
    }
    Ok(expects)
}
