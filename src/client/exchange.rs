//! One exchange on one connection: a request goes out, the head of its answer comes in.
//!
//! ```text
//! send_head ─> send_body ─> recv_head
//!              ^  │ hear: 100, go on; refused, stop
//!              └──┘
//! ```
//! The server may speak before the body is out, and is listened to between two pieces of it: a 100 that
//! the body waits for (RFC 9110, 10.1.1), or an answer that makes the rest of it pointless (RFC 9112, 9.5).

use std::time::{Duration, Instant};

use super::Client;
use super::budget::{Budget, Phase};
use super::connection::{Connection, Flushed};
use super::error::Error;
use super::event::Event;
use super::misread::Misread;
use super::request::{Content, Request};
use super::route::Route;
use super::upload::Upload;
use crate::proto::http::client::{Head, Heard, RecvBody, RecvHead, SendBody, SendHead};
use crate::proto::http::framing::Framing;
use crate::proto::http::head::ResponseHead;
use crate::proto::http::status::Status;

/// How long a body waits for its 100 (Continue), as curl's; then it is sent all the same, as not
/// every server knows of it (RFC 9110, 10.1.1).
const CONTINUE: Duration = Duration::from_secs(1);

/// The head of an answer, those that came before it, and the body that is to come.
pub(super) struct Answer {
    pub(super) interim: Vec<ResponseHead>,
    pub(super) head: ResponseHead,
    pub(super) body: RecvBody,
}

/// Sends the request and receives the head of the answer, on this connection.
pub(super) fn exchange(
    client: &Client,
    request: &Request,
    route: Route<'_>,
    content: &Content<'_>,
    upload: Upload<'_, '_>,
    connection: &mut Connection,
    budget: &mut Budget,
) -> Result<Answer, Error> {
    let mut exchange = Exchange::new(client, connection, budget);
    let sending = exchange.send_head(request, route, content);
    let answer = exchange
        .send_body(content, upload, sending)
        .and_then(|waiting| exchange.recv_head(waiting));
    match answer {
        Ok((head, body)) => Ok(Answer { interim: exchange.interim, head, body }),
        Err(error @ (Error::NoAnswer | Error::Receive(_))) => Err(connection.no_answer(error)),
        Err(error) => Err(error),
    }
}

/// Receives the head of an answer to a request that was sent before.
pub(super) fn next_answer(
    client: &Client,
    waiting: RecvHead,
    connection: &mut Connection,
    budget: &mut Budget,
) -> Result<Answer, Error> {
    let mut exchange = Exchange::new(client, connection, budget);
    let (head, body) = exchange.recv_head(waiting)?;
    Ok(Answer { interim: exchange.interim, head, body })
}

/// A request and its answer under way.
struct Exchange<'a> {
    client: &'a Client,
    connection: &'a mut Connection,
    budget: &'a mut Budget,
    /// The interim answers that have come.
    interim: Vec<ResponseHead>,
    /// How much of the body has been handed on, in bytes.
    sent: u64,
    /// Has it been told that a byte came?
    heard: bool,
}

impl<'a> Exchange<'a> {
    fn new(
        client: &'a Client,
        connection: &'a mut Connection,
        budget: &'a mut Budget,
    ) -> Exchange<'a> {
        Exchange { client, connection, budget, interim: Vec::new(), sent: 0, heard: false }
    }

    /// Puts the head in front of the body: one write for both, where both are small.
    fn send_head(
        &mut self,
        request: &Request,
        route: Route<'_>,
        content: &Content<'_>,
    ) -> SendBody {
        let head = request.head_to(route.proxy(), content);
        let out = &mut self.connection.output;
        let sending = match content.framing {
            Framing::Chunked => SendHead.send_chunked(&head, out),
            Framing::Length(length) => SendHead.send(&head, Some(length), out),
            Framing::None | Framing::UntilClose => SendHead.send(&head, None, out),
        };
        self.client.tell(&Event::Sending(&self.connection.output));
        sending
    }

    /// Sends the body, or as much of it as the server wants.
    fn send_body(
        &mut self,
        content: &Content<'_>,
        upload: Upload<'_, '_>,
        sending: SendBody,
    ) -> Result<RecvHead, Error> {
        let waiting = match self.send_pieces(content, upload, sending) {
            Ok(waiting) => waiting,
            Err(Stop::Enough(waiting)) => *waiting,
            Err(Stop::Failed(error)) => return Err(error),
        };
        self.client.tell(&Event::Sent(self.sent));
        Ok(waiting)
    }

    fn send_pieces(
        &mut self,
        content: &Content<'_>,
        mut upload: Upload<'_, '_>,
        mut sending: SendBody,
    ) -> Result<RecvHead, Stop> {
        self.budget.enter(Phase::Send, Instant::now());
        if content.expects_continue {
            sending = self.flush(sending)?;
            self.budget.enter(Phase::Head, Instant::now());
            sending = self.wait_for_continue(sending)?;
        }
        while let Some(piece) = upload.next().map_err(Error::Upload)? {
            // What the reader took is not the server's time.
            self.budget.enter(Phase::Send, Instant::now());
            if self.sent > 0 {
                let (going, answer) = self.listen(sending)?;
                if answer.is_some_and(is_refusal) {
                    return Err(Stop::Enough(Box::new(going.abandon())));
                }
                sending = going;
            }
            self.sent += piece.len() as u64;
            sending.write(piece, &mut self.connection.output);
            sending = self.flush(sending)?;
        }
        self.budget.enter(Phase::Send, Instant::now());
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
                    return Err(Stop::Enough(Box::new(sending.abandon())));
                }
                Heard::Final(_, sending) => return Ok(sending),
                Heard::Interim(head, sending) if head.status == Status::CONTINUE => {
                    return Ok(sending);
                }
                Heard::Interim(_, sending) => sending,
                Heard::Nothing(sending) => {
                    let patience = CONTINUE.saturating_sub(begun.elapsed());
                    if !self.connection.fill_within(patience, self.budget)? {
                        return Ok(sending);
                    }
                    self.came();
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
                return Err(Stop::Enough(Box::new(going.abandon())));
            }
            sending = going;
        }
        match self.connection.is_intact() {
            true => Ok(sending),
            false => Err(Stop::Enough(Box::new(sending.abandon()))),
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
                    self.came();
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
        let heard = sending.hear(input, &self.client.config.limits);
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
        self.budget.enter(Phase::Head, Instant::now());
        loop {
            let (input, taken) = (&mut self.connection.input, waiting.taken());
            let before = input.len();
            let step = waiting.receive(input, &self.client.config.limits);
            let step =
                step.map_err(|fault| Error::Head(Misread::new(fault, taken, input.last(before))))?;
            waiting = match step {
                Head::More(waiting) => {
                    self.connection.fill(self.budget)?;
                    self.came();
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

    /// Tells of the first byte of the answer, once.
    fn came(&mut self) {
        if self.connection.has_heard() && !self.heard {
            self.heard = true;
            self.client.tell(&Event::FirstByte);
        }
    }
}

/// Why the body is not sent to its end.
enum Stop {
    /// The server has answered, or takes no more: what it said is read.
    Enough(Box<RecvHead>),
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
