//! A request to stop: seen by whoever looks, and waking whoever waits.

use std::io::{self, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// Shared by everybody who has to stop. Asked once; asking again changes nothing.
#[derive(Debug, Clone)]
pub struct StopSignal(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    announced: AtomicBool,
    /// When the time to finish runs out; set when asked.
    deadline: OnceLock<Instant>,
    /// A byte is written here to wake the accept loop. A socket pair is made at the start; a
    /// connection to ourselves, made when it is needed, fails when descriptors have run out.
    waker: UnixStream,
    wake: UnixStream,
}

impl StopSignal {
    /// Nobody has asked yet.
    ///
    /// # Errors
    /// When there is no descriptor left for a socket pair.
    pub fn new() -> io::Result<StopSignal> {
        let (waker, wake) = UnixStream::pair()?;
        waker.set_nonblocking(true)?;
        Ok(StopSignal(Arc::new(Inner {
            announced: AtomicBool::new(false),
            deadline: OnceLock::new(),
            waker,
            wake,
        })))
    }

    /// Says that a stop will be asked for soon: nothing ends yet, but nobody new should be sent.
    pub fn begin_drain(&self) {
        self.0.announced.store(true, Ordering::Relaxed);
    }

    /// Is a stop near, or asked for already?
    pub fn is_draining(&self) -> bool {
        self.0.announced.load(Ordering::Relaxed) || self.is_requested()
    }

    /// Asks everybody to finish within `grace`.
    pub fn request(&self, grace: Duration) {
        let now = Instant::now();
        if self.0.deadline.set(now.checked_add(grace).unwrap_or(now)).is_ok() {
            // Full means that it is awake already.
            let _ = (&self.0.waker).write(b"!");
        }
    }

    /// Has somebody asked?
    pub fn is_requested(&self) -> bool {
        self.deadline().is_some()
    }

    /// When the time to finish runs out, once asked.
    pub fn deadline(&self) -> Option<Instant> {
        self.0.deadline.get().copied()
    }

    /// Becomes readable when somebody asks, and stays so.
    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.0.wake.as_fd()
    }
}
