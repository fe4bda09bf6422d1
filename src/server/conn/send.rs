//! Sends a response: its head, its body piece by piece.
//!
//! `Date` and `Server` are set here; the framing fields (RFC 9112, 6) by the protocol. A body that breaks
//! off is cut, not completed: the client notices that the last bytes or chunk are missing (RFC 9112, 8).

use std::io::{self, Cursor};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Instant;

use super::body_pieces::{PIECE, Pieces};
use super::connection_io::ConnectionIo;
use super::date_cache::CommonFields;
use super::logging::LoggedExchange;
use super::output::Passed;
use super::{Context, Http};
use crate::net::usual_time::UsualTime;
use crate::proto::http::close::CloseReason;
use crate::proto::http::head::RequestHead;
use crate::proto::http::headers::Headers;
use crate::proto::http::server::{OutgoingHead, PartialHead, RecvHead, SendBody, SendHead};
use crate::server::response::{Body, Response};
use crate::server::router::Endpoint;

/// The longest file that is read, to be sent with its head in one write: 64 KB. A longer one is sent by
/// sendfile(2).
pub(super) const READ_LIMIT: u64 = 64 << 10;

/// The most that the kernel sends of a file at once: 256 KB.
const FILE_PIECE: usize = 256 << 10;

/// A response that is ready to be sent.
pub(crate) struct Outgoing {
    pub(super) response: Response,
    pub(super) request: RequestInfo,
    /// How the response is framed, and whether the client lets the connection be kept.
    pub(super) send: SendHead,
    /// Whether the server lets the connection be kept.
    pub(super) may_keep: bool,
    /// When it was ready.
    pub(super) now: Instant,
    /// The endpoint whose code makes the body while it is sent.
    pub(super) producer: Option<Arc<Endpoint>>,
}

impl Outgoing {
    pub(super) fn new(
        response: Response,
        request: RequestInfo,
        send: SendHead,
        may_keep: bool,
    ) -> Outgoing {
        Outgoing { response, request, send, may_keep, now: Instant::now(), producer: None }
    }
}

/// What is known of a request when its response is logged.
#[derive(Debug)]
pub(super) struct RequestInfo {
    /// As much of the head as has arrived.
    pub(super) arrived: Option<PartialHead>,
    /// When its first byte arrived.
    pub(super) since: Instant,
}

impl RequestInfo {
    /// Returns what is known of a request whose head is complete.
    pub(super) fn of(head: Box<RequestHead>, since: Instant) -> RequestInfo {
        RequestInfo { arrived: Some(PartialHead::Head(head)), since }
    }

    pub(super) fn head(&self) -> Option<&RequestHead> {
        self.arrived.as_ref().and_then(PartialHead::head)
    }

    /// Returns the framing of a response after which the connection closes.
    pub(super) fn last(&self, close: CloseReason) -> SendHead {
        match &self.arrived {
            Some(arrived) => SendHead::cut_short(arrived, close),
            None => SendHead::without_request(close),
        }
    }
}

/// How far a response has come.
pub(crate) enum Sent {
    /// It is complete, in the output: receive the next request, or close.
    All(Result<RecvHead, CloseReason>),
    /// Its head is in the output, and its body follows piece by piece.
    Head(Box<SendingResponse>),
}

/// A response whose body is being sent.
#[derive(Debug)]
pub(crate) struct SendingResponse {
    pub(super) exchange: LoggedExchange,
    pub(super) send: SendBody,
    pub(super) body: Pieces,
    producer: Option<Arc<Endpoint>>,
}

/// What [`Http::send_piece`] has done.
pub(crate) enum Piece {
    /// A piece is in the output, or sent.
    Gathered,
    /// A piece that was slow to make is in the output; it is sent before the next one is made.
    Slow,
    /// A pushed body has nothing to send: wait until it is woken, or until this time.
    Waiting(Instant),
    /// Nothing of it may leave before this time, on purpose.
    Paused(Instant),
    /// The socket's send buffer is full.
    NoRoom,
    /// The body is at its end, with these trailers, or has broken off.
    End(io::Result<Headers>),
}

impl Http {
    /// Puts the head of a response into the output, and a small body with it.
    pub(crate) fn begin_response(&self, mut outgoing: Outgoing, io: &mut ConnectionIo) -> Sent {
        let faults = self.faults.as_ref().and_then(|faults| faults.inject(&mut outgoing, io));
        let Outgoing { mut response, request, send, may_keep, now, producer } = outgoing;
        self.complete(&mut response, &request);
        let out = &mut io.output.bytes;
        let head = OutgoingHead {
            status: response.status,
            fields: &response.headers,
            common: CommonFields::of(&mut io.common_fields, now, &self.server_name),
            timing: io.timing.tell(now, io.answered + 1, || self.server_timing.includes(io.peer)),
            length: response.body.length(),
            may_stay: may_keep,
        };
        let mut send = send.send_with(head, out);
        let status = Some(response.status);
        let mut exchange = LoggedExchange { request, status, sent: 0 };
        let rest = match response.body {
            Body::Bytes(bytes) if bytes.len() <= PIECE => {
                exchange.sent = send.room().min(bytes.len() as u64);
                send.write(&bytes, out);
                None
            }
            Body::Bytes(bytes) => Some(Pieces::Read(Box::new(Cursor::new(bytes)))),
            Body::File(file, _) => Some(Pieces::File(file)),
            Body::Part(mut part) => {
                if part.length() <= READ_LIMIT && send.plain_room() == Some(part.length()) {
                    exchange.sent = part.append_to(out) as u64;
                    send.advance(exchange.sent);
                }
                (send.room() > 0).then_some(Pieces::Part(part))
            }
            Body::Read(reader, _) => Some(Pieces::Read(reader)),
            Body::Pushed(body) => {
                self.keep_what_is_logged(&mut exchange.request);
                Some(Pieces::Pushed(body, None))
            }
            Body::Trailed(reader, names) => Some(Pieces::Trailed(reader, names)),
        };
        match rest {
            None => Sent::All(self.finish(exchange, send.finish(out), io, now)),
            Some(mut body) => {
                if let Some(faults) = faults {
                    body = faults.hold(body, (&mut exchange, &send), out);
                }
                Sent::Head(Box::new(SendingResponse { exchange, send, body, producer }))
            }
        }
    }

    /// Sends the next piece of a body, or puts it into the output.
    ///
    /// # Errors
    /// When the connection is broken.
    pub(crate) fn send_piece(
        &self,
        sending: &mut SendingResponse,
        io: &mut ConnectionIo,
        context: &Context<'_>,
    ) -> io::Result<Piece> {
        context.driver.sends();
        if let Pieces::Pushed(..) | Pieces::Faulty(_) = sending.body {
            return self.push_piece(sending, io, context);
        }
        match self.send_file(sending, io, context.stream)? {
            Passed::Some(_) => return Ok(Piece::Gathered),
            Passed::NoRoom => return Ok(Piece::NoRoom),
            Passed::Nothing => {}
        }
        let Some(producer) = sending.producer.take_if(|_| sending.send.room() > 0) else {
            return Ok(gather_piece(sending, &mut io.output.bytes));
        };
        // The head of a body of unknown length need not wait for its first bytes, which may come late.
        let is_first = sending.exchange.sent == 0 && sending.send.room() == u64::MAX;
        if is_first && !io.output.bytes.is_empty() {
            sending.producer = Some(producer);
            return Ok(Piece::Slow);
        }
        // A short piece of a slow or unknown producer is sent before the next one is read.
        let (usual, sent) = (&producer.usual_read, sending.exchange.sent);
        let (is_slow, begun) = (usual.is_long(), Instant::now());
        context.driver.before(usual);
        let piece = gather_piece(sending, &mut io.output.bytes);
        let took = begun.elapsed();
        context.driver.after(usual, took);
        let is_short = sending.send.room() > 0 && sending.exchange.sent - sent < PIECE as u64;
        sending.producer = Some(producer);
        match piece {
            Piece::Gathered if is_short && (is_slow || took > UsualTime::LONG) => Ok(Piece::Slow),
            piece => Ok(piece),
        }
    }

    /// Lets the kernel send the next piece of a file, if the body is one that need not be read.
    pub(super) fn send_file(
        &self,
        sending: &mut SendingResponse,
        io: &mut ConnectionIo,
        stream: &TcpStream,
    ) -> io::Result<Passed> {
        let SendingResponse { send, body, exchange, .. } = sending;
        let file = match body {
            Pieces::File(file) => (&*file, None),
            Pieces::Part(part) => {
                let (file, at) = part.place();
                (file, Some(at))
            }
            _ => return Ok(Passed::Nothing), // it has to be read
        };
        if io.wire_log.is_some() || io.session.is_some() {
            return Ok(Passed::Nothing); // it is read, so that `--wire` can show it, or to be encrypted
        }
        let Some(room) = send.plain_room().filter(|&room| room > 0) else {
            return Ok(Passed::Nothing);
        };
        let most = usize::try_from(room).map_or(FILE_PIECE, |room| room.min(FILE_PIECE));
        let passed = io.output.send_file(stream, file, most, &self.limits)?;
        if let Passed::Some(count) = passed {
            send.advance(count as u64);
            exchange.sent += count as u64;
            let (sent, since) = ((exchange.sent, count as u64), exchange.request.since);
            io.window.record(sent, since, stream, &self.unsent);
            if let Pieces::Part(part) = body {
                part.advance(count as u64);
            }
        }
        Ok(passed)
    }

    /// Ends a response whose body is at its end, or has broken off.
    ///
    /// # Errors
    /// Why the connection closes.
    pub(crate) fn end_response(
        &self,
        sending: SendingResponse,
        end: io::Result<Headers>,
        io: &mut ConnectionIo,
    ) -> Result<RecvHead, CloseReason> {
        let SendingResponse { exchange, send, .. } = sending;
        let next = match end {
            Ok(trailers) => send.finish_with(&trailers, &mut io.output.bytes),
            Err(error) => Err(self.body_broke_off(&exchange, &error, io.peer)),
        };
        self.finish(exchange, next, io, Instant::now())
    }

    /// Logs a response that is complete in the output, and makes the connection ready for the next
    /// request.
    #[inline(always)]
    fn finish(
        &self,
        exchange: LoggedExchange,
        next: Result<RecvHead, CloseReason>,
        io: &mut ConnectionIo,
        now: Instant,
    ) -> Result<RecvHead, CloseReason> {
        self.log(io, &exchange, now);
        io.recycled = exchange.request.arrived.and_then(PartialHead::into_head);
        io.answered += 1;
        io.waiting_since = now;
        io.forget_request();
        next
    }
}

/// Puts the next piece of a body into the output.
fn gather_piece(sending: &mut SendingResponse, out: &mut Vec<u8>) -> Piece {
    let SendingResponse { exchange, send, body, .. } = sending;
    match body.gather(send, out) {
        Ok(0) => Piece::End(body.trailers(send)),
        Ok(count) => {
            exchange.sent += count as u64;
            Piece::Gathered
        }
        Err(error) => Piece::End(Err(error)),
    }
}
