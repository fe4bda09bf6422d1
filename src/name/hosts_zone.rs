//! Zones from a file in the form of `/etc/hosts` (hosts(5)): an address and its names in each line.

use std::collections::HashSet;
use std::net::IpAddr;

use super::zone::{InvalidZone, Zone};
use crate::proto::dns::data::Soa;
use crate::proto::dns::master::Entry;
use crate::proto::dns::{Class, Data, Name, Record};

/// How long an answer may be kept, in seconds: a file in this form is for hosts that change often.
const TTL: u32 = 60;

/// Returns true if the first entry of a file begins with an address.
pub fn is_hosts(text: &str) -> bool {
    let first = lines(text).next().and_then(|(_, mut words)| words.next());
    first.is_some_and(|word| word.parse::<IpAddr>().is_ok())
}

/// Returns the lines that are not empty, with their numbers, as words without comments.
fn lines(text: &str) -> impl Iterator<Item = (usize, impl Iterator<Item = &str>)> {
    let entries = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    let lines = (1..).zip(entries).filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(number, line)| (number, line.split_ascii_whitespace()))
}

/// Returns the zones of the file, which has this version. One has the names: it begins at the nearest name that all of them are
/// within, and its server is the first of them. For each address there is one more, with a PTR record to
/// the first name that the address has.
///
/// # Errors
/// [`InvalidZone`].
pub fn zones(text: &str, serial: u32) -> Result<Vec<Zone>, InvalidZone> {
    let (mut hosts, mut reverse, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    for (line, mut words) in lines(text) {
        let invalid = |reason| InvalidZone { line, reason };
        let word = words.next().unwrap_or_default();
        let wrong = || format!("{word} is no address; right: 192.0.2.1 www.example.org (hosts(5))");
        let address: IpAddr = word.parse().map_err(|_| invalid(wrong()))?;
        let mut names = words.map(|word| (word, Name::parse(word))).peekable();
        if names.peek().is_none() {
            return Err(invalid(format!(
                "a name must follow the address; right: {address} www.example.org"
            )));
        }
        for (word, name) in names {
            let name = name.map_err(|error| invalid(format!("{word}: {error}")))?;
            if seen.insert(address) {
                let record = record(&Name::reverse(address), Data::Ptr(name.clone()));
                reverse.push(Entry { line, record });
            }
            hosts.push(Entry { line, record: record(&name, address_data(address)) });
        }
    }
    let Some(first) = hosts.first() else { return Ok(Vec::new()) };
    let server = first.record.name.clone();
    let mut origin = server.clone();
    while !hosts.iter().all(|host| host.record.name.is_within(&origin)) {
        origin = origin.parent().unwrap_or_else(Name::root);
    }
    let zone = |origin: &Name, entries: Vec<Entry>| {
        let start = start(origin, &server, serial);
        let start = start.into_iter().map(|record| Entry { line: 1, record });
        Zone::new(start.chain(entries).collect())
    };
    let mut zones = vec![zone(&origin, hosts)?];
    for pointer in reverse {
        zones.push(zone(&pointer.record.name.clone(), vec![pointer])?);
    }
    Ok(zones)
}

fn record(name: &Name, data: Data) -> Record {
    Record { name: name.clone(), class: Class::IN, ttl: TTL, data }
}

/// Returns the records with which each zone begins.
fn start(origin: &Name, server: &Name, serial: u32) -> [Record; 2] {
    let mailbox = origin.child(b"hostmaster").unwrap_or_else(|_| origin.clone());
    let soa = Soa {
        primary: server.clone(),
        mailbox,
        serial,
        refresh: 3600,
        retry: 600,
        expire: 86_400,
        minimum: TTL,
    };
    [record(origin, Data::Soa(soa)), record(origin, Data::Ns(server.clone()))]
}

/// Returns the record data of an address.
fn address_data(address: IpAddr) -> Data {
    match address {
        IpAddr::V4(address) => Data::A(address),
        IpAddr::V6(address) => Data::Aaaa(address),
    }
}
