//! A listing as the body of a response, made piece by piece while it is sent.
//!
//! Nothing is open between two pieces: the folder is opened anew for each. What is gone by then is left out.

use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use super::entries::{Entries, ListedFolder};
use super::html::Page;
use super::json;
use crate::server::files::document_root::{DocumentRoot, is_absent};
use crate::server::response::Body;

/// About how much is made at once, in bytes. A listing that is not longer is sent in one piece, with its length.
const PIECE: usize = 64 << 10;

/// What a listing is written as.
#[derive(Debug)]
pub enum Format {
    /// A page for browsers.
    Html(Box<Page>),
    /// An array for programs.
    Json,
}

/// A listing that is being sent.
#[derive(Debug)]
pub struct ListingReader {
    root: Arc<DocumentRoot>,
    path: PathBuf,
    entries: Entries,
    format: Format,
    next: usize,
    is_first: bool,
    is_complete: bool,
    /// A piece that has been made, and how much of it has been read.
    piece: Vec<u8>,
    read: usize,
}

impl ListingReader {
    /// Begins a listing of the folder at `path`.
    pub fn new(
        root: Arc<DocumentRoot>,
        path: PathBuf,
        entries: Entries,
        format: Format,
    ) -> ListingReader {
        let mut piece = Vec::with_capacity(PIECE + PIECE / 4);
        match &format {
            Format::Html(page) => page.begin(&mut piece),
            Format::Json => piece.push(b'['),
        }
        ListingReader {
            root,
            path,
            entries,
            format,
            next: 0,
            is_first: true,
            is_complete: false,
            piece,
            read: 0,
        }
    }

    /// Makes the first piece. Returns it as a body that is complete, or that goes on with the others.
    ///
    /// # Errors
    /// When the folder cannot be opened.
    pub fn into_body(mut self) -> io::Result<Body> {
        self.fill()?;
        Ok(match self.is_complete {
            true => Body::Bytes(self.piece.into()),
            false => Body::Read(Box::new(self), None),
        })
    }

    /// Appends entries to the piece until it is long enough, or the listing at its end.
    fn fill(&mut self) -> io::Result<()> {
        let opened = self.root.open().and_then(|root| ListedFolder::open(root, &self.path));
        let folder = match opened {
            Ok(folder) => Some(folder),
            Err(error) if is_absent(&error) => None,
            Err(error) => return Err(error),
        };
        while self.piece.len() < PIECE
            && let Some(folder) = &folder
            && let Some(entry) = self.entries.get(self.next)
        {
            self.next += 1;
            let Some(facts) = folder.facts(&entry) else { continue };
            match &self.format {
                Format::Html(_) => Page::entry(&entry, &facts, &mut self.piece),
                Format::Json => json::entry(&entry, &facts, self.is_first, &mut self.piece),
            }
            self.is_first = false;
        }
        if folder.is_none() || self.entries.get(self.next).is_none() {
            self.is_complete = true;
            match &self.format {
                Format::Html(page) => page.end(&mut self.piece),
                Format::Json => self.piece.extend_from_slice(b"\n]\n"),
            }
        }
        Ok(())
    }
}

impl Read for ListingReader {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.read == self.piece.len() && !self.is_complete {
            self.piece.clear();
            self.read = 0;
            self.fill()?;
        }
        let mut rest = self.piece.get(self.read..).unwrap_or_default();
        let count = rest.read(room)?;
        self.read += count;
        Ok(count)
    }
}
