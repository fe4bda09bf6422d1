//! The data of a record, by its type: each is a row of fields, which are read alike from octets and from
//! words.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::name::Name;
use super::record::Type;

/// The data of a record, by its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// An IPv4 address.
    A(Ipv4Addr),
    /// An IPv6 address (RFC 3596).
    Aaaa(Ipv6Addr),
    /// The canonical name, of which the owner is an alias.
    Cname(Name),
    /// A name server of the zone.
    Ns(Name),
    /// Another name, for an address: the reverse look-up.
    Ptr(Name),
    /// The start of a zone.
    Soa(Soa),
    /// A host that takes mail; the lowest preference is tried first.
    Mx(u16, Name),
    /// Texts, of at most 255 octets each.
    Txt(Vec<Vec<u8>>),
    /// Where a service is (RFC 2782).
    Srv(Srv),
    /// The data of any other type, as octets (RFC 3597).
    Other(Type, Vec<u8>),
}

/// The data of an SOA record (RFC 1035, 3.3.13). Times are in seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Soa {
    /// The name server that has the zone first.
    pub primary: Name,
    /// The mailbox of whoever is responsible: its first label is the part before the `@`.
    pub mailbox: Name,
    /// The version of the zone.
    pub serial: u32,
    /// When a secondary server asks again.
    pub refresh: u32,
    /// When it asks again after a failure.
    pub retry: u32,
    /// When it gives the zone up.
    pub expire: u32,
    /// How long the absence of a name or a record may be kept (RFC 2308, 4).
    pub minimum: u32,
}

/// The data of an SRV record (RFC 2782).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Srv {
    /// The lowest is tried first.
    pub priority: u16,
    /// The share among those of one priority.
    pub weight: u16,
    /// The port of the service.
    pub port: u16,
    /// The host.
    pub target: Name,
}

/// What data are read from, field by field: octets, or words. RFC 1035 calls the field `name`.
pub(super) trait Source {
    type Fault;
    fn name(&mut self, name: &'static str) -> Result<Name, Self::Fault>;
    fn u16(&mut self, name: &'static str) -> Result<u16, Self::Fault>;
    fn u32(&mut self, name: &'static str) -> Result<u32, Self::Fault>;
    /// Reads a number of seconds: words may have units.
    fn seconds(&mut self, name: &'static str) -> Result<u32, Self::Fault>;
    fn ipv4(&mut self, name: &'static str) -> Result<Ipv4Addr, Self::Fault>;
    fn ipv6(&mut self, name: &'static str) -> Result<Ipv6Addr, Self::Fault>;
    /// Reads texts of at most 255 octets, up to the end; at least one (RFC 1035, 3.3.14).
    fn texts(&mut self, name: &'static str) -> Result<Vec<Vec<u8>>, Self::Fault>;
    /// Reads octets, up to the end.
    fn octets(&mut self, name: &'static str) -> Result<Vec<u8>, Self::Fault>;
}

impl Data {
    /// Returns the type of a record with these data.
    pub fn record_type(&self) -> Type {
        match self {
            Data::A(_) => Type::A,
            Data::Aaaa(_) => Type::AAAA,
            Data::Cname(_) => Type::CNAME,
            Data::Ns(_) => Type::NS,
            Data::Ptr(_) => Type::PTR,
            Data::Soa(_) => Type::SOA,
            Data::Mx(..) => Type::MX,
            Data::Txt(_) => Type::TXT,
            Data::Srv(_) => Type::SRV,
            Data::Other(other, _) => *other,
        }
    }

    /// Reads the fields of this type, in their order.
    pub(super) fn read<S: Source>(record_type: Type, from: &mut S) -> Result<Data, S::Fault> {
        Ok(match record_type {
            Type::A => Data::A(from.ipv4("ADDRESS")?),
            Type::AAAA => Data::Aaaa(from.ipv6("ADDRESS")?),
            Type::CNAME => Data::Cname(from.name("CNAME")?),
            Type::NS => Data::Ns(from.name("NSDNAME")?),
            Type::PTR => Data::Ptr(from.name("PTRDNAME")?),
            Type::SOA => Data::Soa(Soa {
                primary: from.name("MNAME")?,
                mailbox: from.name("RNAME")?,
                serial: from.u32("SERIAL")?,
                refresh: from.seconds("REFRESH")?,
                retry: from.seconds("RETRY")?,
                expire: from.seconds("EXPIRE")?,
                minimum: from.seconds("MINIMUM")?,
            }),
            Type::MX => Data::Mx(from.u16("PREFERENCE")?, from.name("EXCHANGE")?),
            Type::TXT => Data::Txt(from.texts("TXT-DATA")?),
            Type::SRV => Data::Srv(Srv {
                priority: from.u16("PRIORITY")?,
                weight: from.u16("WEIGHT")?,
                port: from.u16("PORT")?,
                target: from.name("TARGET")?,
            }),
            other => Data::Other(other, from.octets("RDATA")?),
        })
    }
}
