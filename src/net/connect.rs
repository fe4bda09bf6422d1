//! Connects to the first of several addresses that accepts, so that an address without a server costs a
//! quarter of a second (Happy Eyeballs, RFC 8305, 4 and 5).
//!
//! IPv6 and IPv4 addresses alternate, and the family of the resolver's first address begins. The next
//! address is tried when the one before it has failed, or has not responded for 250 ms; each attempt goes
//! on in a thread of its own. The first connection wins. A connect(2) cannot be cancelled: the thread of
//! another attempt ends when the kernel gives up or at the deadline, and its connection is closed. A
//! single address, or a socket in the file system, needs no thread.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrStorage, UnixAddr, setsockopt, socket, sockopt,
};
use nix::sys::time::TimeVal;

use super::local_end::{BindError, LocalEnd};

/// The time after which the next address is tried as well (RFC 8305, 5).
const STAGGER: Duration = Duration::from_millis(250);
/// The most attempts at once: a name with hundreds of addresses must not start hundreds of threads.
const PARALLEL: usize = 8;

/// An event of [`connect`].
#[derive(Debug, Clone, Copy)]
pub enum Attempt<'a> {
    /// An attempt at this address begins.
    Trying(SocketAddr),
    /// The attempt has failed.
    Failed(SocketAddr, &'a io::Error),
    /// Another address was faster.
    Abandoned(SocketAddr),
}

/// Why no connection was made: the error of each address of the host.
#[derive(Debug)]
pub struct ConnectError {
    /// The attempts and their errors, in the order in which they failed.
    pub tried: Vec<(SocketAddr, io::Error)>,
    /// True if the deadline has passed.
    pub timed_out: bool,
}

impl ConnectError {
    /// Returns true if no attempt could have the wanted end on this machine.
    pub fn is_local(&self) -> bool {
        let is_local =
            |error: &io::Error| error.get_ref().is_some_and(|error| error.is::<BindError>());
        !self.tried.is_empty() && self.tried.iter().all(|(_, error)| is_local(error))
    }
}

/// Shows the error of each address with its cause, so there is no further source.
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

/// Connects to the first of `addresses` that accepts, by `until`. Without `until` the kernel decides when
/// to give up: on Linux after about 130 s.
///
/// # Errors
/// [`ConnectError`] with the error of each address.
pub fn connect(
    addresses: &[SocketAddr],
    until: Option<Instant>,
    observe: &mut dyn FnMut(Attempt<'_>),
) -> Result<TcpStream, ConnectError> {
    race(&alternate(addresses), until, observe, connect_to)
}

/// The same, from this end.
///
/// # Errors
/// [`ConnectError`]; [`ConnectError::is_local`] if no attempt could have this end.
pub fn connect_from(
    local: &LocalEnd,
    addresses: &[SocketAddr],
    until: Option<Instant>,
    observe: &mut dyn FnMut(Attempt<'_>),
) -> Result<TcpStream, ConnectError> {
    if local.is_any() {
        return connect(addresses, until, observe);
    }
    let local = local.clone();
    race(&alternate(addresses), until, observe, move |to, limit| local.connect(to, limit))
}

/// Returns the addresses with alternating families, each family in its own order; that of the first
/// address begins.
fn alternate(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let begins = |address: &&SocketAddr| {
        addresses.first().is_some_and(|first| first.is_ipv4() == address.is_ipv4())
    };
    let (first, second): (Vec<_>, Vec<_>) = addresses.iter().partition(begins);
    let longest = first.len().max(second.len());
    (0..longest).flat_map(|at| first.get(at).into_iter().chain(second.get(at))).copied().collect()
}

/// Connects to the first that accepts. `dial` connects to one address within a time.
fn race<D>(
    addresses: &[SocketAddr],
    until: Option<Instant>,
    observe: &mut dyn FnMut(Attempt<'_>),
    dial: D,
) -> Result<TcpStream, ConnectError>
where
    D: Fn(SocketAddr, Option<Duration>) -> io::Result<TcpStream> + Clone + Send + 'static,
{
    let (report, reports) = mpsc::channel();
    let (mut waiting, mut running, mut tried) = (addresses, Vec::new(), Vec::new());
    let mut next = Instant::now();
    while !has_passed(until) {
        if let [address, rest @ ..] = waiting
            && running.len() < PARALLEL
            && (running.is_empty() || Instant::now() >= next)
        {
            observe(Attempt::Trying(*address));
            start(*address, time_left(until), dial.clone(), &report, addresses.len() > 1);
            (waiting, next) = (rest, Instant::now() + STAGGER);
            running.push(*address);
        }
        if running.is_empty() {
            break;
        }
        let next_start = (!waiting.is_empty() && running.len() < PARALLEL)
            .then(|| next.saturating_duration_since(Instant::now()));
        let timeout = next_start.into_iter().chain(time_left(until)).min().unwrap_or(STAGGER);
        // A timeout means that the next attempt starts, or that the deadline has passed.
        let Ok((address, outcome)) = reports.recv_timeout(timeout) else { continue };
        if let Some(at) = running.iter().position(|held| *held == address) {
            running.remove(at);
        }
        match outcome {
            Ok(stream) => {
                running.iter().for_each(|lost| observe(Attempt::Abandoned(*lost)));
                return Ok(stream);
            }
            Err(error) => {
                observe(Attempt::Failed(address, &error));
                tried.push((address, error));
                next = Instant::now();
            }
        }
    }
    for address in running {
        let error = io::Error::from(io::ErrorKind::TimedOut);
        observe(Attempt::Failed(address, &error));
        tried.push((address, error));
    }
    Err(ConnectError { tried, timed_out: has_passed(until) })
}

/// Starts an attempt, in a thread of its own if there are other addresses.
fn start<D>(
    address: SocketAddr,
    limit: Option<Duration>,
    dial: D,
    report: &mpsc::Sender<(SocketAddr, io::Result<TcpStream>)>,
    has_others: bool,
) where
    D: Fn(SocketAddr, Option<Duration>) -> io::Result<TcpStream> + Send + 'static,
{
    let reporter = report.clone();
    // Sending fails when another attempt has won: this connection is closed, and that is not an error.
    let run = move || reporter.send((address, dial(address, limit))).unwrap_or_default();
    if !has_others {
        return run();
    }
    if let Err(error) = thread::Builder::new().name("connect".to_owned()).spawn(run) {
        report.send((address, Err(error))).unwrap_or_default();
    }
}

fn has_passed(until: Option<Instant>) -> bool {
    until.is_some_and(|until| Instant::now() >= until)
}

/// Returns the time until `until`, at least 1 ms: the kernel takes zero for "no limit".
fn time_left(until: Option<Instant>) -> Option<Duration> {
    let left = until?.saturating_duration_since(Instant::now());
    Some(left.max(Duration::from_millis(1)))
}

/// Connects to a socket in the file system by `until`. Waits while the backlog of its server is full.
///
/// # Errors
/// Those of `connect`; `TimedOut`; `InvalidInput` or `ENAMETOOLONG` for a path that cannot be a socket's.
pub fn connect_unix(path: &Path, until: Option<Instant>) -> io::Result<UnixStream> {
    let address = UnixAddr::new(path)?;
    let socket = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    if let Some(left) = time_left(until) {
        let left = left.max(Duration::from_micros(1));
        let micros = left.subsec_micros().into();
        let limit = TimeVal::new(left.as_secs().try_into().unwrap_or(i64::MAX), micros);
        setsockopt(&socket, sockopt::SendTimeout, &limit)?;
    }
    match nix::sys::socket::connect(socket.as_raw_fd(), &address) {
        Ok(()) => Ok(UnixStream::from(socket)),
        // unix(7) reports EAGAIN for a full backlog, and so for the timeout of a wait for room in it.
        Err(Errno::EAGAIN) => Err(io::ErrorKind::TimedOut.into()),
        Err(error) => Err(error.into()),
    }
}

/// Begins to connect without waiting. The stream does not block, and is writable when it is connected or
/// broken. For callers that wait for many connections at once.
///
/// # Errors
/// Those of `socket` and `connect`, except EINPROGRESS.
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

/// As [`begin`], to a socket in the file system. That takes no time, or fails with EAGAIN while the backlog of its server
/// is full.
///
/// # Errors
/// Those of `socket` and `connect`; `InvalidInput` or `ENAMETOOLONG` for a path that cannot be a socket's.
pub fn begin_unix(path: &Path) -> io::Result<UnixStream> {
    let address = UnixAddr::new(path)?;
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let socket = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    nix::sys::socket::connect(socket.as_raw_fd(), &address)?;
    Ok(UnixStream::from(socket))
}

/// Returns the outcome of [`begin`]: `None` while the connection is still being made.
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
    // Each write is a whole message. Without this option the last segment would wait for the peer's
    // delayed acknowledgement: 40 ms (Nagle's algorithm).
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

    /// Returns an address without a listener: bound, and closed again.
    fn closed() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
    }

    #[test]
    fn the_second_address_is_tried_when_the_first_refuses() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (dead, alive) = (closed(), listener.local_addr().unwrap());
        for until in [None, soon()] {
            let mut seen = Vec::new();
            let stream = connect(&[dead, alive, dead], until, &mut |attempt| {
                seen.push(match attempt {
                    Attempt::Trying(address) => (address, true),
                    Attempt::Failed(address, _) | Attempt::Abandoned(address) => (address, false),
                });
            });
            let stream = stream.unwrap();
            assert_eq!(stream.peer_addr().unwrap(), alive);
            assert!(stream.nodelay().unwrap());
            assert_eq!(seen, [(dead, true), (dead, false), (alive, true)]);
        }
    }

    #[test]
    fn the_error_of_each_address_is_kept() {
        let dead = [closed(), closed()];
        let error = connect(&dead, soon(), &mut |_| {}).unwrap_err();
        assert_eq!(error.tried.iter().map(|(address, _)| *address).collect::<Vec<_>>(), dead);
        let refused =
            |(_, error): &(_, io::Error)| error.kind() == io::ErrorKind::ConnectionRefused;
        assert!(error.tried.iter().all(refused));
        assert!(!error.timed_out);
        assert!(error.to_string().contains(&format!("{}: ", dead[1])), "{error}");
    }

    #[test]
    fn after_the_deadline_nothing_is_tried() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let error = connect(&[address], Some(Instant::now()), &mut |_| {}).unwrap_err();
        assert!(error.timed_out && error.tried.is_empty());
    }

    #[test]
    fn a_connection_that_was_begun_has_an_outcome() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        for (address, refused) in [(listener.local_addr().unwrap(), false), (closed(), true)] {
            let until = Instant::now() + Duration::from_secs(10);
            let stream = begin(address).unwrap();
            let ended = loop {
                match outcome(&stream) {
                    None if Instant::now() < until => thread::yield_now(),
                    ended => break ended.unwrap(),
                }
            };
            assert_eq!(ended.is_err(), refused, "{ended:?}");
        }
    }

    #[test]
    fn families_alternate() {
        let [four, six, cut] =
            ["127.0.0.1:1 127.0.0.2:1 127.0.0.3:1", "[::1]:1 [::2]:1", "[::1]:1"];
        let list = |text: &str| -> Vec<SocketAddr> {
            text.split_whitespace().map(|address| address.parse().unwrap()).collect()
        };
        for (given, want) in [
            (String::new(), ""),
            (four.to_owned(), four),
            (format!("{six} {four}"), "[::1]:1 127.0.0.1:1 [::2]:1 127.0.0.2:1 127.0.0.3:1"),
            (format!("{four} {cut}"), "127.0.0.1:1 [::1]:1 127.0.0.2:1 127.0.0.3:1"),
        ] {
            assert_eq!(alternate(&list(&given)), list(want), "{given}");
        }
    }

    #[test]
    fn a_full_backlog_is_waited_for_until_the_deadline() {
        let path = std::env::temp_dir().join(format!("threadbare-{}.sock", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let begun = Instant::now();
        let refused = connect_unix(&path, soon()).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::NotFound);
        let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let mut waiting = Vec::new();
        // 128 connections wait, and one more that is not counted; or as many as somaxconn says.
        let full = (0..10_000).find_map(|_| {
            let until = Some(Instant::now() + Duration::from_millis(200));
            connect_unix(&path, until).map(|stream| waiting.push(stream)).err()
        });
        std::fs::remove_file(&path).unwrap();
        assert_eq!(full.map(|error| error.kind()), Some(io::ErrorKind::TimedOut));
        assert!(begun.elapsed() < Duration::from_secs(8));
        assert!(connect_unix(Path::new(&"x".repeat(200)), None).is_err(), "too long");
    }

    /// Connects, but hangs at port 1.
    fn hangs(address: SocketAddr, limit: Option<Duration>) -> io::Result<TcpStream> {
        if address.port() == 1 {
            thread::sleep(limit.unwrap_or(Duration::from_secs(20)));
            return Err(io::ErrorKind::TimedOut.into());
        }
        connect_to(address, limit)
    }

    #[test]
    fn an_address_that_never_responds_costs_a_quarter_of_a_second() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (dead, alive) = ("[::1]:1".parse().unwrap(), listener.local_addr().unwrap());
        for until in [None, soon()] {
            let (begun, mut abandoned) = (Instant::now(), Vec::new());
            let stream = race(
                &[dead, alive],
                until,
                &mut |attempt| {
                    if let Attempt::Abandoned(address) = attempt {
                        abandoned.push(address);
                    }
                },
                hangs,
            );
            assert_eq!(stream.unwrap().peer_addr().unwrap(), alive);
            assert_eq!(abandoned, [dead]);
            let took = begun.elapsed();
            assert!(took >= STAGGER && took < Duration::from_secs(5), "{took:?}");
        }
    }

    #[test]
    fn when_no_address_responds_the_deadline_holds_and_each_attempt_is_observed() {
        let dead: Vec<SocketAddr> =
            (1..=20).map(|last| SocketAddr::from(([127, 0, 0, last], 1))).collect();
        let (begun, mut trying) = (Instant::now(), 0);
        let until = Some(begun + 2 * STAGGER + STAGGER / 2);
        let mut count = |attempt: Attempt<'_>| {
            trying += usize::from(matches!(attempt, Attempt::Trying(_)));
        };
        let error = race(&dead, until, &mut count, hangs).unwrap_err();
        assert!(error.timed_out && begun.elapsed() < Duration::from_secs(5));
        assert!((1..=PARALLEL).contains(&trying), "{trying}");
        assert_eq!(error.tried.len(), trying);
    }
}
