//! Compressed variants of a file, which were made beforehand: `.br`, `.zst` and `.gz` beside it.
//!
//! The client's weights decide; among equal ones the order is br, zstd, gzip, identity (RFC 9110,
//! 12.5.3). A sibling that is older than its file is ignored, as it was made from another text; so is one
//! that is not a regular file, or without the file itself. Nothing is compressed here.

use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::document_root::Folder;
use super::file_part::{FilePart, OpenFile};
use crate::proto::http::accept::{Coding, Codings};
use crate::proto::http::headers::Headers;

/// The extensions of the siblings, the densest coding last.
const SIBLINGS: [(Coding, &str); 3] =
    [(Coding::Gzip, ".gz"), (Coding::Zstd, ".zst"), (Coding::Brotli, ".br")];

/// Returns the paths of the possible variants of the file at `path`, itself first.
pub fn names(path: &Path) -> impl Iterator<Item = (Coding, PathBuf)> {
    [(Coding::Identity, "")].into_iter().chain(SIBLINGS).map(|(coding, end)| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        (coding, name.into())
    })
}

/// One variant, opened.
#[derive(Debug)]
pub struct Variant {
    /// Its content coding.
    pub coding: Coding,
    /// Its bytes.
    pub(crate) file: Arc<OpenFile>,
    /// The metadata of this variant, not of the original file.
    pub metadata: Metadata,
    /// The response fields that describe it, formatted at their first use.
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
    /// `NotFound` when that is not a regular file.
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
            // One that cannot be opened is ignored: the file itself is sent.
            let (file, metadata) = folder.open_file(&name).ok()?;
            if !metadata.is_file() || metadata.modified().ok()? < modified {
                log::debug!("{} is not a file, or older than {}", name.display(), path.display());
                return None;
            }
            Some(Variant::new(coding, file, metadata))
        };
        let siblings = names(path).skip(1).filter_map(sibling).collect();
        Ok(Variants { original: Variant::new(Coding::Identity, file, metadata), siblings })
    }

    /// Returns the file itself and its siblings.
    pub fn all(&self) -> impl Iterator<Item = &Variant> {
        std::iter::once(&self.original).chain(&self.siblings)
    }

    /// Returns true if the response depends on Accept-Encoding. Then each response says so, also the
    /// plain one: a cache must not send it to all clients (RFC 9110, 12.5.5).
    pub fn vary(&self) -> bool {
        !self.siblings.is_empty()
    }

    /// Returns the variant that the client prefers; the file itself if it accepts no variant.
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
    /// Takes an opened variant.
    pub fn new(coding: Coding, file: File, metadata: Metadata) -> Variant {
        let file = OpenFile::new(Arc::new(file));
        Variant { coding, file, metadata, fields: OnceLock::new() }
    }

    /// Returns a body of all its bytes.
    pub fn body(&self) -> FilePart {
        FilePart::of(Arc::clone(&self.file), 0..self.metadata.len())
    }
}
