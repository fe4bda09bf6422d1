//! The seam between a protocol and whoever drives its connections.
//!
//! A driver (the textbook's loop, or the lobby) owns sockets and waiting; a [`Service`] owns
//! what is said. The driver gives the service *turns*. A turn uses what is at hand, reads at most
//! once, and says what it needs [`Next`]: it never decides how to wait for it. On a blocking
//! socket with a read timeout the one read of a turn may block until the timeout; on a
//! non-blocking one it returns at once. Either way an empty-handed read is `WouldBlock`, and the
//! turn's code is the same.
//!
//! A turn may last while a handler computes, or sleeps; or while a handler that streams a body waits
//! for its own client. That is the one case in which a turn waits for a peer, and the service keeps it
//! rare (it binds at most half the workers). The service tells the [`Driver`] before such work begins,
//! and how long it took; the driver decides what that means for the other connections.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::admission::RejectReason;
use super::deadline::{Deadline, Phase};
use super::usual_time::UsualTime;

/// A protocol's server side: what is done with a connection.
pub trait Service: Send + Sync + 'static {
    /// All that is remembered of a connection between two turns.
    type Connection: Send;

    /// What a thread needs while it takes turns, whoever's they are: buffers. A connection that has
    /// nothing half read or half written holds none of its own.
    type Scratch: Default;

    /// A connection has been accepted.
    fn open(&self, peer: SocketAddr) -> Self::Connection;

    /// Goes on with what is at hand. `queued`: how long there had been something to do before this turn
    /// began.
    fn turn(
        &self,
        connection: &mut Self::Connection,
        stream: &TcpStream,
        scratch: &mut Self::Scratch,
        driver: &dyn Driver,
        queued: Duration,
    ) -> Next;

    /// The deadline of a wait has passed: a last word, if any, and [`Next::Close`] or the like. A peer
    /// that had made room, though nobody was told, is waited for again.
    fn expired(&self, connection: &mut Self::Connection, stream: &TcpStream, phase: Phase) -> Next;

    /// The connection is closed, or about to be; `ended` is who decided.
    fn close(&self, connection: Self::Connection, ended: EndReason);

    /// All workers are busy, and so many connections are ready that this one has no place among them.
    /// `true`: it has a last word, which its next turn says without a handler. `false`: it is in the
    /// middle of an answer, and goes on when it can.
    fn crowded_out(&self, connection: &mut Self::Connection) -> bool;

    /// What is said to a peer that is not let in, in one piece.
    fn refusal(&self, why: RejectReason, peer: SocketAddr) -> Vec<u8>;
}

/// What a service may ask of its driver, and tells it, during a turn.
pub trait Driver {
    /// Returns true if the connection may be kept after an exchange. Asked when the response begins, as
    /// a handler may take its time, and the world changes meanwhile.
    fn may_keep(&self) -> bool;

    /// Work begins that takes this long as a rule: a handler, or a body that is made while it is read.
    fn before(&self, usual: &UsualTime);

    /// The work is done, and took this long: the driver records it.
    fn after(&self, usual: &UsualTime, took: Duration);
}

/// What a turn needs next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Bytes from the peer, until the deadline.
    Readable(Deadline),
    /// Room to write to the peer, until the deadline.
    Writable(Deadline),
    /// More is at hand, but others may come first.
    Yield,
    /// The last word is out, and the peer may still be talking: say that nothing follows, listen a
    /// little, and close. A plain close would answer its next byte with a reset, which destroys
    /// what it has not read yet (RFC 9112, 9.6).
    Linger,
    /// Nothing more to be said or heard.
    Close,
}

/// Who decided that a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// The service itself, in a turn.
    ByService,
    /// The driver: it was idle, and the server is stopping.
    Stopping,
    /// The driver: the time to stop had run out.
    Cut,
}

/// How much there is to do, and who does it, at this moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Load {
    /// Connections that no worker is at, by what they wait for. The textbook has none.
    pub waiting: Vec<(Phase, usize)>,
    /// New connections in the queue.
    pub new: usize,
    /// Other connections in the queue.
    pub ready: usize,
    /// All workers.
    pub workers: usize,
    /// Those that are at a connection.
    pub busy: usize,
}
