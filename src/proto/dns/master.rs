//! The files that name servers read (RFC 1035, 5; RFC 2308, 4): text in, records out, each with its line.

use std::fmt;
use std::iter::Enumerate;
use std::str::Lines;

use super::data::Data;
use super::name::{InvalidName, Name};
use super::presentation::{InvalidData, seconds};
use super::record::{Class, Record, Type};

/// The most octets of a line: more than anything needs that one types.
const MAX_LINE: usize = 65_535;
/// The most seconds of a TTL (RFC 2181, 8).
const MAX_TTL: u32 = i32::MAX.unsigned_abs();

/// The records of a master file, one after the other; after a fault there are no more.
///
/// A TTL that is left out is that of `$TTL`, or else that of the record before, or else the last field of
/// the SOA record. Times may have units, as in `1d12h`. `$INCLUDE` and `$GENERATE` are refused.
///
/// ```
/// use threadbare::proto::dns::{MasterFile, Name};
///
/// let text = "$TTL 1h\n@    MX  10 mail  ; takes our mail\nmail A   192.0.2.1\n";
/// let zone = Name::parse("example.org")?;
/// let entries = MasterFile::new(text, zone.clone()).collect::<Result<Vec<_>, _>>()?;
/// assert_eq!(entries[0].record.to_string(), "example.org.\t3600\tIN\tMX\t10 mail.example.org.");
/// assert_eq!(entries[1].line, 3);
///
/// let fault = MasterFile::new("www 60 IN A 192.0.2\n", zone).next().unwrap().unwrap_err();
/// assert_eq!(
///     fault.to_string(),
///     r#"line 1: "192.0.2" is not an IPv4 address; a right line is: www 3600 IN A 192.0.2.1"#
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct MasterFile<'a> {
    lines: Enumerate<Lines<'a>>,
    /// What a relative name continues with.
    origin: Name,
    /// The owner of the record before.
    owner: Option<Name>,
    class: Class,
    /// What `$TTL` says.
    default_ttl: Option<u32>,
    /// The TTL of the record before, or of the SOA record's last field.
    last_ttl: Option<u32>,
}

/// A record of a master file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The number of its first line, from 1.
    pub line: usize,
    /// The record.
    pub record: Record,
}

/// What is wrong in which line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidFile {
    /// The number of the line, from 1.
    pub line: usize,
    /// What is wrong in it.
    pub problem: Problem,
}

/// What is wrong with a line of a master file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The line has more than 65,535 octets.
    LongLine,
    /// A quotation mark has no second one in its line, or stands within a word.
    Quote,
    /// A parenthesis that is opened is not closed.
    Open,
    /// A parenthesis is closed that was not opened.
    Close,
    /// The line begins with this word, which is not one of the directives that are known.
    Directive(String),
    /// The value of `$TTL` or `$ORIGIN` is missing, or has more than one word.
    Value(&'static str),
    /// This word is no time, or one of more than 2,147,483,647 seconds.
    Ttl(String),
    /// This word is no name.
    Name(String, InvalidName),
    /// The first record of the file has no owner.
    NoOwner,
    /// Neither this record nor one before it has a TTL, and there is no `$TTL`.
    NoTtl,
    /// The record ends before its type.
    NoType,
    /// Where the type is expected, this word stands.
    Type(String),
    /// Records of this type are only in questions or messages.
    QuestionType(Type),
    /// The data are not those of the type.
    Data(Type, InvalidData),
}

/// The words of one or, within parentheses, more lines, each with the number of its line.
struct Words<'a> {
    /// True if the first line begins with a space: the owner is left out.
    is_indented: bool,
    words: Vec<(usize, &'a str)>,
}

impl<'a> MasterFile<'a> {
    /// Reads this text, in which relative names are below `origin` until `$ORIGIN` says otherwise.
    pub fn new(text: &'a str, origin: Name) -> MasterFile<'a> {
        MasterFile {
            lines: text.trim_start_matches('\u{feff}').lines().enumerate(),
            origin,
            owner: None,
            class: Class::IN,
            default_ttl: None,
            last_ttl: None,
        }
    }

    fn next_entry(&mut self) -> Result<Option<Entry>, InvalidFile> {
        while let Some(Words { is_indented, words }) = self.words()? {
            let Some(&(first, _)) = words.first() else { continue };
            let mut line = first;
            let mut words = words.into_iter().map(|(number, word)| {
                line = number;
                word
            });
            let record = self.entry(is_indented, &mut words);
            if let Some(record) = record.map_err(|problem| InvalidFile { line, problem })? {
                return Ok(Some(Entry { line: first, record }));
            }
        }
        Ok(None)
    }

    /// Reads the words up to the end of the line in which all parentheses are closed; `None` at the end.
    fn words(&mut self) -> Result<Option<Words<'a>>, InvalidFile> {
        let (mut found, mut open) = (None, Vec::new());
        for (index, line) in self.lines.by_ref() {
            let number = index + 1;
            let fault = |problem| InvalidFile { line: number, problem };
            if line.len() > MAX_LINE {
                return Err(fault(Problem::LongLine));
            }
            let is_indented = line.starts_with([' ', '\t']);
            let found = found.get_or_insert(Words { is_indented, words: Vec::new() });
            let mut rest = line.trim_start();
            while let Some(first) = rest.chars().next().filter(|&first| first != ';') {
                let (word, after) = split_word(rest).map_err(fault)?;
                match first {
                    '(' => open.push(number),
                    ')' => open.pop().map(|_| ()).ok_or(fault(Problem::Close))?,
                    _ => found.words.push((number, word)),
                }
                rest = after.trim_start();
            }
            if open.is_empty() {
                break;
            }
        }
        match open.first() {
            Some(&line) => Err(InvalidFile { line, problem: Problem::Open }),
            None => Ok(found),
        }
    }

    /// Executes a directive, or returns a record.
    fn entry(
        &mut self,
        is_indented: bool,
        words: &mut dyn Iterator<Item = &'a str>,
    ) -> Result<Option<Record>, Problem> {
        let owner = match (is_indented, &self.owner) {
            (true, Some(owner)) => owner.clone(),
            (true, None) => return Err(Problem::NoOwner),
            (false, _) => match words.next() {
                Some(word) if word.starts_with('$') => {
                    return self.directive(word, words).map(|()| None);
                }
                word => self.name(word.unwrap_or_default())?,
            },
        };
        self.owner = Some(owner.clone());
        let (mut given_ttl, mut given_class) = (None, None);
        let record_type = loop {
            let word = words.next().ok_or(Problem::NoType)?;
            if given_ttl.is_none() && word.starts_with(|first: char| first.is_ascii_digit()) {
                given_ttl = Some(ttl(word)?);
                continue;
            }
            let class = Class::parse(word).filter(|&class| class != Class::ANY);
            match (Type::parse(word), class) {
                (None, Some(class)) if given_class.is_none() => given_class = Some(class),
                (Some(record_type), _) => break record_type,
                (None, _) => return Err(Problem::Type(word.to_owned())),
            }
        };
        if matches!(record_type, Type(0) | Type::OPT | Type(128..=255)) {
            return Err(Problem::QuestionType(record_type));
        }
        let data = Data::parse(record_type, words, &self.origin)
            .map_err(|invalid| Problem::Data(record_type, invalid))?;
        if let Data::Soa(soa) = &data {
            self.last_ttl.get_or_insert(soa.minimum.min(MAX_TTL));
        }
        self.class = given_class.unwrap_or(self.class);
        let ttl = given_ttl.or(self.default_ttl).or(self.last_ttl).ok_or(Problem::NoTtl)?;
        self.last_ttl = Some(ttl);
        Ok(Some(Record { name: owner, class: self.class, ttl, data }))
    }

    fn directive(
        &mut self,
        name: &str,
        words: &mut dyn Iterator<Item = &'a str>,
    ) -> Result<(), Problem> {
        let mut value = |name| match (words.next(), words.next()) {
            (Some(value), None) => Ok(value),
            _ => Err(Problem::Value(name)),
        };
        match name.to_ascii_uppercase().as_str() {
            "$ORIGIN" => self.origin = self.name(value("$ORIGIN")?)?,
            "$TTL" => self.default_ttl = Some(ttl(value("$TTL")?)?),
            _ => return Err(Problem::Directive(name.to_owned())),
        }
        Ok(())
    }

    fn name(&self, word: &str) -> Result<Name, Problem> {
        Name::parse_within(word, &self.origin).map_err(|why| Problem::Name(word.to_owned(), why))
    }
}

fn ttl(word: &str) -> Result<u32, Problem> {
    seconds(word).filter(|&ttl| ttl <= MAX_TTL).ok_or_else(|| Problem::Ttl(word.to_owned()))
}

/// Returns the first word of a text that begins with one, its quotation marks included, or a parenthesis;
/// and what follows.
fn split_word(text: &str) -> Result<(&str, &str), Problem> {
    let is_quoted = text.starts_with('"');
    let mut characters = text.char_indices().skip(usize::from(is_quoted));
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => drop(characters.next()),
            '"' if is_quoted => return Ok(text.split_at(at + 1)),
            '"' => return Err(Problem::Quote),
            _ if is_quoted => {}
            '(' | ')' => return Ok(text.split_at(at.max(1))),
            ';' => return Ok(text.split_at(at)),
            _ if character.is_whitespace() => return Ok(text.split_at(at)),
            _ => {}
        }
    }
    if is_quoted { Err(Problem::Quote) } else { Ok((text, "")) }
}

impl Iterator for MasterFile<'_> {
    type Item = Result<Entry, InvalidFile>;

    fn next(&mut self) -> Option<Result<Entry, InvalidFile>> {
        let next = self.next_entry();
        if next.is_err() {
            self.lines = "".lines().enumerate();
        }
        next.transpose()
    }
}

/// Returns a line that is right, with a record of this type.
fn example(record_type: Type) -> &'static str {
    match record_type {
        Type::A => "www 3600 IN A 192.0.2.1",
        Type::AAAA => "www 3600 IN AAAA 2001:db8::1",
        Type::CNAME => "alias 3600 IN CNAME www.example.org.",
        Type::NS => "@ 3600 IN NS ns.example.org.",
        Type::PTR => "1.2.0.192.in-addr.arpa. 3600 IN PTR www.example.org.",
        Type::SOA => "@ 3600 IN SOA ns root.example.org. 1 1d 2h 4w 1h",
        Type::MX => "@ 3600 IN MX 10 mail.example.org.",
        Type::TXT => "@ 3600 IN TXT \"v=spf1 -all\"",
        Type::SRV => "_http._tcp 3600 IN SRV 0 1 80 www.example.org.",
        _ => r"www 3600 IN TYPE65280 \# 3 0A0B0C",
    }
}

impl fmt::Display for InvalidFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.problem)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let soa = "@ IN SOA ns root ( 1 1d 2h 4w 1h )";
        let (wrong, right) = match self {
            Problem::LongLine => {
                (format!("more than {MAX_LINE} octets; parentheses may enclose more lines"), soa)
            }
            Problem::Quote => {
                ("a quotation mark is within a word, or has no second".into(), example(Type::TXT))
            }
            Problem::Open => ("this parenthesis is not closed".into(), soa),
            Problem::Close => ("a parenthesis is closed, but none is open".into(), soa),
            Problem::Directive(name) => {
                let why = "a zone is one file, with each record in it";
                (format!("{name} is not read, but only $ORIGIN and $TTL: {why}"), "$TTL 1h")
            }
            Problem::Value(name) => {
                let right = if *name == "$TTL" { "$TTL 1h" } else { "$ORIGIN example.org." };
                (format!("one word must follow {name}"), right)
            }
            Problem::Ttl(word) => {
                let what = format!("a time of up to {MAX_TTL} seconds (RFC 2181, 8)");
                (format!("{word:?} is not {what}"), example(Type::A))
            }
            Problem::Name(word, why) => {
                (format!("{word:?} is not a name: {why}"), example(Type::A))
            }
            Problem::NoOwner => {
                ("a space is in the place of the first owner".into(), example(Type::SOA))
            }
            Problem::NoTtl => {
                ("a TTL is missing, and no $TTL came before (RFC 2308, 4)".into(), "$TTL 1h")
            }
            Problem::NoType => ("the type is missing".into(), example(Type::A)),
            Problem::Type(word) => {
                let others = "another type is written as TYPE65280 (RFC 3597, 5)";
                (format!("{word:?} is not a known type, class or TTL; {others}"), example(Type::A))
            }
            Problem::QuestionType(record_type) => {
                (format!("type {record_type} is not for files (RFC 6895, 3.1)"), example(Type::A))
            }
            Problem::Data(record_type, invalid) => (invalid.to_string(), example(*record_type)),
        };
        write!(f, "{wrong}; a right line is: {right}")
    }
}

impl std::error::Error for InvalidFile {}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Entry>, InvalidFile> {
        MasterFile::new(text, Name::parse("example.org").unwrap()).collect()
    }

    /// The records of a file, each in a line after its number.
    fn lines(text: &str) -> Vec<String> {
        let entries = read(text).unwrap_or_else(|fault| panic!("{fault}"));
        let line = |Entry { line, record }: Entry| format!("{line} {record}").replace('\t', " ");
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
*       ch TYPE16 x;y\r
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
            "21 *.sub.example.org. 0 CH TXT \"x\"",
            "22 odd\\032name.sub.example.org. 0 CH A 10.0.0.1",
            "23 sub.example.org. 0 CH A 10.0.0.2",
        ];
        assert_eq!(lines(text), want);
    }

    #[test]
    fn a_ttl_that_is_left_out() {
        let soa = "@ SOA a b 1 2 3 4 5\n";
        assert_eq!(lines(soa), ["1 example.org. 5 IN SOA a.example.org. b.example.org. 1 2 3 4 5"]);
        assert_eq!(lines(&format!("{soa}a A 1.2.3.4"))[1], "2 a.example.org. 5 IN A 1.2.3.4");
        assert_eq!(lines("a 7 A 1.2.3.4\n A 1.2.3.5")[1], "2 a.example.org. 7 IN A 1.2.3.5");
        assert_eq!(
            lines("a 7 A 1.2.3.4\n$TTL 8\n A 1.2.3.5")[1],
            "3 a.example.org. 8 IN A 1.2.3.5"
        );
        let longest = "a 2147483647 A 1.2.3.4";
        assert_eq!(read(longest).unwrap()[0].record.ttl, MAX_TTL);
        assert!(lines("").is_empty() && lines("; a\n\n  \n\t;b").is_empty());
    }

    #[test]
    fn each_fault_has_its_line_and_a_line_that_is_right() {
        let word = str::to_owned;
        let soa = "@ 1 SOA a b (\n 1\n 2x\n 3 4 5 )";
        for (text, line, want) in [
            ("\n\nwww A 1.2.3.4", 3, Problem::NoTtl),
            (" A 1.2.3.4", 1, Problem::NoOwner),
            ("$INCLUDE other", 1, Problem::Directive(word("$INCLUDE"))),
            ("$GENERATE 1-2 a$ A 1.2.3.$", 1, Problem::Directive(word("$GENERATE"))),
            ("$TTL", 1, Problem::Value("$TTL")),
            ("$TTL 1 2", 1, Problem::Value("$TTL")),
            ("$TTL 1y", 1, Problem::Ttl(word("1y"))),
            ("$TTL 2147483648", 1, Problem::Ttl(word("2147483648"))),
            ("$ORIGIN", 1, Problem::Value("$ORIGIN")),
            ("$ORIGIN a..", 1, Problem::Name(word("a.."), InvalidName::EmptyLabel)),
            ("\"a\" 1 A 1.2.3.4", 1, Problem::Name(word("\"a\""), InvalidName::Quote)),
            ("a", 1, Problem::NoType),
            ("a 1 IN", 1, Problem::NoType),
            ("a 1 B 1.2.3.4", 1, Problem::Type(word("B"))),
            ("a 1 IN IN A 1.2.3.4", 1, Problem::Type(word("IN"))),
            ("a 1 CLASS255 A 1.2.3.4", 1, Problem::Type(word("CLASS255"))),
            ("a 1 2 A 1.2.3.4", 1, Problem::Type(word("2"))),
            ("a 1 ANY 1.2.3.4", 1, Problem::QuestionType(Type::ANY)),
            ("a 1 OPT \\# 0", 1, Problem::QuestionType(Type::OPT)),
            ("a 1 A", 1, Problem::Data(Type::A, InvalidData::Missing("ADDRESS"))),
            ("a 1 TXT \"b\nc\"", 1, Problem::Quote),
            ("a 1 TXT b\"c\"", 1, Problem::Quote),
            ("a 1 TXT \"b\\\"", 1, Problem::Quote),
            ("\na 1 ( A\n ( 1.2.3.4 )\n\n", 2, Problem::Open),
            ("a 1 A 1.2.3.4 )", 1, Problem::Close),
            (&"a".repeat(MAX_LINE + 1), 1, Problem::LongLine),
            (
                soa,
                3,
                Problem::Data(
                    Type::SOA,
                    InvalidData::Not(word("2x"), "a time, in seconds or as 1d12h"),
                ),
            ),
        ] {
            let mut file = MasterFile::new(text, Name::root());
            let fault = file.next().unwrap().unwrap_err();
            assert_eq!((fault.line, &fault.problem), (line, &want), "{text}");
            assert!(file.next().is_none(), "{text}");
            let told = fault.to_string();
            assert!(told.starts_with(&format!("line {line}: ")), "{told}");
            if let Some((_, right)) = told.split_once("; a right line is: ") {
                let right = format!("$TTL 1\n{right}");
                assert!(
                    MasterFile::new(&right, Name::root()).all(|entry| entry.is_ok()),
                    "{right}"
                );
            }
        }
    }

    #[test]
    fn what_is_shown_is_read() {
        let text = "\\@.a\\032\\010.example. 60 IN TXT \"\\\" \\\\ \\000\" \"\"\n\
                    . 0 CH TYPE65280 \\# 2 00FF\n\\$ORIGIN. 1 IN CNAME \\;\\(.";
        let records: Vec<Record> = read(text).unwrap().into_iter().map(|it| it.record).collect();
        let shown: Vec<String> = records.iter().map(Record::to_string).collect();
        let again = read(&shown.join("\n")).unwrap().into_iter().map(|it| it.record);
        assert!(again.eq(records), "{shown:?}");
    }
}
