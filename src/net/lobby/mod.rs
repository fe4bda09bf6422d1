//! The lobby: the place where connections wait that have no work for a worker.
//!
//! A worker has a connection only while there is work at hand for it. A client that is silent, sends
//! slowly or reads slowly waits here, in an epoll set, and costs no thread.
//!
//! To hand a request to another thread costs more than most requests do. So one worker at a time **leads**
//! (the Leader/Followers pattern): it waits for events and serves the ready connections itself. Before it
//! begins work that is usually long, such as a handler that queries a database, it passes the lead on and
//! calls other workers. A **supervisor** thread notices work that is long unexpectedly, keeps the
//! deadlines, and sheds load when all workers are busy.
//!
//! The call tree, from `accept` to the wait for the next request:
//!
//! ```text
//! accept thread   Listeners::accept_until
//!                 └─ Admitter::admit
//!                    └─ Lobby::admit
//!                       ├─ Queues::admit             into the crossbeam channel
//!                       └─ Shared::wake_leader
//! worker thread   worker_loop (pool.rs)
//!                 └─ Shared::work                    until nothing is left to do
//!                    └─ Worker::serve_all
//!                       ├─ Worker::lead              one worker; the others help
//!                       │  ├─ Queues::next, Worker::serve
//!                       │  └─ Poller::wait, Shared::deliver, Queues::push_ready
//!                       └─ Queues::next, Worker::serve
//!                          └─ Shared::serve_new      a new connection takes its slot
//!                             └─ Shared::serve
//!                                ├─ LobbyConnection::turn
//!                                │  └─ Service::turn    receive, route, handle, send
//!                                │     └─ Worker::before   a long handler: pass on the lead, call others
//!                                └─ Shared::settle      what the turn needs next
//!                                   ├─ Shared::register    wait in the epoll set
//!                                   ├─ Shared::requeue     more is at hand
//!                                   └─ Shared::leave       close
//! supervisor      Shared::supervise
//!                 ├─ Shared::look_at_turns           long work that was not announced
//!                 ├─ Shared::replace_leader          all workers busy: events, Shared::shed_load
//!                 ├─ Shared::check_deadlines
//!                 └─ Shared::serve_beside_workers    what needs no worker, when all are busy
//! ```
//!
//! | file | what it knows |
//! |---|---|
//! | `ownership` | which thread owns a connection: one atomic word, model-checked |
//! | `leadership` | which worker leads: one atomic word, model-checked |
//! | `crew` | which workers are idle, present, or in long work: model-checked |
//! | `events` | what each connection is registered for, and which of them an event makes ready |
//! | `policy` | every rule of thumb with its figure, as pure functions |
//! | `queue` | the three queues: new, ready, and resumed connections |
//! | `order` | which of them is next, or is dropped, if a policy says so |
//! | `slot` | one connection, its deadline, and its lingering close |
//! | `worker` | the leader and its helpers |
//! | `wake` | another turn for a connection that waits for something to send |
//! | `supervisor` | the thread that supervises workers and deadlines |
//! | `beside` | what the supervisor serves when all workers are busy |
//!
//! This is the only place where a socket is not waited for by the thread that serves it. The turns are
//! those of the same [`Service`] that the textbook drives.

mod beside;
mod crew;
mod events;
mod leadership;
mod order;
mod ownership;
mod policy;
mod queue;
mod slot;
mod supervisor;
mod wake;
mod worker;

use std::cell::OnceCell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};
use std::{io, iter};

use self::crew::{Activity, Crew};
pub use self::queue::QueueRules;
use self::queue::{New, Queues};
use self::slot::{DeadlineCell, PHASES, Slot};
use super::accept::Accepted;
use super::datagram::{Datagram, DatagramCounts};
use super::deadline::Phase;
use super::poller::Poller;
use super::service::{EndReason, Load, Service};
use super::stop_signal::StopSignal;
use super::thread_usage::ThreadId;
use super::usual_time::UsualTime;
use crate::pool::start_thread::start_thread;
use crate::pool::{Queue, Report, ThreadPool};
use crate::sync::lock;

/// The connections, and everything else that the threads of a lobby share.
struct Shared<S: Service> {
    service: Arc<S>,
    stop: StopSignal,
    /// One for each connection that may be open.
    slots: Box<[Slot<S>]>,
    /// Their deadlines, side by side in memory, because the supervisor reads all of them.
    deadlines: Box<[DeadlineCell]>,
    /// The indices of empty slots.
    free: Mutex<Vec<usize>>,
    queues: Queues<S::Connection>,
    /// The channel on which idle workers wait to be called; `None` when the lobby is closed.
    calls: Mutex<Option<Queue<Call>>>,
    poller: Poller,
    crew: Crew,
    /// What each worker is doing.
    activities: Box<[Activity]>,
    /// The thread of each worker, once it has started.
    threads: Box<[OnceLock<ThreadId>]>,
    /// The usual time of a turn that is not long work.
    usual_turn: UsualTime,
    cores: usize,
    supervisor: OnceLock<Thread>,
    /// True while the supervisor sleeps until the leader wakes it.
    supervisor_sleeps: AtomicBool,
    /// Until when the supervisor looks more often, in nanoseconds since the lobby opened.
    closely_until: AtomicU64,
    closed: AtomicBool,
    opened: Instant,
    /// This value itself, for the wakers.
    myself: Weak<Shared<S>>,
}

/// The job of the pool's workers: to lead if no worker does, else to help.
#[derive(Debug)]
struct Call;

/// A lobby, its workers and its supervisor.
pub struct Lobby<S: Service> {
    shared: Arc<Shared<S>>,
    pool: ThreadPool<Call>,
    supervisor: JoinHandle<()>,
    /// Until when a full queue is not waited for again, in milliseconds since the lobby opened.
    jammed_until: AtomicU64,
}

impl<S: Service> Lobby<S> {
    /// Opens a lobby for `connections` connections and starts `workers` threads to serve them. `rules` say how
    /// many may wait for a worker, and which of them is next.
    ///
    /// # Errors
    /// When the operating system refuses a thread or a descriptor.
    pub fn open(
        service: Arc<S>,
        stop: StopSignal,
        connections: usize,
        rules: QueueRules,
        workers: usize,
    ) -> io::Result<Lobby<S>> {
        let workers = workers.max(1);
        // Each thread that closes a connection drops its permit a moment before it frees the slot.
        let slots = connections + workers + 1;
        let poller = Poller::new()?;
        let shared = Arc::new_cyclic(|myself| Shared {
            service,
            stop,
            slots: iter::repeat_with(Slot::new).take(slots).collect(),
            deadlines: iter::repeat_with(DeadlineCell::default).take(slots).collect(),
            free: Mutex::new((0..slots).rev().collect()),
            queues: Queues::new(rules),
            calls: Mutex::new(None),
            poller,
            crew: Crew::new(workers),
            activities: iter::repeat_with(Activity::new).take(workers).collect(),
            threads: iter::repeat_with(OnceLock::new).take(workers).collect(),
            usual_turn: UsualTime::unknown(),
            cores: thread::available_parallelism().map_or(1, usize::from),
            supervisor: OnceLock::new(),
            supervisor_sleeps: AtomicBool::new(false),
            closely_until: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            opened: Instant::now(),
            myself: Weak::clone(myself),
        });
        let working = Arc::clone(&shared);
        let pool = ThreadPool::start("worker", workers, workers, move |Call, _| working.work())?;
        *shared.calls() = Some(pool.queue());
        let supervising = Arc::clone(&shared);
        let supervisor =
            start_thread("supervisor", "the supervisor", move || supervising.supervise())?;
        shared.call(); // the first leader
        Ok(Lobby { shared, pool, supervisor, jammed_until: AtomicU64::new(0) })
    }

    /// Puts a new connection into the queue and wakes the leader.
    ///
    /// # Errors
    /// Returns the connection if there is no free slot, or the queue stays full.
    pub fn admit(&self, accepted: Accepted) -> Result<(), Accepted> {
        let shared = &self.shared;
        let Some(index) = shared.free().pop() else { return Err(accepted) };
        let new = |accepted| {
            let connection = Box::new(shared.service.open(&accepted));
            New { index, accepted, connection, size: OnceCell::new() }
        };
        let admitted = if !shared.queues.is_full() || self.queue_drains() {
            shared.queues.admit(new(accepted))
        } else if let Some(victim) = shared.queues.victim() {
            shared.admit_instead(new(accepted), victim);
            Ok(())
        } else {
            Err(accepted)
        };
        match &admitted {
            Ok(()) => drop(shared.wake_leader()),
            Err(_) => shared.free().push(index),
        }
        admitted
    }

    /// Puts datagrams into the queue of new connections and wakes the leader. Drops those that come when
    /// half of the queue is taken, and returns their number: a connection is not refused because of datagrams.
    pub fn deliver(&self, burst: Vec<Datagram>) -> usize {
        let queues = &self.shared.queues;
        let dropped = burst
            .into_iter()
            .map(|datagram| queues.deliver(datagram))
            .filter(|&queued| !queued)
            .count();
        self.shared.wake_leader();
        dropped
    }

    /// Returns a function that reads the load of the lobby.
    pub fn load(&self) -> impl Fn() -> Load + Send + Sync + use<S> {
        let (shared, gauge) = (Arc::downgrade(&self.shared), self.pool.gauge());
        move || {
            let Some(shared) = shared.upgrade() else { return Load::default() };
            // A leader that waits for events serves no connection.
            let busy = gauge.busy().saturating_sub(usize::from(shared.crew.lead.is_asleep()));
            let (new, ready) = (shared.queues.new_len(), shared.queues.ready_len());
            let oldest = shared.queues.oldest().map(|since| since.elapsed());
            let (datagrams, now) = (DatagramCounts::default(), shared.nanoseconds(Instant::now()));
            let each = shared.activities.iter().map(|activity| activity.read(now)).collect();
            let is_full = busy >= gauge.workers();
            let computing = if is_full { shared.computing() } else { 0 };
            Load {
                waiting: shared.waiting(),
                new,
                ready,
                oldest,
                workers: gauge.workers(),
                busy,
                startable: None,
                computing,
                datagrams,
                each,
            }
        }
    }

    /// Waits a moment for room in the full queue of new connections. Returns false if there is none: all
    /// workers are in handlers, and the next calls do not wait for [`policy::JAMMED_FOR`].
    fn queue_drains(&self) -> bool {
        let queues = &self.shared.queues;
        let now = || u64::try_from(self.shared.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        if now() < self.jammed_until.load(Ordering::Relaxed) {
            return false;
        }
        for _ in 0..policy::FULL_QUEUE_LOOKS {
            thread::sleep(policy::FULL_QUEUE_PAUSE);
            if !queues.is_full() {
                return true;
            }
        }
        self.jammed_until.store(now() + policy::JAMMED_FOR, Ordering::Relaxed);
        false
    }

    /// Closes the lobby after a stop was requested: idle connections are closed at once and the others
    /// after their response; what is left at the deadline of the stop is cut.
    pub fn close(self) -> Report {
        let Lobby { shared, pool, supervisor, .. } = self;
        // The supervisor cuts in its next round. A handler that does not return is left to itself.
        let end = shared.stop.deadline().unwrap_or_else(Instant::now) + policy::CUT_GRACE;
        while shared.open() > 0 && Instant::now() < end {
            thread::sleep(Duration::from_millis(5));
        }
        shared.closed.store(true, Ordering::SeqCst);
        shared.calls().take();
        shared.poller.wake();
        supervisor.thread().unpark();
        if supervisor.join().is_err() {
            log::error!("the supervisor panicked");
        }
        // However late it is, idle workers need a moment to end and be counted.
        let report = pool.stop(end.max(Instant::now() + policy::REPORT_GRACE));
        // A connection that always had something at hand never waited, so the supervisor did not cut it.
        for slot in &shared.slots {
            if let Some(connection) = slot.take_abandoned() {
                connection.close(&shared.service, EndReason::Cut);
            }
        }
        report
    }
}

impl<S: Service> Shared<S> {
    /// Returns the number of connections.
    fn open(&self) -> usize {
        self.slots.len() - self.free().len()
    }

    /// Returns how many of the first [`policy::LOOKED_AT`] workers run, or could run, and do not wait.
    fn computing(&self) -> usize {
        let started = self.threads.iter().take(policy::LOOKED_AT).filter_map(OnceLock::get);
        started.filter(|thread| !thread.is_waiting()).count()
    }

    /// Returns the number of waiting connections for each phase.
    fn waiting(&self) -> Vec<(Phase, usize)> {
        let mut counts = PHASES.map(|phase| (phase, 0));
        for (phase, _) in self.deadlines.iter().filter_map(|deadline| deadline.read(Duration::ZERO))
        {
            counts.iter_mut().filter(|(known, _)| *known == phase).for_each(|(_, n)| *n += 1);
        }
        counts.to_vec()
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Returns an instant as nanoseconds since the lobby opened.
    fn nanoseconds(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.opened).as_nanos()).unwrap_or(u64::MAX)
    }

    /// Queues a connection that the caller owns and that has had a turn. The caller looks at the queues
    /// itself, or wakes the leader.
    fn requeue(&self, index: usize) {
        self.queues.requeue(index, Instant::now());
    }

    /// Wakes the leader if it sleeps, after a queue was filled. Returns true if it slept.
    fn wake_leader(&self) -> bool {
        let slept = self.crew.lead.wake_if_asleep();
        if slept {
            self.poller.wake();
        }
        slept
    }

    /// Calls an idle worker. Returns false if no worker is idle.
    fn call(&self) -> bool {
        // The channel has room for a call to each worker.
        self.crew.call() && self.calls().as_ref().is_some_and(|calls| calls.try_send(Call).is_ok())
    }

    fn calls(&self) -> std::sync::MutexGuard<'_, Option<Queue<Call>>> {
        lock(&self.calls)
    }

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<usize>> {
        lock(&self.free)
    }
}
