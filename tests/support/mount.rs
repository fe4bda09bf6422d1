//! A file system that a test mounts in its own folder, and that is gone when the test is over.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::skipped;

/// A mounted file system. Dropped, it is unmounted.
#[derive(Debug)]
pub struct Mounted(PathBuf);

impl Mounted {
    /// Mounts it by this command at this folder; if that is not possible, says that the test is skipped.
    pub fn by(command: &mut Command, at: &Path) -> Option<Mounted> {
        let parent = at.parent().map(device);
        let done = command.output();
        // A file system in user space says that it is there by being there.
        let mounted = Mounted(at.to_owned());
        if done.as_ref().is_ok_and(|done| done.status.success()) && Some(device(at)) != parent {
            return Some(mounted);
        }
        skipped(&format!("{command:?} mounts nothing here: {done:?}"));
        std::mem::forget(mounted);
        None
    }

    /// Unmounts it. Returns false while it is in use.
    pub fn unmount(&self) -> bool {
        Command::new("umount").arg(&self.0).output().is_ok_and(|done| done.status.success())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if !self.unmount() {
            // Unmounted already, or in use by a server that is about to end.
            let _ = Command::new("umount").arg("-l").arg(&self.0).output();
        }
    }
}

fn device(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    path.metadata().map_or(0, |metadata| metadata.dev())
}
