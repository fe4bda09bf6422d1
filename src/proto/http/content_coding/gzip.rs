//! The coding `gzip` (RFC 1952): members, each with a head, compressed data, a checksum and a length. curl takes a single
//! one only; where a body is put together of files, there are several (RFC 1952, 2.2).

use super::CodingRule;
use super::crc32::Crc32;
use super::deflate::Deflate;
use super::inflate::Inflate;

/// The decoder of all members.
#[derive(Debug, Default)]
pub(super) struct Gzip {
    stage: Stage,
    /// The checksum and the length of the content of this member; in zlib's format, 1 if there is some.
    crc: Crc32,
    length: u32,
    /// The decoder of the compressed data, for all members.
    inflate: Option<Inflate>,
    /// The number of complete members.
    members: u64,
}

#[derive(Debug, Default)]
enum Stage {
    /// Between two members.
    #[default]
    Start,
    Head(Head),
    Data,
    /// The checksum and the length, of which so many bytes are there.
    End([u8; 8], usize),
    /// It is data in zlib's format, which curl takes under this name, too.
    Zlib(Deflate),
}

/// The head of a member, byte by byte.
#[derive(Debug, Default)]
struct Head {
    part: Part,
    /// The flags of the parts that are still to come.
    flags: u8,
    crc: Crc32,
}

/// A part of the head (RFC 1952, 2.3).
#[derive(Debug)]
enum Part {
    /// The first ten bytes, by number.
    Fixed(u8),
    ExtraLength(Option<u8>),
    Extra(u16),
    Name,
    Comment,
    Checksum(Option<u8>),
    Complete,
}

impl Default for Part {
    fn default() -> Part {
        Part::Fixed(0)
    }
}

const MAGIC: u8 = 0x1F;
const HEAD_CHECKSUM: u8 = 2;
const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;
const RESERVED: u8 = 0xE0;

impl Gzip {
    pub(super) fn is_complete(&self) -> bool {
        match &self.stage {
            Stage::Start => self.members > 0,
            Stage::Zlib(zlib) => zlib.is_complete(),
            Stage::Head(_) | Stage::Data | Stage::End(..) => false,
        }
    }

    pub(super) fn decode(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<usize, CodingRule> {
        match &mut self.stage {
            Stage::Start => {
                match (input.first(), self.members) {
                    (None, _) => {}
                    (Some(&MAGIC), _) => self.stage = Stage::Head(Head::default()),
                    (Some(_), 0) => self.stage = Stage::Zlib(Deflate::zlib()),
                    (Some(_), _) => return Err(CodingRule::Trailing),
                }
                match self.stage {
                    Stage::Start => Ok(0),
                    _ => self.decode(input, out),
                }
            }
            Stage::Head(head) => {
                for (count, &byte) in (1..).zip(input) {
                    if head.take(byte)? {
                        self.begin();
                        return Ok(count);
                    }
                }
                Ok(input.len())
            }
            Stage::Data => self.data(input, out),
            Stage::End(end, have) => {
                let mut count = 0;
                for (place, byte) in end.iter_mut().skip(*have).zip(input) {
                    *place = *byte;
                    count += 1;
                }
                *have += count;
                if *have == end.len() {
                    self.check_end()?;
                }
                Ok(count)
            }
            Stage::Zlib(zlib) => {
                let begun = out.len();
                let outcome = zlib.decode(input, out);
                self.length |= u32::from(out.len() > begun);
                outcome.map_err(|rule| match rule {
                    CodingRule::Data if self.length == 0 => CodingRule::Start,
                    rule => rule,
                })
            }
        }
    }

    fn begin(&mut self) {
        self.stage = Stage::Data;
        (self.crc, self.length) = (Crc32::default(), 0);
        match &mut self.inflate {
            Some(inflate) => inflate.reset(),
            None => self.inflate = Some(Inflate::bare()),
        }
    }

    fn data(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<usize, CodingRule> {
        let Some(inflate) = &mut self.inflate else { return Ok(0) };
        let (step, outcome) = inflate.step(input);
        self.crc.update(step.data);
        // The length is kept modulo 2^32 (RFC 1952, 2.3.1).
        let length = u32::try_from(step.data.len()).unwrap_or_default();
        self.length = self.length.wrapping_add(length);
        out.extend_from_slice(step.data);
        if step.is_end {
            self.stage = Stage::End([0; 8], 0);
        }
        let taken = step.taken;
        outcome.map(|()| taken)
    }

    fn check_end(&mut self) -> Result<(), CodingRule> {
        let Stage::End([a, b, c, d, length @ ..], _) = self.stage else { return Ok(()) };
        if u32::from_le_bytes([a, b, c, d]) != self.crc.value() {
            return Err(CodingRule::Checksum);
        }
        if u32::from_le_bytes(length) != self.length {
            return Err(CodingRule::Length);
        }
        self.stage = Stage::Start;
        self.members += 1;
        Ok(())
    }
}

impl Head {
    /// Takes a byte. Returns true if it was the last one.
    fn take(&mut self, byte: u8) -> Result<bool, CodingRule> {
        if let Part::Checksum(first) = self.part {
            let [low, high, ..] = self.crc.value().to_le_bytes();
            return match first {
                None if byte == low => {
                    self.part = Part::Checksum(Some(byte));
                    Ok(false)
                }
                Some(_) if byte == high => Ok(true),
                _ => Err(CodingRule::HeadChecksum),
            };
        }
        self.crc.update(&[byte]);
        self.part = match self.part {
            Part::Fixed(0) if byte != MAGIC => return Err(CodingRule::Start),
            Part::Fixed(1) if byte != 0x8B => return Err(CodingRule::Start),
            Part::Fixed(2) if byte != 8 => return Err(CodingRule::Method),
            Part::Fixed(3) if byte & RESERVED != 0 => return Err(CodingRule::ReservedFlag),
            // The time, how well it is compressed, and the system say nothing about the content.
            Part::Fixed(number @ ..9) => {
                if number == 3 {
                    self.flags = byte;
                }
                Part::Fixed(number + 1)
            }
            Part::ExtraLength(None) => Part::ExtraLength(Some(byte)),
            Part::ExtraLength(Some(low)) => match u16::from_le_bytes([low, byte]) {
                0 => self.next(),
                length => Part::Extra(length),
            },
            Part::Extra(left @ 2..) => Part::Extra(left - 1),
            Part::Name if byte != 0 => Part::Name,
            Part::Comment if byte != 0 => Part::Comment,
            Part::Fixed(_) | Part::Extra(_) | Part::Name | Part::Comment => self.next(),
            Part::Checksum(_) | Part::Complete => Part::Complete,
        };
        Ok(matches!(self.part, Part::Complete))
    }

    /// Returns the part that follows.
    fn next(&mut self) -> Part {
        for (flag, part) in [
            (EXTRA, Part::ExtraLength(None)),
            (NAME, Part::Name),
            (COMMENT, Part::Comment),
            (HEAD_CHECKSUM, Part::Checksum(None)),
        ] {
            if self.flags & flag != 0 {
                self.flags &= !flag;
                return part;
            }
        }
        Part::Complete
    }
}
