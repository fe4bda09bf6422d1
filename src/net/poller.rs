//! One epoll set for all connections, and a way to wake whoever waits for it (epoll(7)).
//!
//! Edge-triggered: a connection is registered once, and told of again only when something new has
//! happened to it. So whoever is told reads until nothing is left, or takes note that it did not.
//! An [`Alarm`] ends a wait to the microsecond; epoll's own time counts milliseconds.

use std::io;
use std::net::TcpStream;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

/// The data of the wake descriptor's events: no connection's.
const WAKE: u64 = u64::MAX;

/// How many events are taken at once.
const AT_ONCE: usize = 256;

/// The set.
#[derive(Debug)]
pub struct Poller {
    epoll: Epoll,
    wake: EventFd,
}

/// What has happened to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// What it was registered with.
    pub key: u64,
    /// Has the peer ended its side, or has the connection broken?
    pub ended: bool,
}

/// What has happened to all of them, since somebody last asked.
#[derive(Debug)]
pub struct Events {
    raw: [EpollEvent; AT_ONCE],
    count: usize,
}

impl Events {
    /// None yet.
    pub fn new() -> Events {
        Events { raw: [EpollEvent::empty(); AT_ONCE], count: 0 }
    }

    /// Those of connections.
    pub fn iter(&self) -> impl Iterator<Item = Event> {
        let ended = EpollFlags::EPOLLRDHUP | EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR;
        self.happened()
            .filter(|event| event.data() != WAKE)
            .map(move |event| Event { key: event.data(), ended: event.events().intersects(ended) })
    }

    /// Was there no room for all?
    pub fn may_be_more(&self) -> bool {
        self.count == AT_ONCE
    }

    fn happened(&self) -> impl Iterator<Item = &EpollEvent> {
        self.raw[..self.count].iter()
    }
}

/// Rings in a set, once, after a time.
#[derive(Debug)]
pub struct Alarm(TimerFd);

impl Default for Events {
    fn default() -> Events {
        Events::new()
    }
}

impl Poller {
    /// An empty set.
    ///
    /// # Errors
    /// Those of `epoll_create1` and `eventfd`: most likely there is no descriptor left.
    pub fn new() -> io::Result<Poller> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let wake = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        // Each write is a new edge, so nobody ever has to read it.
        epoll.add(&wake, EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLET, WAKE))?;
        Ok(Poller { epoll, wake })
    }

    /// Tells of what arrives on `stream` from now on, and of what is there already.
    ///
    /// # Errors
    /// Those of `epoll_ctl`.
    pub fn register(&self, stream: &TcpStream, key: u64) -> io::Result<()> {
        Ok(self.epoll.add(stream, EpollEvent::new(READING, key))?)
    }

    /// Tells of room to write, too; of room that is there already as well.
    ///
    /// # Errors
    /// Those of `epoll_ctl`.
    pub fn register_writing(&self, stream: &TcpStream, key: u64) -> io::Result<()> {
        let flags = READING | EpollFlags::EPOLLOUT;
        Ok(self.epoll.modify(stream, &mut EpollEvent::new(flags, key))?)
    }

    /// Tells of both from the beginning: of a connection that is only being made, room to write is
    /// the news that it is there.
    ///
    /// # Errors
    /// Those of `epoll_ctl`.
    pub fn register_opening(&self, stream: &TcpStream, key: u64) -> io::Result<()> {
        let flags = READING | EpollFlags::EPOLLOUT;
        Ok(self.epoll.add(stream, EpollEvent::new(flags, key))?)
    }

    /// A clock that ends waits for this set.
    ///
    /// # Errors
    /// Those of `timerfd_create` and `epoll_ctl`.
    pub fn alarm(&self) -> io::Result<Alarm> {
        let flags = TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK;
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?;
        // As with the wake descriptor: each ring is a new edge.
        self.epoll.add(&timer, EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLET, WAKE))?;
        Ok(Alarm(timer))
    }

    /// Wakes the one that waits, or the next one that is about to.
    pub fn wake(&self) {
        // A counter that is full (after 2^64 wakes) is awake enough.
        let _ = self.wake.write(1);
    }

    /// Waits until something happens, or, without `patience`, only looks.
    ///
    /// # Errors
    /// Those of `epoll_wait`, but for EINTR, which is "nothing happened".
    pub fn wait(&self, patience: bool, events: &mut Events) -> io::Result<()> {
        let timeout = if patience { EpollTimeout::NONE } else { EpollTimeout::ZERO };
        self.take(timeout, events).map(drop)
    }

    /// Waits until something happens, but no longer than this, rounded up to a millisecond: a wait that
    /// ends a little early would come back just to wait again.
    ///
    /// # Errors
    /// As [`Poller::wait`].
    pub fn wait_for(&self, time: Duration, events: &mut Events) -> io::Result<()> {
        let time = time.saturating_add(Duration::from_micros(999));
        self.take(EpollTimeout::try_from(time).unwrap_or(EpollTimeout::MAX), events).map(drop)
    }

    /// Looks, in place of whoever else would: a wake is not for the one who looks, and is passed on.
    ///
    /// # Errors
    /// As [`Poller::wait`].
    pub fn look(&self, events: &mut Events) -> io::Result<()> {
        if self.take(EpollTimeout::ZERO, events)? {
            self.wake();
        }
        Ok(())
    }

    /// Takes what has happened. `true`: there was a wake, too.
    fn take(&self, timeout: EpollTimeout, events: &mut Events) -> io::Result<bool> {
        events.count = match self.epoll.wait(&mut events.raw, timeout) {
            Ok(count) => count,
            Err(Errno::EINTR) => 0,
            Err(error) => return Err(error.into()),
        };
        Ok(events.happened().any(|event| event.data() == WAKE))
    }
}

impl Alarm {
    /// Rings after this time, and not at the one before.
    ///
    /// # Errors
    /// Those of `timerfd_settime`.
    pub fn set(&self, time: Duration) -> io::Result<()> {
        // No time at all would be no ring at all.
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
    fn an_alarm_ends_a_wait_and_rings_once_for_each_time_it_is_set() {
        let (poller, mut events) = (Poller::new().unwrap(), Events::new());
        let alarm = poller.alarm().unwrap();
        for _ in 0..3 {
            let begun = Instant::now();
            alarm.set(Duration::from_millis(2)).unwrap();
            poller.wait_for(Duration::from_secs(10), &mut events).unwrap();
            assert!((2..5_000).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());
            assert!(events.iter().next().is_none(), "an alarm is no connection's event");
        }
        let begun = Instant::now();
        poller.wait_for(Duration::from_millis(20), &mut events).unwrap();
        assert!(begun.elapsed() > Duration::from_millis(10), "it does not ring again");
    }
}
