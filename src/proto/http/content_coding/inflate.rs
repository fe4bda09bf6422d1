//! Compressed data of deflate (RFC 1951), and its window: the crate miniz_oxide decodes it.

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_PARSE_ZLIB_HEADER,
    TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

use super::CodingRule;

/// A power of two, and more than the 32 KB that the data can refer back to: the more, the fewer calls.
const WINDOW: usize = 64 << 10;

/// Decodes one stream.
pub(super) struct Inflate {
    state: Box<DecompressorOxide>,
    window: Vec<u8>,
    at: usize,
    /// Whether the window has been filled. Before, a distance that leads to what is not written yet is wrong.
    is_full: bool,
    flags: u32,
}

/// What one step has done.
pub(super) struct Step<'w> {
    /// How many bytes of the input it took.
    pub(super) taken: usize,
    /// What became of them.
    pub(super) data: &'w [u8],
    /// Whether the stream is complete.
    pub(super) is_end: bool,
}

impl Inflate {
    /// Returns the decoder of a bare stream.
    pub(super) fn bare() -> Inflate {
        let (state, window) = (Box::default(), vec![0; WINDOW]);
        Inflate { state, window, at: 0, is_full: false, flags: TINFL_FLAG_HAS_MORE_INPUT }
    }

    /// Returns the decoder of a stream with the head and the checksum of zlib.
    pub(super) fn zlib() -> Inflate {
        let bare = Inflate::bare();
        Inflate { flags: bare.flags | TINFL_FLAG_PARSE_ZLIB_HEADER, ..bare }
    }

    /// Prepares for another bare stream.
    pub(super) fn reset(&mut self) {
        self.state.init();
        (self.at, self.is_full) = (0, false);
    }

    /// Takes some of the input.
    ///
    /// # Errors
    /// [`CodingRule::Data`] or [`CodingRule::Checksum`]; with the data that was right before it, which is to be used.
    pub(super) fn step(&mut self, input: &[u8]) -> (Step<'_>, Result<(), CodingRule>) {
        let flags = match self.is_full {
            true => self.flags,
            false => self.flags | TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
        };
        let (status, taken, made) =
            decompress(&mut self.state, input, &mut self.window, self.at, flags);
        let from = self.at;
        self.is_full |= from + made == WINDOW;
        self.at = (from + made) % WINDOW;
        let step = Step {
            taken,
            data: self.window.get(from..from + made).unwrap_or_default(),
            is_end: status == TINFLStatus::Done,
        };
        let outcome = match status {
            TINFLStatus::Done | TINFLStatus::NeedsMoreInput | TINFLStatus::HasMoreOutput => Ok(()),
            TINFLStatus::Adler32Mismatch => Err(CodingRule::Checksum),
            _ => Err(CodingRule::Data),
        };
        (step, outcome)
    }
}

impl std::fmt::Debug for Inflate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Inflate(at {})", self.at)
    }
}
