//! Small requests, and a slow one among a hundred, on every connection: how the slow ones delay the small.
//!
//! `client bench` requests one URL, so this has a generator of its own: one thread, a closed loop on each
//! connection, and the kind of each request is drawn at random.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, poll};

use super::Options;
use super::figures::{Figure, Figures};
use super::rows::Row;
use super::subject::{Folder, Running, Subject};

const WORKERS: u16 = 64;
const CONNECTIONS: usize = 64;
const SMALL: &[u8] = b"GET /-/health HTTP/1.1\r\nHost: a\r\n\r\n";
const SLOW: &[u8] = b"GET /sleep/100 HTTP/1.1\r\nHost: a\r\n\r\n";
/// The time of a slow request.
const LONG: Duration = Duration::from_millis(100);
/// One request among this many is slow.
const ONE_OF: u64 = 100;
/// A response that takes longer than this is an error.
const PATIENCE: Duration = Duration::from_secs(3);

/// Measures all servers in turn: without slow requests, and with them.
pub fn measure(
    row: &Row,
    who: &[Subject],
    folder: &Folder,
    options: &Options,
    figures: &mut Figures,
) -> Result<(), String> {
    let start = |&subject: &Subject| {
        let started = subject.start_with(folder, Some(WORKERS));
        Ok((subject, started.map_err(|error| format!("{}: {error}", subject.name()))?))
    };
    let servers: Vec<(Subject, Running)> = who.iter().map(start).collect::<Result<_, String>>()?;
    let time = Duration::from_secs_f64(options.seconds.parse().unwrap_or(1.0));
    for round in 0..options.rounds {
        for (subject, server) in &servers {
            let ask = |slow| {
                let load = Load { address: server.address, time, slow, seed: round as u64 + 1 };
                let outcome = load.run();
                outcome.map_err(|error| format!("{}, {}: {error}", row.name, subject.name()))
            };
            for (figure, sample) in compare(&ask(false)?, &ask(true)?) {
                figures.add(row.name, *subject, figure, sample);
            }
        }
    }
    Ok(())
}

fn compare(alone: &Outcome, mixed: &Outcome) -> Vec<(Figure, f64)> {
    let (p99_alone, p99) = (alone.p99(), mixed.p99());
    vec![
        (Figure::RateAlone, alone.rate()),
        (Figure::P99Alone, p99_alone),
        (Figure::Rate, mixed.rate()),
        (Figure::P99, p99),
        (Figure::P99OfAlone, p99 / p99_alone),
        (Figure::OfAllowed, mixed.rate() / allowed(alone.rate(), mixed.slow_share())),
        (Figure::Errors, (alone.errors + mixed.errors) as f64),
    ]
}

/// Returns the responses per second that are possible when a request takes `1 / alone` seconds of the machine, one
/// after the other, and this share of the requests waits for [`LONG`] besides: the mean value analysis of a
/// closed queue with a delay.
fn allowed(alone: f64, slow_share: f64) -> f64 {
    let (service, delay) = (1.0 / alone, slow_share * LONG.as_secs_f64());
    let (mut waiting, mut rate) = (0.0, 0.0);
    for connections in 1..=CONNECTIONS {
        let takes = service * (1.0 + waiting);
        rate = connections as f64 / (delay + takes);
        waiting = rate * takes;
    }
    rate
}

struct Load {
    address: SocketAddr,
    time: Duration,
    /// True if there are slow requests.
    slow: bool,
    seed: u64,
}

/// The measurement of one round.
#[derive(Default)]
struct Outcome {
    /// The times of the small requests.
    small: Vec<Duration>,
    slow: usize,
    /// The slow requests that are still under way at the end, and count as sent.
    unfinished: usize,
    errors: usize,
    took: Duration,
}

/// A connection, and the request that is under way on it.
struct Connection {
    stream: TcpStream,
    sent: Instant,
    is_slow: bool,
    got: Vec<u8>,
}

impl Load {
    fn run(&self) -> io::Result<Outcome> {
        let mut outcome = Outcome::default();
        let mut random = Random(self.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let mut connections: Vec<Connection> = (0..CONNECTIONS)
            .map(|_| Connection::ask(connect(self.address)?, self.draw(&mut random)))
            .collect::<io::Result<_>>()?;
        let begun = Instant::now();
        while begun.elapsed() < self.time {
            for at in readable(&connections)? {
                let connection = &mut connections[at];
                let stays = match connection.receive() {
                    Ok(None) => continue,
                    Ok(Some(answer)) => {
                        outcome.count(connection, &answer);
                        answer.stays
                    }
                    Err(_) => {
                        outcome.errors += 1;
                        false
                    }
                };
                self.go_on(connection, stays, &mut random)?;
            }
        }
        outcome.took = begun.elapsed();
        outcome.unfinished = connections.iter().filter(|connection| connection.is_slow).count();
        let is_late = |connection: &&Connection| connection.sent.elapsed() > PATIENCE;
        outcome.errors += connections.iter().filter(is_late).count();
        Ok(outcome)
    }

    /// Sends the next request, on a new connection if this one is not kept.
    fn go_on(
        &self,
        connection: &mut Connection,
        stays: bool,
        random: &mut Random,
    ) -> io::Result<()> {
        let slow = self.draw(random);
        if !stays || connection.send(slow).is_err() {
            *connection = Connection::ask(connect(self.address)?, slow)?;
        }
        Ok(())
    }

    fn draw(&self, random: &mut Random) -> bool {
        random.next().is_multiple_of(ONE_OF) && self.slow
    }
}

impl Outcome {
    fn count(&mut self, connection: &Connection, answer: &Answer) {
        match answer {
            Answer { is_ok: false, .. } => self.errors += 1,
            _ if connection.is_slow => self.slow += 1,
            _ => self.small.push(connection.sent.elapsed()),
        }
    }

    fn answers(&self) -> f64 {
        (self.small.len() + self.slow) as f64
    }

    fn rate(&self) -> f64 {
        self.answers() / self.took.as_secs_f64()
    }

    /// Returns the number of slow requests.
    fn slow_share(&self) -> f64 {
        (self.slow + self.unfinished) as f64 / (self.answers() + self.unfinished as f64)
    }

    /// Returns the p99 of the small requests, in microseconds.
    fn p99(&self) -> f64 {
        let mut sorted = self.small.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() * 99 / 100).map_or(f64::NAN, |time| time.as_secs_f64() * 1e6)
    }
}

struct Answer {
    is_ok: bool,
    /// True if another request may follow on this connection.
    stays: bool,
}

impl Connection {
    fn ask(stream: TcpStream, is_slow: bool) -> io::Result<Connection> {
        let mut connection = Connection { stream, sent: Instant::now(), is_slow, got: Vec::new() };
        connection.send(is_slow)?;
        Ok(connection)
    }

    fn send(&mut self, is_slow: bool) -> io::Result<()> {
        (self.sent, self.is_slow) = (Instant::now(), is_slow);
        self.got.clear();
        self.stream.write_all(if is_slow { SLOW } else { SMALL })
    }

    /// Reads what has arrived. Returns the response when it is complete.
    fn receive(&mut self) -> io::Result<Option<Answer>> {
        let mut piece = [0; 4096];
        match self.stream.read(&mut piece) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => self.got.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error),
        }
        let Some(head) = self.got.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Ok(None);
        };
        let text = String::from_utf8_lossy(&self.got[..head]).to_ascii_lowercase();
        let length = text.split_once("\r\ncontent-length:").map_or("", |(_, rest)| rest);
        let length: usize =
            length.split("\r\n").next().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        let is_complete = self.got.len() >= head + 4 + length;
        let answer = || Answer {
            is_ok: text.starts_with("http/1.1 200"),
            stays: !text.contains("\r\nconnection: close"),
        };
        Ok(is_complete.then(answer))
    }
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

/// Waits for responses, and returns the indices of the readable connections.
fn readable(connections: &[Connection]) -> io::Result<Vec<usize>> {
    let mut set: Vec<PollFd<'_>> = connections
        .iter()
        .map(|connection| PollFd::new(connection.stream.as_fd(), PollFlags::POLLIN))
        .collect();
    poll(&mut set, 100_u8)?;
    let is_ready = |set: &PollFd<'_>| set.any().unwrap_or(false);
    Ok(set.iter().enumerate().filter(|(_, set)| is_ready(set)).map(|(at, _)| at).collect())
}

/// Marsaglia's xorshift, so that each round is the same for all servers.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}
