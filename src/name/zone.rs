//! A zone in memory: the records of each name, and which of them a question finds (RFC 1034, 4.3.2;
//! RFC 4592; RFC 2308).

use std::collections::hash_map;
use std::collections::{HashMap, HashSet};
use std::fmt;

use crate::proto::dns::master::Entry;
use crate::proto::dns::{Class, Data, Name, Question, Record, Srv, Type};

/// A zone: its records, by the name that owns them.
#[derive(Debug)]
pub struct Zone {
    origin: Name,
    nodes: HashMap<Name, Node>,
    /// The SOA record with the time for which an absence may be kept (RFC 2308, 3).
    absence: Record,
    serial: u32,
}

/// The zones of a server.
#[derive(Debug, Default)]
pub struct Zones {
    zones: HashMap<Name, Zone>,
}

/// A name that exists: it owns records, or is above one that does (RFC 4592, 2.2.2).
#[derive(Debug, Default)]
pub struct Node {
    /// The records, those of one type together. The types are in the order of the file.
    sets: Vec<Vec<Record>>,
    /// The name, this one or one above it, from which on other servers have the authority.
    cut: Option<Name>,
}

/// What a zone has for a name.
#[derive(Debug)]
pub enum Found<'zone> {
    /// The name exists, or a wildcard stands for it.
    Node(&'zone Node),
    /// Other servers have the name: the NS records that say which.
    Delegated(&'zone [Record]),
    /// The name does not exist.
    Nothing,
}

/// Why a file is no zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidZone {
    /// The line, from 1.
    pub line: usize,
    /// The rule, and what is right.
    pub reason: String,
}

impl Zone {
    /// Makes a zone of its records. Records that stand twice count once; the smallest TTL counts for all
    /// records of a name and type (RFC 2181, 5).
    ///
    /// # Errors
    /// [`InvalidZone`], for the first record that breaks a rule.
    pub fn new(entries: Vec<Entry>) -> Result<Zone, InvalidZone> {
        let fail = |line, reason: String| Err(InvalidZone { line, reason });
        let soas = entries.iter().filter(|entry| matches!(entry.record.data, Data::Soa(_)));
        let (start, absence, serial) = match soas.collect::<Vec<_>>()[..] {
            [Entry { line, record }] => {
                let Data::Soa(soa) = &record.data else { unreachable!("chosen by its type") };
                let ttl = record.ttl.min(soa.minimum);
                (*line, Record { ttl, ..record.clone() }, soa.serial)
            }
            [] => {
                let last = entries.last().map_or(1, |entry| entry.line);
                let reason = "a zone begins with an SOA record; there is none (RFC 1035, 5.2)";
                return fail(last, reason.to_owned());
            }
            [first, second, ..] => {
                let first = first.line;
                let reason = "a zone has one SOA record; the first is in line";
                return fail(second.line, format!("{reason} {first} (RFC 1035, 5.2)"));
            }
        };
        let origin = absence.name.clone();
        let mut zone = Zone { origin, nodes: HashMap::new(), absence, serial };
        for Entry { line, record } in entries {
            zone.add(record).map_err(|reason| InvalidZone { line, reason })?;
        }
        if zone.nodes[&zone.origin].records(Type::NS).is_none() {
            let origin = &zone.origin;
            return fail(
                start,
                format!("a zone names its servers; right: {origin} NS ns.{origin} (RFC 1035, 5.2)"),
            );
        }
        zone.find_cuts();
        Ok(zone)
    }

    /// Adds a record, and the names above it.
    fn add(&mut self, record: Record) -> Result<(), String> {
        let (name, kind) = (&record.name, record.data.record_type());
        if record.class != Class::IN {
            return Err(format!("the class is {}; right: IN", record.class));
        }
        if !name.is_within(&self.origin) {
            return Err(format!("{name} is not within the zone {} (RFC 1035, 5.2)", self.origin));
        }
        let mut above = name.clone();
        while above != self.origin && !self.nodes.contains_key(&above) {
            self.nodes.insert(above.clone(), Node::default());
            above = above.parent().unwrap_or_else(Name::root);
        }
        let node = self.nodes.entry(name.clone()).or_default();
        let other = node.sets.iter().find(|set| type_of(set) != kind);
        if let Some(other) =
            other.filter(|other| kind == Type::CNAME || type_of(other) == Type::CNAME)
        {
            let other = type_of(other);
            return Err(format!(
                "{name} owns a CNAME record and others: {other}, {kind} (RFC 1034, 3.6.2)"
            ));
        }
        match node.sets.iter_mut().find(|set| type_of(set) == kind) {
            None => node.sets.push(vec![record]),
            Some(set) if set.iter().any(|known| known.data == record.data) => {}
            Some(_) if kind == Type::CNAME => {
                return Err(format!("{name} owns two CNAME records; right: one (RFC 2181, 10.1)"));
            }
            Some(set) => {
                let ttl = record.ttl.min(set[0].ttl);
                set.push(record);
                set.iter_mut().for_each(|record| record.ttl = ttl);
            }
        }
        Ok(())
    }

    /// Notes for each name the highest delegation at or above it.
    fn find_cuts(&mut self) {
        let nodes = self.nodes.iter().filter(|(_, node)| node.records(Type::NS).is_some());
        let mut cuts: HashSet<Name> = nodes.map(|(name, _)| name.clone()).collect();
        cuts.remove(&self.origin);
        for (name, node) in &mut self.nodes {
            let names = std::iter::successors(Some(name.clone()), Name::parent);
            node.cut = names.filter(|name| cuts.contains(name)).last();
        }
    }

    /// Returns the name at which the zone begins.
    pub fn origin(&self) -> &Name {
        &self.origin
    }

    /// Returns the version of the zone, from its SOA record.
    pub fn serial(&self) -> u32 {
        self.serial
    }

    /// Returns the SOA record for an answer that says that something does not exist.
    pub fn absence(&self) -> &Record {
        &self.absence
    }

    /// Returns the NS records of the zone.
    pub fn servers(&self) -> &[Record] {
        self.nodes[&self.origin].records(Type::NS).unwrap_or_default()
    }

    /// Returns what the zone has for a name within it. A delegation's own name has DS records on this side
    /// of the cut (RFC 4035, 3.1.4.1).
    pub fn find(&self, name: &Name, record_type: Type) -> Found<'_> {
        if let Some(node) = self.nodes.get(name) {
            return match &node.cut {
                Some(cut) if cut != name || record_type != DS => self.delegated(cut),
                _ => Found::Node(node),
            };
        }
        // The closest name that exists: no wildcard above it counts (RFC 4592, 3.3.1).
        let mut above = std::iter::successors(name.parent(), Name::parent);
        let closest = above.find_map(|above| Some((self.nodes.get(&above)?, above)));
        let Some((node, closest)) = closest else { return Found::Nothing };
        match (&node.cut, closest.child(b"*").ok().and_then(|name| self.nodes.get(&name))) {
            (Some(cut), _) => self.delegated(cut),
            (None, Some(wildcard)) => Found::Node(wildcard),
            (None, None) => Found::Nothing,
        }
    }

    /// Returns the NS records of a delegation.
    fn delegated(&self, cut: &Name) -> Found<'_> {
        Found::Delegated(self.nodes[cut].records(Type::NS).unwrap_or_default())
    }

    /// Returns the addresses of a host in this zone. Those below a delegation are for a referral only: `glue`.
    pub fn addresses(&self, host: &Name, glue: bool) -> impl Iterator<Item = &Record> {
        let node = match self.find(host, Type::A) {
            _ if !host.is_within(&self.origin) => None,
            Found::Node(node) => Some(node),
            Found::Delegated(_) if glue => self.nodes.get(host),
            _ => None,
        };
        let sets = move |kind| node.and_then(|node| node.records(kind)).into_iter().flatten();
        sets(Type::A).chain(sets(Type::AAAA))
    }
}

impl Zones {
    /// Adds a zone.
    ///
    /// # Errors
    /// The origin, if there is a zone with the same one.
    pub fn insert(&mut self, zone: Zone) -> Result<(), Name> {
        match self.zones.entry(zone.origin.clone()) {
            hash_map::Entry::Occupied(_) => Err(zone.origin),
            hash_map::Entry::Vacant(place) => {
                place.insert(zone);
                Ok(())
            }
        }
    }

    /// Returns the zones that have the same serial number as before, or a lower one (RFC 1982, 3.2).
    pub fn not_newer_than(&self, before: &Zones) -> impl Iterator<Item = &Zone> {
        let is_newer =
            |zone: &Zone, old: &Zone| (1..1 << 31).contains(&zone.serial.wrapping_sub(old.serial));
        let old = |zone: &Zone| before.zones.get(&zone.origin);
        self.zones.values().filter(move |zone| old(zone).is_some_and(|old| !is_newer(zone, old)))
    }

    /// Returns the zone that has the answer to a question: the one with the longest origin. The DS records of a zone's
    /// origin are in the zone above it, if that one is here, too.
    pub fn find(&self, question: &Question) -> Option<&Zone> {
        let names = std::iter::successors(Some(question.name.clone()), Name::parent);
        let mut zones = names.filter_map(|name| self.zones.get(&name));
        let zone = zones.next()?;
        let is_above = question.record_type == DS && zone.origin == question.name;
        zones.next().filter(|_| is_above).or(Some(zone))
    }
}

/// The type of a record that signs a delegation. No such record is made here (RFC 4034, 5).
const DS: Type = Type(43);

impl Node {
    /// Returns the records of this type. For [`Type::ANY`]: those of one type (RFC 8482, 4.1), the first in
    /// the file.
    pub fn records(&self, record_type: Type) -> Option<&[Record]> {
        let is_asked = |set: &&Vec<Record>| record_type == Type::ANY || type_of(set) == record_type;
        self.sets.iter().find(is_asked).map(Vec::as_slice)
    }
}

fn type_of(set: &[Record]) -> Type {
    set[0].data.record_type()
}

/// Returns the host whose addresses help to use a record (RFC 1035, 3.3; RFC 2782).
pub fn host(record: &Record) -> Option<&Name> {
    match &record.data {
        Data::Ns(host) | Data::Mx(_, host) | Data::Srv(Srv { target: host, .. }) => Some(host),
        _ => None,
    }
}

impl fmt::Display for InvalidZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

impl std::error::Error for InvalidZone {}
