//! The rows of the table: which clients are hostile, and how.

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

use super::crowd::{Crowd, Ending, Habit};
use super::flood;
use super::held;
use super::machine;
use super::pool;
use super::probe::{self, Measured, answer, connect, get, measure, request, status};
use super::rooms;
use super::subject::{Folder, LARGE, RATE, Running, Subject, WORKERS};

/// The settings that all rows share.
#[derive(Debug)]
pub struct Setting {
    pub server: PathBuf,
    pub folder: Folder,
    /// The most connections that a row may open.
    pub descriptors: usize,
    /// How long the well-behaved client is measured: alone, and again beside the hostile ones.
    pub time: Duration,
    /// How long to wait for the deadlines of other servers. Ours are known.
    pub patience: Duration,
}

/// The result of a row.
#[derive(Debug, Default)]
pub struct Shown {
    pub measured: Option<Measured>,
    /// The same client on the same server, before the hostile ones connected.
    pub alone: Option<Measured>,
    /// The hostile clients that connected, and those whose connection the server ended.
    pub hostile: Option<(usize, usize)>,
    /// The memory of the server's process, and of the kernel's sockets, in bytes.
    pub memory: Option<(u64, u64)>,
    /// Further notes.
    pub notes: Vec<String>,
    /// The promises of the row that our server has not kept.
    pub broken: Vec<String>,
}

impl Shown {
    /// Records a promise of the row, and whether it was kept.
    pub fn promise(&mut self, kept: bool, otherwise: impl Into<String>) {
        if !kept {
            self.broken.push(otherwise.into());
        }
    }
}

/// A row.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Its name on the command line.
    pub name: &'static str,
    pub title: &'static str,
    pub hostile: Hostile,
}

/// What a row is about.
#[derive(Debug, Clone, Copy)]
pub enum Hostile {
    /// Crowds of clients, each with its number and habit.
    Crowds(&'static [(Habit, usize)]),
    /// A scene with its own function.
    Scene(fn(Subject, &Setting) -> io::Result<Shown>, Who),
}

/// The servers that take part in a scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Everybody,
    /// Only ours: it needs their routes or messages.
    OnlyOurs,
    /// The lobby, and nginx with a module: 10,000 clients can subscribe.
    WithRooms,
    /// Those, and the textbook with a worker for each subscriber.
    WithFewerSubscribers,
    /// Only the lobby: the scene is about the place where connections wait.
    OnlyLobby,
}

const fn crowds(name: &'static str, title: &'static str, crowds: &'static [(Habit, usize)]) -> Row {
    Row { name, title, hostile: Hostile::Crowds(crowds) }
}

pub const ROWS: &[Row] = &[
    crowds("none", "none", &[]),
    crowds("idle", "9,000 idle keep-alive", &[(Habit::Idle, 9000)]),
    crowds("drip", "2,000 heads, a byte a second", &[(Habit::Drip, 2000)]),
    crowds("silent", "2,000 silent", &[(Habit::Silent, 2000)]),
    crowds("vanish", "2,000 connect and vanish", &[(Habit::Vanish, 2000)]),
    crowds("upload", "300 uploads at 50 B/s", &[(Habit::Upload, 300)]),
    crowds(
        "download",
        "300 read nothing, 300 1 KB/s",
        &[(Habit::ReadNothing, 300), (Habit::ReadSlowly, 300)],
    ),
    crowds("greedy", "64 pipelining, 16 downloading", &[(Habit::Greedy, 80)]),
    Row {
        name: "datagrams",
        title: "10,000 datagrams a second",
        hostile: Hostile::Scene(flood::datagrams, Who::OnlyOurs),
    },
    Row {
        name: "rooms",
        title: "10,000 subscribers, 100 rooms",
        hostile: Hostile::Scene(rooms::messages, Who::WithRooms),
    },
    Row {
        name: "rooms-1000",
        title: "1,000 subscribers, 10 rooms",
        hostile: Hostile::Scene(rooms::fewer_messages, Who::WithFewerSubscribers),
    },
    Row {
        name: "rooms-hostile",
        title: "subscribers that do not read",
        hostile: Hostile::Scene(rooms::hostile, Who::OnlyLobby),
    },
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
        name: "held-uploads",
        title: "900 uploads held, 1,024 fds",
        hostile: Hostile::Scene(held::uploads, Who::OnlyOurs),
    },
    Row {
        name: "held-readers",
        title: "900 slow readers, 1,024 fds",
        hostile: Hostile::Scene(held::readers, Who::OnlyOurs),
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
    Row {
        name: "two-workers",
        title: "2 workers, one in /sleep/30",
        hostile: Hostile::Scene(pool::two_workers, Who::OnlyLobby),
    },
    Row {
        name: "deadlines",
        title: "1 worker, 300 × /sleep/3",
        hostile: Hostile::Scene(pool::deadlines, Who::OnlyLobby),
    },
];

/// The deadlines of our server for heads, idle connections and transfers: later than the end of the
/// measurement.
const DEADLINE: Duration = Duration::from_secs(12);

/// The time until a client notices its end: a moment, and a round of the supervisor.
const NOTICED: Duration = Duration::from_secs(2);

/// How long a crowd is connected before the well-behaved client is measured beside it.
const STANDING: Duration = Duration::from_millis(500);

/// The allowed delay as a multiple of the delay without hostile clients, and the allowed delay beside
/// clients that request as much as they can.
const TIMES: f64 = 2.0;
const BESIDE_GREED: Duration = Duration::from_millis(20);

/// When our server ends a client, and with which response.
struct End {
    least: Duration,
    most: Duration,
    status: Option<u16>,
}

impl Habit {
    /// `None` if our server keeps the client.
    fn end(self) -> Option<End> {
        let at_rate = |bytes: u32| Duration::from_secs((bytes / RATE).into());
        let (least, earned, status) = match self {
            Habit::Silent | Habit::Idle => (DEADLINE, Duration::ZERO, None),
            Habit::Drip => (DEADLINE, Duration::ZERO, Some(408)),
            // The bytes that came at a tenth of the minimum rate extend the deadline a little.
            Habit::Upload => (DEADLINE, DEADLINE / 9, Some(408)),
            // A reader may lag 128 KB, and its kernel may have taken the last write.
            Habit::ReadNothing => (DEADLINE + at_rate(128 << 10), at_rate(64 << 10), None),
            Habit::ReadSlowly | Habit::Vanish | Habit::Greedy => return None,
            Habit::Subscribe | Habit::Publish | Habit::Leave => return None,
        };
        Some(End { least, most: least + earned + NOTICED, status })
    }
}

impl Row {
    /// Measures the row.
    pub fn run(&self, subject: Subject, setting: &Setting) -> io::Result<Option<Shown>> {
        match self.hostile {
            Hostile::Crowds(crowds) => beside(subject, setting, crowds).map(Some),
            Hostile::Scene(_, Who::OnlyOurs) if !subject.is_ours() => Ok(None),
            Hostile::Scene(_, Who::WithRooms)
                if !matches!(subject, Subject::Ours | Subject::Nginx) =>
            {
                Ok(None)
            }
            Hostile::Scene(_, Who::WithFewerSubscribers)
                if !matches!(subject, Subject::Ours | Subject::Textbook | Subject::Nginx) =>
            {
                Ok(None)
            }
            Hostile::Scene(_, Who::OnlyLobby) if subject != Subject::Ours => Ok(None),
            Hostile::Scene(scene, _) => scene(subject, setting).map(Some),
        }
    }
}

fn start(subject: Subject, setting: &Setting) -> io::Result<Running> {
    subject.start(&setting.server, &setting.folder, DEADLINE, None)
}

/// Measures the well-behaved client alone, and beside a crowd.
fn beside(subject: Subject, setting: &Setting, habits: &[(Habit, usize)]) -> io::Result<Shown> {
    let mut shown = Shown::default();
    let server = start(subject, setting)?;
    let alone = measure(server.address, setting.time);
    if habits.is_empty() {
        return Ok(Shown { measured: Some(alone), ..shown });
    }
    let before = machine::socket_memory();
    let mut crowds = Vec::new();
    for &(habit, count) in habits {
        let wanted = count.min(setting.descriptors);
        if wanted < count {
            shown.notes.push(format!("only {wanted}: too few descriptors"));
        }
        let crowd = Crowd::gather(server.address, habit, wanted);
        shown.promise(crowd.came == wanted, format!("{} of {wanted} got in", crowd.came));
        crowds.push(crowd);
    }
    thread::sleep(STANDING);
    let measured = measure(server.address, setting.time);
    let memory =
        || (machine::memory(server.pid()), machine::socket_memory().saturating_sub(before));
    shown.memory = Some(memory());
    compare(&mut shown, &alone, &measured, habits[0].0);
    shown.alone = Some(alone);
    shown.measured = Some(measured);

    let patience = Instant::now() + setting.patience;
    let is_over = |crowd: &Crowd| {
        let until = crowd.habit.end().map(|end| crowd.complete + end.most);
        let until = if subject == Subject::Ours { until } else { Some(patience) };
        crowd.endings().len() == crowd.came || until.is_none_or(|until| Instant::now() >= until)
    };
    while !crowds.iter().all(is_over) {
        thread::sleep(Duration::from_millis(50));
    }
    let ended = crowds.iter().map(|crowd| crowd.endings().len()).sum();
    let came: usize = crowds.iter().map(|crowd| crowd.came).sum();
    for crowd in &crowds {
        judge(&mut shown, crowd);
    }
    shown.hostile = Some((came, ended));
    if ended > 0 {
        let (server, kernel) = memory();
        shown.notes.push(format!("{} MB, kernel {} MB afterwards", server >> 20, kernel >> 20));
    }
    Ok(shown)
}

/// Checks that the well-behaved client is served as well as if it were alone.
pub fn compare(shown: &mut Shown, alone: &Measured, measured: &Measured, habit: Habit) {
    for (how, alone, beside) in
        [("kept", &alone.kept, &measured.kept), ("new", &alone.new, &measured.new)]
    {
        let bad = beside.failed + usize::from(beside.starved);
        shown.promise(bad == 0, format!("{bad} {how} ones not served"));
        let (Some(before), Some(now)) = (alone.at(0.99), beside.at(0.99)) else { continue };
        let most = if habit == Habit::Greedy { BESIDE_GREED } else { before.mul_f64(TIMES) };
        shown.promise(now <= most, format!("p99 of {how} ones {now:.1?}, allowed {most:.1?}"));
    }
}

/// Checks that each client was ended at its time, and no other one.
fn judge(shown: &mut Shown, crowd: &Crowd) {
    let Crowd { habit, came, .. } = *crowd;
    if matches!(habit, Habit::Vanish | Habit::Greedy) {
        return;
    }
    let endings = crowd.endings();
    let Some(End { least, most, status }) = habit.end() else {
        shown.notes.push(format!("{habit:?}: {} of {came} kept", came - endings.len()));
        return shown.promise(endings.is_empty(), format!("{} ended too soon", endings.len()));
    };
    let took = || endings.iter().map(|ending| ending.after);
    if let (Some(first), Some(last)) = (took().min(), took().max()) {
        let told = endings.iter().filter_map(|ending| ending.status).max();
        let told = told.map_or(String::new(), |code| format!(", with {code}"));
        shown.notes.push(format!(
            "{habit:?}: {} of {came} ended after {first:.1?} to {last:.1?}{told}",
            endings.len()
        ));
    }
    // A client reads the clock a little later than the server.
    let times = least.saturating_sub(Duration::from_millis(200))..=most;
    let right = |ending: &&Ending| times.contains(&ending.after) && ending.status == status;
    let right = endings.iter().filter(right).count();
    shown.promise(right == came, format!("{right} of {came} ended as promised"));
}

/// All workers are in handlers, and more connections wait than the queue holds.
fn sleep(subject: Subject, setting: &Setting) -> io::Result<Shown> {
    const CLIENTS: usize = 1500;
    /// The deadline of half a head, which passes while the workers sleep.
    const SOON: Duration = Duration::from_secs(1);
    let server = subject.start(&setting.server, &setting.folder, SOON, None)?;
    let mut sleepers: Vec<TcpStream> =
        (0..WORKERS).map(|_| connect(server.address)).collect::<io::Result<_>>()?;
    let mut half_said = connect(server.address)?;
    half_said.write_all(&request("/small").as_bytes()[..20])?;
    let begun_to_say = Instant::now();
    for stream in &mut sleepers {
        stream.write_all(request("/sleep/2000").as_bytes())?;
    }
    let waiting = thread::spawn(move || (answer(&mut half_said), begun_to_say.elapsed()));
    thread::sleep(Duration::from_millis(200)); // until all handlers run
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
    let (half, half_took) = waiting.join().map_err(|_| io::Error::other("a client panicked"))?;
    let half = half.map_or(0, |answer| answer.status);
    let notes = vec![
        format!("{} × 503, the last after {} ms", count(Some(503)), slowest(503)),
        format!("{} × 200, the last after {} ms", count(Some(200)), slowest(200)),
        format!("{} without an answer", count(None)),
        format!("{slept} of {WORKERS} slept; {} s in all", begun.elapsed().as_secs()),
        format!("half a head: {half} after {half_took:.1?}"),
    ];
    let mut shown = Shown { notes, ..Shown::default() };
    shown.promise(count(Some(503)) > 0 && slowest(503) < 1000, "503 not at once");
    shown.promise(count(None) == 0 && slept == WORKERS, "a client got no response");
    shown.promise(half == 408 && half_took < SOON + NOTICED / 4, "a deadline was not kept");
    Ok(shown)
}

/// More clients than descriptors for ten seconds, after which they disconnect.
fn descriptors(subject: Subject, setting: &Setting) -> io::Result<Shown> {
    const FEW: usize = 256;
    const LONG: Duration = Duration::from_secs(10);
    let server = subject.start(&setting.server, &setting.folder, DEADLINE, Some(FEW))?;
    let lines = server.log_lines();
    let crowd = Crowd::gather(server.address, Habit::Silent, 2 * FEW);
    let (came, begun) = (crowd.came, Instant::now());
    let cpu = machine::cpu(server.pid());
    thread::sleep(LONG.saturating_sub(begun.elapsed()));
    let cpu = machine::cpu(server.pid()).saturating_sub(cpu);
    let ended = crowd.endings().len();
    drop(crowd);
    let released = Instant::now();
    let serve_fifty = || {
        let mut streams: Vec<io::Result<TcpStream>> =
            (0..50).map(|_| connect(server.address)).collect();
        let served = streams.iter_mut().flatten().filter_map(|stream| get(stream, "/small").ok());
        served.filter(|answer| answer.status == 200).count()
    };
    // It takes a moment until the server has noticed all disconnects.
    let mut served = serve_fifty();
    while served < 50 && released.elapsed() < Duration::from_secs(2) {
        thread::sleep(Duration::from_millis(20));
        served = serve_fifty();
    }
    let (took, lines) = (released.elapsed(), server.log_lines() - lines);
    let notes = vec![
        format!("{served} of 50 served within {} ms of release", took.as_millis()),
        format!("{lines} log lines"),
        format!("{} ms of CPU meanwhile", cpu.as_millis()),
    ];
    let mut shown = Shown { hostile: Some((came, ended)), notes, ..Shown::default() };
    shown.promise(served == 50 && took < Duration::from_secs(1), "no full service within 1 s");
    shown.promise(lines < 50, "50 log lines or more");
    Ok(shown)
}

/// As many connects at once as may be open, each with a request.
fn storm(subject: Subject, setting: &Setting) -> io::Result<Shown> {
    let count = 10_000.min(setting.descriptors);
    let server = start(subject, setting)?;
    thread::sleep(Duration::from_millis(100)); // until the connection of the readiness check is closed
    let outcomes = at_once(server.address, count, "/small");
    let slowest = |of: fn(&Outcome) -> Option<Duration>| {
        outcomes.iter().filter_map(of).max().unwrap_or_default().as_millis()
    };
    let with = |status| outcomes.iter().filter(|outcome| outcome.status == status).count();
    let connected = slowest(|outcome| outcome.connected);
    let notes = vec![
        format!(
            "{count}: {} × 200, {} × 503, {} broken",
            with(Some(200)),
            with(Some(503)),
            with(None)
        ),
        format!("slowest connect {connected} ms"),
        format!("slowest response {} ms", slowest(|outcome| outcome.answered)),
    ];
    let mut shown = Shown { notes, ..Shown::default() };
    shown.promise(with(Some(200)) == count, "a client was refused");
    shown.promise(connected < 1000, "a SYN was sent twice");
    Ok(shown)
}

/// The outcome of one of many connects.
#[derive(Debug, Default, Clone)]
struct Outcome {
    connected: Option<Duration>,
    answered: Option<Duration>,
    status: Option<u16>,
}

/// Makes many connects at once; each sends a request when it is connected.
fn at_once(address: SocketAddr, count: usize, target: &str) -> Vec<Outcome> {
    let begun = Instant::now();
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let mut outcomes = vec![Outcome::default(); count];
    let mut open: Vec<(usize, TcpStream)> = Vec::with_capacity(count);
    let SocketAddr::V4(to) = address else { return outcomes };
    for number in 0..count {
        let Ok(fd) = socket(AddressFamily::Inet, SockType::Stream, flags, None) else { break };
        // In progress: the outcome is known when the socket is writable.
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

/// Stops the server while many requests are under way.
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
        thread::sleep(Duration::from_millis(300)); // until all of this has begun
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
    let notes = vec![format!("{whole} answered whole, {cut} cut"), end];
    let mut shown = Shown { notes, ..Shown::default() };
    shown.promise(cut == 0, format!("{cut} cut"));
    let success = ended.is_some_and(|(_, success)| success);
    shown.promise(success && server.has_said("stopped; requests finished: "), "no clean end");
    Ok(shown)
}

/// Reads 100 MB in some seconds. Returns true if all of it arrived.
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

/// Sends requests until the server has stopped. Returns the number of whole and of broken responses. An end
/// before the first byte of a response is neither: the request was not read.
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
