//! The job of a worker of the textbook: a connection, of any protocol, or a datagram.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::blocking::Textbook;
use super::blocking_turns::BlockingTurns;
use super::policy_queue::PolicyQueue;
use super::protocols::AllProtocols;
use super::proxies::header::{NamedClient, ProxyHeader};
use super::textbook;
use crate::net::accept::Accepted;
use crate::net::datagram::Datagram;
use crate::net::service::{Protocol, ProtocolConnection as _, Speaks};
use crate::net::stop_signal::StopSignal;
use crate::net::worker_record::{Doing, UNNAMED, WorkerLoad, WorkerRecord};
use crate::pool::{Backlog, current_worker};

/// What crosses the channel of the pool.
pub(super) enum Job {
    Connection(Accepted),
    /// The connection that the policy queue picks.
    Picked,
    Datagram(Datagram),
}

/// What each worker of the textbook has served, and is doing.
pub(super) struct WorkerRecords {
    opened: Instant,
    each: Box<[JobRecord]>,
}

/// The record of one worker.
#[derive(Default)]
#[repr(align(64))] // a cache line for each worker
struct JobRecord {
    /// When its job began, in nanoseconds since `opened`; 0 between two jobs.
    begun: AtomicU64,
    record: WorkerRecord,
}

impl WorkerRecords {
    /// Returns the records of `workers` workers.
    pub(super) fn new(workers: usize) -> WorkerRecords {
        let each = std::iter::repeat_with(JobRecord::default).take(workers.max(1)).collect();
        WorkerRecords { opened: Instant::now(), each }
    }

    /// Returns what each worker has served, and is doing.
    pub(super) fn read(&self) -> Vec<WorkerLoad> {
        let now = self.nanoseconds();
        let read = |JobRecord { begun, record }: &JobRecord| match begun.load(Ordering::Relaxed) {
            0 => record.read(|_| Doing::Idle),
            begun => {
                let since = Duration::from_nanos(now.saturating_sub(begun));
                record.read(|work| Doing::Serves { work, since })
            }
        };
        self.each.iter().map(read).collect()
    }

    /// Records that the worker that calls this begins a job.
    fn begin(&self) -> Running<'_> {
        let index = current_worker().map_or(0, |number| number - 1);
        self.each[index].record.begin(UNNAMED);
        self.each[index].begun.store(self.nanoseconds(), Ordering::Relaxed);
        Running(&self.each[index])
    }

    fn nanoseconds(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_nanos()).unwrap_or(u64::MAX).max(1)
    }
}

/// A job that runs. It has ended when this is dropped, also by a panic.
struct Running<'a>(&'a JobRecord);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.begun.store(0, Ordering::Relaxed);
    }
}

impl Job {
    /// Serves the connection to its end, or answers the datagram.
    pub(super) fn run(
        self,
        service: &AllProtocols,
        policy: Option<&PolicyQueue>,
        waiting: &Backlog<'_>,
        stop: &StopSignal,
        records: &WorkerRecords,
    ) {
        let running = records.begin();
        let record = &running.0.record;
        let driver = Textbook { waiting, stop, record };
        match self {
            Job::Datagram(datagram) => datagram.answer(record),
            Job::Connection(accepted) => serve(service, accepted, driver),
            Job::Picked => {
                let next = policy.and_then(|policy| policy.next(&service.http));
                next.into_iter().for_each(|accepted| serve(service, accepted, driver));
            }
        }
    }
}

/// Serves a connection to its end.
fn serve(service: &AllProtocols, accepted: Accepted, driver: Textbook<'_>) {
    match accepted.speaks.clone() {
        Speaks::Own | Speaks::OwnEncrypted if service.http.proxies.announces(accepted.peer) => {
            serve_announced(service, accepted, driver);
        }
        Speaks::Own => textbook::serve(&service.http, accepted, None, driver),
        Speaks::OwnEncrypted => serve_encrypted(service, accepted, driver),
        Speaks::Other(protocol) => serve_other(service, &*protocol, accepted, driver),
    }
}

/// Serves a connection of a proxy, which names the client first.
fn serve_announced(service: &AllProtocols, mut accepted: Accepted, driver: Textbook<'_>) {
    let mut header = Box::new(ProxyHeader::new(&service.http, &accepted));
    let turns = BlockingTurns { connection: &mut *header, stream: &accepted.stream, driver };
    let ended = turns.serve(accepted.at.elapsed());
    match header.client.take() {
        Some(NamedClient { peer, permit }) if accepted.stream.set_nonblocking(false).is_ok() => {
            accepted.permit.count_as(permit);
            let accepted = Accepted { peer, at: Instant::now(), ..accepted };
            match header.is_encrypted {
                true => serve_encrypted(service, accepted, driver),
                false => textbook::serve(&service.http, accepted, None, driver),
            }
        }
        _ => header.close(ended),
    }
}

/// Serves an encrypted connection, which begins with a handshake.
fn serve_encrypted(service: &AllProtocols, accepted: Accepted, driver: Textbook<'_>) {
    let client = NamedClient { peer: accepted.peer, permit: None };
    let mut handshake = Box::new(service.begin_handshake(client));
    let turns = BlockingTurns { connection: &mut *handshake, stream: &accepted.stream, driver };
    let ended = turns.serve(accepted.at.elapsed());
    match handshake.complete() {
        Some(session) if accepted.stream.set_nonblocking(false).is_ok() => {
            let accepted = Accepted { at: Instant::now(), ..accepted };
            textbook::serve(&service.http, accepted, Some(session), driver);
        }
        _ => handshake.close(ended),
    }
}

/// Serves a connection of a protocol beside HTTP.
fn serve_other(
    service: &AllProtocols,
    protocol: &dyn Protocol,
    accepted: Accepted,
    driver: Textbook<'_>,
) {
    // The permit is released before the stream is closed, as in `textbook.rs`.
    let Accepted { stream, peer, at, permit: _permit, .. } = accepted;
    let mut connection = protocol.open(peer);
    let turns = BlockingTurns { connection: &mut *connection, stream: &stream, driver };
    let ended = turns.serve(at.elapsed());
    service.close_other(connection, ended);
}
