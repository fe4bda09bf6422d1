//! Writes a message to octets, with compressed names (RFC 1035, 4.1.4).

use super::name::suffixes;
use super::record::{Kind, Record, Type};

/// The most places of names that are remembered: all of a usual message, and so few that a message of
/// 64 KB with as many names as there can be takes some milliseconds.
const REMEMBERED: usize = 512;

/// A message under way, of at most `limit` octets.
pub(super) struct Writer<'m> {
    pub(super) bytes: Vec<u8>,
    pub(super) limit: usize,
    /// What can be pointed to: the names that were written, from each of their labels on, and where. They
    /// are compared with their case, because a pointer must not change what is shown (RFC 4343, 4.1,
    /// leaves it open; name servers keep it).
    names: Vec<(&'m [u8], u16)>,
}

impl<'m> Writer<'m> {
    /// Returns a writer for a message of at most `limit` octets, which begins with these.
    pub(super) fn new(bytes: Vec<u8>, limit: usize) -> Writer<'m> {
        Writer { bytes, limit, names: Vec::new() }
    }

    pub(super) fn u16(&mut self, value: u16) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    /// Writes with `write`, unless the message becomes longer than its limit; then nothing is written.
    /// Returns true if it is.
    pub(super) fn fits(&mut self, write: impl FnOnce(&mut Writer<'m>)) -> bool {
        let (bytes, names) = (self.bytes.len(), self.names.len());
        write(self);
        let fits = self.bytes.len() <= self.limit;
        if !fits {
            self.bytes.truncate(bytes);
            self.names.truncate(names);
        }
        fits
    }

    /// Writes a name, the end of it as a pointer if it has been written before.
    pub(super) fn name(&mut self, name: &'m [u8]) {
        for suffix in suffixes(name) {
            let label = &suffix[..=usize::from(suffix[0])];
            if label.len() > 1 {
                let known = self.names.iter().find(|(known, _)| *known == suffix);
                if let Some((_, at)) = known {
                    return self.u16(0xc000 | at);
                }
                if let Ok(at @ ..0x4000) = u16::try_from(self.bytes.len())
                    && self.names.len() < REMEMBERED
                {
                    self.names.push((suffix, at));
                }
            }
            self.bytes.extend_from_slice(label);
        }
    }

    pub(super) fn record(&mut self, record: &'m Record) {
        let Record { name, class, ttl, data } = record;
        self.name(name.wire());
        self.u16(data.record_type().0);
        self.u16(class.0);
        self.bytes.extend_from_slice(&ttl.to_be_bytes());
        let begin = self.bytes.len() + 2;
        self.u16(0);
        for (_, kind, octets) in data.fields() {
            match kind {
                // Only in the types of RFC 1035 (RFC 3597, 4).
                Kind::Name if data.record_type() <= Type::TXT => self.name(octets),
                _ => self.bytes.extend_from_slice(octets),
            }
        }
        // No data have more than 65,535 octets.
        let length = u16::try_from(self.bytes.len() - begin).unwrap_or(u16::MAX);
        self.bytes[begin - 2..begin].copy_from_slice(&length.to_be_bytes());
    }
}
