//! Reads a message from its octets.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::data::{Data, Source};
use super::fault::{Fault, Rule};
use super::name::{MAX_NAME, Name};
use super::record::{Class, Record, Type};

/// The two high bits of a length octet that make it a compression pointer (RFC 1035, 4.1.4).
const POINTER: u8 = 0b1100_0000;

/// A position in a message.
pub(super) struct Reader<'a> {
    message: &'a [u8],
    /// The offset of the next octet.
    pub(super) at: usize,
    /// The end of what may be read: of the message, or of a record's data.
    end: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(message: &'a [u8]) -> Reader<'a> {
        Reader { message, at: 0, end: message.len() }
    }

    pub(super) fn fault(&self, rule: Rule) -> Fault {
        Fault { rule, at: self.at }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.end
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let limit = self.at.checked_add(length).filter(|&to| to <= self.end);
        let to = limit.ok_or(Fault { rule: Rule::Short, at: self.end })?;
        let taken = &self.message[self.at..to];
        self.at = to;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub(super) fn record(&mut self) -> Result<Record, Fault> {
        let name = self.name("NAME")?;
        let (record_type, class) = (Type(self.u16("TYPE")?), Class(self.u16("CLASS")?));
        let ttl = match self.u32("TTL")? {
            // The highest bit makes it 0 (RFC 2181, 8). In an OPT record it is not a time.
            0x8000_0000.. if record_type != Type::OPT => 0,
            ttl => ttl,
        };
        let length = usize::from(self.u16("RDLENGTH")?);
        let start = self.at;
        self.take(length)?;
        let data = Reader { message: self.message, at: start, end: self.at }.data(record_type)?;
        Ok(Record { name, class, ttl, data })
    }

    /// Reads data of this type, up to the end and no further.
    pub(super) fn data(mut self, record_type: Type) -> Result<Data, Fault> {
        let data = Data::read(record_type, &mut self).map_err(|fault| match fault.rule {
            Rule::Short => Fault { rule: Rule::DataLength, ..fault },
            _ => fault,
        })?;
        if self.is_at_end() { Ok(data) } else { Err(self.fault(Rule::DataLength)) }
    }
}

impl Source for Reader<'_> {
    type Fault = Fault;

    /// Reads a name. Each pointer must point before the place where the last one led to, so that there is
    /// an end to them; and each label before the last pointer makes the name longer, so that it comes soon.
    fn name(&mut self, _: &'static str) -> Result<Name, Fault> {
        let mut wire = Vec::with_capacity(32);
        let (mut at, mut segment, mut after) = (self.at, self.at, None);
        let mut hops = 0;
        loop {
            let end = if after.is_some() { self.message.len() } else { self.end };
            let octet = |at: usize| {
                let octet = self.message.get(..end).and_then(|message| message.get(at));
                octet.copied().ok_or(Fault { rule: Rule::Short, at: end })
            };
            let length = octet(at)?;
            match length & POINTER {
                0 => {
                    let to = at + 1 + usize::from(length);
                    let label = self.message.get(..end).and_then(|message| message.get(at..to));
                    wire.extend_from_slice(label.ok_or(Fault { rule: Rule::Short, at: end })?);
                    if wire.len() > MAX_NAME {
                        return Err(Fault { rule: Rule::NameLength, at });
                    }
                    at = to;
                    if length == 0 {
                        break;
                    }
                }
                POINTER => {
                    let target =
                        usize::from(u16::from_be_bytes([length & !POINTER, octet(at + 1)?]));
                    hops += 1;
                    if target >= segment || hops > MAX_NAME / 2 {
                        return Err(Fault { rule: Rule::Pointer, at });
                    }
                    after.get_or_insert(at + 2);
                    (at, segment) = (target, target);
                }
                _ => return Err(Fault { rule: Rule::LabelType, at }),
            }
        }
        self.at = after.unwrap_or(at);
        Name::from_wire(wire).ok_or(self.fault(Rule::NameLength))
    }

    fn u16(&mut self, _: &'static str) -> Result<u16, Fault> {
        self.array().map(u16::from_be_bytes)
    }

    fn u32(&mut self, _: &'static str) -> Result<u32, Fault> {
        self.array().map(u32::from_be_bytes)
    }

    fn seconds(&mut self, name: &'static str) -> Result<u32, Fault> {
        self.u32(name)
    }

    fn ipv4(&mut self, _: &'static str) -> Result<Ipv4Addr, Fault> {
        self.array::<4>().map(Ipv4Addr::from)
    }

    fn ipv6(&mut self, _: &'static str) -> Result<Ipv6Addr, Fault> {
        self.array::<16>().map(Ipv6Addr::from)
    }

    fn texts(&mut self, _: &'static str) -> Result<Vec<Vec<u8>>, Fault> {
        let mut texts = Vec::new();
        while texts.is_empty() || !self.is_at_end() {
            let [length] = self.array()?;
            texts.push(self.take(usize::from(length))?.to_vec());
        }
        Ok(texts)
    }

    fn octets(&mut self, _: &'static str) -> Result<Vec<u8>, Fault> {
        self.take(self.end - self.at).map(<[u8]>::to_vec)
    }
}
