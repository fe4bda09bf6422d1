//! The end of a connection on this machine, where it is not left to the kernel: an interface, an address, a port.

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::net::if_::if_nametoindex;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrStorage, bind, setsockopt, socket, sockopt,
};
use nix::sys::time::TimeVal;

use super::interfaces::address;

/// The end of connections on this machine; by default, the kernel chooses it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LocalEnd {
    /// The network interface (SO_BINDTODEVICE, socket(7)). Where that is not allowed, the addresses are used.
    pub device: Option<String>,
    /// The addresses; the first of the family of the peer is used.
    pub addresses: Vec<IpAddr>,
    /// The first and the last port; the first one that is free is used.
    pub ports: Option<(u16, u16)>,
}

/// Why a socket has not the wanted local end.
#[derive(Debug)]
pub struct BindError(io::Error);

impl std::fmt::Display for BindError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "could not bind to the local address or port: {}", self.0)
    }
}

impl std::error::Error for BindError {}

/// Returns the addresses of a network interface; `None` if there is no interface with this name.
pub fn addresses_of(interface: &str) -> Option<Vec<IpAddr>> {
    if_nametoindex(interface).ok()?;
    let all = getifaddrs().into_iter().flatten().filter(|it| it.interface_name == interface);
    Some(all.filter_map(|it| address(&it.address?)).collect())
}

impl LocalEnd {
    /// Returns true if the kernel chooses it.
    pub fn is_any(&self) -> bool {
        *self == LocalEnd::default()
    }

    /// Connects from here within a time.
    pub(super) fn connect(&self, to: SocketAddr, limit: Option<Duration>) -> io::Result<TcpStream> {
        let family = if to.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
        let socket = socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
        self.bind(&socket, to).map_err(|error| io::Error::new(error.kind(), BindError(error)))?;
        let limit = limit.unwrap_or_default().max(Duration::from_micros(limit.is_some().into()));
        let time = |limit: Duration| {
            TimeVal::new(
                limit.as_secs().try_into().unwrap_or(i64::MAX),
                limit.subsec_micros().into(),
            )
        };
        setsockopt(&socket, sockopt::SendTimeout, &time(limit))?; // holds for connect(2), too
        match nix::sys::socket::connect(socket.as_raw_fd(), &SockaddrStorage::from(to)) {
            Ok(()) => {}
            Err(Errno::EINPROGRESS | Errno::EAGAIN) => return Err(ErrorKind::TimedOut.into()),
            Err(error) => return Err(error.into()),
        }
        setsockopt(&socket, sockopt::SendTimeout, &time(Duration::ZERO))?;
        let stream = TcpStream::from(socket);
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn bind(&self, socket: &OwnedFd, to: SocketAddr) -> io::Result<()> {
        let device = self
            .device
            .as_ref()
            .map(|name| setsockopt(socket, sockopt::BindToDevice, &OsString::from(name)));
        let is_bound = match device {
            None | Some(Err(Errno::EPERM)) => false,
            Some(Ok(())) => true,
            Some(Err(error)) => return Err(error.into()),
        };
        let own =
            self.addresses.iter().find(|own| own.is_ipv4() == to.is_ipv4()).filter(|_| !is_bound);
        let ip = match (own, to) {
            (None, _) if !is_bound && (!self.addresses.is_empty() || self.device.is_some()) => {
                return Err(io::Error::new(
                    ErrorKind::AddrNotAvailable,
                    "it has no address of this family",
                ));
            }
            (Some(own), _) => *own,
            (None, SocketAddr::V4(_)) => Ipv4Addr::UNSPECIFIED.into(),
            (None, SocketAddr::V6(_)) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let bind =
            |port| bind(socket.as_raw_fd(), &SockaddrStorage::from(SocketAddr::new(ip, port)));
        let Some((first, last)) = self.ports else {
            return if own.is_some() { Ok(bind(0)?) } else { Ok(()) };
        };
        let mut outcome = Err(Errno::EADDRINUSE);
        for port in first..=last {
            outcome = bind(port);
            if !matches!(outcome, Err(Errno::EADDRINUSE | Errno::EACCES)) {
                break;
            }
        }
        Ok(outcome?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_connection_has_the_wanted_local_end() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = listener.local_addr().unwrap();
        let from = LocalEnd {
            addresses: vec!["::1".parse().unwrap(), "127.0.0.3".parse().unwrap()],
            ..LocalEnd::default()
        };
        let stream = from.connect(to, Some(Duration::from_secs(5))).unwrap();
        assert_eq!(stream.local_addr().unwrap().ip().to_string(), "127.0.0.3");
        assert_eq!(stream.write_timeout().unwrap(), None);
        // The first port of the range is taken.
        let taken = TcpListener::bind("127.0.0.3:0").unwrap().local_addr().unwrap().port();
        let ports = Some((taken.saturating_sub(20), taken));
        let stream = LocalEnd { ports, ..from }.connect(to, None).unwrap();
        assert!((taken - 20..=taken).contains(&stream.local_addr().unwrap().port()));
        let device = LocalEnd {
            device: Some("lo".to_owned()),
            addresses: addresses_of("lo").unwrap(),
            ports: None,
        };
        assert!(device.connect(to, None).is_ok());
    }

    #[test]
    fn what_cannot_be_the_local_end() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = listener.local_addr().unwrap();
        let other = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let _held = TcpListener::bind(("127.0.0.1", other));
        for from in [
            LocalEnd { addresses: vec!["192.0.2.1".parse().unwrap()], ..LocalEnd::default() },
            LocalEnd { addresses: vec!["::1".parse().unwrap()], ..LocalEnd::default() },
            LocalEnd { device: Some("no-such-one".to_owned()), ..LocalEnd::default() },
            LocalEnd {
                addresses: vec!["127.0.0.1".parse().unwrap()],
                ports: Some((to.port(), to.port())),
                device: None,
            },
        ] {
            let error = from.connect(to, None).unwrap_err();
            assert!(
                error.get_ref().is_some_and(|error| error.is::<BindError>()),
                "{from:?}: {error}"
            );
        }
        assert_eq!(addresses_of("no-such-one"), None);
    }
}
