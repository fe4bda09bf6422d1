//! `/etc/resolv.conf`: which servers are asked, how often, and for which names (resolv.conf(5), as glibc reads
//! it). Pure: the caller reads the file.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::exchange::Transport;
use crate::proto::dns::Name;

/// The port of name servers (RFC 1035, 4.2).
pub(super) const PORT: u16 = 53;
/// The most servers that are read; the limits below are glibc's, too (resolv.conf(5)).
const MAX_SERVERS: usize = 3;

/// How names are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ResolvConf {
    /// The servers, in the order in which they are asked.
    pub(super) servers: Vec<SocketAddr>,
    /// The domains in which a short name is looked for.
    pub(super) search: Vec<String>,
    /// A name with fewer dots is short: it is looked for in the domains first.
    pub(super) ndots: usize,
    /// The time for one answer.
    pub(super) timeout: Duration,
    /// How often each server is asked.
    pub(super) attempts: u32,
    /// What carries the queries.
    pub(super) transport: Transport,
}

impl ResolvConf {
    /// Reads the file. What cannot be understood is skipped, as resolv.conf(5) says. A file without a
    /// server stands for one on this machine.
    pub(super) fn parse(text: &str) -> ResolvConf {
        let mut conf = ResolvConf {
            servers: Vec::new(),
            search: Vec::new(),
            ndots: 1,
            timeout: Duration::from_secs(5),
            attempts: 2,
            transport: Transport::Udp,
        };
        for line in text.lines().filter(|line| !line.starts_with(['#', ';'])) {
            let mut words = line.split_ascii_whitespace();
            match words.next() {
                Some("nameserver") => {
                    let address = words.next().and_then(|word| word.parse::<IpAddr>().ok());
                    conf.servers.extend(address.map(|address| SocketAddr::new(address, PORT)));
                }
                Some("search" | "domain") => conf.search = words.map(str::to_owned).collect(),
                Some("options") => words.for_each(|option| conf.set(option)),
                _ => {}
            }
        }
        conf.servers.truncate(MAX_SERVERS);
        if conf.servers.is_empty() {
            conf.servers.push((Ipv4Addr::LOCALHOST, PORT).into());
        }
        conf
    }

    fn set(&mut self, option: &str) {
        let (name, value) = option.split_once(':').unwrap_or((option, ""));
        let Ok(value) = value.parse::<u8>() else { return };
        match name {
            "ndots" => self.ndots = value.min(15).into(),
            "timeout" => self.timeout = Duration::from_secs(value.clamp(1, 30).into()),
            "attempts" => self.attempts = value.clamp(1, 5).into(),
            _ => {}
        }
    }

    /// Returns the names to ask for, in order, until one of them has an address. A dot at the end of `host`
    /// excludes the domains.
    ///
    /// # Errors
    /// Why `host` is no name; a domain with which it is none is left out.
    pub(super) fn candidates(&self, host: &str) -> Result<Vec<Name>, &'static str> {
        let typed = Name::parse(host)?;
        if host.ends_with('.') {
            return Ok(vec![typed]);
        }
        let domains = self.search.iter().filter_map(|domain| Name::parse(domain).ok());
        let mut names: Vec<Name> =
            domains.filter_map(|domain| Name::parse_within(host, &domain).ok()).collect();
        let is_short = host.matches('.').count() < self.ndots;
        names.insert(if is_short { names.len() } else { 0 }, typed);
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(conf: &str, host: &str) -> String {
        let names = ResolvConf::parse(conf).candidates(host).unwrap();
        names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_keywords_of_the_man_page() {
        let conf = ResolvConf::parse(
            "# nameserver 192.0.2.9\n\
             nameserver 192.0.2.1\nnameserver\t2001:db8::1 \n nameserver x\n;nameserver 192.0.2.9\n\
             options ndots:20 timeout:31 attempts:9 rotate edns0 unknown:1\n\
             nameserver 192.0.2.3\nnameserver 192.0.2.4\n",
        );
        let servers = ["192.0.2.1:53", "[2001:db8::1]:53", "192.0.2.3:53"];
        assert_eq!(conf.servers, servers.map(|server| server.parse().unwrap()));
        assert_eq!((conf.ndots, conf.timeout, conf.attempts), (15, Duration::from_secs(30), 5));
        assert!(conf.search.is_empty());
        let usual = ResolvConf::parse("options ndots:x timeout:-1 attempts:0\n");
        assert_eq!(usual.servers, ["127.0.0.1:53".parse().unwrap()]);
        assert_eq!((usual.ndots, usual.timeout, usual.attempts), (1, Duration::from_secs(5), 1));
    }

    #[test]
    fn short_names_are_looked_for_in_the_domains_first() {
        for (conf, host, want) in [
            ("", "a", "a."),
            ("", "a.", "a."),
            ("search x y.z\n", "a", "a.x. a.y.z. a."),
            ("search x y.z\n", "a.b", "a.b. a.b.x. a.b.y.z."),
            ("search x y.z\noptions ndots:2\n", "a.b", "a.b.x. a.b.y.z. a.b."),
            ("search x y.z\noptions ndots:0\n", "a", "a. a.x. a.y.z."),
            ("search x\ndomain y\n", "a", "a.y. a."),
            ("domain y\nsearch x a..b\n", "a", "a.x. a."),
            ("search .\n", "a", "a. a."),
            ("search\n", "a", "a."),
        ] {
            assert_eq!(names(conf, host), want, "{conf:?} {host}");
        }
        let long = "a.".repeat(120) + "a";
        let conf = format!("search {} x\n", "b".repeat(63));
        assert_eq!(names(&conf, &long), format!("{long}. {long}.x."), "no name has 256 octets");
        assert!(ResolvConf::parse("").candidates("a..b").is_err());
    }
}
