//! The events of connections: what each is registered for, and which of them an event makes ready.

use std::time::Instant;

use super::Shared;
use super::slot::{Interest, LobbyConnection};
use crate::net::poller::{Event, Events};
use crate::net::service::Service;

impl<S: Service> Shared<S> {
    /// Registers the connection with the poller for these events, if it is not registered yet.
    pub(super) fn register(
        &self,
        index: usize,
        connection: &mut LobbyConnection<S>,
        wanted: Interest,
    ) -> std::io::Result<()> {
        if connection.registered >= wanted {
            return Ok(());
        }
        let key = key(self.slots[index].ownership.generation(), index);
        if connection.registered == Interest::Nothing {
            self.poller.register(&connection.stream, key)?;
        }
        if wanted == Interest::ReadAndWrite {
            self.poller.register_writing(&connection.stream, key)?;
        }
        connection.registered = wanted;
        Ok(())
    }

    /// Counts these events, which came `now`, and queues the connections that no thread owns. The caller
    /// makes sure that a worker leads.
    pub(super) fn deliver(&self, events: &Events, now: Instant) {
        let to_ready = |event: Event| {
            let (generation, index) = split(event.key);
            let slot = self.slots.get(index)?;
            slot.ownership.signal(generation, event.ended).then_some((index, now))
        };
        self.queues.push_ready(events.iter().filter_map(to_ready));
    }
}

/// Returns the key with which a connection is registered: its generation and its slot, 32 bits each.
fn key(generation: u32, index: usize) -> u64 {
    u64::from(generation) << 32 | index as u64
}

fn split(key: u64) -> (u32, usize) {
    let generation = u32::try_from(key >> 32).unwrap_or_default();
    (generation, usize::try_from(key & u64::from(u32::MAX)).unwrap_or(usize::MAX))
}
