//! What the workers are doing at this moment, and who waits for them: for people, and for programs.

use std::time::Duration;

use super::stats::{Sources, Stats};
use crate::net::admission::RejectReason;
use crate::net::service::Load;
use crate::net::worker_record::{DATAGRAM, Doing, SENDING, UNNAMED, WorkerLoad};

/// What the workers of a server are doing at a moment, and who waits for them: [`Stats::pool`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolStatus {
    /// Each worker, in the order of their numbers, which begin with 1.
    pub workers: Vec<WorkerStatus>,
    /// How many more threads may be started, where each connection has one of its own
    /// ([`Driver::PerConnection`](crate::server::Driver::PerConnection)).
    pub startable: Option<usize>,
    /// Of all workers, when none is free, those that compute, and do not wait. (At most 64 are looked at; with
    /// the textbook, none.)
    pub computing: usize,
    /// The new connections that wait for a worker, and the requests on kept ones.
    pub waiting: usize,
    /// How long the longest of them has waited, if that is known.
    pub oldest: Option<Duration>,
    /// The connections that wait without a worker, by what they wait for; empty with the textbook, where each
    /// has one.
    pub lobby: Vec<(&'static str, usize)>,
    /// The open connections.
    pub open: usize,
    /// The connections and requests that were answered with 503 since the start, by what was full.
    pub refused: Vec<(&'static str, u64)>,
    /// Whether the server stops, or is about to.
    pub is_stopping: bool,
}

/// What one worker has served, and is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerStatus {
    /// The requests that it has given to handlers, and the datagrams.
    pub served: u64,
    /// What it is doing.
    pub activity: WorkerActivity,
    /// How long; zero if it is free. With the textbook it is the time of its connection.
    pub since: Duration,
}

/// What a worker is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkerActivity {
    /// It waits to be called.
    Idle,
    /// It waits for the events of all connections in the lobby, and is as free as an idle one.
    Leads,
    /// It receives a request, or sends a short response.
    Receives,
    /// It is in the handler of this route.
    Handles(String),
    /// It sends a long body.
    Sends,
    /// It answers a datagram.
    AnswersDatagram,
}

impl WorkerActivity {
    /// Returns true if the worker is free.
    pub fn is_free(&self) -> bool {
        matches!(self, WorkerActivity::Idle | WorkerActivity::Leads)
    }
}

impl Stats {
    /// Returns what the workers are doing now, and who waits for them; `None` until the server runs.
    pub fn pool(&self) -> Option<PoolStatus> {
        let sources = self.sources()?;
        let Load { waiting, new, ready, oldest, computing, startable, each, .. } = (sources.load)();
        let refused = RejectReason::ALL.map(|why| (why.name(), sources.door.refused(why)));
        Some(PoolStatus {
            workers: each.iter().map(|worker| status_of(worker, sources)).collect(),
            startable,
            computing,
            waiting: new + ready,
            oldest,
            lobby: waiting.iter().map(|&(phase, count)| (phase.name(), count)).collect(),
            open: sources.door.open(),
            refused: refused.into_iter().chain([("ready", self.requests_shed())]).collect(),
            is_stopping: self.is_stopping(),
        })
    }
}

fn status_of(worker: &WorkerLoad, sources: &Sources) -> WorkerStatus {
    let (activity, since) = match worker.doing {
        Doing::Idle => (WorkerActivity::Idle, Duration::ZERO),
        Doing::Leads => (WorkerActivity::Leads, Duration::ZERO),
        Doing::Serves { work, since } => {
            let activity = match work {
                UNNAMED => WorkerActivity::Receives,
                SENDING => WorkerActivity::Sends,
                DATAGRAM => WorkerActivity::AnswersDatagram,
                work => WorkerActivity::Handles((sources.name_of)(work).unwrap_or_default()),
            };
            (activity, since)
        }
    };
    WorkerStatus { served: worker.served, activity, since }
}
