//! A connection, whatever carries it: TCP, or a socket in this machine's file system (unix(7)).
//!
//! Whoever reads and writes need not know which. Who is at its two ends is [`Endpoints`].

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::socket::{MsgFlags, recv};

/// A connection.
#[derive(Debug)]
pub enum Stream {
    /// Over the network, or this machine's loopback.
    Tcp(TcpStream),
    /// Within this machine.
    Unix(UnixStream),
}

/// Who is at the ends of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoints {
    /// An address and a port each.
    Tcp {
        /// Ours.
        local: SocketAddr,
        /// The peer's.
        remote: SocketAddr,
    },
    /// The socket in the file system that the peer listens on; we have no name.
    Unix(PathBuf),
}

impl Endpoints {
    /// The peer's address and port, where it has them.
    pub fn remote(&self) -> Option<SocketAddr> {
        match self {
            Endpoints::Tcp { remote, .. } => Some(*remote),
            Endpoints::Unix(_) => None,
        }
    }
}

/// The peer's.
impl std::fmt::Display for Endpoints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Endpoints::Tcp { remote, .. } => remote.fmt(f),
            Endpoints::Unix(path) => path.display().fmt(f),
        }
    }
}

impl Stream {
    /// Who is at its ends.
    ///
    /// # Errors
    /// Those of getpeername(2): the peer may have left already.
    pub fn ends(&self) -> io::Result<Endpoints> {
        match self {
            Stream::Tcp(stream) => {
                Ok(Endpoints::Tcp { local: stream.local_addr()?, remote: stream.peer_addr()? })
            }
            Stream::Unix(stream) => {
                let path = stream.peer_addr()?.as_pathname().map(PathBuf::from);
                Ok(Endpoints::Unix(path.unwrap_or_default()))
            }
        }
    }

    /// How long a read may wait; `None`: for ever.
    ///
    /// # Errors
    /// Those of setsockopt(2); `InvalidInput` for no time at all.
    pub fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => stream.set_read_timeout(limit),
            Stream::Unix(stream) => stream.set_read_timeout(limit),
        }
    }

    /// How long a write may wait; `None`: for ever.
    ///
    /// # Errors
    /// As [`Stream::set_read_timeout`].
    pub fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => stream.set_write_timeout(limit),
            Stream::Unix(stream) => stream.set_write_timeout(limit),
        }
    }

    /// Shall reads and writes come back at once, with or without a result?
    ///
    /// # Errors
    /// Those of ioctl(2).
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => stream.set_nonblocking(nonblocking),
            Stream::Unix(stream) => stream.set_nonblocking(nonblocking),
        }
    }

    /// Reads, and leaves what is read to be read again.
    ///
    /// # Errors
    /// Those of recv(2).
    pub fn peek(&self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.peek(bytes),
            // std's is not stable yet.
            Stream::Unix(stream) => Ok(recv(stream.as_raw_fd(), bytes, MsgFlags::MSG_PEEK)?),
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
        Ok(()) // nothing is held back
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_takes_nothing_away() {
        let (mut far, near) = UnixStream::pair().unwrap();
        let mut near = Stream::Unix(near);
        near.set_nonblocking(true).unwrap();
        let kind = near.peek(&mut [0]).unwrap_err().kind();
        assert_eq!(kind, io::ErrorKind::WouldBlock);
        far.write_all(b"ab").unwrap();
        let mut seen = [0; 2];
        assert_eq!((near.peek(&mut seen).unwrap(), seen), (2, *b"ab"));
        assert_eq!(near.read(&mut seen).unwrap(), 2);
        drop(far);
        assert_eq!(near.peek(&mut seen).unwrap(), 0, "the end");
    }
}
