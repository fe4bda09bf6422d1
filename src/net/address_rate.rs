//! Limits how often each address may do something: so many times a second.

use std::hash::{BuildHasher as _, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::peer_address::PeerAddress;
use crate::sync::lock;

/// How many addresses are counted at a time; two that meet in one place count anew. It takes 320 KB.
const ADDRESSES: usize = 8192;

/// The time whose share may be used up at once.
const BURST: Duration = Duration::from_secs(1);

/// A rate for each address: the IPv4 address, or the first 64 bits of an IPv6 address, because one host has
/// all of those. Loopback is not limited.
#[derive(Debug)]
pub struct AddressRate {
    /// The time that one use takes up.
    interval: Duration,
    counts: Mutex<Vec<Option<Count>>>,
    hasher: RandomState,
}

/// The uses of one address.
#[derive(Debug, Clone, Copy)]
struct Count {
    address: IpAddr,
    /// When all of its share has been earned again.
    free_at: Instant,
}

impl AddressRate {
    /// Returns a limit of so many uses a second.
    pub fn new(rate: NonZeroU32) -> AddressRate {
        let counts = Mutex::new(vec![None; ADDRESSES]);
        AddressRate { interval: BURST / rate.get(), counts, hasher: RandomState::new() }
    }

    /// Counts a use at `now`. Returns false if it is beyond the rate, and does not count.
    pub fn allow(&self, address: IpAddr, now: Instant) -> bool {
        address.to_canonical().is_loopback() || self.count(address, now)
    }

    /// Does the same for a client; those of a proxy that are not known count as one, also if it is on this machine.
    pub fn allow_peer(&self, peer: PeerAddress, now: Instant) -> bool {
        peer.is_loopback() || self.count(peer.ip().unwrap_or(Ipv6Addr::UNSPECIFIED.into()), now)
    }

    fn count(&self, address: IpAddr, now: Instant) -> bool {
        let address = match address.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
            address => address,
        };
        let hash = self.hasher.hash_one(address);
        let mut counts = lock(&self.counts);
        let place = usize::try_from(hash % ADDRESSES as u64).unwrap_or_default();
        let count = match &mut counts[place] {
            Some(count) if count.address == address => count,
            other => other.insert(Count { address, free_at: now }),
        };
        let free_at = count.free_at.max(now) + self.interval;
        let is_allowed = free_at - now <= BURST;
        if is_allowed {
            count.free_at = free_at;
        }
        is_allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(number: u32) -> AddressRate {
        AddressRate::new(NonZeroU32::new(number).unwrap())
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn each_address_has_its_rate() {
        let (limit, start, peer) = (rate(100), Instant::now(), address("192.0.2.1"));
        let allowed = |now| (0..300).filter(|_| limit.allow(peer, now)).count();
        assert_eq!(allowed(start), 100);
        assert!(limit.allow(address("192.0.2.2"), start));
        assert_eq!(allowed(start + Duration::from_millis(105)), 10);
        assert_eq!(allowed(start + Duration::from_secs(100)), 100);
    }

    #[test]
    fn loopback_is_exempt_and_an_ipv6_network_counts_as_one() {
        let (limit, now) = (rate(1), Instant::now());
        for loopback in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert!((0..9).all(|_| limit.allow(address(loopback), now)));
        }
        assert!((0..9).all(|_| limit.allow_peer(PeerAddress::Unix, now)));
        let proxy = PeerAddress::Tcp(([127, 0, 0, 1], 1).into());
        assert!((0..9).all(|_| limit.allow_peer(proxy, now)));
        for relayed in [proxy.relayed(), PeerAddress::Unix.relayed()] {
            assert!(limit.allow_peer(relayed, now));
            assert!(!limit.allow_peer(relayed, now));
        }
        assert!(limit.allow(address("2001:db8::1"), now));
        assert!(!limit.allow(address("2001:db8::ffff:1"), now));
        assert!(limit.allow(address("2001:db8:0:1::1"), now));
        assert!(limit.allow(address("192.0.2.1"), now));
        assert!(!limit.allow(address("::ffff:192.0.2.1"), now));
    }

    #[test]
    fn many_addresses_take_no_more_memory() {
        let (limit, now) = (rate(1), Instant::now());
        for bits in 0..100_000_u32 {
            limit.allow(std::net::Ipv4Addr::from_bits(0x0a00_0000 + bits).into(), now);
        }
        assert_eq!(lock(&limit.counts).len(), ADDRESSES);
    }
}
