//! A listening socket: of TCP, or in the file system (unix(7)).

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use nix::sys::socket::{getsockopt, sockopt};

use super::peer_address::PeerAddress;
use super::socket;

/// A listening socket.
#[derive(Debug)]
pub enum ListeningSocket {
    /// Of TCP.
    Tcp(TcpListener),
    /// In the file system, or with an abstract name.
    Unix(UnixListener),
}

impl ListeningSocket {
    /// Accepts a connection, of either kind as a [`TcpStream`]. That type of std is a descriptor with recv(2),
    /// send(2) and shutdown(2), which are the same for all stream sockets; only options of TCP fail on one of
    /// the other kind. So the code that serves a connection need not know its kind.
    ///
    /// # Errors
    /// Those of accept(2).
    pub(super) fn accept(&self) -> io::Result<(TcpStream, PeerAddress)> {
        match self {
            ListeningSocket::Tcp(listener) => {
                listener.accept().map(|(stream, peer)| (stream, PeerAddress::Tcp(peer)))
            }
            ListeningSocket::Unix(listener) => listener
                .accept()
                .map(|(stream, _)| (OwnedFd::from(stream).into(), PeerAddress::Unix)),
        }
    }

    /// Sets the options that accepted connections inherit. The backlog stays as it was chosen.
    ///
    /// # Errors
    /// `InvalidInput` if the socket does not listen; else those of setsockopt(2).
    pub(super) fn prepare(&self) -> io::Result<()> {
        if !getsockopt(self, sockopt::AcceptConn)? {
            let what = "it is a socket that does not listen (listen(2) was not called on it)";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        match self {
            ListeningSocket::Tcp(listener) => socket::prepare(listener),
            ListeningSocket::Unix(listener) => listener.set_nonblocking(true),
        }
    }

    /// Returns the address and port of a socket of TCP.
    pub(super) fn tcp_address(&self) -> Option<SocketAddr> {
        match self {
            ListeningSocket::Tcp(listener) => listener.local_addr().ok(),
            ListeningSocket::Unix(_) => None,
        }
    }

    /// Returns the path of a socket in the file system, and `@NAME` for one with an abstract name.
    pub(super) fn unix_path(&self) -> Option<PathBuf> {
        let ListeningSocket::Unix(listener) = self else { return None };
        let address = listener.local_addr().ok()?;
        #[cfg(target_os = "linux")]
        if let Some(name) = std::os::linux::net::SocketAddrExt::as_abstract_name(&address) {
            return Some(format!("@{}", String::from_utf8_lossy(name)).into());
        }
        Some(address.as_pathname().map(PathBuf::from).unwrap_or_default())
    }
}

impl AsFd for ListeningSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            ListeningSocket::Tcp(listener) => listener.as_fd(),
            ListeningSocket::Unix(listener) => listener.as_fd(),
        }
    }
}

impl From<TcpListener> for ListeningSocket {
    fn from(listener: TcpListener) -> ListeningSocket {
        ListeningSocket::Tcp(listener)
    }
}

impl From<UnixListener> for ListeningSocket {
    fn from(listener: UnixListener) -> ListeningSocket {
        ListeningSocket::Unix(listener)
    }
}
