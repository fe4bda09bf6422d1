//! The octets of a query to the octets of its response (RFC 1034, 4.3.2; RFC 6891).
//!
//! Where the RFCs leave it open which records help, a response has those that NSD sends: with an answer
//! the name servers of the zone, and the addresses of all hosts that are named, if there is room.

use super::zone::{Found, Zone, Zones, host};
use crate::proto::dns::message::{HEADER, PLAIN_UDP};
use crate::proto::dns::query::UDP_SIZE;
use crate::proto::dns::{Class, Data, Edns, Flags, Message, Question, Record, ResponseCode, Type};

/// How many CNAME records one response follows; BIND follows as many.
const ALIASES: usize = 16;

/// The flag of an OPT record that asks for DNSSEC records; the response repeats it (RFC 3225, 3).
const DNSSEC_OK: u16 = 0x8000;

/// What a query came over, and so how long its response may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// A datagram: 512 octets, or as many as the OPT record of the query says, and at most [`UDP_SIZE`].
    Udp,
    /// A connection: 65,535 octets.
    Tcp,
}

/// A response.
#[derive(Debug)]
pub struct Answer {
    /// The message.
    pub octets: Vec<u8>,
    /// Its response code.
    pub code: ResponseCode,
    /// What was asked, if it could be read.
    pub question: Option<Question>,
}

/// How the search for a question ends.
enum End<'zone> {
    /// With the records.
    Answer,
    /// With a part that is all that is said: one type for ANY, or an alias that this zone does not resolve.
    Part,
    /// With nothing: the name does not exist, or it has no such records (RFC 2308, 2).
    Absence(ResponseCode),
    /// With the name servers that have the name.
    Referral(&'zone [Record]),
}

/// Returns the response to a query; `None` if it gets none, because it is a response itself, or has no
/// header.
pub fn respond(zones: &Zones, query: &[u8], transport: Transport) -> Option<Answer> {
    let (mut response, question) = match read(query) {
        Ok(read) => read,
        Err(refusal) => return refusal,
    };
    let limit = match (&response.edns, transport) {
        (_, Transport::Tcp) => usize::from(u16::MAX),
        (None, Transport::Udp) => PLAIN_UDP,
        (Some(edns), Transport::Udp) => usize::from(edns.udp_size.min(UDP_SIZE)).max(PLAIN_UDP),
    };
    let end = match &mut response.edns {
        Some(edns) if edns.version > 0 => {
            // The code has more than four bits, and the response the version that is known here
            // (RFC 6891, 6.1.3).
            edns.extended_code = 1;
            End::Part
        }
        _ => answer(zones, &question, &mut response),
    };
    if let Some(edns) = &mut response.edns {
        (edns.udp_size, edns.version) = (UDP_SIZE, 0);
    }
    let code = response.code();
    Some(Answer { octets: encode(response, limit, &end), code, question: Some(question) })
}

/// Returns a response that says only that the client should ask again over TCP; `None` as in [`respond`].
pub fn truncated(query: &[u8]) -> Option<Answer> {
    let (response, question) = match read(query) {
        Ok(read) => read,
        Err(refusal) => return refusal,
    };
    let response = Message { flags: response.flags.with(Flags::TRUNCATED), edns: None, ..response };
    let code = ResponseCode::NO_ERROR;
    Some(Answer { octets: response.encode(PLAIN_UDP), code, question: Some(question) })
}

/// Decodes a query. Returns the beginning of its response, with the OPT record of the query, and its question.
///
/// # Errors
/// The response to a query that is not answered: a header only.
fn read(query: &[u8]) -> Result<(Message, Question), Option<Answer>> {
    let Some(&[id, id_low, flags, flags_low, ..]) = query.first_chunk::<HEADER>() else {
        return Err(None);
    };
    let (id, flags) = (u16::from_be_bytes([id, id_low]), u16::from_be_bytes([flags, flags_low]));
    if Flags(flags).has(Flags::RESPONSE) {
        return Err(None);
    }
    // The kind of query and RD are copied (RFC 1035, 4.1.1); RA is not set.
    let flags = Flags(flags & 0x7900).with(Flags::RESPONSE);
    let refusal = |code| {
        let message = Message { id, flags: flags.with_code(code), ..Message::default() };
        Err(Some(Answer { octets: message.encode(PLAIN_UDP), code, question: None }))
    };
    if flags.opcode() != 0 {
        return refusal(ResponseCode::NOT_IMPLEMENTED);
    }
    let Ok(Message { questions, answers, edns, .. }) = Message::decode(query) else {
        return refusal(ResponseCode::FORMAT_ERROR);
    };
    match questions.as_slice() {
        [question] if answers.is_empty() => {
            let edns = edns.map(|edns| Edns {
                extended_code: 0,
                flags: edns.flags & DNSSEC_OK,
                options: Vec::new(),
                ..edns
            });
            let question = question.clone();
            Ok((Message { id, flags, questions, edns, ..Message::default() }, question))
        }
        _ => refusal(ResponseCode::FORMAT_ERROR),
    }
}

/// Adds to a response what the zones have for its question.
fn answer<'zones>(
    zones: &'zones Zones,
    question: &Question,
    response: &mut Message,
) -> End<'zones> {
    let zone = match (question.class, question.record_type) {
        (_, Type::AXFR | IXFR) => Err(PROHIBITED),
        (Class::IN | Class::ANY, _) => zones.find(question).ok_or(NOT_AUTHORITATIVE),
        _ => Err(NOT_SUPPORTED),
    };
    let zone = match zone {
        Ok(zone) => zone,
        Err(why) => {
            response.flags = response.flags.with_code(ResponseCode::REFUSED);
            if let Some(edns) = &mut response.edns {
                edns.options = vec![0, EXTENDED_ERROR, 0, 2, 0, why];
            }
            return End::Part;
        }
    };
    let end = search(zone, question, &mut response.answers);
    match end {
        End::Part => {}
        End::Answer => {
            let is_servers = |record: &Record| {
                matches!(record.data, Data::Ns(_)) && record.name == *zone.origin()
            };
            if !response.answers.iter().any(is_servers) {
                response.authorities.extend_from_slice(zone.servers());
            }
            add_addresses(zone, response, false);
        }
        End::Absence(code) => {
            response.flags = response.flags.with_code(code);
            response.authorities.push(zone.absence().clone());
        }
        End::Referral(servers) => {
            response.authorities.extend_from_slice(servers);
            add_addresses(zone, response, true);
        }
    }
    // An answer from any class is from no zone (RFC 1034, 3.7.1).
    let is_referral = matches!(end, End::Referral(_)) && response.answers.is_empty();
    if question.class == Class::IN && !is_referral {
        response.flags = response.flags.with(Flags::AUTHORITATIVE);
    }
    end
}

/// Looks for the question in its zone, along the aliases in it.
fn search<'zone>(zone: &'zone Zone, question: &Question, answers: &mut Vec<Record>) -> End<'zone> {
    let mut name = question.name.clone();
    loop {
        let node = match zone.find(&name, question.record_type) {
            Found::Node(node) => node,
            Found::Delegated(servers) => return End::Referral(servers),
            Found::Nothing => return End::Absence(ResponseCode::NO_SUCH_NAME),
        };
        // The owner is the name that was asked for, in its case, also if a wildcard has the records.
        let own = |record: &Record| Record { name: name.clone(), ..record.clone() };
        if let Some(records) = node.records(question.record_type) {
            answers.extend(records.iter().map(own));
            return if question.record_type == Type::ANY { End::Part } else { End::Answer };
        }
        let Some([alias]) = node.records(Type::CNAME) else {
            return End::Absence(ResponseCode::NO_ERROR);
        };
        answers.push(own(alias));
        let Data::Cname(target) = &alias.data else { return End::Part };
        let is_loop = answers.iter().any(|record| record.name == *target);
        if is_loop || answers.len() == ALIASES || !target.is_within(zone.origin()) {
            return End::Part;
        }
        name = target.clone();
    }
}

/// Adds the addresses of the hosts that the other records name, each once.
fn add_addresses(zone: &Zone, response: &mut Message, glue: bool) {
    let Message { answers, authorities, additionals, .. } = response;
    for host in answers.iter().chain(&*authorities).filter_map(host) {
        let is_known = |record: &Record| record.name == *host;
        if !additionals.iter().any(is_known) {
            let addresses = zone.addresses(host, glue);
            let new = addresses.filter(|address| {
                let kind = address.data.record_type();
                !answers.iter().any(|record| is_known(record) && record.data.record_type() == kind)
            });
            additionals.extend(new.map(|address| Record { name: host.clone(), ..address.clone() }));
        }
    }
}

/// Encodes a response. If it is too long for its limit, it goes without records that only help. If that is
/// not enough, it says only that it is truncated, because a client asks again over TCP in any case.
fn encode(mut response: Message, limit: usize, end: &End<'_>) -> Vec<u8> {
    let octets = response.encode(limit);
    // The OPT record is counted among the additional ones.
    let additionals = usize::from(u16::from_be_bytes([octets[10], octets[11]]));
    let fitted = additionals - usize::from(response.edns.is_some());
    let left_out = response.additionals.get(fitted).filter(|_| !is_truncated(&octets)).cloned();
    match (left_out, end) {
        (None, _) if !is_truncated(&octets) => return octets,
        // All records of a name and type, or none (RFC 2181, 9).
        (Some(left_out), End::Answer) => {
            let is_with = |record: &Record| {
                record.name == left_out.name
                    && record.data.record_type() == left_out.data.record_type()
            };
            let whole = response.additionals.iter().take_while(|record| !is_with(record)).count();
            response.additionals.truncate(whole);
            return response.encode(limit);
        }
        (None, End::Answer) => {
            let answer =
                Message { authorities: Vec::new(), additionals: Vec::new(), ..response.clone() };
            let octets = answer.encode(limit);
            if !is_truncated(&octets) {
                return octets;
            }
        }
        // A referral needs the addresses in it (RFC 9471, 3).
        _ => {}
    }
    let Message { id, flags, questions, edns, .. } = response;
    let flags = flags.with(Flags::TRUNCATED);
    Message { id, flags, questions, edns, ..Message::default() }.encode(limit)
}

/// Returns true if TC is set in a message.
fn is_truncated(octets: &[u8]) -> bool {
    Flags(u16::from_be_bytes([octets[2], octets[3]])).has(Flags::TRUNCATED)
}

/// The option of an OPT record that says why a query has failed, and what it says (RFC 8914, 2 and 4).
const EXTENDED_ERROR: u8 = 15;
const PROHIBITED: u8 = 18;
const NOT_AUTHORITATIVE: u8 = 20;
const NOT_SUPPORTED: u8 = 21;

/// The type of a question that asks for the changes of a zone (RFC 1995).
const IXFR: Type = Type(251);
