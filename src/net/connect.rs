//! An address to a connection: each address tried in turn, until one answers or time is up.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrStorage, setsockopt, socket, sockopt,
};

/// What [`connect`] is about to do, and how it went.
#[derive(Debug, Clone, Copy)]
pub enum Attempt<'a> {
    /// This address is tried.
    Trying(SocketAddr),
    /// It did not work.
    Failed(SocketAddr, &'a io::Error),
}

/// No address led to a connection.
#[derive(Debug)]
pub struct ConnectError {
    /// What was tried, in order, and what came of it.
    pub tried: Vec<(SocketAddr, io::Error)>,
    /// Was it time that ran out?
    pub timed_out: bool,
}

/// Says what became of each address, the causes included; so there is no source beyond it.
impl std::fmt::Display for ConnectError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.tried[..] {
            [] => f.write_str("no address was tried"),
            [(_, error)] => error.fmt(f),
            several => several.iter().enumerate().try_for_each(|(at, (address, error))| {
                let between = if at == 0 { "" } else { "; " };
                write!(f, "{between}{address}: {error}")
            }),
        }
    }
}

impl std::error::Error for ConnectError {}

/// Connects to the first of `addresses` that lets us, by `until`. Without `until` the kernel
/// decides when to give an address up: on Linux after some 130 s.
///
/// # Errors
/// [`ConnectError`] holds what became of each address.
pub fn connect(
    addresses: &[SocketAddr],
    until: Option<Instant>,
    observe: &mut dyn FnMut(Attempt<'_>),
) -> Result<TcpStream, ConnectError> {
    let mut tried = Vec::new();
    for (at, &address) in addresses.iter().enumerate() {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            break;
        }
        observe(Attempt::Trying(address));
        match connect_to(address, left.map(|left| share(left, addresses.len() - at))) {
            Ok(stream) => return Ok(stream),
            Err(error) => {
                observe(Attempt::Failed(address, &error));
                tried.push((address, error));
            }
        }
    }
    let timed_out = until.is_some_and(|until| Instant::now() >= until);
    Err(ConnectError { tried, timed_out })
}

/// How much of what is left an address may use, so that one that never answers leaves time for
/// those behind it. With 10 s and three addresses: the first has 3.3 s. If it never answers, the
/// second has half of the 6.7 s left, 3.3 s; if it refuses at once, half of 10 s. The last has all
/// that is left. Never nothing: the kernel takes zero for "no limit".
fn share(left: Duration, addresses: usize) -> Duration {
    let addresses = u32::try_from(addresses).unwrap_or(u32::MAX).max(1);
    (left / addresses).max(Duration::from_millis(1))
}

/// Begins to connect and does not wait: the stream does not block, and has room to write as soon as
/// it is connected, or broken. For those who wait for many at once.
///
/// # Errors
/// Those of `socket` and `connect`, but for EINPROGRESS.
pub fn begin(address: SocketAddr) -> io::Result<TcpStream> {
    let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let socket = socket(family, SockType::Stream, flags, None)?;
    setsockopt(&socket, sockopt::TcpNoDelay, &true)?;
    match nix::sys::socket::connect(socket.as_raw_fd(), &SockaddrStorage::from(address)) {
        Ok(()) | Err(Errno::EINPROGRESS) => Ok(TcpStream::from(socket)),
        Err(error) => Err(error.into()),
    }
}

/// What has become of a connection that was begun: `None` while it is under way.
pub fn outcome(stream: &TcpStream) -> Option<io::Result<()>> {
    match stream.take_error() {
        Ok(None) => stream.peer_addr().is_ok().then_some(Ok(())),
        Ok(Some(error)) | Err(error) => Some(Err(error)),
    }
}

fn connect_to(address: SocketAddr, limit: Option<Duration>) -> io::Result<TcpStream> {
    let stream = match limit {
        Some(limit) => TcpStream::connect_timeout(&address, limit)?,
        None => TcpStream::connect(address)?,
    };
    // What we write is whole messages; holding the last piece back for an acknowledgement that the
    // peer delays costs 40 ms (Nagle against delayed ACK).
    stream.set_nodelay(true)?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn soon() -> Option<Instant> {
        Some(Instant::now() + Duration::from_secs(10))
    }

    /// An address where nobody listens: bound, and let go.
    fn deserted() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
    }

    #[test]
    fn the_second_address_is_tried_when_the_first_refuses() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (dead, alive) = (deserted(), listener.local_addr().unwrap());
        for until in [None, soon()] {
            let mut seen = Vec::new();
            let stream = connect(&[dead, alive, dead], until, &mut |attempt| {
                seen.push(match attempt {
                    Attempt::Trying(address) => (address, true),
                    Attempt::Failed(address, _) => (address, false),
                });
            });
            let stream = stream.unwrap();
            assert_eq!(stream.peer_addr().unwrap(), alive);
            assert!(stream.nodelay().unwrap());
            assert_eq!(seen, [(dead, true), (dead, false), (alive, true)]);
        }
    }

    #[test]
    fn every_refusal_is_kept() {
        let dead = [deserted(), deserted()];
        let error = connect(&dead, soon(), &mut |_| {}).unwrap_err();
        assert_eq!(error.tried.iter().map(|(address, _)| *address).collect::<Vec<_>>(), dead);
        let refused =
            |(_, error): &(_, io::Error)| error.kind() == io::ErrorKind::ConnectionRefused;
        assert!(error.tried.iter().all(refused));
        assert!(!error.timed_out);
        assert!(error.to_string().contains(&format!("{}: ", dead[1])), "{error}");
    }

    #[test]
    fn after_the_time_nothing_is_tried() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let error = connect(&[address], Some(Instant::now()), &mut |_| {}).unwrap_err();
        assert!(error.timed_out && error.tried.is_empty());
    }

    #[test]
    fn what_is_begun_ends_well_or_says_why_not() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        for (address, refused) in [(listener.local_addr().unwrap(), false), (deserted(), true)] {
            let until = Instant::now() + Duration::from_secs(10);
            let stream = begin(address).unwrap();
            let ended = loop {
                match outcome(&stream) {
                    None if Instant::now() < until => std::thread::yield_now(),
                    ended => break ended.unwrap(),
                }
            };
            assert_eq!(ended.is_err(), refused, "{ended:?}");
        }
    }

    #[test]
    fn time_is_shared_fairly() {
        let second = Duration::from_secs(1);
        assert_eq!(share(10 * second, 4), second * 5 / 2);
        assert_eq!(share(10 * second, 1), 10 * second);
        assert_eq!(share(Duration::from_nanos(1), 3), Duration::from_millis(1));
    }
}
