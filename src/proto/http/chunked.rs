//! The chunked transfer coding (RFC 9112, 7.1), both ways.
//!
//! ```text
//! 5\r\n        size in hexadecimal, perhaps ;extensions
//! hello\r\n    that many bytes, and a line end
//! 0\r\n        the last chunk
//! X: y\r\n     trailer fields, perhaps
//! \r\n
//! ```
//! Lines must end with CRLF, and extensions must follow their grammar: otherwise a lenient reader and
//! a strict one would disagree about where the next request begins.

use super::chars::{FIELD_VALUE, TCHAR, hex, trim_ows_end, trim_ows_start};
use super::error::{Fault, Rule};
use super::excerpt::Excerpt;
use super::field_line::{push_field_line, strip_ending};
use super::headers::Headers;
use super::limits::Limits;
use super::recipient::Recipient;
use super::trailers::may_trail;
use crate::proto::buf::{Buf, LineTooLong};

/// Reads a chunked body.
#[derive(Debug, Clone)]
pub struct Decoder {
    state: State,
    recipient: Recipient,
    /// Bytes that have been taken, framing included.
    taken: u64,
    /// Bytes of extensions and trailers among them.
    overhead: u64,
    trailers: Headers,
    /// The line that broke a rule.
    excerpt: Option<Excerpt>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Size,
    Data(u64),
    DataEnd,
    Trailers,
    Done,
}

/// What comes next, for an observer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expects {
    Size,
    /// This number of bytes of data.
    Data(u64),
    DataEnd,
    Trailers,
    Nothing,
}

/// What is ready for the reader of the data.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ready {
    /// Up to this number of bytes of data are next in the buffer.
    Data(u64),
    /// More bytes are needed.
    More,
    /// The body is complete.
    End,
}

impl Decoder {
    /// Returns a decoder at the beginning of a body.
    pub fn new(recipient: Recipient) -> Decoder {
        let (state, trailers) = (State::Size, Headers::new());
        Decoder { state, recipient, taken: 0, overhead: 0, trailers, excerpt: None }
    }

    /// Returns the line that broke a rule, if one did.
    pub(super) fn excerpt(&self) -> Option<&Excerpt> {
        self.excerpt.as_ref()
    }

    /// Returns the trailer fields; complete when the body is.
    pub fn trailers(&self) -> &Headers {
        &self.trailers
    }

    /// Checks the trailers of a complete body.
    ///
    /// # Errors
    /// [`Rule::TrailerField`] for the first that must not be a trailer.
    pub(super) fn check_trailers(&mut self) -> Result<(), Fault> {
        let Some(line) = self.trailers.line_of(|name| !may_trail(name)) else { return Ok(()) };
        let source = self.trailers.source();
        self.excerpt = Some(Excerpt::within(source, line));
        let section = self.taken - (source.len() + b"\r\n".len()) as u64;
        Err(Fault { rule: Rule::TrailerField, offset: section }.after(line))
    }

    /// Returns the part that the next byte belongs to.
    pub(super) fn expects(&self) -> Expects {
        match self.state {
            State::Size => Expects::Size,
            State::Data(0) | State::DataEnd => Expects::DataEnd,
            State::Data(left) => Expects::Data(left),
            State::Trailers => Expects::Trailers,
            State::Done => Expects::Nothing,
        }
    }

    /// Returns how many bytes have been taken, framing included.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    /// Returns true if the body is complete.
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// Takes the framing before the next data.
    pub(super) fn advance(&mut self, input: &mut Buf, limits: &Limits) -> Result<Ready, Fault> {
        loop {
            self.state = match self.state {
                State::Size => match self.take_size(input, limits)? {
                    None => return Ok(Ready::More),
                    Some(0) => State::Trailers,
                    Some(size) => State::Data(size),
                },
                State::Data(0) => State::DataEnd,
                State::Data(_) if input.is_empty() => return Ok(Ready::More),
                State::Data(left) => return Ok(Ready::Data(left)),
                State::DataEnd => match input.bytes() {
                    [b'\r', b'\n', ..] => {
                        self.taken += input.take(2).len() as u64;
                        State::Size
                    }
                    [] | [b'\r'] => return Ok(Ready::More),
                    text => return Err(self.fault(Rule::ChunkEnd, text, 0)),
                },
                State::Trailers => match self.take_trailer(input, limits)? {
                    None => return Ok(Ready::More),
                    Some(true) => State::Trailers,
                    Some(false) => State::Done,
                },
                State::Done => return Ok(Ready::End),
            }
        }
    }

    /// Records that `count` bytes of data have been taken from the buffer.
    pub(super) fn advance_data(&mut self, count: u64) {
        if let State::Data(left) = &mut self.state {
            *left -= count.min(*left);
            self.taken += count;
        }
    }

    /// Parses `chunk-size [ chunk-ext ] CRLF`, where `chunk-size = 1*HEXDIG`. In a response, blanks may stand
    /// before the CRLF: some servers write all sizes in the same number of columns.
    fn take_size(&mut self, input: &mut Buf, limits: &Limits) -> Result<Option<u64>, Fault> {
        const DIGITS: usize = 16; // of a u64; more leading zeros than that are refused
        if input.bytes().first().is_some_and(|byte| !byte.is_ascii_hexdigit()) {
            return Err(self.fault(Rule::ChunkSize, input.bytes(), 0));
        }
        let Some(line) = self.take_line(input, DIGITS + 2, limits)? else { return Ok(None) };
        let content = strip_ending(line);
        let digits = content.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let (size, rest) = content.split_at(digits);
        let Some(size) = hex(size).filter(|_| digits <= DIGITS) else {
            return Err(self.fault(Rule::ChunkSize, line, 0));
        };
        let extension = match self.recipient {
            Recipient::Server => rest,
            Recipient::UserAgent => trim_ows_end(rest),
        };
        if !extension.is_empty() && trim_ows_start(extension).first() != Some(&b';') {
            return Err(self.fault(Rule::ChunkSize, line, digits));
        }
        if let Err(wrong) = check_extensions(extension) {
            let at = digits + extension.len() - wrong.len();
            return Err(self.fault(Rule::ChunkExtension, line, at));
        }
        self.count_overhead(rest.len(), line, limits)?;
        self.taken += line.len() as u64;
        Ok(Some(size))
    }

    /// Takes a trailer line (`Some(true)`) or the empty line after the last one (`Some(false)`).
    fn take_trailer(&mut self, input: &mut Buf, limits: &Limits) -> Result<Option<bool>, Fault> {
        let Some(line) = self.take_line(input, 2, limits)? else { return Ok(None) };
        let is_field = line != b"\r\n";
        if is_field {
            self.count_overhead(line.len(), line, limits)?;
            push_field_line(&mut self.trailers, line, self.recipient, limits).map_err(|fault| {
                self.excerpt = Some(Excerpt::after_fields(&self.trailers, line, fault.at()));
                Fault { offset: self.taken, ..fault }.after(fault.at())
            })?;
        }
        self.taken += line.len() as u64;
        Ok(Some(is_field))
    }

    /// Takes a line, its CRLF included, that is no longer than `free` bytes and the overhead that
    /// is left.
    fn take_line<'b>(
        &mut self,
        input: &'b mut Buf,
        free: usize,
        limits: &Limits,
    ) -> Result<Option<&'b [u8]>, Fault> {
        let room = limits.chunk_overhead.saturating_sub(self.overhead);
        let room = usize::try_from(room).unwrap_or(usize::MAX).saturating_add(free);
        match input.take_line(room) {
            Ok(Some(line)) if !line.ends_with(b"\r\n") => {
                Err(self.fault(Rule::ChunkLineEnd, line, line.len() - 1))
            }
            Ok(line) => Ok(line),
            Err(LineTooLong) => Err(self.fault(Rule::ChunkOverhead, &[], 0)),
        }
    }

    fn count_overhead(
        &mut self,
        overhead: usize,
        line: &[u8],
        limits: &Limits,
    ) -> Result<(), Fault> {
        self.overhead += overhead as u64;
        if self.overhead > limits.chunk_overhead {
            return Err(self.fault(Rule::ChunkOverhead, line, 0));
        }
        Ok(())
    }

    /// Returns the fault of the line that `text` begins with.
    fn fault(&mut self, rule: Rule, text: &[u8], at: usize) -> Fault {
        self.excerpt = (!text.is_empty()).then(|| Excerpt::new(text, at));
        Fault { rule, offset: self.taken }.after(at)
    }
}

/// Checks `chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )`, where the name is a
/// token and the value a token or a quoted string (RFC 9112, 7.1.1). They are checked, because readers
/// differ about where they end, and not used. `BWS = *( SP / HTAB )` is "bad" white space: a sender must
/// not send it, a recipient must accept it. An error is the text from the wrong byte on.
fn check_extensions(mut text: &[u8]) -> Result<(), &[u8]> {
    while !text.is_empty() {
        let rest = trim_ows_start(text).strip_prefix(b";").ok_or(text)?;
        let rest = after_token(trim_ows_start(rest))?;
        text = match trim_ows_start(rest).strip_prefix(b"=") {
            None => rest,
            Some(value) => after_value(trim_ows_start(value))?,
        };
    }
    Ok(())
}

fn after_token(text: &[u8]) -> Result<&[u8], &[u8]> {
    let length = TCHAR.first_outside(text).unwrap_or(text.len());
    if length > 0 { Ok(&text[length..]) } else { Err(text) }
}

/// Returns what follows `token / quoted-string`, where a backslash quotes one byte (RFC 9110, 5.6.4).
fn after_value(text: &[u8]) -> Result<&[u8], &[u8]> {
    let Some(mut rest) = text.strip_prefix(b"\"") else { return after_token(text) };
    loop {
        rest = match rest {
            [b'"', behind @ ..] => return Ok(behind),
            [b'\\', byte, behind @ ..] if FIELD_VALUE.has(*byte) => behind,
            [byte, behind @ ..] if *byte != b'\\' && FIELD_VALUE.has(*byte) => behind,
            _ => return Err(rest),
        };
    }
}

/// Writes one chunk. Without data it writes nothing, because an empty chunk would end the body.
pub fn encode_chunk(data: &[u8], out: &mut Vec<u8>) {
    if !data.is_empty() {
        out.extend_from_slice(format!("{:x}\r\n", data.len()).as_bytes());
        out.extend_from_slice(data);
        out.extend_from_slice(b"\r\n");
    }
}

/// Writes the last chunk and the trailer section: those of the fields that
/// [may be trailers](may_trail).
pub fn encode_end(trailers: &Headers, out: &mut Vec<u8>) {
    out.extend_from_slice(b"0\r\n");
    trailers.encode_where(may_trail, out);
    out.extend_from_slice(b"\r\n");
}
