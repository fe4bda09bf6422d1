//! The lingering close: ends a connection without destroying the last response.
//!
//! A close while bytes of the peer are still unread, or on their way, makes the kernel send a reset, and
//! a reset destroys what the peer has not read yet (RFC 9112, 9.6). So the sending side is shut down
//! first, and what the peer still sends is discarded until it closes too, or until a deadline.

use std::io::{ErrorKind, Read as _};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use super::errors::nothing_yet;

/// The time that a peer has to close its side: 2 s. The limit is a time and not a number of bytes,
/// because a peer that writes everything before it reads would otherwise meet the reset while it writes.
pub const LINGER: Duration = Duration::from_secs(2);

/// The most that one call discards: 8 KB. A lobby turn discards once and is then over.
const DISCARD: usize = 8 << 10;

/// What [`discard`] has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discarded {
    /// Some bytes; there may be more.
    Bytes,
    /// Nothing has arrived yet, or before the read timeout.
    NothingYet,
    /// The peer has closed its side, or the connection is broken.
    End,
}

/// Shuts down the sending side. Returns false if the connection is broken already.
pub fn begin(stream: &TcpStream) -> bool {
    stream.shutdown(Shutdown::Write).is_ok()
}

/// Reads once and discards what was read. Waits only if reads of `stream` block.
pub fn discard(mut stream: &TcpStream) -> Discarded {
    match stream.read(&mut [0; DISCARD]) {
        Ok(0) => Discarded::End,
        Ok(_) => Discarded::Bytes,
        Err(error) if nothing_yet(&error) => Discarded::NothingYet,
        Err(error) if error.kind() == ErrorKind::Interrupted => Discarded::Bytes,
        Err(_) => Discarded::End,
    }
}

/// Lingers on a blocking stream with a read timeout, for at most [`LINGER`]. When `in_a_hurry` returns
/// true, one silent read timeout is enough.
pub fn linger(stream: &TcpStream, in_a_hurry: impl Fn() -> bool) {
    let until = Instant::now() + LINGER;
    if !begin(stream) {
        return;
    }
    while Instant::now() < until {
        match discard(stream) {
            Discarded::Bytes => {}
            Discarded::NothingYet if !in_a_hurry() => {}
            Discarded::NothingYet | Discarded::End => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::net::TcpListener;
    use std::thread;

    #[test]
    fn the_last_response_arrives_though_the_client_is_still_sending() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        server.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let server = thread::spawn(move || {
            server.write_all(b"no").unwrap();
            linger(&server, || false);
        });
        client.write_all(&[b'x'; 100_000]).unwrap();
        let mut response = Vec::new();
        client.read_to_end(&mut response).unwrap();
        assert_eq!(response, b"no");
        drop(client);
        server.join().unwrap();
    }

    #[test]
    fn a_silent_client_is_discarded_from_without_waiting() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().unwrap();
        server.set_nonblocking(true).unwrap();
        assert!(begin(&server));
        assert_eq!(discard(&server), Discarded::NothingYet);
        client.write_all(b"x").unwrap();
        drop(client);
        server.set_nonblocking(false).unwrap();
        assert_eq!((discard(&server), discard(&server)), (Discarded::Bytes, Discarded::End));
    }
}
