//! The state of a connection between two turns of the lobby, and the buffers it borrows for a turn.

use std::ops::{Deref, DerefMut};

use super::Http;
use super::connection_io::{ConnectionIo, Scratch};
use super::receive::{ArrivingHead, CollectingRequest};
use super::route::StreamedRequest;
use super::send::{SendingResponse, Sent};
use crate::net::admission::AddressPermit;
use crate::net::peer_address::PeerAddress;
use crate::net::service::Next;
use crate::proto::http::close::CloseReason;
use crate::tls::Session;

/// One connection between two turns.
#[derive(Debug)]
pub struct Connection {
    pub(super) io: ConnectionIo,
    pub(super) state: State,
}

#[derive(Debug)]
pub(super) enum State {
    /// The head of a request is arriving, or none of it has arrived.
    Head(ArrivingHead),
    /// The body of a request is arriving.
    Body(Box<CollectingRequest>),
    /// The handler will read the body itself, in the next step.
    Stream(Box<StreamedRequest>),
    /// The body of a response is being sent.
    Sending(Box<SendingResponse>),
    /// Nothing follows what is in the output.
    Closing(CloseReason),
}

impl Http {
    /// Returns the state of a connection of the client `peer`, which has its place among the connections of its
    /// address if a proxy has named it, and a session if it is encrypted.
    pub(in crate::server) fn open_from(
        &self,
        peer: PeerAddress,
        permit: Option<AddressPermit>,
        session: Option<Session>,
    ) -> Connection {
        let io = ConnectionIo { _permit: permit, ..self.open_io(peer, session) };
        Connection { io, state: State::Head(ArrivingHead::default()) }
    }
}

impl State {
    pub(super) fn take(&mut self) -> State {
        std::mem::replace(self, State::Closing(CloseReason::PeerLeft))
    }
}

impl From<Sent> for State {
    #[inline(always)]
    fn from(sent: Sent) -> State {
        match sent {
            Sent::All(Ok(recv)) => State::Head(recv.into()),
            Sent::All(Err(close)) => State::Closing(close),
            Sent::Head(sending) => State::Sending(sending),
        }
    }
}

impl Connection {
    /// Lends the worker's buffers to this connection until the guard is dropped.
    pub(super) fn with_buffers<'c>(&'c mut self, scratch: &'c mut Scratch) -> WithBuffers<'c> {
        self.io.borrow(scratch);
        WithBuffers { connection: self, scratch }
    }

    /// Returns true if all that was requested has been responded to.
    pub(super) fn is_done(&self) -> bool {
        self.io.input.is_empty()
            && matches!(self.state, State::Head(ArrivingHead { since: None, .. }))
    }

    /// Returns true if no part of a response has been sent that is not complete.
    pub(super) fn is_between_responses(&self) -> bool {
        match &self.state {
            State::Head(ArrivingHead { recv, .. }) => recv.skipping().is_none(),
            State::Body(_) | State::Stream(_) => true,
            State::Sending(_) | State::Closing(_) => false,
        }
    }

    /// Returns how the connection closes: at once, or after a while, so that no reset overtakes the
    /// response. Even a client that will send no more requests may send one more line end (RFC 9112,
    /// 2.2).
    pub(super) fn linger_or_close(&self) -> Next {
        if self.io.input.is_closed() { Next::Close } else { Next::Linger }
    }
}

/// A connection that holds the worker's buffers. They go back when this is dropped, also by a panic.
pub(super) struct WithBuffers<'c> {
    connection: &'c mut Connection,
    scratch: &'c mut Scratch,
}

impl Deref for WithBuffers<'_> {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        self.connection
    }
}

impl DerefMut for WithBuffers<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        self.connection
    }
}

impl Drop for WithBuffers<'_> {
    fn drop(&mut self) {
        self.connection.io.give_back(self.scratch);
    }
}
