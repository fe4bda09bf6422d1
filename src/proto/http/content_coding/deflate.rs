//! The coding `deflate`: a stream in zlib's format (RFC 1950). Some servers send bare compressed data (RFC 1951), which
//! browsers and curl accept, too: its first two bytes are no head of zlib.

use super::CodingRule;
use super::inflate::Inflate;

/// The decoder of one stream.
#[derive(Debug, Default)]
pub(super) struct Deflate {
    stage: Stage,
    /// The first byte, until the second one shows which format it is.
    first: Option<u8>,
}

#[derive(Debug, Default)]
enum Stage {
    #[default]
    Start,
    Data(Inflate, Format),
    /// Behind the end, with so many bytes that may follow.
    End(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Zlib,
    Bare,
}

/// Behind bare data some servers send the checksum of zlib's format all the same.
const CHECKSUM: usize = 4;

impl Deflate {
    /// Returns a decoder that takes zlib's format only.
    pub(super) fn zlib() -> Deflate {
        Deflate { stage: Stage::Data(Inflate::zlib(), Format::Zlib), first: None }
    }

    pub(super) fn is_complete(&self) -> bool {
        matches!(self.stage, Stage::End(_))
    }

    pub(super) fn decode(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<usize, CodingRule> {
        match &mut self.stage {
            Stage::Start => self.start(input, out),
            Stage::Data(inflate, format) => {
                let (step, outcome) = inflate.step(input);
                out.extend_from_slice(step.data);
                let taken = step.taken;
                if step.is_end {
                    let may_follow = if *format == Format::Bare { CHECKSUM } else { 0 };
                    self.stage = Stage::End(may_follow);
                }
                outcome.map(|()| taken)
            }
            Stage::End(left) => match left.checked_sub(input.len()) {
                Some(rest) => {
                    *left = rest;
                    Ok(input.len())
                }
                None => Err(CodingRule::Trailing),
            },
        }
    }

    /// Takes the first two bytes.
    fn start(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<usize, CodingRule> {
        let Some((&byte, _)) = input.split_first() else { return Ok(0) };
        let Some(first) = self.first else {
            self.first = Some(byte);
            return Ok(1);
        };
        let format = format_of(first, byte)?;
        let inflate = match format {
            Format::Zlib => Inflate::zlib(),
            Format::Bare => Inflate::bare(),
        };
        self.stage = Stage::Data(inflate, format);
        // No stream ends within its first byte.
        self.decode(&[first], out)?;
        Ok(0)
    }
}

/// Returns the format of data with these first bytes: those of zlib are a method (8), a window of at most 32 KB, and a
/// multiple of 31 together (RFC 1950, 2.2).
fn format_of(first: u8, second: u8) -> Result<Format, CodingRule> {
    const DICTIONARY: u8 = 0x20;
    let is_zlib = first & 0x0F == 8
        && first >> 4 <= 7
        && u16::from_be_bytes([first, second]).is_multiple_of(31);
    match is_zlib {
        true if second & DICTIONARY != 0 => Err(CodingRule::Dictionary),
        true => Ok(Format::Zlib),
        false => Ok(Format::Bare),
    }
}
