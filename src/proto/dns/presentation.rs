//! Records as text, in the notation of master files (RFC 1035, 5.1; RFC 3597, 5).

use std::fmt;
use std::iter::Peekable;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::data::{Data, Soa, Source, Srv};
use super::fault::Fault;
use super::name::{InvalidName, Name, escape, unescape};
use super::reader::Reader;
use super::record::{Class, Record, Type};

/// Why words are not the data of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvalidData {
    /// The field with this name is missing.
    Missing(&'static str),
    /// This word follows the last field.
    Surplus(String),
    /// This word is not what belongs there.
    Not(String, &'static str),
    /// This word is no name.
    Name(String, InvalidName),
    /// There are more or fewer octets than were announced.
    Count(u16),
    /// The octets are not the data of this type.
    Octets(Type, Fault),
    /// The data have more than 65,535 octets.
    Long,
}

/// How data are written of which only the octets are known.
const OCTETS: &str = r"\#: the data of this type are written as \# 3 0A0B0C (RFC 3597, 5)";

/// The words of a text, and the name that relative names continue with.
struct Words<'w, 'o, 'a> {
    words: Peekable<&'w mut dyn Iterator<Item = &'a str>>,
    origin: &'o Name,
}

impl<'a> Words<'_, '_, 'a> {
    fn next(&mut self, name: &'static str) -> Result<&'a str, InvalidData> {
        self.words.next().ok_or(InvalidData::Missing(name))
    }

    /// Parses the next word with `parse`; `what` says what it should be.
    fn parse<T>(
        &mut self,
        name: &'static str,
        what: &'static str,
        parse: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<T, InvalidData> {
        let word = self.next(name)?;
        parse(word).ok_or_else(|| InvalidData::Not(word.to_owned(), what))
    }
}

impl Source for Words<'_, '_, '_> {
    type Fault = InvalidData;

    fn name(&mut self, name: &'static str) -> Result<Name, InvalidData> {
        let word = self.next(name)?;
        let invalid = |why| InvalidData::Name(word.to_owned(), why);
        Name::parse_within(word, self.origin).map_err(invalid)
    }

    fn u16(&mut self, name: &'static str) -> Result<u16, InvalidData> {
        self.parse(name, "a number up to 65535", number)
    }

    fn u32(&mut self, name: &'static str) -> Result<u32, InvalidData> {
        self.parse(name, "a number up to 4294967295", number)
    }

    fn seconds(&mut self, name: &'static str) -> Result<u32, InvalidData> {
        self.parse(name, "a time, in seconds or as 1d12h", seconds)
    }

    fn ipv4(&mut self, name: &'static str) -> Result<Ipv4Addr, InvalidData> {
        self.parse(name, "an IPv4 address", |word| word.parse().ok())
    }

    fn ipv6(&mut self, name: &'static str) -> Result<Ipv6Addr, InvalidData> {
        self.parse(name, "an IPv6 address", |word| word.parse().ok())
    }

    fn texts(&mut self, name: &'static str) -> Result<Vec<Vec<u8>>, InvalidData> {
        let (mut texts, mut length) = (Vec::new(), 0);
        while texts.is_empty() || self.words.peek().is_some() {
            let more = self.parse(name, "a text of at most 255 octets", text)?;
            length += 1 + more.len();
            if length > usize::from(u16::MAX) {
                return Err(InvalidData::Long);
            }
            texts.push(more);
        }
        Ok(texts)
    }

    fn octets(&mut self, name: &'static str) -> Result<Vec<u8>, InvalidData> {
        self.parse(name, OCTETS, |_| None)
    }
}

impl Data {
    /// Parses data as they are written in a master file: one word for each field, relative names below
    /// `origin`, texts with or without quotation marks, times in seconds or as `1d12h`. The data of any
    /// type may be octets: `\# 4 C0000201`.
    ///
    /// ```
    /// use threadbare::proto::dns::{Data, Name, Type};
    ///
    /// let zone = Name::parse("example.org")?;
    /// let data = Data::parse(Type::MX, &mut ["10", "mail"].into_iter(), &zone)?;
    /// assert_eq!(data, Data::Mx(10, Name::parse("mail.example.org")?));
    /// assert_eq!(data.to_string(), "10 mail.example.org.");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidData`].
    pub fn parse(
        record_type: Type,
        words: &mut dyn Iterator<Item = &str>,
        origin: &Name,
    ) -> Result<Data, InvalidData> {
        let mut words = Words { words: words.peekable(), origin };
        let data = match words.words.next_if_eq(&r"\#") {
            Some(_) => octets(record_type, &mut words),
            None => Data::read(record_type, &mut words),
        }?;
        match words.words.next() {
            Some(word) => Err(InvalidData::Surplus(word.to_owned())),
            None => Ok(data),
        }
    }
}

/// Parses what follows `\#`: how many octets, and these in hexadecimal (RFC 3597, 5).
fn octets(record_type: Type, words: &mut Words<'_, '_, '_>) -> Result<Data, InvalidData> {
    let announced = words.u16("the number of octets")?;
    let mut octets = Vec::new();
    while octets.len() <= announced.into() && words.words.peek().is_some() {
        octets.extend(words.parse("hexadecimal digits", "pairs of hexadecimal digits", hex)?);
    }
    if octets.len() != usize::from(announced) {
        return Err(InvalidData::Count(announced));
    }
    let fault = |fault| InvalidData::Octets(record_type, fault);
    Reader::new(&octets, None).data(record_type, Class::IN).map_err(fault)
}

fn hex(word: &str) -> Option<Vec<u8>> {
    let pair = |pair: &[u8]| {
        let is_hex = pair.iter().all(u8::is_ascii_hexdigit) && pair.len() == 2;
        u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok().filter(|_| is_hex)
    };
    word.as_bytes().chunks(2).map(pair).collect()
}

/// Returns the number, which has only digits.
fn number<T: FromStr>(word: &str) -> Option<T> {
    word.bytes().all(|byte| byte.is_ascii_digit()).then(|| word.parse().ok())?
}

/// Parses a time: seconds, or numbers with units, as in `1d12h`.
pub(super) fn seconds(word: &str) -> Option<u32> {
    if let Some(seconds) = number(word) {
        return Some(seconds);
    }
    let mut sum = 0_u32;
    for part in word.split_inclusive(|c: char| !c.is_ascii_digit()) {
        let (count, unit) = part.split_at_checked(part.len().checked_sub(1)?)?;
        let unit = match unit {
            "s" | "S" => 1,
            "m" | "M" => 60,
            "h" | "H" => 3_600,
            "d" | "D" => 86_400,
            "w" | "W" => 604_800,
            _ => return None,
        };
        sum = sum.checked_add(number::<u32>(count)?.checked_mul(unit)?)?;
    }
    Some(sum)
}

/// Returns the text of a word, which may stand in quotation marks.
fn text(word: &str) -> Option<Vec<u8>> {
    let inner = word.strip_prefix('"').and_then(|word| word.strip_suffix('"'));
    let text = unescape(inner.unwrap_or(word)).map(|octet| Some(octet?.0));
    text.collect::<Option<Vec<u8>>>().filter(|text| text.len() <= usize::from(u8::MAX))
}

/// A text in quotation marks.
pub(super) struct Quoted<'a>(pub(super) &'a [u8]);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        self.0.iter().try_for_each(|&octet| escape(octet, b"\"\\", b' ', f))?;
        f.write_str("\"")
    }
}

/// The fields, as in a master file.
impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Data::A(address) => address.fmt(f),
            Data::Aaaa(address) => address.fmt(f),
            Data::Cname(name) | Data::Ns(name) | Data::Ptr(name) => name.fmt(f),
            Data::Soa(Soa { primary, mailbox, serial, refresh, retry, expire, minimum }) => {
                write!(f, "{primary} {mailbox} {serial} {refresh} {retry} {expire} {minimum}")
            }
            Data::Mx(preference, exchange) => write!(f, "{preference} {exchange}"),
            Data::Txt(texts) => texts.iter().enumerate().try_for_each(|(at, text)| {
                write!(f, "{}{}", if at == 0 { "" } else { " " }, Quoted(text))
            }),
            Data::Srv(Srv { priority, weight, port, target }) => {
                write!(f, "{priority} {weight} {port} {target}")
            }
            Data::Other(_, octets) => {
                write!(f, r"\# {}{}", octets.len(), if octets.is_empty() { "" } else { " " })?;
                octets.iter().try_for_each(|octet| write!(f, "{octet:02X}"))
            }
        }
    }
}

/// A line of a master file, with tabs between the owner, the TTL, the class, the type and the data.
impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Record { name, ttl, class, data } = self;
        write!(f, "{name}\t{ttl}\t{class}\t{}\t{data}", data.record_type())
    }
}

impl fmt::Display for InvalidData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InvalidData::Missing(field) => write!(f, "{field} is missing"),
            InvalidData::Surplus(word) => write!(f, "{word:?} is one field too many"),
            InvalidData::Not(word, what) => write!(f, "{word:?} is not {what}"),
            InvalidData::Name(word, why) => write!(f, "{word:?} is not a name: {why}"),
            InvalidData::Count(count) => {
                write!(f, "there are not as many octets as announced, {count} (RFC 3597, 5)")
            }
            InvalidData::Octets(record_type, fault) => {
                write!(f, "the octets are not the data of type {record_type}: {fault}")
            }
            InvalidData::Long => {
                f.write_str("the data have more than 65535 octets (RFC 1035, 3.2.1)")
            }
        }
    }
}

impl std::error::Error for InvalidData {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::dns::Rule;

    fn parse(record_type: &str, text: &str) -> Result<Data, InvalidData> {
        let origin = Name::parse("example.org").unwrap();
        Data::parse(Type::parse(record_type).unwrap(), &mut text.split('|'), &origin)
    }

    #[test]
    fn data_are_parsed_and_shown() {
        for (record_type, text, want) in [
            ("A", "192.0.2.1", "192.0.2.1"),
            ("AAAA", "2001:DB8:0::1", "2001:db8::1"),
            ("CNAME", "www", "www.example.org."),
            ("NS", "ns.example.net.", "ns.example.net."),
            ("PTR", "@", "example.org."),
            (
                "SOA",
                "ns|root|2026010100|1d|2H30m|1w|3600",
                "ns.example.org. root.example.org. 2026010100 86400 9000 604800 3600",
            ),
            ("MX", "10|mail", "10 mail.example.org."),
            ("TXT", r#""v=spf1 -all"|""|plain"#, r#""v=spf1 -all" "" "plain""#),
            ("TXT", r#""a\"b\\c;\100\009\255ü""#, r#""a\"b\\c;d\009\255\195\188""#),
            ("SRV", "0|1|80|www", "0 1 80 www.example.org."),
            ("TYPE65280", r"\#|3|0a0B|0c", r"\# 3 0A0B0C"),
            ("TYPE65280", r"\#|0", r"\# 0"),
            // The octets of a known type (RFC 3597, 5).
            ("A", r"\#|4|C0000201", "192.0.2.1"),
            ("TYPE1", r"\#|4|C0000201", "192.0.2.1"),
            ("MX", r"\#|5|000a016100", "10 a."),
        ] {
            let data = parse(record_type, text).unwrap_or_else(|why| panic!("{text}: {why}"));
            assert_eq!(data.to_string(), want);
            assert_eq!(data.record_type(), Type::parse(record_type).unwrap());
        }
    }

    #[test]
    fn what_is_no_data_is_refused_with_a_reason() {
        let not = |word: &str, what| InvalidData::Not(word.to_owned(), what);
        for (record_type, text, want) in [
            ("A", "1.2.3", not("1.2.3", "an IPv4 address")),
            ("A", "1.2.3.4|5", InvalidData::Surplus("5".to_owned())),
            ("AAAA", "1.2.3.4", not("1.2.3.4", "an IPv6 address")),
            ("MX", "10", InvalidData::Missing("EXCHANGE")),
            ("MX", "+1|a", not("+1", "a number up to 65535")),
            ("MX", "65536|a", not("65536", "a number up to 65535")),
            ("CNAME", "a..b", InvalidData::Name("a..b".to_owned(), InvalidName::EmptyLabel)),
            ("CNAME", "\"a\"", InvalidData::Name("\"a\"".to_owned(), InvalidName::Quote)),
            ("SOA", "a|b|1|1x", not("1x", "a time, in seconds or as 1d12h")),
            ("SOA", "a|b|1|h", not("h", "a time, in seconds or as 1d12h")),
            ("SOA", "a|b|1|1h30", not("1h30", "a time, in seconds or as 1d12h")),
            ("SOA", "a|b|1|7102w", not("7102w", "a time, in seconds or as 1d12h")),
            ("SOA", "a|b|1h", not("1h", "a number up to 4294967295")),
            ("TXT", r"a\", not(r"a\", "a text of at most 255 octets")),
            ("TXT", r"a\256", not(r"a\256", "a text of at most 255 octets")),
            ("TYPE65280", "1", not("1", OCTETS)),
            ("TYPE65280", r"\#|2|0a", InvalidData::Count(2)),
            ("TYPE65280", r"\#|1|0a0b", InvalidData::Count(1)),
            ("TYPE65280", r"\#|1|0g", not("0g", "pairs of hexadecimal digits")),
            ("TYPE65280", r"\#|1|0", not("0", "pairs of hexadecimal digits")),
            (
                "A",
                r"\#|3|010203",
                InvalidData::Octets(Type::A, Fault { rule: Rule::DataLength, at: 3 }),
            ),
        ] {
            assert_eq!(parse(record_type, text), Err(want), "{text}");
        }
        let long = vec!["a".repeat(255); 256].join("|");
        assert_eq!(parse("TXT", &long), Err(InvalidData::Long));
        assert!(parse("TXT", &"a".repeat(256)).is_err());
    }

    #[test]
    fn a_record_is_a_line() {
        let name = Name::parse(r"a\.b c@.example").unwrap();
        let record =
            Record { name, class: Class::IN, ttl: 60, data: Data::A([192, 0, 2, 1].into()) };
        assert_eq!(record.to_string(), "a\\.b\\032c\\@.example.\t60\tIN\tA\t192.0.2.1");
    }
}
