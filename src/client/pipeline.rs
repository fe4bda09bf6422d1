//! Several requests in one write, and their answers in the order of the requests (RFC 9112, 9.3.2).
//!
//! ```text
//! GET /a, GET /b, GET /c ──one write──>
//!                        <── answer 1 of 3, answer 2 of 3, then the server closes
//! GET /c again, alone, on another connection ──>  <── answer 3 of 3
//! ```
//! A server need not answer all of them: it may close behind any answer. What is not answered is sent
//! again, one request at a time, which must be harmless, so methods that are not idempotent are refused here
//! ("a user agent SHOULD NOT pipeline requests after a non-idempotent method"). So are bodies, and more
//! than 64 KB of heads: two sides that both send and do not read wait for each other for ever.
//! Redirects are answers here, and are not followed.

use std::collections::VecDeque;
use std::time::Instant;

use super::Client;
use super::budget::{Budget, Phase};
use super::call::{call, connection_to};
use super::connection::{Connection, Flushed};
use super::error::Error;
use super::event::Event;
use super::exchange::next_answer;
use super::request::Request;
use super::response::Response;
use super::route::{Peer, Route};
use crate::proto::http::client::{RecvHead, SendHead};
use crate::proto::http::error::Rule;
use crate::proto::http::framing::Framing;
use crate::proto::http::version::Version;

/// So many bytes of heads are sent at once; what is not read yet waits in the kernels in between.
const MOST: usize = 64 << 10;

/// Why requests are not pipelined.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unfit {
    /// Sent twice, this method may do something twice.
    Method(String),
    /// A request has a body.
    Body,
    /// A request is of HTTP/1.0, which has no pipelining.
    Http10,
    /// They are not for the same server.
    Elsewhere,
    /// Their heads have so many bytes.
    TooLong(usize),
}

impl std::fmt::Display for Unfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("these requests cannot be pipelined: ")?;
        match self {
            Unfit::Method(method) => write!(
                f,
                "the server may close before it answers, and then they are sent again; {method} may \
                 do its work twice (RFC 9112, 9.3.2); right: GET, HEAD, PUT or DELETE"
            ),
            Unfit::Body => f.write_str(
                "one has a body, and a server that answers while it is sent would wait for us as we \
                 for it; right: requests without bodies",
            ),
            Unfit::Http10 => f.write_str("HTTP/1.0 does not know it; right: HTTP/1.1"),
            Unfit::Elsewhere => f.write_str(
                "they are for different servers, and share no connection; right: one host and port",
            ),
            Unfit::TooLong(bytes) => {
                write!(f, "their heads have {bytes} bytes; right: {MOST} at most")
            }
        }
    }
}

impl std::error::Error for Unfit {}

/// Requests that are sent at once, and their answers, one after the other.
#[derive(Debug)]
pub struct Pipeline<'r> {
    client: Client,
    requests: &'r [Request],
    /// How many have been answered, or have failed.
    done: usize,
    state: State,
    /// The answer that was given last.
    current: Option<Response>,
    resent: usize,
}

#[derive(Debug)]
enum State {
    Unsent,
    /// Answers are to come on a connection: the one that the last answer will hand on, if it is not here.
    Sent(Option<Box<Connection>>, VecDeque<RecvHead>, Box<Budget>),
    /// What is left is sent one by one.
    OneByOne,
}

impl<'r> Pipeline<'r> {
    pub(super) fn new(client: &Client, requests: &'r [Request]) -> Result<Pipeline<'r>, Error> {
        let (mut bytes, mut peers) = (0, Vec::<Peer>::new());
        for request in requests {
            let content = request.content()?;
            let unfit = match content.framing {
                _ if !request.is_idempotent() => {
                    Some(Unfit::Method(request.verb().as_str().to_owned()))
                }
                Framing::None => None,
                Framing::Length(_) | Framing::Chunked | Framing::UntilClose => Some(Unfit::Body),
            };
            let unfit = unfit.or(request.is_version(Version::Http10).then_some(Unfit::Http10));
            if let Some(unfit) = unfit {
                return Err(Error::Unfit(unfit));
            }
            let route = client.config.routes.to(request.url()).map_err(Error::Proxy)?;
            peers.push(route.peer(request.url()));
            let mut head = Vec::new();
            request.head_to(route.proxy(), &content).encode(&mut head);
            bytes += head.len();
        }
        if peers.windows(2).any(|two| two[0] != two[1]) {
            return Err(Error::Unfit(Unfit::Elsewhere));
        }
        if bytes > MOST {
            return Err(Error::Unfit(Unfit::TooLong(bytes)));
        }
        let client = client.clone();
        Ok(Pipeline { client, requests, done: 0, state: State::Unsent, current: None, resent: 0 })
    }

    /// The next answer, in the order of the requests; `None` behind the last one. What is left of the answer
    /// before it is read, if it is little; else the connection is given up, and the rest sent again.
    ///
    /// # Errors
    /// Those of this request; the next one has an answer of its own, or an error.
    pub fn answer(&mut self) -> Option<Result<&mut Response, Error>> {
        let before = self.current.take();
        let request = self.requests.get(self.done)?;
        self.done += 1;
        let outcome = self.next(request, before);
        Some(outcome.map(|response| self.current.insert(response)))
    }

    /// How many requests had to be sent a second time.
    pub fn resent(&self) -> usize {
        self.resent
    }

    fn next(&mut self, request: &Request, before: Option<Response>) -> Result<Response, Error> {
        let handed_on = before.and_then(Response::hand_on);
        let state = match std::mem::replace(&mut self.state, State::OneByOne) {
            State::Unsent => self.send()?,
            State::Sent(None, waiting, budget) => {
                State::Sent(handed_on.map(Box::new), waiting, budget)
            }
            state => state,
        };
        if let State::Sent(connection, mut waiting, mut budget) = state {
            if let Some((mut connection, first)) = connection.zip(waiting.pop_front()) {
                self.client.tell(&Event::InTurn(self.done, self.requests.len(), request));
                let more = !waiting.is_empty();
                match next_answer(&self.client, first, &mut connection, &mut budget) {
                    Ok(answer) => {
                        self.state = State::Sent(None, waiting, budget.clone());
                        let (url, peer) = (request.url().clone(), self.route_of(request)?.1);
                        let client = self.client.clone();
                        let response = Response::in_turn(
                            client,
                            url,
                            peer,
                            *connection,
                            *budget,
                            answer,
                            more,
                        );
                        return Ok(response);
                    }
                    Err(error) => {
                        self.client.tell(&Event::Closed(connection.id, error.close()));
                        let unanswered = match &error {
                            Error::Head(misread) => misread.fault.rule == Rule::HeadIncomplete,
                            error => matches!(error, Error::NoAnswer | Error::Receive(_)),
                        };
                        if !unanswered {
                            return Err(error);
                        }
                    }
                }
            }
            let left = self.requests.len() + 1 - self.done;
            self.client.tell(&Event::Unanswered(left, self.requests.len()));
        }
        self.resent += 1;
        self.client.tell(&Event::InTurn(self.done, self.requests.len(), request));
        call(&self.client, request, None, &mut self.client.budget())
    }

    fn route_of(&self, request: &'r Request) -> Result<(Route<'_>, Peer), Error> {
        let route = self.client.config.routes.to(request.url()).map_err(Error::Proxy)?;
        Ok((route, route.peer(request.url())))
    }

    /// Sends all of them in one write.
    fn send(&self) -> Result<State, Error> {
        let mut budget = self.client.budget();
        let Some(first) = self.requests.first() else { return Ok(State::OneByOne) };
        let (route, peer) = self.route_of(first)?;
        let mut connection = connection_to(&self.client, route, &peer, &mut budget)?;
        let mut waiting = VecDeque::new();
        for request in self.requests {
            let (content, begun) = (request.content()?, connection.output.len());
            let head = request.head_to(route.proxy(), &content);
            let sending = SendHead.send(&head, None, &mut connection.output);
            self.client.tell(&Event::Sending(&connection.output[begun..]));
            waiting.push_back(sending.finish(&mut connection.output));
        }
        budget.enter(Phase::Send, Instant::now());
        loop {
            match connection.flush(&mut budget) {
                Ok(Flushed::All) => break,
                // It may wait for us to take its answers.
                Ok(Flushed::Stalled) => connection.glean(),
                Err(error) => {
                    self.client.tell(&Event::Closed(connection.id, error.close()));
                    return Err(error);
                }
            }
        }
        self.client.tell(&Event::Sent(0));
        Ok(State::Sent(Some(Box::new(connection)), waiting, Box::new(budget)))
    }
}
