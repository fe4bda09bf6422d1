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

/// Returns true if the C library looks `host` up in `/etc/hosts`, asks the servers of `/etc/resolv.conf`,
/// and does nothing else: so say the files of nsswitch.conf(5) of most servers. On many desktops names
/// within `local` are looked up by multicast besides (RFC 6762).
pub(super) fn is_files_then_dns(nsswitch: &str, host: &str) -> bool {
    let mut lines = nsswitch.lines().map(|line| line.split('#').next().unwrap_or_default());
    let Some(services) = lines.find_map(|line| line.trim_start().strip_prefix("hosts:")) else {
        return false;
    };
    match services.split_ascii_whitespace().collect::<Vec<_>>()[..] {
        ["files", "dns"] => true,
        ["files", "mdns_minimal" | "mdns4_minimal", "[NOTFOUND=return]", "dns"] => {
            let host = host.strip_suffix('.').unwrap_or(host);
            let domain = host.rsplit('.').next();
            !domain.is_some_and(|domain| domain.eq_ignore_ascii_case("local"))
        }
        _ => false,
    }
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
        for (line, host, want) in [
            ("hosts: files dns", "a.example", true),
            ("passwd: files\nhosts:\t\tfiles dns # usual", "a.example", true),
            ("#hosts: files dns", "a.example", false),
            ("", "a.example", false),
            ("hosts: dns files", "a.example", false),
            ("hosts: files", "a.example", false),
            ("hosts: files mdns4_minimal [NOTFOUND=return] dns", "a.example", true),
            ("hosts: files mdns4_minimal [NOTFOUND=return] dns", "printer.LOCAL.", false),
            ("hosts: files mdns4 dns", "a.example", false),
            ("hosts: files resolve [!UNAVAIL=return] dns", "a.example", false),
            ("hosts: files myhostname dns", "a.example", false),
            ("hosts: files dns [SUCCESS=continue] ldap", "a.example", false),
        ] {
            assert_eq!(is_files_then_dns(line, host), want, "{line:?} {host}");
        }
    }
}
