//! Zones from a file in the form of `/etc/hosts` (hosts(5)): an address and its names in each line.

use std::collections::HashSet;
use std::net::IpAddr;

use super::zone::Zone;
use crate::proto::dns::{Name, Type, master};

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
    let mut hosts = Vec::new();
    for (line, mut words) in lines(text) {
        let wrong =
            |what| format!("line {line}: {what}; right: 192.0.2.1 www.example.org (hosts(5))");
        let typed = words.next().unwrap_or_default();
        let address: IpAddr = typed.parse().map_err(|_| wrong(format!("{typed} is no address")))?;
        let before = hosts.len();
        for word in words {
            let name = Name::parse(word).map_err(|why| wrong(format!("{word}: {why}")))?;
            hosts.push((name, address));
        }
        if hosts.len() == before {
            return Err(wrong("a name must follow the address".to_owned()));
        }
    }
    let Some((server, _)) = hosts.first() else { return Ok(Vec::new()) };
    let mut origin = server.clone();
    while !hosts.iter().all(|(name, _)| name.is_within(&origin)) {
        origin = origin.parent().unwrap_or_else(Name::root);
    }
    // The zones are made of lines of a master file.
    let zone = |origin: &Name, lines: &str| {
        let soa = format!("@ SOA {server} hostmaster 1 3600 600 86400 {TTL}");
        let text = format!("$TTL {TTL}\n{soa}\n@ NS {server}\n{lines}");
        master::read(&text, origin).and_then(Zone::new)
    };
    let line = |(name, address): &(Name, IpAddr)| {
        format!("{name} {} {address}\n", if address.is_ipv4() { Type::A } else { Type::AAAA })
    };
    let mut zones = vec![zone(&origin, &hosts.iter().map(line).collect::<String>())?];
    let mut seen = HashSet::new();
    for (name, address) in hosts.iter().filter(|(_, address)| seen.insert(address)) {
        zones.push(zone(&Name::reverse(*address), &format!("@ PTR {name}"))?);
    }
    Ok(zones)
}
