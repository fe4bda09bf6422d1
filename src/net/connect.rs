//! Addresses to a connection: whichever answers first, so that a dead one costs a quarter of a second
//! (Happy Eyeballs, RFC 8305, 4 and 5).
//!
//! IPv6 and IPv4 take turns, the family that the resolver put first begins. The next address is tried
//! when the one before it fails, or has not answered for 250 ms; it goes on trying all the while, in
//! a thread of its own. The first connection wins. A connect cannot be called off: a loser's thread
//! ends when the kernel gives up or time is up, and what it got is closed. One address needs no
//! thread, and gets none. Nor does a socket in the file system, which is there or not.

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

/// How long an address has before the next one is tried beside it (RFC 8305, 5).
const STAGGER: Duration = Duration::from_millis(250);
/// How many are tried at once; a name with hundreds of addresses is no reason for as many threads.
const ABREAST: usize = 8;

/// What [`connect`] is about to do, and how it went.
#[derive(Debug, Clone, Copy)]
pub enum Attempt<'a> {
    /// This address is tried.
    Trying(SocketAddr),
    /// It did not work.
    Failed(SocketAddr, &'a io::Error),
    /// Another one was faster.
    Abandoned(SocketAddr),
}

/// No address led to a connection.
#[derive(Debug)]
pub struct ConnectError {
    /// What was tried, in the order in which it failed, and what came of it.
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
    race(&in_turns(addresses), until, observe, connect_to)
}

/// The families take turns, each in its own order; that of the first address begins.
fn in_turns(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let begins = |address: &&SocketAddr| {
        addresses.first().is_some_and(|first| first.is_ipv4() == address.is_ipv4())
    };
    let (first, second): (Vec<_>, Vec<_>) = addresses.iter().partition(begins);
    let longest = first.len().max(second.len());
    (0..longest).flat_map(|at| first.get(at).into_iter().chain(second.get(at))).copied().collect()
}

/// How one address is connected to, within a time.
type Dial = fn(SocketAddr, Option<Duration>) -> io::Result<TcpStream>;

fn race(
    addresses: &[SocketAddr],
    until: Option<Instant>,
    observe: &mut dyn FnMut(Attempt<'_>),
    dial: Dial,
) -> Result<TcpStream, ConnectError> {
    let (report, reports) = mpsc::channel();
    let (mut waiting, mut under_way, mut tried) = (addresses, Vec::new(), Vec::new());
    let mut next = Instant::now();
    while !has_passed(until) {
        if let [address, rest @ ..] = waiting
            && under_way.len() < ABREAST
            && (under_way.is_empty() || Instant::now() >= next)
        {
            observe(Attempt::Trying(*address));
            start(*address, left(until), dial, &report, addresses.len() > 1);
            (waiting, next) = (rest, Instant::now() + STAGGER);
            under_way.push(*address);
        }
        if under_way.is_empty() {
            break;
        }
        let turn = (!waiting.is_empty() && under_way.len() < ABREAST)
            .then(|| next.saturating_duration_since(Instant::now()));
        let patience = turn.into_iter().chain(left(until)).min().unwrap_or(STAGGER);
        // Nothing yet, and the next one's turn, or the end of the time.
        let Ok((address, outcome)) = reports.recv_timeout(patience) else { continue };
        if let Some(at) = under_way.iter().position(|held| *held == address) {
            under_way.remove(at);
        }
        match outcome {
            Ok(stream) => {
                under_way.iter().for_each(|lost| observe(Attempt::Abandoned(*lost)));
                return Ok(stream);
            }
            Err(error) => {
                observe(Attempt::Failed(address, &error));
                tried.push((address, error));
                next = Instant::now();
            }
        }
    }
    for address in under_way {
        let error = io::Error::from(io::ErrorKind::TimedOut);
        observe(Attempt::Failed(address, &error));
        tried.push((address, error));
    }
    Err(ConnectError { tried, timed_out: has_passed(until) })
}

/// Connects, in a thread of its own where there are others to be tried beside it.
fn start(
    address: SocketAddr,
    limit: Option<Duration>,
    dial: Dial,
    report: &mpsc::Sender<(SocketAddr, io::Result<TcpStream>)>,
    has_rivals: bool,
) {
    let reporter = report.clone();
    // Nobody waits for a loser: what it got is closed, and that is no error.
    let run = move || reporter.send((address, dial(address, limit))).unwrap_or_default();
    if !has_rivals {
        return run();
    }
    if let Err(error) = thread::Builder::new().name("connect".to_owned()).spawn(run) {
        report.send((address, Err(error))).unwrap_or_default();
    }
}

fn has_passed(until: Option<Instant>) -> bool {
    until.is_some_and(|until| Instant::now() >= until)
}

/// What is left. Never nothing: the kernel takes zero for "no limit".
fn left(until: Option<Instant>) -> Option<Duration> {
    let left = until?.saturating_duration_since(Instant::now());
    Some(left.max(Duration::from_millis(1)))
}

/// Connects to a socket in the file system by `until`: where more wait for its server than it lets
/// wait, we do, too.
///
/// # Errors
/// Those of `connect`; `TimedOut`; `InvalidInput` or `ENAMETOOLONG` for a path that is no socket's.
pub fn connect_unix(path: &Path, until: Option<Instant>) -> io::Result<UnixStream> {
    let address = UnixAddr::new(path)?;
    let socket = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    if let Some(left) = left(until) {
        let left = left.max(Duration::from_micros(1));
        let micros = left.subsec_micros().into();
        let limit = TimeVal::new(left.as_secs().try_into().unwrap_or(i64::MAX), micros);
        setsockopt(&socket, sockopt::SendTimeout, &limit)?;
    }
    match nix::sys::socket::connect(socket.as_raw_fd(), &address) {
        Ok(()) => Ok(UnixStream::from(socket)),
        // What unix(7) calls a time that is up, and a queue that is full.
        Err(Errno::EAGAIN) => Err(io::ErrorKind::TimedOut.into()),
        Err(error) => Err(error.into()),
    }
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
                    None if Instant::now() < until => thread::yield_now(),
                    ended => break ended.unwrap(),
                }
            };
            assert_eq!(ended.is_err(), refused, "{ended:?}");
        }
    }

    #[test]
    fn families_take_turns() {
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
            assert_eq!(in_turns(&list(&given)), list(want), "{given}");
        }
    }

    #[test]
    fn a_full_queue_is_waited_for_no_longer_than_that() {
        let path = std::env::temp_dir().join(format!("threadbare-{}.sock", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let begun = Instant::now();
        let refused = connect_unix(&path, soon()).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::NotFound);
        let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let mut waiting = Vec::new();
        // 128 wait, and one more, which is not counted; or as many as somaxconn says.
        let full = (0..10_000).find_map(|_| {
            let until = Some(Instant::now() + Duration::from_millis(200));
            connect_unix(&path, until).map(|stream| waiting.push(stream)).err()
        });
        std::fs::remove_file(&path).unwrap();
        assert_eq!(full.map(|error| error.kind()), Some(io::ErrorKind::TimedOut));
        assert!(begun.elapsed() < Duration::from_secs(8));
        assert!(connect_unix(Path::new(&"x".repeat(200)), None).is_err(), "too long");
    }

    /// Port 1 never answers; the others are what they are.
    fn hangs(address: SocketAddr, limit: Option<Duration>) -> io::Result<TcpStream> {
        if address.port() == 1 {
            thread::sleep(limit.unwrap_or(Duration::from_secs(20)));
            return Err(io::ErrorKind::TimedOut.into());
        }
        connect_to(address, limit)
    }

    #[test]
    fn an_address_that_never_answers_costs_a_quarter_of_a_second() {
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
    fn when_none_answers_time_holds_and_each_is_told() {
        let dead: Vec<SocketAddr> =
            (1..=20).map(|last| SocketAddr::from(([127, 0, 0, last], 1))).collect();
        let (begun, mut trying) = (Instant::now(), 0);
        let until = Some(begun + 2 * STAGGER + STAGGER / 2);
        let mut count = |attempt: Attempt<'_>| {
            trying += usize::from(matches!(attempt, Attempt::Trying(_)));
        };
        let error = race(&dead, until, &mut count, hangs).unwrap_err();
        assert!(error.timed_out && begun.elapsed() < Duration::from_secs(5));
        assert!((1..=ABREAST).contains(&trying), "{trying}");
        assert_eq!(error.tried.len(), trying);
    }
}
