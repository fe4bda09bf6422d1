//! The content of a response without its codings: [`BodyForm::Decoded`](super::BodyForm::Decoded).

use std::time::Instant;

use super::Client;
use super::config::BodyForm;
use super::exchange_error::ExchangeError;
use super::response::Response;
use crate::proto::http::content_coding::{CodingFault, CodingRule, ContentDecoder, codings};
use crate::proto::http::headers::Headers;

/// The decoder of one body, and what has been received and not been decoded.
#[derive(Debug)]
pub(super) struct Decoding {
    /// The decoder, or why there is none.
    decoder: Result<ContentDecoder, CodingFault>,
    coded: Vec<u8>,
    taken: usize,
}

impl Decoding {
    /// Returns the state that decodes the body of a response with these fields; `None` if it has no coding. A coding
    /// that is not known is an error of the first byte: it does not matter where there is no body.
    pub(super) fn of(headers: &Headers) -> Option<Box<Decoding>> {
        let decoder = match codings(headers) {
            Ok(codings) if codings.is_empty() => return None,
            Ok(codings) => Ok(ContentDecoder::new(&codings)),
            Err(fault) => Err(fault),
        };
        Some(Box::new(Decoding { decoder, coded: Vec::new(), taken: 0 }))
    }

    /// Appends the next piece of the content to `piece`, which is empty. Returns whether more has to be received.
    fn decode(&mut self, piece: &mut Vec<u8>) -> Result<bool, CodingFault> {
        let mut coded = self.coded.get(self.taken..).unwrap_or_default();
        match &mut self.decoder {
            Ok(decoder) => decoder.decode(&mut coded, piece)?,
            Err(fault) if coded.is_empty() && fault.rule != CodingRule::TooMany => {}
            Err(fault) => return Err(fault.clone()),
        }
        self.taken = self.coded.len() - coded.len();
        Ok(piece.is_empty() && coded.is_empty())
    }

    fn finish(&self) -> Result<(), CodingFault> {
        self.decoder.as_ref().map_or(Ok(()), ContentDecoder::finish)
    }
}

impl Client {
    /// Asks for bodies that are compressed, and decodes them: neither by default. Needs the feature `inflate`.
    ///
    /// ```no_run
    /// # use threadbare::client::Client;
    /// let client = Client::new().decode();
    /// let text = client.get("http://127.0.0.1:8080/large.txt").send()?.text()?;
    /// # Ok::<(), threadbare::client::Error>(())
    /// ```
    ///
    /// Requests of [`Client::get`] and the methods beside it have `Accept-Encoding: deflate, gzip`, unless they have their
    /// own, or a `Range`: a part of a coded body cannot be decoded. A [`Request`](super::Request) asks only by its own
    /// field. The codings of a response are removed in either case, while it is read; up to five in a row. One that is
    /// not known or broken is [`ErrorKind::ContentCoding`](super::ErrorKind::ContentCoding), behind all that was right
    /// before it. The head stays as it was received: `Content-Length` and [`Response::received`] count coded bytes.
    /// [`Response::bytes`] and [`Response::text`] limit what comes out; in a loop of yours, do so, too: a megabyte can
    /// become a gigabyte, and with two codings more.
    pub fn decode(mut self) -> Client {
        self.config.body = BodyForm::Decoded;
        self
    }
}

impl Response {
    /// Receives until there is a piece of the content. It stays empty when the body is complete.
    pub(super) fn receive_decoded(&mut self, decoding: &mut Decoding) -> Result<(), ExchangeError> {
        loop {
            // A small body can become a large content, which takes its time.
            self.budget.check_total(Instant::now())?;
            self.piece.clear();
            self.read = 0;
            let needs_more =
                decoding.decode(&mut self.piece).map_err(ExchangeError::ContentCoding)?;
            if !self.piece.is_empty() {
                return Ok(());
            }
            if needs_more {
                self.receive()?;
                std::mem::swap(&mut self.piece, &mut decoding.coded);
                decoding.taken = 0;
                if decoding.coded.is_empty() {
                    self.piece.clear();
                    return decoding.finish().map_err(ExchangeError::ContentCoding);
                }
            }
        }
    }
}
