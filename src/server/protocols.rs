//! All protocols of a server as one service: HTTP, and those beside it, chosen by the listener.

use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use super::conn::Http;
use super::conn::connection::Connection;
use super::conn::connection_io::Scratch;
use super::proxies::header::{NamedClient, ProxyHeader};
use crate::net::accept::Accepted;
use crate::net::admission::RejectReason;
use crate::net::deadline::Phase;
use crate::net::peer_address::PeerAddress;
use crate::net::service::{Driver, EndReason, Next, ProtocolConnection, Service};

/// HTTP and the other protocols.
pub(super) struct AllProtocols {
    pub(super) http: Arc<Http>,
}

/// A connection of one of them.
#[expect(clippy::large_enum_variant, reason = "the lobby keeps it in a box; most are of HTTP")]
pub(super) enum AnyConnection {
    Http(Connection),
    /// Of HTTP, as soon as the proxy has named the client.
    Announced(Box<ProxyHeader>),
    Other(Box<dyn ProtocolConnection>),
}

impl AllProtocols {
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
        match &accepted.protocol {
            None if self.http.proxies.announces(accepted.peer) => {
                AnyConnection::Announced(Box::new(ProxyHeader::new(&self.http, accepted.peer)))
            }
            None => AnyConnection::Http(self.http.open(accepted)),
            Some(protocol) => AnyConnection::Other(protocol.open(accepted.peer)),
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
                let Some(NamedClient { peer, permit }) = header.client.take() else { return next };
                *connection = AnyConnection::Http(self.http.open_from(peer, permit));
                self.turn(connection, stream, scratch, driver, queued)
            }
            AnyConnection::Other(connection) => connection.turn(stream, driver, queued),
        }
    }

    fn is_immediate(&self, connection: &AnyConnection, stream: &TcpStream) -> bool {
        match connection {
            AnyConnection::Http(connection) => self.http.is_immediate(connection, stream),
            AnyConnection::Announced(_) | AnyConnection::Other(_) => false,
        }
    }

    fn size_of_next(&self, connection: &AnyConnection, stream: &TcpStream) -> Option<u64> {
        match connection {
            AnyConnection::Http(connection) => {
                Service::size_of_next(&*self.http, connection, stream)
            }
            AnyConnection::Announced(_) | AnyConnection::Other(_) => Some(0),
        }
    }

    fn may_drop(&self, connection: &AnyConnection) -> bool {
        match connection {
            AnyConnection::Http(connection) => self.http.may_drop(connection),
            AnyConnection::Announced(_) => true,
            AnyConnection::Other(_) => false,
        }
    }

    fn expired(&self, connection: &mut AnyConnection, stream: &TcpStream, phase: Phase) -> Next {
        match connection {
            AnyConnection::Http(connection) => self.http.expired(connection, stream, phase),
            AnyConnection::Announced(header) => header.expired(stream, phase),
            AnyConnection::Other(connection) => connection.expired(stream, phase),
        }
    }

    fn close(&self, connection: AnyConnection, ended: EndReason) {
        match connection {
            AnyConnection::Http(connection) => self.http.close(connection, ended),
            AnyConnection::Announced(header) => header.close(ended),
            AnyConnection::Other(connection) => self.close_other(connection, ended),
        }
    }

    fn shed(&self, connection: &mut AnyConnection) -> bool {
        match connection {
            AnyConnection::Http(connection) => Service::shed(&*self.http, connection),
            AnyConnection::Announced(header) => {
                *connection = AnyConnection::Http(self.http.open_from(header.proxy, None));
                self.shed(connection)
            }
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
