//! What a server on this machine has used, as Linux tells it (proc(5)): its processes are those that hold the
//! listening socket.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::time::Duration;

/// What the processes of a server have used so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ServerUsage {
    /// The processor time, to a hundredth of a second.
    pub(super) cpu: Duration,
    /// The most memory that they have had at a time, in kilobytes.
    pub(super) peak_kb: u64,
    /// Their threads now.
    pub(super) threads: u64,
}

/// Returns what the server that listens at this address has used; `None` if it runs on another machine, or
/// as another user, or the system does not tell.
pub(super) fn server_usage(address: SocketAddr) -> Option<ServerUsage> {
    // Only an address of this machine can be bound.
    UdpSocket::bind((address.ip(), 0)).ok()?;
    let inodes = listening_sockets(address);
    let usages: Vec<ServerUsage> = processes()
        .filter(|process| holds(process, &inodes))
        .filter_map(|one| usage(&one))
        .collect();
    usages.into_iter().reduce(|sum, one| ServerUsage {
        cpu: sum.cpu + one.cpu,
        peak_kb: sum.peak_kb + one.peak_kb,
        threads: sum.threads + one.threads,
    })
}

/// Returns the folders of all processes.
fn processes() -> impl Iterator<Item = std::path::PathBuf> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Returns true if a process has one of these sockets open.
fn holds(process: &Path, sockets: &[String]) -> bool {
    let open = fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
    let targets = open.filter_map(|entry| fs::read_link(entry.path()).ok());
    targets.into_iter().any(|target| {
        sockets.iter().any(|inode| target.to_str() == Some(&format!("socket:[{inode}]")))
    })
}

/// Returns the inodes of the sockets that take connections to this address.
fn listening_sockets(address: SocketAddr) -> Vec<String> {
    let is_its =
        |ip: IpAddr| ip.is_unspecified() || ip.to_canonical() == address.ip().to_canonical();
    let listening = listening().into_iter().flatten();
    let its =
        listening.filter(|one| is_its(one.address.ip()) && one.address.port() == address.port());
    its.map(|one| one.inode).collect()
}

/// A socket that takes connections.
struct Listening {
    address: SocketAddr,
    inode: String,
}

/// Returns true if a socket takes connections to this port; `None` if the system does not tell.
pub(super) fn is_listening(port: u16) -> Option<bool> {
    Some(listening()?.iter().any(|one| one.address.port() == port))
}

/// Returns all sockets that take connections; `None` if the system does not tell.
fn listening() -> Option<Vec<Listening>> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(fs::read_to_string);
    let is_told = tables.iter().any(Result::is_ok);
    let lines = tables.iter().flatten().flat_map(|table| table.lines());
    is_told.then(|| lines.filter_map(listening_socket).collect())
}

/// Parses a line of such a table, if its socket takes connections.
fn listening_socket(line: &str) -> Option<Listening> {
    const LISTEN: &str = "0A";
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [_, local, _, LISTEN, _, _, _, _, _, inode, ..] = fields[..] else { return None };
    let (ip, port) = local.split_once(':')?;
    let address = (ip_address(ip)?, u16::from_str_radix(port, 16).ok()?).into();
    Some(Listening { address, inode: inode.to_owned() })
}

/// Parses an address of these tables: words of 32 bits, each in the order of this machine.
fn ip_address(hex: &str) -> Option<IpAddr> {
    let words =
        (0..hex.len() / 8).map(|nth| u32::from_str_radix(hex.get(nth * 8..nth * 8 + 8)?, 16).ok());
    let bytes: Vec<u8> =
        words.collect::<Option<Vec<u32>>>()?.into_iter().flat_map(u32::to_ne_bytes).collect();
    let v4 = <[u8; 4]>::try_from(bytes.as_slice()).map(|bytes| Ipv4Addr::from(bytes).into());
    v4.or_else(|_| <[u8; 16]>::try_from(bytes.as_slice()).map(|bytes| Ipv6Addr::from(bytes).into()))
        .ok()
}

fn usage(process: &Path) -> Option<ServerUsage> {
    const TICK: Duration = Duration::from_millis(10); // USER_HZ is 100 on all of Linux
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    // The name in parentheses may contain anything; after it, the processor times are the 12th and 13th field.
    let times = stat.rsplit(')').next()?.split_whitespace().skip(11).take(2);
    let ticks: u32 = times.filter_map(|field| field.parse::<u32>().ok()).sum();
    let status = fs::read_to_string(process.join("status")).ok()?;
    let number = |name| number_after(name, &status);
    Some(ServerUsage {
        cpu: TICK * ticks,
        peak_kb: number("VmHWM:")?,
        threads: number("Threads:")?,
    })
}

/// Returns the number in the line that begins with `name`, as in /proc/PID/status.
pub(super) fn number_after(name: &str, status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn this_process_is_found_by_its_socket() {
        for any in ["127.0.0.1:0", "[::1]:0", "0.0.0.0:0"] {
            let listener = TcpListener::bind(any).unwrap();
            let port = listener.local_addr().unwrap().port();
            let ip: IpAddr = if any.starts_with('[') {
                [0, 0, 0, 0, 0, 0, 0, 1].into()
            } else {
                [127, 0, 0, 1].into()
            };
            let used = server_usage((ip, port).into()).unwrap();
            assert!(used.threads >= 1 && used.peak_kb > 100, "{any}: {used:?}");
        }
    }

    #[test]
    fn no_server_is_no_usage() {
        let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert_eq!(server_usage(gone), None);
        assert_eq!(server_usage("192.0.2.1:80".parse().unwrap()), None);
    }
}
