//! Connections that wait for their next request.
//!
//! The one used last is taken first: it is the least likely to have been closed by the server in
//! the meantime. A connection that is taken is looked at, as the server may have closed it while
//! nobody watched, or said something that answers nothing; what happens between that look and the
//! request, [`super::call`] deals with. How many wait and for how long is [`Keep`]'s to say; those
//! that are over it are given back to be closed.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

use super::config::Keep;
use super::connection::Connection;
use super::event::Watcher;
use super::route::Peer;
use crate::sync::lock;

/// The connections of a client that wait, the one used last at the back.
#[derive(Debug, Default)]
pub(super) struct Idle {
    waiting: Mutex<VecDeque<Waiting>>,
    next_id: AtomicUsize,
}

#[derive(Debug)]
struct Waiting {
    peer: Peer,
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
    pub(super) fn take(&self, peer: &Peer) -> Option<Found> {
        let connection = {
            let mut waiting = self.lock();
            let at = waiting.iter().rposition(|held| held.peer == *peer)?;
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
        peer: Peer,
        mut connection: Connection,
        keep: &Keep,
        now: Instant,
    ) -> Option<Connection> {
        connection.watcher = Watcher::default(); // what waits is nobody's
        let mut waiting = self.lock();
        let crowded =
            waiting.iter().filter(|held| held.peer == peer).count() >= keep.most_per_origin;
        let oldest_there = waiting.iter().position(|held| held.peer == peer);
        waiting.push_back(Waiting { peer, since: now, connection });
        let gone = match oldest_there {
            _ if keep.most_per_origin == 0 => Some(waiting.len() - 1),
            Some(at) if crowded => Some(at),
            _ if waiting.len() > keep.most => Some(0),
            _ => None,
        };
        waiting.remove(gone?).map(|held| held.connection)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        lock(&self.waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::stream::Stream;
    use std::net::{TcpListener, TcpStream};
    use std::time::Duration;

    fn peer(port: u16) -> Peer {
        Peer::Server("a".into(), port)
    }

    #[test]
    fn the_one_used_last_is_taken_first_and_the_oldest_goes() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stream = || Stream::Tcp(TcpStream::connect(address).unwrap());
        let (idle, now) = (Idle::default(), Instant::now());
        let keep = Keep { most: 4, most_per_origin: 3, age: Duration::from_secs(9) };
        let mut servers = Vec::new();
        let mut put = |port, seconds| {
            let connection = Connection::new(idle.next_id(), stream());
            servers.push(Some(listener.accept().unwrap()));
            let now = now + Duration::from_secs(seconds);
            idle.put(peer(port), connection, &keep, now).map(|gone| gone.id)
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
        assert!(idle.take(&peer(2)).is_none());
        assert!(matches!(idle.take(&peer(1)), Some(Found::Alive(taken)) if taken.id == 4));
        servers[3] = None;
        assert!(matches!(idle.take(&peer(1)), Some(Found::Dead(taken)) if taken.id == 3));
        let at = |seconds| now + Duration::from_secs(seconds);
        assert_eq!(ids(idle.expired(&keep, at(11))), Vec::<usize>::new());
        assert_eq!(ids(idle.expired(&keep, at(12))), [2]);
        assert!(matches!(idle.take(&peer(3)), Some(Found::Alive(taken)) if taken.id == 5));
        let none = Keep { most: 0, ..keep };
        let connection = Connection::new(9, stream());
        assert_eq!(idle.put(peer(1), connection, &none, now).map(|gone| gone.id), Some(9));
        // A proxy on the same host and port is another one to talk to.
        assert!(idle.put(peer(4), Connection::new(10, stream()), &keep, now).is_none());
        assert!(idle.take(&Peer::Proxy("a".into(), 4)).is_none());
    }
}
