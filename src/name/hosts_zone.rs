//! Zones from a file in the form of `/etc/hosts` (hosts(5)): an address and its names in each line.

use std::collections::HashSet;
use std::net::IpAddr;

use super::zone::Zone;
use crate::proto::dns::{Class, Data, Name, Record, Type};

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

/// Returns the zones of the file. One has the names: it begins at the nearest name that all of them are
/// within, and its server is the first of them. For each address there is one more, with a PTR record to
/// the first name that the address has.
///
/// # Errors
/// The first line that is wrong, and what is right.
pub fn zones(text: &str) -> Result<Vec<Zone>, String> {
    let (mut hosts, mut pointers, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    for (line, mut words) in lines(text) {
        let wrong =
            |what| format!("line {line}: {what}; right: 192.0.2.1 www.example.org (hosts(5))");
        let typed = words.next().unwrap_or_default();
        let address: IpAddr = typed.parse().map_err(|_| wrong(format!("{typed} is no address")))?;
        let kind = if address.is_ipv4() { Type::A } else { Type::AAAA };
        let before = hosts.len();
        for word in words {
            let name = Name::parse(word).map_err(|why| wrong(format!("{word}: {why}")))?;
            if seen.insert(address) {
                pointers
                    .push((line, record(&Name::reverse(address), Type::PTR, &name.to_string())?));
            }
            hosts.push((line, record(&name, kind, typed)?));
        }
        if hosts.len() == before {
            return Err(wrong("a name must follow the address".to_owned()));
        }
    }
    let Some((_, Record { name: server, .. })) = hosts.first().cloned() else {
        return Ok(Vec::new());
    };
    let mut origin = server.clone();
    while !hosts.iter().all(|(_, host)| host.name.is_within(&origin)) {
        origin = origin.parent().unwrap_or_else(Name::root);
    }
    let zone = |origin: &Name, records: Vec<_>| {
        let soa = format!("{server} hostmaster 1 3600 600 86400 {TTL}");
        let start = [
            (1, record(origin, Type::SOA, &soa)?),
            (1, record(origin, Type::NS, &server.to_string())?),
        ];
        Zone::new(start.into_iter().chain(records).collect())
    };
    let mut zones = vec![zone(&origin, hosts)?];
    for pointer in pointers {
        zones.push(zone(&pointer.1.name.clone(), vec![pointer])?);
    }
    Ok(zones)
}

/// Returns the record with these data, in which relative names are below its owner.
fn record(name: &Name, record_type: Type, words: &str) -> Result<Record, String> {
    let data = Data::parse(record_type, &mut words.split(' '), name)?;
    Ok(Record { name: name.clone(), class: Class::IN, ttl: TTL, data })
}
