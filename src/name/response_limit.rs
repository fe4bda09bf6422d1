//! Limits the responses to one address, so that queries with a forged address do not flood its owner
//! (response rate limiting, as in NSD and BIND).

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::net::address_rate::AddressRate;

/// A number of responses a second for each address.
#[derive(Debug)]
pub struct ResponseLimit {
    rate: AddressRate,
    /// The responses beyond it so far.
    beyond: AtomicU64,
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
        ResponseLimit { rate: AddressRate::new(rate), beyond: AtomicU64::new(0) }
    }

    /// Counts a response to this address, and says what becomes of it. Beyond the rate, every second one is
    /// truncated.
    pub fn count(&self, address: IpAddr, now: Instant) -> Verdict {
        match self.rate.allow(address, now) {
            true => Verdict::Send,
            false if self.beyond.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) => Verdict::Drop,
            false => Verdict::Truncate,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_the_rate_every_second_response_is_truncated() {
        let limit = ResponseLimit::new(NonZeroU32::new(100).unwrap());
        let (peer, start) = ("192.0.2.1".parse().unwrap(), Instant::now());
        let mut verdicts = [0; 3];
        for _ in 0..300 {
            verdicts[limit.count(peer, start) as usize] += 1;
        }
        assert_eq!(verdicts, [100, 100, 100]);
    }
}
