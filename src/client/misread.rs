//! What could not be understood of an answer: the rule it breaks, where, and the line in question,
//! escaped: no byte of a server's plays with a terminal.

use crate::proto::http::error::{Fault, Rule};

/// A fault, and the line that has it.
#[derive(Debug)]
pub struct Misread {
    /// The rule, and how far into the head, or into the body as it was sent, it was broken.
    pub fault: Fault,
    excerpt: String,
}

/// How much of a line is shown, before the fault and behind it.
const AROUND: usize = 40;

impl Misread {
    /// `read` is what the reader had before it, `start` how far into the head or body that begins.
    pub(super) fn new(fault: Fault, start: u64, read: &[u8]) -> Misread {
        let at = fault.offset.checked_sub(start).and_then(|at| usize::try_from(at).ok());
        let at = at.filter(|&at| at <= read.len());
        let (fault, at) = match at.and_then(|end| about_framing(fault.rule, &read[..end])) {
            Some(at) => (Fault { offset: start + at as u64, ..fault }, Some(at)),
            None => (fault, at),
        };
        let excerpt = at.map(|at| excerpt(read, at));
        Misread { fault, excerpt: excerpt.unwrap_or_default() }
    }

    /// The line, or what is near the fault of a long one; bytes that are not visible ASCII are
    /// escaped as in Rust. Empty when it is not at hand any more.
    pub fn excerpt(&self) -> &str {
        &self.excerpt
    }
}

impl std::fmt::Display for Misread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.excerpt() {
            "" => self.fault.fmt(f),
            excerpt => write!(f, "{} in \"{excerpt}\"", self.fault),
        }
    }
}

impl std::error::Error for Misread {}

/// Where the field stands that is to blame, when it is only known that the head as a whole says
/// too much about the length of its body: the last one of its name.
fn about_framing(rule: Rule, head: &[u8]) -> Option<usize> {
    let name: &[u8] = match rule {
        Rule::Length | Rule::LengthRepeated => b"content-length",
        Rule::LengthAndCoding
        | Rule::CodingInvalid
        | Rule::CodingNotLast
        | Rule::CodingUnknown
        | Rule::CodingOn10 => b"transfer-encoding",
        _ => return None,
    };
    let mut starts = vec![0];
    starts
        .extend(head.iter().enumerate().filter(|&(_, &byte)| byte == b'\n').map(|(at, _)| at + 1));
    let named = |&start: &usize| {
        head[start..].get(..name.len()).is_some_and(|held| held.eq_ignore_ascii_case(name))
    };
    starts.into_iter().rfind(named)
}

fn excerpt(read: &[u8], at: usize) -> String {
    let line_start = read[..at].iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    let line_end =
        read[at..].iter().position(|&byte| byte == b'\n').map_or(read.len(), |end| at + end);
    let (start, end) = (line_start.max(at.saturating_sub(AROUND)), line_end.min(at + AROUND));
    let line = &read[start..end];
    let line = if end == line_end { line.strip_suffix(b"\r").unwrap_or(line) } else { line };
    let dots = |cut| if cut { "…" } else { "" };
    format!("{}{}{}", dots(start > line_start), line.escape_ascii(), dots(end < line_end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_with_the_fault_is_shown() {
        let long = format!("X: {}\0{}\r\n", "a".repeat(99), "b".repeat(99));
        let cut = format!("…{}\\x00{}…", "a".repeat(40), "b".repeat(39));
        for (rule, offset, start, read, want) in [
            (Rule::FieldColon, 0, 0, "A\r\nB: c\r\n", "A"),
            (Rule::FieldValue, 6, 0, "A\r\nB: \x1b[2J\r\n", "B: \\x1b[2J"),
            (Rule::FieldName, 23, 20, "A\r\n: c\n", ": c"),
            (Rule::BareCr, 4, 0, "A: b\rc\r\n", "A: b\\rc"),
            (Rule::NoStatusLine, 0, 0, "<p id=\"\u{e9}\">\n", "<p id=\\\"\\xc3\\xa9\\\">"),
            (Rule::HeadIncomplete, 4, 0, "A: b", "A: b"),
            (Rule::FieldValue, 102, 0, &long, &cut),
            // The head as a whole: what is to blame is looked for.
            (
                Rule::LengthRepeated,
                42,
                0,
                "A: b\r\nContent-length: 1\r\ncontent-Length: 2\r\nC: d\r\n\r\n",
                "content-Length: 2",
            ),
            (Rule::CodingOn10, 24, 0, "Transfer-Encoding: x\r\n\r\n", "Transfer-Encoding: x"),
            // Not at hand.
            (Rule::FieldColon, 3, 20, "A\r\n", ""),
            (Rule::FieldColon, 30, 20, "A\r\n", ""),
            (Rule::FieldColon, 0, 0, "", ""),
        ] {
            let misread = Misread::new(Fault::new(rule, offset), start, read.as_bytes());
            assert_eq!(misread.excerpt(), want, "{read:?}");
        }
    }
}
