//! Queries over a connection: each message after its length, in two octets (RFC 1035, 4.2.2; RFC 7766).
//! Several may come at once; they are answered in their order.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::NameServer;
use super::answer::Way;
use crate::net::deadline::{Deadline, Phase};
use crate::net::errors::nothing_yet;
use crate::net::peer_address::PeerAddress;
use crate::net::service::{Driver, Next, Protocol, ProtocolConnection};

/// How much is read at once, in bytes.
const READ: usize = 16 << 10;

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
}

impl Protocol for OverTcp {
    fn open(&self, peer: PeerAddress) -> Box<dyn ProtocolConnection> {
        let (server, input, output) = (Arc::clone(&self.0), Vec::new(), Vec::new());
        let waits = Deadline::after(Instant::now(), server.config.idle_time, Phase::Silent);
        Box::new(Connection { server, peer, input, output, waits })
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
}

impl Connection {
    /// Reads at most once, answers at most one query, and sends the response. After something that is no
    /// query the connection ends: what follows may be no message at all.
    fn take_turn(&mut self, mut stream: &TcpStream, driver: &dyn Driver) -> io::Result<Next> {
        let (now, server) = (Instant::now(), &self.server);
        if self.output.is_empty() {
            let mut read = 0;
            if first_query(&self.input).is_none() {
                let mut buffer = [0; READ];
                read = match stream.read(&mut buffer) {
                    Ok(0) => return Ok(Next::Close),
                    Ok(read) => read,
                    Err(error) if nothing_yet(&error) => 0,
                    Err(error) => return Err(error),
                };
                self.input.extend_from_slice(&buffer[..read]);
            }
            let Some(query) = first_query(&self.input) else {
                if !self.input.is_empty() && self.waits.phase != Phase::Head {
                    self.waits = Deadline::after(now, server.config.message_time, Phase::Head);
                }
                // Of what the socket has, and was not read in this turn, no further event tells.
                return Ok(if read == READ { Next::Yield } else { Next::Readable(self.waits) });
            };
            let Some(response) = server.answer(query, Way::Tcp, self.peer) else {
                return Ok(Next::Linger);
            };
            // No response has more than 65,535 octets.
            let length = u16::try_from(response.len()).unwrap_or(u16::MAX).to_be_bytes();
            self.output = [&length[..], &response].concat();
            // An idle connection has no memory for input.
            self.input = self.input.split_off(2 + query.len());
            self.waits = Deadline::after(now, server.config.message_time, Phase::Write);
        }
        match stream.write(&self.output) {
            Ok(sent) => self.output = self.output.split_off(sent),
            Err(error) if nothing_yet(&error) => {}
            Err(error) => return Err(error),
        }
        if !self.output.is_empty() {
            return Ok(Next::Writable(self.waits));
        }
        self.waits = Deadline::after(now, server.config.idle_time, Phase::Idle);
        let ends = self.input.is_empty() && !driver.may_keep();
        Ok(if ends { Next::Linger } else { Next::Yield })
    }
}

/// Returns the first query of the input, if it is complete.
fn first_query(input: &[u8]) -> Option<&[u8]> {
    let (length, rest) = input.split_first_chunk()?;
    rest.get(..usize::from(u16::from_be_bytes(*length)))
}
