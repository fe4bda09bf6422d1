//! A response: a head, and a body that is read from the socket as the caller reads it.

use std::io::{self, BufRead, Read};
use std::time::{Duration, Instant};

use super::Client;
use super::budget::{Budget, Phase};
use super::config::BodyForm;
use super::connection::Connection;
#[cfg(feature = "inflate")]
use super::decoding::Decoding;
use super::error::Error;
use super::error_kind::ErrorKind;
use super::event::Event;
use super::exchange::IncomingResponse;
use super::exchange_error::ExchangeError;
use super::route::Peer;
use crate::proto::http::chars::decimal;
use crate::proto::http::client::{Piece, RecvBody};
use crate::proto::http::close::CloseReason;
use crate::proto::http::error::Rule;
use crate::proto::http::head::ResponseHead;
use crate::proto::http::headers::Headers;
use crate::proto::http::rejected::ParseError;
use crate::proto::http::status::Status;
use crate::proto::http::url::Url;

/// The response to a request, whatever its status.
///
/// The body is read in one piece ([`Response::text`], [`Response::bytes`], and `json` with the feature of that
/// name), through [`Read`] or [`BufRead`], or piece by piece as it arrives through [`Response::piece`]. Its end
/// is reported only when it is complete. A response that is dropped before its end closes its connection.
pub struct Response {
    client: Client,
    url: Url,
    peer: Peer,
    pub(super) budget: Budget,
    head: ResponseHead,
    interim: Vec<ResponseHead>,
    body: Body,
    /// The current piece of the body, and how many bytes of it were read.
    pub(super) piece: Vec<u8>,
    pub(super) read: usize,
    /// How many bytes of the body have arrived.
    received: u64,
    /// Removes the codings of the body, if it has some and the client decodes.
    #[cfg(feature = "inflate")]
    decoding: Option<Box<Decoding>>,
    after: AfterBody,
}

/// What is needed for a [`Response`].
pub(super) struct ResponseParts {
    pub(super) client: Client,
    pub(super) url: Url,
    pub(super) peer: Peer,
    pub(super) connection: Connection,
    pub(super) budget: Budget,
    pub(super) received: IncomingResponse,
    /// Whether more responses follow on the connection.
    pub(super) more_follow: bool,
}

/// Where the connection goes when the body is complete.
#[derive(Debug)]
enum AfterBody {
    /// Back to the pool.
    Pool,
    /// To the next response of a pipeline.
    NextResponse(Option<Connection>),
}

/// How many bytes of an unread body are read to keep the connection.
const DISCARD_LIMIT: u64 = 64 << 10;
/// And for how long: a new connection takes less.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(1);

#[derive(Debug)]
enum Body {
    Receiving(Connection, RecvBody),
    Complete(Option<Headers>),
    Failed,
}

impl Response {
    pub(super) fn new(parts: ResponseParts) -> Response {
        let ResponseParts { client, url, peer, connection, budget, received, more_follow } = parts;
        let after = if more_follow { AfterBody::NextResponse(None) } else { AfterBody::Pool };
        let framed = match client.config.body {
            BodyForm::AsReceived => received.body.with_framing(),
            _ => received.body,
        };
        #[cfg(feature = "inflate")]
        let decoding = match client.config.body {
            BodyForm::Decoded => Decoding::of(&received.head.headers),
            BodyForm::Content | BodyForm::AsReceived => None,
        };
        let mut response = Response {
            client,
            url,
            peer,
            budget,
            head: received.head,
            interim: received.interim,
            body: Body::Receiving(connection, framed),
            piece: Vec::new(),
            read: 0,
            received: 0,
            #[cfg(feature = "inflate")]
            decoding,
            after,
        };
        response.release_if_complete();
        response
    }

    /// Returns the connection for the next response of a pipeline. Reads the rest of the body first, if it
    /// is small.
    pub(super) fn into_connection(mut self) -> Option<Connection> {
        self.discard();
        match &mut self.after {
            AfterBody::NextResponse(connection) => connection.take(),
            AfterBody::Pool => None,
        }
    }

    /// Returns the status.
    pub fn status(&self) -> Status {
        self.head.status
    }

    /// Returns whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        matches!(self.head.status.code(), 200..=299)
    }

    /// Returns the value of the first field of this name, if it is UTF-8; in any case, names have no case.
    /// [`Headers`] has the others: `response.head().headers`.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.headers.text(name)
    }

    /// Returns the bytes of the body, if `Content-Length` says so: a chunked body has no such field. A
    /// response to HEAD has the length that a GET would have got, and no body. Of a body with a content coding, it is
    /// the length in that coding.
    pub fn content_length(&self) -> Option<u64> {
        self.head.headers.first("content-length").and_then(decimal)
    }

    /// Returns the URL that it came from: after redirects, the last one.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Returns the response itself, or an error that keeps it when its status is 400 or above.
    ///
    /// # Errors
    /// [`ErrorKind::Status`].
    pub fn error_for_status(self) -> Result<Response, Error> {
        if !self.head.status.is_error() {
            return Ok(self);
        }
        let url = self.url.clone();
        Err(ErrorKind::Status(Box::new(self)).at(&url))
    }

    /// Returns status and fields.
    pub fn head(&self) -> &ResponseHead {
        &self.head
    }

    /// Returns the interim responses (1xx) that came before.
    pub fn interim(&self) -> &[ResponseHead] {
        &self.interim
    }

    /// Returns how many bytes of the body have arrived: those of its coding, if it has one.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Returns how many bytes the caller will still get, where that is known.
    pub(super) fn remaining(&self) -> Option<u64> {
        #[cfg(feature = "inflate")]
        if self.decoding.is_some() {
            return None;
        }
        match &self.body {
            Body::Receiving(_, body) => body.remaining(),
            Body::Complete(_) | Body::Failed => None,
        }
    }

    /// Returns the most bytes of a body that is read in one piece.
    pub(super) fn limit(&self) -> u64 {
        self.client.config.limits.body
    }

    /// Returns the trailer fields of a chunked body, once it was read to its end.
    pub fn trailers(&self) -> Option<&Headers> {
        match &self.body {
            Body::Complete(trailers) => trailers.as_ref(),
            Body::Receiving(..) | Body::Failed => None,
        }
    }

    /// Returns the next piece of the body, as it arrives; `None` when the body is complete.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`], [`ErrorKind::TooSlow`], [`ErrorKind::Receive`], [`ErrorKind::CutShort`],
    /// [`ErrorKind::Body`], or, with the feature `inflate`, `ErrorKind::ContentCoding`.
    pub fn piece(&mut self) -> Result<Option<&[u8]>, Error> {
        self.receive_if_read()?;
        let piece = &self.piece[std::mem::replace(&mut self.read, self.piece.len())..];
        Ok(Some(piece).filter(|piece| !piece.is_empty()))
    }

    /// Receives the next piece, if the current one is read to its end.
    fn receive_if_read(&mut self) -> Result<(), Error> {
        if self.read < self.piece.len() {
            return Ok(());
        }
        self.receive_content().map_err(|error| {
            let close = error.close_reason();
            let kind = ErrorKind::from(error);
            self.client.notify(&Event::GaveUp(&kind));
            self.end(close);
            kind.at(&self.url)
        })
    }

    /// Receives until there is a piece of what the caller gets. It stays empty when the body is complete.
    fn receive_content(&mut self) -> Result<(), ExchangeError> {
        #[cfg(feature = "inflate")]
        if let Some(mut decoding) = self.decoding.take() {
            let outcome = self.receive_decoded(&mut decoding);
            self.decoding = Some(decoding);
            return outcome;
        }
        self.receive()
    }

    /// Receives until there is a piece. It stays empty when the body is complete.
    pub(super) fn receive(&mut self) -> Result<(), ExchangeError> {
        self.piece.clear();
        self.read = 0;
        while self.piece.is_empty() {
            let (connection, body) = match &mut self.body {
                Body::Receiving(connection, body) => (connection, body),
                Body::Complete(_) => return Ok(()),
                Body::Failed => {
                    return Err(ExchangeError::Receive(io::Error::other("it failed before")));
                }
            };
            let (missing, received) = (body.remaining(), self.received);
            match body.receive(&mut connection.input, &self.client.config.limits) {
                Err(fault) if fault.rule == Rule::BodyIncomplete => {
                    return Err(ExchangeError::CutShort { received, missing });
                }
                Err(fault) => {
                    let excerpt = body.excerpt().cloned();
                    return Err(ExchangeError::Body(ParseError { fault, excerpt }));
                }
                Ok(Piece::Data(data)) => {
                    self.piece.extend_from_slice(data);
                    self.received += data.len() as u64;
                    self.client.notify(&Event::Received(self.received));
                }
                Ok(Piece::More) => {
                    self.budget.enter(Phase::Body, Instant::now());
                    connection.fill(&mut self.budget)?;
                }
                Ok(Piece::End) => {}
            }
            self.release_if_complete();
        }
        Ok(())
    }

    /// Keeps or closes the connection as soon as the body is complete.
    fn release_if_complete(&mut self) {
        let Body::Receiving(_, body) = &self.body else { return };
        if !body.is_complete() {
            return;
        }
        let complete = Body::Complete(body.trailers().cloned());
        let Body::Receiving(connection, body) = std::mem::replace(&mut self.body, complete) else {
            return;
        };
        if let Some(trailers) = self.trailers().filter(|trailers| !trailers.is_empty()) {
            self.client.notify(&Event::Trailers(trailers));
        }
        self.client.notify(&Event::Ended(self.received));
        match body.finish() {
            Ok(_)
                if connection.is_writable() && matches!(self.after, AfterBody::NextResponse(_)) =>
            {
                self.after = AfterBody::NextResponse(Some(connection));
            }
            Ok(_) if !connection.input.is_empty() => {
                self.client.notify(&Event::Closed(connection.id, CloseReason::TooMuch));
            }
            Ok(_) if connection.is_writable() => {
                self.client.notify(&Event::Kept(connection.id, self.peer.host()));
                let (peer, config) = (self.peer.clone(), &self.client.config.pool);
                let surplus = self.client.pool.check_in(peer, connection, config, Instant::now());
                if let Some(surplus) = surplus {
                    self.client.notify(&Event::Closed(surplus.id, CloseReason::Idle));
                }
            }
            Ok(_) => self.client.notify(&Event::Closed(connection.id, CloseReason::BodyShort)),
            Err(close) => self.client.notify(&Event::Closed(connection.id, close)),
        }
    }

    /// Reads the rest of a small body, so that the connection can be reused; closes the connection of a
    /// large one.
    pub(super) fn discard(&mut self) {
        let begun = Instant::now();
        self.budget.limit_body_idle(DISCARD_TIMEOUT);
        while self.received < DISCARD_LIMIT && begun.elapsed() < DISCARD_TIMEOUT {
            if self.receive().is_err() || self.piece.is_empty() {
                break;
            }
        }
        self.end(CloseReason::ResponseUnread);
    }

    /// Gives the body up, and closes its connection, if there is one.
    fn end(&mut self, close: CloseReason) {
        if let Body::Receiving(connection, _) = std::mem::replace(&mut self.body, Body::Failed) {
            self.client.notify(&Event::Closed(connection.id, close));
        }
    }
}

/// Shows what it is, and nothing of its body.
impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (status, url, received) = (self.head.status, &self.url, self.received);
        write!(f, "Response({status}, from http://{}{}, ", url.authority, url.path)?;
        write!(f, "{received} bytes of body received)")
    }
}

impl Drop for Response {
    fn drop(&mut self) {
        self.end(CloseReason::ResponseUnread);
    }
}

impl BufRead for Response {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.receive_if_read()?;
        Ok(&self.piece[self.read..])
    }

    fn consume(&mut self, count: usize) {
        self.read = self.piece.len().min(self.read + count);
    }
}

impl Read for Response {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(out)?;
        self.consume(count);
        Ok(count)
    }
}
