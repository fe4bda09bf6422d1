//! Entity tags (RFC 9110, 8.8.3): names for one state of a resource, `"v7"`, or `W/"v7"` for states
//! that are nearly the same; and the lists of them in `If-Match` and `If-None-Match`.
//!
//! Refused: a tag without its quotes, a lower-case `w/`, a space or a quote within, `*` beside a tag,
//! a list of nothing. A comma within the quotes is part of the tag, so these lists are not split as
//! others are.

use super::chars::trim_ows;

/// An entity tag (RFC 9110, 8.8.3), such as `"v7"` or the weak `W/"v7"`.
///
/// Its two comparisons are methods, because `==` would not say which of them is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntityTag<'a> {
    strength: Strength,
    opaque: &'a [u8],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strength {
    Strong,
    Weak,
}

impl<'a> EntityTag<'a> {
    /// Reads a tag as an `ETag` field has it, with nothing after it; `None` if it is not one.
    pub fn parse(text: &'a [u8]) -> Option<EntityTag<'a>> {
        match EntityTag::take(text)? {
            (tag, []) => Some(tag),
            _ => None,
        }
    }

    /// Returns the tag that a text begins with, and the rest of the text.
    fn take(text: &'a [u8]) -> Option<(EntityTag<'a>, &'a [u8])> {
        let (strength, quoted) = match text.strip_prefix(b"W/") {
            Some(quoted) => (Strength::Weak, quoted),
            None => (Strength::Strong, text),
        };
        let inside = quoted.strip_prefix(b"\"")?;
        let end = inside.iter().position(|&byte| byte == b'"')?;
        let (opaque, rest) = (&inside[..end], &inside[end + 1..]);
        // etagc = %x21 / %x23-7E / obs-text
        let is_etagc = |byte: &u8| matches!(byte, 0x21 | 0x23..=0x7E | 0x80..);
        opaque.iter().all(is_etagc).then_some((EntityTag { strength, opaque }, rest))
    }

    /// Returns true if states with this tag may differ in their bytes (RFC 9110, 8.8.1).
    pub fn is_weak(self) -> bool {
        self.strength == Strength::Weak
    }

    /// Compares strongly (RFC 9110, 8.8.3.2): the same bytes; a weak tag equals none.
    pub fn matches_strongly(self, other: EntityTag<'_>) -> bool {
        !self.is_weak() && !other.is_weak() && self.opaque == other.opaque
    }

    /// Compares weakly (RFC 9110, 8.8.3.2): near enough for a cache.
    pub fn matches_weakly(self, other: EntityTag<'_>) -> bool {
        self.opaque == other.opaque
    }
}

/// What `If-Match` and `If-None-Match` hold: `"*" / #entity-tag` (RFC 9110, 13.1.1 and 13.1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagList<'a> {
    /// `*`: any state, as long as there is one.
    Any,
    /// These, at least one.
    Tags(Vec<EntityTag<'a>>),
}

impl<'a> TagList<'a> {
    /// Reads the list in all lines of a field; `None` if any part of it is malformed.
    pub fn parse(lines: impl Iterator<Item = &'a [u8]>) -> Option<TagList<'a>> {
        let (mut tags, mut stars) = (Vec::new(), 0);
        for mut rest in lines.map(trim_ows) {
            while !rest.is_empty() {
                // Empty members are skipped (RFC 9110, 5.6.1.2).
                if let Some(behind) = rest.strip_prefix(b",") {
                    rest = trim_ows(behind);
                    continue;
                }
                rest = if let Some(behind) = rest.strip_prefix(b"*") {
                    stars += 1;
                    behind
                } else {
                    let (tag, behind) = EntityTag::take(rest)?;
                    tags.push(tag);
                    behind
                };
                rest = trim_ows(rest);
                if !rest.is_empty() && !rest.starts_with(b",") {
                    return None;
                }
            }
        }
        match (stars, tags.is_empty()) {
            (1, true) => Some(TagList::Any),
            (0, false) => Some(TagList::Tags(tags)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(text: &str) -> EntityTag<'_> {
        EntityTag::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn what_is_a_tag() {
        for text in
            ["\"\"", "\"x\"", "W/\"x\"", "\"a,b\"", "\"!#~\"", "\"\\\"", "\"\u{fc}\"", "\"W/\""]
        {
            assert!(EntityTag::parse(text.as_bytes()).is_some(), "{text}");
        }
        for text in [
            "", "x", "\"", "\"x", "x\"", "'x'", "w/\"x\"", "W/", "W/x", "W\"x\"", "W/ \"x\"",
            "\"a b\"", "\"a\tb\"", "\"a\"b\"", "\"x\" ", " \"x\"", "\"x\",", "\"\x7f\"", "*",
        ] {
            assert_eq!(EntityTag::parse(text.as_bytes()), None, "{text}");
        }
    }

    /// The table of RFC 9110, 8.8.3.2.
    #[test]
    fn two_comparisons() {
        for (one, other, strong, weak) in [
            ("W/\"1\"", "W/\"1\"", false, true),
            ("W/\"1\"", "W/\"2\"", false, false),
            ("W/\"1\"", "\"1\"", false, true),
            ("\"1\"", "\"1\"", true, true),
            ("\"1\"", "\"2\"", false, false),
            ("\"a\"", "\"A\"", false, false),
        ] {
            for (one, other) in [(one, other), (other, one)] {
                assert_eq!(tag(one).matches_strongly(tag(other)), strong, "{one} {other}");
                assert_eq!(tag(one).matches_weakly(tag(other)), weak, "{one} {other}");
            }
        }
    }

    #[test]
    fn what_is_a_list() {
        let list =
            |lines: &[&'static str]| TagList::parse(lines.iter().map(|line| line.as_bytes()));
        let tags = |texts: &[&'static str]| {
            Some(TagList::Tags(texts.iter().map(|text| tag(text)).collect()))
        };
        for (lines, want) in [
            (&["*"][..], Some(TagList::Any)),
            (&[" * ,"], Some(TagList::Any)),
            (&["\"a\""], tags(&["\"a\""])),
            (&["\"a\", W/\"b\"\t,\"c\""], tags(&["\"a\"", "W/\"b\"", "\"c\""])),
            (&["\"a\"", "\"b\""], tags(&["\"a\"", "\"b\""])),
            (&[",, \"a\" ,,", "", "\"b\""], tags(&["\"a\"", "\"b\""])),
            (&["\"a,b\",\"*\""], tags(&["\"a,b\"", "\"*\""])),
            (&[], None),
            (&[""], None),
            (&[" , ,"], None),
            (&["a"], None),
            (&["\"a\" \"b\""], None),
            (&["\"a\"\"b\""], None),
            (&["\"a\";q=1"], None),
            (&["\"a"], None),
            (&["\"a\", b"], None),
            (&["*, \"a\""], None),
            (&["*", "\"a\""], None),
            (&["*, *"], None),
            (&["**"], None),
            (&["\"*"], None),
        ] {
            assert_eq!(list(lines), want, "{lines:?}");
        }
    }
}
