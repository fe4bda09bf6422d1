//! One field line (RFC 9112, 5): a name, a colon, a value; of a head, or of the trailers behind a body.
//!
//! Refused: a name that is no token, space before the colon, a control byte in the value, a CR
//! without its LF. A folded line (5.2) is refused or joined, as the reader wants it.

use std::ops::Range;

use super::chars::{FIELD_VALUE, TCHAR, name_prefix, value_prefix};
use super::chars::{trim_ows_end, trim_ows_start};
use super::error::{Fault, Rule};
use super::headers::Headers;
use super::limits::Limits;
use crate::proto::buf::{Buf, position};

/// Where in its line a field is.
struct FieldLine {
    name: Range<usize>,
    value: Range<usize>,
    /// Of the line, its ending included.
    length: usize,
}

impl FieldLine {
    /// Reads `field-name ":" OWS field-value OWS` (RFC 9112, 5) and the end of the line, where that is
    /// what `bytes` begin with. What is wrong with others is not told.
    #[inline(always)]
    fn read(bytes: &[u8]) -> Option<FieldLine> {
        // No control byte stands in a name, either: so where the line ends is known without it.
        let (content, ending) = bytes.split_at(value_prefix(bytes));
        let ending = match ending {
            [b'\r', b'\n', ..] => 2,
            [b'\n', ..] => 1,
            _ => return None,
        };
        let colon = name_prefix(bytes);
        let (b':', text) = content.get(colon..)?.split_first()? else { return None };
        let line = FieldLine {
            name: 0..colon,
            value: trimmed(text, colon + 1),
            length: content.len() + ending,
        };
        (colon > 0).then_some(line)
    }
}

/// Takes the field lines in front of `input` that are right and within the limits, and the blank line
/// behind them: all of most heads, in one pass and one copy. Was that the end? What it leaves is for
/// [`push_field_line`], which says what is wrong.
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
        let Some(FieldLine { name, value, length }) = FieldLine::read(line) else { break false };
        if headers.len() >= limits.fields || length > limits.field.min(room - taken) {
            break false;
        }
        headers.announce(taken, line, name, value);
        taken += length;
    };
    headers.push_source(input.take(if ended { taken + 2 } else { taken }));
    ended
}

/// Checks a field line and adds it. Trailer lines are read by it, too. Offsets count from the line's
/// start.
pub(super) fn push_field_line(
    headers: &mut Headers,
    line: &[u8],
    join_folds: bool,
    limits: &Limits,
) -> Result<(), Fault> {
    let content = strip_ending(line);
    if let [b' ' | b'\t', ..] = content {
        if !join_folds || headers.is_empty() {
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
    let FieldLine { name, value, .. } = FieldLine::read(line).ok_or_else(|| fault(content))?;
    let mut headers = headers.own();
    headers.announce(0, line, name, value);
    headers.push_source(line);
    Ok(())
}

/// What is wrong with a line that cannot be read.
fn fault(content: &[u8]) -> Fault {
    // A CR may stand nowhere in it, so wherever it does it is what to tell of.
    if let Some(fault) = bare_cr(content) {
        return fault;
    }
    let Some(colon) = position(b':', content) else {
        return Fault::new(Rule::FieldColon, 0);
    };
    let (name, value) = content.split_at(colon);
    match (TCHAR.first_outside(name), FIELD_VALUE.first_outside(value)) {
        (Some(at), _) if name[at..].iter().all(|byte| b" \t".contains(byte)) => {
            Fault::new(Rule::SpaceBeforeColon, at)
        }
        (None, Some(at)) if colon > 0 => Fault::new(Rule::FieldValue, colon + at),
        (at, _) => Fault::new(Rule::FieldName, at.unwrap_or_default()),
    }
}

/// The CR that stands without its LF in a line that has lost its ending.
pub(super) fn bare_cr(content: &[u8]) -> Option<Fault> {
    position(b'\r', content).map(|at| Fault::new(Rule::BareCr, at))
}

/// Where the text that begins at `from` is without the spaces and tabs around it.
#[inline(always)]
fn trimmed(text: &[u8], from: usize) -> Range<usize> {
    // Nearly all have one space in front.
    if let [b' ', b'!'..=0xFF, .., b'!'..=0xFF] = text {
        return from + 1..from + text.len();
    }
    let value = trim_ows_start(text);
    let start = from + text.len() - value.len();
    start..start + trim_ows_end(value).len()
}

/// A line without its LF or CRLF.
pub(super) fn strip_ending(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
