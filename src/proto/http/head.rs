//! The head of a message (RFC 9112, 2 to 5): first line, fields, blank line; parsed and written.
//!
//! Parsing goes line by line, so a wrong line is refused as soon as it is complete: a person at a
//! telnet prompt need not finish the head to learn what was wrong with its first line. A head is
//! refused for anything its grammar does not have. Two kindnesses: a lone LF ends a line (RFC
//! 9112, 2.2 allows it), and empty lines before a request are skipped (the same section asks for it).

use std::borrow::Cow;
use std::ops::Range;

use super::chars::{FIELD_VALUE, REASON, TCHAR, decimal, trim_ows};
use super::error::{Fault, Rule};
use super::headers::Headers;
use super::limits::Limits;
use super::method::Method;
use super::status::Status;
use super::target::{Authority, Target};
use super::version::Version;
use crate::proto::buf::Buf;

/// A request without its body.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestHead {
    /// What is to be done.
    pub method: Method,
    /// With what.
    pub target: Target,
    /// In which protocol version.
    pub version: Version,
    /// The fields.
    pub headers: Headers,
}

impl RequestHead {
    /// An HTTP/1.1 request without fields.
    pub fn new(method: Method, target: Target) -> RequestHead {
        RequestHead { method, target, version: Version::Http11, headers: Headers::new() }
    }

    /// Writes the head, blank line included.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let line = format!("{} {} {}\r\n", self.method, self.target, self.version);
        out.extend_from_slice(line.as_bytes());
        self.headers.encode(out);
        out.extend_from_slice(b"\r\n");
    }

    /// The host that is asked for: an absolute target's, else the `Host` field's (RFC 9112, 3.3).
    pub fn host(&self) -> Option<Authority> {
        match &self.target {
            Target::Absolute(authority, _) | Target::Authority(authority) => {
                Some(authority.clone())
            }
            Target::Origin(_) | Target::Asterisk => Authority::parse(self.headers.first("host")?),
        }
    }
}

/// A response without its body.
#[derive(Debug, Clone, PartialEq)]
pub struct ResponseHead {
    /// The sender's protocol version.
    pub version: Version,
    /// How it went.
    pub status: Status,
    /// The phrase behind the code, for people. One with a control byte in it is not written.
    pub reason: Cow<'static, [u8]>,
    /// The fields.
    pub headers: Headers,
}

impl ResponseHead {
    /// An HTTP/1.1 response with the customary phrase and no fields.
    pub fn new(status: Status) -> ResponseHead {
        let reason = Cow::Borrowed(status.reason().as_bytes());
        ResponseHead { version: Version::Http11, status, reason, headers: Headers::new() }
    }

    /// Writes the head, blank line included.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.version.as_str().as_bytes());
        out.push(b' ');
        out.extend_from_slice(self.status.code().to_string().as_bytes());
        out.push(b' ');
        // A phrase may have come from anywhere; none ends its line early and goes on as a field.
        let fits = REASON.first_outside(&self.reason).is_none();
        out.extend_from_slice(if fits { &self.reason } else { self.status.reason().as_bytes() });
        out.extend_from_slice(b"\r\n");
        self.headers.encode(out);
        out.extend_from_slice(b"\r\n");
    }
}

/// What differs between the two kinds of head.
pub trait Head: Sized + std::fmt::Debug {
    /// The first line, parsed.
    type Start: std::fmt::Debug;

    /// What a first line breaks that does not end.
    const LINE_TOO_LONG: Rule;

    /// What a side does with an obsolete folded line (RFC 9112, 5.2): a server refuses it, a user
    /// agent reads the fold as spaces.
    const JOINS_FOLDS: bool;

    /// Judges the first bytes, before their line is complete. More bytes do not change the verdict.
    ///
    /// # Errors
    /// The rule that no continuation can satisfy any more.
    fn begin(bytes: &[u8]) -> Result<(), Rule>;

    /// Reads the first line, without its ending.
    ///
    /// # Errors
    /// Which rule it breaks, and where in the line.
    fn parse_start(line: &[u8]) -> Result<Self::Start, Fault>;

    /// Puts the whole together.
    ///
    /// # Errors
    /// A rule about the head as a whole.
    fn finish(start: Self::Start, headers: Headers) -> Result<Self, Fault>;
}

/// A head that is arriving.
#[derive(Debug)]
pub enum Partial<H: Head> {
    /// Its first line is not complete; so many empty lines stood before it.
    Start {
        /// Only before a request: nothing but `HTTP/` may begin a response.
        empty_lines: usize,
    },
    /// Some of its fields have arrived.
    Fields(H::Start, Headers),
}

/// What [`Partial::receive`] came to.
#[derive(Debug)]
pub enum Step<H: Head> {
    /// More bytes are needed.
    More(Partial<H>),
    /// The head is complete; what follows it is still in the buffer.
    Complete(H),
    /// The peer closed, and nothing of a head had come.
    Closed,
}

impl<H: Head> Partial<H> {
    /// Takes the lines that are at hand.
    ///
    /// # Errors
    /// The first rule broken; offsets count from the head's first byte.
    pub fn receive(mut self, input: &mut Buf, limits: &Limits) -> Result<Step<H>, Fault> {
        loop {
            self = match self {
                Partial::Start { empty_lines } => {
                    H::begin(input.bytes()).map_err(|rule| Fault::new(rule, 0))?;
                    let line = input.take_line(limits.request_line);
                    let line =
                        line.map_err(|_| Fault::new(H::LINE_TOO_LONG, limits.request_line))?;
                    let Some(line) = line else { return self.wait(input) };
                    let content = strip_ending(line);
                    // As many as fields, as Apache: an endless row of them is no request.
                    if content.is_empty() && empty_lines < limits.fields {
                        Partial::Start { empty_lines: empty_lines + 1 }
                    } else {
                        let start = H::parse_start(content)?;
                        let mut headers = Headers::new();
                        headers.push_source(line);
                        Partial::Fields(start, headers)
                    }
                }
                Partial::Fields(start, mut headers) => {
                    let at = headers.source().len();
                    let room = limits.head.saturating_sub(at);
                    let rule =
                        if room < limits.field { Rule::HeadTooLong } else { Rule::FieldTooLong };
                    let line = input.take_line(room.min(limits.field));
                    let line = line.map_err(|_| Fault::new(rule, at))?;
                    let Some(line) = line else {
                        return Partial::Fields(start, headers).wait(input);
                    };
                    if strip_ending(line).is_empty() {
                        headers.push_source(line);
                        return H::finish(start, headers).map(Step::Complete);
                    }
                    push_field_line(&mut headers, line, H::JOINS_FOLDS, limits)
                        .map_err(|fault| fault.behind(at))?;
                    Partial::Fields(start, headers)
                }
            }
        }
    }

    /// There is no complete line at hand: will there be one?
    fn wait(self, input: &Buf) -> Result<Step<H>, Fault> {
        match self.taken() + input.len() {
            _ if !input.is_closed() => Ok(Step::More(self)),
            0 => Ok(Step::Closed),
            arrived => Err(Fault::new(Rule::HeadIncomplete, arrived)),
        }
    }

    /// How many bytes of the head have been taken from the buffer; empty lines before it are none.
    pub fn taken(&self) -> usize {
        match self {
            Partial::Start { .. } => 0,
            Partial::Fields(_, headers) => headers.source().len(),
        }
    }
}

impl<H: Head> Default for Partial<H> {
    fn default() -> Partial<H> {
        Partial::Start { empty_lines: 0 }
    }
}

/// Checks a field line (RFC 9112, 5: `field-name ":" OWS field-value OWS`) and adds it. Trailer
/// lines are read by it, too. Offsets count from the line's start.
pub(super) fn push_field_line(
    headers: &mut Headers,
    line: &[u8],
    join_folds: bool,
    limits: &Limits,
) -> Result<(), Fault> {
    let content = strip_ending(line);
    // A CR is in neither class, so wherever it stands we come by here; it is what to tell of.
    let fault = |rule, at| match content.iter().position(|&byte| byte == b'\r') {
        Some(cr) => Fault::new(Rule::BareCr, cr),
        None => Fault::new(rule, at),
    };
    let value_from = |from: usize| match FIELD_VALUE.first_outside(&content[from..]) {
        Some(at) => Err(fault(Rule::FieldValue, from + at)),
        None => Ok(trimmed(content, from)),
    };
    if let [b' ' | b'\t', ..] = content {
        if !join_folds || headers.is_empty() {
            return Err(fault(Rule::Fold, 0));
        }
        headers.fold(line, value_from(0)?);
        return Ok(());
    }
    if headers.len() >= limits.fields {
        return Err(fault(Rule::TooManyFields, 0));
    }
    let colon = content.iter().position(|&byte| byte == b':').ok_or(fault(Rule::FieldColon, 0))?;
    let name = &content[..colon];
    if let Some(at) = TCHAR.first_outside(name) {
        let only_space = name[at..].iter().all(|byte| b" \t".contains(byte));
        let rule = if only_space { Rule::SpaceBeforeColon } else { Rule::FieldName };
        return Err(fault(rule, at));
    }
    if name.is_empty() {
        return Err(fault(Rule::FieldName, 0));
    }
    headers.push_received(line, 0..colon, value_from(colon + 1)?);
    Ok(())
}

/// Where the text behind `from` is, without the spaces and tabs around it.
fn trimmed(content: &[u8], from: usize) -> Range<usize> {
    let text = &content[from..];
    let leading = text.iter().take_while(|byte| b" \t".contains(byte)).count();
    let start = from + leading;
    start..start + trim_ows(text).len()
}

/// A line without its LF or CRLF.
pub(super) fn strip_ending(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

impl Head for RequestHead {
    type Start = (Method, Target, Version);
    const LINE_TOO_LONG: Rule = Rule::RequestLineTooLong;
    const JOINS_FOLDS: bool = false;

    fn begin(bytes: &[u8]) -> Result<(), Rule> {
        match bytes {
            [] | [b'\r' | b'\n', ..] => Ok(()),
            [0x16, ..] => Err(Rule::Tls), // handshake (RFC 8446, 5.1)
            [0xFF, ..] => Err(Rule::Telnet),
            [first, ..] if TCHAR.has(*first) => Ok(()),
            _ => Err(Rule::NotHttp),
        }
    }

    /// `request-line = method SP request-target SP HTTP-version` (RFC 9112, 3).
    fn parse_start(line: &[u8]) -> Result<Self::Start, Fault> {
        if let Some(at) = line.iter().position(|&byte| byte == b'\r') {
            return Err(Fault::new(Rule::BareCr, at));
        }
        let space = |&byte: &u8| byte == b' ';
        let incomplete = Fault::new(Rule::RequestLine, line.len());
        let first = line.iter().position(space).ok_or(incomplete)?;
        let method = Method::parse(&line[..first]);
        let method = method.ok_or_else(|| {
            Fault::new(Rule::MethodName, TCHAR.first_outside(&line[..first]).unwrap_or(0))
        })?;
        let after = &line[first + 1..];
        let length = after.iter().position(space).ok_or(incomplete)?;
        let version_at = first + length + 2;
        if length == 0 || line[version_at..].is_empty() || line[version_at..].contains(&b' ') {
            return Err(Fault::new(Rule::RequestLine, first + length + 1));
        }
        let version =
            Version::parse(&line[version_at..]).map_err(|rule| Fault::new(rule, version_at))?;
        let target = Target::parse(&method, &after[..length]);
        let target = target.map_err(|fault| fault.behind(first + 1))?;
        Ok((method, target, version))
    }

    /// RFC 9112, 3.2: exactly one valid Host on 1.1, at most one on 1.0.
    fn finish(
        (method, target, version): Self::Start,
        headers: Headers,
    ) -> Result<RequestHead, Fault> {
        let end = headers.source().len();
        let mut hosts = headers.all("host");
        match (hosts.next(), hosts.next()) {
            (None, _) if version == Version::Http10 => {}
            (None, _) => return Err(Fault::new(Rule::HostMissing, end)),
            (Some(_), Some(_)) => return Err(Fault::new(Rule::HostRepeated, end)),
            (Some(b""), None) => {} // for a target without an authority (RFC 9110, 7.2)
            (Some(host), None) if Authority::parse(host).is_some() => {}
            (Some(_), None) => return Err(Fault::new(Rule::HostInvalid, end)),
        }
        drop(hosts);
        Ok(RequestHead { method, target, version, headers })
    }
}

impl Head for ResponseHead {
    type Start = (Version, Status, Cow<'static, [u8]>);
    const LINE_TOO_LONG: Rule = Rule::StatusLineTooLong;
    const JOINS_FOLDS: bool = true;

    fn begin(bytes: &[u8]) -> Result<(), Rule> {
        let seen = bytes.len().min(5);
        if bytes[..seen] == b"HTTP/"[..seen] { Ok(()) } else { Err(Rule::NoStatusLine) }
    }

    /// `status-line = HTTP-version SP status-code SP [ reason-phrase ]` (RFC 9112, 4). The space
    /// behind a code without a phrase may be missing, as many servers leave it out.
    fn parse_start(line: &[u8]) -> Result<Self::Start, Fault> {
        let fault = |at| Fault::new(Rule::StatusLine, at);
        let mut parts = line.splitn(3, |&byte| byte == b' ');
        let version = parts.next().unwrap_or_default();
        let code = parts.next().ok_or(fault(line.len()))?;
        let reason = parts.next().unwrap_or_default();
        let at = version.len() + 1;
        let version = Version::parse(version).map_err(|rule| match rule {
            Rule::MajorVersion => Fault::new(rule, 0),
            _ => fault(0), // what is said of a version speaks of a request line
        })?;
        let number = decimal(code).filter(|_| code.len() == 3);
        let status =
            number.and_then(|code| Status::new(u16::try_from(code).ok()?)).ok_or(fault(at))?;
        if let Some(bad) = REASON.first_outside(reason) {
            return Err(fault(at + 4 + bad));
        }
        Ok((version, status, Cow::Owned(reason.to_vec())))
    }

    fn finish(
        (version, status, reason): Self::Start,
        headers: Headers,
    ) -> Result<ResponseHead, Fault> {
        Ok(ResponseHead { version, status, reason, headers })
    }
}

#[cfg(test)]
mod tests;
