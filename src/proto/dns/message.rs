//! A whole message: the header, the question, and three sections of records (RFC 1035, 4.1).

use std::fmt;

use super::name::Name;
use super::reader::{Fault, Reader, Seen};
use super::record::{Class, Record, Type};
use super::writer::Writer;

/// The most octets of a message over UDP, unless the client says more with [`Edns`] (RFC 1035, 4.2.1).
pub const PLAIN_UDP: usize = 512;
/// The octets of a message over UDP that a client asks for: what fits into one packet nearly everywhere
/// (dnsflagday.net/2020).
pub const UDP_SIZE: u16 = 1232;
/// The octets of the header.
pub const HEADER: usize = 12;

/// A query or a response.
///
/// ```
/// use threadbare::proto::dns::{Class, Data, Flags, Message, Name, Question, Record, Type};
///
/// let query = Message::query(Question::new(Name::parse("www.example.org")?, Type::A));
/// let asked = Message::decode(&query.encode(512))?;
///
/// let name = asked.questions[0].name.clone();
/// let data = Data::new(Type::A, &[192, 0, 2, 1])?;
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

/// The OPT record (RFC 6891, 6.1): what the sender can do beyond RFC 1035. Its options are not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edns {
    /// The largest message that the sender takes over UDP, in octets.
    pub udp_size: u16,
    /// The upper eight bits of the response code.
    pub extended_code: u8,
    /// The version, which is 0.
    pub version: u8,
    /// The flags; the highest bit says that DNSSEC records are wanted (DO).
    pub flags: u16,
}

impl Edns {
    /// Returns what a sender says that takes messages of `udp_size` octets.
    pub fn new(udp_size: u16) -> Edns {
        Edns { udp_size, extended_code: 0, version: 0, flags: 0 }
    }

    /// The octets of the record: its owner, type, class, TTL and length.
    const LENGTH: usize = 11;
}

impl Question {
    /// Returns the question for the records of this type that `name` owns, in the Internet.
    pub fn new(name: Name, record_type: Type) -> Question {
        Question { name, record_type, class: Class::IN }
    }
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
        const NAMES: [&str; 6] =
            ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];
        match NAMES.get(usize::from(self.0)) {
            Some(name) => f.pad(name),
            None if *self == ResponseCode::BAD_VERSION => f.pad("BADVERS"),
            None => f.pad(&format!("RCODE{}", self.0)),
        }
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
        Message::trace(octets, &mut |_| ())
    }

    /// Decodes a message, and tells each field as soon as it is read.
    ///
    /// # Errors
    /// [`Fault`]; the fields before it have been told.
    pub fn trace(octets: &[u8], tell: &mut dyn FnMut(Seen<'_>)) -> Result<Message, Fault> {
        let mut reader = Reader::new(octets, tell);
        let (mut message, counts) = Message::begin(&mut reader)?;
        let sections = [
            ("ANSWER", &mut message.answers),
            ("AUTHORITY", &mut message.authorities),
            ("ADDITIONAL", &mut message.additionals),
        ];
        for ((section, records), count) in sections.into_iter().zip(counts) {
            for number in 1..=count {
                let at = reader.at;
                reader.begins(section, number);
                let Record { name, class, ttl, data } = reader.record()?;
                if section != "ADDITIONAL" || data.record_type() != Type::OPT {
                    records.push(Record { name, class, ttl, data });
                } else if message.edns.is_none() && name.is_root() {
                    let [extended_code, version, high, low] = ttl.to_be_bytes();
                    let (udp_size, flags) = (class.0, u16::from_be_bytes([high, low]));
                    message.edns = Some(Edns { udp_size, extended_code, version, flags });
                } else {
                    return Err(Fault { rule: Fault::OPT, at });
                }
            }
        }
        reader.ends(Fault::TRAILING).map(|()| message)
    }

    /// Reads the header and the questions. Returns them, and how many records each section has.
    fn begin(reader: &mut Reader<'_, '_>) -> Result<(Message, [u16; 3]), Fault> {
        let (id, flags) = (reader.u16("ID")?, Flags(reader.u16("FLAGS")?));
        let mut counts = [0; 4];
        for (count, name) in counts.iter_mut().zip(["QDCOUNT", "ANCOUNT", "NSCOUNT", "ARCOUNT"]) {
            *count = reader.u16(name)?;
        }
        let mut message = Message { id, flags, ..Message::default() };
        let [questions, counts @ ..] = counts;
        for number in 1..=questions {
            reader.begins("QUESTION", number);
            message.questions.push(Question {
                name: reader.name("QNAME")?,
                record_type: Type(reader.u16("QTYPE")?),
                class: Class(reader.u16("QCLASS")?),
            });
        }
        Ok((message, counts))
    }

    /// Returns the response code, with the bits that are in the OPT record.
    pub fn code(&self) -> ResponseCode {
        let upper = self.edns.map_or(0, |edns| u16::from(edns.extended_code) << 4);
        ResponseCode(upper | self.flags.code().0)
    }

    /// Encodes the message in at most `limit` octets, but for a header in any case; the answers and the
    /// authorities are needed.
    pub fn encode(&self, limit: usize) -> Vec<u8> {
        self.encode_within(limit, 2)
    }

    /// Encodes the message in at most `limit` octets, and 65,535 (RFC 1035, 4.2.2), but for a header in any
    /// case. If the first `needed` sections of records do not fit, the message is truncated (TC), and has none,
    /// because they are asked for again over TCP. If another one does not fit, it and those after it are left
    /// out without a word (RFC 2181, 9). The OPT record has its room.
    pub fn encode_within(&self, limit: usize, needed: usize) -> Vec<u8> {
        let limit = limit.min(usize::from(u16::MAX));
        let reserved = self.edns.map_or(0, |_| Edns::LENGTH);
        let mut writer = Writer::new(vec![0; HEADER], limit.saturating_sub(reserved));
        let (mut flags, mut counts) = (self.flags, [0_u16; 4]);
        for question in &self.questions {
            counts[0] += u16::from(writer.fits(|writer| {
                writer.name(question.name.wire());
                writer.u16(question.record_type.0);
                writer.u16(question.class.0);
            }));
        }
        let end = writer.bytes.len();
        let sections = [(1, &self.answers), (2, &self.authorities), (3, &self.additionals)];
        for (section, records) in sections {
            let begin = writer.bytes.len();
            if records.iter().all(|record| writer.fits(|writer| writer.record(record))) {
                counts[section] = u16::try_from(records.len()).unwrap_or(u16::MAX);
            } else if section > needed {
                writer.bytes.truncate(begin);
                break;
            } else {
                flags = flags.with(Flags::TRUNCATED);
                writer.bytes.truncate(end);
                counts[1..].fill(0);
                break;
            }
        }
        if let Some(Edns { udp_size, extended_code, version, flags }) = self.edns {
            writer.limit = limit;
            counts[3] += u16::from(writer.fits(|writer| {
                writer.bytes.push(0);
                let codes = u16::from_be_bytes([extended_code, version]);
                for number in [Type::OPT.0, udp_size, codes, flags, 0] {
                    writer.u16(number);
                }
            }));
        }
        let [questions, answers, authorities, additionals] = counts;
        let header = [self.id, flags.0, questions, answers, authorities, additionals];
        writer.bytes[..HEADER].copy_from_slice(header.map(u16::to_be_bytes).as_flattened());
        writer.bytes
    }

    /// Returns the query for a question, which wants recursion, and offers [`UDP_SIZE`]. Its id is 0: what
    /// sends it, chooses one that cannot be guessed.
    pub fn query(question: Question) -> Message {
        Message {
            flags: Flags::RECURSION_DESIRED,
            questions: vec![question],
            edns: Some(Edns::new(UDP_SIZE)),
            ..Message::default()
        }
    }

    /// Decodes the answer to this query. One that is truncated may end within a record: then it has none.
    ///
    /// # Errors
    /// Why these octets are not the answer. They are dropped, and the wait goes on.
    pub fn check(&self, octets: &[u8]) -> Result<Message, String> {
        let message = Message::decode(octets).or_else(|fault| {
            let begun = Message::begin(&mut Reader::new(octets, &mut |_| ()));
            let cut = begun.ok().filter(|begun| begun.0.flags.has(Flags::TRUNCATED));
            cut.map(|cut| cut.0).ok_or(fault.to_string())
        })?;
        if !message.flags.has(Flags::RESPONSE) {
            return Err("it is a query, not a response".to_owned());
        }
        if message.id != self.id {
            return Err(format!("its id is {}, which is another query's", message.id));
        }
        // A server that cannot read the query may not be able to repeat the question.
        let is_unread =
            message.questions.is_empty() && message.code() == ResponseCode::FORMAT_ERROR;
        if message.questions != self.questions && !is_unread {
            return Err("it answers another question".to_owned());
        }
        Ok(message)
    }
}
