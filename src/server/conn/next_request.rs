//! What is known of the next request of a connection before a worker takes it: what has arrived is looked at, and
//! stays to be read.

use std::net::TcpStream;

use super::Http;
use super::connection::{Connection, State};
use super::handle::guarded;
use super::receive::ArrivingHead;
use super::request_body::RequestBody;
use crate::net::peer_address::PeerAddress;
use crate::net::socket::peek;
use crate::proto::buf::Buf;
use crate::proto::http::head::RequestHead;
use crate::proto::http::server::{Head, RecvHead};
use crate::server::request::Request;

/// The longest head that is looked at: 4 KB.
const HEAD: usize = 4 << 10;

/// What has arrived, and was not read yet.
enum Arrived {
    Nothing,
    /// The end of the connection.
    End,
    /// The whole head of a request.
    Head(Box<RequestHead>),
    /// A part of a head, or one that is too long or not right.
    Part,
}

impl Http {
    /// Returns true if the next step of this connection, which is ready, needs no worker: a request for an
    /// [immediate](crate::server::Immediate) handler, the next events of a stream, or the end of an idle connection
    /// whose client has left. A head that has arrived in part is for a worker.
    pub(super) fn needs_no_worker(&self, connection: &Connection, stream: &TcpStream) -> bool {
        match &connection.state {
            State::Head(ArrivingHead { recv, since: None, .. }) => {
                connection.io.input.is_empty()
                    && recv.skipping().is_none()
                    && self.peeks_immediate(stream)
            }
            State::Sending(sending) => sending.body.is_of_events(),
            State::Head(_) | State::Body(_) | State::Stream(_) | State::Closing(_) => false,
        }
    }

    fn peeks_immediate(&self, stream: &TcpStream) -> bool {
        match self.peek(stream) {
            Arrived::Nothing | Arrived::Part => false,
            Arrived::End => true,
            Arrived::Head(head) => {
                let found = self.routes.find(&head.method, &head.target);
                matches!(found, Ok((endpoint, _)) if endpoint.handler.is_immediate())
            }
        }
    }

    /// Returns the size of the request that a connection is ready with; 0 for what is left of a request or of a
    /// response.
    pub(super) fn size_of_work(&self, connection: &Connection, stream: &TcpStream) -> Option<u64> {
        if connection.is_done() {
            self.size_of_arrived(stream, connection.io.peer)
        } else {
            Some(0)
        }
    }

    /// Returns the size of the request that has arrived, as its handler says; `None` if none has. One that no
    /// handler gets has the size 0.
    pub(in crate::server) fn size_of_arrived(
        &self,
        stream: &TcpStream,
        peer: PeerAddress,
    ) -> Option<u64> {
        let head = match self.peek(stream) {
            Arrived::Nothing | Arrived::Part => return None,
            Arrived::End => return Some(0),
            Arrived::Head(head) => head,
        };
        let Ok((endpoint, params)) = self.routes.find(&head.method, &head.target) else {
            return Some(0);
        };
        let request = Request { head, body: RequestBody::default(), peer, params, arrival: None };
        Some(guarded(|| endpoint.handler.size(&request)).unwrap_or_default())
    }

    fn peek(&self, stream: &TcpStream) -> Arrived {
        let mut bytes = [0; HEAD];
        let Ok(length) = peek(stream, &mut bytes) else { return Arrived::Nothing };
        let mut input = Buf::new();
        input.extend(&bytes[..length]);
        match RecvHead::default().receive(&mut input, &self.limits) {
            Ok(Head::Complete(head, _)) => Arrived::Head(head),
            _ if length == 0 => Arrived::End,
            _ => Arrived::Part,
        }
    }
}
