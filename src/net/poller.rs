//! One epoll set for many connections, and a way to wake the thread that waits for it (epoll(7)).
//!
//! Edge-triggered: a connection is registered once, and an event comes only when something new happens.
//! The thread that gets an event reads until nothing is left, or remembers that something is. A
//! [`Timer`] ends a wait to the microsecond; the timeout of epoll itself counts milliseconds.

use std::io;
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

/// The key of the wake descriptor and of timers; no connection has it.
const WAKE: u64 = u64::MAX;

/// The most events that one wait returns.
const AT_ONCE: usize = 256;

/// The epoll set.
#[derive(Debug)]
pub struct Poller {
    epoll: Epoll,
    wake: EventFd,
}

/// An event of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// The key with which it was registered.
    pub key: u64,
    /// True if the peer has ended its side, or the connection is broken.
    pub ended: bool,
}

/// The events of one wait.
#[derive(Debug)]
pub struct Events {
    raw: [EpollEvent; AT_ONCE],
    count: usize,
}

impl Events {
    /// Returns an empty list.
    pub fn new() -> Events {
        Events { raw: [EpollEvent::empty(); AT_ONCE], count: 0 }
    }

    /// Returns the events of connections.
    pub fn iter(&self) -> impl Iterator<Item = Event> {
        let ended = EpollFlags::EPOLLRDHUP | EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR;
        self.taken()
            .filter(|event| event.data() != WAKE)
            .map(move |event| Event { key: event.data(), ended: event.events().intersects(ended) })
    }

    /// Returns true if the list is full, so that there may be more events.
    pub fn may_be_more(&self) -> bool {
        self.count == AT_ONCE
    }

    fn taken(&self) -> impl Iterator<Item = &EpollEvent> {
        self.raw[..self.count].iter()
    }
}

/// Ends the next wait for its set after a time, once.
#[derive(Debug)]
pub struct Timer(TimerFd);

impl Default for Events {
    fn default() -> Events {
        Events::new()
    }
}

impl Poller {
    /// Returns an empty set.
    ///
    /// # Errors
    /// Those of `epoll_create1` and `eventfd`: most likely there is no descriptor left.
    pub fn new() -> io::Result<Poller> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let wake = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        // Each write is a new edge, so it need not be read.
        epoll.add(&wake, EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLET, WAKE))?;
        Ok(Poller { epoll, wake })
    }

    /// Registers a connection or another socket for reading. Bytes that have arrived already count as an event.
    ///
    /// # Errors
    /// Those of `epoll_ctl`.
    pub fn register(&self, socket: impl AsFd, key: u64) -> io::Result<()> {
        Ok(self.epoll.add(socket, EpollEvent::new(READING, key))?)
    }

    /// Registers a registered `stream` for writing as well. Room that is there already counts as an event.
    ///
    /// # Errors
    /// Those of `epoll_ctl`.
    pub fn register_writing(&self, stream: &TcpStream, key: u64) -> io::Result<()> {
        let flags = READING | EpollFlags::EPOLLOUT;
        Ok(self.epoll.modify(stream, &mut EpollEvent::new(flags, key))?)
    }

    /// Registers `stream` for reading and writing. Room to write is the event of a connection that has
    /// been made.
    ///
    /// # Errors
    /// Those of `epoll_ctl`.
    pub fn register_opening(&self, stream: impl AsFd, key: u64) -> io::Result<()> {
        let flags = READING | EpollFlags::EPOLLOUT;
        Ok(self.epoll.add(stream, EpollEvent::new(flags, key))?)
    }

    /// Returns a timer that ends waits for this set.
    ///
    /// # Errors
    /// Those of `timerfd_create` and `epoll_ctl`.
    pub fn timer(&self) -> io::Result<Timer> {
        let flags = TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK;
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?;
        // As with the wake descriptor, each expiry is a new edge.
        self.epoll.add(&timer, EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLET, WAKE))?;
        Ok(Timer(timer))
    }

    /// Wakes the thread that waits, or the next one that is about to wait.
    pub fn wake(&self) {
        // Fails only when the counter is full, after 2^64 wakes: then it is readable anyway.
        let _ = self.wake.write(1);
    }

    /// Waits for events, or only takes those that are there if `may_block` is false.
    ///
    /// # Errors
    /// Those of `epoll_wait` except EINTR, which returns no events.
    pub fn wait(&self, may_block: bool, events: &mut Events) -> io::Result<()> {
        let timeout = if may_block { EpollTimeout::NONE } else { EpollTimeout::ZERO };
        self.take(timeout, events).map(drop)
    }

    /// Waits for events for at most `time`, rounded up to a millisecond: a wait that ended too early would
    /// only be repeated.
    ///
    /// # Errors
    /// As [`Poller::wait`].
    pub fn wait_for(&self, time: Duration, events: &mut Events) -> io::Result<()> {
        let time = time.saturating_add(Duration::from_micros(999));
        self.take(EpollTimeout::try_from(time).unwrap_or(EpollTimeout::MAX), events).map(drop)
    }

    /// Takes the events in place of the thread that usually waits. A wake is meant for that thread, and is
    /// passed on.
    ///
    /// # Errors
    /// As [`Poller::wait`].
    pub fn look(&self, events: &mut Events) -> io::Result<()> {
        if self.take(EpollTimeout::ZERO, events)? {
            self.wake();
        }
        Ok(())
    }

    /// Takes events. Returns true if there was a wake as well.
    fn take(&self, timeout: EpollTimeout, events: &mut Events) -> io::Result<bool> {
        events.count = match self.epoll.wait(&mut events.raw, timeout) {
            Ok(count) => count,
            Err(Errno::EINTR) => 0,
            Err(error) => return Err(error.into()),
        };
        Ok(events.taken().any(|event| event.data() == WAKE))
    }
}

impl Timer {
    /// Ends a wait after `time`; a time that was set before is forgotten.
    ///
    /// # Errors
    /// Those of `timerfd_settime`.
    pub fn set(&self, time: Duration) -> io::Result<()> {
        // Zero would disarm the timer.
        let once = Expiration::OneShot(TimeSpec::from(time.max(Duration::from_nanos(1))));
        Ok(self.0.set(once, TimerSetTimeFlags::empty())?)
    }
}

const READING: EpollFlags =
    EpollFlags::EPOLLIN.union(EpollFlags::EPOLLRDHUP).union(EpollFlags::EPOLLET);

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn a_timer_ends_one_wait_each_time_it_is_set() {
        let (poller, mut events) = (Poller::new().unwrap(), Events::new());
        let timer = poller.timer().unwrap();
        for _ in 0..3 {
            let begun = Instant::now();
            timer.set(Duration::from_millis(2)).unwrap();
            poller.wait_for(Duration::from_secs(10), &mut events).unwrap();
            assert!((2..5_000).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());
            assert!(events.iter().next().is_none(), "a timer is not an event of a connection");
        }
        let begun = Instant::now();
        poller.wait_for(Duration::from_millis(20), &mut events).unwrap();
        assert!(begun.elapsed() > Duration::from_millis(10), "it does not expire again");
    }
}
