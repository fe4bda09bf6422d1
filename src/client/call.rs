//! The main loop of the client: one exchange, from the name of a host to the head of an answer.
//!
//! ```text
//! reuse ──────────────┐ stale, and the method idempotent: once more, on a fresh connection
//!   └─ or             v
//! resolve ─> connect ─> send_head ─> send_body ─> recv_head ─> Response (recv_body)
//!                                    ^  │ hear: 100, go on; refused, stop; 417, all again without Expect
//!                                    └──┘
//! ```

use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::Client;
use super::budget::{Budget, Phase};
use super::connection::{Connection, Flushed};
use super::error::Error;
use super::event::Event;
use super::misread::Misread;
use super::request::{Content, Request};
use super::response::Response;
use super::reuse::Origin;
use crate::net::connect::{Attempt, connect};
use crate::net::resolve::{ResolveError, resolve};
use crate::proto::http::client::{Head, Heard, RecvBody, RecvHead, SendBody, SendHead};
use crate::proto::http::close::Close;
use crate::proto::http::framing::Framing;
use crate::proto::http::head::ResponseHead;
use crate::proto::http::status::Status;

/// How much of a body is written at once; between two pieces we look whether the server has had
/// enough.
const PIECE: usize = 64 << 10;
/// How long a body waits for its 100 (Continue), as curl's; then it is sent all the same, as not
/// every server knows of it (RFC 9110, 10.1.1).
const CONTINUE: Duration = Duration::from_secs(1);

/// The head of an answer, those that came before it, and the body that is to come.
pub(super) struct Answer {
    pub(super) interim: Vec<ResponseHead>,
    pub(super) head: ResponseHead,
    pub(super) body: RecvBody,
}

/// Sends a request and receives the head of its answer.
pub(super) fn call(client: &Client, request: &Request) -> Result<Response, Error> {
    let budget = client.budget();
    let content = request.content()?;
    let origin = (request.url().host().into(), request.url().port());
    let mut connection = match reuse(client, &origin) {
        Some(connection) => connection,
        None => open(client, &origin, &budget)?,
    };
    let mut answer = exchange(client, request, &content, &mut connection, &budget);
    // RFC 9110, 9.2.2: the server may have closed just when we sent, and never have seen the
    // request; sending it twice must be harmless even so.
    if let Err(error) = &answer
        && !matches!(error, Error::Timeout { .. })
        && connection.was_stale()
        && request.is_idempotent()
    {
        client.tell(&Event::Retrying(connection.id));
        connection = open(client, &origin, &budget)?;
        answer = exchange(client, request, &content, &mut connection, &budget);
    }
    // RFC 9110, 10.1.1: "SHOULD repeat that request without a 100-continue expectation".
    if content.expects_continue
        && answer.as_ref().is_ok_and(|answer| answer.head.status == Status::EXPECTATION_FAILED)
    {
        client.tell(&Event::Closed(connection.id, Close::AnswerUnread));
        let content = Content { expects_continue: false, ..content };
        connection = open(client, &origin, &budget)?;
        answer = exchange(client, request, &content, &mut connection, &budget);
    }
    match answer {
        Ok(answer) => Ok(Response::new(client.clone(), origin, connection, budget, answer)),
        Err(error) => {
            client.tell(&Event::Closed(connection.id, error.close()));
            Err(error)
        }
    }
}

/// A connection that waits for us, if there is one.
fn reuse(client: &Client, origin: &Origin) -> Option<Connection> {
    loop {
        match client.idle.take(origin)? {
            Ok(connection) => {
                client.tell(&Event::Reusing(connection.id, &origin.0));
                return Some(connection);
            }
            Err(dead) => client.tell(&Event::Dead(dead.id)),
        }
    }
}

/// A fresh connection.
fn open(client: &Client, origin: &Origin, budget: &Budget) -> Result<Connection, Error> {
    let stream = dial(client, origin, budget)?;
    let address = stream.peer_addr().map_err(Error::Receive)?;
    let connection = Connection::new(client.idle.next_id(), stream);
    client.tell(&Event::Connected(connection.id, &origin.0, address));
    Ok(connection)
}

/// Looks the host up and connects to it.
pub(super) fn dial(client: &Client, origin: &Origin, budget: &Budget) -> Result<TcpStream, Error> {
    let (host, port) = origin;
    let addresses = resolve(host, *port, budget.until(Phase::Resolve));
    let addresses = addresses.map_err(|error| match error {
        ResolveError::TimedOut => budget.timed_out(Phase::Resolve),
        error => Error::Resolve(host.to_string(), error),
    })?;
    client.tell(&Event::Resolved(host, &addresses));
    let stream = connect(&addresses, budget.until(Phase::Connect), &mut |attempt| match attempt {
        Attempt::Trying(address) => client.tell(&Event::Trying(address)),
        Attempt::Failed(address, error) => client.tell(&Event::Failed(address, error)),
        Attempt::Abandoned(address) => client.tell(&Event::Abandoned(address)),
    });
    stream.map_err(|error| match error.timed_out {
        true => budget.timed_out(Phase::Connect),
        false => Error::Connect(host.to_string(), *port, error),
    })
}

/// Sends the request and receives the head of the answer, on this connection.
fn exchange(
    client: &Client,
    request: &Request,
    content: &Content<'_>,
    connection: &mut Connection,
    budget: &Budget,
) -> Result<Answer, Error> {
    let mut interim = Vec::new();
    let mut exchange = Exchange { client, connection, budget, interim: &mut interim };
    let sending = exchange.send_head(request, content);
    let answer =
        exchange.send_body(content, sending).and_then(|waiting| exchange.recv_head(waiting));
    match answer {
        Ok((head, body)) => Ok(Answer { interim, head, body }),
        Err(error @ (Error::NoAnswer | Error::Receive(_))) => Err(connection.no_answer(error)),
        Err(error) => Err(error),
    }
}

/// A request and its answer under way.
struct Exchange<'a> {
    client: &'a Client,
    connection: &'a mut Connection,
    budget: &'a Budget,
    /// The interim answers that have come.
    interim: &'a mut Vec<ResponseHead>,
}

impl Exchange<'_> {
    /// Puts the head in front of the body: one write for both, where both are small.
    fn send_head(&mut self, request: &Request, content: &Content<'_>) -> SendBody {
        let (head, out) = (request.head(content), &mut self.connection.output);
        let sending = match content.framing {
            Framing::Chunked => SendHead.send_chunked(&head, out),
            Framing::Length(length) => SendHead.send(&head, Some(length), out),
            Framing::None | Framing::UntilClose => SendHead.send(&head, None, out),
        };
        self.client.tell(&Event::Sending(&self.connection.output));
        sending
    }

    /// Sends the body, or as much of it as the server wants.
    fn send_body(&mut self, content: &Content<'_>, sending: SendBody) -> Result<RecvHead, Error> {
        match self.send_pieces(content, sending) {
            Ok(waiting) | Err(Stop::Enough(waiting)) => Ok(waiting),
            Err(Stop::Failed(error)) => Err(error),
        }
    }

    fn send_pieces(
        &mut self,
        content: &Content<'_>,
        mut sending: SendBody,
    ) -> Result<RecvHead, Stop> {
        if content.expects_continue {
            sending = self.flush(sending)?;
            sending = self.wait_for_continue(sending)?;
        }
        for (at, piece) in content.body.chunks(PIECE).enumerate() {
            if at > 0 {
                let (going, answer) = self.listen(sending)?;
                if answer.is_some_and(is_refusal) {
                    return Err(Stop::Enough(going.abandon()));
                }
                sending = going;
            }
            sending.write(piece, &mut self.connection.output);
            sending = self.flush(sending)?;
        }
        let waiting = sending.finish(&mut self.connection.output);
        while self.connection.flush(self.budget)? == Flushed::Stalled {}
        Ok(waiting)
    }

    /// Waits for the 100 (Continue), or for the answer that comes in its place, or long enough.
    fn wait_for_continue(&mut self, mut sending: SendBody) -> Result<SendBody, Stop> {
        let begun = Instant::now();
        loop {
            sending = match self.hear(sending)? {
                Heard::Final(status, sending) if is_refusal(status) => {
                    return Err(Stop::Enough(sending.abandon()));
                }
                Heard::Final(_, sending) => return Ok(sending),
                Heard::Interim(head, sending) if head.status == Status::CONTINUE => {
                    return Ok(sending);
                }
                Heard::Interim(_, sending) => sending,
                Heard::Nothing(sending) => {
                    let patience = CONTINUE.saturating_sub(begun.elapsed());
                    if !self.connection.fill_within(patience, self.budget, Phase::Head)? {
                        return Ok(sending);
                    }
                    sending
                }
                Heard::Closed => return Err(Stop::Failed(Error::NoAnswer)),
            }
        }
    }

    /// Sends what is ready. Where the server takes no more and has answered, that is enough.
    fn flush(&mut self, mut sending: SendBody) -> Result<SendBody, Stop> {
        while self.connection.flush(self.budget)? == Flushed::Stalled {
            let (going, answer) = self.listen(sending)?;
            if answer.is_some() {
                return Err(Stop::Enough(going.abandon()));
            }
            sending = going;
        }
        match self.connection.is_intact() {
            true => Ok(sending),
            false => Err(Stop::Enough(sending.abandon())),
        }
    }

    /// Takes in what the server has said so far: the status of its final answer, if it is there.
    fn listen(&mut self, mut sending: SendBody) -> Result<(SendBody, Option<Status>), Error> {
        let mut gleaned = false;
        loop {
            sending = match self.hear(sending)? {
                Heard::Final(status, sending) => return Ok((sending, Some(status))),
                Heard::Interim(_, sending) => sending,
                Heard::Nothing(sending) if gleaned => return Ok((sending, None)),
                Heard::Nothing(sending) => {
                    self.connection.glean();
                    gleaned = true;
                    sending
                }
                Heard::Closed => return Err(Error::NoAnswer),
            }
        }
    }

    fn hear(&mut self, sending: SendBody) -> Result<Heard, Error> {
        let (input, taken) = (&mut self.connection.input, sending.taken());
        let before = input.len();
        let heard = sending.hear(input, &self.client.limits);
        let heard =
            heard.map_err(|fault| Error::Head(Misread::new(fault, taken, input.last(before))))?;
        if let Heard::Interim(head, _) = &heard {
            self.client.tell(&Event::Interim(head));
            self.interim.push(head.clone());
        }
        Ok(heard)
    }

    /// Receives heads until the final one.
    fn recv_head(&mut self, mut waiting: RecvHead) -> Result<(ResponseHead, RecvBody), Error> {
        loop {
            let (input, taken) = (&mut self.connection.input, waiting.taken());
            let before = input.len();
            let step = waiting.receive(input, &self.client.limits);
            let step =
                step.map_err(|fault| Error::Head(Misread::new(fault, taken, input.last(before))))?;
            waiting = match step {
                Head::More(waiting) => {
                    self.connection.fill(self.budget, Phase::Head)?;
                    waiting
                }
                Head::Interim(head, waiting) => {
                    self.client.tell(&Event::Interim(&head));
                    self.interim.push(head);
                    waiting
                }
                Head::Complete(head, body) => {
                    self.client.tell(&Event::Head(&head));
                    return Ok((head, body));
                }
                Head::Closed => return Err(Error::NoAnswer),
            };
        }
    }
}

/// Why the body is not sent to its end.
enum Stop {
    /// The server has answered, or takes no more: what it said is read.
    Enough(RecvHead),
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Failed(error)
    }
}

/// "If the client sees a response that indicates the server does not wish to receive the message
/// body […], the client SHOULD immediately cease transmitting the body" (RFC 9112, 9.5). As with curl,
/// a redirect is one, too: it wants the body elsewhere.
fn is_refusal(status: Status) -> bool {
    status.code() >= 300
}
