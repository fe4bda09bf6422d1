//! Wakes connections at given times, to the millisecond. The supervisor of the lobby looks at the deadlines
//! every 100 ms, which is enough for a limit, but not for a response that is to be 20 ms late.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Instant;

use super::waker::Waker;
use crate::pool::start_thread::start_thread;

/// A thread that wakes connections. It ends when this is dropped.
#[derive(Debug)]
pub struct Alarm(Sender<Ring>);

/// One connection, and when it is to be woken.
#[derive(Debug)]
struct Ring {
    at: Instant,
    waker: Waker,
}

impl Alarm {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the operating system refuses it.
    pub fn start() -> io::Result<Alarm> {
        let (sender, rings) = channel();
        start_thread("alarm", "the alarm", move || ring_all(&rings))?;
        Ok(Alarm(sender))
    }

    /// Wakes this connection at `at`, once.
    pub fn set(&self, at: Instant, waker: Waker) {
        let _ = self.0.send(Ring { at, waker }); // the thread lives as long as the sender
    }
}

/// The life of the thread.
fn ring_all(rings: &Receiver<Ring>) {
    let mut waiting: BinaryHeap<Reverse<Ring>> = BinaryHeap::new();
    loop {
        let received = match waiting.peek() {
            None => rings.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(Reverse(first)) => {
                rings.recv_timeout(first.at.saturating_duration_since(Instant::now()))
            }
        };
        match received {
            Ok(ring) => waiting.push(Reverse(ring)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        let now = Instant::now();
        while waiting.peek().is_some_and(|Reverse(first)| first.at <= now) {
            if let Some(Reverse(ring)) = waiting.pop() {
                ring.waker.wake();
            }
        }
    }
}

/// Ordered by the time.
impl Ord for Ring {
    fn cmp(&self, other: &Ring) -> std::cmp::Ordering {
        self.at.cmp(&other.at)
    }
}

impl PartialOrd for Ring {
    fn partial_cmp(&self, other: &Ring) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ring {
    fn eq(&self, other: &Ring) -> bool {
        self.at == other.at
    }
}

impl Eq for Ring {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn connections_are_woken_in_the_order_of_their_times_and_not_before() {
        let (alarm, begun) = (Alarm::start().unwrap(), Instant::now());
        let (sender, woken) = channel();
        for milliseconds in [30, 10, 20] {
            let sender = sender.clone();
            let waker = Waker::new(move || {
                let _ = sender.send((milliseconds, begun.elapsed()));
            });
            alarm.set(begun + Duration::from_millis(milliseconds), waker);
        }
        for expected in [10, 20, 30] {
            let (milliseconds, after) = woken.recv_timeout(Duration::from_secs(5)).unwrap();
            assert_eq!(milliseconds, expected);
            assert!(after >= Duration::from_millis(expected), "{after:?}");
        }
    }
}
