//! What can be wrong with a coded body.

use super::{ACCEPTED, Coding, MAX_CODINGS};

/// A rule that a coded body breaks, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodingFault {
    /// The coding; `None`: the list of the codings is wrong.
    pub coding: Option<Coding>,
    /// The rule.
    pub rule: CodingRule,
    /// How many bytes of the coded data are right, or nearly: data is taken in pieces.
    pub offset: u64,
}

/// A rule of a content coding.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodingRule {
    /// This coding cannot be decoded.
    Unknown(String),
    /// There are too many codings.
    TooMany,
    /// The data does not begin as data of this coding does.
    Start,
    /// gzip: the compression method is not deflate.
    Method,
    /// gzip: a reserved flag is set.
    ReservedFlag,
    /// gzip: the checksum of the head is wrong.
    HeadChecksum,
    /// zlib: a preset dictionary is needed.
    Dictionary,
    /// The compressed data is wrong.
    Data,
    /// The checksum of the content is wrong.
    Checksum,
    /// gzip: the length of the content is wrong.
    Length,
    /// There is more behind the end.
    Trailing,
    /// The end is missing.
    Incomplete,
    /// The data becomes too long before its last coding is removed.
    Expansion,
}

impl CodingFault {
    pub(super) fn of_list(rule: CodingRule) -> CodingFault {
        CodingFault { coding: None, rule, offset: 0 }
    }
}

impl std::fmt::Display for CodingFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some(coding) = self.coding else { return self.rule.fmt(f) };
        write!(f, "{} at byte {}: {}", coding.name(), self.offset, self.rule)
    }
}

/// Writes what is wrong, and where that is written.
impl std::fmt::Display for CodingRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            CodingRule::Unknown(name) => {
                return write!(f, "the coding {name:?} is not known; right: {ACCEPTED}");
            }
            CodingRule::TooMany => {
                return write!(f, "the body has more than {MAX_CODINGS} codings");
            }
            CodingRule::Start => "the data does not begin as this coding does",
            CodingRule::Method => "the compression method is not deflate (RFC 1952, 2.3.1)",
            CodingRule::ReservedFlag => "a reserved flag is set (RFC 1952, 2.3.1.2)",
            CodingRule::HeadChecksum => "the checksum of the head is wrong (RFC 1952, 2.3.1)",
            CodingRule::Dictionary => "a preset dictionary is needed (RFC 1950, 2.2)",
            CodingRule::Data => "the compressed data is wrong",
            CodingRule::Checksum => "the checksum of the content is wrong",
            CodingRule::Length => "the length of the content is wrong (RFC 1952, 2.3.1)",
            CodingRule::Trailing => "there is more behind the end of the data",
            CodingRule::Incomplete => "the end of the data is missing",
            CodingRule::Expansion => "the data becomes too long between its codings",
        })
    }
}

impl std::error::Error for CodingFault {}
