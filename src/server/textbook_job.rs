//! The job of a worker of the textbook: a connection, of any protocol, or a datagram.

use super::blocking::Textbook;
use super::blocking_turns::BlockingTurns;
use super::protocols::AllProtocols;
use super::textbook;
use crate::net::accept::Accepted;
use crate::net::datagram::Datagram;
use crate::net::service::Protocol;
use crate::net::stop_signal::StopSignal;
use crate::pool::Backlog;

/// What crosses the channel of the pool.
pub(super) enum Job {
    Connection(Accepted),
    Datagram(Datagram),
}

impl Job {
    /// Serves the connection to its end, or answers the datagram.
    pub(super) fn run(self, service: &AllProtocols, waiting: &Backlog<'_>, stop: &StopSignal) {
        match self {
            Job::Datagram(datagram) => datagram.answer(),
            Job::Connection(mut accepted) => match accepted.protocol.take() {
                None => textbook::serve(&service.http, accepted, waiting, stop),
                Some(protocol) => {
                    serve_other(service, &*protocol, accepted, Textbook { waiting, stop });
                }
            },
        }
    }
}

/// Serves a connection of a protocol beside HTTP.
fn serve_other(
    service: &AllProtocols,
    protocol: &dyn Protocol,
    accepted: Accepted,
    driver: Textbook<'_>,
) {
    // The permit is released before the stream is closed, as in `textbook.rs`.
    let Accepted { stream, peer, at, permit: _permit, .. } = accepted;
    let mut connection = protocol.open(peer);
    let turns = BlockingTurns { connection: &mut *connection, stream: &stream, driver };
    let ended = turns.serve(at.elapsed());
    service.close_other(connection, ended);
}
