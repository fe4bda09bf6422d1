//! A slot: the ownership of one connection, the connection itself, and the deadline of its wait.

use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::ownership::Ownership;
use super::policy;
use super::supervisor::RefusalDriver;
use crate::net::admission::Permit;
use crate::net::deadline::{Deadline, Phase};
use crate::net::linger::{self, Discarded};
use crate::net::service::{Driver, EndReason, Next, Service};
use crate::net::socket::abort_on_close;
use crate::sync::lock;

/// A place for one connection, used by many of them in turn.
pub(super) struct Slot<S: Service> {
    pub(super) ownership: Ownership,
    /// Only the owner locks this, so the lock never waits.
    connection: Mutex<Option<LobbyConnection<S>>>,
}

/// A connection in the lobby.
pub(super) struct LobbyConnection<S: Service> {
    /// Dropped before the stream is closed: a client that reconnects at once is not refused.
    permit: Permit,
    pub(super) stream: TcpStream,
    pub(super) registered: Interest,
    stage: Stage<S>,
}

/// The events for which a connection is registered with the poller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Interest {
    Nothing,
    Read,
    ReadAndWrite,
}

enum Stage<S: Service> {
    /// The service takes turns with it.
    Serving(Box<S::Connection>),
    /// The last response is sent; what the client sends is discarded until the deadline.
    Lingering(Deadline),
}

impl<S: Service> Slot<S> {
    /// Returns an empty slot.
    pub(super) fn new() -> Slot<S> {
        Slot { ownership: Ownership::new(), connection: Mutex::new(None) }
    }

    /// Returns the connection, for its owner.
    pub(super) fn connection(&self) -> MutexGuard<'_, Option<LobbyConnection<S>>> {
        lock(&self.connection)
    }

    /// Takes the connection out at the end of the lobby, unless a worker is still in a turn with it.
    pub(super) fn take_abandoned(&self) -> Option<LobbyConnection<S>> {
        self.connection.try_lock().ok()?.take()
    }
}

impl<S: Service> LobbyConnection<S> {
    /// Returns a connection that has not had a turn yet.
    pub(super) fn new(
        stream: TcpStream,
        permit: Permit,
        connection: Box<S::Connection>,
    ) -> LobbyConnection<S> {
        let stage = Stage::Serving(connection);
        LobbyConnection { permit, stream, registered: Interest::Nothing, stage }
    }

    /// Takes a turn. Never returns [`Next::Linger`]; the connection ends when this returns
    /// [`Next::Close`].
    pub(super) fn turn(
        &mut self,
        service: &S,
        scratch: &mut S::Scratch,
        driver: &dyn Driver,
        queued: Duration,
    ) -> Next {
        let next = match &mut self.stage {
            Stage::Lingering(until) => return linger(&self.stream, *until),
            Stage::Serving(connection) => {
                let turn = || service.turn(connection, &self.stream, scratch, driver, queued);
                // A panic of the service itself is a bug in it, and costs only this connection.
                catch_unwind(AssertUnwindSafe(turn)).unwrap_or(Next::Close)
            }
        };
        self.linger_if_last(service, next, !driver.may_keep())
    }

    /// Returns true if the connection is ready for a turn that needs no worker.
    pub(super) fn is_immediate(&self, service: &S) -> bool {
        matches!(&self.stage, Stage::Serving(it) if service.is_immediate(it, &self.stream))
    }

    /// Returns the size of the request that has arrived; `None` if none has.
    pub(super) fn size_of_next(&self, service: &S) -> Option<u64> {
        match &self.stage {
            Stage::Serving(connection) => service.size_of_next(connection, &self.stream),
            Stage::Lingering(_) => Some(0),
        }
    }

    /// Returns true if it may be dropped without an answer: it is not in the middle of a response.
    pub(super) fn may_drop(&self, service: &S) -> bool {
        matches!(&self.stage, Stage::Serving(it) if service.may_drop(it))
    }

    /// Ends a wait whose deadline has passed. A response that is sent now is a refusal, without a
    /// handler.
    pub(super) fn end_wait(&mut self, service: &S, phase: Phase, scratch: &mut S::Scratch) -> Next {
        match self.expired(service, phase) {
            Next::Yield if phase != Phase::Write => {
                self.turn(service, scratch, &RefusalDriver, Duration::ZERO)
            }
            next => next,
        }
    }

    /// Returns true if the connection waits for bytes of the client, and some have arrived, or its end.
    pub(super) fn has_something_to_read(&self, phase: Phase) -> bool {
        !matches!(phase, Phase::Write | Phase::Linger) && self.stream.peek(&mut [0]).is_ok()
    }

    fn expired(&mut self, service: &S, phase: Phase) -> Next {
        match &mut self.stage {
            Stage::Lingering(_) => Next::Close,
            Stage::Serving(connection) => {
                let next = service.expired(connection, &self.stream, phase);
                if phase == Phase::Write && next == Next::Close {
                    // If this fails, the kernel keeps the unsent bytes until it gives up by itself.
                    let _ = abort_on_close(&self.stream);
                }
                self.linger_if_last(service, next, false)
            }
        }
    }

    /// Closes an idle connection because the server stops. A request that has arrived, and that no worker
    /// was free to read, still gets its response; one that is on its way must not meet a reset, which
    /// would look like a failure.
    pub(super) fn close_idle(&mut self, service: &S) -> Next {
        if self.stream.peek(&mut [0]).is_ok_and(|waiting| waiting > 0) {
            return Next::Yield;
        }
        self.begin_linger(service, EndReason::Stopping, policy::LINGER_BRIEFLY)
    }

    /// Sheds the connection, because the queue of ready connections is full. Returns true if its next
    /// turn sends the last response.
    pub(super) fn shed(&mut self, service: &S) -> bool {
        match &mut self.stage {
            Stage::Lingering(_) => true,
            Stage::Serving(connection) => service.shed(connection),
        }
    }

    /// Tells the service that the connection has ended.
    pub(super) fn close(self, service: &S, ended: EndReason) {
        if let Stage::Serving(connection) = self.stage {
            service.close(*connection, ended);
        }
    }

    fn linger_if_last(&mut self, service: &S, next: Next, stopping: bool) -> Next {
        if next != Next::Linger {
            return next;
        }
        let in_a_hurry = stopping || self.permit.is_crowded();
        self.begin_linger(service, EndReason::ByService, policy::linger_time(in_a_hurry))
    }

    fn begin_linger(&mut self, service: &S, ended: EndReason, time: Duration) -> Next {
        let until = Deadline::after(Instant::now(), time, Phase::Linger);
        let stage = std::mem::replace(&mut self.stage, Stage::Lingering(until));
        if let Stage::Serving(connection) = stage {
            service.close(*connection, ended);
        }
        if linger::begin(&self.stream) { linger(&self.stream, until) } else { Next::Close }
    }
}

/// Discards what has arrived, once.
fn linger(stream: &TcpStream, until: Deadline) -> Next {
    match linger::discard(stream) {
        Discarded::Bytes => Next::Yield,
        Discarded::NothingYet => Next::Readable(until),
        Discarded::End => Next::Close,
    }
}

/// The deadline of a slot in one atomic word: milliseconds since the lobby opened, and the phase. To set
/// one costs a store, and to look at ten thousand takes microseconds, so they are not kept sorted.
#[derive(Debug, Default)]
pub(super) struct DeadlineCell(AtomicU64);

/// All phases, in the order of their numbers in a [`DeadlineCell`].
pub(super) const PHASES: [Phase; 8] = [
    Phase::Silent,
    Phase::Handshake,
    Phase::Idle,
    Phase::Head,
    Phase::Body,
    Phase::Write,
    Phase::Push,
    Phase::Linger,
];

impl DeadlineCell {
    /// Removes the deadline: the connection does not wait.
    pub(super) fn clear(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// Sets the deadline; `opened` is when the lobby opened.
    pub(super) fn set(&self, deadline: Deadline, opened: Instant) {
        let since = deadline.at.saturating_duration_since(opened).as_millis();
        let milliseconds = u64::try_from(since).unwrap_or(u64::MAX >> 4).min(u64::MAX >> 4);
        let phase = PHASES.iter().position(|&phase| phase == deadline.phase).unwrap_or_default();
        self.0.store((milliseconds << 3) + phase as u64 + 1, Ordering::Relaxed);
    }

    /// Returns the phase of the wait, and whether its deadline has passed at `now`, the time since the
    /// lobby opened; `None` if the connection does not wait.
    pub(super) fn read(&self, now: Duration) -> Option<(Phase, bool)> {
        let word = self.0.load(Ordering::Relaxed).checked_sub(1)?;
        let phase = PHASES.get(usize::try_from(word & 7).ok()?)?;
        Some((*phase, u128::from(word >> 3) <= now.as_millis()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_cell_holds_phase_and_time() {
        let opened = Instant::now();
        let cell = DeadlineCell::default();
        assert_eq!(cell.read(Duration::MAX), None);
        for phase in PHASES {
            cell.set(Deadline::after(opened, Duration::from_millis(500), phase), opened);
            assert_eq!(cell.read(Duration::from_millis(499)), Some((phase, false)));
            assert_eq!(cell.read(Duration::from_millis(500)), Some((phase, true)));
        }
        cell.clear();
        assert_eq!(cell.read(Duration::MAX), None);
    }
}
