//! A connection of a known proxy that has not named its client yet, by the PROXY protocol.
//!
//! It waits in the lobby for its header, until the deadline of a head, and holds no worker. Only the header is taken
//! from the socket: what follows it, HTTP reads as it does on any connection.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::net::accept::Accepted;
use crate::net::admission::{AddressPermit, RejectReason};
use crate::net::deadline::{Deadline, Phase};
use crate::net::errors::nothing_yet;
use crate::net::peer_address::PeerAddress;
use crate::net::service::{Driver, EndReason, Next, ProtocolConnection, Service as _, Speaks};
use crate::net::socket::peek;
use crate::proto::http::status::Status;
use crate::proto::proxy_protocol::{Fault, Header, LONGEST, Source, parse};
use crate::server::conn::Http;
use crate::server::respond::error_response::ErrorResponse;

/// A connection whose header is arriving.
pub(in crate::server) struct ProxyHeader {
    http: Arc<Http>,
    pub(in crate::server) proxy: PeerAddress,
    /// Whether a TLS handshake follows the header.
    pub(in crate::server) is_encrypted: bool,
    since: Instant,
    /// What has been taken of the header.
    taken: Vec<u8>,
    is_refused: bool,
    /// The client, once the header is complete: then [`Next::Close`] means that the connection is HTTP's.
    pub(in crate::server) client: Option<NamedClient>,
}

/// The client of a connection that a proxy passes on.
pub(in crate::server) struct NamedClient {
    pub(in crate::server) peer: PeerAddress,
    /// Its place among the connections of its address, if that has a limit.
    pub(in crate::server) permit: Option<AddressPermit>,
}

impl ProxyHeader {
    /// Returns the state of a connection of a proxy that has just been accepted.
    pub(in crate::server) fn new(http: &Arc<Http>, accepted: &Accepted) -> ProxyHeader {
        ProxyHeader {
            http: Arc::clone(http),
            proxy: accepted.peer,
            is_encrypted: matches!(accepted.speaks, Speaks::OwnEncrypted),
            since: Instant::now(),
            taken: Vec::new(),
            is_refused: false,
            client: None,
        }
    }

    /// Goes on with the header as far as it has arrived.
    fn receive(&mut self, mut stream: &TcpStream) -> io::Result<Next> {
        loop {
            let mut seen = [0; LONGEST];
            let count = match peek(stream, &mut seen) {
                Ok(0) => return Ok(Next::Close), // the proxy has left
                Ok(count) => count,
                Err(error) if nothing_yet(&error) => return Ok(Next::Readable(self.deadline())),
                Err(error) => return Err(error),
            };
            let before = self.taken.len();
            self.taken.extend_from_slice(&seen[..count]);
            let (length, source) = match parse(&self.taken) {
                Ok(Header::Partial) => (self.taken.len(), None),
                Ok(Header::Complete(source, length)) => (length, Some(source)),
                Err(fault) => return self.refuse(&missing(fault), stream),
            };
            stream.read_exact(&mut seen[..length - before])?;
            if let Some(source) = source {
                return self.admit(source, stream);
            }
        }
    }

    fn deadline(&self) -> Deadline {
        let phase = if self.taken.is_empty() { Phase::Silent } else { Phase::Head };
        Deadline::after(self.since, self.http.limits.head_time, phase)
    }

    /// Hands the connection over to HTTP, unless the client has too many.
    fn admit(&mut self, source: Source, mut stream: &TcpStream) -> io::Result<Next> {
        let peer = match source {
            Source::Client(address, port) => {
                PeerAddress::Tcp(SocketAddr::new(address.to_canonical(), port))
            }
            Source::Unknown => self.proxy.relayed(),
            Source::Proxy => self.proxy,
        };
        let limiter = self.http.proxies.limiter.as_ref().filter(|_| peer != self.proxy);
        match limiter.map_or(Ok(None), |limiter| limiter.count_address(peer)) {
            Ok(permit) => {
                self.client = Some(NamedClient { peer, permit });
                Ok(Next::Close)
            }
            Err(reason) => {
                if let Some(limiter) = limiter {
                    limiter.count_refusal(reason);
                }
                log::info!("{peer}: refused: {}", RejectReason::Address.what());
                self.is_refused = true;
                stream.write_all(&self.http.refusal(reason, peer))?;
                Ok(Next::Linger)
            }
        }
    }

    fn refuse(&mut self, error: &ErrorResponse, mut stream: &TcpStream) -> io::Result<Next> {
        self.is_refused = true;
        log::info!("{}: refused: {error}", self.proxy);
        stream.write_all(&self.http.refusal_with(error.response(None), self.proxy))?;
        Ok(Next::Linger)
    }
}

impl ProtocolConnection for ProxyHeader {
    fn turn(&mut self, stream: &TcpStream, _: &dyn Driver, _: Duration) -> Next {
        self.receive(stream).unwrap_or_else(|error| {
            log::debug!("{}: {error}", self.proxy);
            Next::Close
        })
    }

    fn expired(&mut self, stream: &TcpStream, _: Phase) -> Next {
        let what = "the header of the PROXY protocol was not complete within the time limit";
        let error = ErrorResponse::new(Status::REQUEST_TIMEOUT, SECTION, what, RIGHT);
        self.refuse(&error, stream).unwrap_or(Next::Close)
    }

    /// Counts a connection that has not become one of HTTP.
    fn close(self: Box<Self>, ended: EndReason) {
        let why = self.http.count_early_end(ended, self.is_refused);
        log::debug!("{}: closed before its client was named: {why}", self.proxy);
    }
}

const SECTION: &str = "PROXY protocol, 2";
const RIGHT: &str = "PROXY TCP4 192.0.2.7 198.51.100.1 5555 80 and CR LF, or the binary header of version 2; or a \
                     server that runs without --proxy-protocol";

fn missing(fault: Fault) -> ErrorResponse {
    ErrorResponse::new(Status::BAD_REQUEST, SECTION, fault.what(), RIGHT)
}
