//! The accept loop: one thread accepts from all listeners and hands each connection over.
//!
//! The thread waits for new connections only, and never reads. A connection that is not admitted gets a
//! refusal (`refuse.rs`), or is held while the others wait in the kernel's backlog. When descriptors run
//! out, the loop pauses (`exhausted.rs`). It ends when a stop is requested, or when a listener breaks.
//! The thread also receives datagrams and hands them over (`datagram.rs`).

mod exhausted;

use std::io;
use std::net::TcpStream;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use self::exhausted::Exhausted;
use super::admission::{ConnectionLimiter, Overload, Permit, RejectReason};
use super::datagram::Datagram;
use super::errors::{AcceptFailure, accept_failure};
use super::listen::Listeners;
use super::listening_socket::ListeningSocket;
use super::log_throttle::LogThrottle;
use super::peer_address::PeerAddress;
use super::refuse::Refused;
use super::service::Speaks;
use super::socket::{adopt, wait_readable};
use super::stop_signal::StopSignal;

/// An accepted and admitted connection that has not been served yet.
#[derive(Debug)]
pub struct Accepted {
    /// The connection; reads and writes block.
    pub stream: TcpStream,
    /// The client.
    pub peer: PeerAddress,
    /// When it was accepted.
    pub at: Instant,
    /// What its listener speaks.
    pub speaks: Speaks,
    /// Held until the connection ends.
    pub permit: Permit,
}

/// What the accept loop calls.
pub struct Callbacks<H, D, R, T> {
    /// Sends a connection into the driver's channel, or returns it if that is full.
    pub hand_over: H,
    /// Sends datagrams into that channel. Returns how many are dropped, because there is no room.
    pub deliver: D,
    /// Returns the bytes for a connection of the server's own protocol that is not admitted.
    pub refusal: R,
    /// The time between two ticks.
    pub every: Duration,
    /// Is called again and again, for what has to be done while no client does anything.
    pub tick: T,
}

impl Listeners {
    /// Accepts connections until a stop is requested. One that is not admitted is sent a refusal, or held.
    ///
    /// # Errors
    /// When a listener breaks. A connection that fails does not end the loop.
    pub fn accept_until(
        mut self,
        stop: &StopSignal,
        limiter: &Arc<ConnectionLimiter>,
        callbacks: Callbacks<
            impl FnMut(Accepted) -> Result<(), Accepted>,
            impl FnMut(Vec<Datagram>) -> usize,
            impl Fn(RejectReason, PeerAddress) -> Vec<u8>,
            impl FnMut(),
        >,
    ) -> io::Result<()> {
        let Callbacks { hand_over, mut deliver, refusal, every, mut tick } = callbacks;
        let (refused, log) = (Refused::new(self.refused), LogThrottle::default());
        let mut admitter =
            Admitter { limiter, hand_over, refusal, refused, held: None, full_since: None, log };
        let mut exhausted = Exhausted::default();
        let mut next_tick = Instant::now() + every;
        while !stop.is_requested() {
            admitter.retry_held();
            let now = Instant::now();
            let paused = exhausted.pause_left(now).or(admitter.pause());
            let listening = if paused.is_some() { &[] } else { self.sockets.as_slice() };
            let mut descriptors = vec![stop.descriptor()]; // `ready[0]`
            descriptors.extend(listening.iter().map(|listener| listener.socket.as_fd()));
            descriptors.extend(self.datagrams.descriptors());
            descriptors.extend(admitter.refused.descriptors());
            let dues =
                [Some(next_tick), admitter.refused.next_deadline(), self.datagrams.next_due()];
            let dues = dues.into_iter().flatten().map(|due| due.saturating_duration_since(now));
            let wait = paused.into_iter().chain(dues).min();
            let ready = wait_readable(&descriptors, wait)?;
            let (connections, datagrams) = ready[1..].split_at(listening.len());
            for (listener, _) in listening.iter().zip(connections).filter(|&(_, &ready)| ready) {
                accept_all(&listener.socket, &mut exhausted, |stream, peer| {
                    let (at, speaks) = (Instant::now(), listener.speaks.clone());
                    admitter.accept(Candidate { stream, peer, at, speaks })
                })?;
            }
            let now = Instant::now();
            self.datagrams.receive(datagrams, now, &mut deliver);
            self.datagrams.send_due(now);
            admitter.refused.drain(now);
            if next_tick <= now {
                tick();
                self.datagrams.tick();
                next_tick = now + every;
            }
        }
        Ok(())
    }
}

/// An accepted connection that has not been admitted yet.
struct Candidate {
    stream: TcpStream,
    peer: PeerAddress,
    at: Instant,
    speaks: Speaks,
}

/// Admits, refuses or holds each accepted connection.
struct Admitter<'a, H, R> {
    limiter: &'a Arc<ConnectionLimiter>,
    hand_over: H,
    refusal: R,
    refused: Refused,
    /// The connection that is held until there is room, while others wait in the backlog.
    held: Option<Candidate>,
    /// When the limit was reached; `None` again once at most three quarters of it are open.
    full_since: Option<Instant>,
    log: LogThrottle,
}

impl<H, R> Admitter<'_, H, R>
where
    H: FnMut(Accepted) -> Result<(), Accepted>,
    R: Fn(RejectReason, PeerAddress) -> Vec<u8>,
{
    /// The pause between two tries to admit the held connection: 10 ms.
    const PAUSE: Duration = Duration::from_millis(10);

    /// How long new connections wait for room before the first is refused: 500 ms. When many come at once,
    /// most of the admitted ones end within this time, and the others are then served, not refused.
    const HOLD_TIME: Duration = Duration::from_millis(500);

    /// Handles a new connection. Returns false if no more should be accepted for now.
    fn accept(&mut self, candidate: Candidate) -> bool {
        self.limiter.count_accepted();
        self.admit(candidate);
        self.held.is_none()
    }

    /// Admits and hands over a connection, or holds it, or refuses it.
    fn admit(&mut self, candidate: Candidate) {
        if !self.limiter.is_crowded() {
            self.full_since = None;
        }
        let (candidate, reason) = match self.limiter.try_admit(candidate.peer) {
            Err(reason) => (candidate, reason),
            Ok(permit) => {
                let Candidate { stream, peer, at, speaks } = candidate;
                match (self.hand_over)(Accepted { stream, peer, at, speaks, permit }) {
                    Ok(()) => return,
                    Err(Accepted { stream, peer, at, speaks, .. }) => {
                        (Candidate { stream, peer, at, speaks }, RejectReason::Queue)
                    }
                }
            }
        };
        let now = Instant::now();
        if self.should_hold(reason, now) {
            self.held = Some(candidate);
            return;
        }
        if self.limiter.overload.victim().is_some() {
            return self.limiter.count_dropped(); // it is closed without an answer
        }
        let Candidate { stream, peer, speaks, .. } = candidate;
        self.limiter.count_refusal(reason);
        if self.log.allow(now) {
            log::warn!("{peer}: refused: {}; logged at most once a second", reason.what());
        }
        let refusal = match speaks {
            Speaks::Own => (self.refusal)(reason, peer),
            // Nobody would read it before the handshake.
            Speaks::OwnEncrypted => Vec::new(),
            Speaks::Other(protocol) => protocol.refusal(reason, peer),
        };
        self.refused.refuse(stream, &refusal, now);
    }

    /// Returns true if a connection that is not admitted is held until there is room: always with
    /// [`Overload::Block`], otherwise for [`Self::HOLD_TIME`] after the limit of all connections is reached.
    fn should_hold(&mut self, reason: RejectReason, now: Instant) -> bool {
        match reason {
            // One address that has too many connections must not block the others.
            RejectReason::Address => false,
            _ if self.limiter.overload == Overload::Block => true,
            RejectReason::Connections => {
                now.duration_since(*self.full_since.get_or_insert(now)) < Self::HOLD_TIME
            }
            RejectReason::Queue => false,
        }
    }

    fn retry_held(&mut self) {
        if let Some(candidate) = self.held.take() {
            self.admit(candidate);
        }
    }

    fn pause(&self) -> Option<Duration> {
        self.held.is_some().then_some(Self::PAUSE)
    }
}

/// The most connections accepted from one listener before the others are looked at again.
const BURST: usize = 256;

/// Accepts the connections that wait at one listener.
fn accept_all(
    listener: &ListeningSocket,
    exhausted: &mut Exhausted,
    mut accept: impl FnMut(TcpStream, PeerAddress) -> bool,
) -> io::Result<()> {
    for _ in 0..BURST {
        let error = match listener.accept() {
            Ok((stream, peer)) => {
                exhausted.end();
                match adopt(&stream, peer) {
                    Ok(()) if accept(stream, peer) => {}
                    Ok(()) => return Ok(()),
                    Err(error) => log::debug!("{peer}: disconnected at once: {error}"),
                }
                continue;
            }
            Err(error) => error,
        };
        match accept_failure(&error) {
            AcceptFailure::NoneWaiting => return Ok(()),
            AcceptFailure::Transient => {
                log::debug!("a connection failed before it was accepted: {error}")
            }
            AcceptFailure::Exhausted => {
                exhausted.begin(&error, Instant::now());
                return Ok(());
            }
            AcceptFailure::Fatal => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::admission::PerAddress;
    use std::io::{Read as _, Write as _};
    use std::thread;

    fn limiter() -> Arc<ConnectionLimiter> {
        ConnectionLimiter::new(100, PerAddress::Any, Overload::Reject)
    }

    #[test]
    fn accepts_on_all_addresses_until_a_stop_is_requested() {
        let listeners = Listeners::bind(["127.0.0.1:0", "[::1]:0"], 0o660).unwrap();
        let addresses = listeners.addresses();
        assert_eq!(addresses.len(), 2);
        assert!(addresses.iter().all(|address| address.port() != 0));
        let stop = StopSignal::new().unwrap();
        let (stopper, (sender, accepted)) = (stop.clone(), crossbeam_channel::unbounded());
        let acceptor = thread::spawn(move || {
            let callbacks = Callbacks {
                hand_over: |accepted| sender.send(accepted).map_err(|back| back.0),
                deliver: |_| 0,
                refusal: |_, _| Vec::new(),
                every: Duration::from_secs(2),
                tick: || {},
            };
            listeners.accept_until(&stop, &limiter(), callbacks)
        });
        for address in addresses {
            let client = TcpStream::connect(address).unwrap();
            assert_eq!(
                accepted.recv().unwrap().peer,
                PeerAddress::Tcp(client.local_addr().unwrap())
            );
        }
        stopper.request(Duration::ZERO);
        acceptor.join().unwrap().unwrap();
    }

    #[test]
    fn a_refusal_arrives_though_the_client_is_still_sending() {
        let listeners = Listeners::bind(["127.0.0.1:0"], 0o660).unwrap();
        let address = listeners.addresses()[0];
        let stop = StopSignal::new().unwrap();
        let stopper = stop.clone();
        let acceptor = thread::spawn(move || {
            let refusal = |_, _| b"no room".to_vec();
            let callbacks = Callbacks {
                hand_over: Err,
                deliver: |_| 0,
                refusal,
                every: Duration::from_secs(2),
                tick: || {},
            };
            listeners.accept_until(&stop, &limiter(), callbacks)
        });
        for _ in 0..20 {
            let mut client = TcpStream::connect(address).unwrap();
            let _ = client.write_all(&[b'x'; 100_000]);
            let mut response = Vec::new();
            client.read_to_end(&mut response).unwrap();
            assert_eq!(response, b"no room");
        }
        stopper.request(Duration::ZERO);
        acceptor.join().unwrap().unwrap();
    }
}
