//! Replies to datagrams that are sent later. A worker adds one, and the accept thread sends it when it is
//! due.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

use nix::sys::eventfd::{EfdFlags, EventFd};

use super::udp_socket::AddressPair;
use crate::sync::lock;

/// The replies of one socket that wait for their time.
#[derive(Debug)]
pub(super) struct DelayedReplies {
    waiting: Mutex<Waiting>,
    /// Wakes the accept thread.
    wake: EventFd,
}

#[derive(Debug, Default)]
struct Waiting {
    replies: BinaryHeap<Reverse<Delayed>>,
    /// The memory that they take.
    bytes: usize,
    /// The number of replies so far: of two that are due at once, the older one goes first.
    count: u64,
}

/// Ordered by the time when it is due.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Delayed {
    due: Instant,
    number: u64,
    to: AddressPair,
    bytes: Vec<u8>,
}

/// The most memory that the waiting replies of a socket take: 16 MB, or 150,000 short ones. Beyond that,
/// replies are dropped.
const MEMORY: usize = 16 << 20;

impl Delayed {
    fn memory(&self) -> usize {
        size_of::<Delayed>() + self.bytes.len()
    }
}

impl DelayedReplies {
    /// Returns none.
    ///
    /// # Errors
    /// When there is no descriptor left.
    pub(super) fn new() -> io::Result<DelayedReplies> {
        let wake = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        Ok(DelayedReplies { waiting: Mutex::default(), wake })
    }

    /// Adds a reply. Returns false, and drops it, if there is no room.
    pub(super) fn push(&self, bytes: Vec<u8>, to: AddressPair, due: Instant) -> bool {
        let mut waiting = self.waiting();
        let reply = Delayed { due, number: waiting.count, to, bytes };
        if waiting.bytes + reply.memory() > MEMORY {
            return false;
        }
        waiting.count += 1;
        waiting.bytes += reply.memory();
        let is_first = waiting.replies.peek().is_none_or(|Reverse(first)| due < first.due);
        waiting.replies.push(Reverse(reply));
        drop(waiting);
        if is_first {
            self.wake();
        }
        true
    }

    /// Makes the descriptor readable.
    pub(super) fn wake(&self) {
        let _ = self.wake.write(1); // fails only if it is readable already
    }

    /// Returns a descriptor that becomes readable when [`Self::next_due`] changes, or by [`Self::wake`],
    /// after this call.
    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        let _ = self.wake.read(); // fails if it is not readable
        self.wake.as_fd()
    }

    /// Returns when the first reply is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.waiting().replies.peek().map(|Reverse(first)| first.due)
    }

    /// Takes the replies that are due, in their order.
    pub(super) fn take_due(&self, now: Instant) -> Vec<(Vec<u8>, AddressPair)> {
        let (mut waiting, mut due) = (self.waiting(), Vec::new());
        while waiting.replies.peek().is_some_and(|Reverse(first)| first.due <= now) {
            let Some(Reverse(reply)) = waiting.replies.pop() else { break };
            waiting.bytes -= reply.memory();
            due.push((reply.bytes, reply.to));
        }
        due
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        lock(&self.waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn replies_are_taken_when_they_are_due_and_in_that_order() {
        let (delayed, now) = (DelayedReplies::new().unwrap(), Instant::now());
        let peer = AddressPair::of("127.0.0.1:9".parse().unwrap());
        let at = |milliseconds| now + Duration::from_millis(milliseconds);
        let takes =
            |now| delayed.take_due(now).into_iter().map(|(bytes, _)| bytes[0]).collect::<Vec<u8>>();
        for (byte, milliseconds) in [(1, 30), (2, 10), (3, 20), (4, 10)] {
            assert!(delayed.push(vec![byte], peer, at(milliseconds)));
        }
        assert_eq!((delayed.next_due(), takes(at(9))), (Some(at(10)), vec![]));
        assert_eq!(takes(at(25)), [2, 4, 3]);
        assert_eq!((takes(at(30)), delayed.next_due()), (vec![1], None));
    }

    #[test]
    fn their_memory_is_bounded_and_is_given_back() {
        let (delayed, now) = (DelayedReplies::new().unwrap(), Instant::now());
        let peer = AddressPair::of("127.0.0.1:9".parse().unwrap());
        let fill = || (0..1_000).filter(|_| delayed.push(vec![0; 60_000], peer, now)).count();
        let fits = fill();
        assert!((200..300).contains(&fits), "{fits}");
        assert_eq!((delayed.take_due(now).len(), fill()), (fits, fits));
    }
}
