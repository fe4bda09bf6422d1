//! Writes a message to octets, with compressed names (RFC 1035, 4.1.4).

use super::data::{Data, Soa, Srv};
use super::name::{Name, suffixes};
use super::record::Record;

/// The largest offset that a pointer can have, plus 1.
const POINTABLE: usize = 1 << 14;
/// The most places of names that are remembered: all of a usual message, and so few that a message of
/// 64 KB with as many names as there can be takes some milliseconds.
const REMEMBERED: usize = 512;

/// A message under way, of at most `limit` octets.
pub(super) struct Writer {
    pub(super) bytes: Vec<u8>,
    limit: usize,
    /// Where names that were written begin, each label of them that is not a pointer; before each a number
    /// that is made of the name from there on, so that few names are compared.
    names: Vec<(u32, u16)>,
}

/// What did not fit into the message.
pub(super) struct Full;

impl Writer {
    /// Returns a writer for a message of at most `limit` octets, and at most 65,535 (RFC 1035, 4.2.2).
    pub(super) fn new(limit: usize) -> Writer {
        let limit = limit.min(usize::from(u16::MAX));
        Writer { bytes: Vec::with_capacity(limit.min(512)), limit, names: Vec::new() }
    }

    pub(super) fn u16(&mut self, value: u16) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    fn u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    /// Writes with `write`, unless the message becomes longer than its limit by it and by `reserved`
    /// octets; then nothing is written.
    pub(super) fn try_write(
        &mut self,
        reserved: usize,
        write: impl FnOnce(&mut Writer),
    ) -> Result<(), Full> {
        let (bytes, names) = (self.bytes.len(), self.names.len());
        write(self);
        if self.bytes.len() + reserved <= self.limit {
            return Ok(());
        }
        self.bytes.truncate(bytes);
        self.names.truncate(names);
        Err(Full)
    }

    /// Writes a name, the end of it as a pointer if it has been written before.
    pub(super) fn name(&mut self, name: &Name) {
        for suffix in suffixes(name.wire()) {
            let sum =
                suffix.iter().fold(0, |sum: u32, octet| sum.rotate_left(5) ^ u32::from(*octet));
            let mut known = self.names.iter().filter(|known| known.0 == sum);
            if let Some((_, at)) = known.find(|known| self.has(known.1.into(), suffix)) {
                return self.u16(0xc000 | at);
            }
            let label = &suffix[..=usize::from(suffix[0])];
            if self.bytes.len() < POINTABLE
                && self.names.len() < REMEMBERED
                && let Ok(at) = u16::try_from(self.bytes.len())
            {
                self.names.push((sum, at));
            }
            self.bytes.extend_from_slice(label);
        }
        self.bytes.push(0);
    }

    /// Returns true if the name at `at`, its pointers followed, is `name`, in the same case: a pointer
    /// must not change what is shown (RFC 4343, 4.1, leaves it open; name servers keep it).
    fn has(&self, mut at: usize, name: &[u8]) -> bool {
        for suffix in suffixes(name) {
            at = self.follow(at);
            let label = &suffix[..=usize::from(suffix[0])];
            if !self.bytes.get(at..).is_some_and(|written| written.starts_with(label)) {
                return false;
            }
            at += label.len();
        }
        self.bytes.get(self.follow(at)) == Some(&0)
    }

    /// Returns where the pointer at `at` points to, or `at` if there is none. No pointer of a writer
    /// points to another.
    fn follow(&self, at: usize) -> usize {
        match self.bytes.get(at..at + 2) {
            Some(&[high, low]) if high >= 0xc0 => {
                usize::from(u16::from_be_bytes([high & 0x3f, low]))
            }
            _ => at,
        }
    }

    pub(super) fn record(&mut self, record: &Record) {
        self.name(&record.name);
        self.u16(record.data.record_type().0);
        self.u16(record.class.0);
        self.u32(record.ttl);
        let length_at = self.bytes.len();
        self.u16(0);
        self.data(&record.data);
        let length = self.bytes.len() - length_at - 2;
        // Data beyond 64 KB make the message longer than its limit: it is not sent.
        let length = u16::try_from(length).unwrap_or(u16::MAX);
        self.bytes[length_at..length_at + 2].copy_from_slice(&length.to_be_bytes());
    }

    fn data(&mut self, data: &Data) {
        match data {
            Data::A(address) => self.bytes.extend_from_slice(&address.octets()),
            Data::Aaaa(address) => self.bytes.extend_from_slice(&address.octets()),
            Data::Cname(name) | Data::Ns(name) | Data::Ptr(name) => self.name(name),
            Data::Soa(Soa { primary, mailbox, serial, refresh, retry, expire, minimum }) => {
                self.name(primary);
                self.name(mailbox);
                for number in [serial, refresh, retry, expire, minimum] {
                    self.u32(*number);
                }
            }
            Data::Mx(preference, exchange) => {
                self.u16(*preference);
                self.name(exchange);
            }
            Data::Txt(texts) => {
                // A record has one text at least, and each has at most 255 octets: whoever makes the record
                // sees to it.
                let empty = [Vec::new()];
                for text in if texts.is_empty() { &empty[..] } else { texts } {
                    let text = &text[..text.len().min(usize::from(u8::MAX))];
                    self.bytes.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
                    self.bytes.extend_from_slice(text);
                }
            }
            Data::Srv(Srv { priority, weight, port, target }) => {
                for number in [priority, weight, port] {
                    self.u16(*number);
                }
                // Not compressed (RFC 2782; RFC 3597, 4).
                self.bytes.extend_from_slice(target.wire());
            }
            Data::Other(_, octets) => self.bytes.extend_from_slice(octets),
        }
    }
}
