//! A zone in memory: the records of each name, and which of them a question finds (RFC 1034, 4.3.2;
//! RFC 4592; RFC 2308).

use std::collections::HashMap;
use std::iter::successors;

use crate::proto::dns::{Name, Record, Type};

/// A zone: its records, by the name that owns them.
#[derive(Debug)]
pub struct Zone {
    /// The name at which it begins.
    pub(super) origin: Name,
    /// The names that exist: they own records, or are above one that does (RFC 4592, 2.2.2).
    names: HashMap<Name, Vec<Record>>,
    /// The SOA record with the time for which an absence may be kept (RFC 2308, 3).
    pub(super) absence: Record,
}

/// The zones of a server, by their origins.
pub type Zones = HashMap<Name, Zone>;

/// What a zone has for a name.
#[derive(Debug)]
pub enum Found<'zone> {
    /// The name exists, or a wildcard stands for it: its records.
    Name(&'zone [Record]),
    /// Other servers have the name: the NS records that say which.
    Delegated(Vec<&'zone Record>),
    /// The name does not exist.
    Nothing,
}

/// The type of a record that signs a delegation. No such record is made here (RFC 4034, 5).
pub(super) const DS: Type = Type(43);

impl Zone {
    /// Makes a zone of its records, each with its line. Records that stand twice count once; the smallest TTL
    /// counts for all records of a name and type (RFC 2181, 5).
    ///
    /// # Errors
    /// The first line that breaks a rule, and the rule.
    pub fn new(records: Vec<(usize, Record)>) -> Result<Zone, String> {
        let is_soa = |entry: &&(usize, Record)| entry.1.data.record_type() == Type::SOA;
        let soas: Vec<_> = records.iter().filter(is_soa).collect();
        let &[(start, soa)] = &soas[..] else {
            let line = soas.get(1).copied().or(records.last()).map_or(1, |entry| entry.0);
            let count = soas.len();
            return Err(format!(
                "line {line}: a zone has one SOA record, not {count} (RFC 1035, 5.2)"
            ));
        };
        let (start, origin) = (*start, soa.name.clone());
        let ttl = soa.ttl.min(soa.data.number("MINIMUM").unwrap_or_default());
        let absence = Record { ttl, ..soa.clone() };
        let mut zone = Zone { origin, names: HashMap::new(), absence };
        for (line, record) in records {
            zone.add(record).map_err(|reason| format!("line {line}: {reason}"))?;
        }
        if zone.servers().next().is_none() {
            let Zone { origin, .. } = zone;
            return Err(format!(
                "line {start}: a zone names its servers; right: {origin} NS ns.{origin} (RFC 1035, 5.2)"
            ));
        }
        Ok(zone)
    }

    /// Adds a record, and the names above it.
    fn add(&mut self, mut record: Record) -> Result<(), String> {
        let (name, kind) = (record.name.clone(), record.data.record_type());
        if !name.is_within(&self.origin) {
            return Err(format!("{name} is not within the zone {} (RFC 1035, 5.2)", self.origin));
        }
        let mut above = Some(name.clone());
        while let Some(new) = above.filter(|above| !self.names.contains_key(above)) {
            above = new.parent().filter(|_| new != self.origin);
            self.names.insert(new, Vec::new());
        }
        let records = self.names.entry(name.clone()).or_default();
        if records.iter().any(|known| known.data == record.data) {
            return Ok(());
        }
        let is_alias = |known: &Record| known.data.record_type() == Type::CNAME;
        if !records.is_empty() && (kind == Type::CNAME || records.iter().any(is_alias)) {
            return Err(format!("{name} owns a CNAME record and others (RFC 1034, 3.6.2)"));
        }
        for known in records.iter_mut().filter(|known| known.data.record_type() == kind) {
            record.ttl = record.ttl.min(known.ttl);
            known.ttl = record.ttl;
        }
        records.push(record);
        Ok(())
    }

    /// Returns the NS records of the zone.
    pub fn servers(&self) -> impl Iterator<Item = &Record> {
        self.names.get(&self.origin).into_iter().flat_map(|records| of_type(records, Type::NS))
    }

    /// Returns what the zone has for a name within it. The highest delegation counts; its own name has DS
    /// records on this side of it (RFC 4035, 3.1.4.1).
    pub fn find(&self, name: &Name, record_type: Type) -> Found<'_> {
        let up = |below: &Name| below.parent().filter(|_| *below != self.origin);
        let names = successors(Some(name.clone()), up);
        let existing: Vec<_> = names.filter_map(|name| self.names.get_key_value(&name)).collect();
        let may_be_cut =
            |above: &Name| *above != self.origin && (above != name || record_type != DS);
        let cuts = existing.iter().rev().filter(|(above, _)| may_be_cut(above));
        let mut servers = cuts.map(|(_, records)| of_type(records, Type::NS).collect::<Vec<_>>());
        if let Some(servers) = servers.find(|servers| !servers.is_empty()) {
            return Found::Delegated(servers);
        }
        // No wildcard above the closest name that exists counts (RFC 4592, 3.3.1).
        let found = existing.first().and_then(|&(closest, records)| match closest == name {
            true => Some(records),
            false => self.names.get(&Name::parse_within("*", closest).ok()?),
        });
        found.map_or(Found::Nothing, |records| Found::Name(records))
    }

    /// Returns the addresses of a host in this zone. Those below a delegation are for a referral only: `glue`.
    pub fn addresses(&self, host: &Name, glue: bool) -> impl Iterator<Item = &Record> {
        let records = match self.find(host, Type::A) {
            Found::Name(records) => records,
            Found::Delegated(_) if glue => self.names.get(host).map_or(&[][..], Vec::as_slice),
            _ => &[],
        };
        records.iter().filter(|record| record.data.address().is_some())
    }
}

/// Returns the records of this type. For [`Type::ANY`]: those of one type (RFC 8482, 4.1), the first in the
/// file.
pub fn of_type(records: &[Record], record_type: Type) -> impl Iterator<Item = &Record> {
    let first = records.first().map(|first| first.data.record_type());
    let kind = if record_type == Type::ANY { first } else { Some(record_type) };
    records.iter().filter(move |record| Some(record.data.record_type()) == kind)
}
