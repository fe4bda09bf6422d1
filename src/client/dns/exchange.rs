//! One query to one name server, over UDP or TCP (RFC 1035, 4.2), and the message that is its answer.
//!
//! Each query has a socket of its own, so that both its port and its id are random, and the kernel drops
//! what comes from another address (RFC 5452, 9). Whatever else is not the answer is dropped here, and the
//! wait goes on.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _};
use std::io::{self, ErrorKind, Write as _};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Instant;

use super::LookupStep;
use crate::net::{connect, receive, udp};
use crate::proto::dns::{Ignored, Message, Query};

/// The octets of the longest message.
const LONGEST: usize = u16::MAX as usize;

/// A name server, and how it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Server {
    /// Its address and port.
    pub address: SocketAddr,
    /// UDP or TCP.
    pub transport: Transport,
}

/// What carries the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// A datagram each.
    Udp,
    /// A stream, with two octets for the length before each message.
    Tcp,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Where it comes from.
    pub server: Server,
    /// What it says.
    pub message: Message,
    /// Its octets.
    pub octets: Vec<u8>,
}

/// A server gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoAnswer {
    /// The server.
    pub server: Server,
    /// What became of the socket: mostly [`ErrorKind::TimedOut`] or [`ErrorKind::ConnectionRefused`].
    pub kind: ErrorKind,
    /// Why the last message that came was dropped.
    pub dropped: Option<Ignored>,
}

enum Socket {
    Udp(UdpSocket),
    Tcp(TcpStream),
}

/// Sends the query, with a random id, and waits for its answer until `until`.
pub(super) fn exchange(
    server: Server,
    query: &mut Query,
    until: Instant,
    observe: &mut dyn FnMut(LookupStep),
) -> Result<Answer, NoAnswer> {
    let [high, low, ..] = RandomState::new().build_hasher().finish().to_be_bytes();
    query.id = u16::from_be_bytes([high, low]);
    let mut dropped = None;
    let mut run = || {
        let mut socket = Socket::open(server, until)?;
        let octets = query.encode();
        socket.send(&octets)?;
        observe(LookupStep::Asked(server, query.clone(), octets));
        let mut buffer = vec![0; LONGEST];
        loop {
            let octets = socket.receive(&mut buffer, until)?;
            match query.check(octets) {
                Ok(message) => {
                    let answer = Answer { server, message, octets: octets.to_vec() };
                    observe(LookupStep::Answered(answer.clone()));
                    return Ok(answer);
                }
                Err(why) => {
                    observe(LookupStep::Dropped(server, why.clone()));
                    dropped = Some(why);
                }
            }
        }
    };
    run().map_err(|error: io::Error| NoAnswer { server, kind: error.kind(), dropped })
}

impl Socket {
    fn open(server: Server, until: Instant) -> io::Result<Socket> {
        if let Transport::Udp = server.transport {
            return udp::connect(server.address).map(Socket::Udp);
        }
        let stream = connect::connect(&[server.address], Some(until), &mut |_| {});
        stream.map(Socket::Tcp).map_err(|mut error| match error.tried.pop() {
            Some((_, error)) => error,
            None => ErrorKind::TimedOut.into(),
        })
    }

    /// Sends a query, which is shorter than any send buffer.
    fn send(&mut self, query: &[u8]) -> io::Result<()> {
        match self {
            Socket::Udp(socket) => socket.send(query).map(drop),
            Socket::Tcp(stream) => {
                let length = u16::try_from(query.len()).map_err(io::Error::other)?;
                stream.write_all(&[&length.to_be_bytes(), query].concat())
            }
        }
    }

    /// Receives a message into the beginning of `buffer`.
    fn receive<'b>(&mut self, buffer: &'b mut [u8], until: Instant) -> io::Result<&'b [u8]> {
        let length = match self {
            Socket::Udp(socket) => receive::datagram(socket, buffer, until)?,
            Socket::Tcp(stream) => {
                receive::exact(stream, &mut buffer[..2], until)?;
                let length = u16::from_be_bytes([buffer[0], buffer[1]]).into();
                receive::exact(stream, &mut buffer[..length], until)?;
                length
            }
        };
        Ok(&buffer[..length])
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.transport {
            Transport::Udp => self.address.fmt(f),
            Transport::Tcp => write!(f, "{} over TCP", self.address),
        }
    }
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NoAnswer { server, kind, dropped } = self;
        write!(f, "{server}: {kind}")?;
        dropped.iter().try_for_each(|why| write!(f, "; what came was dropped: {why}"))
    }
}
