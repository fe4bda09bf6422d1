//! Whose request it is: that of the client of the connection, or of the client that a known proxy names.
//!
//! `Request::peer`, the access log, limits for each address and what is for this machine only go by this client. A
//! field is believed when a known proxy sends it, and never from others. A program on this machine that sends such a
//! field, and is no known proxy, passes on requests of clients that may be anywhere: they do not count as clients on
//! this machine, because `/-/metrics` would be open to the world behind such a proxy.

use std::net::SocketAddr;

use super::Http;
use super::connection_io::ConnectionIo;
use super::receive::{IncomingRequest, ReceivedHead};
use super::send::{Outgoing, RequestInfo};
use crate::net::peer_address::PeerAddress;
use crate::proto::http::forwarded::{Ambiguous, Origin, is_forwarded, origin};
use crate::proto::http::headers::Headers;
use crate::proto::http::status::Status;
use crate::server::respond::error_response::ErrorResponse;

/// What is at the other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hop {
    /// A client.
    Client,
    /// A client on this machine, or a proxy on it that is not known.
    ThisMachine,
    /// A known proxy.
    Proxy,
}

impl Http {
    /// Returns what is at the other end of a connection from `peer`.
    pub(super) fn hop(&self, peer: PeerAddress) -> Hop {
        if self.proxies.trusted.contains_peer(peer) {
            Hop::Proxy
        } else if peer.is_loopback() {
            Hop::ThisMachine
        } else {
            Hop::Client
        }
    }

    /// Counts a request whose head is complete, and finds out whose it is.
    #[inline(always)]
    pub(super) fn identify(&self, request: IncomingRequest, io: &mut ConnectionIo) -> ReceivedHead {
        io.timing.head_is_complete(request.since);
        self.stats.count_request();
        if io.hop == Hop::Client {
            return ReceivedHead::Complete(request);
        }
        if is_forwarded(&request.head.headers) {
            return self.identify_forwarded(request, io);
        }
        ReceivedHead::Complete(request)
    }

    #[cold]
    fn identify_forwarded(&self, request: IncomingRequest, io: &mut ConnectionIo) -> ReceivedHead {
        let sender = io.peer;
        let client = match io.hop {
            Hop::Proxy => self.named_by_proxy(&request.head.headers, sender),
            Hop::ThisMachine | Hop::Client => Ok(sender.relayed()),
        };
        io.peer = *client.as_ref().unwrap_or(&sender.relayed());
        io.via = Some(sender);
        let Err(ambiguous) = client else { return ReceivedHead::Complete(request) };
        let response = refusal(ambiguous).log_policy_and_respond(&request.head, io.peer);
        let IncomingRequest { head, since, recv } = request;
        let info = RequestInfo::of(head, since);
        ReceivedHead::Rejected(Outgoing::new(response, info, recv.finish(), false))
    }

    /// Returns the client that a known proxy names in these fields.
    fn named_by_proxy(
        &self,
        headers: &Headers,
        proxy: PeerAddress,
    ) -> Result<PeerAddress, Ambiguous> {
        let origin = origin(headers, |address| self.proxies.trusted.contains(address))?;
        Ok(match origin {
            Some(Origin::Client(address, port)) => {
                let client = PeerAddress::Tcp(SocketAddr::new(address, port.unwrap_or(0)));
                // A proxy that passes the field on as it was could have got it from anywhere.
                if client.is_loopback() { client.relayed() } else { client }
            }
            Some(Origin::Unknown) | None => proxy.relayed(),
        })
    }
}

fn refusal(ambiguous: Ambiguous) -> ErrorResponse {
    let (what, right) = match ambiguous {
        Ambiguous::Malformed => (
            "the proxy's Forwarded field is malformed, so it is not known which client it names",
            "Forwarded: for=192.0.2.7, and a proxy that removes what clients send in this field",
        ),
        Ambiguous::Differ => (
            "Forwarded and X-Forwarded-For name different clients, and the proxy sets only one of them",
            "one of the two fields: a proxy that removes the other one",
        ),
    };
    ErrorResponse::new(Status::BAD_REQUEST, "RFC 7239, 8.1", what, right)
}
