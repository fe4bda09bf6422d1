//! The load generator: many connections on few threads; each request is a whole HTTP exchange.
//!
//! Each response is read to its end and checked (status, framing, length). At a rate, time counts from
//! when a request was **due**, so a stalled server does not hide its own delay (coordinated omission).
//! A request without a response counts with the time it waited.
//!
//! | file | what it knows |
//! |---|---|
//! | `schedule` | when which request is due: pure |
//! | `turns` | which of several requests is next: pure |
//! | `encoded_request` | the bytes of the request, and the state of its response: sans-IO |
//! | `driver` | one thread: its connections, and waiting for all of them |
//! | `connection`, `destination` | one connection, and its outstanding requests; where it goes |
//! | `tally`, `timeline`, `url_tally` | what was measured, in fixed memory |
//! | `failure` | why a request failed |
//!
//! [`report`](super::report) evaluates the result.

mod connection;
mod destination;
mod driver;
mod encoded_request;
mod failure;
mod schedule;
mod tally;
mod timeline;
mod turns;
mod url_tally;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};
use std::{io, thread};

pub use self::failure::{Cause, Failure};
pub use self::schedule::Pace;
pub use self::tally::{LATE_THRESHOLD, Tally};
pub use self::timeline::{SLICES, Slice, Timeline};
pub use self::turns::order;
pub use self::url_tally::UrlTally;

use self::destination::Destination;
use self::driver::Driver;
use self::encoded_request::{EncodedRequest, Shapes};
use self::schedule::{LoadAmount, Schedule};
use self::turns::Turns;
use crate::client::{Client, Config, ConnectOptions, Error, ErrorKind, Request, Version};
use crate::command::server_usage::server_usage;

/// What is measured.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The requests, at least one, all on the same route.
    pub turns: Vec<Request>,
    /// The weight of each of them.
    pub weights: Vec<u32>,
    /// The indexes of the requests in the order in which they are sent, again and again ([`order`]).
    pub order: Arc<[u32]>,
    /// The number of connections open at a time: at least 1.
    pub connections: usize,
    /// The number of threads that share them: at least 1.
    pub threads: usize,
    /// How requests follow each other.
    pub pace: Pace,
    /// The number of requests. Without this and `duration` the run goes on until it is stopped.
    pub requests: Option<u64>,
    /// The duration, after the warm-up.
    pub duration: Option<Duration>,
    /// The duration of the warm-up, whose requests do not count.
    pub warm_up: Duration,
    /// The number of requests on one connection. The last one says `Connection: close`.
    pub per_connection: Option<u64>,
    /// The number of requests sent on a connection before the first response: 1 is no pipelining.
    pub pipeline: usize,
    /// The time limit for a connection to be established, for a due request to be sent, and for a
    /// response to be complete.
    pub patience: Duration,
    /// How the address is found.
    pub connect: ConnectOptions,
}

/// What was measured.
#[derive(Debug)]
pub struct LoadResult {
    /// The sum over all threads.
    pub tally: Tally,
    /// From the end of the warm-up to the end of the duration, or to the last response if that was
    /// later.
    pub took: Duration,
    /// The share of its time that each thread was busy: at 1.0 it never waited.
    pub busy: Vec<f64>,
    /// What a server on this machine has used, warm-up included, and for how many responses.
    pub server: Option<ServerCost>,
}

/// What the server has used for the responses of a measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerCost {
    /// All responses, those of the warm-up included.
    pub answers: u64,
    /// Processor time for these, to a hundredth of a second.
    pub cpu: Duration,
    /// The most memory that it has had at a time since it started, in kilobytes.
    pub peak_kb: u64,
    /// Its threads at the end.
    pub threads: u64,
}

/// Counts what is done so far, warm-up included.
#[derive(Debug, Default)]
pub struct LoadProgress {
    answers: AtomicU64,
    failures: AtomicU64,
}

impl LoadProgress {
    /// Returns the number of complete responses.
    pub fn answers(&self) -> u64 {
        self.answers.load(Ordering::Relaxed)
    }

    /// Returns the number of failed requests.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }
}

/// What all threads share.
struct Job<'p> {
    plan: &'p Plan,
    shapes: Vec<[EncodedRequest; 2]>,
    destination: Destination,
    begin: Instant,
    progress: LoadProgress,
    stop: &'p AtomicBool,
}

/// Measures until the plan is complete or `stop` is set. `observe` is called at intervals.
///
/// # Errors
/// When nothing can be measured: the request is not valid, the host has no address, or it accepts no
/// connection; [`ErrorKind::Receive`] when there are no descriptors or threads to wait with.
pub fn run(
    plan: &Plan,
    stop: &AtomicBool,
    mut observe: impl FnMut(Duration, &LoadProgress),
) -> Result<LoadResult, Error> {
    let shapes = plan.turns.iter().map(|request| shapes(request, &plan.connect));
    let shapes = shapes.collect::<Result<Vec<_>, _>>()?;
    // One connection is made and closed: if it fails, all would fail.
    let connect = plan.connect.clone();
    let client = Client::with_config(Config { connect, ..Config::default() });
    let client = client.connect_timeout(plan.patience);
    let destination = Destination::from(client.probe(plan.turns[0].url())?);
    let usage = || destination.address().and_then(server_usage);
    let before = usage();
    let (begin, progress) = (Instant::now(), LoadProgress::default());
    let job = Job { plan, shapes, destination: destination.clone(), begin, progress, stop };
    let threads = plan.threads.clamp(1, plan.connections.max(1));
    let measured = thread::scope(|scope| {
        let (done, wait) = mpsc::channel();
        for index in 0..threads {
            let (job, done) = (&job, done.clone());
            let thread = thread::Builder::new().name(format!("bench-{index}"));
            let run = move || done.send(measure(job, index, threads)).unwrap_or_default();
            thread.spawn_scoped(scope, run)?;
        }
        drop(done);
        let mut measured = Vec::new();
        loop {
            match wait.recv_timeout(Duration::from_millis(200)) {
                Ok(one) => measured.push(one?),
                Err(RecvTimeoutError::Timeout) => observe(begin.elapsed(), &job.progress),
                Err(RecvTimeoutError::Disconnected) => return Ok::<_, io::Error>(measured),
            }
        }
    });
    let measured = measured.map_err(ErrorKind::Receive)?;
    let mut all = Tally::new(plan.duration, plan.turns.len());
    measured.iter().for_each(|one| all.add(&one.tally));
    let server = before.zip(usage()).map(|(before, after)| ServerCost {
        answers: job.progress.answers(),
        cpu: after.cpu.saturating_sub(before.cpu),
        peak_kb: after.peak_kb,
        threads: after.threads,
    });
    let began = begin + plan.warm_up;
    let ended = measured.iter().map(|one| one.ended).max().unwrap_or(began);
    Ok(LoadResult {
        tally: all,
        took: ended.saturating_duration_since(began),
        busy: measured.iter().map(|one| one.busy).collect(),
        server,
    })
}

/// The result of one thread.
struct Measured {
    tally: Tally,
    ended: Instant,
    busy: f64,
}

/// Sends the share of one thread, and returns what it measured.
fn measure(job: &Job<'_>, index: usize, threads: usize) -> io::Result<Measured> {
    let plan = job.plan;
    let share = plan.connections / threads + usize::from(index < plan.connections % threads);
    let turn = (index, threads);
    let load = LoadAmount {
        pace: plan.pace,
        warm_up: plan.warm_up,
        duration: plan.duration,
        requests: plan.requests,
    };
    let schedule = Schedule::new(load, turn, job.begin);
    let turns = Turns::new(&plan.order, index, threads);
    Driver::new(job, schedule, Shapes::new(job.shapes.clone(), turns), share)?.run()
}

/// Returns the usual request, and the last one on its connection.
fn shapes(request: &Request, connect: &ConnectOptions) -> Result<[EncodedRequest; 2], Error> {
    let route = connect.route(request.url()).map_err(ErrorKind::Proxy)?;
    // The generator does not wait for a 100 (Continue); the user can send the field all the same.
    let usual = request.clone().without_default("expect");
    let (mut kept, mut last) = (usual.clone(), usual);
    // A Connection field of the user is kept.
    if !kept.has_header("connection") {
        if kept.version() == Version::Http10 {
            kept = kept.with_header("Connection", "keep-alive")?;
        }
        last = last.with_header("Connection", "close")?;
    }
    Ok([EncodedRequest::new(&kept, route)?, EncodedRequest::new(&last, route)?])
}
