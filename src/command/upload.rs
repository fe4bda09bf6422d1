//! A body that is put together from texts and files, read one after the other as it is sent: a form
//! (`-F`), a file or stdin (`-T`). It costs no memory, whatever its size.
//!
//! A file that grows meanwhile is sent as long as it was; one that shrinks is an error, never a short
//! body. What is no regular file (a pipe, stdin) has no length, and cannot be read a second time.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a body is made of; it can be opened as often as one likes.
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

    /// Adds a file; `-` is stdin. What has no length is read now, into memory.
    ///
    /// # Errors
    /// Those of opening it, and of reading one without a length.
    pub fn file(&mut self, path: &Path) -> io::Result<()> {
        let mut text = Vec::new();
        if path == Path::new("-") {
            io::stdin().read_to_end(&mut text)?;
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

    /// Begins to read it.
    ///
    /// # Errors
    /// Those of opening a file, with its name.
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

/// A body on its way.
#[derive(Debug)]
pub struct Upload {
    pieces: Vec<Piece>,
    /// Has any of it been read?
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
    /// A regular file: where it begins, how long it is from there, and how much is still to be read.
    File {
        file: File,
        begin: u64,
        length: u64,
        left: u64,
    },
    /// What has no length: where it begins, if it is known where that is.
    Stream(File, Option<u64>),
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
        let length = about.len().saturating_sub(begin);
        Ok(Piece::File { file, begin, length, left: length })
    }

    fn length(&self) -> Option<u64> {
        match self {
            Piece::Text(text) => Some(text.get_ref().len() as u64),
            Piece::File { length, .. } => Some(*length),
            Piece::Stream(..) => None,
        }
    }
}

impl Upload {
    /// This file.
    ///
    /// # Errors
    /// Those of opening it.
    pub fn of(path: &Path) -> io::Result<Upload> {
        Ok(vec![Piece::file(File::open(path)?)?].into())
    }

    /// What comes on stdin; its length is not known, even if it is a file, as with curl.
    ///
    /// # Errors
    /// Those of stdin.
    pub fn stdin() -> io::Result<Upload> {
        let mut stdin = stdin()?;
        let begin = stdin.metadata()?.is_file().then(|| stdin.stream_position()).transpose()?;
        Ok(vec![Piece::Stream(stdin, begin)].into())
    }

    /// How long it is, from its beginning, where that is known.
    pub fn length(&self) -> Option<u64> {
        self.pieces.iter().map(Piece::length).sum()
    }
}

/// Stdin, as a file that knows whether it can go back.
#[cfg(unix)]
fn stdin() -> io::Result<File> {
    use std::os::fd::AsFd as _;
    Ok(io::stdin().as_fd().try_clone_to_owned()?.into())
}

#[cfg(windows)]
fn stdin() -> io::Result<File> {
    use std::os::windows::io::AsHandle as _;
    Ok(io::stdin().as_handle().try_clone_to_owned()?.into())
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
            };
            if read > 0 {
                self.begun = true;
                return Ok(read);
            }
        }
        Ok(0)
    }
}

/// To the beginning, and nowhere else.
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
                Piece::Stream(_, None) => return Err(ErrorKind::NotSeekable.into()),
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
