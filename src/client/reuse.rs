//! Connections that wait for their next request.
//!
//! The one used last is taken first: it is the least likely to have been closed by the server in
//! the meantime. A connection that is taken is looked at, as the server may have closed it while
//! nobody watched, or said something that answers nothing; what happens between that look and the
//! request, [`super::call`] deals with. How many wait and for how long is [`Keep`]'s to say; those
//! that are over it are given back to be closed.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::config::Keep;
use super::connection::Connection;
use super::event::Watcher;

/// Whom a connection leads to: a host, in lower case, and a port.
pub(super) type Origin = (Box<str>, u16);

/// The connections of a client that wait, the one used last at the back.
#[derive(Debug, Default)]
pub(super) struct Idle {
    waiting: Mutex<VecDeque<Waiting>>,
    next_id: AtomicUsize,
}

#[derive(Debug)]
struct Waiting {
    origin: Origin,
    since: Instant,
    connection: Connection,
}

/// A connection that waited.
#[derive(Debug)]
pub(super) enum Found {
    Alive(Connection),
    /// The server has given it up; there may be another.
    Dead(Connection),
}

impl Idle {
    /// The number of a new connection.
    pub(super) fn next_id(&self) -> usize {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// A connection to use again.
    pub(super) fn take(&self, origin: &Origin) -> Option<Found> {
        let connection = {
            let mut waiting = self.lock();
            let at = waiting.iter().rposition(|held| held.origin == *origin)?;
            waiting.remove(at)?.connection
        };
        Some(match connection.is_alive() {
            true => Found::Alive(connection.again()),
            false => Found::Dead(connection),
        })
    }

    /// Takes out those that have waited too long.
    pub(super) fn expired(&self, keep: &Keep, now: Instant) -> Vec<Connection> {
        let mut waiting = self.lock();
        let is_old = |held: &Waiting| now.saturating_duration_since(held.since) > keep.age;
        // The ones that have waited longest are at the front.
        let count = waiting.iter().take_while(|held| is_old(held)).count();
        waiting.drain(..count).map(|held| held.connection).collect()
    }

    /// Keeps a connection; the one that has to go for it is returned, and may be the same.
    pub(super) fn put(
        &self,
        origin: Origin,
        mut connection: Connection,
        keep: &Keep,
        now: Instant,
    ) -> Option<Connection> {
        connection.watcher = Watcher::default(); // what waits is nobody's
        let mut waiting = self.lock();
        let crowded =
            waiting.iter().filter(|held| held.origin == origin).count() >= keep.most_per_origin;
        let oldest_there = waiting.iter().position(|held| held.origin == origin);
        waiting.push_back(Waiting { origin, since: now, connection });
        let gone = match oldest_there {
            _ if keep.most_per_origin == 0 => Some(waiting.len() - 1),
            Some(at) if crowded => Some(at),
            _ if waiting.len() > keep.most => Some(0),
            _ => None,
        };
        waiting.remove(gone?).map(|held| held.connection)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};
    use std::time::Duration;

    fn origin(port: u16) -> Origin {
        ("a".into(), port)
    }

    #[test]
    fn the_one_used_last_is_taken_first_and_the_oldest_goes() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (idle, now) = (Idle::default(), Instant::now());
        let keep = Keep { most: 4, most_per_origin: 3, age: Duration::from_secs(9) };
        let mut servers = Vec::new();
        let mut put = |port, seconds| {
            let connection = Connection::new(idle.next_id(), TcpStream::connect(address).unwrap());
            servers.push(Some(listener.accept().unwrap()));
            let now = now + Duration::from_secs(seconds);
            idle.put(origin(port), connection, &keep, now).map(|gone| gone.id)
        };
        for (port, seconds, gone) in [
            (1, 0, None),
            (2, 1, None),
            (1, 2, None),
            (1, 3, None),
            (1, 4, Some(0)),
            (3, 5, Some(1)),
        ] {
            assert_eq!(put(port, seconds), gone);
        }
        let ids = |gone: Vec<Connection>| gone.iter().map(|gone| gone.id).collect::<Vec<_>>();
        assert!(idle.take(&origin(2)).is_none());
        assert!(matches!(idle.take(&origin(1)), Some(Found::Alive(taken)) if taken.id == 4));
        servers[3] = None;
        assert!(matches!(idle.take(&origin(1)), Some(Found::Dead(taken)) if taken.id == 3));
        let at = |seconds| now + Duration::from_secs(seconds);
        assert_eq!(ids(idle.expired(&keep, at(11))), Vec::<usize>::new());
        assert_eq!(ids(idle.expired(&keep, at(12))), [2]);
        assert!(matches!(idle.take(&origin(3)), Some(Found::Alive(taken)) if taken.id == 5));
        let none = Keep { most: 0, ..keep };
        let connection = Connection::new(9, TcpStream::connect(address).unwrap());
        assert_eq!(idle.put(origin(1), connection, &none, now).map(|gone| gone.id), Some(9));
    }
}
