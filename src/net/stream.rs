//! A client's connection: over TCP, or over a socket in the file system (unix(7)).
//!
//! Code that reads and writes need not know which. [`Endpoints`] names the two ends.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::socket::{MsgFlags, recv};

/// A connection.
#[derive(Debug)]
pub enum Stream {
    /// A TCP connection.
    Tcp(TcpStream),
    /// A connection within this machine.
    Unix(UnixStream),
}

/// The two ends of a connection: addresses and ports, or a socket in the file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoints {
    /// The ends of a TCP connection.
    Tcp {
        /// The address and port of this end.
        local: SocketAddr,
        /// The address and port of the peer.
        remote: SocketAddr,
    },
    /// The socket in the file system on which the peer listens; this end has no name.
    Unix(PathBuf),
}

impl Endpoints {
    /// Returns the address and port of the peer; `None` for a socket in the file system.
    pub fn remote(&self) -> Option<SocketAddr> {
        match self {
            Endpoints::Tcp { remote, .. } => Some(*remote),
            Endpoints::Unix(_) => None,
        }
    }
}

/// Shows the peer's end.
impl std::fmt::Display for Endpoints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Endpoints::Tcp { remote, .. } => remote.fmt(f),
            Endpoints::Unix(path) => path.display().fmt(f),
        }
    }
}

impl Stream {
    /// Returns the two ends.
    ///
    /// # Errors
    /// Those of getpeername(2). Without a peer (ENOTCONN) the connection has been reset already, and
    /// that is the error.
    pub fn endpoints(&self) -> io::Result<Endpoints> {
        match self {
            Stream::Tcp(stream) => {
                let remote = stream.peer_addr().map_err(|error| match error.kind() {
                    ErrorKind::NotConnected => ErrorKind::ConnectionReset.into(),
                    _ => error,
                })?;
                Ok(Endpoints::Tcp { local: stream.local_addr()?, remote })
            }
            Stream::Unix(stream) => {
                let path = stream.peer_addr()?.as_pathname().map(PathBuf::from);
                Ok(Endpoints::Unix(path.unwrap_or_default()))
            }
        }
    }

    /// Limits the time that a read waits; `None` removes the limit.
    ///
    /// # Errors
    /// Those of setsockopt(2); `InvalidInput` for a limit of zero.
    pub fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => stream.set_read_timeout(limit),
            Stream::Unix(stream) => stream.set_read_timeout(limit),
        }
    }

    /// Limits the time that a write waits; `None` removes the limit.
    ///
    /// # Errors
    /// As [`Stream::set_read_timeout`].
    pub fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => stream.set_write_timeout(limit),
            Stream::Unix(stream) => stream.set_write_timeout(limit),
        }
    }

    /// Makes reads and writes return at once, or wait.
    ///
    /// # Errors
    /// Those of ioctl(2).
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => stream.set_nonblocking(nonblocking),
            Stream::Unix(stream) => stream.set_nonblocking(nonblocking),
        }
    }

    /// Reads without removing the bytes: the next read returns them again.
    ///
    /// # Errors
    /// Those of recv(2).
    pub fn peek(&self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.peek(bytes),
            // `UnixStream::peek` of std is not stable yet.
            Stream::Unix(stream) => Ok(recv(stream.as_raw_fd(), bytes, MsgFlags::MSG_PEEK)?),
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Stream::Tcp(stream) => stream.as_fd(),
            Stream::Unix(stream) => stream.as_fd(),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.read(bytes),
            Stream::Unix(stream) => stream.read(bytes),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.write(bytes),
            Stream::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(()) // there is no buffer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peek_removes_nothing() {
        let (mut far, near) = UnixStream::pair().unwrap();
        let mut near = Stream::Unix(near);
        near.set_nonblocking(true).unwrap();
        let kind = near.peek(&mut [0]).unwrap_err().kind();
        assert_eq!(kind, ErrorKind::WouldBlock);
        far.write_all(b"ab").unwrap();
        let mut seen = [0; 2];
        assert_eq!((near.peek(&mut seen).unwrap(), seen), (2, *b"ab"));
        assert_eq!(near.read(&mut seen).unwrap(), 2);
        drop(far);
        assert_eq!(near.peek(&mut seen).unwrap(), 0, "the end");
    }

    /// A peer that closes with unread bytes resets the connection (RFC 2525, 2.17).
    #[test]
    fn a_connection_that_was_reset_has_no_ends() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (far, _) = listener.accept().unwrap();
        near.write_all(b"unread").unwrap();
        far.peek(&mut [0]).unwrap();
        drop(far);
        assert!(near.read(&mut [0]).is_err(), "the reset has arrived");
        let kind = Stream::Tcp(near).endpoints().unwrap_err().kind();
        assert_eq!(kind, ErrorKind::ConnectionReset);
    }
}
