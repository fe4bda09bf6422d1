//! `/etc/hosts` and `/etc/nsswitch.conf`: what the C library reads before it asks a name server (hosts(5),
//! nsswitch.conf(5)). Pure: the caller reads the files.

use std::net::IpAddr;

/// Returns the addresses of `host` in a file of hosts(5), in its order, each once.
pub(super) fn addresses(text: &str, host: &str) -> Vec<IpAddr> {
    let mut found = Vec::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_ascii_whitespace();
        if let Some(address) = words.next().and_then(|word| word.parse().ok())
            && words.any(|name| name.eq_ignore_ascii_case(host))
            && !found.contains(&address)
        {
            found.push(address);
        }
    }
    found
}

/// Returns true if the C library looks hosts up in `/etc/hosts`, asks the servers of `/etc/resolv.conf`, and
/// does nothing else: so say the files of nsswitch.conf(5) of most servers.
pub(super) fn is_files_then_dns(nsswitch: &str) -> bool {
    let mut lines = nsswitch.lines().map(|line| line.split('#').next().unwrap_or_default());
    lines.any(|line| line.split_ascii_whitespace().eq(["hosts:", "files", "dns"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_aliases_in_any_case() {
        let text = "127.0.0.1 localhost\n::1\tlocalhost ip6-localhost # x\n#192.0.2.9 a\n\
                    192.0.2.1 a.example A www\n192.0.2.1 a\n\n192.0.2.2\n192.0.2.3x a\n2001:db8::1 a\n";
        for (host, want) in [
            ("localhost", &["127.0.0.1", "::1"][..]),
            ("LOCALHOST", &["127.0.0.1", "::1"]),
            ("a", &["192.0.2.1", "2001:db8::1"]),
            ("www", &["192.0.2.1"]),
            ("x", &[]),
            ("192.0.2.2", &[]),
            ("example", &[]),
        ] {
            let want: Vec<IpAddr> = want.iter().map(|address| address.parse().unwrap()).collect();
            assert_eq!(addresses(text, host), want, "{host}");
        }
    }

    #[test]
    fn the_c_library_is_replaced_only_where_it_does_the_same() {
        for (line, want) in [
            ("hosts: files dns", true),
            ("passwd: files\nhosts:\t\tfiles dns # usual", true),
            ("#hosts: files dns", false),
            ("", false),
            ("hosts: dns files", false),
            ("hosts: files", false),
            ("hosts: files mdns4_minimal [NOTFOUND=return] dns", false),
            ("hosts: files myhostname dns", false),
        ] {
            assert_eq!(is_files_then_dns(line), want, "{line:?}");
        }
    }
}
