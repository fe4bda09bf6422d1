//! Where a connection sits: its claim, the connection itself, its last moments; and its deadline.

use std::io::{self, Read as _};
use std::net::{Shutdown, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::ownership::Claim;
use super::supervisor::Refusing;
use crate::net::admission::Permit;
use crate::net::deadline::{Deadline, Phase};
use crate::net::errors::nothing_yet;
use crate::net::service::{Driver, EndReason, Next, Service};
use crate::net::socket::abort_on_close;
use crate::sync::lock;

/// How long the peer is listened to after the last word; and when the server is stopping, or most places
/// are taken, which others need.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BRIEFLY: Duration = Duration::from_millis(100);

/// How much is thrown away in one turn of lingering.
const WASTE: usize = 8 << 10;

/// A place for one connection, taken and left many times.
pub(super) struct Slot<S: Service> {
    pub(super) claim: Claim,
    /// Touched by the owner of the claim only; the lock is never waited for.
    guest: Mutex<Option<LobbyConnection<S>>>,
}

/// A connection in the lobby.
pub(super) struct LobbyConnection<S: Service> {
    /// Given back before the connection is closed: whoever sees that may come again.
    pass: Permit,
    pub(super) stream: TcpStream,
    pub(super) registered: Registered,
    stage: Stage<S>,
}

/// What the poller has been asked to tell of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Registered {
    Nothing,
    Reading,
    Writing,
}

enum Stage<S: Service> {
    /// The service talks with it.
    Serving(Box<S::Connection>),
    /// The last word is out; the peer is listened to until then.
    Lingering(Deadline),
}

impl<S: Service> Slot<S> {
    pub(super) fn new() -> Slot<S> {
        Slot { claim: Claim::new(), guest: Mutex::new(None) }
    }

    /// For the owner of the claim.
    pub(super) fn guest(&self) -> MutexGuard<'_, Option<LobbyConnection<S>>> {
        lock(&self.guest)
    }

    /// The connection that nobody will serve any more, unless a worker is still in a turn with it.
    pub(super) fn abandoned(&self) -> Option<LobbyConnection<S>> {
        self.guest.try_lock().ok()?.take()
    }
}

impl<S: Service> LobbyConnection<S> {
    pub(super) fn new(
        stream: TcpStream,
        pass: Permit,
        connection: Box<S::Connection>,
    ) -> LobbyConnection<S> {
        let stage = Stage::Serving(connection);
        LobbyConnection { pass, stream, registered: Registered::Nothing, stage }
    }

    /// Takes a turn. It is over when this gives [`Next::Close`]; [`Next::Linger`] it never gives.
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
                // A service that panics has a mistake in it; it costs this connection.
                catch_unwind(AssertUnwindSafe(turn)).unwrap_or(Next::Close)
            }
        };
        self.go_on(service, next, !driver.may_keep())
    }

    /// Its time is up. What is said now is a refusal: no handler has a part in it.
    pub(super) fn end_wait(&mut self, service: &S, phase: Phase, scratch: &mut S::Scratch) -> Next {
        match self.expired(service, phase) {
            Next::Yield if phase != Phase::Write => {
                self.turn(service, scratch, &Refusing, Duration::ZERO)
            }
            next => next,
        }
    }

    /// Returns true if the peer has sent something, or its end, that this wait is for and that nobody
    /// has read yet.
    pub(super) fn has_something_to_read(&self, phase: Phase) -> bool {
        !matches!(phase, Phase::Write | Phase::Linger) && self.stream.peek(&mut [0]).is_ok()
    }

    /// Its wait is over.
    fn expired(&mut self, service: &S, phase: Phase) -> Next {
        match &mut self.stage {
            Stage::Lingering(_) => Next::Close,
            Stage::Serving(connection) => {
                let next = service.expired(connection, &self.stream, phase);
                if phase == Phase::Write && next == Next::Close {
                    // Where that fails the kernel gives up by itself, later.
                    let _ = abort_on_close(&self.stream);
                }
                self.go_on(service, next, false)
            }
        }
    }

    /// It was idle, and the server stops. A request that is there, though nobody was free to read it,
    /// is answered; one that is on its way must not be met with a reset that looks like a failure.
    pub(super) fn dismiss(&mut self, service: &S) -> Next {
        if self.stream.peek(&mut [0]).is_ok_and(|waiting| waiting > 0) {
            return Next::Yield;
        }
        self.part(service, EndReason::Stopping, LINGER_BRIEFLY)
    }

    /// There is no place for it among the ready ones. Does its next turn say its last word?
    pub(super) fn crowded_out(&mut self, service: &S) -> bool {
        match &mut self.stage {
            Stage::Lingering(_) => true,
            Stage::Serving(connection) => service.crowded_out(connection),
        }
    }

    /// Tells the service that it is over.
    pub(super) fn close(self, service: &S, ended: EndReason) {
        if let Stage::Serving(connection) = self.stage {
            service.close(*connection, ended);
        }
    }

    fn go_on(&mut self, service: &S, next: Next, stopping: bool) -> Next {
        if next != Next::Linger {
            return next;
        }
        let in_a_hurry = stopping || self.pass.door_is_crowded();
        self.part(service, EndReason::ByService, if in_a_hurry { LINGER_BRIEFLY } else { LINGER })
    }

    /// Says that nothing follows, and listens for so long.
    fn part(&mut self, service: &S, ended: EndReason, patience: Duration) -> Next {
        let until = Deadline::after(Instant::now(), patience, Phase::Linger);
        let stage = std::mem::replace(&mut self.stage, Stage::Lingering(until));
        if let Stage::Serving(connection) = stage {
            service.close(*connection, ended);
        }
        match self.stream.shutdown(Shutdown::Write) {
            Ok(()) => linger(&self.stream, until),
            Err(_) => Next::Close,
        }
    }
}

/// Throws away what has come in.
fn linger(mut stream: &TcpStream, until: Deadline) -> Next {
    match stream.read(&mut [0; WASTE]) {
        Ok(0) => Next::Close,
        Ok(_) => Next::Yield,
        Err(error) if nothing_yet(&error) => Next::Readable(until),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Next::Yield,
        Err(_) => Next::Close,
    }
}

/// The deadline of a slot in one word, for whoever goes round all of them: milliseconds since the
/// lobby opened, and the phase. Setting it costs a store; ten thousand are looked at in microseconds,
/// so there is nothing to keep sorted.
#[derive(Debug, Default)]
pub(super) struct Alarm(AtomicU64);

/// All of them, in the order in which an alarm numbers them.
pub(super) const PHASES: [Phase; 6] =
    [Phase::Silent, Phase::Idle, Phase::Head, Phase::Body, Phase::Write, Phase::Linger];

impl Alarm {
    /// Nothing is waited for.
    pub(super) fn clear(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    pub(super) fn set(&self, deadline: Deadline, opened: Instant) {
        let since = deadline.at.saturating_duration_since(opened).as_millis();
        let milliseconds = u64::try_from(since).unwrap_or(u64::MAX >> 4).min(u64::MAX >> 4);
        let phase = PHASES.iter().position(|&phase| phase == deadline.phase).unwrap_or_default();
        self.0.store((milliseconds << 3) + phase as u64 + 1, Ordering::Relaxed);
    }

    /// What is waited for, and whether that has lasted too long.
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
    fn an_alarm_tells_phase_and_time() {
        let opened = Instant::now();
        let alarm = Alarm::default();
        assert_eq!(alarm.read(Duration::MAX), None);
        for phase in PHASES {
            alarm.set(Deadline::after(opened, Duration::from_millis(500), phase), opened);
            assert_eq!(alarm.read(Duration::from_millis(499)), Some((phase, false)));
            assert_eq!(alarm.read(Duration::from_millis(500)), Some((phase, true)));
        }
        alarm.clear();
        assert_eq!(alarm.read(Duration::MAX), None);
    }
}
