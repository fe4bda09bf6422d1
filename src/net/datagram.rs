//! Datagrams (UDP): the accept thread receives them, and each is a job for a worker.
//!
//! ```text
//! accept thread: recvfrom ──> the workers' channel ──> worker: respond, sendto
//!                   ^                                     │ a reply that is due later
//!                sendto, when it is due <── DelayedReplies ┘
//! ```
//! No worker waits for a datagram, and none waits until a reply is due. A datagram for which there is no
//! room is dropped and counted: UDP promises no delivery, and its clients repeat what matters. Datagrams
//! take half of the channel at most, so that no connection is refused because of them.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _, UdpSocket};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::delayed::DelayedReplies;
use super::errors::nothing_yet;
use super::handover::Inherited;
use super::udp_socket::{AddressPair, ReplySocket};
use super::worker_record::{DATAGRAM, WorkerRecord};

/// The server side of a protocol over UDP. One that needs no state between datagrams needs nothing else.
pub trait DatagramService: Send + Sync {
    /// Returns the reply to a datagram that has come from `peer`; `None` sends nothing. A worker calls
    /// this, and several may at once. A panic costs this datagram, and nothing else.
    ///
    /// The sender's address can be forged, and the reply goes to that address: a reply that is longer
    /// than its datagram makes the server an amplifier, unless their number is limited.
    fn respond(&self, datagram: &[u8], peer: SocketAddr) -> Option<Reply>;

    /// Returns the reply, for a service that treats datagrams by their order: `number` counts those of the
    /// socket as they arrived, from 0. Workers call this in any order.
    fn respond_to_nth(&self, number: u64, datagram: &[u8], peer: SocketAddr) -> Option<Reply> {
        let _ = number;
        self.respond(datagram, peer)
    }

    /// Does what has to be done while no datagram arrives. The accept thread calls this every second,
    /// for each socket.
    fn tick(&self) {}
}

/// The reply to a datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The payload of the datagram that is sent.
    pub bytes: Vec<u8>,
    /// How long to wait before it is sent. No worker waits.
    pub after: Duration,
}

impl Reply {
    /// Returns a reply that is sent at once.
    pub fn now(bytes: Vec<u8>) -> Reply {
        Reply { bytes, after: Duration::ZERO }
    }
}

/// A datagram that has been received and not been answered yet.
pub struct Datagram {
    bytes: Vec<u8>,
    addresses: AddressPair,
    /// When it was received.
    pub at: Instant,
    /// How many came before it.
    number: u64,
    queued: Queued,
}

/// Counts a datagram as queued, from its receipt until a worker takes it or it is dropped.
struct Queued(Arc<DatagramSocket>);

/// The numbers of datagrams so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DatagramCounts {
    /// Received.
    pub received: u64,
    /// Sent.
    pub answered: u64,
    /// Dropped, because the workers had no room for more.
    pub dropped: u64,
    /// Replies that were not sent: too many were waiting for their time, or the socket took none.
    pub unsent: u64,
    /// Not answered, because the sender's address is port 0 or one of the server's own.
    pub ignored: u64,
}

/// The sockets on which a server receives datagrams.
#[derive(Debug, Default)]
pub struct DatagramSockets {
    sockets: Vec<Arc<DatagramSocket>>,
    counters: Arc<Counters>,
    /// Room for the longest datagram, when there is a socket.
    buffer: Vec<u8>,
}

/// A socket, and what answers the datagrams that it receives.
struct DatagramSocket {
    socket: ReplySocket,
    service: Arc<dyn DatagramService>,
    delayed: DelayedReplies,
    counters: Arc<Counters>,
    /// The number of datagrams received so far.
    received: AtomicU64,
    /// How many of them are queued for a worker. While it is more than one, no more are received: to wake
    /// the accept thread for each costs more than most replies, and those that wait come in one burst.
    queued: AtomicUsize,
}

/// What a [`DatagramCounts`] is read from.
#[derive(Debug, Default)]
struct Counters {
    received: AtomicU64,
    answered: AtomicU64,
    dropped: AtomicU64,
    unsent: AtomicU64,
    ignored: AtomicU64,
}

/// The longest payload of a UDP datagram: 65,507 bytes with IPv4 (RFC 791 and 768), a few more with IPv6.
const LONGEST: usize = 64 << 10;

/// The most datagrams received from one socket before the others, and the listeners, are looked at again.
const BURST: usize = 64;

/// Returns how many datagrams may wait in a channel for `capacity` jobs: half of it. The other half is for
/// connections.
pub fn share_of_datagrams(capacity: usize) -> usize {
    capacity.div_ceil(2)
}

impl DatagramSockets {
    /// Binds a socket to every address to which `address` (`host:port`) resolves, or takes the inherited one.
    /// Returns the addresses, with their real ports.
    pub(super) fn bind(
        &mut self,
        address: &str,
        service: &Arc<dyn DatagramService>,
        inherited: &mut Inherited,
    ) -> io::Result<Vec<SocketAddr>> {
        let mut bound = Vec::new();
        for address in address.to_socket_addrs()? {
            let socket = match inherited.take_udp(address) {
                Some(socket) => ReplySocket::new(socket)?,
                None => ReplySocket::new(UdpSocket::bind(address)?)?,
            };
            bound.push(socket.address);
            self.sockets.push(Arc::new(DatagramSocket {
                socket,
                service: Arc::clone(service),
                delayed: DelayedReplies::new()?,
                counters: Arc::clone(&self.counters),
                received: AtomicU64::new(0),
                queued: AtomicUsize::new(0),
            }));
        }
        self.buffer.resize(LONGEST, 0);
        Ok(bound)
    }

    /// Returns a function that reads the counters.
    pub fn counts(&self) -> impl Fn() -> DatagramCounts + Send + Sync + use<> {
        let counters = Arc::clone(&self.counters);
        move || {
            let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
            DatagramCounts {
                received: get(&counters.received),
                answered: get(&counters.answered),
                dropped: get(&counters.dropped),
                unsent: get(&counters.unsent),
                ignored: get(&counters.ignored),
            }
        }
    }

    /// Returns the sockets.
    pub(super) fn sockets(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.sockets.iter().map(|one| one.socket.as_fd())
    }

    /// Returns the descriptors to wait for: of each socket, the one that says when to receive, and the one
    /// that says that something has changed.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.sockets.iter().flat_map(|one| {
            let changed = one.delayed.descriptor();
            let is_open = one.queued.load(Ordering::Acquire) <= 1;
            [if is_open { one.socket.as_fd() } else { changed }, changed]
        })
    }

    /// Returns when the next reply is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.sockets.iter().filter_map(|one| one.delayed.next_due()).min()
    }

    /// Receives what has arrived at the sockets that are `ready`, as [`Self::descriptors`] lists them, and
    /// hands it over: all of a socket at once, because to wake a worker for each costs more than most
    /// replies. `deliver` returns how many are dropped.
    pub(super) fn receive(
        &mut self,
        ready: &[bool],
        now: Instant,
        mut deliver: impl FnMut(Vec<Datagram>) -> usize,
    ) {
        let DatagramSockets { sockets, counters, buffer } = self;
        let own: Vec<SocketAddr> = sockets.iter().map(|one| one.socket.address).collect();
        for (one, ready) in sockets.iter().zip(ready.chunks(2)) {
            if !ready.first().is_some_and(|&ready| ready) {
                continue;
            }
            let mut burst = Vec::new();
            for _ in 0..BURST {
                let (length, addresses) = match one.socket.receive(buffer) {
                    Ok(received) => received,
                    Err(error) if nothing_yet(&error) => break,
                    // The error of an earlier datagram, such as a port that is closed (udp(7)).
                    Err(_) => continue,
                };
                let number = one.received.fetch_add(1, Ordering::Relaxed);
                add(&counters.received);
                if is_loop(addresses.peer, &own) {
                    add(&counters.ignored);
                    continue;
                }
                let (bytes, queued) = (buffer[..length].to_vec(), Queued::at(one));
                burst.push(Datagram { bytes, addresses, at: now, number, queued });
            }
            let dropped = deliver(burst) as u64;
            counters.dropped.fetch_add(dropped, Ordering::Relaxed);
        }
    }

    /// Calls [`DatagramService::tick`] of all. One that panics does so for itself.
    pub(super) fn tick(&self) {
        for one in &self.sockets {
            let _ = catch_unwind(AssertUnwindSafe(|| one.service.tick()));
        }
    }

    /// Sends the replies that are due.
    pub(super) fn send_due(&self, now: Instant) {
        for one in &self.sockets {
            for (bytes, to) in one.delayed.take_due(now) {
                one.send(&bytes, to);
            }
        }
    }
}

impl Datagram {
    /// Calls the service, and sends its reply or keeps it until it is due. The worker that does so records
    /// it.
    pub fn answer(self, record: &WorkerRecord) {
        let Datagram { bytes, addresses, number, queued, .. } = self;
        let socket = queued.take();
        let peer = addresses.peer;
        record.begin(DATAGRAM);
        let respond = || socket.service.respond_to_nth(number, &bytes, peer);
        let outcome = catch_unwind(AssertUnwindSafe(respond));
        record.end(DATAGRAM);
        match outcome {
            Ok(None) => {}
            Ok(Some(Reply { bytes, after })) if after.is_zero() => socket.send(&bytes, addresses),
            Ok(Some(Reply { bytes, after })) => {
                // A time that the clock cannot express never comes.
                let due = Instant::now().checked_add(after);
                if !due.is_some_and(|due| socket.delayed.push(bytes, addresses, due)) {
                    add(&socket.counters.unsent);
                }
            }
            Err(_) => log::error!("{peer}: the reply to a datagram panicked"),
        }
    }
}

impl Queued {
    fn at(socket: &Arc<DatagramSocket>) -> Queued {
        socket.queued.fetch_add(1, Ordering::Relaxed);
        Queued(Arc::clone(socket))
    }

    fn take(self) -> Arc<DatagramSocket> {
        Arc::clone(&self.0)
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        if self.0.queued.fetch_sub(1, Ordering::Release) == 2 {
            self.0.delayed.wake();
        }
    }
}

impl DatagramSocket {
    /// Sends a reply without waiting.
    fn send(&self, bytes: &[u8], to: AddressPair) {
        match self.socket.reply(bytes, to) {
            Ok(()) => add(&self.counters.answered),
            Err(error) => {
                add(&self.counters.unsent);
                log::debug!("{}: a reply of {} bytes is not sent: {error}", to.peer, bytes.len());
            }
        }
    }
}

impl std::fmt::Debug for DatagramSocket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.socket.fmt(f)
    }
}

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Returns true if a reply to `peer` could come back: no client has port 0, and what comes from an address
/// of the server itself would be answered by the server, without end. A socket that is bound to all
/// addresses of this machine has each of them.
fn is_loop(peer: SocketAddr, own: &[SocketAddr]) -> bool {
    let is_own = |own: &SocketAddr| {
        own.port() == peer.port()
            && (own.ip() == peer.ip() || own.ip().is_unspecified() && is_of_this_machine(peer))
    };
    peer.port() == 0 || own.iter().any(is_own)
}

/// Returns true if a socket could be bound to the address of `peer`, on another port.
fn is_of_this_machine(peer: SocketAddr) -> bool {
    UdpSocket::bind((peer.ip().to_canonical(), 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_come_back_is_ignored() {
        let own = ["127.0.0.1:53", "0.0.0.0:7", "[::]:9"].map(|own| own.parse().unwrap());
        for (peer, ignored) in [
            ("192.0.2.1:0", true),
            ("192.0.2.1:53", false),
            ("127.0.0.1:53", true),
            ("127.0.0.1:54", false),
            ("127.0.0.1:7", true),
            ("192.0.2.1:7", false),
            ("[::1]:7", true),
            ("[::ffff:127.0.0.1]:9", true),
            ("[2001:db8::1]:9", false),
        ] {
            assert_eq!(is_loop(peer.parse().unwrap(), &own), ignored, "{peer}");
        }
    }
}
