//! A request body made of texts and files, read one after the other as it is sent: a form (`-F`), a
//! file or stdin (`-T`). Its memory does not depend on its size.
//!
//! A file that grows while it is sent is sent with its first length; one that shrinks is an error, not
//! a short body. The length of a small file is that of its content, whatever the file system says. A pipe
//! or stdin has no length, and cannot be read a second time.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::standard_stream::{StandardStream, stdin};

/// The reported size is used only for a file larger than this, in bytes. Most files of /proc and /sys report
/// 0 or one page; a small file is read at once instead.
const SMALL: u64 = 64 << 10;

/// The parts of a body; it can be opened any number of times.
#[derive(Debug, Clone, Default)]
pub struct Recipe(Vec<Part>);

#[derive(Debug, Clone)]
enum Part {
    Text(Arc<[u8]>),
    File(PathBuf),
}

impl Recipe {
    /// Adds a text.
    pub fn text(&mut self, text: impl Into<Vec<u8>>) {
        self.0.push(Part::Text(text.into().into()));
    }

    /// Adds a file; `-` is stdin. One without a length is read into memory now.
    ///
    /// # Errors
    /// When the file cannot be opened or, without a length, not be read.
    pub fn file(&mut self, path: &Path) -> io::Result<()> {
        let mut text = Vec::new();
        if path == Path::new("-") {
            stdin()?.read_to_end(&mut text)?;
        } else {
            let mut file = File::open(path)?;
            if file.metadata()?.is_file() {
                self.0.push(Part::File(path.to_owned()));
                return Ok(());
            }
            file.read_to_end(&mut text)?;
        }
        self.text(text);
        Ok(())
    }

    /// Begins to read the body.
    ///
    /// # Errors
    /// When a file cannot be opened; the error has its name.
    pub fn open(&self) -> Result<Upload, (PathBuf, io::Error)> {
        let open = |part: &Part| match part {
            Part::Text(text) => Ok(Piece::Text(io::Cursor::new(Arc::clone(text)))),
            Part::File(path) => {
                let piece = File::open(path).and_then(Piece::file);
                piece.map_err(|error| (path.clone(), error))
            }
        };
        Ok(self.0.iter().map(open).collect::<Result<Vec<_>, _>>()?.into())
    }
}

/// A body that is being sent.
#[derive(Debug)]
pub struct Upload {
    pieces: Vec<Piece>,
    /// True if part of it has been read.
    begun: bool,
}

impl From<Vec<Piece>> for Upload {
    fn from(pieces: Vec<Piece>) -> Upload {
        Upload { pieces, begun: false }
    }
}

#[derive(Debug)]
enum Piece {
    Text(io::Cursor<Arc<[u8]>>),
    /// A regular file: the offset of its beginning, its length from there, and the bytes still to be
    /// read.
    File {
        file: File,
        begin: u64,
        length: u64,
        left: u64,
    },
    /// A file without a length, and the offset of its beginning, if known.
    Stream(File, Option<u64>),
    /// stdin, as well.
    Stdin(StandardStream, Option<u64>),
}

impl Piece {
    fn file(mut file: File) -> io::Result<Piece> {
        let about = file.metadata()?;
        if about.is_dir() {
            return Err(ErrorKind::IsADirectory.into());
        }
        if !about.is_file() {
            return Ok(Piece::Stream(file, None));
        }
        let begin = file.stream_position()?;
        if about.len() <= SMALL {
            return Piece::small_file(file, begin);
        }
        let length = about.len().saturating_sub(begin);
        Ok(Piece::File { file, begin, length, left: length })
    }

    /// Returns a file that is said to be small, by its content: /proc says 0, and /sys a page.
    fn small_file(mut file: File, begin: u64) -> io::Result<Piece> {
        let mut text = Vec::new();
        (&file).take(SMALL + 1).read_to_end(&mut text)?;
        if text.len() as u64 <= SMALL {
            return Ok(Piece::Text(io::Cursor::new(text.into())));
        }
        file.seek(SeekFrom::Start(begin))?;
        Ok(Piece::Stream(file, Some(begin)))
    }

    fn length(&self) -> Option<u64> {
        match self {
            Piece::Text(text) => Some(text.get_ref().len() as u64),
            Piece::File { length, .. } => Some(*length),
            Piece::Stream(..) | Piece::Stdin(..) => None,
        }
    }
}

impl Upload {
    /// Returns the body that is this file, without the bytes before `from`.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn of(path: &Path, from: u64) -> io::Result<Upload> {
        let mut file = File::open(path)?;
        if from > 0 {
            file.seek(SeekFrom::Start(from))?;
        }
        Ok(vec![Piece::file(file)?].into())
    }

    /// Returns the body that is stdin; its length is unknown even if it is a file, as with curl.
    ///
    /// # Errors
    /// When stdin cannot be used.
    pub fn stdin() -> io::Result<Upload> {
        let mut stdin = stdin()?;
        let is_file = stdin.as_file().metadata()?.is_file();
        let begin = is_file.then(|| stdin.stream_position()).transpose()?;
        Ok(vec![Piece::Stdin(stdin, begin)].into())
    }

    /// Returns its length from the beginning, if known.
    pub fn length(&self) -> Option<u64> {
        self.pieces.iter().map(Piece::length).sum()
    }
}

impl Read for Upload {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        for piece in &mut self.pieces {
            let read = match piece {
                Piece::Text(text) => text.read(out)?,
                Piece::File { left: 0, .. } => 0,
                Piece::File { file, left, .. } => {
                    let read = file.take(*left).read(out)?;
                    if read == 0 && !out.is_empty() {
                        let what = format!("a file became shorter by {left} bytes as it was sent");
                        return Err(io::Error::new(ErrorKind::UnexpectedEof, what));
                    }
                    *left -= read as u64;
                    read
                }
                Piece::Stream(file, _) => file.read(out)?,
                Piece::Stdin(stdin, _) => stdin.read(out)?,
            };
            if read > 0 {
                self.begun = true;
                return Ok(read);
            }
        }
        Ok(0)
    }
}

/// Seeks to the beginning only.
impl Seek for Upload {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        if to != SeekFrom::Start(0) {
            return Err(ErrorKind::Unsupported.into());
        }
        for piece in self.pieces.iter_mut().filter(|_| self.begun) {
            match piece {
                Piece::Text(text) => text.set_position(0),
                Piece::File { file, begin, length, left } => {
                    file.seek(SeekFrom::Start(*begin))?;
                    *left = *length;
                }
                Piece::Stream(file, Some(begin)) => {
                    file.seek(SeekFrom::Start(*begin))?;
                }
                Piece::Stdin(stdin, Some(begin)) => {
                    stdin.seek(SeekFrom::Start(*begin))?;
                }
                Piece::Stream(_, None) | Piece::Stdin(_, None) => {
                    return Err(ErrorKind::NotSeekable.into());
                }
            }
        }
        self.begun = false;
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_of_texts_and_files_is_read_again_from_its_beginning() {
        let mut recipe = Recipe::default();
        recipe.text("a\n");
        recipe.file(Path::new("Cargo.toml")).unwrap();
        recipe.text("b");
        let want = format!("a\n{}b", std::fs::read_to_string("Cargo.toml").unwrap());
        let mut upload = recipe.open().unwrap();
        assert_eq!(upload.length(), Some(want.len() as u64));
        for _ in 0..2 {
            let mut text = String::new();
            upload.read_to_string(&mut text).unwrap();
            assert_eq!(text, want);
            upload.rewind().unwrap();
        }
        assert!(upload.seek(SeekFrom::Start(1)).is_err());
        assert!(recipe.file(Path::new("no such file")).is_err());
    }
}
