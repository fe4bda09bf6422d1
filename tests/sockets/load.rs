//! Clients that ask again and again while servers are replaced, and accept no failure.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use threadbare::client::{Client, Error, Response};

use crate::support::eventually;

/// What the clients have seen.
#[derive(Default)]
struct Seen {
    responses: AtomicUsize,
    over: AtomicBool,
}

/// Ends the load when it is dropped, also because the test has failed.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Does `work` while 64 clients ask the server, and checks that none of them has seen a failure. `work` calls its
/// argument to wait until each client could have got another response, and returns what must live as long as they.
///
/// A client may find the connection that it kept closed in the moment in which it sends: it sends such a request
/// again if it is idempotent (RFC 9112, 9.3.1).
pub fn under_load<T>(address: SocketAddr, work: impl FnOnce(&dyn Fn()) -> T) -> T {
    let seen = &Seen::default();
    let wait_for_responses = || {
        let before = seen.responses.load(Ordering::Relaxed);
        let served = || (seen.responses.load(Ordering::Relaxed) > before + 64).then_some(());
        eventually(served).expect("the server serves");
    };
    thread::scope(|scope| {
        let clients: Vec<_> =
            (0..64).map(|number| scope.spawn(move || ask(seen, address, number))).collect();
        let end = End(&seen.over);
        let kept = work(&wait_for_responses);
        thread::sleep(Duration::from_millis(50));
        drop(end);
        let failures: Vec<_> = clients.into_iter().flat_map(|it| it.join().unwrap()).collect();
        let (count, first) = (failures.len(), failures.first());
        let responses = seen.responses.load(Ordering::Relaxed);
        assert!(first.is_none(), "{first:?}, {count} failures, {responses} responses");
        kept
    })
}

/// Asks again and again, over connections that are kept and over new ones.
fn ask(seen: &Seen, address: SocketAddr, number: usize) -> Vec<Result<u16, Error>> {
    let client = Client::new();
    let (page, echo) = (format!("http://{address}/"), format!("http://{address}/echo"));
    let mut failures = Vec::new();
    for turn in number.. {
        if seen.over.load(Ordering::Relaxed) {
            break;
        }
        let request = match turn % 4 {
            // Each fourth closes its connection, so that the next one is new.
            0 => client.get(&page).header("Connection", "close"),
            1 => client.put(&echo).body("x".repeat(10_000)),
            _ => client.get(&page),
        };
        let whole = |response: Response| {
            let status = response.status().code();
            response.bytes(1 << 20).map(|_| status)
        };
        match request.send().and_then(whole) {
            Ok(200) => drop(seen.responses.fetch_add(1, Ordering::Relaxed)),
            other => failures.push(other),
        }
    }
    failures
}
