//! Which of the waiting connections a worker serves next, and which of them is dropped when the queue is full,
//! where a [schedule](crate::pool::pick::Schedule) or an [overload policy](crate::net::admission::Overload) says so.

use super::Shared;
use super::queue::{New, Work};
use super::slot::LobbyConnection;
use crate::net::service::{EndReason, Service};
use crate::pool::pick::Pick;

impl<S: Service> Shared<S> {
    /// Takes the next connection or datagram.
    pub(super) fn next(&self) -> Option<Work<S::Connection>> {
        self.queues.next(&|work| self.size_of(work))
    }

    /// Returns the size of what has been requested; `None` until the request has arrived. A datagram has none.
    fn size_of(&self, work: &Work<S::Connection>) -> Option<u64> {
        match work {
            Work::Ready(index, _) | Work::Resumed(index, _) => {
                let connection = self.slots[*index].connection();
                connection.as_ref()?.size_of_next(&self.service)
            }
            Work::New(New { accepted, connection, .. }) => {
                self.service.size_of_next(connection, &accepted.stream)
            }
            Work::Datagram(_) => Some(0),
        }
    }

    /// Queues a new connection though the queue is full, and drops one of those that are new.
    pub(super) fn admit_instead(&self, new: New<S::Connection>, victim: &dyn Pick) {
        if let Some(dropped) = self.queues.admit_instead(new, victim) {
            self.free().push(dropped.index);
            self.queues.count_dropped();
        }
    }

    /// Drops a ready connection that the caller owns. Returns false if it is in the middle of a response.
    pub(super) fn drop_ready(&self, index: usize) -> bool {
        let may_drop = |connection: &LobbyConnection<S>| connection.may_drop(&self.service);
        let drops = self.slots[index].connection().as_ref().is_none_or(may_drop);
        if drops {
            self.leave(index, EndReason::Dropped);
        }
        drops
    }
}
