//! A UDP socket whose replies come from the address to which the datagram was sent.
//!
//! A socket that is bound to all addresses of this machine does not know that address, and the kernel would
//! choose the one that is nearest to the client: a client that has sent to another one drops the reply. So
//! such a socket receives the address beside the datagram, and passes it on with the reply (IP_PKTINFO, ip(7),
//! and IPV6_PKTINFO, RFC 3542, 6).

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};

use nix::cmsg_space;
use nix::libc::{in_addr, in_pktinfo, in6_addr, in6_pktinfo};
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, sendmsg, setsockopt,
    sockopt,
};

/// The two addresses of a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct AddressPair {
    /// The sender; the reply goes there.
    pub(super) peer: SocketAddr,
    /// The address of this machine to which it was sent; `None`: the one to which the socket is bound.
    local: Option<IpAddr>,
}

#[cfg(test)]
impl AddressPair {
    pub(super) fn of(peer: SocketAddr) -> AddressPair {
        AddressPair { peer, local: None }
    }
}

/// A UDP socket that does not block.
#[derive(Debug)]
pub(super) struct ReplySocket {
    socket: UdpSocket,
    /// The address to which it is bound.
    pub(super) address: SocketAddr,
}

impl ReplySocket {
    /// Prepares a bound socket.
    ///
    /// # Errors
    /// Those of setsockopt(2).
    pub(super) fn new(socket: UdpSocket) -> io::Result<ReplySocket> {
        let address = socket.local_addr()?;
        socket.set_nonblocking(true)?;
        match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => {
                setsockopt(&socket, sockopt::Ipv4PacketInfo, &true)?;
            }
            IpAddr::V6(ip) if ip.is_unspecified() => {
                setsockopt(&socket, sockopt::Ipv6RecvPacketInfo, &true)?;
            }
            _ => {}
        }
        Ok(ReplySocket { socket, address })
    }

    /// Receives a datagram into `buffer`. Returns its length and its addresses.
    ///
    /// # Errors
    /// Those of recvmsg(2).
    pub(super) fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, AddressPair)> {
        if !self.address.ip().is_unspecified() {
            let (length, peer) = self.socket.recv_from(buffer)?;
            return Ok((length, AddressPair { peer, local: None }));
        }
        let mut room = cmsg_space!(in_pktinfo, in6_pktinfo);
        let mut parts = [IoSliceMut::new(buffer)];
        let (descriptor, flags) = (self.socket.as_raw_fd(), MsgFlags::empty());
        let message = recvmsg::<SockaddrStorage>(descriptor, &mut parts, Some(&mut room), flags)?;
        let peer = message.address.as_ref().and_then(socket_address);
        let peer = peer.ok_or(io::ErrorKind::InvalidData)?;
        let local = message.cmsgs()?.find_map(|beside| match beside {
            ControlMessageOwned::Ipv4PacketInfo(info) => {
                Some(Ipv4Addr::from(info.ipi_spec_dst.s_addr.to_ne_bytes()).into())
            }
            ControlMessageOwned::Ipv6PacketInfo(info) => {
                Some(Ipv6Addr::from(info.ipi6_addr.s6_addr).into())
            }
            _ => None,
        });
        Ok((message.bytes, AddressPair { peer, local }))
    }

    /// Sends the reply to a datagram with these addresses.
    ///
    /// # Errors
    /// Those of sendmsg(2).
    pub(super) fn reply(&self, bytes: &[u8], to: AddressPair) -> io::Result<()> {
        let AddressPair { peer, local } = to;
        match local {
            None => self.socket.send_to(bytes, peer).map(drop),
            Some(IpAddr::V4(local)) => {
                let ipi_spec_dst = in_addr { s_addr: u32::from_ne_bytes(local.octets()) };
                let ipi_addr = in_addr { s_addr: 0 };
                let info = in_pktinfo { ipi_ifindex: 0, ipi_spec_dst, ipi_addr };
                self.send_beside(bytes, peer, ControlMessage::Ipv4PacketInfo(&info))
            }
            Some(IpAddr::V6(local)) => {
                let ipi6_addr = in6_addr { s6_addr: local.octets() };
                let info = in6_pktinfo { ipi6_addr, ipi6_ifindex: 0 };
                self.send_beside(bytes, peer, ControlMessage::Ipv6PacketInfo(&info))
            }
        }
    }

    fn send_beside(
        &self,
        bytes: &[u8],
        peer: SocketAddr,
        beside: ControlMessage<'_>,
    ) -> io::Result<()> {
        let (parts, peer) = ([IoSlice::new(bytes)], SockaddrStorage::from(peer));
        let (descriptor, flags) = (self.socket.as_raw_fd(), MsgFlags::empty());
        sendmsg(descriptor, &parts, &[beside], flags, Some(&peer))?;
        Ok(())
    }
}

impl AsFd for ReplySocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn socket_address(address: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = || address.as_sockaddr_in().map(|address| SocketAddrV4::from(*address).into());
    let v6 = || address.as_sockaddr_in6().map(|address| SocketAddrV6::from(*address).into());
    v4().or_else(v6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// Linux has all of 127.0.0.0/8 on its loopback interface. A connected client drops what comes from
    /// another address.
    #[test]
    fn a_reply_comes_from_the_address_that_was_asked() {
        let (here, other) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
        for (bound, asked) in [
            ("127.0.0.1:0", here),
            ("0.0.0.0:0", here),
            ("0.0.0.0:0", other),
            ("[::]:0", here),
            ("[::]:0", other),
            ("[::]:0", Ipv6Addr::LOCALHOST.into()),
            ("[::1]:0", Ipv6Addr::LOCALHOST.into()),
        ] {
            let server = ReplySocket::new(UdpSocket::bind(bound).unwrap()).unwrap();
            let from = if asked.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
            let client = UdpSocket::bind(from).unwrap();
            client.connect((asked, server.address.port())).unwrap();
            client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            client.send(b"question").unwrap();
            let mut buffer = [0; 100];
            let (length, pair) = server.receive(&mut buffer).unwrap();
            assert_eq!(
                (&buffer[..length], pair.peer.port()),
                (&b"question"[..], client.local_addr().unwrap().port())
            );
            server.reply(b"reply", pair).unwrap();
            assert_eq!(client.recv(&mut buffer).unwrap(), 5, "{bound} {asked}");
        }
    }
}
