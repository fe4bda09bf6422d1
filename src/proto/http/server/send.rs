//! The sending half of an exchange: the head of the response, then its body.

use super::{PartialHead, RecvHead, RequestInfo, Unread, framed_as};
use crate::proto::http::body::Encoder;
use crate::proto::http::chars::write_decimal;
use crate::proto::http::close::CloseReason;
use crate::proto::http::framing::may_have_body;
use crate::proto::http::head::{Partial, ResponseHead};
use crate::proto::http::headers::{Headers, Names};
use crate::proto::http::method::Method;
use crate::proto::http::server_timing::ServerTimings;
use crate::proto::http::status::Status;
use crate::proto::http::version::Version;

/// The head of a response, in parts that are written one after the other: nothing is copied before.
#[derive(Debug)]
pub struct OutgoingHead<'a> {
    /// The status; it is sent with the customary phrase.
    pub status: Status,
    /// The fields of this response.
    pub fields: &'a Headers,
    /// The fields that all responses of the server have. They replace those of the same names.
    pub common: &'a Headers,
    /// The times of the exchange, if they are reported.
    pub timing: Option<ServerTimings>,
    /// The length of the body, if it is known yet.
    pub length: Option<u64>,
    /// Whether the server wants to keep the connection.
    pub may_stay: bool,
}

/// The response may begin.
#[derive(Debug)]
pub struct SendHead {
    pub(super) request: RequestInfo,
    pub(super) unread: Option<Box<Unread>>,
}

impl SendHead {
    /// Returns the state for a response without a request; `close` is why the connection ends.
    pub fn without_request(close: CloseReason) -> SendHead {
        let request =
            RequestInfo { method: &Method::Get, version: Version::Http11, stays: Err(close) };
        SendHead { request, unread: None }
    }

    /// Returns the state for a response to a request of which only a part is read.
    pub fn cut_short(partial: &PartialHead, close: CloseReason) -> SendHead {
        let method = framed_as(&partial.method());
        let request = RequestInfo { method, version: Version::Http11, stays: Err(close) };
        SendHead { request, unread: None }
    }

    /// Writes the head of the final response. Content-Length, Transfer-Encoding and Connection are set
    /// here, by the request, the status and `length` (`None`: not known yet); `may_stay` is whether the
    /// server wants to keep the connection. An interim status (1xx) is sent as a 500. `Trailer` is left
    /// out unless the body is chunked, because no trailers can follow.
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
        let fields = &head.headers;
        let common = Headers::NONE;
        let head = OutgoingHead { status, fields, common, timing: None, length, may_stay };
        self.send_fields(&head, out)
    }

    /// Does the same from borrowed parts, with the customary phrase.
    pub fn send_with(self, mut head: OutgoingHead<'_>, out: &mut Vec<u8>) -> SendBody {
        head.status = final_status(head.status);
        head.status.encode_line(out);
        self.send_fields(&head, out)
    }

    /// Writes the fields and the blank line, after the status line.
    fn send_fields(self, head: &OutgoingHead<'_>, out: &mut Vec<u8>) -> SendBody {
        let SendHead { request: RequestInfo { method, version, stays }, unread } = self;
        let &OutgoingHead { status, fields, common, length, may_stay, .. } = head;
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
        // Even when it is refused: the client may have sent bytes for the tunnel already.
        if *method == Method::Connect {
            stays = Err(CloseReason::Tunnel);
        }

        let no_trailers = length.is_some() || version < Version::Http11;
        let ours = if no_trailers { &OURS_WITHOUT_TRAILERS } else { &OURS };
        fields.encode_without(ours, common, out);
        common.encode(out);
        if let Some(timing) = &head.timing {
            timing.encode(out);
        }
        // A response to HEAD has the length of the one to GET (RFC 9110, 9.3.2). 1xx and 204 have no
        // length (8.6), and neither has a 304 here, where it would have to be that of the 200.
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
        // The Upgrade of a 426 is for this connection only (RFC 9110, 7.8).
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

/// Returns the status, or 500 for an interim one: the client would take the next response for this
/// one's.
fn final_status(status: Status) -> Status {
    if status.is_informational() { Status::INTERNAL_SERVER_ERROR } else { status }
}

/// Fields that are set here, and never taken from a handler.
const OURS: Names = Names::of(&["content-length", "transfer-encoding", "connection"]);

/// Returns true for a field that decides where a response ends or whether the connection stays, so that the
/// one of a handler is not sent.
pub fn is_ours(name: &str) -> bool {
    OURS.has(name)
}

/// The same, and the field that announces trailers.
const OURS_WITHOUT_TRAILERS: Names =
    Names::of(&["content-length", "transfer-encoding", "connection", "trailer"]);

/// Sending the body of the response; there may be none.
#[derive(Debug)]
pub struct SendBody {
    encoder: Encoder,
    stays: Result<(), CloseReason>,
    unread: Option<Box<Unread>>,
}

impl SendBody {
    /// Returns how many more bytes of data can be sent: none for HEAD, 204, 304, or after the last one;
    /// `u64::MAX` if there is no limit.
    pub fn room(&self) -> u64 {
        self.encoder.room()
    }

    /// Returns how many bytes of data must still be sent, if they are sent without framing.
    pub fn plain_room(&self) -> Option<u64> {
        match self.encoder {
            Encoder::Length(left) => Some(left),
            Encoder::Nothing | Encoder::Chunked | Encoder::UntilClose => None,
        }
    }

    /// Records that `count` bytes of data were sent without being written here; at most
    /// [`SendBody::plain_room`].
    pub fn advance(&mut self, count: u64) {
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

    /// Returns true if trailers can follow the body; [`SendBody::finish_with`] sends them.
    pub fn takes_trailers(&self) -> bool {
        matches!(self.encoder, Encoder::Chunked)
    }

    /// Ends the response. The connection is ready for another request, or is to be closed.
    ///
    /// # Errors
    /// The reason to close.
    pub fn finish(self, out: &mut Vec<u8>) -> Result<RecvHead, CloseReason> {
        self.finish_with(Headers::NONE, out)
    }

    /// Does the same, with these fields after the body, if it is chunked. Those that [may not be
    /// trailers](crate::proto::http::trailers::may_trail) are left out.
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
