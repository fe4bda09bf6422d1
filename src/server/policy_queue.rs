//! The queue of a textbook server that is not the usual one: another [`Schedule`], or one that drops
//! connections.
//!
//! A channel is first in, first out. So the connections wait in a list, and what crosses the pool's channel is a
//! call for each of them: the worker that receives it picks its connection from the list by the schedule.

use std::sync::{Arc, Mutex};

use super::conn::Http;
use super::textbook_job::Job;
use crate::net::accept::Accepted;
use crate::net::admission::ConnectionLimiter;
use crate::net::service::Speaks;
use crate::pool::Queue;
use crate::pool::pick::{Oldest, Pick, Schedule};
use crate::sync::lock;

/// The connections that wait for a worker, in the order of their arrival.
pub(super) struct PolicyQueue {
    waiting: Mutex<Vec<Waiting>>,
    capacity: usize,
    /// Picks the connection that is served next.
    next: &'static dyn Pick,
    limiter: Arc<ConnectionLimiter>,
}

struct Waiting {
    accepted: Accepted,
    /// The size of its first request, once that has arrived.
    size: Option<u64>,
}

impl PolicyQueue {
    /// Returns an empty queue for `capacity` connections; `None` if a channel does what is wanted.
    pub(super) fn new(
        schedule: Schedule,
        capacity: usize,
        limiter: &Arc<ConnectionLimiter>,
    ) -> Option<PolicyQueue> {
        if schedule == Schedule::Fifo && limiter.overload.victim().is_none() {
            return None;
        }
        let (next, limiter) = (schedule.rule().unwrap_or(&Oldest), Arc::clone(limiter));
        Some(PolicyQueue { waiting: Mutex::default(), capacity: capacity.max(1), next, limiter })
    }

    /// Adds a connection, and calls a worker for it. If the queue is full, one of the connections is dropped, which
    /// may be the new one, as the overload policy says.
    ///
    /// # Errors
    /// Returns the connection when the queue is full and no policy drops one.
    pub(super) fn admit(&self, accepted: Accepted, calls: &Queue<Job>) -> Result<(), Accepted> {
        let mut waiting = lock(&self.waiting);
        if waiting.len() >= self.capacity {
            let Some(victim) = self.limiter.overload.victim() else { return Err(accepted) };
            waiting.push(Waiting { accepted, size: None });
            let dropped = victim.pick(waiting.len(), &mut |_| 0);
            // The call for it is now for the new one.
            drop(waiting.remove(dropped));
            self.limiter.count_dropped();
            return Ok(());
        }
        if calls.try_send(Job::Picked).is_err() {
            return Err(accepted); // datagrams have filled the channel
        }
        // The worker that has been called waits for the lock.
        waiting.push(Waiting { accepted, size: None });
        Ok(())
    }

    /// Takes the connection that is served next. There is one for each call.
    pub(super) fn next(&self, http: &Http) -> Option<Accepted> {
        let mut waiting = lock(&self.waiting);
        if waiting.is_empty() {
            return None;
        }
        let count = waiting.len();
        let next = self.next.pick(count, &mut |index| waiting[index].size(http));
        Some(waiting.remove(next).accepted)
    }
}

impl Waiting {
    /// Returns the size of its request; the largest number until the request has arrived.
    fn size(&mut self, http: &Http) -> u64 {
        let Accepted { stream, peer, speaks, .. } = &self.accepted;
        let of_http = || http.size_of_arrived(stream, *peer);
        let look = || match speaks {
            Speaks::Own => of_http(),
            Speaks::OwnEncrypted | Speaks::Other(_) => Some(0),
        };
        self.size = self.size.or_else(look);
        self.size.unwrap_or(u64::MAX)
    }
}
