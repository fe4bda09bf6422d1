//! A file system that a test mounts in its own folder, and that is gone when the test is over.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{eventually, run, skipped};

/// A mounted file system. Dropped, it is unmounted; nothing may keep it in use by then.
#[derive(Debug)]
pub struct Mounted(PathBuf);

impl Mounted {
    /// Mounts it by this command at this folder; if that is not possible, says that the test is skipped.
    pub fn by(command: &mut Command, at: &Path) -> Option<Mounted> {
        let finished = run(command, b"");
        let mounted = Mounted(at.to_owned());
        // A mount without the right to it may also end well and do nothing.
        if finished.code == Some(0) && mounted.is_there() {
            return Some(mounted);
        }
        skipped(&format!("{command:?} cannot mount: {}", finished.stderr.trim()));
        None
    }

    fn is_there(&self) -> bool {
        let device = |path: &Path| path.metadata().ok().map(|metadata| metadata.dev());
        device(&self.0) != self.0.parent().and_then(device)
    }

    /// Unmounts it. Returns false while it is in use.
    pub fn unmount(&self) -> bool {
        self.is_unmounted_by("umount", "-n") || self.is_unmounted_by("fusermount", "-u")
    }

    fn is_unmounted_by(&self, program: &str, flag: &str) -> bool {
        let done = Command::new(program).arg(flag).arg(&self.0).output();
        done.is_ok_and(|done| done.status.success())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // A response may be still on its way.
        if !self.is_there() || eventually(|| self.unmount().then_some(())).is_some() {
            return;
        }
        // What is open stays open.
        let _ = self.is_unmounted_by("umount", "-l") || self.is_unmounted_by("fusermount", "-uz");
        assert!(std::thread::panicking(), "the server keeps a file of it open");
    }
}
