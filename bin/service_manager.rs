//! What the service manager is told, if there is one: ready, stopping, alive (sd_notify(3)). Each is a datagram to the
//! socket in `NOTIFY_SOCKET`.

use std::env;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process;
use std::sync::Arc;
use std::time::Duration;

/// A service manager, or none.
#[derive(Debug, Clone)]
pub(crate) struct ServiceManager(Option<Arc<UnixDatagram>>);

impl ServiceManager {
    /// Returns the one that the environment names.
    ///
    /// # Errors
    /// When `NOTIFY_SOCKET` names no socket that takes datagrams.
    pub(crate) fn from_env() -> Result<ServiceManager, String> {
        let Some(name) = env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else {
            return Ok(ServiceManager(None));
        };
        let connected = || -> io::Result<UnixDatagram> {
            let address = match name.as_bytes().strip_prefix(b"@") {
                Some(abstract_name) => SocketAddr::from_abstract_name(abstract_name)?,
                None => SocketAddr::from_pathname(&name)?,
            };
            let socket = UnixDatagram::unbound()?;
            socket.connect_addr(&address)?;
            // The accept thread sends signs of life, and waits for no one.
            socket.set_nonblocking(true)?;
            Ok(socket)
        };
        let connected = connected().map_err(|error| {
            let name = name.display();
            format!("NOTIFY_SOCKET {name} takes no datagrams: {error}; right: the path of a socket, or @NAME")
        })?;
        Ok(ServiceManager(Some(Arc::new(connected))))
    }

    /// Says that the server serves, and where.
    pub(crate) fn ready(&self, status: &str) {
        self.send(&format!("READY=1\nSTATUS={status}"));
    }

    /// Says that the server stops.
    pub(crate) fn stopping(&self) {
        self.send("STOPPING=1\nSTATUS=finishing the requests in progress");
    }

    /// Says that the server is alive.
    pub(crate) fn alive(&self) {
        self.send("WATCHDOG=1");
    }

    /// Returns how often it wants to hear that: half of the time after which it ends a silent server.
    pub(crate) fn watchdog_interval(&self) -> Option<Duration> {
        self.0.as_ref()?;
        let number = |name| env::var(name).ok()?.parse::<u64>().ok();
        let is_ours = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(process::id()));
        let time = number("WATCHDOG_USEC").filter(|&time| time > 0 && is_ours)?;
        Some(Duration::from_micros(time) / 2)
    }

    fn send(&self, state: &str) {
        if let Some(socket) = &self.0
            && let Err(error) = socket.send(state.as_bytes())
        {
            log::warn!("the service manager does not hear {state:?}: {error}");
        }
    }
}
