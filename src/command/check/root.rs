//! `--root`: the files that a server serves, so that bodies can be compared byte for byte.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::proto::http::chars::{PATH, percent_encode};

/// The most files that are looked at.
const MOST_FILES: usize = 10_000;
/// The largest file that is asked for.
const LARGEST: u64 = 6 << 20;
/// The size from which a file is large.
const LARGE: u64 = 1 << 20;

/// The files of a folder that checks ask for.
#[derive(Debug, Clone, Default)]
pub struct Root {
    folder: PathBuf,
    /// The name of a kind, and a file of that kind, as a path below the folder.
    found: Vec<(&'static str, PathBuf)>,
}

impl Root {
    /// Looks at a folder and at the folders in it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(folder: &Path) -> io::Result<Root> {
        let mut root = Root { folder: folder.canonicalize()?, found: Vec::new() };
        let (mut folders, mut seen) = (vec![PathBuf::new()], 0);
        while let Some(below) = folders.pop() {
            let mut entries: Vec<_> = fs::read_dir(root.folder.join(&below))?.flatten().collect();
            entries.sort_by_key(fs::DirEntry::file_name);
            for entry in entries {
                seen += 1;
                if seen > MOST_FILES {
                    return Ok(root);
                }
                let path = below.join(entry.file_name());
                let Ok(kind) = entry.file_type() else { continue };
                if kind.is_dir() && !is_hidden(&path) {
                    root.keep("folder", &path);
                    folders.push(path);
                } else if kind.is_symlink() {
                    root.keep_link(&path);
                } else if let (true, Ok(metadata)) = (kind.is_file(), entry.metadata()) {
                    root.keep_file(&path, metadata.len());
                }
            }
        }
        Ok(root)
    }

    fn keep(&mut self, kind: &'static str, path: &Path) {
        if self.found.iter().all(|(held, _)| *held != kind) {
            self.found.push((kind, path.to_owned()));
        }
    }

    /// Keeps a link that leads out of the folder.
    fn keep_link(&mut self, path: &Path) {
        let leads_out = self.folder.join(path).canonicalize();
        if leads_out.is_ok_and(|place| place.is_file() && !place.starts_with(&self.folder)) {
            self.keep("link-out", path);
        }
    }

    fn keep_file(&mut self, path: &Path, length: u64) {
        if is_hidden(path) {
            return self.keep("hidden-file", path);
        }
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        let typed = [
            ("html-file", &["html", "htm"][..]),
            ("css-file", &["css"]),
            ("text-file", &["txt"]),
            ("script-file", &["js"]),
            ("picture", &["png", "jpg", "jpeg", "gif"]),
        ];
        let is_of = |extensions: &&[&str]| extensions.iter().any(|one| extension == *one);
        if let Some((kind, _)) = typed.iter().find(|(_, extensions)| is_of(extensions))
            && length > 0
        {
            self.keep(kind, path);
        }
        match length {
            0 => self.keep("empty-file", path),
            LARGE..=LARGEST => self.keep("large-file", path),
            _ => {}
        }
        if path == Path::new("index.html") {
            self.keep("index", path);
        }
        if path.to_str().is_some_and(|path| path.contains(' ')) {
            self.keep("file-with-space", path);
        }
    }

    /// Returns the path in a URL of a file of this kind.
    pub fn target(&self, kind: &str) -> Option<String> {
        let (_, path) = self.found.iter().find(|(held, _)| *held == kind)?;
        let bytes = std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str());
        Some(format!("/{}", percent_encode(bytes, &PATH)))
    }

    /// Returns the bytes of a file of this kind.
    pub fn content(&self, kind: &str) -> Option<Vec<u8>> {
        let (_, path) = self.found.iter().find(|(held, _)| *held == kind)?;
        fs::read(self.folder.join(path)).ok()
    }

    /// Returns the bytes of the file that a path in a URL names, if it is a plain one.
    pub fn content_of(&self, target: &str) -> Option<Vec<u8>> {
        let below = target.strip_prefix('/')?;
        let is_plain = !below.is_empty() && !below.contains(['%', '?']) && !below.contains("..");
        fs::read(self.folder.join(below)).ok().filter(|_| is_plain)
    }
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}
