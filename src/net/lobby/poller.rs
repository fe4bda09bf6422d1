//! One epoll set for all connections, and a way to wake whoever waits for it (epoll(7)).
//!
//! Edge-triggered: a connection is registered once, and told of again only when something new has
//! happened to it. So whoever is told reads until nothing is left, or takes note that it did not.

use std::io;
use std::net::TcpStream;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};

/// The data of the wake descriptor's events: no connection's.
const WAKE: u64 = u64::MAX;

/// How many events are taken at once.
const AT_ONCE: usize = 256;

/// The set.
#[derive(Debug)]
pub(super) struct Poller {
    epoll: Epoll,
    wake: EventFd,
}

/// What has happened to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Event {
    /// What it was registered with.
    pub(super) key: u64,
    /// Has the peer ended its side, or has the connection broken?
    pub(super) ended: bool,
}

/// What has happened to all of them, since somebody last asked.
#[derive(Debug)]
pub(super) struct Events {
    raw: [EpollEvent; AT_ONCE],
    count: usize,
}

impl Events {
    pub(super) fn new() -> Events {
        Events { raw: [EpollEvent::empty(); AT_ONCE], count: 0 }
    }

    /// Those of connections.
    pub(super) fn iter(&self) -> impl Iterator<Item = Event> {
        let ended = EpollFlags::EPOLLRDHUP | EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR;
        self.happened()
            .filter(|event| event.data() != WAKE)
            .map(move |event| Event { key: event.data(), ended: event.events().intersects(ended) })
    }

    /// Was there no room for all?
    pub(super) fn may_be_more(&self) -> bool {
        self.count == AT_ONCE
    }

    fn happened(&self) -> impl Iterator<Item = &EpollEvent> {
        self.raw[..self.count].iter()
    }
}

impl Poller {
    pub(super) fn new() -> io::Result<Poller> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let wake = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        // Each write is a new edge, so nobody ever has to read it.
        epoll.add(&wake, EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLET, WAKE))?;
        Ok(Poller { epoll, wake })
    }

    /// Tells of what arrives on `stream` from now on, and of what is there already.
    pub(super) fn register(&self, stream: &TcpStream, key: u64) -> io::Result<()> {
        Ok(self.epoll.add(stream, EpollEvent::new(READING, key))?)
    }

    /// Tells of room to write, too; of room that is there already as well.
    pub(super) fn register_writing(&self, stream: &TcpStream, key: u64) -> io::Result<()> {
        let flags = READING | EpollFlags::EPOLLOUT;
        Ok(self.epoll.modify(stream, &mut EpollEvent::new(flags, key))?)
    }

    /// Wakes the one that waits, or the next one that is about to.
    pub(super) fn wake(&self) {
        // A counter that is full (after 2^64 wakes) is awake enough.
        let _ = self.wake.write(1);
    }

    /// Waits until something happens, or, without `patience`, only looks.
    pub(super) fn wait(&self, patience: bool, events: &mut Events) -> io::Result<()> {
        self.take(patience, events).map(drop)
    }

    /// Looks, in place of whoever else would: a wake is not for the one who looks, and is passed on.
    pub(super) fn look(&self, events: &mut Events) -> io::Result<()> {
        if self.take(false, events)? {
            self.wake();
        }
        Ok(())
    }

    /// Takes what has happened. `true`: there was a wake, too.
    fn take(&self, patience: bool, events: &mut Events) -> io::Result<bool> {
        let timeout = if patience { EpollTimeout::NONE } else { EpollTimeout::ZERO };
        events.count = match self.epoll.wait(&mut events.raw, timeout) {
            Ok(count) => count,
            Err(Errno::EINTR) => 0,
            Err(error) => return Err(error.into()),
        };
        Ok(events.happened().any(|event| event.data() == WAKE))
    }
}

const READING: EpollFlags =
    EpollFlags::EPOLLIN.union(EpollFlags::EPOLLRDHUP).union(EpollFlags::EPOLLET);
