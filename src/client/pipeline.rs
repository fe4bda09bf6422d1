//! Several requests in one write, and their responses in the order of the requests (RFC 9112, 9.3.2).
//!
//! ```text
//! GET /a, GET /b, GET /c ──one write──>
//!                        <── response 1 of 3, response 2 of 3, then the server closes
//! GET /c again, alone, on another connection ──>  <── response 3 of 3
//! ```
//! A server may close after any response. The requests without a response are sent again, one by one, which
//! must be harmless, so methods that are not idempotent are refused here ("a user agent SHOULD NOT pipeline
//! requests after a non-idempotent method"). Also refused: bodies, and more than 64 KB of heads, because two
//! sides that both send and do not read block each other for ever. Redirects are returned, not followed.

use std::collections::VecDeque;
use std::time::Instant;

use super::Client;
use super::budget::{Budget, Phase};
use super::call::{call, connection_to, outgoing, take_cookies};
use super::connection::{Connection, Flushed};
use super::error::Error;
use super::error_kind::{ErrorKind, PipelineError};
use super::event::Event;
use super::exchange::next_response;
use super::exchange_error::ExchangeError;
use super::request::Request;
use super::response::{Response, ResponseParts};
use super::route::{Peer, Route};
use crate::proto::http::client::RecvHead;
use crate::proto::http::error::Rule;
use crate::proto::http::framing::Framing;
use crate::proto::http::version::Version;

/// The most bytes of heads that are sent at once; the kernels' socket buffers hold them.
const MAX_HEADS: usize = 64 << 10;

/// Requests that are sent at once, and their responses in order; [`Client::pipeline`] returns it.
///
/// ```no_run
/// use threadbare::client::{Client, Request};
///
/// let requests = [Request::get("http://127.0.0.1:8080/a")?, Request::get("http://127.0.0.1:8080/b")?];
/// let mut pipeline = Client::new().pipeline(&requests)?;
/// while let Some(response) = pipeline.next_response() {
///     println!("{}", response?.status());
/// }
/// # Ok::<(), threadbare::client::Error>(())
/// ```
#[derive(Debug)]
pub struct Pipeline<'r> {
    client: Client,
    requests: &'r [Request],
    /// How many requests have a response or an error.
    done: usize,
    state: PipelineState,
    /// The last response that was returned.
    current: Option<Response>,
}

#[derive(Debug)]
enum PipelineState {
    Unsent,
    /// Responses follow on this connection; `None` while the last response still holds it.
    Sent(Option<Box<Connection>>, VecDeque<RecvHead>, Box<Budget>),
    /// The remaining requests are sent one by one.
    OneByOne,
}

impl<'r> Pipeline<'r> {
    pub(super) fn new(client: &Client, requests: &'r [Request]) -> Result<Pipeline<'r>, Error> {
        let (mut bytes, mut peers) = (0, Vec::<Peer>::new());
        for request in requests {
            let checked = check(client, request).map_err(|kind| kind.at(request.url()));
            let (peer, length) = checked?;
            peers.push(peer);
            bytes += length;
        }
        if peers.windows(2).any(|two| two[0] != two[1]) {
            return Err(ErrorKind::Pipeline(PipelineError::SeveralServers).into());
        }
        if bytes > MAX_HEADS {
            return Err(
                ErrorKind::Pipeline(PipelineError::TooLong { bytes, max: MAX_HEADS }).into()
            );
        }
        let (client, state) = (client.clone(), PipelineState::Unsent);
        Ok(Pipeline { client, requests, done: 0, state, current: None })
    }

    /// Returns the next response, in the order of the requests; `None` after the last one. The rest of the
    /// body of the response before it is read, if it is small; if not, its connection is closed, and the
    /// remaining requests are sent again.
    ///
    /// # Errors
    /// Those of this request; the next one has a response or an error of its own.
    pub fn next_response(&mut self) -> Option<Result<&mut Response, Error>> {
        let previous = self.current.take();
        let request = self.requests.get(self.done)?;
        self.done += 1;
        let outcome = self.receive(request, previous);
        let outcome = outcome.map_err(|kind| kind.at(request.url()));
        Some(outcome.map(|response| self.current.insert(response)))
    }

    fn receive(
        &mut self,
        request: &Request,
        previous: Option<Response>,
    ) -> Result<Response, ErrorKind> {
        let connection = previous.and_then(Response::into_connection);
        let state = match std::mem::replace(&mut self.state, PipelineState::OneByOne) {
            PipelineState::Unsent => self.send()?,
            PipelineState::Sent(None, waiting, budget) => {
                PipelineState::Sent(connection.map(Box::new), waiting, budget)
            }
            state => state,
        };
        if let PipelineState::Sent(connection, waiting, budget) = state {
            if let Some(connection) = connection
                && let Some(outcome) = self.receive_in_turn(request, *connection, waiting, *budget)
            {
                return outcome;
            }
            let (unanswered, total) = (self.requests.len() + 1 - self.done, self.requests.len());
            self.client.notify(&Event::PipelineBroken { unanswered, total });
        }
        self.notify_turn(request);
        call(&self.client, request, None, &mut self.client.budget())
    }

    /// Receives a response on the pipeline's connection. Returns `None` when the connection ended without a
    /// complete head.
    fn receive_in_turn(
        &mut self,
        request: &Request,
        mut connection: Connection,
        mut waiting: VecDeque<RecvHead>,
        mut budget: Budget,
    ) -> Option<Result<Response, ErrorKind>> {
        let first = waiting.pop_front()?;
        self.notify_turn(request);
        let more_follow = !waiting.is_empty();
        match next_response(&self.client, first, &mut connection, &mut budget) {
            Ok(received) => {
                take_cookies(&self.client, request, &received.head);
                self.state = PipelineState::Sent(None, waiting, Box::new(budget));
                let peer = match self.route_of(request) {
                    Ok((_, peer)) => peer,
                    Err(error) => return Some(Err(error)),
                };
                Some(Ok(Response::new(ResponseParts {
                    client: self.client.clone(),
                    url: request.url().clone(),
                    peer,
                    connection,
                    budget,
                    received,
                    more_follow,
                })))
            }
            Err(error) => {
                self.client.notify(&Event::Closed(connection.id, error.close_reason()));
                let is_unanswered = match &error {
                    ExchangeError::Head(error) => error.fault.rule == Rule::HeadIncomplete,
                    error => {
                        matches!(error, ExchangeError::NoResponse | ExchangeError::Receive(_))
                    }
                };
                (!is_unanswered).then(|| Err(error.into()))
            }
        }
    }

    fn notify_turn(&self, request: &Request) {
        self.client.notify(&Event::Pipelined {
            number: self.done,
            total: self.requests.len(),
            method: request.method(),
            url: request.url(),
        });
    }

    fn route_of<'u>(&'u self, request: &'u Request) -> Result<(Route<'u>, Peer), ErrorKind> {
        let route = self.client.config.connect.route(request.url()).map_err(ErrorKind::Proxy)?;
        Ok((route, route.peer(request.url())))
    }

    /// Sends all requests in one write.
    fn send(&self) -> Result<PipelineState, ErrorKind> {
        let mut budget = self.client.budget();
        let Some(first) = self.requests.first() else { return Ok(PipelineState::OneByOne) };
        let (route, peer) = self.route_of(first)?;
        let mut connection = connection_to(&self.client, route, &peer, &mut budget)?;
        let mut waiting = VecDeque::new();
        for request in self.requests {
            let begun = connection.output.len();
            let framed = request.framed(request.body_size())?;
            let outgoing = outgoing(&self.client, request, route, framed);
            let receiving = outgoing.encode(&mut connection.output);
            self.client.notify(&Event::Sending(&connection.output[begun..]));
            waiting.push_back(receiving);
        }
        budget.enter(Phase::Send, Instant::now());
        loop {
            match connection.flush(&mut budget) {
                Ok(Flushed::All) => break,
                // The server may wait until the client reads its responses.
                Ok(Flushed::Stalled) => connection.read_available(),
                Err(limit) => {
                    let error = ExchangeError::from(limit);
                    self.client.notify(&Event::Closed(connection.id, error.close_reason()));
                    return Err(error.into());
                }
            }
        }
        self.client.notify(&Event::Sent(0));
        Ok(PipelineState::Sent(Some(Box::new(connection)), waiting, Box::new(budget)))
    }
}

/// Checks that a request can be pipelined. Returns the peer that it goes to, and the bytes of its head.
fn check(client: &Client, request: &Request) -> Result<(Peer, usize), ErrorKind> {
    let framed = request.framed(request.body_size())?;
    let refused = match framed.framing {
        _ if !request.method().is_idempotent() => {
            Some(PipelineError::Method(request.method().as_str().to_owned()))
        }
        Framing::Length(_) | Framing::Chunked | Framing::UntilClose => Some(PipelineError::Body),
        Framing::None if request.version() == Version::Http10 => Some(PipelineError::Http10),
        Framing::None => None,
    };
    if let Some(refused) = refused {
        return Err(ErrorKind::Pipeline(refused));
    }
    let route = client.config.connect.route(request.url()).map_err(ErrorKind::Proxy)?;
    let mut head = Vec::new();
    outgoing(client, request, route, framed).head.encode(&mut head);
    Ok((route.peer(request.url()), head.len()))
}
