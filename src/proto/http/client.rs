//! One exchange as the client lives it: the mirror image of [`super::server`].
//!
//! ```text
//! SendHead ──> SendBody ──> RecvHead ──> RecvBody ──> Ok: the connection may be used again
//!                  ^            │  ^ 1xx                └──> Err(Close): why not
//!                  │            └──┘
//!                  └─ a final answer may come before the body is out
//! ```

pub use super::body::Piece;
use super::body::{Decoder, Encoder};
use super::close::{Close, wants_to_stay};
use super::error::{Fault, Rule};
use super::excerpt::Excerpt;
use super::framing::{Framing, Message, framing, opens_tunnel};
use super::head::{self, Partial, RequestHead, ResponseHead, Step};
use super::headers::Headers;
use super::limits::Limits;
use super::method::Method;
use crate::proto::buf::Buf;

/// A connection on which a request may be sent.
#[derive(Debug)]
pub struct SendHead;

impl SendHead {
    /// Writes the head of a request. `length` is its body's: `None` when there is no body. The
    /// framing fields are set here, after it.
    pub fn send(self, head: &RequestHead, length: Option<u64>, out: &mut Vec<u8>) -> SendBody {
        let mut head = head.clone();
        head.headers.remove("content-length");
        head.headers.remove("transfer-encoding");
        if let Some(length) = length {
            let digits = length.to_string();
            head.headers.append("Content-Length", digits).expect("digits are a field value");
        }
        head.encode(out);
        let encoder = length.map_or(Encoder::Nothing, Encoder::Length);
        let stays = wants_to_stay(head.version, &head.headers).map_err(|close| match close {
            Close::PeerAsked => Close::WeAsked, // the head is our own
            other => other,
        });
        SendBody { encoder, sent: Sent { method: head.method, stays } }
    }
}

/// What has to be known of a request while its answer is read.
#[derive(Debug)]
struct Sent {
    method: Method,
    stays: Result<(), Close>,
}

/// Sending the body of a request; there may be none.
#[derive(Debug)]
pub struct SendBody {
    encoder: Encoder,
    sent: Sent,
}

impl SendBody {
    /// Frames a piece of the body.
    pub fn write(&mut self, data: &[u8], out: &mut Vec<u8>) {
        self.encoder.write(data, out);
    }

    /// Ends the request, complete or not: a request cut short is not followed by another.
    pub fn finish(self, out: &mut Vec<u8>) -> RecvHead {
        let mut sent = self.sent;
        if self.encoder.finish(out).is_err() {
            sent.stays = Err(Close::BodyShort);
        }
        RecvHead { partial: Partial::default(), sent, interim: 0 }
    }
}

/// Waiting for the answer.
#[derive(Debug)]
pub struct RecvHead {
    partial: Partial<ResponseHead>,
    sent: Sent,
    interim: usize,
}

/// An answer whose head cannot be taken.
pub type Rejected = head::Rejected<ResponseHead>;

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
        let RecvHead { partial, sent, interim } = self;
        match partial.receive(input, limits)? {
            Step::Complete(head) if head.status.is_informational() => {
                // As many as a head may have fields: an endless row of them is no answer.
                if interim >= limits.fields {
                    let excerpt = Excerpt::within(head.headers.source(), 0);
                    let fault = Fault::new(Rule::TooManyInterim, 0);
                    return Err(Rejected::as_whole(fault, excerpt, head));
                }
                Ok(Head::Interim(
                    head,
                    RecvHead { partial: Partial::default(), sent, interim: interim + 1 },
                ))
            }
            Step::Complete(head) => {
                let framing = match framing(Message::Response(&sent.method, &head)) {
                    Ok(framing) => framing,
                    Err(fault) => {
                        let excerpt = Excerpt::within(head.headers.source(), fault.at());
                        return Err(Rejected::as_whole(fault, excerpt, head));
                    }
                };
                let mut stays = sent.stays.and(wants_to_stay(head.version, &head.headers));
                if framing == Framing::UntilClose {
                    stays = stays.and(Err(Close::EndOfBody));
                }
                if opens_tunnel(&sent.method, head.status) {
                    stays = Err(Close::Tunnel);
                }
                Ok(Head::Complete(head, RecvBody { decoder: Decoder::new(framing), stays }))
            }
            Step::More(partial) => Ok(Head::More(RecvHead { partial, sent, interim })),
            Step::Closed => Ok(Head::Closed),
        }
    }
}

/// Receiving the body of the answer; there may be none.
#[derive(Debug)]
pub struct RecvBody {
    decoder: Decoder,
    stays: Result<(), Close>,
}

impl RecvBody {
    /// Takes the next piece of the body.
    ///
    /// # Errors
    /// As [`Decoder::receive`].
    pub fn receive<'b>(&mut self, input: &'b mut Buf, limits: &Limits) -> Result<Piece<'b>, Fault> {
        self.decoder.receive(input, limits)
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
    pub fn finish(self) -> Result<SendHead, Close> {
        match self.is_complete() {
            true => self.stays.map(|()| SendHead),
            false => Err(Close::AnswerUnread),
        }
    }
}
