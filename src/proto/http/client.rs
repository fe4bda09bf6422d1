//! One exchange from the client's side: the mirror image of [`super::server`].
//!
//! ```text
//! SendHead ──> SendBody ──> RecvHead ──> RecvBody ──> Ok: the connection may be used again
//!              │  ^ hear    │  ^ 1xx                   └──> Err(CloseReason): why not
//!              └──┘         └──┘
//! ```
//!
//! A response may arrive before the body is sent: a 100 that the body waits for (RFC 9110, 10.1.1), or
//! a final one that makes the rest of it useless (RFC 9112, 9.5). [`SendBody::hear`] reads it.
//! Refused: a 101, because the client requests no other protocol (RFC 9110, 15.2.2).

pub use super::body::Piece;
use super::body::{Decoder, Encoder};
use super::close::{CloseReason, wants_to_stay};
use super::error::{Fault, Rule};
use super::excerpt::Excerpt;
use super::framing::{Framing, Message, declared, framing, opens_tunnel};
use super::head::{Partial, RequestHead, ResponseHead, Step};
use super::headers::{Headers, Names};
use super::limits::Limits;
use super::method::Method;
use super::recipient::Recipient;
use super::rejected;
use super::status::Status;
use crate::proto::buf::Buf;

/// A response whose head cannot be used, with the line to blame.
pub type Rejected = rejected::Rejected<ResponseHead>;

/// A connection on which a request may be sent.
#[derive(Debug)]
pub struct SendHead;

impl SendHead {
    /// Writes the head of a request whose body is framed like this. The framing fields are set here; chunks
    /// are only for a server that is not known to be older than HTTP/1.1 (RFC 9112, 6.1). A request ends
    /// before the connection does, so [`Framing::UntilClose`] is no body.
    pub fn send(self, head: &RequestHead, framing: Framing, out: &mut Vec<u8>) -> SendBody {
        head.encode_line(out);
        head.headers.encode_without(&FRAMING, Headers::NONE, out);
        if let Some((name, value)) = framing.field() {
            out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        let encoder = match framing {
            Framing::None | Framing::UntilClose => Encoder::Nothing,
            Framing::Length(length) => Encoder::Length(length),
            Framing::Chunked => Encoder::Chunked,
        };
        let stays = wants_to_stay(head.version, &head.headers).map_err(|close| match close {
            CloseReason::PeerAsked => CloseReason::WeAsked, // the head is our own
            other => other,
        });
        let sent = Sent { method: head.method.clone(), stays };
        SendBody { encoder, response: RecvHead::awaiting(sent, 0) }
    }
}

/// Fields that are set here, and never taken from the caller.
const FRAMING: Names = Names::of(&["content-length", "transfer-encoding"]);

/// What the framing of the response depends on.
#[derive(Debug, Clone)]
struct Sent {
    method: Method,
    stays: Result<(), CloseReason>,
}

/// Sending the body of a request; there may be none.
#[derive(Debug)]
pub struct SendBody {
    encoder: Encoder,
    response: RecvHead,
}

/// The result of [`SendBody::hear`].
#[derive(Debug)]
pub enum Heard {
    /// No complete head yet.
    Nothing(SendBody),
    /// An interim response (1xx), such as the 100 that the body waited for.
    Interim(ResponseHead, SendBody),
    /// The final response has this status; [`RecvHead::receive`] returns it. Above 299 the server does
    /// not want the body any more.
    Final(Status, SendBody),
    /// The server closed before the first byte of a response.
    Closed,
}

impl SendBody {
    /// Frames a piece of the body.
    pub fn write(&mut self, data: &[u8], out: &mut Vec<u8>) {
        self.encoder.write(data, out);
    }

    /// Takes the bytes of a response that have arrived while the body is still to be sent. Bytes after
    /// the head of a final response stay in the buffer.
    ///
    /// # Errors
    /// As [`RecvHead::receive`].
    pub fn hear(self, input: &mut Buf, limits: &Limits) -> Result<Heard, Box<Rejected>> {
        let SendBody { encoder, response } = self;
        let with = |response| SendBody { encoder, response };
        Ok(match response.receive(input, limits)? {
            Head::More(response) => Heard::Nothing(with(response)),
            Head::Interim(head, response) => Heard::Interim(head, with(response)),
            Head::Complete(head, body) => {
                Heard::Final(head.status, with(RecvHead(Waiting::Early(head, body))))
            }
            Head::Closed => Heard::Closed,
        })
    }

    /// Ends the request, complete or not. After an incomplete one the connection is not used again.
    pub fn finish(self, out: &mut Vec<u8>) -> RecvHead {
        match self.encoder.finish(out) {
            Ok(()) => self.response,
            Err(_) => self.response.cut_short(),
        }
    }

    /// Sends no more of the body, and does not end it.
    pub fn abandon(self) -> RecvHead {
        self.response.cut_short()
    }
}

/// Waiting for the response.
#[derive(Debug, Clone)]
pub struct RecvHead(Waiting);

#[derive(Debug, Clone)]
enum Waiting {
    Awaited {
        partial: Partial<ResponseHead>,
        sent: Sent,
        /// The number of interim responses so far.
        interim: usize,
    },
    /// It arrived while the body was still to be sent.
    Early(ResponseHead, RecvBody),
}

/// The result of [`RecvHead::receive`].
#[derive(Debug)]
pub enum Head {
    /// More bytes are needed.
    More(RecvHead),
    /// An interim response (1xx); the final one is still to come.
    Interim(ResponseHead, RecvHead),
    /// The head of the final response; its body is next.
    Complete(ResponseHead, RecvBody),
    /// The server closed before the first byte of a response.
    Closed,
}

impl RecvHead {
    /// Takes the bytes of a head that have arrived.
    ///
    /// # Errors
    /// The first rule broken; the connection cannot be used again.
    pub fn receive(self, input: &mut Buf, limits: &Limits) -> Result<Head, Box<Rejected>> {
        let (partial, sent, interim) = match self.0 {
            Waiting::Awaited { partial, sent, interim } => (partial, sent, interim),
            Waiting::Early(head, body) => return Ok(Head::Complete(head, body)),
        };
        match partial.receive(input, limits)? {
            Step::Complete(head) if head.status == Status::SWITCHING_PROTOCOLS => {
                Err(Rejected::as_whole(Fault::new(Rule::SwitchedProtocols, 0), head))
            }
            Step::Complete(head) if head.status.is_informational() => {
                if interim >= limits.interim {
                    return Err(Rejected::as_whole(Fault::new(Rule::TooManyInterim, 0), head));
                }
                Ok(Head::Interim(*head, RecvHead::awaiting(sent, interim + 1)))
            }
            Step::Complete(head) => {
                let message = Message::Response(&sent.method, &head);
                let framing = match framing(message) {
                    Ok(framing) => framing,
                    Err(fault) => return Err(Rejected::as_whole(fault, head)),
                };
                let mut stays = sent.stays.and(wants_to_stay(head.version, &head.headers));
                match framing {
                    Framing::UntilClose => stays = stays.and(Err(CloseReason::EndOfBody)),
                    // RFC 9112, 6.1: coding on 1.0 closes, with or without a body; so does any
                    // other contradiction.
                    Framing::None => {
                        let doubt =
                            declared(message).map_err(|fault| CloseReason::Fault(fault.rule));
                        stays = stays.and(doubt.map(drop));
                    }
                    Framing::Length(_) | Framing::Chunked => {}
                }
                if opens_tunnel(&sent.method, head.status) {
                    stays = Err(CloseReason::Tunnel);
                }
                let body = RecvBody { decoder: Decoder::new(framing, Recipient::UserAgent), stays };
                Ok(Head::Complete(*head, body))
            }
            Step::More(partial) => {
                Ok(Head::More(RecvHead(Waiting::Awaited { partial, sent, interim })))
            }
            Step::Closed => Ok(Head::Closed),
        }
    }

    /// Records that the request is not complete, so no other can follow it.
    fn cut_short(mut self) -> RecvHead {
        match &mut self.0 {
            Waiting::Awaited { sent, .. } => sent.stays = Err(CloseReason::BodyShort),
            Waiting::Early(_, body) => body.stays = Err(CloseReason::BodyShort),
        }
        self
    }

    fn awaiting(sent: Sent, interim: usize) -> RecvHead {
        RecvHead(Waiting::Awaited { partial: Partial::default(), sent, interim })
    }
}

/// Receiving the body of the response; there may be none.
#[derive(Debug, Clone)]
pub struct RecvBody {
    decoder: Decoder,
    stays: Result<(), CloseReason>,
}

impl RecvBody {
    /// Returns the body to be received with the framing of its chunks, and its trailers, as data.
    pub fn with_framing(self) -> RecvBody {
        RecvBody { decoder: self.decoder.with_framing(), ..self }
    }

    /// Takes the next piece of the body.
    ///
    /// # Errors
    /// As [`Decoder::receive`].
    pub fn receive<'b>(&mut self, input: &'b mut Buf, limits: &Limits) -> Result<Piece<'b>, Fault> {
        self.decoder.receive(input, limits)
    }

    /// Returns the line of the body that broke a rule, after an error that has one.
    pub fn excerpt(&self) -> Option<&Excerpt> {
        self.decoder.excerpt()
    }

    /// Returns how many bytes are still to come, if that is known.
    pub fn remaining(&self) -> Option<u64> {
        self.decoder.remaining()
    }

    /// Returns true if all of it has been received.
    pub fn is_complete(&self) -> bool {
        self.decoder.is_done()
    }

    /// Returns the trailer fields after the body.
    pub fn trailers(&self) -> Option<&Headers> {
        self.decoder.trailers()
    }

    /// Ends the exchange. The connection may be used again, or is to be closed.
    ///
    /// # Errors
    /// The reason to close.
    pub fn finish(self) -> Result<SendHead, CloseReason> {
        match self.is_complete() {
            true => self.stays.map(|()| SendHead),
            false => Err(CloseReason::ResponseUnread),
        }
    }
}
