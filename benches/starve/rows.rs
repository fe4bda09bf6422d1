//! The rows of the table: who is hostile, and how.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, connect as begin_to_connect, socket,
};

use super::crowd::{Crowd, Habit};
use super::machine;
use super::probe::{self, Measured, answer, connect, get, measure, request};
use super::subject::{Folder, LARGE, Running, Subject, WORKERS};

/// What all rows share.
#[derive(Debug)]
pub struct Setting {
    pub server: PathBuf,
    pub folder: Folder,
    /// The most connections that a row may open.
    pub descriptors: usize,
    /// How long the well-behaved client is measured.
    pub time: Duration,
    /// How long the deadlines are waited for afterwards.
    pub patience: Duration,
}

/// What a row has shown.
#[derive(Debug, Default)]
pub struct Shown {
    pub measured: Option<Measured>,
    /// Hostile clients that got in, and those that were ended.
    pub hostile: Option<(usize, usize)>,
    /// Of the server's process, and of the kernel's sockets, in bytes.
    pub memory: Option<(u64, u64)>,
    /// What else there is to say.
    pub notes: Vec<String>,
}

/// A row.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// As it is called on the command line.
    pub name: &'static str,
    pub title: &'static str,
    pub hostile: Hostile,
}

/// What a row is about.
#[derive(Debug, Clone, Copy)]
pub enum Hostile {
    /// So many with a habit.
    Crowd(Habit, usize),
    /// Something of its own.
    Scene(fn(Subject, &Setting) -> io::Result<Shown>, Who),
}

/// Who takes part in a scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Everybody,
    /// It needs routes or messages of ours.
    OnlyOurs,
}

const fn crowd(name: &'static str, title: &'static str, habit: Habit, count: usize) -> Row {
    Row { name, title, hostile: Hostile::Crowd(habit, count) }
}

pub const ROWS: &[Row] = &[
    crowd("none", "none", Habit::Silent, 0),
    crowd("idle", "9,000 idle keep-alive", Habit::Idle, 9000),
    crowd("drip", "2,000 heads, a byte a second", Habit::Drip, 2000),
    crowd("silent", "2,000 silent", Habit::Silent, 2000),
    crowd("vanish", "2,000 connect and vanish", Habit::Vanish, 2000),
    crowd("upload", "300 uploads at 50 B/s", Habit::Upload, 300),
    crowd("stalled", "300 downloads, nothing read", Habit::ReadNothing, 300),
    crowd("slow", "300 downloads at 1 KB/s", Habit::ReadSlowly, 300),
    crowd("greedy", "64 pipelining, 16 downloading", Habit::Greedy, 80),
    Row {
        name: "sleep",
        title: "all workers in /sleep/2000",
        hostile: Hostile::Scene(sleep, Who::OnlyOurs),
    },
    Row {
        name: "descriptors",
        title: "no descriptors for 10 s",
        hostile: Hostile::Scene(descriptors, Who::Everybody),
    },
    Row {
        name: "storm",
        title: "10,000 connects at once",
        hostile: Hostile::Scene(storm, Who::Everybody),
    },
    Row {
        name: "stop",
        title: "stopped under load",
        hostile: Hostile::Scene(stop, Who::Everybody),
    },
];

impl Row {
    /// Measures it.
    pub fn run(&self, subject: Subject, setting: &Setting) -> io::Result<Option<Shown>> {
        match self.hostile {
            Hostile::Crowd(habit, count) => beside(subject, setting, habit, count).map(Some),
            Hostile::Scene(_, Who::OnlyOurs) if !subject.is_ours() => Ok(None),
            Hostile::Scene(scene, _) => scene(subject, setting).map(Some),
        }
    }
}

fn start(subject: Subject, setting: &Setting) -> io::Result<Running> {
    subject.start(&setting.server, &setting.folder, None)
}

/// The well-behaved client beside a crowd.
fn beside(subject: Subject, setting: &Setting, habit: Habit, count: usize) -> io::Result<Shown> {
    let mut notes = Vec::new();
    let wanted = count.min(setting.descriptors);
    if wanted < count {
        notes.push(format!("only {wanted}: too few descriptors"));
    }
    let before = machine::socket_memory();
    let server = start(subject, setting)?;
    let crowd = Crowd::gather(server.address, habit, wanted);
    let measured = measure(server.address, setting.time);
    let memory = |notes: &mut Vec<String>, when: &str| {
        let memory =
            (machine::memory(server.pid()), machine::socket_memory().saturating_sub(before));
        if !when.is_empty() {
            notes.push(format!("{} MB, kernel {} MB {when}", memory.0 >> 20, memory.1 >> 20));
        }
        memory
    };
    let shown = memory(&mut notes, "");
    let begun = Instant::now();
    while wanted > 0
        && habit != Habit::Vanish
        && crowd.ended() < crowd.came
        && begun.elapsed() < setting.patience
    {
        thread::sleep(Duration::from_millis(50));
    }
    if !setting.patience.is_zero() && wanted > 0 && habit != Habit::Vanish {
        memory(&mut notes, &format!("{} s later", begun.elapsed().as_secs()));
    }
    let hostile = Some((crowd.came, crowd.ended()));
    Ok(Shown { measured: Some(measured), hostile, memory: Some(shown), notes })
}

/// Every worker in a handler, and more connections than may wait.
fn sleep(subject: Subject, setting: &Setting) -> io::Result<Shown> {
    const CLIENTS: usize = 1500;
    let server = start(subject, setting)?;
    let mut sleepers: Vec<TcpStream> =
        (0..WORKERS).map(|_| connect(server.address)).collect::<io::Result<_>>()?;
    for stream in &mut sleepers {
        stream.write_all(request("/sleep/2000").as_bytes())?;
    }
    thread::sleep(Duration::from_millis(200)); // until all are under way
    let begun = Instant::now();
    let mut outcomes = at_once(server.address, CLIENTS.min(setting.descriptors), "/small");
    let slept = sleepers.iter_mut().filter_map(|stream| answer(stream).ok());
    let slept = slept.filter(|answer| answer.status == 200).count();
    outcomes.sort_by_key(|outcome| outcome.answered);
    let slowest = |status: u16| {
        let of_them = outcomes.iter().filter(|outcome| outcome.status == Some(status));
        of_them.filter_map(|outcome| outcome.answered).max().unwrap_or_default().as_millis()
    };
    let count = |status| outcomes.iter().filter(|outcome| outcome.status == status).count();
    let notes = vec![
        format!("{} × 503, the last after {} ms", count(Some(503)), slowest(503)),
        format!("{} × 200, the last after {} ms", count(Some(200)), slowest(200)),
        format!("{} without an answer", count(None)),
        format!("{slept} of {WORKERS} slept; {} s in all", begun.elapsed().as_secs()),
    ];
    Ok(Shown { notes, ..Shown::default() })
}

/// More clients than descriptors, for ten seconds; then they leave.
fn descriptors(subject: Subject, setting: &Setting) -> io::Result<Shown> {
    const FEW: usize = 256;
    const LONG: Duration = Duration::from_secs(10);
    let server = subject.start(&setting.server, &setting.folder, Some(FEW))?;
    let lines = server.log_lines();
    let crowd = Crowd::gather(server.address, Habit::Silent, 2 * FEW);
    let (came, begun) = (crowd.came, Instant::now());
    let cpu = machine::cpu(server.pid());
    thread::sleep(LONG.saturating_sub(begun.elapsed()));
    let cpu = machine::cpu(server.pid()).saturating_sub(cpu);
    let ended = crowd.ended();
    drop(crowd);
    let released = Instant::now();
    let mut streams: Vec<io::Result<TcpStream>> =
        (0..50).map(|_| connect(server.address)).collect();
    let served = streams.iter_mut().flatten().filter_map(|stream| get(stream, "/small").ok());
    let served = served.filter(|answer| answer.status == 200).count();
    let notes = vec![
        format!("{served} of 50 served within {} ms of release", released.elapsed().as_millis()),
        format!("{} log lines", server.log_lines() - lines),
        format!("{} ms of CPU meanwhile", cpu.as_millis()),
    ];
    Ok(Shown { hostile: Some((came, ended)), notes, ..Shown::default() })
}

/// As many connects at once as may be open, each with a request.
fn storm(subject: Subject, setting: &Setting) -> io::Result<Shown> {
    let count = 10_000.min(setting.descriptors);
    let server = start(subject, setting)?;
    thread::sleep(Duration::from_millis(100)); // the connection that asked whether it serves leaves
    let outcomes = at_once(server.address, count, "/small");
    let slowest = |of: fn(&Outcome) -> Option<Duration>| {
        outcomes.iter().filter_map(of).max().unwrap_or_default().as_millis()
    };
    let with = |status| outcomes.iter().filter(|outcome| outcome.status == status).count();
    let notes = vec![
        format!(
            "{count}: {} × 200, {} × 503, {} broken",
            with(Some(200)),
            with(Some(503)),
            with(None)
        ),
        format!("slowest connect {} ms", slowest(|outcome| outcome.connected)),
        format!("slowest answer {} ms", slowest(|outcome| outcome.answered)),
    ];
    Ok(Shown { notes, ..Shown::default() })
}

/// What became of one of many connects.
#[derive(Debug, Default, Clone)]
struct Outcome {
    connected: Option<Duration>,
    answered: Option<Duration>,
    status: Option<u16>,
}

/// Many connects, none waiting for another; each asks when it is in.
fn at_once(address: SocketAddr, count: usize, target: &str) -> Vec<Outcome> {
    let begun = Instant::now();
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let mut outcomes = vec![Outcome::default(); count];
    let mut open: Vec<(usize, TcpStream)> = Vec::with_capacity(count);
    let SocketAddr::V4(to) = address else { return outcomes };
    for number in 0..count {
        let Ok(fd) = socket(AddressFamily::Inet, SockType::Stream, flags, None) else { break };
        // In progress: what becomes of it is seen when it can be written to.
        let _ = begin_to_connect(fd.as_raw_fd(), &SockaddrIn::from(to));
        open.push((number, TcpStream::from(fd)));
    }
    let request = request(target);
    while !open.is_empty() && begun.elapsed() < probe::PATIENCE {
        let wanted = |number: usize| match outcomes[number].connected {
            Some(_) => PollFlags::POLLIN,
            None => PollFlags::POLLOUT,
        };
        let mut set: Vec<PollFd<'_>> = open
            .iter()
            .map(|(number, stream)| PollFd::new(stream.as_fd(), wanted(*number)))
            .collect();
        if poll(&mut set, 100_u8).is_err() {
            break;
        }
        let ready: Vec<bool> = set.iter().map(|entry| entry.any().unwrap_or(true)).collect();
        let mut ready = ready.into_iter();
        open.retain_mut(|(number, stream)| {
            if !ready.next().unwrap_or(false) {
                return true;
            }
            let outcome = &mut outcomes[*number];
            if outcome.connected.is_none() {
                outcome.connected = Some(begun.elapsed());
                return stream.write_all(request.as_bytes()).is_ok();
            }
            let mut got = [0; 4096];
            outcome.answered = Some(begun.elapsed());
            outcome.status = stream.read(&mut got).ok().and_then(|count| status(&got[..count]));
            false
        });
    }
    outcomes
}

/// The code of a status line.
fn status(bytes: &[u8]) -> Option<u16> {
    std::str::from_utf8(bytes.get(9..12)?).ok()?.parse().ok()
}

/// Told to stop while much is under way.
fn stop(subject: Subject, setting: &Setting) -> io::Result<Shown> {
    const CLIENTS: usize = 32;
    let mut server = start(subject, setting)?;
    let address = server.address;
    let (mut whole, mut cut) = (0, 0);
    let mut ended = None;
    thread::scope(|scope| -> io::Result<()> {
        let download = scope.spawn(move || download(address));
        let busy: Vec<_> =
            (0..CLIENTS).map(|_| scope.spawn(move || ask_until_the_end(address))).collect();
        let mut begun: Vec<TcpStream> =
            (0..CLIENTS).map(|_| connect(address)).collect::<io::Result<_>>()?;
        let words = request("/small");
        let (first, rest) = words.as_bytes().split_at(12);
        for stream in &mut begun {
            stream.write_all(first)?;
        }
        thread::sleep(Duration::from_millis(300)); // until all of this is under way
        server.signal(subject.graceful());
        thread::sleep(Duration::from_millis(200));
        for mut stream in begun {
            let answered = stream.write_all(rest).and_then(|()| answer(&mut stream));
            *(if answered.is_ok() { &mut whole } else { &mut cut }) += 1;
        }
        for client in busy {
            let (answered, broken) = client.join().unwrap_or_default();
            whole += answered;
            cut += broken;
        }
        *(if download.join().unwrap_or(false) { &mut whole } else { &mut cut }) += 1;
        ended = server.wait(probe::PATIENCE);
        Ok(())
    })?;
    let end = ended.map_or("it does not end".to_owned(), |(_, success)| {
        format!("ended {}", if success { "with success" } else { "with a failure" })
    });
    Ok(Shown { notes: vec![format!("{whole} answered whole, {cut} cut"), end], ..Shown::default() })
}

/// Reads 100 MB in some seconds. Has all of it come?
fn download(address: SocketAddr) -> bool {
    let Ok(mut stream) = connect(address) else { return false };
    if stream.write_all(request("/large").as_bytes()).is_err() {
        return false;
    }
    let (mut piece, mut got) = (vec![0; 1 << 20], 0);
    while got < LARGE {
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return false,
            Ok(count) => got += count as u64,
        }
        thread::sleep(Duration::from_millis(5));
    }
    true
}

/// Asks again and again until the server goes: answers that were whole, and answers that were not.
/// An end before the first byte of an answer is none of these: the request was not read.
fn ask_until_the_end(address: SocketAddr) -> (usize, usize) {
    let mut whole = 0;
    let begun = Instant::now();
    let Ok(mut stream) = connect(address) else { return (0, 1) };
    while begun.elapsed() < probe::PATIENCE {
        if stream.write_all(request("/small").as_bytes()).is_err() {
            break;
        }
        let mut first = [0];
        match stream.peek(&mut first) {
            Ok(0) | Err(_) => break,
            Ok(_) => match answer(&mut stream) {
                Ok(answer) => {
                    whole += 1;
                    if !answer.stays {
                        break;
                    }
                }
                Err(_) => return (whole, 1),
            },
        }
    }
    (whole, 0)
}
