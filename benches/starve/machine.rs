//! The figures of the machine: descriptors, memory, processes.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Raises the limit of open files to what is allowed, and returns it.
pub fn raise_descriptors() -> usize {
    let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return 1024 };
    let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard); // the limit is read next
    getrlimit(Resource::RLIMIT_NOFILE)
        .map_or(1024, |(soft, _)| usize::try_from(soft).unwrap_or(usize::MAX))
}

/// Returns the memory of a server and its children, in bytes. Shared memory is divided among them (PSS),
/// because a sum of resident sizes would count it more than once.
pub fn memory(pid: u32) -> u64 {
    let rollup = |pid: u32| {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        number_after(&text, "Pss:") * 1024
    };
    family(pid).into_iter().map(rollup).sum()
}

/// Returns the resident memory of a process, in bytes; with children as [`memory`] does.
pub fn resident(pid: u32) -> u64 {
    match family(pid).as_slice() {
        [_] => {
            let path = format!("/proc/{pid}/smaps_rollup");
            number_after(&fs::read_to_string(path).unwrap_or_default(), "Rss:") * 1024
        }
        _ => memory(pid),
    }
}

/// Returns the size of the kernel's TCP buffers of all processes, in bytes.
pub fn socket_memory() -> u64 {
    const PAGE: u64 = 4096;
    let text = fs::read_to_string("/proc/net/sockstat").unwrap_or_default();
    let tcp = text.lines().find(|line| line.starts_with("TCP:")).unwrap_or_default();
    number_after(tcp, " mem") * PAGE
}

/// Returns the processor time of a server and its children so far, to a hundredth of a second.
pub fn cpu(pid: u32) -> Duration {
    let ticks = |pid: u32| {
        let (user, system) = (stat(pid, 11), stat(pid, 12));
        user.unwrap_or_default() + system.unwrap_or_default()
    };
    Duration::from_millis(10 * family(pid).into_iter().map(ticks).sum::<u64>())
}

/// Returns a process, its children, and theirs.
pub fn family(pid: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let parents: Vec<(u32, u64)> = pids.filter_map(|pid| Some((pid, stat(pid, 1)?))).collect();
    let mut family = vec![pid];
    let mut at = 0;
    while let Some(&parent) = family.get(at) {
        let children = parents.iter().filter(|(_, of)| *of == u64::from(parent));
        family.extend(children.map(|(child, _)| child));
        at += 1;
    }
    family
}

/// Returns the cores on which this process may run, as taskset(1) takes them: `0-3` or `0,2`.
pub fn cores() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let cores = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    cores.unwrap_or_default().trim().to_owned()
}

/// Returns true if this program is installed.
pub fn has(program: &str) -> bool {
    find(program).is_some()
}

/// Returns the path of this program.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Servers are installed in folders that are not in every user's PATH.
    let folders = std::env::split_paths(&path).chain([Path::new("/usr/sbin").to_owned()]);
    folders.map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// Returns a number of /proc/PID/stat, counted from the state, which is 0: the parent is 1.
fn stat(pid: u32, field: usize) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // pid (name) state parent …; a name may contain anything, a closing parenthesis too
    stat.rsplit(')').next()?.split_whitespace().nth(field)?.parse().ok()
}

fn number_after(text: &str, name: &str) -> u64 {
    let rest = text.split_once(name).map_or("", |(_, rest)| rest);
    rest.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or_default()
}
