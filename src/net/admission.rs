//! The door: how many connections may be open, in all and from one address.
//!
//! Whoever is let in carries a [`Permit`], which is given back when it is dropped, wherever that is:
//! the count cannot drift.

use crate::sync::lock;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// What becomes of those for whom there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overload {
    /// They are told so.
    Reject,
    /// They wait outside, in the kernel's backlog.
    Block,
}

/// How many connections one address may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PerAddress {
    /// As many as it likes.
    Any,
    /// So many, but for this machine's own: all its users and proxies share one address.
    Remote(usize),
    /// So many, whoever it is.
    Most(usize),
}

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectReason {
    /// There are as many connections as there may be.
    Connections,
    /// That address has as many as one may have.
    Address,
    /// More would be ready than there are places in the queue.
    Queue,
}

impl RejectReason {
    /// All of them.
    pub const ALL: [RejectReason; 3] =
        [RejectReason::Connections, RejectReason::Address, RejectReason::Queue];

    /// In words.
    pub fn what(self) -> &'static str {
        match self {
            RejectReason::Connections => "as many connections are open as may be",
            RejectReason::Address => "as many connections are open from one address as may be",
            RejectReason::Queue => "all workers are busy, and the queue is full",
        }
    }

    /// Its name in figures.
    pub fn name(self) -> &'static str {
        match self {
            RejectReason::Connections => "connections",
            RejectReason::Address => "address",
            RejectReason::Queue => "queue",
        }
    }
}

/// Who is in, and who may come.
#[derive(Debug)]
pub struct ConnectionLimiter {
    most: usize,
    per_address: PerAddress,
    /// What becomes of those for whom there is no room.
    pub overload: Overload,
    open: AtomicUsize,
    accepted: AtomicU64,
    refused: [AtomicU64; RejectReason::ALL.len()],
    /// Only of addresses that are counted, and have a connection.
    addresses: Mutex<HashMap<IpAddr, usize>>,
}

/// Carried by a connection from its admission to its end.
#[derive(Debug)]
pub struct Permit {
    door: Arc<ConnectionLimiter>,
    counted_as: Option<IpAddr>,
}

impl ConnectionLimiter {
    /// A door for `most` connections at a time.
    pub fn new(most: usize, per_address: PerAddress, overload: Overload) -> Arc<ConnectionLimiter> {
        let (open, accepted) = (AtomicUsize::new(0), AtomicU64::new(0));
        let (refused, addresses) = (Default::default(), Mutex::default());
        Arc::new(ConnectionLimiter {
            most,
            per_address,
            overload,
            open,
            accepted,
            refused,
            addresses,
        })
    }

    /// Lets a connection in. One thread asks, so that there are never more than there may be.
    ///
    /// # Errors
    /// Why not.
    pub fn enter(self: &Arc<ConnectionLimiter>, address: IpAddr) -> Result<Permit, RejectReason> {
        if self.open() >= self.most {
            return Err(RejectReason::Connections);
        }
        let most = match self.per_address {
            PerAddress::Any => None,
            PerAddress::Remote(_) if address.to_canonical().is_loopback() => None,
            PerAddress::Remote(most) | PerAddress::Most(most) => Some(most),
        };
        let counted_as = most.map(|_| prefix_key(address));
        if let (Some(address), Some(most)) = (counted_as, most) {
            let mut addresses = self.addresses();
            let count = addresses.entry(address).or_default();
            if *count >= most {
                return Err(RejectReason::Address);
            }
            *count += 1;
        }
        self.open.fetch_add(1, Ordering::Relaxed);
        Ok(Permit { door: Arc::clone(self), counted_as })
    }

    /// Somebody stands before it.
    pub(super) fn count_accepted(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    /// Somebody has been sent away.
    pub(super) fn count_refusal(&self, why: RejectReason) {
        self.refused[why as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Returns whether more than three quarters of the places are taken: then none is kept for longer
    /// than it needs.
    pub fn is_crowded(&self) -> bool {
        self.open().saturating_mul(4) > self.most.saturating_mul(3)
    }

    /// How many connections are open.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// How many have come, let in or not.
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// How many have been sent away for this reason.
    pub fn refused(&self, why: RejectReason) -> u64 {
        self.refused[why as usize].load(Ordering::Relaxed)
    }

    fn addresses(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        lock(&self.addresses)
    }
}

impl Permit {
    /// Returns whether most places are taken ([`ConnectionLimiter::is_crowded`]).
    pub(super) fn door_is_crowded(&self) -> bool {
        self.door.is_crowded()
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(address) = self.counted_as {
            let mut addresses = self.door.addresses();
            if let Some(count) = addresses.get_mut(&address) {
                *count -= 1;
                if *count == 0 {
                    addresses.remove(&address);
                }
            }
        }
        self.door.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whom an address stands for: of IPv6, each subscriber has 2^64, which differ in the second half.
fn prefix_key(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_in_all_and_from_one_address() {
        let door = ConnectionLimiter::new(3, PerAddress::Remote(1), Overload::Reject);
        let enter = |address: &str| door.enter(address.parse().unwrap());
        let first = enter("2001:db8::1").unwrap();
        assert_eq!(enter("2001:db8::ffff").unwrap_err(), RejectReason::Address);
        let _here = [enter("127.0.0.1").unwrap(), enter("::ffff:127.0.0.1").unwrap()];
        assert_eq!(enter("192.0.2.1").unwrap_err(), RejectReason::Connections);
        drop(first);
        let _again = enter("2001:db8::1").unwrap();
        assert_eq!(door.open(), 3);
    }

    #[test]
    fn it_is_crowded_when_more_than_three_quarters_are_in() {
        for (most, three_quarters) in [(1, 0), (2, 1), (3, 2), (4, 3), (8, 6), (100, 75)] {
            let door = ConnectionLimiter::new(most, PerAddress::Any, Overload::Reject);
            let mut passes = Vec::new();
            for open in 0..=most {
                assert_eq!(door.is_crowded(), open > three_quarters, "{open} of {most}");
                passes.extend(door.enter([192, 0, 2, 1].into()));
            }
        }
    }

    #[test]
    fn nothing_is_left_of_who_has_left() {
        let door = ConnectionLimiter::new(100, PerAddress::Most(3), Overload::Reject);
        let passes: Vec<_> = (0..99).map(|n| door.enter([192, 0, 2, n / 3].into())).collect();
        assert!(passes.iter().all(Result::is_ok));
        drop(passes);
        assert_eq!((door.open(), door.addresses().len()), (0, 0));
    }
}
