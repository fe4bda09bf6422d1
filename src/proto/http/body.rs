//! A body that is received or sent, in any framing.

use super::chunked::{self, Ready};
use super::error::{Fault, Rule};
use super::excerpt::Excerpt;
use super::framing::Framing;
use super::headers::Headers;
use super::limits::Limits;
use super::recipient::Recipient;
use crate::proto::buf::Buf;

/// A piece of a body, for its receiver.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Some of the body.
    Data(&'a [u8]),
    /// More bytes are needed.
    More,
    /// The body is complete.
    End,
}

/// A body that is being received.
#[derive(Debug, Clone)]
pub enum Decoder {
    /// All of it has been received.
    Done,
    /// Its length is known.
    Length {
        /// The number of bytes still to come.
        left: u64,
        /// The length.
        of: u64,
    },
    /// Its last chunk says where it ends.
    Chunked(Box<chunked::Decoder>),
    /// The same, and the framing is data, too.
    Framed(Box<chunked::Decoder>),
    /// It ends with the connection.
    UntilClose,
}

impl Decoder {
    /// Returns a decoder at the beginning of a body framed like this.
    pub fn new(framing: Framing, recipient: Recipient) -> Decoder {
        match framing {
            Framing::None | Framing::Length(0) => Decoder::Done,
            Framing::Length(length) => Decoder::Length { left: length, of: length },
            Framing::Chunked => Decoder::Chunked(Box::new(chunked::Decoder::new(recipient))),
            Framing::UntilClose => Decoder::UntilClose,
        }
    }

    /// Returns the decoder of a body that is handed on as it is received: chunk sizes, trailers and all.
    pub(super) fn with_framing(self) -> Decoder {
        match self {
            Decoder::Chunked(decoder) => Decoder::Framed(decoder),
            other => other,
        }
    }

    /// Returns true if all of it has been received.
    pub fn is_done(&self) -> bool {
        match self {
            Decoder::Done => true,
            Decoder::Chunked(decoder) | Decoder::Framed(decoder) => decoder.is_done(),
            Decoder::Length { .. } | Decoder::UntilClose => false,
        }
    }

    /// Returns how many bytes have been taken, framing included; 0 for a body until the close,
    /// and for a body of known length that is complete.
    pub(super) fn taken(&self) -> u64 {
        match self {
            Decoder::Done | Decoder::UntilClose => 0,
            Decoder::Length { left, of } => *of - *left,
            Decoder::Chunked(decoder) | Decoder::Framed(decoder) => decoder.taken(),
        }
    }

    /// Returns how many bytes are still to come, if that is known.
    pub fn remaining(&self) -> Option<u64> {
        match self {
            Decoder::Done => Some(0),
            Decoder::Length { left, .. } => Some(*left),
            Decoder::Chunked(_) | Decoder::Framed(_) | Decoder::UntilClose => None,
        }
    }

    /// Returns the line that broke a rule of chunked framing, if one did.
    pub fn excerpt(&self) -> Option<&Excerpt> {
        match self {
            Decoder::Chunked(decoder) | Decoder::Framed(decoder) => decoder.excerpt(),
            Decoder::Done | Decoder::Length { .. } | Decoder::UntilClose => None,
        }
    }

    /// Looks at the trailers of a complete body.
    ///
    /// # Errors
    /// [`Rule::TrailerField`] for the first that may not stand there.
    pub(super) fn check_trailers(&mut self) -> Result<(), Fault> {
        match self {
            Decoder::Chunked(decoder) if decoder.is_done() => decoder.check_trailers(),
            _ => Ok(()),
        }
    }

    /// Returns the trailer fields of a chunked body, once it is complete; `None` if they are data.
    pub fn trailers(&self) -> Option<&Headers> {
        match self {
            Decoder::Chunked(decoder) if decoder.is_done() => Some(decoder.trailers()),
            _ => None,
        }
    }

    /// Takes the next piece from the buffer.
    ///
    /// # Errors
    /// A broken rule of chunked framing, or [`Rule::BodyIncomplete`] when the peer closed too soon.
    pub fn receive<'b>(&mut self, input: &'b mut Buf, limits: &Limits) -> Result<Piece<'b>, Fault> {
        self.receive_some(input, limits, usize::MAX)
    }

    /// Takes the next piece, of no more than `room` bytes.
    ///
    /// # Errors
    /// As [`Decoder::receive`].
    pub fn receive_some<'b>(
        &mut self,
        input: &'b mut Buf,
        limits: &Limits,
        room: usize,
    ) -> Result<Piece<'b>, Fault> {
        let ready = match self {
            Decoder::Done => Ready::End,
            Decoder::Length { .. } | Decoder::UntilClose if input.is_empty() => Ready::More,
            Decoder::Length { left, .. } => Ready::Data(*left),
            Decoder::UntilClose => Ready::Data(u64::MAX),
            Decoder::Chunked(decoder) => decoder.advance(input, limits)?,
            Decoder::Framed(_) => return self.receive_framed(input, limits),
        };
        match ready {
            Ready::Data(most) => {
                let data = input.take(usize::try_from(most).unwrap_or(usize::MAX).min(room));
                self.advance(data.len() as u64);
                Ok(Piece::Data(data))
            }
            Ready::End => Ok(Piece::End),
            Ready::More if !input.is_closed() => Ok(Piece::More),
            Ready::More => self.end_of_input(input.len() as u64),
        }
    }

    /// Takes the next piece of a chunked body, with its framing.
    fn receive_framed<'b>(
        &mut self,
        input: &'b mut Buf,
        limits: &Limits,
    ) -> Result<Piece<'b>, Fault> {
        let Decoder::Framed(decoder) = self else { return Ok(Piece::End) };
        let mark = input.mark();
        let ready = decoder.advance(input, limits)?;
        if let Ready::Data(most) = ready {
            let data = input.take(usize::try_from(most).unwrap_or(usize::MAX));
            decoder.advance_data(data.len() as u64);
        }
        if input.mark() > mark {
            return Ok(Piece::Data(input.taken_since(mark)));
        }
        match ready {
            Ready::More if input.is_closed() => self.end_of_input(input.len() as u64),
            Ready::End => Ok(Piece::End),
            Ready::More | Ready::Data(_) => Ok(Piece::More),
        }
    }

    /// Returns whether a body may end here: the peer has closed, and the bytes left are not enough.
    fn end_of_input(&mut self, left_over: u64) -> Result<Piece<'static>, Fault> {
        if let Decoder::Done | Decoder::UntilClose = self {
            *self = Decoder::Done;
            return Ok(Piece::End);
        }
        Err(Fault { rule: Rule::BodyIncomplete, offset: self.taken() + left_over })
    }

    fn advance(&mut self, count: u64) {
        match self {
            Decoder::Length { left, .. } if *left == count => *self = Decoder::Done,
            Decoder::Length { left, .. } => *left -= count,
            Decoder::Chunked(decoder) | Decoder::Framed(decoder) => decoder.advance_data(count),
            Decoder::Done | Decoder::UntilClose => {}
        }
    }
}

/// A body that is being sent.
#[derive(Debug)]
pub enum Encoder {
    /// There is none to send, or none may be sent: what is written is dropped.
    Nothing,
    /// This number of bytes must still be written.
    Length(u64),
    /// As chunks.
    Chunked,
    /// As it is, until the connection ends.
    UntilClose,
}

/// A body ended before the length that had been announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Short {
    /// How many bytes are missing.
    pub missing: u64,
}

impl Encoder {
    /// Returns how many more bytes of data can be sent; `u64::MAX` if there is no limit.
    pub fn room(&self) -> u64 {
        match self {
            Encoder::Nothing => 0,
            Encoder::Length(left) => *left,
            Encoder::Chunked | Encoder::UntilClose => u64::MAX,
        }
    }

    /// Frames `data`. Bytes beyond the announced length are dropped, because they would be read as
    /// the beginning of another message.
    #[inline]
    pub fn write(&mut self, data: &[u8], out: &mut Vec<u8>) {
        match self {
            Encoder::Nothing => {}
            Encoder::Length(left) => {
                let fits = usize::try_from(*left).map_or(data.len(), |left| left.min(data.len()));
                out.extend_from_slice(&data[..fits]);
                *left -= fits as u64;
            }
            Encoder::Chunked => chunked::encode_chunk(data, out),
            Encoder::UntilClose => out.extend_from_slice(data),
        }
    }

    /// Ends the body.
    ///
    /// # Errors
    /// [`Short`] when less was written than announced; the connection must then be closed,
    /// because the peer cannot know it otherwise.
    pub fn finish(self, out: &mut Vec<u8>) -> Result<(), Short> {
        self.finish_with(Headers::NONE, out)
    }

    /// Ends the body with trailer fields, if it is chunked; else they are dropped, as are those
    /// that [may not be trailers](super::trailers::may_trail).
    ///
    /// # Errors
    /// As [`Encoder::finish`].
    #[inline]
    pub fn finish_with(self, trailers: &Headers, out: &mut Vec<u8>) -> Result<(), Short> {
        match self {
            Encoder::Length(missing) if missing > 0 => return Err(Short { missing }),
            Encoder::Chunked => chunked::encode_end(trailers, out),
            Encoder::Nothing | Encoder::Length(_) | Encoder::UntilClose => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decodes `wire` as it comes in pieces of `step`; what is behind the body is returned, too.
    fn decode(
        framing: Framing,
        wire: &[u8],
        step: usize,
        close: bool,
    ) -> Result<(Vec<u8>, Vec<u8>), Rule> {
        let limits = Limits::default();
        decode_within(&limits, framing, wire, step, close).map_err(|fault| fault.rule)
    }

    fn decode_within(
        limits: &Limits,
        framing: Framing,
        wire: &[u8],
        step: usize,
        close: bool,
    ) -> Result<(Vec<u8>, Vec<u8>), Fault> {
        decode_as(Recipient::Server, limits, framing, wire, step, close)
    }

    fn decode_as(
        recipient: Recipient,
        limits: &Limits,
        framing: Framing,
        wire: &[u8],
        step: usize,
        close: bool,
    ) -> Result<(Vec<u8>, Vec<u8>), Fault> {
        decode_with(Decoder::new(framing, recipient), limits, wire, step, close)
    }

    fn decode_with(
        mut decoder: Decoder,
        limits: &Limits,
        wire: &[u8],
        step: usize,
        close: bool,
    ) -> Result<(Vec<u8>, Vec<u8>), Fault> {
        let (mut buf, mut data) = (Buf::new(), Vec::new());
        let mut pieces = wire.chunks(step);
        loop {
            match decoder.receive(&mut buf, limits)? {
                Piece::Data(piece) => data.extend_from_slice(piece),
                Piece::End => {
                    pieces.for_each(|piece| buf.extend(piece));
                    return Ok((data, buf.bytes().to_vec()));
                }
                Piece::More => match pieces.next() {
                    Some(piece) => buf.extend(piece),
                    None if close && !buf.is_closed() => buf.close(),
                    None => return Err(Fault::new(Rule::BodyTimeout, 0)),
                },
            }
        }
    }

    #[test]
    fn bodies_whole_byte_by_byte_and_with_more_behind() {
        use Framing::*;
        const EXTENSION: Rule = Rule::ChunkExtension;
        for (name, framing, wire, want) in [
            ("none", None, "", Ok("")),
            ("length", Length(5), "hello", Ok("hello")),
            ("length zero", Length(0), "", Ok("")),
            ("until close", UntilClose, "hello", Ok("hello")),
            ("chunks", Chunked, "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", Ok("hello!")),
            ("chunks, empty", Chunked, "0\r\n\r\n", Ok("")),
            ("capitals and zeros", Chunked, "000A\r\n0123456789\r\n000\r\n\r\n", Ok("0123456789")),
            ("extensions", Chunked, "1;a=b;c=\"d e\"\r\nx\r\n0 ; z\r\n\r\n", Ok("x")),
            ("trailers", Chunked, "1\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\n", Ok("x")),
            ("CRLF in the data", Chunked, "4\r\n\r\n\r\n\r\n0\r\n\r\n", Ok("\r\n\r\n")),
            ("length, cut", Length(5), "hell", Err(Rule::BodyIncomplete)),
            ("chunks, cut in data", Chunked, "5\r\nhel", Err(Rule::BodyIncomplete)),
            ("chunks, no last one", Chunked, "5\r\nhello\r\n", Err(Rule::BodyIncomplete)),
            ("chunks, no end", Chunked, "5\r\nhello\r\n0\r\n", Err(Rule::BodyIncomplete)),
            ("no size", Chunked, "\r\nhello\r\n", Err(Rule::ChunkSize)),
            ("sign", Chunked, "+5\r\nhello\r\n", Err(Rule::ChunkSize)),
            ("prefix", Chunked, "0x5\r\nhello\r\n", Err(Rule::ChunkSize)),
            ("space in front", Chunked, " 5\r\nhello\r\n", Err(Rule::ChunkSize)),
            ("space behind", Chunked, "5 \r\nhello\r\n", Err(Rule::ChunkSize)),
            ("tab behind", Chunked, "5\t\r\nhello\r\n", Err(Rule::ChunkSize)),
            ("not a number", Chunked, "5g\r\nhello\r\n", Err(Rule::ChunkSize)),
            ("comma", Chunked, "5,\r\nhello\r\n", Err(Rule::ChunkSize)),
            ("17 digits", Chunked, "00000000000000005\r\nhello\r\n", Err(Rule::ChunkSize)),
            ("spaces around", Chunked, "1 ;\ta = b ; c = \"\"\r\nx\r\n0\r\n\r\n", Ok("x")),
            ("quoted pairs", Chunked, "1;a=\"\\\"\\\\;\"\r\nx\r\n0\r\n\r\n", Ok("x")),
            ("control byte in an extension", Chunked, "5;a\x01\r\nhello\r\n", Err(EXTENSION)),
            ("bare CR in an extension", Chunked, "5;a\rb\r\nhello\r\n", Err(EXTENSION)),
            ("no name", Chunked, "5;\r\nhello\r\n", Err(EXTENSION)),
            ("no name, a value", Chunked, "5;=b\r\nhello\r\n", Err(EXTENSION)),
            ("two semicolons", Chunked, "5;;a\r\nhello\r\n", Err(EXTENSION)),
            ("no value", Chunked, "5;a=\r\nhello\r\n", Err(EXTENSION)),
            ("two values", Chunked, "5;a=b=c\r\nhello\r\n", Err(EXTENSION)),
            ("space at the end", Chunked, "5;a \r\nhello\r\n", Err(EXTENSION)),
            ("open quote", Chunked, "5;a=\"b\r\nhello\r\n", Err(EXTENSION)),
            ("CRLF in quotes", Chunked, "5;a=\"b\r\nc\"\r\nhello\r\n", Err(EXTENSION)),
            ("quoted CR", Chunked, "5;a=\"\\\r\n\"\r\nhello\r\n", Err(EXTENSION)),
            ("more behind the quote", Chunked, "5;a=\"b\"c\r\nhello\r\n", Err(EXTENSION)),
            ("bare LF behind the size", Chunked, "5\nhello\r\n", Err(Rule::ChunkLineEnd)),
            ("bare LF behind the data", Chunked, "5\r\nhello\n0\r\n\r\n", Err(Rule::ChunkEnd)),
            ("data too long", Chunked, "5\r\nhello!\r\n0\r\n\r\n", Err(Rule::ChunkEnd)),
            ("bare LF at the end", Chunked, "0\r\n\n", Err(Rule::ChunkLineEnd)),
            ("bad trailer", Chunked, "0\r\nA : b\r\n\r\n", Err(Rule::SpaceBeforeColon)),
            ("folded trailer", Chunked, "0\r\nA: b\r\n c\r\n\r\n", Err(Rule::Fold)),
        ] {
            let want_data = want.map(|data: &str| data.as_bytes().to_vec());
            for step in [1, 2, 3, wire.len().max(1)] {
                let got = decode(framing, wire.as_bytes(), step, true).map(|(data, _)| data);
                assert_eq!(got, want_data, "{name}, by {step}");
            }
            if want.is_ok() && framing != UntilClose {
                let glued = [wire.as_bytes(), b"GET / HTTP/1.1\r\n"].concat();
                let got = decode(framing, &glued, glued.len(), false);
                assert_eq!(
                    got,
                    Ok((want_data.unwrap(), b"GET / HTTP/1.1\r\n".to_vec())),
                    "{name}, with more behind"
                );
            }
        }
    }

    /// What has one meaning only, and is refused by servers, is read by a user agent.
    #[test]
    fn a_user_agent_reads_blanks_that_a_server_refuses() {
        let limits = Limits { chunk_overhead: 20, ..Limits::default() };
        for (name, wire, want) in [
            ("space behind", "5 \r\nhello\r\n0\r\n\r\n", Ok("hello")),
            ("spaces and a tab", "5  \t \r\nhello\r\n0    \r\n\r\n", Ok("hello")),
            ("behind an extension", "5;a=b \r\nhello\r\n0\r\n\r\n", Ok("hello")),
            ("trailer, space before its colon", "0\r\nA : b\r\n\r\n", Ok("")),
            ("folded trailer", "0\r\nA: b\r\n c\r\n\r\n", Ok("")),
            ("space in front", " 5\r\nhello\r\n", Err((Rule::ChunkSize, 0))),
            ("two numbers", "5 5\r\nhello\r\n", Err((Rule::ChunkSize, 1))),
            ("a CR behind", "5 \r\r\nhello\r\n", Err((Rule::ChunkSize, 1))),
            ("an LF alone", "5 \nhello\r\n", Err((Rule::ChunkLineEnd, 2))),
            ("two semicolons", "5;;a \r\nhello\r\n", Err((Rule::ChunkExtension, 2))),
            ("blanks without end", "5                     \r\n", Err((Rule::ChunkOverhead, 0))),
        ] {
            for step in [1, 3, wire.len()] {
                let (agent, framing) = (Recipient::UserAgent, Framing::Chunked);
                let got = decode_as(agent, &limits, framing, wire.as_bytes(), step, true);
                let got = got.map_err(|fault| (fault.rule, fault.offset));
                let want = want.map(|data: &str| (data.as_bytes().to_vec(), Vec::new()));
                assert_eq!(got, want, "{name}, by {step}");
                if want.is_ok() {
                    let got = decode_within(&limits, framing, wire.as_bytes(), step, true);
                    assert!(got.is_err(), "{name}, by {step}, in a request");
                }
            }
        }
    }

    #[test]
    fn extensions_and_trailers_are_bounded_together() {
        let flood = "1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nx\r\n"
            .repeat(300);
        assert_eq!(
            decode(Framing::Chunked, flood.as_bytes(), 1000, true),
            Err(Rule::ChunkOverhead)
        );
        let endless = format!("1;{}", "a".repeat(20_000));
        assert_eq!(
            decode(Framing::Chunked, endless.as_bytes(), 1000, false),
            Err(Rule::ChunkOverhead)
        );
        let honest = "1\r\nx\r\n".repeat(100_000) + "0\r\n\r\n";
        assert_eq!(
            decode(Framing::Chunked, honest.as_bytes(), 1000, true).unwrap().0.len(),
            100_000
        );
    }

    #[test]
    fn overhead_at_its_limit_and_one_beyond() {
        let limits = Limits { chunk_overhead: 10, fields: 3, ..Limits::default() };
        for (wire, want) in [
            ("1;bcdefghi0\r\nx\r\n0\r\n\r\n", Ok(())),
            ("1;bcdefghi01\r\nx\r\n0\r\n\r\n", Err((Rule::ChunkOverhead, 0))),
            ("0000000000000001;bcdefghi0\r\nx\r\n0\r\n\r\n", Ok(())),
            ("0000000000000001;bcdefghi01\r\nx\r\n0\r\n\r\n", Err((Rule::ChunkOverhead, 0))),
            ("1;bcde\r\nx\r\n0;bcde\r\n\r\n", Ok(())),
            ("1;bcde\r\nx\r\n0;bcdef\r\n\r\n", Err((Rule::ChunkOverhead, 11))),
            ("0\r\nA: 45678\r\n\r\n", Ok(())),
            ("0\r\nA: 456789\r\n\r\n", Err((Rule::ChunkOverhead, 3))),
            ("0\r\nA: 456789012345", Err((Rule::ChunkOverhead, 3))),
            ("0\r\nA:b\r\nC:d\r\n\r\n", Ok(())),
            ("0;b\r\nA:b\r\nC:\r\n\r\n", Err((Rule::ChunkOverhead, 10))),
            ("0\r\nA:\r\nB:\r\nC:\r\n\r\n", Err((Rule::ChunkOverhead, 11))),
        ] {
            for step in [1, wire.len()] {
                let got = decode_within(&limits, Framing::Chunked, wire.as_bytes(), step, true);
                let got = got.map(|_| ()).map_err(|fault| (fault.rule, fault.offset));
                assert_eq!(got, want, "{wire:?}, by {step}");
            }
        }
        let limits = Limits { fields: 1, ..Limits::default() };
        let wire = b"0\r\nA: b\r\nC: d\r\n\r\n";
        let got = decode_within(&limits, Framing::Chunked, wire, 1, true);
        assert_eq!(got, Err(Fault::new(Rule::TooManyFields, 9)));
    }

    #[test]
    fn a_body_cut_short_says_where() {
        for (framing, wire) in [
            (Framing::Length(5), ""),
            (Framing::Length(5), "hell"),
            (Framing::Chunked, ""),
            (Framing::Chunked, "5"),
            (Framing::Chunked, "5\r\nhel"),
            (Framing::Chunked, "5\r\nhello\r"),
            (Framing::Chunked, "5\r\nhello\r\n0\r\nA: b\r\nC"),
        ] {
            for step in [1, 2, 100] {
                let limits = Limits::default();
                let got = decode_within(&limits, framing, wire.as_bytes(), step, true);
                assert_eq!(got, Err(Fault::new(Rule::BodyIncomplete, wire.len())), "{wire:?}");
            }
        }
    }

    #[test]
    fn trailers_are_there_in_the_end() {
        let mut buf = Buf::new();
        buf.extend(b"0\r\nA: b\r\n\r\n");
        let mut decoder = Decoder::new(Framing::Chunked, Recipient::Server);
        assert_eq!(decoder.receive(&mut buf, &Limits::default()), Ok(Piece::End));
        assert_eq!(decoder.trailers().unwrap().first("a"), Some(&b"b"[..]));
    }

    #[test]
    fn framing_is_data_when_it_is_asked_for() {
        let chunked = "5;a=b\r\nhello\r\n00\r\nSum: 1\r\n\r\n";
        for (framing, wire, want) in [
            (Framing::Chunked, format!("{chunked}next"), Ok((chunked, "next"))),
            (Framing::Chunked, "0\r\n\r\n".to_owned(), Ok(("0\r\n\r\n", ""))),
            (Framing::Chunked, "5\r\nhel".to_owned(), Err(Rule::BodyIncomplete)),
            (Framing::Chunked, "5\r\nhello\n".to_owned(), Err(Rule::ChunkEnd)),
            (Framing::Length(5), "hellonext".to_owned(), Ok(("hello", "next"))),
            (Framing::UntilClose, "hello".to_owned(), Ok(("hello", ""))),
            (Framing::None, "next".to_owned(), Ok(("", "next"))),
        ] {
            for step in 1..=wire.len() {
                let decoder = Decoder::new(framing, Recipient::UserAgent).with_framing();
                let got = decode_with(decoder, &Limits::default(), wire.as_bytes(), step, true);
                let want =
                    want.map(|(data, rest)| (data.as_bytes().to_vec(), rest.as_bytes().to_vec()));
                assert_eq!(got.map_err(|fault| fault.rule), want, "{wire:?} by {step}");
            }
        }
    }

    #[test]
    fn what_is_written_keeps_to_what_was_announced() {
        let mut out = Vec::new();
        let mut body = Encoder::Length(5);
        body.write(b"hello world", &mut out);
        assert_eq!(body.finish(&mut out), Ok(()));
        assert_eq!(out, b"hello");
        let mut body = Encoder::Length(5);
        body.write(b"hel", &mut out);
        assert_eq!(body.finish(&mut out), Err(Short { missing: 2 }));
        out.clear();
        let mut body = Encoder::Chunked;
        body.write(b"hello world", &mut out);
        body.write(b"", &mut out);
        assert_eq!(body.finish(&mut out), Ok(()));
        assert_eq!(out, b"b\r\nhello world\r\n0\r\n\r\n");
    }

    #[test]
    fn trailers_are_written_behind_chunks_only() {
        let mut trailers = Headers::new();
        for (name, value) in [("A", "b"), ("Content-Length", "5"), ("C", "d")] {
            trailers.append(name, value).unwrap();
        }
        for (mut body, want) in [
            (Encoder::Chunked, &b"2\r\nhi\r\n0\r\nA: b\r\nC: d\r\n\r\n"[..]),
            (Encoder::Length(2), b"hi"),
            (Encoder::UntilClose, b"hi"),
            (Encoder::Nothing, b""),
        ] {
            let mut out = Vec::new();
            body.write(b"hi", &mut out);
            assert_eq!(body.finish_with(&trailers, &mut out), Ok(()));
            assert_eq!(out, want);
        }
    }
}
