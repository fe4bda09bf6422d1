//! Listening sockets: binds every address that the server is given, and explains failures.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs as _};

use super::socket::bind;

/// The sockets that the server listens on.
#[derive(Debug)]
pub struct Listeners {
    pub(super) sockets: Vec<TcpListener>,
    /// The most refused connections that linger at once.
    pub(super) refused: usize,
}

/// The most refused connections that linger at once, by default.
const REFUSED: usize = 256;

/// Why a server cannot listen on an address: it is in use, not permitted, or not of this machine.
///
/// Its text says what to do about it; its source is the [`io::Error`].
#[derive(Debug)]
pub struct BindError {
    /// The address as it was given.
    pub address: String,
    source: io::Error,
}

impl BindError {
    /// Returns the error of `address`.
    pub(crate) fn new(address: impl Into<String>, source: io::Error) -> BindError {
        BindError { address: address.into(), source }
    }
}

impl std::fmt::Display for BindError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let BindError { address, source } = self;
        match source.kind() {
            io::ErrorKind::AddrInUse => {
                write!(
                    f,
                    "{address} is in use by another program; stop it, or choose another port (port 0 finds a free one)"
                )
            }
            io::ErrorKind::PermissionDenied => {
                write!(
                    f,
                    "{address} is not permitted: ports below 1024 need a privilege; choose a higher one"
                )
            }
            io::ErrorKind::AddrNotAvailable => {
                write!(
                    f,
                    "{address} is not an address of this machine; right: 127.0.0.1:8080, or 0.0.0.0:8080 for all of them"
                )
            }
            _ => write!(f, "cannot listen on {address}: {source}"),
        }
    }
}

impl std::error::Error for BindError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

impl Listeners {
    /// Listens on every address to which the given names (`host:port`) resolve; port 0 is a free port.
    ///
    /// # Errors
    /// Returns the first address that cannot be bound; then none is.
    pub fn bind<A: AsRef<str>>(
        addresses: impl IntoIterator<Item = A>,
    ) -> Result<Listeners, BindError> {
        let mut listeners = Listeners { sockets: Vec::new(), refused: REFUSED };
        for address in addresses {
            let address = address.as_ref();
            listeners.add(address).map_err(|source| BindError::new(address, source))?;
        }
        Ok(listeners)
    }

    /// Lets at most `refused` refused connections linger at once: each has a descriptor.
    pub fn with_refused(self, refused: usize) -> Listeners {
        Listeners { refused, ..self }
    }

    fn add(&mut self, address: &str) -> io::Result<()> {
        for address in address.to_socket_addrs()? {
            match bind(address) {
                Ok(listener) => self.sockets.push(listener),
                // [::]:8080 accepts IPv4 as well, so 0.0.0.0:8080 is served already.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && self.covers(address) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn covers(&self, wanted: SocketAddr) -> bool {
        let same_port = |held: &SocketAddr| held.port() == wanted.port() && wanted.port() != 0;
        self.addresses()
            .iter()
            .any(|held| same_port(held) && held.is_ipv6() && held.ip().is_unspecified())
    }

    /// Returns the bound addresses, with their real ports.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.sockets.iter().filter_map(|listener| listener.local_addr().ok()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_of_a_port_in_use_says_what_to_do() {
        let first = Listeners::bind(["127.0.0.1:0"]).unwrap();
        let address = first.addresses()[0].to_string();
        let error = Listeners::bind([&address]).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{address} is in use")), "{error}");
        assert!(Listeners::bind(["nonsense"]).is_err());
    }

    #[test]
    fn all_addresses_of_both_families_share_one_port() {
        let first = Listeners::bind(["[::]:0"]).unwrap();
        let port = first.addresses()[0].port();
        drop(first);
        assert!(Listeners::bind([format!("[::]:{port}"), format!("0.0.0.0:{port}")]).is_ok());
    }
}
