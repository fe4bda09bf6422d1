//! All protocols of a server as one service: HTTP, and those beside it, chosen by the listener.

use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use super::conn::Http;
use super::conn::connection::Connection;
use super::conn::connection_io::Scratch;
use super::handshake::Handshake;
use super::proxies::header::{NamedClient, ProxyHeader};
use crate::net::accept::Accepted;
use crate::net::admission::RejectReason;
use crate::net::deadline::Phase;
use crate::net::peer_address::PeerAddress;
use crate::net::service::{Driver, EndReason, Next, ProtocolConnection, Service, Speaks};
use crate::tls::Acceptor;

/// HTTP and the other protocols.
pub(super) struct AllProtocols {
    pub(super) http: Arc<Http>,
    /// Accepts encrypted connections, where there are any.
    pub(super) tls: Option<Acceptor>,
}

/// A connection of one of them.
#[expect(clippy::large_enum_variant, reason = "the lobby keeps it in a box; most are of HTTP")]
pub(super) enum AnyConnection {
    Http(Connection),
    /// Of HTTP, as soon as the proxy has named the client.
    Announced(Box<ProxyHeader>),
    /// Of HTTP, as soon as the handshake is complete.
    Handshake(Box<Handshake>),
    Other(Box<dyn ProtocolConnection>),
}

impl AllProtocols {
    /// Returns the state of a connection whose client is known.
    fn open_from(&self, client: NamedClient, is_encrypted: bool) -> AnyConnection {
        match is_encrypted {
            true => AnyConnection::Handshake(Box::new(self.begin_handshake(client))),
            false => AnyConnection::Http(self.http.open_from(client.peer, client.permit, None)),
        }
    }

    /// Returns the state of an encrypted connection whose client is known.
    pub(super) fn begin_handshake(&self, client: NamedClient) -> Handshake {
        let session = self.tls.as_ref().map(Acceptor::begin).transpose();
        let session = session.unwrap_or_else(|error| {
            log::error!("{}: no TLS: {error}", client.peer);
            None
        });
        Handshake::new(&self.http, client, session)
    }

    /// Ends a connection of another protocol, for the reason `ended`.
    pub(super) fn close_other(&self, connection: Box<dyn ProtocolConnection>, ended: EndReason) {
        if ended == EndReason::Cut {
            self.http.count_cut();
        }
        self.http.stats.count_other_close(ended);
        connection.close(ended);
    }
}

impl Service for AllProtocols {
    type Connection = AnyConnection;
    type Scratch = Scratch;

    fn open(&self, accepted: &Accepted) -> AnyConnection {
        match &accepted.speaks {
            Speaks::Own | Speaks::OwnEncrypted if self.http.proxies.announces(accepted.peer) => {
                AnyConnection::Announced(Box::new(ProxyHeader::new(&self.http, accepted)))
            }
            Speaks::Own => AnyConnection::Http(self.http.open(accepted)),
            Speaks::OwnEncrypted => {
                self.open_from(NamedClient { peer: accepted.peer, permit: None }, true)
            }
            Speaks::Other(protocol) => AnyConnection::Other(protocol.open(accepted.peer)),
        }
    }

    fn turn(
        &self,
        connection: &mut AnyConnection,
        stream: &TcpStream,
        scratch: &mut Scratch,
        driver: &dyn Driver,
        queued: Duration,
    ) -> Next {
        match connection {
            AnyConnection::Http(connection) => {
                self.http.turn(connection, stream, scratch, driver, queued)
            }
            AnyConnection::Announced(header) => {
                let next = header.turn(stream, driver, queued);
                let Some(client) = header.client.take() else { return next };
                *connection = self.open_from(client, header.is_encrypted);
                self.turn(connection, stream, scratch, driver, queued)
            }
            AnyConnection::Handshake(handshake) => {
                let next = handshake.turn(stream, driver, queued);
                let Some(session) = handshake.complete() else { return next };
                let (peer, permit) = (handshake.peer, handshake.permit.take());
                *connection = AnyConnection::Http(self.http.open_from(peer, permit, Some(session)));
                self.turn(connection, stream, scratch, driver, queued)
            }
            AnyConnection::Other(connection) => connection.turn(stream, driver, queued),
        }
    }

    fn is_immediate(&self, connection: &AnyConnection, stream: &TcpStream) -> bool {
        match connection {
            AnyConnection::Http(connection) => self.http.is_immediate(connection, stream),
            _ => false,
        }
    }

    fn size_of_next(&self, connection: &AnyConnection, stream: &TcpStream) -> Option<u64> {
        match connection {
            AnyConnection::Http(connection) => {
                Service::size_of_next(&*self.http, connection, stream)
            }
            _ => Some(0),
        }
    }

    fn may_drop(&self, connection: &AnyConnection) -> bool {
        match connection {
            AnyConnection::Http(connection) => self.http.may_drop(connection),
            AnyConnection::Announced(_) | AnyConnection::Handshake(_) => true,
            AnyConnection::Other(_) => false,
        }
    }

    fn expired(&self, connection: &mut AnyConnection, stream: &TcpStream, phase: Phase) -> Next {
        match connection {
            AnyConnection::Http(connection) => self.http.expired(connection, stream, phase),
            AnyConnection::Announced(header) => header.expired(stream, phase),
            AnyConnection::Handshake(handshake) => handshake.expired(stream, phase),
            AnyConnection::Other(connection) => connection.expired(stream, phase),
        }
    }

    fn close(&self, connection: AnyConnection, ended: EndReason) {
        match connection {
            AnyConnection::Http(connection) => self.http.close(connection, ended),
            AnyConnection::Announced(header) => header.close(ended),
            AnyConnection::Handshake(handshake) => handshake.close(ended),
            AnyConnection::Other(connection) => self.close_other(connection, ended),
        }
    }

    fn shed(&self, connection: &mut AnyConnection) -> bool {
        match connection {
            AnyConnection::Http(connection) => Service::shed(&*self.http, connection),
            AnyConnection::Announced(header) => {
                *connection = AnyConnection::Http(self.http.open_from(header.proxy, None, None));
                self.shed(connection)
            }
            // It costs little, and a refusal could be read only after it.
            AnyConnection::Handshake(_) => false,
            AnyConnection::Other(connection) => {
                let sheds = connection.shed();
                if sheds {
                    self.http.stats.count_shed();
                }
                sheds
            }
        }
    }

    fn refusal(&self, why: RejectReason, peer: PeerAddress) -> Vec<u8> {
        self.http.refusal(why, peer)
    }
}
