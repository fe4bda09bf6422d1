//! One exchange as the server lives it. Each state consumes itself to give the next.
//!
//! ```text
//! RecvHead ──> RecvBody ──> SendHead ──> SendBody ──> Ok: RecvHead of the next exchange
//!     │            └──────────^   answered before the body came │
//!     └── Fault: answer it and close                            └──> Err(CloseReason): why not
//! ```
//! What is left of a body that was answered early is skipped before the next head is read,
//! if it is short (RFC 9112, 9.3). A request is read behind a body only when that ended as it said
//! it would: else it may be no request, but data that somebody wants to pass off as one.

use super::body::{Decoder, Encoder, Piece};
use super::chars::write_decimal;
use super::close::{CloseReason, wants_to_stay};
use super::error::{Fault, Rule};
use super::excerpt::Excerpt;
use super::framing::{Message, framing, may_have_body};
use super::head::{Partial, RequestHead, ResponseHead, Step};
use super::headers::{Headers, Names};
use super::limits::Limits;
use super::method::Method;
use super::rejected;
use super::server_timing::Told;
use super::status::Status;
use super::version::Version;
use crate::proto::buf::Buf;

/// Waiting for a request.
#[derive(Debug, Default)]
pub struct RecvHead {
    /// What is left of the body before it.
    unread: Option<Box<Unread>>,
    head: Partial<RequestHead>,
}

/// A request that is refused for its head.
pub type Rejected = rejected::Rejected<RequestHead>;

/// How much of a request's head has come.
pub type Came = rejected::Came<RequestHead>;

/// What [`RecvHead::receive`] came to.
#[derive(Debug)]
pub enum Head {
    /// More bytes are needed.
    More(RecvHead),
    /// The head is complete; its body is next.
    Complete(Box<RequestHead>, RecvBody),
    /// The client closed, and nothing of a request had come: a proper end.
    Closed,
    /// The body before it, which has been answered, is too long to be skipped, or is none: nobody
    /// can tell where the next request begins.
    Doubtful,
}

impl RecvHead {
    /// Takes what has arrived of a head.
    ///
    /// # Errors
    /// The first rule broken: to be answered, and the connection closed.
    pub fn receive(self, input: &mut Buf, limits: &Limits) -> Result<Head, Box<Rejected>> {
        self.receive_into(&mut None, input, limits)
    }

    /// The same, into the memory of a head that is not needed any more, if there is one.
    ///
    /// # Errors
    /// As [`RecvHead::receive`].
    pub fn receive_into(
        self,
        spent: &mut Option<Box<RequestHead>>,
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
        match head.receive_into(spent, input, limits)? {
            Step::Complete(head) => match RecvBody::new(&head) {
                Ok(body) => Ok(Head::Complete(head, body)),
                Err(fault) => Err(Rejected::as_whole(fault, head)),
            },
            Step::More(head) => Ok(Head::More(RecvHead { unread: None, head })),
            Step::Closed => Ok(Head::Closed),
        }
    }

    /// How many bytes of the head have been taken from the buffer; empty lines before it are none.
    pub fn taken(&self) -> usize {
        self.head.taken()
    }

    /// What has come, when no more is waited for; `input` holds the line that is not complete.
    pub fn give_up(self, input: &Buf) -> Came {
        self.head.give_up(input)
    }

    /// How many bytes of the last request's body have been skipped, while more are to come.
    pub fn skipping(&self) -> Option<u64> {
        self.unread.as_ref().map(|unread| unread.skipped)
    }
}

/// What is left of a body that nobody wants.
#[derive(Debug)]
struct Unread {
    decoder: Decoder,
    skipped: u64,
}

/// Where the body ends is not known, or too far away.
struct Doubtful;

impl Unread {
    /// Throws away what is at hand of it. Is that all?
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

/// What has to be known of a request while it is answered.
#[derive(Debug, Clone, Copy)]
struct Asked {
    /// One that is answered as the request's own is.
    method: &'static Method,
    version: Version,
    stays: Result<(), CloseReason>,
}

/// As far as framing goes (RFC 9112, 6.3), all but two methods are answered as GET is.
fn answered_as(method: &Method) -> &'static Method {
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
    asked: Asked,
}

impl RecvBody {
    fn new(head: &RequestHead) -> Result<RecvBody, Fault> {
        let decoder = Decoder::new(framing(Message::Request(head))?);
        let waits_for_continue = expects_continue(head)? && !decoder.is_done();
        let stays = wants_to_stay(head.version, &head.headers);
        let asked = Asked { method: answered_as(&head.method), version: head.version, stays };
        Ok(RecvBody { decoder, waits_for_continue, asked })
    }

    /// Is the whole request here?
    pub fn is_done(&self) -> bool {
        self.decoder.is_done()
    }

    /// How many bytes are still to come, where that is known.
    pub fn remaining(&self) -> Option<u64> {
        self.decoder.remaining()
    }

    /// Is the client waiting to be told that its body is wanted (RFC 9110, 10.1.1)?
    pub fn waits_for_continue(&self) -> bool {
        self.waits_for_continue
    }

    /// Tells it so, unless the body is coming already.
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

    /// The line of the body that broke a rule, when one did.
    pub fn excerpt(&self) -> Option<&Excerpt> {
        self.decoder.excerpt()
    }

    /// The trailer fields that came behind the body.
    pub fn trailers(&self) -> Option<&Headers> {
        self.decoder.trailers()
    }

    /// Goes on to the answer. When the body is not complete, the connection will not be used again.
    #[inline]
    pub fn finish(self) -> SendHead {
        let mut asked = self.asked;
        if !self.decoder.is_done() {
            asked.stays = Err(CloseReason::RequestUnread);
        }
        SendHead { asked, unread: None }
    }

    /// Goes on to the answer, though the body may not be complete: nobody wants it. What is at hand
    /// of it is thrown away now, the rest before the next request.
    ///
    /// The connection will not be used again when the rest is longer than [`Limits::body_unread`],
    /// or broken; or when the client waits for a 100 Continue: whether it sends the body after
    /// another answer is up to the client.
    pub fn skip(self, input: &mut Buf, limits: &Limits) -> SendHead {
        let too_long = self.remaining().is_some_and(|left| left > limits.body_unread);
        if self.is_done() || too_long || self.waits_for_continue {
            return self.finish();
        }
        let RecvBody { decoder, mut asked, .. } = self;
        let mut unread = Unread { decoder, skipped: 0 };
        let unread = match unread.skip(input, limits) {
            Ok(true) => None,
            Ok(false) => Some(Box::new(unread)),
            Err(Doubtful) => {
                asked.stays = Err(CloseReason::RequestUnread);
                None
            }
        };
        SendHead { asked, unread }
    }
}

/// Takes the next piece of a request's body, and looks at the trailers when it ends.
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

/// `100-continue` is the only expectation there is; an HTTP/1.0 client's is ignored.
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

/// What a server adds to the head of an answer.
#[derive(Debug)]
pub struct Added<'a> {
    /// The fields that all answers have, in the place of the head's own of the same names.
    pub standing: &'a Headers,
    /// Where the time of this one went, if that is told.
    pub timing: Option<Told>,
}

/// The answer may begin.
#[derive(Debug)]
pub struct SendHead {
    asked: Asked,
    unread: Option<Box<Unread>>,
}

impl SendHead {
    /// To answer when there was no request; `close` is why that is the end.
    pub fn unasked(close: CloseReason) -> SendHead {
        let asked = Asked { method: &Method::Get, version: Version::Http11, stays: Err(close) };
        SendHead { asked, unread: None }
    }

    /// To answer when there was only so much of a request, or it is not read on.
    pub fn cut_short(came: &Came, close: CloseReason) -> SendHead {
        let method = answered_as(&came.method());
        let asked = Asked { method, version: Version::Http11, stays: Err(close) };
        SendHead { asked, unread: None }
    }

    /// Writes the head of the final answer. Content-Length, Transfer-Encoding and Connection are
    /// set here, after the request, the status and `length` (`None`: not known yet); `may_stay` is
    /// whether we want to keep the connection. An interim status (1xx) is sent as a 500. `Trailer`
    /// is left out where no trailers can follow: it goes with chunks.
    pub fn send(
        self,
        head: ResponseHead,
        length: Option<u64>,
        may_stay: bool,
        out: &mut Vec<u8>,
    ) -> SendBody {
        let status = final_status(head.status);
        if status == head.status {
            head.encode_start(out);
        } else {
            status.encode_line(out);
        }
        let added = Added { standing: Headers::NONE, timing: None };
        self.send_fields(status, &head.headers, added, length, may_stay, out)
    }

    /// The same, with the customary phrase, and with what the server adds to the head. It is written,
    /// and nothing is copied before.
    pub fn send_with(
        self,
        status: Status,
        fields: &Headers,
        added: Added<'_>,
        length: Option<u64>,
        may_stay: bool,
        out: &mut Vec<u8>,
    ) -> SendBody {
        let status = final_status(status);
        status.encode_line(out);
        self.send_fields(status, fields, added, length, may_stay, out)
    }

    fn send_fields(
        self,
        status: Status,
        fields: &Headers,
        Added { standing, timing }: Added<'_>,
        length: Option<u64>,
        may_stay: bool,
        out: &mut Vec<u8>,
    ) -> SendBody {
        let SendHead { asked: Asked { method, version, stays }, unread } = self;
        let has_body = may_have_body(method, status);
        // 205: "reset the form" has nothing to show, and says so (RFC 9110, 15.3.6).
        let length = if status == Status::RESET_CONTENT { Some(0) } else { length };
        let mut stays = if may_stay { stays } else { stays.and(Err(CloseReason::WeAsked)) };
        let encoder = match length {
            _ if !has_body => Encoder::Nothing,
            Some(length) => Encoder::Length(length),
            None if version >= Version::Http11 => Encoder::Chunked,
            None => Encoder::UntilClose,
        };
        if let Encoder::UntilClose = encoder {
            stays = stays.and(Err(CloseReason::EndOfBody));
        }
        // Refused or not: a client in a hurry sends behind it what is meant for the tunnel.
        if *method == Method::Connect {
            stays = Err(CloseReason::Tunnel);
        }

        let no_trailers = length.is_some() || version < Version::Http11;
        let ours = if no_trailers { &OURS_WITHOUT_TRAILERS } else { &OURS };
        fields.encode_without(ours, standing, out);
        standing.encode(out);
        if let Some(told) = timing {
            told.encode(out);
        }
        // A HEAD is told what a GET would be (RFC 9110, 9.3.2); 1xx and 204 say nothing of a
        // length (8.6), nor does a 304 here, where it would have to be the 200's.
        let says_length =
            has_body || *method == Method::Head && may_have_body(&Method::Get, status);
        match length {
            _ if !says_length => {}
            Some(length) => {
                out.extend_from_slice(b"Content-Length: ");
                write_decimal(length, out);
                out.extend_from_slice(b"\r\n");
            }
            None if version >= Version::Http11 => {
                out.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
            }
            None => {}
        }
        // What 426 and others offer is for this connection only (RFC 9110, 7.8).
        let offers = fields.has("upgrade");
        out.extend_from_slice(match (stays, version) {
            (Err(_), _) if offers => b"Connection: close, upgrade\r\n",
            (Err(_), _) => b"Connection: close\r\n",
            (Ok(()), Version::Http10) if offers => b"Connection: keep-alive, upgrade\r\n",
            (Ok(()), Version::Http10) => b"Connection: keep-alive\r\n",
            (Ok(()), Version::Http11) if offers => b"Connection: upgrade\r\n",
            (Ok(()), Version::Http11) => b"",
        });
        out.extend_from_slice(b"\r\n");
        SendBody { encoder, stays, unread }
    }
}

/// An interim answer is none: the client would wait on, and take the next answer for this one's.
fn final_status(status: Status) -> Status {
    if status.is_informational() { Status::INTERNAL_SERVER_ERROR } else { status }
}

/// Fields that are set after the message, and never taken from a handler.
const OURS: Names = Names::of(&["content-length", "transfer-encoding", "connection"]);

/// The same, and what announces trailers that cannot follow.
const OURS_WITHOUT_TRAILERS: Names =
    Names::of(&["content-length", "transfer-encoding", "connection", "trailer"]);

/// Sending the body of the answer; there may be none.
#[derive(Debug)]
pub struct SendBody {
    encoder: Encoder,
    stays: Result<(), CloseReason>,
    unread: Option<Box<Unread>>,
}

impl SendBody {
    /// How many bytes of data reach the wire, if more are written: none for HEAD, 204, 304, or when
    /// all has been sent; `u64::MAX` when the data alone decides.
    pub fn room(&self) -> u64 {
        self.encoder.room()
    }

    /// How many bytes of data are still owed, where they stand on the wire as they are.
    pub fn plain_room(&self) -> Option<u64> {
        match self.encoder {
            Encoder::Length(left) => Some(left),
            Encoder::Nothing | Encoder::Chunked | Encoder::UntilClose => None,
        }
    }

    /// So many bytes of data have been sent without being written here; no more than there is
    /// [plain room](SendBody::plain_room) for.
    pub fn went_past(&mut self, count: u64) {
        if let Encoder::Length(left) = &mut self.encoder {
            debug_assert!(count <= *left, "more than was announced");
            *left = left.saturating_sub(count);
        }
    }

    /// Frames a piece of the body.
    #[inline]
    pub fn write(&mut self, data: &[u8], out: &mut Vec<u8>) {
        self.encoder.write(data, out);
    }

    /// Can trailers follow the body? Then [`SendBody::finish_with`] sends them.
    pub fn takes_trailers(&self) -> bool {
        matches!(self.encoder, Encoder::Chunked)
    }

    /// Ends the answer: the connection is ready for another request, or why it is not.
    ///
    /// # Errors
    /// The reason to close.
    pub fn finish(self, out: &mut Vec<u8>) -> Result<RecvHead, CloseReason> {
        self.finish_with(Headers::NONE, out)
    }

    /// The same, with these fields behind the body. Those that [may not stand
    /// there](super::trailers::may_trail) are left out; all are where the body is not chunked.
    ///
    /// # Errors
    /// The reason to close.
    #[inline(always)]
    pub fn finish_with(
        self,
        trailers: &Headers,
        out: &mut Vec<u8>,
    ) -> Result<RecvHead, CloseReason> {
        let SendBody { encoder, stays, unread } = self;
        encoder.finish_with(trailers, out).map_err(|_| CloseReason::BodyShort)?;
        stays.map(|()| RecvHead { unread, head: Partial::default() })
    }
}
