//! Compressed variants of a file, which were made beforehand: `.br`, `.zst` and `.gz` beside it.
//!
//! The client's weights decide; among equal ones the order is br, zstd, gzip, identity (RFC 9110,
//! 12.5.3). A sibling that is older than its file is ignored, as it was made from another text; so is one
//! that is not a regular file, or without the file itself, or whose first bytes are not of its coding
//! (gzip: RFC 1952, 2.3.1; zstd: RFC 8878, 3.1; brotli has no such bytes). Nothing is compressed here.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use super::document_root::Folder;
use super::file_part::{FilePart, OpenFile};
use super::ticks::has_just_changed;
use crate::proto::http::accept::{Coding, Codings};
use crate::proto::http::headers::Headers;
use crate::text::escape_bytes;

/// Whether compressed siblings are sent in place of their files:
/// [`Files::precompressed`](super::Files::precompressed).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precompressed {
    /// They are, to clients that prefer them.
    #[default]
    On,
    /// They are files like any other.
    Off,
}

/// The extensions of the siblings, the densest coding last.
const SIBLINGS: [(Coding, &str); 3] =
    [(Coding::Gzip, ".gz"), (Coding::Zstd, ".zst"), (Coding::Brotli, ".br")];

fn names(path: &Path, precompressed: Precompressed) -> impl Iterator<Item = (Coding, PathBuf)> {
    let siblings = match precompressed {
        Precompressed::On => &SIBLINGS[..],
        Precompressed::Off => &[],
    };
    [(Coding::Identity, "")].iter().chain(siblings).map(|&(coding, end)| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        (coding, name.into())
    })
}

/// Returns true if a sibling was made from its file as it is at `now`, by their times of modification.
/// Tools such as brotli give the sibling the time of the file, but only its whole seconds: such a time is
/// compared in whole seconds. Beside a file that has just changed, only a later time proves anything.
fn is_up_to_date(sibling: &Metadata, file: &Metadata, now: SystemTime) -> bool {
    let (made, mut changed) =
        ((sibling.mtime(), sibling.mtime_nsec()), (file.mtime(), file.mtime_nsec()));
    if made.1 == 0 {
        changed.1 = 0;
    }
    if has_just_changed(file, now) { made > changed } else { made >= changed }
}

/// Returns true if these may be the first bytes of a text in this coding: brotli may begin with any.
fn begins_as(coding: Coding, start: &[u8]) -> bool {
    match coding {
        Coding::Gzip => start.starts_with(&[0x1f, 0x8b]),
        // A frame, or one that decoders skip.
        Coding::Zstd => {
            start == [0x28, 0xb5, 0x2f, 0xfd] || matches!(start, [0x50..=0x5f, 0x2a, 0x4d, 0x18])
        }
        Coding::Brotli => !start.is_empty(),
        Coding::Identity => true,
    }
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
    mislabelled: Vec<Mislabelled>,
    precompressed: Precompressed,
}

/// A sibling that is ignored, because its bytes are not in the coding of its name.
#[derive(Debug)]
pub struct Mislabelled {
    /// The coding of its name.
    pub coding: Coding,
    /// Its path.
    pub path: PathBuf,
    metadata: Metadata,
}

impl Variants {
    /// Looks at `now` for the siblings of what was opened at `path`.
    ///
    /// # Errors
    /// `NotFound` when that is not a regular file.
    pub fn of(
        folder: &Folder<'_>,
        path: &Path,
        (file, metadata): (File, Metadata),
        precompressed: Precompressed,
        now: SystemTime,
    ) -> io::Result<Variants> {
        if !metadata.is_file() {
            return Err(io::ErrorKind::NotFound.into());
        }
        let original = Variant::new(Coding::Identity, file, metadata);
        let (mut siblings, mut mislabelled) = (Vec::new(), Vec::new());
        for (coding, path) in names(path, precompressed).skip(1) {
            // One that cannot be opened is ignored: the file itself is sent.
            let Ok((file, metadata)) = folder.open_file(&path) else { continue };
            if !metadata.is_file() || !is_up_to_date(&metadata, &original.metadata, now) {
                let path = escape_bytes(path.as_os_str().as_encoded_bytes());
                log::debug!(
                    "{path} is ignored: not a regular file, or older than what it was made from"
                );
                continue;
            }
            let sibling = Variant::new(coding, file, metadata);
            if begins_as(coding, &sibling.file.start(4)) {
                siblings.push(sibling);
            } else {
                mislabelled.push(Mislabelled { coding, path, metadata: sibling.metadata });
            }
        }
        Ok(Variants { original, siblings, mislabelled, precompressed })
    }

    /// Returns the paths of the possible variants of the file at `path`, itself first.
    pub fn names(&self, path: &Path) -> impl Iterator<Item = (Coding, PathBuf)> {
        names(path, self.precompressed)
    }

    /// Returns the first `count` bytes of the file itself.
    pub fn start(&self, count: usize) -> Vec<u8> {
        self.original.file.start(count)
    }

    /// Returns the siblings that are ignored because their bytes are not what their names say.
    pub fn mislabelled(&self) -> &[Mislabelled] {
        &self.mislabelled
    }

    /// Returns the metadata of the file that has this coding by its name, if it was judged by its bytes: the
    /// judgement holds as long as the file is unchanged.
    pub fn metadata(&self, coding: Coding) -> Option<&Metadata> {
        let used = self.all().find(|variant| variant.coding == coding).map(|used| &used.metadata);
        let ignored = || self.mislabelled.iter().find(|ignored| ignored.coding == coding);
        used.or_else(|| ignored().map(|ignored| &ignored.metadata))
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
