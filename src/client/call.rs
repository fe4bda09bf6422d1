//! The main loop of the client: one request, from the name of a host to the head of an answer.
//!
//! ```text
//! route ─> reuse ─────┐ stale, and the method idempotent: once more, on a fresh connection
//!            └─ or    v
//! resolve ─> connect ─> exchange: send_head ─> send_body ─> recv_head ─> Response (recv_body)
//!                       417: all again without Expect
//! ```

use std::time::Instant;

use super::Client;
use super::budget::Budget;
use super::conn_pool::Found;
use super::connection::Connection;
use super::dial::dial;
use super::error::Error;
use super::event::Event;
use super::exchange::exchange;
use super::request::{Content, Request, Size};
use super::response::Response;
use super::route::{Peer, Route};
use super::upload::{Stream, Upload};
use crate::proto::http::close::CloseReason;
use crate::proto::http::framing::Framing;
use crate::proto::http::status::Status;

/// Sends a request and receives the head of its answer.
pub(super) fn call(
    client: &Client,
    request: &Request,
    mut stream: Option<&mut Stream<'_>>,
    budget: &mut Budget,
) -> Result<Response, Error> {
    let content = match &mut stream {
        Some(stream) => streamed(request, stream)?,
        None => request.content()?,
    };
    let route = client.config.routes.to(request.url()).map_err(Error::Proxy)?;
    let peer = route.peer(request.url());
    let mut connection = connection_to(client, route, &peer, budget)?;
    let upload = Upload::new(content.body, stream.as_deref_mut());
    let mut answer = exchange(client, request, route, &content, upload, &mut connection, budget);
    let can_replay = |stream: &mut Option<&mut Stream<'_>>| {
        stream.as_mut().is_none_or(|stream| stream.begin_again())
    };
    // RFC 9110, 9.2.2: the server may have closed just when we sent, and never have seen the
    // request; sending it twice must be harmless even so.
    if let Err(error) = &answer
        && !matches!(error, Error::Timeout { .. } | Error::TooSlow { .. } | Error::Upload(_))
        && connection.was_stale()
        && request.is_idempotent()
        && can_replay(&mut stream)
    {
        client.tell(&Event::Retrying(connection.id));
        connection = open(client, route, &peer, budget)?;
        let upload = Upload::new(content.body, stream.as_deref_mut());
        answer = exchange(client, request, route, &content, upload, &mut connection, budget);
    }
    // RFC 9110, 10.1.1: "SHOULD repeat that request without a 100-continue expectation".
    if content.expects_continue
        && answer.as_ref().is_ok_and(|answer| answer.head.status == Status::EXPECTATION_FAILED)
        && can_replay(&mut stream)
    {
        client.tell(&Event::Closed(connection.id, CloseReason::AnswerUnread));
        let content = Content { expects_continue: false, ..content };
        connection = open(client, route, &peer, budget)?;
        let upload = Upload::new(content.body, stream);
        answer = exchange(client, request, route, &content, upload, &mut connection, budget);
    }
    match answer {
        Ok(answer) => {
            let url = request.url().clone();
            Ok(Response::new(client.clone(), url, peer, connection, *budget, answer))
        }
        Err(error) => {
            client.tell(&Event::Closed(connection.id, error.close()));
            Err(error)
        }
    }
}

/// How a body that comes from a reader is sent. Where its length is not known, a Content-Length of the
/// caller's says it.
fn streamed(request: &Request, stream: &mut Stream<'_>) -> Result<Content<'static>, Error> {
    let content = request.content_of(stream.length().map_or(Size::Unknown, Size::Known))?;
    if let Framing::Length(length) = content.framing {
        stream.limit(length);
    }
    Ok(content)
}

/// A connection that waits for us, or a fresh one.
pub(super) fn connection_to(
    client: &Client,
    route: Route<'_>,
    peer: &Peer,
    budget: &mut Budget,
) -> Result<Connection, Error> {
    reuse(client, peer).map_or_else(|| open(client, route, peer, budget), Ok)
}

/// A connection that waits for us, if there is one.
fn reuse(client: &Client, peer: &Peer) -> Option<Connection> {
    for old in client.idle.expired(&client.config.keep, Instant::now()) {
        client.tell(&Event::Closed(old.id, CloseReason::Idle));
    }
    loop {
        match client.idle.take(peer)? {
            Found::Alive(mut connection) => {
                connection.watcher = client.watcher();
                client.tell(&Event::Reusing(connection.id, peer.host()));
                return Some(connection);
            }
            Found::Dead(dead) => client.tell(&Event::Dead(dead.id)),
        }
    }
}

/// A fresh connection.
fn open(
    client: &Client,
    route: Route<'_>,
    peer: &Peer,
    budget: &mut Budget,
) -> Result<Connection, Error> {
    let stream = dial(client, route, budget)?;
    let ends = stream.ends().map_err(Error::Receive)?;
    let mut connection = Connection::new(client.idle.next_id(), stream);
    connection.watcher = client.watcher();
    client.tell(&Event::Connected(connection.id, peer.host(), &ends));
    Ok(connection)
}
