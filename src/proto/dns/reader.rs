//! Reads a message from its octets.

use std::fmt::Display;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use super::data::{Data, Source};
use super::fault::{Fault, Rule};
use super::name::{MAX_NAME, Name};
use super::presentation::Quoted;
use super::record::{Class, Record, Type};

/// The two high bits of a length octet that make it a compression pointer (RFC 1035, 4.1.4).
const POINTER: u8 = 0b1100_0000;

/// What the decoder has come to.
pub enum Seen<'a> {
    /// A question or a record begins: the section, and the number in it, from 1.
    Begins(&'static str, u16),
    /// A field has been read.
    Field {
        /// What the RFC calls it.
        name: &'static str,
        /// Where it is in the message.
        octets: Range<usize>,
        /// What it says.
        value: &'a dyn Display,
    },
}

/// A position in a message.
pub(super) struct Reader<'a, 't> {
    message: &'a [u8],
    /// The offset of the next octet.
    pub(super) at: usize,
    /// The end of what may be read: of the message, or of a record's data.
    end: usize,
    /// Is told what is read.
    tell: Option<&'t mut dyn FnMut(Seen<'_>)>,
}

impl<'a, 't> Reader<'a, 't> {
    pub(super) fn new(
        message: &'a [u8],
        tell: Option<&'t mut dyn FnMut(Seen<'_>)>,
    ) -> Reader<'a, 't> {
        Reader { message, at: 0, end: message.len(), tell }
    }

    pub(super) fn fault(&self, rule: Rule) -> Fault {
        Fault { rule, at: self.at }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.end
    }

    /// Tells that a question or a record begins.
    pub(super) fn begins(&mut self, section: &'static str, number: u16) {
        if let Some(tell) = &mut self.tell {
            tell(Seen::Begins(section, number));
        }
    }

    /// Tells the field that begins at `from` and has been read.
    fn told(&mut self, name: &'static str, from: usize, value: &dyn Display) {
        if let Some(tell) = &mut self.tell {
            tell(Seen::Field { name, octets: from..self.at, value });
        }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let limit = self.at.checked_add(length).filter(|&to| to <= self.end);
        let to = limit.ok_or(Fault { rule: Rule::Short, at: self.end })?;
        let taken = &self.message[self.at..to];
        self.at = to;
        Ok(taken)
    }

    fn fixed<const N: usize, T: Display>(
        &mut self,
        name: &'static str,
        value: impl FnOnce([u8; N]) -> T,
    ) -> Result<T, Fault> {
        let (from, mut octets) = (self.at, [0; N]);
        octets.copy_from_slice(self.take(N)?);
        let value = value(octets);
        self.told(name, from, &value);
        Ok(value)
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
        let end = Some(self.at + length).filter(|&end| end <= self.end);
        let end = end.ok_or(Fault { rule: Rule::Short, at: self.end })?;
        let whole = std::mem::replace(&mut self.end, end);
        let data = self.data(record_type, class)?;
        self.end = whole;
        Ok(Record { name, class, ttl, data })
    }

    /// Reads data of this type, up to the end and no further.
    pub(super) fn data(&mut self, record_type: Type, class: Class) -> Result<Data, Fault> {
        let is_other = match record_type {
            // They are another thing in each class (RFC 1035, 3.4).
            Type::A | Type::AAAA => class != Class::IN,
            // An update names records without their data (RFC 2136, 2.4).
            _ => class != Class::IN && self.is_at_end(),
        };
        let data = match is_other {
            true => self.octets("RDATA").map(|octets| Data::Other(record_type, octets)),
            false => Data::read(record_type, self),
        };
        let data = data.map_err(|fault| match fault.rule {
            Rule::Short => Fault { rule: Rule::DataLength, ..fault },
            _ => fault,
        })?;
        if self.is_at_end() { Ok(data) } else { Err(self.fault(Rule::DataLength)) }
    }
}

impl Source for Reader<'_, '_> {
    type Fault = Fault;

    /// Reads a name. Each pointer must point before the place where the last one led to, so that there is
    /// an end to them; and each label before the last pointer makes the name longer, so that it comes soon.
    fn name(&mut self, name: &'static str) -> Result<Name, Fault> {
        let (mut wire, mut length) = ([0; MAX_NAME], 0);
        let (mut at, mut segment, mut after) = (self.at, self.at, None);
        let mut hops = 0;
        loop {
            let end = if after.is_some() { self.message.len() } else { self.end };
            let short = Fault { rule: Rule::Short, at: end };
            let octets = |from: usize, to: usize| self.message[..end].get(from..to).ok_or(short);
            let first = octets(at, at + 1)?[0];
            match first & POINTER {
                0 => {
                    let label = octets(at, at + 1 + usize::from(first))?;
                    let room = wire.get_mut(length..length + label.len());
                    room.ok_or(Fault { rule: Rule::NameLength, at })?.copy_from_slice(label);
                    length += label.len();
                    at += label.len();
                    if first == 0 {
                        break;
                    }
                }
                POINTER => {
                    let low = octets(at + 1, at + 2)?[0];
                    let target = usize::from(u16::from_be_bytes([first & !POINTER, low]));
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
        let from = std::mem::replace(&mut self.at, after.unwrap_or(at));
        let found = Name::from_wire(&wire[..length]);
        self.told(name, from, &found);
        Ok(found)
    }

    fn u16(&mut self, name: &'static str) -> Result<u16, Fault> {
        self.fixed(name, u16::from_be_bytes)
    }

    fn u32(&mut self, name: &'static str) -> Result<u32, Fault> {
        self.fixed(name, u32::from_be_bytes)
    }

    fn seconds(&mut self, name: &'static str) -> Result<u32, Fault> {
        self.u32(name)
    }

    fn ipv4(&mut self, name: &'static str) -> Result<Ipv4Addr, Fault> {
        self.fixed(name, |octets: [u8; 4]| octets.into())
    }

    fn ipv6(&mut self, name: &'static str) -> Result<Ipv6Addr, Fault> {
        self.fixed(name, |octets: [u8; 16]| octets.into())
    }

    fn texts(&mut self, name: &'static str) -> Result<Vec<Vec<u8>>, Fault> {
        let mut texts = Vec::new();
        while texts.is_empty() || !self.is_at_end() {
            let from = self.at;
            let length = self.take(1)?[0];
            let text = self.take(usize::from(length))?;
            self.told(name, from, &Quoted(text));
            texts.push(text.to_vec());
        }
        Ok(texts)
    }

    fn octets(&mut self, name: &'static str) -> Result<Vec<u8>, Fault> {
        let from = self.at;
        let octets = self.take(self.end - self.at)?;
        self.told(name, from, &format_args!("{} octets", octets.len()));
        Ok(octets.to_vec())
    }
}
