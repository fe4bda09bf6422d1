//! A whole message: the header, the question, and three sections of records (RFC 1035, 4.1).

use std::fmt;

use super::data::{Data, Source};
use super::fault::{Fault, Rule};
use super::name::Name;
use super::reader::{Reader, Seen};
use super::record::{Class, Record, Type};
use super::writer::Writer;

/// The most octets of a message over UDP, unless the client says more with [`Edns`] (RFC 1035, 4.2.1).
pub const PLAIN_UDP: usize = 512;
/// The octets of the header.
pub const HEADER: usize = 12;

/// A query or a response.
///
/// ```
/// use threadbare::proto::dns::{Class, Data, Flags, Message, Name, Query, Record, Type};
///
/// let query = Query::new(4660, Name::parse("www.example.org")?, Type::A);
/// let asked = Message::decode(&query.encode())?;
///
/// let name = asked.questions[0].name.clone();
/// let data = Data::A([192, 0, 2, 1].into());
/// let answers = vec![Record { name, class: Class::IN, ttl: 3600, data }];
/// let response = Message { flags: Flags::RESPONSE.with(Flags::AUTHORITATIVE), answers, ..asked };
///
/// let received = query.check(&response.encode(512))?;
/// assert_eq!(received.answers[0].to_string(), "www.example.org.\t3600\tIN\tA\t192.0.2.1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// The number by which a response belongs to its query.
    pub id: u16,
    /// Query or response, and what else the header says.
    pub flags: Flags,
    /// What is asked: one question, in practice.
    pub questions: Vec<Question>,
    /// The records that answer it.
    pub answers: Vec<Record>,
    /// The zone's start or its name servers.
    pub authorities: Vec<Record>,
    /// More records that help, such as addresses of the name servers.
    pub additionals: Vec<Record>,
    /// The OPT record.
    pub edns: Option<Edns>,
}

/// What is asked: all records of a type that a name owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The name.
    pub name: Name,
    /// The type of the records.
    pub record_type: Type,
    /// Their class.
    pub class: Class,
}

/// The second 16 bits of the header (RFC 1035, 4.1.1; RFC 4035, 3.1.6 and 3.2).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags(pub u16);

/// The OPT record (RFC 6891, 6.1): what the sender can do beyond RFC 1035.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edns {
    /// The largest message that the sender takes over UDP, in octets.
    pub udp_size: u16,
    /// The upper eight bits of the response code.
    pub extended_code: u8,
    /// The version, which is 0.
    pub version: u8,
    /// The flags; the highest bit says that DNSSEC records are wanted (DO).
    pub flags: u16,
    /// The options, not decoded.
    pub options: Vec<u8>,
}

impl Edns {
    /// Returns what a sender says that takes messages of `udp_size` octets.
    pub fn new(udp_size: u16) -> Edns {
        Edns { udp_size, extended_code: 0, version: 0, flags: 0, options: Vec::new() }
    }

    /// The octets of the record without options: its owner, type, class, TTL and length.
    const FIXED: usize = 11;
}

#[allow(missing_docs)]
impl Flags {
    /// The message is a response.
    pub const RESPONSE: Flags = Flags(0x8000);
    /// The server has the zone (AA).
    pub const AUTHORITATIVE: Flags = Flags(0x0400);
    /// Not all fitted into the message (TC).
    pub const TRUNCATED: Flags = Flags(0x0200);
    /// The client wants the server to ask others (RD).
    pub const RECURSION_DESIRED: Flags = Flags(0x0100);
    /// The server asks others (RA).
    pub const RECURSION_AVAILABLE: Flags = Flags(0x0080);
    /// The server has verified the signatures (AD).
    pub const AUTHENTIC: Flags = Flags(0x0020);
    /// The client verifies them itself (CD).
    pub const CHECKING_DISABLED: Flags = Flags(0x0010);

    /// Returns true if all bits of `flags` are set.
    pub fn has(self, flags: Flags) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// Returns these flags and `flags`.
    #[must_use]
    pub fn with(self, flags: Flags) -> Flags {
        Flags(self.0 | flags.0)
    }

    /// Returns the kind of query: 0 is the usual one.
    pub fn opcode(self) -> u16 {
        self.0 >> 11 & 0xf
    }

    /// Returns the response code, of which EDNS may have eight more bits ([`Message::code`]).
    pub fn code(self) -> ResponseCode {
        ResponseCode(self.0 & 0xf)
    }

    /// Returns these flags with the lower four bits of `code`.
    #[must_use]
    pub fn with_code(self, code: ResponseCode) -> Flags {
        Flags(self.0 & !0xf | code.0 & 0xf)
    }
}

/// How a query ended (RFC 1035, 4.1.1; RFC 6891, 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResponseCode(pub u16);

#[allow(missing_docs)]
impl ResponseCode {
    pub const NO_ERROR: ResponseCode = ResponseCode(0);
    /// The server cannot read the query.
    pub const FORMAT_ERROR: ResponseCode = ResponseCode(1);
    /// The server has a problem.
    pub const SERVER_FAILURE: ResponseCode = ResponseCode(2);
    /// The name does not exist (NXDOMAIN).
    pub const NO_SUCH_NAME: ResponseCode = ResponseCode(3);
    /// The server does not know this kind of query.
    pub const NOT_IMPLEMENTED: ResponseCode = ResponseCode(4);
    /// The server does not want to answer, usually because it does not have the zone.
    pub const REFUSED: ResponseCode = ResponseCode(5);
    /// The server does not know this version of EDNS.
    pub const BAD_VERSION: ResponseCode = ResponseCode(16);
}

impl fmt::Display for ResponseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self.0 {
            0 => "NOERROR",
            1 => "FORMERR",
            2 => "SERVFAIL",
            3 => "NXDOMAIN",
            4 => "NOTIMP",
            5 => "REFUSED",
            16 => "BADVERS",
            other => return f.pad(&format!("RCODE{other}")),
        })
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.name, self.class, self.record_type)
    }
}

impl Message {
    /// Decodes a message that is these octets, no fewer and no more.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn decode(octets: &[u8]) -> Result<Message, Fault> {
        Message::read(Reader::new(octets, None))
    }

    /// Decodes a message, and tells each field as soon as it is read.
    ///
    /// # Errors
    /// [`Fault`]; the fields before it have been told.
    pub fn trace(octets: &[u8], tell: &mut dyn FnMut(Seen<'_>)) -> Result<Message, Fault> {
        Message::read(Reader::new(octets, Some(tell)))
    }

    fn read(mut reader: Reader<'_, '_>) -> Result<Message, Fault> {
        let mut message = Message {
            id: reader.u16("ID")?,
            flags: Flags(reader.u16("FLAGS")?),
            ..Message::default()
        };
        let mut counts = [0; 4];
        for (count, name) in counts.iter_mut().zip(["QDCOUNT", "ANCOUNT", "NSCOUNT", "ARCOUNT"]) {
            *count = reader.u16(name)?;
        }
        let [questions, counts @ ..] = counts;
        for number in 1..=questions {
            reader.begins("QUESTION", number);
            message.questions.push(Question {
                name: reader.name("QNAME")?,
                record_type: Type(reader.u16("QTYPE")?),
                class: Class(reader.u16("QCLASS")?),
            });
        }
        let sections = [
            ("ANSWER", &mut message.answers),
            ("AUTHORITY", &mut message.authorities),
            ("ADDITIONAL", &mut message.additionals),
        ];
        for ((name, records), count) in sections.into_iter().zip(counts) {
            for number in 1..=count {
                let at = reader.at;
                reader.begins(name, number);
                let record = reader.record()?;
                match record.data {
                    Data::Other(Type::OPT, options) if name == "ADDITIONAL" => {
                        if message.edns.is_some() || !record.name.is_root() {
                            return Err(Fault { rule: Rule::Opt, at });
                        }
                        message.edns = Some(Edns::decode(record.class, record.ttl, options));
                    }
                    _ => records.push(record),
                }
            }
        }
        if reader.is_at_end() { Ok(message) } else { Err(reader.fault(Rule::Trailing)) }
    }

    /// Returns the response code, with the bits that are in the OPT record.
    pub fn code(&self) -> ResponseCode {
        let upper = self.edns.as_ref().map_or(0, |edns| u16::from(edns.extended_code) << 4);
        ResponseCode(upper | self.flags.code().0)
    }

    /// Encodes the message in at most `limit` octets, but for a header in any case. Records that do not fit
    /// are left out, from the first on: if one of them is an answer or of the authority section, the message
    /// is truncated (TC), and additional records are left out without a word (RFC 2181, 9). The OPT record
    /// has its room.
    pub fn encode(&self, limit: usize) -> Vec<u8> {
        let mut writer = Writer::new(limit);
        let mut flags = self.flags;
        writer.bytes.extend_from_slice(&[0; HEADER]);
        let reserved = self.edns.as_ref().map_or(0, |edns| Edns::FIXED + edns.options.len());
        let mut counts = [0_u16; 4];
        for question in &self.questions {
            let written = writer.try_write(reserved, |writer| {
                writer.name(&question.name);
                writer.u16(question.record_type.0);
                writer.u16(question.class.0);
            });
            counts[0] += u16::from(written.is_ok());
        }
        let sections = [&self.answers, &self.authorities, &self.additionals];
        'all: for (number, section) in (1..).zip(sections) {
            for record in section {
                if writer.try_write(reserved, |writer| writer.record(record)).is_err() {
                    if number < 3 {
                        flags = flags.with(Flags::TRUNCATED);
                    }
                    break 'all;
                }
                counts[number] += 1;
            }
        }
        if let Some(edns) = &self.edns
            && writer.try_write(0, |writer| edns.encode(writer)).is_ok()
        {
            counts[3] += 1;
        }
        let header = [self.id, flags.0, counts[0], counts[1], counts[2], counts[3]];
        for (field, at) in header.iter().zip((0..HEADER).step_by(2)) {
            writer.bytes[at..at + 2].copy_from_slice(&field.to_be_bytes());
        }
        writer.bytes
    }
}

impl Edns {
    /// Decodes what an OPT record has in the places of the class and the TTL.
    fn decode(class: Class, ttl: u32, options: Vec<u8>) -> Edns {
        let [extended_code, version, high, low] = ttl.to_be_bytes();
        let flags = u16::from_be_bytes([high, low]);
        Edns { udp_size: class.0, extended_code, version, flags, options }
    }

    fn encode(&self, writer: &mut Writer) {
        let [high, low] = self.flags.to_be_bytes();
        writer.record(&Record {
            name: Name::root(),
            class: Class(self.udp_size),
            ttl: u32::from_be_bytes([self.extended_code, self.version, high, low]),
            data: Data::Other(Type::OPT, self.options.clone()),
        });
    }
}
