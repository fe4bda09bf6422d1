//! Records from text (RFC 1035, 5; RFC 2308, 4; RFC 3597, 5): data, and the files that name servers read.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::name::{Name, unescape};
use super::record::{Class, Data, Kind, Record, Type, field};

/// The most seconds of a TTL (RFC 2181, 8).
const MAX_TTL: u32 = i32::MAX.unsigned_abs();
/// How data are written of which only the octets are known.
const OCTETS: (&str, &str) =
    (r"their number after \# and then themselves in hexadecimal (RFC 3597, 5)", r"\# 3 0A0B0C");

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
    /// assert_eq!(data.to_string(), "10 mail.example.org.");
    /// assert_eq!(data.name(), Some(Name::parse("mail.example.org")?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// What is wrong, and what is right.
    pub fn parse(
        record_type: Type,
        words: &mut dyn Iterator<Item = &str>,
        origin: &Name,
    ) -> Result<Data, String> {
        let (mut words, mut octets) = (words.peekable(), Vec::new());
        if words.next_if_eq(&r"\#").is_some() {
            octets = hex(&mut words).ok_or_else(|| format!("the octets are not {}", OCTETS.0))?;
        } else {
            for number in 0.. {
                let is_more = words.peek().is_some();
                let Some((name, kind)) = field(record_type.fields(), number, is_more) else {
                    break;
                };
                let word = words.next().ok_or_else(|| format!("{name} is missing"))?;
                octets.extend(kind.parse(word, origin)?);
            }
        }
        if let Some(word) = words.next() {
            return Err(format!("{word:?} is one field too many"));
        }
        let fault = |fault| format!("the octets are not the data of type {record_type}: {fault}");
        Data::new(record_type, &octets).map_err(fault)
    }
}

impl Type {
    /// Returns an example of its data.
    fn example(self) -> String {
        let examples = self.fields().iter().map(|(_, kind)| kind.meaning().1);
        examples.collect::<Vec<_>>().join(" ")
    }
}

impl Kind {
    /// Returns what a field of this kind is, in words, and an example.
    fn meaning(self) -> (&'static str, &'static str) {
        match self {
            Kind::Name => ("a name", "www.example.org."),
            Kind::U16 => ("a number up to 65535", "10"),
            Kind::U32 => ("a number up to 4294967295, or a time such as 1d12h", "1d"),
            Kind::Ipv4 => ("an IPv4 address", "192.0.2.1"),
            Kind::Ipv6 => ("an IPv6 address", "2001:db8::1"),
            Kind::Text => ("a text of at most 255 octets", "\"v=spf1 -all\""),
            Kind::Octets => OCTETS,
        }
    }

    /// Returns the octets of a field.
    fn parse(self, word: &str, origin: &Name) -> Result<Vec<u8>, String> {
        let octets = match self {
            Kind::Name => {
                let name = Name::parse_within(word, origin);
                let name = name.map_err(|why| format!("{word:?} is not a name: {why}"))?;
                Some(name.wire().to_vec())
            }
            Kind::U16 => number(word).map(|number: u16| number.to_be_bytes().to_vec()),
            Kind::U32 => seconds(word).map(|number| number.to_be_bytes().to_vec()),
            Kind::Ipv4 => word.parse().ok().map(|address: Ipv4Addr| address.octets().to_vec()),
            Kind::Ipv6 => word.parse().ok().map(|address: Ipv6Addr| address.octets().to_vec()),
            Kind::Text => text(word),
            Kind::Octets => None,
        };
        octets.ok_or_else(|| format!("{word:?} is not {}", self.meaning().0))
    }
}

/// Reads the number of octets, and as many in hexadecimal, with spaces wherever (RFC 3597, 5).
fn hex<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<Vec<u8>> {
    let announced: usize = number(words.next()?)?;
    let digits = words.flat_map(str::chars).map(|digit| digit.to_digit(16));
    let digits = digits.collect::<Option<Vec<u32>>>()?;
    let pair = |pair: &[u32]| u8::try_from(pair[0] << 4 | pair.get(1)?).ok();
    let octets: Vec<u8> = digits.chunks(2).map(pair).collect::<Option<_>>()?;
    (octets.len() == announced).then_some(octets)
}

/// Returns the number, which has only digits.
fn number<T: FromStr>(word: &str) -> Option<T> {
    word.bytes().all(|byte| byte.is_ascii_digit()).then(|| word.parse().ok())?
}

/// Parses a time: seconds, or numbers with units, as in `1d12h`.
fn seconds(word: &str) -> Option<u32> {
    const UNITS: [(&str, u32); 5] =
        [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400), ("w", 604_800)];
    let mut parts = word.split_inclusive(|c: char| !c.is_ascii_digit());
    let sum = parts.try_fold(0_u32, |sum, part| {
        let (count, unit) = part.split_at_checked(part.len() - 1)?;
        let (_, unit) = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
        sum.checked_add(number::<u32>(count)?.checked_mul(*unit)?)
    });
    number(word).or(sum)
}

/// Returns the text of a word, which may stand in quotation marks, after its length.
fn text(word: &str) -> Option<Vec<u8>> {
    let inner = word.strip_prefix('"').and_then(|word| word.strip_suffix('"'));
    let text = unescape(inner.unwrap_or(word)).map(|octet| Some(octet?.0));
    let text = text.collect::<Option<Vec<u8>>>()?;
    Some([&[u8::try_from(text.len()).ok()?], &text[..]].concat())
}

/// Reads the records of a master file, each with the number of its first line, from 1. Relative names are
/// below `origin` until `$ORIGIN` says otherwise.
///
/// A TTL that is left out is that of `$TTL`, or else that of the record before. Times may have units, as in
/// `1d12h`. `$INCLUDE` and `$GENERATE` are refused.
///
/// ```
/// use threadbare::proto::dns::{Name, master};
///
/// let text = "$TTL 1h\n@    MX  10 mail  ; takes our mail\nmail A   192.0.2.1\n";
/// let zone = Name::parse("example.org")?;
/// let records = master::read(text, &zone)?;
/// assert_eq!(records[0].1.to_string(), "example.org.\t3600\tIN\tMX\t10 mail.example.org.");
/// assert_eq!(records[1].0, 3);
///
/// let invalid = master::read("www 60 IN A 192.0.2\n", &zone).unwrap_err();
/// assert_eq!(
///     invalid,
///     r#"line 1: "192.0.2" is not an IPv4 address; a right line is: www 3600 IN A 192.0.2.1"#
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The first line that is wrong, what is wrong in it, and what a right one looks like.
pub fn read(text: &str, origin: &Name) -> Result<Vec<(usize, Record)>, String> {
    let mut file = MasterFile {
        line: 1,
        record_type: Type::A,
        origin: origin.clone(),
        owner: None,
        default_ttl: None,
        last_ttl: None,
    };
    file.records(text).map_err(|wrong| {
        let MasterFile { line, record_type, .. } = file;
        let example = record_type.example();
        format!("line {line}: {wrong}; a right line is: www 3600 IN {record_type} {example}")
    })
}

/// A file that is being read: where, and what records leave out.
struct MasterFile {
    /// The line of the last word.
    line: usize,
    /// The type of the record, as soon as it is known.
    record_type: Type,
    /// What a relative name continues with.
    origin: Name,
    /// The owner of the record before.
    owner: Option<Name>,
    /// What `$TTL` says.
    default_ttl: Option<u32>,
    /// The TTL of the record before.
    last_ttl: Option<u32>,
}

impl MasterFile {
    fn records(&mut self, text: &str) -> Result<Vec<(usize, Record)>, String> {
        // The words up to the end of the line in which all parentheses are closed, and the lines of both.
        let (mut words, mut open, mut is_indented) = (Vec::new(), Vec::new(), false);
        let mut records = Vec::new();
        for (line, text) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
            self.line = line;
            if words.is_empty() && open.is_empty() {
                is_indented = text.starts_with([' ', '\t']);
            }
            let mut rest = text.trim_start();
            while let Some(first) = rest.chars().next().filter(|&first| first != ';') {
                let quote = "a quotation mark is within a word, or has no second";
                let (word, after) = split_word(rest).ok_or(quote)?;
                match first {
                    '(' => open.push(line),
                    ')' => drop(open.pop().ok_or("no parenthesis is open")?),
                    _ => words.push((line, word)),
                }
                rest = after.trim_start();
            }
            if let Some(&(begin, _)) = words.first().filter(|_| open.is_empty()) {
                let mut at = begin;
                let mut words = words.drain(..).map(|(line, word)| {
                    at = line;
                    word
                });
                let record = self.record(is_indented, &mut words);
                drop(words);
                self.line = at;
                records.extend(record?.map(|record| (begin, record)));
            }
        }
        if let Some(&line) = open.first() {
            self.line = line;
            return Err("this parenthesis is not closed".to_owned());
        }
        Ok(records)
    }

    /// Reads a record, or follows a directive.
    fn record(
        &mut self,
        is_indented: bool,
        words: &mut dyn Iterator<Item = &str>,
    ) -> Result<Option<Record>, String> {
        self.record_type = Type::A;
        if !is_indented {
            let word = words.next().unwrap_or_default();
            if word.starts_with('$') {
                return self.directive(word, words).map(|()| None);
            }
            self.owner = Some(self.name(word)?);
        }
        let name = self.owner.clone().ok_or("a space is in the place of the first owner")?;
        let (mut given_ttl, mut given_class) = (None, None);
        let record_type = loop {
            let word = words.next().ok_or("the type is missing")?;
            if given_ttl.is_none() && word.starts_with(|first: char| first.is_ascii_digit()) {
                given_ttl = Some(ttl(word)?);
            } else if given_class.is_none() && word.eq_ignore_ascii_case("IN") {
                given_class = Some(Class::IN);
            } else {
                let others =
                    "another type is written as TYPE65280 (RFC 3597, 5), and the class is IN";
                let wrong = || format!("{word:?} is not a known type, class or TTL; {others}");
                break Type::parse(word).ok_or_else(wrong)?;
            }
        };
        self.record_type = record_type;
        let data = Data::parse(record_type, words, &self.origin)?;
        self.last_ttl = given_ttl.or(self.default_ttl).or(self.last_ttl);
        let ttl = self.last_ttl.ok_or("a TTL is missing, and no $TTL came before (RFC 2308, 4)")?;
        Ok(Some(Record { name, class: Class::IN, ttl, data }))
    }

    fn directive(
        &mut self,
        name: &str,
        words: &mut dyn Iterator<Item = &str>,
    ) -> Result<(), String> {
        match (name.to_ascii_uppercase().as_str(), words.next(), words.next()) {
            ("$ORIGIN", Some(origin), None) => self.origin = self.name(origin)?,
            ("$TTL", Some(word), None) => self.default_ttl = Some(ttl(word)?),
            _ => return Err(format!("{name} is not $ORIGIN or $TTL with one word, as in $TTL 1h")),
        }
        Ok(())
    }

    fn name(&self, word: &str) -> Result<Name, String> {
        let name = Name::parse_within(word, &self.origin);
        name.map_err(|why| format!("{word:?} is not a name: {why}"))
    }
}

fn ttl(word: &str) -> Result<u32, String> {
    let wrong = || format!("{word:?} is not a time of up to {MAX_TTL} seconds (RFC 2181, 8)");
    seconds(word).filter(|&ttl| ttl <= MAX_TTL).ok_or_else(wrong)
}

/// Returns the first word of a text that begins with one, its quotation marks included, or a parenthesis;
/// and what follows. `None` if a quotation mark has no second one, or is within a word.
fn split_word(text: &str) -> Option<(&str, &str)> {
    let is_quoted = text.starts_with('"');
    let mut characters = text.char_indices().skip(usize::from(is_quoted));
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => drop(characters.next()),
            '"' if is_quoted => return Some(text.split_at(at + 1)),
            '"' => return None,
            _ if is_quoted => {}
            '(' | ')' => return Some(text.split_at(at.max(1))),
            _ if character == ';' || character.is_whitespace() => return Some(text.split_at(at)),
            _ => {}
        }
    }
    (!is_quoted).then_some((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(usize, Record)>, String> {
        super::read(text, &Name::parse("example.org").unwrap())
    }

    /// The records of a file, each in a line after its number.
    fn lines(text: &str) -> Vec<String> {
        let entries = read(text).unwrap_or_else(|fault| panic!("{fault}"));
        let line = |(line, record): (usize, Record)| format!("{line} {record}").replace('\t', " ");
        entries.into_iter().map(line).collect()
    }

    /// The example of RFC 1035, 5.3, with what BIND's users add.
    #[test]
    fn a_whole_file() {
        let text = "\u{feff}; ISI's\r
$TTL 1h\r
@   IN  SOA     VENERA      Action\\.domains (\r
                                 20     ; SERIAL\r
                                 2h     ; REFRESH ) \"\r
                                 600    ; RETRY\r
                                 6w     ; EXPIRE\r
                                 60)    ; MINIMUM\r
\r
        NS      A.ISI.EDU.\r
\tNS      VAXA\r
   ; nothing\r
        MX      10      VENERA\r
A       A       26.3.0.103\r
$ORIGIN sub\r
VENERA  5m IN A       10.1.0.52\r
        IN 300 A       128.9.0.32\r
        ( TXT\r
  \"two; (words)\" ) b\\;c\r
$TTL 0\r
*       in TYPE16 x;y\r
odd\\ name A 10.0.0.1\r
@ A 10.0.0.2";
        let want = [
            "3 example.org. 3600 IN SOA VENERA.example.org. Action\\.domains.example.org. \
             20 7200 600 3628800 60",
            "10 example.org. 3600 IN NS A.ISI.EDU.",
            "11 example.org. 3600 IN NS VAXA.example.org.",
            "13 example.org. 3600 IN MX 10 VENERA.example.org.",
            "14 A.example.org. 3600 IN A 26.3.0.103",
            "16 VENERA.sub.example.org. 300 IN A 10.1.0.52",
            "17 VENERA.sub.example.org. 300 IN A 128.9.0.32",
            "18 VENERA.sub.example.org. 3600 IN TXT \"two; (words)\" \"b;c\"",
            "21 *.sub.example.org. 0 IN TXT \"x\"",
            "22 odd\\032name.sub.example.org. 0 IN A 10.0.0.1",
            "23 sub.example.org. 0 IN A 10.0.0.2",
        ];
        assert_eq!(lines(text), want);
    }

    #[test]
    fn a_ttl_that_is_left_out() {
        assert_eq!(lines("a 7 A 1.2.3.4\n A 1.2.3.5")[1], "2 a.example.org. 7 IN A 1.2.3.5");
        assert_eq!(
            lines("a 7 A 1.2.3.4\n$TTL 8\n A 1.2.3.5")[1],
            "3 a.example.org. 8 IN A 1.2.3.5"
        );
        let longest = "a 2147483647 A 1.2.3.4";
        assert_eq!(read(longest).unwrap()[0].1.ttl, MAX_TTL);
        assert!(lines("").is_empty() && lines("; a\n\n  \n\t;b").is_empty());
    }

    #[test]
    fn each_fault_has_its_line_and_a_line_that_is_right() {
        for (text, line, want) in [
            ("\n\nwww A 1.2.3.4", 3, "a TTL is missing"),
            (" A 1.2.3.4", 1, "a space is in the place of the first owner"),
            ("$INCLUDE other", 1, "$INCLUDE is not $ORIGIN or $TTL"),
            ("$GENERATE 1-2 a$ A 1.2.3.$", 1, "$GENERATE is not"),
            ("$TTL", 1, "with one word"),
            ("$TTL 1 2", 1, "with one word"),
            ("$TTL 1y", 1, "\"1y\" is not a time"),
            ("$TTL 2147483648", 1, "is not a time of up to 2147483647 seconds"),
            ("$ORIGIN", 1, "with one word"),
            ("$ORIGIN a..", 1, "\"a..\" is not a name"),
            ("\"a\" 1 A 1.2.3.4", 1, "is not a name"),
            ("a", 1, "the type is missing"),
            ("a 1 IN", 1, "the type is missing"),
            ("a 1 B 1.2.3.4", 1, "\"B\" is not a known type"),
            ("a 1 IN IN A 1.2.3.4", 1, "\"IN\" is not a known type"),
            ("a 1 CH A 1.2.3.4", 1, "the class is IN"),
            ("a 1 2 A 1.2.3.4", 1, "\"2\" is not a known type"),
            ("a 1 ANY 1.2.3.4", 1, "their number after"),
            ("a 1 A", 1, "ADDRESS is missing"),
            ("a 1 MX a", 1, "\"a\" is not a number up to 65535"),
            ("a 1 TYPE65280 a", 1, "their number after"),
            ("a 1 TXT \"b\nc\"", 1, "a quotation mark"),
            ("a 1 TXT b\"c\"", 1, "a quotation mark"),
            ("a 1 TXT \"b\\\"", 1, "a quotation mark"),
            ("\na 1 ( A\n ( 1.2.3.4 )\n\n", 2, "is not closed"),
            ("a 1 A 1.2.3.4 )", 1, "no parenthesis is open"),
            ("@ 1 SOA a b (\n 1\n 2x\n 3 4 5 )", 3, "\"2x\" is not a number"),
        ] {
            let told = super::read(text, &Name::root()).unwrap_err();
            assert!(told.starts_with(&format!("line {line}: ")) && told.contains(want), "{told}");
            let (_, right) = told.split_once("; a right line is: ").unwrap();
            assert!(super::read(&format!("$TTL 1\n{right}"), &Name::root()).is_ok(), "{right}");
        }
    }

    #[test]
    fn what_is_shown_is_read() {
        let text = "\\@.a\\032\\010.example. 60 IN TXT \"\\\" \\\\ \\000\" \"\"\n\
                    . 0 IN TYPE65280 \\# 2 00FF\n\\$ORIGIN. 1 IN CNAME \\;\\(.";
        let records: Vec<Record> = read(text).unwrap().into_iter().map(|it| it.1).collect();
        let shown: Vec<String> = records.iter().map(Record::to_string).collect();
        let again = read(&shown.join("\n")).unwrap().into_iter().map(|it| it.1);
        assert!(again.eq(records), "{shown:?}");
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
        let octets = "their number after";
        for (record_type, text, want) in [
            ("A", "1.2.3", "\"1.2.3\" is not an IPv4 address"),
            ("A", "1.2.3.4|5", "\"5\" is one field too many"),
            ("AAAA", "1.2.3.4", "is not an IPv6 address"),
            ("MX", "10", "EXCHANGE is missing"),
            ("TXT", "", "is missing"),
            ("MX", "+1|a", "is not a number up to 65535"),
            ("MX", "65536|a", "is not a number up to 65535"),
            ("CNAME", "a..b", "\"a..b\" is not a name: a label"),
            ("CNAME", "\"a\"", "is not a name: a quotation mark"),
            ("SOA", "a|b|1|1x", "\"1x\" is not a number up to 4294967295, or a time such as 1d12h"),
            ("SOA", "a|b|1|h", "\"h\" is not a number"),
            ("SOA", "a|b|1|1h30", "\"1h30\" is not a number"),
            ("SOA", "a|b|1|7102w", "\"7102w\" is not a number"),
            ("SOA", "a|b|4294967296", "is not a number up to 4294967295"),
            ("TXT", r"a\", "is not a text of at most 255 octets"),
            ("TXT", r"a\256", "is not a text of at most 255 octets"),
            ("TYPE65280", "1", octets),
            ("TYPE65280", r"\#|2|0a", octets),
            ("TYPE65280", r"\#|1|0a0b", octets),
            ("TYPE65280", r"\#|1|0g", octets),
            ("TYPE65280", r"\#|1|0", octets),
            ("A", r"\#|3|010203", "not the data of type A: invalid DNS message at byte 3"),
        ] {
            let words = text.split('|').filter(|word| !word.is_empty());
            let origin = Name::root();
            let record_type = Type::parse(record_type).unwrap();
            let wrong = Data::parse(record_type, &mut words.into_iter(), &origin).unwrap_err();
            assert!(wrong.contains(want), "{text}: {wrong}");
        }
        let long = vec!["a".repeat(255); 256].join("|");
        assert!(parse("TXT", &long).unwrap_err().contains("RDLENGTH"));
        assert!(parse("TXT", &"a".repeat(256)).is_err());
    }

    #[test]
    fn a_record_is_a_line() {
        let name = Name::parse(r"a\.b c@.example").unwrap();
        let record = Record {
            name,
            class: Class::IN,
            ttl: 60,
            data: Data::new(Type::A, &[192, 0, 2, 1]).unwrap(),
        };
        assert_eq!(record.to_string(), "a\\.b\\032c\\@.example.\t60\tIN\tA\t192.0.2.1");
    }

    fn parse(record_type: &str, text: &str) -> Result<Data, String> {
        let origin = Name::parse("example.org").unwrap();
        Data::parse(Type::parse(record_type).unwrap(), &mut text.split('|'), &origin)
    }
}
