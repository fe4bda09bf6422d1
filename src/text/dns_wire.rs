//! Formats the octets of a DNS message, each field with its name, to lay beside RFC 1035, 4.1.
//!
//! ```text
//! byte  octets                   field           value
//!    0  12 34                    ID              4660
//!    2  81 80
//!       1... .... .... ....      QR              1 (a response)
//!       .000 0... .... ....      OPCODE          0 (a standard query)
//! ANSWER 1
//!   29  c0 0c                    NAME            example.org. (a pointer to byte 12)
//! ```
//! The decoder itself tells the fields ([`Message::trace`]): the lines show what it sees. For a message that
//! it refuses, they show what it saw before the fault, the fault, and the octets that it did not read.

use std::fmt::Write;
use std::ops::Range;

use crate::proto::dns::{Class, Kind, Message, ResponseCode, Seen, Type};

/// The octets of a line.
const WIDTH: usize = 8;
/// The most octets shown of a field: all of a name.
const ENOUGH: usize = 256;

/// The bits of the second 16 bits, their names, and what they say if they are set (RFC 1035, 4.1.1;
/// RFC 4035, 3.1.6 and 3.2.2).
const FLAGS: [(u16, &str, &str); 10] = [
    (0x8000, "QR", " (a response)"),
    (0x7800, "OPCODE", ""),
    (0x0400, "AA", " (authoritative: the server has the zone)"),
    (0x0200, "TC", " (truncated: more over TCP)"),
    (0x0100, "RD", " (recursion desired: the server is to ask others)"),
    (0x0080, "RA", " (recursion available: the server asks others)"),
    (0x0040, "Z", " (reserved, must be 0)"),
    (0x0020, "AD", " (authentic: the signatures are verified)"),
    (0x0010, "CD", " (checking disabled: the client verifies signatures)"),
    (0x000f, "RCODE", ""),
];

/// The lines of a message under way.
struct Dump<'a> {
    octets: &'a [u8],
    /// Where the last field ended.
    read: usize,
    /// True within an OPT record, where the class and the TTL are something else (RFC 6891, 6.1.2).
    is_opt: bool,
    out: String,
}

/// Returns the lines for these octets, which should be a message. No octet of it gets to a terminal
/// but as visible characters.
///
/// ```
/// let query = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x01a\0\0\x01\0\x01";
/// let lines = threadbare::text::dns_wire::dump(query);
/// assert!(lines.contains("  12  01 61 00                 QNAME           a.\n"), "{lines}");
/// assert!(lines.contains("  15  00 01                    QTYPE           1 (A)\n"));
/// ```
pub fn dump(octets: &[u8]) -> String {
    let out = format!("byte  {:<24} {:<15} value\n", "octets", "field");
    let mut dump = Dump { octets, read: 0, is_opt: false, out };
    let decoded = Message::trace(octets, &mut |seen| dump.field(&seen));
    if let Err(fault) = decoded {
        let _ = writeln!(dump.out, "{fault}");
        if dump.read < octets.len() {
            dump.line("(not read)", dump.read..octets.len(), "");
        }
    }
    dump.out
}

impl Dump<'_> {
    fn field(&mut self, seen: &Seen<'_>) {
        let Seen { name, octets, field } = seen;
        let (octets, number) = (octets.clone(), self.number(octets.clone()));
        self.read = octets.end;
        let name = *name;
        let value = match field.0 {
            Kind::Octets => format!("{} octets", octets.len()),
            _ => field.to_string(),
        };
        match name {
            "QUESTION" | "ANSWER" | "AUTHORITY" | "ADDITIONAL" => {
                self.is_opt = false;
                let _ = writeln!(self.out, "{name} {value}");
            }
            "FLAGS" => {
                self.line("", octets, "");
                self.flags(number);
            }
            "TYPE" | "QTYPE" => {
                self.is_opt = name == "TYPE" && Type(number) == Type::OPT;
                self.line(name, octets, &format!("{value} ({})", Type(number)));
            }
            "CLASS" if self.is_opt => {
                self.line(
                    name,
                    octets,
                    &format!("{value} (the most octets that the sender takes over UDP)"),
                );
            }
            "CLASS" | "QCLASS" => {
                self.line(name, octets, &format!("{value} ({})", Class(number)));
            }
            "TTL" if self.is_opt => self.opt_ttl(octets.start),
            "TTL" => self.line(name, octets, &format!("{value} (seconds)")),
            "RDATA" if self.is_opt => self.options(octets),
            _ => {
                let is_name = field.0 == Kind::Name;
                let pointer = if is_name { self.pointer(octets.clone()) } else { String::new() };
                self.line(name, octets, &(value + &pointer));
            }
        }
    }

    /// Returns the number in the first two of these octets.
    fn number(&self, octets: Range<usize>) -> u16 {
        let two = self.octets[octets].first_chunk::<2>();
        two.map_or(0, |two| u16::from_be_bytes(*two))
    }

    /// Writes the octets, with the offset before each line of them, and what they are.
    fn line(&mut self, name: &str, octets: Range<usize>, value: &str) {
        let shown = &self.octets[octets.clone()];
        let shown = &shown[..shown.len().min(ENOUGH)];
        let mut what = format!("{name:<15} {value}");
        if octets.is_empty() {
            self.text(octets.start, "", &what);
        }
        for (at, octets) in (octets.start..).step_by(WIDTH).zip(shown.chunks(WIDTH)) {
            let hex: Vec<_> = octets.iter().map(|octet| format!("{octet:02x}")).collect();
            self.text(at, &hex.join(" "), &what);
            what.clear();
        }
        if octets.len() > ENOUGH {
            self.text(
                octets.start + ENOUGH,
                "…",
                &format!("{} more octets", octets.len() - ENOUGH),
            );
        }
    }

    fn text(&mut self, at: usize, hex: &str, what: &str) {
        let line = format!("{at:>4}  {hex:<24} {what}");
        self.out.push_str(line.trim_end());
        self.out.push('\n');
    }

    fn flags(&mut self, flags: u16) {
        for (mask, name, set) in FLAGS {
            let mut bits = String::new();
            for bit in (0..16).rev() {
                bits.push(match (mask >> bit & 1, flags >> bit & 1) {
                    (0, _) => '.',
                    (_, 0) => '0',
                    _ => '1',
                });
                if bit % 4 == 0 {
                    bits.push(' ');
                }
            }
            let value = (flags & mask) >> mask.trailing_zeros();
            let says = match (name, value) {
                ("QR", 0) => " (a query)".to_owned(),
                ("OPCODE", 0) => " (a standard query)".to_owned(),
                ("OPCODE", 4) => " (NOTIFY)".to_owned(),
                ("OPCODE", 5) => " (UPDATE)".to_owned(),
                ("RCODE", code) => format!(" ({})", ResponseCode(code)),
                (_, 0) => String::new(),
                _ => set.to_owned(),
            };
            let _ = writeln!(self.out, "      {bits:<24} {name:<15} {value}{says}");
        }
    }

    /// Writes what an OPT record has in the place of the TTL (RFC 6891, 6.1.3).
    fn opt_ttl(&mut self, at: usize) {
        let value = self.octets[at].to_string() + " (the upper bits of RCODE)";
        self.line("EXTENDED-RCODE", at..at + 1, &value);
        self.line("VERSION", at + 1..at + 2, &self.octets[at + 1].to_string());
        let wants =
            if self.octets[at + 2] & 0x80 == 0 { "" } else { " (DO: DNSSEC records are wanted)" };
        let value = format!("{}{wants}", self.number(at + 2..at + 4));
        self.line("DO, Z", at + 2..at + 4, &value);
    }

    /// Writes the options of an OPT record (RFC 6891, 6.1.2), and what is left if they are cut.
    fn options(&mut self, octets: Range<usize>) {
        let mut at = octets.start;
        while let Some(4..) = octets.end.checked_sub(at) {
            let length = usize::from(self.number(at + 2..at + 4));
            self.line("OPTION-CODE", at..at + 2, &self.number(at..at + 2).to_string());
            self.line("OPTION-LENGTH", at + 2..at + 4, &length.to_string());
            let end = (at + 4 + length).min(octets.end);
            self.line("OPTION-DATA", at + 4..end, "");
            at = end;
        }
        if at < octets.end {
            self.line("(cut)", at..octets.end, "");
        }
    }

    /// Returns where the pointer points to, if these octets, a name, end with one.
    fn pointer(&self, octets: Range<usize>) -> String {
        let mut at = octets.start;
        while at < octets.end {
            match self.octets[at] {
                length @ 1..0x40 => at += 1 + usize::from(length),
                0xc0.. => {
                    let target = self.number(at..at + 2) & 0x3fff;
                    let ends = if at == octets.start { "" } else { "ends with " };
                    return format!(" ({ends}a pointer to byte {target})");
                }
                _ => break,
            }
        }
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A response with a compressed alias, two texts and an OPT record with a cookie.
    const RESPONSE: &[u8] = b"\x12\x34\x85\x80\0\x01\0\x02\0\0\0\x01\
        \x03www\x07example\0\0\x10\0\x01\
        \xc0\x0c\0\x05\0\x01\0\0\x0e\x10\0\x04\x01a\xc0\x10\
        \x01a\xc0\x10\0\x10\0\x01\0\0\0\x3c\0\x05\x02\x1b\"\x01z\
        \0\0\x29\x04\xd0\x01\0\x80\0\0\x0c\0\x0a\0\x08abcdefgh";

    #[test]
    fn each_field_has_its_octets_its_name_and_its_value() {
        let want = "\
byte  octets                   field           value
   0  12 34                    ID              4660
   2  85 80
      1... .... .... ....      QR              1 (a response)
      .000 0... .... ....      OPCODE          0 (a standard query)
      .... .1.. .... ....      AA              1 (authoritative: the server has the zone)
      .... ..0. .... ....      TC              0
      .... ...1 .... ....      RD              1 (recursion desired: the server is to ask others)
      .... .... 1... ....      RA              1 (recursion available: the server asks others)
      .... .... .0.. ....      Z               0
      .... .... ..0. ....      AD              0
      .... .... ...0 ....      CD              0
      .... .... .... 0000      RCODE           0 (NOERROR)
   4  00 01                    QDCOUNT         1
   6  00 02                    ANCOUNT         2
   8  00 00                    NSCOUNT         0
  10  00 01                    ARCOUNT         1
QUESTION 1
  12  03 77 77 77 07 65 78 61  QNAME           www.example.
  20  6d 70 6c 65 00
  25  00 10                    QTYPE           16 (TXT)
  27  00 01                    QCLASS          1 (IN)
ANSWER 1
  29  c0 0c                    NAME            www.example. (a pointer to byte 12)
  31  00 05                    TYPE            5 (CNAME)
  33  00 01                    CLASS           1 (IN)
  35  00 00 0e 10              TTL             3600 (seconds)
  39  00 04                    RDLENGTH        4
  41  01 61 c0 10              CNAME           a.example. (ends with a pointer to byte 16)
ANSWER 2
  45  01 61 c0 10              NAME            a.example. (ends with a pointer to byte 16)
  49  00 10                    TYPE            16 (TXT)
  51  00 01                    CLASS           1 (IN)
  53  00 00 00 3c              TTL             60 (seconds)
  57  00 05                    RDLENGTH        5
  59  02 1b 22                 TXT-DATA        \"\\027\\\"\"
  62  01 7a                    TXT-DATA        \"z\"
ADDITIONAL 1
  64  00                       NAME            .
  65  00 29                    TYPE            41 (OPT)
  67  04 d0                    CLASS           1232 (the most octets that the sender takes over UDP)
  69  01                       EXTENDED-RCODE  1 (the upper bits of RCODE)
  70  00                       VERSION         0
  71  80 00                    DO, Z           32768 (DO: DNSSEC records are wanted)
  73  00 0c                    RDLENGTH        12
  75  00 0a                    OPTION-CODE     10
  77  00 08                    OPTION-LENGTH   8
  79  61 62 63 64 65 66 67 68  OPTION-DATA
";
        assert_eq!(dump(RESPONSE), want);
    }

    #[test]
    fn a_faulty_message_is_shown_up_to_its_fault_and_then_as_octets() {
        // The first answer's owner points to itself.
        let mut octets = RESPONSE.to_vec();
        octets[30] = 29;
        let lines = dump(&octets);
        let (_, end) = lines.split_once("ANSWER 1\n").unwrap();
        assert!(
            end.starts_with(
                "invalid DNS message at byte 29: a pointer must point to an earlier name (RFC 1035, \
                 4.1.4)\n  29  c0 1d 00 05 00 01 00 00  (not read)\n  37  0e 10"
            ),
            "{end}"
        );
        assert!(dump(&[]).contains("at byte 0: "));
        for cut in 0..RESPONSE.len() {
            assert!(dump(&RESPONSE[..cut]).contains("invalid DNS message"), "{cut}");
        }
        let long = dump(&[RESPONSE, &[b'\n'; 1000]].concat());
        assert!(long.ends_with(" 744 more octets\n"), "{long}");
    }
}
