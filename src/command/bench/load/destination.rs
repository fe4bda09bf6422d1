//! Where the connections of the generator go.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::client::Endpoints;
use crate::net::connect;
use crate::net::stream::Stream;

/// The peer of all connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Destination {
    /// A server, or a proxy.
    Tcp(SocketAddr),
    /// A socket in the file system.
    Unix(PathBuf),
}

impl From<Endpoints> for Destination {
    fn from(ends: Endpoints) -> Destination {
        match ends {
            Endpoints::Tcp { remote, .. } => Destination::Tcp(remote),
            Endpoints::Unix(path) => Destination::Unix(path),
        }
    }
}

impl Destination {
    /// Returns the address, if it has one.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        match self {
            Destination::Tcp(address) => Some(*address),
            Destination::Unix(_) => None,
        }
    }

    /// Begins to connect, without waiting.
    pub(super) fn begin(&self) -> io::Result<Stream> {
        match self {
            Destination::Tcp(address) => connect::begin(*address).map(Stream::Tcp),
            Destination::Unix(path) => connect::begin_unix(path).map(Stream::Unix),
        }
    }
}

/// Returns the outcome of [`Destination::begin`]: `None` while the connection is still being made.
pub(super) fn outcome(stream: &Stream) -> Option<io::Result<()>> {
    match stream {
        Stream::Tcp(stream) => connect::outcome(stream),
        Stream::Unix(_) => Some(Ok(())),
    }
}
