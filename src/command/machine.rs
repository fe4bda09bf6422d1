//! The machine, the program and the time of a measurement, for those who read its figures later.

use std::fs;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::text::timestamp::rfc_3339;

/// Returns what a reader has to know of the machine, as JSON. What the system does not tell is `null`.
pub(super) fn machine() -> Value {
    let file = |path: &str| fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
    let field = |path: &str, name: &str| {
        let text = file(path)?;
        let value = text.lines().find_map(|line| line.strip_prefix(name))?;
        Some(value.trim_start_matches([' ', '\t', ':']).to_owned())
    };
    let system = file("/proc/sys/kernel/ostype").zip(file("/proc/sys/kernel/osrelease"));
    json!({
        "host": file("/proc/sys/kernel/hostname"),
        "system": system.map(|(name, release)| format!("{name} {release}")),
        "processor": field("/proc/cpuinfo", "model name"),
        "cores": thread::available_parallelism().ok().map(usize::from),
        "memory": field("/proc/meminfo", "MemTotal"),
        "client": format!("threadbare {}", env!("CARGO_PKG_VERSION")),
    })
}

/// Returns the time now, in UTC, as RFC 3339 writes it: `2026-11-30T17:45:00Z`.
pub(super) fn now() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    rfc_3339(seconds.try_into().unwrap_or(i64::MAX))
}
