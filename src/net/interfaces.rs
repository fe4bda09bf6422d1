//! The addresses of this machine in its networks (getifaddrs(3)).

use std::net::{IpAddr, SocketAddr};

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;
use nix::sys::socket::SockaddrStorage;

/// Returns where other machines reach a socket that is bound to all addresses: the addresses of the interfaces that are
/// up, those of IPv4 first, with the port of `bound`. Loopback is left out, and so are addresses of one link only, which
/// are of no use without a zone. A socket that is bound to one address gives none.
pub(super) fn reachable_at(bound: SocketAddr) -> Vec<SocketAddr> {
    if !bound.ip().is_unspecified() {
        return Vec::new();
    }
    let interfaces = getifaddrs().into_iter().flatten();
    let up = interfaces.filter(|interface| interface.flags.contains(InterfaceFlags::IFF_UP));
    let mut found: Vec<IpAddr> = up
        .filter_map(|interface| address(&interface.address?))
        .filter(|ip| bound.is_ipv6() || ip.is_ipv4())
        .filter(|ip| !ip.is_loopback() && !is_of_one_link(*ip))
        .collect();
    found.sort();
    found.dedup();
    found.into_iter().map(|ip| SocketAddr::new(ip, bound.port())).collect()
}

/// Returns an address as std has it.
pub(super) fn address(address: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|address| address.ip().into());
    v4.or_else(|| address.as_sockaddr_in6().map(|address| address.ip().into()))
}

fn is_of_one_link(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_socket_that_is_bound_to_all_addresses_has_others() {
        assert_eq!(reachable_at("127.0.0.1:80".parse().unwrap()), []);
        let v4 = reachable_at("0.0.0.0:8080".parse().unwrap());
        assert!(v4.iter().all(|address| address.is_ipv4() && address.port() == 8080), "{v4:?}");
        let all = reachable_at("[::]:8080".parse().unwrap());
        assert!(v4.iter().all(|address| all.contains(address)), "{all:?}");
        assert!(all.iter().all(|address| !address.ip().is_loopback()), "{all:?}");
    }
}
