//! The seam between a protocol and the code that drives its connections.
//!
//! The lobby owns the sockets and the waiting. A [`Service`] owns the protocol. The lobby calls
//! [`Service::turn`] again and again. A turn reads at most once, handles what has arrived, writes, and
//! returns what it needs [`Next`]; it does not decide how to wait. (The textbook waits in its reads and
//! writes, and calls the steps of a turn itself; it is a [`Driver`] as well.)
//!
//! A turn lasts as long as its handler computes or sleeps. A handler that streams a request body also
//! waits for its own client: that is the only wait for a client in a turn, and the service allows it to
//! half the workers at most. The service tells the [`Driver`] before a handler begins and after it has
//! ended; the driver decides what that means for the other connections.
//!
//! A server has one [`Service`], whose turns are calls that the compiler resolves, and any number of
//! [`Protocol`]s beside it, each on listeners of its own. They share the workers, the limits of
//! connections and the stop. Datagrams are in [`datagram`](super::datagram).

use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use super::accept::Accepted;
use super::admission::RejectReason;
use super::datagram::DatagramCounts;
use super::deadline::{Deadline, Phase};
use super::peer_address::PeerAddress;
use super::usual_time::UsualTime;
use super::waker::Waker;
use super::worker_record::WorkerLoad;

/// The server side of a protocol.
pub trait Service: Send + Sync + 'static {
    /// The state of a connection, kept between its turns.
    type Connection: Send;

    /// Buffers of a worker, lent to each turn that it takes. A connection with nothing half read or half
    /// written has no buffers of its own.
    type Scratch: Default;

    /// Returns the state of a connection that has been accepted.
    fn open(&self, accepted: &Accepted) -> Self::Connection;

    /// Goes on with the connection as far as possible without waiting, and returns what it needs next.
    /// `queued` is how long the connection had been ready before this turn began.
    fn turn(
        &self,
        connection: &mut Self::Connection,
        stream: &TcpStream,
        scratch: &mut Self::Scratch,
        driver: &dyn Driver,
        queued: Duration,
    ) -> Next;

    /// Returns true if the connection, which is ready, needs no worker: its next turn neither waits nor
    /// computes. The supervisor asks this when all workers are in long work. It does not wait.
    fn is_immediate(&self, connection: &Self::Connection, stream: &TcpStream) -> bool;

    /// Returns the size of the request that has arrived, or of what is left to do, for a schedule that compares
    /// them; `None` if no request has arrived. It does not wait.
    fn size_of_next(&self, connection: &Self::Connection, stream: &TcpStream) -> Option<u64>;

    /// Returns true if the connection may be closed without an answer, as an overload policy asks: it is not in
    /// the middle of a response.
    fn may_drop(&self, connection: &Self::Connection) -> bool;

    /// Ends a wait whose deadline has passed: queues the last response, if the protocol has one, and
    /// returns what is next, usually [`Next::Close`]. If the peer has made room in the meantime without
    /// an event, the wait begins again.
    fn expired(&self, connection: &mut Self::Connection, stream: &TcpStream, phase: Phase) -> Next;

    /// Ends the state of a connection that is closed or about to be, for the reason `ended`.
    fn close(&self, connection: Self::Connection, ended: EndReason);

    /// Sheds a ready connection, because all workers are busy and the queue is full. Returns true if its
    /// next turn sends a refusal, without a handler; false if it is in the middle of a response, and goes
    /// on later.
    fn shed(&self, connection: &mut Self::Connection) -> bool;

    /// Returns the bytes that are sent to a connection which is not admitted.
    fn refusal(&self, why: RejectReason, peer: PeerAddress) -> Vec<u8>;
}

/// What is spoken on the connections of a listener.
#[derive(Debug, Clone)]
pub enum Speaks {
    /// The server's own protocol.
    Own,
    /// The same, encrypted.
    OwnEncrypted,
    /// Another one.
    Other(Arc<dyn Protocol>),
}

/// A protocol that a server speaks beside its own, on listeners of its own.
///
/// Both methods are called by the accept thread: they do not wait, and do not panic.
pub trait Protocol: Send + Sync {
    /// Returns the state of a connection that has been accepted from `peer`.
    fn open(&self, peer: PeerAddress) -> Box<dyn ProtocolConnection>;

    /// Returns the bytes that are sent to a connection which is not admitted. By default there are none.
    fn refusal(&self, _why: RejectReason, _peer: PeerAddress) -> Vec<u8> {
        Vec::new()
    }
}

impl std::fmt::Debug for dyn Protocol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("dyn Protocol")
    }
}

/// A connection of a [`Protocol`]. The methods are those of a [`Service`], where more is said of each.
pub trait ProtocolConnection: Send {
    /// Goes on with the connection as far as possible without waiting, and returns what it needs next: at
    /// most [`Next::Linger`] or [`Next::Close`] once the peer's end has been read. `stream` does not block.
    /// A turn that panics costs the connection, and nothing else.
    fn turn(&mut self, stream: &TcpStream, driver: &dyn Driver, queued: Duration) -> Next;

    /// Ends a wait whose deadline has passed.
    fn expired(&mut self, stream: &TcpStream, phase: Phase) -> Next;

    /// Ends the state of a connection that is closed or about to be.
    fn close(self: Box<Self>, _ended: EndReason) {}

    /// Sheds a ready connection. Returns true if its next turn sends a refusal; by default it has none.
    fn shed(&mut self) -> bool {
        false
    }
}

/// What a service requests from its driver, and tells it, during a turn.
pub trait Driver {
    /// Returns true if the connection may be kept open after this response. The service calls this when
    /// the response begins, not before the handler, because the handler may take long.
    fn may_keep(&self) -> bool;

    /// Returns true if the turn ends with its first response, as one of the supervisor does: what follows may
    /// need a worker.
    fn ends_with_response(&self) -> bool {
        false
    }

    /// Returns what gives this connection another turn from any thread. A turn that returns
    /// [`Next::Readable`] with [`Phase::Push`] waits for it.
    fn waker(&self) -> Waker;

    /// Announces that a handler begins, or a body that is made while it is sent, and its usual time.
    fn before(&self, usual: &UsualTime);

    /// Announces that it has ended and how long it took; the driver records that in `usual`.
    fn after(&self, usual: &UsualTime, took: Duration);

    /// Announces that the next piece of a long body is sent.
    fn sends(&self) {}
}

/// What a connection needs after a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Wait for bytes from the peer, until the deadline.
    Readable(Deadline),
    /// Wait for room in the socket's send buffer, until the deadline.
    Writable(Deadline),
    /// Take another turn, after other connections that are ready: this one has used up its share.
    Yield,
    /// Close after lingering ([`linger`](super::linger)): the last response is sent, and the peer may
    /// still be sending.
    Linger,
    /// Close at once: neither side has anything more to send.
    Close,
}

/// Why a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// The service ended it in a turn, or its peer did.
    ByService,
    /// It was idle, and the server stops.
    Stopping,
    /// The deadline of the stop has passed.
    Cut,
    /// The queue is full, and the overload policy drops it.
    Dropped,
}

/// How busy a server is at this moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Load {
    /// The connections that wait without a worker, for each phase. The textbook has none.
    pub waiting: Vec<(Phase, usize)>,
    /// The new connections in the queue.
    pub new: usize,
    /// The ready connections in the queue.
    pub ready: usize,
    /// How long the longest of them has waited, new or ready, if it is known.
    pub oldest: Option<Duration>,
    /// The number of workers.
    pub workers: usize,
    /// The workers that are serving a connection or a datagram.
    pub busy: usize,
    /// How many more may be started, where each connection has a thread of its own; `None` where their number is fixed.
    pub startable: Option<usize>,
    /// Of these, those whose threads run, or could run, and do not wait. Counted when no worker is free.
    pub computing: usize,
    /// What has become of all datagrams so far.
    pub datagrams: DatagramCounts,
    /// What each worker has served, and is doing.
    pub each: Vec<WorkerLoad>,
}
