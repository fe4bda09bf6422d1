//! A head that broke a rule: the line that broke it, and what had arrived before.
//!
//! What arrived before the fault is valid and is used: the refusal has the form that Accept asks for
//! (RFC 9110, 12.5.1), a response to HEAD has no body (RFC 9110, 9.3.2), and the log has the target.
//! This is collected only when a head is refused, and costs other requests nothing.

use super::error::Fault;
use super::excerpt::{Excerpt, first_line_kept};
use super::field_line::strip_ending;
use super::head::{Head, RequestHead};
use super::method::Method;

/// A head that broke a rule.
#[derive(Debug)]
pub struct Rejected<H> {
    /// Which rule, and where; offsets count from the head's first byte.
    pub fault: Fault,
    /// The line that broke it.
    pub excerpt: Excerpt,
    /// What had arrived before.
    pub arrived: PartialHead<H>,
}

/// The part of a head that has arrived.
#[derive(Debug)]
pub enum PartialHead<H> {
    /// Some of its first line, or a wrong one. For a log: of bounded length, without credentials.
    Line(Vec<u8>),
    /// A valid first line, and all fields before the wrong one.
    Head(Box<H>),
}

impl<H: Head> Rejected<H> {
    /// Rejects the first line, which `text` begins with.
    pub(super) fn at_start(fault: Fault, text: &[u8]) -> Box<Rejected<H>> {
        let excerpt = Excerpt::new(text, fault.at());
        Box::new(Rejected { fault, excerpt, arrived: PartialHead::line(text) })
    }

    /// Rejects a field line, which `text` begins with; the fault's offset counts from there.
    pub(super) fn at_field(fault: Fault, text: &[u8], head: Box<H>) -> Box<Rejected<H>> {
        let excerpt = Excerpt::after_fields(head.headers(), text, fault.at());
        let fault = fault.after(head.headers().source().len());
        Box::new(Rejected { fault, excerpt, arrived: PartialHead::Head(head) })
    }

    /// Rejects a complete head that is wrong as a whole.
    pub(super) fn as_whole(fault: Fault, head: Box<H>) -> Box<Rejected<H>> {
        let excerpt = Excerpt::within(head.headers().source(), fault.at());
        Box::new(Rejected { fault, excerpt, arrived: PartialHead::Head(head) })
    }
}

impl<H> From<Box<Rejected<H>>> for Fault {
    fn from(rejected: Box<Rejected<H>>) -> Fault {
        rejected.fault
    }
}

/// The error of a message that breaks a rule of the protocol: which rule, where, and the line.
///
/// It contains no credentials and no control byte, so it can be written to a terminal or a log.
#[derive(Debug)]
pub struct ParseError {
    /// Which rule, and where; offsets count from the first byte of the head or of the body.
    pub fault: Fault,
    /// The line that broke it, where there is one.
    pub excerpt: Option<Excerpt>,
}

impl<H> From<Box<Rejected<H>>> for ParseError {
    fn from(rejected: Box<Rejected<H>>) -> ParseError {
        ParseError { fault: rejected.fault, excerpt: Some(rejected.excerpt) }
    }
}

impl std::fmt::Display for ParseError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.excerpt {
            Some(excerpt) => write!(f, "{} in \"{excerpt}\"", self.fault),
            None => self.fault.fmt(f),
        }
    }
}

impl std::error::Error for ParseError {}

impl<H> PartialHead<H> {
    /// Returns the first line of `text`.
    pub(super) fn line(text: &[u8]) -> PartialHead<H> {
        PartialHead::Line(first_line_kept(text))
    }
}

impl PartialHead<RequestHead> {
    /// Returns the method, for the framing of the response: HEAD counts even if the rest is wrong.
    pub(super) fn method(&self) -> Method {
        match self {
            PartialHead::Head(head) => head.method.clone(),
            PartialHead::Line(line) if line.starts_with(b"HEAD ") => Method::Head,
            PartialHead::Line(_) => Method::Get,
        }
    }

    /// Returns the head, if its first line was valid.
    pub fn head(&self) -> Option<&RequestHead> {
        match self {
            PartialHead::Head(head) => Some(head),
            PartialHead::Line(_) => None,
        }
    }

    /// Does the same, and takes the head out.
    pub fn into_head(self) -> Option<Box<RequestHead>> {
        match self {
            PartialHead::Head(head) => Some(head),
            PartialHead::Line(_) => None,
        }
    }

    /// Returns the first line as it arrived, without its ending.
    pub fn first_line(&self) -> &[u8] {
        match self {
            PartialHead::Head(head) => {
                let line = head.headers.source().split_inclusive(|&byte| byte == b'\n').next();
                strip_ending(line.unwrap_or_default())
            }
            PartialHead::Line(line) => line,
        }
    }
}
