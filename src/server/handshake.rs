//! A connection whose TLS handshake is not complete.
//!
//! It waits in the lobby until the deadline of a handshake, and holds no worker. A client that begins with a request
//! instead is told which scheme to use.

use std::io::{self, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::conn::Http;
use super::proxies::header::NamedClient;
use super::respond::error_response::ErrorResponse;
use crate::net::admission::AddressPermit;
use crate::net::deadline::{Deadline, Phase};
use crate::net::errors::nothing_yet;
use crate::net::peer_address::PeerAddress;
use crate::net::service::{Driver, EndReason, Next, ProtocolConnection};
use crate::net::socket::peek;
use crate::proto::http::status::Status;
use crate::tls::{self, Session};

/// A connection whose handshake is going on.
pub(super) struct Handshake {
    http: Arc<Http>,
    pub(super) peer: PeerAddress,
    /// Its place among the connections of its address, if a proxy has named it.
    pub(super) permit: Option<AddressPermit>,
    session: Option<Session>,
    since: Instant,
    has_begun: bool,
    is_complete: bool,
    is_refused: bool,
}

impl Handshake {
    /// Returns the state of a connection that has just been accepted.
    pub(super) fn new(
        http: &Arc<Http>,
        NamedClient { peer, permit }: NamedClient,
        session: Option<Session>,
    ) -> Handshake {
        let (http, since) = (Arc::clone(http), Instant::now());
        let (has_begun, is_complete, is_refused) = (false, false, false);
        Handshake { http, peer, permit, session, since, has_begun, is_complete, is_refused }
    }

    /// Returns the encrypted connection, once the handshake is complete: then [`Next::Close`] means that it is HTTP's.
    pub(super) fn complete(&mut self) -> Option<Session> {
        self.session.take_if(|_| self.is_complete)
    }

    fn go_on(&mut self, stream: &TcpStream) -> io::Result<Next> {
        if !self.has_begun {
            let mut start = [0; 1];
            match peek(stream, &mut start) {
                Ok(0) => return Ok(Next::Close),
                // A request, typed by hand or by mistake: a record of TLS begins with 22.
                Ok(_) if start[0].is_ascii_graphic() => return self.refuse_plain(stream),
                Ok(_) => self.has_begun = true,
                Err(error) if nothing_yet(&error) => return Ok(Next::Readable(self.deadline())),
                Err(error) => return Err(error),
            }
        }
        let Some(session) = &mut self.session else { return Ok(Next::Close) };
        Ok(match session.handshake(stream)? {
            tls::Handshake::Complete => {
                self.is_complete = true;
                Next::Close
            }
            tls::Handshake::NeedsInput => Next::Readable(self.deadline()),
            tls::Handshake::NeedsRoom => Next::Writable(self.deadline()),
            tls::Handshake::Left => Next::Close,
        })
    }

    fn deadline(&self) -> Deadline {
        Deadline::after(self.since, self.http.limits.handshake_time, Phase::Handshake)
    }

    fn refuse_plain(&mut self, mut stream: &TcpStream) -> io::Result<Next> {
        self.is_refused = true;
        let what = "this port speaks https, and the request came without encryption";
        let right = "https:// in place of http://";
        let error = ErrorResponse::new(Status::BAD_REQUEST, "RFC 9110, 4.2.2", what, right);
        log::info!("{}: refused: {error}", self.peer);
        stream.write_all(&self.http.refusal_with(error.response(None), self.peer))?;
        Ok(Next::Linger)
    }
}

impl ProtocolConnection for Handshake {
    fn turn(&mut self, stream: &TcpStream, _: &dyn Driver, _: Duration) -> Next {
        self.go_on(stream).unwrap_or_else(|error| {
            let level = match error.kind() {
                io::ErrorKind::InvalidData => log::Level::Info,
                _ => log::Level::Debug,
            };
            log::log!(level, "{}: the handshake failed: {error}", self.peer);
            // A reset would overtake the alert.
            if error.kind() == io::ErrorKind::InvalidData { Next::Linger } else { Next::Close }
        })
    }

    fn expired(&mut self, _: &TcpStream, _: Phase) -> Next {
        log::info!("{}: the handshake was not complete within the time limit", self.peer);
        Next::Close
    }

    /// Counts a connection that has not become one of HTTP.
    fn close(self: Box<Self>, ended: EndReason) {
        let why = self.http.count_early_end(ended, self.is_refused);
        log::debug!("{}: closed before its handshake was complete: {why}", self.peer);
    }
}
