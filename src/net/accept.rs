//! listen, accept, hand over: where connections come from.
//!
//! One thread waits for every listener at once, accepts, and hands each connection to the queue of
//! the pool. It never reads, and never waits for anything but new connections. When there is no room
//! it says so to the peer (`refuse.rs`), or leaves the others to the kernel's backlog until there is;
//! when descriptors run out it pauses; it ends when it is asked to, or when a listener breaks.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs as _};
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::admission::{ConnectionLimiter, Overload, Permit, RejectReason};
use super::errors::{AcceptFailure, accept_failure};
use super::log_throttle::LogThrottle;
use super::refuse::Refused;
use super::socket::{adopt, bind, wait_readable};
use super::stop_signal::StopSignal;

/// A connection that has been accepted and not served yet.
#[derive(Debug)]
pub struct Accepted {
    /// The connection; reads and writes block.
    pub stream: TcpStream,
    /// Who is at the other end.
    pub peer: SocketAddr,
    /// When that was.
    pub at: Instant,
    /// Kept as long as the connection is.
    pub pass: Permit,
}

/// The sockets that are listened on.
#[derive(Debug)]
pub struct Listeners {
    sockets: Vec<TcpListener>,
    /// How many refused connections may be drained at once.
    refused: usize,
}

/// So many refused connections are drained at once, where nothing else is said.
const REFUSED: usize = 256;

/// An address cannot be listened on.
#[derive(Debug)]
pub struct BindError {
    /// As it was given.
    pub address: String,
    source: io::Error,
}

impl BindError {
    /// `address` cannot be had, for this reason.
    pub fn new(address: impl Into<String>, source: io::Error) -> BindError {
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
                    "{address} may not be used: ports below 1024 need a privilege; choose a higher one"
                )
            }
            io::ErrorKind::AddrNotAvailable => {
                write!(
                    f,
                    "{address} is not an address of this machine; right: 127.0.0.1:8080, or 0.0.0.0:8080 for all of them"
                )
            }
            _ => write!(f, "{address} cannot be listened on: {source}"),
        }
    }
}

impl std::error::Error for BindError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

impl Listeners {
    /// Listens on every address that the given ones (`host:port`) stand for; port 0 is a free port.
    ///
    /// # Errors
    /// The first address that could not be had; then none is.
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

    /// Keeps at most so many refused connections until they have read why: each has a descriptor.
    pub fn with_refused(self, most: usize) -> Listeners {
        Listeners { refused: most, ..self }
    }

    fn add(&mut self, address: &str) -> io::Result<()> {
        for address in address.to_socket_addrs()? {
            match bind(address) {
                Ok(listener) => self.sockets.push(listener),
                // [::]:8080 takes IPv4, too, so that 0.0.0.0:8080 beside it is served already.
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

    /// The addresses listened on, with their real ports.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.sockets.iter().filter_map(|listener| listener.local_addr().ok()).collect()
    }

    /// Accepts until it is asked to stop. `hand_over` gives a connection back when there is no room
    /// for it. Whoever is not let in is told `refusal`, or waits outside, as the door has it.
    ///
    /// # Errors
    /// When a listener breaks. Connections that fail do not end this.
    pub fn accept_until(
        self,
        stop: &StopSignal,
        door: &Arc<ConnectionLimiter>,
        hand_over: impl FnMut(Accepted) -> Result<(), Accepted>,
        refusal: impl Fn(RejectReason, SocketAddr) -> Vec<u8>,
    ) -> io::Result<()> {
        let (refused, said) = (Refused::new(self.refused), LogThrottle::default());
        let mut entrance =
            Entrance { door, hand_over, refusal, refused, held: None, full_since: None, said };
        let mut exhausted = Exhausted::default();
        while !stop.is_requested() {
            entrance.try_again();
            let now = Instant::now();
            let paused = exhausted.pause_left(now).or(entrance.pause());
            let listening = if paused.is_some() { &[] } else { self.sockets.as_slice() };
            let mut descriptors = vec![stop.descriptor()];
            descriptors.extend(listening.iter().map(|listener| listener.as_fd()));
            descriptors.extend(entrance.refused.descriptors());
            let patience =
                entrance.refused.next_deadline().map(|until| until.saturating_duration_since(now));
            let ready = wait_readable(&descriptors, paused.into_iter().chain(patience).min())?;
            for (listener, _) in listening.iter().zip(&ready[1..]).filter(|&(_, &ready)| ready) {
                accept_all(listener, &mut exhausted, |stream, peer| entrance.come(stream, peer))?;
            }
            entrance.refused.drain(Instant::now());
        }
        Ok(())
    }
}

/// Where those who have been accepted are let in, refused, or held.
struct Entrance<'a, H, R> {
    door: &'a Arc<ConnectionLimiter>,
    hand_over: H,
    refusal: R,
    refused: Refused,
    /// The one that waits here while the others wait outside.
    held: Option<(TcpStream, SocketAddr, Instant)>,
    /// Since when there has been no room, now and then, without the crowd getting smaller.
    full_since: Option<Instant>,
    said: LogThrottle,
}

impl<H, R> Entrance<'_, H, R>
where
    H: FnMut(Accepted) -> Result<(), Accepted>,
    R: Fn(RejectReason, SocketAddr) -> Vec<u8>,
{
    /// How soon somebody who is held tries again.
    const PAUSE: Duration = Duration::from_millis(10);

    /// How long new connections wait for room before the first of them is refused. When many come at
    /// once, those that have been let in and are refused by their request leave within this time; a
    /// client among the others that asks for little is served then, and not refused with them.
    const PATIENCE: Duration = Duration::from_millis(500);

    /// Somebody new. May more come?
    fn come(&mut self, stream: TcpStream, peer: SocketAddr) -> bool {
        self.door.count_accepted();
        self.let_in(stream, peer, Instant::now());
        self.held.is_none()
    }

    fn let_in(&mut self, stream: TcpStream, peer: SocketAddr, at: Instant) {
        if !self.door.is_crowded() {
            self.full_since = None;
        }
        let (stream, why) = match self.door.enter(peer.ip()) {
            Err(why) => (stream, why),
            Ok(pass) => match (self.hand_over)(Accepted { stream, peer, at, pass }) {
                Ok(()) => return,
                Err(Accepted { stream, .. }) => (stream, RejectReason::Queue),
            },
        };
        let now = Instant::now();
        if self.is_worth_a_wait(why, now) {
            self.held = Some((stream, peer, at));
            return;
        }
        self.door.count_refusal(why);
        if self.said.allow(now) {
            log::warn!("{peer}: not let in: {}; more like it are not told of", why.what());
        }
        self.refused.refuse(stream, &(self.refusal)(why, peer), now);
    }

    /// Returns whether a connection that is not let in is held until there is room: always, where it is
    /// configured so; else for a moment, once for each time that the door becomes full. A door that stays
    /// full refuses at once.
    fn is_worth_a_wait(&mut self, why: RejectReason, now: Instant) -> bool {
        match why {
            // One address that has too many must not keep the others outside.
            RejectReason::Address => false,
            _ if self.door.overload == Overload::Block => true,
            RejectReason::Connections => {
                now.duration_since(*self.full_since.get_or_insert(now)) < Self::PATIENCE
            }
            RejectReason::Queue => false,
        }
    }

    fn try_again(&mut self) {
        if let Some((stream, peer, at)) = self.held.take() {
            self.let_in(stream, peer, at);
        }
    }

    fn pause(&self) -> Option<Duration> {
        self.held.is_some().then_some(Self::PAUSE)
    }
}

/// How many connections are accepted from one listener before the others are looked at again.
const BURST: usize = 256;

/// Accepts whoever is waiting.
fn accept_all(
    listener: &TcpListener,
    exhausted: &mut Exhausted,
    mut come: impl FnMut(TcpStream, SocketAddr) -> bool,
) -> io::Result<()> {
    for _ in 0..BURST {
        let error = match listener.accept() {
            Ok((stream, peer)) => {
                exhausted.is_over();
                match adopt(&stream) {
                    Ok(()) if come(stream, peer) => {}
                    Ok(()) => return Ok(()),
                    Err(error) => log::debug!("{peer}: left at once: {error}"),
                }
                continue;
            }
            Err(error) => error,
        };
        match accept_failure(&error) {
            AcceptFailure::Nobody => return Ok(()),
            AcceptFailure::Passing => {
                log::debug!("a connection failed before it was accepted: {error}")
            }
            AcceptFailure::Exhausted => {
                exhausted.begins(&error, Instant::now());
                return Ok(());
            }
            AcceptFailure::Fatal => return Err(error),
        }
    }
    Ok(())
}

/// Out of descriptors: the peers wait in the backlog, we wait a little, and say so once a second.
#[derive(Debug, Default)]
struct Exhausted {
    paused_until: Option<Instant>,
    said: LogThrottle,
}

impl Exhausted {
    const PAUSE: Duration = Duration::from_millis(50);

    fn begins(&mut self, error: &io::Error, now: Instant) {
        self.paused_until = Some(now + Exhausted::PAUSE);
        if self.said.allow(now) {
            log::warn!(
                "cannot accept: {error}; new clients wait until others leave (see ulimit -n)"
            );
        }
    }

    fn is_over(&mut self) {
        self.paused_until = None;
    }

    fn pause_left(&self, now: Instant) -> Option<Duration> {
        self.paused_until?.checked_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::admission::PerAddress;
    use std::io::{Read as _, Write as _};
    use std::thread;

    fn open_door() -> Arc<ConnectionLimiter> {
        ConnectionLimiter::new(100, PerAddress::Any, Overload::Reject)
    }

    #[test]
    fn accepts_on_all_addresses_until_asked_to_stop() {
        let listeners = Listeners::bind(["127.0.0.1:0", "[::1]:0"]).unwrap();
        let addresses = listeners.addresses();
        assert_eq!(addresses.len(), 2);
        assert!(addresses.iter().all(|address| address.port() != 0));
        let stop = StopSignal::new().unwrap();
        let (stopper, (sender, accepted)) = (stop.clone(), crossbeam_channel::unbounded());
        let loops = thread::spawn(move || {
            listeners.accept_until(
                &stop,
                &open_door(),
                |accepted| sender.send(accepted).map_err(|back| back.0),
                |_, _| Vec::new(),
            )
        });
        for address in addresses {
            let client = TcpStream::connect(address).unwrap();
            assert_eq!(accepted.recv().unwrap().peer, client.local_addr().unwrap());
        }
        stopper.request(Duration::ZERO);
        loops.join().unwrap().unwrap();
    }

    #[test]
    fn a_refusal_arrives_even_when_the_peer_is_talking() {
        let listeners = Listeners::bind(["127.0.0.1:0"]).unwrap();
        let address = listeners.addresses()[0];
        let stop = StopSignal::new().unwrap();
        let stopper = stop.clone();
        let loops = thread::spawn(move || {
            listeners.accept_until(&stop, &open_door(), Err, |_, _| b"no room".to_vec())
        });
        for _ in 0..20 {
            let mut client = TcpStream::connect(address).unwrap();
            let _ = client.write_all(&[b'x'; 100_000]);
            let mut answer = Vec::new();
            client.read_to_end(&mut answer).unwrap();
            assert_eq!(answer, b"no room");
        }
        stopper.request(Duration::ZERO);
        loops.join().unwrap().unwrap();
    }

    #[test]
    fn a_port_in_use_says_what_to_do() {
        let first = Listeners::bind(["127.0.0.1:0"]).unwrap();
        let address = first.addresses()[0].to_string();
        let error = Listeners::bind([&address]).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{address} is in use")), "{error}");
        assert!(Listeners::bind(["nonsense"]).is_err());
    }

    #[test]
    fn all_addresses_of_both_families_on_one_port() {
        let first = Listeners::bind(["[::]:0"]).unwrap();
        let port = first.addresses()[0].port();
        drop(first);
        assert!(Listeners::bind([format!("[::]:{port}"), format!("0.0.0.0:{port}")]).is_ok());
    }
}
