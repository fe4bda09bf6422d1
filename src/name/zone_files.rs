//! The files of the zones: read when the server starts, and again when they change.

use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use super::hosts_zone;
use super::zone::{Zone, Zones};
use crate::proto::dns::{Name, master};

/// What changes when a file is written or replaced, for each file: the time and the length. `None` if it
/// cannot be read.
pub type States = Vec<Option<(SystemTime, u64)>>;

/// Returns the states of these files.
pub fn states(paths: &[PathBuf]) -> States {
    let state = |path| {
        let metadata = fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    paths.iter().map(state).collect()
}

/// Reads the files: one zone of a master file, more of a file in hosts form.
///
/// # Errors
/// What is wrong with the first one that is faulty.
pub fn read(paths: &[PathBuf]) -> Result<Zones, String> {
    let mut zones = Zones::new();
    for path in paths {
        let faulty = |fault| format!("the zone file {} {fault}", path.display());
        let text = fs::read_to_string(path);
        let text = text.map_err(|error| faulty(format!("cannot be read: {error}")))?;
        let read = match hosts_zone::is_hosts(&text) {
            true => hosts_zone::zones(&text),
            false => master::read(&text, &Name::root()).and_then(Zone::new).map(|zone| vec![zone]),
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
