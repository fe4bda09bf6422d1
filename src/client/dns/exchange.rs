//! One question to several name servers, until one of them answers it; each query over UDP or TCP
//! (RFC 1035, 4.2), and the message that is its answer.
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

use super::resolv_conf::ResolvConf;
use super::resolve::configuration;
use super::{LookupError, LookupStep, Resolver};
use crate::net::{connect, receive, udp};
use crate::proto::dns::{Flags, Message, Question, ResponseCode};

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

enum Socket {
    Udp(UdpSocket),
    Tcp(TcpStream),
}

/// Asks name servers one question, as `resolver` says; `/etc/hosts` is not read, and no domain is added to the
/// name. The answer is the first one that comes, whatever it says.
///
/// # Errors
/// [`LookupError::TimedOut`] after `until`, and [`LookupError::Failed`] if none comes.
pub fn ask(
    resolver: &Resolver,
    question: &Question,
    transport: Transport,
    until: Option<Instant>,
    observe: &mut dyn FnMut(LookupStep),
) -> Result<Answer, LookupError> {
    let conf = ResolvConf { transport, ..configuration(resolver) };
    conf.ask(question, |_| true, until, observe)
}

/// Returns true if no other server can know more: the name has such a record or not, or it does not exist.
pub(super) fn is_definite(code: ResponseCode) -> bool {
    [ResponseCode::NO_ERROR, ResponseCode::NO_SUCH_NAME].contains(&code)
}

impl ResolvConf {
    /// Asks the servers in turn, each of them up to `attempts` times, until an answer `is_final`; or else
    /// the last answer is returned.
    ///
    /// # Errors
    /// As of [`ask`].
    pub(super) fn ask(
        &self,
        question: &Question,
        is_final: fn(ResponseCode) -> bool,
        until: Option<Instant>,
        observe: &mut dyn FnMut(LookupStep),
    ) -> Result<Answer, LookupError> {
        let (mut last, mut silent) = (None, Vec::new());
        for &address in (0..self.attempts).flat_map(|_| &self.servers) {
            let mut server = Server { address, transport: self.transport };
            match self.ask_server(&mut server, question, until, observe) {
                Ok(answer) if is_final(answer.message.code()) => return Ok(answer),
                Ok(answer) => last = Some(answer),
                Err(_) if until.is_some_and(|until| Instant::now() >= until) => {
                    return Err(LookupError::TimedOut);
                }
                Err(error) => {
                    let why = format!("{server}: {}", error.kind());
                    observe(LookupStep::Failed(why.clone()));
                    silent.push(why);
                }
            }
        }
        silent.truncate(self.servers.len());
        let failed = || format!("no name server answered; {}", silent.join("; "));
        last.ok_or_else(|| LookupError::Failed(failed()))
    }

    /// Asks one server: without EDNS if it does not know it (RFC 6891, 7), over TCP if its answer does not
    /// fit into a datagram (RFC 1035, 4.2.1; RFC 7766, 5).
    fn ask_server(
        &self,
        server: &mut Server,
        question: &Question,
        until: Option<Instant>,
        observe: &mut dyn FnMut(LookupStep),
    ) -> io::Result<Answer> {
        let mut query = Message::query(question.clone());
        loop {
            let end = Instant::now() + self.timeout;
            let end = until.map_or(end, |until| end.min(until));
            let answer = exchange(*server, &mut query, end, observe)?;
            let is_truncated = answer.message.flags.has(Flags::TRUNCATED);
            match answer.message.code() {
                ResponseCode::FORMAT_ERROR
                | ResponseCode::NOT_IMPLEMENTED
                | ResponseCode::BAD_VERSION
                    if query.edns.is_some() =>
                {
                    query.edns = None;
                }
                _ if is_truncated && server.transport == Transport::Udp => {
                    server.transport = Transport::Tcp;
                }
                _ => return Ok(answer),
            }
        }
    }
}

/// Sends the query, with a random id, and waits for its answer until `until`.
fn exchange(
    server: Server,
    query: &mut Message,
    until: Instant,
    observe: &mut dyn FnMut(LookupStep),
) -> io::Result<Answer> {
    let [high, low, ..] = RandomState::new().build_hasher().finish().to_be_bytes();
    query.id = u16::from_be_bytes([high, low]);
    let mut socket = Socket::open(server, until)?;
    socket.send(&query.encode(LONGEST))?;
    observe(LookupStep::Asked(server, query.clone()));
    let mut buffer = vec![0; LONGEST];
    loop {
        let octets = socket.receive(&mut buffer, until)?;
        match query.check(octets) {
            Ok(message) => {
                let answer = Answer { server, message, octets: octets.to_vec() };
                observe(LookupStep::Answered(answer.clone()));
                return Ok(answer);
            }
            Err(why) => observe(LookupStep::Dropped(server, why)),
        }
    }
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
