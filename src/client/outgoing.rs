//! A request in the form in which it is sent: its head for one route, and its framing (RFC 9112, 6).

use crate::proto::http::client::{RecvHead, SendBody, SendHead};
use crate::proto::http::framing::Framing;
use crate::proto::http::head::RequestHead;

/// The size of a body.
#[derive(Debug, Clone, Copy)]
pub(crate) enum BodySize {
    /// There is no body.
    None,
    /// The number of bytes is known before the body is sent.
    Known(u64),
    /// The number of bytes is known at the end of the body only.
    Unknown,
}

/// How a body is framed and sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Framed {
    pub(super) framing: Framing,
    /// Whether the body waits for a 100 (Continue).
    pub(super) expects_continue: bool,
}

/// A request, ready to be sent on one route.
#[derive(Debug)]
pub(super) struct Outgoing<'r> {
    /// The head, without its framing fields.
    pub(super) head: RequestHead,
    pub(super) framed: Framed,
    /// The body, if it is in memory.
    pub(super) body: &'r [u8],
}

impl Outgoing<'_> {
    /// Appends the head, with its framing fields, to `out`.
    pub(super) fn encode_head(&self, out: &mut Vec<u8>) -> SendBody {
        SendHead.send(&self.head, self.framed.framing, out)
    }

    /// Appends head and body to `out`. Returns the state that receives the response.
    pub(super) fn encode(&self, out: &mut Vec<u8>) -> RecvHead {
        let mut sending = self.encode_head(out);
        if !self.body.is_empty() {
            sending.write(self.body, out);
        }
        sending.finish(out)
    }

    /// Returns the head with its framing fields.
    #[cfg(feature = "cli")]
    pub(super) fn complete_head(self) -> RequestHead {
        let mut head = self.head;
        head.headers.remove("content-length");
        head.headers.remove("transfer-encoding");
        if let Some((name, value)) = self.framed.framing.field() {
            head.headers.append(name, value).expect("digits and letters are a field value");
        }
        head
    }
}
