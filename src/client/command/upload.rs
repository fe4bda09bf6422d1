//! A body that is put together from texts and files, read one after the other as it is sent.
//!
//! Its length is known at the start: a file that has none (a pipe, stdin) is read into memory. One
//! that grows meanwhile is sent as long as it was; one that shrinks is an error, never a short body.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The pieces, in order.
#[derive(Debug, Default)]
pub struct Upload {
    pieces: Vec<Piece>,
}

#[derive(Debug)]
enum Piece {
    Text(io::Cursor<Vec<u8>>),
    /// A file, of which so many bytes are still to be read.
    File(File, u64),
}

impl Upload {
    /// Adds a text.
    pub fn text(&mut self, text: impl Into<Vec<u8>>) {
        self.pieces.push(Piece::Text(io::Cursor::new(text.into())));
    }

    /// Adds a file; `-` is stdin.
    ///
    /// # Errors
    /// Those of opening it, and of reading one without a length.
    pub fn file(&mut self, path: &Path) -> io::Result<()> {
        let mut text = Vec::new();
        if path == Path::new("-") {
            io::stdin().read_to_end(&mut text)?;
        } else {
            let mut file = File::open(path)?;
            let about = file.metadata()?;
            if about.is_file() {
                self.pieces.push(Piece::File(file, about.len()));
                return Ok(());
            }
            file.read_to_end(&mut text)?;
        }
        self.text(text);
        Ok(())
    }

    /// How many bytes are still to be read.
    pub fn len(&self) -> u64 {
        let left = |piece: &Piece| match piece {
            Piece::Text(text) => text.get_ref().len() as u64 - text.position(),
            Piece::File(_, left) => *left,
        };
        self.pieces.iter().map(left).sum()
    }

    /// Is nothing left to be read?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Read for Upload {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        for piece in &mut self.pieces {
            let read = match piece {
                Piece::Text(text) => text.read(out)?,
                Piece::File(_, 0) => 0,
                Piece::File(file, left) => {
                    let read = file.take(*left).read(out)?;
                    if read == 0 && !out.is_empty() {
                        let what = format!("a file became shorter by {left} bytes as it was sent");
                        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, what));
                    }
                    *left -= read as u64;
                    read
                }
            };
            if read > 0 {
                return Ok(read);
            }
        }
        Ok(0)
    }
}
