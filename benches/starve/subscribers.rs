//! Subscribers of rooms, all on one thread with epoll(7), which publishes as well. Each message has a number,
//! and each subscriber checks that the numbers of its room come once each, and in order.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

/// The longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// No message is on its way any more after this time without one.
const SILENCE: Duration = Duration::from_millis(500);

/// Many subscribers, and the connection that publishes.
#[derive(Debug)]
pub struct Subscribers {
    address: SocketAddr,
    numbers: Numbers,
    epoll: Epoll,
    all: Vec<Subscriber>,
    /// The number of the last message in each room.
    said: Vec<u64>,
    publisher: TcpStream,
    tally: Tally,
    piece: Vec<u8>,
}

/// Where a message has its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// In its text: one publisher counts. Works with every server.
    InText,
    /// In its `id`: the server counts, for any number of publishers. Works with ours.
    InId,
}

/// What has arrived.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub received: u64,
    pub lost: u64,
    /// Messages that came again, or after a later one.
    pub doubled: u64,
    /// Subscribers whose connection the server has ended.
    pub ended: usize,
}

#[derive(Debug)]
struct Subscriber {
    stream: TcpStream,
    room: usize,
    /// True once the head of the response has been read.
    entered: bool,
    /// The number of the last message.
    last: u64,
    /// The line that is not complete yet.
    line: Vec<u8>,
}

/// What a line of a response is.
enum Line {
    /// The end of the head.
    Entered,
    /// A message.
    Message(u64),
    Other,
}

impl Subscribers {
    /// Lets `count` subscribers enter `rooms` rooms, the same number in each.
    pub fn enter(
        address: SocketAddr,
        count: usize,
        rooms: usize,
        numbers: Numbers,
    ) -> io::Result<Subscribers> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let publisher = connect(address)?;
        let mut subscribers = Subscribers {
            address,
            numbers,
            epoll,
            all: Vec::with_capacity(count),
            said: vec![0; rooms],
            publisher,
            tally: Tally::default(),
            piece: vec![0; 64 << 10],
        };
        for number in 0..count {
            subscribers.add(number % rooms)?;
        }
        let begun = Instant::now();
        while subscribers.all.iter().any(|subscriber| !subscriber.entered) {
            subscribers.receive(Duration::from_millis(100))?;
            let Tally { ended, .. } = subscribers.tally;
            if ended > 0 || begun.elapsed() > PATIENCE {
                let all = subscribers.all.iter();
                let entered = all.filter(|subscriber| subscriber.entered).count();
                let text = format!("{entered} of {count} subscribers got in, {ended} were refused");
                return Err(io::Error::other(text));
            }
        }
        Ok(subscribers)
    }

    fn add(&mut self, room: usize) -> io::Result<()> {
        let mut stream = connect(self.address)?;
        stream.write_all(subscription(room).as_bytes())?;
        stream.set_nonblocking(true)?;
        let event = EpollEvent::new(EpollFlags::EPOLLIN, self.all.len() as u64);
        self.epoll.add(&stream, event)?;
        self.all.push(Subscriber { stream, room, entered: false, last: 0, line: Vec::new() });
        Ok(())
    }

    /// Publishes one message. Returns the time until all members of the room have it.
    pub fn say(&mut self, room: usize) -> io::Result<Duration> {
        let members = self.all.iter().filter(|subscriber| subscriber.room == room).count();
        let Tally { received, ended, .. } = self.tally;
        let begun = Instant::now();
        self.publish(room)?;
        while self.tally.received < received + members as u64 {
            self.receive(Duration::from_millis(100))?;
            if self.tally.ended > ended || begun.elapsed() > PATIENCE {
                let got = self.tally.received - received;
                return Err(io::Error::other(format!("{got} of {members} members got a message")));
            }
        }
        let took = begun.elapsed();
        self.published()?;
        Ok(took)
    }

    /// Publishes a message every `pause`, in one room after the other, until `time` has passed, and receives
    /// what comes.
    pub fn chat(&mut self, pause: Duration, time: Duration) -> io::Result<()> {
        let rooms = self.said.len();
        let begun = Instant::now();
        for (number, room) in (0..rooms).cycle().enumerate() {
            let due = begun + pause * u32::try_from(number).unwrap_or(u32::MAX);
            if due > begun + time {
                break;
            }
            while let Some(left) = due.checked_duration_since(Instant::now()) {
                self.receive(left)?;
            }
            self.publish(room)?;
            self.published()?;
        }
        self.finish()
    }

    /// Receives what others publish, until `leave`, and what is still on its way then.
    pub fn listen(&mut self, leave: &AtomicBool) -> io::Result<()> {
        while !leave.load(Ordering::Relaxed) {
            self.receive(Duration::from_millis(50))?;
        }
        self.finish()
    }

    /// Receives until nothing has come for a while.
    fn finish(&mut self) -> io::Result<()> {
        let mut came = Instant::now();
        while came.elapsed() < SILENCE {
            let Tally { received, .. } = self.tally;
            self.receive(Duration::from_millis(50))?;
            if self.tally.received > received {
                came = Instant::now();
            }
        }
        Ok(())
    }

    /// Returns what has arrived so far. What others have had, or was published, and a member has not, is lost.
    pub fn tally(&self) -> Tally {
        let mut last = self.said.clone();
        self.all.iter().for_each(|it| last[it.room] = last[it.room].max(it.last));
        let missing = self.all.iter().map(|member| last[member.room] - member.last);
        Tally { lost: self.tally.lost + missing.sum::<u64>(), ..self.tally }
    }

    fn publish(&mut self, room: usize) -> io::Result<()> {
        self.said[room] += 1;
        let request = message(room, &self.said[room].to_string());
        self.publisher.write_all(request.as_bytes())
    }

    /// Reads the response to the publisher.
    fn published(&mut self) -> io::Result<()> {
        let answer = super::probe::answer(&mut self.publisher)?;
        match answer.status {
            200..=299 => Ok(()),
            status => Err(io::Error::other(format!("a message was answered with {status}"))),
        }
    }

    /// Waits for at most this time, and reads what has come.
    fn receive(&mut self, at_most: Duration) -> io::Result<()> {
        let mut events = [EpollEvent::empty(); 512];
        let timeout = EpollTimeout::try_from(at_most.min(PATIENCE)).unwrap_or(EpollTimeout::ZERO);
        let count = match self.epoll.wait(&mut events, timeout) {
            Ok(count) => count,
            Err(nix::errno::Errno::EINTR) => 0,
            Err(error) => return Err(error.into()),
        };
        for event in &events[..count] {
            let Ok(index) = usize::try_from(event.data()) else { continue };
            let Subscribers { all, tally, piece, epoll, numbers, .. } = self;
            let subscriber = &mut all[index];
            match subscriber.stream.read(piece) {
                Ok(count @ 1..) => subscriber.take(&piece[..count], *numbers, tally),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(_) | Err(_) => {
                    tally.ended += 1;
                    epoll.delete(&subscriber.stream)?;
                }
            }
        }
        Ok(())
    }
}

impl Subscriber {
    /// Counts the messages of these bytes. Only the lines matter; chunks begin and end between them.
    fn take(&mut self, mut bytes: &[u8], numbers: Numbers, tally: &mut Tally) {
        while let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
            self.line.extend_from_slice(&bytes[..end]);
            bytes = &bytes[end + 1..];
            match self.line(numbers) {
                Line::Entered => self.entered = true,
                Line::Message(number) => {
                    tally.received += 1;
                    match number.checked_sub(self.last + 1) {
                        Some(missing) => {
                            tally.lost += missing;
                            self.last = number;
                        }
                        None => tally.doubled += 1,
                    }
                }
                Line::Other => {}
            }
            self.line.clear();
        }
        self.line.extend_from_slice(bytes);
    }

    fn line(&self, numbers: Numbers) -> Line {
        let line = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
        if line.is_empty() && !self.entered {
            return Line::Entered;
        }
        let name: &[u8] = match numbers {
            Numbers::InText => b"data: ",
            Numbers::InId => b"id: ",
        };
        let number = line.strip_prefix(name).and_then(|text| std::str::from_utf8(text).ok());
        number.and_then(|text| text.parse().ok()).map_or(Line::Other, Line::Message)
    }
}

/// Returns the request of a subscriber.
pub fn subscription(room: usize) -> String {
    format!("GET /rooms/r{room} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
}

/// Returns the request of a publisher.
pub fn message(room: usize, text: &str) -> String {
    let length = text.len();
    format!(
        "POST /rooms/r{room} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n\
         Content-Length: {length}\r\n\r\n{text}"
    )
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}
