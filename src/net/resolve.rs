//! Resolves a name to its addresses, with a deadline.
//!
//! `getaddrinfo` has no timeout: if a name server does not respond, it waits for seconds, often 5 for each
//! try, and cannot be interrupted. So it runs in a thread of its own, and the caller waits for that
//! thread. At the deadline the thread is left to itself; it ends when `getaddrinfo` returns, and its
//! result is dropped.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, ToSocketAddrs};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Instant;

use nix::net::if_::if_nametoindex;

/// Which addresses of a host are used: IPv4, IPv6, or both, which is the default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Family {
    /// IPv4 and IPv6.
    #[default]
    Any,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

impl Family {
    /// Returns true if `address` belongs to this family.
    pub fn has(self, address: &IpAddr) -> bool {
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

/// Why a name was not resolved.
#[derive(Debug)]
pub enum ResolveError {
    /// The resolver has failed.
    Failed(io::Error),
    /// The name has no address of this family.
    NoAddress(Family),
    /// The host is an address, and not of the wanted family.
    NotOf(Family),
    /// The resolver had not returned at the deadline.
    TimedOut,
}

impl std::fmt::Display for ResolveError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ResolveError::Failed(error) => error.fmt(f),
            ResolveError::NoAddress(family) => write!(f, "the name has no {family} address"),
            ResolveError::NotOf(family) => write!(f, "it is not an {family} address"),
            ResolveError::TimedOut => f.write_str("the name server did not respond in time"),
        }
    }
}

/// `Display` shows the resolver's own error, so the source is the source of that error.
impl std::error::Error for ResolveError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ResolveError::Failed(error) => error.source(),
            _ => None,
        }
    }
}

/// Returns the addresses of a host that is not looked up: of a literal address (IPv6 without brackets), and
/// of a name within `localhost`, which stands for the loopback addresses (RFC 6761, 6.3), though most
/// resolvers do not know it. `None` for other hosts.
///
/// # Errors
/// [`ResolveError::NotOf`], if the address is not of this family.
pub fn without_look_up(host: &str, family: Family) -> Option<Result<Vec<IpAddr>, ResolveError>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        let is_wanted = family.has(&address);
        return Some(if is_wanted { Ok(vec![address]) } else { Err(ResolveError::NotOf(family)) });
    }
    is_within_localhost(host).then(|| Ok(loopback(family)))
}

/// Returns an IPv6 address with a zone, `fe80::1%eth0` or `fe80::1%2` (RFC 4007, 11); `None` if the host is none.
///
/// # Errors
/// [`ResolveError::NotOf`] for IPv4 only; [`ResolveError::Failed`] if this machine has no interface with this name.
pub fn with_zone(
    host: &str,
    port: u16,
    family: Family,
) -> Option<Result<SocketAddr, ResolveError>> {
    let (address, zone) = host.split_once('%')?;
    let address: Ipv6Addr = address.parse().ok()?;
    if family == Family::V4 {
        return Some(Err(ResolveError::NotOf(family)));
    }
    let index = zone.parse().map_or_else(
        |_| if_nametoindex(zone).map_err(|error| ResolveError::Failed(error.into())),
        Ok,
    );
    Some(index.map(|index| SocketAddrV6::new(address, port, 0, index).into()))
}

/// Returns the loopback addresses of a family.
pub fn loopback(family: Family) -> Vec<IpAddr> {
    let both = [IpAddr::V6(Ipv6Addr::LOCALHOST), IpAddr::V4(Ipv4Addr::LOCALHOST)];
    both.into_iter().filter(|address| family.has(address)).collect()
}

/// Returns the addresses of `host` that belong to `family`, in the order in which they should be tried
/// (RFC 6724).
///
/// The system is asked for both families, whatever `family` is: `std` has no look-up of one. The client has
/// (`client::dns`), and uses this one where it must.
///
/// # Errors
/// [`ResolveError`] if there is no address, or none by `until`.
pub fn resolve(
    host: &str,
    family: Family,
    until: Option<Instant>,
) -> Result<Vec<IpAddr>, ResolveError> {
    if let Some(known) = without_look_up(host, family) {
        return known;
    }
    let host = host.to_owned();
    let port = 0; // any: only the addresses are used
    let mut addresses: Vec<IpAddr> = within(until, move || {
        Ok((host.as_str(), port).to_socket_addrs()?.map(|found| found.ip()).collect())
    })?;
    addresses.retain(|address| family.has(address));
    if addresses.is_empty() { Err(ResolveError::NoAddress(family)) } else { Ok(addresses) }
}

/// Returns true for `a.localhost` and the like. `localhost` itself is a name that every system knows.
fn is_within_localhost(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let domain = host.rsplit_once('.').map(|(_, domain)| domain);
    domain.is_some_and(|domain| domain.eq_ignore_ascii_case("localhost"))
}

/// Runs `lookup` and waits for it until `until`.
fn within<T: Send + 'static>(
    until: Option<Instant>,
    lookup: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, ResolveError> {
    let Some(until) = until else { return lookup().map_err(ResolveError::Failed) };
    let (result, results) = mpsc::sync_channel(1);
    let thread = thread::Builder::new().name("resolve".to_owned());
    // Sending fails after the deadline, when the caller has gone: that is not an error.
    let started = thread.spawn(move || result.send(lookup()).unwrap_or_default());
    started.map_err(ResolveError::Failed)?;
    match results.recv_timeout(until.saturating_duration_since(Instant::now())) {
        Ok(result) => result.map_err(ResolveError::Failed),
        Err(RecvTimeoutError::Timeout) => Err(ResolveError::TimedOut),
        Err(RecvTimeoutError::Disconnected) => Err(ResolveError::NoAddress(Family::Any)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_literal_address_is_not_looked_up() {
        for host in ["127.0.0.1", "::1"] {
            let want: IpAddr = host.parse().unwrap();
            assert_eq!(resolve(host, Family::Any, None).unwrap(), [want]);
        }
        for (host, family) in [("127.0.0.1", Family::V6), ("::1", Family::V4)] {
            let got = resolve(host, family, None);
            assert!(matches!(got, Err(ResolveError::NotOf(_))), "{got:?}");
        }
    }

    #[test]
    fn zones_of_addresses() {
        let found =
            |host, family| with_zone(host, 80, family).map(|it| it.map(|it| it.to_string()).ok());
        let lo = if_nametoindex("lo").unwrap();
        assert_eq!(found("fe80::1%lo", Family::Any), Some(Some(format!("[fe80::1%{lo}]:80"))));
        assert_eq!(found("::1%7", Family::V6), Some(Some("[::1%7]:80".to_owned())));
        assert_eq!(found("::1%no-such-one", Family::Any), Some(None));
        assert_eq!(found("::1%lo", Family::V4), Some(None));
        assert_eq!(found("::1", Family::Any), None);
    }

    #[test]
    fn localhost_is_a_loopback_address() {
        let until = Instant::now() + Duration::from_secs(10);
        let addresses = resolve("localhost", Family::Any, Some(until)).unwrap();
        assert!(addresses.iter().all(|address| address.is_loopback()), "{addresses:?}");
        let only = resolve("localhost", Family::V4, Some(until)).unwrap();
        assert!(only.iter().all(IpAddr::is_ipv4), "{only:?}");
    }

    #[test]
    fn names_within_localhost_are_loopback_addresses() {
        for host in ["foo.localhost", "a.b.LocalHost", "foo.localhost."] {
            assert_eq!(resolve(host, Family::Any, None).unwrap().len(), 2, "{host}");
            assert_eq!(resolve(host, Family::V4, None).unwrap(), [Ipv4Addr::LOCALHOST], "{host}");
        }
        for host in ["localhost", "localhost.", "foolocalhost", "localhost.example", ".", ""] {
            assert!(!is_within_localhost(host), "{host}");
        }
    }

    #[test]
    fn the_deadline_holds_though_the_lookup_hangs() {
        let start = Instant::now();
        let until = Some(start + Duration::from_millis(50));
        let (release, hang) = mpsc::channel::<()>();
        let got = within(until, move || Ok(hang.recv().is_ok()));
        assert!(matches!(got, Err(ResolveError::TimedOut)), "{got:?}");
        assert!(start.elapsed() < Duration::from_secs(5));
        drop(release);
    }

    #[test]
    fn the_error_of_the_resolver_is_kept() {
        let until = Instant::now() + Duration::from_secs(10);
        for until in [None, Some(until)] {
            let got = within::<()>(until, || Err(io::Error::other("no such name")));
            assert_eq!(got.unwrap_err().to_string(), "no such name");
        }
    }
}
