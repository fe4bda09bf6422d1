//! The folder that `{root}` in `--server` stands for, if `--root` names none: one file of each kind that checks ask for.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A picture of one pixel, with bytes that are no text.
const PICTURE: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\
\0\0\0\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\0\x05\0\x01\xff\x89\x99=\x1d\0\0\0\0IEND\xaeB`\x82";
const PAGE: &str = "<!doctype html>\n<title>Hello</title>\n<p>Hello, world. Grüße, 世界.</p>\n";

/// A folder that is removed at the end.
#[derive(Debug)]
pub struct Sample {
    /// What holds the folder, and a file that is not in it.
    around: PathBuf,
    www: PathBuf,
}

impl Sample {
    /// Makes the folder.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new() -> io::Result<Sample> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let around = std::env::temp_dir().join(format!("client-check-{}-{number}", process::id()));
        fs::create_dir(&around)?;
        let sample = Sample { www: around.join("www"), around };
        sample.fill()?;
        Ok(sample)
    }

    fn fill(&self) -> io::Result<()> {
        fs::create_dir_all(self.www.join("folder"))?;
        fs::write(self.around.join("secret.txt"), "outside\n")?;
        let large: Vec<u8> =
            (0..2_u32 << 20).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for (name, content) in [
            ("hello.html", PAGE.as_bytes()),
            ("index.html", PAGE.as_bytes()),
            ("folder/index.html", PAGE.as_bytes()),
            ("style.css", b"p { color: green }\n"),
            ("a text.txt", b"A text.\n"),
            ("empty.txt", b""),
            ("picture.png", PICTURE),
            (".hidden", b"hidden\n"),
            ("large.bin", &large),
        ] {
            fs::write(self.www.join(name), content)?;
        }
        symlink(self.around.join("secret.txt"), self.www.join("link.txt"))
    }

    /// Returns where it is.
    pub fn path(&self) -> &Path {
        &self.www
    }
}

impl Drop for Sample {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.around);
    }
}
