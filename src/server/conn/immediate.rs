//! Whether a connection that is ready needs no worker: the request that has arrived is for an
//! [immediate](crate::server::Immediate) handler, or the next events of a stream can be sent.

use std::net::TcpStream;

use super::Http;
use super::connection::{Connection, State};
use super::receive::ArrivingHead;
use crate::net::socket::peek;
use crate::proto::buf::Buf;
use crate::proto::http::server::{Head, RecvHead};
use crate::server::router::Found;

/// The longest head of such a request: 4 KB.
const HEAD: usize = 4 << 10;

impl Http {
    /// Returns true if the next step of this connection, which is ready, needs no worker: a request for an
    /// immediate handler, the next events of a stream, or the end of an idle connection whose client has left. A
    /// head that has arrived in part is for a worker.
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

    /// Looks at what has arrived, which stays to be read.
    fn peeks_immediate(&self, stream: &TcpStream) -> bool {
        let mut bytes = [0; HEAD];
        let Ok(length) = peek(stream, &mut bytes) else { return false };
        let mut input = Buf::new();
        input.extend(&bytes[..length]);
        match RecvHead::default().receive(&mut input, &self.limits) {
            Ok(Head::Complete(head, _)) => {
                let found = self.routes.find(&head.method, &head.target);
                matches!(found, Found::Handler(endpoint, _) if endpoint.handler.is_immediate())
            }
            _ => length == 0,
        }
    }
}
