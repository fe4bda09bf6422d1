//! Limits the responses to one address, so that queries with a forged address do not flood its owner
//! (response rate limiting, as in NSD and BIND).

use std::hash::{BuildHasher as _, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::sync::lock;

/// How many addresses are counted at a time; two that meet in one place count anew. It takes 320 KB.
const ADDRESSES: usize = 8192;

/// The time whose responses may be sent at once.
const BURST: Duration = Duration::from_secs(1);

/// A number of responses a second for each address: the IPv4 address, or the first 64 bits of an IPv6
/// address, because one host has all of those. Loopback is not limited.
#[derive(Debug)]
pub struct ResponseLimit {
    /// The time for one response.
    interval: Duration,
    counts: Mutex<Vec<Option<Count>>>,
    hasher: RandomState,
}

/// The responses to one address.
#[derive(Debug, Clone, Copy)]
struct Count {
    address: IpAddr,
    /// When a whole second of responses may be sent again.
    free_at: Instant,
    /// The next response beyond the limit is the one of two that is sent, truncated.
    truncates: bool,
}

/// What becomes of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is sent.
    Send,
    /// It is sent without records, so that a client whose address is not forged asks over TCP.
    Truncate,
    /// It is not sent.
    Drop,
}

impl ResponseLimit {
    /// Returns a limit of so many responses a second.
    pub fn new(rate: NonZeroU32) -> ResponseLimit {
        let counts = Mutex::new(vec![None; ADDRESSES]);
        ResponseLimit { interval: BURST / rate.get(), counts, hasher: RandomState::new() }
    }

    /// Counts a response to this address, and says what becomes of it.
    pub fn count(&self, address: IpAddr, now: Instant) -> Verdict {
        let address = match address.to_canonical() {
            address if address.is_loopback() => return Verdict::Send,
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
            address => address,
        };
        let hash = self.hasher.hash_one(address);
        let mut counts = lock(&self.counts);
        let place = usize::try_from(hash % ADDRESSES as u64).unwrap_or_default();
        let count = match &mut counts[place] {
            Some(count) if count.address == address => count,
            other => other.insert(Count { address, free_at: now, truncates: false }),
        };
        let free_at = count.free_at.max(now) + self.interval;
        if free_at - now <= BURST {
            count.free_at = free_at;
            return Verdict::Send;
        }
        count.truncates = !count.truncates;
        if count.truncates { Verdict::Drop } else { Verdict::Truncate }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(rate: u32) -> ResponseLimit {
        ResponseLimit::new(NonZeroU32::new(rate).unwrap())
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn beyond_the_rate_every_second_response_is_truncated() {
        let (limit, start, peer) = (limit(100), Instant::now(), address("192.0.2.1"));
        let mut verdicts = [0; 3];
        for _ in 0..300 {
            verdicts[limit.count(peer, start) as usize] += 1;
        }
        assert_eq!(verdicts, [100, 100, 100]);
        assert_eq!(limit.count(address("192.0.2.2"), start), Verdict::Send);
        let later = start + Duration::from_millis(105);
        let sent = (0..20).filter(|_| limit.count(peer, later) == Verdict::Send).count();
        assert_eq!(sent, 10);
        let much_later = start + Duration::from_secs(100);
        let sent = (0..300).filter(|_| limit.count(peer, much_later) == Verdict::Send).count();
        assert_eq!(sent, 100);
    }

    #[test]
    fn loopback_is_exempt_and_an_ipv6_network_counts_as_one() {
        let (limit, now) = (limit(1), Instant::now());
        for loopback in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert!((0..9).all(|_| limit.count(address(loopback), now) == Verdict::Send));
        }
        assert_eq!(limit.count(address("2001:db8::1"), now), Verdict::Send);
        assert_eq!(limit.count(address("2001:db8::ffff:1"), now), Verdict::Drop);
        assert_eq!(limit.count(address("2001:db8:0:1::1"), now), Verdict::Send);
        assert_eq!(limit.count(address("192.0.2.1"), now), Verdict::Send);
        assert_eq!(limit.count(address("::ffff:192.0.2.1"), now), Verdict::Drop);
    }

    #[test]
    fn many_addresses_take_no_more_memory() {
        let (limit, now) = (limit(1), Instant::now());
        for bits in 0..100_000_u32 {
            limit.count(std::net::Ipv4Addr::from_bits(0x0a00_0000 + bits).into(), now);
        }
        assert_eq!(lock(&limit.counts).len(), ADDRESSES);
    }
}
