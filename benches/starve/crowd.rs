//! The hostile clients. One thread runs all of them, and each acts once a second.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::probe::{get, request, status};
use super::rooms::ROOMS;
use super::subscribers::{message, subscription};

/// What the clients of a crowd do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Habit {
    /// Connect and send nothing.
    Silent,
    /// Keep a connection on which one request has been answered.
    Idle,
    /// Send one byte of a head each second.
    Drip,
    /// Send 50 bytes of a long body each second.
    Upload,
    /// Request 100 MB and read nothing.
    ReadNothing,
    /// Request 100 MB and read 1 KB each second.
    ReadSlowly,
    /// Connect, send half a request or nothing, and disconnect: 500 each second.
    Vanish,
    /// Subscribe to a room of 100, and read nothing.
    Subscribe,
    /// Send a message of 4 KB to one of these rooms each second.
    Publish,
    /// Subscribe to a room, and disconnect: 500 each second.
    Leave,
    /// Send requests without end and read all responses, as fast as possible; every fifth downloads 100 MB.
    Greedy,
}

/// Many hostile clients, which disconnect when this is dropped.
#[derive(Debug)]
pub struct Crowd {
    pub habit: Habit,
    /// The number of clients that connected.
    pub came: usize,
    /// When the last of them connected.
    pub complete: Instant,
    endings: Arc<Endings>,
    leave: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// How the server ended a connection.
#[derive(Debug, Clone, Copy)]
pub struct Ending {
    /// The time since the client's first action.
    pub after: Duration,
    /// The status of the response, if there was one.
    pub status: Option<u16>,
}

type Endings = Mutex<Vec<Ending>>;

/// One client of a crowd.
struct Member {
    stream: TcpStream,
    since: Instant,
    status: Option<u16>,
    /// What it sends each second.
    words: Vec<u8>,
}

impl Member {
    fn ends(&self, endings: &Endings) {
        let ending = Ending { after: self.since.elapsed(), status: self.status };
        endings.lock().unwrap_or_else(PoisonError::into_inner).push(ending);
    }
}

/// A server that does not accept within this time, which is enough for a second SYN, is full. Some are full
/// for a moment only, so there are a few attempts.
const AT_THE_DOOR: Duration = Duration::from_millis(1500);
const TRIES: usize = 4;

/// The most time for all attempts together.
const AT_MOST: Duration = Duration::from_secs(20);

/// A second has this many steps, so that not all clients act at once.
const MOMENTS: usize = 100;

impl Crowd {
    /// Starts `count` clients.
    pub fn gather(address: SocketAddr, habit: Habit, count: usize) -> Crowd {
        let (endings, leave) = (Arc::<Endings>::default(), Arc::<AtomicBool>::default());
        let (came, thread) = if let Habit::Vanish | Habit::Leave = habit {
            let leave = Arc::clone(&leave);
            (count, thread::spawn(move || vanish(address, habit, count, &leave)))
        } else {
            let outcomes = (0..count).map(|number| enter(address, habit, number));
            let (begun, mut tries) = (Instant::now(), TRIES);
            let members: Vec<Member> = outcomes
                .take_while(|outcome| {
                    tries -= usize::from(outcome.is_err());
                    tries > 0 && begun.elapsed() < AT_MOST
                })
                .flatten()
                .collect();
            let came = members.len();
            let (endings, leave) = (Arc::clone(&endings), Arc::clone(&leave));
            let live = move || match habit {
                Habit::Greedy => greedy(members, &endings, &leave),
                _ => linger(members, habit, &endings, &leave),
            };
            (came, thread::spawn(live))
        };
        Crowd { habit, came, complete: Instant::now(), endings, leave, thread: Some(thread) }
    }

    /// The connections that the server has ended.
    pub fn endings(&self) -> Vec<Ending> {
        self.endings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.leave.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Connects and does the first action.
fn enter(address: SocketAddr, habit: Habit, number: usize) -> io::Result<Member> {
    let mut stream = TcpStream::connect_timeout(&address, AT_THE_DOOR)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(AT_THE_DOOR))?;
    match habit {
        Habit::Silent | Habit::Vanish | Habit::Leave | Habit::Publish => {}
        Habit::Subscribe => stream.write_all(subscription(number % ROOMS).as_bytes())?,
        Habit::Idle => drop(get(&mut stream, "/small")?),
        Habit::Drip => stream.write_all(b"GET /small HTTP/1.1\r\nHost: a\r\nX-Slow: ")?,
        Habit::Upload => stream.write_all(
            b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 1000000\r\n\r\n",
        )?,
        Habit::Greedy if !number.is_multiple_of(5) => {}
        Habit::ReadNothing | Habit::ReadSlowly | Habit::Greedy => {
            stream.write_all(request("/large").as_bytes())?;
        }
    }
    stream.set_nonblocking(true)?;
    let words = match habit {
        Habit::Drip => b"x".to_vec(),
        Habit::Upload => vec![b'x'; 50],
        Habit::Publish => message(number % ROOMS, &"x".repeat(4 << 10)).into_bytes(),
        _ => Vec::new(),
    };
    Ok(Member { stream, since: Instant::now(), status: None, words })
}

/// Lets each client act in its step, until all shall disconnect.
fn linger(members: Vec<Member>, habit: Habit, endings: &Endings, leave: &AtomicBool) {
    let mut members: Vec<Option<Member>> = members.into_iter().map(Some).collect();
    let begun = Instant::now();
    for moment in 0.. {
        if leave.load(Ordering::Relaxed) {
            return;
        }
        for place in members.iter_mut().skip(moment % MOMENTS).step_by(MOMENTS) {
            if leave.load(Ordering::Relaxed) {
                return;
            }
            if let Some(member) = place
                && !act(member, habit)
            {
                member.ends(endings);
                *place = None;
            }
        }
        let moments = u32::try_from(moment + 1).unwrap_or(u32::MAX);
        let next = Duration::from_micros(1_000_000 / MOMENTS as u64) * moments;
        thread::sleep(next.saturating_sub(begun.elapsed()));
    }
}

/// Does what a client does in its step. Returns false if the server has ended the connection.
fn act(member: &mut Member, habit: Habit) -> bool {
    let Member { stream, status: told, words, .. } = member;
    match habit {
        Habit::ReadSlowly => return goes_on(stream.read(&mut [0; 1024])),
        Habit::ReadNothing | Habit::Subscribe => return !is_broken(stream),
        _ => {}
    }
    if !words.is_empty() && !goes_on(stream.write(words)) {
        return false;
    }
    let mut got = [0; 4096];
    loop {
        match stream.read(&mut got) {
            Ok(count @ 1..) => *told = told.or_else(|| status(&got[..count])),
            outcome => return goes_on(outcome),
        }
    }
}

/// Returns true if the connection was reset. An orderly end comes after the unread bytes, and is not seen.
fn is_broken(stream: &TcpStream) -> bool {
    let mut set = [PollFd::new(stream.as_fd(), PollFlags::empty())];
    poll(&mut set, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
}

fn goes_on(outcome: io::Result<usize>) -> bool {
    match outcome {
        Ok(count) => count > 0,
        Err(error) => {
            matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
        }
    }
}

fn vanish(address: SocketAddr, habit: Habit, count: usize, leave: &AtomicBool) {
    for number in 0..count {
        if leave.load(Ordering::Relaxed) {
            return;
        }
        let words = match habit {
            Habit::Leave => subscription(number % ROOMS),
            _ if number.is_multiple_of(2) => "GET /small HT".to_owned(),
            _ => String::new(),
        };
        if let Ok(mut stream) = TcpStream::connect_timeout(&address, AT_THE_DOOR) {
            let _ = stream.write_all(words.as_bytes());
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Sends as many requests as there is room for, and discards all responses.
fn greedy(members: Vec<Member>, endings: &Endings, leave: &AtomicBool) {
    /// The clients: each with the bytes sent or received, and whether it downloads. No request is left half
    /// sent.
    struct Busy(Member, usize, bool);
    let row = request("/small").repeat(64);
    let again = request("/large");
    let mut waste = vec![0; 256 << 10];
    let busy = |(number, member): (usize, Member)| Busy(member, 0, number % 5 == 0);
    let mut members: Vec<Busy> = members.into_iter().enumerate().map(busy).collect();
    while !leave.load(Ordering::Relaxed) && !members.is_empty() {
        let wanted = |downloads: bool| {
            if downloads { PollFlags::POLLIN } else { PollFlags::POLLIN | PollFlags::POLLOUT }
        };
        let mut set: Vec<PollFd<'_>> = members
            .iter()
            .map(|Busy(member, _, downloads)| {
                PollFd::new(member.stream.as_fd(), wanted(*downloads))
            })
            .collect();
        if poll(&mut set, 100_u8).is_err() {
            return;
        }
        let ready: Vec<PollFlags> = set.iter().filter_map(PollFd::revents).collect();
        let mut ready = ready.into_iter();
        members.retain_mut(|Busy(member, said, downloads)| {
            let stream = &mut member.stream;
            let ready = ready.next().unwrap_or(PollFlags::empty());
            let mut open = true;
            if ready.contains(PollFlags::POLLOUT) {
                match stream.write(&row.as_bytes()[*said..]) {
                    Ok(count) => *said = (*said + count) % row.len(),
                    Err(error) => open = goes_on(Err(error)),
                }
            }
            if ready.intersects(PollFlags::POLLIN | PollFlags::POLLHUP | PollFlags::POLLERR) {
                match stream.read(&mut waste) {
                    Ok(count) => {
                        open &= count > 0;
                        if *downloads {
                            *said += count;
                            // A head and 100 MB have arrived: the next request.
                            if *said as u64 > super::subject::LARGE {
                                *said = 0;
                                open &= stream.write(again.as_bytes()).is_ok();
                            }
                        }
                    }
                    Err(error) => open &= goes_on(Err(error)),
                }
            }
            if !open {
                member.ends(endings);
            }
            open
        });
    }
}
