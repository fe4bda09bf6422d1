//! Fields (RFC 9110, 5): in order; names are compared without regard to case; values are bytes.
//!
//! One text and an index into it: a head of twenty fields costs two allocations. No value can have a
//! CR, an LF or a NUL, because [`Headers::append`] refuses them; so no value ends its line early.

mod constant;
mod index;

use std::borrow::Cow;
use std::ops::Range;

pub(super) use self::constant::Names;
pub use self::constant::StaticField;
use self::index::{BloomFilter, Line};
use super::chars::{TCHAR, trim_ows};
use super::error::Rule;
use crate::proto::scan::before_control;

/// The fields of a message or of its trailers, in order.
///
/// Names are compared without regard to case. Values are bytes, which are usually text.
///
/// ```
/// use threadbare::server::Headers;
///
/// let mut headers = Headers::new();
/// headers.append("Accept", "text/html")?;
/// headers.append("Accept", "image/png, */*")?;
/// assert_eq!(headers.text("accept"), Some("text/html")); // the first
/// assert_eq!(headers.all("accept").count(), 2); // lines
/// assert_eq!(headers.list("accept").count(), 3); // members, over all lines
///
/// headers.set("Accept", "text/plain")?; // in place of both
/// assert_eq!(headers.len(), 1);
/// # Ok::<(), threadbare::server::InvalidField>(())
/// ```
#[derive(Clone)]
pub struct Headers {
    text: Cow<'static, [u8]>,
    lines: Cow<'static, [Line]>,
    filter: BloomFilter,
    /// True if the text is these lines as they are sent, and nothing else: then it is copied whole. That
    /// saves 570 instructions for each response (`make instructions`).
    as_written: bool,
}

impl Default for Headers {
    fn default() -> Headers {
        Headers::NONE.clone()
    }
}

/// The error of a field whose name is not a token, or whose value has a control byte in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidField {
    /// The name as it was given.
    pub name: String,
    /// Which of the two rules it breaks.
    pub rule: Rule,
}

impl std::fmt::Display for InvalidField {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What follows a wrong byte may be the value, with a secret in it.
        let name =
            match TCHAR.first_outside(self.name.as_bytes()).and_then(|at| self.name.get(..at)) {
                Some(start) => Cow::Owned(format!("{start}...")),
                None => Cow::Borrowed(&*self.name),
            };
        write!(f, "field {name:?}: {}; right: {}", self.rule.what(), self.rule.right())
    }
}

impl std::error::Error for InvalidField {}

impl Headers {
    /// No fields, to be read only.
    pub(super) const NONE: &'static Headers = &Headers {
        text: Cow::Borrowed(&[]),
        lines: Cow::Borrowed(&[]),
        filter: BloomFilter::EMPTY,
        as_written: true,
    };

    /// Returns an empty list.
    pub fn new() -> Headers {
        Headers::default()
    }

    /// Returns the bytes that the fields were taken from. For a parsed head: the whole head as it
    /// arrived, with first line and blank line; only joined folds have become spaces.
    pub fn source(&self) -> &[u8] {
        &self.text
    }

    /// Returns the number of field lines.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Returns true if there is no field.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Returns all fields, in order, as name and value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.lines.iter().map(|line| (self.name(line), &self.text[line.value.clone()]))
    }

    /// Returns the values of all fields of this name, in order.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.named(name).map(|line| &self.text[line.value.clone()])
    }

    /// Returns the value of the first field of this name.
    #[inline]
    pub fn first(&self, name: &str) -> Option<&[u8]> {
        if self.may_have(name) { self.find(name) } else { None }
    }

    fn find(&self, name: &str) -> Option<&[u8]> {
        self.all(name).next()
    }

    /// Returns the value of the first field of this name as text, if it is UTF-8.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.first(name).and_then(|value| str::from_utf8(value).ok())
    }

    /// Returns true if there is a field of this name.
    #[inline]
    pub fn has(&self, name: &str) -> bool {
        self.first(name).is_some()
    }

    /// Returns the members of a comma-separated list, over all lines of this name (RFC 9110, 5.6.1),
    /// without empty ones. For fields whose members have no quoted commas.
    pub fn list(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let members = self.all(name).flat_map(|value| value.split(|&byte| byte == b','));
        members.map(trim_ows).filter(|member| !member.is_empty())
    }

    /// Returns true if `token` is a member of the list, in any case.
    #[inline(always)]
    pub fn list_has(&self, name: &str, token: &str) -> bool {
        self.may_have(name) && self.has_member(name, token)
    }

    fn has_member(&self, name: &str, token: &str) -> bool {
        let is = |member: &[u8]| trim_ows(member).eq_ignore_ascii_case(token.as_bytes());
        self.all(name).any(|value| value.split(|&byte| byte == b',').any(is))
    }

    /// Adds a field line after the others.
    ///
    /// # Errors
    /// [`InvalidField`] when the name is not a token or the value has a control byte in it.
    pub fn append(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), InvalidField> {
        let value = trim_ows(value.as_ref());
        let invalid = |rule| InvalidField { name: name.to_owned(), rule };
        if name.is_empty() || TCHAR.first_outside(name.as_bytes()).is_some() {
            return Err(invalid(Rule::FieldName));
        }
        if before_control(value) < value.len() {
            return Err(invalid(Rule::FieldValue));
        }
        self.push_line(name.as_bytes(), value);
        Ok(())
    }

    /// Replaces every field of this name by one.
    ///
    /// # Errors
    /// As [`Headers::append`]; then nothing has changed.
    pub fn set(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), InvalidField> {
        let is_new = !self.has(name);
        self.append(name, value)?;
        if is_new {
            return Ok(());
        }
        let added = self.lines.to_mut().pop();
        self.remove(name);
        self.lines.to_mut().extend(added);
        Ok(())
    }

    /// Adds all of these fields, in place of those of the same names.
    pub fn set_all(&mut self, others: &Headers) {
        if self.filter.may_share(others.filter) {
            for line in others.lines.iter() {
                self.remove(others.name(line));
            }
        }
        self.filter = self.filter.union(others.filter);
        self.as_written &= others.as_written;
        let Own { text, lines, .. } = self.own();
        let base = text.len();
        text.extend_from_slice(&others.text);
        let moved = |range: &Range<usize>| base + range.start..base + range.end;
        let line = |line: &Line| Line { name: moved(&line.name), value: moved(&line.value) };
        lines.extend(others.lines.iter().map(line));
    }

    /// Removes every field of this name.
    pub fn remove(&mut self, name: &str) {
        if !self.may_have(name) {
            return;
        }
        let text = &self.text;
        let is_other = |line: &Line| !text[line.name.clone()].eq_ignore_ascii_case(name.as_bytes());
        self.lines.to_mut().retain(is_other);
        self.as_written = false;
    }

    /// Keeps only the fields whose name is `wanted`.
    pub fn retain(&mut self, wanted: impl Fn(&str) -> bool) {
        let text = &self.text;
        self.lines.to_mut().retain(|line| wanted(name_in(text, line)));
        self.as_written = false;
    }

    /// Writes the field lines, each ended by CRLF, without the blank line after them.
    #[inline]
    pub fn encode(&self, out: &mut Vec<u8>) {
        if self.as_written {
            return out.extend_from_slice(&self.text);
        }
        self.encode_where(|_| true, out);
    }

    /// Writes the field lines except those of these names, and of the names in `others`.
    #[inline]
    pub(super) fn encode_without(&self, names: &Names, others: &Headers, out: &mut Vec<u8>) {
        if !self.filter.may_share(names.filter.union(others.filter)) {
            return self.encode(out); // as most heads
        }
        self.encode_where(|name| !names.has(name) && !others.has(name), out);
    }

    /// Writes the lines of the fields whose name is `wanted`.
    #[inline(never)]
    pub(super) fn encode_where(&self, wanted: impl Fn(&str) -> bool, out: &mut Vec<u8>) {
        for line in self.lines.iter().filter(|line| wanted(self.name(line))) {
            out.extend_from_slice(&self.text[line.name.clone()]);
            out.extend_from_slice(b": ");
            out.extend_from_slice(&self.text[line.value.clone()]);
            out.extend_from_slice(b"\r\n");
        }
    }

    /// Returns the values of this name, and where in [`Headers::source`] each begins.
    pub(super) fn places(&self, name: &str) -> impl Iterator<Item = (usize, &[u8])> {
        self.named(name).map(|line| (line.value.start, &self.text[line.value.clone()]))
    }

    /// Returns where in [`Headers::source`] a value begins that differs from an earlier one of the same name,
    /// for these names.
    #[inline(always)]
    pub(super) fn first_difference(&self, names: &Names) -> Option<usize> {
        if self.filter.may_share(names.filter) { self.find_difference(names) } else { None }
    }

    fn find_difference(&self, names: &Names) -> Option<usize> {
        names.each().find_map(|name| {
            let mut places = self.places(name);
            let (_, first) = places.next()?;
            places.find(|(_, value)| *value != first).map(|(at, _)| at)
        })
    }

    /// Returns true if there is a field of one of these names.
    #[inline(always)]
    pub(super) fn has_one_of(&self, names: &Names) -> bool {
        self.filter.may_share(names.filter) && self.find_one_of(names)
    }

    #[inline(never)]
    fn find_one_of(&self, names: &Names) -> bool {
        self.lines.iter().any(|line| names.has(self.name(line)))
    }

    #[inline(always)]
    fn may_have(&self, name: &str) -> bool {
        self.filter.may_share(BloomFilter::of(name.as_bytes()))
    }

    #[inline]
    fn named(&self, name: &str) -> impl Iterator<Item = &Line> {
        let lines = if self.may_have(name) { &self.lines[..] } else { &[] };
        let held = |line: &Line| &self.text[line.name.clone()];
        lines.iter().filter(move |line| held(line).eq_ignore_ascii_case(name.as_bytes()))
    }

    /// Returns where in [`Headers::source`] the first field begins whose name is `wanted`.
    pub(super) fn line_of(&self, wanted: impl Fn(&str) -> bool) -> Option<usize> {
        self.lines.iter().find(|line| wanted(self.name(line))).map(|line| line.name.start)
    }

    /// Returns where in [`Headers::source`] the last line begins: in a complete head, the empty one.
    pub(super) fn last_line(&self) -> usize {
        let before = self.text.len().saturating_sub(1);
        let end = self.text[..before].iter().rposition(|&byte| byte == b'\n');
        end.map_or(0, |at| at + 1)
    }

    /// Starts again with a head of this first line, and with room for the fields of most heads.
    pub(super) fn begin(&mut self, line: &[u8]) {
        (self.filter, self.as_written) = (BloomFilter::EMPTY, false);
        let (text, lines) = (self.text.to_mut(), self.lines.to_mut());
        if text.capacity() == 0 {
            *text = Vec::with_capacity(line.len().max(1000));
            *lines = Vec::with_capacity(24);
        }
        text.clear();
        text.extend_from_slice(line);
        lines.clear();
    }

    /// Joins an obsolete folded line to the last value, the fold replaced by spaces (RFC 9112,
    /// 5.2); in [`Headers::source`], too.
    pub(super) fn fold(&mut self, line: &[u8], value: Range<usize>) {
        self.as_written = false;
        let Own { text, lines, .. } = self.own();
        let base = text.len();
        text.extend_from_slice(line);
        let value = base + value.start..base + value.end;
        match lines.last_mut() {
            Some(last) if last.value.is_empty() => last.value = value,
            Some(last) if !value.is_empty() => {
                text[last.value.end..value.start].fill(b' ');
                last.value.end = value.end;
            }
            _ => {}
        }
    }

    fn push_line(&mut self, name: &[u8], value: &[u8]) {
        let Own { text, lines, .. } = self.own();
        let start = text.len();
        text.extend_from_slice(name);
        text.extend_from_slice(b": ");
        let value_start = text.len();
        text.extend_from_slice(value);
        let value_end = text.len();
        text.extend_from_slice(b"\r\n");
        lines.push(Line { name: start..start + name.len(), value: value_start..value_end });
        self.filter = self.filter.union(BloomFilter::of(name));
    }

    /// Makes the fields owned, with room for a small head, so that they do not grow step by step.
    pub(super) fn own(&mut self) -> Own<'_> {
        if let Cow::Borrowed(standing) = self.text {
            self.text = Cow::Owned(with_room(standing, 256));
        }
        if let Cow::Borrowed(standing) = self.lines {
            self.lines = Cow::Owned(with_room(standing, 8));
        }
        let Headers { text, lines, filter, as_written } = self;
        Own { text: text.to_mut(), lines: lines.to_mut(), filter, as_written }
    }

    fn name(&self, line: &Line) -> &str {
        name_in(&self.text, line)
    }
}

/// [`Headers`] that borrow nothing: made once, before many changes.
pub(super) struct Own<'h> {
    text: &'h mut Vec<u8>,
    lines: &'h mut Vec<Line>,
    filter: &'h mut BloomFilter,
    as_written: &'h mut bool,
}

impl Own<'_> {
    /// Returns the number of field lines.
    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// Indexes a field of the text that [`Own::push_source`] adds next. Its line starts `before` bytes
    /// after the start of that text; the ranges count from the start of the line.
    #[inline(always)]
    pub(super) fn index(
        &mut self,
        before: usize,
        line: &[u8],
        name: Range<usize>,
        value: Range<usize>,
    ) {
        *self.filter = self.filter.union(BloomFilter::of(&line[name.clone()]));
        let base = self.text.len() + before;
        let moved = |range: Range<usize>| base + range.start..base + range.end;
        self.lines.push(Line { name: moved(name), value: moved(value) });
    }

    /// Adds text as it arrived: the blank line, or fields that have been indexed.
    pub(super) fn push_source(self, text: &[u8]) {
        *self.as_written = false;
        self.text.extend_from_slice(text);
    }
}

fn with_room<T: Clone>(standing: &[T], room: usize) -> Vec<T> {
    let mut own = Vec::with_capacity(room.max(standing.len()));
    own.extend_from_slice(standing);
    own
}

fn name_in<'t>(text: &'t [u8], line: &Line) -> &'t str {
    // A name is made of tchars, which are ASCII.
    str::from_utf8(&text[line.name.clone()]).unwrap_or_default()
}

/// The same fields in the same order, whatever the text around them.
impl PartialEq for Headers {
    fn eq(&self, other: &Headers) -> bool {
        self.iter().eq(other.iter())
    }
}

impl std::fmt::Debug for Headers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map()
            .entries(self.iter().map(|(name, value)| (name, String::from_utf8_lossy(value))))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&str, &str)]) -> Headers {
        let mut headers = Headers::new();
        for (name, value) in fields {
            headers.append(name, value).unwrap();
        }
        headers
    }

    #[test]
    fn names_have_no_case_and_order_stays() {
        let headers = headers(&[("Accept", "a"), ("X", "1"), ("accept", "b")]);
        assert_eq!(headers.all("ACCEPT").collect::<Vec<_>>(), [b"a", b"b"]);
        assert_eq!(headers.first("x"), Some(&b"1"[..]));
        let names: Vec<_> = headers.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["Accept", "X", "accept"]);
    }

    #[test]
    fn set_replaces_all_and_goes_last() {
        let mut headers = headers(&[("A", "1"), ("B", "2"), ("a", "3")]);
        headers.set("A", "4").unwrap();
        let mut out = Vec::new();
        headers.encode(&mut out);
        assert_eq!(out, b"B: 2\r\nA: 4\r\n");
        headers.remove("b");
        assert_eq!(headers.len(), 1);
    }

    /// However they came together: what is written is read as the same fields.
    #[test]
    fn what_is_written_are_the_lines_and_nothing_else() {
        static PLAIN: StaticField = StaticField::new(b"A: 1\r\n");
        let mut parsed = Headers::new();
        parsed.begin(b"GET / HTTP/1.1\r\n");
        let mut own = parsed.own();
        own.index(0, b"B:2\n", 0..1, 2..3);
        own.push_source(b"B:2\n");
        let set = |mut headers: Headers| {
            headers.set("A", "3").unwrap();
            headers
        };
        let with = |mut headers: Headers, others: &Headers| {
            headers.set_all(others);
            headers
        };
        let without = |mut headers: Headers| {
            headers.retain(|name| name != "A");
            headers
        };
        for (headers, want) in [
            (Headers::new(), ""),
            (Headers::from(&PLAIN), "A: 1\r\n"),
            (set(Headers::new()), "A: 3\r\n"),
            (set(Headers::from(&PLAIN)), "A: 3\r\n"),
            (set(parsed.clone()), "B: 2\r\nA: 3\r\n"),
            (with(Headers::from(&PLAIN), &headers(&[("B", "2")])), "A: 1\r\nB: 2\r\n"),
            (with(Headers::from(&PLAIN), &headers(&[("A", "4")])), "A: 4\r\n"),
            (without(headers(&[("A", "1"), ("B", "2")])), "B: 2\r\n"),
            (parsed, "B: 2\r\n"),
        ] {
            let mut out = Vec::new();
            headers.encode(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), want);
        }
    }

    #[test]
    fn those_that_others_have_are_left_out() {
        const NAMES: Names = Names::of(&["content-length", "connection"]);
        for (fields, want) in [
            (&[("A", "1"), ("B", "2")][..], "A: 1\r\nB: 2\r\n"),
            (&[("A", "1"), ("Content-Length", "2"), ("DATE", "3"), ("B", "4")], "A: 1\r\nB: 4\r\n"),
            (&[("CONNECTION", "close")], ""),
        ] {
            let mut out = Vec::new();
            headers(fields).encode_without(&NAMES, &headers(&[("Date", "0")]), &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), want);
        }
    }

    #[test]
    fn nothing_ends_a_line_early() {
        let mut headers = Headers::new();
        for value in ["a\r\nSet-Cookie: b", "a\nb", "a\rb", "a\0b", "a\x7fb"] {
            assert_eq!(headers.append("X", value).unwrap_err().rule, Rule::FieldValue, "{value:?}");
        }
        for name in ["", "a b", "a:", "a\r\nb", "é"] {
            assert_eq!(headers.set(name, "x").unwrap_err().rule, Rule::FieldName, "{name:?}");
        }
        assert!(headers.is_empty());
    }

    #[test]
    fn lists_run_over_lines() {
        let headers =
            headers(&[("Connection", "close, ,Upgrade"), ("connection", "\tkeep-alive ")]);
        let members: Vec<_> = headers.list("connection").collect();
        assert_eq!(members, [&b"close"[..], b"Upgrade", b"keep-alive"]);
        assert!(headers.list_has("Connection", "CLOSE"));
        assert!(!headers.list_has("Connection", "clos"));
    }
}
