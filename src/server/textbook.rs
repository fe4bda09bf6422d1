//! The textbook: a worker keeps its connection from the first byte to the last.
//!
//! ```text
//! loop {
//!     take a turn:  read what is there (blocking) ─> parse ─> handle ─> write (blocking)
//!     what next?    wait for more ─ go on ─ say goodbye
//! }
//! ```
//! Read this file first: it is the classic thread-pool server, whole. Blocking reads and writes
//! with timeouts, and a look at the clock after each.
//!
//! It starves by nature. A client that says nothing, or says it slowly, holds its worker until a
//! deadline passes; as many of them as there are workers, and nobody else is served. What can be
//! done without giving up the shape is done: a connection that is idle between two requests is
//! closed when others wait, and is not kept to begin with.

use std::io::{self, Read as _};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use crate::net::accept::Accepted;
use crate::net::deadline::{Deadline, Phase};
use crate::net::errors::nothing_yet;
use crate::net::service::{Driver, EndReason, Next, Service};
use crate::net::stop_signal::StopSignal;
use crate::net::usual_time::UsualTime;
use crate::pool::Backlog;

/// The longest that a worker blocks without looking up, to see whether others wait or the server
/// stops. Deadlines are kept to the same precision.
const LOOK_UP: Duration = Duration::from_millis(100);

/// How long the peer is listened to after the last word. Time is the limit, not bytes: a peer that
/// writes all before it reads would meet a reset in the middle of its writing, and never read.
const LINGER: Duration = Duration::from_secs(2);

/// Serves one connection to its end.
pub fn serve<S: Service>(
    service: &S,
    accepted: Accepted,
    waiting: &Backlog<'_>,
    stop: &StopSignal,
) {
    // The pass is given back first: who sees the connection closed may come again.
    let Accepted { stream, peer, at, pass: _pass } = accepted;
    let mut connection = service.open(peer);
    let outcome = set_timeouts(&stream).map(|()| {
        let ended = drive(service, &mut connection, &stream, at.elapsed(), waiting, stop);
        if let Leave::Lingering = ended.1 {
            linger(&stream, || stop.is_requested() || waiting.is_waiting());
        }
        ended.0
    });
    service.close(connection, outcome.unwrap_or(EndReason::ByService));
}

/// Whether the peer may still be talking when we go.
enum Leave {
    AtOnce,
    Lingering,
}

/// Takes turns until the connection ends.
fn drive<S: Service>(
    service: &S,
    connection: &mut S::Connection,
    stream: &TcpStream,
    mut queued: Duration,
    waiting: &Backlog<'_>,
    stop: &StopSignal,
) -> (EndReason, Leave) {
    let driver = Keeper { waiting, stop };
    let mut scratch = S::Scratch::default();
    loop {
        if stop.deadline().is_some_and(|end| Instant::now() >= end) {
            return (EndReason::Cut, Leave::AtOnce);
        }
        let mut next = service.turn(connection, stream, &mut scratch, &driver, queued);
        queued = Duration::ZERO; // from now on the worker is there first
        if let Next::Readable(deadline) | Next::Writable(deadline) = next {
            if let Some(ended) = give_up(deadline, waiting, stop) {
                return (ended, Leave::AtOnce);
            }
            if deadline.has_passed(Instant::now()) {
                next = service.expired(connection, stream, deadline.phase);
            }
        }
        match next {
            Next::Yield | Next::Readable(_) | Next::Writable(_) => {}
            Next::Linger => return (EndReason::ByService, Leave::Lingering),
            Next::Close => return (EndReason::ByService, Leave::AtOnce),
        }
    }
}

/// The textbook as a driver: each worker has one connection, so it need not be told before long work.
struct Keeper<'a> {
    waiting: &'a Backlog<'a>,
    stop: &'a StopSignal,
}

impl Driver for Keeper<'_> {
    fn may_keep(&self) -> bool {
        !self.stop.is_requested() && !self.waiting.is_waiting()
    }

    fn before(&self, _: &UsualTime) {}

    fn after(&self, usual: &UsualTime, took: Duration) {
        usual.record(took);
    }
}

/// Is this wait given up for the sake of others?
fn give_up(wait: Deadline, waiting: &Backlog<'_>, stop: &StopSignal) -> Option<EndReason> {
    match wait.phase {
        Phase::Idle | Phase::Silent if stop.is_requested() => Some(EndReason::Stopping),
        Phase::Idle if waiting.is_waiting() => Some(EndReason::MakingRoom),
        _ => None,
    }
}

fn set_timeouts(stream: &TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(LOOK_UP))?;
    stream.set_write_timeout(Some(LOOK_UP))
}

/// Says that nothing follows, and throws away what still comes, until the peer closes too. When
/// there is something better to do, one silent moment is enough.
fn linger(stream: &TcpStream, in_a_hurry: impl Fn() -> bool) {
    let until = Instant::now() + LINGER;
    let mut waste = [0; 16 << 10];
    if stream.shutdown(Shutdown::Write).is_err() {
        return;
    }
    while Instant::now() < until {
        match (&mut &*stream).read(&mut waste) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if nothing_yet(&error) && !in_a_hurry() => {}
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::admission::{ConnectionLimiter, Overload, PerAddress, RejectReason};
    use crate::pool::ThreadPool;
    use std::net::{SocketAddr, TcpListener};

    /// Has always more to do, as with a download to a peer that takes all it gets.
    struct Busy;

    impl Service for Busy {
        type Connection = ();
        type Scratch = ();
        fn open(&self, _: SocketAddr) {}
        fn turn(
            &self,
            (): &mut (),
            _: &TcpStream,
            (): &mut (),
            _: &dyn Driver,
            _: Duration,
        ) -> Next {
            std::thread::sleep(Duration::from_millis(1));
            Next::Yield
        }
        fn expired(&self, (): &mut (), _: &TcpStream, _: Phase) -> Next {
            Next::Close
        }
        fn close(&self, (): (), ended: EndReason) {
            assert_eq!(ended, EndReason::Cut);
        }
        fn crowded_out(&self, (): &mut ()) -> bool {
            false
        }
        fn refusal(&self, _: RejectReason, _: SocketAddr) -> Vec<u8> {
            Vec::new()
        }
    }

    #[test]
    fn no_connection_served_or_queued_outlasts_the_time_to_stop() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stop = StopSignal::new().unwrap();
        let stopping = stop.clone();
        let pool = ThreadPool::start("test", 1, 10, move |accepted, waiting: &Backlog<'_>| {
            serve(&Busy, accepted, waiting, &stopping);
        });
        let pool = pool.unwrap();
        let door = ConnectionLimiter::new(3, PerAddress::Any, Overload::Reject);
        for _ in 0..3 {
            let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let peer = stream.local_addr().unwrap();
            let pass = door.enter(peer.ip()).unwrap();
            pool.queue().try_send(Accepted { stream, peer, at: Instant::now(), pass }).unwrap();
        }
        stop.request(Duration::from_millis(50));
        let report = pool.stop(Instant::now() + Duration::from_secs(5));
        assert_eq!((report.stuck.len(), report.panics), (0, 0));
    }
}
