//! Connections that wait for their next request.
//!
//! The one used last is taken first: it is the least likely to have been closed by the server in
//! the meantime. A connection that is taken is looked at, as the server may have closed it while
//! nobody watched; what happens between that look and the request, [`super::call`] deals with.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::connection::Connection;

/// Whom a connection leads to: a host, in lower case, and a port.
pub(super) type Origin = (Box<str>, u16);

/// The connections of a client that wait, the one used last at the back.
#[derive(Debug, Default)]
pub(super) struct Idle {
    waiting: Mutex<VecDeque<(Origin, Connection)>>,
    next_id: AtomicUsize,
}

/// How many connections wait at most; the one that has waited longest is closed for one more.
const MOST: usize = 32;

impl Idle {
    /// The number of a new connection.
    pub(super) fn next_id(&self) -> usize {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// A connection to use again; `Err` is one that was found dead, ask once more.
    pub(super) fn take(&self, origin: &Origin) -> Option<Result<Connection, Connection>> {
        let connection = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let at = waiting.iter().rposition(|(held, _)| held == origin)?;
            waiting.remove(at)?.1
        };
        Some(if connection.is_alive() { Ok(connection.again()) } else { Err(connection) })
    }

    /// Keeps a connection; the one that has to go for it is returned.
    pub(super) fn put(&self, origin: Origin, connection: Connection) -> Option<Connection> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push_back((origin, connection));
        if waiting.len() > MOST { waiting.pop_front().map(|(_, oldest)| oldest) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    fn origin(port: u16) -> Origin {
        ("a".into(), port)
    }

    #[test]
    fn the_one_used_last_is_taken_first_and_the_oldest_goes() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let idle = Idle::default();
        let mut servers = Vec::new();
        for _ in 0..=MOST {
            let connection = Connection::new(idle.next_id(), TcpStream::connect(address).unwrap());
            servers.push(listener.accept().unwrap());
            let gone = idle.put(origin(1), connection);
            assert_eq!(gone.map(|gone| gone.id), (servers.len() > MOST).then_some(0));
        }
        assert!(idle.take(&origin(2)).is_none());
        assert_eq!(idle.take(&origin(1)).unwrap().unwrap().id, MOST);
        servers.truncate(MOST - 1);
        let dead = idle.take(&origin(1)).unwrap();
        assert_eq!(dead.unwrap_err().id, MOST - 1);
    }
}
