//! The next piece of a pushed body: what has been published since the last one. A body that is wrong on purpose
//! waits in the same way.

use std::io;

use super::body_pieces::Pieces;
use super::connection_io::ConnectionIo;
use super::send::{Piece, RequestInfo, SendingResponse};
use super::{Context, Http};
use crate::proto::http::headers::Headers;
use crate::proto::http::server::PartialHead;
use crate::server::pushed::Pushed;

impl RequestInfo {
    /// Keeps of the request only its first line: the body may wait for hours.
    pub(super) fn keep_line(&mut self) {
        if let Some(arrived) = &mut self.arrived {
            *arrived = PartialHead::Line(arrived.first_line().to_vec());
        }
    }
}

impl Http {
    /// Keeps of a request only what the log shows.
    pub(super) fn keep_what_is_logged(&self, request: &mut RequestInfo) {
        if !self.access_log.tells_fields() {
            request.keep_line();
        }
    }

    /// Puts what there is of a pushed body into the output. It ends when the server stops.
    ///
    /// # Errors
    /// When the connection is broken.
    pub(super) fn push_piece(
        &self,
        sending: &mut SendingResponse,
        io: &mut ConnectionIo,
        context: &Context<'_>,
    ) -> io::Result<Piece> {
        let SendingResponse { exchange, send, body, .. } = sending;
        if let Pieces::Faulty(faulty) = body {
            return self.send_faulty(faulty, (exchange, send), io, context);
        }
        if send.room() == 0 || self.stop.is_requested() {
            return Ok(Piece::End(Ok(Headers::new())));
        }
        let (count, pushed) = body.push(context.driver, send, &mut io.output.bytes);
        exchange.sent += count as u64;
        Ok(match pushed {
            Ok(Pushed::Some) => Piece::Gathered,
            Ok(Pushed::Waiting(until)) => Piece::Waiting(until),
            Ok(Pushed::End) => Piece::End(Ok(Headers::new())),
            Err(error) => Piece::End(Err(error)),
        })
    }
}
