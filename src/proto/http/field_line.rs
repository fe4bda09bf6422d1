//! One field line (RFC 9112, 5): a name, a colon, a value; of a head, or of the trailers after a body.
//!
//! Two paths share one grammar, `FieldLine::read`:
//!
//! - the **fast path**, `take_field_lines`, takes all lines that are complete, valid and within the
//!   limits, in one pass and one copy. It stops before the first other line and does not say why;
//! - the **slow path**, `push_field_line`, takes one line. It explains (`explain`) what is wrong with it,
//!   and joins folded lines. It reads the line that the fast path left, and all trailers.
//!
//! Without the fast path, an exchange takes 4,700 instructions more with a browser's request, and 75 more
//! with the smallest one (`make instructions`).
//!
//! Refused: a name that is not a token, a control byte in the value, a CR without its LF; in a request
//! also a blank before the colon (5.1) and a folded line (5.2). In a response they are read.

use std::ops::Range;

use super::chars::{FIELD_VALUE, TCHAR, trim_ows_end, trim_ows_start};
use super::error::{Fault, Rule};
use super::headers::Headers;
use super::limits::Limits;
use super::recipient::Recipient;
use crate::proto::buf::Buf;
use crate::proto::scan::{before_control, position};

/// Where in its line a field's name and value are.
struct FieldLine {
    name: Range<usize>,
    value: Range<usize>,
    /// Of the line, with its ending.
    length: usize,
}

impl FieldLine {
    /// Reads `field-name ":" OWS field-value OWS` (RFC 9112, 5) and the end of the line from the start
    /// of `bytes`, or returns `None` if the line is wrong or not complete. A user agent removes blanks
    /// before the colon, as a proxy must (5.1).
    #[inline(always)]
    fn read(bytes: &[u8], recipient: Recipient) -> Option<FieldLine> {
        // No name has a control byte, so the search for the line's end may begin in the name.
        let (content, ending) = bytes.split_at(before_control(bytes));
        let ending = match ending {
            [b'\r', b'\n', ..] => 2,
            [b'\n', ..] => 1,
            _ => return None,
        };
        let name = TCHAR.prefix(bytes);
        let rest = content.get(name..)?;
        let rest = match recipient {
            Recipient::Server => rest,
            Recipient::UserAgent => trim_ows_start(rest),
        };
        let (b':', text) = rest.split_first()? else { return None };
        let line = FieldLine {
            name: 0..name,
            value: trimmed(text, content.len() - text.len()),
            length: content.len() + ending,
        };
        (name > 0).then_some(line)
    }
}

/// Takes the valid field lines at the start of `input`, and the blank line after them: all of most
/// heads. Returns true if the blank line was taken, so that the head is complete. The fast path.
pub(super) fn take_field_lines(headers: &mut Headers, input: &mut Buf, limits: &Limits) -> bool {
    let bytes = input.not_searched();
    let room = limits.head.saturating_sub(headers.source().len());
    let mut headers = headers.own();
    let mut taken = 0;
    let ended = loop {
        let line = &bytes[taken..];
        if line.starts_with(b"\r\n") {
            break room - taken >= 2;
        }
        let Some(FieldLine { name, value, length }) = FieldLine::read(line, Recipient::Server)
        else {
            break false;
        };
        if headers.len() >= limits.fields || length > limits.field.min(room - taken) {
            break false;
        }
        headers.index(taken, line, name, value);
        taken += length;
    };
    headers.push_source(input.take(if ended { taken + 2 } else { taken }));
    ended
}

/// Checks one field line and adds it, or joins it to the last one if it is folded. The slow path.
///
/// # Errors
/// The rule that the line breaks; offsets count from the start of the line.
pub(super) fn push_field_line(
    headers: &mut Headers,
    line: &[u8],
    recipient: Recipient,
    limits: &Limits,
) -> Result<(), Fault> {
    let content = strip_ending(line);
    if let [b' ' | b'\t', ..] = content {
        if recipient == Recipient::Server || headers.is_empty() {
            return Err(bare_cr(content).unwrap_or(Fault::new(Rule::Fold, 0)));
        }
        if let Some(at) = FIELD_VALUE.first_outside(content) {
            return Err(bare_cr(content).unwrap_or(Fault::new(Rule::FieldValue, at)));
        }
        headers.fold(line, trimmed(content, 0));
        return Ok(());
    }
    if headers.len() >= limits.fields {
        return Err(bare_cr(content).unwrap_or(Fault::new(Rule::TooManyFields, 0)));
    }
    let read = FieldLine::read(line, recipient);
    let FieldLine { name, value, .. } = read.ok_or_else(|| explain(content, recipient))?;
    let mut headers = headers.own();
    headers.index(0, line, name, value);
    headers.push_source(line);
    Ok(())
}

/// Returns what is wrong with a line that [`FieldLine::read`] does not read.
fn explain(content: &[u8], recipient: Recipient) -> Fault {
    // A CR is allowed nowhere in the line, so it is reported first.
    if let Some(fault) = bare_cr(content) {
        return fault;
    }
    let Some(colon) = position(b':', content) else {
        return Fault::new(Rule::FieldColon, 0);
    };
    let (name, value) = content.split_at(colon);
    let name = match recipient {
        Recipient::Server => name,
        Recipient::UserAgent => trim_ows_end(name),
    };
    match (TCHAR.first_outside(name), FIELD_VALUE.first_outside(value)) {
        (Some(at), _) if name[at..].iter().all(|byte| b" \t".contains(byte)) => {
            Fault::new(Rule::SpaceBeforeColon, at)
        }
        (None, Some(at)) if !name.is_empty() => Fault::new(Rule::FieldValue, colon + at),
        (at, _) => Fault::new(Rule::FieldName, at.unwrap_or_default()),
    }
}

/// Returns the fault of a CR in a line without its ending.
pub(super) fn bare_cr(content: &[u8]) -> Option<Fault> {
    position(b'\r', content).map(|at| Fault::new(Rule::BareCr, at))
}

/// Returns where the text that begins at `from` is, without the spaces and tabs around it.
#[inline(always)]
fn trimmed(text: &[u8], from: usize) -> Range<usize> {
    // Nearly all have one space before it.
    if let [b' ', b'!'..=0xFF, .., b'!'..=0xFF] = text {
        return from + 1..from + text.len();
    }
    let value = trim_ows_start(text);
    let start = from + text.len() - value.len();
    start..start + trim_ows_end(value).len()
}

/// Returns a line without its LF or CRLF.
pub fn strip_ending(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
