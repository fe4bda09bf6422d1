//! One field line (RFC 9112, 5): a name, a colon, a value; of a head, or of the trailers behind a body.
//!
//! Refused: a name that is no token, space before the colon, a control byte in the value, a CR
//! without its LF. A folded line (5.2) is refused or joined, as the reader wants it.

use std::ops::Range;

use super::chars::{FIELD_VALUE, TCHAR, trim_ows};
use super::error::{Fault, Rule};
use super::headers::Headers;
use super::limits::Limits;

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
