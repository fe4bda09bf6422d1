//! Scenes about the workers: an idle worker serves what a busy one cannot, and a client that sends in time
//! is served though all workers are in handlers.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::probe::{answer, connect, get, request};
use super::rows::{Setting, Shown};
use super::subject::{Running, Subject};

/// Servers of each kind that run side by side, so that many trials take little time.
const SERVERS: usize = 10;
const TRIALS: usize = 2000;
/// The limits in milliseconds: small requests that took longer are counted. Those beyond the last limit have
/// waited for the handler, which takes 30 ms.
const LIMITS: [u64; 3] = [4, 10, 25];

/// Two workers and two kept connections: `/sleep/30` on one and, 0 to 120 us later, a small request on the
/// other. The second worker is idle, so the small request never waits for the handler of the first.
///
/// The textbook runs at the same time. It has a worker for each connection here, so only the machine delays
/// it: the lobby may have twice as many delays, but not more of the longest.
pub fn two_workers(subject: Subject, setting: &Setting) -> io::Result<Shown> {
    let start = |subject: Subject| {
        let start = |_| subject.start_ours(&setting.server, &setting.folder, "--workers 2");
        (0..SERVERS).map(start).collect::<io::Result<Vec<Running>>>()
    };
    let (ours, textbook) = (start(subject)?, start(Subject::Textbook)?);
    let [mut ours, textbook] = thread::scope(|scope| {
        let ask = |servers: &[Running]| {
            let addresses = servers.iter().map(|server| server.address).enumerate();
            let trials = |(seed, address)| scope.spawn(move || beside_a_sleeper(address, seed));
            addresses.map(trials).collect::<Vec<_>>()
        };
        let join = |thread: thread::ScopedJoinHandle<'_, _>| {
            thread.join().map_err(|_| io::Error::other("a client panicked"))?
        };
        let [ours, textbook] = [&ours, &textbook].map(|servers| ask(servers)).map(|threads| {
            threads.into_iter().map(join).collect::<io::Result<Vec<Vec<Duration>>>>()
        });
        Ok::<_, io::Error>([ours?.concat(), textbook?.concat()])
    })?;
    ours.sort_unstable();
    let at = |share: usize| ours[(ours.len() - 1) * share / 10_000].as_secs_f64() * 1e3;
    let counts = |delays: &[Duration]| {
        LIMITS.map(|limit| delays.iter().filter(|delay| delay.as_millis() >= limit.into()).count())
    };
    let (waited, chance) = (counts(&ours), counts(&textbook));
    let notes = vec![
        format!("{} trials in {SERVERS} servers", ours.len()),
        format!("ms: p50 {:.2}, p99.9 {:.2}, max {:.2}", at(5_000), at(9_990), at(10_000)),
        format!("over {LIMITS:?} ms: {waited:?}, textbook {chance:?}"),
    ];
    let mut shown = Shown { notes, ..Shown::default() };
    let is_chance = waited[0] <= 2 * chance[0] && waited[1] <= 2 * chance[1];
    shown.promise(is_chance && waited[2] <= chance[2], "a request waited while a worker was idle");
    Ok(shown)
}

/// Returns the time of each small request.
fn beside_a_sleeper(address: SocketAddr, seed: usize) -> io::Result<Vec<Duration>> {
    let (mut sleeper, mut small) = (connect(address)?, connect(address)?);
    get(&mut sleeper, "/small")?;
    get(&mut small, "/small")?;
    let sleep = request("/sleep/30");
    let trial = |number: usize| {
        sleeper.write_all(sleep.as_bytes())?;
        spin(Duration::from_micros(((number * 7 + seed * 13) % 121) as u64));
        let begun = Instant::now();
        get(&mut small, "/small")?;
        let took = begun.elapsed();
        answer(&mut sleeper)?;
        Ok(took)
    };
    (0..TRIALS).map(trial).collect()
}

/// Waits without sleeping: a sleep takes 50 us longer than requested.
fn spin(time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// Connections that keep the only worker in a handler: each waits for about a second.
const BUSY: usize = 300;
/// The limits of the server, in seconds.
const LIMIT: u64 = 2;
/// How long before the limit a client sends the awaited bytes.
const BEFORE: [u64; 5] = [600, 400, 200, 100, 50];
/// The number of clients for each kind and each time.
const CLIENTS: usize = 4;
const LONG: Duration = Duration::from_secs(16);

/// The bytes that the server waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaited {
    Request,
    RestOfHead,
    RestOfBody,
}

/// The responses that the clients got.
#[derive(Debug, Default, Clone, Copy)]
struct Told {
    served: usize,
    timed_out: usize,
    cut: usize,
}

/// One worker, 300 connections in `/sleep/3`, limits of two seconds. Clients that send before their limit
/// are served, though the worker reads what they sent only after it.
pub fn deadlines(subject: Subject, setting: &Setting) -> io::Result<Shown> {
    let flags =
        format!("--workers 1 --idle-time {LIMIT} --head-time {LIMIT} --transfer-grace {LIMIT}");
    let server = subject.start_ours(&setting.server, &setting.folder, &flags)?;
    let (address, over) = (server.address, &AtomicBool::new(false));
    let kinds = [Awaited::Request, Awaited::RestOfHead, Awaited::RestOfBody];
    let (told, busy) = thread::scope(|scope| {
        let busy: Vec<_> =
            (0..BUSY).map(|_| scope.spawn(move || sleep_on(address, over))).collect();
        thread::sleep(Duration::from_secs(1)); // until all handlers run
        let clients = |kind| {
            let client = |number: usize| {
                let before = Duration::from_millis(BEFORE[number % BEFORE.len()]);
                scope.spawn(move || send_before(address, kind, before))
            };
            (0..BEFORE.len() * CLIENTS).map(client).collect::<Vec<_>>()
        };
        let all = kinds.map(clients);
        let told = all.map(|clients| {
            let told = clients.into_iter().filter_map(|client| client.join().ok());
            told.fold(Told::default(), Told::and)
        });
        over.store(true, Ordering::Relaxed);
        let busy: Vec<_> = busy.into_iter().filter_map(|client| client.join().ok()).collect();
        (told, busy)
    });
    let asked: usize = busy.iter().map(|(asked, _)| asked).sum();
    let cut = busy.iter().filter(|(_, whole)| !whole).count() + (BUSY - busy.len());
    let mut shown = Shown::default();
    shown.notes.push(format!("{asked} × /sleep/3, {cut} of {BUSY} connections cut"));
    shown.promise(cut == 0, format!("{cut} busy connections cut"));
    for (kind, told) in kinds.iter().zip(told) {
        let Told { served, timed_out, cut } = told;
        shown.notes.push(format!("{kind:?}: {served} served, {timed_out} × 408, {cut} cut"));
        shown.promise(
            timed_out + cut == 0 && served > 0,
            format!("{} of {:?} sent in time and not served", timed_out + cut, kind),
        );
    }
    Ok(shown)
}

impl Told {
    fn and(self, other: Told) -> Told {
        Told {
            served: self.served + other.served,
            timed_out: self.timed_out + other.timed_out,
            cut: self.cut + other.cut,
        }
    }
}

/// Requests `/sleep/3` until the scene is over. Returns how often, and whether each got a response.
fn sleep_on(address: SocketAddr, over: &AtomicBool) -> (usize, bool) {
    let Ok(mut stream) = connect(address) else { return (0, false) };
    let mut asked = 0;
    while !over.load(Ordering::Relaxed) {
        match get(&mut stream, "/sleep/3") {
            Ok(answer) if answer.status == 200 => asked += 1,
            Ok(_) | Err(_) => return (asked, false),
        }
    }
    (asked, true)
}

/// Sends the awaited bytes `before` the limit, again and again, each time on a new connection.
fn send_before(address: SocketAddr, kind: Awaited, before: Duration) -> Told {
    let (begun, mut told) = (Instant::now(), Told::default());
    while begun.elapsed() < LONG {
        match once(address, kind, before) {
            Ok(200) => told.served += 1,
            Ok(408) => told.timed_out += 1,
            Ok(_) | Err(_) => told.cut += 1,
        }
    }
    told
}

/// Returns the status of the response.
fn once(address: SocketAddr, kind: Awaited, before: Duration) -> io::Result<u16> {
    let mut stream = connect(address)?;
    let small = request("/small");
    let post = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n1234";
    let (first, rest): (&str, &[u8]) = match kind {
        Awaited::Request => (&small, small.as_bytes()),
        Awaited::RestOfHead => ("GET /small HT", &small.as_bytes()["GET /small HT".len()..]),
        Awaited::RestOfBody => (post, b"5678"),
    };
    stream.write_all(first.as_bytes())?;
    if kind == Awaited::Request {
        answer(&mut stream)?;
    }
    // The limit begins when the server has read the first part, or has sent its response: not earlier.
    thread::sleep(Duration::from_secs(LIMIT) - before);
    stream.write_all(rest)?;
    Ok(answer(&mut stream)?.status)
}
