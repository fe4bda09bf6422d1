//! Runs a server: opens what the connections need, starts the driver, and accepts until a stop is requested.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use super::conn::{Http, HttpConfig};
use super::descriptors::Descriptors;
use super::heartbeat::Heartbeat;
use super::log::stats::{Sources, Stats};
use super::policy_queue::PolicyQueue;
use super::protocols::AllProtocols;
use super::proxies::Proxies;
use super::textbook_job::{Job, WorkerRecords};
use super::{Config, Driver, GRACE, Report, Server, StopSignal, WorkersReport};
use crate::net::accept::{Accepted, Callbacks};
use crate::net::admission::{ConnectionLimiter, RejectReason};
use crate::net::datagram::{Datagram, share_of_datagrams};
use crate::net::listen::Listeners;
use crate::net::lobby::{Lobby, QueueRules};
use crate::net::peer_address::PeerAddress;
use crate::net::service::{Load, Service as _};
use crate::net::socket::{descriptors, prepare_for};
use crate::net::worker_record::Doing;
use crate::pool::ThreadPool;
use crate::pool::pick::Schedule;
use crate::pool::thread_per_job::ThreadPerJob;

/// How long the last lines of the access log may take to be written.
const LAST_LINES: Duration = Duration::from_secs(1);

/// How much later than the deadline of a stop a worker may notice it and close its connection.
const NOTICE: Duration = Duration::from_millis(500);

/// A server that is about to accept: what all drivers need.
struct Starting<R> {
    listeners: Listeners,
    service: Arc<AllProtocols>,
    limiter: Arc<ConnectionLimiter>,
    stats: Arc<Stats>,
    stop: StopSignal,
    heartbeat: Heartbeat,
    lines_lost: Arc<AtomicU64>,
    schedule: Schedule,
    connections: usize,
    queue: usize,
    workers: usize,
    ready: R,
}

/// How accepting ended, the responses up to then, and how the workers ended.
type Ended = (io::Result<()>, u64, WorkersReport);

impl Server {
    /// Serves as [`Server::run`] does, and calls `ready` when all threads have started: the clients that have
    /// connected since the server was bound are served from then on.
    ///
    /// # Errors
    /// As [`Server::run`]. When threads cannot be started, or the server that hands its sockets over does not agree
    /// any more, `ready` has not been called.
    pub fn run_with(self, ready: impl FnOnce()) -> io::Result<Report> {
        let Server { listeners, config, routes, stop, heartbeat } = self;
        let Config { driver, schedule, workers, queue, stats, .. } = config;
        let divided = Descriptors::divide_as_configured(descriptors(), config.connections, workers);
        let (connections, listeners) =
            (divided.connections, listeners.with_refused(divided.refused));
        prepare_for(connections);
        let proxies = config.trusted_proxies;
        let limiter = ConnectionLimiter::behind(
            proxies.clone(),
            connections,
            config.per_address,
            config.overload,
        );
        let lines_lost = config.access_log.lost();
        let http = Arc::new(Http::new(HttpConfig {
            routes,
            limits: config.limits,
            allowed_hosts: config.allowed_hosts,
            cors: config.cors,
            fields: config.fields,
            // Handlers that stream wait for their clients: at least half the workers are left for others,
            // and a single worker streams nothing.
            streams: if driver == Driver::PerConnection { connections } else { workers / 2 },
            files: divided.transfers as u64,
            server_name: config.server_name,
            error_page: config.error_page,
            faults: config.faults,
            server_timing: config.server_timing,
            access_log: config.access_log,
            wire_log: config.wire_log,
            proxies: Proxies {
                trusted: proxies,
                protocol: config.proxy_protocol,
                limiter: Some(Arc::clone(&limiter)),
            },
            stats: Arc::clone(&stats),
            stop: stop.clone(),
        }));
        let service = Arc::new(AllProtocols { http: Arc::clone(&http), tls: config.tls });
        let counting = Arc::clone(&stats);
        let starting = Starting {
            listeners,
            service,
            limiter,
            stats,
            stop,
            heartbeat,
            lines_lost,
            schedule,
            connections,
            queue,
            workers,
            ready,
        };
        let (accepting, answered, workers) = match driver {
            Driver::Lobby => starting.run_lobby()?,
            Driver::Textbook => starting.run_textbook()?,
            Driver::PerConnection => starting.run_thread_per_connection(),
        };
        let finished = counting.responses() - answered;
        http.access_log.drain(LAST_LINES);
        accepting.map(|()| Report { finished, cut: http.cut(), workers })
    }
}

impl<R: FnOnce()> Starting<R> {
    fn run_lobby(self) -> io::Result<Ended> {
        let rules = QueueRules {
            capacity: self.queue,
            schedule: self.schedule.rule(),
            limiter: Arc::clone(&self.limiter),
        };
        let (service, stop) = (Arc::clone(&self.service), self.stop.clone());
        let lobby = Lobby::open(service, stop, self.connections, rules, self.workers)?;
        let (stop, load) = (self.stop.clone(), lobby.load());
        let (accepting, answered) =
            self.accept(|new| lobby.admit(new), |burst| lobby.deliver(burst), load);
        stop.request(GRACE);
        Ok((accepting, answered, lobby.close()))
    }

    fn run_textbook(self) -> io::Result<Ended> {
        let share = share_of_datagrams(self.queue);
        let policy = PolicyQueue::new(self.schedule, self.queue, &self.limiter).map(Arc::new);
        let records = Arc::new(WorkerRecords::new(self.workers));
        let (service, stopping) = (Arc::clone(&self.service), self.stop.clone());
        let (recording, picking) = (Arc::clone(&records), policy.clone());
        let pool =
            ThreadPool::start("worker", self.workers, self.queue, move |job: Job, waiting| {
                job.run(&service, picking.as_deref(), waiting, &stopping, &recording);
            })?;
        let (queue, gauge, queued) = (pool.queue(), pool.gauge(), pool.gauge());
        let load = move || Load {
            new: gauge.queued(),
            workers: gauge.workers(),
            busy: gauge.busy(),
            each: records.read(),
            ..Load::default()
        };
        let stop = self.stop.clone();
        let hand_over = |new| match &policy {
            Some(policy) => policy.admit(new, &queue),
            None => queue.try_send(Job::Connection(new)).map_err(connection),
        };
        let is_queued = |new| queued.queued() < share && queue.try_send(Job::Datagram(new)).is_ok();
        let (accepting, answered) = self.accept(hand_over, |burst| dropped(burst, is_queued), load);
        drop(queue);
        stop.request(GRACE);
        let end = stop.deadline().unwrap_or_else(Instant::now) + NOTICE;
        Ok((accepting, answered, pool.stop(end)))
    }

    /// Serves each connection on a thread of its own. There is no queue, so no schedule.
    fn run_thread_per_connection(self) -> Ended {
        let records = Arc::new(WorkerRecords::new(self.connections));
        let (service, stopping) = (Arc::clone(&self.service), self.stop.clone());
        let recording = Arc::clone(&records);
        let threads = ThreadPerJob::new("worker", self.connections, move |job: Job, waiting| {
            job.run(&service, None, waiting, &stopping, &recording);
        });
        let (running, most) = (threads.running(), self.connections);
        let load = move || {
            let (workers, mut each) = (running(), records.read());
            let startable = Some(most.saturating_sub(workers));
            let last = each.iter().rposition(|worker| worker.doing != Doing::Idle);
            each.truncate(last.map_or(0, |last| last + 1));
            Load { workers, busy: workers, startable, each, ..Load::default() }
        };
        let stop = self.stop.clone();
        let hand_over = |new| threads.try_run(Job::Connection(new)).map_err(connection);
        let runs = |new| threads.try_run(Job::Datagram(new)).is_ok();
        let (accepting, answered) = self.accept(hand_over, |burst| dropped(burst, runs), load);
        stop.request(GRACE);
        let end = stop.deadline().unwrap_or_else(Instant::now) + NOTICE;
        (accepting, answered, threads.stop(end))
    }

    /// Accepts until a stop is requested. Returns how that ended, and the number of responses up to then.
    fn accept(
        self,
        hand_over: impl FnMut(Accepted) -> Result<(), Accepted>,
        deliver: impl FnMut(Vec<Datagram>) -> usize,
        load: impl Fn() -> Load + Send + Sync + 'static,
    ) -> (io::Result<()>, u64) {
        let Starting { mut listeners, service, limiter, stats, stop, lines_lost, .. } = self;
        let http = Arc::clone(&service.http);
        let datagrams = listeners.datagram_counts();
        let routes = Arc::downgrade(&http);
        stats.runs(Sources {
            stop: stop.clone(),
            door: Arc::clone(&limiter),
            lines_lost,
            load: Box::new(move || Load { datagrams: datagrams(), ..load() }),
            name_of: Box::new(move |number| routes.upgrade()?.routes.name_of(number)),
        });
        let refusal = |why: RejectReason, peer: PeerAddress| http.refusal(why, peer);
        let Heartbeat { every, mut beat } = self.heartbeat;
        let tick = || {
            http.routes.tidy();
            if let Some(tls) = &service.tls {
                tls.refresh();
            }
            beat();
        };
        if let Err(error) = listeners.take_charge(&stop) {
            return (Err(error), stats.responses());
        }
        (self.ready)();
        let callbacks = Callbacks { hand_over, deliver, refusal, every, tick };
        let accepting = listeners.accept_until(&stop, &limiter, callbacks);
        (accepting, stats.responses())
    }
}

/// Returns the connection of a job that was not taken.
fn connection(job: Job) -> Accepted {
    match job {
        Job::Connection(accepted) => accepted,
        Job::Picked | Job::Datagram(_) => unreachable!("it was a connection"),
    }
}

/// Sends each datagram to the workers. Returns how many there was no room for.
fn dropped(burst: Vec<Datagram>, is_queued: impl FnMut(Datagram) -> bool) -> usize {
    burst.into_iter().map(is_queued).filter(|&queued| !queued).count()
}
