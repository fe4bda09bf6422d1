//! The variants of a file: itself, and `.br`, `.zst` and `.gz` beside it, made beforehand.
//!
//! The client's weights decide, and where they are equal the order br, zstd, gzip, identity (RFC 9110,
//! 12.5.3). A sibling that is older than its file was made of another text, and is passed over; so is
//! one that is no regular file. Without the file itself it is no variant. Nothing is compressed here.

use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::document_root::Folder;
use super::file_part::{FilePart, OpenFile};
use crate::proto::http::accept::{Coding, Codings};
use crate::proto::http::headers::Headers;

/// The ends of the siblings' names, the densest last.
const SIBLINGS: [(Coding, &str); 3] =
    [(Coding::Gzip, ".gz"), (Coding::Zstd, ".zst"), (Coding::Brotli, ".br")];

/// Where the variants of the file at `path` may be: itself first.
pub fn names(path: &Path) -> impl Iterator<Item = (Coding, PathBuf)> {
    [(Coding::Identity, "")].into_iter().chain(SIBLINGS).map(|(coding, end)| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        (coding, name.into())
    })
}

/// One variant, open.
#[derive(Debug)]
pub struct Variant {
    /// How it is coded.
    pub coding: Coding,
    /// Its bytes.
    pub(crate) file: Arc<OpenFile>,
    /// Of these bytes, not of the file that they stand for.
    pub metadata: Metadata,
    /// The fields that describe it, once somebody has written them.
    pub fields: OnceLock<Headers>,
}

/// All variants of one file.
#[derive(Debug)]
pub struct Variants {
    original: Variant,
    siblings: Vec<Variant>,
}

impl Variants {
    /// Looks for the siblings of what was opened at `path`.
    ///
    /// # Errors
    /// `NotFound` when that is no regular file: it is as good as not there.
    pub fn of(
        folder: &Folder<'_>,
        path: &Path,
        (file, metadata): (File, Metadata),
    ) -> io::Result<Variants> {
        if !metadata.is_file() {
            return Err(io::ErrorKind::NotFound.into());
        }
        let modified = metadata.modified()?;
        let sibling = |(coding, name): (Coding, PathBuf)| {
            // One that cannot be opened is no loss: there is the file itself.
            let (file, metadata) = folder.open_file(&name).ok()?;
            if !metadata.is_file() || metadata.modified().ok()? < modified {
                log::debug!("{} is no file, or older than {}", name.display(), path.display());
                return None;
            }
            Some(Variant::new(coding, file, metadata))
        };
        let siblings = names(path).skip(1).filter_map(sibling).collect();
        Ok(Variants { original: Variant::new(Coding::Identity, file, metadata), siblings })
    }

    /// The file itself, and its siblings.
    pub fn all(&self) -> impl Iterator<Item = &Variant> {
        std::iter::once(&self.original).chain(&self.siblings)
    }

    /// Does the answer depend on Accept-Encoding? Then every one has to say so, the plain one, too:
    /// a cache must not give it to others (RFC 9110, 12.5.5).
    pub fn vary(&self) -> bool {
        !self.siblings.is_empty()
    }

    /// The one that the client would rather have; the file itself when it takes none of them.
    pub fn best(&self, accepted: &Codings) -> &Variant {
        let mut best = (accepted.weight(Coding::Identity), &self.original);
        for sibling in &self.siblings {
            let weight = accepted.weight(sibling.coding);
            if weight.is_some() && weight >= best.0 {
                best = (weight, sibling);
            }
        }
        best.1
    }
}

impl Variant {
    /// One whose fields nobody has written.
    pub fn new(coding: Coding, file: File, metadata: Metadata) -> Variant {
        let file = OpenFile::new(Arc::new(file));
        Variant { coding, file, metadata, fields: OnceLock::new() }
    }

    /// All of its bytes.
    pub fn body(&self) -> FilePart {
        FilePart::of(Arc::clone(&self.file), 0..self.metadata.len())
    }
}
