//! The accept loop: one thread accepts from all listeners and hands each connection over.
//!
//! The thread waits for new connections only, and never reads. A connection that is not admitted gets a
//! refusal (`refuse.rs`), or is held while the others wait in the kernel's backlog. When descriptors run
//! out, the loop pauses. It ends when a stop is requested, or when a listener breaks.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::admission::{ConnectionLimiter, Overload, Permit, RejectReason};
use super::errors::{AcceptFailure, accept_failure};
use super::listen::Listeners;
use super::log_throttle::LogThrottle;
use super::refuse::Refused;
use super::socket::{adopt, wait_readable};
use super::stop_signal::StopSignal;

/// An accepted and admitted connection that has not been served yet.
#[derive(Debug)]
pub struct Accepted {
    /// The connection; reads and writes block.
    pub stream: TcpStream,
    /// The address of the client.
    pub peer: SocketAddr,
    /// When it was accepted.
    pub at: Instant,
    /// Held until the connection ends.
    pub permit: Permit,
}

/// What the accept loop calls.
pub struct Callbacks<H, R, T> {
    /// Sends a connection into the driver's channel, or returns it if that is full.
    pub hand_over: H,
    /// Returns the bytes for a connection that is not admitted.
    pub refusal: R,
    /// Is called every two seconds, for what has to be done while no client does anything.
    pub tick: T,
}

/// The time between two ticks: 2 seconds.
const TICK: Duration = Duration::from_secs(2);

impl Listeners {
    /// Accepts connections until a stop is requested. One that is not admitted is sent a refusal, or held.
    ///
    /// # Errors
    /// When a listener breaks. A connection that fails does not end the loop.
    pub fn accept_until(
        self,
        stop: &StopSignal,
        limiter: &Arc<ConnectionLimiter>,
        callbacks: Callbacks<
            impl FnMut(Accepted) -> Result<(), Accepted>,
            impl Fn(RejectReason, SocketAddr) -> Vec<u8>,
            impl FnMut(),
        >,
    ) -> io::Result<()> {
        let Callbacks { hand_over, refusal, mut tick } = callbacks;
        let (refused, log) = (Refused::new(self.refused), LogThrottle::default());
        let mut admitter =
            Admitter { limiter, hand_over, refusal, refused, held: None, full_since: None, log };
        let mut exhausted = Exhausted::default();
        let mut next_tick = Instant::now() + TICK;
        while !stop.is_requested() {
            admitter.retry_held();
            let now = Instant::now();
            let paused = exhausted.pause_left(now).or(admitter.pause());
            let listening = if paused.is_some() { &[] } else { self.sockets.as_slice() };
            let mut descriptors = vec![stop.descriptor()]; // `ready[0]`
            descriptors.extend(listening.iter().map(|listener| listener.as_fd()));
            descriptors.extend(admitter.refused.descriptors());
            let linger_left =
                admitter.refused.next_deadline().map(|until| until.saturating_duration_since(now));
            let tick_left = next_tick.saturating_duration_since(now);
            let wait = paused.into_iter().chain(linger_left).fold(tick_left, Duration::min);
            let ready = wait_readable(&descriptors, Some(wait))?;
            for (listener, _) in listening.iter().zip(&ready[1..]).filter(|&(_, &ready)| ready) {
                accept_all(listener, &mut exhausted, |stream, peer| admitter.accept(stream, peer))?;
            }
            let now = Instant::now();
            admitter.refused.drain(now);
            if next_tick <= now {
                tick();
                next_tick = now + TICK;
            }
        }
        Ok(())
    }
}

/// Admits, refuses or holds each accepted connection.
struct Admitter<'a, H, R> {
    limiter: &'a Arc<ConnectionLimiter>,
    hand_over: H,
    refusal: R,
    refused: Refused,
    /// The connection that is held until there is room, while others wait in the backlog.
    held: Option<(TcpStream, SocketAddr, Instant)>,
    /// When the limit was reached; `None` again once at most three quarters of it are open.
    full_since: Option<Instant>,
    log: LogThrottle,
}

impl<H, R> Admitter<'_, H, R>
where
    H: FnMut(Accepted) -> Result<(), Accepted>,
    R: Fn(RejectReason, SocketAddr) -> Vec<u8>,
{
    /// The pause between two tries to admit the held connection: 10 ms.
    const PAUSE: Duration = Duration::from_millis(10);

    /// How long new connections wait for room before the first is refused: 500 ms. When many come at once,
    /// most of the admitted ones end within this time, and the others are then served, not refused.
    const HOLD_TIME: Duration = Duration::from_millis(500);

    /// Handles a new connection. Returns false if no more should be accepted for now.
    fn accept(&mut self, stream: TcpStream, peer: SocketAddr) -> bool {
        self.limiter.count_accepted();
        self.admit(stream, peer, Instant::now());
        self.held.is_none()
    }

    /// Admits and hands over a connection that was accepted at `at`, or holds it, or refuses it.
    fn admit(&mut self, stream: TcpStream, peer: SocketAddr, at: Instant) {
        if !self.limiter.is_crowded() {
            self.full_since = None;
        }
        let (stream, reason) = match self.limiter.try_admit(peer.ip()) {
            Err(reason) => (stream, reason),
            Ok(permit) => match (self.hand_over)(Accepted { stream, peer, at, permit }) {
                Ok(()) => return,
                Err(Accepted { stream, .. }) => (stream, RejectReason::Queue),
            },
        };
        let now = Instant::now();
        if self.should_hold(reason, now) {
            self.held = Some((stream, peer, at));
            return;
        }
        self.limiter.count_refusal(reason);
        if self.log.allow(now) {
            log::warn!("{peer}: refused: {}; logged at most once a second", reason.what());
        }
        self.refused.refuse(stream, &(self.refusal)(reason, peer), now);
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
        if let Some((stream, peer, at)) = self.held.take() {
            self.admit(stream, peer, at);
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
    listener: &TcpListener,
    exhausted: &mut Exhausted,
    mut accept: impl FnMut(TcpStream, SocketAddr) -> bool,
) -> io::Result<()> {
    for _ in 0..BURST {
        let error = match listener.accept() {
            Ok((stream, peer)) => {
                exhausted.end();
                match adopt(&stream) {
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

/// A pause while the process is out of descriptors: clients wait in the backlog, and a log line says so
/// at most once a second.
#[derive(Debug, Default)]
struct Exhausted {
    paused_until: Option<Instant>,
    log: LogThrottle,
}

impl Exhausted {
    const PAUSE: Duration = Duration::from_millis(50);

    fn begin(&mut self, error: &io::Error, now: Instant) {
        self.paused_until = Some(now + Exhausted::PAUSE);
        if self.log.allow(now) {
            log::warn!(
                "cannot accept: {error}; new clients wait until connections are closed (see ulimit -n)"
            );
        }
    }

    fn end(&mut self) {
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

    fn limiter() -> Arc<ConnectionLimiter> {
        ConnectionLimiter::new(100, PerAddress::Any, Overload::Reject)
    }

    #[test]
    fn accepts_on_all_addresses_until_a_stop_is_requested() {
        let listeners = Listeners::bind(["127.0.0.1:0", "[::1]:0"]).unwrap();
        let addresses = listeners.addresses();
        assert_eq!(addresses.len(), 2);
        assert!(addresses.iter().all(|address| address.port() != 0));
        let stop = StopSignal::new().unwrap();
        let (stopper, (sender, accepted)) = (stop.clone(), crossbeam_channel::unbounded());
        let acceptor = thread::spawn(move || {
            let callbacks = Callbacks {
                hand_over: |accepted| sender.send(accepted).map_err(|back| back.0),
                refusal: |_, _| Vec::new(),
                tick: || {},
            };
            listeners.accept_until(&stop, &limiter(), callbacks)
        });
        for address in addresses {
            let client = TcpStream::connect(address).unwrap();
            assert_eq!(accepted.recv().unwrap().peer, client.local_addr().unwrap());
        }
        stopper.request(Duration::ZERO);
        acceptor.join().unwrap().unwrap();
    }

    #[test]
    fn a_refusal_arrives_though_the_client_is_still_sending() {
        let listeners = Listeners::bind(["127.0.0.1:0"]).unwrap();
        let address = listeners.addresses()[0];
        let stop = StopSignal::new().unwrap();
        let stopper = stop.clone();
        let acceptor = thread::spawn(move || {
            let refusal = |_, _| b"no room".to_vec();
            let callbacks = Callbacks { hand_over: Err, refusal, tick: || {} };
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
