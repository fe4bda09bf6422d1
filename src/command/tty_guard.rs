//! A body on a terminal. Refused, as with curl: one that is no text (a NUL byte stands in its first
//! 2,000), which a terminal would make a mess of.

use std::io::{self, Write};

/// So many bytes are looked at, as curl does.
const LOOK: u64 = 2000;

/// A terminal.
#[derive(Debug)]
pub struct TtyGuard<W> {
    out: W,
    written: u64,
}

impl<W: Write> TtyGuard<W> {
    /// Returns a guard in front of this terminal.
    pub fn new(out: W) -> TtyGuard<W> {
        TtyGuard { out, written: 0 }
    }
}

impl<W: Write> Write for TtyGuard<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.written < LOOK && bytes.contains(&0) {
            return Err(io::Error::other(
                "binary output is not written to a terminal; right: -o FILE, or -o - to write it anyway",
            ));
        }
        let count = self.out.write(bytes)?;
        self.written += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
