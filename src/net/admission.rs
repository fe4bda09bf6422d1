//! Admission: limits how many connections are open, in all and from one address.
//!
//! An admitted connection holds a [`Permit`] until it ends. The limiter counts permits, and a permit is
//! given back when it is dropped, on every path, so the count cannot drift.

use super::networks::Networks;
use super::peer_address::PeerAddress;
use crate::pool::pick::{Newest, Oldest, Pick, Random};
use crate::sync::lock;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// What happens to new connections beyond the limits of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overload {
    /// They get a 503 with `Retry-After: 1`, and are closed.
    Reject,
    /// They are not accepted, and wait in the kernel's queue until others end; their clients see no answer.
    Block,
    /// The connection that has waited longest is closed without an answer, and the new one waits in its place.
    DropOldest,
    /// The new connection is closed without an answer.
    DropNewest,
    /// One of the connections that wait, the new one among them, is closed without an answer.
    DropRandom,
}

impl Overload {
    /// Returns the rule that picks the connection to drop, of those that wait and the new one; `None` if none is
    /// dropped.
    pub(crate) fn victim(self) -> Option<&'static dyn Pick> {
        match self {
            Overload::Reject | Overload::Block => None,
            Overload::DropOldest => Some(&Oldest),
            Overload::DropNewest => Some(&Newest),
            Overload::DropRandom => Some(&Random),
        }
    }
}

/// The most open connections of one client address. For IPv6 it is the address without its second half,
/// because one subscriber has all addresses that differ in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PerAddress {
    /// No limit.
    Any,
    /// This limit, but none for loopback addresses, which all users and proxies of this machine share.
    Remote(usize),
    /// This limit for every address.
    Most(usize),
}

/// Why a connection is not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectReason {
    /// The limit of all connections is reached.
    Connections,
    /// The limit of its address is reached.
    Address,
    /// The queue of connections that wait for a worker is full.
    Queue,
}

impl RejectReason {
    /// All reasons.
    pub const ALL: [RejectReason; 3] =
        [RejectReason::Connections, RejectReason::Address, RejectReason::Queue];

    /// Returns the reason in words, for a log line.
    pub fn what(self) -> &'static str {
        match self {
            RejectReason::Connections => "the limit of open connections is reached",
            RejectReason::Address => "the limit of open connections from one address is reached",
            RejectReason::Queue => "all workers are busy, and the queue is full",
        }
    }

    /// Returns the name of the reason in the metrics.
    pub fn name(self) -> &'static str {
        match self {
            RejectReason::Connections => "connections",
            RejectReason::Address => "address",
            RejectReason::Queue => "queue",
        }
    }
}

/// Admits connections up to its limits, and counts them.
#[derive(Debug)]
pub struct ConnectionLimiter {
    limit: usize,
    per_address: PerAddress,
    /// What happens to new connections beyond the limit.
    pub overload: Overload,
    open: AtomicUsize,
    accepted: AtomicU64,
    refused: [AtomicU64; RejectReason::ALL.len()],
    dropped: AtomicU64,
    /// The proxies, whose own addresses are not counted.
    proxies: Networks,
    /// The connections of each address that has a limit.
    addresses: Mutex<HashMap<IpAddr, usize>>,
}

/// The permission to be open. A connection holds it from its admission to its end.
#[derive(Debug)]
pub struct Permit {
    /// Its place among the connections of its address, if that has a limit.
    address: Option<AddressPermit>,
    limiter: Arc<ConnectionLimiter>,
}

/// The permission to be one of the connections of an address.
#[derive(Debug)]
pub struct AddressPermit {
    limiter: Arc<ConnectionLimiter>,
    address: IpAddr,
}

impl ConnectionLimiter {
    /// Returns a limiter for `limit` connections at a time.
    pub fn new(
        limit: usize,
        per_address: PerAddress,
        overload: Overload,
    ) -> Arc<ConnectionLimiter> {
        ConnectionLimiter::behind(Networks::default(), limit, per_address, overload)
    }

    /// Returns a limiter that does not count the addresses of these proxies: they have the connections of many
    /// clients.
    pub fn behind(
        proxies: Networks,
        limit: usize,
        per_address: PerAddress,
        overload: Overload,
    ) -> Arc<ConnectionLimiter> {
        let (open, accepted) = (AtomicUsize::new(0), AtomicU64::new(0));
        let (refused, dropped, addresses) = Default::default();
        Arc::new(ConnectionLimiter {
            limit,
            per_address,
            overload,
            open,
            accepted,
            refused,
            dropped,
            proxies,
            addresses,
        })
    }

    /// Admits a connection from `peer`. Only one thread may call this: the limit is read before the
    /// count is raised.
    ///
    /// # Errors
    /// Returns the reason if the connection is not admitted.
    pub fn try_admit(
        self: &Arc<ConnectionLimiter>,
        peer: PeerAddress,
    ) -> Result<Permit, RejectReason> {
        if self.open() >= self.limit {
            return Err(RejectReason::Connections);
        }
        let address = match self.proxies.contains_peer(peer) {
            true => None,
            false => self.count_address(peer)?,
        };
        self.open.fetch_add(1, Ordering::Relaxed);
        Ok(Permit { limiter: Arc::clone(self), address })
    }

    /// Counts a connection of the client `peer`, whose address a proxy has named. `None` if its address has no limit.
    ///
    /// # Errors
    /// Returns the reason if its address has too many connections.
    pub fn count_address(
        self: &Arc<ConnectionLimiter>,
        peer: PeerAddress,
    ) -> Result<Option<AddressPermit>, RejectReason> {
        let limit = match self.per_address {
            PerAddress::Any => return Ok(None),
            PerAddress::Remote(_) if peer.is_loopback() => return Ok(None),
            PerAddress::Remote(limit) | PerAddress::Most(limit) => limit,
        };
        let Some(address) = peer.ip().map(prefix_key) else { return Ok(None) };
        let mut addresses = self.addresses();
        let count = addresses.entry(address).or_default();
        if *count >= limit {
            return Err(RejectReason::Address);
        }
        *count += 1;
        Ok(Some(AddressPermit { limiter: Arc::clone(self), address }))
    }

    /// Counts an accepted connection.
    pub(super) fn count_accepted(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a refused connection.
    pub(crate) fn count_refusal(&self, why: RejectReason) {
        self.refused[why as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a connection that was closed without an answer, and had not been served yet.
    pub fn count_dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns true if more than three quarters of the limit are open. Connections then linger only
    /// briefly.
    pub fn is_crowded(&self) -> bool {
        self.open().saturating_mul(4) > self.limit.saturating_mul(3)
    }

    /// Returns the number of open connections.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Returns the number of accepted connections so far, admitted or not.
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Returns the number of connections refused so far for this reason.
    pub fn refused(&self, why: RejectReason) -> u64 {
        self.refused[why as usize].load(Ordering::Relaxed)
    }

    /// Returns the number of connections that were closed without an answer before they were served.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    fn addresses(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        lock(&self.addresses)
    }
}

impl Permit {
    /// Counts the connection as one of the address that a proxy has named.
    pub(crate) fn count_as(&mut self, address: Option<AddressPermit>) {
        self.address = address;
    }

    /// Returns [`ConnectionLimiter::is_crowded`] of its limiter.
    pub(super) fn is_crowded(&self) -> bool {
        self.limiter.is_crowded()
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.limiter.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for AddressPermit {
    fn drop(&mut self) {
        let mut addresses = self.limiter.addresses();
        if let Some(count) = addresses.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                addresses.remove(&self.address);
            }
        }
    }
}

/// Returns the address as it is counted: an IPv6 address without its second half, because one subscriber
/// has 2^64 addresses that differ in it.
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
    use std::net::SocketAddr;

    #[test]
    fn connections_are_limited_in_all_and_for_each_address() {
        let limiter = ConnectionLimiter::new(3, PerAddress::Remote(1), Overload::Reject);
        let admit = |address: &str| {
            limiter.try_admit(PeerAddress::Tcp(SocketAddr::new(address.parse().unwrap(), 1)))
        };
        let first = admit("2001:db8::1").unwrap();
        assert_eq!(admit("2001:db8::ffff").unwrap_err(), RejectReason::Address);
        let _here = [admit("127.0.0.1").unwrap(), limiter.try_admit(PeerAddress::Unix).unwrap()];
        assert_eq!(admit("192.0.2.1").unwrap_err(), RejectReason::Connections);
        drop(first);
        let _again = admit("2001:db8::1").unwrap();
        assert_eq!(limiter.open(), 3);
    }

    #[test]
    fn it_is_crowded_when_more_than_three_quarters_are_open() {
        for (limit, three_quarters) in [(1, 0), (2, 1), (3, 2), (4, 3), (8, 6), (100, 75)] {
            let limiter = ConnectionLimiter::new(limit, PerAddress::Any, Overload::Reject);
            let mut permits = Vec::new();
            for open in 0..=limit {
                assert_eq!(limiter.is_crowded(), open > three_quarters, "{open} of {limit}");
                permits.extend(limiter.try_admit(PeerAddress::Tcp(([192, 0, 2, 1], 1).into())));
            }
        }
    }

    #[test]
    fn no_count_is_left_when_all_permits_are_dropped() {
        let limiter = ConnectionLimiter::new(100, PerAddress::Most(3), Overload::Reject);
        let permits: Vec<_> = (0..99)
            .map(|n| limiter.try_admit(PeerAddress::Tcp(([192, 0, 2, n / 3], 1).into())))
            .collect();
        assert!(permits.iter().all(Result::is_ok));
        drop(permits);
        assert_eq!((limiter.open(), limiter.addresses().len()), (0, 0));
    }
}
