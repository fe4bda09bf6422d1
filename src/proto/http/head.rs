//! The head of a message (RFC 9112, 2 to 5): first line, fields, blank line; parsed and written.
//!
//! A head is parsed in this order, by [`Partial::receive_into`]:
//!
//! 1. the first line, by [`Head::parse_start`];
//! 2. the field lines: all that are complete and valid at once (`take_field_lines`, the fast path),
//!    then the line that is left, alone (`push_field_line`, the slow path, which explains). `field_line.rs`
//!    has both;
//! 3. the head as a whole, by [`Head::check`].
//!
//! A wrong line is refused as soon as it is complete: a person at a telnet prompt need not finish the
//! head to learn what is wrong with its first line. A head is refused for anything that its grammar
//! does not allow, with two exceptions: a lone LF ends a line (RFC 9112, 2.2 allows it), and empty
//! lines before a request are skipped (the same section requires it).

use std::borrow::Cow;

use super::chars::{REASON, TCHAR, decimal};
use super::error::{Fault, Rule};
use super::field_line::{bare_cr, push_field_line, strip_ending, take_field_lines};
use super::headers::{Headers, Names};
use super::limits::Limits;
use super::method::Method;
use super::recipient::Recipient;
use super::rejected::{PartialHead, Rejected};
use super::status::Status;
use super::target::{Authority, Target};
use super::version::Version;
use crate::proto::buf::{Buf, LineTooLong};
use crate::proto::scan::position;

/// The head of a request: method, target, version and fields.
///
/// ```
/// use threadbare::server::{Method, RequestHead};
///
/// fn describe(head: &RequestHead) -> String {
///     let query = head.target.query().unwrap_or("none");
///     let agent = head.headers.text("User-Agent").unwrap_or("unknown");
///     format!("{} {}, query: {query}, by {agent}", head.method, head.target.path())
/// }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct RequestHead {
    /// The method.
    pub method: Method,
    /// The target: path and query, and the host if the client has sent the whole URL.
    pub target: Target,
    /// The client's protocol version.
    pub version: Version,
    /// The fields.
    pub headers: Headers,
}

impl RequestHead {
    /// Returns an HTTP/1.1 request without fields.
    pub fn new(method: Method, target: Target) -> RequestHead {
        RequestHead { method, target, version: Version::Http11, headers: Headers::new() }
    }

    /// Writes the head, blank line included.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.encode_line(out);
        self.headers.encode(out);
        out.extend_from_slice(b"\r\n");
    }

    /// Writes the request line.
    pub(super) fn encode_line(&self, out: &mut Vec<u8>) {
        let line = format!("{} {} {}\r\n", self.method, self.target, self.version);
        out.extend_from_slice(line.as_bytes());
    }

    /// Returns the requested host, and its port if there is one: that of an absolute target, else that of the
    /// `Host` field (RFC 9112, 3.3). `None` for an HTTP/1.0 request without the field, and for an empty one.
    pub fn host(&self) -> Option<Authority> {
        match &self.target {
            Target::Absolute(authority, _) | Target::Authority(authority) => {
                Some(authority.clone())
            }
            Target::Origin(_) | Target::Asterisk => Authority::parse(self.headers.first("host")?),
        }
    }
}

/// The head of a response: version, status and fields.
#[derive(Debug, Clone, PartialEq)]
pub struct ResponseHead {
    /// The sender's protocol version.
    pub version: Version,
    /// The status.
    pub status: Status,
    /// The phrase after the code, for people. One with a control byte is not written.
    pub reason: Cow<'static, [u8]>,
    /// The fields.
    pub headers: Headers,
}

impl ResponseHead {
    /// Returns an HTTP/1.1 response with the customary phrase and no fields.
    pub fn new(status: Status) -> ResponseHead {
        let reason = Cow::Borrowed(status.reason().as_bytes());
        ResponseHead { version: Version::Http11, status, reason, headers: Headers::new() }
    }

    /// Writes the head, blank line included.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.encode_start(out);
        self.headers.encode(out);
        out.extend_from_slice(b"\r\n");
    }

    /// Writes the status line.
    pub(super) fn encode_start(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.version.as_str().as_bytes());
        out.push(b' ');
        out.extend_from_slice(&self.status.digits());
        out.push(b' ');
        // A phrase of unknown origin must not end its line early and continue as a field.
        let fits = REASON.first_outside(&self.reason).is_none();
        out.extend_from_slice(if fits { &self.reason } else { self.status.reason().as_bytes() });
        out.extend_from_slice(b"\r\n");
    }
}

/// What differs between the two kinds of head.
pub trait Head: Sized + std::fmt::Debug {
    /// Who reads it, and so how strictly.
    const RECIPIENT: Recipient;

    /// Returns the rule that a first line breaks which begins like this, and is longer than the limit.
    fn line_too_long(start: &[u8]) -> Rule;

    /// Checks the first bytes, before their line is complete. More bytes do not change the result.
    ///
    /// # Errors
    /// The rule that no continuation can satisfy.
    fn begin(bytes: &[u8]) -> Result<(), Rule>;

    /// Reads the first line, without its ending, in the memory of a head that is not needed any more,
    /// if there is one. The fields of that head stay in it.
    ///
    /// # Errors
    /// Which rule it breaks, and where in the line.
    fn parse_start(line: &[u8], recycled: Option<Box<Self>>) -> Result<Box<Self>, Fault>;

    /// Checks the head as a whole.
    ///
    /// # Errors
    /// The rule it breaks, and where in [`Headers::source`].
    fn check(&self) -> Result<(), Fault>;

    /// Returns the fields.
    fn headers(&self) -> &Headers;

    /// Returns the fields, to add more.
    fn headers_mut(&mut self) -> &mut Headers;
}

/// A head that is arriving.
#[derive(Debug, Clone)]
pub enum Partial<H> {
    /// Its first line is not complete.
    Start {
        /// The empty lines before it. Only a request may have them.
        empty_lines: usize,
    },
    /// Some of its fields have arrived.
    Fields(Box<H>),
}

/// The result of [`Partial::receive`].
#[derive(Debug)]
pub enum Step<H> {
    /// More bytes are needed.
    More(Partial<H>),
    /// The head is complete; what follows it is still in the buffer.
    Complete(Box<H>),
    /// The peer closed before the first byte of a head.
    Closed,
}

impl<H: Head> Partial<H> {
    /// Takes the lines that have arrived.
    ///
    /// # Errors
    /// The first rule broken, and the line that broke it.
    pub fn receive(self, input: &mut Buf, limits: &Limits) -> Result<Step<H>, Box<Rejected<H>>> {
        self.receive_into(&mut None, input, limits)
    }

    /// Does the same, in the memory of a head that is not needed any more, if there is one. That
    /// saves 630 instructions for each request, all in `malloc` and `free` (`make instructions`).
    ///
    /// # Errors
    /// As [`Partial::receive`].
    pub fn receive_into(
        self,
        recycled: &mut Option<Box<H>>,
        input: &mut Buf,
        limits: &Limits,
    ) -> Result<Step<H>, Box<Rejected<H>>> {
        let mut head = match self {
            Partial::Fields(head) => head,
            Partial::Start { mut empty_lines } => loop {
                if let Err(rule) = H::begin(input.bytes()) {
                    return Err(Rejected::at_start(Fault::new(rule, 0), input.bytes()));
                }
                let line = match input.take_line(limits.request_line) {
                    Ok(Some(line)) => line,
                    Ok(None) => return Partial::Start { empty_lines }.wait(input),
                    Err(LineTooLong) => {
                        let bytes = input.bytes();
                        let start = &bytes[..limits.request_line.min(bytes.len())];
                        let fault = Fault::new(H::line_too_long(start), limits.request_line);
                        return Err(Rejected::at_start(fault, bytes));
                    }
                };
                let content = strip_ending(line);
                // At most as many as fields, as with Apache: a request must begin at some point.
                if content.is_empty() && empty_lines < limits.fields {
                    empty_lines += 1;
                    continue;
                }
                let head = H::parse_start(content, recycled.take());
                let mut head = head.map_err(|fault| Rejected::at_start(fault, line))?;
                head.headers_mut().begin(line);
                break head;
            },
        };
        loop {
            let headers = head.headers_mut();
            let ended = take_field_lines(headers, input, limits) || {
                let room = limits.head.saturating_sub(headers.source().len());
                let line = match input.take_line(room.min(limits.field)) {
                    Ok(Some(line)) => line,
                    Ok(None) => return Partial::Fields(head).wait(input),
                    Err(LineTooLong) => {
                        let head_is_full = room < limits.field;
                        let rule =
                            if head_is_full { Rule::HeadTooLong } else { Rule::FieldTooLong };
                        let fault = Fault::new(rule, 0);
                        return Err(Rejected::at_field(fault, input.bytes(), head));
                    }
                };
                let ended = strip_ending(line).is_empty();
                if ended {
                    headers.own().push_source(line);
                } else if let Err(fault) = push_field_line(headers, line, H::RECIPIENT, limits) {
                    return Err(Rejected::at_field(fault, line, head));
                }
                ended
            };
            if ended {
                return match head.check() {
                    Ok(()) => Ok(Step::Complete(head)),
                    Err(fault) => Err(Rejected::as_whole(fault, head)),
                };
            }
        }
    }

    /// Returns the state without a complete line: more is needed, or the peer has closed.
    fn wait(self, input: &Buf) -> Result<Step<H>, Box<Rejected<H>>> {
        if !input.is_closed() {
            return Ok(Step::More(self));
        }
        let fault = Fault::new(Rule::HeadIncomplete, input.len());
        match self {
            Partial::Start { .. } if input.is_empty() => Ok(Step::Closed),
            Partial::Start { .. } => Err(Rejected::at_start(fault, input.bytes())),
            Partial::Fields(head) => Err(Rejected::at_field(fault, input.bytes(), head)),
        }
    }

    /// Returns what has arrived, to give up waiting; `input` has the line that is not complete.
    pub fn give_up(self, input: &Buf) -> PartialHead<H> {
        match self {
            Partial::Start { .. } => PartialHead::line(input.bytes()),
            Partial::Fields(head) => PartialHead::Head(head),
        }
    }

    /// Returns how many bytes of the head have been taken from the buffer, without empty lines before it.
    pub fn taken(&self) -> usize {
        match self {
            Partial::Start { .. } => 0,
            Partial::Fields(head) => head.headers().source().len(),
        }
    }
}

impl<H> Default for Partial<H> {
    fn default() -> Partial<H> {
        Partial::Start { empty_lines: 0 }
    }
}

impl Head for RequestHead {
    const RECIPIENT: Recipient = Recipient::Server;

    /// RFC 9112, 3: 501 for a method that is longer than any, 414 for a target.
    fn line_too_long(start: &[u8]) -> Rule {
        match position(b' ', start) {
            Some(_) => Rule::RequestLineTooLong,
            None => Rule::MethodTooLong,
        }
    }

    fn begin(bytes: &[u8]) -> Result<(), Rule> {
        match bytes {
            [] | [b'\r' | b'\n', ..] => Ok(()),
            [0x16, ..] => Err(Rule::Tls), // handshake (RFC 8446, 5.1)
            [0xFF, ..] => Err(Rule::Telnet),
            [first, ..] if TCHAR.has(*first) => Ok(()),
            _ => Err(Rule::NotHttp),
        }
    }

    /// Parses `request-line = method SP request-target SP HTTP-version` (RFC 9112, 3).
    fn parse_start(line: &[u8], recycled: Option<Box<Self>>) -> Result<Box<Self>, Fault> {
        let blank = || Box::new(RequestHead::new(Method::Get, Target::Asterisk));
        let mut head = recycled.unwrap_or_else(blank);
        let text = head.target.take_text();
        // A CR is allowed nowhere in the line, so it is reported first.
        (head.method, head.target, head.version) =
            parse_request_line(line, text).map_err(|fault| bare_cr(line).unwrap_or(fault))?;
        Ok(head)
    }

    /// Checks the Host fields: exactly one valid one on 1.1, at most one on 1.0 (RFC 9112, 3.2). No field
    /// of `SINGLE` has two values.
    fn check(&self) -> Result<(), Fault> {
        if let Some(at) = self.headers.first_difference(&SINGLE) {
            return Err(Fault::new(Rule::FieldsDiffer, at));
        }
        let RequestHead { version, headers, .. } = self;
        let mut hosts = headers.places("host");
        match (hosts.next(), hosts.next()) {
            (None, _) if *version == Version::Http10 => Ok(()),
            (None, _) => Err(Fault::new(Rule::HostMissing, headers.last_line())),
            (Some(_), Some((second, _))) => Err(Fault::new(Rule::HostRepeated, second)),
            // Empty for a target without an authority (RFC 9110, 7.2).
            (Some((_, host)), None) if host.is_empty() || Authority::is_one(host) => Ok(()),
            (Some((at, _)), None) => Err(Fault::new(Rule::HostInvalid, at)),
        }
    }

    fn headers(&self) -> &Headers {
        &self.headers
    }

    fn headers_mut(&mut self) -> &mut Headers {
        &mut self.headers
    }
}

/// The fields of a request that have one value, and decide what the request means or may do: with two, a
/// proxy and this server could each take another one (RFC 9110, 5.3). Equal ones are read as one. Not among
/// them are those that are without effect when they are repeated, such as `Range`.
static SINGLE: Names = Names::of(&["content-type", "origin", "authorization"]);

/// Parses the first line of a request (RFC 9112, 3). `recycled` is memory for the target.
#[inline]
fn parse_request_line(line: &[u8], recycled: String) -> Result<(Method, Target, Version), Fault> {
    let incomplete = Fault::new(Rule::RequestLine, line.len());
    let (name, after) = line.split_at(position(b' ', line).ok_or(incomplete)?);
    let method = Method::parse(name).ok_or_else(|| {
        Fault::new(Rule::MethodName, TCHAR.first_outside(name).unwrap_or_default())
    })?;
    let after = &after[1..];
    let (target, version) = after.split_at(position(b' ', after).ok_or(incomplete)?);
    let version = &version[1..];
    let version_at = line.len() - version.len();
    let parsed = Version::parse(version).map_err(|rule| Fault::new(rule, version_at));
    if target.is_empty() || parsed.is_err() && (version.is_empty() || version.contains(&b' ')) {
        return Err(Fault::new(Rule::RequestLine, version_at - 1));
    }
    let version = parsed?;
    let target = Target::parse_into(recycled, &method, target);
    let target = target.map_err(|fault| fault.after(name.len() + 1))?;
    Ok((method, target, version))
}

impl Head for ResponseHead {
    const RECIPIENT: Recipient = Recipient::UserAgent;

    fn line_too_long(_: &[u8]) -> Rule {
        Rule::StatusLineTooLong
    }

    fn begin(bytes: &[u8]) -> Result<(), Rule> {
        let seen = bytes.len().min(5);
        if bytes[..seen] == b"HTTP/"[..seen] { Ok(()) } else { Err(Rule::NoStatusLine) }
    }

    /// Parses `status-line = HTTP-version SP status-code SP [ reason-phrase ]` (RFC 9112, 4). The space
    /// after a code without a phrase may be missing, because many servers leave it out.
    fn parse_start(line: &[u8], recycled: Option<Box<Self>>) -> Result<Box<Self>, Fault> {
        let fault = |at| Fault::new(Rule::StatusLine, at);
        let mut parts = line.splitn(3, |&byte| byte == b' ');
        let version = parts.next().unwrap_or_default();
        let code = parts.next().ok_or(fault(line.len()))?;
        let reason = parts.next().unwrap_or_default();
        let at = version.len() + 1;
        let version = Version::parse(version).map_err(|rule| match rule {
            Rule::MajorVersion => Fault::new(rule, 0),
            _ => fault(0), // the text of the rule is about a request line
        })?;
        let number = decimal(code).filter(|_| code.len() == 3);
        let status =
            number.and_then(|code| Status::new(u16::try_from(code).ok()?)).ok_or(fault(at))?;
        if let Some(bad) = REASON.first_outside(reason) {
            return Err(fault(at + 4 + bad));
        }
        let mut head = recycled.unwrap_or_else(|| Box::new(ResponseHead::new(status)));
        (head.version, head.status, head.reason) = (version, status, Cow::Owned(reason.to_vec()));
        Ok(head)
    }

    fn check(&self) -> Result<(), Fault> {
        Ok(())
    }

    fn headers(&self) -> &Headers {
        &self.headers
    }

    fn headers_mut(&mut self) -> &mut Headers {
        &mut self.headers
    }
}

#[cfg(test)]
mod tests;
