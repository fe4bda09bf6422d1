//! A head that broke a rule: the line that did, and what had come until then.
//!
//! What came before the fault is good: a refusal can be in the form that the fields ask for
//! (RFC 9110, 12.5.1), the answer to a HEAD has no body (RFC 9110, 9.3.2), and the log knows what was
//! asked for. All this is put together when a head is refused, and costs the others nothing.

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
    /// What had come until then.
    pub came: Came<H>,
}

/// How much of a head has come.
#[derive(Debug)]
pub enum Came<H> {
    /// Some of its first line, or all of it but not a right one; for a log: a bounded part, and
    /// no credentials.
    Line(Vec<u8>),
    /// A right first line, and all fields up to the wrong one.
    Head(Box<H>),
}

impl<H: Head> Rejected<H> {
    /// `text` begins with the first line, and that is wrong.
    pub(super) fn at_start(fault: Fault, text: &[u8]) -> Box<Rejected<H>> {
        let excerpt = Excerpt::new(text, fault.at());
        Box::new(Rejected { fault, excerpt, came: Came::line(text) })
    }

    /// `text` begins with a field line, and that is wrong; the fault's offset counts from there.
    pub(super) fn at_field(fault: Fault, text: &[u8], head: Box<H>) -> Box<Rejected<H>> {
        let excerpt = Excerpt::behind(head.headers(), text, fault.at());
        let fault = fault.behind(head.headers().source().len());
        Box::new(Rejected { fault, excerpt, came: Came::Head(head) })
    }

    /// The head is complete, and there is something wrong with it as a whole.
    pub(super) fn as_whole(fault: Fault, head: Box<H>) -> Box<Rejected<H>> {
        let excerpt = Excerpt::within(head.headers().source(), fault.at());
        Box::new(Rejected { fault, excerpt, came: Came::Head(head) })
    }
}

impl<H> From<Box<Rejected<H>>> for Fault {
    fn from(rejected: Box<Rejected<H>>) -> Fault {
        rejected.fault
    }
}

/// A head or body that breaks a rule: which rule, where, and the line. Contains no credentials and
/// no control byte, so it can be written to a terminal or a log.
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

impl<H> Came<H> {
    /// `text` begins with the first line.
    pub(super) fn line(text: &[u8]) -> Came<H> {
        Came::Line(first_line_kept(text))
    }
}

impl Came<RequestHead> {
    /// What an answer has to know of it: HEAD is HEAD, however wrong the rest (RFC 9110, 9.3.2).
    pub(super) fn method(&self) -> Method {
        match self {
            Came::Head(head) => head.method.clone(),
            Came::Line(line) if line.starts_with(b"HEAD ") => Method::Head,
            Came::Line(_) => Method::Get,
        }
    }

    /// The head, if its first line was right.
    pub fn head(&self) -> Option<&RequestHead> {
        match self {
            Came::Head(head) => Some(head),
            Came::Line(_) => None,
        }
    }

    /// The same, and not what else has come.
    pub fn into_head(self) -> Option<Box<RequestHead>> {
        match self {
            Came::Head(head) => Some(head),
            Came::Line(_) => None,
        }
    }

    /// The first line as it came, without its ending.
    pub fn first_line(&self) -> &[u8] {
        match self {
            Came::Head(head) => {
                let line = head.headers.source().split_inclusive(|&byte| byte == b'\n').next();
                strip_ending(line.unwrap_or_default())
            }
            Came::Line(line) => line,
        }
    }
}
