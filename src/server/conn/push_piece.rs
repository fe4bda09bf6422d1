//! The next piece of a pushed body: what has been published since the last one.

use super::connection_io::ConnectionIo;
use super::send::{Piece, RequestInfo, SendingResponse};
use super::{Context, Http};
use crate::proto::http::headers::Headers;
use crate::proto::http::server::PartialHead;
use crate::server::pushed::Pushed;

impl RequestInfo {
    /// Keeps of the request only what the log shows: the body may wait for hours.
    pub(super) fn keep_line(&mut self) {
        if let Some(arrived) = &mut self.arrived {
            *arrived = PartialHead::Line(arrived.first_line().to_vec());
        }
    }
}

impl Http {
    /// Puts what there is of a pushed body into the output. It ends when the server stops.
    pub(super) fn push_piece(
        &self,
        sending: &mut SendingResponse,
        io: &mut ConnectionIo,
        context: &Context<'_>,
    ) -> Piece {
        let SendingResponse { exchange, send, body, .. } = sending;
        if send.room() == 0 || self.stop.is_requested() {
            return Piece::End(Ok(Headers::new()));
        }
        let (count, pushed) = body.push(context.driver, send, &mut io.output.bytes);
        exchange.sent += count as u64;
        match pushed {
            Ok(Pushed::Some) => Piece::Gathered,
            Ok(Pushed::Waiting(until)) => Piece::Waiting(until),
            Ok(Pushed::End) => Piece::End(Ok(Headers::new())),
            Err(error) => Piece::End(Err(error)),
        }
    }
}
