//! Resource records: who owns what, for how long (RFC 1035, 3.2). The data of a record are octets, and the
//! fields that they are, by the table of types. What reads, writes, parses and shows data goes through the
//! fields.

use std::fmt;
use std::net::IpAddr;

use super::name::{Name, escape, suffixes};
use super::reader::{Fault, Reader};

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

/// The data of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Data {
    record_type: Type,
    fields: Fields,
    /// As in a message, but each name is whole.
    pub(super) octets: Box<[u8]>,
}

/// The type of a record, or of a question (RFC 1035, 3.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Type(pub u16);

/// The data of a type that is not known: octets (RFC 3597).
const OCTETS: Fields = &[("RDATA", Kind::Octets)];
/// The data of an SOA record (RFC 1035, 3.3.13).
const SOA: Fields = &[
    ("MNAME", Kind::Name),
    ("RNAME", Kind::Name),
    ("SERIAL", Kind::U32),
    ("REFRESH", Kind::U32),
    ("RETRY", Kind::U32),
    ("EXPIRE", Kind::U32),
    ("MINIMUM", Kind::U32),
];
/// The data of an SRV record (RFC 2782).
const SRV: Fields =
    &[("PRIORITY", Kind::U16), ("WEIGHT", Kind::U16), ("PORT", Kind::U16), ("TARGET", Kind::Name)];

/// The types that have a name here, and the fields of their data (RFC 1035, 3.3; RFC 3596).
const TYPES: [(Type, &str, Fields); 14] = [
    (Type::A, "A", &[("ADDRESS", Kind::Ipv4)]),
    (Type::NS, "NS", &[("NSDNAME", Kind::Name)]),
    (Type::CNAME, "CNAME", &[("CNAME", Kind::Name)]),
    (Type::SOA, "SOA", SOA),
    (Type::PTR, "PTR", &[("PTRDNAME", Kind::Name)]),
    (Type::MX, "MX", &[("PREFERENCE", Kind::U16), ("EXCHANGE", Kind::Name)]),
    (Type::TXT, "TXT", &[("TXT-DATA", Kind::Text)]),
    (Type::AAAA, "AAAA", &[("ADDRESS", Kind::Ipv6)]),
    (Type::SRV, "SRV", SRV),
    (Type::OPT, "OPT", OCTETS),
    (Type(252), "AXFR", OCTETS),
    (Type::ANY, "ANY", OCTETS),
    (Type(257), "CAA", OCTETS),
    (Type(65), "HTTPS", OCTETS),
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
    pub const ANY: Type = Type(255);

    /// Parses a name such as `MX`, in any case, or `TYPE15` (RFC 3597, 5).
    pub fn parse(text: &str) -> Option<Type> {
        let text = text.to_ascii_uppercase();
        let named = TYPES.iter().find(|known| known.1 == text);
        named.map(|known| known.0).or_else(|| text.strip_prefix("TYPE")?.parse().ok().map(Type))
    }

    /// Returns the fields of the data of this type.
    pub(super) fn fields(self) -> Fields {
        TYPES.iter().find(|known| known.0 == self).map_or(OCTETS, |known| known.2)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match TYPES.iter().find(|known| known.0 == *self) {
            Some((_, name, _)) => f.pad(name),
            None => f.pad(&format!("TYPE{}", self.0)),
        }
    }
}

/// The class of a record: a family of protocols (RFC 1035, 3.2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Class(pub u16);

impl Class {
    /// The Internet.
    pub const IN: Class = Class(1);
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Class::IN => f.pad("IN"),
            Class(number) => f.pad(&format!("CLASS{number}")),
        }
    }
}

/// A line of a master file, with tabs between the owner, the TTL, the class, the type and the data.
impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Record { name, ttl, class, data } = self;
        write!(f, "{name}\t{ttl}\t{class}\t{}\t{data}", data.record_type())
    }
}

/// The fields of the data of a type, in their order, with the names that the RFCs call them.
pub(super) type Fields = &'static [(&'static str, Kind)];

/// What a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A name, which may be compressed.
    Name,
    /// A number of two octets.
    U16,
    /// A number of four octets, also of seconds: in a master file it may have units.
    U32,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// A text of at most 255 octets, after its length; more of them may follow (RFC 1035, 3.3.14).
    Text,
    /// All octets that are left.
    Octets,
}

impl Kind {
    /// Returns how many octets a field of this kind has at the beginning of `rest`, where names are whole.
    pub(super) fn length(self, rest: &[u8]) -> usize {
        match self {
            Kind::Name => suffixes(rest).map(|suffix| 1 + usize::from(suffix[0])).sum(),
            Kind::U16 => 2,
            Kind::U32 | Kind::Ipv4 => 4,
            Kind::Ipv6 => 16,
            Kind::Text => 1 + usize::from(rest.first().copied().unwrap_or(0)),
            Kind::Octets => rest.len(),
        }
    }
}

/// Returns the field with this number. After the last one there are `more` only if it is a text.
pub(super) fn field(fields: Fields, number: usize, more: bool) -> Option<(&'static str, Kind)> {
    let again = fields.last().filter(|(_, kind)| more && *kind == Kind::Text);
    fields.get(number).or(again).copied()
}

impl Data {
    /// Returns the data of a record of this type: the octets that it has in a message. A type that is not
    /// known here has any octets (RFC 3597).
    ///
    /// # Errors
    /// [`Fault`], if the fields of the type are other ones.
    pub fn new(record_type: Type, octets: &[u8]) -> Result<Data, Fault> {
        match u16::try_from(octets.len()) {
            Ok(_) => Reader::new(octets, &mut |_| ()).data(record_type),
            Err(_) => Err(Fault { rule: Fault::DATA_LENGTH, at: usize::from(u16::MAX) }),
        }
    }

    /// Returns data whose octets are these fields.
    pub(super) fn of(record_type: Type, fields: Fields, octets: &[u8]) -> Data {
        Data { record_type, fields, octets: octets.into() }
    }

    /// Returns the type of a record with these data.
    pub fn record_type(&self) -> Type {
        self.record_type
    }

    /// Returns the fields, each with its name and its octets.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&'static str, Kind, &[u8])> {
        let mut rest = &self.octets[..];
        (0..).map_while(move |number| {
            let (name, kind) = field(self.fields, number, !rest.is_empty())?;
            let (octets, after) = rest.split_at(kind.length(rest));
            rest = after;
            Some((name, kind, octets))
        })
    }

    /// Returns the address in an A or AAAA record.
    pub fn address(&self) -> Option<IpAddr> {
        let address = matches!(self.record_type, Type::A | Type::AAAA).then(|| &*self.octets);
        address.and_then(ip_address)
    }

    /// Returns the first name in the data: of an alias, a server, a host.
    pub fn name(&self) -> Option<Name> {
        let mut fields = self.fields();
        fields.find(|field| field.1 == Kind::Name).map(|field| Name::from_wire(field.2))
    }

    /// Returns the number in the field with this name, such as `SERIAL`.
    pub fn number(&self, name: &str) -> Option<u32> {
        self.fields().find(|field| field.0 == name).map(|field| number(field.2))
    }
}

fn ip_address(octets: &[u8]) -> Option<IpAddr> {
    let v6 = || <[u8; 16]>::try_from(octets).map(IpAddr::from);
    <[u8; 4]>::try_from(octets).map(IpAddr::from).or_else(|_| v6()).ok()
}

pub(super) fn number(octets: &[u8]) -> u32 {
    octets.iter().fold(0, |sum, octet| sum << 8 | u32::from(*octet))
}

/// A field, and its octets; a name is whole.
#[derive(Debug, Clone, Copy)]
pub struct Field<'a>(pub Kind, pub &'a [u8]);

/// The field as in a master file.
impl fmt::Display for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Field(kind, octets) = self;
        match kind {
            Kind::Name => Name::from_wire(octets).fmt(f),
            Kind::U16 | Kind::U32 => number(octets).fmt(f),
            Kind::Ipv4 | Kind::Ipv6 => ip_address(octets).iter().try_for_each(|it| it.fmt(f)),
            Kind::Text => {
                f.write_str("\"")?;
                octets[1..].iter().try_for_each(|&octet| escape(octet, b"\"\\", b' ', f))?;
                f.write_str("\"")
            }
            Kind::Octets => {
                write!(f, r"\# {}", octets.len())?;
                f.write_str(if octets.is_empty() { "" } else { " " })?;
                octets.iter().try_for_each(|octet| write!(f, "{octet:02X}"))
            }
        }
    }
}

/// The fields, as in a master file.
impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fields().enumerate().try_for_each(|(number, (_, kind, octets))| {
            f.write_str(if number == 0 { "" } else { " " })?;
            Field(kind, octets).fmt(f)
        })
    }
}
