//! `multipart/form-data`: a form with files, as browsers send it (RFC 7578; RFC 2046, 5.1).
//!
//! ```text
//! --xyz                                                                  a delimiter: -- and the boundary
//! Content-Disposition: form-data; name="to"                              the head of a part
//!
//! Ada                                                                    its content
//! --xyz                                                                  a delimiter
//! Content-Disposition: form-data; name="photo"; filename="cat.png"
//! Content-Type: image/png
//!
//! (bytes)
//! --xyz--                                                                the last delimiter
//! ```
//! A delimiter is a line of its own: the CR LF before it belongs to it, not to the content.
//!
//! In reading order: [`boundary`] (from the Content-Type, and searched for), [`Parser`], [`part_head`] (names
//! and file names), [`fault`] (what can be wrong).
//!
//! [`Parser::receive`] keeps the fields of one head, and leaves in the buffer an unfinished line of a head, or
//! the start of what may be a delimiter: at most four bytes more than the boundary has.
//!
//! Accepted and ignored: text before the first delimiter and after the last one, blanks behind a delimiter,
//! unknown fields and parameters, `filename*` (RFC 7578, 4.2 forbids it). A part without content may leave
//! out the CR LF before the next delimiter, as the grammar of RFC 2046 has it.
//!
//! Refused: a line that ends with LF only, between the parts and in their heads, as busboy and multer do (Go
//! takes it); a boundary with something else behind it than CR LF or `--`, which others take for content or
//! for the end of a part; a part without a name; a missing last delimiter.

pub mod boundary;
pub mod fault;
pub mod part_head;
#[cfg(test)]
mod tests;

pub use self::boundary::Boundary;
pub use self::fault::{MultipartFault, MultipartRule};
pub use self::part_head::PartHead;

use self::boundary::Ahead;
use super::chars::trim_ows_start;
use super::error::Rule;
use super::field_line::push_field_line;
use super::headers::Headers;
use super::limits::Limits;
use super::recipient::Recipient;
use crate::proto::buf::Buf;

/// What comes next in a form.
#[derive(Debug, PartialEq)]
pub enum Event<'b> {
    /// A part begins.
    Part(PartHead),
    /// Some of its content.
    Data(&'b [u8]),
    /// Its content is complete.
    PartEnd,
    /// More bytes are needed.
    More,
    /// The form is complete. What follows has no meaning.
    End,
}

/// Reads a form, part by part.
///
/// ```
/// use threadbare::proto::{buf::Buf, http::limits::Limits, http::multipart::{Boundary, Event, Parser}};
///
/// let boundary = Boundary::parse(b"multipart/form-data; boundary=xyz").unwrap();
/// let (mut parser, mut input, limits) = (Parser::new(boundary), Buf::new(), Limits::default());
/// input.extend(b"--xyz\r\nContent-Disposition: form-data; name=\"to\"\r\n\r\nAda\r\n--xyz--\r\n");
///
/// let mut read = Vec::new();
/// loop {
///     match parser.receive(&mut input, &limits, 4096).unwrap() {
///         Event::Part(head) => read.push(head.name),
///         Event::Data(content) => read.push(String::from_utf8_lossy(content).into_owned()),
///         Event::PartEnd => {}
///         Event::More => input.close(), // here a program would read more
///         Event::End => break,
///     }
/// }
/// assert_eq!(read, ["to", "Ada"]);
/// ```
#[derive(Debug)]
pub struct Parser {
    boundary: Boundary,
    state: State,
    /// Bytes that have been taken.
    taken: u64,
    /// Parts that have begun.
    parts: usize,
}

#[derive(Debug)]
enum State {
    /// At the start of this section, where a delimiter has no CR LF of its own.
    Start(Section),
    /// After its start.
    Within(Section),
    /// Directly behind a boundary.
    Boundary,
    /// Behind a boundary that is not the last one.
    Padding,
    Head(Headers),
    Done,
    /// A rule was broken: there is no way to know what follows.
    Broken(MultipartFault),
}

/// What a delimiter ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    /// The text before the first one, which has no meaning (RFC 2046, 5.1.1).
    Preamble,
    Content,
}

impl Parser {
    /// Returns a parser at the beginning of a body.
    pub fn new(boundary: Boundary) -> Parser {
        Parser { boundary, state: State::Start(Section::Preamble), taken: 0, parts: 0 }
    }

    /// Returns true between a part's head and the end of its content.
    pub fn is_in_content(&self) -> bool {
        matches!(self.state, State::Start(Section::Content) | State::Within(Section::Content))
    }

    /// Takes what comes next from the buffer; of the content, up to `most` bytes, which is at least 1. A part
    /// that is not wanted is skipped by taking its content.
    ///
    /// # Errors
    /// The rule that the form breaks, and the same again if it is called again.
    pub fn receive<'b>(
        &mut self,
        input: &'b mut Buf,
        limits: &Limits,
        most: usize,
    ) -> Result<Event<'b>, MultipartFault> {
        loop {
            let step = match &self.state {
                State::Start(section) | State::Within(section) => self.skip(*section, input),
                State::Boundary => self.take_mark(input),
                State::Padding => self.take_padding(input, limits),
                State::Head(_) => self.take_head_line(input, limits),
                State::Done => Ok(Step::End),
                State::Broken(fault) => Err(fault.clone()),
            };
            return Ok(match step {
                Ok(Step::Again) => continue,
                Ok(Step::More) if input.is_closed() => {
                    let end = self.taken + input.len() as u64;
                    return Err(self.broken(MultipartFault::new(MultipartRule::Incomplete, end)));
                }
                Ok(Step::More) => Event::More,
                Ok(Step::Part(head)) => Event::Part(head),
                Ok(Step::Content(count)) => Event::Data(self.take(input, count.min(most))),
                Ok(Step::PartEnd) => Event::PartEnd,
                Ok(Step::End) => Event::End,
                Err(fault) => return Err(self.broken(fault)),
            });
        }
    }

    fn broken(&mut self, fault: MultipartFault) -> MultipartFault {
        self.state = State::Broken(fault.clone());
        fault
    }

    fn take<'b>(&mut self, input: &'b mut Buf, count: usize) -> &'b [u8] {
        let taken = input.take(count);
        self.taken += taken.len() as u64;
        taken
    }

    /// Looks for the delimiter that ends this section, and takes it, or the preamble before it.
    fn skip(&mut self, section: Section, input: &mut Buf) -> Result<Step, MultipartFault> {
        let next = match &self.state {
            State::Start(_) => self.boundary.next_at_start(input.bytes()),
            _ => self.boundary.next(input.bytes()),
        };
        Ok(match (next, section) {
            (Ahead::Unknown, _) => Step::More,
            (Ahead::Delimiter(length), _) => {
                self.take(input, length);
                self.state = State::Boundary;
                if section == Section::Content { Step::PartEnd } else { Step::Again }
            }
            (Ahead::Other(count), Section::Preamble) => {
                self.take(input, count);
                self.state = State::Within(section);
                Step::Again
            }
            (Ahead::Other(count), Section::Content) => {
                self.state = State::Within(section);
                Step::Content(count)
            }
        })
    }

    /// Takes the `--` of the last delimiter.
    fn take_mark(&mut self, input: &mut Buf) -> Result<Step, MultipartFault> {
        match input.bytes() {
            [] | [b'-'] => return Ok(Step::More),
            [b'-', b'-', ..] => {
                self.take(input, 2);
                self.state = State::Done;
            }
            _ => self.state = State::Padding,
        }
        Ok(Step::Again)
    }

    /// Takes `transport-padding CRLF` (RFC 2046, 5.1.1).
    fn take_padding(&mut self, input: &mut Buf, limits: &Limits) -> Result<Step, MultipartFault> {
        let blanks = input.len() - trim_ows_start(input.bytes()).len();
        self.take(input, blanks);
        let wrong = |rule| Err(MultipartFault::new(rule, self.taken));
        match input.bytes() {
            [] | [b'\r'] => Ok(Step::More),
            [b'\r', b'\n', ..] if self.parts >= limits.form_fields => {
                wrong(MultipartRule::TooManyParts)
            }
            [b'\r', b'\n', ..] => {
                self.take(input, 2);
                self.parts += 1;
                self.state = State::Head(Headers::new());
                Ok(Step::Again)
            }
            [b'\n', ..] => wrong(MultipartRule::LineEnd),
            _ => wrong(MultipartRule::AfterBoundary),
        }
    }

    fn take_head_line(&mut self, input: &mut Buf, limits: &Limits) -> Result<Step, MultipartFault> {
        let State::Head(headers) = &mut self.state else { return Ok(Step::Again) };
        let start = self.taken;
        let wrong = |rule, at: usize| Err(MultipartFault::new(rule, start + at as u64));
        let room = limits.head.saturating_sub(headers.source().len());
        let Ok(line) = input.take_line(limits.field.min(room)) else {
            return wrong(MultipartRule::HeadTooLarge, 0);
        };
        let Some(line) = line else { return Ok(Step::More) };
        self.taken += line.len() as u64;
        if !line.ends_with(b"\r\n") {
            return wrong(MultipartRule::LineEnd, line.len() - 1);
        }
        if line != b"\r\n" {
            return match push_field_line(headers, line, Recipient::Server, limits) {
                Ok(()) => Ok(Step::Again),
                Err(fault) if fault.rule == Rule::TooManyFields => {
                    wrong(MultipartRule::HeadTooLarge, 0)
                }
                Err(fault) => wrong(MultipartRule::Field, fault.at()),
            };
        }
        let headers = std::mem::take(headers);
        let begin = start - headers.source().len() as u64;
        let head = PartHead::read(headers).map_err(|fault| fault.after(begin))?;
        self.state = State::Start(Section::Content);
        Ok(Step::Part(head))
    }
}

/// What one state makes of the input.
enum Step {
    Part(PartHead),
    /// This number of bytes at the start of the input are content.
    Content(usize),
    PartEnd,
    End,
    More,
    /// The state has changed.
    Again,
}
