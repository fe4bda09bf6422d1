//! One exchange on one connection: sends a request and receives the head of its response.
//!
//! ```text
//! send_head ─> send_body ─> recv_head
//!              ^  │ poll_response: 100, continue; a refusal, stop
//!              └──┘
//! ```
//! The server may respond before the body is sent, so the client looks for a response between two pieces of
//! it: a 100 that the body waits for (RFC 9110, 10.1.1), or a refusal, after which the rest of the body is
//! pointless (RFC 9112, 9.5).

use std::time::Instant;

use super::Client;
use super::budget::{Budget, Phase};
use super::connection::{Connection, Flushed};
use super::event::Event;
use super::exchange_error::ExchangeError;
use super::outgoing::Outgoing;
use super::upload::BodyPieces;
use crate::proto::http::client::{Head, Heard, RecvBody, RecvHead, SendBody};
use crate::proto::http::head::ResponseHead;
use crate::proto::http::status::Status;

/// The head of a response, the interim responses before it, and the state that receives its body.
#[derive(Debug)]
pub(super) struct IncomingResponse {
    pub(super) interim: Vec<ResponseHead>,
    pub(super) head: ResponseHead,
    pub(super) body: RecvBody,
}

/// Sends the request and receives the head of the response, on this connection.
pub(super) fn exchange(
    client: &Client,
    outgoing: &Outgoing<'_>,
    pieces: BodyPieces<'_, '_>,
    connection: &mut Connection,
    budget: &mut Budget,
) -> Result<IncomingResponse, ExchangeError> {
    let mut exchange = Exchange::new(client, connection, budget);
    let sending = exchange.send_head(outgoing);
    let received = exchange
        .send_body(outgoing.framed.expects_continue, pieces, sending)
        .and_then(|waiting| exchange.recv_head(waiting));
    received.map_err(|error| match error {
        ExchangeError::NoResponse | ExchangeError::Receive(_) => connection.no_response(error),
        error => error,
    })
}

/// Receives the head of the response to a request that was sent before.
pub(super) fn next_response(
    client: &Client,
    waiting: RecvHead,
    connection: &mut Connection,
    budget: &mut Budget,
) -> Result<IncomingResponse, ExchangeError> {
    Exchange::new(client, connection, budget).recv_head(waiting)
}

/// The state of an exchange.
struct Exchange<'a> {
    client: &'a Client,
    connection: &'a mut Connection,
    budget: &'a mut Budget,
    /// The interim responses that have arrived.
    interim: Vec<ResponseHead>,
    /// How many bytes of the body were handed to the connection.
    sent: u64,
    /// Whether [`Event::FirstByte`] was reported.
    reported_first_byte: bool,
}

impl<'a> Exchange<'a> {
    fn new(
        client: &'a Client,
        connection: &'a mut Connection,
        budget: &'a mut Budget,
    ) -> Exchange<'a> {
        let interim = Vec::new();
        Exchange { client, connection, budget, interim, sent: 0, reported_first_byte: false }
    }

    /// Puts the head into the output. Head and body are sent in one write, where both are small.
    fn send_head(&mut self, outgoing: &Outgoing<'_>) -> SendBody {
        let sending = outgoing.encode_head(&mut self.connection.output);
        self.client.notify(&Event::Sending(&self.connection.output));
        sending
    }

    /// Sends the body, or as much of it as the server accepts.
    fn send_body(
        &mut self,
        expects_continue: bool,
        pieces: BodyPieces<'_, '_>,
        sending: SendBody,
    ) -> Result<RecvHead, ExchangeError> {
        let waiting = match self.send_pieces(expects_continue, pieces, sending) {
            Ok(waiting) => waiting,
            Err(StopSending::ReadResponse(waiting)) => *waiting,
            Err(StopSending::Failed(error)) => return Err(error),
        };
        self.client.notify(&Event::Sent(self.sent));
        Ok(waiting)
    }

    fn send_pieces(
        &mut self,
        expects_continue: bool,
        mut pieces: BodyPieces<'_, '_>,
        mut sending: SendBody,
    ) -> Result<RecvHead, StopSending> {
        self.budget.enter(Phase::Send, Instant::now());
        if expects_continue {
            sending = self.flush(sending)?;
            self.budget.enter(Phase::Head, Instant::now());
            sending = self.wait_for_continue(sending)?;
        }
        while let Some(piece) = pieces.next().map_err(ExchangeError::Upload)? {
            // The time that the reader took does not count as the server's.
            self.budget.enter(Phase::Send, Instant::now());
            if self.sent > 0 {
                let (going, status) = self.check_for_response(sending)?;
                if status.is_some_and(is_refusal) {
                    return Err(StopSending::ReadResponse(Box::new(going.abandon())));
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

    /// Waits for the 100 (Continue), for a final response in its place, or for the timeout.
    fn wait_for_continue(&mut self, mut sending: SendBody) -> Result<SendBody, StopSending> {
        let begun = Instant::now();
        loop {
            sending = match self.poll_response(sending)? {
                Heard::Final(status, sending) if is_refusal(status) => {
                    return Err(StopSending::ReadResponse(Box::new(sending.abandon())));
                }
                Heard::Final(_, sending) => return Ok(sending),
                Heard::Interim(head, sending) if head.status == Status::CONTINUE => {
                    return Ok(sending);
                }
                Heard::Interim(_, sending) => sending,
                Heard::Nothing(sending) => {
                    let patience = self.budget.expect_continue().saturating_sub(begun.elapsed());
                    if !self.connection.fill_within(patience, self.budget)? {
                        return Ok(sending);
                    }
                    self.report_first_byte();
                    sending
                }
                Heard::Closed => return Err(StopSending::Failed(ExchangeError::NoResponse)),
            }
        }
    }

    /// Sends the output. Stops where the server accepts no more and has responded.
    fn flush(&mut self, mut sending: SendBody) -> Result<SendBody, StopSending> {
        while self.connection.flush(self.budget)? == Flushed::Stalled {
            let (going, status) = self.check_for_response(sending)?;
            if status.is_some() {
                return Err(StopSending::ReadResponse(Box::new(going.abandon())));
            }
            sending = going;
        }
        match self.connection.is_writable() {
            true => Ok(sending),
            false => Err(StopSending::ReadResponse(Box::new(sending.abandon()))),
        }
    }

    /// Reads what the server has sent so far. Returns the status of its final response, if it is there.
    fn check_for_response(
        &mut self,
        mut sending: SendBody,
    ) -> Result<(SendBody, Option<Status>), ExchangeError> {
        let mut has_read = false;
        loop {
            sending = match self.poll_response(sending)? {
                Heard::Final(status, sending) => return Ok((sending, Some(status))),
                Heard::Interim(_, sending) => sending,
                Heard::Nothing(sending) if has_read => return Ok((sending, None)),
                Heard::Nothing(sending) => {
                    self.connection.read_available();
                    self.report_first_byte();
                    has_read = true;
                    sending
                }
                Heard::Closed => return Err(ExchangeError::NoResponse),
            }
        }
    }

    /// Parses the next response head in the input, while the request is being sent.
    fn poll_response(&mut self, sending: SendBody) -> Result<Heard, ExchangeError> {
        let input = &mut self.connection.input;
        let heard = sending.hear(input, &self.client.config.limits);
        let heard = heard.map_err(|rejected| ExchangeError::Head(rejected.into()))?;
        if let Heard::Interim(head, _) = &heard {
            self.client.notify(&Event::Interim(head));
            self.interim.push(head.clone());
        }
        Ok(heard)
    }

    /// Receives heads until the final one.
    fn recv_head(&mut self, mut waiting: RecvHead) -> Result<IncomingResponse, ExchangeError> {
        self.budget.enter(Phase::Head, Instant::now());
        loop {
            let input = &mut self.connection.input;
            let step = waiting.receive(input, &self.client.config.limits);
            let step = step.map_err(|rejected| ExchangeError::Head(rejected.into()))?;
            waiting = match step {
                Head::More(waiting) => {
                    self.connection.fill(self.budget)?;
                    self.report_first_byte();
                    waiting
                }
                Head::Interim(head, waiting) => {
                    self.client.notify(&Event::Interim(&head));
                    self.interim.push(head);
                    waiting
                }
                Head::Complete(head, body) => {
                    self.client.notify(&Event::Head(&head));
                    let interim = std::mem::take(&mut self.interim);
                    return Ok(IncomingResponse { interim, head, body });
                }
                Head::Closed => return Err(ExchangeError::NoResponse),
            };
        }
    }

    /// Reports the first byte of the response, once.
    fn report_first_byte(&mut self) {
        if self.connection.has_received() && !self.reported_first_byte {
            self.reported_first_byte = true;
            self.client.notify(&Event::FirstByte);
        }
    }
}

/// Why the body is not sent to its end.
enum StopSending {
    /// The server has responded, or accepts no more: its response is read.
    ReadResponse(Box<RecvHead>),
    Failed(ExchangeError),
}

impl<E: Into<ExchangeError>> From<E> for StopSending {
    fn from(error: E) -> StopSending {
        StopSending::Failed(error.into())
    }
}

/// "If the client sees a response that indicates the server does not wish to receive the message
/// body […], the client SHOULD immediately cease transmitting the body" (RFC 9112, 9.5). As with curl,
/// a redirect is one, too: the body belongs elsewhere.
fn is_refusal(status: Status) -> bool {
    status.code() >= 300
}
