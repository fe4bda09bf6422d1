//! Which process has a port of TCP, for the error of a port in use. Linux tells it in `/proc` (proc_pid_net(5)); a
//! process of another user shows its sockets to root only.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

/// The state of a socket that listens, in hexadecimal.
const LISTEN: &str = "0A";

/// Returns the process that listens on an address, or on one that stands in its way: `process 4242 (python3)`.
pub(super) fn holder(wanted: SocketAddr) -> Option<String> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"]
        .map(|path| fs::read_to_string(path).unwrap_or_default());
    let inode = tables
        .iter()
        .flat_map(|table| listening(table))
        .find(|(held, _)| in_the_way(*held, wanted))?
        .1;
    let link = format!("socket:[{inode}]");
    let entries = fs::read_dir("/proc").ok()?.flatten().map(|entry| entry.path());
    let (number, process) = entries
        .filter_map(|path| Some((path.file_name()?.to_str()?.parse::<u32>().ok()?, path)))
        .find(|(_, process)| has_open(process, &link))?;
    let name = fs::read_to_string(process.join("comm")).unwrap_or_default();
    let name = name.trim_end().replace(|char: char| char.is_control(), "?");
    Some(format!("process {number} ({name})"))
}

/// Returns true if a socket on `held` keeps another one from `wanted`.
fn in_the_way(held: SocketAddr, wanted: SocketAddr) -> bool {
    let (held_ip, wanted_ip) = (held.ip().to_canonical(), wanted.ip().to_canonical());
    held.port() == wanted.port()
        && (held_ip == wanted_ip || held_ip.is_unspecified() || wanted_ip.is_unspecified())
}

fn has_open(process: &Path, link: &str) -> bool {
    let descriptors = fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
    let mut targets = descriptors.filter_map(|descriptor| fs::read_link(descriptor.path()).ok());
    targets.any(|target| target.as_os_str() == link)
}

/// Returns the addresses and the inodes of the sockets that listen, of a table of `/proc/net`.
fn listening(table: &str) -> impl Iterator<Item = (SocketAddr, &str)> {
    table.lines().skip(1).filter_map(|line| {
        let columns: Vec<&str> = line.split_ascii_whitespace().collect();
        let (address, state, inode) = (columns.get(1)?, columns.get(3)?, columns.get(9)?);
        (*state == LISTEN).then_some((parse(address)?, *inode))
    })
}

/// Parses an address of such a table: words of 32 bits in the order of this machine, in hexadecimal.
fn parse(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let mut bytes = Vec::new();
    for at in (0..ip.len()).step_by(8) {
        let word = u32::from_str_radix(ip.get(at..at + 8)?, 16).ok()?;
        bytes.extend(word.to_ne_bytes());
    }
    let ip = match <[u8; 4]>::try_from(bytes.as_slice()) {
        Ok(four) => IpAddr::V4(Ipv4Addr::from(four)),
        Err(_) => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(bytes.as_slice()).ok()?)),
    };
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(all(test, target_endian = "little"))]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_the_kernel() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1 0 100 0 0 10 0\n\
   1: 0100007F:1F91 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 7 1 0 100 0 0 10 0\n\
   2: broken\n\
   3: 00000000000000000000000001000000:1F92 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 43 1\n";
        let found: Vec<_> =
            listening(table).map(|(address, inode)| (address.to_string(), inode)).collect();
        assert_eq!(found, [("127.0.0.1:8080".to_owned(), "4242"), ("[::1]:8082".to_owned(), "43")]);
    }

    #[test]
    fn what_is_in_the_way() {
        for (held, wanted, want) in [
            ("127.0.0.1:80", "127.0.0.1:80", true),
            ("0.0.0.0:80", "127.0.0.1:80", true),
            ("127.0.0.1:80", "0.0.0.0:80", true),
            ("[::]:80", "127.0.0.1:80", true),
            ("[::ffff:127.0.0.1]:80", "127.0.0.1:80", true),
            ("127.0.0.2:80", "127.0.0.1:80", false),
            ("127.0.0.1:81", "127.0.0.1:80", false),
        ] {
            assert_eq!(
                in_the_way(held.parse().unwrap(), wanted.parse().unwrap()),
                want,
                "{held} {wanted}"
            );
        }
    }
}
