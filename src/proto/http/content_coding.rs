//! Content codings (RFC 9110, 8.4): the bytes of a body in, the content that was coded out. Sans-IO.
//!
//! | file | what it knows |
//! |---|---|
//! | `gzip` | gzip: members, their heads and checksums (RFC 1952) |
//! | `deflate` | deflate: in zlib's format (RFC 1950), or bare, as some servers send it |
//! | `inflate` | the compressed data of both (RFC 1951), which the crate miniz_oxide decodes |
//! | `crc32` | the checksum of gzip |
//! | `fault` | what can be wrong |
//!
//! Each coding is a layer. A call of [`ContentDecoder::decode`] takes a bounded step, so memory and time do not depend on
//! how much a few bytes become: a megabyte can be a gigabyte, and with two layers a terabyte.

mod crc32;
mod deflate;
mod fault;
mod gzip;
mod inflate;
#[cfg(test)]
mod tests;

pub use self::fault::{CodingFault, CodingRule};

use self::deflate::Deflate;
use self::gzip::Gzip;
use super::headers::Headers;

/// What this build decodes, for `Accept-Encoding`, in curl's order.
pub const ACCEPTED: &str = "deflate, gzip";

/// The most codings of one body, as with curl.
pub const MAX_CODINGS: usize = 5;

/// No deflate stream becomes more than 1,032 times as long. What layers below the last one make of all that was
/// received may not be longer than that, either: otherwise a small body could keep the processor busy without an end.
const MAX_EXPANSION: u64 = 1032;

/// A coding that can be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// `gzip`, `x-gzip`
    Gzip,
    /// `deflate`
    Deflate,
}

impl Coding {
    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Coding::Gzip => "gzip",
            Coding::Deflate => "deflate",
        }
    }
}

/// Returns the codings that `Content-Encoding` lists, in the order in which they were applied. `identity` is none, and
/// `none` stands for it in the responses of some servers.
///
/// # Errors
/// [`CodingRule::Unknown`], or [`CodingRule::TooMany`] with more than [`MAX_CODINGS`].
pub fn codings(headers: &Headers) -> Result<Vec<Coding>, CodingFault> {
    let mut codings = Vec::new();
    let lists = headers.all("content-encoding").flat_map(|list| list.split(|&byte| byte == b','));
    let names = lists.map(<[u8]>::trim_ascii).filter(|name| !name.is_empty());
    for (number, name) in names.enumerate() {
        if number == MAX_CODINGS {
            return Err(CodingFault::of_list(CodingRule::TooMany));
        }
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        match () {
            () if is("gzip") || is("x-gzip") => codings.push(Coding::Gzip),
            () if is("deflate") => codings.push(Coding::Deflate),
            () if is("identity") || is("none") => {}
            () => {
                let name = String::from_utf8_lossy(name).into_owned();
                return Err(CodingFault::of_list(CodingRule::Unknown(name)));
            }
        }
    }
    Ok(codings)
}

/// The decoder of one body.
#[derive(Debug)]
pub struct ContentDecoder {
    /// The coding that was applied last, which is removed first, and so on.
    layers: Vec<Layer>,
    received: u64,
    fault: Option<CodingFault>,
}

/// One coding, and what was decoded below it.
#[derive(Debug)]
struct Layer {
    decoder: Decoder,
    coding: Coding,
    /// The output of the layer below, and how many bytes of it were taken.
    input: Vec<u8>,
    taken: usize,
    /// All bytes that were taken.
    consumed: u64,
    /// What is wrong with the layer below, behind its output.
    fault_below: Option<CodingFault>,
}

#[derive(Debug)]
enum Decoder {
    Gzip(Box<Gzip>),
    Deflate(Box<Deflate>),
}

impl Decoder {
    /// Takes some of the input, and appends at most 64 KB to the output. Returns how many bytes were taken: 0, without
    /// output, if it needs more.
    fn decode(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<usize, CodingRule> {
        match self {
            Decoder::Gzip(gzip) => gzip.decode(input, out),
            Decoder::Deflate(deflate) => deflate.decode(input, out),
        }
    }

    fn is_complete(&self) -> bool {
        match self {
            Decoder::Gzip(gzip) => gzip.is_complete(),
            Decoder::Deflate(deflate) => deflate.is_complete(),
        }
    }
}

impl Layer {
    fn new(coding: Coding) -> Layer {
        let decoder = match coding {
            Coding::Gzip => Decoder::Gzip(Box::default()),
            Coding::Deflate => Decoder::Deflate(Box::default()),
        };
        Layer { decoder, coding, input: Vec::new(), taken: 0, consumed: 0, fault_below: None }
    }

    fn fault(&self, rule: CodingRule) -> CodingFault {
        CodingFault { coding: Some(self.coding), rule, offset: self.consumed }
    }

    fn decode(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<usize, CodingFault> {
        let count = self.decoder.decode(input, out).map_err(|rule| self.fault(rule))?;
        self.consumed += count as u64;
        Ok(count)
    }

    /// Returns true if it can go on without more from below.
    fn has_input(&self) -> bool {
        self.taken < self.input.len() || self.fault_below.is_some()
    }

    /// Checks that the coded data ends where it may. A body without a byte is an empty content, as with curl.
    fn finish(&self) -> Result<(), CodingFault> {
        match self.consumed == 0 || self.decoder.is_complete() {
            true => Ok(()),
            false => Err(self.fault(CodingRule::Incomplete)),
        }
    }
}

impl ContentDecoder {
    /// Returns a decoder for these codings, in the order in which they were applied.
    pub fn new(codings: &[Coding]) -> ContentDecoder {
        let layers = codings.iter().rev().map(|coding| Layer::new(*coding)).collect();
        ContentDecoder { layers, received: 0, fault: None }
    }

    /// Takes some of the input, and appends what is decoded, at most 64 KB at a time, to the output. Without output, more
    /// input is needed as soon as all of it is taken.
    ///
    /// # Errors
    /// What is wrong, and from then on always; all that was right before it has been returned.
    pub fn decode(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<(), CodingFault> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        let begun = out.len();
        loop {
            let before = input.len();
            let outcome = advance(&mut self.layers, input, self.received, out);
            self.received += (before - input.len()) as u64;
            if let Err(fault) = outcome {
                self.fault = Some(fault.clone());
                return if out.len() == begun { Err(fault) } else { Ok(()) };
            }
            if out.len() > begun || !self.layers.iter().any(Layer::has_input) {
                return Ok(());
            }
        }
    }

    /// Checks that the body may end here: call it when [`ContentDecoder::decode`] returns no more without input.
    ///
    /// # Errors
    /// [`CodingRule::Incomplete`].
    pub fn finish(&self) -> Result<(), CodingFault> {
        self.layers.iter().try_for_each(Layer::finish)
    }
}

/// Lets the last layer take a step, and the layers below it first if it has no input.
fn advance(
    layers: &mut [Layer],
    input: &mut &[u8],
    received: u64,
    out: &mut Vec<u8>,
) -> Result<(), CodingFault> {
    let (last, below) = match layers {
        [] => {
            out.extend_from_slice(input);
            *input = &[];
            return Ok(());
        }
        [only] => {
            let count = only.decode(input, out)?;
            *input = input.get(count..).unwrap_or_default();
            return Ok(());
        }
        [below @ .., last] => (last, below),
    };
    if last.taken == last.input.len() {
        last.input.clear();
        last.taken = 0;
        if let Some(fault) = last.fault_below.clone() {
            let begun = out.len();
            last.decode(&[], out)?;
            return if out.len() == begun { Err(fault) } else { Ok(()) };
        }
        let before = input.len();
        let outcome = advance(below, input, received, &mut last.input);
        let received = received + (before - input.len()) as u64;
        let made = last.consumed + last.input.len() as u64;
        let outcome = match made > received.saturating_mul(MAX_EXPANSION).saturating_add(1 << 16) {
            true => Err(last.fault(CodingRule::Expansion)),
            false => outcome,
        };
        match outcome {
            Err(fault) if last.input.is_empty() => return Err(fault),
            Err(fault) => last.fault_below = Some(fault),
            Ok(()) => {}
        }
    }
    let input = std::mem::take(&mut last.input);
    let taken = last.decode(input.get(last.taken..).unwrap_or_default(), out);
    last.input = input;
    last.taken += taken?;
    Ok(())
}
