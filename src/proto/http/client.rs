//! One exchange as the client lives it: the mirror image of [`super::server`].
//!
//! ```text
//! SendHead ──> SendBody ──> RecvHead ──> RecvBody ──> Ok: the connection may be used again
//!              │  ^ hear    │  ^ 1xx                   └──> Err(CloseReason): why not
//!              └──┘         └──┘
//! ```
//!
//! An answer may come before the body is out: a 100 that the body waits for (RFC 9110, 10.1.1), or
//! a final one that makes the rest of it pointless (RFC 9112, 9.5). [`SendBody::hear`] tells.
//! Refused: a 101, as no other protocol is asked for here (RFC 9110, 15.2.2).

pub use super::body::Piece;
use super::body::{Decoder, Encoder};
use super::close::{CloseReason, wants_to_stay};
use super::error::{Fault, Rule};
use super::excerpt::Excerpt;
use super::framing::{Framing, Message, declared, framing, opens_tunnel};
use super::head::{Partial, RequestHead, ResponseHead, Step};
use super::headers::Headers;
use super::limits::Limits;
use super::method::Method;
use super::rejected;
use super::status::Status;
use crate::proto::buf::Buf;

/// A response whose head cannot be used, with the line to blame.
pub type Rejected = rejected::Rejected<ResponseHead>;

/// A connection on which a request may be sent.
#[derive(Debug)]
pub struct SendHead;

impl SendHead {
    /// Writes the head of a request. `length` is its body's: `None` when there is no body. The
    /// framing fields are set here, after it.
    pub fn send(self, head: &RequestHead, length: Option<u64>, out: &mut Vec<u8>) -> SendBody {
        let encoder = length.map_or(Encoder::Nothing, Encoder::Length);
        let field = length.map(|length| ("Content-Length", length.to_string()));
        SendHead::start(head, field, encoder, out)
    }

    /// Writes the head of a request whose body goes out in chunks. Only for a server that is known
    /// to speak HTTP/1.1 (RFC 9112, 6.1).
    pub fn send_chunked(self, head: &RequestHead, out: &mut Vec<u8>) -> SendBody {
        let field = Some(("Transfer-Encoding", "chunked".to_owned()));
        SendHead::start(head, field, Encoder::Chunked, out)
    }

    fn start(
        head: &RequestHead,
        framing: Option<(&str, String)>,
        encoder: Encoder,
        out: &mut Vec<u8>,
    ) -> SendBody {
        let mut head = head.clone();
        head.headers.remove("content-length");
        head.headers.remove("transfer-encoding");
        if let Some((name, value)) = framing {
            head.headers.append(name, value).expect("digits and letters are a field value");
        }
        head.encode(out);
        let stays = wants_to_stay(head.version, &head.headers).map_err(|close| match close {
            CloseReason::PeerAsked => CloseReason::WeAsked, // the head is our own
            other => other,
        });
        SendBody { encoder, answer: RecvHead::awaiting(Sent { method: head.method, stays }, 0) }
    }
}

/// What has to be known of a request while its answer is read.
#[derive(Debug, Clone)]
struct Sent {
    method: Method,
    stays: Result<(), CloseReason>,
}

/// Sending the body of a request; there may be none.
#[derive(Debug)]
pub struct SendBody {
    encoder: Encoder,
    answer: RecvHead,
}

/// What [`SendBody::hear`] came to.
#[derive(Debug)]
pub enum Heard {
    /// Nothing yet, or not enough.
    Nothing(SendBody),
    /// An interim answer (1xx), such as the 100 that the body waited for.
    Interim(ResponseHead, SendBody),
    /// The final answer has this status; [`RecvHead::receive`] will give it. Above 299 the server
    /// does not want the body any more.
    Final(Status, SendBody),
    /// The server closed, and nothing of an answer had come.
    Closed,
}

impl SendBody {
    /// Frames a piece of the body.
    pub fn write(&mut self, data: &[u8], out: &mut Vec<u8>) {
        self.encoder.write(data, out);
    }

    /// Takes what has arrived of an answer while the body is still to be sent. What stands behind
    /// the head of a final answer stays in the buffer.
    ///
    /// # Errors
    /// As [`RecvHead::receive`].
    pub fn hear(self, input: &mut Buf, limits: &Limits) -> Result<Heard, Box<Rejected>> {
        let SendBody { encoder, answer } = self;
        let with = |answer| SendBody { encoder, answer };
        Ok(match answer.receive(input, limits)? {
            Head::More(answer) => Heard::Nothing(with(answer)),
            Head::Interim(head, answer) => Heard::Interim(head, with(answer)),
            Head::Complete(head, body) => {
                Heard::Final(head.status, with(RecvHead(Waiting::Early(head, body))))
            }
            Head::Closed => Heard::Closed,
        })
    }

    /// Ends the request, complete or not: a request cut short is not followed by another.
    pub fn finish(self, out: &mut Vec<u8>) -> RecvHead {
        match self.encoder.finish(out) {
            Ok(()) => self.answer,
            Err(_) => self.answer.cut_short(),
        }
    }

    /// Sends no more of the body, which is not ended by it.
    pub fn abandon(self) -> RecvHead {
        self.answer.cut_short()
    }
}

/// Waiting for the answer.
#[derive(Debug, Clone)]
pub struct RecvHead(Waiting);

#[derive(Debug, Clone)]
enum Waiting {
    Awaited {
        partial: Partial<ResponseHead>,
        sent: Sent,
        /// How many interim answers have come.
        interim: usize,
    },
    /// It was heard while the body was still to be sent.
    Early(ResponseHead, RecvBody),
}

/// What [`RecvHead::receive`] came to.
#[derive(Debug)]
pub enum Head {
    /// More bytes are needed.
    More(RecvHead),
    /// An interim answer (1xx); the final one is still to come.
    Interim(ResponseHead, RecvHead),
    /// The head of the final answer; its body is next.
    Complete(ResponseHead, RecvBody),
    /// The server closed, and nothing of an answer had come.
    Closed,
}

impl RecvHead {
    /// Takes what has arrived of a head.
    ///
    /// # Errors
    /// The first rule broken; the connection is of no more use.
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
                // As many as a head may have fields: an endless row of them is no answer.
                if interim >= limits.fields {
                    return Err(Rejected::as_whole(Fault::new(Rule::TooManyInterim, 0), head));
                }
                Ok(Head::Interim(*head, RecvHead::awaiting(sent, interim + 1)))
            }
            Step::Complete(head) => {
                let answer = Message::Response(&sent.method, &head);
                let framing = match framing(answer) {
                    Ok(framing) => framing,
                    Err(fault) => return Err(Rejected::as_whole(fault, head)),
                };
                let mut stays = sent.stays.and(wants_to_stay(head.version, &head.headers));
                match framing {
                    Framing::UntilClose => stays = stays.and(Err(CloseReason::EndOfBody)),
                    // RFC 9112, 6.1: coding on 1.0 closes, body or not; so does all other doubt.
                    Framing::None => {
                        let doubt =
                            declared(answer).map_err(|fault| CloseReason::Fault(fault.rule));
                        stays = stays.and(doubt.map(drop));
                    }
                    Framing::Length(_) | Framing::Chunked => {}
                }
                if opens_tunnel(&sent.method, head.status) {
                    stays = Err(CloseReason::Tunnel);
                }
                let body = RecvBody { decoder: Decoder::new(framing), stays };
                Ok(Head::Complete(*head, body))
            }
            Step::More(partial) => {
                Ok(Head::More(RecvHead(Waiting::Awaited { partial, sent, interim })))
            }
            Step::Closed => Ok(Head::Closed),
        }
    }

    /// The request is not complete: no other can follow it.
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

/// Receiving the body of the answer; there may be none.
#[derive(Debug, Clone)]
pub struct RecvBody {
    decoder: Decoder,
    stays: Result<(), CloseReason>,
}

impl RecvBody {
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

    /// How many bytes are still to come, where that is known.
    pub fn remaining(&self) -> Option<u64> {
        self.decoder.remaining()
    }

    /// Has all of it been received?
    pub fn is_complete(&self) -> bool {
        self.decoder.is_done()
    }

    /// The trailer fields that came behind the body.
    pub fn trailers(&self) -> Option<&Headers> {
        self.decoder.trailers()
    }

    /// Ends the exchange: the connection may be used again, or why it may not.
    ///
    /// # Errors
    /// The reason to close.
    pub fn finish(self) -> Result<SendHead, CloseReason> {
        match self.is_complete() {
            true => self.stays.map(|()| SendHead),
            false => Err(CloseReason::AnswerUnread),
        }
    }
}
