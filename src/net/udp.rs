//! A UDP socket with one peer (udp(7)).
//!
//! It is connected: the kernel discards datagrams from other addresses, and reports an ICMP "port
//! unreachable" of the peer as ECONNREFUSED, at the next call. A fresh socket gets a port that the kernel
//! chooses at random (RFC 6056).

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Returns a socket that sends to `peer` and receives from `peer` only. It blocks.
///
/// # Errors
/// Those of `socket`, `bind` and `connect`: this machine has no route to such an address, for example.
pub fn connect(peer: SocketAddr) -> io::Result<UdpSocket> {
    let any: SocketAddr = match peer {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any)?;
    socket.connect(peer)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn only_datagrams_of_the_peer_arrive() {
        for any in ["127.0.0.1:0", "[::1]:0"] {
            let (peer, other) = (UdpSocket::bind(any).unwrap(), UdpSocket::bind(any).unwrap());
            let socket = connect(peer.local_addr().unwrap()).unwrap();
            socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            let own = socket.local_addr().unwrap();
            other.send_to(b"other", own).unwrap();
            peer.send_to(b"peer", own).unwrap();
            let mut bytes = [0; 16];
            let length = socket.recv(&mut bytes).unwrap();
            assert_eq!(&bytes[..length], b"peer");
        }
    }

    #[test]
    fn a_port_without_a_socket_is_refused() {
        let gone = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let socket = connect(gone).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        socket.send(b"").unwrap();
        let error = socket.recv(&mut [0; 16]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}
