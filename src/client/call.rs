//! The main loop of the client: one exchange, from the name of a host to the head of an answer.
//!
//! ```text
//! reuse ──────────────┐ stale, and the method idempotent: once more, on a fresh connection
//!   └─ or             v
//! resolve ─> connect ─> send_head ─> send_body ─> recv_head ─> Response (recv_body)
//! ```

use super::Client;
use super::budget::{Budget, Phase};
use super::connection::Connection;
use super::error::Error;
use super::event::Event;
use super::request::Request;
use super::response::Response;
use super::reuse::Origin;
use crate::net::connect::{Attempt, connect};
use crate::net::resolve::{ResolveError, resolve};
use crate::proto::http::client::{Head, RecvBody, RecvHead, SendBody, SendHead};
use crate::proto::http::head::ResponseHead;

/// How much of a body is written at once; between two pieces we look whether the server has had
/// enough.
const PIECE: usize = 64 << 10;

/// The head of an answer, those that came before it, and the body that is to come.
pub(super) struct Answer {
    pub(super) interim: Vec<ResponseHead>,
    pub(super) head: ResponseHead,
    pub(super) body: RecvBody,
}

/// Sends a request and receives the head of its answer.
pub(super) fn call(client: &Client, request: &Request) -> Result<Response, Error> {
    let budget = client.budget();
    let origin = (request.url().host().into(), request.url().port());
    let mut connection = match reuse(client, &origin) {
        Some(connection) => connection,
        None => open(client, &origin, &budget)?,
    };
    let mut answer = exchange(client, request, &mut connection, &budget);
    // RFC 9110, 9.2.2: the server may have closed just when we sent, and never have seen the
    // request; sending it twice must be harmless even so.
    if let Err(error) = &answer
        && !matches!(error, Error::Timeout { .. })
        && connection.was_stale()
        && request.is_idempotent()
    {
        client.tell(&Event::Retrying(connection.id));
        connection = open(client, &origin, &budget)?;
        answer = exchange(client, request, &mut connection, &budget);
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
    });
    let stream = stream.map_err(|error| match error.timed_out {
        true => budget.timed_out(Phase::Connect),
        false => Error::Connect(host.to_string(), *port, error),
    })?;
    let address = stream.peer_addr().map_err(Error::Receive)?;
    let connection = Connection::new(client.idle.next_id(), stream);
    client.tell(&Event::Connected(connection.id, host, address));
    Ok(connection)
}

/// Sends the request and receives the head of the answer, on this connection.
fn exchange(
    client: &Client,
    request: &Request,
    connection: &mut Connection,
    budget: &Budget,
) -> Result<Answer, Error> {
    let sending = send_head(client, request, connection);
    let waiting = send_body(request, sending, connection, budget)?;
    match recv_head(client, waiting, connection, budget) {
        Err(error @ (Error::NoAnswer | Error::Receive(_))) => Err(connection.no_answer(error)),
        answer => answer,
    }
}

/// Puts the head in front of the body: one write for both, where both are small.
fn send_head(client: &Client, request: &Request, connection: &mut Connection) -> SendBody {
    let (_, length) = request.content();
    let sending = SendHead.send(&request.head(), length, &mut connection.output);
    client.tell(&Event::Sending(&connection.output));
    sending
}

/// Sends the body, or as much of it as the server wants.
fn send_body(
    request: &Request,
    mut sending: SendBody,
    connection: &mut Connection,
    budget: &Budget,
) -> Result<RecvHead, Error> {
    let (body, _) = request.content();
    for (at, piece) in body.chunks(PIECE).enumerate() {
        if at > 0 && connection.is_refused() {
            break;
        }
        sending.write(piece, &mut connection.output);
        connection.flush(budget)?;
    }
    let waiting = sending.finish(&mut connection.output);
    connection.flush(budget)?;
    Ok(waiting)
}

/// Receives heads until the final one.
fn recv_head(
    client: &Client,
    mut waiting: RecvHead,
    connection: &mut Connection,
    budget: &Budget,
) -> Result<Answer, Error> {
    let mut interim = Vec::new();
    loop {
        let step = waiting.receive(&mut connection.input, &client.limits);
        waiting = match step.map_err(|rejected| Error::Head(rejected.fault))? {
            Head::More(waiting) => {
                connection.fill(budget, Phase::Head)?;
                waiting
            }
            Head::Interim(head, waiting) => {
                client.tell(&Event::Interim(&head));
                interim.push(head);
                waiting
            }
            Head::Complete(head, body) => {
                client.tell(&Event::Head(&head));
                return Ok(Answer { interim, head, body });
            }
            Head::Closed => return Err(Error::NoAnswer),
        };
    }
}
