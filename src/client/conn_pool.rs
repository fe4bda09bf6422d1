//! The connection pool: idle connections that wait for their next request.
//!
//! The connection that was used last is taken first, because the server is least likely to have closed
//! it. A connection is checked when it is taken: the server may have closed it, or sent bytes that belong
//! to no request. [`super::call`] handles a connection that breaks between that check and the request.
//! [`PoolConfig`] limits the number and the age; connections over the limits are returned to the caller,
//! which closes them. The pool also knows which peers responded with HTTP/1.0.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use super::config::PoolConfig;
use super::connection::Connection;
use super::event::Notifier;
use super::route::Peer;
use crate::proto::http::version::Version;
use crate::sync::lock;

/// The idle connections of a client; the one that was used last is at the back.
#[derive(Debug, Default)]
pub(super) struct ConnectionPool {
    idle: Mutex<VecDeque<IdleConnection>>,
    next_id: Arc<AtomicUsize>,
    /// The peers whose last response was HTTP/1.0, the latest at the back.
    http10: Mutex<VecDeque<Peer>>,
}

/// The most HTTP/1.0 peers that are remembered. What is forgotten costs a refused request, at worst.
const HTTP10_PEERS: usize = 1_000;

#[derive(Debug)]
struct IdleConnection {
    peer: Peer,
    since: Instant,
    connection: Connection,
}

/// A connection that was taken from the pool.
#[derive(Debug)]
pub(super) enum Checkout {
    Ready(Connection),
    /// The server has closed it; the pool may hold another one.
    Stale(Connection),
}

impl ConnectionPool {
    /// Returns an empty pool whose connections have other numbers than those of this one.
    #[cfg(feature = "cli")]
    pub(super) fn beside(&self) -> ConnectionPool {
        ConnectionPool { next_id: Arc::clone(&self.next_id), ..ConnectionPool::default() }
    }

    /// Returns the number of a new connection.
    pub(super) fn next_id(&self) -> usize {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Takes the connection to this peer that was used last.
    pub(super) fn check_out(&self, peer: &Peer) -> Option<Checkout> {
        let connection = {
            let mut idle = self.lock();
            let at = idle.iter().rposition(|held| held.peer == *peer)?;
            idle.remove(at)?.connection
        };
        Some(match connection.is_idle() {
            true => Checkout::Ready(connection.for_reuse()),
            false => Checkout::Stale(connection),
        })
    }

    /// Takes out the connections that have been idle too long.
    pub(super) fn take_expired(&self, config: &PoolConfig, now: Instant) -> Vec<Connection> {
        let mut idle = self.lock();
        let is_old =
            |held: &IdleConnection| now.saturating_duration_since(held.since) > config.max_age;
        // The ones that have been idle longest are at the front.
        let count = idle.iter().take_while(|held| is_old(held)).count();
        idle.drain(..count).map(|held| held.connection).collect()
    }

    /// Adds a connection. Returns the one that is over the limits now, which may be the same.
    pub(super) fn check_in(
        &self,
        peer: Peer,
        mut connection: Connection,
        config: &PoolConfig,
        now: Instant,
    ) -> Option<Connection> {
        connection.notifier = Notifier::default(); // an idle connection belongs to no call
        let mut idle = self.lock();
        let same_peer = idle.iter().filter(|held| held.peer == peer).count();
        let oldest_of_peer = idle.iter().position(|held| held.peer == peer);
        idle.push_back(IdleConnection { peer, since: now, connection });
        let surplus = match oldest_of_peer {
            _ if config.max_idle_per_host == 0 => Some(idle.len() - 1),
            Some(at) if same_peer >= config.max_idle_per_host => Some(at),
            _ if idle.len() > config.max_idle => Some(0),
            _ => None,
        };
        idle.remove(surplus?).map(|held| held.connection)
    }

    /// Remembers the version of a response from this peer.
    pub(super) fn note_version(&self, peer: &Peer, version: Version) {
        let mut http10 = lock(&self.http10);
        if version == Version::Http11 && http10.is_empty() {
            return;
        }
        let known = http10.iter().position(|held| held == peer);
        match (version, known) {
            (Version::Http10, None) => {
                http10.push_back(peer.clone());
                if http10.len() > HTTP10_PEERS {
                    http10.pop_front();
                }
            }
            (Version::Http11, Some(at)) => drop(http10.remove(at)),
            (Version::Http10, Some(_)) | (Version::Http11, None) => {}
        }
    }

    /// Returns whether the last response of this peer was HTTP/1.0.
    pub(super) fn is_http10(&self, peer: &Peer) -> bool {
        lock(&self.http10).contains(peer)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<IdleConnection>> {
        lock(&self.idle)
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
    fn the_last_used_connection_is_taken_first_and_the_oldest_is_closed() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stream = || Stream::Tcp(TcpStream::connect(address).unwrap());
        let (pool, now) = (ConnectionPool::default(), Instant::now());
        let config =
            PoolConfig { max_idle: 4, max_idle_per_host: 3, max_age: Duration::from_secs(9) };
        let mut servers = Vec::new();
        let mut put = |port, seconds| {
            let connection = Connection::new(pool.next_id(), stream());
            servers.push(Some(listener.accept().unwrap()));
            let now = now + Duration::from_secs(seconds);
            pool.check_in(peer(port), connection, &config, now).map(|gone| gone.id)
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
        assert!(pool.check_out(&peer(2)).is_none());
        assert!(matches!(pool.check_out(&peer(1)), Some(Checkout::Ready(taken)) if taken.id == 4));
        servers[3] = None;
        assert!(matches!(pool.check_out(&peer(1)), Some(Checkout::Stale(taken)) if taken.id == 3));
        let at = |seconds| now + Duration::from_secs(seconds);
        assert_eq!(ids(pool.take_expired(&config, at(11))), Vec::<usize>::new());
        assert_eq!(ids(pool.take_expired(&config, at(12))), [2]);
        assert!(matches!(pool.check_out(&peer(3)), Some(Checkout::Ready(taken)) if taken.id == 5));
        let none = PoolConfig { max_idle: 0, ..config };
        let connection = Connection::new(9, stream());
        assert_eq!(pool.check_in(peer(1), connection, &none, now).map(|gone| gone.id), Some(9));
        // A proxy on the same host and port is another one to talk to.
        assert!(pool.check_in(peer(4), Connection::new(10, stream()), &config, now).is_none());
        assert!(pool.check_out(&Peer::Proxy("a".into(), 4)).is_none());
    }
}
