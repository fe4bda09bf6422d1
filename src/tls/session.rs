//! An encrypted connection: its handshake, and its bytes (RFC 8446, RFC 5246).
//!
//! It reads and writes a socket that does not block, or has timeouts, and returns `WouldBlock` as the socket does.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;

use rustls::Connection;

use super::{Handshake, Received};

/// The most that is encrypted at once: 64 KB, four records.
const MOST: usize = 64 << 10;

/// An encrypted connection.
#[derive(Debug)]
pub struct Session(Box<State>);

#[derive(Debug)]
struct State {
    connection: Connection,
    /// How many bytes of the last write are encrypted, and not sent to the last one.
    unsent: usize,
}

/// A socket, and whether the last read from it has brought less than there was room for.
struct Source<'s> {
    stream: &'s TcpStream,
    is_drained: bool,
}

impl Read for Source<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(room)?;
        self.is_drained = count < room.len();
        Ok(count)
    }
}

impl Session {
    /// Takes a connection of which nothing has been sent.
    pub(super) fn new(connection: Connection) -> Session {
        Session(Box::new(State { connection, unsent: 0 }))
    }

    /// Goes on with the handshake as far as possible.
    ///
    /// # Errors
    /// When the socket fails, or the peer breaks a rule: then the alert that says so has been sent.
    pub fn handshake(&mut self, stream: &TcpStream) -> io::Result<Handshake> {
        loop {
            if !self.send_pending(stream)? {
                return Ok(Handshake::NeedsRoom);
            }
            if !self.0.connection.is_handshaking() {
                return Ok(Handshake::Complete);
            }
            let mut source = Source { stream, is_drained: false };
            match self.0.connection.read_tls(&mut source) {
                Ok(0) => return Ok(Handshake::Left),
                Ok(_) => self.process(stream)?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return Ok(Handshake::NeedsInput);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads what has arrived, decrypted.
    ///
    /// # Errors
    /// `WouldBlock` when nothing has arrived; `UnexpectedEof` when the connection ends without the peer having said
    /// so; `InvalidData` when the peer breaks a rule; those of the socket.
    pub fn read(&mut self, stream: &TcpStream, room: &mut [u8]) -> io::Result<Received> {
        let mut source = Source { stream, is_drained: false };
        let mut count = 0;
        loop {
            match self.0.connection.reader().read(&mut room[count..]) {
                // The peer has said that this is the end.
                Ok(0) => return Ok(Received { count, may_have_more: count > 0 }),
                Ok(more) => count += more,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) if count > 0 => return Ok(Received { count, may_have_more: true }),
                Err(error) => return Err(error),
            }
            if count == room.len() {
                return Ok(Received { count, may_have_more: true });
            }
            if source.is_drained && count > 0 {
                return Ok(Received { count, may_have_more: false });
            }
            match self.0.connection.read_tls(&mut source) {
                Ok(_) => self.process(stream)?,
                Err(error) if error.kind() == ErrorKind::WouldBlock && count > 0 => {
                    return Ok(Received { count, may_have_more: false });
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Encrypts and sends from the beginning of `bytes`. Returns how many of them have been sent: what has been
    /// encrypted and not sent counts as not sent, and has to be the beginning of the next call's bytes.
    ///
    /// # Errors
    /// `WouldBlock` when the peer has to make room; those of the socket.
    pub fn write(&mut self, stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
        if !self.send_pending(stream)? {
            return Err(ErrorKind::WouldBlock.into());
        }
        let sent = std::mem::take(&mut self.0.unsent);
        if sent > 0 {
            return Ok(sent);
        }
        let count = self.0.connection.writer().write(&bytes[..bytes.len().min(MOST)])?;
        match self.send_pending(stream) {
            Ok(true) => Ok(count),
            Ok(false) => {
                self.0.unsent = count;
                Err(ErrorKind::WouldBlock.into())
            }
            Err(error) => Err(error),
        }
    }

    /// Says that this was the last byte (RFC 8446, 6.1), if there is room for it.
    pub fn close(&mut self, stream: &TcpStream) {
        self.0.connection.send_close_notify();
        let _ = self.send_pending(stream); // the peer may have left
    }

    /// Decrypts what has been read. Tells the peer if it breaks a rule.
    fn process(&mut self, stream: &TcpStream) -> io::Result<()> {
        match self.0.connection.process_new_packets() {
            Ok(_) => Ok(()),
            Err(error) => {
                let _ = self.send_pending(stream); // the alert
                Err(io::Error::new(ErrorKind::InvalidData, error))
            }
        }
    }

    /// Sends what is encrypted. Returns false if the peer has to make room for the rest.
    fn send_pending(&mut self, mut stream: &TcpStream) -> io::Result<bool> {
        while self.0.connection.wants_write() {
            match self.0.connection.write_tls(&mut stream) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}
