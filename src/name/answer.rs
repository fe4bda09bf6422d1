//! The octets of a query to the octets of its response (RFC 1034, 4.3.2; RFC 6891).
//!
//! Where the RFCs leave it open which records help, a response has those that NSD sends: with an answer
//! the name servers of the zone, and the addresses of all hosts that are named, if there is room.

use std::iter::successors;

use super::zone::{DS, Found, Zone, Zones, of_type};
use crate::proto::dns::message::{HEADER, PLAIN_UDP, UDP_SIZE};
use crate::proto::dns::{Class, Edns, Flags, Message, Name, Question, Record, ResponseCode, Type};

/// How many CNAME records one response follows; BIND follows as many.
const ALIASES: usize = 16;
/// The flag of an OPT record that asks for DNSSEC records; the response repeats it (RFC 3225, 3).
const DNSSEC_OK: u16 = 0x8000;

/// How a response goes back, and so how long it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// As a datagram: 512 octets, or as many as the OPT record of the query says, and at most [`UDP_SIZE`].
    Udp,
    /// As a datagram that says only that the client should ask again over TCP.
    Short,
    /// Over a connection: 65,535 octets.
    Tcp,
}

/// Returns the response to a query, and its octets; `None` if it gets none, because it is a response itself,
/// or has no header.
pub fn respond(zones: &Zones, query: &[u8], way: Way) -> Option<(Message, Vec<u8>)> {
    let mut response = begin(query)?;
    let size = response.edns.map_or(0, |edns| usize::from(edns.udp_size.min(UDP_SIZE)));
    let limit = if way == Way::Tcp { usize::from(u16::MAX) } else { size.max(PLAIN_UDP) };
    let (is_read, mut needed) = (response.code() == ResponseCode::NO_ERROR, 0);
    match &mut response.edns {
        _ if way == Way::Short => response.flags = response.flags.with(Flags::TRUNCATED),
        // The code has more than four bits (RFC 6891, 6.1.3).
        Some(edns) if edns.version > 0 => edns.extended_code = 1,
        _ if is_read => needed = answer(zones, &mut response),
        _ => {}
    }
    if let Some(edns) = &mut response.edns {
        (edns.udp_size, edns.version) = (UDP_SIZE, 0);
    }
    let octets = response.encode_within(limit, needed);
    Some((response, octets))
}

/// Returns the beginning of a response, with the question and the OPT record of the query; or, if the query
/// is not answered, all of it: a header.
fn begin(query: &[u8]) -> Option<Message> {
    let &[id, id_low, flags, flags_low, ..] = query.first_chunk::<HEADER>()?;
    let flags = Flags(u16::from_be_bytes([flags, flags_low]));
    if flags.has(Flags::RESPONSE) {
        return None;
    }
    let mut response = Message { id: u16::from_be_bytes([id, id_low]), ..Message::default() };
    let code = match Message::decode(query) {
        _ if flags.opcode() != 0 => ResponseCode::NOT_IMPLEMENTED,
        Ok(query) if query.questions.len() == 1 && query.answers.is_empty() => {
            response.questions = query.questions;
            let flags = |edns: Edns| edns.flags & DNSSEC_OK;
            response.edns = query.edns.map(|it| Edns { extended_code: 0, flags: flags(it), ..it });
            ResponseCode::NO_ERROR
        }
        _ => ResponseCode::FORMAT_ERROR,
    };
    // The kind of query and RD are copied (RFC 1035, 4.1.1); RA is not set.
    response.flags = Flags(flags.0 & 0x7900).with(Flags::RESPONSE).with_code(code);
    Some(response)
}

/// Returns the zone with the longest origin that the name of the question is within. The DS records of an
/// origin are in the zone above it, if that is here (RFC 4035, 3.1.4.1).
fn zone_of<'zones>(zones: &'zones Zones, question: &Question) -> Option<&'zones Zone> {
    let names = successors(Some(question.name.clone()), Name::parent);
    let mut found = names.filter_map(|name| zones.get(&name));
    let zone = found.next()?;
    let is_above = question.record_type == DS && question.name == zone.origin;
    if is_above { found.next().or(Some(zone)) } else { Some(zone) }
}

/// Adds to a response what the zones have for its question. Returns how many of its sections are needed.
fn answer(zones: &Zones, response: &mut Message) -> usize {
    let question = response.questions[0].clone();
    // Transfers (AXFR, IXFR) are not answered.
    let is_known = question.class == Class::IN && !matches!(question.record_type, Type(251 | 252));
    let Some(zone) = zone_of(zones, &question).filter(|_| is_known) else {
        response.flags = response.flags.with_code(ResponseCode::REFUSED);
        return 0;
    };
    response.flags = response.flags.with(Flags::AUTHORITATIVE);
    let absence = |response: &mut Message, code| {
        response.flags = response.flags.with_code(code);
        response.authorities.push(zone.absence.clone());
        2
    };
    let mut name = question.name;
    loop {
        let records = match zone.find(&name, question.record_type) {
            Found::Name(records) => records,
            Found::Delegated(servers) => {
                if response.answers.is_empty() {
                    response.flags = Flags(response.flags.0 & !Flags::AUTHORITATIVE.0);
                }
                response.authorities.extend(servers.into_iter().cloned());
                add_addresses(zone, response, true);
                // A referral needs the addresses in it (RFC 9471, 3).
                return 3;
            }
            Found::Nothing => return absence(response, ResponseCode::NO_SUCH_NAME),
        };
        // The owner is the name that was asked for, in its case, also if a wildcard has the records.
        let own = |record: &Record| Record { name: name.clone(), ..record.clone() };
        let before = response.answers.len();
        response.answers.extend(of_type(records, question.record_type).map(own));
        if response.answers.len() > before {
            if question.record_type != Type::ANY {
                add_help(zone, response);
            }
            return 1;
        }
        let Some(alias) = of_type(records, Type::CNAME).next() else {
            return absence(response, ResponseCode::NO_ERROR);
        };
        response.answers.push(own(alias));
        let Some(target) = alias.data.name() else { return 1 };
        let is_loop = response.answers.iter().any(|record| record.name == target);
        if is_loop || before + 1 == ALIASES || !target.is_within(&zone.origin) {
            return 1;
        }
        name = target;
    }
}

/// Adds what helps with an answer: the servers of the zone, if they are not the answer, and addresses.
fn add_help(zone: &Zone, response: &mut Message) {
    let servers = zone.servers().filter(|server| !response.answers.contains(server));
    response.authorities = servers.cloned().collect();
    add_addresses(zone, response, false);
}

/// Adds the addresses of the hosts that the other records name (RFC 1035, 3.3; RFC 2782), each once.
fn add_addresses(zone: &Zone, response: &mut Message, glue: bool) {
    let Message { answers, authorities, additionals, .. } = response;
    let names_host =
        |record: &&Record| matches!(record.data.record_type(), Type::NS | Type::MX | Type::SRV);
    let hosts = answers.iter().chain(&*authorities).filter(names_host);
    for host in hosts.filter_map(|record| record.data.name()) {
        for address in zone.addresses(&host, glue) {
            let address = Record { name: host.clone(), ..address.clone() };
            if !answers.contains(&address) && !additionals.contains(&address) {
                additionals.push(address);
            }
        }
    }
}
