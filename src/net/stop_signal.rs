//! The stop signal: a flag that every thread can read, and a descriptor that wakes the accept loop.

use std::io::{self, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::deadline::Phase;

/// Stops a server, from any thread. Clones are the same signal.
///
/// [`Server::stop_signal`](crate::server::Server::stop_signal) and
/// [`Running::stop_signal`](crate::server::Running::stop_signal) return it. It may be used in the handler of
/// Ctrl-C that the crate `ctrlc` calls on a thread of its own.
///
/// ```
/// use std::{thread, time::Duration};
/// use threadbare::server::{Router, Server};
///
/// let server = Server::bind("127.0.0.1:0", Router::new().build()?)?;
/// let stop = server.stop_signal();
/// thread::spawn(move || stop.request(Duration::from_secs(10)));
/// let report = server.run()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct StopSignal(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    draining: AtomicBool,
    requested: OnceLock<Requested>,
    /// A byte is written here to wake the accept loop. The socket pair is made at the start, because none
    /// could be made later if descriptors have run out.
    waker: UnixStream,
    wake: UnixStream,
}

#[derive(Debug, Clone, Copy)]
struct Requested {
    at: Instant,
    /// The time by which the server must have stopped.
    deadline: Instant,
}

/// How long a new connection on which nothing has arrived stays open after the request to stop: 250 ms. Its
/// client has connected in the belief that it is served, and its first request is on its way for a round trip.
const FIRST_REQUEST: Duration = Duration::from_millis(250);

impl StopSignal {
    /// Returns a signal that has not been given.
    ///
    /// # Errors
    /// When there is no descriptor left for a socket pair.
    pub(crate) fn new() -> io::Result<StopSignal> {
        let (waker, wake) = UnixStream::pair()?;
        waker.set_nonblocking(true)?;
        Ok(StopSignal(Arc::new(Inner {
            draining: AtomicBool::new(false),
            requested: OnceLock::new(),
            waker,
            wake,
        })))
    }

    /// Announces a stop: the server goes on, and [`Stats::is_stopping`](crate::server::Stats::is_stopping)
    /// becomes true, for a route that tells a load balancer to send no new clients.
    pub fn begin_drain(&self) {
        self.0.draining.store(true, Ordering::Relaxed);
    }

    /// Returns true if a stop was announced or requested.
    pub fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::Relaxed) || self.is_requested()
    }

    /// Requests a stop: the server accepts no more connections, and requests in progress have the time `grace`
    /// to finish. Only the first request counts. It returns at once.
    pub fn request(&self, grace: Duration) {
        let at = Instant::now();
        let deadline = at.checked_add(grace).unwrap_or(at);
        if self.0.requested.set(Requested { at, deadline }).is_ok() {
            // A full socket means that the accept loop is awake already.
            let _ = (&self.0.waker).write(b"!");
        }
    }

    /// Returns true if a stop was requested.
    pub fn is_requested(&self) -> bool {
        self.deadline().is_some()
    }

    /// Returns the time by which the server must have stopped; `None` before the request.
    pub fn deadline(&self) -> Option<Instant> {
        self.0.requested.get().map(|requested| requested.deadline)
    }

    /// Returns true if the stop ends a wait in this phase now, because no request is under way: between two
    /// requests at once, and on a new connection when its first request has had the time to arrive.
    pub(crate) fn ends_wait(&self, phase: Phase) -> bool {
        let Some(&Requested { at, deadline }) = self.0.requested.get() else { return false };
        match phase {
            Phase::Idle => true,
            Phase::Silent | Phase::Handshake => Instant::now() >= deadline.min(at + FIRST_REQUEST),
            _ => false,
        }
    }

    /// Returns a descriptor that becomes readable at the request, and stays so.
    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.0.wake.as_fd()
    }
}
