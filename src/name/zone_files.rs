//! The files of the zones: read when the server starts, and again when they change.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::hosts_zone;
use super::zone::{Zone, Zones};
use crate::proto::dns::{Name, master};

/// The files, and their states when they were last read.
#[derive(Debug)]
pub struct ZoneFiles(Vec<(PathBuf, State)>);

/// What changes when a file is written or replaced: the time and the length. `None` if it cannot be read.
type State = Option<(SystemTime, u64)>;

impl ZoneFiles {
    /// Returns the files, none of which has been read.
    pub fn new(paths: &[PathBuf]) -> ZoneFiles {
        ZoneFiles(paths.iter().map(|path| (path.clone(), None)).collect())
    }

    /// Returns true if a file has changed since it was last read, or could not be read.
    pub fn have_changed(&self) -> bool {
        self.0.iter().any(|(path, before)| state(path) != *before)
    }

    /// Reads all files: one zone of a master file, more of a file in hosts form.
    ///
    /// # Errors
    /// What is wrong with the first one that is faulty.
    pub fn read(&mut self) -> Result<Zones, String> {
        let mut zones = Zones::new();
        for (path, last) in &mut self.0 {
            // First, so that a change while it is read is seen.
            *last = state(path);
            let faulty = |fault| format!("the zone file {} {fault}", path.display());
            let text = fs::read_to_string(&path);
            let text = text.map_err(|error| faulty(format!("cannot be read: {error}")))?;
            let read = match hosts_zone::is_hosts(&text) {
                true => hosts_zone::zones(&text),
                false => {
                    master::read(&text, &Name::root()).and_then(Zone::new).map(|zone| vec![zone])
                }
            };
            for zone in read.map_err(|wrong| faulty(format!("is wrong in {wrong}")))? {
                let origin = zone.origin.clone();
                let twice = format!("has the zone {origin}, which another file has, too");
                if zones.insert(origin, zone).is_some() {
                    return Err(faulty(twice));
                }
            }
        }
        Ok(zones)
    }
}

fn state(path: &Path) -> State {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}
