//! The files of the zones: read when the server starts, and again when they change.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::hosts_zone;
use super::zone::{Zone, Zones};
use crate::proto::dns::{MasterFile, Name};

/// The files, and their states when they were last read.
#[derive(Debug)]
pub struct ZoneFiles {
    files: Vec<(PathBuf, Option<State>)>,
}

/// What changes when a file is written or replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    modified: SystemTime,
    length: u64,
}

impl ZoneFiles {
    /// Returns the files, none of which has been read.
    pub fn new(paths: Vec<PathBuf>) -> ZoneFiles {
        ZoneFiles { files: paths.into_iter().map(|path| (path, None)).collect() }
    }

    /// Returns true if a file has changed since it was last read, or could not be read.
    pub fn have_changed(&self) -> bool {
        self.files.iter().any(|(path, state)| State::of(path) != *state)
    }

    /// Reads all files.
    ///
    /// # Errors
    /// What is wrong with the first one that is faulty.
    pub fn read(&mut self) -> Result<Zones, String> {
        // First, so that a change while they are read is seen.
        self.files.iter_mut().for_each(|(path, state)| *state = State::of(path));
        let mut zones = Zones::default();
        for (path, state) in &self.files {
            let faulty = |fault| format!("the zone file {} {fault}", path.display());
            for zone in read(path, *state).map_err(faulty)? {
                zones.insert(zone).map_err(|origin| {
                    faulty(format!("has the zone {origin}, which another file has, too"))
                })?;
            }
        }
        Ok(zones)
    }
}

/// Reads the zones of a file: one of a master file, more of a file in hosts form.
fn read(path: &Path, state: Option<State>) -> Result<Vec<Zone>, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))?;
    if hosts_zone::is_hosts(&text) {
        let modified = state.and_then(|state| state.modified.duration_since(UNIX_EPOCH).ok());
        // After the highest serial number comes 0 (RFC 1982).
        let serial = modified.unwrap_or_default().as_secs() % (1 << 32);
        let zones = hosts_zone::zones(&text, u32::try_from(serial).unwrap_or_default());
        return zones.map_err(|invalid| format!("is wrong in {invalid}"));
    }
    let entries = MasterFile::new(&text, Name::root()).collect::<Result<Vec<_>, _>>();
    let entries = entries.map_err(|invalid| format!("is wrong in {invalid}"))?;
    let zone = Zone::new(entries).map_err(|invalid| format!("is wrong in {invalid}"))?;
    Ok(vec![zone])
}

impl State {
    fn of(path: &Path) -> Option<State> {
        let metadata = fs::metadata(path).ok()?;
        Some(State { modified: metadata.modified().ok()?, length: metadata.len() })
    }
}
