//! One request, from the look-up of its host to the head of its response: the main loop of the client.
//!
//! ```text
//! check out an idle connection ─┐ stale, and the method idempotent: again, on a fresh connection
//!            └─ or              v
//! resolve ─> connect ─> exchange: send_head ─> send_body ─> recv_head ─> Response (recv_body)
//!                       417: again, without Expect
//! ```

use std::time::Instant;

use super::Client;
use super::budget::Budget;
use super::conn_pool::Checkout;
use super::connection::Connection;
use super::dial::dial;
use super::error_kind::ErrorKind;
use super::event::Event;
use super::exchange::{IncomingResponse, exchange};
use super::exchange_error::ExchangeError;
use super::outgoing::{BodySize, Framed, Outgoing};
use super::request::Request;
use super::response::{Response, ResponseParts};
use super::route::{Peer, Route};
use super::upload::{BodyPieces, BodyReader};
use crate::proto::http::close::CloseReason;
use crate::proto::http::framing::Framing;
use crate::proto::http::head::ResponseHead;
use crate::proto::http::status::Status;

/// Sends a request and receives the head of its response.
pub(super) fn call(
    client: &Client,
    request: &Request,
    mut reader: Option<&mut BodyReader<'_>>,
    budget: &mut Budget,
) -> Result<Response, ErrorKind> {
    let framed = match &mut reader {
        Some(reader) => framed_reader(request, reader)?,
        None => request.framed(request.body_size())?,
    };
    let route = client.config.connect.route(request.url()).map_err(ErrorKind::Proxy)?;
    let peer = route.peer(request.url());
    check_coding(client, framed, &peer)?;
    let mut connection = connection_to(client, route, &peer, budget)?;
    let outgoing = outgoing(client, request, route, framed);
    let mut outcome = send(client, &outgoing, reader.as_deref_mut(), &mut connection, budget);
    let can_replay = |reader: &mut Option<&mut BodyReader<'_>>| {
        reader.as_mut().is_none_or(|reader| reader.rewind())
    };
    // RFC 9110, 9.2.2: the server may have closed just before the request arrived. It may also have
    // seen the request, so sending it twice must be harmless.
    if let Err(error) = &outcome
        && !matches!(error, ExchangeError::TimedOut(_) | ExchangeError::Upload(_))
        && connection.was_stale()
        && request.method().is_idempotent()
        && can_replay(&mut reader)
    {
        client.notify(&Event::Reconnecting(connection.id));
        connection = open(client, route, &peer, budget)?;
        outcome = send(client, &outgoing, reader.as_deref_mut(), &mut connection, budget);
    }
    if let Ok(received) = &outcome {
        client.pool.note_version(&peer, received.head.version);
    }
    // RFC 9110, 10.1.1: "SHOULD repeat that request without a 100-continue expectation".
    if framed.expects_continue
        && outcome.as_ref().is_ok_and(|got| got.head.status == Status::EXPECTATION_FAILED)
        && can_replay(&mut reader)
    {
        client.notify(&Event::Closed(connection.id, CloseReason::ResponseUnread));
        check_coding(client, framed, &peer)?;
        connection = open(client, route, &peer, budget)?;
        let framed = Framed { expects_continue: false, ..framed };
        let outgoing = self::outgoing(client, request, route, framed);
        outcome = send(client, &outgoing, reader, &mut connection, budget);
    }
    match outcome {
        Ok(received) => {
            take_cookies(client, request, &received.head);
            Ok(Response::new(ResponseParts {
                client: client.clone(),
                url: request.url().clone(),
                peer,
                connection,
                budget: *budget,
                received,
                more_follow: false,
            }))
        }
        Err(error) => {
            client.notify(&Event::Closed(connection.id, error.close_reason()));
            Err(error.into())
        }
    }
}

/// Returns the request as it is sent on this route, with the cookies that are kept.
pub(super) fn outgoing<'r>(
    client: &Client,
    request: &'r Request,
    route: Route<'_>,
    framed: Framed,
) -> Outgoing<'r> {
    let mut outgoing = request.outgoing(route, framed);
    if let Some(cookies) = &client.config.cookies {
        cookies.add_to(&mut outgoing.head, request.url());
    }
    outgoing
}

/// Keeps the cookies of a response.
pub(super) fn take_cookies(client: &Client, request: &Request, head: &ResponseHead) {
    if let Some(cookies) = &client.config.cookies {
        cookies.take_from(head, request.url());
    }
}

/// Checks that no chunks are sent to a server that responded with HTTP/1.0: "A client MUST NOT send a request
/// containing Transfer-Encoding unless it knows the server will handle HTTP/1.1 requests […]; such knowledge
/// might be […] by remembering the version of a prior received response" (RFC 9112, 6.1). The first request
/// to a server may have chunks, as with curl.
fn check_coding(client: &Client, framed: Framed, peer: &Peer) -> Result<(), ErrorKind> {
    match framed.framing == Framing::Chunked && client.pool.is_http10(peer) {
        true => Err(ErrorKind::NoLength),
        false => Ok(()),
    }
}

fn send(
    client: &Client,
    outgoing: &Outgoing<'_>,
    reader: Option<&mut BodyReader<'_>>,
    connection: &mut Connection,
    budget: &mut Budget,
) -> Result<IncomingResponse, ExchangeError> {
    exchange(client, outgoing, BodyPieces::new(outgoing.body, reader), connection, budget)
}

/// Returns how a body from a reader is framed. Where the reader's length is not known, a Content-Length of
/// the caller's sets it.
fn framed_reader(request: &Request, reader: &mut BodyReader<'_>) -> Result<Framed, ErrorKind> {
    let framed = request.framed(reader.length().map_or(BodySize::Unknown, BodySize::Known))?;
    if let Framing::Length(length) = framed.framing {
        reader.declare_length(length);
    }
    Ok(framed)
}

/// Returns an idle connection, or a fresh one.
pub(super) fn connection_to(
    client: &Client,
    route: Route<'_>,
    peer: &Peer,
    budget: &mut Budget,
) -> Result<Connection, ErrorKind> {
    check_out(client, peer).map_or_else(|| open(client, route, peer, budget), Ok)
}

/// Takes an idle connection from the pool, if there is one.
fn check_out(client: &Client, peer: &Peer) -> Option<Connection> {
    for old in client.pool.take_expired(&client.config.pool, Instant::now()) {
        client.notify(&Event::Closed(old.id, CloseReason::Idle));
    }
    loop {
        match client.pool.check_out(peer)? {
            Checkout::Ready(mut connection) => {
                connection.notifier = client.notifier.clone();
                client.notify(&Event::Reusing(connection.id, peer.host()));
                return Some(connection);
            }
            Checkout::Stale(stale) => client.notify(&Event::Stale(stale.id)),
        }
    }
}

/// Opens a fresh connection.
fn open(
    client: &Client,
    route: Route<'_>,
    peer: &Peer,
    budget: &mut Budget,
) -> Result<Connection, ErrorKind> {
    let stream = dial(client, route, budget)?;
    let ends = stream.endpoints().map_err(ErrorKind::Receive)?;
    let mut connection = Connection::new(client.pool.next_id(), stream);
    connection.notifier = client.notifier.clone();
    client.notify(&Event::Connected(connection.id, peer.host(), &ends));
    Ok(connection)
}
