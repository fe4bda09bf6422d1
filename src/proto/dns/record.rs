//! Resource records: who owns what, for how long (RFC 1035, 3.2).

use std::fmt;

use super::data::Data;
use super::name::Name;

/// A resource record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The name that owns it.
    pub name: Name,
    /// The class: [`Class::IN`], but for special uses.
    pub class: Class,
    /// For how many seconds it may be kept.
    pub ttl: u32,
    /// What it says.
    pub data: Data,
}

/// The type of a record, or of a question (RFC 1035, 3.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Type(pub u16);

/// The types that have a name here.
const TYPES: [(Type, &str); 14] = [
    (Type::A, "A"),
    (Type::NS, "NS"),
    (Type::CNAME, "CNAME"),
    (Type::SOA, "SOA"),
    (Type::PTR, "PTR"),
    (Type::MX, "MX"),
    (Type::TXT, "TXT"),
    (Type::AAAA, "AAAA"),
    (Type::SRV, "SRV"),
    (Type::OPT, "OPT"),
    (Type(252), "AXFR"),
    (Type(255), "ANY"),
    (Type(257), "CAA"),
    (Type(65), "HTTPS"),
];

#[allow(missing_docs)]
impl Type {
    pub const A: Type = Type(1);
    pub const NS: Type = Type(2);
    pub const CNAME: Type = Type(5);
    pub const SOA: Type = Type(6);
    pub const PTR: Type = Type(12);
    pub const MX: Type = Type(15);
    pub const TXT: Type = Type(16);
    pub const AAAA: Type = Type(28);
    pub const SRV: Type = Type(33);
    pub const OPT: Type = Type(41);
    pub const AXFR: Type = Type(252);
    pub const ANY: Type = Type(255);

    /// Parses a name such as `MX`, in any case, or `TYPE15` (RFC 3597, 5).
    pub fn parse(text: &str) -> Option<Type> {
        let named = TYPES.iter().find(|(_, name)| name.eq_ignore_ascii_case(text));
        named.map(|(found, _)| *found).or_else(|| numbered(text, "TYPE").map(Type))
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match TYPES.iter().find(|(known, _)| known == self) {
            Some((_, name)) => f.pad(name),
            None => f.pad(&format!("TYPE{}", self.0)),
        }
    }
}

/// The class of a record: a family of protocols (RFC 1035, 3.2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Class(pub u16);

#[allow(missing_docs)]
impl Class {
    /// The Internet.
    pub const IN: Class = Class(1);
    /// Chaosnet; name servers tell their version in it.
    pub const CH: Class = Class(3);
    /// Any class, in a question.
    pub const ANY: Class = Class(255);

    /// Parses `IN`, `CH`, `ANY` in any case, or `CLASS1` (RFC 3597, 5).
    pub fn parse(text: &str) -> Option<Class> {
        match text.to_ascii_uppercase().as_str() {
            "IN" => Some(Class::IN),
            "CH" => Some(Class::CH),
            "ANY" => Some(Class::ANY),
            _ => numbered(text, "CLASS").map(Class),
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Class::IN => f.pad("IN"),
            Class::CH => f.pad("CH"),
            Class::ANY => f.pad("ANY"),
            Class(number) => f.pad(&format!("CLASS{number}")),
        }
    }
}

/// Returns the number after `word`.
fn numbered(text: &str, word: &str) -> Option<u16> {
    let (start, number) = text.split_at_checked(word.len())?;
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    (start.eq_ignore_ascii_case(word) && digits).then(|| number.parse().ok())?
}
