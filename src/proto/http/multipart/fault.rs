//! What can be wrong with a form: one [`MultipartRule`] for each that can be broken, as
//! [`Rule`](crate::proto::http::error::Rule) for a message.

use crate::proto::http::excerpt::Excerpt;
use crate::proto::http::status::Status;

/// A broken rule, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MultipartFault {
    /// Which rule.
    pub rule: MultipartRule,
    /// Where: bytes from the start of the body; `None` if the Content-Type is wrong.
    pub offset: Option<u64>,
    /// The line that broke it, if that is a field of a part. Content is never shown.
    pub excerpt: Option<Excerpt>,
}

impl MultipartFault {
    pub(super) fn new(rule: MultipartRule, offset: u64) -> MultipartFault {
        MultipartFault { rule, offset: Some(offset), excerpt: None }
    }

    /// Returns the fault of a rule that was broken in the Content-Type.
    pub(super) fn outside(rule: MultipartRule) -> MultipartFault {
        MultipartFault { rule, offset: None, excerpt: None }
    }

    /// Returns the same fault, counted from `count` bytes before.
    pub(super) fn after(self, count: u64) -> MultipartFault {
        MultipartFault { offset: self.offset.map(|offset| offset + count), ..self }
    }
}

impl std::fmt::Display for MultipartFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (", self.rule.what())?;
        if let Some(offset) = self.offset {
            write!(f, "byte {offset}; ")?;
        }
        write!(f, "{})", self.rule.section())
    }
}

impl std::error::Error for MultipartFault {}

/// A rule for forms, or a limit of ours, that a form broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MultipartRule {
    /// The type is `multipart/form-data`.
    NotForm,
    /// The Content-Type has one valid boundary.
    Boundary,
    /// CR LF or `--` follows the boundary.
    AfterBoundary,
    /// The lines between the parts, and those of their heads, end with CR LF.
    LineEnd,
    /// Each line in the head of a part is a field.
    Field,
    /// Each part has a name.
    Name,
    /// The head of a part is within the limits of a head.
    HeadTooLarge,
    /// The number of parts is within the limit.
    TooManyParts,
    /// The form has a last delimiter.
    Incomplete,
}

impl MultipartRule {
    /// Every rule, for tables and tests.
    pub const ALL: &[MultipartRule] = &[
        MultipartRule::NotForm,
        MultipartRule::Boundary,
        MultipartRule::AfterBoundary,
        MultipartRule::LineEnd,
        MultipartRule::Field,
        MultipartRule::Name,
        MultipartRule::HeadTooLarge,
        MultipartRule::TooManyParts,
        MultipartRule::Incomplete,
    ];

    /// Returns the status of a server's response.
    pub const fn status(self) -> Status {
        match self {
            MultipartRule::NotForm => Status::UNSUPPORTED_MEDIA_TYPE,
            MultipartRule::HeadTooLarge | MultipartRule::TooManyParts => Status::CONTENT_TOO_LARGE,
            _ => Status::BAD_REQUEST,
        }
    }

    /// Returns the RFC section of the rule.
    pub const fn section(self) -> &'static str {
        let [section, _, _] = self.texts();
        section
    }

    /// Returns what is wrong, in one sentence.
    pub const fn what(self) -> &'static str {
        let [_, what, _] = self.texts();
        what
    }

    /// Returns what is right.
    pub const fn right(self) -> &'static str {
        let [_, _, right] = self.texts();
        right
    }

    const fn texts(self) -> [&'static str; 3] {
        match self {
            MultipartRule::NotForm => [
                "RFC 9110, 15.5.16",
                "the body is not a form of the type multipart/form-data",
                "Content-Type: multipart/form-data; boundary=xyz",
            ],
            MultipartRule::Boundary => [
                "RFC 2046, 5.1.1",
                "the Content-Type has no boundary, two of them, or one that is not 1 to 70 letters, digits, spaces and '()+_,-./:=? without a space at its end",
                "Content-Type: multipart/form-data; boundary=xyz",
            ],
            MultipartRule::AfterBoundary => [
                "RFC 2046, 5.1.1",
                "the boundary is followed by something other than CR LF or --; content must not contain it",
                "--xyz CR LF before each part, --xyz-- after the last one",
            ],
            MultipartRule::LineEnd => [
                "RFC 2046, 5.1.1",
                "a line between the parts, or in the head of a part, ends with LF instead of CR LF",
                "--xyz CR LF Content-Disposition: form-data; name=\"a\" CR LF CR LF",
            ],
            MultipartRule::Field => [
                "RFC 2046, 5.1",
                "a line in the head of a part is not a field: a name, a colon and a value; the head ends with an empty line",
                "Content-Disposition: form-data; name=\"a\" CR LF CR LF, then the content",
            ],
            MultipartRule::Name => [
                "RFC 7578, 4.2",
                "a part has no name: it has no Content-Disposition, two of them, or one that is not form-data with one name",
                "Content-Disposition: form-data; name=\"a\"; filename=\"b.png\"",
            ],
            MultipartRule::HeadTooLarge => [
                "RFC 9110, 15.5.14",
                "the head of a part is longer, or has more fields, than this server accepts",
                "Content-Disposition and Content-Type",
            ],
            MultipartRule::TooManyParts => [
                "RFC 9110, 15.5.14",
                "the form has more parts than this server accepts",
                "fewer fields and files, or several requests",
            ],
            MultipartRule::Incomplete => [
                "RFC 2046, 5.1.1",
                "the body ended before the last delimiter of the form",
                "--xyz-- on a line of its own, after the last part",
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_says_what_where_and_how() {
        for (place, &rule) in MultipartRule::ALL.iter().enumerate() {
            assert_eq!(rule as usize, place);
            assert!(rule.status().is_error() && rule.section().starts_with("RFC "), "{rule:?}");
            assert!(!rule.what().ends_with('.') && !rule.right().is_empty(), "{rule:?}");
        }
    }

    #[test]
    fn a_fault_is_one_line() {
        let fault = MultipartFault::new(MultipartRule::Incomplete, 7);
        let text = "the body ended before the last delimiter of the form (byte 7; RFC 2046, 5.1.1)";
        assert_eq!(fault.to_string(), text);
    }
}
