//! What is served beside the workers: while all of them are in long work, the supervisor takes the turns that
//! need none, such as the response to a health check, or the next event of a stream.
//!
//! A client cannot make the supervisor wait: its request has arrived, the handler is
//! [immediate](Service::is_immediate), the turn ends with the response, and what the client does not take at
//! once waits in the lobby, as ever. All other connections keep their places in the queues.

use std::time::{Duration, Instant};

use super::Shared;
use super::policy;
use super::queue::{New, Work};
use super::slot::LobbyConnection;
use crate::net::accept::Accepted;
use crate::net::service::{Driver, EndReason, Service};
use crate::net::usual_time::UsualTime;
use crate::net::waker::Waker;

/// The driver of a turn that the supervisor takes with the connection in this slot.
struct BesideWorkers<'a, S: Service> {
    lobby: &'a Shared<S>,
    index: usize,
}

impl<S: Service> Driver for BesideWorkers<'_, S> {
    fn may_keep(&self) -> bool {
        !self.lobby.stop.is_requested()
    }

    fn ends_with_response(&self) -> bool {
        true
    }

    fn waker(&self) -> Waker {
        self.lobby.waker(self.index)
    }

    fn before(&self, _: &UsualTime) {}

    fn after(&self, _: &UsualTime, _: Duration) {}
}

impl<S: Service> Shared<S> {
    /// Serves the connections that need no worker, if all workers are in long work.
    pub(super) fn serve_beside_workers(&self, scratch: &mut S::Scratch) {
        if !self.crew.lead.is_vacant() || self.crew.idle() > 0 {
            return;
        }
        for work in self.queues.take(policy::BESIDE_WORKERS, |work| self.is_immediate(work)) {
            match work {
                Work::Ready(index, since) | Work::Resumed(index, since) => {
                    self.serve_beside(index, since, scratch);
                }
                Work::New(new) => {
                    let (index, since) = (new.index, new.accepted.at);
                    if self.seat(new) {
                        self.serve_beside(index, since, scratch);
                    }
                }
                Work::Datagram(_) => {} // none is taken
            }
        }
        self.wake_leader();
    }

    pub(super) fn is_immediate(&self, work: &Work<S::Connection>) -> bool {
        match work {
            Work::Ready(index, _) | Work::Resumed(index, _) => {
                let connection = self.slots[*index].connection();
                connection.as_ref().is_some_and(|it| it.is_immediate(&self.service))
            }
            Work::New(New { accepted, connection, .. }) => {
                self.service.is_immediate(connection, &accepted.stream)
            }
            Work::Datagram(_) => false,
        }
    }

    /// Takes a turn that needs no worker with a connection that the caller owns.
    pub(super) fn serve_beside(&self, index: usize, since: Instant, scratch: &mut S::Scratch) {
        self.deadlines[index].clear();
        let slot = &self.slots[index];
        let snapshot = slot.ownership.snapshot();
        let mut guard = slot.connection();
        let Some(connection) = guard.as_mut() else { return };
        let driver = BesideWorkers { lobby: self, index };
        let next = connection.turn(&self.service, scratch, &driver, since.elapsed());
        self.settle(index, guard, snapshot, next);
    }

    /// Puts a new connection into its slot. The caller owns it, if it returns true.
    pub(super) fn seat(&self, new: New<S::Connection>) -> bool {
        let New { index, accepted: Accepted { stream, permit, .. }, connection, .. } = new;
        self.slots[index].ownership.occupy();
        let nonblocking = stream.set_nonblocking(true);
        *self.slots[index].connection() = Some(LobbyConnection::new(stream, permit, connection));
        if nonblocking.is_err() {
            self.leave(index, EndReason::ByService);
        }
        nonblocking.is_ok()
    }
}
