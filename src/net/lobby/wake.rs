//! Wakes a connection from outside: a thread has something for it to send.
//!
//! To the connection this is an event like those of its socket. It is counted by the same atomic word, so
//! it is not lost while a worker serves the connection, and not mistaken for one of the next connection in
//! the slot.

use std::sync::Weak;

use super::Shared;
use crate::net::service::Service;
use crate::net::waker::Waker;

impl<S: Service> Shared<S> {
    /// Returns the waker of the connection in this slot. It does nothing once the connection has left.
    pub(super) fn waker(&self, index: usize) -> Waker {
        let (lobby, generation) =
            (Weak::clone(&self.myself), self.slots[index].ownership.generation());
        Waker::new(move || {
            if let Some(lobby) = lobby.upgrade() {
                lobby.wake(index, generation);
            }
        })
    }

    /// Queues it behind the connections whose clients wait for a response: a message may wake thousands at
    /// once, and they are not shed when the queue of ready connections is full.
    fn wake(&self, index: usize, generation: u32) {
        if self.slots[index].ownership.signal(generation, false) {
            self.requeue(index);
            self.wake_leader();
        }
    }
}
