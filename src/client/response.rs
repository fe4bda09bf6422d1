//! What is answered: a head, and a body that is read from the socket as it is asked for.

use std::io::{self, BufRead, Read};
use std::time::{Duration, Instant};

use super::Client;
use super::budget::{Budget, Phase};
use super::connection::Connection;
use super::error::Error;
use super::event::Event;
use super::exchange::Answer;
use super::misread::Misread;
use super::route::Peer;
use crate::proto::http::client::{Piece, RecvBody};
use crate::proto::http::close::CloseReason;
use crate::proto::http::error::Rule;
use crate::proto::http::head::ResponseHead;
use crate::proto::http::headers::Headers;
use crate::proto::http::status::Status;
use crate::proto::http::url::Url;

/// The answer to a request, whatever its status.
///
/// The body is read through [`Read`] or [`BufRead`], or piece by piece as it arrives through
/// [`Response::piece`]. Its end is only reported when it is complete. Dropped before its end, it
/// takes its connection with it.
#[derive(Debug)]
pub struct Response {
    client: Client,
    url: Url,
    peer: Peer,
    budget: Budget,
    head: ResponseHead,
    interim: Vec<ResponseHead>,
    body: Body,
    /// The piece of the body at hand, and how much of it has been read.
    piece: Vec<u8>,
    read: usize,
    /// How much of the body has come.
    received: u64,
    after: After,
}

/// What becomes of the connection when the body is complete.
#[derive(Debug)]
enum After {
    /// It waits for another request.
    Keep,
    /// More answers come on it: it is handed on.
    HandOn(Option<Connection>),
}

/// How much of a body that nobody wants is read all the same.
const DISCARDED: u64 = 64 << 10;
/// And for how long: connecting anew takes less.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Debug)]
enum Body {
    Coming(Connection, RecvBody),
    Complete(Option<Headers>),
    Failed,
}

impl Response {
    pub(super) fn new(
        client: Client,
        url: Url,
        peer: Peer,
        connection: Connection,
        budget: Budget,
        answer: Answer,
    ) -> Response {
        Response::in_turn(client, url, peer, connection, budget, answer, false)
    }

    /// With, or without, `more` answers behind it.
    pub(super) fn in_turn(
        client: Client,
        url: Url,
        peer: Peer,
        connection: Connection,
        budget: Budget,
        answer: Answer,
        more: bool,
    ) -> Response {
        let after = if more { After::HandOn(None) } else { After::Keep };
        let Answer { interim, head, body } = answer;
        let body = Body::Coming(connection, body);
        let (piece, read, received) = (Vec::new(), 0, 0);
        let mut response = Response {
            client,
            url,
            peer,
            budget,
            head,
            interim,
            body,
            piece,
            read,
            received,
            after,
        };
        response.settle();
        response
    }

    /// The connection, once the answer has been read; what is left of it is, if it is little.
    pub(super) fn hand_on(mut self) -> Option<Connection> {
        self.discard();
        match &mut self.after {
            After::HandOn(connection) => connection.take(),
            After::Keep => None,
        }
    }

    /// Its status.
    pub fn status(&self) -> Status {
        self.head.status
    }

    /// Where it came from: after redirects, the last address of them.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// This, or an error that keeps it when its status is 400 or above.
    ///
    /// # Errors
    /// [`Error::Status`].
    pub fn successful(self) -> Result<Response, Error> {
        if self.head.status.is_error() { Err(Error::Status(Box::new(self))) } else { Ok(self) }
    }

    /// Status and fields.
    pub fn head(&self) -> &ResponseHead {
        &self.head
    }

    /// The interim answers (1xx) that came before.
    pub fn interim(&self) -> &[ResponseHead] {
        &self.interim
    }

    /// The fields that came behind a chunked body, once it has been read to its end.
    pub fn trailers(&self) -> Option<&Headers> {
        match &self.body {
            Body::Complete(trailers) => trailers.as_ref(),
            Body::Coming(..) | Body::Failed => None,
        }
    }

    /// The next piece of the body, as it arrives; `None` when it is complete.
    ///
    /// # Errors
    /// [`Error::Timeout`], [`Error::TooSlow`], [`Error::Receive`], [`Error::CutShort`], or [`Error::Body`].
    pub fn piece(&mut self) -> Result<Option<&[u8]>, Error> {
        if self.read == self.piece.len() {
            self.pull().inspect_err(|error| self.fail(error))?;
        }
        let piece = &self.piece[std::mem::replace(&mut self.read, self.piece.len())..];
        Ok(Some(piece).filter(|piece| !piece.is_empty()))
    }

    /// Receives until there is a piece, which stays empty when the body is complete.
    fn pull(&mut self) -> Result<(), Error> {
        self.piece.clear();
        self.read = 0;
        while self.piece.is_empty() {
            let (connection, body) = match &mut self.body {
                Body::Coming(connection, body) => (connection, body),
                Body::Complete(_) => return Ok(()),
                Body::Failed => return Err(Error::Receive(io::Error::other("it failed before"))),
            };
            let (missing, received) = (body.remaining(), self.received);
            let (taken, before) = (body.taken(), connection.input.len());
            match body.receive(&mut connection.input, &self.client.config.limits) {
                Err(fault) if fault.rule == Rule::BodyIncomplete => {
                    return Err(Error::CutShort { received, missing });
                }
                Err(fault) => {
                    let read = connection.input.last(before);
                    return Err(Error::Body(Misread::new(fault, taken, read)));
                }
                Ok(Piece::Data(data)) => {
                    self.piece.extend_from_slice(data);
                    self.received += data.len() as u64;
                    self.client.tell(&Event::Received(self.received));
                }
                Ok(Piece::More) => {
                    self.budget.enter(Phase::Body, Instant::now());
                    connection.fill(&mut self.budget)?;
                }
                Ok(Piece::End) => {}
            }
            self.settle();
        }
        Ok(())
    }

    /// When the body is complete, the connection is kept or closed at once.
    fn settle(&mut self) {
        let Body::Coming(_, body) = &self.body else { return };
        if !body.is_complete() {
            return;
        }
        let complete = Body::Complete(body.trailers().cloned());
        let Body::Coming(connection, body) = std::mem::replace(&mut self.body, complete) else {
            return;
        };
        if let Some(trailers) = self.trailers().filter(|trailers| !trailers.is_empty()) {
            self.client.tell(&Event::Trailers(trailers));
        }
        self.client.tell(&Event::Ended(self.received));
        match body.finish() {
            Ok(_) if connection.is_intact() && matches!(self.after, After::HandOn(_)) => {
                self.after = After::HandOn(Some(connection));
            }
            Ok(_) if !connection.input.is_empty() => {
                self.client.tell(&Event::Closed(connection.id, CloseReason::TooMuch));
            }
            Ok(_) if connection.is_intact() => {
                self.client.tell(&Event::Kept(connection.id, self.peer.host()));
                let (peer, keep) = (self.peer.clone(), &self.client.config.keep);
                if let Some(gone) = self.client.idle.put(peer, connection, keep, Instant::now()) {
                    self.client.tell(&Event::Closed(gone.id, CloseReason::Idle));
                }
            }
            Ok(_) => self.client.tell(&Event::Closed(connection.id, CloseReason::BodyShort)),
            Err(close) => self.client.tell(&Event::Closed(connection.id, close)),
        }
    }

    /// Reads what is left of a small body, so that the connection can be used again; a large one is not
    /// worth it.
    pub(crate) fn discard(&mut self) {
        let begun = Instant::now();
        self.budget.hurry(PATIENCE);
        while self.received < DISCARDED && begun.elapsed() < PATIENCE {
            if self.pull().is_err() || self.piece.is_empty() {
                break;
            }
        }
        self.end(Body::Failed, CloseReason::AnswerUnread);
    }

    /// The body will not come to its end.
    fn fail(&mut self, error: &Error) {
        self.client.tell(&Event::GaveUp(error));
        self.end(Body::Failed, error.close());
    }

    /// Closes the connection, if there is one.
    fn end(&mut self, body: Body, close: CloseReason) {
        if let Body::Coming(connection, _) = std::mem::replace(&mut self.body, body) {
            self.client.tell(&Event::Closed(connection.id, close));
        }
    }
}

impl Drop for Response {
    fn drop(&mut self) {
        self.end(Body::Failed, CloseReason::AnswerUnread);
    }
}

impl BufRead for Response {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.read == self.piece.len() {
            self.pull().inspect_err(|error| self.fail(error))?;
        }
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
