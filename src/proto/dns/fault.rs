//! What is wrong with a message, where, and which section says so.

/// A message that cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// The rule that is broken.
    pub rule: Rule,
    /// The offset in the message, in octets from 0.
    pub at: usize,
}

/// A rule of RFC 1035 or RFC 6891.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The message is shorter than its header or its lengths say.
    Short,
    /// A label begins with neither 00 (a length) nor 11 (a pointer).
    LabelType,
    /// A pointer does not point to an earlier name.
    Pointer,
    /// A name has more than 255 octets.
    NameLength,
    /// The data of a record are longer or shorter than its length says.
    DataLength,
    /// More octets follow the last record.
    Trailing,
    /// A message has more than one OPT record, or one whose owner is not the root.
    Opt,
}

impl Rule {
    /// Returns the rule in words, and the section it is from.
    fn text(self) -> &'static str {
        match self {
            Rule::Short => "it ends here, but more was announced (RFC 1035, 4.1)",
            Rule::LabelType => "a label must begin with the bits 00 or 11 (RFC 1035, 4.1.4)",
            Rule::Pointer => "a pointer must point to an earlier name (RFC 1035, 4.1.4)",
            Rule::NameLength => "a name has at most 255 octets (RFC 1035, 2.3.4)",
            Rule::DataLength => "RDLENGTH must be the length of the data (RFC 1035, 3.2.1)",
            Rule::Trailing => "nothing may follow the last record (RFC 1035, 4.1)",
            Rule::Opt => "one OPT record at most, owned by the root (RFC 6891, 6.1.1)",
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "invalid DNS message at byte {}: {}", self.at, self.rule.text())
    }
}

impl std::error::Error for Fault {}
