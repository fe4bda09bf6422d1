//! The proxies in front of a server, and what they may say of clients: in a header ahead of a connection (`header`),
//! or in fields of each request ([`client_address`](super::conn)).

pub(super) mod header;

use std::sync::Arc;

use crate::net::admission::ConnectionLimiter;
use crate::net::networks::Networks;
use crate::net::peer_address::PeerAddress;

/// Whether known proxies send a header of the PROXY protocol, for [`Config::proxy_protocol`].
///
/// [`Config::proxy_protocol`]: crate::server::Config::proxy_protocol
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ProxyProtocol {
    /// They send none, and one is an invalid request; the default.
    #[default]
    Off,
    /// Each connection of a [known proxy](crate::server::Config::trusted_proxies) begins with a header of version 1 or
    /// 2, which names the client. One without it is refused, and so is a header from anyone else.
    Required,
}

/// The proxies in front of a server.
#[derive(Debug, Default)]
pub struct Proxies {
    /// Their addresses.
    pub trusted: Networks,
    /// Whether they send a header of the PROXY protocol.
    pub protocol: ProxyProtocol,
    /// Counts the connections of each client that they name in such a header.
    pub limiter: Option<Arc<ConnectionLimiter>>,
}

impl Proxies {
    /// Returns true if a connection from `peer` begins with a header of the PROXY protocol.
    pub(super) fn announces(&self, peer: PeerAddress) -> bool {
        self.protocol == ProxyProtocol::Required && self.trusted.contains_peer(peer)
    }
}
