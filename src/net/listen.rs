//! Listening sockets: binds every address that the server is given, and explains failures.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::datagram::{DatagramCounts, DatagramService, DatagramSockets};
use super::handover::{Inherited, Successors};
use super::interfaces::reachable_at;
use super::listening_socket::ListeningSocket;
use super::port_holder::holder;
use super::service::Speaks;
use super::socket::bind;
use super::socket_file::SocketFile;
use super::stop_signal::StopSignal;

/// The sockets that the server listens on, and those on which it receives datagrams.
#[derive(Debug)]
pub struct Listeners {
    pub(super) sockets: Vec<Listener>,
    pub(super) datagrams: DatagramSockets,
    /// The most refused connections that linger at once.
    pub(super) refused: usize,
    /// The permissions of sockets in the file system.
    mode: u32,
    /// What is taken instead of a socket of one's own.
    inherited: Inherited,
    /// Where the next server asks for the sockets.
    control: Option<Control>,
}

/// The control socket of the handover.
#[derive(Debug)]
struct Control {
    listener: UnixListener,
    file: SocketFile,
    /// How long requests in progress may take after the handover.
    grace: Duration,
}

/// A listening socket, and what is spoken on its connections.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) socket: ListeningSocket,
    /// The name of a socket in the file system that this server removes.
    file: Option<SocketFile>,
    pub(super) speaks: Speaks,
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
    /// The process that has the address.
    holder: Option<String>,
}

impl BindError {
    /// Returns the error of `address`.
    pub(crate) fn new(address: impl Into<String>, source: io::Error) -> BindError {
        BindError { address: address.into(), source, holder: None }
    }

    /// Returns the error of an address of TCP, and looks up which process has it.
    fn of_tcp(address: &str, source: io::Error) -> BindError {
        let holder = match source.kind() {
            io::ErrorKind::AddrInUse => {
                address.to_socket_addrs().into_iter().flatten().find_map(holder)
            }
            _ => None,
        };
        BindError { holder, ..BindError::new(address, source) }
    }
}

impl std::fmt::Display for BindError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let BindError { address, source, holder } = self;
        match source.kind() {
            io::ErrorKind::AddrInUse => {
                let holder = holder.as_deref().unwrap_or("another program");
                write!(
                    f,
                    "{address} is in use by {holder}; stop it, or choose another port (port 0 finds a free one)"
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
    /// `unix:PATH` is a socket in the file system, with the permissions `mode`.
    ///
    /// # Errors
    /// Returns the first address that cannot be bound; then none is.
    pub fn bind<A: AsRef<str>>(
        addresses: impl IntoIterator<Item = A>,
        mode: u32,
    ) -> Result<Listeners, BindError> {
        Listeners::bind_or_take(addresses, mode, Inherited::default())
    }

    /// Listens as [`Listeners::bind`] does, but takes an inherited socket wherever there is one of the address.
    ///
    /// # Errors
    /// Returns the first address that cannot be bound; then none is.
    pub fn bind_or_take<A: AsRef<str>>(
        addresses: impl IntoIterator<Item = A>,
        mode: u32,
        inherited: Inherited,
    ) -> Result<Listeners, BindError> {
        let mut listeners = Listeners {
            sockets: Vec::new(),
            datagrams: DatagramSockets::default(),
            refused: REFUSED,
            mode,
            inherited,
            control: None,
        };
        for address in addresses {
            let address = address.as_ref();
            listeners
                .add(address, &Speaks::Own)
                .map_err(|source| BindError::of_tcp(address, source))?;
        }
        Ok(listeners)
    }

    /// Listens on `address` as [`Listeners::bind`] does, for connections that speak something else. Returns the
    /// bound addresses.
    ///
    /// # Errors
    /// Returns the address if it cannot be bound.
    pub fn bind_speaking(
        &mut self,
        address: &str,
        speaks: Speaks,
    ) -> Result<Vec<SocketAddr>, BindError> {
        let before = self.sockets.len();
        let added = self.add(address, &speaks);
        added.map_err(|source| BindError::of_tcp(address, source))?;
        Ok(addresses(&self.sockets[before..]))
    }

    /// Receives datagrams at every address to which `address` resolves. Returns the bound addresses.
    ///
    /// # Errors
    /// Returns the address if it cannot be bound.
    pub fn bind_datagrams(
        &mut self,
        address: &str,
        service: &Arc<dyn DatagramService>,
    ) -> Result<Vec<SocketAddr>, BindError> {
        let bound = self.datagrams.bind(address, service, &mut self.inherited);
        bound.map_err(|source| BindError::new(address, source))
    }

    /// Lets at most `refused` refused connections linger at once: each has a descriptor.
    pub fn with_refused(self, refused: usize) -> Listeners {
        Listeners { refused, ..self }
    }

    /// Accepts the connections of a socket that another program has made, for the server's own protocol.
    ///
    /// # Errors
    /// When it is not a socket that listens.
    pub fn adopt(&mut self, socket: ListeningSocket) -> Result<(), BindError> {
        let prepared = socket.prepare();
        prepared.map_err(|source| BindError::new("the given socket", source))?;
        self.sockets.push(Listener { socket, speaks: Speaks::Own, file: None });
        Ok(())
    }

    /// Makes the control socket at `path`, for this user only: the next server asks for the sockets there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn bind_control(&mut self, path: &Path, grace: Duration) -> Result<(), BindError> {
        let bound = match self.inherited.take_unix(path) {
            Some(ListeningSocket::Unix(listener)) => {
                Ok((listener, SocketFile::of_another_server(path)))
            }
            _ => SocketFile::listen(path, 0o600),
        };
        let (listener, file) =
            bound.map_err(|source| BindError::new(path.to_string_lossy(), source))?;
        self.control = Some(Control { listener, file, grace });
        Ok(())
    }

    /// Takes the place of the server that has handed its sockets over, if there is one, and hands them over to
    /// the next one when it asks. To be called when this server is ready to accept.
    ///
    /// # Errors
    /// When the other server does not agree, and goes on; or when a descriptor or a thread is missing.
    pub fn take_charge(&mut self, stop: &StopSignal) -> io::Result<()> {
        let predecessor = self.inherited.announce()?;
        self.inherited = Inherited::default();
        let files = self.sockets.iter_mut().filter_map(|listener| listener.file.as_mut());
        files
            .chain(self.control.as_mut().map(|control| &mut control.file))
            .for_each(SocketFile::claim);
        drop(predecessor);
        let Some(Control { listener, grace, .. }) = &self.control else { return Ok(()) };
        let listening = self.sockets.iter().map(|listener| listener.socket.as_fd());
        let all = listening.chain(self.datagrams.sockets()).chain([listener.as_fd()]);
        let sockets = all.map(|socket| socket.try_clone_to_owned()).collect::<Result<_, _>>()?;
        let (control, stop, grace) = (listener.try_clone()?, stop.clone(), *grace);
        Successors { control, sockets, stop, grace }.start()
    }

    fn add(&mut self, address: &str, speaks: &Speaks) -> io::Result<()> {
        if let Some(path) = address.strip_prefix("unix:") {
            let path = Path::new(path);
            let (socket, file) = match self.inherited.take_unix(path) {
                Some(socket) => {
                    socket.prepare()?;
                    (socket, SocketFile::of_another_server(path))
                }
                None => {
                    let (socket, file) = SocketFile::listen(path, self.mode)?;
                    (socket.into(), file)
                }
            };
            let speaks = speaks.clone();
            self.sockets.push(Listener { socket, speaks, file: Some(file) });
            return Ok(());
        }
        for address in address.to_socket_addrs()? {
            let bound = match self.inherited.take_tcp(address) {
                Some(socket) => socket.prepare().map(|()| socket),
                None => bind(address).map(ListeningSocket::from),
            };
            match bound {
                Ok(socket) => {
                    let speaks = speaks.clone();
                    self.sockets.push(Listener { socket, speaks, file: None });
                }
                // [::]:8080 accepts IPv4 as well, so 0.0.0.0:8080 is served already.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && self.covers(address) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn covers(&self, wanted: SocketAddr) -> bool {
        let same_port = |held: &SocketAddr| held.port() == wanted.port() && wanted.port() != 0;
        addresses(&self.sockets)
            .iter()
            .any(|held| same_port(held) && held.is_ipv6() && held.ip().is_unspecified())
    }

    /// Returns a function that reads the numbers of datagrams.
    pub fn datagram_counts(&self) -> impl Fn() -> DatagramCounts + Send + Sync + use<> {
        self.datagrams.counts()
    }

    /// Returns the bound addresses of the server's own protocol, with their real ports.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        addresses(self.own())
    }

    /// Returns where other machines reach the sockets of [`Listeners::addresses`] that are bound to all addresses of
    /// this one.
    pub fn reachable_addresses(&self) -> Vec<SocketAddr> {
        let mut all: Vec<SocketAddr> =
            self.addresses().into_iter().flat_map(reachable_at).collect();
        all.sort();
        all.dedup();
        all
    }

    /// Returns the paths of the sockets in the file system of the server's own protocol; `@NAME` is an abstract
    /// name.
    pub fn unix_paths(&self) -> Vec<PathBuf> {
        self.own().filter_map(|listener| listener.socket.unix_path()).collect()
    }

    fn own(&self) -> impl Iterator<Item = &Listener> {
        self.sockets.iter().filter(|listener| matches!(listener.speaks, Speaks::Own))
    }
}

fn addresses<'a>(sockets: impl IntoIterator<Item = &'a Listener>) -> Vec<SocketAddr> {
    let address = |listener: &Listener| listener.socket.tcp_address();
    sockets.into_iter().filter_map(address).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_of_a_port_in_use_says_what_to_do() {
        let first = Listeners::bind(["127.0.0.1:0"], 0o660).unwrap();
        let address = first.addresses()[0].to_string();
        let error = Listeners::bind([&address], 0o660).unwrap_err().to_string();
        let own = format!("{address} is in use by process {} (", std::process::id());
        assert!(error.starts_with(&own) || cfg!(not(target_os = "linux")), "{error}");
        assert!(Listeners::bind(["nonsense"], 0o660).is_err());
    }

    #[test]
    fn all_addresses_of_both_families_share_one_port() {
        let first = Listeners::bind(["[::]:0"], 0o660).unwrap();
        let port = first.addresses()[0].port();
        drop(first);
        assert!(
            Listeners::bind([format!("[::]:{port}"), format!("0.0.0.0:{port}")], 0o660).is_ok()
        );
    }
}
