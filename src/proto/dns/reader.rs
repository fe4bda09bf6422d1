//! Reads a message from its octets.

use std::borrow::Cow;
use std::ops::Range;

use super::name::{MAX_NAME, Name};
use super::record::{Class, Data, Field, Kind, Record, Type, field, number};

/// A message that cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// The rule that is broken, and where it is from.
    pub rule: &'static str,
    /// The offset in the message, in octets from 0.
    pub at: usize,
}

#[allow(missing_docs)]
impl Fault {
    pub const SHORT: &str = "it ends here, but more was announced (RFC 1035, 4.1)";
    pub const LABEL_TYPE: &str = "a label must begin with the bits 00 or 11 (RFC 1035, 4.1.4)";
    pub const POINTER: &str = "a pointer must point to an earlier name (RFC 1035, 4.1.4)";
    pub const NAME_LENGTH: &str = "a name has at most 255 octets (RFC 1035, 2.3.4)";
    pub const DATA_LENGTH: &str = "RDLENGTH must be the length of the data (RFC 1035, 3.2.1)";
    pub const TRAILING: &str = "nothing may follow the last record (RFC 1035, 4.1)";
    pub const OPT: &str = "one OPT record at most, owned by the root (RFC 6891, 6.1.1)";
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "invalid DNS message at byte {}: {}", self.at, self.rule)
    }
}

impl std::error::Error for Fault {}

/// A field that has been read. When a question or a record begins, there is one without octets: its
/// section, and the number in it, from 1.
#[derive(Debug, Clone)]
pub struct Seen<'a> {
    /// What the RFC calls it.
    pub name: &'static str,
    /// Where it is in the message.
    pub octets: Range<usize>,
    /// What it says.
    pub field: Field<'a>,
}

/// A position in a message.
pub(super) struct Reader<'a, 't> {
    message: &'a [u8],
    /// The offset of the next octet.
    pub(super) at: usize,
    /// The end of what may be read: of the message, or of a record's data.
    end: usize,
    /// Is told what is read.
    tell: &'t mut dyn FnMut(Seen<'_>),
}

impl<'a, 't> Reader<'a, 't> {
    pub(super) fn new(message: &'a [u8], tell: &'t mut dyn FnMut(Seen<'_>)) -> Reader<'a, 't> {
        Reader { message, at: 0, end: message.len(), tell }
    }

    /// Fails by this rule, unless all has been read.
    pub(super) fn ends(&self, rule: &'static str) -> Result<(), Fault> {
        if self.at == self.end { Ok(()) } else { Err(Fault { rule, at: self.at }) }
    }

    /// Tells that a question or a record begins.
    pub(super) fn begins(&mut self, name: &'static str, number: u16) {
        let (octets, number) = (self.at..self.at, number.to_be_bytes());
        (self.tell)(Seen { name, octets, field: Field(Kind::U16, &number) });
    }

    /// Reads a field. Returns its octets, those of a name without pointers.
    fn field(&mut self, name: &'static str, kind: Kind) -> Result<Cow<'a, [u8]>, Fault> {
        let (begin, rest) = (self.at, &self.message[self.at..self.end]);
        let value = if kind == Kind::Name {
            Cow::Owned(self.labels()?)
        } else {
            let short = Fault { rule: Fault::SHORT, at: self.end };
            let value = rest.get(..kind.length(rest)).ok_or(short)?;
            self.at += value.len();
            Cow::Borrowed(value)
        };
        (self.tell)(Seen { name, octets: begin..self.at, field: Field(kind, &value) });
        Ok(value)
    }

    pub(super) fn name(&mut self, name: &'static str) -> Result<Name, Fault> {
        self.field(name, Kind::Name).map(|wire| Name::from_wire(&wire))
    }

    pub(super) fn u16(&mut self, name: &'static str) -> Result<u16, Fault> {
        self.field(name, Kind::U16).map(|octets| u16::from_be_bytes([octets[0], octets[1]]))
    }

    /// Reads a name. Each pointer must point before the place where the last one led to, so
    /// that there is an end to them; and each label before the last pointer makes the name longer, so that
    /// it comes soon.
    fn labels(&mut self) -> Result<Vec<u8>, Fault> {
        let (mut wire, mut hops) = (Vec::with_capacity(32), 0);
        let (mut at, mut segment, mut after) = (self.at, self.at, None);
        loop {
            let end = if after.is_some() { self.message.len() } else { self.end };
            let (rest, short) = (&self.message[at..end], Fault { rule: Fault::SHORT, at: end });
            match *rest {
                [length @ 0..0x40, ..] => {
                    let label = rest.get(..=usize::from(length)).ok_or(short)?;
                    wire.extend_from_slice(label);
                    if wire.len() > MAX_NAME {
                        return Err(Fault { rule: Fault::NAME_LENGTH, at });
                    }
                    at += label.len();
                    if length == 0 {
                        break;
                    }
                }
                [high @ 0xc0..=0xff, low, ..] => {
                    let target = usize::from(u16::from_be_bytes([high & 0x3f, low]));
                    hops += 1;
                    if target >= segment || hops > MAX_NAME / 2 {
                        return Err(Fault { rule: Fault::POINTER, at });
                    }
                    after.get_or_insert(at + 2);
                    (at, segment) = (target, target);
                }
                [] | [0xc0..=0xff] => return Err(short),
                _ => return Err(Fault { rule: Fault::LABEL_TYPE, at }),
            }
        }
        self.at = after.unwrap_or(at);
        Ok(wire)
    }

    pub(super) fn record(&mut self) -> Result<Record, Fault> {
        let name = self.name("NAME")?;
        let (record_type, class) = (Type(self.u16("TYPE")?), Class(self.u16("CLASS")?));
        let ttl = match number(&self.field("TTL", Kind::U32)?) {
            // The highest bit makes it 0 (RFC 2181, 8). In an OPT record it is not a time.
            0x8000_0000.. if record_type != Type::OPT => 0,
            ttl => ttl,
        };
        let end = usize::from(self.u16("RDLENGTH")?) + self.at;
        if end > self.end {
            return Err(Fault { rule: Fault::SHORT, at: self.end });
        }
        let whole = std::mem::replace(&mut self.end, end);
        let data = self.data(record_type)?;
        self.end = whole;
        Ok(Record { name, class, ttl, data })
    }

    /// Reads data of this type, up to the end and no further.
    pub(super) fn data(&mut self, record_type: Type) -> Result<Data, Fault> {
        let (fields, mut octets) = (record_type.fields(), Vec::new());
        for number in 0.. {
            let Some((name, kind)) = field(fields, number, self.at < self.end) else { break };
            let value = self.field(name, kind).map_err(|fault| match fault.rule {
                Fault::SHORT => Fault { rule: Fault::DATA_LENGTH, ..fault },
                _ => fault,
            })?;
            octets.extend_from_slice(&value);
        }
        self.ends(Fault::DATA_LENGTH)?;
        Ok(Data::of(record_type, fields, &octets))
    }
}
