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
}

impl PeerAddress {
    /// Returns the address of the client; `None` over a socket in the file system.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            PeerAddress::Tcp(address) => Some(address.ip()),
            PeerAddress::Unix => None,
        }
    }

    /// Returns true if the client is on this machine: over a socket in the file system, or from a loopback
    /// address. A socket for both families reports an IPv4 address as an IPv6 one (`::ffff:127.0.0.1`).
    pub fn is_loopback(&self) -> bool {
        self.ip().is_none_or(|address| address.to_canonical().is_loopback())
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
            PeerAddress::Tcp(address) => address.fmt(f),
            PeerAddress::Unix => f.write_str("unix:"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_clients_are_on_this_machine() {
        assert!(PeerAddress::Unix.is_loopback());
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
            assert_eq!(PeerAddress::Tcp(address.parse().unwrap()).is_loopback(), is, "{address}");
        }
    }
}
