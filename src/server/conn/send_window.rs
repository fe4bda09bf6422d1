//! Lets the kernel buffer more for clients that read fast.
//!
//! The kernel takes [`socket::UNSENT`] bytes (128 KB) of a connection's output before it has sent them: 500
//! downloads without a reader would otherwise hold 1.8 GB of its memory. For a client that reads fast that
//! wakes the worker too often, so this limit (TCP_NOTSENT_LOWAT, tcp(7)) is raised for it, up to
//! [`socket::MOST_UNSENT`] (4 MB), within a quota that all such clients share.

use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::net::socket;
use crate::server::quota::{Quota, Share};

/// A client that takes this much of a response within this time reads fast: 4 MB in a second.
const FAST_BYTES: u64 = 4 << 20;
const FAST_TIME: Duration = Duration::from_secs(1);

/// What the kernel buffers for one connection beyond the usual limit.
#[derive(Debug, Default)]
pub(crate) struct SendWindow {
    share: Option<Share>,
}

impl SendWindow {
    /// Records that `sent` bytes of a response have been sent, `count` of them now. `since` is when its
    /// request began.
    pub(crate) fn record(
        &mut self,
        (sent, count): (u64, u64),
        since: Instant,
        stream: &TcpStream,
        quota: &Arc<Quota>,
    ) {
        let passes = sent >= FAST_BYTES && sent - count < FAST_BYTES;
        if passes && since.elapsed() < FAST_TIME {
            self.raise(stream, quota);
        }
    }

    /// Raises the limit by a part of what is left of the quota; once for a connection, until it ends.
    fn raise(&mut self, stream: &TcpStream, quota: &Arc<Quota>) {
        if self.share.is_some() {
            return;
        }
        let mut share = quota.share();
        let unsent = share.grow_by_part(socket::MOST_UNSENT.into());
        let unsent = u32::try_from(unsent).unwrap_or(socket::MOST_UNSENT);
        if unsent > socket::UNSENT && socket::take_more(stream, unsent).is_ok() {
            self.share = Some(share);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One share for a connection, if it is worth it; it comes back with the connection.
    #[test]
    fn fast_readers_share_the_quota() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let quota = Quota::new(16 * u64::from(socket::UNSENT + 1) + u64::from(socket::UNSENT));
        let mut windows = [SendWindow::default(), SendWindow::default()];
        for window in &mut windows {
            window.raise(&stream, &quota);
            window.raise(&stream, &quota);
        }
        assert_eq!(windows.each_ref().map(|window| window.share.is_some()), [true, false]);
        let [first, mut last] = windows;
        drop(first);
        last.raise(&stream, &quota);
        assert!(last.share.is_some(), "there is room again");
    }
}
