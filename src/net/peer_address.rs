//! Where the client of an accepted connection is.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// The address of a client, if it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PeerAddress {
    /// The address and port of a client over TCP.
    Tcp(SocketAddr),
    /// A client on this machine, over a socket in the file system (unix(7)): it has no address.
    Unix,
    /// A client whose address is not known, or not proved: a proxy passes its requests on. The address is the one
    /// that is known, of the proxy in most cases; `None` if that is a socket in the file system. It is never a client
    /// on this machine.
    Relayed(Option<SocketAddr>),
}

impl PeerAddress {
    /// Returns the address of the client, or of the proxy that passes its requests on; `None` over a socket in the
    /// file system.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            PeerAddress::Tcp(address) | PeerAddress::Relayed(Some(address)) => Some(address.ip()),
            PeerAddress::Unix | PeerAddress::Relayed(None) => None,
        }
    }

    /// Returns the peer as one that passes on the requests of a client whose address is not known.
    #[must_use]
    pub fn relayed(self) -> PeerAddress {
        match self {
            PeerAddress::Tcp(address) => PeerAddress::Relayed(Some(address)),
            PeerAddress::Unix => PeerAddress::Relayed(None),
            PeerAddress::Relayed(_) => self,
        }
    }

    /// Returns true if the client is on this machine: over a socket in the file system, or from a loopback
    /// address. A socket for both families reports an IPv4 address as an IPv6 one (`::ffff:127.0.0.1`).
    pub fn is_loopback(&self) -> bool {
        match self {
            PeerAddress::Tcp(address) => address.ip().to_canonical().is_loopback(),
            PeerAddress::Unix => true,
            PeerAddress::Relayed(_) => false,
        }
    }
}

impl From<SocketAddr> for PeerAddress {
    fn from(address: SocketAddr) -> PeerAddress {
        PeerAddress::Tcp(address)
    }
}

/// Shows the address and port, or `unix:`, as nginx does.
impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PeerAddress::Tcp(address) | PeerAddress::Relayed(Some(address)) => address.fmt(f),
            PeerAddress::Unix | PeerAddress::Relayed(None) => f.write_str("unix:"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_clients_are_on_this_machine() {
        assert!(PeerAddress::Unix.is_loopback());
        assert!(!PeerAddress::Unix.relayed().is_loopback());
        for (address, is) in [
            ("127.255.0.9:1", true),
            ("[::1]:1", true),
            ("[::ffff:127.0.0.1]:1", true),
            ("192.168.0.1:1", false),
            ("[::ffff:10.0.0.1]:1", false),
            ("[::127.0.0.1]:1", false),
            ("[fe80::1]:1", false),
            ("0.0.0.0:1", false),
        ] {
            let peer = PeerAddress::Tcp(address.parse().unwrap());
            assert_eq!(peer.is_loopback(), is, "{address}");
            assert!(!peer.relayed().is_loopback());
            assert_eq!(peer.relayed().ip(), peer.ip());
        }
    }
}
