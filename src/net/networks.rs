//! Networks: ranges of addresses, as a prefix and its length (CIDR, RFC 4632, 3.1; RFC 4291, 2.3).

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::peer_address::PeerAddress;

/// A set of networks and single addresses, such as those of the proxies in front of a server.
///
/// ```
/// use threadbare::server::Networks;
///
/// let proxies: Networks = "10.0.0.0/8, 2001:db8::7, unix".parse()?;
/// assert!(proxies.contains("10.1.2.3".parse()?));
/// assert!(!proxies.contains("192.0.2.1".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks {
    networks: Vec<Network>,
    /// Whether the peers over sockets in the file system are among them.
    has_unix: bool,
}

/// The addresses that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    /// The number of bits.
    length: u32,
}

/// The error of a text that is not a list of networks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidNetwork(String);

impl fmt::Display for InvalidNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no network; right: 10.0.0.0/8, 192.0.2.1, 2001:db8::/32 or unix", self.0)
    }
}

impl std::error::Error for InvalidNetwork {}

impl Networks {
    /// Adds those of another set.
    pub fn add(&mut self, others: Networks) {
        self.networks.extend(others.networks);
        self.has_unix |= others.has_unix;
    }

    /// Returns true if there is none.
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty() && !self.has_unix
    }

    /// Returns true if the address is in one of them. An IPv4 address may be written as an IPv6 one
    /// (`::ffff:10.0.0.1`).
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.contains(address))
    }

    /// Returns true if the address of this peer is in one of them, and known to be the peer's.
    pub(crate) fn contains_peer(&self, peer: PeerAddress) -> bool {
        match peer {
            PeerAddress::Tcp(address) => self.contains(address.ip()),
            PeerAddress::Unix => self.has_unix,
            PeerAddress::Relayed(_) => false,
        }
    }
}

/// Parses networks that are separated by commas: a prefix with its length, an address, or `unix` for the peers over
/// sockets in the file system. Bits behind the prefix are ignored, as nginx does.
impl FromStr for Networks {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Networks, InvalidNetwork> {
        let mut found = Networks::default();
        for member in text.split(',').map(str::trim) {
            if member == "unix" || member == "unix:" {
                found.has_unix = true;
            } else {
                let network = Network::parse(member).ok_or(InvalidNetwork(member.to_owned()))?;
                found.networks.push(network);
            }
        }
        Ok(found)
    }
}

impl Network {
    fn parse(text: &str) -> Option<Network> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = bits(address);
        let length = match length {
            None => most,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok().filter(|&length| length <= most)?
            }
            Some(_) => return None,
        };
        match address.to_canonical() {
            // Of IPv4, if the prefix has all of what stands before an IPv4 address.
            canonical if bits(canonical) < most => {
                Some(Network { address: canonical, length: length.checked_sub(96)? })
            }
            address => Some(Network { address, length }),
        }
    }

    fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(prefix), IpAddr::V4(address)) => {
                let differ = prefix.to_bits() ^ address.to_bits();
                differ.checked_shr(32 - self.length).unwrap_or(0) == 0
            }
            (IpAddr::V6(prefix), IpAddr::V6(address)) => {
                let differ = prefix.to_bits() ^ address.to_bits();
                differ.checked_shr(128 - self.length).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

/// Returns the number of bits of an address.
fn bits(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_addresses_are_in_a_network() {
        for (networks, address, want) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("10.9.9.9/8", "10.0.0.1", true),
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("192.0.2.0/31", "192.0.2.1", true),
            ("192.0.2.0/31", "192.0.2.2", false),
            ("0.0.0.0/0", "203.0.113.1", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("0.0.0.0/0", "::ffff:203.0.113.1", true),
            ("10.0.0.0/8", "::ffff:10.0.0.1", true),
            ("::ffff:10.0.0.0/104", "10.0.0.1", true),
            ("::ffff:10.0.0.1", "10.0.0.1", true),
            ("::/0", "2001:db8::1", true),
            ("::/0", "192.0.2.1", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::1", "::1", true),
            ("::1/128", "::2", false),
            ("10.0.0.0/8,192.168.0.0/16 , ::1", "192.168.7.7", true),
            ("unix", "127.0.0.1", false),
        ] {
            let networks: Networks = networks.parse().unwrap();
            assert_eq!(
                networks.contains(address.parse().unwrap()),
                want,
                "{networks:?}, {address}"
            );
        }
        for (networks, want) in [("unix", true), ("unix:,::1", true), ("0.0.0.0/0", false)] {
            let networks: Networks = networks.parse().unwrap();
            assert_eq!(networks.contains_peer(PeerAddress::Unix), want);
        }
    }

    #[test]
    fn what_is_no_network() {
        for wrong in [
            "",
            ",",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0.0.0/-1",
            "10.0.0.0/8/8",
            "10.0.0",
            "010.0.0.1",
            "localhost",
            "10.0.0.1:80",
            "[::1]",
            "fe80::1%eth0",
            "10.0.0.0/8;",
            "::ffff:0:0/95",
            "unix:/run/x",
        ] {
            let error = wrong.parse::<Networks>().unwrap_err().to_string();
            assert!(error.contains("right: 10.0.0.0/8"), "{wrong}: {error}");
        }
    }
}
