//! The addresses of hosts that were looked up before, so that a run asks once for each name.
//!
//! An answer is used for a minute, as with curl (`--dns-cache-timeout`): the C library does not say how long
//! it is valid. An answer of a name server does, and is used no longer. It is forgotten when no connection
//! to its addresses can be made. Calls that need the same name at the same time wait for one look-up; if
//! that fails, each asks for itself.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::dns::resolve::Found;
use crate::net::resolve::ResolveError;
use crate::sync::lock;

/// How long an answer is used at most.
const MAX_AGE: Duration = Duration::from_secs(60);
/// How long it is used at least: what is asked for at the same time is asked for once.
const MIN_AGE: Duration = Duration::from_secs(1);
/// The most names; one more forgets them all.
const MAX_NAMES: usize = 1_000;

/// The addresses of names.
#[derive(Debug, Default)]
pub(super) struct NameCache {
    names: Mutex<HashMap<String, Name>>,
    changed: Condvar,
}

#[derive(Debug)]
enum Name {
    /// Another call is looking it up.
    Asked,
    /// The addresses, and until when they are used.
    Known(Vec<IpAddr>, Instant),
}

impl NameCache {
    /// Returns the addresses of `host`: those that are known, or those that `look_up` returns.
    ///
    /// # Errors
    /// Those of `look_up`; [`ResolveError::TimedOut`] if another call has no answer at `until`.
    pub(super) fn addresses(
        &self,
        host: &str,
        until: Option<Instant>,
        look_up: impl FnOnce() -> Result<Found, ResolveError>,
    ) -> Result<Vec<IpAddr>, ResolveError> {
        if let Some(known) = self.known(host, until)? {
            return Ok(known);
        }
        let found = look_up();
        let mut names = lock(&self.names);
        match &found {
            Ok(Found { addresses, ttl }) => {
                let age = ttl.unwrap_or(MAX_AGE).clamp(MIN_AGE, MAX_AGE);
                let known = Name::Known(addresses.clone(), Instant::now() + age);
                names.insert(host.to_owned(), known)
            }
            Err(_) => names.remove(host),
        };
        drop(names);
        self.changed.notify_all();
        found.map(|found| found.addresses)
    }

    /// Forgets the addresses of `host`.
    pub(super) fn forget(&self, host: &str) {
        lock(&self.names).remove(host);
    }

    /// Returns what is known, now or after another call's look-up. If it is nothing, the caller asks.
    fn known(
        &self,
        host: &str,
        until: Option<Instant>,
    ) -> Result<Option<Vec<IpAddr>>, ResolveError> {
        let mut names = lock(&self.names);
        let mut waited = false;
        loop {
            match names.get(host) {
                Some(Name::Known(addresses, end)) if Instant::now() < *end => {
                    return Ok(Some(addresses.clone()));
                }
                Some(Name::Asked) => waited = true,
                None if waited => return Ok(None),
                _ => break,
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Err(ResolveError::TimedOut);
            }
            let waiting = self.changed.wait_timeout(names, left.unwrap_or(MAX_AGE));
            names = waiting.unwrap_or_else(PoisonError::into_inner).0;
        }
        if names.len() >= MAX_NAMES {
            names.clear();
        }
        names.insert(host.to_owned(), Name::Asked);
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    const FOUND: [IpAddr; 1] = [IpAddr::V4(Ipv4Addr::LOCALHOST)];

    fn found(ttl: Option<Duration>) -> Found {
        Found { addresses: FOUND.to_vec(), ttl }
    }

    #[test]
    fn a_name_is_asked_for_once_until_it_is_forgotten() {
        let (cache, asked) = (NameCache::default(), AtomicUsize::new(0));
        let ask = |host: &str| {
            let look_up = || {
                asked.fetch_add(1, Ordering::Relaxed);
                Ok(found(None))
            };
            assert_eq!(cache.addresses(host, None, look_up).unwrap(), FOUND);
            asked.load(Ordering::Relaxed)
        };
        assert_eq!([ask("a"), ask("a"), ask("b"), ask("a")], [1, 1, 2, 2]);
        cache.forget("a");
        assert_eq!([ask("b"), ask("a"), ask("a")], [2, 3, 3]);
    }

    #[test]
    fn a_failure_is_not_kept() {
        let cache = NameCache::default();
        let failed = cache.addresses("a", None, || Err(ResolveError::TimedOut));
        assert!(failed.is_err());
        assert_eq!(cache.addresses("a", None, || Ok(found(None))).unwrap(), FOUND);
    }

    #[test]
    fn an_answer_is_kept_for_its_time_to_live() {
        let second = Duration::from_secs(1);
        for (ttl, want) in [
            (None, MAX_AGE),
            (Some(Duration::ZERO), second),
            (Some(30 * second), 30 * second),
            (Some(3600 * second), MAX_AGE),
        ] {
            let (cache, before) = (NameCache::default(), Instant::now());
            cache.addresses("a", None, || Ok(found(ttl))).unwrap();
            let names = lock(&cache.names);
            let Some(Name::Known(_, end)) = names.get("a") else { panic!("{ttl:?}") };
            let age = *end - before;
            assert!(age >= want && age < want + second, "{ttl:?}: {age:?}");
        }
    }

    #[test]
    fn calls_at_the_same_time_share_a_look_up_and_keep_their_own_deadlines() {
        let (cache, asked) = (NameCache::default(), AtomicUsize::new(0));
        thread::scope(|scope| {
            let (cache, asked) = (&cache, &asked);
            for _ in 0..8 {
                scope.spawn(move || {
                    let found = cache.addresses("a", None, || {
                        asked.fetch_add(1, Ordering::Relaxed);
                        // Long enough for the others to come, and for one of them to give up.
                        thread::sleep(Duration::from_millis(200));
                        Ok(found(None))
                    });
                    assert_eq!(found.unwrap(), FOUND);
                });
            }
            while asked.load(Ordering::Relaxed) == 0 {
                thread::yield_now();
            }
            let soon = Some(Instant::now() + Duration::from_millis(10));
            let late = cache.addresses("a", soon, || panic!("it is being looked up"));
            assert!(matches!(late, Err(ResolveError::TimedOut)), "{late:?}");
        });
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }
}
