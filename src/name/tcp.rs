//! Queries over a connection: each message after its length, in two octets (RFC 1035, 4.2.2; RFC 7766).
//! Several may come at once; they are answered in their order.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::NameServer;
use super::answer::Transport;
use crate::net::admission::RejectReason;
use crate::net::deadline::{Deadline, Phase};
use crate::net::errors::nothing_yet;
use crate::net::peer_address::PeerAddress;
use crate::net::service::{Driver, EndReason, Next, Protocol, ProtocolConnection};

/// How much is read at once, in bytes.
const READ: usize = 16 << 10;

/// A turn ends when it has made this much output, in bytes, so that other connections get their turns.
const TURN: usize = 64 << 10;

/// The name server, for connections.
#[derive(Debug)]
pub struct OverTcp(pub Arc<NameServer>);

/// A client's connection.
struct Connection {
    server: Arc<NameServer>,
    peer: PeerAddress,
    /// What has arrived and is no whole query yet, or has not had its turn.
    input: Vec<u8>,
    /// What has not been sent.
    output: Vec<u8>,
    waits: Deadline,
    /// The connection is closed when the output has been sent.
    ends: bool,
}

impl Protocol for OverTcp {
    fn open(&self, peer: PeerAddress) -> Box<dyn ProtocolConnection> {
        let server = Arc::clone(&self.0);
        let waits = Deadline::after(Instant::now(), server.idle_time, Phase::Silent);
        Box::new(Connection {
            server,
            peer,
            input: Vec::new(),
            output: Vec::new(),
            waits,
            ends: false,
        })
    }

    fn refusal(&self, _: RejectReason, _: PeerAddress) -> Vec<u8> {
        Vec::new()
    }
}

impl ProtocolConnection for Connection {
    fn turn(&mut self, stream: &TcpStream, driver: &dyn Driver, _: Duration) -> Next {
        self.take_turn(stream, driver).unwrap_or(Next::Close)
    }

    fn expired(&mut self, _: &TcpStream, phase: Phase) -> Next {
        log::debug!("{}: closed, the time is up ({})", self.peer, phase.name());
        Next::Close
    }

    fn close(self: Box<Self>, _: EndReason) {}

    fn shed(&mut self) -> bool {
        false
    }
}

impl Connection {
    /// Reads at most once, answers the queries that are complete, and sends the responses.
    fn take_turn(&mut self, mut stream: &TcpStream, driver: &dyn Driver) -> io::Result<Next> {
        let now = Instant::now();
        if !self.output.is_empty() {
            if !self.flush(stream)? {
                return Ok(Next::Writable(self.waits));
            }
            self.waits = Deadline::after(now, self.server.idle_time, Phase::Idle);
        }
        let (mut buffer, mut may_have_more) = ([0; READ], true);
        if !self.ends && first_query(&self.input).is_none() {
            let read = match stream.read(&mut buffer) {
                Ok(0) => return Ok(Next::Close),
                Ok(read) => read,
                Err(error) if nothing_yet(&error) => 0,
                Err(error) => return Err(error),
            };
            self.input.extend_from_slice(&buffer[..read]);
            may_have_more = read == READ;
        }
        if self.answer() {
            self.waits = Deadline::after(now, self.server.idle_time, Phase::Idle);
        }
        if !self.flush(stream)? {
            self.waits = Deadline::after(now, self.server.message_time, Phase::Write);
            return Ok(Next::Writable(self.waits));
        }
        if self.ends || self.input.is_empty() && !driver.may_keep() {
            return Ok(Next::Linger);
        }
        // Of what the socket has, and was not read in this turn, no further event tells.
        if may_have_more || first_query(&self.input).is_some() {
            return Ok(Next::Yield);
        }
        if !self.input.is_empty() && self.waits.phase != Phase::Head {
            self.waits = Deadline::after(now, self.server.message_time, Phase::Head);
        }
        Ok(Next::Readable(self.waits))
    }

    /// Answers queries until there is no whole one or enough output. Returns true if it has answered one.
    /// After something that is no query the connection ends: what follows may be no message at all.
    fn answer(&mut self) -> bool {
        let (input, mut at) = (std::mem::take(&mut self.input), 0);
        while self.output.len() < TURN
            && !self.ends
            && let Some(query) = first_query(&input[at..])
        {
            match self.server.answer(query, Transport::Tcp, self.peer) {
                Some(response) => {
                    // No response has more than 65,535 octets.
                    let length = u16::try_from(response.len()).unwrap_or(u16::MAX);
                    self.output.extend_from_slice(&length.to_be_bytes());
                    self.output.extend_from_slice(&response);
                }
                None => self.ends = true,
            }
            at += 2 + query.len();
        }
        // An idle connection has no memory for input.
        self.input = if at == 0 { input } else { input[at..].to_vec() };
        at > 0
    }

    /// Sends what the socket takes. Returns true if that is all.
    fn flush(&mut self, mut stream: &TcpStream) -> io::Result<bool> {
        if !self.output.is_empty() {
            match stream.write(&self.output) {
                Ok(sent) => drop(self.output.drain(..sent)),
                Err(error) if nothing_yet(&error) => {}
                Err(error) => return Err(error),
            }
        }
        if self.output.is_empty() {
            self.output = Vec::new();
        }
        Ok(self.output.is_empty())
    }
}

/// Returns the first query of the input, if it is complete.
fn first_query(input: &[u8]) -> Option<&[u8]> {
    let (length, rest) = input.split_first_chunk()?;
    rest.get(..usize::from(u16::from_be_bytes(*length)))
}
