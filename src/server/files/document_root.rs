//! The document root: opens files below one folder and no others, even while files are being moved.
//!
//! The folder is opened by its name for each request: a new release that replaces it is served from then
//! on. One system call looks a path up and opens it (openat2(2) with `RESOLVE_BENEATH`), so that nothing
//! can change in between. Where that is not possible the path is walked name by name.
//!
//! Symbolic links are followed while they stay below the folder all the way; absolute ones must begin
//! with the folder's own path. Any other link is treated as absent. [`Links`] changes that.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{self, OFlag};
use nix::sys::stat::Mode;

use super::path::Dotfiles;
use crate::text::escape_bytes;

/// How a folder on the way is opened. With `O_PATH` the right to list it is not needed.
#[cfg(target_os = "linux")]
pub(super) const FOLDER: OFlag = OFlag::O_PATH.union(OFlag::O_DIRECTORY).union(OFlag::O_CLOEXEC);
#[cfg(not(target_os = "linux"))]
pub(super) const FOLDER: OFlag = OFlag::O_DIRECTORY.union(OFlag::O_CLOEXEC);

/// How a file is opened: a FIFO or a device does not block, and no terminal becomes the controlling one.
const FILE: OFlag = OFlag::O_NONBLOCK.union(OFlag::O_NOCTTY).union(OFlag::O_CLOEXEC);

/// How often a walk may start again, at a link or at a `..` in one. Linux follows 40 links.
const MAX_RESTARTS: usize = 100;

/// Which symbolic links below a folder are followed: [`Files::links`](super::Files::links).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Links {
    /// Those that stay inside, all the way; any other is treated as absent.
    #[default]
    Inside,
    /// All of them, wherever they lead: whoever can make a link in the folder can show any file that the server may
    /// read.
    All,
    /// None: what is behind a link is treated as absent.
    Off,
}

/// A folder by its name, and what is served below it.
#[derive(Debug, Clone)]
pub struct DocumentRoot {
    path: PathBuf,
    /// Which links are followed.
    pub links: Links,
    /// Whether names that begin with a dot are served.
    pub dotfiles: Dotfiles,
}

impl DocumentRoot {
    /// Takes a folder's name, which is resolved against the current directory now.
    ///
    /// # Errors
    /// When it does not exist, or is not a folder.
    pub fn new(path: &Path) -> io::Result<DocumentRoot> {
        let (links, dotfiles) = (Links::default(), Dotfiles::default());
        let root = DocumentRoot { path: std::path::absolute(path)?, links, dotfiles };
        if !fs::metadata(&root.path)?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        root.open()?;
        Ok(root)
    }

    /// Returns the same folder with other rules.
    pub fn with(&self, links: Links, dotfiles: Dotfiles) -> DocumentRoot {
        DocumentRoot { path: self.path.clone(), links, dotfiles }
    }

    /// Opens the folder that has this name now.
    ///
    /// # Errors
    /// When it does not exist, or may not be entered.
    pub fn open(&self) -> io::Result<Folder<'_>> {
        let descriptor = fcntl::open(&self.path, FOLDER, Mode::empty())?;
        Ok(Folder { root: self, descriptor })
    }
}

/// An open folder: it stays the same one when its name changes.
#[derive(Debug)]
pub struct Folder<'a> {
    root: &'a DocumentRoot,
    descriptor: OwnedFd,
}

impl Folder<'_> {
    /// Returns the name that it was opened by.
    pub fn path(&self) -> &Path {
        &self.root.path
    }

    /// Returns whether names in it that begin with a dot are served.
    pub fn dotfiles(&self) -> Dotfiles {
        self.root.dotfiles
    }

    /// Returns the open folder itself.
    pub(super) fn into_descriptor(self) -> OwnedFd {
        self.descriptor
    }

    /// Returns true if this kernel makes every change below the folder, and so knows of it: on a local
    /// file system, not on NFS or FUSE.
    #[cfg(target_os = "linux")]
    pub fn tells_of_changes(&self) -> bool {
        use nix::sys::statfs::*;
        fstatfs(&self.descriptor).is_ok_and(|found| {
            matches!(
                found.filesystem_type(),
                BTRFS_SUPER_MAGIC
                    | EXT4_SUPER_MAGIC
                    | F2FS_SUPER_MAGIC
                    | OVERLAYFS_SUPER_MAGIC
                    | TMPFS_MAGIC
                    | XFS_SUPER_MAGIC
            )
        })
    }

    /// Not known here.
    #[cfg(not(target_os = "linux"))]
    pub fn tells_of_changes(&self) -> bool {
        false
    }

    /// Opens `relative` below it for reading, of whatever kind it is.
    ///
    /// # Errors
    /// Those of the file system; `NotFound` for a path that leads outside.
    pub fn open_file(&self, relative: &Path) -> io::Result<(File, Metadata)> {
        self.open_below(relative, Refusal::Logged)
    }

    /// As [`Folder::open_file`], without a line in the log for a link that leads outside: a folder is being listed,
    /// and no client has asked for it.
    ///
    /// # Errors
    /// As [`Folder::open_file`].
    pub fn open_quietly(&self, relative: &Path) -> io::Result<(File, Metadata)> {
        self.open_below(relative, Refusal::Quiet)
    }

    fn open_below(&self, relative: &Path, refusal: Refusal) -> io::Result<(File, Metadata)> {
        let descriptor = match self.open_at_once(relative) {
            Err(Errno::ELOOP) if self.root.links == Links::Off => {
                return Err(refused(refusal, relative, "it is, or is behind, a symbolic link"));
            }
            // No such system call, or a sandbox forbids it; a link that is absolute or leads out; a name
            // that was moved at this moment.
            Err(Errno::ENOSYS | Errno::EPERM | Errno::EXDEV | Errno::EAGAIN) => {
                self.walk(relative, refusal)?
            }
            outcome => outcome?,
        };
        let file = File::from(descriptor);
        let metadata = file.metadata()?;
        Ok((file, metadata))
    }

    #[cfg(target_os = "linux")]
    fn open_at_once(&self, relative: &Path) -> Result<OwnedFd, Errno> {
        use nix::fcntl::{OpenHow, ResolveFlag, openat2};
        let beneath = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_MAGICLINKS;
        let beneath = match self.root.links {
            Links::Inside => beneath,
            Links::Off => beneath | ResolveFlag::RESOLVE_NO_SYMLINKS,
            // The path itself has neither a leading slash nor a `..`.
            Links::All => return fcntl::openat(&self.descriptor, relative, FILE, Mode::empty()),
        };
        openat2(&self.descriptor, relative, OpenHow::new().flags(FILE).resolve(beneath))
    }

    #[cfg(not(target_os = "linux"))]
    fn open_at_once(&self, relative: &Path) -> Result<OwnedFd, Errno> {
        match self.root.links {
            Links::All => fcntl::openat(&self.descriptor, relative, FILE, Mode::empty()),
            Links::Inside | Links::Off => Err(Errno::ENOSYS),
        }
    }

    /// Opens name after name, each in the folder opened before, and follows no link: the target of a link
    /// is put into the path, and the walk starts again.
    fn walk(&self, relative: &Path, refusal: Refusal) -> io::Result<OwnedFd> {
        let mut path = relative.to_owned();
        for _ in 0..MAX_RESTARTS {
            match self.follow(&path)? {
                Walk::Opened(descriptor) => return Ok(descriptor),
                Walk::Restart(instead) => path = instead,
                Walk::Outside => {
                    let why = format!("a symbolic link leads out of {}", self.path().display());
                    return Err(refused(refusal, relative, &why));
                }
                Walk::Link => {
                    return Err(refused(refusal, relative, "it is, or is behind, a symbolic link"));
                }
            }
        }
        Err(Errno::ELOOP.into())
    }

    fn follow(&self, path: &Path) -> io::Result<Walk> {
        let mut names: VecDeque<&OsStr> = path.iter().collect();
        let mut passed = PathBuf::new();
        let mut folder = None;
        while let Some(name) = names.pop_front() {
            let rest = || names.iter().collect::<PathBuf>();
            if name == "." {
                continue;
            }
            if name == ".." {
                // What has been passed are real folders, not links.
                return Ok(match passed.pop() {
                    true => Walk::Restart(passed.join(rest())),
                    false => Walk::Outside,
                });
            }
            let here = folder.as_ref().unwrap_or(&self.descriptor);
            let flags = if names.is_empty() { FILE } else { FOLDER } | OFlag::O_NOFOLLOW;
            match fcntl::openat(here, name, flags, Mode::empty()) {
                Ok(descriptor) if names.is_empty() => return Ok(Walk::Opened(descriptor)),
                Ok(descriptor) => folder = Some(descriptor),
                Err(error) => {
                    // A link, or else the error.
                    let target = PathBuf::from(fcntl::readlinkat(here, name).map_err(|_| error)?);
                    match self.root.links {
                        Links::Off => return Ok(Walk::Link),
                        Links::Inside | Links::All => {}
                    }
                    let way = match target.is_absolute() {
                        true => self.inside(&target),
                        false => Some(passed.join(target)),
                    };
                    return Ok(way.map_or(Walk::Outside, |way| Walk::Restart(way.join(rest()))));
                }
            }
            passed.push(name);
        }
        // The path leads back to the folder itself.
        Ok(Walk::Opened(fcntl::openat(&self.descriptor, ".", FILE, Mode::empty())?))
    }

    /// Returns an absolute path as a relative one, if it begins with the folder.
    fn inside(&self, target: &Path) -> Option<PathBuf> {
        let begins = |folder: &Path| target.strip_prefix(folder).ok().map(Path::to_owned);
        begins(self.path()).or_else(|| begins(&fs::canonicalize(self.path()).ok()?))
    }
}

/// Whether the log is told of a link that leads outside.
#[derive(Debug, Clone, Copy)]
enum Refusal {
    Logged,
    Quiet,
}

/// The result of a walk.
enum Walk {
    Opened(OwnedFd),
    Restart(PathBuf),
    /// A link leads out of the folder.
    Outside,
    /// There is a link, and none is followed.
    Link,
}

/// Returns the error of a path that is treated as absent, and tells the log why.
fn refused(refusal: Refusal, relative: &Path, why: &str) -> io::Error {
    if let Refusal::Logged = refusal {
        let shown = escape_bytes(relative.as_os_str().as_encoded_bytes());
        log::info!("refused: {shown}: {why} (see --links)");
    }
    io::ErrorKind::NotFound.into()
}

/// Returns true if the error means that nothing is there: also a name that is too long, a file in the
/// place of a folder, a circle of links, and a socket (ENXIO), which cannot be opened.
pub fn is_absent(error: &io::Error) -> bool {
    use Errno::*;
    error.kind() == io::ErrorKind::NotFound
        || matches!(
            error.raw_os_error().map(Errno::from_raw),
            Some(ENOTDIR | ENAMETOOLONG | ELOOP | ENXIO)
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;
    use std::os::unix::fs::symlink;

    /// A folder of this test's own, with `root` and `root-secret` in it.
    fn place() -> PathBuf {
        let place = std::env::temp_dir().join(format!("threadbare-root-{}", std::process::id()));
        let _ = fs::remove_dir_all(&place); // left by a run that was broken off
        for (name, text) in [
            ("root/page", "page"),
            ("root/a/page", "a/page"),
            ("root/a/b/page", "a/b/page"),
            ("root-secret/page", "secret"),
            ("secret", "secret"),
        ] {
            let path = place.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        for (name, target) in [
            ("file", "page"),
            ("dot", "./a/./page"),
            ("folder", "a/b"),
            ("slash", "a/b/"),
            ("chain", "folder/up"),
            ("a/b/up", "../page"),
            ("a/b/top", "../../page"),
            ("a/b/over", "../../../secret"),
            ("a/b/round", "../../../root/page"),
            ("folder-up", "folder/../page"),
            ("itself", "."),
            ("self", "self"),
            ("dangling", "nowhere"),
            ("out", "../secret"),
            ("out-folder", "../root-secret"),
            ("dot-out", "./../secret"),
            ("etc", "/etc"),
        ] {
            symlink(target, place.join("root").join(name)).unwrap();
        }
        for (name, target) in [
            ("absolute", "root/a/page"),
            ("absolute-folder", "root/a"),
            ("absolute-self", "root"),
            ("absolute-out", "root-secret/page"),
            ("absolute-over", "root/a/../../secret"),
        ] {
            symlink(place.join(target), place.join("root").join(name)).unwrap();
        }
        place
    }

    #[test]
    fn at_once_and_name_by_name_the_same_is_found() {
        let place = place();
        let root = DocumentRoot::new(&place.join("root")).unwrap();
        let folder = root.open().unwrap();
        let deep = "a/".repeat(1000) + "page";
        for (path, want) in [
            ("page", Some("page")),
            ("a/page", Some("a/page")),
            ("a/b/page", Some("a/b/page")),
            ("nowhere", None),
            ("nowhere/page", None),
            ("page/page", None),
            (&deep, None),
            (&"x".repeat(300), None),
            ("file", Some("page")),
            ("file/page", None),
            ("dot", Some("a/page")),
            ("folder/page", Some("a/b/page")),
            ("slash/page", Some("a/b/page")),
            ("chain", Some("a/page")),
            ("a/b/top", Some("page")),
            ("folder/top", Some("page")),
            ("folder-up", Some("a/page")),
            ("itself/page", Some("page")),
            ("itself/itself/itself/a/page", Some("a/page")),
            ("self", None),
            ("dangling", None),
            ("a/b/over", None),
            ("a/b/round", None),
            ("out", None),
            ("out-folder/page", None),
            ("dot-out", None),
            ("etc/passwd", None),
            ("absolute", Some("a/page")),
            ("absolute-folder/b/page", Some("a/b/page")),
            ("absolute-self/page", Some("page")),
            ("absolute-out", None),
            ("absolute-over", None),
        ] {
            let path = Path::new(path);
            let walked = folder.walk(path, Refusal::Logged).map(File::from);
            for opened in [folder.open_file(path).map(|(file, _)| file), walked] {
                match (opened, want) {
                    (Ok(mut file), Some(want)) => {
                        let mut text = String::new();
                        file.read_to_string(&mut text).unwrap();
                        assert_eq!(text, want, "{path:?}");
                    }
                    (Err(error), None) => assert!(is_absent(&error), "{path:?}: {error}"),
                    (opened, want) => panic!("{path:?}: {opened:?}, and not {want:?}"),
                }
            }
        }
        for path in ["itself", "absolute-self", "a"] {
            let walked = File::from(folder.walk(Path::new(path), Refusal::Quiet).unwrap());
            assert!(walked.metadata().unwrap().is_dir(), "{path}");
        }
        let without = DocumentRoot { links: Links::Off, ..root.clone() };
        let everywhere = DocumentRoot { links: Links::All, ..root.clone() };
        let (without, everywhere) = (without.open().unwrap(), everywhere.open().unwrap());
        for (path, none, all) in [
            ("a/page", true, true),
            ("file", false, true),
            ("folder/page", false, true),
            ("out", false, true),
            ("out-folder/page", false, true),
            ("absolute-out", false, true),
            ("etc/passwd", false, true),
            ("self", false, false),
            ("dangling", false, false),
        ] {
            let path = Path::new(path);
            let walked = without.walk(path, Refusal::Quiet).map(File::from);
            let opened = [without.open_file(path).map(|(file, _)| file), walked];
            for (opened, want) in opened.into_iter().zip([none, none]) {
                assert_eq!(opened.is_ok(), want, "{path:?}: {opened:?}");
                assert!(opened.is_ok() || is_absent(&opened.unwrap_err()), "{path:?}");
            }
            assert_eq!(everywhere.open_file(path).is_ok(), all, "{path:?}");
        }
        fs::remove_dir_all(place).unwrap();
    }
}
