//! A name to its addresses, within a time.
//!
//! `getaddrinfo` cannot be told a time: with a name server that does not answer it waits for
//! seconds, often 5 for each try, and nothing interrupts it. So it runs in a thread of its own and
//! we wait for the thread. When time is up, the thread is left to itself; it ends when
//! `getaddrinfo` does, and what it found goes nowhere.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Instant;

/// Which addresses are wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Family {
    /// All.
    #[default]
    Any,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

impl Family {
    /// Is this one of them?
    pub fn has(self, address: &SocketAddr) -> bool {
        match self {
            Family::Any => true,
            Family::V4 => address.is_ipv4(),
            Family::V6 => address.is_ipv6(),
        }
    }
}

impl std::fmt::Display for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Family::Any => "IP",
            Family::V4 => "IPv4",
            Family::V6 => "IPv6",
        })
    }
}

/// Why a name led to no address.
#[derive(Debug)]
pub enum ResolveError {
    /// The system's resolver says so.
    Failed(io::Error),
    /// It has no address of this family for the name, and no error either.
    NoAddress(Family),
    /// It is no name but an address, and not of the family that is wanted.
    NotOf(Family),
    /// It had not answered when time was up.
    TimedOut,
}

impl std::fmt::Display for ResolveError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ResolveError::Failed(error) => error.fmt(f),
            ResolveError::NoAddress(family) => write!(f, "the name has no {family} address"),
            ResolveError::NotOf(family) => write!(f, "it is not an {family} address"),
            ResolveError::TimedOut => f.write_str("the name server did not answer in time"),
        }
    }
}

/// The resolver's own error stands for itself, so what is behind it is what is behind this.
impl std::error::Error for ResolveError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ResolveError::Failed(error) => error.source(),
            _ => None,
        }
    }
}

/// Looks up the addresses of `host` that are of this family, in the order in which they should be
/// tried (RFC 6724). An address that is written out, IPv6 without brackets, is not looked up at all.
///
/// # Errors
/// [`ResolveError`] when there is none, or none by `until`.
pub fn resolve(
    host: &str,
    port: u16,
    family: Family,
    until: Option<Instant>,
) -> Result<Vec<SocketAddr>, ResolveError> {
    if let Ok(address) = host.parse::<IpAddr>() {
        let address = Some(SocketAddr::new(address, port)).filter(|address| family.has(address));
        return address.map(|address| vec![address]).ok_or(ResolveError::NotOf(family));
    }
    let host = host.to_owned();
    let lookup = move || Ok((host.as_str(), port).to_socket_addrs()?.collect());
    let mut addresses: Vec<SocketAddr> = within(until, lookup)?;
    addresses.retain(|address| family.has(address));
    if addresses.is_empty() { Err(ResolveError::NoAddress(family)) } else { Ok(addresses) }
}

/// Waits for `lookup` until then, and no longer.
fn within<T: Send + 'static>(
    until: Option<Instant>,
    lookup: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, ResolveError> {
    let Some(until) = until else { return lookup().map_err(ResolveError::Failed) };
    let (answer, wait) = mpsc::sync_channel(1);
    let thread = thread::Builder::new().name("resolve".to_owned());
    // Nobody may be waiting any more: then the answer is not wanted, and that is no error.
    let started = thread.spawn(move || answer.send(lookup()).unwrap_or_default());
    started.map_err(ResolveError::Failed)?;
    match wait.recv_timeout(until.saturating_duration_since(Instant::now())) {
        Ok(answer) => answer.map_err(ResolveError::Failed),
        Err(RecvTimeoutError::Timeout) => Err(ResolveError::TimedOut),
        Err(RecvTimeoutError::Disconnected) => Err(ResolveError::NoAddress(Family::Any)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn addresses_are_taken_as_they_are() {
        for (host, want) in [("127.0.0.1", "127.0.0.1:80"), ("::1", "[::1]:80")] {
            assert_eq!(resolve(host, 80, Family::Any, None).unwrap(), [want.parse().unwrap()]);
        }
        for (host, family) in [("127.0.0.1", Family::V6), ("::1", Family::V4)] {
            let got = resolve(host, 80, family, None);
            assert!(matches!(got, Err(ResolveError::NotOf(_))), "{got:?}");
        }
    }

    #[test]
    fn localhost_is_this_machine() {
        let until = Instant::now() + Duration::from_secs(10);
        let addresses = resolve("localhost", 80, Family::Any, Some(until)).unwrap();
        assert!(addresses.iter().all(|address| address.ip().is_loopback()), "{addresses:?}");
        let only = resolve("localhost", 80, Family::V4, Some(until)).unwrap();
        assert!(only.iter().all(SocketAddr::is_ipv4), "{only:?}");
    }

    #[test]
    fn the_time_holds_even_when_the_lookup_hangs() {
        let start = Instant::now();
        let until = Some(start + Duration::from_millis(50));
        let (release, hang) = mpsc::channel::<()>();
        let got = within(until, move || Ok(hang.recv().is_ok()));
        assert!(matches!(got, Err(ResolveError::TimedOut)), "{got:?}");
        assert!(start.elapsed() < Duration::from_secs(5));
        drop(release);
    }

    #[test]
    fn the_resolvers_own_error_is_kept() {
        let until = Instant::now() + Duration::from_secs(10);
        for until in [None, Some(until)] {
            let got = within::<()>(until, || Err(io::Error::other("no such name")));
            assert_eq!(got.unwrap_err().to_string(), "no such name");
        }
    }
}
